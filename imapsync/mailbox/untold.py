"""
Messages that a server has acknowledged without telling the UIDs of the copies: as one
without UIDPLUS does (RFC 4315, 3), and now and then others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

from imapsync.errors import Refused
from imapsync.mailbox.batch import Batch, Message, copied
from imapsync.mailbox.outcome import Copied, Outcome


class Untold:
    """
    Those of one mailbox.

    @ivar recognises: whether all that were looked for were found by what they are;
        C{None} as long as none was.
    """

    def __init__(self, outcome: Outcome) -> None:
        self.recognises: bool | None = None
        self._outcome = outcome
        self._messages: list[Message] = []

    def __bool__(self) -> bool:
        return bool(self._messages)

    def add(self, messages: list[Message]) -> None:
        """
        These are.
        """
        self._messages += messages

    async def find(self, guess: bool) -> list[tuple[Message, int]]:
        """
        Look for them.  Those that are not found are left to the next look.

        @param guess: whether each may be the one that came in its turn, if none was
            recognised.
        @return: those that are found, with their UIDs.
        """
        messages, self._messages = self._messages, []
        copies = [copied(message, 0) for message in messages]
        found: Sequence[Copied] = ()
        with suppress(Refused):
            found = await self._outcome.found(copies) if copies else ()
            self.recognises = self.recognises is not False and len(found) == len(copies)
            if guess and copies and not found:
                found = await self._outcome.found(copies, guess=True)
        uids = {one.source: one.target for one in found}
        self._leave([one for one in messages if one.row.uid not in uids])
        return [(one, uids[one.row.uid]) for one in messages if one.row.uid in uids]

    async def strangers(self, held: Iterable[Batch]) -> Mapping[int, bytes]:
        """
        The messages that have come, and that nobody accounts for: content keys by UID.

        @param held: what was refused, and may be there all the same.
        @raise Refused: its server does not tell.
        """
        doubted = [copied(message, 0) for one in held for message in one.messages]
        return await self._outcome.strangers(doubted)

    def leave(self) -> None:
        """
        They cannot be looked for now.
        """
        messages, self._messages = self._messages, []
        self._leave(messages)

    def _leave(self, messages: list[Message]) -> None:
        if messages:
            self._outcome.unproven([one.row.uid for one in messages])
