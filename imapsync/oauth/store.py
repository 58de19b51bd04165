"""
Where tokens are kept: L{Store}.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Protocol

from imapsync.oauth.tokens import Tokens, isAccess, isRefresh


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
            access, expires, refresh, identity = map(fields.get, Tokens._fields)
            if (
                (access == "" or isAccess(access))
                and (expires is None or isinstance(expires, (int, float)))
                and (refresh == "" or isRefresh(refresh))
                and isinstance(identity, str)
            ):
                return Tokens(str(access), expires, str(refresh), identity)
    return None
