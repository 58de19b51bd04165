"""
Where a password that was typed is to be kept.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from imapsync.cli.asking import Person
from imapsync.cli.given import Options
from imapsync.errors import ImapSyncError

_KEEP = {
    "f": "in a file of its own, that only you can read",
    "c": "in the configuration, that only you can read",
    "p": "nowhere here: a command will tell it (password-command)",
}
_RING = {"k": "in the keyring of the system, which has to be open then"}

#: What a configuration has in place of a password that a keyring keeps.
_IN_RING = "keyring:"


class Keyring(Protocol):
    """
    Who keeps passwords.
    """

    def keep(self, service: str, user: str, password: str) -> None:
        """
        Keep one.

        @raise ImapSyncError: if that is refused.
        """


class Keeping:
    """
    Asks a person for a place.

    @param secretFile: how the file for a password is called.
    @param ring: may keep passwords, if there is one.
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
        choices = {**_KEEP, **(_RING if self._ring else {})}
        while True:
            match self._person.choose("Where is the password to be kept?", choices):
                case "c" if self._fits(password):
                    return options, ""
                case "k" if self._isInRing(options):
                    return {**bare, "password": _IN_RING}, ""
                case "p":
                    command = self._person.ask("The command that prints it:")
                    found = {**bare, "password-command": command}
                    if await self._check(found) is None:
                        return found, ""
                case "f":
                    return {**bare, "password-file": self._secretFile}, password

    def _fits(self, password: str) -> bool:
        """
        Whether a configuration can hold it as it is.
        """
        fits = password == password.strip(" \t") and not password.startswith(_IN_RING)
        if not fits:
            self._person.say("A configuration would take it for another one.")
        return fits

    def _isInRing(self, options: Options) -> bool:
        """
        Whether the password is there now.
        """
        words = options["host"], options["username"], options["password"]
        try:
            if self._ring is not None:
                self._ring.keep(*words)
        except ImapSyncError as error:
            self._person.say(str(error))
            return False
        return True
