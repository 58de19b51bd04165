"""
What is said, and in what order: L{Dialogue}.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, TypeVar

from twisted.internet.defer import Deferred

from imapsync.errors import Expired, ImapSyncError, Later, Lost, ProtocolViolation
from imapsync.imap import greeting
from imapsync.imap.auth.redaction import redacted
from imapsync.imap.backoff import distance, over, weighed
from imapsync.imap.commands.append import Appending, Words
from imapsync.imap.commands.base import Command, Simple, refusal
from imapsync.imap.dispatch import Dispatcher
from imapsync.imap.patience import Patience
from imapsync.imap.pipeline import Pipeline
from imapsync.imap.stock import Stock, StockClient, stockLine
from imapsync.imap.wire.parser import Parser
from imapsync.imap.wire.reading import bounded
from imapsync.imap.wire.responses import (
    Capabilities,
    Condition,
    Continuation,
    Other,
    Unreadable,
)
from imapsync.log import Log
from imapsync.model import Octets

T = TypeVar("T")

#: For so many seconds a server is left alone without that the connection is closed:
#: it would be soon by others, and the other server waits as well.
_IN_PLACE = 300.0


class Dialogue(StockClient):
    """
    Greeting, commands and their answers; without transport and time.

    While a stock command is in flight, and while nothing is in flight and no
    mailbox is listened to, untagged responses are C{IMAP4Client}'s to read.

    @ivar greeted: fires with whether the server authenticated us before we
        asked (PREAUTH); fails if it turned us away.
    @ivar greeting: what the server said of itself then.
    @ivar user: who has logged in; empty while nobody has.
    @ivar secrets: what is left out of what the server says, where that is told.
    @ivar offered: what the server could do before the login, if there is one.
    @ivar method: how that is done, or was.
    @ivar farewell: what the server said in its BYE, if it said that of itself.
    @ivar patience: for how long the server may ask to be left alone; not at all
        without.
    @ivar options: those to look at if what is at the other end speaks no IMAP.
    """

    options = "port and type"
    patience: Patience | None = None

    def __init__(self, name: str, contextFactory: Any) -> None:
        super().__init__(name, contextFactory)
        self.log = Log()
        self.greeted: Deferred[bool] = Deferred()
        self.greeting = ""
        self.user = ""
        self.secrets: tuple[str, ...] = ()
        self.offered: frozenset[str] = frozenset()
        self.method = ""
        self._pipeline = Pipeline(self)
        self._dispatcher = Dispatcher(self)
        self._parser = Parser(self._dispatcher)
        self._parser.whole = True
        self._first = b""  # what came before a greeting
        self.farewell = ""
        self._farewellCode = ""
        self._delays = 0  # in a row
        self._skipped: set[str] = set()
        self._accepted: Words = frozenset()

    # What the subclass provides

    @abstractmethod
    def write(self, data: bytes, instead: bytes = b"") -> None:
        """
        Send octets.

        @param instead: what a trace shows if they are secret.
        """

    @abstractmethod
    def send(self, pieces: Sequence[Octets]) -> None:
        """
        Send octets that no trace shows, one piece behind the other.
        """

    @abstractmethod
    def show(self, data: bytes) -> None:
        """
        Have a trace show what is sent.
        """

    @abstractmethod
    def _watch(self) -> None:
        """
        Whether the server owes us something may have changed.
        """

    @abstractmethod
    def _rest(self, seconds: float) -> None:
        """
        Begin no command for so long.
        """

    @property
    @abstractmethod
    def _restsFor(self) -> float:
        """
        How many seconds more that will be.
        """

    @property
    def selecting(self) -> bool:
        """
        Whether a mailbox is selected.
        """
        return self._dispatcher.selected is not None

    # Commands: for L{imapsync.imap.pipeline}, and as an L{append.Outlet}

    def perform(self, command: Command[T]) -> Deferred[T]:
        """
        Send a command as soon as those before it allow.
        """
        done: Deferred[T] = Deferred()
        command.done = done
        self._pipeline.submit(command)
        # As long as it only waits behind others, the server owes them an answer.
        if self.timeOut is None:
            self._watch()
        return done

    def started(self, command: Command[Any]) -> None:
        """
        C{command} is in flight now.
        """
        self._dispatcher.started(command)
        if isinstance(command, Stock):
            self._begin(command)
        self._attend()

    def asksLeave(self, size: int, words: Words = frozenset()) -> bool:
        """
        Whether the server's leave must be awaited for a literal of C{size} octets.

        @param words: what is in front of it, and not of our own making.
        """
        return not self.knows(words) or self.features.asksLeave(size)

    def knows(self, words: Words) -> bool:
        """
        Whether the server has let a literal follow each of these.
        """
        return words <= self._accepted

    def accepted(self, words: Words) -> None:
        """
        The server has let a literal follow these.
        """
        self._accepted |= words

    def awaited(self) -> Deferred[None]:
        """
        Something to wait for.
        """
        return Deferred()

    def written(self, command: Command[Any]) -> None:
        """
        C{command} is sent in full; others may follow.
        """
        self._pipeline.written(command)

    @property
    def resting(self) -> bool:
        """
        Whether no command is begun, since the server has asked for time.
        """
        return self._pipeline.resting

    @property
    def crowded(self) -> bool:
        """
        Whether a command that is begun now would have to wait for its turn.
        """
        return self._pipeline.crowded

    def restrain(self, most: int | None) -> None:
        """
        Have no more commands than C{most} unanswered at any time.
        """
        self._pipeline.most = most

    def takeBuffered(self) -> bytes:
        """
        What the server sent behind the response that is being handled.
        """
        return self._parser.takeBuffered()

    # Answers: L{imapsync.imap.dispatch.Session}

    def _attend(self) -> None:
        """
        Something is in flight, or no longer.
        """
        self._watch()
        ours = self._pipeline or self._dispatcher.listening
        self._parser.whole = isinstance(self._pipeline.alone, Stock) or not ours

    def capabilitiesReceived(self, capabilities: Capabilities) -> None:
        """
        What the server can do.
        """
        self._know(capabilities.words)

    def otherReceived(self, response: Other) -> None:
        """
        What is C{IMAP4Client}'s to read, while there is something of its own.
        """
        self._checkGreeting()
        if self._parser.whole:
            self._read(response.parts)

    def skipped(self, response: Unreadable) -> None:
        """
        Say so, once for each kind: there may be many.
        """
        if response.kind not in self._skipped:
            self._skipped.add(response.kind)
            self.log.warn(
                "{name}: passed over what cannot be read: {text}",
                name=self.name,
                text=response.text,
            )

    def continuationReceived(self, continuation: Continuation) -> None:
        """
        The server waits for more of a command.
        """
        self._checkGreeting()
        if isinstance(self._pipeline.alone, Stock):
            self._read([b"+ " + continuation.text])
        else:
            self._pipeline.proceed(continuation.text)
            self._watch()

    def conditionReceived(self, condition: Condition) -> None:
        """
        A status response.
        """
        if condition.code == "CAPABILITY":
            self._know(condition.arguments.split())
        if self.state is None:
            self._greetingReceived(condition)
        elif condition.tag != "*":
            self._taggedReceived(condition)
        elif not self.greeted.called and condition.status == "PREAUTH":
            self.state = "auth"
        else:
            self._untaggedReceived(condition)

    def _checkGreeting(self) -> None:
        """
        @raise ProtocolViolation: nothing may come before a greeting.
        """
        if self.state is None:
            raise ProtocolViolation(greeting.misgreeted(self._first, self.options))

    def _greetingReceived(self, condition: Condition) -> None:
        if condition.tag == "*" and condition.status == "BYE":
            self._bidFarewell(condition)
            self.abort(self._ended(f"turned us away: {self.farewell}"))
            return
        if condition.tag != "*" or condition.status not in ("OK", "PREAUTH"):
            self._checkGreeting()
        self.state = "auth" if condition.status == "PREAUTH" else "unauth"
        self.greeting = condition.text
        self._attend()
        if condition.code == "ALERT":
            # Courier says this before its true greeting: see what comes.
            self._alert(condition)
            self.perform(Simple("CAPABILITY")).addBoth(self._greet)
        else:
            self._greet(condition)

    def _greet(self, _: object) -> None:
        if not self.greeted.called:
            self.serverGreeting(self._capCache)
            self.greeted.callback(self.state == "auth")
            self._watch()

    def _untaggedReceived(self, condition: Condition) -> None:
        if condition.status == "BYE":
            if self._pipeline.names != "LOGOUT":  # that it answers so
                self._bidFarewell(condition)
        elif condition.code == "ALERT":
            self._alert(condition)
        self._dispatcher.untagged(condition)
        if self._parser.whole:
            self._read([stockLine(condition)])

    def _bidFarewell(self, condition: Condition) -> None:
        self.farewell = redacted(condition.text, self.secrets)
        self._farewellCode = condition.code

    def _ended(self, text: str) -> ImapSyncError:
        """
        What it means that the server made an end.
        """
        text = f"{self.name}: {text}"
        said = self._farewellCode, self.farewell
        backoff = weighed(*said)
        if backoff is not None or self.resting:
            told = 0.0 if backoff is None else backoff.seconds
            return Later(text, max(told, self._restsFor))
        if not self.farewell:
            return Lost(text)
        if self.state == "auth" and over(*said):
            return Expired(text)
        from imapsync.imap.auth.refusal import parting  # few end so

        return parting(text, self._pipeline.oldest, *said)

    def _alert(self, condition: Condition) -> None:
        # Over whichever connection to that server it comes.
        text = redacted(condition.text, self.secrets)
        key = f"{self.name.partition(' #')[0]}: {text}"
        self.log.once(key, "{name}: {text}", name=self.name, text=text)

    def _taggedReceived(self, condition: Condition) -> None:
        if condition.status not in ("OK", "NO", "BAD"):
            raise ProtocolViolation(f"an answer that is {condition.status}")
        command = self._pipeline.flight(condition.tag)
        if condition.code == "HIGHESTMODSEQ":
            with suppress(ProtocolViolation):  # it is but a hint
                self._dispatcher.reached(bounded(condition.arguments))
        self._dispatcher.finished(command, condition.status == "OK")
        if self._isDelayed(command, condition):
            self._pipeline.again(condition)
        elif isinstance(command, Stock):
            self._stockFinished(command, condition)
            if command.done.called:
                self._pipeline.forget(command)
        else:
            self._pipeline.finish(condition)
        self._attend()

    # A server that asks for time

    def _isDelayed(self, command: Command[Any], condition: Condition) -> bool:
        """
        If the server asks for time, give it some.

        @return: whether C{command} is to be sent again after that.
        @raise Later: over another connection, if at all.
        """
        if self.patience is None or command.secret:  # a login has its own judge
            return False
        refused = condition.status != "OK"
        # What was done may come with a request for time, too, but seldom does.
        weighty = refused or "backoff" in condition.text.lower()
        backoff = weighed(condition.code, condition.text) if weighty else None
        if backoff is None or not (refused or backoff.seconds):
            self._delays = self._delays if refused else 0
            return False
        seconds = distance(self._delays, backoff.seconds)
        # What was in flight together is refused together.
        if seconds > self._restsFor + 1.0 or not self.resting:
            said = refusal(command.name, condition) if refused else condition.text
            why = f"{self.name}: {said}"
            misread = condition.status == "BAD" and isinstance(command, Appending)
            if misread or seconds > _IN_PLACE or not self.patience.wait(why, seconds):
                raise Later(why, seconds)
            self._delays += 1
            self._rest(seconds)
        command.delayed = refused
        return refused and command.repeatable
