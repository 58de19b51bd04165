"""
Tests for L{imapsync.mailbox.report}.
"""

from __future__ import annotations

from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from imapsync.errors import MailboxError, Refused
from imapsync.mailbox.report import Report
from imapsync.model import Side, Trouble

LOCAL, REMOTE = Side


class ReportTests(SynchronousTestCase):
    """
    The account of a run.
    """

    def setUp(self) -> None:
        """
        Begin one.
        """
        self.report = Report()

    def test_empty(self) -> None:
        """
        A run without news has a line of totals only.
        """
        self.assertEqual(
            ["Total: 0 copied, 0 moved, 0 duplicated, 0 flagged, 0 expunged"],
            list(self.report.lines()),
        )
        self.assertEqual(0, self.report.changes)

    def test_lines(self) -> None:
        """
        Each mailbox that changed has a line, by name; totals come last.
        """
        report = self.report
        report.did("copied", "INBOX", REMOTE, 2)
        report.did("copied", "INBOX", LOCAL, 1)
        report.did("flagged", "INBOX", LOCAL, 4)
        report.did("expunged", "Archive", REMOTE, 1)
        report.joined("Archive", 7)
        report.did("moved", "Archive", REMOTE, 5)
        report.did("duplicated", "Archive", LOCAL, 6)
        report.took("New", "created on local")
        report.took("New", "subscribed on local")
        self.assertEqual(
            [
                "Archive: 5 moved on remote, 6 duplicated on local,"
                " 1 expunged on remote, 7 paired by content",
                "INBOX: 1 copied remote to local, 2 copied local to remote,"
                " 4 flagged on local",
                "New: created on local, subscribed on local",
                "Total: 3 copied, 5 moved, 6 duplicated, 4 flagged, 1 expunged",
            ],
            list(report.lines()),
        )

    def test_changes(self) -> None:
        """
        What was paired is no change on a server.
        """
        self.report.did("copied", "A", REMOTE, 2)
        self.report.did("flagged", "A", REMOTE, 3)
        self.report.did("expunged", "B", REMOTE, 4)
        self.report.joined("A", 100)
        self.report.took("C", "created on local")
        self.report.did("moved", "A", REMOTE, 20)
        self.report.did("duplicated", "A", LOCAL, 30)
        self.assertEqual(60, self.report.changes)

    def test_nothing(self) -> None:
        """
        A mailbox in which nothing was achieved has no line.
        """
        self.report.did("expunged", "INBOX", REMOTE, 0)
        self.report.joined("INBOX", 0)
        self.assertEqual(1, len(list(self.report.lines())))

    def trouble(self, name: str, text: str, report: Report | None = None) -> bool:
        """
        Tell of a trouble.

        @return: whether that is news, and so is logged.
        """
        with capturedLogs() as events:
            (report or self.report).trouble(Trouble(name, text))
        told = [formatEvent(event) for event in events]
        self.assertIn(told, ([], [f"{name}: {text}"]))
        return bool(told)

    def test_trouble(self) -> None:
        """
        The same trouble is news only once.
        """
        self.assertTrue(self.trouble("INBOX", "no room"))
        self.assertFalse(self.trouble("INBOX", "no room"))
        self.assertTrue(self.trouble("Other", "no room"))
        self.assertEqual(
            [Trouble("INBOX", "no room"), Trouble("Other", "no room")],
            [*self.report.troubles],
        )
        self.assertTrue(self.report.isTroubled("Other"))
        self.assertFalse(self.report.isTroubled("Third"))

    def test_failed(self) -> None:
        """
        An error says whose doing it is, and with which response code.
        """
        refused = Refused("SELECT", "NO", "NOPERM", "you may not")
        self.report.failed("A", refused, LOCAL)
        self.report.failed("B", MailboxError("no luck", REMOTE, "LIMIT"), LOCAL)
        self.assertEqual(
            [
                Trouble("A", str(refused), LOCAL, code="NOPERM"),
                Trouble("B", "no luck", REMOTE, code="LIMIT"),
            ],
            [*self.report.troubles],
        )

    def test_successor(self) -> None:
        """
        The account of a later run knows what was told; it counts anew.
        """
        self.trouble("INBOX", "no room")
        self.report.did("copied", "INBOX", REMOTE, 1)
        later = self.report.successor().successor()
        self.assertEqual(0, later.changes)
        self.assertEqual({}, later.troubles)
        self.assertTrue(later.isTroubled("INBOX"))
        self.assertFalse(self.trouble("INBOX", "no room", later))
        self.assertTrue(self.trouble("INBOX", "no luck", later))

    def test_mended(self) -> None:
        """
        A mailbox is mended when nothing was in its way, and something was
        tried; then a trouble is news again.
        """
        for name in ("a", "b", "c"):
            self.trouble(name, "no room")
        later = self.report.successor()
        self.trouble("a", "no room", later)
        self.assertEqual({"c"}, later.mended({"b"}))
        self.assertEqual(set(), later.mended({"b"}))
        self.assertFalse(self.trouble("b", "no room", later))
        self.assertTrue(self.trouble("c", "no room", later))

    def test_carried(self) -> None:
        """
        It knows where changes came from.
        """
        self.report.did("copied", "a", REMOTE, 1)
        self.report.did("flagged", "b", LOCAL, 1)
        self.report.did("expunged", "c", REMOTE, 0)
        self.assertEqual(["a"], list(self.report.carried(LOCAL)))
        self.assertEqual(["b"], list(self.report.carried(REMOTE)))
