"""
What NOTIFY tells of an account in memory (RFC 5465), as Dovecot does it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from imapsync.testing.accounts import Account, Folder


@dataclass(frozen=True)
class _Told:
    """
    What was told of a mailbox.
    """

    folder: Folder
    subscribed: bool
    items: dict[str, int]


class Notices:
    """
    What there is to tell, since it was told last.

    Nothing is told of the selected mailbox, not even later; names are plain
    UTF-8; and a STATUS has only what changed.
    """

    def __init__(self, account: Account) -> None:
        self._account = account
        self._told: dict[str, _Told] = {}

    def first(self, selected: Folder | None) -> Iterator[bytes]:
        """
        The STATUS of each mailbox.
        """
        self._told = {name: self._now(name) for name in self._account.folders}
        for name, now in self._told.items():
            if now.folder is not selected:
                yield _status(name, now.items)

    def news(self, selected: Folder | None) -> Iterator[bytes]:
        """
        What changed.
        """
        before, self._told = (
            self._told,
            {name: self._now(name) for name in self._account.folders},
        )
        names = {id(told.folder): name for name, told in before.items()}
        renamed = set()
        for name, now in self._told.items():
            was = before.get(name)
            if was is not None and was.folder is now.folder:
                if was.subscribed != now.subscribed:
                    yield self._list(name)
                changed = _changed(was.items, now.items)
                if changed and now.folder is not selected:
                    yield _status(name, changed)
                continue
            oldName = names.get(id(now.folder), "")
            renamed.add(oldName)
            yield self._list(name, oldName=oldName)
            if not oldName and now.folder.messages:
                yield _status(name, now.items)
        for name in before.keys() - self._told.keys() - renamed:
            yield self._list(name, "\\NonExistent")

    def _now(self, name: str) -> _Told:
        folder = self._account.folders[name]
        items = {
            "MESSAGES": len(folder.messages),
            "UIDNEXT": folder.uidnext,
            "UIDVALIDITY": folder.uidvalidity,
            "HIGHESTMODSEQ": folder.modseq,
        }
        return _Told(folder, folder.subscribed, items)

    def _list(self, name: str, attribute: str = "", oldName: str = "") -> bytes:
        folder = self._account.folders.get(name)
        if folder is not None and folder.subscribed:
            attribute = "\\Subscribed"
        separator = self._account.separator.encode()
        data = b' ("OLDNAME" (%s))' % _plain(oldName) if oldName else b""
        words = (attribute.encode(), separator, _plain(name), data)
        return b'* LIST (%s) "%s" %s%s\r\n' % words


def _changed(was: dict[str, int], now: dict[str, int]) -> dict[str, int]:
    changed = {key for key in now if now[key] != was[key]}
    if changed & {"MESSAGES", "UIDNEXT"}:
        changed |= {"MESSAGES", "UIDNEXT"}
    return {key: value for key, value in now.items() if key in changed}


def _status(name: str, items: dict[str, int]) -> bytes:
    told = " ".join(f"{key} {value}" for key, value in items.items())
    return b"* STATUS %s (%s)\r\n" % (_plain(name), told.encode())


def _plain(name: str) -> bytes:
    octets = name.encode()
    if octets.isascii():
        return b'"%s"' % octets.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
    return b"{%d}\r\n%s" % (len(octets), octets)
