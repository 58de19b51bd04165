"""
Whole syncs with a server whose answers are tampered with on the way.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections import Counter
from collections.abc import Coroutine, Mapping
from types import MappingProxyType
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionLost
from twisted.python.failure import Failure

from imapsync.errors import ImapSyncError
from imapsync.model import Side
from imapsync.test.fakes.world import World
from imapsync.test.fuzz.choices import Choices
from imapsync.testing.accounts import Account, mail
from imapsync.testing.dialogue import Dialogue
from imapsync.testing.links import Link, Server

T = TypeVar("T")

#: By places among the octets of a server, how many to take away there, and what to
#: put in their place.
Changes = Mapping[int, tuple[int, bytes]]

#: What a server may say that means something.
_WORDS = (
    *(b"* VANISHED 1:4294967295\r\n", b"* VANISHED (EARLIER) 1:9\r\n"),
    *(b"* BYE\r\n", b"* OK [CLOSED]\r\n", b"* OK [HIGHESTMODSEQ 1]\r\n"),
    *(b"* 1 FETCH (UID 1 FLAGS (\\Deleted))\r\n", b"* OK [UIDNEXT 1]\r\n"),
    *(b"* 0 EXISTS\r\n", b"NIL", b"()", b" NO ", b" BAD ", b"\xff", b"\\", b'"'),
    *(b"{3}\r\n", b"{99999999}\r\n", b"0", b"4294967295", b"\r\n"),
    b'* LIST (\\NonExistent) "/" INBOX\r\n',
    b"* OK [UIDVALIDITY 9]\r\n",
)


class _Tampering(Account):
    """
    One with a server that is tampered with.
    """

    changes: Changes = MappingProxyType({})


class _Tampered:
    """
    A server, with its words changed at some places.

    """

    def __init__(self, inner: Server, account: _Tampering) -> None:
        self._inner = inner
        self._changes = account.changes
        self._told = 0
        self._output = bytearray()

    @property
    def closing(self) -> bool:
        """
        As the server's.
        """
        return self._inner.closing

    def received(self, data: bytes) -> None:
        """
        Hand it on.
        """
        self._inner.received(data)

    def said(self) -> bytearray:
        """
        What it said, changed.
        """
        fresh = self._inner.said()
        end = self._told + len(fresh)
        due = [at for at in self._changes if self._told <= at < end]
        for at in sorted(due, reverse=True):
            less, more = self._changes[at]
            fresh[at - self._told : at - self._told + less] = more
        self._told = end
        self._output += fresh
        fresh.clear()
        return self._output


class _TamperedLink(Link):
    """
    Leads to a server; that of an account in which C{changes} are is tampered with.
    """

    def _within(self, dialogue: Dialogue) -> Server:
        if isinstance(self.account, _Tampering):
            return _Tampered(dialogue, self.account)
        return dialogue


class _TamperedWorld(World):
    """
    One in which nobody waits for what never comes.
    """

    link = _TamperedLink

    def run(self, work: Coroutine[Deferred[Any], Any, T] | Deferred[T]) -> T:
        """
        Let it be done, or be cut off where it waits.
        """
        results: list[T | Failure] = []
        done = work if isinstance(work, Deferred) else self.start(work)
        done.addBoth(results.append)
        self.pump()
        if not results:
            for link in self.links:
                link.end(ConnectionLost())
            self.pump()
        [result] = results
        if isinstance(result, Failure):
            result.raiseException()
        return result


def tamperedRun(data: bytes) -> None:
    """
    Sync with what the octets say changed in the answers of one side, then without.

    @raise AssertionError: if a message was lost on the other side; or anything else
        than one of our errors came of it.
    """
    choices = Choices(data)
    tampered = choices.one(list(Side))
    first, server = bool(choices.number(2)), _Tampering(first=1007)
    changes: dict[int, tuple[int, bytes]] = {}
    while choices and len(changes) < 4:
        at, less = choices.number(6000), choices.number(24)
        word = choices.one([*_WORDS, None])
        changes[at] = less, choices.octets(8) if word is None else word
    with tempfile.TemporaryDirectory() as folder:
        world = _TamperedWorld(f"{folder}/a.db", **{str(tampered): server})
        _sync(world, server, changes, first)


def _sync(world: World, server: _Tampering, changes: Changes, first: bool) -> None:
    honest = next(one for one in world.accounts.values() if one is not server)
    for account in world.accounts.values():
        account.make("Work")
    for name in ("INBOX", "Work"):
        for number in range(4):
            honest.folders[name].add(mail(f"{name}{number}"))
    if not first:
        world.sync()
        for account in world.accounts.values():
            whose = "server" if account is server else "honest"
            account.folders["Work"].add(mail(f"new on {whose}"))
            account.inbox.flag(min(account.inbox.messages), "\\Flagged", whose)
        honest.inbox.expunge(max(honest.inbox.messages))
    before = _bodies(honest)
    server.changes = changes
    with contextlib.suppress(ImapSyncError):
        world.sync()
    assert not before - _bodies(honest), "lost while it was tampered with"
    server.changes = {}
    for _ in range(3):
        with contextlib.suppress(ImapSyncError):
            world.sync()
    assert not before - _bodies(honest), "lost afterwards"


def _bodies(account: Account) -> Counter[bytes]:
    return Counter(
        message.body
        for folder in account.folders.values()
        for message in folder.messages.values()
    )
