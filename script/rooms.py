"""
The rooms of the package for C{doc/design.rst}: a picture, C{rooms.svg}, and a list
of all modules, C{rooms.inc}.  Pages that name a module that is not there are told.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from house import PACKAGE, Module, plain, read
from picture import drawn


def listed(modules: Iterable[Module]) -> str:
    """
    All modules, each with what it says of itself, in reStructuredText.
    """
    lines = [".. Made by script/rooms.", "", ".. list-table::", "   :widths: 28 72", ""]
    for module in modules:
        lines += [f"   * - ``{module.name}``", f"     - {plain(module.says, '``')}"]
    return "\n".join(lines) + "\n"


def missing(modules: Sequence[Module]) -> Iterator[str]:
    """
    The modules that pages name by their rooms, as in C{plan.flags}, and that are
    not there.  What is behind a module's name is taken for one of its own.
    """
    names = {module.name for module in modules}
    rooms = "|".join({name.partition(".")[0] for name in names})
    named = re.compile(rf"``(?:imapsync\.)?((?:{rooms})\.[a-z.]+)")
    for page in sorted(PACKAGE.parent.joinpath("doc").glob("*.rst")):
        found = {one.rstrip(".") for one in named.findall(page.read_text("utf-8"))}
        for one in sorted(found):
            known = one in names or one.rpartition(".")[0] in names
            if not known and ".example." not in one:  # which is a host
                yield f"{page.name} names {one}"


def main() -> None:
    """
    Write both into the directory that is named.
    """
    [directory] = map(Path, sys.argv[1:])
    directory.mkdir(parents=True, exist_ok=True)
    house = read()
    for name, text in ("rooms.svg", drawn(house)), ("rooms.inc", listed(house.modules)):
        directory.joinpath(name).write_text(text, encoding="utf-8")
    if lost := [*missing(house.modules)]:
        raise SystemExit("rooms: not there: " + "; ".join(lost))


if __name__ == "__main__":
    main()
