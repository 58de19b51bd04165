"""
Tests for L{imapsync.run.table}.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from imapsync.config.request import Request
from imapsync.mailbox.report import Report
from imapsync.model import Side
from imapsync.run.table import plan, table
from imapsync.test.test_service import ServiceCase
from imapsync.testing.accounts import mail

LOCAL, REMOTE = Side


class TableTests(SynchronousTestCase):
    """
    Tests for L{table}.
    """

    def test_nothing(self) -> None:
        """
        Where nothing was done, there is no table.
        """
        self.assertEqual((), table(Report()))

    def test_table(self) -> None:
        """
        There is a column for all that was done, a row for each mailbox, and the sums.
        """
        report = Report()
        report.did("copied", "INBOX", REMOTE, 1234)
        report.did("copied", "a\x1b", LOCAL, 5)
        report.did("moved to the trash", "INBOX", LOCAL, 1)
        report.joined("b", 7)
        report.took("a\x1b", "created")
        self.assertEqual(
            [
                "   copied    copied   trashed  paired by",
                "to remote  to local  on local    content  mailbox",
                "     1234         0         1          0  INBOX",
                "        0         5         0          0  a\\u001b  (created)",
                "        0         0         0          7  b",
                "     1234         5         1          7  3 mailboxes",
            ],
            table(report),
        )

    def test_steps(self) -> None:
        """
        So it is if nothing was done to messages.
        """
        report = Report()
        report.took("a", "created on local")
        self.assertEqual(["a  (created on local)", "1 mailbox"], table(report))


class PlanTests(ServiceCase):
    """
    Tests for L{plan}, and a dry run that makes use of it.
    """

    def test_plan(self) -> None:
        """
        Each mailbox is told once for all that is about it; one that is long shifts
        what is behind it.
        """
        self.assertEqual((), plan([]))
        long = "x" * 50
        said = [
            *(("a", "create on local"), ("a", "copy: all"), ("a: b", "expunge")),
            *(
                ("a", "more"),
                ("\u8acb\u6c42\u66f8", "wide"),
                ("\u0915\u0947", "narrow"),
            ),
        ]
        self.assertEqual(
            [
                "mailbox  what would be done",
                "a        create on local",
                "         copy: all",
                "a: b     expunge",
                "a        more",
                "\u8acb\u6c42\u66f8   wide",
                "\u0915\u0947        narrow",
            ],
            plan(said),
        )
        self.assertEqual(f"{long}  go", plan([(long, "go")])[1])

    def test_dryRun(self) -> None:
        """
        Where there is a terminal it is told at the end, else line by line.
        """
        self.local.make("A").add(mail(1))
        said: list[str] = []
        request = Request(dryRun=True)
        self.serve(request, say=said.append, tabular=True)
        self.assertEqual("mailbox  what would be done", said[0])
        self.assertEqual("A        create on remote", said[1])
        self.assertEqual("         copy UID 1 from local to remote", said[-1])
        said.clear()
        self.serve(request, say=said.append)
        self.assertEqual("A: create on remote", said[0])
        self.serve(request._replace(json=True), say=said.append, tabular=True)
        self.assertNotIn("mailbox  what would be done", said)


class ShownTests(ServiceCase):
    """
    When it is shown.
    """

    def setUp(self) -> None:
        """
        There is a message.
        """
        super().setUp()
        self.local.inbox.add(mail(1))
        self.shown: list[str] = []

    def show(self, room: bool) -> str:
        """
        Sync, and have a table be shown, if there is room.

        @return: what was logged.
        """

        def take(rows: object) -> bool:
            self.shown.append(str(rows))
            return room

        self.assertEqual(0, self.serve(show=take).code)
        return "".join(self.logged)

    def test_shown(self) -> None:
        """
        A table takes the place of the summary in the log.
        """
        self.assertNotIn("1 copied", self.show(True))
        self.assertIn("INBOX", "".join(self.shown))

    def test_noRoom(self) -> None:
        """
        If there is no room for it, all is logged.
        """
        logged = self.show(False)
        self.assertIn("INBOX: 1 copied local to remote", logged)
        self.assertIn("Total: 1 copied", logged)
