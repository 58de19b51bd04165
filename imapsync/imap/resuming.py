"""
Selecting mailboxes of a server that tells mod-sequences, and has no QRESYNC: what has
changed is asked for right behind SELECT (RFC 7162, 3.1).
"""

from __future__ import annotations

from typing import Any, Protocol, TypeVar, cast

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from imapsync.gather import together
from imapsync.imap.commands.base import Command
from imapsync.imap.commands.mailbox import Select, Selected, Unselect
from imapsync.imap.commands.messages import Since
from imapsync.imap.features import Features
from imapsync.uidset import UidSet

T = TypeVar("T")


class Client(Protocol):
    """
    The connection.
    """

    @property
    def features(self) -> Features:
        """
        What its server can do.
        """

    def perform(self, command: Command[T], /) -> Deferred[T]:
        """
        Send a command as soon as those before it allow.
        """

    def reportFlags(self, uids: UidSet) -> Deferred[object]:
        """
        Have the listener told the flags of C{uids}.
        """

    def unselect(self) -> Deferred[None]:
        """
        Leave the selected mailbox.
        """


async def selected(client: Client, select: Select, occupied: bool) -> Selected:
    """
    Select a mailbox.  No answer tells where what is told of the one before ends
    (CLOSED), so that is left first.

    @param select: others may be sent right behind it.
    @param occupied: whether another mailbox is selected, or being selected.
    """
    if occupied:
        if "UNSELECT" in client.features:
            # If this is refused, so is what follows.
            client.perform(Unselect()).addErrback(_passOver)
        else:
            await client.unselect()
    if not select.since:
        return await client.perform(select)
    since = Since(select.since)
    commands: list[Command[Any]] = [select, since]
    chosen, _ = await together(map(client.perform, commands))
    if left := since.left:
        await client.reportFlags(left)
    return cast(Selected, chosen)


def _passOver(failure: Failure) -> None:
    """
    What is left of it.
    """
