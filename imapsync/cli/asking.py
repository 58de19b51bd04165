"""
Asking a person on a terminal.
"""

from __future__ import annotations

import getpass
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn, Protocol, TextIO

from imapsync.cli import terminal
from imapsync.display import line
from imapsync.errors import UsageError

_ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Person(Protocol):
    """
    Who answers questions.
    """

    def say(self, text: str) -> None:
        """
        Tell them something.
        """

    def ask(self, question: str, default: str = "") -> str:
        """
        A line, without the spaces at its ends; never empty.
        """

    def secret(self, question: str) -> str:
        """
        A line that is not shown, as it is typed.
        """

    def choose(self, question: str, choices: Mapping[str, str]) -> str:
        """
        One of these letters; the first by default.
        """


class Terminal:
    """
    A person at a terminal.  Whoever asks waits; signals that end the program end the
    question.

    @param source: where answers come from.
    @param target: where questions go.
    @param hide: reads what is not to be shown, given the question.
    """

    def __init__(
        self,
        source: TextIO,
        target: TextIO,
        hide: Callable[[str], str] = getpass.getpass,
    ) -> None:
        self._source = source
        self._target = target
        self._hide = hide

    def say(self, text: str) -> None:
        """
        Tell something.
        """
        terminal.say(text)

    def ask(self, question: str, default: str = "") -> str:
        """
        A line, without the spaces at its ends; never empty.

        @raise UsageError: if there comes none any more.
        """
        shown = f" [{line(default)}]" if default else ""
        while True:
            try:
                self._target.write(f"{line(question)}{shown} ")
                self._target.flush()
            except OSError:
                raise _left() from None
            if answer := self._answer() or default:
                return answer

    def secret(self, question: str) -> str:
        """
        A line that is not shown, as it is typed.

        @raise UsageError: if there comes none any more.
        """
        with _interruptible():
            try:
                return self._hide(f"{line(question)} ")
            except (EOFError, OSError):
                raise _left() from None

    def choose(self, question: str, choices: Mapping[str, str]) -> str:
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
            typed = self.ask(question, next(iter(choices))).lower()
            if typed[:1] in choices:
                return typed[:1]

    def _answer(self) -> str:
        with _interruptible():
            try:
                answer = self._source.readline()
            except UnicodeDecodeError:
                self.say("That is not UTF-8.")
                return ""
            except OSError:
                raise _left() from None
        if not answer:
            raise _left()
        return answer.strip()


def person() -> Terminal | None:
    """
    Who sits at the terminal, if the program has one.
    """
    source, target = sys.stdin, sys.stdout
    if source is None or target is None:
        return None
    if not source.isatty() or not target.isatty():
        return None
    return Terminal(source, target)


def _left() -> UsageError:
    return UsageError("nobody answers: the terminal was closed")


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


@contextmanager
def _interruptible() -> Iterator[None]:
    """
    Meanwhile, have signals that end the program raise C{KeyboardInterrupt}: nobody
    else can take them while an answer is waited for.
    """
    before = {number: signal.getsignal(number) for number in _ENDS}
    try:
        for number, handler in before.items():
            if handler != signal.SIG_IGN:
                signal.signal(number, _interrupt)
        yield
    finally:
        for number, handler in before.items():
            if handler is not None:
                signal.signal(number, handler)
