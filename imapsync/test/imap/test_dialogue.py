"""
Tests for L{imapsync.imap.dialogue}: a server that asks for time, or makes an end.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from imapsync.errors import Expired, Later, Lost, Refused
from imapsync.imap.commands.append import BARE
from imapsync.imap.patience import Patience
from imapsync.test.fakes.talking import Bodies, Talk, entered, failing
from imapsync.uidset import UidSet

THROTTLED = b"Request is throttled. Suggested Backoff Time: 1000 milliseconds"


class DelayTests(SynchronousTestCase):
    """
    A server asks for time.
    """

    def setUp(self) -> None:
        """
        Have much patience.
        """
        self.talk = Talk()
        self.client = self.talk.client
        self.told: list[tuple[str, float]] = []
        self.client.patience = self.make(10_000)
        self.talk.heard()

    def make(self, most: float) -> Patience:
        """
        So much.
        """
        clock, told = self.talk.clock, self.told
        return Patience(clock.seconds, most, lambda *what: told.append(what))

    def test_again(self) -> None:
        """
        It is left alone for as long as it asks for, and then asked again, before all
        that was to come after that.
        """
        for status in (b" NO ", b" BAD "):
            one = self.client.mailboxStatus("a", "UIDNEXT")
            two = self.client.mailboxStatus("b", "UIDNEXT")
            first, second = (line.split()[0] for line in self.talk.heard().splitlines())
            self.talk.say(first + status + THROTTLED, second + status + THROTTLED)
            three = self.client.mailboxStatus("c", "UIDNEXT")
            self.talk.clock.advance(0.9)
            self.assertEqual(b"", self.talk.heard())
            self.talk.clock.advance(0.1)
            lines = self.talk.heard().splitlines()
            self.assertEqual([b'"a"', b'"b"', b'"c"'], [x.split()[2] for x in lines])
            for line in lines:
                tag, _, name, _ = line.split()
                self.talk.say(b"* STATUS %s (UIDNEXT 7)" % name, tag + b" OK done")
            for done in one, two, three:
                self.assertEqual(7, self.successResultOf(done).uidnext)
        self.assertEqual([1.0, 1.0], [seconds for _, seconds in self.told])
        self.assertIn("server: STATUS was refused: NO Request is", self.told[0][0])

    def test_growing(self) -> None:
        """
        One that does not say how long is asked at growing distances.
        """
        done = self.client.listMailboxes("*")
        for seconds in (1, 2, 4):
            self.talk.say(self.talk.heard().split()[0] + b" NO [THROTTLED] slowly")
            self.talk.clock.advance(seconds - 0.1)
            self.assertEqual(b"", self.talk.heard())
            self.talk.clock.advance(0.1)
        self.talk.say(self.talk.heard().split()[0] + b" OK done")
        self.assertEqual([], self.successResultOf(done))

    def test_select(self) -> None:
        """
        A mailbox that is being selected then is selected as if nothing had been.
        """
        self.talk.open("before")
        done = self.client.open("INBOX", None, self.talk.open("other"), True)
        tag = self.talk.heard().split()[0]
        self.talk.say(b"* OK [CLOSED] x", tag + b" NO [THROTTLED] slowly")
        self.talk.clock.advance(1)
        tag = self.talk.heard().split()[0]
        self.talk.say(b"* OK [UIDNEXT 9] x", tag + b" OK [READ-WRITE] done")
        self.assertEqual(9, self.successResultOf(done).mark.uidnext)

    def test_twice(self) -> None:
        """
        Rows that come once more are not too many.
        """
        self.talk.open()
        rows: list[object] = []
        done = self.client.fetchRows(UidSet.of([1]), "(RFC822.SIZE)", rows.extend)
        for answer in (b" NO [THROTTLED] x", b" NO [THROTTLED] x", b" OK done"):
            tag = self.talk.heard().split()[0]
            self.talk.say(b"* 1 FETCH (UID 1 RFC822.SIZE 3)", tag + answer)
            self.talk.clock.advance(2)
        self.successResultOf(done)
        self.assertEqual(3, len(rows))

    def test_limitForgotten(self) -> None:
        """
        What was said of a limit then (RFC 9738) does not hold for the next answer.
        """
        self.talk.open()
        rows: list[object] = []
        done = self.client.fetchRows(UidSet.of([1, 2]), "(RFC822.SIZE)", rows.extend)
        tag = self.talk.heard().split()[0]
        self.talk.say(b"* NO [MESSAGELIMIT 1 2] x", tag + b" NO [THROTTLED] x")
        self.talk.clock.advance(1)
        tag = self.talk.heard().split()[0]
        self.talk.say(b"* 1 FETCH (UID 1 RFC822.SIZE 3)")
        self.talk.say(b"* 2 FETCH (UID 2 RFC822.SIZE 3)", tag + b" OK done")
        self.successResultOf(done)
        self.assertEqual(b"", self.talk.heard())
        self.assertEqual(2, len(rows))

    def test_notRepeated(self) -> None:
        """
        Some commands are not sent again: whoever asked is told, and told why.
        """
        self.talk.open()
        uids = UidSet.of([1, 2])
        for perform in (
            lambda: self.client.onMailbox("DELETE", "x"),
            lambda: self.client.onMailbox("RENAME", "x", "y"),
            lambda: self.client.appendNothing("x"),
            lambda: self.client.fetchBodies(uids, "(BODY.PEEK[])", Bodies()),
        ):
            done = perform()
            tag = self.talk.heard().split()[0]
            self.talk.say(tag + b" NO " + THROTTLED)
            failure = self.failureResultOf(done, Refused)
            self.assertTrue(failure.value.delayed)
            noop = self.client.catchUp()
            self.assertEqual(b"", self.talk.heard())
            self.talk.clock.advance(1)
            self.talk.say(self.talk.heard().split()[0] + b" OK done")
            self.successResultOf(noop)

    def test_agreed(self) -> None:
        """
        Even one that says OK may ask for time.
        """
        done = self.client.catchUp()
        self.talk.say(self.talk.heard().split()[0] + b" OK done. " + THROTTLED)
        self.successResultOf(done)
        self.client.catchUp().addErrback(lambda _: None)
        self.assertEqual(b"", self.talk.heard())
        self.talk.clock.advance(1)
        self.assertIn(b"NOOP", self.talk.heard())

    def test_tooLong(self) -> None:
        """
        For a long time it is left alone without a connection.
        """
        done = self.client.listMailboxes("*")
        tag = self.talk.heard().split()[0]
        self.talk.say(tag + b" NO Suggested Backoff Time: 301000 milliseconds")
        failure = self.failureResultOf(done, Later)
        self.assertEqual(301, failure.value.seconds)

    def test_noPatience(self) -> None:
        """
        So it is if there is no patience left.
        """
        self.client.patience = self.make(0.5)
        done = self.client.listMailboxes("*")
        self.talk.say(self.talk.heard().split()[0] + b" NO " + THROTTLED)
        self.assertEqual(1, self.failureResultOf(done, Later).value.seconds)
        self.assertEqual([], self.told)

    def test_misread(self) -> None:
        """
        Where octets of a message may be taken for commands, they are not sent.
        """
        appending = self.client.beginAppend("INBOX")
        failures = failing(appending.done)
        appending.message(BARE, 4)
        appending.write(b"text")
        appending.finish()
        self.talk.say(self.talk.heard().split()[0] + b" BAD " + THROTTLED)
        self.assertTrue(failures[0].check(Later))

    def test_hungUp(self) -> None:
        """
        A server that hangs up at that is left alone for as long as it asked for.
        """
        done = self.client.listMailboxes("*")
        tag = self.talk.heard().split()[0]
        self.talk.say(tag + b" BAD " + THROTTLED, b"* BYE Connection closed. 14")
        self.talk.clock.advance(0.25)
        self.talk.hangUp()
        self.assertEqual(0.75, self.failureResultOf(done, Later).value.seconds)
        self.assertEqual([], self.talk.clock.getDelayedCalls())

    def test_login(self) -> None:
        """
        A login has its own judge.
        """
        talk = Talk(b"* OK [CAPABILITY IMAP4rev1] hello")
        talk.client.patience = self.make(1000)
        done = entered(talk.client, "me", "secret")
        talk.say(talk.heard().split()[0] + b" NO " + THROTTLED)
        self.failureResultOf(done, Refused)
        self.assertFalse(talk.client.resting)


class EndTests(SynchronousTestCase):
    """
    A server makes an end.
    """

    def end(self, words: bytes) -> Lost:
        """
        It does so in these words.
        """
        talk = Talk()
        done = talk.client.catchUp()
        talk.say(b"* BYE " + words)
        talk.hangUp()
        error = self.failureResultOf(done, Lost).value
        assert isinstance(error, Lost)
        return error

    def test_expired(self) -> None:
        """
        It has lasted long enough, or the token has: nothing is wrong.
        """
        for words in (
            b"Session invalidated - AccessTokenExpired",
            b"Session expired, please login again.",
            b"Disconnected for inactivity.",
            b"[EXPIRED] Log in again.",
            b"[AUTHENTICATIONFAILED] Log in again.",
        ):
            error = self.end(words)
            self.assertIs(Expired, type(error))
            self.assertIn(words.decode().rpartition("] ")[2], str(error))

    def test_later(self) -> None:
        """
        It wants to be left alone.
        """
        for words, seconds in (
            (THROTTLED, 1.0),
            (b"[UNAVAILABLE] x", 0.0),
            (b"Too many connections", 0.0),
        ):
            error = self.end(words)
            assert isinstance(error, Later)
            self.assertEqual(seconds, error.seconds)

    def test_left(self) -> None:
        """
        What it says when it is told to means nothing.
        """
        talk = Talk()
        left = talk.client.leave()
        talk.say(b"* BYE " + THROTTLED, b"0001 OK x")
        talk.hangUp()
        self.successResultOf(left)
        self.assertEqual("", talk.client.farewell)

    def test_others(self) -> None:
        """
        It says nothing of that.
        """
        self.assertIs(Lost, type(self.end(b"Server shutting down.")))

    def test_greeting(self) -> None:
        """
        It may do so at once: then no session has expired.
        """
        for words, kind in (
            (b"Session expired", Lost),
            (b"Too many connections from your address", Later),
            (b"go away", Lost),
        ):
            talk = Talk(b"* BYE " + words)
            [failure] = talk.greeted
            self.assertIs(kind, type(failure.value))  # type: ignore[union-attr]
