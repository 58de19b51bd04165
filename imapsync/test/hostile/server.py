"""
A server in memory that does not mean well: L{HostileAccount}.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from twisted.internet.interfaces import IProtocol

from imapsync.testing.accounts import Account
from imapsync.testing.dialogue import Dialogue
from imapsync.testing.links import Link, Server

#: What becomes of the answer to a command: its verb, its tag, and the octets.
Rewrite = Callable[[str, str, bytes], bytes]

#: So many octets without end are sent at once.
_FLOOD = 64 * 1024


class HostileAccount(Account):
    """
    An account whose server misbehaves from the moment that it has something to do.

    @ivar rewrites: what becomes of its answers, one after the other.
    @ivar welcome: its greeting, if that is another.
    @ivar flood: what it says without end behind the answer to a command, by verb;
        C{""} is the greeting.
    @ivar opens: how an answer has to end, that it may go on.
    @ivar pace: how many seconds go by until it says the next of its flood.
    @ivar instead: what it says in place of an answer, by verb, to no effect.
    @ivar each: done before every command, given the verb.
    @ivar unasked: what it says on each occasion to say anything, as to those who
        wait for news.
    @ivar squeezed: what is sent as it is, behind the consent to compress.
    @ivar told: each command that came, with its connection and its tag.
    """

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.rewrites: list[Rewrite] = []
        self.welcome: bytes | None = None
        self.flood: dict[str, Callable[[], Iterable[bytes]]] = {}
        self.opens = b""
        self.pace = 0.0
        self.instead: dict[str, str] = {}
        self.each: Callable[[str], object] = lambda _: None
        self.unasked: Callable[[], bytes] = bytes
        self.squeezed: bytes | None = None
        self.told: list[tuple[int, str, str]] = []
        self.seconds: Callable[[], float] = float

    def sub(self, verbs: str, pattern: bytes, told: bytes | Callable[..., Any]) -> None:
        """
        In the answers to these commands, say something else wherever it fits.
        """
        compiled, those = re.compile(pattern, re.DOTALL), verbs.split()

        def rewrite(verb: str, _: str, answer: bytes) -> bytes:
            return compiled.sub(told, answer) if verb in those else answer

        self.rewrites.append(rewrite)

    def front(self, verbs: str, told: bytes) -> None:
        """
        Say this in front of the answers to these commands.
        """
        self.rewrites.append(lambda v, _, a: told + a if v in verbs.split() else a)

    def behind(self, verbs: str, told: bytes) -> None:
        """
        Say this behind them.
        """
        self.rewrites.append(lambda v, _, a: a + told if v in verbs.split() else a)


class HostileDialogue(Dialogue):
    """
    What such a server says.

    @ivar account: with what it does.
    """

    account: HostileAccount

    def __init__(self, account: HostileAccount, number: int) -> None:
        super().__init__(account)
        self._number = number
        self._flood: Iterator[bytes] | None = None
        self._due = 0.0
        self._raw = bytearray()
        if account.welcome is not None:
            self.output[:] = account.welcome
        self._begin("")

    def _execute(self, tag: str = "*", verb: str = "", *arguments: Any) -> None:
        account = self.account
        name = str(arguments[0]) if verb == "UID" and arguments else verb
        account.told.append((self._number, tag, name))
        account.each(name)
        start = len(self.output)
        if name in account.instead:
            account.heard.append(f"{verb} {arguments}"[:200])
            self._say(account.instead[name].replace("TAG", tag))
            self._barred = self._barred or name in ("SELECT", "EXAMINE")
        else:
            super()._execute(tag, verb, *arguments)
        answer = bytes(self.output[start:])
        for rewrite in account.rewrites:
            answer = rewrite(name, tag, answer)
        self.output[start:] = answer
        if answer.endswith(account.opens):
            self._begin(name)

    def _begin(self, verb: str) -> None:
        endless = self.account.flood.get(verb)
        if endless is not None and self._flood is None:
            self._flood = iter(endless())
            self._due = self.account.seconds() + self.account.pace

    def said(self) -> bytearray:
        """
        What there is to be sent, and more.
        """
        if self.account.squeezed is not None and self._agreed:
            if self._inflate is None:
                return self.output  # our consent
            self.output.clear()
            self._raw += self.account.squeezed
            return self._raw
        self.output += self.account.unasked()
        self._pour()
        return super().said()

    def _pour(self) -> None:
        account = self.account
        if account.pace:
            while self._flood is not None and account.seconds() >= self._due:
                self._due += account.pace
                self.output += next(self._flood, b"")
            return
        while self._flood is not None and len(self.output) < _FLOOD:
            more = next(self._flood, None)
            if more is None:
                self._flood = None
            else:
                self.output += more


class HostileLink(Link):
    """
    A connection to it.

    @ivar secured: whether TLS was begun, which no server here can.
    """

    account: HostileAccount

    def __init__(self, account: Account, protocol: IProtocol, number: int = 0) -> None:
        self._number = number
        self.secured = False
        super().__init__(account, protocol)

    def _within(self, dialogue: Dialogue) -> Server:
        return HostileDialogue(self.account, self._number)

    def startTLS(self, _: object) -> None:
        """
        Begin TLS.
        """
        self.secured = True
