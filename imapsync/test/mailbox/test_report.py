"""
Tests for L{imapsync.mailbox.report}.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from imapsync.mailbox.report import Report
from imapsync.mailbox.suspects import Place
from imapsync.model import Side

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
        report.copied["INBOX", REMOTE] += 2
        report.copied["INBOX", LOCAL] += 1
        report.flagged["INBOX", LOCAL] += 4
        report.expunged["Archive", REMOTE] += 1
        report.paired["Archive"] += 7
        report.moved["Archive", REMOTE] += 5
        report.duplicated["Archive", LOCAL] += 6
        report.steps["New"] = ["created on local", "subscribed on local"]
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
        self.report.copied["A", REMOTE] += 2
        self.report.flagged["A", REMOTE] += 3
        self.report.expunged["B", REMOTE] += 4
        self.report.paired["A"] += 100
        self.report.steps["C"] = ["created on local"]
        self.report.moved["A", REMOTE] += 20
        self.report.duplicated["A", LOCAL] += 30
        self.assertEqual(60, self.report.changes)

    def test_nothing(self) -> None:
        """
        A mailbox in which nothing was achieved has no line.
        """
        self.report.expunged["INBOX", REMOTE] += 0
        self.report.paired["INBOX"] += 0
        self.assertEqual(1, len(list(self.report.lines())))

    def test_trouble(self) -> None:
        """
        The same trouble is news only once.
        """
        self.assertTrue(self.report.trouble("INBOX", "no room"))
        self.assertFalse(self.report.trouble("INBOX", "no room"))
        self.assertTrue(self.report.trouble("Other", "no room"))
        self.assertEqual(
            [("INBOX", "no room"), ("Other", "no room")], [*self.report.troubles]
        )

    def test_successor(self) -> None:
        """
        The account of a later run knows what was told, and what must not
        happen again and again; it counts anew.
        """
        self.report.trouble("INBOX", "no room")
        self.report.copied["INBOX", REMOTE] += 1
        self.report.suspects.brokeOver(Place(1, REMOTE, 2), [7])
        self.report.unproven.add("INBOX")
        later = self.report.successor().successor()
        self.assertEqual(0, later.changes)
        self.assertEqual({}, later.troubles)
        self.assertIs(self.report.suspects, later.suspects)
        self.assertEqual({"INBOX"}, later.unproven)
        self.assertFalse(later.trouble("INBOX", "no room"))
        self.assertTrue(later.trouble("INBOX", "no luck"))

    def test_mended(self) -> None:
        """
        A mailbox is mended when nothing was in its way, and something was
        tried; then a trouble is news again.
        """
        for name in ("a", "b", "c"):
            self.report.trouble(name, "no room")
        later = self.report.successor()
        later.trouble("a", "no room")
        self.assertEqual({"c"}, later.mended({"b"}))
        self.assertEqual(set(), later.mended({"b"}))
        self.assertFalse(later.trouble("b", "no room"))
        self.assertTrue(later.trouble("c", "no room"))

    def test_carried(self) -> None:
        """
        It knows where changes came from.
        """
        self.report.copied["a", REMOTE] += 1
        self.report.flagged["b", LOCAL] += 1
        self.report.expunged["c", REMOTE] += 0
        self.assertEqual(["a"], list(self.report.carried(LOCAL)))
        self.assertEqual(["b"], list(self.report.carried(REMOTE)))
