"""
Tests for L{imapsync.imap.dispatch}.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from imapsync.errors import ProtocolViolation
from imapsync.imap.allowance import Allowance
from imapsync.imap.commands.base import Simple
from imapsync.imap.commands.mailbox import Select
from imapsync.imap.commands.messages import Fetch, Search
from imapsync.imap.dispatch import Dispatcher
from imapsync.imap.wire.responses import (
    Capabilities,
    Condition,
    Continuation,
    Exists,
    Found,
    ListedMailbox,
    Other,
    Response,
    Row,
    Vanished,
)
from imapsync.model import Listed, Mark
from imapsync.test.fakes.talking import Bodies, Listener, answered
from imapsync.uidset import UidSet

CLOSED = Condition("*", "OK", "CLOSED", b"", "")


class Aside:
    """
    Remembers what is about the dialogue itself.
    """

    def __init__(self) -> None:
        self.told: list[object] = []
        self.conditionReceived = self.continuationReceived = self.told.append
        self.capabilitiesReceived = self.otherReceived = self.told.append
        self.skipped = self.told.append


class ListenerTests(SynchronousTestCase):
    """
    Who listens to the selected mailbox.
    """

    def setUp(self) -> None:
        """
        Nobody yet.
        """
        self.dispatcher = Dispatcher(Aside())

    def select(self, tag: str) -> tuple[Select, Listener]:
        """
        Begin to select a mailbox.
        """
        listener = Listener()
        select = Select("a", None, listener, True)
        select.tag = tag
        self.dispatcher.started(select)
        return select, listener

    def test_first(self) -> None:
        """
        The listener hears the mailbox from the moment that it is asked for.
        """
        self.assertFalse(self.dispatcher.listening)
        select, listener = self.select("A1")
        self.assertTrue(self.dispatcher.listening)
        self.dispatcher.responseReceived(Vanished(UidSet.of([3]), True))
        self.dispatcher.rowsReceived([Row(5)])
        self.dispatcher.responseReceived(Exists(7))
        self.dispatcher.finished(select, True)
        self.dispatcher.responseReceived(Vanished(UidSet.of([4]), False))
        self.assertEqual(
            ["vanished earlier 3", Row(5), "7 exist", "vanished 4"], listener.told
        )

    def test_switch(self) -> None:
        """
        When another is selected, CLOSED stands between what is said of the
        old one and what is of the new one.
        """
        first, old = self.select("A1")
        self.dispatcher.finished(first, True)
        second, new = self.select("A2")
        self.dispatcher.rowsReceived([Row(1)])
        self.dispatcher.untagged(CLOSED)
        self.dispatcher.rowsReceived([Row(2)])
        self.dispatcher.finished(second, True)
        self.assertEqual(([Row(1)], [Row(2)]), (old.told, new.told))

    def test_twice(self) -> None:
        """
        So it is where two are being selected at the same time, and even if the first
        was left already when the second was asked for.
        """
        for early in False, True:
            self.setUp()
            first, old = self.select("A1")
            self.dispatcher.finished(first, True)
            second, again = self.select("A2")
            third, new = self.select("A3") if early else (None, None)
            self.dispatcher.untagged(CLOSED)
            if third is None or new is None:
                third, new = self.select("A3")
            self.dispatcher.rowsReceived([Row(1)])
            self.dispatcher.finished(second, True)
            self.dispatcher.rowsReceived([Row(2)])
            self.dispatcher.untagged(CLOSED)
            self.dispatcher.rowsReceived([Row(3)])
            self.dispatcher.finished(third, True)
            self.assertEqual(
                ([], [Row(1), Row(2)], [Row(3)]), (old.told, again.told, new.told)
            )

    def test_firstRefused(self) -> None:
        """
        If the first of two is refused, none is left for the second.
        """
        first, _ = self.select("A1")
        self.dispatcher.finished(first, True)
        second, _ = self.select("A2")
        third, new = self.select("A3")
        self.dispatcher.finished(second, False)
        self.dispatcher.rowsReceived([Row(3)])
        self.dispatcher.finished(third, True)
        self.assertEqual([Row(3)], new.told)
        self.assertIs(third, self.dispatcher.selected)

    def test_selected(self) -> None:
        """
        What is told before CLOSED, as by an APPEND before it, is nothing that a
        SELECT results in.
        """
        first, _ = self.select("A1")
        self.dispatcher.finished(first, True)
        second, _ = self.select("A2")
        for code, arguments in (("HIGHESTMODSEQ", b"5"), ("UIDNEXT", b"6")):
            told = Condition("*", "OK", code, arguments, "")
            self.dispatcher.responseReceived(told)
        self.dispatcher.responseReceived(Exists(7))
        self.dispatcher.untagged(CLOSED)
        done = answered(second, Condition("A2", "OK", "READ-WRITE", b"", ""))
        selected = self.successResultOf(done)
        self.assertEqual((Mark(0, 0, 0), 0), (selected.mark, selected.exists))

    def test_notClosed(self) -> None:
        """
        Without CLOSED it is unknown whose rows they were.
        """
        first, _ = self.select("A1")
        self.dispatcher.finished(first, True)
        second, _ = self.select("A2")
        self.assertRaises(ProtocolViolation, self.dispatcher.finished, second, True)

    def test_failed(self) -> None:
        """
        After a failed SELECT nothing is selected, and the next one need not
        close anything.
        """
        first, _ = self.select("A1")
        self.dispatcher.finished(first, True)
        second, _ = self.select("A2")
        self.dispatcher.untagged(CLOSED)
        self.dispatcher.finished(second, False)
        self.assertFalse(self.dispatcher.listening)
        third, new = self.select("A3")
        self.dispatcher.responseReceived(Exists(1))
        self.dispatcher.finished(third, True)
        self.assertEqual(["1 exist"], new.told)

    def test_closed(self) -> None:
        """
        A mailbox that is closed with no other in its place is not heard.
        """
        first, old = self.select("A1")
        self.dispatcher.finished(first, True)
        self.dispatcher.untagged(CLOSED)
        self.dispatcher.rowsReceived([Row(1)])
        self.assertEqual([], old.told)


class FetchTests(SynchronousTestCase):
    """
    Rows and bodies go to whoever asked for their UIDs.
    """

    def setUp(self) -> None:
        """
        Two commands for sizes, and two for bodies.
        """
        self.dispatcher = Dispatcher(Aside())
        self.sizes: list[list[Row]] = [[], []]
        self.bodies = [Bodies(), Bodies()]
        self.commands = [
            Fetch("1:9", "x", rows=self.sizes[0].extend),
            Fetch("5:20", "x", rows=self.sizes[1].extend),
            Fetch("1:9", "x", self.bodies[0]),
            Fetch("5:20", "x", self.bodies[1]),
            Simple("NOOP"),
        ]
        for number, command in enumerate(self.commands):
            command.tag = f"A{number}"
            self.dispatcher.started(command)

    def test_sizes(self) -> None:
        """
        Each row with a size goes to one of them: the first that wants it.
        """
        rows = [Row(uid, size=uid) for uid in (3, 7, 12, 30)]
        self.dispatcher.rowsReceived([*rows, Row(4)])
        self.assertEqual([rows[:2], rows[2:3]], self.sizes)

    def test_nothing(self) -> None:
        """
        A row of UID 0, or of none, is nobody's.
        """
        self.dispatcher.rowsReceived([Row(0, size=3, date="x")])
        self.assertEqual([[], []], self.sizes)

    def test_done(self) -> None:
        """
        One that is done gets no more.
        """
        self.dispatcher.finished(self.commands[0], True)
        self.dispatcher.rowsReceived([Row(3, size=1), Row(7, size=1)])
        self.assertEqual([[], [Row(7, size=1)]], self.sizes)

    def body(self, uid: int) -> bool:
        """
        A body arrives, if somebody takes it.
        """
        row = Row(uid, size=2, section="BODY[]")
        if not self.dispatcher.literalBegan(row, 2):
            return False
        self.dispatcher.literalReceived(b"x")
        self.dispatcher.literalReceived(b"y")
        self.dispatcher.rowsReceived([row])
        return True

    def test_bodies(self) -> None:
        """
        So do bodies.
        """
        self.assertEqual([True, True, False], [self.body(uid) for uid in (7, 12, 30)])
        for bodies, uid in zip(self.bodies, (7, 12), strict=True):
            row = Row(uid, size=2, section="BODY[]")
            self.assertEqual([(row, 2)], bodies.began)
            self.assertEqual([(row, b"xy")], bodies.messages)
        self.assertEqual([[], []], self.sizes)

    def test_whole(self) -> None:
        """
        And bodies that come whole, many at the same time; of those that nobody
        asked for, the rows are left.
        """
        for uids in ([0, 2, 7, 12, 30], [12, 20], [2, 12]):
            self.dispatcher.messagesReceived([(Row(uid), b"xy") for uid in uids])
        taken = [[row.uid for row, _ in each.messages] for each in self.bodies]
        self.assertEqual([[0, 2, 7, 2], [12, 12, 20, 12]], taken)

    def test_unknownUid(self) -> None:
        """
        A body whose UID comes later goes to the first that may want it.
        """
        self.assertTrue(self.body(0))
        self.assertEqual(1, len(self.bodies[0].messages))


class ClaimTests(SynchronousTestCase):
    """
    Other responses are claimed by the commands in flight.
    """

    def test_claimed(self) -> None:
        """
        By the first that knows them for its own.
        """
        dispatcher = Dispatcher(Aside())
        searches = [Search("1:9", True), Search("1:9", True)]
        for number, search in enumerate(searches):
            search.tag = f"A{number}"
            dispatcher.started(search)
        dispatcher.responseReceived(Other([]))
        dispatcher.responseReceived(Found("A1", UidSet.of([3])))
        dispatcher.responseReceived(Found("A0", UidSet()))
        first, second = (
            answered(search, Condition(search.tag, "OK", "", b"", ""))
            for search in searches
        )
        self.assertEqual(UidSet(), self.successResultOf(first))
        self.assertEqual(UidSet.of([3]), self.successResultOf(second))


class DialogueTests(SynchronousTestCase):
    """
    What is about the dialogue itself goes to the connection.
    """

    def test_session(self) -> None:
        """
        Status responses, continuations, capabilities, and what nobody reads; nothing
        else.
        """
        aside = Aside()
        dispatcher = Dispatcher(aside)
        told: list[Response] = [
            Condition("A1", "OK", "", b"", ""),
            CLOSED,
            Continuation(b"go on"),
            Capabilities([b"X"]),
            Other([b"* X"]),
        ]
        for response in [*told, Exists(3), Found("", UidSet())]:
            dispatcher.responseReceived(response)
        self.assertEqual(told, aside.told)


class EndlessTests(SynchronousTestCase):
    """
    Servers that never come to an end.
    """

    def setUp(self) -> None:
        """
        A mailbox of three messages is selected, in which little is allowed.
        """
        allowance = Allowance(ranges=5000, responses=5000)
        self.dispatcher = Dispatcher(Aside(), allowance)
        self.listener = Listener()
        select = Select("a", None, self.listener, True)
        self.dispatcher.started(select)
        self.dispatcher.responseReceived(Exists(3))
        self.dispatcher.finished(select, True)

    def endless(self, *told: Response | Row, most: int = 10_000) -> None:
        """
        A server that tells this for ever is cut off.
        """
        with self.assertRaises(ProtocolViolation):
            for _ in range(most):
                for one in told:
                    if isinstance(one, Row):
                        self.dispatcher.rowsReceived([one])
                    else:
                        self.dispatcher.responseReceived(one)

    def test_responses(self) -> None:
        """
        Whatever it tells.
        """
        listed = Listed("a", "/", frozenset())
        for told in (
            Exists(3),
            Found("", UidSet()),
            Vanished(UidSet.of([3]), False),
            ListedMailbox(listed, ""),
            Capabilities([]),
            Other([b"* X"]),
            Condition("*", "OK", "", b"", "still here"),
        ):
            self.setUp()
            self.endless(told)

    def test_rows(self) -> None:
        """
        New messages without end are more than EXISTS says; that fits once there are
        as many.
        """
        with self.assertRaises(ProtocolViolation):
            for uid in range(4, 10_000):
                self.dispatcher.rowsReceived([Row(uid, frozenset())])
        self.assertLess(len(self.listener.told), 5000)
        self.setUp()
        for uid in range(4, 4000):
            self.dispatcher.responseReceived(Exists(uid))
            self.dispatcher.rowsReceived([Row(uid, frozenset())])

    def test_answered(self) -> None:
        """
        What comes with many answers may be much.
        """
        before = len(self.listener.told)
        for _ in range(50):
            command = Simple("NOOP")
            self.dispatcher.started(command)
            for uid in range(1, 500):
                self.dispatcher.rowsReceived([Row(uid, frozenset())])
                self.dispatcher.responseReceived(Exists(3))
            self.dispatcher.finished(command, True)
        self.assertEqual(before + 50 * 499 * 2, len(self.listener.told))

    def test_nobody(self) -> None:
        """
        Where nobody listens, nobody keeps anything.
        """
        dispatcher = Dispatcher(Aside(), Allowance(ranges=10))
        for uid in range(1, 1000, 2):
            dispatcher.rowsReceived([Row(uid)])

    def test_nobodyEndless(self) -> None:
        """
        Nor is there an end to it that would not be cut.
        """
        self.dispatcher = Dispatcher(Aside(), Allowance(responses=100))
        self.endless(Row(1), most=101)

    def test_bodies(self) -> None:
        """
        Not many more messages than were asked for.
        """
        for whole in False, True:
            self.setUp()
            fetch = Fetch("1:3", "x", Bodies())
            self.dispatcher.started(fetch)
            for uid in 1, 2, 2, 3, 1, 2:
                self.take(uid, whole)
            self.assertRaises(ProtocolViolation, self.take, 3, whole)

    def take(self, uid: int, whole: bool) -> None:
        """
        A message comes, in one piece or in some.
        """
        if whole:
            self.dispatcher.messagesReceived([(Row(uid), b"x")])
        else:
            self.assertTrue(self.dispatcher.literalBegan(Row(uid), 1))
            self.dispatcher.rowsReceived([Row(uid)])
