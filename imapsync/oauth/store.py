"""
Where tokens are kept: L{Store}.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Protocol

from imapsync.oauth.tokens import Tokens


class Store(Protocol):
    """
    A place for the tokens of one account at one server.

    @ivar where: what people call it.
    """

    where: str

    async def read(self) -> Tokens | None:
        """
        What is kept, if anything that can be read.

        @raise StateError: if nobody can look.
        """

    async def write(self, tokens: Tokens) -> None:
        """
        Keep these in place of what was kept: all of them, or nothing has changed.

        @raise StateError: if that is not possible.
        """


def written(tokens: Tokens) -> str:
    """
    Tokens as text.
    """
    return json.dumps({"version": 1, **tokens._asdict()}, indent=1) + "\n"


def parsed(text: str | bytes) -> Tokens | None:
    """
    Tokens of such a text; C{None} if it is none.
    """
    with suppress(ValueError, RecursionError):
        fields = json.loads(text)
        if isinstance(fields, dict) and fields.pop("version", None) == 1:
            expires = fields.get("expires")
            words = [fields.get(name) for name in ("access", "refresh", "identity")]
            if all(isinstance(word, str) for word in words) and (
                expires is None or isinstance(expires, (int, float))
            ):
                access, refresh, identity = map(str, words)
                return Tokens(access, expires, refresh, identity)
    return None
