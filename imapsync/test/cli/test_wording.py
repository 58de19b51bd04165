"""
Tests for L{imapsync.cli.wording}.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from imapsync.cli.wording import Seen, duration, sentence
from imapsync.mailbox.course import Flow
from imapsync.run.progress import Pace, Progress
from imapsync.run.status import SyncState

COPYING = Progress(
    *((("Lists", "looking at"), ("K\u00f6\x1b", "copying")), 3, 17),
    *(Flow(1, 0, 0), Flow(1234, 12_300_000, 4000)),
)
SEEN = Seen("", SyncState.SYNCING, COPYING, Pace(45.2, 1_300_000, 125), 12.0)


class SentenceTests(SynchronousTestCase):
    """
    A line of a log.
    """

    def test_whole(self) -> None:
        """
        All that there is to tell is told; a name cannot paint.
        """
        self.assertEqual(
            "Copying K\u00f6\\u001b and 1 more: 3 of 20 mailboxes,"
            " 1,234 of 5,234 messages (11.7 MiB of about 49.8 MiB) to remote,"
            " 1 of 1 message to local; 45 messages/s, 1.2 MiB/s; about 2 min left.",
            sentence(SEEN),
        )

    def test_unknown(self) -> None:
        """
        What is not known is not told.
        """
        vague = SEEN._replace(pace=Pace(3.21), progress=COPYING._replace(vague=True))
        text = sentence(vague)
        self.assertIn("1,234 of at most 5,234 messages", text)
        self.assertTrue(text.endswith("; 3.2 messages/s."), text)

    def test_reading(self) -> None:
        """
        What is read is so on a side.
        """
        reading = SEEN._replace(progress=COPYING._replace(reading=True))
        self.assertIn(
            "5,234 messages (11.7 MiB of about 49.8 MiB) on remote", sentence(reading)
        )

    def test_states(self) -> None:
        """
        Without a mailbox, there is the state.
        """
        nothing = SEEN._replace(progress=Progress(), pace=Pace())
        for state, text in (
            (SyncState.CONNECTING, "Connecting."),
            (SyncState.BACKING_OFF, "Waiting before the next attempt."),
            (SyncState.QUEUED, "Waiting for its turn."),
            (SyncState.CROWDED, "Waiting for a place at the host."),
            (SyncState.SYNCING, "Looking for changes."),
        ):
            self.assertEqual(text, sentence(nothing._replace(state=state)))

    def test_duration(self) -> None:
        """
        A time is told as finely as it matters.
        """
        told = {0.2: "1 s", 59: "59 s", 61: "1 min", 3599: "1 h 0 min", 90000: "25 h"}
        self.assertEqual(told, {seconds: duration(seconds) for seconds in told})
