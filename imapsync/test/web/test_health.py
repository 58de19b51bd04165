"""
Tests for L{imapsync.web.health}.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from imapsync.test.web.samples import ALL, TROUBLED, WELL
from imapsync.watch.facts import Facts, Health
from imapsync.web.health import Answer, alive, ready


class ReadyTests(SynchronousTestCase):
    """
    The program is ready when it is clear for each account whether it can be synced.
    """

    def test_alive(self) -> None:
        """
        Who is answered knows that it works.
        """
        self.assertEqual(Answer(True, "ok"), alive())

    def test_ready(self) -> None:
        """
        To be in trouble is to be known.
        """
        self.assertEqual(
            Answer(True, "3 accounts: 1 ok, 1 working, 1 trouble"), ready(ALL)
        )
        self.assertEqual(Answer(True, "0 accounts"), ready(()))

    def test_early(self) -> None:
        """
        As long as a server of one was never reached, it is not.
        """
        for state in "new", "queued", "no place at host", "connecting":
            told = ready((WELL, Facts("dora", state=state)))
            self.assertEqual(
                Answer(False, "2 accounts, 1 not reached yet: 1 ok, 1 working"), told
            )

    def test_again(self) -> None:
        """
        One that connects anew was reached before, or is known to be in trouble; one
        that is paused is not waited for.
        """
        again = [one._replace(state="connecting") for one in (WELL, TROUBLED)]
        paused = Facts("dora", health=Health.PAUSED)
        self.assertTrue(ready([*again, paused]).well)
