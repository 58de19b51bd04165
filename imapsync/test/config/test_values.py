"""
Tests for L{imapsync.config.values}.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imapsync.config import values
from imapsync.config.section import quoted


class FormTests(SynchronousTestCase):
    """
    Tests for the forms of values.
    """

    def assertWrong(
        self, form: Callable[[str], object], value: str, message: str
    ) -> None:
        """
        Assert that C{form} refuses C{value} with C{message}.
        """
        self.assertEqual(message, str(self.assertRaises(ValueError, form, value)))

    def test_text(self) -> None:
        """
        Text is anything but nothing.
        """
        self.assertEqual("a b", values.text("a b"))
        self.assertWrong(values.text, "", "must not be empty")

    def test_yesNo(self) -> None:
        """
        YES and NO may have any case; nothing else will do.
        """
        self.assertIs(True, values.yesNo("Yes"))
        self.assertIs(False, values.yesNo("no"))
        for value in ("", "true", "1", "on"):
            self.assertWrong(values.yesNo, value, f'must be YES or NO, not "{value}"')

    def test_protocol(self) -> None:
        """
        Protocols are spelled as OpenSSL does, and old ones refused.
        """
        self.assertEqual("TLSv1.3", values.protocol("tlsv1.3"))
        self.assertWrong(
            values.protocol,
            "SSLv3",
            'must be TLSv1, TLSv1.1, TLSv1.2 or TLSv1.3, not "SSLv3"',
        )

    def test_port(self) -> None:
        """
        A port is a number from 1 to 65535 in ASCII digits.
        """
        self.assertEqual(65535, values.port("65535"))
        self.assertEqual(1, values.port("1"))
        for value in ("0", "65536", "-1", "imap", "", "1 2", "\u0661", "9" * 5000):
            self.assertRaises(ValueError, values.port, value)

    def test_host(self) -> None:
        """
        A host is a name or an address; brackets are only for IPv6.
        """
        for value, host in (
            ("imap.example.net", "imap.example.net"),
            ("127.0.0.1", "127.0.0.1"),
            ("::1", "::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("bücher.example", "bücher.example"),
            ("my_host", "my_host"),
            ("r3---a.example.", "r3---a.example."),
            ("fe80::1%eth0", "fe80::1%eth0"),
            ("[FE80::1%eth0.1]", "fe80::1%eth0.1"),
        ):
            self.assertEqual(host, values.host(value))

    def test_noHost(self) -> None:
        """
        A port, a URL, quotes or a user beside the host are refused.
        """
        for value in (
            "",
            "imap.example.net:993",
            "imaps://imap.example.net",
            '"imap.example.net"',
            "me@example.net",
            "a b",
            "[example.net]",
            "1:2",
            "a..b",
            ".a",
            "x" * 64,
            "ü" * 64,
            "fe80::1%",
            "fe80::1%a b",
            "::1%a%b",
            "a%eth0",
        ):
            self.assertWrong(
                values.host,
                value,
                "must be a host's name or address and nothing else,"
                f" not {quoted(value)}",
            )

    @given(st.sampled_from(["sha256", "sha1", "sha512", "md5"]), st.binary())
    def test_fingerprints(self, algorithm: str, data: bytes) -> None:
        """
        A fingerprint is what hashing gives, as tools print it.
        """
        digest = hashlib.new(algorithm, data)
        expected = values.Fingerprint(algorithm, digest.digest())
        for digits in (digest.hexdigest(), digest.digest().hex(":").upper()):
            self.assertEqual(
                (expected,), values.fingerprints(f"{algorithm.upper()}${digits}")
            )

    def test_fingerprintDefault(self) -> None:
        """
        Without an algorithm it is SHA-256; there may be many.
        """
        self.assertEqual(
            (
                values.Fingerprint("sha256", b"\x0a" * 32),
                values.Fingerprint("sha1", b"\x0b" * 20),
            ),
            values.fingerprints("0a" * 32 + " sha1$" + "0b" * 20),
        )

    def test_noFingerprints(self) -> None:
        """
        No fingerprint at all, an unknown digest, or one of the wrong length
        is refused: it could never match, or match too much.
        """
        self.assertWrong(values.fingerprints, "", "must not be empty")
        self.assertWrong(
            values.fingerprints,
            "sha265$00",
            'names an unknown digest "sha265"; did you mean sha256?',
        )
        for word in ("00", "sha1$" + "0" * 64, "sha256$", "x" * 64):
            self.assertRaises(ValueError, values.fingerprints, word)
        self.assertRaises(ValueError, values.fingerprints, "shake_128$00")

    def test_patterns(self) -> None:
        """
        Patterns are separated by spaces; double quotes keep spaces.
        """
        self.assertEqual(
            ("INBOX", "a b%", 'c"d\\e', "a'b\\*", "x y z"),
            values.patterns(r"""INBOX "a b%"  "c\"d\\e" a'b\* x" y "z"""),
        )

    def test_ciphers(self) -> None:
        """
        OpenSSL's language names ciphers, at least one.
        """
        for value in ("HIGH:!aNULL", "DEFAULT@SECLEVEL=0"):
            self.assertEqual(value, values.ciphers(value))
        self.assertWrong(values.ciphers, "HI", 'names no cipher that there is: "HI"')

    def test_ciphersuites(self) -> None:
        """
        Each ciphersuite is known, since OpenSSL passes over others.
        """
        value = "TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256"
        self.assertEqual(value, values.ciphersuites(value))
        self.assertWrong(
            values.ciphersuites,
            "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA256",
            'names an unknown ciphersuite "TLS_AES_256_GCM_SHA256";'
            " did you mean TLS_AES_128_GCM_SHA256?",
        )
        self.assertRaises(ValueError, values.ciphersuites, "")

    def test_noPatterns(self) -> None:
        """
        An open quote, an unknown escape, and a pattern that matches nothing
        are refused.
        """
        for value in ('"a', 'a"', r'"a\x00b"', '""', 'a ""', ""):
            self.assertRaises(ValueError, values.patterns, value)
        self.assertWrong(
            values.patterns,
            r'"a\x00b"',
            r"must write the hierarchy separator as /, not \x00",
        )

    @given(st.lists(st.text(min_size=1), min_size=1))
    def test_anyPatterns(self, words: list[str]) -> None:
        """
        Any names can be given within quotes.
        """
        quoted = (w.replace("\\", r"\\").replace('"', r"\"") for w in words)
        self.assertEqual(
            tuple(words), values.patterns(" ".join(f'"{w}"' for w in quoted))
        )

    def test_selection(self) -> None:
        """
        Selection options are in upper case; none are all mailboxes.
        """
        self.assertEqual((), values.selection(""))
        self.assertEqual(
            ("SUBSCRIBED", "RECURSIVEMATCH"),
            values.selection("subscribed RecursiveMatch"),
        )

    def test_noSelection(self) -> None:
        """
        Unknown ones are refused, and what RFC 5258 forbids.
        """
        self.assertWrong(
            values.selection,
            "SUBSCRIBE",
            'names an unknown selection "SUBSCRIBE"; did you mean SUBSCRIBED?',
        )
        self.assertWrong(
            values.selection,
            "REMOTE RECURSIVEMATCH",
            "must say with RECURSIVEMATCH which mailboxes to match",
        )

    def test_expression(self) -> None:
        """
        A regular expression is compiled.
        """
        self.assertTrue(values.expression("^virtual(/|$)").search("virtual/x"))

    def test_noExpression(self) -> None:
        """
        A bad expression is refused; so is an empty one, which would match
        everything, and one with interimap's separator, which would match
        nothing.
        """
        self.assertWrong(values.expression, "", "must not be empty")
        self.assertWrong(
            values.expression,
            "a(",
            "is no regular expression: missing ), unterminated subpattern"
            " at position 1",
        )
        self.assertWrong(
            values.expression,
            r"^virtual(?:\x00|$)",
            r"must write the hierarchy separator as /, not \x00",
        )

    def test_octets(self) -> None:
        """
        A number of octets, with a unit or without.
        """
        for text, octets in (
            ("1", 1),
            ("2k", 2048),
            ("500M", 500 * 1024 * 1024),
            ("500 MB", 500 * 1024 * 1024),
            ("3g", 3 * 1024**3),
        ):
            self.assertEqual(octets, values.octets(text))
        for wrong in "1" * 13, "9" * 5000 + "G":
            self.assertRaisesRegex(
                *(ValueError, "must be a number of twelve digits at most, not"),
                *(values.octets, wrong),
            )
        for wrong in "0", "0G", "-1", "", "M", "5 T", "1.5G":
            message = (
                "must be a number of octets, 1 or more, perhaps with K, M or G behind"
                f' it, such as 500M, not "{wrong}"'
            )
            self.assertWrong(values.octets, wrong, message)

    def test_duration(self) -> None:
        """
        A time in seconds, or in another unit.
        """
        for text, seconds in (
            ("1", 1.0),
            ("90s", 90.0),
            ("15m", 900.0),
            ("15 min", 900.0),
            ("2 H", 7200.0),
            ("3d", 3 * 86400.0),
        ):
            self.assertEqual(seconds, values.duration(text))
        for wrong in "0", "0m", "-1", "", "m", "5 w", "1.5h", "1" * 10:
            message = (
                "must be a number of seconds, 1 or more, or with m, h or d behind it"
                f' of minutes, hours or days, such as 15m, not "{wrong}"'
            )
            self.assertWrong(values.duration, wrong, message)

    def test_number(self) -> None:
        """
        One or more of something.
        """
        self.assertEqual(12, values.number("12"))
        for wrong in "0", "-1", "two":
            message = f'must be a number, 1 or more, not "{wrong}"'
            self.assertWrong(values.number, wrong, message)
        for wrong in "9" * 10, "9" * 20:
            message = f'must be a number of nine digits at most, not "{wrong}"'
            self.assertWrong(values.number, wrong, message)
