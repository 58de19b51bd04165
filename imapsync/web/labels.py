"""
What accounts and mailboxes are called before others: L{Labels}.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

#: Where a system has what no other one has, and what is nobody else's business
#: (machine-id(5)).
_MACHINE = Path("/etc/machine-id")

#: What else there is to say is in the log, with names in it.
HIDDEN = "names are hidden here: see the log"


class Labels:
    """
    Calls them by their names; or, where these are hidden, by words that tell nothing
    of them, are always the same, and cannot be found out by trying names.

    @param hidden: whether they are.
    @param key: what such words are made with.
    @ivar hidden: likewise.
    """

    def __init__(self, hidden: bool, key: bytes | None = None) -> None:
        self.hidden = hidden
        self._key = (machineKey() if key is None else key) if hidden else b""

    def account(self, name: str) -> str:
        """
        What an account is called.
        """
        return f"account-{self._word(name)}" if self.hidden else name

    def mailbox(self, account: str, name: str) -> str:
        """
        What a mailbox of an account is called.
        """
        return f"mailbox-{self._word(account, name)}" if self.hidden else name

    def title(self, title: str) -> str:
        """
        Whose mail it is.
        """
        return "" if self.hidden else title

    def text(self, text: str) -> str:
        """
        What went wrong: names may be anywhere in it.
        """
        return HIDDEN if self.hidden and text else text

    def meant(self, label: str, names: Iterable[str]) -> str:
        """
        Which of these accounts is called so.

        @raise KeyError: if none is.
        """
        for name in names:
            if self.account(name) == label:
                return name
        raise KeyError(label)

    def _word(self, *names: str) -> str:
        said = "\0".join(names).encode(errors="surrogatepass")
        return hmac.new(self._key, said, hashlib.sha256).hexdigest()[:12]


def machineKey(path: Path = _MACHINE) -> bytes:
    """
    A key that is always the same on this system, if that has an identity; and the same
    as long as the program runs, if not.
    """
    identity = b""
    with suppress(OSError):
        identity = path.read_bytes().strip()
    if not identity:
        identity = secrets.token_bytes(32)
    return hmac.new(identity, b"imapsync labels", hashlib.sha256).digest()
