"""
Seeing whether a server keeps the dates that copies were given: L{Dates}.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping

from twisted.internet.defer import Deferred

from imapsync.errors import Refused
from imapsync.imap.client import SyncClient
from imapsync.mailbox.bothsides import BothSides
from imapsync.mailbox.outcome import Copied
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
        # UID, that of the original, and date of each that is to be proven: there are
        # many whose date any server can take, and few others.
        self._usual, self._odd = array("q"), array("q")
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

    def given(self, messages: Iterable[Copied]) -> None:
        """
        The copies were given these dates.
        """
        trusted = self._client.keepsDates
        for one in messages:
            if one.date and not (trusted and one.usual):
                dates = self._usual if one.usual else self._odd
                dates.extend((one.target, one.source, one.date))

    async def prove(self) -> None:
        """
        See whether they have them.
        """
        if not (self._usual or self._odd):
            return
        told = {} if self._asked is None else {**await self._asked}
        told |= await self._told({*self._usual[:1], *self._odd[::3]} - told.keys())
        if _changed(self._usual, told):
            told |= await self._told(self._usual[3::3])
        elif self._usual:
            self._client.keepsDates = True
        if changed := _changed(self._usual + self._odd, told):
            text = f"copied, but {self._side} has changed its INTERNALDATE"
            self._view.trouble(text, self._side.other, UidSet.of(changed))

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


def _changed(dates: array[int], told: Mapping[int, int]) -> list[int]:
    """
    The originals of those that have another date, as far as that was told.
    """
    each = zip(dates[::3], dates[1::3], dates[2::3], strict=True)
    return [source for uid, source, date in each if told.get(uid, 0) not in (0, date)]
