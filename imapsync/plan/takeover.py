"""
What was agreed on messages that another program has paired, which keeps no flags.

Pure: it only knows that both sides had the same flags when that program was done.  A
message that has not changed since then on one side shows them still.

That it is about these accounts has to be seen: others may have the same UIDVALIDITY.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from imapsync.model import Flags, Mark, Pair, Side
from imapsync.plan.flags import common, same


class Seen(NamedTuple):
    """
    A message as a server shows it.

    @ivar changed: whether it may have changed since the other program was done.
    @ivar size: RFC822.SIZE.
    @ivar date: the instant of its INTERNALDATE.
    """

    flags: Flags
    changed: bool
    size: int = 0
    date: int = 0

    def isLike(self, other: Seen) -> bool:
        """
        Whether one of the two may well be a copy of the other.  Where a server has
        changed these, the content will tell.
        """
        return self.size == other.size and self.date == other.date


class Adopted(NamedTuple):
    """
    A pair to be taken over.

    @ivar gone: the side on which its message is no more.
    @ivar hidden: whether its flags differ, although neither side would tell that
        anything has changed.
    @ivar unlike: whether its messages are two, so that it is not to be taken over.
    """

    pair: Pair
    gone: Side | None = None
    hidden: bool = False
    unlike: bool = False


def isChanged(uid: int, modseq: int, mark: Mark) -> bool:
    """
    Whether a message may have changed since C{mark}.

    @param modseq: its own; 0 if that is not known.
    """
    return not 0 < modseq <= mark.modseq or uid >= mark.uidnext


def adopted(
    pairs: Iterable[tuple[int, int]],
    local: Mapping[int, Seen],
    remote: Mapping[int, Seen],
) -> Iterator[Adopted]:
    """
    What there is of these pairs: nothing of one that is gone on both sides.
    """
    for ours, theirs in pairs:
        here, there = local.get(ours), remote.get(theirs)
        if here is not None and there is not None:
            hidden = not (here.changed or there.changed)
            hidden = hidden and not same(here.flags, there.flags)
            like = here.isLike(there)
            pair = Pair(ours, theirs, _agreed(here, there))
            yield Adopted(pair, hidden=hidden and like, unlike=not like)
        elif here is not None:
            yield Adopted(Pair(ours, theirs, here.flags), gone=Side.REMOTE)
        elif there is not None:
            yield Adopted(Pair(ours, theirs, there.flags), gone=Side.LOCAL)


def _agreed(here: Seen, there: Seen) -> Flags:
    """
    What changed on both sides was one or the other: what both show now is all that
    can be relied on, so that nothing is taken away.
    """
    if here.changed == there.changed:
        return common(here.flags, there.flags)
    return there.flags if here.changed else here.flags


class Evidence(NamedTuple):
    """
    What the pairs of a mailbox say of whether it is the one that is known.

    @ivar like: how many messages are on both sides, and equal as far as that was seen.
    @ivar unlike: how many are on both sides, and others.
    @ivar alone: how many are on one side only.
    """

    like: int = 0
    unlike: int = 0
    alone: int = 0

    def plus(self, found: Sequence[Adopted]) -> Evidence:
        """
        With more of them.
        """
        unlike = sum(one.unlike for one in found)
        alone = sum(one.gone is not None for one in found)
        like = len(found) - unlike - alone
        return Evidence(self.like + like, self.unlike + unlike, self.alone + alone)

    @property
    def refutes(self) -> bool:
        """
        Whether it is another one.
        """
        return self.unlike > self.like

    @property
    def isMissing(self) -> bool:
        """
        Whether messages would be removed, and nothing says that it is the same one.
        """
        return self.alone > 0 and not self.like


def start(mark: Mark, whole: bool) -> Mark:
    """
    Where the next sync begins, if C{mark} is where the other program ended.

    @param whole: whether it must look at all messages.
    """
    if whole or not (mark.uidnext and mark.modseq):
        return Mark(mark.uidvalidity, 1, 0)
    return mark


def doubt(mark: Mark, now: Mark) -> str:
    """
    Why UIDs may mean other messages C{now} than at C{mark}; or an empty string.
    """
    if mark.uidvalidity != now.uidvalidity:
        return "its UIDVALIDITY has changed"
    if now.uidnext and mark.uidnext > now.uidnext:
        return "its UIDs begin anew"
    return ""
