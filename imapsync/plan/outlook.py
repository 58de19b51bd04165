"""
What is to become of mailboxes that were renamed or deleted on one side, as data.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from imapsync.model import Known, Name, Side, Trouble
from imapsync.names import shown
from imapsync.plan.account import Account
from imapsync.plan.mailboxes import Directed, applied
from imapsync.plan.renameorder import isTemporary


class Rename(NamedTuple):
    """
    Rename C{old}, and all below it, on C{side}.

    @ivar mailbox: its L{Known.id}.
    @ivar name: what the database calls it.
    """

    side: Side
    mailbox: int
    name: Name
    old: Name
    new: Name

    @property
    def final(self) -> bool:
        """
        Whether it is worth telling: neither an interlude, nor the way back.
        """
        return not isTemporary(self.new) and self.new != self.name

    def lines(self, name: Name) -> Iterator[tuple[str, str]]:
        """
        What a dry run says: each time, of which mailbox, and what.
        """
        if self.final:
            yield name, f"rename to {shown(self.new)} on {self.side}"


class Unlearn(NamedTuple):
    """
    Forget what was known of a mailbox: another one has its name.
    """

    def lines(self, name: Name) -> Iterator[tuple[str, str]]:
        """
        What a dry run says: each time, of which mailbox, and what.
        """
        yield name, "forget what was known of it"


class Delete(NamedTuple):
    """
    Delete a mailbox on C{side} that is gone from the other.
    """

    side: Side
    name: Name


class Outlook:
    """
    What to do before mailboxes are compared by their names.

    @ivar renames: on the servers, in this order.
    @ivar steps: once there are no renames.
    @ivar agreed: once there are no steps: what a mailbox is called on both
        sides, and whether it is subscribed, by L{Known.id}.
    @ivar forgotten: likewise, those that are to be new to the database.
    @ivar anew: those whose messages are to be paired again.
    @ivar lost: those that a side lost, though it hardly deleted them: they are
        left alone until they are there again, or are gone from the other too.
    @ivar kept: those that stay on a side though they are gone from the other, since
        they may not be deleted, or renamed, there.
    @ivar deletions: what is to be deleted in the end, children first.
    @ivar held: names that are left alone meanwhile.
    @ivar waiting: what is left undone if no deletion makes room for it.
    @ivar parted: those that cannot be renamed, since another mailbox has the
        name: it is to be planned again, see L{plan}.
    @ivar remarks: what the user may want to know.
    """

    def __init__(self) -> None:
        self.renames: list[Rename] = []
        self.steps: list[Directed] = []
        self.agreed: dict[int, tuple[Name, bool]] = {}
        self.forgotten: list[Known] = []
        self.anew: list[Known] = []
        self.lost: list[tuple[Known, Side]] = []
        self.kept: list[tuple[Known, Side]] = []
        self.deletions: list[Delete] = []
        self.held: set[Name] = set()
        self.troubles: list[Trouble] = []
        self.waiting: list[Trouble] = []
        self.parted: set[tuple[Side, int]] = set()
        self.remarks: list[str] = []

    def operations(self) -> Iterator[tuple[Name, Rename | Directed | Unlearn]]:
        """
        What is to be done now, in order, and of which mailboxes it tells.
        """
        yield from ((step.name, step) for step in self.renames)
        yield from ((step.name, step) for step in self.steps)
        yield from ((known.name, Unlearn()) for known in self.forgotten)

    def applied(self, accounts: Mapping[Side, Account]) -> Mapping[Side, Account]:
        """
        What is to be listed when that was done.
        """
        after = dict(accounts)
        for step in self.renames:
            after[step.side] = after[step.side].renamed(step.old, step.new)
        return applied(after, self.steps)
