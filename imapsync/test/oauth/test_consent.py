"""
Tests for L{imapsync.oauth.consent}.
"""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode, urlsplit

from twisted.trial.unittest import SynchronousTestCase

from imapsync.errors import Distrusted
from imapsync.oauth.consent import answers, asked, challenge, code, pasted

REDIRECT = "http://127.0.0.1:1234"


class AskedTests(SynchronousTestCase):
    """
    What the page is asked.
    """

    def test_page(self) -> None:
        """
        All that the RFCs want, and what the provider wants besides.
        """
        consent = asked(
            "https://example.com/auth", REDIRECT, {"client_id": "me & you", "x": "y"}
        )
        parts = urlsplit(consent.page)
        self.assertEqual("example.com/auth", parts.netloc + parts.path)
        expected = {
            "response_type": "code",
            "client_id": "me & you",
            "x": "y",
            "redirect_uri": REDIRECT,
            "state": consent.state,
            "code_challenge": challenge(consent.verifier),
            "code_challenge_method": "S256",
        }
        self.assertEqual(expected, dict(parse_qsl(parts.query)))
        self.assertNotIn(consent.verifier, consent.page)
        self.assertTrue(43 <= len(consent.verifier) <= 128)
        self.assertNotIn(consent.verifier, repr(consent))

    def test_query(self) -> None:
        """
        A page that has a query already keeps it (RFC 6749, 3.1).
        """
        consent = asked("https://example.com/auth?p=1", REDIRECT, {})
        self.assertIn("/auth?p=1&response_type=code", consent.page)

    def test_unique(self) -> None:
        """
        No two have a secret in common.
        """
        one, other = (asked("https://example.com/", REDIRECT, {}) for _ in "ab")
        self.assertNotEqual(one.state, other.state)
        self.assertNotEqual(one.verifier, other.verifier)

    def test_vector(self) -> None:
        """
        RFC 7636, appendix B.
        """
        self.assertEqual(
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
            challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
        )


class CodeTests(SynchronousTestCase):
    """
    What comes back.
    """

    def setUp(self) -> None:
        """
        Ask.
        """
        self.consent = asked("https://example.com/auth", REDIRECT, {})

    def answer(self, **fields: str) -> str:
        """
        The address that the browser is sent to.
        """
        return f"/?{urlencode({'state': self.consent.state, **fields})}"

    def refused(self, text: str) -> str:
        """
        Why C{text} is not taken, pasted.
        """
        with self.assertRaises(Distrusted) as caught:
            pasted(self.consent, text)
        return str(caught.exception)

    def test_code(self) -> None:
        """
        A code in an address.
        """
        answer = self.answer(code="4/a+b=c")
        self.assertTrue(answers(answer))
        self.assertEqual("4/a+b=c", code(self.consent, answer))

    def test_pasted(self) -> None:
        """
        A user may copy all of it, the query only, or the code alone.
        """
        answer = self.answer(code="4/a+b=")
        for text in (
            f"{REDIRECT}{answer}",
            f"  {REDIRECT}{answer[1:]}\n",
            answer.removeprefix("/?"),
            "4/a+b=",
        ):
            self.assertEqual("4/a+b=", pasted(self.consent, text), text)

    def test_state(self) -> None:
        """
        Another state, or none, is not taken, whatever is said besides.
        """
        for fields in (
            {"state": "other", "code": "x"},
            {"state": "", "code": "x"},
            {"state": "ö", "code": "x"},
            {"state": "other", "error": "access_denied"},
        ):
            why = self.refused(f"{REDIRECT}{self.answer(**fields)}")
            self.assertIn("does not belong to what was asked for", why)

    def test_refused(self) -> None:
        """
        Why somebody said no is told, and can do no harm to the terminal.
        """
        why = self.refused(
            self.answer(error="access_denied", error_description="no\x1b[2J\nway")
        )
        told = r"the consent was refused: access_denied: no\u001b[2J way"
        self.assertEqual(told, why)
        why = self.refused(self.answer(error="x" * 10_000))
        self.assertLess(len(why), 400)

    def test_nothing(self) -> None:
        """
        What is no answer.
        """
        self.assertIn("nothing was pasted", self.refused(" \n"))
        self.assertIn("no code", self.refused(self.answer(code="")))
        self.assertIn("does not belong", self.refused(f"{REDIRECT}/"))
        self.assertIn("does not belong", self.refused("http://[/?code=1"))
        for target in "/", "/favicon.ico", "/?x=y", "//[", "":
            self.assertFalse(answers(target), target)
