"""
What is to be done about messages, as values: whoever performs one adds no decision of
his own, and a dry run says it instead.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from imapsync.display import keyword
from imapsync.model import Name, Pair, Side
from imapsync.names import shown
from imapsync.plan.flags import Drifts, FlagPlan
from imapsync.plan.late import Withdraw
from imapsync.plan.moves import Transfer
from imapsync.uidset import UidSet


class Trash(NamedTuple):
    """
    Where messages are moved instead of being expunged.

    @ivar spelled: what the server calls it.
    """

    name: Name
    spelled: str


class AddPairs(NamedTuple):
    """
    Know messages that both sides hold.
    """

    pairs: Sequence[Pair]

    def lines(self, name: Name) -> Iterator[tuple[str, str]]:
        """
        What a dry run says: each time, of which mailbox, and what.
        """
        yield name, f"pair {len(self.pairs)} messages that both sides hold"


class SetFlags(NamedTuple):
    """
    Have messages show the same flags on both sides.
    """

    drifts: Drifts
    plan: FlagPlan

    def lines(self, name: Name) -> Iterator[tuple[str, str]]:
        """
        What a dry run says: each time, of which mailbox, and what.
        """
        for store in self.plan.stores:
            flag = keyword(store.flag)
            yield name, f"{store.side}: {store.sign}{flag} on UID {store.uids}"


class Remove(NamedTuple):
    """
    Remove messages, on both sides at once, and forget their pairs.

    @ivar discarded: to be moved to the trash.
    @ivar expunged: to go for good.
    @ivar forgotten: local UIDs of messages that are gone already.
    """

    discarded: Mapping[Side, tuple[UidSet, Trash]]
    expunged: Mapping[Side, UidSet]
    forgotten: UidSet

    def lines(self, name: Name) -> Iterator[tuple[str, str]]:
        """
        What a dry run says: each time, of which mailbox, and what.
        """
        for side in Side:
            if side in self.discarded:
                uids, trash = self.discarded[side]
                yield name, f"{side}: move UID {uids} to {shown(trash.spelled)}"
            if side in self.expunged:
                yield name, f"{side}: expunge UID {self.expunged[side]}"


class Keep(NamedTuple):
    """
    Know that messages stay on C{side}, though they are gone from the other, and are
    never to be copied back: they may not be removed.
    """

    side: Side
    uids: UidSet

    def lines(self, name: Name) -> Iterator[tuple[str, str]]:
        """
        A dry run says nothing: nothing is done.
        """
        yield from ()


class HandOver(NamedTuple):
    """
    Have the server of a side move or copy messages by itself, once all else is
    done; and look again.
    """

    transfers: Sequence[Transfer]

    def lines(self, name: Name) -> Iterator[tuple[str, str]]:
        """
        What a dry run says: each time, of which mailbox, and what.
        """
        for transfer in self.transfers:
            yield from transfer.lines()


class Copy(NamedTuple):
    """
    Copy messages from C{side} to the other.

    @ivar singly: whether one of them may break the connection: then each goes by
        itself, so that it shows which.
    @ivar careful: whether to ask the other side's leave first.
    """

    side: Side
    uids: UidSet
    singly: bool = False
    careful: bool = False

    def lines(self, name: Name) -> Iterator[tuple[str, str]]:
        """
        What a dry run says: each time, of which mailbox, and what.
        """
        yield name, f"copy UID {self.uids} from {self.side} to {self.side.other}"


class Postpone(NamedTuple):
    """
    Leave messages of C{side} alone now, and try them again another time.

    @ivar tried: whether it was: only then it has to wait the longer the next time.
    """

    side: Side
    uids: UidSet
    why: str
    code: str = ""
    tried: bool = True

    def lines(self, name: Name) -> Iterator[tuple[str, str]]:
        """
        What a dry run says: each time, of which mailbox, and what.
        """
        yield name, f"{self.side}: UID {self.uids}: {self.why}"


class Leave(NamedTuple):
    """
    Leave all of C{side} that was not dealt with as if it had not been read.

    @ivar why: what is wrong.
    @ivar blame: whose doing that is, if it is that of one side.
    """

    side: Side
    why: str
    blame: Side | None = None

    def lines(self, name: Name) -> Iterator[tuple[str, str]]:
        """
        What a dry run says: each time, of which mailbox, and what.
        """
        yield name, f"nothing is copied from {self.side}: {self.why}"


Operation = (
    AddPairs | Withdraw | SetFlags | Remove | Keep | HandOver | Copy | Postpone | Leave
)
