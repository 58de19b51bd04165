"""
Tests for L{imapsync.accounts.workers}.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping
from typing import cast

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from imapsync.accounts.workers import ANSWERS, MAILBOXES, MESSAGES, Workers
from imapsync.errors import Lost, Refused
from imapsync.imap.client import SyncClient
from imapsync.mailbox.context import Clients
from imapsync.model import Name, Side

FIRST, SECOND, THIRD = ({Side.LOCAL: cast(SyncClient, n)} for n in range(3))


class ReserveCase(SynchronousTestCase):
    """
    A reserve of connections, which come when that is said.
    """

    def setUp(self) -> None:
        """
        Note what is asked for.
        """
        self.joining: list[Deferred[Clients]] = []
        self.cancelled: list[object] = []
        self.settling: list[Deferred[None]] = []

    def tearDown(self) -> None:
        """
        Have errors that nobody took told now.
        """
        gc.collect()
        self.assertEqual([], self.flushLoggedErrors())

    def another(self) -> Deferred[Clients]:
        """
        Begin to connect.
        """
        self.joining.append(Deferred(self.cancelled.append))
        return self.joining[-1]

    def settled(self) -> Deferred[None]:
        """
        Wait.
        """
        self.settling.append(Deferred(self.cancelled.append))
        return self.settling[-1]


class CrewTests(ReserveCase):
    """
    Many hands.
    """

    def setUp(self) -> None:
        """
        Have two hands that may join, and note what each does.
        """
        super().setUp()
        self.doing: dict[Name, tuple[Clients, Deferred[None]]] = {}
        self.releases: dict[Name, Callable[[], None]] = {}
        self.crew = Workers(FIRST, self, 3)

    async def do(
        self, name: Name, clients: Clients, release: Callable[[], None]
    ) -> None:
        """
        Work on a mailbox until the test says that it is done.
        """
        self.releases[name] = release
        self.doing[name] = clients, Deferred(self.cancelled.append)
        await self.doing[name][1]

    def work(self, tasks: Mapping[str, int]) -> Deferred[None]:
        """
        Begin.
        """
        return Deferred.fromCoroutine(
            self.crew.work({Name(name): size for name, size in tasks.items()}, self.do)
        )

    def end(self, name: str) -> Clients:
        """
        It is done with a mailbox.

        @return: with which hand.
        """
        clients, done = self.doing.pop(Name(name))
        done.callback(None)
        return clients

    def assertDoing(self, *names: str) -> None:
        """
        These are worked on, and no other.
        """
        self.assertEqual([Name(name) for name in names], [*self.doing])

    def test_few(self) -> None:
        """
        For a few mailboxes with little in them, nobody connects: they are done
        in the order that they have.
        """
        done = self.work({"a": 1, "b": MESSAGES - 2})
        self.assertEqual([], self.joining)
        for name in "a", "b":
            self.assertDoing(name)
            self.assertIs(FIRST, self.end(name))
        self.successResultOf(done)

    def test_none(self) -> None:
        """
        Nothing to do is done at once.
        """
        self.successResultOf(self.work({}))

    def test_largest(self) -> None:
        """
        With much to copy, the largest comes first; nobody waits for those that
        join, and they are there the next time.
        """
        done = self.work({"a": 1, "b": MESSAGES, "c": MESSAGES})
        self.assertEqual(2, len(self.joining))
        self.assertDoing("b")
        self.joining[1].callback(SECOND)
        self.assertDoing("b", "c")
        self.assertIs(SECOND, self.end("c"))
        self.assertDoing("b", "a")
        self.joining[0].callback(THIRD)
        self.assertIs(SECOND, self.end("a"))
        self.assertNoResult(done)
        self.assertIs(FIRST, self.end("b"))
        self.successResultOf(done)

        self.work({str(number): 0 for number in range(MAILBOXES)})
        self.assertDoing("0", "1")
        self.assertEqual(2, len(self.joining))

    def test_one(self) -> None:
        """
        No more hands than mailboxes.
        """
        self.work({"a": 100 * MESSAGES})
        self.assertEqual([], self.joining)

    def test_late(self) -> None:
        """
        Who would join when all is being done need not.
        """
        done = self.work({"a": MESSAGES, "b": 0})
        self.end("a")
        self.assertNoResult(done)
        self.end("b")
        self.successResultOf(done)
        self.assertEqual(self.joining, self.cancelled)

    def test_refused(self) -> None:
        """
        Where a server takes no further connection, that is said once, and it
        goes on with those that there are.
        """
        with capturedLogs() as events:
            done = self.work({"a": 2 * MESSAGES, "b": 1, "c": 0})
            for one in self.joining:
                one.errback(Lost("remote: too many connections"))
            for name in "a", "b", "c":
                self.assertIs(FIRST, self.end(name))
            self.successResultOf(done)
            self.joining.clear()
            self.work({"a": 2 * MESSAGES, "b": 0})
        self.assertEqual([], self.joining)
        self.assertEqual(
            ["remote: too many connections; going on with fewer connections."],
            [formatEvent(event) for event in events],
        )

    def test_lost(self) -> None:
        """
        What a hand could not finish because its connections went, another does:
        not before the servers are through with what was on its way.
        """
        done = self.work({"a": MESSAGES, "b": 0, "c": 0})
        self.joining[0].callback(SECOND)
        self.doing.pop(Name("b"))[1].errback(Lost("gone"))
        self.assertIs(FIRST, self.end("a"))
        self.assertIs(FIRST, self.end("c"))
        self.assertDoing()
        self.assertNoResult(done)
        self.settling[0].callback(None)
        self.assertDoing("b")
        self.assertIs(FIRST, self.end("b"))
        self.successResultOf(done)

    def test_released(self) -> None:
        """
        While only answers are awaited for one mailbox, the next is worked on; and the
        work is done when all have come.
        """
        done = self.work({"a": 1, "b": 1, "c": 1})
        self.releases[Name("a")]()
        self.assertDoing("a", "b")
        self.releases[Name("b")]()
        self.releases[Name("b")]()
        self.assertDoing("a", "b", "c")
        self.end("a")
        self.end("c")
        self.assertNoResult(done)
        self.end("b")
        self.successResultOf(done)

    def test_manyReleased(self) -> None:
        """
        They are awaited for so many mailboxes at the most, and in their order.
        """
        names = [str(number) for number in range(ANSWERS + 2)]
        done = self.work(dict.fromkeys(names, 1))
        for name in names[:ANSWERS]:
            self.releases[Name(name)]()
        self.assertDoing(*names[:ANSWERS])
        self.end(names[1])
        self.assertDoing(names[0], *names[2:ANSWERS])
        self.end(names[0])
        self.assertDoing(*names[2 : ANSWERS + 1])
        for name in names[2:]:
            self.end(name)
        self.successResultOf(done)

    def test_releasedAndLost(self) -> None:
        """
        Where the connections of a hand go, another does what is not answered as well.
        """
        done = self.work({"a": MESSAGES, "b": 0, "c": 0})
        self.joining[0].callback(SECOND)
        self.releases[Name("b")]()
        self.assertDoing("a", "b", "c")
        for name in "b", "c":
            self.doing.pop(Name(name))[1].errback(Lost("gone"))
        self.assertIs(FIRST, self.end("a"))
        self.settling[0].callback(None)
        for name in "b", "c":
            self.assertIs(FIRST, self.end(name))
        self.successResultOf(done)

    def test_releasedAndFailed(self) -> None:
        """
        What ends the work on one mailbox ends that on the one before as well; and the
        other way round.
        """
        for ending, other in ("b", "a"), ("a", "b"):
            done = self.work({"a": 1, "b": 1})
            self.releases[Name("a")]()
            if ending == "a":
                self.releases[Name("b")]()
            self.doing.pop(Name(ending))[1].errback(Refused("LIST", "NO", "", "no"))
            self.failureResultOf(done, Refused)
            self.assertEqual([self.doing.pop(Name(other))[1]], self.cancelled)
            self.cancelled.clear()

    def test_failedAtOnce(self) -> None:
        """
        If that happens before the one that has released the connections has come to
        its next wait, it ends with them, and nobody is told again.
        """
        begun: Deferred[None] = Deferred()
        waiting: Deferred[None] = Deferred(self.cancelled.append)

        async def do(name: Name, _: Clients, release: Callable[[], None]) -> None:
            if name == "b":
                raise Refused("LIST", "NO", "", "no")
            await begun
            release()
            await waiting

        tasks = {Name(name): 1 for name in "ab"}
        done = Deferred.fromCoroutine(self.crew.work(tasks, do))
        begun.callback(None)
        self.failureResultOf(done, Refused)
        waiting.errback(Lost("given up"))

    def test_lostAndCancelled(self) -> None:
        """
        It can be given up meanwhile as well.
        """
        done = self.work({"a": MESSAGES, "b": 0})
        self.joining[0].callback(SECOND)
        self.doing.pop(Name("b"))[1].errback(Lost("gone"))
        done.cancel()
        self.failureResultOf(done, CancelledError)
        self.assertEqual([self.doing[Name("a")][1], *self.settling], self.cancelled)

    def test_firstLost(self) -> None:
        """
        Without the first pair of connections, nothing goes on.
        """
        done = self.work({"a": 2 * MESSAGES, "b": 0, "c": 0})
        self.joining[0].callback(SECOND)
        self.doing[Name("a")][1].errback(Lost("gone"))
        self.failureResultOf(done, Lost)
        self.assertEqual([self.doing[Name("b")][1], self.joining[1]], self.cancelled)

    def test_failed(self) -> None:
        """
        What ends the work of one ends that of all.
        """
        done = self.work({"a": MESSAGES, "b": 0})
        self.joining[0].callback(SECOND)
        self.doing[Name("b")][1].errback(Refused("LIST", "NO", "", "no"))
        self.failureResultOf(done, Refused)
        self.assertEqual([self.doing[Name("a")][1]], self.cancelled)

    def test_cancelled(self) -> None:
        """
        It can be given up at any time.
        """
        done = self.work({"a": 2 * MESSAGES, "b": 0, "c": 0})
        self.joining[0].callback(SECOND)
        done.cancel()
        self.failureResultOf(done, CancelledError)
        under = [waiting for _, waiting in self.doing.values()]
        self.assertEqual([*under, self.joining[1]], self.cancelled)


class Connection:
    """
    One of which it matters only whether it is there.
    """

    def __init__(self) -> None:
        self.lost: Deferred[None] = Deferred()


def pair() -> Clients:
    """
    Two of them.
    """
    return {side: cast(SyncClient, Connection()) for side in Side}


class LendingTests(ReserveCase):
    """
    Hands that help with one mailbox.
    """

    def setUp(self) -> None:
        """
        Have one mailbox be worked on.
        """
        super().setUp()
        self.given: list[Clients] = []
        self.first = pair()
        self.crew = Workers(self.first, self, 4)
        self.done: dict[Name, Deferred[None]] = {}
        self.working = self.work("a")

    def work(self, *names: str, size: int = 0) -> Deferred[None]:
        """
        Work on these until the test says that they are done.
        """

        async def do(name: Name, _: Clients, __: Callable[[], None]) -> None:
            self.done[name] = Deferred()
            await self.done[name]

        tasks = {Name(name): size for name in names}
        return Deferred.fromCoroutine(self.crew.work(tasks, do))

    def test_joining(self) -> None:
        """
        As many connect as are asked for, and no more than there may be; each helps as
        soon as it is there.
        """
        self.assertEqual(3, self.crew.spare)
        loan = self.crew.borrow(9, self.given.append)
        self.assertEqual((3, 0), (len(self.joining), self.crew.spare))
        some = [pair(), pair()]
        for joining, one in zip(self.joining, some, strict=False):
            joining.callback(one)
        self.assertEqual(some, self.given)
        loan.end()
        self.assertEqual([self.joining[2]], self.cancelled)
        self.assertEqual(3, self.crew.spare)

    def test_again(self) -> None:
        """
        Those that are there help the next mailbox at once; not those that have gone
        meanwhile.
        """
        loan = self.crew.borrow(2, self.given.append)
        some = [pair(), pair()]
        for joining, one in zip(self.joining, some, strict=True):
            joining.callback(one)
        loan.end()
        some[0][Side.LOCAL].lost.callback(None)
        self.given.clear()
        self.crew.borrow(2, self.given.append)
        self.assertEqual((some[1:], 3), (self.given, len(self.joining)))
        self.assertEqual(0, self.crew.spare)

    def test_worked(self) -> None:
        """
        Those that work, or are about to, are not lent; those that have nothing more to
        do are.
        """
        self.done.pop(Name("a")).callback(None)
        self.successResultOf(self.working)
        self.work("b", "c", size=MESSAGES)
        self.assertEqual((1, 2), (len(self.joining), self.crew.spare))
        second = pair()
        self.joining[0].callback(second)
        self.assertEqual(2, self.crew.spare)
        self.done.pop(Name("c")).callback(None)
        self.assertEqual((3, [second]), (self.crew.spare, self.crew.idle))
        self.crew.borrow(1, self.given.append)
        self.assertEqual([second], self.given)
        self.assertEqual(2, self.crew.spare)

    def test_refused(self) -> None:
        """
        Where a server takes no further one, there are no more, which is said once.
        """
        loan = self.crew.borrow(3, self.given.append)
        with capturedLogs() as events:
            self.joining[1].errback(Lost("remote: too many connections"))
            self.joining[0].callback(pair())
            self.joining[2].errback(Lost("remote: too many connections"))
        self.assertEqual((1, 0), (len(self.given), self.crew.spare))
        loan.end()
        self.assertEqual(1, self.crew.spare)
        self.assertEqual(
            ["remote: too many connections; going on with fewer connections."],
            [formatEvent(event) for event in events],
        )

    def test_lostAlike(self) -> None:
        """
        Where several are lost for one reason, it is said once.
        """
        loan = self.crew.borrow(3, self.given.append)
        for joining in self.joining:
            joining.callback(pair())
        with capturedLogs() as events:
            whys = "used up", "used up", "gone"
            for one, why in zip(self.given, whys, strict=True):
                loan.lost(one, Lost(f"remote: {why}"))
        told = [formatEvent(event).partition(";")[0] for event in events]
        self.assertEqual(["remote: used up", "remote: gone"], told)

    def test_noPlace(self) -> None:
        """
        Where others have all the places, nothing is said.
        """
        loan = self.crew.borrow(1, self.given.append)
        with capturedLogs() as events:
            self.joining[0].errback(CancelledError())
        self.assertEqual(([], []), (self.given, events))
        loan.end()

    def test_lost(self) -> None:
        """
        One that is lost is there no more, nor another in its place.
        """
        loan = self.crew.borrow(2, self.given.append)
        for joining in self.joining:
            joining.callback(pair())
        with capturedLogs() as events:
            loan.lost(self.given[0], Lost("remote: gone"))
        self.assertEqual(1, len(events))
        self.assertNoResult(loan.settled())
        self.assertEqual(1, len(self.settling))
        loan.end()
        self.assertEqual(self.given[1:], self.crew.idle)
        self.assertEqual(1, self.crew.spare)
