"""
Tests for L{imapsync.discovery.greeting}.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from imapsync.discovery.greeting import Knock


class KnockTests(SynchronousTestCase):
    """
    Tests for L{Knock}.
    """

    def knock(self, offer: bool = False) -> tuple[Knock, Deferred[bool]]:
        """
        At a door that is open.
        """
        answered: Deferred[bool] = Deferred()
        knock = Knock(offer, answered)
        self.transport = StringTransport()
        knock.makeConnection(self.transport)
        return knock, answered

    def test_greeting(self) -> None:
        """
        A greeting is enough where TLS is there already, in whatever pieces it comes.
        """
        for greeting in (b"* OK hello\r\n", b"* PREAUTH hello\r\n", b"* ok hi\r\n"):
            knock, answered = self.knock()
            for octet in greeting:
                self.assertNoResult(answered)
                knock.dataReceived(bytes([octet]))
            self.assertTrue(self.successResultOf(answered))

    def test_other(self) -> None:
        """
        Others are not taken for a server, and neither is one that says nothing.
        """
        for said in (b"* BYE busy\r\n", b"HTTP/1.1 400 no\r\n", b"x" * 5000, b"\n"):
            knock, answered = self.knock()
            knock.dataReceived(said)
            self.assertFalse(self.successResultOf(answered))
        knock, answered = self.knock()
        knock.connectionLost()
        self.assertFalse(self.successResultOf(answered))

    def test_offer(self) -> None:
        """
        Without TLS there must be an offer of it.
        """
        for said, expected in (
            (b"* CAPABILITY IMAP4rev1 STARTTLS\r\n", True),
            (b"* CAPABILITY IMAP4rev1 STARTTLSX\r\n", False),
            (b"a BAD\r\n", False),
        ):
            knock, answered = self.knock(offer=True)
            knock.dataReceived(b"* OK hello\r\n")
            self.assertNoResult(answered)
            self.assertEqual(b"a CAPABILITY\r\n", self.transport.value())
            knock.dataReceived(said)
            self.assertEqual(expected, self.successResultOf(answered))

    def test_late(self) -> None:
        """
        What comes behind changes nothing.
        """
        knock, answered = self.knock()
        knock.dataReceived(b"* OK hello\r\n* BYE no\r\n")
        knock.connectionLost()
        self.assertTrue(self.successResultOf(answered))
        knock.leave()
        self.assertTrue(self.transport.disconnected)
