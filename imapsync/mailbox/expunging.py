"""
Expunging where the server expunges all that is marked C{\\Deleted}, or nothing: it has
no UIDPLUS (RFC 4315), and so no UID EXPUNGE.
"""

from __future__ import annotations

from imapsync.errors import Refused
from imapsync.imap.client import SyncClient
from imapsync.imap.commands.messages import Expunge, Search
from imapsync.log import Log
from imapsync.mailbox.suspects import Place
from imapsync.model import Side
from imapsync.plan.selection import BIN
from imapsync.state.interface import State
from imapsync.uidset import UidSet

_DELETED = frozenset(("\\Deleted",))

_OTHERS = "{side}: there are messages of others in {name}, which is left to you."
_LEFT = "{side}: {name}, in which are messages to be expunged, is left: {error}"

_log = Log()


class Expunger:
    """
    Expunges messages of the selected mailbox, and no others.

    What others have marked loses its mark meanwhile.  Which messages these are is
    written down before, so that they get it back though we be killed.  Another may mark
    one in that moment, and it goes as well: that is seen.

    @param place: of which mailbox.
    @ivar taken: messages with a pair that went, too.
    """

    def __init__(self, client: SyncClient, state: State, place: Place) -> None:
        self._client = client
        self._state = state
        self._place = place
        self.taken = UidSet()

    @property
    def _spared(self) -> UidSet:
        return self._state.spared(*self._place)

    async def expunge(self, uids: UidSet) -> None:
        """
        Expunge them: by way of a mailbox of our own, where the server has MOVE.

        @raise Refused: the server does not.
        """
        if "MOVE" in self._client.features and await self._throw(uids):
            return
        await self._client.store(uids, "+", _DELETED)
        client, (mailbox, side, uidvalidity) = self._client, self._place
        marked = await self._marked()
        if others := marked - uids:
            with self._state.transaction():
                self._state.spare(mailbox, side, uidvalidity, others)
            await client.store(others, "-", _DELETED)
        try:
            went = await client.perform(Expunge())
        finally:
            if others and not client.lost.called:
                await self.restore()
        if went > len(marked & uids):
            await self._miss(uids)

    async def _throw(self, uids: UidSet) -> bool:
        """
        Move them to a mailbox of our own, and delete that.

        @return: whether the server does so.
        """
        client, side = self._client, self._place.side
        await clear(client, self._state, side)
        name = f"{BIN}{self._place.mailbox}-{uids.ranges[0][0]}"
        with self._state.transaction():
            self._state.noteBin(side, name, len(uids))
        try:
            await client.onMailbox("CREATE", name)
        except Refused:
            # It is somebody else's, if it is there.
            _forget(self._state, side, name)
            return False
        try:
            await client.transfer("MOVE", uids, name)
        except Refused:
            return False
        finally:
            if not client.lost.called:
                await clear(client, self._state, side)
        return True

    async def _marked(self) -> UidSet:
        """
        The messages that are marked, whoever did it.
        """
        extended = "ESEARCH" in self._client.features
        found = await self._client.perform(Search("1:*", extended, b"DELETED"))
        if found is None:
            raise Refused("UID SEARCH", "NO", "", "it does not tell what is marked")
        return found

    async def restore(self) -> None:
        """
        Give the marks back that were taken off.
        """
        mailbox, side, _ = self._place
        await self._client.store(self._spared, "+", _DELETED)
        with self._state.transaction():
            self._state.spareNoMore(mailbox, side)

    async def _miss(self, uids: UidSet) -> None:
        """
        More than C{uids} went.
        """
        mailbox, side, _ = self._place
        paired = self._state.paired(mailbox, side) - uids
        self.taken |= paired - await self._client.exists(paired)


async def clear(client: SyncClient, state: State, side: Side) -> None:
    """
    Delete what mailboxes of our own there are, unless others have put something there.
    """
    for name, ours in state.bins(side).items():
        try:
            status = await client.mailboxStatus(name, "MESSAGES")
            if status.messages <= ours:
                await client.onMailbox("DELETE", name)
            else:
                _log.warn(_OTHERS, side=side, name=name)
        except Refused as error:
            _log.info(_LEFT, side=side, name=name, error=error)
            if error.responseCode != "NONEXISTENT":
                continue
        _forget(state, side, name)


def _forget(state: State, side: Side, name: str) -> None:
    with state.transaction():
        state.forgetBin(side, name)


def giveBack(state: State, mailbox: int, side: Side, taken: UidSet) -> UidSet:
    """
    Messages of C{side} were expunged that nobody wanted to go: forget their pairs, so
    that they are copied back.  It is called within a transaction.

    @return: what they are on the other side.
    """
    originals = state.partners(mailbox, side, taken, side.other)
    state.removePairs(mailbox, side, taken)
    return originals
