"""
What a server tells without being asked: the commands that ask it to (NOTIFY,
RFC 5465; IDLE, RFC 2177), and who hears it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from imapsync import names
from imapsync.errors import ProtocolViolation
from imapsync.imap.commands.base import Alone
from imapsync.imap.wire.responses import (
    Condition,
    Exists,
    Expunged,
    ListedMailbox,
    Response,
    StatusResponse,
    Vanished,
)
from imapsync.model import Listed, Status

#: All that makes two accounts differ.  Nothing is asked for the selected
#: mailbox: while one is selected, the server is silent about it.
_EVENTS = (
    b"(personal (MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange))"
)


class AccountListener(Protocol):
    """
    Hears what the server tells of an account's mailboxes without being asked.

    Names are as in L{Listed}; but one may come in a spelling that no LIST
    shows.  A name that is not known means: look at everything.
    """

    def statusReceived(self, name: str, status: Status) -> None:
        """
        Something changed in a mailbox; an item that was not told is 0.
        """

    def listReceived(self, listed: Listed, oldName: str) -> None:
        """
        A mailbox was created, deleted (C{\\NonExistent}), subscribed or
        unsubscribed; or renamed, from C{oldName} if that is not empty.

        The attributes need not be complete: ask for them.
        """

    def overflowed(self) -> None:
        """
        The server had too much to tell, and tells nothing any more, until it
        is asked to again; nobody knows what was missed.
        """


def told(listener: AccountListener, response: Response) -> None:
    """
    Tell C{listener} of a response that no command asked for.
    """
    if isinstance(response, StatusResponse):
        listener.statusReceived(names.unescaped(response.name), response.status)
    elif isinstance(response, ListedMailbox):
        listed, oldName = response.listed, names.unescaped(response.oldName)
        name = names.unescaped(listed.name)
        listener.listReceived(listed._replace(name=name), oldName)
    elif isinstance(response, Condition) and response.code == "NOTIFICATIONOVERFLOW":
        listener.overflowed()


class Notify(Alone):
    """
    NOTIFY for all mailboxes of the account, and the present STATUS of each.

    @ivar listener: hears them from now on.
    """

    def __init__(self, listener: AccountListener) -> None:
        super().__init__("NOTIFY", b"SET STATUS " + _EVENTS)
        self.listener = listener


class Idle(Alone):
    """
    IDLE: lasts until another command waits.

    @param changed: called when something happens in the selected mailbox.
    @ivar resting: whether the server is idling, and so owes nothing.
    """

    hears = True
    resting = False

    def __init__(self, changed: Callable[[], None]) -> None:
        super().__init__("IDLE")
        self.changed = changed

    def claim(self, response: Response) -> bool:
        if isinstance(response, (Exists, Expunged, Vanished)):
            self.changed()
            return True
        return False

    def begin(self) -> None:
        """
        The server agreed.

        @raise ProtocolViolation: if it does so twice.
        """
        if self.resting:
            raise ProtocolViolation("asked to go on with IDLE, which goes on")
        self.resting = True
