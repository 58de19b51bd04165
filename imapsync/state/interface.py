"""
What the rest of the program sees of the database: no SQL passes this border, so
that another store can stand behind it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

from imapsync.model import (
    Agreed,
    Allowed,
    Flags,
    Known,
    Mark,
    Name,
    Owner,
    Pair,
    Side,
)
from imapsync.state.between import (
    Doubts,
    Kept,
    Leftovers,
    Looks,
    Renamings,
    Shortfalls,
    Traffic,
)
from imapsync.uidset import UidSet


class Mailboxes(Protocol):
    """
    The mailboxes that are known.  C{mailbox} is a L{Known.id} everywhere.
    """

    def mailboxes(self) -> list[Known]:
        """
        All mailboxes, by name.
        """

    def mailbox(self, name: Name) -> Known | None:
        """
        The mailbox of that name.
        """

    def addMailbox(self, name: Name, subscribed: bool) -> Known:
        """
        Begin to know a mailbox.

        @raise ValueError: if it is known.
        """

    def removeMailbox(self, mailbox: int) -> None:
        """
        Forget a mailbox, its pairs and all else about it.
        """

    def forgetMailboxes(self) -> None:
        """
        What is known is about other mailboxes: forget them, their pairs and all
        else about them.
        """

    def rename(self, names: Mapping[int, Name]) -> None:
        """
        Give mailboxes other names.  Whoever else was known by one of them is
        forgotten: it cannot be there any more.
        """

    def setSubscribed(self, mailbox: int, subscribed: bool) -> None:
        """
        Both sides agree on whether the mailbox is subscribed.
        """

    def setIdentity(self, mailbox: int, side: Side, identity: str) -> None:
        """
        The server's own, lasting name for the mailbox.
        """

    def setSpelling(self, mailbox: int, side: Side, spelling: str) -> None:
        """
        What the server calls a mailbox of which it has changed the name, until it
        is renamed.
        """

    def setMark(self, mailbox: int, side: Side, mark: Mark | None) -> None:
        """
        Everything up to C{mark} is dealt with, but for what is postponed.
        """

    def noteSynced(self, mailbox: int | None = None) -> None:
        """
        Both sides are equal now: all of them, or those of a mailbox.
        """

    def sinceSynced(self) -> int:
        """
        How many seconds ago all was.
        """

    def strays(self, mailbox: int, side: Side) -> int:
        """
        How many messages more than there are pairs are on C{side}, without those
        that are to be looked at again; less than 0, if there are fewer.
        """

    def setStrays(self, mailbox: int, side: Side, count: int) -> None:
        """
        So many there are.
        """

    def forgetPairs(self, mailbox: int) -> None:
        """
        UIDVALIDITY changed on a side, or it is another mailbox.  All that hangs
        on UIDs goes, on the other side too: its messages must be paired again.
        """


class Pairs(Protocol):
    """
    Messages that are known on both sides.  UIDs are those of the given side.
    """

    def addPairs(self, mailbox: int, pairs: Iterable[Pair]) -> None:
        """
        These messages are on both sides.

        @raise ValueError: if one of them has a pair on either side.
        """

    def removePairs(self, mailbox: int, side: Side, uids: UidSet) -> None:
        """
        Forget those of C{uids} that have a pair.
        """

    def setFlags(
        self, mailbox: int, side: Side, flagsByUid: Mapping[int, Flags]
    ) -> None:
        """
        Both sides agree on these flags; UIDs without a pair are passed over.
        """

    def pairs(self, mailbox: int, side: Side, uids: UidSet) -> Iterator[Pair]:
        """
        The pairs of those of C{uids} that have one, ascending on C{side}.

        Few are held at a time, and the database may be changed meanwhile.
        """

    def agreed(self, mailbox: int, side: Side, uids: UidSet) -> Iterator[Agreed]:
        """
        As L{pairs}, but only the local UID, the remote one, and the flags.
        """

    def partners(self, mailbox: int, side: Side, uids: UidSet, on: Side) -> UidSet:
        """
        As L{pairs}, but only the UIDs that they have on one side.
        """

    def stamped(self, stamp: int) -> list[tuple[Name, Pair]]:
        """
        Pairs of messages that have this stamp, with the mailbox that each is in;
        not all, if they are very many.
        """

    def paired(self, mailbox: int, side: Side) -> UidSet:
        """
        The UIDs that have a pair.
        """

    def byFlags(self, mailbox: int, side: Side) -> Mapping[Flags, Sequence[int]]:
        """
        The same, in any order, by the flags that are agreed.  All are held at a time.
        """

    def flagsIn(self, mailbox: int) -> Flags:
        """
        All flags that are agreed on any message.
        """

    def newest(self, mailbox: int, side: Side, count: int) -> int:
        """
        The UID of the last but so many of those that have a pair; 1 if there are not
        so many.
        """

    def totalPairs(self) -> int:
        """
        How many pairs there are in all mailboxes.
        """


class Owners(Protocol):
    """
    For whom, and for what part of their mail, all of this is.
    """

    def owners(self) -> Mapping[Side, Owner]:
        """
        For whom the database was made; empty if that was not noted.
        """

    def noteOwner(self, side: Side, owner: Owner) -> None:
        """
        All that is known of C{side} is about this account.
        """

    def noteAllowed(
        self, allowed: Mapping[Side, Allowed], sparing: bool = False
    ) -> None:
        """
        No more than that is done on each side from now on.  Where more is than
        before, the other is to be compared with it in full, once: what changed
        there meanwhile was not kept.

        @param sparing: whether nothing is removed now, be it allowed: what could not
            be before is left to who does.
        """

    def noteReference(self, side: Side, reference: str) -> bool:
        """
        The mailboxes of C{side} are those below C{reference}.  If they were
        others, all that is known is about others: it is forgotten.

        @return: whether they were.
        """


class Flaw(NamedTuple):
    """
    What was wrong with rows of the database, whatever the servers have.

    @ivar times: how many such rows there were.
    """

    table: str
    text: str
    times: int


class Soundness(Protocol):
    """
    Whether what is stored can be read at all.
    """

    def check(self) -> None:
        """
        Look at all that is kept, for whoever has come upon something that cannot be.

        @raise StateDamaged: if anything means nothing.
        """

    def scrub(self) -> Sequence[Flaw]:
        """
        Drop what means nothing, whatever wrote it, so that all the rest can be
        read.  How many entries a mailbox had stays as it is known: that some are
        missing must not show before it is known which of the others are true.

        @return: what there was of that.
        """

    def recount(self, mailbox: int) -> None:
        """
        Know again how many entries a mailbox has.
        """


class State(
    Mailboxes,
    Pairs,
    Kept,
    Leftovers,
    Doubts,
    Shortfalls,
    Renamings,
    Owners,
    Traffic,
    Looks,
    Soundness,
    Protocol,
):
    """
    What both sides last agreed on.
    """

    def transaction(self) -> AbstractContextManager[None]:
        """
        What is written within lasts as a whole; after an exception, none of
        it does.
        """

    def close(self) -> None:
        """
        Let go of the file.  Only the first time matters.
        """
