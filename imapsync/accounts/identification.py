"""
Finding out where known mailboxes are now: servers are asked what LIST leaves
open.

A server with OBJECTID tells the identity of a mailbox when it is selected, and
Dovecot when it is asked.  (In STATUS, another server's MAILBOXID is not to be
trusted.)  Where neither is known, a mailbox is recognised by the messages in
it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress

from twisted.internet.defer import Deferred

from imapsync.errors import Refused
from imapsync.gather import onBoth, together
from imapsync.imap.client import SyncClient
from imapsync.imap.commands.mailbox import Heard, Selected
from imapsync.mailbox.suspects import Place, Suspects
from imapsync.model import GUID, Known, Name, Side, differ
from imapsync.plan.account import Account
from imapsync.plan.identity import (
    Answer,
    Places,
    Question,
    atHome,
    places,
    questions,
    shared,
    twins,
)
from imapsync.state.interface import State
from imapsync.uidset import UidSet

#: So many messages are looked at to recognise a mailbox.
_SAMPLE = 25


class Identifier:
    """
    Asks over one pair of connections.
    """

    def __init__(
        self, clients: Mapping[Side, SyncClient], state: State, suspects: Suspects
    ) -> None:
        self._clients = clients
        self._state = state
        self._suspects = suspects
        self._doubted: dict[Side, set[int]] = {side: set() for side in Side}
        self._mute: set[Side] = set()
        self._met: dict[tuple[Side, str], tuple[int, str]] = {}
        self._strange: dict[Name, Mapping[Side, Account]] = {}

    def doubt(self, known: Known) -> None:
        """
        That its UIDVALIDITY is the same proves nothing any more.
        """
        for side, mark in known.marks.items():
            self._doubted[side].add(mark.uidvalidity)

    async def trace(
        self, accounts: Mapping[Side, Account], known: list[Known]
    ) -> Mapping[Side, Places]:
        """
        Find all that are known.
        """

        self._met.clear()
        found = await onBoth(
            lambda side: self._places(side, accounts[side], known, twins(known, side))
        )
        if all(atHome(one, known) for one in found.values()):
            # Had two changed places, their passes would meet the other one.
            return found
        # One side may have followed already what happened on the other.
        return await onBoth(
            lambda side: self._places(side, accounts[side], known, shared(known, side))
        )

    async def _places(
        self, side: Side, account: Account, known: list[Known], alike: set[int]
    ) -> Places:
        """
        Where they are on C{side}.

        @param alike: UIDVALIDITYs that prove nothing, if the server tells more.
        """
        doubted = self._doubted[side]
        if self._tellsIds(side):
            doubted = doubted | alike
        answers = {}
        asked = questions(side, account, known, doubted)
        if asked:
            await self._meet(side, account)
        for question in asked:
            answer = await self._ask(side, account, question)
            answers[question.known.id] = answer
        return places(side, account, known, doubted, answers)

    async def _meet(self, side: Side, account: Account) -> None:
        """
        Have the identities of all mailboxes told at once, if the server can.
        """
        if not (self._tellsIds(side) and "METADATA" in self._clients[side].features):
            return
        with suppress(Refused):
            identities = await self._clients[side].identities()
            for box in account.listed.values():
                if box.status and (identity := identities.get(box.name)):
                    self._met[side, box.name] = box.status.uidvalidity, identity

    def meet(self, accounts: Mapping[Side, Account], names: Iterable[Name]) -> None:
        """
        Of these mailboxes, L{learn} what identities they have.
        """
        self._strange.update(dict.fromkeys(names, accounts))

    async def learn(self) -> None:
        """
        Have Dovecot's identities stored, of mailboxes that have none yet.
        """
        strange, self._strange = self._strange, {}
        known = [one for one in map(self._state.mailbox, strange) if one is not None]

        async def onSide(side: Side) -> None:
            if self._tellsGuids(side):
                wanting = [one for one in known if not one.identities.get(side)]
                await self._learn(side, strange, wanting)

        await onBoth(onSide)

    async def _learn(
        self,
        side: Side,
        strange: Mapping[Name, Mapping[Side, Account]],
        known: list[Known],
    ) -> None:
        names = [strange[one.name][side].spelled(one.name) for one in known]
        asked = [Deferred.fromCoroutine(self._guid(side, name)) for name in names]
        with suppress(Refused):
            told = await together(asked)
            with self._state.transaction():
                for one, (uidvalidity, identity) in zip(known, told, strict=True):
                    mark = one.marks.get(side)
                    if identity and mark and mark.uidvalidity == uidvalidity:
                        self._state.setIdentity(one.id, side, identity)

    async def _ask(self, side: Side, account: Account, question: Question) -> Answer:
        """
        Which of the names are those of the mailbox.
        """
        same, unsure = set(), False
        for name in question.names:
            try:
                spelled, alone = account.spelled(name), len(question.names) == 1
                if await self._isIt(side, question.known, spelled, alone):
                    same.add(name)
            except Refused:
                unsure = True
        return Answer(frozenset(same), unsure)

    async def _isIt(self, side: Side, known: Known, name: str, alone: bool) -> bool:
        """
        Whether what is called C{name} is the mailbox C{known}.

        @param alone: whether nothing else can be it.
        """
        if (side, name) not in self._met:
            self._met[side, name] = await self._identity(side, name)
        uidvalidity, identity = self._met[side, name]
        expected = known.identities.get(side, "")
        if uidvalidity != known.marks[side].uidvalidity or differ(expected, identity):
            return False
        if identity and identity == expected:
            return True
        if not known.pairs:
            return alone
        return await self._looksLike(side, known, name)

    async def _identity(self, side: Side, name: str) -> tuple[int, str]:
        """
        The UIDVALIDITY and the identity of a mailbox, if the server tells one.
        """
        if self._tellsGuids(side):
            uidvalidity, identity = await self._guid(side, name)
            if uidvalidity:
                return uidvalidity, identity
        selected = await self._examine(side, name)
        return selected.mark.uidvalidity, selected.identity

    async def _guid(self, side: Side, name: str) -> tuple[int, str]:
        try:
            status, guid = await self._clients[side].mailboxGuid(name)
        except Refused as error:
            if error.status != "BAD":
                raise
            self._mute.add(side)
            return 0, ""
        return status.uidvalidity, guid and GUID + guid

    async def _examine(self, side: Side, name: str) -> Selected:
        return await self._clients[side].open(name, None, Heard(), writable=False)

    async def _looksLike(self, side: Side, known: Known, name: str) -> bool:
        """
        Whether there are known messages in it, and all that are looked at have
        the content that they had.
        """
        client = self._clients[side]
        selected = await self._examine(side, name)
        there = await client.exists(self._state.paired(known.id, side))
        some = next(there.split(_SAMPLE), UidSet())
        pairs = self._state.pairs(known.id, side, some)
        expected = {pair.uid(side): pair.key for pair in pairs if pair.key}
        found: dict[int, bytes] = {}

        def take(uid: int, key: bytes, _: int) -> None:
            found[uid] = key

        # Which are seldom needed here.
        from imapsync.mailbox import pairing
        from imapsync.mailbox.fetching import Source

        place = Place(known.id, side, selected.mark.uidvalidity)
        source = Source(client, self._suspects, place)
        await pairing.keyed(source, UidSet.of(expected), take)
        return bool(found) and all(found[u] == expected[u] for u in found)

    def _tellsGuids(self, side: Side) -> bool:
        tells = self._clients[side].tellsGuids
        return tells and side not in self._mute and not self._tellsIds(side)

    def _tellsIds(self, side: Side) -> bool:
        return "OBJECTID" in self._clients[side].features
