"""
Tests for L{imapsync.run.document}: what machines are told is what is promised to them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SkipTest, SynchronousTestCase

import imapsync
from imapsync.config.request import Depth, Request
from imapsync.errors import Lost, StateError, StateUnavailable
from imapsync.run.document import Lines, moment, text
from imapsync.service import Outcome
from imapsync.state.store import Store
from imapsync.test.test_service import ServiceCase
from imapsync.testing.accounts import SEEN, mail

#: There in a source tree only.
SCHEMA = Path(imapsync.__file__).parents[1] / "doc" / "schema.json"

_TYPES = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
}


def complaints(value: Any, schema: Any, root: Any, place: str = "") -> Iterator[str]:
    """
    What of a value is not as a JSON Schema has it; or is not documented there at all.
    """
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        yield from complaints(value, root["$defs"][name], root, place)
        return
    if "anyOf" in schema:
        tried = [[*complaints(value, one, root, place)] for one in schema["anyOf"]]
        yield from min(tried, key=len)
        return
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if kinds and not any(_isA(value, kind) for kind in kinds):
        yield f"{place}: {value!r} is not {kinds}"
    allowed = schema.get("enum", [schema["const"]] if "const" in schema else [value])
    if value not in allowed:
        yield f"{place}: {value!r} is none of {allowed}"
    if isinstance(value, str) and not re.search(schema.get("pattern", ""), value):
        yield f"{place}: {value!r} does not match"
    if isinstance(value, dict):
        yield from _fields(value, schema, root, place)
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield from complaints(item, schema["items"], root, f"{place}/{number}")


def _fields(value: Any, schema: Any, root: Any, place: str) -> Iterator[str]:
    for name in schema.get("required", ()):
        if name not in value:
            yield f"{place}: no {name}"
    for name, item in value.items():
        if name in schema["properties"]:
            found = schema["properties"][name]
            yield from complaints(item, found, root, f"{place}/{name}")
        else:
            yield f"{place}: {name} is not documented"


def _isA(value: object, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    return isinstance(value, _TYPES[kind])  # type: ignore[arg-type]


class TextTests(SynchronousTestCase):
    """
    Values become JSON.
    """

    def test_values(self) -> None:
        """
        Whatever JSON can say.
        """
        values: tuple[object, ...] = (
            *(None, True, 0, -1.5, "", '"\\\n\x1b\u202eé', [], {}),
            {"a": [1, [2, {"b": None}]], "c": {}},
        )
        for value in values:
            written = "".join(text(value))
            self.assertEqual(value, json.loads(written))
            self.assertTrue(written.isascii() and written.isprintable())

    def test_iterators(self) -> None:
        """
        An iterator is written as it goes.
        """
        taken = []

        def some() -> Iterator[int]:
            for number in range(3):
                taken.append(number)
                yield number

        pieces = text({"a": some()})
        self.assertEqual(['{"a":', "[", "0"], [next(pieces) for _ in range(3)])
        self.assertEqual([0], taken)
        self.assertEqual(",1,2]}", "".join(pieces))

    def test_surrogates(self) -> None:
        """
        What is no character is an escape: not every program reads it.
        """
        [found] = [json.loads("".join(text("a\udcff")))]
        self.assertEqual("a\\udcff", found)

    def test_moment(self) -> None:
        """
        Times are UTC, of whatever year.
        """
        self.assertEqual("2020-02-01T03:04:05Z", moment(1580526245.9))
        self.assertEqual("1969-12-31T23:59:59Z", moment(-1))

    def test_lines(self) -> None:
        """
        Lines are kept, however odd.
        """
        lines = Lines()
        self.addCleanup(lines.close)
        for one in ("a", "\x1b[2J", "é"):
            lines.add(one)
        self.assertEqual(["a", "\\u001b[2J", "é"], [*lines])


class DocumentTests(ServiceCase):
    """
    Real documents are as C{doc/schema.json} has it.
    """

    def setUp(self) -> None:
        """
        Have some mail.
        """
        super().setUp()
        if not SCHEMA.exists():
            raise SkipTest("There is no documentation here.")
        self.schema = json.loads(SCHEMA.read_text())
        self.written: list[str] = []
        self.world.fill(mail(1), mail(2))
        self.remote.make("Wörk").add(mail(3), SEEN)

    def take(self, document: Iterable[str]) -> None:
        """
        A document is printed.
        """
        self.written.append("".join(document))

    def document(self, request: Request, code: int = 0, **arguments: Any) -> Any:
        """
        What a run tells, and nothing else.
        """
        said: list[str] = []
        self.written.clear()
        request = request._replace(json=True)
        outcome = self.serve(request, say=said.append, emit=self.take, **arguments)
        self.assertEqual(code, outcome.code, outcome.text)
        [written] = self.written
        document = json.loads(written)
        self.assertEqual([], [*complaints(document, self.schema, self.schema)])
        self.assertEqual(code, document["exit"])
        self.assertEqual([], said)
        return document

    def test_sync(self) -> None:
        """
        What was done.
        """
        told = self.document(Request())
        self.assertEqual("sync", told["kind"])
        self.assertEqual(imapsync.__version__, told["imapsync"])
        [inbox, work] = told["mailboxes"]
        self.assertEqual({"local": 0, "remote": 2}, inbox["copied"])
        self.assertEqual("Wörk", work["name"])
        self.assertEqual(["created on local", "subscribed on local"], work["steps"])
        self.assertEqual(3, told["totals"]["copied"])
        self.assertGreater(told["octets"], 1000)
        self.assertEqual("127.0.0.1", told["servers"]["remote"]["host"])

    def test_troubles(self) -> None:
        """
        What could not be.
        """
        self.remote.objection = lambda _: "NO [OVERQUOTA] full"
        [trouble, *_] = self.document(Request(), 1)["troubles"]
        found = [trouble[key] for key in ("mailbox", "side", "uids")]
        self.assertEqual(["INBOX", "local", "1"], found)
        self.assertIn("[OVERQUOTA] full", trouble["text"])

    def test_dryRun(self) -> None:
        """
        What would be done.
        """
        told = self.document(Request(dryRun=True))
        self.assertTrue(told["dryRun"])
        self.assertIn("INBOX: copy UID 1:2 from local to remote", told["planned"])
        self.assertEqual([], told["mailboxes"])

    def test_verify(self) -> None:
        """
        What differs.
        """
        told = self.document(Request(verify=Depth.HEADER), 1)
        [inbox, work] = told["mailboxes"]
        self.assertEqual(["missing"], inbox["messages"][0]["differs"])
        self.assertEqual(1, inbox["messages"][0]["local"]["uid"])
        self.assertIsNone(inbox["messages"][0]["remote"])
        self.assertIsNone(work["local"])
        self.assertEqual(3, told["totals"]["differences"])

    def test_equal(self) -> None:
        """
        And that nothing does; then digests are equal, and only then.
        """
        digests = set()
        for flag in ("\\Seen", "\\Draft"):
            self.local.inbox.flag(1, flag)
            self.assertEqual(0, self.serve().code)
            for depth in Depth:
                told = self.document(Request(verify=depth))
                [inbox, _] = told["mailboxes"]
                self.assertEqual(inbox["local"]["digest"], inbox["remote"]["digest"])
                digests.add(inbox["local"]["digest"])
        self.assertEqual(4, len(digests))

    def test_failed(self) -> None:
        """
        A run that fails says so there, too.
        """
        self.remote.greeting = "BYE"
        told = self.document(Request(), Lost.code)
        self.assertIn("remote", told["error"])
        self.assertIsNone(told["servers"]["remote"]["greeting"])

    def test_unbegun(self) -> None:
        """
        Even one that could not begin.
        """
        state = Store.open(self.world.database)
        self.addCleanup(state.close)
        told = self.document(Request(), StateUnavailable.code)
        self.assertIn("in use", told["error"])
        self.assertNotIn("servers", told)

    def test_unprintable(self) -> None:
        """
        If nobody takes it, the run has failed.
        """

        def refuse(_: Iterable[str]) -> None:
            raise StateError("standard output is closed")

        outcome = self.serve(Request(json=True), emit=refuse)
        self.assertEqual((StateError.code, "standard output is closed"), outcome[:2])
        self.assertIsInstance(outcome, Outcome)
