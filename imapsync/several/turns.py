"""
What is said of several accounts, one after the other: L{Turns}.
"""

from __future__ import annotations

from collections.abc import Iterable

from imapsync.cli.terminal import say


class Turns:
    """
    Has each account's lines wait until all is said of those before it.

    @param names: of the accounts, in their order.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._lines: dict[str, list[str]] = {name: [] for name in names}
        self._over: set[str] = set()

    def say(self, name: str, text: str) -> None:
        """
        Say something of an account, with its name in front if it is not there.

        @raise StateError: standard output takes none.
        """
        named = not name or text.startswith(f"{name}\n")
        self._lines[name].append(text if named else f"{name}: {text}")
        self._flush()

    def ended(self, name: str) -> None:
        """
        All is said of it.

        @raise StateError: standard output takes none.
        """
        self._over.add(name)
        self._flush()

    def _flush(self) -> None:
        for name, lines in list(self._lines.items()):
            while lines:
                say(lines.pop(0))
            if name not in self._over:
                return
            del self._lines[name]
