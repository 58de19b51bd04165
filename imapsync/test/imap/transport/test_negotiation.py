"""
Tests for L{imapsync.imap.transport.negotiation}.
"""

from __future__ import annotations

from itertools import product

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imapsync.errors import (
    ConfigError,
    Distrusted,
    ImapSyncError,
    Lost,
    ProtocolViolation,
)
from imapsync.imap.transport.negotiation import Negotiation, connect, socks5

LOGIN = ("me", "secret")

#: What a SOCKS5 proxy says when it has connected us.
DONE = b"\5\0\0\1\0\0\0\0\0\0"


def heard(negotiation: Negotiation, answers: bytes) -> tuple[bytes, bytes | None]:
    """
    Answer a negotiation.

    @return: all that it sent, and what was left of the answers when it was over;
        C{None} if it is not.
    """
    ask = next(negotiation)
    sent = ask.sent
    while len(answers) >= ask.octets:
        answer, answers = answers[: ask.octets], answers[ask.octets :]
        try:
            ask = negotiation.send(answer)
        except StopIteration:
            return sent, answers
        sent += ask.sent
    return sent, None


#: What no proxy can be told.
UNSPEAKABLE = ".".join(["a" * 60] * 5), "b\xfc_cher\u2044.example"


class NegotiationCase(SynchronousTestCase):
    """
    Answers a negotiation.
    """

    def fails(
        self, negotiation: Negotiation, answers: bytes, kind: type[ImapSyncError]
    ) -> str:
        """
        Why it fails.
        """
        error = self.assertRaises(kind, heard, negotiation, answers)
        self.assertNotIn("secret", str(error))
        self.assertNotIn("\n", str(error))
        return str(error)


class SocksTests(NegotiationCase):
    """
    Tests for L{socks5}.
    """

    def test_address(self) -> None:
        """
        Names and addresses are sent as what they are (RFC 1928, 4).
        """
        for host, octets in (
            ("192.0.2.1", b"\1\xc0\0\2\1"),
            ("2001:db8::1", b"\4\x20\1\x0d\xb8" + bytes(11) + b"\1"),
            ("mail.example", b"\3\x0cmail.example"),
            ("my_host", b"\3\7my_host"),
            ("bücher.example", b"\3\x15xn--bcher-kva.example"),
        ):
            sent, rest = heard(socks5(host, 993, None), b"\5\0" + DONE)
            self.assertEqual(b"\5\1\0" + b"\5\1\0" + octets + b"\x03\xe1", sent)
            self.assertEqual(b"", rest)

    def test_login(self) -> None:
        """
        User and password are told to a proxy that asks for them (RFC 1929), and to no
        other.
        """
        sent, _ = heard(socks5("h", 1, ("mé", "")), b"\5\2\1\0" + DONE)
        self.assertEqual(b"\5\2\0\2" + b"\1\3m\xc3\xa9\0" + b"\5\1\0\3\1h\0\1", sent)
        sent, _ = heard(socks5("h", 1, LOGIN), b"\5\0" + DONE)
        self.assertEqual(b"\5\2\0\2" + b"\5\1\0\3\1h\0\1", sent)

    def test_behind(self) -> None:
        """
        What comes behind the answer is the server's, whatever address the proxy says
        that it connects us from.
        """
        for answer in (
            DONE,
            b"\5\0\0\4" + bytes(18),
            b"\5\0\0\3\4gate\0\1",
            b"\5\0\0\3\0\0\1",
        ):
            _, rest = heard(socks5("h", 1, None), b"\5\0" + answer + b"* OK hi\r\n")
            self.assertEqual(b"* OK hi\r\n", rest)

    def test_refused(self) -> None:
        """
        Why it does not connect us is said in the words of RFC 1928; nothing need follow
        that.
        """
        for code, words in (2, "connection not allowed"), (5, "connection refused"):
            text = self.fails(socks5("h", 1, None), b"\5\0\5%c\0\1" % code, Lost)
            self.assertIn(f"did not connect us: {words}", text)
        text = self.fails(socks5("h", 1, None), b"\5\0\5\x99\0\1", Lost)
        self.assertIn("error 153", text)

    def test_unwelcome(self) -> None:
        """
        A wrong login, and a proxy that wants one, or another kind.
        """
        text = self.fails(socks5("h", 1, LOGIN), b"\5\2\1\1", Distrusted)
        self.assertIn("does not accept", text)
        text = self.fails(socks5("h", 1, LOGIN), b"\5\xff", Distrusted)
        self.assertIn("by other means", text)
        text = self.fails(socks5("h", 1, None), b"\5\xff", Distrusted)
        self.assertIn("wants a login", text)

    def test_other(self) -> None:
        """
        What is no SOCKS5, or what nobody asked for.
        """
        for answers in (
            *(b"* OK hello", b"HTTP/1.1 400", b"\4\x5a", b"\5\1", b"\5\2"),
            *(b"\5\0\4\0\0\1", b"\5\0\5\0\0\2"),
        ):
            text = self.fails(socks5("h", 1, None), answers, ProtocolViolation)
            self.assertIn("does not speak SOCKS5", text)


class ConnectTests(NegotiationCase):
    """
    Tests for L{connect}.
    """

    def test_request(self) -> None:
        """
        CONNECT names the server twice (RFC 9110, 9.3.6), and says who we are only if
        that is wanted (RFC 7617).
        """
        for host, port, target in (
            ("mail.example", 993, b"mail.example:993"),
            ("192.0.2.1", 143, b"192.0.2.1:143"),
            ("2001:db8::1", 143, b"[2001:db8::1]:143"),
            ("bücher.example", 1, b"xn--bcher-kva.example:1"),
        ):
            sent, rest = heard(connect(host, port, None), b"HTTP/1.1 200 ok\r\n\r\n")
            self.assertEqual(
                b"CONNECT %b HTTP/1.1\r\nHost: %b\r\n\r\n" % (target, target), sent
            )
            self.assertEqual(b"", rest)
        sent, _ = heard(
            connect("h", 1, ("Aladdin", "open sesame")), b"HTTP/1.0 200\r\n\r\n"
        )
        self.assertIn(
            b"\r\nProxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n", sent
        )

    def test_behind(self) -> None:
        """
        What comes behind the answer is the server's; its fields do not matter, nor
        does what is said meanwhile (RFC 9110, 15.2).
        """
        for answer in (
            b"HTTP/1.1 200 Connection established\r\nContent-Length: 5\r\n\r\n",
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 fine\r\nVia: x\r\n\r\n",
            b"HTTP/1.0 200\n\n",
        ):
            _, rest = heard(connect("h", 1, None), answer + b"* OK hi\r\n")
            self.assertEqual(b"* OK hi\r\n", rest)

    def test_refused(self) -> None:
        """
        Why it does not connect us is said in its own words, fit for one line.
        """
        for answer, words in (
            (b"HTTP/1.1 403 no \x1b[31mmail\r\nX: y\r\n\r\n", "403 no "),
            (b"HTTP/1.1 502\r\n\r\n<html>", "502"),
            (b"HTTP/1.1 302 Found\r\n\r\n", "302 Found"),
        ):
            text = self.fails(connect("h", 1, None), answer, Lost)
            self.assertIn(f"did not connect us: {words}", text)
            self.assertNotIn("\x1b", text)

    def test_unwelcome(self) -> None:
        """
        A wrong login, and a proxy that wants one, or another kind.
        """
        head = b"HTTP/1.1 407 go away\r\n%b\r\n"
        basic = head % b"proxy-authenticate: BASIC realm=x\r\n"
        other = head % b"Proxy-Authenticate: NTLM\r\nProxy-Authenticate: Negotiate\r\n"
        for login, answer, words in (
            (LOGIN, basic, "does not accept its user's name and password: 407 go away"),
            (None, basic, "wants a login"),
            (None, head % b"", "wants a login"),
            (LOGIN, b"HTTP/1.0 401 no\r\n\r\n", "user's name and password: 401 no"),
            (LOGIN, other, "knows no login but by NTLM, Negotiate"),
        ):
            text = self.fails(connect("h", 1, login), answer, Distrusted)
            self.assertIn(words, text)

    def test_other(self) -> None:
        """
        What is no HTTP is known by its first octets, and what never ends is left.
        """
        for answers in (
            *(b"*", b"\5\xff", b"HTTQ", b"HTTP/2 200\r\n\r\n", b"\r\n\r\n"),
            b"HTTP/1.1 200 " + b"x" * 20000,
        ):
            text = self.fails(connect("h", 1, None), answers, ProtocolViolation)
            self.assertIn("does not speak HTTP", text)
            self.assertLess(len(text), 300)


class AnyTests(NegotiationCase):
    """
    Whatever a proxy says, or is to be told.
    """

    @given(
        st.binary(max_size=40), st.sampled_from([b"", b"\5\0", b"\5\2", b"HTTP/1.1 "])
    )
    def test_answers(self, answers: bytes, start: bytes) -> None:
        """
        It connects us, waits, or fails as a proxy does.
        """
        for talk, login in product((socks5, connect), (None, LOGIN)):
            try:
                sent, rest = heard(talk("mail.example", 993, login), start + answers)
            except ImapSyncError as error:
                self.assertNotIn("secret", str(error))
            else:
                self.assertTrue(sent)
                self.assertTrue(rest is None or answers.endswith(rest))

    def test_names(self) -> None:
        """
        A name that neither of the protocols has a place for.
        """
        for name in UNSPEAKABLE:
            text = self.fails(socks5(name, 1, None), b"\5\0", ConfigError)
            self.assertIn("see host", text)
        text = self.fails(connect(UNSPEAKABLE[1], 1, None), b"", ConfigError)
        self.assertIn("see host", text)
