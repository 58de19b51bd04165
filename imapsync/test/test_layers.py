"""
Tests that hold the picture of the architecture true: who imports whom.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
from collections.abc import Iterator
from graphlib import TopologicalSorter
from inspect import iscoroutinefunction
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase, TestCase

import imapsync

#: The modules of the package, from the bottom up: each imports from its own
#: layer and those below.  The first three layers know nothing of Twisted.
LAYERS = (
    {"", "imap", "errors", "names", "uidset"},
    {
        "config",
        "content",
        "encryption",
        "imap.responses",
        "imap.tokens",
        "imap.trace",
        "imap.wire",
        "imap.words",
        "ini",
        "model",
        "options",
        "terminal",
        "values",
    },
    {
        "account",
        "brake",
        "database",
        "likeness",
        "lineage",
        "memory",
        "plan",
        "reading",
        "renaming",
        "report",
        "routes",
        "schema",
        "state",
        "status",
        "tree",
        "uses",
    },
    {
        "imap.appending",
        "imap.client",
        "imap.commands",
        "imap.compress",
        "imap.connection",
        "imap.delivery",
        "imap.pipeline",
        "imap.pushing",
        "imap.queries",
        "imap.sasl",
        "imap.stock",
        "imap.tls",
        "imap.tunnel",
        "logs",
        "pulse",
        "resolving",
        "together",
    },
    {"imap.connect"},
    {
        "batches",
        "copying",
        "deletions",
        "flags",
        "listing",
        "mailbox",
        "moves",
        "opening",
        "pairing",
        "removal",
        "renames",
        "steps",
        "tracing",
        "view",
    },
    {"crew", "scope"},
    {"orders", "session"},
    {"connections", "live", "watching"},
    {"following", "oneshot", "systemd"},
    {"service"},
    {"several"},
    {"signals"},
    {"__main__", "tap"},
)
PURE = set().union(*LAYERS[:3])
OUTERMOST = LAYERS[-1]

PACKAGE = Path(imapsync.__file__).parent


class LayersTests(SynchronousTestCase):
    """
    The modules stand one upon another.
    """

    def setUp(self) -> None:
        """
        Read all modules but the tests.
        """
        self.imports = {
            name: set(imported(ast.parse(path.read_bytes())))
            for name, path in modules()
            if name.partition(".")[0] != "test"
        }
        self.uses = {
            name: {known for known in map(self.module, uses) if known is not None}
            for name, uses in self.imports.items()
        }

    def module(self, use: tuple[str, bool]) -> str | None:
        """
        Which of our modules something is imported from.
        """
        dotted, _ = use
        package, _, name = dotted.partition(".")
        if package != "imapsync":
            return None
        return name if name in self.imports else name.rpartition(".")[0]

    def test_known(self) -> None:
        """
        Every module has its layer.
        """
        self.assertEqual(set(), set(self.imports) - set().union(*LAYERS))

    def test_downwards(self) -> None:
        """
        Lower never imports upper.
        """
        height = {name: n for n, layer in enumerate(LAYERS) for name in layer}
        upwards = [
            f"{name} imports {use}"
            for name, uses in self.uses.items()
            for use in uses
            if height.get(use, 0) > height.get(name, 0)
        ]
        self.assertEqual([], upwards)

    def test_acyclic(self) -> None:
        """
        Within a layer, too, nobody imports in a circle.
        """
        TopologicalSorter(self.uses).prepare()

    def test_pure(self) -> None:
        """
        The lower layers do without Twisted.
        """
        impure = [
            f"{name} imports {dotted}"
            for name in PURE & set(self.imports)
            for dotted, _ in self.imports[name]
            if dotted.startswith(("twisted.", "zope."))
        ]
        self.assertEqual([], impure)

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
