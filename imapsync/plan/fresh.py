"""
Mailboxes that were made a moment ago: L{Fresh}.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from imapsync.model import Known, Listed, Mark, Side

#: For so many seconds nobody else is likely to have filled one.
MOMENT = 3.0


class Fresh(NamedTuple):
    """
    A mailbox that was made on one side, where there was none, and how both were told
    to be then: what is in it need not be waited for, before it is filled.

    @ivar side: on which.
    @ivar mark: of that: it was empty.
    @ivar source: of the other side's.  A message that has come there since may have
        come to both.
    """

    side: Side
    mark: Mark
    source: Mark


def fresh(
    made: Side, known: Known, listed: Mapping[Side, Listed], seconds: float
) -> Fresh | None:
    """
    What is known of a mailbox that was made, if it can be relied on.

    @param made: on which side.
    @param known: what the database has of it.
    @param listed: what both servers told of it since.
    @param seconds: how long ago.
    """
    if known.marks or len(listed) < len(Side) or seconds > MOMENT:
        return None
    status, mark, source = (
        listed[made].status,
        listed[made].mark,
        listed[made.other].mark,
    )
    if status is None or status.messages or mark is None or source is None:
        return None
    if not (mark.modseq and source.modseq):
        return None
    return Fresh(made, mark, source)
