"""
Mail in two accounts, what happens to it on both sides, and what any program that
keeps them equal has to make of that.

Each message is another one, and only one thing happens to it, so that it is certain
what is to become of it, whatever interrupts whom.  It shares nothing with imapsync.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import NamedTuple

from imapsync.test.integration.accounts import Account, Mail, Snapshot

MAILBOXES = ("INBOX", "Work", "Work/Deep", "Sent")

#: One that is renamed, its new name, one that is deleted, and one that is made.
OLD, NEW, DELETED, MADE = "Old", "New", "Gone", "Made"

#: How many octets a message may have, about.
_SIZES = (100, 500, 2000, 2000, 8000, 30000)

#: What another program puts into the header of each message that it copies.
_OWN = re.compile(rb"^X-TUID: [^\r\n]*\r\n", re.MULTILINE)


class Fate(NamedTuple):
    """
    Where a message is to be in the end, and with which flags.
    """

    mailbox: str
    flags: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Verdict:
    """
    What is wrong with two accounts: names of messages, and sentences.

    @ivar lost: they are on neither side.
    @ivar doubled: a side has more than one of them.
    @ivar back: they had been removed, and are there.
    @ivar other: anything else.
    """

    lost: Sequence[str] = ()
    doubled: Sequence[str] = ()
    back: Sequence[str] = ()
    other: Sequence[str] = ()

    @property
    def isGood(self) -> bool:
        """
        Whether there is nothing.
        """
        return not (self.lost or self.doubled or self.back or self.other)


@dataclass
class World:
    """
    The mail.

    @ivar names: of all messages that ever were, by their digests.
    @ivar fates: what is to become of those that are to be there in the end.
    @ivar mailboxes: which are to be there in the end.
    @ivar whole: whether mailboxes are renamed and deleted, too.
    """

    whole: bool = True
    names: dict[str, str] = field(default_factory=dict)
    fates: dict[str, Fate] = field(default_factory=dict)
    mailboxes: set[str] = field(default_factory=lambda: set(MAILBOXES))

    def __post_init__(self) -> None:
        self._rng = random.Random(13)

    def fill(self, account: Account) -> None:
        """
        Put into one account what both are to have at the beginning.
        """
        for mailbox in MAILBOXES:
            self._make(account, mailbox)
            self._append(account, mailbox, f"{mailbox}", 12)
        if self.whole:
            for mailbox in (OLD, DELETED):
                self._make(account, mailbox)
                self._append(account, mailbox, mailbox, 6)
            self.mailboxes |= {OLD, DELETED}

    def change(self, accounts: Sequence[Account]) -> None:
        """
        Do something to both, which are equal.
        """
        for mailbox in MAILBOXES:
            self._changeIn(mailbox, accounts)
        for side, account in zip(("here", "there"), accounts, strict=True):
            for mailbox in MAILBOXES:
                self._append(account, mailbox, f"new {side} in {mailbox}", 4)
        self._make(accounts[1], MADE)
        self._append(accounts[1], MADE, MADE, 3)
        self.mailboxes.add(MADE)
        if self.whole:
            self._changeMailboxes(*accounts)

    def judged(self, snapshots: Iterable[Snapshot]) -> Verdict:
        """
        What is wrong with them.
        """
        sides = [_held(snapshot) for snapshot in snapshots]
        counts = [Counter(digest for _, digest in held) for held in sides]
        told = [*self._misplaced(sides)]
        for snapshot in snapshots:
            if snapshot.mailboxes.keys() != self.mailboxes:
                told.append(f"mailboxes: {sorted(snapshot.mailboxes)}")
        found = counts[0] | counts[1]
        return Verdict(
            self._named(self.fates.keys() - found.keys()),
            self._named(digest for digest in found if found[digest] > 1),
            self._named(found.keys() - self.fates.keys()),
            told,
        )

    def _changeIn(self, mailbox: str, accounts: Sequence[Account]) -> None:
        here, there = accounts
        uids = [_uids(account, mailbox) for account in accounts]
        digests = sorted(uids[0], key=uids[0].__getitem__)
        elsewhere = MAILBOXES[MAILBOXES.index(mailbox) - 1]

        def pick(*numbers: int) -> list[tuple[str, int, int]]:
            some = [digests[number] for number in numbers]
            return [(digest, uids[0][digest], uids[1][digest]) for digest in some]

        for account, numbers, flag in (
            (here, (0, 1, 2), "\\Seen"),
            (there, (2, 3, 4), "\\Flagged"),
        ):
            some = pick(*numbers)
            account.store(mailbox, _on(account is there, some), f"+FLAGS ({flag})")
            for digest, *_ in some:
                fate = self.fates[digest]
                self.fates[digest] = fate._replace(flags=fate.flags | {flag.lower()})
        for account, number in (here, 5), (there, 6):
            [(digest, *_)] = some = pick(number)
            account.expunge(mailbox, _on(account is there, some))
            del self.fates[digest]
        for account, moved in (here, [7]), (there, [8, 9]):
            some = pick(*moved)
            account.move(mailbox, _on(account is there, some), elsewhere)
            for digest, *_ in some:
                self.fates[digest] = self.fates[digest]._replace(mailbox=elsewhere)

    def _changeMailboxes(self, here: Account, there: Account) -> None:
        self._append(there, OLD, f"new in {OLD}", 2)
        for digest, fate in [*self.fates.items()]:
            if fate.mailbox == OLD:
                self.fates[digest] = fate._replace(mailbox=NEW)
            elif fate.mailbox == DELETED:
                del self.fates[digest]
        here.unsubscribe(OLD)
        here.rename(OLD, NEW)
        here.subscribe(NEW)
        there.unsubscribe(DELETED)
        there.delete(DELETED)
        self.mailboxes -= {OLD, DELETED}
        self.mailboxes.add(NEW)

    def _make(self, account: Account, mailbox: str) -> None:
        if mailbox != "INBOX":
            account.create(mailbox)
        account.subscribe(mailbox)

    def _append(self, account: Account, mailbox: str, what: str, count: int) -> None:
        mails = []
        for number in range(1, count + 1):
            name = f"{what} {number}"
            body = self._body(name)
            digest = sha256(body).hexdigest()
            self.names[digest] = name
            self.fates[digest] = Fate(mailbox)
            mails.append(Mail(body))
        account.fill(mailbox, mails)

    def _body(self, name: str) -> bytes:
        spelled = re.sub(r"\W", ".", name)
        head = f"Message-ID: <{spelled}@example.net>\r\nSubject: {name}\r\n\r\n"
        lines = [
            f"{self._rng.getrandbits(280):070x}\r\n"
            for _ in range(self._rng.choice(_SIZES) // 72 + 1)
        ]
        return "".join([head, *lines]).encode()

    def _named(self, digests: Iterable[str]) -> list[str]:
        return sorted(self.names.get(one, f"damaged: {one[:12]}") for one in digests)

    def _misplaced(
        self, sides: Sequence[Mapping[tuple[str, str], Fate]]
    ) -> Iterator[str]:
        for side, held in zip(("here", "there"), sides, strict=True):
            there = {digest for _, digest in held}
            for digest in self.fates.keys() - there:
                yield f"not {side}: {self.names[digest]}"
            for (_, digest), found in held.items():
                fate = self.fates.get(digest, found)
                if found != fate:
                    yield f"{self.names[digest]} is {side} as {found}, not {fate}"


def cleaned(message: bytes) -> bytes:
    """
    A message without what a program added.
    """
    return _OWN.sub(b"", message, count=1)


def _held(snapshot: Snapshot) -> dict[tuple[str, str], Fate]:
    """
    Each message, by a name for it that may be there twice, and its digest.
    """
    return {
        (f"{mailbox} {number}", one.digest): Fate(mailbox, one.flags)
        for mailbox, messages in snapshot.mailboxes.items()
        for number, one in enumerate(messages.elements())
    }


def _uids(account: Account, mailbox: str) -> dict[str, int]:
    found = account.messages(mailbox, cleaned)
    return {message.digest: uid for uid, message in found.items()}


def _on(there: bool, some: Iterable[tuple[str, int, int]]) -> list[int]:
    return [theirs if there else ours for _, ours, theirs in some]
