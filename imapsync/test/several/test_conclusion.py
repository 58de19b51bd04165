"""
Tests for L{imapsync.several.conclusion}.
"""

from __future__ import annotations

import io
import json
import sys
from contextvars import copy_context
from typing import Any

from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from imapsync.cli.options import parse
from imapsync.config.settings import Config
from imapsync.errors import StateError
from imapsync.log import account
from imapsync.model import Side
from imapsync.service import Outcome
from imapsync.several import conclusion
from imapsync.several.services import Several
from imapsync.several.source import Source
from imapsync.test.fakes.schema import complaints
from imapsync.test.fakes.world import Reactor, World


class LogTests(SynchronousTestCase):
    """
    Tests for L{conclusion.log}.
    """

    def logged(self, *codes: int, verbose: bool = True) -> list[str | None]:
        """
        What is said where accounts ended with these codes.
        """
        outcomes = {f"a{n}": Outcome(code) for n, code in enumerate(codes)}
        last = copy_context()  # it is said when the last one has ended
        last.run(account.set, "a0")
        with capturedLogs() as events:
            last.run(conclusion.log, outcomes, 2.5, verbose)
        return [formatEvent(event) for event in events]

    def test_well(self) -> None:
        """
        Where all went well, it is said in one line, if at all.
        """
        self.assertEqual(["3 of 3 accounts succeeded, in 2.5 s."], self.logged(0, 0, 0))
        self.assertEqual([], self.logged(0, 0, verbose=False))

    def test_failed(self) -> None:
        """
        Those that failed are named.
        """
        self.assertEqual(
            [
                "1 of 3 accounts succeeded, in 2.5 s.",
                "2 of 3 accounts failed:",
                "- a0, a2",
            ],
            self.logged(1, 0, 77),
        )

    def test_many(self) -> None:
        """
        Very many are in several lines.
        """
        told = self.logged(*[77] * 25, verbose=False)
        self.assertEqual(3, len(told))
        self.assertEqual("25 of 25 accounts failed:", told[0])
        self.assertEqual("- a5, a6, a7, a8, a9", told[2])


class WrittenTests(SynchronousTestCase):
    """
    Tests for L{conclusion.written}.
    """

    def test_leftOut(self) -> None:
        """
        What could not even be read is told as well, as a line.
        """
        written = conclusion.written({}, {}, 1, 2.5, ("users:4: wrong\n",))
        told = json.loads("".join(written))
        self.assertEqual([], complaints(told))
        self.assertEqual((1, 0), (told["exit"], told["accounts"]))
        [text] = told["leftOut"]
        self.assertTrue(text.startswith("users:4: wrong"), text)
        self.assertTrue(text.isprintable(), text)


class SeveralTests(SynchronousTestCase):
    """
    What a program with several accounts says in the end.
    """

    def setUp(self) -> None:
        """
        Make two accounts, of which one leads to no server.
        """
        self.world = World(self.mktemp())
        self.reactor = Reactor(self.world)
        good = self.world.settings()
        remote = good.servers[Side.REMOTE]
        tls = remote.tls._replace(caFile="/nowhere")
        bad = good._replace(
            path="/etc/other",
            database=f"{self.world.database}2",
            servers={
                **good.servers,
                Side.REMOTE: remote._replace(type="imaps", tls=tls),
            },
        )
        self.configs = {"good": good, "bad": bad}
        self.output = io.StringIO()
        self.patch(sys, "stdout", self.output)

    def run_(self, *arguments: str, least: int = 0) -> int:
        """
        Run it.

        @return: the exit code.
        """
        line = parse([*arguments, "--oneshot"])

        async def read() -> dict[str, Config]:
            return self.configs

        source = Source(read, least=least)
        several = Several(
            *(line, self.configs, {}, self.reactor),
            lambda *_: None,
            source=source,
        )
        several.startService()
        self.world.pump()
        return self.successResultOf(several.finished)

    def documents(self) -> list[Any]:
        """
        What was printed.
        """
        return [json.loads(one) for one in self.output.getvalue().splitlines()]

    def test_json(self) -> None:
        """
        The last document tells of all.
        """
        self.assertEqual(78, self.run_("--json"))
        *each, last = self.documents()
        self.assertEqual({"good", "bad"}, {one["account"] for one in each})
        self.assertEqual([], complaints(last))
        [failed] = last["failed"]
        self.assertEqual(
            ("accounts", None, 78, 2, 1),
            tuple(last[it] for it in "kind config exit accounts succeeded".split()),
        )
        self.assertEqual(
            ("bad", "/etc/other", 78),
            (failed["account"], failed["config"], failed["exit"]),
        )
        self.assertIn("/nowhere", failed["error"])

    def test_left(self) -> None:
        """
        Where something of a list was left out, not all is well.
        """
        del self.configs["bad"]
        self.assertEqual(1, self.run_("--json", least=1))
        self.assertEqual(1, self.documents()[-1]["exit"])

    def test_alone(self) -> None:
        """
        Of one account there is nothing more to tell.
        """
        self.configs = {"": self.configs["good"]}
        with capturedLogs() as events:
            self.assertEqual(0, self.run_("--json"))
        self.assertEqual(["sync"], [one["kind"] for one in self.documents()])
        lines = [formatEvent(event) or "" for event in events]
        self.assertEqual([], [one for one in lines if "accounts" in one])

    def test_untold(self) -> None:
        """
        If it cannot be told, the exit code says so.
        """
        del self.configs["bad"]

        class Full(io.StringIO):
            """
            Takes one document.
            """

            def write(self, text: str) -> int:
                if '"accounts"' in text:
                    raise OSError(28, "no space")
                return len(text)

        self.patch(sys, "stdout", Full())
        self.assertEqual(StateError.code, self.run_("--json"))
