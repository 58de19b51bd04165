"""
Which mailboxes are in scope: chosen by patterns, by an expression, by their
subscription, by what servers select, or by name.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import NamedTuple

from imapsync.model import Name
from imapsync.names import INBOX, Naming, canonical
from imapsync.plan.account import Account

_PLAIN = Naming()

#: What the names of mailboxes begin with that we make to delete them: nothing of them
#: is ever synchronised.
BIN = "imapsync-expunged-"


class Patterns:
    """
    LIST patterns: C{*} stands for anything, C{%} for anything within a level
    (RFC 9051, 6.3.9).

    @param patterns: with levels separated by C{/} or C{naming}'s separator.
        One that begins with its prefix may also mean the server's own names.
    """

    def __init__(self, patterns: Iterable[str], naming: Naming = _PLAIN) -> None:
        texts = [canonical(text, naming.separator) for text in patterns]
        self._everything = "*" in texts
        self._naming = naming
        self._root = root = canonical(naming.root, naming.separator)
        self._patterns = [*map(_Pattern.of, texts)]
        self._own = [_Pattern.of(t) for t in texts if root and t.startswith(root)]

    def matches(self, name: str) -> bool:
        """
        Whether the shared name C{name} matches one of them.
        """
        if self._everything or any(one.matches(name) for one in self._patterns):
            return True
        if name == INBOX and not self._naming.reference:
            return False  # it has no prefix
        return any(pattern.matches(self._root + name) for pattern in self._own)

    def meets(self, name: str) -> bool:
        """
        Whether one of them that does not stand for anything matches it.
        """
        own = self._root + name
        return any(one.literals and one.matches(name) for one in self._patterns) or any(
            one.literals and one.matches(own) for one in self._own
        )


class _Pattern(NamedTuple):
    """
    A pattern as an automaton that is in many states at once, so that no
    pattern takes more than linear time.  State C{n} is bit C{n} of a number:
    the first C{n} tokens of the pattern are used up.

    @ivar literals: a character to the states that it leads on from.
    @ivar any: states in which any character can be passed over.
    @ivar level: states in which any character but C{/} can be passed over.
    @ivar end: the last state.
    """

    literals: dict[str, int]
    any: int
    level: int
    end: int

    @classmethod
    def of(cls, text: str) -> _Pattern:
        """
        Read a pattern.
        """
        # A run of wildcards is as strong as its strongest, which leaves none
        # next to another: one shift is then enough to step past them.
        text = re.sub("[*%]{2,}", lambda run: "*" if "*" in run[0] else "%", text)
        states: dict[str, int] = {}
        for at, token in enumerate(text):
            states[token] = states.get(token, 0) | 1 << at
        everything, level = states.pop("*", 0), states.pop("%", 0)
        return cls(states, everything, everything | level, 1 << len(text))

    def matches(self, name: str) -> bool:
        """
        Whether all of C{name} leads to the end.
        """
        folded = len(INBOX) if name.partition("/")[0] == INBOX else 0
        live = self._past(1)
        for at, character in enumerate(name):
            onward = self.literals.get(character, 0)
            if at < folded:
                onward |= self.literals.get(character.lower(), 0)
            stay = self.any if character == "/" else self.level
            live = self._past(live & stay | (live & onward) << 1)
        return bool(live & self.end)

    def _past(self, live: int) -> int:
        return live | (live & self.level) << 1


_EVERYTHING = Patterns(["*"])


class Selection(NamedTuple):
    """
    Which mailboxes are in scope.

    @ivar named: the only ones, whatever the rest of this says; all if empty.
    @ivar ignore: leaves out the names in which it is found.
    @ivar subscribed: only those that either side, or the database, has as
        subscribed; and INBOX.
    @ivar chosen: only those, found by other options of LIST; and INBOX.
    @ivar views: those that only show what is in others: left out, unless a pattern
        asks for them.
    """

    patterns: Patterns = _EVERYTHING
    ignore: re.Pattern[str] | None = None
    subscribed: bool = True
    named: frozenset[Name] = frozenset()
    chosen: frozenset[Name] | None = None
    views: frozenset[Name] = frozenset()

    def covers(self, name: str, subscribed: bool) -> bool:
        """
        Whether C{name} is in scope, when this is how it is subscribed.
        """
        if name.startswith(BIN):
            return False
        if self.named:
            return name in self.named
        if self.ignore and self.ignore.search(name):
            return False
        if not self.patterns.matches(name):
            return False
        if name in self.views and not self.patterns.meets(name):
            return False
        if name == INBOX:
            return True
        if self.chosen is not None and name not in self.chosen:
            return False
        return subscribed or not self.subscribed


def unknown(accounts: Collection[Account], named: frozenset[Name]) -> list[Name]:
    """
    The mailboxes that are asked for by name, and are on neither server.
    """
    there = {misfit.name for account in accounts for misfit in account.misfits}
    there |= {name for name in named if any(side.has(name) for side in accounts)}
    return sorted(named - there)
