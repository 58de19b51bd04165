"""
What the program says when something is wrong, as its source has it: for the page that
tells what to do about it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import imapsync
from imapsync import errors

PACKAGE = Path(imapsync.__file__).parent

#: What is not told by the program, but by its tests.
_ASIDE = {"test", "testing"}

#: How the parts of a text are written that differ from time to time.
GAP = "..."

#: The errors whose texts say themselves what to do: they are only listed.
OBVIOUS = (
    ("UsageError",),
    ("StateDamaged",),
    ("NotFound",),
    ("StateUnavailable", "NotMade", "NoDatabase", "OtherAccounts"),
    ("StateError",),
    ("ProtocolViolation",),
    ("ConfigError",),
)

#: Where it is put into words by and by what is wrong, by variables and arguments that
#: are called so, or by constants.
_ROOMS = {"accounts", "imap", "mailbox", "plan"}
_WORDS = {"text", "why", "trouble"}

#: Where a logger is told of what is wrong, and which argument is the text.
_LOGGED = {
    "warn": 0,
    "error": 0,
    "critical": 0,
    "failure": 0,
    "failureHandler": 0,
    "once": 1,
}


class Said(NamedTuple):
    """
    A text.

    @ivar kind: the name of the error that has it, or C{"log"}.
    @ivar text: with L{GAP} for what differs from time to time.
    @ivar module: where it is said.
    """

    kind: str
    text: str
    module: str


@cache
def said() -> Sequence[Said]:
    """
    All texts of warnings and errors.
    """
    trees = dict(_trees())
    known = _errors(trees)
    kinds = {**known, **_makers(trees, known)}
    return sorted({x for name, tree in trees.items() for x in found(name, tree, kinds)})


def listed() -> str:
    """
    The texts that say themselves what to do, by exit codes, in reStructuredText.
    """
    parts = [".. Made by script/messages.", ""]
    for kinds in OBVIOUS:
        texts = sorted({one.text for one in said() if one.kind in kinds})
        parts += [f".. {kinds[0]}", "", *(f"- ``{text}``" for text in texts), ""]
        parts += [".. end", ""]
    return "\n".join(parts[:-1])


def found(module: str, tree: ast.Module, kinds: Mapping[str, str]) -> Iterator[Said]:
    """
    The texts in a module.

    @param kinds: of what errors are made.
    """
    room = module.partition(".")[0]
    for node in ast.walk(tree):
        kind, arguments = _called(node, kinds)
        if room in _ROOMS and not arguments:
            kind, arguments = "words", [*_worded(node, room != "imap")]
        for argument in arguments:
            for text in map(plain, _texts(argument)):
                if re.search(r"[a-z]+\W* \W*[a-z]+", text):
                    yield Said(kind, text, module)


def plain(text: str) -> str:
    """
    A text without the place at its beginning, and with one gap where there are
    several.
    """
    text = re.sub(r"\.{3,}", GAP, " ".join(text.split()))
    return re.sub(r"^(\.\.\.[:;,]? ?)+", "", text)


def _trees() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        if not _ASIDE.intersection(parts):
            yield ".".join(parts), ast.parse(path.read_text("utf-8"))


def _errors(trees: Mapping[str, ast.Module]) -> dict[str, str]:
    """
    The classes of errors, and what each is called in L{imapsync.errors}: there are a
    few that only one module knows.
    """
    known = {
        name: name
        for name, one in vars(errors).items()
        if isinstance(one, type) and issubclass(one, errors.ImapSyncError)
    }
    for tree in trees.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and node.name not in known:
                bases = [known[n] for n in map(_named, node.bases) if n in known]
                known |= dict.fromkeys([node.name], bases[0]) if bases else {}
    return known


def _makers(
    trees: Mapping[str, ast.Module], known: Mapping[str, str]
) -> dict[str, str]:
    """
    The functions that make an error of a text, and which: their type says so.
    """
    made = {}
    for tree in trees.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and node.returns is not None:
                returned = ast.unparse(node.returns).strip("'\"").split(" |")[0]
                if returned in known:
                    made[node.name] = known[returned]
    return made


def _named(node: ast.expr) -> str:
    """
    The last word of a name.
    """
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _called(node: ast.AST, kinds: Mapping[str, str]) -> tuple[str, list[ast.expr]]:
    """
    What is called here that makes an error, or tells of one, and with what.
    """
    if not isinstance(node, ast.Call):
        return "", []
    name = _named(node.func)
    if name in _LOGGED and isinstance(node.func, ast.Attribute):
        return "log", node.args[_LOGGED[name] :][:1]
    if name in ("trouble", "Trouble"):
        return "MailboxError", node.args
    return (kinds[name], node.args) if name in kinds else ("", [])


def _worded(node: ast.AST, constants: bool) -> Iterator[ast.expr]:
    """
    What is given a name that stands for a text of that kind.

    @param constants: whether the names of constants do.
    """
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        name = node.targets[0].id
        if name in _WORDS or (name.lstrip("_").isupper() and constants):
            yield node.value
    elif isinstance(node, ast.Call):
        yield from (each.value for each in node.keywords if each.arg in _WORDS)


def _texts(node: ast.expr) -> Iterator[str]:
    """
    What a text can be.
    """
    if isinstance(node, ast.IfExp):
        yield from _texts(node.body)
        yield from _texts(node.orelse)
    elif isinstance(node, ast.BinOp):
        left, right = (next(_texts(x), GAP) for x in (node.left, node.right))
        if {left, right} != {GAP}:
            yield left + right
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield re.sub(r"\{[^{}]*\}", GAP, node.value)
    elif isinstance(node, ast.JoinedStr):
        parts = (
            part.value if isinstance(part, ast.Constant) else GAP
            for part in node.values
        )
        yield "".join(map(str, parts))
