"""
The example of how a program with imapsync in it is tested is one that works.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from twisted.trial.unittest import SkipTest, SynchronousTestCase

import imapsync
from imapsync.test import children

#: There in a source tree only.
EXAMPLES = Path(imapsync.__file__).parents[1] / "doc" / "examples"


class ExampleTests(SynchronousTestCase):
    """
    Tests of tests.
    """

    def test_keeper(self) -> None:
        """
        Those in the documentation pass.
        """
        if not (EXAMPLES / "test_keeper.py").exists():
            raise SkipTest("the documentation is not installed")
        folder = Path(self.mktemp()).absolute()
        done = children.done(
            [
                *(sys.executable, "-m", "twisted.trial"),
                *(f"--temp-directory={folder}", "test_keeper"),
            ],
            capture_output=True,
            cwd=EXAMPLES,
            env={
                **os.environ,
                "PYTHONDONTWRITEBYTECODE": "1",
                "PYTHONPATH": os.pathsep.join((str(EXAMPLES), *filter(None, sys.path))),
            },
            text=True,
            check=False,
        )
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        self.assertIn("successes=4", done.stdout)
