"""
Tests for L{imapsync.imap.pipeline}.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from imapsync.errors import ImapSyncError, Lost, ProtocolViolation, Refused
from imapsync.imap.commands.append import Appending, Words
from imapsync.imap.commands.base import Alone, Command, Simple
from imapsync.imap.commands.login import Authenticate, LoginCommand
from imapsync.imap.commands.mailbox import Enter, Leave, Reselect, Select
from imapsync.imap.commands.notify import Idle
from imapsync.imap.pipeline import Pipeline
from imapsync.imap.wire.arguments import Literal
from imapsync.imap.wire.responses import Condition
from imapsync.model import Octets
from imapsync.test.fakes.talking import Listener, awaiting, outcome
from imapsync.test.imap.commands.test_login import Echo


class Wire:
    """
    A connection that remembers.
    """

    def __init__(self, free: bool) -> None:
        self.free = free
        self.sent: list[bytes] = []
        self.shown: list[bytes] = []
        self.flying: list[str] = []

    def started(self, command: Command[Any]) -> None:
        """
        Remember its tag.
        """
        self.flying.append(command.tag)

    def asksLeave(self, size: int, words: Words = frozenset()) -> bool:
        """
        As free as asked for.
        """
        return not self.free

    def write(self, data: bytes, instead: bytes = b"") -> None:
        """
        Remember it.
        """
        self.sent.append(data)
        self.show(instead or data)

    def show(self, data: bytes) -> None:
        """
        Remember that, too.
        """
        self.shown.append(data)


class Outgoing(Wire):
    """
    The same, for APPENDs.
    """

    def __init__(self, pipeline: Pipeline) -> None:
        super().__init__(True)
        self._pipeline = pipeline

    def send(self, pieces: Sequence[Octets]) -> None:
        """
        Remember it.
        """
        self.sent.append(b"".join(pieces))

    name = "server"

    def accepted(self, words: Words) -> None:
        """
        Nothing comes of it.
        """

    def awaited(self) -> Deferred[None]:
        """
        Something to wait for.
        """
        return Deferred()

    def abort(self, error: ImapSyncError) -> None:
        """
        All fails.
        """
        self._pipeline.fail(error)

    def written(self, command: Appending) -> None:
        """
        Others may follow.
        """
        self._pipeline.written(command)


class PipelineTests(SynchronousTestCase):
    """
    Commands take their turns.
    """

    def setUp(self) -> None:
        """
        Without free literals.
        """
        self.wire = Wire(False)
        self.pipeline = Pipeline(self.wire)

    def submit(self, command: Command[Any]) -> None:
        """
        Have a command performed.
        """
        awaiting(command)
        self.pipeline.submit(command)

    def sent(self) -> list[bytes]:
        """
        What was sent since it was asked last.
        """
        sent, self.wire.sent = self.wire.sent, []
        return sent

    def answer(self, tag: str, status: str = "OK") -> None:
        """
        The server answers a command.
        """
        self.pipeline.finish(Condition(tag, status, "", b"", ""))

    def test_together(self) -> None:
        """
        Many commands are in flight, and are answered in any order.
        """
        first, second = Simple("A", b"x"), Simple("B")
        self.assertFalse(self.pipeline)
        self.submit(first)
        self.submit(second)
        self.assertTrue(self.pipeline)
        self.assertEqual([b"0001 A x\r\n", b"0002 B\r\n"], self.sent())
        self.assertEqual("A, B", self.pipeline.names)
        self.answer("0002")
        self.successResultOf(outcome(second))
        self.assertNoResult(outcome(first))
        self.answer("0001", "NO")
        self.failureResultOf(outcome(first), Refused)
        self.assertFalse(self.pipeline)

    def test_alone(self) -> None:
        """
        Some commands bear no other beside them, before or behind.
        """
        alone = Alone("B")
        for command in (Simple("A"), alone, Simple("C"), Simple("D")):
            self.submit(command)
        self.assertEqual([b"0001 A\r\n"], self.sent())
        self.assertIsNone(self.pipeline.alone)
        self.answer("0001")
        self.assertEqual([b"0002 B\r\n"], self.sent())
        self.assertIs(alone, self.pipeline.alone)
        self.answer("0002")
        self.assertEqual([b"0003 C\r\n", b"0004 D\r\n"], self.sent())

    def test_follows(self) -> None:
        """
        A SELECT is sent behind APPENDs that are not answered yet, though behind
        nothing else; and nothing behind it.
        """
        wire = Outgoing(self.pipeline)
        for _ in range(2):
            self.submit(appending := Appending("a", wire))
            appending.finish()
        select = Select("b", None, Listener(), True)
        self.submit(select)
        self.submit(Simple("C"))
        self.assertEqual(["0001", "0002", "0003"], self.wire.flying)
        self.assertIs(select, self.pipeline.alone)
        for tag in ("0001", "0002"):
            self.answer(tag)
        self.assertEqual(["0001", "0002", "0003"], self.wire.flying)
        self.answer("0003")
        self.submit(Select("d", None, Listener(), True))
        self.assertEqual("C", self.pipeline.names)

    def test_yields(self) -> None:
        """
        Behind a mailbox that is selected once more, another may be selected; but
        nothing else is sent, and nothing before that.
        """
        wire = Outgoing(self.pipeline)
        self.submit(appending := Appending("a", wire))
        appending.finish()
        for command in (
            Reselect("a", None, Listener(), True),
            Select("b", None, Listener(), True),
            Simple("C"),
        ):
            self.submit(command)
        self.assertEqual(["0001", "0002", "0003"], self.wire.flying)
        self.answer("0001")
        self.answer("0002")
        self.assertEqual(["0001", "0002", "0003"], self.wire.flying)
        self.answer("0003")
        self.assertEqual("C", self.pipeline.names)

    def test_entered(self) -> None:
        """
        Behind a mailbox that is entered, what is to be done there is sent, then it is
        selected once more, and the next one is entered.
        """
        wire = Outgoing(self.pipeline)
        for name in "a", "b":
            self.submit(Enter(name, None, Listener(), True))
            self.submit(appending := Appending(name, wire))
            appending.finish()
            self.submit(Reselect(name, None, Listener(), True))
        tags = [f"{number:04}" for number in range(1, 7)]
        self.submit(Select("c", None, Listener(), True))
        self.submit(Simple("D"))
        self.assertEqual([*tags, "0007"], self.wire.flying)

    def test_reselected(self) -> None:
        """
        More is asked of a mailbox that is selected once more, but then the next one
        has to wait.
        """
        self.submit(Reselect("a", None, Listener(), True))
        self.submit(Simple("B"))
        self.submit(Select("c", None, Listener(), True))
        self.assertEqual(["0001", "0002"], self.wire.flying)

    def test_leads(self) -> None:
        """
        Behind UNSELECT others are sent before it is answered, but none that is
        alone.
        """
        for command in (Leave("UNSELECT"), Simple("B"), Alone("C")):
            self.submit(command)
        self.assertEqual("B, UNSELECT", self.pipeline.names)

    def test_order(self) -> None:
        """
        No command passes another.
        """
        for command in (Simple("A"), Alone("B"), Simple("C")):
            self.submit(command)
        self.submit(Simple("D"))
        for tag in ("0001", "0002"):
            self.answer(tag)
        self.assertEqual(
            [b"0001 A\r\n", b"0002 B\r\n", b"0003 C\r\n", b"0004 D\r\n"], self.sent()
        )

    def test_callback(self) -> None:
        """
        A command that comes of an answer is sent after it, even behind one
        that is alone.
        """
        alone = Alone("A")
        self.submit(alone)
        outcome(alone).addCallback(lambda _: self.submit(Simple("B")))
        self.answer("0001")
        self.assertEqual([b"0001 A\r\n", b"0002 B\r\n"], self.sent())

    def test_literals(self) -> None:
        """
        A literal waits for the server's leave; so do all other commands.
        """
        self.submit(Simple("A", Literal(b"x"), b"y", Literal(b"z"), b"w"))
        self.submit(Simple("B"))
        self.assertEqual([b"0001 A {1}\r\n"], self.sent())
        self.pipeline.proceed(b"")
        self.assertEqual([b"x y {1}\r\n"], self.sent())
        self.pipeline.proceed(b"")
        self.assertEqual([b"z w\r\n", b"0002 B\r\n"], self.sent())

    def test_freeLiterals(self) -> None:
        """
        Where it need not wait, a command is written at once; but only if there is
        nothing in it that could be taken for a command.
        """
        self.wire.free = True
        self.submit(Simple("A", Literal(b""), b"y"))
        self.assertEqual([b"0001 A {0+}\r\n y\r\n"], self.sent())
        self.submit(Simple("B", Literal(b"x LOGOUT"), b"y"))
        self.assertEqual([b"0002 B {8}\r\n"], self.sent())

    def test_refusedLiteral(self) -> None:
        """
        A command that is refused instead of a leave is over.
        """
        command = Simple("A", Literal(b"x"))
        self.submit(command)
        self.submit(Simple("B"))
        self.sent()
        self.answer("0001", "BAD")
        self.failureResultOf(outcome(command), Refused)
        self.assertEqual([b"0002 B\r\n"], self.sent())

    def test_challenge(self) -> None:
        """
        A lone command answers challenges.
        """
        self.submit(Authenticate("X", Echo(None), False))
        self.sent()
        self.pipeline.proceed(b"YWI=")
        self.assertEqual([b"YWIh\r\n"], self.sent())

    def test_badChallenge(self) -> None:
        """
        A challenge that is none ends it, and another one is a violation.
        """
        self.submit(Authenticate("X", Echo(None), False))
        self.sent()
        self.pipeline.proceed(b"???")
        self.assertEqual([b"*\r\n"], self.sent())
        self.assertRaises(ProtocolViolation, self.pipeline.proceed, b"???")

    def test_needlessLeave(self) -> None:
        """
        So is one that no command waits for.
        """
        self.assertRaises(ProtocolViolation, self.pipeline.proceed, b"")
        self.submit(Simple("A"))
        self.assertRaises(ProtocolViolation, self.pipeline.proceed, b"")
        self.submit(Simple("B"))
        self.assertRaises(ProtocolViolation, self.pipeline.proceed, b"")

    def test_unknown(self) -> None:
        """
        An answer to no command, or a second one, is a violation.
        """
        self.assertRaises(ProtocolViolation, self.answer, "0001")
        self.submit(Simple("A"))
        self.answer("0001")
        self.assertRaises(ProtocolViolation, self.answer, "0001")

    def test_secret(self) -> None:
        """
        Nobody is shown what is secret, in whatever pieces it is sent.
        """
        self.submit(LoginCommand("me x LOGIN y", "p\xe4ss"))
        self.pipeline.proceed(b"")
        self.assertEqual(
            [b'0001 LOGIN "me x LOGIN y" {5}\r\n', b"p\xc3\xa4ss\r\n"], self.sent()
        )
        self.assertEqual([b"0001 LOGIN (not shown)"] * 2, self.wire.shown)

    def test_fail(self) -> None:
        """
        When the connection is gone, all commands fail, sent or not, and even
        those to come.
        """
        commands = [Simple("A"), Simple("B", Literal(b"x")), Simple("C"), Alone("D")]
        for command in commands:
            self.submit(command)
        self.pipeline.fail(Lost("gone"))
        late = Simple("E")
        self.submit(late)
        for command in [*commands, late]:
            self.failureResultOf(outcome(command), Lost)
        self.assertFalse(self.pipeline)
        self.assertEqual(["0001", "0002"], self.wire.flying)

    def test_many(self) -> None:
        """
        Ten thousand commands in flight are no burden.
        """
        for _ in range(10_000):
            self.submit(Simple("A"))
        for number in range(10_000):
            self.answer(f"{number + 1:04X}")
        self.assertFalse(self.pipeline)

    def test_most(self) -> None:
        """
        No more are in flight than there may be.
        """
        self.pipeline.most = 2
        for name in "ABCD":
            self.submit(Simple(name))
        self.assertEqual([b"0001 A\r\n", b"0002 B\r\n"], self.sent())
        self.assertTrue(self.pipeline.crowded)
        self.answer("0002")
        self.assertEqual([b"0003 C\r\n"], self.sent())
        self.answer("0001")
        self.answer("0003")
        self.assertEqual([b"0004 D\r\n"], self.sent())
        self.assertFalse(self.pipeline.crowded)

    def test_mostAlone(self) -> None:
        """
        With one at a time, neither SELECT behind APPEND, nor what is behind UNSELECT,
        nor IDLE is otherwise.
        """
        self.pipeline.most = 1
        wire = Outgoing(self.pipeline)
        appending = Appending("a", wire)
        idle = Idle(lambda: None)
        for command in (
            appending,
            Select("b", None, Listener(), True),
            Leave("UNSELECT"),
            Simple("C"),
            idle,
        ):
            self.submit(command)
        appending.finish()
        for number in range(1, 5):
            self.assertEqual(number, len(self.wire.flying))
            self.answer(f"{number:04X}")
        self.pipeline.proceed(b"")
        self.submit(Simple("D"))
        self.assertEqual(b"DONE\r\n", self.sent()[-1])
        self.answer("0005")
        self.assertEqual([b"0006 D\r\n"], self.sent())

    def test_rest(self) -> None:
        """
        During a rest none is begun; what is sent once more is the first after it, in
        the order in which it was.
        """
        for name in "AB":
            self.submit(Simple(name))
        self.pipeline.rest()
        self.sent()
        for tag in "0001", "0002":
            self.pipeline.again(Condition(tag, "NO", "", b"", ""))
        self.submit(Simple("C"))
        self.assertFalse(self.pipeline)
        self.assertEqual([], self.sent())
        self.pipeline.resume()
        self.assertEqual([b"0003 A\r\n", b"0004 B\r\n", b"0005 C\r\n"], self.sent())

    def test_restIdle(self) -> None:
        """
        Nor does IDLE end before it is over.
        """
        self.submit(Idle(lambda: None))
        self.pipeline.proceed(b"")
        self.pipeline.rest()
        self.sent()
        self.submit(Simple("A"))
        self.assertEqual([], self.sent())
        self.pipeline.resume()
        self.assertEqual([b"DONE\r\n"], self.sent())

    def test_restLiteral(self) -> None:
        """
        What is refused instead of a leave is sent once more from its beginning.
        """
        command = Simple("A", Literal(b"x"))
        self.submit(command)
        self.pipeline.rest()
        self.pipeline.again(Condition("0001", "NO", "", b"", ""))
        self.sent()
        self.pipeline.resume()
        self.assertEqual([b"0002 A {1}\r\n"], self.sent())
        self.pipeline.proceed(b"")
        self.assertEqual([b"x\r\n"], self.sent())

    def test_restFails(self) -> None:
        """
        What is to be sent once more fails with the connection, as all does.
        """
        commands = [Simple("A"), Simple("B")]
        self.submit(commands[0])
        self.pipeline.rest()
        self.pipeline.again(Condition("0001", "NO", "", b"", ""))
        self.submit(commands[1])
        self.pipeline.fail(Lost("gone"))
        for command in commands:
            self.failureResultOf(outcome(command), Lost)
