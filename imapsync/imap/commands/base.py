"""
What all commands have in common.
"""

from __future__ import annotations

import re
from typing import Generic, Protocol, TypeVar

from imapsync.errors import Garbled, ProtocolViolation, Refused
from imapsync.imap.wire.arguments import Word
from imapsync.imap.wire.responses import Condition, Response

T = TypeVar("T")
T_contra = TypeVar("T_contra", contravariant=True)

#: What Dovecot appends to what it says: when that was, and how long it took.
_MOMENT = re.compile(r"( \[[0-9-]{10} [0-9:]{8}\])?( \([0-9. +]+ secs\)\.?)?$")


#: What is not sent again: it is done right after a look that says that it may be, or
#: takes more than one line, or changes the connection, or does not matter.
_ONCE = frozenset(
    (
        *("DELETE", "RENAME", "APPEND", "UID COPY", "IDLE", "AUTHENTICATE", "LOGIN"),
        *("STARTTLS", "COMPRESS", "LOGOUT", "CAPABILITY", "ID", "NOOP"),
    )
)


class Promise(Protocol[T_contra]):
    """
    What is told how a command ended, once: a C{Deferred} can be.
    """

    @property
    def called(self) -> bool:
        """
        Whether it was told.
        """

    def callback(self, result: T_contra, /) -> None:
        """
        The command has this result.
        """

    def errback(self, fail: Exception, /) -> None:
        """
        It failed.
        """


class Command(Generic[T]):
    """
    One command, from the moment it is asked for until its tagged response.

    @ivar alone: whether no other command may be in flight at the same time.
    @ivar follows: whether those that yield may be, though, if they were sent before.
    @ivar yields: whether what follows may select another mailbox.
    @ivar leads: whether other commands may be sent behind it, though.
    @ivar secret: whether its arguments stay out of the log.
    @ivar hears: whether untagged responses may be its own.
    @ivar concerns: kinds of responses without any of which its answer is not whole.
    @ivar garbled: such a one that cannot be read.
    @ivar delayed: whether the server asks for time, see L{Refused}.
    @ivar done: is told the command's result, or that it failed, as with L{Refused};
        set by who performs it.
    """

    alone = False
    follows = False
    yields = False
    leads = False
    secret = False
    hears = False
    concerns: frozenset[str] = frozenset()
    garbled = ""
    delayed = False
    tag = ""
    done: Promise[T]

    def __init__(self, name: str, *words: Word) -> None:
        """
        @raise ValueError: if a word would end the command.
        """
        for word in words:
            if isinstance(word, bytes) and (b"\r" in word or b"\n" in word):
                raise ValueError(f"a line break in {name}: {word!r}")
        self.name = name
        self.words = words

    def claim(self, response: Response) -> bool:
        """
        Take an untagged response, if it belongs to this command.
        """
        return False

    @property
    def repeatable(self) -> bool:
        """
        Whether it may be sent again, as it is, some time after it was refused.
        """
        return self.name not in _ONCE

    def restart(self) -> None:
        """
        It was refused, and will be sent once more.
        """
        self.garbled, self.delayed = "", False

    def continued(self, text: bytes) -> bytes:
        """
        The line that answers a continuation.
        """
        raise ProtocolViolation(f"asked to go on with {self.name}, which is complete")

    def finished(self, condition: Condition) -> None:
        """
        The tagged response came.
        """
        if condition.status != "OK":
            refused = refusal(self.name, condition)
            refused.delayed = self.delayed
            self.done.errback(refused)
            return
        try:
            result = self.result(condition)
        except ProtocolViolation as error:
            violation = ProtocolViolation(f"{self.name}: {error}")
            self.done.errback(violation)
            raise violation from error
        except ValueError as error:
            self.garbled = self.garbled or str(error)
        if self.garbled:
            self.done.errback(Garbled(self.name, self.garbled))
        else:
            self.done.callback(result)

    def fail(self, error: Exception) -> None:
        """
        There will be no tagged response.
        """
        if not self.done.called:
            self.done.errback(error)

    def result(self, condition: Condition) -> T:
        """
        What the command results in, once it is done.

        @raise ValueError: the answer makes no sense.
        @raise ProtocolViolation: there cannot be an answer now.
        """
        raise NotImplementedError


def refusal(name: str, condition: Condition) -> Refused:
    """
    The error that a tagged NO or BAD means.  The same refusal has the same text,
    whenever it comes.
    """
    text = _MOMENT.sub("", condition.text)
    return Refused(name, condition.status, condition.code, text)


class Simple(Command[Condition]):
    """
    A command of which only success matters.
    """

    def result(self, condition: Condition) -> Condition:
        return condition


class Alone(Simple):
    """
    The same, for commands that bear no other beside them.
    """

    alone = True
