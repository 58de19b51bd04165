"""
Connections that are cut, or fall silent, anywhere, whatever the servers offer.

Small messages and great ones, from either side, with what comes before and after
them: whatever a server can do, and in whichever order it tells things, a run goes
on after an interruption, and the next one has nothing left to do.

C{IMAPSYNC_CUTS} says at how many places each connection is interrupted, either
way, for each of the things that servers may offer.
"""

from __future__ import annotations

import gc
import os
import shutil
from collections.abc import Iterator
from copy import deepcopy
from itertools import count, product
from random import Random
from typing import NamedTuple

from twisted.logger import LogLevel, capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from imapsync.accounts import databases
from imapsync.config.request import Request
from imapsync.config.tls import TLSConfig
from imapsync.model import Side
from imapsync.service import Outcome, SyncService
from imapsync.test.fakes.world import QuickState, Reactor, World
from imapsync.testing.accounts import (
    BODY_FIRST,
    CAPABILITIES,
    FLAGS_LAST,
    SEEN,
    Account,
    mail,
)

LOCAL, REMOTE = Side

#: What a connection may be, with what that needs of the configuration.
LINES: dict[str, dict[str, object]] = {
    "plain": {},
    "TLS": {"type": "imaps", "tls": TLSConfig(verifyPeer=False)},
    "tunnel": {"type": "tunnel"},
    "compressed": {"compress": True},
}
ORDERS = {"usual": (), "body first": BODY_FIRST, "flags last": FLAGS_LAST}
LEAVES = ("LITERAL+", "LITERAL-", "none")

#: It goes to the disk when it has to wait, and the first of it cannot be compressed.
MEGA = mail("Mega") + Random(1).randbytes(200_000) + b"x" * 900_000

CUTS = int(os.environ.get("IMAPSYNC_CUTS", "1"))

#: No more than this may wait to be sent, whatever the size of a message is.
FLAT = 200_000

#: Servers owe an answer for so long.
OWED = 300


class Offer(NamedTuple):
    """
    What both servers offer.
    """

    line: str
    leave: str
    multiple: bool
    move: bool
    order: str

    @property
    def capabilities(self) -> set[str]:
        """
        As they tell it.
        """
        lacking = {"LITERAL+"}
        lacking |= set() if self.multiple else {"MULTIAPPEND"}
        lacking |= set() if self.move else {"MOVE"}
        more = {self.leave, "AUTH=PLAIN", "SASL-IR", "COMPRESS=DEFLATE"}
        return set(CAPABILITIES) - lacking | more


class Cut(NamedTuple):
    """
    An interruption: one side's connection, one way, after so many octets.
    """

    side: Side
    way: str
    octets: int
    stalls: bool


def offers() -> Iterator[Offer]:
    """
    Each way to ask leave, with each order, on each line; the rest in turn.
    """
    for number, (line, leave, order) in enumerate(product(LINES, LEAVES, ORDERS)):
        yield Offer(line, leave, number % 2 == 0, number % 3 == 0, order)


class MatrixTests(SynchronousTestCase):
    """
    A sync with something of everything to do, interrupted.
    """

    def setUp(self) -> None:
        """
        Wait for no disk.
        """
        self.patch(databases, "Store", QuickState)

    def tearDown(self) -> None:
        """
        Have errors that nobody took told now.
        """
        gc.collect()

    def prepare(self, offer: Offer) -> World:
        """
        Two accounts that were in step, and then were changed.
        """
        local, remote = (
            Account(capabilities=offer.capabilities, order=ORDERS[offer.order])
            for _ in Side
        )
        for account in local, remote:
            account.greeting = "PREAUTH" if offer.line == "tunnel" else "OK"
            account.chunk, account.window = 20_000, 30_000
        world = World(self.mktemp(), local, remote)
        self.use(world, offer)
        local.make("Work")
        world.fill(*map(mail, range(5)))
        self.assertEqual(Outcome(0), self.finish(world))
        local.inbox.flag(1, "\\Flagged")
        local.inbox.expunge(2)
        moved = local.inbox.messages[3]
        local.inbox.expunge(3)
        local.folders["Work"].add(moved.body, moved.flags, moved.date)
        local.inbox.add(MEGA)
        around = 4096 - len(mail("4k"))
        for size in (0, around - 1, around, around + 1):
            local.inbox.add(mail("4k", size), SEEN)
        local.inbox.add(b"")
        # While one waits, there is more to come.
        local.inbox.add(mail("last", 50_000))
        remote.inbox.add(mail("back", 5000), frozenset(["\\Draft", "key"]))
        remote.inbox.add(mail("back too"))
        return world

    def use(self, world: World, offer: Offer) -> None:
        """
        Have both servers reached so.
        """
        for side in Side:
            more = {"command": str(side)} if offer.line == "tunnel" else {}
            world.options[side] = LINES[offer.line] | more

    def copied(self, world: World, offer: Offer) -> World:
        """
        The same once more.
        """
        accounts = deepcopy(world.accounts)
        another = World(self.mktemp(), *accounts.values())
        shutil.copy(world.database, another.database)
        self.use(another, offer)
        return another

    def start(self, world: World, live: bool = False) -> SyncService:
        """
        Begin a run.
        """
        request = Request(live=live)
        begun = SyncService(
            world.settings(), Reactor(world), request, verbose=False, say=self.fail
        )
        begun.startService()
        world.pump()
        return begun

    def finish(self, world: World) -> Outcome:
        """
        Have a run come to its end, in time.
        """
        run = self.start(world)
        finished = run.whenFinished()
        for seconds in (1, 5, OWED, 1, 5, 5, 5):
            if finished.called:
                break
            self.wait(world, seconds)
        return self.successResultOf(finished)

    def wait(self, world: World, seconds: float) -> None:
        """
        Let time go by.
        """
        assert world.reactor is not None
        world.reactor.advance(seconds)
        world.pump()

    def interrupt(self, world: World, cut: Cut) -> None:
        """
        Let a connection be interrupted when it has come so far.
        """
        account = world.accounts[cut.side]
        account.stalls = cut.stalls
        setattr(account, f"{cut.way}Left", cut.octets)

    def test_oneshot(self) -> None:
        """
        A run goes on by itself; nothing is lost or doubled, no more than a little
        is held, nothing but warnings is told, and the next run does nothing.
        """
        for number, offer in enumerate(offers()):
            original = self.prepare(offer)
            measured = self.copied(original, offer)
            self.assertEqual(Outcome(0), self.finish(measured))
            wanted = measured.local.content
            self.assertTrue(measured.equal)
            for cut in cuts(measured, number):
                self.check(self.copied(original, offer), cut, wanted, (offer, cut))

    def check(self, world: World, cut: Cut, wanted: object, told: object) -> None:
        """
        Do it with one interruption.
        """
        self.interrupt(world, cut)
        with capturedLogs() as events:
            outcome = self.finish(world)
        self.assertEqual(Outcome(0), outcome, told)
        # Once it is about to leave, nothing is to be done again.
        self.assertIn(len(world.links), (2, 4), told)
        self.assertEqual((wanted, wanted), both(world), told)
        self.assertLess(max(link.peak for link in world.links), FLAT, told)
        for event in events:
            self.assertLessEqual(event["log_level"], LogLevel.warn, (told, event))
        self.assertEqual(Outcome(0), self.finish(world), told)
        self.assertEqual((wanted, wanted), both(world), told)

    def test_live(self) -> None:
        """
        Live mode goes on, too: it ends when it is told to.
        """
        for number, offer in enumerate(offers()):
            world = self.prepare(offer)
            side, way = ((REMOTE, "up"), (LOCAL, "down"))[number % 2]
            cut = Cut(side, way, 20_000 + 5_000 * number, number % 4 < 2)
            self.interrupt(world, cut)
            run = self.start(world, live=True)
            finished = run.whenFinished()
            for seconds in (1, OWED, 20, 20):
                self.wait(world, seconds)
            self.assertNoResult(finished)
            self.assertIsNone(getattr(world.accounts[side], f"{way}Left"))
            self.assertTrue(world.equal, (offer, cut))
            stopping = run.stopService()
            self.wait(world, 5)
            self.successResultOf(stopping)
            self.assertEqual(Outcome(0), self.successResultOf(finished))

    def test_liveTooLarge(self) -> None:
        """
        A message that a server does not take, and hangs up for, does not keep live mode
        from its work: the others are copied, and it comes to rest.
        """
        for impatient in False, True:
            world = self.prepare(Offer("plain", "LITERAL+", True, True, "usual"))
            world.remote.largest, world.remote.impatient = 60_000, impatient
            run = self.start(world, live=True)
            for seconds in (1, 5, 5, 20, 20):
                self.wait(world, seconds)
            self.assertNoResult(run.whenFinished())
            bodies = {m.body for m in world.local.inbox.messages.values()}
            there = {m.body for m in world.remote.inbox.messages.values()}
            self.assertEqual(bodies - {MEGA}, there)
            links = len(world.links)
            self.wait(world, 300)
            self.assertEqual(links, len(world.links))
            stopping = run.stopService()
            self.wait(world, 5)
            self.successResultOf(stopping)


def both(world: World) -> tuple[object, object]:
    """
    What both sides hold.
    """
    return world.local.content, world.remote.content


def cuts(world: World, number: int) -> Iterator[Cut]:
    """
    Some of the places where something begins or ends, others for each C{number}.
    """
    several = count(number * 37, 11)
    for link, side in zip(world.links, Side, strict=True):
        for way, passed in link.passed.items():
            places = sorted({n + more for n in passed for more in (-1, 0, 1)})
            inside = [n for n in places if 0 < n < passed[-1]]
            for _ in range(CUTS):
                place = next(several)
                stalls = place % 2 == 0
                yield Cut(side, way, inside[place % len(inside)], stalls)
