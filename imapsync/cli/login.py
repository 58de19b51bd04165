"""
A login that is only to show that it works.
"""

from __future__ import annotations

from typing import Any

from imapsync.config.server import ServerConfig
from imapsync.imap.client import SyncClient
from imapsync.imap.connect import connect
from imapsync.log import Log

_log = Log()


async def loggedIn(reactor: Any, server: ServerConfig, debug: int) -> str:
    """
    Log in once.

    @param debug: how much IMAP traffic to log: none, all without credentials, or all.
    @return: who we are then.
    @raise ImapSyncError: it does not.
    """

    def traced(line: str) -> None:
        _log.debug("{line}", line=line)

    def client() -> SyncClient:
        made = SyncClient(reactor, server.where, trace=traced if debug else None)
        made.traceSecrets = debug > 1
        return made

    connected = await connect(reactor, server, client)
    try:
        await connected.catchUp()
    finally:
        await connected.leave()
    return connected.user
