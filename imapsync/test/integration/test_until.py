"""
One run after the other, until a given time.
"""

from __future__ import annotations

import time
from datetime import datetime, timezone

from imapsync.test.integration.messages import mails
from imapsync.test.integration.scene import SceneCase

#: In so many seconds; by then, any machine has begun.
SOON = 3


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
        end = time.time() + SOON
        typed = datetime.fromtimestamp(end, timezone.utc).isoformat()
        self.ends(scene, 0, f"--until={typed}")
        self.assertGreaterEqual(time.time(), end)
        self.assertEqual([], scene.differences())
