"""
The rooms of the package for C{doc/design.rst}: a picture, C{rooms.svg}, and a list
of all modules, C{rooms.inc}.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from house import Module, plain, read
from picture import drawn


def listed(modules: Iterable[Module]) -> str:
    """
    All modules, each with what it says of itself, in reStructuredText.
    """
    lines = [".. Made by script/rooms.", "", ".. list-table::", "   :widths: 28 72", ""]
    for module in modules:
        lines += [f"   * - ``{module.name}``", f"     - {plain(module.says, '``')}"]
    return "\n".join(lines) + "\n"


def main() -> None:
    """
    Write both into the directory that is named.
    """
    [directory] = map(Path, sys.argv[1:])
    directory.mkdir(parents=True, exist_ok=True)
    house = read()
    for name, text in ("rooms.svg", drawn(house)), ("rooms.inc", listed(house.modules)):
        directory.joinpath(name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
