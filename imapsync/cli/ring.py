"""
The keyring of the system, as a place for a password that was typed.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from imapsync.errors import NotMade


class Ring:
    """
    A keyring.  It may ask its user to unlock it, and take its time for that.

    @param backend: as the package C{keyring} has it.
    """

    def __init__(self, backend: Any) -> None:
        self._backend = backend

    def keep(self, service: str, user: str, password: str) -> None:
        """
        Keep the password of a user for a service.

        @raise NotMade: if that is refused.
        """
        try:
            self._backend.set_password(service, user, password)
        except Exception as error:  # noqa: BLE001 (backends raise what they like)
            text = str(error) or type(error).__name__
            raise NotMade(f"the keyring does not take it: {text}") from None


def ring() -> Ring | None:
    """
    That of the system, if it has one that can be used.
    """
    if find_spec("keyring") is None:
        return None
    import keyring

    try:
        backend = keyring.get_keyring()
        return Ring(backend) if backend.priority > 0 else None
    except Exception:  # noqa: BLE001 (backends raise what they like)
        return None
