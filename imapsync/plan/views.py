"""
Whether a server shows but a part of a mailbox, and does not say so: L{isCut}.
"""

from __future__ import annotations

from imapsync.uidset import UidSet

#: So many of the newest messages are shown where Gmail is told to show no more, and by
#: Yahoo.
_WINDOWS = frozenset((1000, 2000, 5000, 10_000))


#: What is said of a mailbox of which the oldest messages are not shown.
CUT = (
    "it shows just {} messages, and none of the oldest any more: they may be out of"
    " sight only; left alone: have the server show all, or use --allow-mass-delete if"
    " they are gone"
)


def isCut(exists: int, limit: int | None, gone: UidSet, known: UidSet) -> bool:
    """
    Whether messages may only be out of sight.

    As others may have been expunged as well, it is enough that the oldest is not shown.

    @param exists: so many are shown.
    @param limit: so many the server does at a time, if it says so (RFC 9738).
    @param gone: which known ones are not.
    @param known: all that are known up to the oldest of those, at least.
    """
    oldest = bool(gone and known) and gone.ranges[0][0] == known.ranges[0][0]
    return oldest and (exists in _WINDOWS or exists == limit)
