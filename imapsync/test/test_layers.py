"""
Tests that hold the picture of the architecture true: who imports whom.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from inspect import iscoroutinefunction
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase, TestCase

import imapsync
from imapsync.test import children

#: The rooms of the package, floor by floor, lowest first; some are a module that
#: stands alone.  Each imports only what is on a lower floor; but those on the ground
#: floor, which all speak, import each other, not in a circle.
LAYERS = (
    "errors display document uidset names model log gather",
    "config content system http",
    "oauth",
    "imap plan state",
    "mailbox discovery",
    "accounts",
    "run",
    "service testing",
    "watch",
    "web",
    "cli",
    "several",
    "tap __main__",
)

#: Those that know nothing of Twisted.
PURE = {
    *"errors display document uidset names model config plan content state".split(),
    *"imap.wire imap.trace discovery.address discovery.autoconfig".split(),
    *"discovery.pacc discovery.proposal discovery.records".split(),
    *"cli.given cli.interview cli.keeping".split(),
}

#: Those that need none of it to be imported, besides: a first look is taken without.
FREE = {
    *"imap.commands imap.pipeline imap.dispatch imap.features imap.login".split(),
    *"imap.plain imap.auth.sasl imap.auth.redaction mailbox.summary run.look".split(),
}

#: Those that other programs import from, and that gather what these need.
PUBLIC = {"testing"}

#: Those that may import the global reactor.
OUTERMOST = {"tap", "__main__"}

PACKAGE = Path(imapsync.__file__).parent


class LayersTests(SynchronousTestCase):
    """
    The rooms stand one upon another.
    """

    def test_small(self) -> None:
        """
        A module fits one head.
        """
        large = {
            name: lines
            for name, path in modules()
            if not isTest(name) and (lines := len(path.read_text().splitlines())) > 400
        }
        self.assertEqual({}, large)

    def test_named(self) -> None:
        """
        A room says at its door what is in it.
        """
        doors = {name: path for name, path in modules() if path.stem == "__init__"}
        unnamed = [
            name
            for name, path in modules()
            if "." in name and not isTest(name) and path.stem != "__init__"
            if "C{" + path.stem + "}" not in doors[name.rpartition(".")[0]].read_text()
        ]
        self.assertEqual([], unnamed)

    def setUp(self) -> None:
        """
        Read all modules but the tests.
        """
        self.imports = {
            name: set(imported(ast.parse(path.read_bytes())))
            for name, path in modules()
            if name.partition(".")[0] not in ("", "test")
        }
        self.uses = {
            name: {known for known in map(self.module, uses) if known is not None}
            for name, uses in self.imports.items()
        }
        self.floors = {
            room: floor for floor, rooms in enumerate(LAYERS) for room in rooms.split()
        }

    def module(self, use: tuple[str, bool]) -> str | None:
        """
        Which of our modules something is imported from.
        """
        dotted, _ = use
        package, _, name = dotted.partition(".")
        if package != "imapsync":
            return None
        found = name if name in self.imports else name.rpartition(".")[0]
        return found or None

    def test_known(self) -> None:
        """
        Every module has its room, and every room its floor.
        """
        rooms = {room(name) for name in self.imports}
        self.assertEqual(rooms, set(self.floors))

    def test_downwards(self) -> None:
        """
        Each imports what is below it, or in the same room.
        """
        upwards = [
            f"{name} imports {use}"
            for name, uses in self.uses.items()
            for use in uses
            if room(use) != room(name)
            if self.floors[room(use)] >= self.floors[room(name)] > 0
        ]
        self.assertEqual([], upwards)
        grounded = [name for name, floor in self.floors.items() if not floor]
        uses = {use for name in grounded for use in self.uses[name]}
        self.assertEqual(set(), uses - {*grounded})

    def test_acyclic(self) -> None:
        """
        Neither rooms nor modules import in a circle.
        """
        TopologicalSorter(self.uses).prepare()
        rooms: dict[str, set[str]] = {}
        for name, uses in self.uses.items():
            others = {room(use) for use in uses} - {room(name)}
            rooms.setdefault(room(name), set()).update(others)
        TopologicalSorter(rooms).prepare()

    def test_told(self) -> None:
        """
        Each room says what it is for, and imports nothing to say it.
        """
        for name, path in modules():
            if path.name == "__init__.py" and name and not isTest(name):
                tree = ast.parse(path.read_bytes())
                lines = (ast.get_docstring(tree) or "").splitlines()
                self.assertTrue(3 <= len(lines) <= 18, f"{name}: {len(lines)} lines")
                if name not in PUBLIC:
                    self.assertEqual([], [*imported(tree)], name)

    def test_fakes(self) -> None:
        """
        What tests are made with is no part of the program.
        """
        users = [
            name
            for name, uses in self.uses.items()
            if room(name) != "testing" and "testing" in map(room, uses)
        ]
        self.assertEqual([], users)

    def test_pure(self) -> None:
        """
        The lower rooms do without Twisted.
        """
        impure = [
            f"{name} imports {dotted}"
            for name, uses in self.imports.items()
            if any(f"{name}.".startswith(f"{pure}.") for pure in PURE)
            for dotted, _ in uses
            if dotted.startswith(("twisted.", "zope."))
        ]
        self.assertEqual([], impure)

    def test_free(self) -> None:
        """
        Nor do those that a first look at the servers takes, nor all that comes with
        them.
        """
        names = [
            f"imapsync.{name}"
            for name in self.imports
            if any(f"{name}.".startswith(f"{free}.") for free in FREE)
        ]
        script = f"import sys, {', '.join(names)}; sys.exit('twisted' in sys.modules)"
        done = children.done([sys.executable, "-c", script], check=False)
        self.assertEqual(0, done.returncode)

    def test_reactor(self) -> None:
        """
        Only the outermost modules import the global reactor, and only when
        they run.
        """
        early = [
            name
            for name, uses in self.imports.items()
            for dotted, inFunction in uses
            if dotted.startswith("twisted.internet.reactor")
            and not (name in OUTERMOST and inFunction)
        ]
        self.assertEqual([], early)

    def test_plugin(self) -> None:
        """
        The plugin imports nothing but what describes it: every C{twistd}
        runs it.
        """
        spec = importlib.util.find_spec("twisted.plugins.imapsync_plugin")
        assert spec is not None
        assert spec.origin is not None
        found = set(imported(ast.parse(Path(spec.origin).read_bytes())))
        self.assertEqual({("twisted.application.service.ServiceMaker", False)}, found)


class AsyncTests(SynchronousTestCase):
    """
    No test passes because nobody ran it.
    """

    def test_synchronous(self) -> None:
        """
        A C{SynchronousTestCase} would not run a coroutine, and so call it a
        success: only a C{TestCase} may have one.
        """
        idle = [
            f"{name}: {case.__name__}.{test}"
            for name, _ in modules()
            if name.partition(".")[0] == "test"
            for case in vars(importlib.import_module(f"imapsync.{name}")).values()
            if isinstance(case, type) and issubclass(case, SynchronousTestCase)
            if not issubclass(case, TestCase)
            for test in dir(case)
            if test.startswith("test") and iscoroutinefunction(getattr(case, test))
        ]
        self.assertEqual([], idle)


def room(name: str) -> str:
    """
    Where a module is.
    """
    return name.partition(".")[0]


def isTest(name: str) -> bool:
    """
    Whether it is one of the tests.
    """
    return room(name) == "test"


def modules() -> Iterator[tuple[str, Path]]:
    """
    The package's modules by their names within it, and their files.
    """
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        yield ".".join(part for part in parts if part != "__init__"), path


def imported(node: ast.AST, inFunction: bool = False) -> Iterator[tuple[str, bool]]:
    """
    The full names of all that is imported, and whether in a function.
    """
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from ((alias.name, inFunction) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            yield from (
                (f"{child.module}.{alias.name}", inFunction) for alias in child.names
            )
        else:
            within = isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef))
            yield from imported(child, inFunction or within)
