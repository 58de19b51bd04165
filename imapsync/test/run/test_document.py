"""
Tests for L{imapsync.run.document}: what machines are told is what is promised to them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import imapsync
from imapsync.config.request import Depth, Request
from imapsync.errors import Lost, StateError, StateUnavailable
from imapsync.service import Outcome
from imapsync.state.store import Store
from imapsync.test.fakes import interimap
from imapsync.test.fakes.schema import complaints
from imapsync.test.test_service import ServiceCase
from imapsync.testing.accounts import SEEN, mail


class DocumentTests(ServiceCase):
    """
    Real documents are as C{doc/schema.json} has it.
    """

    def setUp(self) -> None:
        """
        Have some mail.
        """
        super().setUp()
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
        self.assertEqual([], complaints(document))
        self.assertEqual(code, document["exit"])
        self.assertEqual([], said)
        return document

    def test_import(self) -> None:
        """
        What was taken over; what was left out is a trouble.
        """
        self.serve(Request())
        path = interimap.made(self.mktemp(), interimap.knowing(self.world.database))
        Path(self.world.database).unlink()
        self.remote.folders["Wörk"].renumber()
        document = self.document(Request(interimap=path), code=1)
        self.assertEqual("import", document["kind"])
        [inbox] = document["mailboxes"]
        self.assertEqual(["2 messages taken over"], inbox["steps"])
        [trouble] = document["troubles"]
        self.assertEqual(("Wörk", "remote"), (trouble["mailbox"], trouble["side"]))
        Path(self.world.database).unlink()
        document = self.document(Request(interimap=path, dryRun=True), code=1)
        self.assertEqual(["INBOX: take over 2 messages"], document["planned"])

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

    def test_repair(self) -> None:
        """
        What was not as it is to be.
        """
        self.serve()
        self.local.inbox.add(mail(9))
        told = self.document(Request(repair=True, dryRun=True), 1)
        [anomaly] = told["anomalies"]
        self.assertEqual(("alone", 3), (anomaly["kind"], anomaly["local"]))
        self.assertEqual({"alone": 1}, told["found"])
        told = self.document(Request(repair=True))
        self.assertEqual({"alone": 1}, told["found"])
        self.assertEqual(1, told["totals"]["copied"])

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

        def fall(_: Iterable[str]) -> None:
            raise KeyError("x")

        self.assertEqual(70, self.serve(Request(json=True), emit=fall).code)
        outcome = self.serve(Request(json=True), emit=refuse)
        self.assertEqual((StateError.code, "standard output is closed"), outcome[:2])
        self.assertIsInstance(outcome, Outcome)
