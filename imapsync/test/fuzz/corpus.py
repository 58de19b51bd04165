"""
The inputs that are kept: a text file for each target, an input in a line, as an
escaped literal without quotes, so that people can read and change them.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable
from pathlib import Path

_FOLDER = Path(__file__).parent / "corpus"


def kept(target: str) -> list[bytes]:
    """
    The inputs of a target.
    """
    path = _FOLDER / f"{target}.txt"
    lines = path.read_text("ascii").splitlines() if path.exists() else []
    return [codecs.escape_decode(line)[0] for line in lines]


def keep(target: str, inputs: Iterable[bytes]) -> int:
    """
    Keep more of them.

    @return: how many are news.
    """
    before = {*kept(target)}
    after = before.union(inputs)
    lines = sorted(_escaped(one) for one in after)
    text = "".join(f"{line}\n" for line in lines)
    (_FOLDER / f"{target}.txt").write_text(text, "ascii")
    return len(after - before)


def _escaped(data: bytes) -> str:
    return "".join(
        chr(octet) if 32 <= octet < 127 and octet != 92 else f"\\x{octet:02x}"
        for octet in data
    )
