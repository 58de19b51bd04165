"""
What is asked of the page, and what is answered.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

HTML = "text/html; charset=utf-8"
TEXT = "text/plain; charset=utf-8"


class Asked(NamedTuple):
    """
    A request.

    @ivar path: its parts.
    @ivar query: of what is given more than once, the first.
    @ivar form: likewise.
    @ivar headers: by their names in lower case.
    """

    method: str
    path: tuple[str, ...]
    query: Mapping[str, str]
    form: Mapping[str, str]
    headers: Mapping[str, str]

    @property
    def host(self) -> str:
        """
        What we are called.
        """
        return self.headers.get("host", "")

    def cookie(self, name: str) -> str:
        """
        One that a browser has.
        """
        # Others on this host, at whatever port, have theirs sent along, which need not
        # be as RFC 6265 wants them.
        for cookie in self.headers.get("cookie", "").split(";"):
            key, _, value = cookie.strip().partition("=")
            if key == name:
                return value
        return ""


class Answer(NamedTuple):
    """
    What is answered.

    @ivar kind: of C{body}.
    """

    status: int
    body: str | bytes = ""
    kind: str = HTML
    headers: Mapping[str, str] = {}


class Stream(NamedTuple):
    """
    What changes is told, as it does.

    @ivar name: the account that is of interest; C{None} for all.
    @ivar since: names the last change that is known there.
    """

    name: str | None
    since: str
