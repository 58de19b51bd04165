"""
Tests for L{imapsync.cli.deadline}.
"""

from __future__ import annotations

import os
import time
from datetime import datetime, timezone

from twisted.trial.unittest import SynchronousTestCase

from imapsync.cli.deadline import deadline
from imapsync.cli.options import parse
from imapsync.errors import UsageError

UTC = timezone.utc
NOON = datetime(2026, 6, 15, 12, 0)


class DeadlineTests(SynchronousTestCase):
    """
    Tests for L{deadline}.
    """

    def test_meant(self) -> None:
        """
        A date, with a time or without, or the next time of day; in a zone, or in ours.
        """
        for typed, meant in (
            ("2026-06-16", datetime(2026, 6, 16)),
            ("2026-06-15T18:30", datetime(2026, 6, 15, 18, 30)),
            ("2026-06-15 18:30:05", datetime(2026, 6, 15, 18, 30, 5)),
            ("18:30", datetime(2026, 6, 15, 18, 30)),
            ("11:59:59", datetime(2026, 6, 16, 11, 59, 59)),
            ("12:00", datetime(2026, 6, 16, 12, 0)),
            (
                "2030-01-01T00:00+01:00",
                datetime(2029, 12, 31, 23, tzinfo=UTC),
            ),
            ("2030-01-01T00:00Z", datetime(2030, 1, 1, tzinfo=UTC)),
            ("00:00Z", datetime(2026, 6, 16, tzinfo=UTC)),
        ):
            with self.subTest(typed):
                self.assertEqual(meant.timestamp(), deadline(typed, NOON.timestamp()))

    def test_zone(self) -> None:
        """
        The next time of day in another zone is on that zone's days.
        """
        now = datetime(2026, 6, 15, 22, tzinfo=UTC).timestamp()
        for typed, meant in (
            ("07:30+09:00", datetime(2026, 6, 15, 22, 30, tzinfo=UTC)),
            ("07:00+09:00", datetime(2026, 6, 16, 22, tzinfo=UTC)),
            ("15:00-08:00", datetime(2026, 6, 15, 23, tzinfo=UTC)),
        ):
            self.assertEqual(meant.timestamp(), deadline(typed, now), typed)

    def test_wintertime(self) -> None:
        """
        When clocks are set back, a time comes twice: the next is meant; when they are
        set forward, one that there is not is what it would have been.
        """
        self.zone("CET-1CEST,M3.5.0,M10.5.0/3")
        first = datetime(2026, 10, 25, 0, 45, tzinfo=UTC).timestamp()
        for typed in ("02:45", "2026-10-25T02:45"):
            self.assertEqual(first, deadline(typed, first - 900))
            self.assertEqual(first + 3600, deadline(typed, first))
            self.assertEqual(first + 3600, deadline(typed, first + 3500))
        self.assertEqual(first + 25 * 3600, deadline("02:45", first + 3600))
        spring = datetime(2026, 3, 29, 1, tzinfo=UTC).timestamp()
        self.assertEqual(spring + 1800, deadline("02:30", spring - 60))
        self.assertEqual(spring + 1800 + 23 * 3600, deadline("02:30", spring + 1800))

    def zone(self, name: str) -> None:
        """
        For one test, this machine is there.
        """
        before = os.environ.get("TZ")

        def move(where: str | None) -> None:
            if where is None:
                os.unsetenv("TZ")
            else:
                os.putenv("TZ", where)
            time.tzset()

        self.addCleanup(move, before)
        move(name)

    def test_wrong(self) -> None:
        """
        What means no time, or one that is over, is refused.
        """
        for typed in (
            "",
            "tomorrow",
            "25:00",
            "18:61",
            "2026-13-01",
            "18:30:61",
            "9",
            "9:00Z",
        ):
            with self.subTest(typed):
                error = self.assertRaises(UsageError, deadline, typed, NOON.timestamp())
                self.assertIn("it takes a date", str(error))
        for typed in ("2026-06-15", "2026-06-15T12:00", "1970-01-01"):
            error = self.assertRaises(UsageError, deadline, typed, NOON.timestamp())
            self.assertIn("that is over", str(error))

    def test_option(self) -> None:
        """
        It is for a single sync that changes something.
        """
        typed = "--until=2999-12-31"
        until = parse(["--oneshot", typed]).request.until
        self.assertEqual(datetime(2999, 12, 31).timestamp(), until)
        self.assertIsNone(parse(["--oneshot"]).request.until)
        for words in ([], ["--verify"], ["--oneshot", "--dry-run"]):
            self.assertRaises(UsageError, parse, [typed, *words])
        self.assertRaises(UsageError, parse, ["--oneshot", "--until=2000-01-01"])
