"""
Commands about mailboxes as a whole, up to selecting one; and about none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from imapsync import names
from imapsync.names import isWithin
from imapsync.testing.accounts import Folder, Message
from imapsync.testing.conversation import Conversation
from imapsync.testing.notices import Notices
from imapsync.uidset import UidSet


class MailboxDialogue(Conversation):
    """
    A L{Conversation} about them.
    """

    def _CAPABILITY(self, _tag: str) -> None:
        self._say(f"* CAPABILITY {' '.join(sorted(self.account.capabilities))}")

    def _AUTHENTICATE(self, _tag: str, *_words: object) -> None:
        pass

    _LOGIN = _ID = _AUTHENTICATE

    def _COMPRESS(self, _tag: str, _method: str) -> None:
        self._agreed = True

    def _NOOP(self, _tag: str) -> None:
        # No other command is the one to tell it, though most servers do.
        # After NOTIFY, Dovecot does not even tell it then.
        if self._folder is not None and self._notices is None:
            self._changed()

    def _ENABLE(self, _tag: str, name: str) -> None:
        self._say(f"* ENABLED {name}")

    def _NAMESPACE(self, _tag: str) -> None:
        told = f'(("" "{self.account.separator}")) NIL NIL'
        self._say(f"* NAMESPACE {self.account.namespaces or told}")

    def _LOGOUT(self, _tag: str) -> None:
        self._say("* BYE")
        self.closing = True

    def _NOTIFY(self, _tag: str, *_words: object) -> None:
        if self._notices is not None:
            self._notices = None  # Dovecot does that, too
            return
        self._notices = Notices(self.account)
        self.output += b"".join(self._notices.first(self._folder))

    def _IDLE(self, tag: str) -> None:
        self._idle = tag

    def _LIST(self, _tag: str, first: object, *words: Any) -> str:
        # As on real servers, mere names are told only to those who ask so.
        chosen = isinstance(first, list) and "SUBSCRIBED" in first
        returned = words[-1] if isinstance(words[-1], list) else []
        capable = "LIST-EXTENDED" in self.account.capabilities
        if not capable and (returned or isinstance(first, list)):
            return "BAD what options"
        pattern = self._named(words[1] if isinstance(first, list) else words[0])
        wanted = re.escape(pattern).replace(r"\*", ".*")
        for name, attributes in self._listed(chosen):
            if not re.fullmatch(wanted, name, re.DOTALL):
                continue
            told = attributes
            if not (chosen or "SUBSCRIBED" in returned):
                told = told.replace(r"\Subscribed", "").strip()
            quoted = re.sub(r'(["\\])', r"\\\1", names.encode(name).decode())
            self._say(f'* LIST ({told}) "{self.account.separator}" "{quoted}"')
            folder = self.account.folders.get(name)
            if "STATUS" not in returned:
                continue
            if folder and name not in self.account.silent | self.account.shut:
                told = _size(folder) if ["SIZE"] in returned else self._status(folder)
                self._say(f'* STATUS "{quoted}" ({told})')
        return "OK done"

    def _GETQUOTAROOT(self, _tag: str, name: str) -> None:
        quota = self.account.quota
        if quota is None:
            self._say(f'* QUOTAROOT "{name}"')
            return
        self._say(f'* QUOTAROOT "{name}" "User quota"')
        told = " ".join(f"{what} {some} {most}" for what, (some, most) in quota.items())
        self._say(f'* QUOTA "User quota" ({told})')

    def _listed(self, chosen: bool) -> Iterator[tuple[str, str]]:
        """
        What LIST tells, and with which attributes.

        @param chosen: whether subscriptions are asked for, and what is above them.
        """
        account = self.account
        for name, folder in account.folders.items():
            if name in account.unlisted or (chosen and not folder.subscribed):
                continue
            told = folder.subscribed and not account.tacit
            words = [r"\Subscribed"] if told else []
            yield name, " ".join((*words, *folder.use.split()))
        for name in set() if chosen else account.levels:
            yield name, r"\Noselect"
        for name in account.phantoms - set(account.folders):
            below = [n for n in account.folders if isWithin(n, name)]
            if not chosen:
                yield name, r"\HasChildren" if below else ""
            elif any(account.folders[n].subscribed for n in below):
                yield name, r"\NonExistent"
        for name in sorted(account.ghosts) * chosen:
            yield name, r"\Subscribed \NonExistent"

    def _LSUB(self, _tag: str, _reference: str, _pattern: str) -> None:
        account = self.account
        chosen = {name for name, one in account.folders.items() if one.subscribed}
        for name in sorted(chosen | account.ghosts):
            word = names.encode(name).decode()
            self._say(f'* LSUB () "{account.separator}" "{word}"')
        for name in sorted(account.levels):  # as Courier
            word = names.encode(name).decode()
            self._say(f'* LSUB (\\Noselect) "{account.separator}" "{word}"')

    def _STATUS(self, _tag: str, name: str, items: list[str]) -> str:
        guid = ""
        if "X-GUID" in items:
            if not self.account.guids:
                return "BAD no such item"
            guid = f" X-GUID {self._existing(name).identity}"
        if "APPENDLIMIT" in items:
            limit = self.account.largest
            self._say(f'* STATUS "{name}" (APPENDLIMIT {limit or "NIL"})')
            return "OK done"
        folder = self._existing(name)
        if "HIGHESTMODSEQ" in items and "CONDSTORE" not in self.account.capabilities:
            return "BAD what item"
        if "STATUS" not in self.account.deaf:
            self._say(f'* STATUS "{name}" ({self._status(folder)}{guid})')
        return "OK done"

    def _CREATE(self, _tag: str, word: str) -> str:
        name, account = self._named(word), self.account
        if account.find(name) is not None:
            return "NO [ALREADYEXISTS] it is there"
        if "CREATE" not in account.deaf:
            account.make(account.respell(name), subscribed=False)
        return "OK done"

    def _RENAME(self, _tag: str, old: str, new: str) -> str:
        self._existing(old)
        name, target = self._named(old), self._named(new)
        within = target.startswith(name + self.account.separator)
        if self.account.find(target) or target in self.account.levels or within:
            return "NO [ALREADYEXISTS] it is there"
        if "RENAME" not in self.account.deaf:
            self.account.rename(name, target)
        return "OK done"

    def _DELETE(self, _tag: str, name: str) -> None:
        folder = self._existing(name)
        if "DELETE" not in self.account.deaf:
            self.account.remove(folder)

    def _SUBSCRIBE(self, _tag: str, name: str) -> None:
        if "SUBSCRIBE" not in self.account.deaf:
            self._existing(name).subscribed = True

    def _UNSUBSCRIBE(self, _tag: str, name: str) -> None:
        if self._named(name) in self.account.ghosts:
            self.account.ghosts.remove(self._named(name))
        else:
            self._existing(name).subscribed = False

    def _SELECT(self, _tag: str, name: str, options: Any = ()) -> str:
        self._writable = True
        return self._open(name, options)

    def _EXAMINE(self, _tag: str, name: str, options: Any = ()) -> str:
        self._writable = False
        return self._open(name, options)

    def _open(self, name: str, options: Any) -> str:
        if self._folder is not None and self._resyncs:
            self._say("* OK [CLOSED] another")
        if options and not self._counts:
            self._folder = None
            return "BAD what is that"
        self._folder = folder = self._existing(name)
        self._told, self._shown = set(), {}
        self._tell()
        self._say(f"* FLAGS ({_named(folder)})")
        modseq = "NOMODSEQ" if folder.noModseq else f"HIGHESTMODSEQ {folder.modseq}"
        for code in (
            f"PERMANENTFLAGS ({folder.permanent})",
            f"UIDVALIDITY {folder.uidvalidity}",
            *([] if self.account.reticent else [f"UIDNEXT {folder.uidnext}"]),
            *([modseq] if self._counts else []),
            *([f"MAILBOXID ({folder.identity})"] if self._tellsIds() else []),
            *folder.codes,
        ):
            self._say(f"* OK [{code}] it is so")
        if options[1:]:
            self._resync(folder, *map(int, options[1]))
        writable = self._writable and not folder.readOnly
        return f"OK [{'READ-WRITE' if writable else 'READ-ONLY'}] selected"

    def _UNSELECT(self, _tag: str) -> None:
        self._selected()
        self._folder = None

    def _CLOSE(self, _tag: str) -> None:
        folder = self._selected()
        if self._writable:
            folder.expunge(*[u for u, m in folder.messages.items() if _deleted(m)])
        self._folder = None

    def _GETMETADATA(self, _tag: str, _name: str, entry: str) -> None:
        for name, folder in self.account.folders.items():
            word = names.encode(name).decode()
            self._say(f'* METADATA "{word}" ("{entry}" "{folder.identity}")')

    def _status(self, folder: Folder) -> str:
        modseq = 0 if folder.noModseq else folder.modseq
        unseen = sum("\\Seen" not in m.flags for m in folder.messages.values())
        told = f" HIGHESTMODSEQ {modseq}" if self._counts else f" UNSEEN {unseen}"
        return (
            f"MESSAGES {folder.count} UIDNEXT {folder.uidnext}"
            f" UIDVALIDITY {folder.uidvalidity}{told}"
        )

    def _tellsIds(self) -> bool:
        return "OBJECTID" in self.account.capabilities

    def _resync(self, folder: Folder, uidvalidity: int, modseq: int) -> None:
        if uidvalidity != folder.uidvalidity or modseq > folder.modseq:
            return
        gone = UidSet.of(u for u, went in folder.expunged.items() if went > modseq)
        if gone or folder.lies:
            self._say(f"* VANISHED (EARLIER) {gone | folder.lies}")
        before = len(self.output)
        for uid, message in folder.messages.items():
            if message.modseq > modseq:
                self._row(uid, ["FLAGS", "MODSEQ"])
        if self.account.tardy:
            self._late = bytes(self.output[before:])
            del self.output[before:]


def _deleted(message: Message) -> bool:
    return "\\Deleted" in message.flags


def _size(folder: Folder) -> str:
    return f"SIZE {sum(len(message.body) for message in folder.messages.values())}"


def _named(folder: Folder) -> str:
    """
    The flags that a mailbox is said to have.
    """
    used = {flag for message in folder.messages.values() for flag in message.flags}
    keywords = {flag for flag in used if not flag.startswith("\\")}
    named = sorted(keywords) if folder.namesKeywords else []
    return " ".join([r"\Answered \Flagged \Deleted \Seen \Draft", *named])
