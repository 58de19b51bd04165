"""
Tests for L{imapsync.imap.greeting}.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from imapsync.imap.greeting import isBegun, misgreeted, ungreeted


class GreetingTests(SynchronousTestCase):
    """
    What is told of a peer that speaks no IMAP.
    """

    def test_others(self) -> None:
        """
        What is known is called by its name; all is quoted, and the options named.
        """
        for read, words in (
            (
                b"SSH-2.0-OpenSSH_9.2\r\n",
                'it said "SSH-2.0-OpenSSH_9.2": it speaks SSH',
            ),
            (b"HTTP/1.1 400 Bad\r\n", "speaks HTTP"),
            (b"+OK ready\r\n", "speaks POP3"),
            (b"220 mail ESMTP\r\n", "speaks SMTP or FTP"),
            (b"\x15\x03\x01\x00", "speaks TLS"),
            (b"\r\n", 'it said "": that is no greeting of IMAP'),
            (b"* x\r\n", 'it said "* x": that is no greeting of IMAP'),
        ):
            text = misgreeted(read, "port and type")
            self.assertIn(words, text)
            self.assertTrue(text.endswith("; see port and type"), text)

    def test_lineEnds(self) -> None:
        """
        Lines that do not end as they should are told from those that say the wrong
        thing.
        """
        self.assertEqual(
            'it said "* OK hi": its lines do not end in CR and LF, as those of IMAP do;'
            " see command",
            misgreeted(b"* OK hi\n", "command"),
        )

    def test_begun(self) -> None:
        """
        A greeting that is cut short is told from what is none.
        """
        for read in b"", b"*", b"* o", b"* OK", b"* PREAUTH [CAPA", b"* Bye, b":
            self.assertTrue(isBegun(read), read)
        for read in b"+OK", b"* x", b"* OK hi\n", b"\r\n", b"\n* OK", b"\x15\x03":
            self.assertFalse(isBegun(read), read)

    def test_safe(self) -> None:
        """
        Nothing of it harms a terminal.
        """
        self.assertIn(
            r'it said "\u001b[31m\u0007"', misgreeted(b"\x1b[31m\x07\r\n", "x")
        )

    def test_silence(self) -> None:
        """
        What has said nothing is told from what has said something.
        """
        self.assertEqual(
            "no greeting within 30 seconds; see port", ungreeted(b"", 30.0, "port")
        )
        self.assertIn(
            'no greeting within 2.5 seconds; it said "* O": ',
            ungreeted(b"* O", 2.5, "x"),
        )
