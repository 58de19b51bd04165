"""
Tests for L{imapsync.web.document}: what machines are told is what is promised to them.
"""

from __future__ import annotations

import json
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from imapsync import document as json_
from imapsync.run.status import MailboxStatus, SyncState
from imapsync.test.fakes.fleet import Fleet
from imapsync.test.fakes.schema import complaints
from imapsync.test.web.samples import ALL, DETAIL, NOW, TOTAL, WELL
from imapsync.watch.facts import Facts
from imapsync.watch.notification import Event, Notice
from imapsync.watch.watch import Watch
from imapsync.web.document import account, accounts
from imapsync.web.labels import Labels


class DocumentTests(SynchronousTestCase):
    """
    Each is as C{doc/schema.json} has it.
    """

    def read(self, text: str) -> Any:
        """
        What a document says.
        """
        self.assertTrue(text.isascii())
        found = json.loads(text)
        self.assertEqual([], complaints(found))
        return found

    def test_accounts(self) -> None:
        """
        All accounts, and what there is in all.
        """
        told = self.read("".join(accounts(ALL, TOTAL, NOW)))
        self.assertEqual("overview", told["kind"])
        self.assertEqual(
            {
                "accounts": 3,
                "health": {
                    "ok": 1,
                    "working": 1,
                    "trouble": 1,
                    "paused": 0,
                    "ended": 0,
                },
                "mailboxes": 6,
                "messages": 1010,
                "refused": 3,
                "today": {"messages": 4, "octets": 4200},
                "counters": TOTAL._asdict(),
            },
            told["totals"],
        )
        anna, ben, carl = told["each"]
        self.assertEqual(("anna", "ok"), (anna["account"], anna["health"]))
        self.assertEqual("1970-01-12T13:45:40Z", anna["synced"])
        self.assertEqual((0.0, 4.5), (anna["lag"], ben["lag"]))
        [now] = ben["progress"]["now"]
        self.assertEqual({"name": "Wörk", "doing": "copying"}, now)
        self.assertEqual("1970-01-12T13:30:00Z", carl["failing"])
        self.assertIn("connection refused", carl["error"])

    def test_nobody(self) -> None:
        """
        Where there is none, that is told.
        """
        told = self.read("".join(accounts((), TOTAL, NOW)))
        self.assertEqual([], told["each"])

    def test_single(self) -> None:
        """
        A single account has no name.
        """
        single = WELL._replace(name="")
        told = self.read("".join(account(DETAIL._replace(facts=single), NOW)))
        self.assertEqual((None, "account"), (told["account"], told["kind"]))
        self.assertEqual(None, told["status"]["account"])

    def test_account(self) -> None:
        """
        One account, with all that is known of it.
        """
        told = self.read("".join(account(DETAIL, NOW)))
        self.assertEqual("ben", told["account"])
        inbox, work = told["mailboxes"]
        self.assertEqual(0, inbox["refused"])
        self.assertEqual((3, 4.5), (work["refused"], work["lag"]))
        refused, whole = work["troubles"]
        self.assertEqual(("local", "3:4"), (refused["side"], refused["uids"]))
        self.assertEqual(
            (None, None, None), (*map(whole.get, ("side", "due", "since")),)
        )
        self.assertEqual((60, 96), (len(told["hour"]), len(told["day"])))
        self.assertEqual("warn", told["log"][0]["level"])

    def test_hidden(self) -> None:
        """
        So it is where names are hidden; then there is none.
        """
        labels = Labels(b"key")
        for text in (
            "".join(accounts([*map(labels.facts, ALL)], TOTAL, NOW)),
            "".join(account(labels.detail(DETAIL), NOW)),
        ):
            self.read(text)
            names = "anna ben carl example INBOX etc NOPERM carried".split()
            for name in ("W\\u00f6rk", *names):
                self.assertNotIn(name, text)

    def test_watched(self) -> None:
        """
        So it is of accounts that are really watched.
        """
        fleet = Fleet("anna", "ben")
        watch = Watch(fleet, fleet.clock, lambda: NOW + fleet.clock.seconds())
        watch.startService()
        fleet.becomes("anna", state=SyncState.BACKING_OFF, error="No", errorAt=0.0)
        fleet.becomes("ben", mailboxes={"a": MailboxStatus(1)}, synced=0.0)
        self.read("".join(accounts(watch.accounts(), watch.total, NOW)))
        self.read("".join(account(watch.account("ben"), NOW)))
        watch.stopService()

    def test_notice(self) -> None:
        """
        What is posted is as it is promised, too.
        """
        for facts in WELL, Facts(""):
            for event in Event:
                notice = Notice.of(event, facts, 100.0, 1000.0)
                self.read("".join(json_.text(notice.document)))
