"""
The rooms of the package, read from its code.

Who imports whom, what each room is for, and whether it knows Twisted is what the
modules say.  Which rooms share a floor is what C{imapsync/test/test_layers.py} says.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from graphlib import TopologicalSorter
from pathlib import Path
from typing import NamedTuple

PACKAGE = Path(__file__).resolve().parent.parent / "imapsync"
LAYERS = PACKAGE / "test" / "test_layers.py"


class Module(NamedTuple):
    """
    A module, or a package by its C{__init__}.

    @ivar name: within the package, with dots.
    @ivar says: the first sentence of its docstring, in epytext.
    @ivar imports: the names of our modules that it imports.
    @ivar twisted: whether it imports Twisted, or a module that does.
    """

    name: str
    says: str
    imports: frozenset[str]
    twisted: bool


class Room(NamedTuple):
    """
    A package, or a module that stands alone.

    @ivar modules: the names of those in it, and whether they do without Twisted.
    @ivar inner: the packages in it.
    @ivar pure: whether all in it does without Twisted.
    """

    name: str
    says: str
    modules: dict[str, bool]
    inner: tuple[Room, ...]
    pure: bool


class House(NamedTuple):
    """
    All of them.

    @ivar floors: lowest first; but for the ground floor.
    @ivar ground: what all may import.
    @ivar imports: from room to rooms, but for the ground floor.
    @ivar modules: of all floors, highest first.
    """

    floors: Sequence[Sequence[Room]]
    ground: Room
    imports: dict[str, set[str]]
    modules: Sequence[Module]


def read() -> House:
    """
    Read the code.
    """
    modules = _modules()
    [ground, *floors] = [floor.split() for floor in _layers()]
    imports: dict[str, set[str]] = {}
    for module in modules.values():
        one = _outermost(module.name)
        others = {_outermost(name) for name in module.imports} - {one, *ground}
        if one not in ground:
            imports.setdefault(one, set()).update(others)
    return House(
        [[_room(name, modules) for name in floor] for floor in floors],
        _ground({name: not modules[name].twisted for name in ground}),
        imports,
        _sorted(modules.values(), [*reversed(floors), ground]),
    )


def _layers() -> tuple[str, ...]:
    for node in ast.parse(LAYERS.read_bytes()).body:
        match node:
            case ast.Assign(targets=[ast.Name(id="LAYERS")], value=value):
                return tuple(ast.literal_eval(value))
    raise SystemExit(f"rooms: there is no LAYERS in {LAYERS}")


def _modules() -> dict[str, Module]:
    paths = {
        ".".join(part for part in parts if part != "__init__"): path
        for path in sorted(PACKAGE.rglob("*.py"))
        if (parts := path.relative_to(PACKAGE).with_suffix("").parts)[0] != "test"
    }
    del paths[""]
    modules = {}
    for name, path in paths.items():
        tree = ast.parse(path.read_bytes())
        imported = [*_imported(tree)]
        ours = [one[9:] for one in imported if one.startswith("imapsync.")]
        known = {one if one in paths else one.rpartition(".")[0] for one in ours}
        twisted = any(one.startswith(("twisted.", "zope.")) for one in imported)
        modules[name] = Module(name, _says(tree), frozenset(known - {""}), twisted)
    order = TopologicalSorter({m.name: m.imports for m in modules.values()})
    for name in order.static_order():
        module = modules[name]
        twisted = module.twisted or any(modules[n].twisted for n in module.imports)
        modules[name] = module._replace(twisted=twisted)
    return modules


def _sorted(modules: Iterable[Module], floors: Sequence[Sequence[str]]) -> list[Module]:
    rooms = [name for floor in floors for name in floor]
    return sorted(modules, key=lambda one: (rooms.index(_outermost(one.name)), one))


def _imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _says(tree: ast.Module) -> str:
    text = " ".join((ast.get_docstring(tree) or "").split("\n\n")[0].split())
    return re.split(r"(?<=\.) (?=[A-Z])", text)[0]


def _outermost(name: str) -> str:
    return name.partition(".")[0]


def _room(name: str, modules: dict[str, Module]) -> Room:
    within = [m for n, m in modules.items() if f"{n}.".startswith(f"{name}.")]
    below = {m.name[len(name) + 1 :]: not m.twisted for m in within if m.name != name}
    packages = sorted({_outermost(one) for one in below if "." in one})
    return Room(
        name,
        modules[name].says,
        {n: p for n, p in below.items() if "." not in n and n not in packages},
        tuple(_room(f"{name}.{one}", modules) for one in packages),
        not any(module.twisted for module in within),
    )


def _ground(modules: dict[str, bool]) -> Room:
    says = "Errors, values and names: all may import these."
    return Room("what all speak", says, modules, (), all(modules.values()))


def plain(epytext: str, quote: str = "") -> str:
    """
    What somebody reads, with C{quote} on both sides of what is code.
    """

    def code(found: re.Match[str]) -> str:
        name = found[1].partition("<")[0].rpartition("imapsync.")[2]
        return f"{quote}{name}{quote}"

    return re.sub(r"[A-Z]\{([^}]*)\}", code, epytext)
