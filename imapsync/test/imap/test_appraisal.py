"""
Tests for L{imapsync.imap.appraisal}.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from imapsync.imap.appraisal import appraise, oddities
from imapsync.imap.features import Features
from imapsync.test.imap.test_features import offering


class AppraisalTests(SynchronousTestCase):
    """
    What helps.
    """

    def test_each(self) -> None:
        """
        Each is there or is not, and means something else then.
        """
        none = [*appraise(Features())]
        words = [one.capability for one in none]
        every = [*appraise(offering(" ".join(words)))]
        self.assertEqual(words, [one.capability for one in every])
        self.assertEqual({False}, {one.there for one in none})
        self.assertEqual({True}, {one.there for one in every})
        self.assertEqual(2 * len(words), len({one.meaning for one in none + every}))

    def test_implied(self) -> None:
        """
        What another word stands for is there; and a number may be told behind one.
        """
        there = {
            one.capability
            for one in appraise(offering("IMAP4rev2 APPENDLIMIT=5"))
            if one.there
        }
        self.assertLessEqual({"MOVE", "NAMESPACE", "APPENDLIMIT"}, there)
        self.assertNotIn("LITERAL+", there)

    def test_small(self) -> None:
        """
        LITERAL- is a part of LITERAL+.
        """
        for words, meaning in (
            ("LITERAL-", "more than 4096 octets"),
            ("IMAP4rev1", "for each message"),
        ):
            [one] = [
                one for one in appraise(offering(words)) if one.capability == "LITERAL+"
            ]
            self.assertFalse(one.there)
            self.assertIn(meaning, one.meaning)


class OddityTests(SynchronousTestCase):
    """
    What cannot be meant so.
    """

    def odd(
        self, words: str, encrypted: bool = False, loggedIn: bool = False
    ) -> list[str]:
        """
        What is odd about these words.
        """
        return [*oddities(offering(words), encrypted, loggedIn)]

    def test_none(self) -> None:
        """
        Nothing, with most servers.
        """
        words = "IMAP4rev1 QRESYNC CONDSTORE ENABLE LIST-EXTENDED LIST-STATUS LITERAL+"
        self.assertEqual([], self.odd(words, True, True))
        self.assertEqual([], self.odd("IMAP4rev2 LIST-STATUS QRESYNC"))
        self.assertEqual([], self.odd("STARTTLS LOGINDISABLED"))

    def test_parts(self) -> None:
        """
        What is of no use without others that are not told.
        """
        self.assertEqual(
            ["QRESYNC without CONDSTORE and ENABLE: taken for there all the same"],
            self.odd("QRESYNC"),
        )
        self.assertEqual(
            ["LIST-STATUS without LIST-EXTENDED: of no use"], self.odd("LIST-STATUS")
        )

    def test_contradictions(self) -> None:
        """
        What excludes each other, or comes too late.
        """
        for words, secure, late, told in (
            ("LITERAL+ LITERAL-", False, False, "both LITERAL+ and LITERAL-"),
            ("STARTTLS", True, False, "STARTTLS though TLS is in use"),
            ("LOGINDISABLED", True, True, "LOGINDISABLED though the login is done"),
            ("UTF8=ONLY", False, False, "UTF8=ONLY"),
        ):
            [one] = self.odd(words, secure, late)
            self.assertTrue(one.startswith(told), one)
