"""
Which mailboxes are synced: those that the configuration selects, or those that
the user named.
"""

from __future__ import annotations

from collections.abc import Mapping

from imapsync import names
from imapsync.accounts.history import Named
from imapsync.accounts.listing import Listing
from imapsync.config.settings import Config
from imapsync.errors import NotFound
from imapsync.model import Name, Side
from imapsync.names import Naming
from imapsync.plan.account import Account
from imapsync.plan.selection import Patterns, Selection, unknown


class Scope:
    """
    Finds out.

    @param typed: the mailboxes that the user named; none means all.
    @param named: what became of them so far.
    """

    def __init__(
        self, config: Config, typed: tuple[str, ...], listing: Listing, named: Named
    ) -> None:
        self._config = config
        self._typed = typed
        self._listing = listing
        self._named = named

    async def select(self, accounts: Mapping[Side, Account]) -> Selection:
        """
        What is wanted of these accounts.

        @raise NotFound: a mailbox that was asked for is on neither server.
        """
        asked = self._asked(accounts)
        self._meet(asked, accounts)
        options = self._config.listSelectOpts
        subscribed = "SUBSCRIBED" in options and "RECURSIVEMATCH" not in options
        if subscribed:  # which is told by the plain LIST as well
            options = tuple(option for option in options if option != "SUBSCRIBED")
        return Selection(
            Patterns(self._config.listMailbox, _typed(accounts)),
            self._config.ignoreMailbox,
            subscribed,
            frozenset(asked),
            await self._listing.chosen(options, accounts) if options else None,
            self._listing.views(accounts),
        )

    def followed(
        self, selection: Selection, accounts: Mapping[Side, Account]
    ) -> Selection:
        """
        The same, after mailboxes were renamed.
        """
        return selection._replace(named=frozenset(self._asked(accounts)))

    def _asked(self, accounts: Mapping[Side, Account]) -> Mapping[Name, str]:
        """
        The mailboxes that the user asks for, and what was typed.
        """
        asked = {}
        for text in self._typed:
            meant = names.fromUser(text, _typed(accounts))
            there = (n for n in meant if any(a.has(n) for a in accounts.values()))
            asked[next(there, meant[0])] = names.shown(text)
        for old, new in self._named.names.items():
            if old in asked:
                asked[new] = asked[old]
        return asked

    def _meet(
        self, asked: Mapping[Name, str], accounts: Mapping[Side, Account]
    ) -> None:
        """
        See once whether there is what the user asks for: it may be renamed or
        deleted by this run.
        """
        followed = {*self._named.met, *self._named.names.values()}
        missing = unknown(accounts.values(), frozenset(asked) - followed)
        if missing:
            typed = ", ".join(f'"{asked[name]}"' for name in missing)
            raise NotFound(
                f"neither server has the mailbox {typed}: check the spelling,"
                " and the separators of its levels"
            )
        self._named.met.update(asked)


def _typed(accounts: Mapping[Side, Account]) -> Naming:
    """
    How users type names: as on the local side, if that is known.
    """
    return next(accounts[side].naming for side in Side if side in accounts)
