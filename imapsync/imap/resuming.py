"""
Selecting mailboxes of a server that has no QRESYNC: what has changed is asked for right
behind SELECT.  That is all that has, where it tells mod-sequences (RFC 7162, 3.1); else
the flags of all messages, which are to be compared with what is known.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from twisted.internet.defer import Deferred, succeed
from twisted.python.failure import Failure

from imapsync.errors import Garbled, Refused
from imapsync.gather import together
from imapsync.imap.commands.account import Ahead
from imapsync.imap.commands.base import Command
from imapsync.imap.commands.mailbox import Select, Selected, Unselect
from imapsync.imap.commands.messages import Along, Since
from imapsync.imap.features import Features
from imapsync.imap.sight import Sight
from imapsync.model import Status
from imapsync.uidset import UidSet

T = TypeVar("T")


class Client(Protocol):
    """
    The connection.

    @ivar tacit: whether SELECT was seen to tell no UIDNEXT.
    """

    tacit: bool

    @property
    def features(self) -> Features:
        """
        What its server can do.
        """

    def perform(self, command: Command[T], /) -> Deferred[T]:
        """
        Send a command as soon as those before it allow.
        """

    def fall(self, why: str) -> None:
        """
        Ask for no mod-sequences any more.
        """

    def reportFlags(self, uids: UidSet, items: str) -> Deferred[object]:
        """
        Have the listener told the flags of C{uids}.
        """


async def selected(
    client: Client, make: Callable[[], Select], occupied: bool
) -> Selected:
    """
    Select a mailbox.  No answer tells where what is told of the one before ends
    (CLOSED), so that is left first.

    @param make: makes the command, behind which others may be sent at once.
    @param occupied: whether another mailbox is selected, or being selected.
    """
    if occupied:
        _leave(client)
    chosen = await _chosen(client, make())
    if chosen.mark.uidnext or client.tacit:
        return chosen
    # What comes after this is told is new: it must be told before the messages are.
    client.tacit = True
    return await selected(client, make, occupied=True)


async def glanced(client: Client, sight: Sight, occupied: bool) -> Selected:
    """
    Look at a mailbox that is only examined.
    """
    if occupied:
        _leave(client)
    choosing, *telling = map(client.perform, sight.commands)
    asked = [one.addErrback(_refusal) for one in telling]
    chosen, *told = await together([choosing, *asked])
    for one in told:
        if isinstance(one, Refused):
            raise one
    seen: Selected = chosen
    return seen._replace(partial=True) if sight.partial else seen


def _leave(client: Client) -> None:
    leaving = client.perform(Unselect("UNSELECT" in client.features))
    leaving.addErrback(_passOver)


async def _chosen(client: Client, select: Select) -> Selected:
    ahead: Deferred[Any] = succeed(Status())
    if client.tacit:
        ahead = client.perform(Ahead(select.mailbox, "UIDNEXT"))
    choosing = client.perform(select)
    along = _along(select)
    telling: Deferred[Any] = succeed(None)
    if along is not None:
        telling = client.perform(along).addErrback(_refusal)
    status, chosen, refused = await together([ahead, choosing, telling])
    if select.since and isinstance(refused, Refused) and refused.status == "BAD":
        if chosen.mark.modseq:
            client.fall(str(refused))
        chosen = chosen.untracked()
    elif isinstance(refused, Refused):
        raise refused
    elif along is not None and along.left:
        items = "(FLAGS MODSEQ)" if select.since else "(FLAGS)"
        await client.reportFlags(along.left, items)
    if not select.counts:
        chosen = chosen.untracked()
    uidnext = chosen.mark.uidnext or status.uidnext
    if client.tacit and not uidnext:
        raise Garbled("STATUS", "it tells no UIDNEXT")
    told: Selected = chosen._replace(mark=chosen.mark._replace(uidnext=uidnext))
    return told


def _along(select: Select) -> Along | None:
    """
    What is to be asked behind it.
    """
    if select.since:
        return Since(select.since)
    return Along(select.first) if select.first else None


def _refusal(failure: Failure) -> Refused:
    """
    The server would not tell: if it has not let us in before, that matters.
    """
    failure.trap(Refused)
    assert isinstance(failure.value, Refused)
    return failure.value


def _passOver(failure: Failure) -> None:
    """
    What is left of it.
    """
