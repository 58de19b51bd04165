"""
Files that all pages share: how they look, and what they do in a browser.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import NamedTuple

_KINDS = {
    "page.css": "text/css; charset=utf-8",
    "page.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}


class File(NamedTuple):
    """
    One of them.
    """

    kind: str
    text: str


class Static:
    """
    All of them.

    @ivar version: another one if one of them changes.
    """

    def __init__(self) -> None:
        folder = Path(__file__).parent
        self._files = {
            name: File(kind, (folder / name).read_text("utf-8"))
            for name, kind in _KINDS.items()
        }
        whole = "".join(file.text for file in self._files.values())
        self.version = hashlib.sha256(whole.encode()).hexdigest()[:12]

    def get(self, name: str) -> File | None:
        """
        One of them, if it is there.
        """
        return self._files.get(name)
