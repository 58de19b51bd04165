"""
Tests for what servers make of the flags of our copies: L{imapsync.mailbox.flags} and
L{imapsync.plan.flags}, in whole syncs.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from imapsync.errors import Lost
from imapsync.model import Flags, Side
from imapsync.test.fakes.world import troubles
from imapsync.test.mailbox.test_sync import MailboxCase
from imapsync.testing.accounts import NOTHING, SEEN, Folder, mail

LOCAL, REMOTE = Side

WORK: Flags = frozenset(["Work"])
FLAGGED: Flags = frozenset(["\\Flagged"])


def flags(folder: Folder) -> list[Flags]:
    """
    Of its messages.
    """
    return [message.flags for message in folder.messages.values()]


class FirstSightTests(MailboxCase):
    """
    What a copy shows when it is seen for the first time is no user's doing.
    """

    def test_added(self) -> None:
        """
        A flag that the server sets on it is taken away, once; the original keeps
        what it has.
        """
        self.theirs.add(mail(0), SEEN)
        self.remote.adds = SEEN
        self.ours.add(mail(1))
        self.ours.add(mail(2), FLAGGED)
        self.sync()
        self.assertEqual([NOTHING, FLAGGED, SEEN], flags(self.ours))
        self.assertSettled()
        self.theirs.flag(2, "\\Seen")
        self.sync()
        self.assertEqual([SEEN, FLAGGED, SEEN], flags(self.ours))
        self.assertSettled()

    def test_toTheLocalSide(self) -> None:
        """
        So it is on the other side.
        """
        self.local.adds = SEEN
        self.theirs.add(mail(1))
        self.sync()
        self.assertEqual([NOTHING], flags(self.theirs))
        self.assertSettled()

    def test_sticky(self) -> None:
        """
        One that it does not take away is accepted, and named; it is not carried
        over, not when another flag of the copy changes either.
        """
        self.remote.adds = self.remote.sticky = SEEN
        self.ours.add(mail(1))
        report = self.sync()
        [(_, text)] = troubles(report)
        self.assertIn("\\Seen", text)
        for _ in range(2):
            self.assertEqual([NOTHING], flags(self.ours))
            report = self.sync()
            self.assertEqual([], troubles(report))
            self.assertEqual(0, report.changes)
        self.theirs.flag(1, "\\Seen", "\\Flagged")
        report = self.sync()
        self.assertEqual([FLAGGED], flags(self.ours))
        self.ours.flag(1, "\\Flagged", "\\Answered")
        self.sync()
        self.assertEqual([FLAGGED | {"\\Answered"}], flags(self.ours))

    def test_dropped(self) -> None:
        """
        A keyword that it drops is tried again, and stays on the original; so it is
        in each run.
        """
        self.remote.forgets = WORK
        self.ours.add(mail(1), WORK)
        for _ in range(3):
            report = self.sync()
            self.assertEqual([WORK], flags(self.ours))
            [(_, text)] = troubles(report)
            self.assertIn("Work", text)
        self.remote.forgets = NOTHING
        self.sync()
        self.assertEqual([WORK], flags(self.theirs))
        self.assertSettled()

    def test_case(self) -> None:
        """
        A keyword in another case is the same.
        """
        self.remote.folds = True
        self.ours.add(mail(1), WORK)
        report = self.sync()
        self.assertEqual([WORK], flags(self.ours))
        self.assertEqual([], troubles(report))
        self.assertEqual(0, self.sync().changes)

    def test_originalChanges(self) -> None:
        """
        What a user does to the original meanwhile is carried to the copy.
        """
        self.remote.adds = SEEN
        self.ours.add(mail(1))

        def change() -> None:
            self.ours.flag(1, "\\Flagged")

        self.remote.before["APPEND"] = change
        self.sync()
        self.assertEqual([FLAGGED], flags(self.ours))
        self.assertSettled()

    def test_interrupted(self) -> None:
        """
        The run ended before it saw its copies: the next one knows them as such, by
        their UIDs or by their content.
        """
        for way in "told", "untold":
            for adds, forgets in (SEEN, NOTHING), (NOTHING, WORK):
                self.begin()
                self.remote.adds, self.remote.forgets = adds, forgets
                self.ours.add(mail(1), WORK)

                def end() -> None:
                    self.remote.downLeft = 1

                def cut(way: str = way, end: Callable[[], None] = end) -> None:
                    self.remote.before["SELECT"] = self.remote.before["LIST"] = end
                    if way == "untold":
                        end()

                self.remote.before["APPEND"] = cut
                with contextlib.suppress(Lost):
                    self.sync()
                self.remote.downLeft = None
                self.remote.before.clear()
                self.assertEqual(1, len(self.theirs.messages))
                report = self.sync()
                self.assertEqual([WORK], flags(self.ours), (way, adds, forgets))
                self.assertEqual(1, len(self.theirs.messages))
                self.assertEqual(forgets == WORK, bool(troubles(report)))

    def test_untold(self) -> None:
        """
        So it is where the server does not tell the UIDs of what it took.
        """
        self.remote.adds, self.remote.appendUid = SEEN, False
        self.ours.add(mail(1), WORK)
        self.sync()
        self.assertEqual([WORK], flags(self.ours))
        self.assertEqual([WORK], flags(self.theirs))
        self.assertSettled()

    def test_readOnly(self) -> None:
        """
        And where the originals are never written.
        """
        self.remote.adds = SEEN
        self.ours.add(mail(1), WORK)
        self.sync(readOnly=[LOCAL])
        self.assertEqual([WORK], flags(self.theirs))
