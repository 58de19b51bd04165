"""
Seeing whether a server keeps the dates that copies were given: L{Dates}.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from twisted.internet.defer import Deferred

from imapsync.errors import Refused
from imapsync.imap.client import SyncClient
from imapsync.mailbox.arrivals import Dated
from imapsync.mailbox.bothsides import BothSides
from imapsync.mailbox.pairing import dated
from imapsync.model import Side
from imapsync.uidset import UidSet


class Dates:
    """
    Those of copies on C{side}.
    """

    def __init__(self, view: BothSides, side: Side) -> None:
        self._view = view
        self._side = side
        self._client = view.sides[side].client
        self._asked: Deferred[Mapping[int, int]] | None = None

    def ask(self) -> None:
        """
        All is sent, and looked at once more.  Most likely the first of the copies has
        the UID that was next: have its date told along with that.
        """
        if self._client.keepsDates:
            return
        next_ = self._view.sides[self._side].selected.mark.uidnext
        asking = Deferred.fromCoroutine(_told(self._client, [next_]))
        # What failed is asked again when it is needed, and fails again.
        self._asked = asking.addErrback(lambda _: {})

    async def prove(self, copies: Mapping[int, Dated]) -> None:
        """
        See whether these have their dates.

        @param copies: by their UIDs.
        """
        if not copies:
            return
        usual = [uid for uid, one in copies.items() if one.usual]
        told = {} if self._asked is None else {**await self._asked}
        told |= await self._told(copies.keys() - usual[1:] - told.keys())
        if usual and not _isOther(usual[0], told, copies):
            self._client.keepsDates = True
        elif usual:
            told |= await self._told(usual[1:])
        if changed := [uid for uid in copies if _isOther(uid, told, copies)]:
            uids = UidSet.of(copies[uid].source for uid in changed)
            text = f"copied, but {self._side} has changed its INTERNALDATE"
            self._view.trouble(text, self._side.other, uids)

    async def _told(self, uids: Iterable[int]) -> Mapping[int, int]:
        asked = [*uids]
        if not asked:
            return {}
        # The server may not have told yet that they are there.
        self._client.catchUp().addErrback(lambda _: None)
        return await _told(self._client, asked)


async def _told(client: SyncClient, uids: Iterable[int]) -> Mapping[int, int]:
    try:
        return await dated(client, UidSet.of(uids))
    except Refused:
        return {}


def _isOther(uid: int, told: Mapping[int, int], copies: Mapping[int, Dated]) -> bool:
    return bool(told.get(uid)) and told[uid] != copies[uid].date
