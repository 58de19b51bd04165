"""
Tests for L{imapsync.imap.connection}.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.logger import capturedLogs
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from imapsync.errors import Distrusted, ImapSyncError, Lost, ProtocolViolation
from imapsync.imap.commands.append import BARE
from imapsync.imap.commands.base import Alone, Simple
from imapsync.imap.commands.notify import Idle
from imapsync.test.fakes.talking import Listener, Talk, failing
from imapsync.uidset import UidSet


class GreetingTests(SynchronousTestCase):
    """
    How a connection begins.
    """

    def test_ok(self) -> None:
        """
        The server is ready for a login.
        """
        server = Talk(b"* OK [CAPABILITY IMAP4rev1 SASL-IR] hello")
        self.assertEqual([False], server.greeted)
        self.assertEqual({"IMAP4REV1", "SASL-IR"}, server.client.capabilities)

    def test_preauth(self) -> None:
        """
        The server knows us already.
        """
        self.assertEqual([True], Talk(b"* PREAUTH hello").greeted)

    def test_bye(self) -> None:
        """
        The server turns us away.
        """
        server = Talk(b"* BYE too many")
        [failure] = server.greeted
        assert isinstance(failure, Failure)
        self.assertTrue(failure.check(Lost))
        self.assertIn("too many", str(failure.value))
        self.assertTrue(server.transport.disconnecting)

    def test_alertFirst(self) -> None:
        """
        Courier sends an alert before PREAUTH: that is found out.
        """
        server = Talk(b"* OK [ALERT] disk is full")
        self.assertEqual([], server.greeted)
        self.assertEqual(b"0001 CAPABILITY\r\n", server.heard())
        server.say(b"* PREAUTH hello", b"* CAPABILITY IMAP4rev1 X", b"0001 OK x")
        self.assertEqual([True], server.greeted)
        self.assertIn("X", server.client.capabilities)

    def test_alertOnly(self) -> None:
        """
        It may have been the greeting, too.
        """
        for answer in (b"0001 OK x", b"0001 NO x"):
            server = Talk(b"* OK [ALERT] disk is full")
            server.say(answer)
            self.assertEqual([False], server.greeted)

    def test_alertAndGone(self) -> None:
        """
        Or the last word.
        """
        server = Talk(b"* OK [ALERT] disk is full")
        server.hangUp()
        self.assertEqual(1, len(server.greeted))
        self.assertIsInstance(server.greeted[0], Failure)

    def test_latePreauth(self) -> None:
        """
        A PREAUTH that comes when it is due no longer logs nobody in.
        """
        server = Talk(b"* OK hello")
        server.say(b"* PREAUTH [CAPABILITY X] in")
        self.assertEqual("unauth", server.client.state)

    def test_noGreeting(self) -> None:
        """
        What does not greet is no IMAP server; that is known at once, and what it
        said is quoted.
        """
        for line, said in (
            (b"220 smtp ready", '"220 smtp ready"'),
            (b"HTTP/1.1 400 Bad", "HTTP"),
            (b"SSH-2.0-x", "SSH"),
            (b"+OK POP3", "POP3"),
            (b"A1 OK x", '"A1 OK x"'),
            (b"* NO x", '"* NO x"'),
            (b"\x15\x03\x01", "TLS"),
            (b"", 'said ""'),
            (b"* x", '"* x"'),
            (b"* CAPABILITY IMAP4rev1", '"* CAPABILITY IMAP4rev1"'),
        ):
            server = Talk(b"")
            server.say(line)
            [failure] = server.greeted
            assert isinstance(failure, Failure)
            self.assertTrue(failure.check(ProtocolViolation), line)
            self.assertIn(said, str(failure.value))
            self.assertIn("see port and type", str(failure.value))

    def test_lineEnds(self) -> None:
        """
        A server whose lines do not end as they should is waited for as long as for
        one that says nothing: it may still explain itself.
        """
        server = Talk(b"")
        server.client.options = "command"
        server.client.dataReceived(b"* OK hello\n")
        server.clock.advance(29)
        self.assertEqual([], server.greeted)
        server.clock.advance(1)
        [failure] = server.greeted
        assert isinstance(failure, Failure)
        self.assertTrue(failure.check(ProtocolViolation))
        for words in '"* OK hello"', "CR and LF", "see command":
            self.assertIn(words, str(failure.value))

    def test_explained(self) -> None:
        """
        What is said before the end, though no IMAP, may be an explanation.
        """
        server = Talk(b"")
        server.client.dataReceived(b"No such account.\n")
        server.hangUp()
        [failure] = server.greeted
        assert isinstance(failure, Failure)
        self.assertTrue(failure.check(Lost))
        self.assertIn("No such account.", str(failure.value))


class EndTests(SynchronousTestCase):
    """
    How it ends.
    """

    def test_lost(self) -> None:
        """
        Whatever waits fails, in flight and queued, stock or ours.
        """
        server = Talk()
        client = server.client
        waiting: list[Any] = [
            client.perform(Simple("A")),
            client.perform(Alone("B")),
            client.noop(),
        ]
        failures = [failing(done) for done in waiting]
        server.hangUp()
        late = failing(client.perform(Simple("C"))) + failing(client.noop())
        for failure in [f for some in failures for f in some] + late:
            self.assertTrue(failure.check(Lost))
        self.assertEqual([1, 1, 1], [len(some) for some in failures])
        self.assertEqual(2, len(late))
        self.successResultOf(client.lost)

    def test_stockInFlight(self) -> None:
        """
        So does a stock command in flight.
        """
        server = Talk()
        done = server.client.noop()
        server.hangUp()
        self.failureResultOf(done, Lost)

    def test_farewell(self) -> None:
        """
        The server's last words are the reason.
        """
        server = Talk()
        done = server.client.perform(Simple("A"))
        server.say(b"* BYE shutting down")
        server.hangUp()
        self.assertIn("shutting down", str(self.failureResultOf(done, Lost).value))

    def test_ownReason(self) -> None:
        """
        A transport that knows why it ended says so itself.
        """
        server = Talk()
        done = server.client.perform(Simple("A"))
        server.client.connectionLost(Failure(Distrusted("no")))
        self.failureResultOf(done, Distrusted)

    def test_closed(self) -> None:
        """
        A server that ends it is not one that is gone.
        """
        for error, said in (ConnectionDone(), "closed by"), (ConnectionLost(), "cut"):
            server = Talk()
            done = server.client.perform(Simple("A"))
            server.client.connectionLost(Failure(error))
            self.assertIn(f"lost: {said}", str(self.failureResultOf(done, Lost).value))

    def test_abort(self) -> None:
        """
        The first reason to drop a connection is the one that is told.
        """
        server = Talk()
        done = server.client.perform(Simple("A"))
        server.client.abort(Lost("first"))
        server.client.abort(Lost("second"))
        server.client.connectionLost(Failure(ConnectionDone()))
        self.assertEqual("first", str(self.failureResultOf(done, Lost).value))
        self.assertTrue(server.transport.disconnecting)

    def test_deaf(self) -> None:
        """
        After the end nothing is heard, even of what was read together.
        """
        server = Talk()
        listener = server.open()
        done = server.client.perform(Simple("A"))
        done.addCallback(lambda _: server.client.abort(Lost("enough")))
        server.say(b"* 1 EXISTS", b"0002 OK x", b"* 2 EXISTS")
        server.say(b"* 3 EXISTS")
        self.assertEqual(["1 exist"], listener.told)

    def test_violation(self) -> None:
        """
        What is no IMAP ends the connection, and says which.
        """
        server = Talk()
        done = server.client.perform(Simple("A"))
        server.say(b"what?")
        failure = self.failureResultOf(done, ProtocolViolation)
        self.assertIn("server: ", str(failure.value))
        self.assertTrue(server.transport.disconnecting)

    def test_wrongAnswers(self) -> None:
        """
        So do answers that answer nothing.
        """
        for line in (b"0009 OK x", b"0001 BYE x", b"0001 PREAUTH x", b"+ go"):
            server = Talk()
            done = server.client.perform(Simple("A"))
            server.say(line)
            self.failureResultOf(done, ProtocolViolation)

    def test_listenersError(self) -> None:
        """
        What a listener cannot bear ends the connection with its own error;
        a bug of a listener is not hidden.
        """

        class Unhappy(Listener):
            def __init__(self, error: Exception) -> None:
                self.error = error

            def existsReceived(self, messages: int) -> None:
                raise self.error

        for error in (ImapSyncError("enough"), ZeroDivisionError()):
            server = Talk()
            done = server.client.open("a", None, Unhappy(error), True)
            if isinstance(error, ImapSyncError):
                server.say(b"* 1 EXISTS")
            else:
                self.assertRaises(ZeroDivisionError, server.say, b"* 1 EXISTS")
            self.failureResultOf(done, type(error))


class TimeoutTests(SynchronousTestCase):
    """
    Every wait has an end, but only while the server owes something.
    """

    def silence(self, server: Talk, seconds: float = 30.0) -> bool:
        """
        Whether the connection ends if nothing is said for so long.
        """
        server.clock.advance(seconds)
        return bool(server.transport.disconnecting)

    def test_greeting(self) -> None:
        """
        A greeting is owed within half a minute in all, were it to come in small
        pieces; then there is more time.
        """
        for piece in (b"", b"*", b" "):
            server = Talk(b"")
            self.assertFalse(self.silence(server, 29))
            server.client.dataReceived(piece)
            self.assertTrue(self.silence(server, 1))
            self.assertIsInstance(server.greeted[0], Failure)
        server = Talk(b"")
        self.assertFalse(self.silence(server, 29))
        server.say(b"* OK [ALERT] slow")  # before the true greeting, perhaps
        self.assertFalse(self.silence(server, 299))
        self.assertTrue(self.silence(server, 1))

    def test_greetingOverTLS(self) -> None:
        """
        It has its time from when TLS is up.
        """
        server = Talk(b"")
        self.assertFalse(self.silence(server, 29))
        server.client.handshakeCompleted()
        self.assertFalse(self.silence(server, 29))
        self.assertTrue(self.silence(server, 1))

    def test_idle(self) -> None:
        """
        With nothing in flight, silence is golden.
        """
        server = Talk(timeout=30)
        self.assertFalse(self.silence(server, 9999))
        self.assertEqual([], server.clock.getDelayedCalls())

    def test_command(self) -> None:
        """
        An answer is owed; each sign of life renews the patience.
        """
        server = Talk(timeout=30)
        done = server.client.perform(Simple("FETCH"))
        self.assertFalse(self.silence(server, 29))
        server.client.dataReceived(b"* ")
        self.assertFalse(self.silence(server, 29))
        self.assertTrue(self.silence(server, 1))
        error = self.failureResultOf(done, Lost).value
        self.assertEqual("server: no answer for 30 seconds to FETCH", str(error))

    def test_inProgress(self) -> None:
        """
        So does a server that says it is at work (RFC 9585), however it says it.
        """
        asks: list[Callable[[Talk], Any]] = [
            lambda server: server.client.exists(UidSet.of([1])),
            lambda server: server.client.transfer("COPY", UidSet.of([1]), "a"),
            lambda server: server.client.open("a", None, Listener(), True),
            lambda server: server.client.beginAppend("a").finish(),
            lambda server: server.client.noop(),
        ]
        for ask in asks:
            server = Talk(timeout=30)
            done = ask(server)
            tag = server.heard().split()[0].decode()
            for told in (
                f'("{tag}" 3 9)',
                f'("{tag}" NIL NIL)',
                "(NIL NIL NIL)",
                "(NIL 7 NIL)",
                "",
                '("nobody" 9 3)',
                '("',
                "((((",
                "(99999999999999999999 -1 x)",
                "NIL",
            ):
                server.say(f"* OK [INPROGRESS {told}] still at it".encode())
                self.assertNoResult(done)
                self.assertFalse(self.silence(server, 29))
            self.assertTrue(self.silence(server, 1))
            self.failureResultOf(done, Lost)

    def living(self, server: Talk, piece: bytes, minutes: int) -> bool:
        """
        Whether the connection is open after so many minutes with this in each.
        """
        for _ in range(minutes):
            server.clock.advance(60)
            server.client.dataReceived(piece)
        return not server.transport.disconnecting

    def test_signsOfLife(self) -> None:
        """
        For an hour, signs of life take the place of an answer, whatever they are.
        """
        for piece in (
            b"x",
            b"* OK still here\r\n",
            b"* OK [INPROGRESS (NIL 1 2)] x\r\n",
            b"* CAPABILITY IMAP4rev1\r\n",
        ):
            server = Talk()
            done = server.client.perform(Simple("SELECT"))
            self.assertTrue(self.living(server, piece, 59), piece)
            self.assertFalse(self.living(server, piece, 3), piece)
            error = self.failureResultOf(done, Lost).value
            self.assertEqual(
                "server: no answer to SELECT for 60 minutes, but signs of life",
                str(error),
            )

    def test_progress(self) -> None:
        """
        An answer may take longer while it comes, or others do.
        """
        server = Talk()
        server.client.perform(Simple("FETCH"))
        self.assertTrue(self.living(server, b"* OK " + b"x" * 2000 + b"\r\n", 600))
        server = Talk()
        for _ in range(3):
            done = server.client.perform(Simple("FETCH"))
            self.assertTrue(self.living(server, b"* OK x\r\n", 50))
            server.say(server.heard().split()[0] + b" OK x")
            self.successResultOf(done)

    def test_writingSlowly(self) -> None:
        """
        Nor is an answer late while we write.
        """
        server = Talk()
        appending = server.client.beginAppend("a")
        appending.message(BARE, 10**8)
        for _ in range(300):
            appending.write(b"x" * 2000)
            self.assertTrue(self.living(server, b"* OK x\r\n", 1))

    def test_pausedLong(self) -> None:
        """
        Nor is it for the time in which we did not listen.
        """
        server = Talk()
        server.client.perform(Simple("FETCH"))
        self.assertTrue(self.living(server, b"* OK x\r\n", 5))
        server.client.pauseProducing()
        server.clock.advance(9999)
        server.client.resumeProducing()
        self.assertTrue(self.living(server, b"* OK x\r\n", 50))

    def test_resting(self) -> None:
        """
        IDLE has no end.
        """
        server = Talk()
        server.client.perform(Idle(lambda: None))
        server.say(b"+ idling")
        self.assertTrue(self.living(server, b"* OK x\r\n", 600))

    def test_answered(self) -> None:
        """
        Once it is answered, nothing is.
        """
        server = Talk(timeout=30)
        for ask in (lambda: server.client.perform(Simple("X")), server.client.noop):
            done = ask()
            tag = server.heard().split()[0]
            server.say(tag + b" OK x")
            self.successResultOf(done)
            self.assertEqual([], server.clock.getDelayedCalls())

    def test_stock(self) -> None:
        """
        Stock commands end as well.
        """
        server = Talk(timeout=30)
        done = server.client.noop()
        self.assertTrue(self.silence(server))
        self.failureResultOf(done, Lost)

    def test_writing(self) -> None:
        """
        While we write, the server may be silent.
        """
        server = Talk(timeout=30)
        appending = server.client.beginAppend("a")
        appending.message(BARE, 10**6)
        for _ in range(5):
            appending.write(b"x" * 70_000)
            self.assertFalse(self.silence(server, 29))
        self.assertTrue(self.silence(server, 1))
        self.failureResultOf(appending.done, Lost)

    def test_paused(self) -> None:
        """
        While we do not listen, it cannot be late.
        """
        server = Talk(timeout=30)
        done = server.client.perform(Simple("FETCH"))
        server.client.pauseProducing()
        self.assertEqual("paused", server.transport.producerState)
        self.assertFalse(self.silence(server, 9999))
        server.client.resumeProducing()
        self.assertFalse(self.silence(server, 29))
        self.assertTrue(self.silence(server, 1))
        self.failureResultOf(done, Lost)

    def test_handshake(self) -> None:
        """
        A handshake is owed after STARTTLS.
        """
        server = Talk(b"* OK [CAPABILITY STARTTLS] x", timeout=30)
        done = server.client.starttls(None)  # type: ignore[arg-type]
        server.say(b"0001 OK x")
        self.successResultOf(done)
        self.assertTrue(self.silence(server))
        self.assertIsInstance(server.secured[0], Failure)

    def test_handshakeDone(self) -> None:
        """
        It is owed no longer once it is complete.
        """
        server = Talk(b"* OK [CAPABILITY STARTTLS] x", timeout=30)
        self.successResultOf(_starttls(server))
        server.client.handshakeCompleted()
        self.assertEqual([None], server.secured)
        self.assertFalse(self.silence(server, 9999))

    def test_never(self) -> None:
        """
        A time-out of 0 is none.
        """
        server = Talk(b"", timeout=0)
        self.assertFalse(self.silence(server, 9999))


def _starttls(server: Talk) -> Any:
    """
    Begin STARTTLS, to which the server agrees.
    """
    done = server.client.starttls("options")  # type: ignore[arg-type]
    server.say(server.heard().split()[0] + b" OK x")
    return done


class StartTlsTests(SynchronousTestCase):
    """
    STARTTLS.
    """

    def setUp(self) -> None:
        """
        A server that offers it.
        """
        greeting = b"* OK [CAPABILITY STARTTLS AUTH=PLAIN] x"
        self.server = Talk(greeting)

    def test_secured(self) -> None:
        """
        TLS is begun, and what was told in the clear is forgotten.
        """
        self.successResultOf(_starttls(self.server))
        self.assertEqual("options", self.server.transport.options)
        self.assertEqual(frozenset(), self.server.client.capabilities)
        self.assertEqual([], self.server.secured)
        self.server.client.handshakeCompleted()
        self.assertEqual([None], self.server.secured)

    def test_injected(self) -> None:
        """
        Clear text behind the OK is an attack, were it only an octet.
        """
        for more in (b"* CAPABILITY X\r\n", b"*", b"0002 OK x\r\n"):
            self.setUp()
            done = self.server.client.starttls(None)  # type: ignore[arg-type]
            self.server.client.dataReceived(b"0001 OK x\r\n" + more)
            self.failureResultOf(done, Distrusted)
            self.assertIsNone(self.server.transport.options)
            self.assertTrue(self.server.transport.disconnecting)


class UntaggedTests(SynchronousTestCase):
    """
    What comes unasked.
    """

    def test_alert(self) -> None:
        """
        Alerts are for the user, safe to print.
        """
        server = Talk()
        with capturedLogs() as warned:
            server.say(b"* OK [ALERT] disk\x1b full")
        self.assertEqual([r"disk\u001b full"], [event["text"] for event in warned])

    def test_idle(self) -> None:
        """
        With nobody to hear it, nothing that is said does harm.
        """
        server = Talk()
        server.say(
            b"* OK (still [here",
            b"* 3 EXISTS",
            b"* VANISHED 1:3",
            b'* LIST () NIL "a\\\\"',
            b"* STATUS [a (UIDNEXT 3)",
            b"* X (",
            b"* CAPABILITY IMAP4rev1 NEW",
            b"* 3 FETCH (FLAGS ())",
        )
        self.assertFalse(server.transport.disconnecting)
        self.assertIn("NEW", server.client.capabilities)

    def test_counts(self) -> None:
        """
        Octets are counted in both directions.
        """
        server = Talk(b"* OK x")
        server.client.perform(Simple("NOOP"))
        self.assertEqual((8, 11), (server.client.received, server.client.sent))
        counted: list[tuple[int, int]] = []
        server.client.meter = lambda *octets: counted.append(octets)
        server.client.send([b"ab", memoryview(b"cdef")[1:]])
        self.assertEqual((16, [(8, 16)]), (server.client.sent, counted))
        self.assertEqual(b"abdef", server.transport.value()[-5:])
