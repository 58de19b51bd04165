"""
The last lines of a run.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

#: What is done to messages of one side, in the words of the summary: they are
#: copied there, moved or copied by its server itself, and so on.
Deed = Literal[
    "copied", "moved", "duplicated", "flagged", "expunged", "moved to the trash"
]

#: All of them.
DEEDS: tuple[Deed, ...] = (
    "copied",
    "moved",
    "duplicated",
    "flagged",
    "expunged",
    "moved to the trash",
)


def total(done: Mapping[Deed, int]) -> str:
    """
    To how many messages each was done.
    """
    counts = {deed: done.get(deed, 0) for deed in DEEDS}
    return "Total: " + ", ".join(
        f"{count} {deed}"
        for deed, count in counts.items()
        if count or deed != "moved to the trash"
    )


def spent(octets: int, seconds: float) -> str:
    """
    What it took.
    """
    return f"{octets} octets in {seconds:.1f} s."
