"""
Who sits at the terminal, where something is asked of them.
"""

from __future__ import annotations

import os
import sys
import termios
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReadDescriptor
from twisted.python.failure import Failure
from zope.interface import implementer

from imapsync.cli.terminal import prompt, say
from imapsync.errors import StateError, UsageError

#: In octets: what is longer is no line.
_LONGEST = 64 * 1024

#: Stands for what is no UTF-8.
_UNREAD = "\ufffd"

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
    An L{EndUser<imapsync.oauth.flows.EndUser>}, who may answer questions besides.

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

    def isThere(self) -> bool:
        """
        Whether they see what is asked, and can answer.
        """
        return self._attended() and sys.stdout is not None and sys.stdout.isatty()

    def say(self, text: str) -> None:
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

    async def ask(self, question: str, default: str = "") -> str:
        """
        A line, without the spaces at its ends; never empty.

        @raise UsageError: if there comes none any more.
        """
        shown = f" [{default}]" if default else ""
        while True:
            if answer := (await self._answer(f"{question}{shown}")).strip() or default:
                return answer

    async def secret(self, question: str) -> str:
        """
        A line that is not shown, as it is typed.

        @raise UsageError: if there comes none any more.
        """
        with _unseen(self._descriptor):
            answer = await self._answer(question)
        say("")  # the end of the line was not shown, either
        return answer

    async def choose(self, question: str, choices: Mapping[str, str]) -> str:
        """
        One of these letters; the first by default.

        @raise UsageError: if there comes none any more.
        """
        if "y" in choices:
            told = (f"{letter}: {meaning}" for letter, meaning in choices.items())
            question = f"{question} ({', '.join(told)})"
        else:
            self.say(question)
            for letter, meaning in choices.items():
                self.say(f"  {letter}  {meaning}")
            question = "Choose:"
        while True:
            typed = (await self.ask(question, next(iter(choices)))).lower()
            if typed[:1] in choices:
                return typed[:1]

    async def _answer(self, question: str) -> str:
        while True:
            try:
                prompt(question)
            except StateError:
                raise _left() from None
            if self._descriptor is None:
                raise _left()
            reading = Line(self._reactor, self._descriptor, blank=True)
            answer = await reading.whole
            if reading.ended and not answer:
                raise _left()
            if _UNREAD not in answer:
                return answer
            self.say("That is not UTF-8.")

    def _attended(self) -> bool:
        return self._descriptor is not None and os.isatty(self._descriptor)


def _left() -> UsageError:
    return UsageError("nobody answers: the terminal was closed")


@contextmanager
def _unseen(descriptor: int | None) -> Iterator[None]:
    """
    Meanwhile, have a terminal not show what is typed.
    """
    if descriptor is None or not os.isatty(descriptor):
        yield
        return
    shown = termios.tcgetattr(descriptor)
    flags = shown[3] & ~termios.ECHO
    termios.tcsetattr(descriptor, termios.TCSAFLUSH, [*shown[:3], flags, *shown[4:]])
    try:
        yield
    finally:
        with suppress(termios.error):  # it may be gone
            termios.tcsetattr(descriptor, termios.TCSADRAIN, shown)


@implementer(IReadDescriptor)
class Line:
    """
    A line, read without having anybody else wait for it.

    @param blank: whether it may be; else it is read up to one that is not.
    @ivar ended: whether nothing will come after it.
    @ivar whole: fires with it, or with what there is of it at the end.  It can be
        cancelled.
    """

    def __init__(self, reactor: Any, descriptor: int, blank: bool = False) -> None:
        self.ended = False
        self.whole: Deferred[str] = Deferred(lambda _: self._leave())
        self._reactor = reactor
        self._descriptor = descriptor
        self._blank = blank
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
        self._octets += some
        if not self._blank:
            self._octets = self._octets.lstrip()
        self.ended = not some
        if not some or b"\n" in self._octets or len(self._octets) > _LONGEST:
            self._finish()

    def connectionLost(self, reason: Failure) -> None:
        """
        There comes no more.
        """
        self.ended = True
        self._finish()

    def _finish(self) -> None:
        self._leave()
        if not self.whole.called:
            octets = self._octets.partition(b"\n")[0]
            self.whole.callback(octets.decode("utf-8", "replace"))

    def _leave(self) -> None:
        self._reactor.removeReader(self)
