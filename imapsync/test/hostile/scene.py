"""
An honest account of known content and a hostile one, between which runs take place.
"""

from __future__ import annotations

import gc
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import ILogObserver, LogEvent, formatEvent, globalLogPublisher
from zope.interface import provider

from imapsync.accounts import mailboxes, session
from imapsync.config.request import Request
from imapsync.imap.allowance import RANGES, RESPONSES, Allowance
from imapsync.imap.wire.parser import Parser
from imapsync.model import Side
from imapsync.run import pace
from imapsync.service import Outcome, SyncService
from imapsync.test.fakes.world import Reactor, World
from imapsync.test.hostile.behaviour import Behaviour, Kept
from imapsync.test.hostile.server import HostileAccount, HostileLink
from imapsync.test.test_service import ServiceCase
from imapsync.testing.accounts import SEEN, mail

#: How runs may end, by the manual.
DOCUMENTED = frozenset((0, 1, 69, 75, 76, 77))

#: Octets that may be held at a time, whatever a server sends.
MOST = 48 * 1024 * 1024

#: What an honest server may be asked to do.
_VERBS = frozenset(
    """
    APPEND AUTHENTICATE CAPABILITY COPY CREATE DELETE DONE ENABLE EXAMINE EXPUNGE FETCH
    GETMETADATA ID IDLE LIST LOGOUT LSUB MOVE NAMESPACE NOOP NOTIFY RENAME SEARCH SELECT
    STATUS STORE SUBSCRIBE UNSELECT UNSUBSCRIBE
    """.split()
)

Content = Counter[tuple[str, bytes, str, frozenset[str]]]


class HostileReactor(Reactor):
    """
    Connects to hostile accounts.
    """

    def _connect(self, side: Side, protocol: Any, secure: bool = False) -> None:
        links = self._world.links
        links.append(HostileLink(self._world.accounts[side], protocol, len(links)))


class HostileCase(ServiceCase):
    """
    Runs between an honest account and a hostile one.
    """

    #: Databases of accounts that were equal, by how these were made.
    kept: dict[tuple[object, ...], bytes] = {}  # noqa: RUF012 (shared on purpose)

    def setUp(self) -> None:
        """
        Take notes.
        """
        super().setUp()
        self.events: list[LogEvent] = []

        @provider(ILogObserver)
        def observe(event: LogEvent) -> None:
            if event["log_namespace"].startswith("imapsync"):
                self.events.append(event)

        globalLogPublisher.addObserver(observe)
        self.addCleanup(globalLogPublisher.removeObserver, observe)
        # As much as is let through takes too long to be sent.
        self.patch(Parser, "cap", Parser.cap // 16)
        for module in mailboxes, session:
            self.patch(module, "ROUNDS", 10)
        self.patch(pace, "MOST", 20)
        less = tuple(most // 2000 for most in (RANGES, RESPONSES))
        self.patch(Allowance.__init__, "__defaults__", less)

    def tearDown(self) -> None:
        """
        Have errors that nobody took told now, or by a later test.
        """
        gc.collect(1)

    def prepare(self, behaviour: Behaviour, side: Side) -> None:
        """
        Make accounts that are equal, and the database that knows so.

        @param side: which of them is hostile.
        """
        database = str(Path(self.mktemp()).absolute())
        accounts = {s: HostileAccount(first=7 + 1000 * (s is side)) for s in Side}
        self.world = world = World(
            database, accounts[Side.LOCAL], accounts[Side.REMOTE]
        )
        self.reactor = HostileReactor(world)
        self.hostile, self.honest = accounts[side], accounts[side.other]
        for account in accounts.values():
            account.greeting = "OK"
            account.capabilities |= {"AUTH=PLAIN", "SASL-IR"}
            account.seconds = self.reactor.seconds
            _fill(account, 120 if behaviour.many else 6)
        words = set(behaviour.offers.split())
        lacks = {word[1:] for word in words if word.startswith("-")}
        self.hostile.capabilities |= {word for word in words if word[0] != "-"}
        recipe = (side, behaviour.offers, behaviour.many)
        if recipe not in self.kept:
            self.assertEqual(0, self.once(Request()).code)
            self.kept[recipe] = Path(database).read_bytes()
            self.prepare(behaviour, side)
            return
        Path(database).write_bytes(self.kept[recipe])
        self.hostile.capabilities -= lacks
        world.options[side].update(behaviour.options)

    def change(self) -> None:
        """
        There is something to do, both ways.
        """
        here, there = self.honest, self.hostile
        inbox, work = here.inbox, here.folders["Work"]
        inbox.add(mail("new here"))
        inbox.flag(2, "\\Seen", "\\Flagged", "word")
        work.add(inbox.messages[3].body, inbox.messages[3].flags)
        inbox.expunge(3, 4)
        here.make("Fresh").add(mail("fresh"))
        here.rename("Sent", "Sent Mail")
        here.folders["Sent Mail"].subscribed = True
        there.inbox.add(mail("new there"))
        there.make("Strange").add(mail("strange"))

    def once(self, request: Request, seconds: float = 60) -> Outcome:
        """
        A single run, which has to end in time.
        """
        self.service = SyncService(
            self.world.settings(), self.reactor, request, lambda _: None
        )
        self.service.startService()
        finished = self.service.whenFinished()
        self.wait(finished, seconds)
        if not finished.called:
            self.service.stopService()
            self.world.pump()
        self.assertTrue(self.reactor.seconds() < 1e9)
        outcome = self.successResultOf(finished)
        self.world.pump()
        self.assertEqual([], [link for link in self.world.links if link.open])
        return outcome

    def wait(self, finished: Deferred[Any], seconds: float) -> None:
        """
        Let time go by until it is over.
        """
        end = self.reactor.seconds() + seconds
        step = max(1.0, seconds / 100)
        self.world.pump()
        while not finished.called and self.reactor.seconds() < end:
            self.reactor.advance(step)
            self.world.pump()

    def single(self, behaviour: Behaviour, side: Side, runs: int) -> None:
        """
        Single runs meet it, one after the other.
        """
        self.prepare(behaviour, side)
        self.change()
        before, all_ = _content(self.honest), sum(_content(self.honest).values())
        behaviour.act(self.hostile)
        codes: list[int] = []
        for _ in range(1 if behaviour.kept is Kept.HALF else runs):
            start = self.reactor.seconds()
            with self.measured(behaviour.heavy and not codes):
                outcome = self.once(Request(), behaviour.seconds)
            took = self.reactor.seconds() - start
            self.assertLess(took, behaviour.seconds, outcome)
            self.harmless(outcome)
            codes.append(outcome.code)
        self.unharmed(behaviour, before, all_)
        self.assertLessEqual(set(codes), set(behaviour.codes), self.lines)

    @contextmanager
    def measured(self, heavy: bool) -> Iterator[None]:
        """
        Only so much memory is taken meanwhile.
        """
        if not heavy:
            yield
            return
        tracemalloc.start()
        try:
            yield
            self.assertLess(tracemalloc.get_traced_memory()[1], MOST)
        finally:
            tracemalloc.stop()

    def followed(self, behaviour: Behaviour, side: Side) -> None:
        """
        Live mode meets it.
        """
        self.prepare(behaviour, side)
        request = Request(live=True)
        self.service = SyncService(self.world.settings(), self.reactor, request)
        self.service.startService()
        finished = self.service.whenFinished()
        self.wait(finished, 2)
        behaviour.act(self.hostile)
        self.change()
        before, all_ = _content(self.honest), sum(_content(self.honest).values())
        self.wait(finished, 60)
        for link in self.world.links:
            if link.account is self.hostile and link.open:
                link.end(ConnectionError("cut"))
        self.wait(finished, 400)
        stopped = self.service.stopService()
        self.wait(stopped, 5)
        self.successResultOf(stopped)
        self.harmless(self.successResultOf(finished))
        self.unharmed(behaviour, before, all_)

    @property
    def lines(self) -> list[str]:
        """
        What was logged.
        """
        return [formatEvent(event) for event in self.events]

    def harmless(self, outcome: Outcome) -> None:
        """
        The end is as the manual says, in one line; nothing in the log does harm.
        """
        self.assertIn(outcome.code, DOCUMENTED, outcome)
        for text in [outcome.text, *self.lines]:
            self.assertTrue(text.isprintable(), ascii(text))
            self.assertLess(len(text), 2100)
            self.assertNotIn("secret", text)
            self.assertNotIn("Traceback", text)
        self.assertEqual([], [e for e in self.events if "log_failure" in e])

    def unharmed(self, behaviour: Behaviour, before: Content, total: int) -> None:
        """
        The honest account holds what it held, and its server heard no command but
        ours.
        """
        after = _content(self.honest)
        keys = {
            Kept.ALL: lambda one: one,
            Kept.MESSAGES: lambda one: one[:3],
            Kept.SOMEWHERE: lambda one: one[1:3],
        }
        if behaviour.kept in keys:
            key = keys[behaviour.kept]
            had = Counter(map(key, before.elements()))
            lost = had - Counter(map(key, after.elements()))
            self.assertEqual(Counter(), lost, self.lines)
        else:
            self.assertLessEqual(total // 2, sum(after.values()), self.lines)
        tags: dict[int, int] = {}
        for connection, tag, verb in self.honest.told:
            self.assertIn(verb, _VERBS)
            tags[connection] = tags.get(connection, 0) + 1
            self.assertEqual(f"{tags[connection]:04X}", tag)


def _fill(account: HostileAccount, messages: int) -> None:
    inbox = account.inbox
    for number in range(messages):
        inbox.add(mail(number), SEEN if number % 2 else frozenset(["kept"]))
    for name, count in ("Work", 4), ("Archive", 0), ("Archive/Old", 3), ("Sent", 2):
        folder = account.make(name)
        for number in range(count):
            folder.add(mail(f"{name} {number}"))


def _content(account: HostileAccount) -> Content:
    return Counter(
        (name, one.body, one.date, frozenset(flag.lower() for flag in one.flags))
        for name, folder in account.folders.items()
        for one in folder.messages.values()
    )
