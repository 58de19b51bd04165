"""
One run after the other, until a given time.
"""

from __future__ import annotations

import time
from datetime import datetime, timezone

from imapsync.test.integration.messages import mails
from imapsync.test.integration.scene import SceneCase

#: In so many seconds.  If a machine takes longer to begin, it has more time.
SOON = 2, 10, 50


class UntilTests(SceneCase):
    """
    Tests for C{--until}.
    """

    def test_ends(self) -> None:
        """
        It goes on until the clock on the wall says so, and no longer.
        """
        scene = self.scene()
        scene.local.fill("INBOX", mails(2))
        for seconds in SOON:
            end = time.time() + seconds
            typed = datetime.fromtimestamp(end, timezone.utc).isoformat()
            run = scene.sync(f"--until={typed}")
            if "that is over" not in run.errors:
                break
        self.assertEqual(0, run.code, run.tail)
        self.assertGreaterEqual(time.time(), end)
        self.assertEqual([], scene.differences())
