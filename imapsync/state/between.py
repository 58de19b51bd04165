"""
What one run leaves to the next, as the rest of the program sees it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Protocol

from imapsync.model import (
    Doubt,
    Flags,
    Given,
    Name,
    Refusal,
    Side,
    Trouble,
)
from imapsync.uidset import UidSet


class Leftovers(Protocol):
    """
    What one run leaves to the next.
    """

    def postpone(
        self,
        mailbox: int,
        side: Side,
        uids: UidSet,
        reason: str = "",
        code: str = "",
        pauses: Sequence[int] = (0,),
    ) -> None:
        """
        These messages are to be tried again later, though the L{Mark} passes them:
        they, or their flags, were refused just now.

        @param reason: see L{Refusal}, as for C{code}.
        @param pauses: how many seconds later, by how often it was so; the last is
            for all further times.
        """

    def settle(self, mailbox: int, side: Side, uids: UidSet) -> None:
        """
        These messages need not be tried again.
        """

    def postponed(self, mailbox: int, side: Side) -> UidSet:
        """
        The messages that are to be tried again.
        """

    def due(self, mailbox: int, side: Side) -> UidSet:
        """
        Those of them whose time has come.
        """

    def mailboxesDue(self) -> frozenset[int]:
        """
        The mailboxes that have such messages.
        """

    def hasten(self, mailbox: int | None = None) -> None:
        """
        The time of all has come, in this mailbox or in every one.
        """

    def refusals(self, mailbox: int) -> list[Refusal]:
        """
        All that are to be tried again, and why.
        """

    def noteTroubles(
        self, troubles: Iterable[Trouble], names: Collection[Name] | None = None
    ) -> None:
        """
        This is what is wrong with mailboxes as a whole, and nothing else.

        @param names: the mailboxes of which that is said; C{None}: of all.
        """

    def foretell(
        self, mailbox: int, side: Side, flags: Mapping[int, Flags | None]
    ) -> None:
        """
        The other side's server is about to bring these messages there by itself.
        If we do not hear of it, and pair them by content, both sides agree on
        these flags; C{None}: on those that the other side shows.
        """

    def foretold(self, mailbox: int, side: Side) -> Mapping[int, Flags | None]:
        """
        What was foretold.
        """

    def forgetForetold(self, mailbox: int, side: Side) -> None:
        """
        It has come to be, or it never will.
        """

    def setCopying(self, mailbox: int, side: Side, uids: UidSet) -> None:
        """
        These messages, and no others, are copied to the other side, and the copies
        were not seen yet.
        """

    def addCopying(self, mailbox: int, side: Side, uids: UidSet) -> None:
        """
        These are as well.
        """

    def copying(self, mailbox: int, side: Side) -> UidSet:
        """
        Which these are.
        """


class Doubts(Protocol):
    """
    Messages that a server may store late, and then more than once.
    """

    def doubt(self, mailbox: int, side: Side, uids: UidSet) -> None:
        """
        An APPEND of each of these messages of C{side} was not answered, and there
        is to be another.
        """

    def doubts(self, mailbox: int, side: Side) -> list[Doubt]:
        """
        All such APPENDs that are not over.
        """

    def noteGiven(self, doubts: Mapping[int, Given]) -> None:
        """
        What copies are given, by L{Doubt.id}.
        """

    def noteCopies(self, copies: Mapping[int, int]) -> None:
        """
        What has shown up is about to be removed: its UIDs, by L{Doubt.id}.
        """

    def resolve(self, doubts: Iterable[int]) -> None:
        """
        These are over, by L{Doubt.id}.
        """

    def forgetDoubts(self) -> None:
        """
        Forget those that were kept long enough.
        """


class Shortfalls(Protocol):
    """
    What a server falls short of, and what follows from that.
    """

    def noteSent(self, mailbox: int, side: Side, uidnext: int) -> None:
        """
        Copies of messages of C{side} are about to be made: they will have no lower
        UID than that, on the other side.
        """

    def sentFrom(self, mailbox: int, side: Side) -> int:
        """
        Which UID that is; 0 if none was made that was not seen.
        """

    def spare(self, mailbox: int, side: Side, uidvalidity: int, uids: UidSet) -> None:
        """
        From these messages, which others have marked C{\\Deleted}, that flag is about
        to be taken, so that they do not go with ours.

        @param uidvalidity: what their UIDs belong to.
        """

    def spared(self, mailbox: int, side: Side, uidvalidity: int) -> UidSet:
        """
        All that are still to get it back.
        """

    def spareNoMore(self, mailbox: int, side: Side) -> None:
        """
        They have it.
        """

    def noteBin(self, side: Side, name: str, messages: int) -> None:
        """
        So many more are about to be moved to a mailbox of ours, that is then deleted.

        @param name: what the server calls it.
        """

    def bins(self, side: Side) -> Mapping[str, int]:
        """
        All such mailboxes that may still be there, and how many messages in each can
        be ours.
        """

    def forgetBin(self, side: Side, name: str) -> None:
        """
        It is not there, or not ours any more.
        """

    def unkeptFlags(self, side: Side, mailbox: int | None = None) -> frozenset[str]:
        """
        The flags that the server does not keep: in this mailbox, or in any.
        """

    def noteUnkept(self, mailbox: int, side: Side, flags: Iterable[str]) -> None:
        """
        Nor does it keep these.
        """

    def noteKept(self, mailbox: int, side: Side, flags: Iterable[str]) -> None:
        """
        But these it does, after all.
        """

    def fold(self, mailbox: int, side: Side, originals: Mapping[int, int]) -> None:
        """
        The other side has these only once with their C{originals}, which have pairs.
        """

    def folded(self, mailbox: int, side: Side) -> UidSet:
        """
        All that are so.
        """

    def original(self, mailbox: int, side: Side) -> UidSet:
        """
        The messages with a pair that others are folded into.
        """

    def unfolded(self, mailbox: int, side: Side) -> UidSet:
        """
        Those of them whose original has no pair any more.
        """

    def foldNoMore(self, mailbox: int, side: Side, uids: UidSet) -> None:
        """
        These are messages of their own.
        """

    def sizesExact(self, side: Side) -> bool | None:
        """
        Whether messages have as many octets as the server says (RFC822.SIZE);
        C{None} if that was not seen yet.
        """

    def noteSizes(self, side: Side, exact: bool) -> None:
        """
        That was seen.  Where they have not, what all pairs are recognised by is
        forgotten: sizes are in it.
        """


class Renamings(Protocol):
    """
    RENAMEs of ours: whether a server has done one is not known before it answers.
    """

    def beginRenaming(self, side: Side, names: Mapping[int, Name]) -> None:
        """
        The server of C{side} is about to be asked to give mailboxes these names, by
        L{Known.id}.
        """

    def renamings(self, side: Side) -> Mapping[int, Name]:
        """
        What it was asked for and may have done, by L{Known.id}.
        """

    def endRenaming(self, side: Side, mailboxes: Iterable[int]) -> None:
        """
        Of these, that is over.
        """


class Traffic(Protocol):
    """
    What went over all connections to a server, either way.
    """

    def traffic(self, side: Side) -> tuple[int, int, int]:
        """
        The last day on which anything did, how many octets, and how many of them were
        sent; 0 each, if none did.
        """

    def setTraffic(self, side: Side, day: int, octets: int, sent: int) -> None:
        """
        So many did on that day.
        """


class Kept(Protocol):
    """
    What stays on one side though it is gone from the other, since it may not be
    removed there: it is never copied back.
    """

    def keep(self, mailbox: int, side: Side, uidvalidity: int, uids: UidSet) -> None:
        """
        These messages do; if they have pairs, these are to be removed then.

        @param uidvalidity: what their UIDs belong to.
        """

    def kept(self, mailbox: int, side: Side) -> UidSet:
        """
        All that do.  One that gets a pair again does no more.
        """

    def keptOf(self, mailbox: int, side: Side, sizes: Collection[int]) -> UidSet:
        """
        Those of them that have one of these sizes.
        """

    def keepNoMore(self, mailbox: int, side: Side, uids: UidSet) -> None:
        """
        These are gone, too.
        """

    def keepOnly(self, mailbox: int, side: Side, uidvalidity: int) -> None:
        """
        Forget those whose UIDs may be those of other messages now.
        """

    def setAlone(self, mailbox: int, side: Side | None) -> None:
        """
        The mailbox itself does: see L{Known<imapsync.model.Known>}; or it is on both
        sides again.
        """


class Looks(Protocol):
    """
    What the last clean run saw when it looked last: no transaction is needed for what
    begins or replaces a run.
    """

    @property
    def cleanLook(self) -> bytes:
        """
        That (L{imapsync.plan.unchanged}); empty, if a run has begun since, or it did
        not end clean.
        """

    def noteCleanLook(self, seen: bytes) -> None:
        """
        This is what both servers told, and nothing was done after that.
        Where anything is left to the next run, it is not kept.
        """

    def proveWritable(self) -> None:
        """
        A run begins: forget what was seen, and bring that to the disk, so that one
        that is full or read-only shows before anything is changed on a server.
        """

    def stillEqual(self) -> None:
        """
        All is as it was seen, and a run that was to begin is over: note that, and
        bring it to the disk, which shows one that is full or read-only as well.
        """

    def flush(self) -> None:
        """
        Bring what was noted to the disk, if that takes it: there is time for that just
        now, and there may not be at the end.
        """
