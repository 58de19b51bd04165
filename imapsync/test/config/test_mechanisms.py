"""
Tests for L{imapsync.config.mechanisms}.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from imapsync.config.mechanisms import MECHANISMS, USUAL, mechanisms


class MechanismsTests(SynchronousTestCase):
    """
    Tests for L{mechanisms}.
    """

    def test_order(self) -> None:
        """
        Mechanisms keep their order.
        """
        self.assertEqual(("LOGIN", "PLAIN"), mechanisms("login  Plain"))
        self.assertEqual((*MECHANISMS,), mechanisms(" ".join(MECHANISMS)))

    def test_unknown(self) -> None:
        """
        A mechanism that is unknown is refused, even beside others.
        """
        for value, predicate in (
            ("", "must not be empty"),
            (
                "PLAIN LOGON",
                'names an unknown mechanism "LOGON"; did you mean LOGIN?',
            ),
            ("SCRAM-SHA256", 'names an unknown mechanism "SCRAM-SHA256"; did you mean'),
        ):
            error = self.assertRaises(ValueError, mechanisms, value)
            self.assertTrue(str(error).startswith(predicate), error)

    def test_usual(self) -> None:
        """
        What is used where nobody says otherwise is there.
        """
        self.assertTrue({*USUAL} <= {*MECHANISMS})
