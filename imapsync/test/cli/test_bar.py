"""
Tests for L{imapsync.cli.bar}.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from twisted.trial.unittest import SynchronousTestCase

from imapsync.cli import bar
from imapsync.cli.terminal import say
from imapsync.cli.wording import Seen
from imapsync.mailbox.course import Flow
from imapsync.run.progress import Pace, Progress
from imapsync.run.status import SyncState
from imapsync.test.fakes.terminal import Terminal, cells

COPYING = Progress(
    *((("INBOX/Lists/M\u00fcll/\u65e5\u672c", "copying"),), 3, 17),
    *(Flow(12, 40_000, 0), Flow(123_456, 12_300_000_000, 876_544)),
)
SEEN = Seen("", SyncState.SYNCING, COPYING, Pace(45.2, 1_300_000, 7500), 12.0)


class BarTests(SynchronousTestCase):
    """
    Tests for L{bar.Bar}.
    """

    def shown(
        self,
        width: int,
        *accounts: Seen,
        encoding: str = "utf-8",
        height: int = 24,
        asking: Sequence[str] = (),
    ) -> list[str]:
        """
        What is to be seen of them.
        """
        self.terminal = terminal = Terminal(width, encoding)
        self.patch(sys, "stderr", terminal)
        self.patch(sys, "stdout", terminal)
        self.patch(bar, "columns", lambda _: width)
        self.patch(bar, "rows", lambda _: height)
        drawn = bar.Bar(asking)
        self.addCleanup(drawn.end)
        drawn.show(accounts)
        for line in terminal.lines:
            self.assertLess(cells(line), width)
        found = terminal.lines
        drawn.show(())
        self.assertEqual([""], terminal.lines)
        return found

    def setUp(self) -> None:
        """
        The terminal is an ordinary one, and nothing is asked of colours.
        """
        self.addCleanup(os.environ.update, dict(os.environ))
        self.addCleanup(os.environ.clear)
        os.environ["TERM"] = "xterm"
        os.environ.pop("NO_COLOR", None)

    def test_wide(self) -> None:
        """
        All is told where there is room.
        """
        self.assertEqual(
            [
                "Copying INBOX/Lists/M\u00fcll/\u65e5\u672c"
                + " " * 33
                + "3 of 20 mailboxes",
                "to remote  123,456 of 1,000,000 messages  11.5 GiB of about 92.8 GiB",
                "to local   12 of 12 messages  39.1 KiB",
                "\u2501" * 2 + "\u2500" * 22 + "   12 %  about 2 h 5 min left"
                "  1.2 MiB/s  45 messages/s",
            ],
            self.shown(80, SEEN),
        )

    def test_narrow(self) -> None:
        """
        In 40 columns, what matters most is told, and the end of a name.
        """
        self.assertEqual(
            [
                "Copying ...M\u00fcll/\u65e5\u672c  3 of 20 mailboxes",
                "to remote  123,456 of 1,000,000",
                "to local   12 of 12 messages  39.1 KiB",
                "\u2501" + "\u2500" * 9 + "   12 %  about 2 h 5 min left",
            ],
            self.shown(40, SEEN),
        )

    def test_narrower(self) -> None:
        """
        In a few columns, there is less to see, but no more than fits.
        """
        several = SEEN._replace(name="a"), SEEN._replace(name="b")
        for width in range(2, 40):
            for row in (*self.shown(width, SEEN), *self.shown(width, *several)):
                self.assertLessEqual(len(row), width)

    def test_above(self) -> None:
        """
        What is above is left as it is, even if not all that is to be told finds room.
        """
        self.patch(sys, "stderr", terminal := Terminal(40))
        self.patch(sys, "stdout", terminal)
        self.patch(bar, "columns", lambda _: 40)
        self.patch(bar, "rows", lambda _: 24)
        drawn = bar.Bar()
        self.addCleanup(drawn.end)
        flow = Flow(1_234_567, 0, 12_345_678)
        vague = COPYING._replace(remote=flow, vague=True)
        say("above")
        for _ in range(3):
            drawn.show([SEEN._replace(progress=vague)])
            self.assertEqual("above", terminal.lines[0])

    def test_low(self) -> None:
        """
        There are no more lines than the terminal has, and the bar is one of them.
        """
        whole = self.shown(60, SEEN)
        self.assertEqual(whole[-2:], self.shown(60, SEEN, height=2))

    def test_unknown(self) -> None:
        """
        Where nobody knows what is left, there is no bar, and no time.
        """
        vague = COPYING._replace(vague=True)
        *_, last = self.shown(80, SEEN._replace(progress=vague, pace=Pace(45.2)))
        self.assertEqual("12 s so far  45 messages/s", last)
        nothing = SEEN._replace(
            state=SyncState.CONNECTING, progress=Progress(), pace=Pace()
        )
        self.assertEqual(["Connecting", "12 s so far"], self.shown(80, nothing))

    def test_several(self) -> None:
        """
        Several accounts have a line each, and a bar in common; what is too much is
        counted.
        """
        one = SEEN._replace(
            progress=Progress((("INBOX", "copying"),), 1, 1, remote=Flow(1, 100, 1)),
            pace=Pace(1, 100, 60),
        )
        many = [one._replace(name=f"a{number}") for number in range(12)]
        lines = self.shown(60, *many)
        self.assertEqual(
            "a0  Copying INBOX" + " " * 19 + " 50 %  about 1 min left", lines[0]
        )
        self.assertEqual("and 2 more accounts", lines[10])
        self.assertEqual("and 1 more account", self.shown(60, *many[1:])[10])
        self.assertEqual("to remote  12 of 24 messages  1.2 KiB", lines[11])
        self.assertEqual(13, len(lines))
        self.assertTrue(lines[12].startswith("\u2501"), lines[12])

    def test_notBegun(self) -> None:
        """
        As long as one of them has not begun, nobody knows how much there is in all.
        """
        queued = SEEN._replace(
            name="b", state=SyncState.QUEUED, progress=Progress(), pace=Pace()
        )
        lines = self.shown(80, SEEN._replace(name="a"), queued)
        self.assertEqual("b  Waiting for its turn", lines[1])
        self.assertEqual("12 s so far  1.2 MiB/s  45 messages/s", lines[-1])

    def test_asking(self) -> None:
        """
        Where a command may ask for a password, it has the terminal for itself until
        there is a connection.
        """
        connecting = SEEN._replace(name="a", state=SyncState.CONNECTING)
        lines = self.shown(80, connecting, SEEN._replace(name="b"), asking=("a",))
        self.assertEqual([""], lines)
        self.assertNotEqual([""], self.shown(80, connecting, asking=("b",)))
        self.assertNotEqual([""], self.shown(80, SEEN, asking=("",)))

    def test_odd(self) -> None:
        """
        The name of an account paints nothing.
        """
        odd = SEEN._replace(name="\x1b[2Jodd\u202e")
        first, *_ = self.shown(80, odd, SEEN._replace(name="b"))
        self.assertIn(r"\u001b[2Jodd\u202e", first)

    def test_plain(self) -> None:
        """
        Without UTF-8, the bar is of what there is.
        """
        *_, last = self.shown(40, SEEN, encoding="ascii")
        self.assertTrue(last.startswith("#---------   12 %"), last)

    def test_colours(self) -> None:
        """
        There are colours, unless the user wants none.
        """
        self.shown(40, SEEN)
        self.assertTrue(self.colours())
        os.environ["NO_COLOR"] = "1"
        self.shown(40, SEEN)
        self.assertEqual([], self.colours())

    def colours(self) -> list[str]:
        """
        Those that were asked for.
        """
        styles = ";".join(self.terminal.styles).split(";")
        return [one for one in styles if one[:1] in ("3", "9") and len(one) == 2]
