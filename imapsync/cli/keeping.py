"""
Where a password that was typed is to be kept.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Protocol

from imapsync.cli.given import Options
from imapsync.config.server import KEYRING
from imapsync.errors import ImapSyncError

if TYPE_CHECKING:
    from imapsync.cli.person import Person

_QUESTION = "Where is the password to be kept?"
_KEEP = {
    "f": "in a file of its own, that only you can read",
    "c": "in the configuration, that only you can read",
    "p": "nowhere here: a command will tell it (password-command)",
}
_RING = {"k": "in the keyring of the system, which has to be open then"}


class Keyring(Protocol):
    """
    What keeps passwords.
    """

    async def isUsable(self) -> bool:
        """
        Whether there is one.
        """

    async def write(self, service: str, user: str, secret: str) -> None:
        """
        Keep one.

        @raise ImapSyncError: if that is refused.
        """


class Keeping:
    """
    Asks a person for a place.

    @param secretFile: how the file for a password is called.
    @param ring: the keyring of the system, if it is to be asked.
    @param check: tries options, and says what is wrong with them.
    """

    def __init__(
        self,
        person: Person,
        secretFile: str,
        ring: Keyring | None,
        check: Callable[[Options], Awaitable[ImapSyncError | None]],
    ) -> None:
        self._person = person
        self._secretFile = secretFile
        self._ring = ring
        self._check = check

    async def kept(self, options: Options) -> tuple[Options, str]:
        """
        Options with which the password is found again.

        @return: and what the file for it is to hold; empty if there is none.
        """
        password = options["password"]
        bare = {name: one for name, one in options.items() if name != "password"}
        hasRing = self._ring is not None and await self._ring.isUsable()
        choices = {**_KEEP, **(_RING if hasRing else {})}
        while True:
            match await self._person.choose(_QUESTION, choices):
                case "c" if self._fits(password):
                    return options, ""
                case "k" if await self._isInRing(options):
                    return {**bare, "password": KEYRING}, ""
                case "p":
                    command = await self._person.ask("The command that prints it:")
                    found = {**bare, "password-command": command}
                    if await self._check(found) is None:
                        return found, ""
                case "f":
                    return {**bare, "password-file": self._secretFile}, password

    def _fits(self, password: str) -> bool:
        """
        Whether a configuration can hold it as it is.
        """
        fits = password == password.strip(" \t") and not password.startswith(KEYRING)
        if not fits:
            self._person.say("A configuration would take it for another one.")
        return fits

    async def _isInRing(self, options: Options) -> bool:
        """
        Whether the password is there now.
        """
        words = options["host"], options["username"], options["password"]
        try:
            if self._ring is not None:
                await self._ring.write(*words)
        except ImapSyncError as error:
            self._person.say(str(error))
            return False
        return True
