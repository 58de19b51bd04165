"""
Tests for L{imapsync.test.integration.filter}, L{imapsync.test.integration.presets} and
L{imapsync.test.integration.filtered}.
"""

from __future__ import annotations

import socket

from twisted.trial.unittest import SynchronousTestCase

from imapsync.test.integration.dovecot import mdboxServer
from imapsync.test.integration.filter import Filter
from imapsync.test.integration.filtered import Filtered, filtered
from imapsync.test.integration.presets import Edit, preset
from imapsync.test.integration.server import PASSWORD, freshUser


class FilterTests(SynchronousTestCase):
    """
    What goes through, and what does not.
    """

    def begin(self, name: str) -> None:
        """
        Have one connection.
        """
        self.toServer, self.toClient = bytearray(), bytearray()
        self.refused: list[bytes] = []
        self.filter = Filter(
            Edit(preset(name)),
            self.toServer.extend,
            self.toClient.extend,
            self.refused.append,
        )

    def becomes(self, sent: bytes, passed: bytes) -> None:
        """
        What a client sends arrives so, however it is cut.
        """
        for size in 1, 7, len(sent):
            self.toServer.clear()
            for at in range(0, len(sent), size):
                self.filter.fromClient(sent[at : at + size])
            self.assertEqual(passed, bytes(self.toServer))

    def told(self, said: bytes, passed: bytes) -> None:
        """
        What a server says arrives so, however it is cut.
        """
        for size in 1, 7, len(said):
            self.toClient.clear()
            for at in range(0, len(said), size):
                self.filter.fromServer(said[at : at + size])
            self.assertEqual(passed, bytes(self.toClient))

    def test_straight(self) -> None:
        """
        Nothing is taken away, but what cannot be.
        """
        self.begin("QRESYNC")
        line = b"a SELECT x (QRESYNC (1 2))\r\nb UID EXPUNGE 1\r\n"
        self.becomes(line, line)
        self.told(
            b"* CAPABILITY IMAP4rev1 QRESYNC COMPRESS=DEFLATE\r\n* OK [CLOSED] x\r\n",
            b"* CAPABILITY IMAP4rev1 QRESYNC\r\n* OK [CLOSED] x\r\n",
        )

    def test_words(self) -> None:
        """
        No CAPABILITY has the words, wherever it stands.
        """
        self.begin("BARE")
        self.told(
            b"* OK [CAPABILITY IMAP4rev1 ID AUTH=PLAIN] Dovecot ready.\r\n"
            b"a OK [CAPABILITY IMAP4rev1 QRESYNC] Logged in\r\n"
            b"* CAPABILITY IMAP4rev1 UIDPLUS\r\n",
            b"* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] ready.\r\n"
            b"a OK [CAPABILITY IMAP4rev1] Logged in\r\n"
            b"* CAPABILITY IMAP4rev1\r\n",
        )

    def test_refused(self) -> None:
        """
        Commands become such that no server knows; names are not looked at.
        """
        self.begin("CONDSTORE/UIDPLUS")
        self.becomes(
            b'a SELECT "(QRESYNC" (CONDSTORE)\r\nb UID EXPUNGE 1\r\n'
            b"c UID FETCH 1:* (FLAGS) (CHANGEDSINCE 1 VANISHED)\r\nd IDLE\r\nDONE\r\n",
            b'a SELECT "(QRESYNC" (CONDSTORE)\r\nb XUNKNOWN\r\n'
            b"c XUNKNOWN\r\nd IDLE\r\nDONE\r\n",
        )
        self.assertEqual(b"b UID EXPUNGE 1\r\n", self.refused[0])

    def test_bare(self) -> None:
        """
        Nothing is left of what is no part of IMAP4rev1.
        """
        self.begin("BARE")
        for line in (
            b"a ENABLE X",
            b"a ID NIL",
            b"a NAMESPACE",
            b"a IDLE",
            b"a UNSELECT",
            b'a LIST "" "*" RETURN (SUBSCRIBED)',
            b'a LIST (SUBSCRIBED) "" "*"',
            b"a UID MOVE 1 x",
            b"a SELECT x (CONDSTORE)",
            b"a UID SEARCH RETURN (ALL) ALL",
            b"a STATUS x (HIGHESTMODSEQ)",
            b"a AUTHENTICATE PLAIN eDEK",
            b"a UID FETCH 1 (X-GUID)",
        ):
            self.becomes(line + b"\r\n", b"a XUNKNOWN\r\n")
        line = b'a LIST "" "*"\r\nb AUTHENTICATE PLAIN\r\neDEK\r\nc CLOSE\r\n'
        self.becomes(line, line)

    def test_enable(self) -> None:
        """
        What is enabled is left out, and nobody minds.
        """
        self.begin("COMPARING")
        self.becomes(
            b"a ENABLE QRESYNC\r\nb ENABLE CONDSTORE UTF8=ACCEPT\r\n",
            b"a ENABLE XUNKNOWN\r\nb ENABLE UTF8=ACCEPT\r\n",
        )

    def test_answers(self) -> None:
        """
        What extensions bring into answers is not there.
        """
        self.begin("BARE")
        self.told(
            b"* OK [HIGHESTMODSEQ 5] Highest\r\n* OK [UIDNEXT 4] Next\r\n"
            b"* 1 FETCH (MODSEQ (5) FLAGS (x))\r\n* 2 FETCH (UID 5 MODSEQ (6))\r\n"
            b"* OK [CLOSED] x\r\na OK [APPENDUID 1 2] Done.\r\n"
            b"* OK [COPYUID 1 2 3] Moved.\r\n"
            b'* LIST (\\HasNoChildren \\Sent) "/" Sent\r\n',
            b"* OK [UIDNEXT 4] Next\r\n"
            b"* 1 FETCH (FLAGS (x))\r\n* 2 FETCH (UID 5)\r\n"
            b"a OK Done.\r\n"
            b"* OK Moved.\r\n"
            b'* LIST () "/" Sent\r\n',
        )

    def test_literals(self) -> None:
        """
        Literals are left alone, in both directions.
        """
        self.begin("BARE")
        row = b"* 1 FETCH (BODY[] {19}\r\n* OK [CLOSED] abc\r\n MODSEQ (5) UID 1)\r\n"
        self.told(row, row.replace(b" MODSEQ (5)", b""))
        self.filter.fromClient(b"a APPEND x {9}\r\n")
        self.filter.fromServer(b"+ OK\r\n")
        self.filter.fromClient(b"b IDLE\r\n\r\n\r\nc IDLE\r\n")
        self.assertEqual(
            b"a APPEND x {9}\r\nb IDLE\r\n\r\n\r\nc XUNKNOWN\r\n", bytes(self.toServer)
        )

    def test_literalRefused(self) -> None:
        """
        Nor is there one where the server does not ask for it.
        """
        self.begin("BARE")
        self.filter.fromClient(b"a APPEND x {9}\r\n")
        self.filter.fromServer(b"a NO [TRYCREATE] x\r\n")
        self.filter.fromClient(b"b NOOP\r\n")
        self.assertEqual(b"a APPEND x {9}\r\nb NOOP\r\n", bytes(self.toServer))

    def test_literalUnasked(self) -> None:
        """
        One that does not wait is not taken, and none but short ones with LITERAL-.
        """
        self.begin("BARE")
        self.becomes(
            b"a APPEND x {4+}\r\n1234\r\nb NOOP\r\n", b"a XUNKNOWN\r\nb NOOP\r\n"
        )
        self.begin("GMAIL")
        long = b"a APPEND x {4097+}\r\n" + b"1" * 4097 + b"\r\n"
        self.becomes(long, b"a XUNKNOWN\r\n")
        short = b"a APPEND x {4096+}\r\n" + b"1" * 4096 + b"\r\n"
        self.becomes(short, short)
        self.told(b"* CAPABILITY LITERAL+ X\r\n", b"* CAPABILITY LITERAL-\r\n")

    def test_oneMessage(self) -> None:
        """
        APPEND takes one message only.
        """
        self.begin("CONDSTORE/MULTIAPPEND")
        self.becomes(
            b"a APPEND x {1+}\r\n1 {1+}\r\n2\r\nb NOOP\r\n",
            b"a APPEND x {1+}\r\n1 XUNKNOWN\r\nb NOOP\r\n",
        )


class FilteredTests(SynchronousTestCase):
    """
    A server that is behind one.
    """

    def test_bare(self) -> None:
        """
        It can be used, and can do no more than it says; what it is asked for in vain
        can be seen afterwards.
        """
        server = Filtered(mdboxServer(), "BARE")
        self.addCleanup(server.close)
        user = freshUser()
        with (
            socket.create_connection((server.host, server.port), 20) as connection,
            connection.makefile("rwb", buffering=0) as stream,
        ):
            greeting = stream.readline()
            self.assertNotIn(b"LITERAL+", greeting)
            stream.write(f"a LOGIN {user} {PASSWORD}\r\nb SELECT INBOX\r\n".encode())
            stream.write(b"c IDLE\r\nd NOOP\r\n")
            answers = [stream.readline()]
            while not answers[-1].startswith(b"d "):
                answers.append(stream.readline())
        text = b"".join(answers)
        self.assertIn(b"\r\nc BAD ", text)
        self.assertNotIn(b"HIGHESTMODSEQ", text)
        self.assertEqual(["c IDLE"], server.refusals())

    def test_same(self) -> None:
        """
        Where nothing is taken away, there is none.
        """
        self.assertIs(mdboxServer(), filtered(mdboxServer(), "QRESYNC"))
