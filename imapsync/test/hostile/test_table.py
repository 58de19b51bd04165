"""
Tests for L{imapsync.test.hostile.table}: the pages say what is tried.
"""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import SkipTest, SynchronousTestCase

import imapsync
from imapsync.test.hostile.table import BEHAVIOURS, written

PAGES = Path(imapsync.__file__).parent.parent / "doc"


class TableTests(SynchronousTestCase):
    """
    The list.
    """

    def test_many(self) -> None:
        """
        There are a hundred, each of which is another.
        """
        self.assertGreater(len(BEHAVIOURS), 100)
        for names in (
            [one.name.lower() for one in BEHAVIOURS],
            [one.does for one in BEHAVIOURS],
        ):
            twice = {name for name in names if names.count(name) > 1}
            self.assertEqual(set(), twice)

    def test_written(self) -> None:
        """
        The page is what the list says.
        """
        page = PAGES / "threats.inc"
        if not page.exists():
            raise SkipTest("the pages are not installed")
        self.assertEqual(written(), page.read_text("utf-8"))
        self.assertIn("threats.inc", page.with_name("threats.rst").read_text("utf-8"))
