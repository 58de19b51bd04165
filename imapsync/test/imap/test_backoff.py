"""
Tests for L{imapsync.imap.backoff}.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from imapsync.imap.backoff import Backoff, distance, isFull, over, weighed


class WeighedTests(SynchronousTestCase):
    """
    What servers say, and what is made of it.
    """

    def test_told(self) -> None:
        """
        A server that says how long is taken at its word, up to an hour.
        """
        for text, seconds in (
            (
                "Request is throttled. Suggested Backoff Time: 299961 milliseconds",
                299.961,
            ),
            ("Suggested Backoff Time: 1000 milliseconds", 1.0),
            ("suggested backoff time 5 seconds", 5.0),
            ("Suggested Backoff Time: 999999999999 milliseconds", 3600.0),
        ):
            for code in ("", "THROTTLED", "UNAVAILABLE"):
                self.assertEqual(Backoff(seconds), weighed(code, text))

    def test_untold(self) -> None:
        """
        Others do not say.
        """
        for code, text in (
            ("THROTTLED", "no"),
            ("LIMIT", "UID FETCH Rate limit hit."),
            ("", "Request is throttled."),
            ("", "Too many requests, slow down"),
            ("", "Account exceeded command or bandwidth limits"),
            ("", "Server Unavailable. 15"),
            ("", "Connection closed. 14"),
        ):
            self.assertEqual(Backoff(), weighed(code, text))

    def test_nothing(self) -> None:
        """
        Most refusals are about something else, whatever their words.
        """
        for code, text in (
            ("", "no such mailbox"),
            ("LIMIT", "too many keywords"),
            ("UNAVAILABLE", "later"),
            ("INUSE", "in use"),
            ("OVERQUOTA", "rate limit"),
            ("", "Suggested Backoff Time: soon"),
            ("", "Connection closed by peer"),
        ):
            self.assertIsNone(weighed(code, text))


class OthersTests(SynchronousTestCase):
    """
    Further words.
    """

    def test_full(self) -> None:
        """
        That there is no room is said with a code or without.
        """
        for code, text in (
            ("OVERQUOTA", "no"),
            ("", "Over quota"),
            ("", "Quota exceeded (mailbox for user is full)"),
        ):
            self.assertTrue(isFull(code, text))
        self.assertFalse(isFull("NOPERM", "over quota"))
        self.assertFalse(isFull("", "message too large"))

    def test_over(self) -> None:
        """
        A session that has lasted long enough is ended in many words.
        """
        for text in (
            "Session invalidated - AccessTokenExpired",
            "Session expired, please login again.",
            "Disconnected for inactivity.",
            "idle for too long",
            "Autologout; idle for too long",
            "Session timed out",
            "Too many SELECT commands issued, please reconnect",
        ):
            self.assertTrue(over("", text), text)
        for text in ("Server shutting down.", "Connection closed. 14", "Too many", ""):
            self.assertFalse(over("", text), text)
        for code in "EXPIRED", "AUTHENTICATIONFAILED":
            self.assertTrue(over(code, "Bye."))
        self.assertFalse(over("UNAVAILABLE", "Bye."))

    def test_distance(self) -> None:
        """
        Without a server's word, distances grow, to five minutes.
        """
        self.assertEqual([1, 2, 4, 300], [distance(n) for n in (0, 1, 2, 99)])

    def test_tooLittle(self) -> None:
        """
        A server that says too little again and again is not believed.
        """
        self.assertEqual([0.001] * 5, [distance(n, 0.001) for n in range(5)])
        self.assertEqual([1, 2], [distance(n, 0.001) for n in (5, 6)])
        self.assertEqual(3600, distance(99, 3600))
