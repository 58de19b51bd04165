"""
A keyring in memory.
"""

from __future__ import annotations

from imapsync.errors import ImapSyncError
from imapsync.system.keyring import Keyring


class Ring(Keyring):
    """
    What the system may have.

    @ivar usable: whether there is one.
    @ivar kept: by the names of the service and the user.
    @ivar broken: why nothing is told and kept, if so.
    """

    def __init__(self) -> None:
        self.usable = True
        self.kept: dict[tuple[str, str], str] = {}
        self.broken: ImapSyncError | None = None

    async def isUsable(self) -> bool:
        """
        Whether it is.
        """
        return self.usable

    async def read(self, service: str, user: str) -> str | None:
        """
        What is kept.
        """
        self._check()
        return self.kept.get((service, user))

    async def write(self, service: str, user: str, secret: str) -> None:
        """
        Keep something.
        """
        self._check()
        self.kept[service, user] = secret

    def _check(self) -> None:
        if self.broken is not None:
            raise self.broken
