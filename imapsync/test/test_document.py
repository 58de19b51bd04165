"""
Tests for L{imapsync.document}.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from twisted.trial.unittest import SynchronousTestCase

from imapsync.document import Kept, text, timestamp


class TextTests(SynchronousTestCase):
    """
    Values become JSON.
    """

    def test_values(self) -> None:
        """
        Whatever JSON can say.
        """
        values: tuple[object, ...] = (
            *(None, True, 0, -1.5, "", '"\\\n\x1b\u202eé', [], {}),
            {"a": [1, [2, {"b": None}]], "c": {}},
        )
        for value in values:
            written = "".join(text(value))
            self.assertEqual(value, json.loads(written))
            self.assertTrue(written.isascii() and written.isprintable())

    def test_iterators(self) -> None:
        """
        An iterator is written as it goes.
        """
        taken = []

        def some() -> Iterator[int]:
            for number in range(3):
                taken.append(number)
                yield number

        pieces = text({"a": some()})
        self.assertEqual(['{"a":', "[", "0"], [next(pieces) for _ in range(3)])
        self.assertEqual([0], taken)
        self.assertEqual(",1,2]}", "".join(pieces))

    def test_surrogates(self) -> None:
        """
        What is no character is an escape: not every program reads it.
        """
        [found] = [json.loads("".join(text("a\udcff")))]
        self.assertEqual("a\\udcff", found)

    def test_timestamp(self) -> None:
        """
        Times are UTC, of whatever year.
        """
        self.assertEqual("2020-02-01T03:04:05Z", timestamp(1580526245.9))
        self.assertEqual("1969-12-31T23:59:59Z", timestamp(-1))

    def test_kept(self) -> None:
        """
        Values are kept, however odd.
        """
        kept = Kept()
        self.addCleanup(kept.close)
        values = "a", "\x1b[2J\n", "é", {"a": None}
        for one in values:
            kept.add(one)
        self.assertEqual([*values], [*kept])
