"""
Who sits at the terminal, where something is asked of them.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReadDescriptor
from twisted.python.failure import Failure
from zope.interface import implementer

from imapsync.cli.terminal import say

#: In octets: what is longer is no line.
_LONGEST = 64 * 1024

#: Where there is one of these, there is a screen.
_SCREENS = ("DISPLAY", "WAYLAND_DISPLAY")


def _opened(page: str) -> None:
    """
    Open a page, in a thread: some browsers end only when their user wants it.
    """
    import webbrowser  # here, because few runs need them
    from threading import Thread

    def show() -> None:
        with suppress(OSError, webbrowser.Error):
            webbrowser.open(page)

    Thread(target=show, daemon=True).start()


class Person:
    """
    A L{Person<imapsync.oauth.flows.Person>}.

    @param reactor: provides C{IReactorFDSet}.
    @param descriptor: what they type comes from there; C{None} if from nowhere.
    @param open: opens a page in a browser.
    """

    def __init__(
        self,
        reactor: Any,
        environ: Mapping[str, str],
        descriptor: int | None = 0,
        open: Callable[[str], None] = _opened,  # noqa: A002 (what it does)
    ) -> None:
        self._reactor = reactor
        self._environ = environ
        self._descriptor = descriptor
        self._open = open

    def tell(self, text: str) -> None:
        """
        Have them read some lines.
        """
        say(text)

    def show(self, page: str) -> None:
        """
        Open a page in their browser, if they have a screen or have named a browser.
        """
        screen = any(map(self._environ.get, _SCREENS)) or sys.platform == "darwin"
        if self._environ.get("BROWSER") or (screen and self._attended()):
            self._open(page)

    def typed(self, needed: bool) -> Deferred[str] | None:
        """
        Wait for a line; for nothing, if it is not needed and there is no terminal.
        """
        if self._descriptor is None or not (needed or self._attended()):
            return None
        return Line(self._reactor, self._descriptor).whole

    def _attended(self) -> bool:
        return self._descriptor is not None and os.isatty(self._descriptor)


@implementer(IReadDescriptor)
class Line:
    """
    A line that is not blank, read without having anybody wait for it.

    @ivar whole: fires with it, or with what there is of it at the end.  It can be
        cancelled.
    """

    def __init__(self, reactor: Any, descriptor: int) -> None:
        self.whole: Deferred[str] = Deferred(lambda _: self._leave())
        self._reactor = reactor
        self._descriptor = descriptor
        self._octets = b""
        reactor.addReader(self)

    def fileno(self) -> int:
        """
        Where it comes from.
        """
        return self._descriptor

    def logPrefix(self) -> str:
        """
        What a reactor calls it.
        """
        return "typed"

    def doRead(self) -> None:
        """
        Some of it has come.
        """
        try:
            some = os.read(self._descriptor, 4096)
        except OSError:  # a terminal that is gone, or not ours just now
            some = b""
        self._octets = (self._octets + some).lstrip()
        if not some or b"\n" in self._octets or len(self._octets) > _LONGEST:
            self._finish()

    def connectionLost(self, reason: Failure) -> None:
        """
        There comes no more.
        """
        self._finish()

    def _finish(self) -> None:
        self._leave()
        if not self.whole.called:
            line = self._octets.partition(b"\n")[0]
            self.whole.callback(line.decode("utf-8", "replace"))

    def _leave(self) -> None:
        self._reactor.removeReader(self)
