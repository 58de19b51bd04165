"""
Who hears what a server tells: L{Dispatcher}.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

from imapsync.errors import ProtocolViolation
from imapsync.imap.allowance import Allowance
from imapsync.imap.commands.base import Command
from imapsync.imap.commands.mailbox import Leave, MailboxListener, Select, Unselect
from imapsync.imap.commands.messages import BodyReceiver, Fetch
from imapsync.imap.commands.notify import AccountListener, Idle, Notify, told
from imapsync.imap.wire.responses import (
    Capabilities,
    Condition,
    Continuation,
    Exists,
    Expunged,
    Other,
    Response,
    Row,
    Unreadable,
    Vanished,
)
from imapsync.model import Octets


class Session(Protocol):
    """
    Hears what is about the dialogue itself, and about no mailbox.
    """

    def conditionReceived(self, condition: Condition) -> None:
        """
        A status response, tagged or not.  Hand an untagged one back to
        L{Dispatcher.untagged} if it may be about a mailbox.
        """

    def continuationReceived(self, continuation: Continuation) -> None:
        """
        The server waits for more.
        """

    def capabilitiesReceived(self, capabilities: Capabilities) -> None:
        """
        The server told what it can do.
        """

    def otherReceived(self, response: Other) -> None:
        """
        A response that nobody else reads.
        """

    def skipped(self, response: Unreadable) -> None:
        """
        A response that nobody can read or needs.
        """


class Dispatcher:
    """
    Hands on what a server tells, straight from the parser, as its
    L{Receiver<imapsync.imap.wire.parser.Receiver>}: all about the selected mailbox
    to its listener, the rest to those commands in flight that asked for it, and
    what nobody asked for to the account's listener.

    With UIDs, who asked is certain: what belongs to one command is never
    given to another only because that was sent first.

    @ivar selected: the command that selected the present mailbox.
    @ivar notified: whether NOTIFY was ever sent: then servers may pass over, even
        at a NOOP, what happens in the selected mailbox.
    """

    def __init__(self, session: Session, allowance: Allowance | None = None) -> None:
        self.selected: Select | None = None
        self.notified = False
        self._session = session
        self._allowance = allowance or Allowance()
        self._listener: MailboxListener | None = None
        self._account: AccountListener | None = None
        self._hearing: dict[str, Command[Any]] = {}
        self._bodies: BodyReceiver | None = None

    @property
    def listening(self) -> bool:
        """
        Whether somebody listens to a mailbox, or to all of them.
        """
        return self._listener is not None or self._account is not None

    # What becomes of commands

    def started(self, command: Command[Any]) -> None:
        """
        C{command} is in flight.
        """
        if command.hears:
            self._hearing[command.tag] = command
        if isinstance(command, Notify):
            self._account = command.listener
            self.notified = True
        elif isinstance(command, Select) and self._nowhere:
            self._allowance.selected()
            self._listener = command.listener

    def finished(self, command: Command[Any], successful: bool) -> None:
        """
        C{command} is no longer in flight.

        @raise ProtocolViolation: if it is unknown which of two mailboxes the
            server has spoken of.
        """
        self._hearing.pop(command.tag, None)
        self._allowance.answered()
        if isinstance(command, Select):
            self._selected(command, successful)
        elif isinstance(command, Leave) and (
            successful or command.words or isinstance(command, Unselect)
        ):
            self._closed()
        elif isinstance(command, Notify) and not successful:
            self._account = None

    def _selected(self, select: Select, successful: bool) -> None:
        if not successful:
            self._closed()  # there is none to be left by the next
            return
        self.selected = select
        if self._listener is not select.listener:
            raise ProtocolViolation("another mailbox was selected without CLOSED")

    @property
    def _selecting(self) -> Iterator[Select]:
        """
        The mailboxes that are being selected, one after the other.
        """
        return (c for c in self._hearing.values() if isinstance(c, Select))

    @property
    def _nowhere(self) -> bool:
        return self.selected is None and len([*self._selecting]) == 1

    def reached(self, modseq: int) -> None:
        """
        The answer to a command told the selected mailbox's mod-sequence.
        """
        if self._listener is not None:
            self._listener.modseqReceived(modseq)

    def _closed(self) -> None:
        """
        What follows is about the mailbox that is being selected, if any
        (RFC 7162, 3.2.11).
        """
        select = next(self._selecting, None)
        self._allowance.selected()
        self._listener = None
        if select is not None:
            self._listener = select.listener
            select.closed()
        self.selected = None

    # What the server tells: L{imapsync.imap.wire.parser.Receiver}

    def responseReceived(self, response: Response) -> None:
        """
        Any response but FETCH.
        """
        self._allowance.response()
        if isinstance(response, Condition):
            self._session.conditionReceived(response)
        elif isinstance(response, Continuation):
            self._session.continuationReceived(response)
        elif isinstance(response, Capabilities):
            self._session.capabilitiesReceived(response)
        elif isinstance(response, Other):
            self._session.otherReceived(response)
        elif isinstance(response, Unreadable):
            self._unreadable(response)
        else:
            self.untagged(response)

    def _unreadable(self, response: Unreadable) -> None:
        """
        It costs the command whose answer it is a part of, if any.
        """
        for command in self._hearing.values():
            if response.kind in command.concerns:
                command.garbled = response.text
                return
        self._session.skipped(response)

    def untagged(self, response: Response) -> None:
        """
        A response for the selected mailbox, a command or the account.
        """
        if isinstance(response, Condition) and response.code == "CLOSED":
            self._closed()
        self._aboutMailbox(response)
        for command in self._hearing.values():
            if command.claim(response):
                return
        if self._account is not None:
            told(self._account, response)

    def _aboutMailbox(self, response: Response) -> None:
        """
        What is about the selected mailbox is for its listener.
        """
        if isinstance(response, Vanished):
            self._allowance.vanished(response.uids, response.earlier)
            if self._listener is not None:
                self._listener.vanished(response.uids, response.earlier)
        elif isinstance(response, Exists):
            self._allowance.exists(response.messages)
            if self._listener is not None:
                self._listener.existsReceived(response.messages)
        elif isinstance(response, Expunged):
            self._allowance.expunged()
            if self._listener is not None:
                self._listener.expungeReceived()

    def rowsReceived(self, rows: list[Row]) -> None:
        """
        FETCH rows; one that has a body is alone.
        """
        bodies, self._bodies = self._bodies, None
        if bodies is not None:
            bodies.bodyEnded(rows[0])
            return
        if self._listener is None:
            self._allowance.response(len(rows))
        else:
            self._allowance.rows(rows)
            self._listener.rowsReceived(rows)
        for command in list(self._hearing.values()):
            if isinstance(command, Idle):
                command.changed()
        # Nobody is told of these without asking for them, nor of no message at all.
        asked = [r for r in rows if r.uid and (r.size is not None or r.date)]
        for command in list(self._hearing.values()) if asked else ():
            if isinstance(command, Fetch) and command.rows is not None:
                theirs = [row for row in asked if command.wants(row.uid)]
                if theirs:
                    command.rows(theirs)
                    asked = [row for row in asked if not command.wants(row.uid)]

    def literalBegan(self, row: Row, size: int) -> bool:
        """
        A body, for whichever FETCH asked for it.

        @return: whether one did.
        """
        for command in self._hearing.values():
            if (
                isinstance(command, Fetch)
                and command.bodies is not None
                and command.wants(row.uid)
            ):
                command.begin()
                self._bodies = command.bodies
                command.bodies.bodyBegan(row, size)
                return True
        return False

    def literalReceived(self, piece: Octets) -> None:
        """
        Octets of a body.
        """
        if self._bodies is not None:
            self._bodies.bodyReceived(piece)

    def messagesReceived(self, messages: list[tuple[Row, Octets]]) -> None:
        """
        Bodies that came whole, for whichever FETCH asked for them; of others,
        the rows are still news.
        """
        for command in list(self._hearing.values()):
            if isinstance(command, Fetch) and command.bodies is not None:
                theirs, messages = command.sorted(messages)
                if theirs:
                    command.begin(len(theirs))
                    command.bodies.messagesReceived(theirs)
        if messages:
            self.rowsReceived([row._replace(section="") for row, _ in messages])
