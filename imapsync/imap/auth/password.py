"""
A password that is somewhere else than in the configuration: a command or the keyring of
the system tells it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from imapsync.errors import ConfigError, Distrusted, StateUnavailable
from imapsync.system.keyring import Keyring
from imapsync.system.output import firstLine


async def readPassword(
    reactor: Any, command: str, where: str, environment: Sequence[str] = ()
) -> str:
    """
    The first line that C{command} writes.

    @param reactor: provides what L{firstLine} needs.
    @param environment: what else it finds in its own.
    @raise ConfigError: if there is no such command, or what it writes is no
        password.
    @raise Distrusted: if it fails, or does not come to an end.
    """
    return await firstLine(
        reactor, "password-command", command, where, environment=environment
    )


async def readEntry(keyring: Keyring, service: str, user: str, where: str) -> str:
    """
    The password of a user for a service: the first line of what is kept there.

    @raise ConfigError: if there is no such entry, or no keyring.
    @raise Distrusted: if it is not told.
    """
    try:
        found = await keyring.read(service, user)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from None
    except StateUnavailable as error:
        raise Distrusted(f"{where}: {error}") from None
    if password := (found or "").partition("\n")[0].rstrip("\r"):
        return password
    raise ConfigError(
        f"{where}: the keyring has no password of {user} for {service}: put it"
        f" there, as by the command: keyring set {service} {user}"
    )
