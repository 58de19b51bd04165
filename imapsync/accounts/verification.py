"""
Whether two accounts hold the same: L{Verification}.

Nothing is changed, and nothing that is known from before is believed.  What seems
to differ is looked at once more, some seconds after all was read: on a pair that is
in use there is always something under way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from twisted.internet.task import deferLater

from imapsync.accounts.history import Named
from imapsync.accounts.listing import Listing
from imapsync.accounts.scope import Scope
from imapsync.config.request import Depth
from imapsync.config.settings import Config
from imapsync.content.comparison import Comparison, Tally
from imapsync.errors import MailboxError, Refused
from imapsync.imap.client import SyncClient
from imapsync.log import Log
from imapsync.mailbox.course import Course
from imapsync.mailbox.suspects import Suspects
from imapsync.mailbox.verification import Reader, Reading
from imapsync.model import EVERYTHING, Known, Name, Side
from imapsync.names import INBOX
from imapsync.plan.account import Account
from imapsync.plan.listing import respelled
from imapsync.plan.mailboxes import Plan, plan
from imapsync.uidset import UidSet

#: So many seconds after all was read, what seemed to differ is looked at once more.
PAUSE = 10.0


class Holding(NamedTuple):
    """
    A mailbox on one side.

    @ivar name: what the server calls it.
    @ivar messages: how many it holds; C{None} if that is not known.
    @ivar tally: all of them; C{None} if they were not read.
    @ivar unread: messages that the server does not hand out.
    """

    name: str
    subscribed: bool
    messages: int | None = None
    tally: Tally | None = None
    unread: UidSet = UidSet()


class Verdict(NamedTuple):
    """
    What is to be said of one mailbox.

    @ivar box: its number in the comparison.
    @ivar sides: where it is.
    @ivar problems: why it cannot be compared, or not all of it.
    @ivar messages: how many messages differ.
    """

    name: Name
    box: int = 0
    sides: Mapping[Side, Holding] = MappingProxyType({})
    problems: tuple[str, ...] = ()
    messages: int = 0

    @property
    def missing(self) -> Side | None:
        """
        Where there is no such mailbox, if it is on the other side.
        """
        lacking = [side for side in Side if side not in self.sides]
        return lacking[0] if len(lacking) == 1 else None

    @property
    def subscriptions(self) -> bool:
        """
        Whether it is subscribed on one side only.
        """
        return len({one.subscribed for one in self.sides.values()}) > 1

    @property
    def differences(self) -> int:
        """
        How many there are.
        """
        unread = sum(len(one.unread) for one in self.sides.values())
        about = (self.missing is not None) + self.subscriptions + len(self.problems)
        return about + self.messages + unread


class Verification:
    """
    Finds out, through as many attempts as it takes.

    @param typed: the mailboxes that the user named; none means all.
    @param clock: tells the time.
    @param course: is told how far it has come.
    @param told: is told what is to be said of each mailbox, once that is certain.
    @ivar sides: which servers to connect to.
    @ivar comparison: what is read.
    @ivar verdicts: all that was told.
    """

    log = Log()

    sides = tuple(Side)

    def __init__(
        self,
        config: Config,
        typed: tuple[str, ...],
        depth: Depth,
        clock: Any,
        suspects: Suspects,
        course: Course,
        told: Callable[[Verdict], None],
    ) -> None:
        self._config = config
        self._typed = typed
        self._depth = depth
        self._clock = clock
        self._suspects = suspects
        self._told = told
        self._course = course
        course.reading = True
        self.comparison = Comparison()
        self.verdicts: dict[Name, Verdict] = {}
        self._named = Named()
        self._readings: dict[Name, Reading | None] = {}
        self._boxes: dict[Name, int] = {}
        self._finished: float | None = None

    @property
    def differences(self) -> int:
        """
        How many were found.
        """
        return sum(one.differences for one in self.verdicts.values())

    @property
    def progress(self) -> int:
        """
        How far it has come: it grows with each mailbox that is read, and with each
        that is settled.
        """
        return len(self._readings) + 2 * len(self.verdicts)

    def close(self) -> None:
        """
        Forget what was read.
        """
        self.comparison.close()

    async def run(self, clients: Mapping[Side, SyncClient]) -> None:
        """
        Do it, as far as it is not done.

        @raise NotFound: a mailbox that was asked for is on neither server.
        """
        self._weigh(clients)
        reader = Reader(
            *(clients, self.comparison, self._suspects, self._depth, self._course)
        )
        listing = Listing(self._config, clients)
        if self._finished is None:
            doubts = await self._look(listing, reader, last=False)
            if not (doubts or self._readings):
                return
            self._finished = self._clock.seconds()
        left = self._finished + PAUSE - self._clock.seconds()
        await deferLater(self._clock, max(0.0, left))
        await self._look(listing, reader, last=True)

    def _weigh(self, clients: Mapping[Side, SyncClient]) -> None:
        """
        Have no size be told where a server is known to estimate them.
        """
        guessing = [client for client in clients.values() if client.host.estimates]
        for client in clients.values():
            client.exact = not guessing
        if guessing and self._depth is not Depth.CONTENT:
            text = "{name}: estimates the sizes of messages, which are not compared."
            self.log.info(text, name=guessing[0].name)

    async def _look(self, listing: Listing, reader: Reader, last: bool) -> bool:
        """
        @param last: whether what differs now does.
        @return: whether there is anything that cannot be compared.
        """
        accounts, planned = await self._planned(listing)
        problems: dict[Name, list[str]] = {}
        for trouble in planned.troubles:
            problems.setdefault(trouble.mailbox, []).append(str(trouble))
        doubts = bool(problems)
        wanted = [
            name
            for name in planned.mailboxes
            if name not in self.verdicts and (last or name not in self._readings)
        ]
        self._course.plans({name: _counts(name, accounts) for name in wanted})
        for name in planned.mailboxes:
            told = tuple(problems.pop(name, ()))
            if name not in wanted:
                continue
            self._course.begins(name, "comparing")
            verdict, reading = await self._compared(name, accounts, reader)
            self._course.ended(name)
            verdict = verdict._replace(problems=verdict.problems + told)
            if not verdict.differences or last:
                self._settle(verdict)
            else:
                self._readings[name] = reading
        for name, left in problems.items() if last else ():
            if name not in self.verdicts:
                self._settle(Verdict(name, problems=tuple(left)))
        return doubts

    async def _planned(self, listing: Listing) -> tuple[Mapping[Side, Account], Plan]:
        """
        What there is, and which mailboxes are to be compared: those that a sync of
        two accounts that may be written would have to do with.
        """
        accounts = await listing.assured(await listing.look(), ())
        here, there = accounts[Side.LOCAL], accounts[Side.REMOTE]
        alone = {name for name in here.listed if here.has(name) and not there.has(name)}
        if alone:
            # One that the other server calls a little otherwise is the same.
            presumed = {name: _unknown(name) for name in alone}
            spelled = [
                known._replace(spellings={side: spelling})
                for known, side, spelling in respelled(accounts, presumed)
            ]
            if spelled:
                listing.learn(spelled)
                accounts = await listing.assured(await listing.look(), ())
        scope = Scope(self._config, self._typed, listing, self._named)
        selection = await scope.select(accounts)
        writable = {
            side: account._replace(allowed=EVERYTHING)
            for side, account in accounts.items()
        }
        return accounts, plan(writable, {}, selection)

    async def _compared(
        self, name: Name, accounts: Mapping[Side, Account], reader: Reader
    ) -> tuple[Verdict, Reading | None]:
        """
        What seems to be so now.
        """
        sides = {
            side: _holding(account, name)
            for side, account in accounts.items()
            if account.has(name)
        }
        if len(sides) < len(Side):
            return Verdict(name, sides=sides), None
        reading = self._readings.get(name)
        again = reading is not None
        if reading is None:
            # It has the same number in each attempt.
            box = self._boxes.setdefault(name, len(self._boxes) + 1)
            reading = Reading(
                name, box, {side: one.name for side, one in sides.items()}
            )
        try:
            await (reader.readAgain if again else reader.read)(reading)
        except (MailboxError, Refused) as error:
            return Verdict(name, reading.box, sides, (str(error),)), None
        for side, one in sides.items():
            tally = self.comparison.tally(reading.box, side)
            unread = reading.unread[side]
            sides[side] = one._replace(
                messages=tally.messages + len(unread), tally=tally, unread=unread
            )
        problems = tuple(
            f"{side}: the server tells of {count} more messages than it lists"
            for side, count in reading.unlisted.items()
            if count
        )
        differing = sum(1 for _ in self.comparison.differences(reading.box))
        return Verdict(name, reading.box, sides, problems, differing), reading

    def _settle(self, verdict: Verdict) -> None:
        if not verdict.messages:
            self.comparison.forget(verdict.box)
        self._readings.pop(verdict.name, None)
        self.verdicts[verdict.name] = verdict
        self._told(verdict)


def _counts(name: Name, accounts: Mapping[Side, Account]) -> Mapping[Side, int]:
    """
    How many messages there are to read.
    """
    if not all(account.has(name) for account in accounts.values()):
        return {}
    return {s: _holding(one, name).messages or 0 for s, one in accounts.items()}


def _unknown(name: Name) -> Known:
    return Known(0, name, {}, {}, subscribed=False, pairs=0, retries=False)


def _holding(account: Account, name: Name) -> Holding:
    """
    What is told of a mailbox before it is read.
    """
    listed = account.listed.get(name)
    count = listed.status.messages if listed and listed.status else None
    return Holding(account.spelled(name), account.subscribed(name), count)


def inOrder(verdicts: Mapping[Name, Verdict]) -> list[Verdict]:
    """
    C{INBOX} first, what lies below a mailbox behind it.
    """
    names = sorted(verdicts, key=lambda name: (name != INBOX, name.split("/")))
    return [verdicts[name] for name in names]
