"""
Tests for L{imapsync.mailbox.spread}: copies that go over several connections, because
each waits for its server's leave.

C{IMAPSYNC_CUTS} says at how many places connections are cut, for each of the things
that a server may offer.
"""

from __future__ import annotations

import gc
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from itertools import product

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectionLost
from twisted.logger import LogLevel, capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from imapsync.accounts import databases
from imapsync.config.request import Request
from imapsync.errors import ImapSyncError, Lost, StateError
from imapsync.mailbox import spread
from imapsync.mailbox.context import Clients
from imapsync.mailbox.copying import PROBE
from imapsync.mailbox.outcome import Copied
from imapsync.mailbox.spread import EACH
from imapsync.model import Side
from imapsync.service import Outcome, SyncService
from imapsync.test.fakes.world import QuickState, Reactor, World
from imapsync.test.mailbox.test_copying import ALL, CopyingCase, Unreadable
from imapsync.testing.accounts import CAPABILITIES, SEEN, Account, Folder, Offer, mail
from imapsync.testing.links import Link
from imapsync.uidset import UidSet

LOCAL, REMOTE = Side

CUTS = int(os.environ.get("IMAPSYNC_CUTS", "2"))

#: So many pairs of connections there may be.
PAIRS = 3
#: So many steps a process lives that is not killed.
_LONG = 1_000_000
#: So many messages are to be copied.
COUNT = 4 * EACH


class Killed(BaseException):
    """
    The end of the process.
    """


class MortalState(QuickState):
    """
    A database whose process is killed before a commit, or right after it.

    @cvar left: how many steps it still has to live.
    """

    left = 0

    def _commit(self) -> None:
        self.step()
        super()._commit()
        self.step()

    @classmethod
    def step(cls) -> None:
        """
        Live on, or not.
        """
        cls.left -= 1
        if cls.left <= 0:
            raise Killed


def offered(told: bool, multiple: bool) -> set[str]:
    """
    What a server offers that has each message wait.

    @param told: whether it tells the UIDs of copies.
    @param multiple: whether it takes many at a time.
    """
    lacking = {"LITERAL+", "LITERAL-"}
    lacking |= set() if told else {"UIDPLUS"}
    lacking |= set() if multiple else {"MULTIAPPEND"}
    return set(CAPABILITIES) - lacking


class SpreadCase(SynchronousTestCase):
    """
    A mailbox that is to be copied.
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

    def prepare(
        self,
        told: bool = True,
        multiple: bool = False,
        tunnel: bool = False,
        leave: str = "none",
    ) -> World:
        """
        Some messages have the same Message-ID, some have none, one is large.

        @param tunnel: whether a command leads to the server.
        @param leave: what it offers besides, with which only larger ones wait.
        """
        more = 5000 * (leave == "LITERAL-")
        remote = Account(capabilities=offered(told, multiple), first=1007)
        remote.capabilities.add(leave)
        world = World(self.mktemp(), remote=remote)
        if tunnel:
            world.options[REMOTE] = {"type": "tunnel", "command": str(REMOTE)}
        # What is fetched comes in pieces, as it does from far.
        world.local.chunk, world.remote.chunk = 3000, 500
        for number in range(COUNT):
            body = mail(number, 200_000 if number == 10 else more * (number % 4))
            if number % 16 in (3, 4, 5):
                body = mail("same", number + 50_000 * (number % 16 == 3))
            elif number % 16 == 7:
                body = b"Subject: without\r\n\r\n%d\r\n" % number
            world.local.inbox.add(body, SEEN if number % 5 else frozenset(["\\Draft"]))
        return world

    def copied(self, world: World) -> World:
        """
        The same accounts once more.
        """
        copied = World(self.mktemp(), *deepcopy(world.accounts).values())
        copied.options = world.options
        return copied

    def start(self, world: World, pairs: int = PAIRS) -> SyncService:
        """
        Begin a run.
        """
        service = SyncService(
            world.settings(connections=pairs),
            Reactor(world),
            Request(),
            verbose=False,
            say=self.fail,
        )
        service.startService()
        world.pump()
        return service

    def finish(self, world: World, pairs: int = PAIRS) -> Outcome:
        """
        Have a run come to its end.
        """
        world.links.clear()
        service = self.start(world, pairs)
        finished = service.whenFinished()
        for seconds in (1, 5, 5, 5, 10, 300, 5, 5, 5, 5):
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

    def assertCopied(self, world: World, told: object = None) -> None:
        """
        Both sides hold the same, each message once; and the next run does nothing.
        """
        self.assertEqual(COUNT, len(world.remote.inbox.messages), told)
        self.assertEqual(world.local.content, world.remote.content, told)
        before = world.remote.inbox.content
        for account in world.accounts.values():
            account.heard.clear()
        self.assertEqual(Outcome(0), self.finish(world), told)
        for account in world.accounts.values():
            self.assertEqual(0, account.count("APPEND", "UID STORE", "UID EXPUNGE"))
        self.assertEqual(before, world.remote.inbox.content)


def used(world: World) -> list[Link]:
    """
    The connections to the remote server over which much was sent.
    """
    ours = [link for link in world.links if link.account is world.remote]
    return [link for link in ours if link.passed["up"][-1] > 2000]


class RunTests(SpreadCase):
    """
    Whole runs.
    """

    def test_all(self) -> None:
        """
        Whatever the server offers besides, and however it is reached: others than the
        first connection are used, and each message arrives once.
        """
        for told, multiple, tunnel in product((True, False), repeat=3):
            world = self.prepare(told, multiple, tunnel)
            self.assertEqual(Outcome(0), self.finish(world))
            self.assertGreater(len(used(world)), 1, (told, multiple))
            self.assertCopied(world, (told, multiple))

    def test_one(self) -> None:
        """
        With one pair, there is no other; nor is one used for a few messages, nor where
        the server need not be asked.
        """
        world = self.prepare()
        self.assertEqual(Outcome(0), self.finish(world, pairs=1))
        self.assertEqual(2, len(world.links))
        few = self.prepare()
        for uid in list(few.local.inbox.messages)[2 * EACH - 1 :]:
            few.local.inbox.expunge(uid)
        quick = self.prepare()
        quick.remote.capabilities.add("LITERAL+")
        for other in few, quick:
            self.assertEqual(Outcome(0), self.finish(other))
            self.assertEqual(2, len(other.links))

    def test_order(self) -> None:
        """
        Messages arrive about in the order that they have; those that could be taken
        for each other do exactly.
        """
        for told in True, False:
            world = self.prepare(told, multiple=True)
            world.remote.window = 5000  # a great one takes its time
            self.assertEqual(Outcome(0), self.finish(world))
            self.assertGreater(len(used(world)), 1)
            bodies = [one.body for one in world.local.inbox.messages.values()]
            theirs = [
                one.body for _, one in sorted(world.remote.inbox.messages.items())
            ]
            for number, body in enumerate(theirs):
                if len(body) < 100_000:
                    self.assertLess(abs(bodies.index(body) - number), 3 * PAIRS)
            for mark in b"same", b"without":
                some = [body for body in bodies if mark in body]
                self.assertEqual(some, [body for body in theirs if mark in body])

    def test_changed(self) -> None:
        """
        A server that tells no UIDs, and changes what it is given, gets all over one
        connection, since only the order tells what is what.
        """
        world = self.prepare(told=False)
        world.remote.remakes = lambda body: b"X: y\r\n\r\n%d" % len(body)
        self.finish(world)
        self.assertEqual(2, len(world.links))

    def test_changedLater(self) -> None:
        """
        Where that shows only later, nothing is guessed: what is not recognised is left,
        and what has come instead is taken for what it is.
        """
        world = self.prepare(told=False)
        first = {one.body for one in [*world.local.inbox.messages.values()][:PROBE]}
        world.remote.remakes = lambda b: b if b in first else b"X: y\r\n\r\n%d" % len(b)
        with capturedLogs():
            self.assertEqual(1, self.finish(world).code)
        self.assertGreater(len(used(world)), 1)
        self.assertEqual(COUNT, len(world.remote.inbox.messages))
        state = QuickState.open(world.database)
        self.addCleanup(state.close)
        [known] = state.mailboxes()
        pairs = [*state.pairs(known.id, LOCAL, UidSet(((1, 9999),)))]
        self.assertNotIn(PROBE + 1, [pair.local for pair in pairs])
        for pair in pairs:
            ours = world.local.inbox.messages[pair.local]
            theirs = world.remote.inbox.messages[pair.remote]
            self.assertEqual(ours.body, theirs.body)

    def test_refused(self) -> None:
        """
        What the server refuses is named, and the rest is copied.
        """
        for told in True, False:
            world = self.prepare(told)
            world.remote.objection = lambda offer: (
                "NO [CANNOT] no" if b"Subject: 2" in offer.body else ""
            )
            with capturedLogs() as events:
                self.assertEqual(1, self.finish(world).code)
            self.assertGreater(len(used(world)), 1)
            refused = [e for e in events if "not copied" in formatEvent(e)]
            self.assertTrue(refused)
            bodies = {one.body for one in world.local.inbox.messages.values()}
            theirs = [one.body for one in world.remote.inbox.messages.values()]
            left = {body for body in bodies if b"Subject: 2" in body}
            self.assertEqual(sorted(bodies - left), sorted(theirs))

    def test_full(self) -> None:
        """
        Where there is no room any more, it ends as over one connection.
        """
        for told in True, False:
            for pairs in 1, PAIRS:
                world = self.prepare(told)
                inbox = world.remote.inbox

                def objection(_: Offer, inbox: Folder = inbox) -> str:
                    full = len(inbox.messages) >= COUNT // 2
                    return "NO [OVERQUOTA] full" if full else ""

                world.remote.objection = objection
                with capturedLogs():
                    self.assertEqual(1, self.finish(world, pairs).code)
                    self.assertEqual(COUNT // 2, len(inbox.messages))
                    world.remote.objection = lambda _: ""
                    self.assertEqual(0, self.finish(world, pairs).code)
                self.assertCopied(world, (told, pairs))

    def test_deadly(self) -> None:
        """
        A message over which the server hangs up is left in the end, and all others are
        copied, as over one connection.
        """
        for told, pairs in product((True, False), (1, PAIRS)):
            world = self.prepare(told)
            deadly = mail(2 * EACH + 1)
            world.remote.dies = lambda offers, deadly=deadly: any(  # type: ignore[misc]
                offer.body == deadly for offer in offers
            )
            with capturedLogs() as events:
                self.assertEqual(1, self.finish(world, pairs).code)
            text = "\n".join(map(str, map(formatEvent, events)))
            self.assertIn("the connection breaks over it", text)
            self.assertEqual(COUNT - 1, len(world.remote.inbox.messages))


class LossTests(SpreadCase):
    """
    Connections that go, and processes that end.
    """

    def test_cut(self) -> None:
        """
        Wherever a connection ends, or falls silent: all is copied, nothing twice, and
        the next run does nothing.
        """
        further = 0
        offers = [*product((True, False), (True, False), ("none",))]
        offers += [(True, True, "LITERAL-"), (True, False, "LITERAL-")]
        for number, (told, multiple, leave) in enumerate(offers):
            original = self.prepare(told, multiple, told is multiple, leave)
            measured = self.copied(original)
            self.assertEqual(Outcome(0), self.finish(measured))
            for side, way, octets in cuts(measured, number):
                world = self.copied(original)
                cut = (told, multiple, leave, side, way, octets)
                account = world.accounts[side]
                account.stalls = octets % 3 == 0
                setattr(account, f"{way}Left", octets)
                with capturedLogs() as events:
                    self.assertEqual(Outcome(0), self.finish(world), cut)
                for event in events:
                    self.assertLessEqual(event["log_level"], LogLevel.warn, cut)
                further += any("fewer conn" in formatEvent(e) for e in events)
                self.assertCopied(world, cut)
        self.assertGreater(further, 0)

    def test_further(self) -> None:
        """
        When one of the further connections ends in the midst of a message, the others
        go on, and that message is looked for, and sent again.
        """
        for told in True, False:
            world = self.prepare(told)
            ended: list[Link] = []

            def end(world: World = world, ended: list[Link] = ended) -> None:
                # At the third message over a further connection.
                links = [one for one in world.links if one.account is world.remote]
                if not ended and len(links) > 1 and links[-1].passed["up"][-1] > 1000:
                    ended.append(links[-1])
                    links[-1].end(ConnectionLost())

            before = world.step

            def step(before: object = before, end: object = end) -> bool:
                end()  # type: ignore[operator]
                return before()  # type: ignore[operator,no-any-return]

            world.step = step  # type: ignore[method-assign]
            with capturedLogs() as events:
                self.assertEqual(Outcome(0), self.finish(world))
            self.assertEqual(1, len(ended))
            [warned] = [formatEvent(e) for e in events if e["log_level"].name == "warn"]
            self.assertIn("going on with fewer connections", warned)
            self.assertCopied(world)

    def test_tooMany(self) -> None:
        """
        A server that lets no more than one in is content with that.
        """
        world = self.prepare()
        heard = world.remote.refusal
        world.options[REMOTE] = {}
        world.remote.greeting = "OK"
        world.remote.capabilities.add("AUTH=PLAIN")
        entered: list[str] = []

        def refusal(command: str) -> str:
            if command.startswith(("AUTHENTICATE", "LOGIN")):
                entered.append(command)
                if len(entered) > 1:
                    return "NO [LIMIT] too many connections"
            return heard(command)

        world.remote.refusal = refusal
        with capturedLogs() as events:
            self.assertEqual(Outcome(0), self.finish(world))
        told = [formatEvent(e) for e in events if e["log_level"].name == "warn"]
        self.assertEqual(1, len([one for one in told if "fewer conn" in one]), told)
        world.remote.refusal = heard
        self.assertCopied(world)

    def test_killed(self) -> None:
        """
        Whenever the process is killed, before a commit or after one: the next run
        finishes what was begun.
        """
        for told in True, False:
            original = self.prepare(told)
            MortalState.left = _LONG
            self.patch(databases, "Store", MortalState)
            self.assertEqual(Outcome(0), self.finish(self.copied(original)))
            self.patch(databases, "Store", QuickState)
            taken = _LONG - MortalState.left
            for steps in range(1 + told, taken, max(1, taken // (10 * CUTS))):
                world = self.copied(original)
                self.patch(databases, "Store", MortalState)
                MortalState.left = steps
                with capturedLogs():
                    self.start(world)
                self.assertLessEqual(MortalState.left, 0, (taken, steps))
                self.patch(databases, "Store", QuickState)
                for link in world.links:
                    link.end(ConnectionLost())
                gc.collect()
                self.flushLoggedErrors()
                self.assertEqual(Outcome(0), self.finish(world), (told, steps))
                self.assertCopied(world, (told, steps))


def cuts(world: World, number: int) -> Iterator[tuple[Side, str, int]]:
    """
    Some of the places where something is under way, others for each C{number}.
    """
    passed: Mapping[tuple[Side, str], int] = {
        (side, way): sum(
            link.passed[way][-1]
            for link in world.links
            if link.account is world.accounts[side]
        )
        for side, way in product(Side, ("up", "down"))
    }
    for (side, way), octets in passed.items():
        for turn in range(CUTS):
            yield side, way, octets * (7 * turn + number + 3) // (7 * CUTS + 6)


class Help:
    """
    Further connections, and the loan of them.
    """

    def __init__(self, *pairs: Clients) -> None:
        self.pairs = pairs
        self.losses: list[Clients] = []
        self.ended = False
        self.settling: Deferred[None] = Deferred()

    @property
    def spare(self) -> int:
        """
        All are.
        """
        return len(self.pairs)

    def borrow(self, count: int, lend: Callable[[Clients], None]) -> Help:
        """
        Lend them at once.
        """
        for pair in self.pairs[:count]:
            lend(pair)
        return self

    def lost(self, pair: Clients, error: ImapSyncError) -> None:
        """
        One was lost.
        """
        self.losses.append(pair)

    def settled(self) -> Deferred[None]:
        """
        Wait until the test says so.
        """
        return self.settling

    def end(self) -> None:
        """
        They are free.
        """
        self.ended = True


class LaneTests(CopyingCase):
    """
    One mailbox, and two connections more.
    """

    def begin(self, told: bool = True, more: str = "", size: int = 0) -> Deferred[None]:
        """
        Begin to copy over three connections.

        @param more: what the server offers besides.
        @param size: so many octets have messages, or most of them.
        """
        self.target.capabilities = offered(told, multiple=True) | {more}
        self.source.chunk = 500 + 10 * size
        sizes = (size if n % 4 else 0 for n in range(4 * EACH))
        self.world.fill(*(mail(n, octets) for n, octets in enumerate(sizes)))
        several = [{s: self.world.connect(s) for s in Side} for _ in range(2)]
        self.more = self.world.links[1::2], self.world.links[::2]
        self.help = Help(*several)
        copier = self.prepare(aid=(self.help, REMOTE))
        return self.world.start(copier.copy(ALL))

    def copyTo(self, count: int) -> None:
        """
        Let so many be stored.
        """
        while len(self.target.inbox.messages) < count:
            self.world.step()

    def test_all(self) -> None:
        """
        All go over all of them, each in an APPEND of its own; then they are free.
        """
        self.world.run(self.begin())
        self.assertCopied()
        self.assertTrue(self.help.ended)
        self.assertEqual(4 * EACH, self.target.count("APPEND"))
        for link in (self.targetLink, *self.more[0]):
            self.assertGreater(link.passed["up"][-1], EACH * 50)
            self.assertIsNone(link.producer)
        self.assertIdle()

    def test_smallLiterals(self) -> None:
        """
        Where small messages need not wait, the others are used as soon as it turns out
        that many are not small, and only then.
        """
        for size in 5000, 100:
            self.setUp()
            self.world.run(self.begin(more="LITERAL-", size=size))
            self.assertCopied()
            ways = [link.passed["up"][-1] > 10_000 for link in self.more[0]]
            self.assertEqual([size > 4096] * 2, ways)
            self.assertIdle()

    def test_probed(self) -> None:
        """
        A server that tells no UIDs gets a few first only where there are others.
        """
        found: list[int] = []

        async def find(untold: Sequence[Copied], guess: bool = False) -> list[Copied]:
            found.append(len(untold))
            return [one._replace(target=one.source) for one in untold]

        self.record.found = find  # type: ignore[method-assign]
        self.world.run(self.begin(told=False))
        self.assertEqual([PROBE, 4 * EACH - PROBE], found)
        found.clear()
        for uids in ALL, UidSet(((1, EACH // 2),)):
            pairs = self.help.pairs if uids is not ALL else ()
            copier = self.prepare(aid=(Help(*pairs), REMOTE))
            self.world.run(copier.copy(UidSet.of(self.source.inbox.messages) & uids))
        self.assertEqual([4 * EACH, EACH // 2], found)

    def test_lost(self) -> None:
        """
        When one is lost in the midst of a message, that one is in doubt, and blamed;
        the others go on.  It is over when the server is through with what it has got.
        """
        done = self.begin()
        self.copyTo(EACH)
        self.more[0][0].end(ConnectionLost())
        self.world.pump()
        self.assertNoResult(done)
        self.help.settling.callback(None)
        self.successResultOf(done)
        self.assertEqual(1, len(self.help.losses))
        sources = {one.source for one in self.record.copies}
        parted = self.record.partings
        self.assertIn(len(parted), (1, 2))
        self.assertEqual(parted[:1], self.record.breaks)
        self.assertEqual({*range(1, 4 * EACH + 1)} - {*parted}, sources)

    def test_lostUntold(self) -> None:
        """
        Where no UIDs are told, it is not looked then which copy is whose: the next look
        sees those that were in doubt as well.
        """
        done = self.begin(told=False)
        self.record.found = self.find  # type: ignore[method-assign]
        self.copyTo(EACH)
        self.more[0][0].end(ConnectionLost())
        self.help.settling.callback(None)
        self.world.run(done)
        self.assertEqual(PROBE, len(self.record.copies))
        left = 4 * EACH - PROBE - len({*self.record.partings})
        self.assertEqual(left, self.record.doubts)

    async def find(
        self, untold: Sequence[Copied], guess: bool = False
    ) -> Sequence[Copied]:
        """
        All are recognised.
        """
        self.assertFalse(guess)
        return [one._replace(target=one.source) for one in untold]

    def test_lostAll(self) -> None:
        """
        When all but the first are lost, that does the rest; when the first is, nothing
        more is sent, and what the others have got is reported.
        """
        done = self.begin()
        self.copyTo(EACH)
        for link in self.more[0]:
            link.end(ConnectionLost())
        self.help.settling.callback(None)
        self.world.run(done)
        told = len(self.record.copies) + len({*self.record.partings})
        self.assertEqual(4 * EACH, told)

    def test_firstLost(self) -> None:
        """
        When the first is, nothing more is sent, and what others had got is reported.
        """
        done = self.begin()
        self.copyTo(EACH)
        self.targetLink.end(ConnectionLost())
        with self.assertRaises(Lost):
            self.world.run(done)
        stored = {*self.target.inbox.messages}
        told = {one.target for one in self.record.copies}
        self.assertLessEqual(told, stored)
        self.assertLessEqual(len(stored - told), 2)
        self.assertLess(len(stored), 2 * EACH)
        self.assertTrue(self.help.ended)

    def test_cancelled(self) -> None:
        """
        If it is given up, nothing arrives any more over connections that others get.
        """
        for count, alike in product(range(EACH, 3 * EACH, 5), (False, True)):
            self.setUp()
            if alike:  # some wait, though lanes are free
                self.world.fill(*(mail("same", number) for number in range(40)))
            done = self.begin()
            self.copyTo(count)
            done.cancel()
            self.failureResultOf(done, CancelledError)
            told = len(self.record.copies)
            stored = len(self.target.inbox.messages)
            self.world.pump()
            self.assertEqual(told, len(self.record.copies))
            self.assertLessEqual(len(self.target.inbox.messages), stored + 1)
            self.assertTrue(self.help.ended)

    def test_disk(self) -> None:
        """
        A message that cannot be read again is completed over none of them.
        """
        self.patch(tempfile, "SpooledTemporaryFile", Unreadable)
        self.world.fill(mail("big", 300_000))
        with self.assertRaises(StateError):
            self.world.run(self.begin())
        self.world.pump()
        for message in self.target.inbox.messages.values():
            self.assertLess(len(message.body), 1000)

    def test_kept(self) -> None:
        """
        After some messages, something is said over the other connection of a pair:
        its server is not to take it for dead.
        """
        self.patch(spread, "_ATTENTION", 4 * spread._MESSAGE)
        before = self.source.count("NOOP")
        self.world.run(self.begin())
        self.assertGreater(self.source.count("NOOP"), before + 4)
