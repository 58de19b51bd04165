"""
All that a hostile server does, and as a table.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from imapsync.test.hostile.answers import ANSWERS
from imapsync.test.hostile.behaviour import Behaviour, Kept
from imapsync.test.hostile.injections import INJECTIONS
from imapsync.test.hostile.lies import LIES
from imapsync.test.hostile.logins import LOGINS
from imapsync.test.hostile.powers import POWERS
from imapsync.test.hostile.resources import RESOURCES

_KINDS = (
    ("Lies about what there is", LIES),
    ("Wrong answers", ANSWERS),
    ("Words that are meant for somebody else", INJECTIONS),
    ("Before the login, and at it", LOGINS),
    ("Things without end or measure", RESOURCES),
    ("What a server may do", POWERS),
)

BEHAVIOURS = tuple(one for _, kind in _KINDS for one in kind)


def written() -> str:
    """
    The tables, as in C{doc/threats.inc}.
    """
    lines = [".. Made by python -m imapsync.test.hostile.table.", ""]
    for title, kind in _KINDS:
        lines += [*_written(title, kind), ""]
    return "\n".join(lines)


def _written(title: str, kind: Sequence[Behaviour]) -> Iterator[str]:
    yield from (title, "-" * len(title), "", ".. list-table::", "   :header-rows: 1")
    yield from ("   :widths: 40 26 26 8", "")
    yield from _row("The server ...", "It would gain", "What comes of it", "exit")
    for one in kind:
        comes = one.comes
        if one.kept is not Kept.ALL:
            comes += f"  ({one.kept.value[0].upper()}{one.kept.value[1:]}.)"
        does = f"{one.does}." if one.does[-1] != "." else one.does
        codes = ", ".join(map(str, sorted(one.codes)))
        yield from _row(_plain(does), _plain(one.gains), _plain(comes), codes)


def _row(first: str, *others: str) -> Iterator[str]:
    yield f"   * - {first}"
    yield from (f"     - {other}" for other in others)


def _plain(text: str) -> str:
    """
    Words with backslashes are shown as they are, and end no sentence.
    """
    words = text.split(" ")
    return " ".join(f"``{w}``" if w.startswith("\\") else w for w in words)


if __name__ == "__main__":
    print(written(), end="")
