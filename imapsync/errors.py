"""
Every error that imapsync raises, each with the exit code that it means.

The text of an error is the line its user reads: what is wrong, where, and
what to do.  Exit codes follow C{sysexits.h} and are promised in the manual.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from imapsync.model import Side


class ImapSyncError(Exception):
    """
    The root of all errors that are about the user's world, not about a bug.

    @cvar code: the exit code of a program that ends with this error.
    """

    code = 70


class UsageError(ImapSyncError):
    """
    The command line is wrong.
    """

    code = 64


class NotFound(ImapSyncError):
    """
    A mailbox or a configuration file that was named does not exist.
    """

    code = 66


class ConfigError(ImapSyncError):
    """
    The configuration is wrong.
    """

    code = 78


class StateError(ImapSyncError):
    """
    The database cannot be used.
    """

    code = 74


class StateDamaged(StateError):
    """
    The database is damaged, no database, or of a newer version.
    """

    code = 65


class StateUnavailable(StateError):
    """
    The database cannot be created, or another instance holds it.
    """

    code = 73


class NoDatabase(StateUnavailable):
    """
    There is no database to be looked into.
    """


class OtherAccounts(StateError):
    """
    The database was made for other accounts than those that were thought to be
    its own: these have another one.
    """


class NotMade(ImapSyncError):
    """
    A configuration cannot be written, or is there already.
    """

    code = 73


class MissingCapability(ImapSyncError):
    """
    A server lacks a capability without which mail cannot be kept exact.
    """

    code = 69


class Lost(ImapSyncError):
    """
    A server could not be reached, went away, or stopped answering.  Retried.

    @cvar blameless: whether no message that was under way can be why.
    """

    code = 75
    blameless = False


class Later(Lost):
    """
    A server wants to be left alone for a while.

    @ivar seconds: for how long at least; 0 if that is not known.
    """

    blameless = True

    def __init__(self, text: str, seconds: float = 0.0) -> None:
        super().__init__(text)
        self.seconds = seconds


class Expired(Lost):
    """
    A server ended a session that has lasted long enough for it: nothing is wrong.
    """

    blameless = True


class Misread(Lost):
    """
    A server called a command BAD of which it may have taken a part for commands.
    The connection was dropped at once.
    """


class ProtocolViolation(ImapSyncError):
    """
    A server broke the protocol.
    """

    code = 76


class Distrusted(ImapSyncError):
    """
    Authentication, TLS verification or a fingerprint check failed.
    """

    code = 77


class TurnedAway(Distrusted):
    """
    A login was refused, and the server does not say that it was because of the
    credentials.  It may be otherwise at another time.
    """


class Denied(ImapSyncError):
    """
    A server that let us in before, in the same run, does not any more: because of
    something that would end the run if it had been so from the start.

    @ivar passing: whether it may well be otherwise soon.
    """

    def __init__(self, reason: ImapSyncError) -> None:
        super().__init__(str(reason))
        self.code = reason.code
        self.passing = isinstance(reason, TurnedAway)


class Refused(ImapSyncError):
    """
    A server answered NO or BAD to a command.

    @ivar status: C{"NO"} or C{"BAD"}.
    @ivar responseCode: the response code's name in upper case, such as
        C{"OVERQUOTA"}, or an empty string (RFC 9051, 7.1).
    @ivar text: what the server said to people.
    @ivar delayed: whether that is because the server asks for time, which it is
        given before anything else is asked of it.
    """

    code = 76
    delayed = False

    def __init__(self, command: str, status: str, responseCode: str, text: str) -> None:
        self.command = command
        self.status = status
        self.responseCode = responseCode
        self.text = text
        bracket = f"[{responseCode}] " if responseCode else ""
        super().__init__(f"{command} was refused: {status} {bracket}{text}".rstrip())


class Garbled(Refused):
    """
    A server said OK to a command, but a part of its answer, whole on the wire,
    cannot be understood: it costs what the command was about, as a refusal does.
    """

    def __init__(self, command: str, text: str) -> None:
        super().__init__(command, "OK", "GARBLED", text)  # no server has this code
        self.args = (f"{command}: a part of the answer cannot be read: {text}",)


class MailboxError(ImapSyncError):
    """
    One mailbox cannot be synced; the others can.

    @ivar side: whose doing it is, if it is that of one side.
    @ivar responseCode: as L{Refused.responseCode}, if a server refused something.
    """

    code = 1

    def __init__(
        self, text: str, side: Side | None = None, responseCode: str = ""
    ) -> None:
        super().__init__(f"{side}: {text}" if side else text)
        self.text = text
        self.side = side
        self.responseCode = responseCode


class Displaced(MailboxError):
    """
    The mailbox is not by its name any more, or another one has it: where they
    are must be found out again.
    """


class MassDeletion(ImapSyncError):
    """
    More messages would be removed than the brake allows.
    """

    code = 1


class Feedback(ImapSyncError):
    """
    Copying feeds on itself: what was copied to one side is copied back, and so on.
    """

    code = 1
