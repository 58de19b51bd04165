"""
Tests for L{imapsync.imap.commands.append}.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from imapsync.errors import Lost, Misread, ProtocolViolation, Refused
from imapsync.imap.commands.append import BARE, Appended, headOf
from imapsync.imap.commands.base import Alone, Simple
from imapsync.test.fakes.talking import Talk, failing

DATE = "01-Jan-2024 00:00:00 +0000"
SEEN = frozenset(["\\Seen"])
DATED = headOf(SEEN, DATE)


def talk(*capabilities: bytes) -> Talk:
    """
    With a server that has these capabilities, and knows a flag and a date.
    """
    told = b"* PREAUTH [CAPABILITY IMAP4rev1 " + b" ".join(capabilities) + b"] x"
    server = Talk(told)
    server.client.accepted(DATED.words)
    return server


class FreeTests(SynchronousTestCase):
    """
    APPEND with LITERAL+: nothing is waited for.
    """

    def test_one(self) -> None:
        """
        One message, with flags and date.
        """
        server = talk(b"LITERAL+")
        appending = server.client.beginAppend("a b")
        self.assertIsNone(appending.message(DATED, 5))
        appending.write(b"hel")
        appending.write(b"lo")
        done = appending.finish()
        self.assertEqual(
            b'0001 APPEND "a b" (\\Seen) "%s" {5+}\r\nhello\r\n' % DATE.encode(),
            server.heard(),
        )
        server.say(b"0001 OK [APPENDUID 7 23] done")
        self.assertEqual(Appended(7, (23,)), self.successResultOf(done))

    def test_many(self) -> None:
        """
        Many messages in one command, their UIDs told in any way there is.
        """
        for told, uids in (
            (b"5:7", (5, 6, 7)),
            (b"7:5", (5, 6, 7)),
            (b"9,5,6", (9, 5, 6)),
            (b"5:6", ()),
            (b"1:4294967295", ()),
        ):
            server = talk(b"LITERAL+")
            appending = server.client.beginAppend("a")
            for octets in (b"x", b"", b"yz"):
                appending.message(BARE, len(octets))
                appending.write(octets)
            done = appending.finish()
            self.assertEqual(
                b'0001 APPEND "a" () {1+}\r\nx () {0+}\r\n () {2+}\r\nyz\r\n',
                server.heard(),
            )
            server.say(b"0001 OK [APPENDUID 7 %s] done" % told)
            self.assertEqual(uids, self.successResultOf(done).uids)

    def test_whole(self) -> None:
        """
        Messages that are here with all of their octets go at once; not behind a
        refusal.
        """
        server = talk(b"LITERAL+", b"MULTIAPPEND")
        for refused in False, True:
            appending = server.client.beginAppend("a")
            appending.whole([(BARE, b"one"), (DATED, memoryview(b"two!"))])
            if refused:
                [*_, tag] = appending.tag.split()
                server.heard()
                server.say(tag.encode() + b" NO not now")
                appending.whole([(BARE, b"three")])
            appending.finish()
            front = b'() {3+}\r\none (\\Seen) "%s" {4+}\r\ntwo!' % DATE.encode()
            end = b"\r\n" if refused else b'0001 APPEND "a" ' + front + b"\r\n"
            self.assertTrue(server.heard().endswith(end))
            if refused:
                self.failureResultOf(appending.done, Refused)

    def test_wholeMisread(self) -> None:
        """
        They went without leave: so what is no command to a server may have been taken
        for many.
        """
        server = talk(b"LITERAL+")
        appending = server.client.beginAppend("a")
        appending.whole([(BARE, b"one")])
        server.heard()
        server.say(b"0001 BAD what")
        self.assertTrue(appending.misread)
        self.failureResultOf(appending.done, Misread)

    def test_untold(self) -> None:
        """
        A server need not tell UIDs.
        """
        server = talk(b"LITERAL+")
        appending = server.client.beginAppend("a")
        appending.message(BARE, 0)
        done = appending.finish()
        server.say(b"0001 OK done")
        self.assertEqual(Appended(0, ()), self.successResultOf(done))

    def test_nonsense(self) -> None:
        """
        An APPENDUID that is none is as good as untold: the messages are there.
        """
        for told in (b"", b"7", b"7 x", b"x 7", b"7 1:*", b"99999999999 1", b"7 1 2"):
            server = talk(b"LITERAL+")
            appending = server.client.beginAppend("a")
            appending.message(BARE, 0)
            done = appending.finish()
            server.say(b"0001 OK [APPENDUID %s] done" % told)
            self.assertEqual(Appended(0, ()), self.successResultOf(done))
            self.assertFalse(server.transport.disconnecting)

    def test_chunks(self) -> None:
        """
        Small pieces are collected, and written at once when they are many.
        """
        server = talk(b"LITERAL+")
        appending = server.client.beginAppend("a")
        appending.message(BARE, 10**6)
        appending.write(b"x" * 65000)
        self.assertEqual(b"", server.heard())
        appending.write(b"x" * 1000)
        self.assertIn(b"x" * 66000, server.heard())

    def test_inFlight(self) -> None:
        """
        While the server commits, other commands go on, APPEND among them.
        """
        server = talk(b"LITERAL+")
        first = server.client.beginAppend("a")
        first.message(BARE, 1)
        waiting = server.client.perform(Simple("NOOP"))
        first.write(b"x")
        one = first.finish()
        second = server.client.beginAppend("b")
        second.message(BARE, 1)
        second.write(b"y")
        two = second.finish()
        self.assertEqual(
            b'0001 APPEND "a" () {1+}\r\nx\r\n'
            b"0002 NOOP\r\n"
            b'0003 APPEND "b" () {1+}\r\ny\r\n',
            server.heard(),
        )
        server.say(
            b"0003 OK [APPENDUID 7 2] x", b"0002 OK x", b"0001 OK [APPENDUID 7 1] x"
        )
        self.successResultOf(waiting)
        self.assertEqual((1,), self.successResultOf(one).uids)
        self.assertEqual((2,), self.successResultOf(two).uids)

    def test_waitsItsTurn(self) -> None:
        """
        An APPEND behind a command that must be alone is kept until then.
        """
        server = talk(b"LITERAL+")
        server.open()
        opening = server.client.perform(Alone("X"))
        appending = server.client.beginAppend("a")
        appending.message(BARE, 1)
        appending.write(b"x")
        done = appending.finish()
        self.assertEqual(b"0002 X\r\n", server.heard())
        server.say(b"0002 OK x")
        self.successResultOf(opening)
        self.assertEqual(b'0003 APPEND "a" () {1+}\r\nx\r\n', server.heard())
        server.say(b"0003 OK x")
        self.successResultOf(done)

    def test_refusedAmidst(self) -> None:
        """
        After a refusal the present message is completed, since the server
        counts its octets, and no other is begun.
        """
        server = talk(b"LITERAL+")
        appending = server.client.beginAppend("a")
        appending.message(BARE, 4)
        appending.write(b"ab")
        self.assertIsNone(appending.refusal)
        server.say(b"0001 NO [OVERQUOTA] full")
        assert appending.refusal is not None
        self.assertEqual("OVERQUOTA", appending.refusal.responseCode)
        appending.write(b"cd")
        self.assertIsNone(appending.message(BARE, 3))
        appending.write(b"efg")
        self.failureResultOf(appending.finish(), Refused)
        self.assertEqual(b'0001 APPEND "a" () {4+}\r\nabcd\r\n', server.heard())

    def test_tooEarly(self) -> None:
        """
        A server that says OK to half a command is mistaken.
        """
        server = talk(b"LITERAL+")
        appending = server.client.beginAppend("a")
        appending.message(BARE, 4)
        server.say(b"0001 OK done")
        self.failureResultOf(appending.done, ProtocolViolation)
        self.assertTrue(server.transport.disconnecting)

    def test_lost(self) -> None:
        """
        When the connection goes, the command fails, and what is written
        still goes nowhere.
        """
        server = talk(b"LITERAL+")
        appending = server.client.beginAppend("a")
        appending.message(BARE, 4)
        server.hangUp()
        appending.write(b"x" * 100_000)
        self.assertIsNone(appending.message(BARE, 4))
        self.failureResultOf(appending.finish(), Lost)
        self.assertEqual(b"", server.heard())
        late = server.client.beginAppend("a")
        self.assertIsNone(late.message(BARE, 4))
        self.failureResultOf(late.finish(), Lost)

    def test_badFlag(self) -> None:
        """
        There is nothing in front of a message whose flags cannot be sent.
        """
        for date in (DATE, ""):
            self.assertRaises(ValueError, headOf, frozenset(["a b"]), date)


class WaitingTests(SynchronousTestCase):
    """
    APPEND without LITERAL+: the server's leave is awaited.
    """

    def test_leave(self) -> None:
        """
        Each message waits for its own leave.
        """
        server = talk()
        appending = server.client.beginAppend("a")
        for count in (b"", b"x"):
            leave = appending.message(BARE, 1)
            assert leave is not None
            self.assertTrue(server.heard().endswith(count + b" () {1}\r\n"))
            self.assertNoResult(leave)
            server.say(b"+ go")
            self.successResultOf(leave)
            appending.write(b"x")
        done = appending.finish()
        self.assertEqual(b"x\r\n", server.heard())
        server.say(b"0001 OK [APPENDUID 1 4:5] x")
        self.assertEqual((4, 5), self.successResultOf(done).uids)

    def test_small(self) -> None:
        """
        LITERAL- spares the wait up to 4096 octets (RFC 7888, 5).
        """
        server = talk(b"LITERAL-")
        appending = server.client.beginAppend("a")
        self.assertIsNone(appending.message(BARE, 4096))
        appending.write(b"x" * 4096)
        self.assertIsNotNone(appending.message(BARE, 4097))
        self.assertTrue(server.heard().endswith(b"x () {4097}\r\n"))

    def test_refused(self) -> None:
        """
        A refusal instead of a leave ends the command; the next may follow.
        """
        server = talk()
        appending = server.client.beginAppend("a")
        leave = appending.message(BARE, 99)
        assert leave is not None
        waiting = server.client.perform(Simple("NOOP"))
        server.heard()
        server.say(b"0001 NO [TOOBIG] no")
        self.failureResultOf(leave, Refused)
        self.assertEqual(b"0002 NOOP\r\n", server.heard())
        self.assertNoResult(waiting)
        appending.write(b"x" * 99)
        self.failureResultOf(appending.finish(), Refused)
        self.assertEqual(b"", server.heard())

    def test_refusedBetween(self) -> None:
        """
        Refused between two messages, the command is ended before the second.
        """
        server = talk()
        appending = server.client.beginAppend("a")
        appending.message(BARE, 1)
        server.say(b"+ go")
        appending.write(b"x")
        server.say(b"0001 NO no")
        self.assertIsNone(appending.message(BARE, 1))
        self.assertTrue(server.heard().endswith(b" {1}\r\nx\r\n"))
        self.failureResultOf(appending.finish(), Refused)

    def test_lost(self) -> None:
        """
        When the connection goes, nobody waits for a leave any more.
        """
        server = talk()
        appending = server.client.beginAppend("a")
        leave = appending.message(BARE, 99)
        assert leave is not None
        failures = failing(leave)
        server.hangUp()
        self.assertTrue(failures[0].check(Lost))
        self.failureResultOf(appending.done, Lost)

    def test_okInstead(self) -> None:
        """
        An OK instead of a leave is a violation that all hear of.
        """
        server = talk()
        appending = server.client.beginAppend("a")
        leave = appending.message(BARE, 99)
        assert leave is not None
        server.say(b"0001 OK done")
        self.failureResultOf(leave, ProtocolViolation)
        self.failureResultOf(appending.done, ProtocolViolation)

    def test_literalName(self) -> None:
        """
        A name that needs a literal waits for its own leave first.
        """
        server = talk()
        appending = server.client.beginAppend("a\udcff")
        leave = appending.message(BARE, 1)
        assert leave is not None
        self.assertEqual(b"0001 APPEND {2}\r\n", server.heard())
        server.say(b"+ go")
        self.assertEqual(b"a\xff () {1}\r\n", server.heard())
        self.assertNoResult(leave)
        server.say(b"+ go")
        self.successResultOf(leave)
        appending.write(b"x")
        done = appending.finish()
        self.assertEqual(b"x\r\n", server.heard())
        server.say(b"0001 OK done")
        self.successResultOf(done)

    def test_refusedName(self) -> None:
        """
        The name alone may be refused.
        """
        server = talk()
        appending = server.client.beginAppend("a\udcff")
        leave = appending.message(BARE, 1)
        assert leave is not None
        server.heard()
        server.say(b"0001 NO no")
        self.failureResultOf(leave, Refused)
        self.failureResultOf(appending.finish(), Refused)
        server.client.perform(Simple("NOOP"))
        self.assertEqual(b"0002 NOOP\r\n", server.heard())

    def test_needlessLeave(self) -> None:
        """
        A leave that nobody asked for changes nothing.
        """
        server = talk(b"LITERAL+")
        appending = server.client.beginAppend("a")
        appending.message(BARE, 1)
        server.say(b"+ go")
        appending.write(b"x")
        appending.finish()
        self.assertEqual(b'0001 APPEND "a" () {1+}\r\nx\r\n', server.heard())


class TraceTests(SynchronousTestCase):
    """
    What a trace shows of an APPEND.
    """

    def test_elided(self) -> None:
        """
        All but the messages.
        """
        server = Talk(trace=True)
        server.client.accepted(DATED.words)
        appending = server.client.beginAppend("a")
        appending.message(DATED, 6)
        appending.write(b"secret")
        appending.finish()
        self.assertEqual(
            [
                'server > 0001 APPEND "a"',
                f'server > (\\Seen) "{DATE}" {{6+}}',
            ],
            server.traced[1:],
        )


class MisreadTests(SynchronousTestCase):
    """
    A server that calls words BAD may take what follows for commands.
    """

    def test_unknownWords(self) -> None:
        """
        Behind a flag or a kind of date that the server has not taken before, leave
        is asked; once it has let a literal follow, no more.
        """
        server = talk(b"LITERAL+", b"MULTIAPPEND")
        old = "01-Jan-1960 00:00:00 +0000"
        for flags, date in ({"key"}, DATE), (SEEN, old), ({"a", "\\Seen"}, ""):
            head = headOf(frozenset(flags), date)
            asking = server.client.beginAppend("a")
            leave = asking.message(head, 1)
            heard = server.heard()
            self.assertTrue(heard.endswith(b" {1}\r\n"), heard)
            server.say(b"+ go")
            assert leave is not None
            self.successResultOf(leave)
            asking.write(b"x")
            asking.finish()
            self.assertEqual(b"x\r\n", server.heard())
            free = server.client.beginAppend("a")
            self.assertIsNone(free.message(head, 1))
            free.write(b"x")
            free.finish()
            heard = server.heard()
            self.assertTrue(heard.endswith(b" {1+}\r\nx\r\n"), heard)

    def test_refusedWords(self) -> None:
        """
        What is refused was not accepted, and all goes on.
        """
        server = talk(b"LITERAL+")
        for status in b"NO", b"BAD":
            appending = server.client.beginAppend("a")
            leave = appending.message(headOf(frozenset(["key"]), DATE), 1)
            assert leave is not None
            tag = server.heard().split()[0]
            server.say(tag + b" %s not that" % status)
            self.failureResultOf(leave, Refused)
            self.failureResultOf(appending.finish(), Refused)
        self.assertFalse(server.transport.disconnecting)
        server.client.perform(Simple("NOOP"))
        self.assertRegex(server.heard(), b"^.* NOOP\r\n$")

    def test_noDate(self) -> None:
        """
        What is no date is not sent.
        """
        server = talk(b"LITERAL+")
        appending = server.client.beginAppend("a")
        appending.message(headOf(SEEN, "01-Mai-2024 00:00:00 +0000"), 0)
        appending.finish()
        self.assertEqual(b'0001 APPEND "a" (\\Seen) {0+}\r\n\r\n', server.heard())

    def test_dropped(self) -> None:
        """
        BAD to octets that came without leave ends the connection at once, be the
        command complete or not; nothing more is sent.
        """
        for complete in False, True:
            server = talk(b"LITERAL+")
            appending = server.client.beginAppend("a")
            appending.message(DATED, 200_000)
            appending.write(b"x" * 100_000)
            if complete:
                appending.write(b"x" * 100_000)
                appending.finish()
            server.heard()
            waiting = failing(server.client.perform(Simple("NOOP")))
            server.heard()
            server.say(b"0001 BAD what", b"x1 OK Delete completed.")
            self.assertTrue(server.transport.disconnected)
            self.assertTrue(appending.misread)
            self.failureResultOf(appending.done, Misread)
            self.assertTrue(waiting[0].check(Misread))
            self.assertIn("server: APPEND was refused: BAD what", str(waiting[0].value))
            appending.write(b"x" * 100_000)
            appending.finish()
            self.assertEqual(b"", server.heard())

    def test_refusedUnasked(self) -> None:
        """
        A server that says NO has taken it for what it is; so has one that was sent
        nothing, or asked.
        """
        server = talk(b"LITERAL+")
        for octets, status in (b"x", b"NO"), (b"", b"BAD"):
            appending = server.client.beginAppend("a")
            appending.message(DATED, len(octets))
            appending.write(octets)
            done = appending.finish()
            tag = server.heard().split()[0]
            server.say(tag + b" %s no" % status)
            self.failureResultOf(done, Refused)
        appending = server.client.beginAppend("a")
        leave = appending.message(DATED, 1, asked=True)
        assert leave is not None
        tag = server.heard().split()[0]
        server.say(b"+ go")
        appending.write(b"x")
        done = appending.finish()
        server.say(tag + b" BAD no")
        self.failureResultOf(done, Refused)
        self.assertFalse(server.transport.disconnecting)
