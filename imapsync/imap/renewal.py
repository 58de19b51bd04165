"""
Logging in with a token that may have to be renewed.
"""

from __future__ import annotations

from typing import Any

from imapsync.config.server import ServerConfig
from imapsync.imap.access import Credentials
from imapsync.oauth.source import Given, sourceOf


class Renewal:
    """
    What C{oauth2} gives to log in with, and once more if a server refuses it.
    """

    def __init__(self, reactor: Any, server: ServerConfig) -> None:
        self._source = sourceOf(reactor, server)
        self._username = server.username or ""
        self._given: Given | None = None
        self._refused = ""

    async def credentials(self) -> Credentials:
        """
        Those for the next login.
        """
        self._given = await self._source.token(self._refused)
        return Credentials(self._username, self._given.access)

    def isDue(self) -> bool:
        """
        Whether the login that was refused was with a token that had been kept.  The
        next one is with another token.
        """
        given = self._given
        if given is None or given.fresh or self._refused:
            return False
        self._refused = given.access
        return True
