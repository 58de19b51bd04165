"""
What outlives one sync when others follow it on the same connections: what was
seen, and what was tried in vain.

It tells whether a server's word is news: most of what a server says unasked is
an echo of what we did ourselves.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from imapsync.errors import MailboxError
from imapsync.mailbox.suspects import Avoided
from imapsync.model import Known, Listed, Mark, Name, Side, Status
from imapsync.plan.account import Account
from imapsync.plan.mailboxes import Create, dirty
from imapsync.plan.renameorder import isTemporary

#: So often a mailbox may fail until it is only tried when that is asked for:
#: what changes in it may be our own doing.
_PATIENCE = 5

#: What both servers told of a mailbox.
Told = Mapping[Side, Listed]


class Named:
    """
    The mailboxes that the user named, as far as they were met: by now they may
    be renamed, or gone.

    @ivar met: those that were there once.
    @ivar names: what mailboxes are called now, by the name that they had.
    """

    def __init__(self) -> None:
        self.met: set[Name] = set()
        self.names: dict[Name, Name] = {}


class Glances:
    """
    When mailboxes were looked at in which a server does not tell what has changed.

    @ivar whole: when all flags were compared, in seconds.
    @ivar window: when those of the newest messages were.
    @ivar unseen: how many messages were not seen then, as STATUS tells; not of those
        in which something may have been done since.
    @ivar misled: where SEARCH has told of changes that there were not, or could not
        tell.
    """

    def __init__(self) -> None:
        self.whole: dict[Name, float] = {}
        self.window: dict[Name, float] = {}
        self.unseen: dict[Name, Sequence[int]] = {}
        self.misled: set[tuple[Side, Name]] = set()


class History:
    """
    Of the syncs on two connections.

    @ivar accounts: what the servers listed last.
    @ivar scope: the mailboxes that are synced.
    @ivar made: on which side mailboxes were made that were not opened yet.
    @ivar avoided: steps that a server refused a while ago, on the connections before
        these as well.
    @ivar refused: those that are not to be taken again on these.
    @ivar tried: mailboxes in which what was refused before was tried again.
    @ivar stuck: mailboxes that a server would not rename.
    @ivar parted: mailboxes that it can only make anew where they are to be.
    @ivar remarks: what was remarked on.
    @ivar failures: how often a pass has failed over a mailbox.
    @ivar left: mailboxes with which a pass could not come to an end, and what
        was told of them then: as long as that is so, another would not either.
    @ivar named: what became of the mailboxes that the user named, on the
        connections before these as well.
    @ivar glances: which mailboxes were compared in full, likewise.
    @ivar doubted: mailboxes that are to be looked into, whatever STATUS tells.
    """

    def __init__(
        self,
        named: Named | None = None,
        glances: Glances | None = None,
        avoided: Avoided | None = None,
    ) -> None:
        self.accounts: Mapping[Side, Account] = {}
        self.scope: frozenset[Name] = frozenset()
        self.made: dict[Name, Side] = {}
        self.avoided = Avoided(lambda: 0.0) if avoided is None else avoided
        self.refused = {*self.avoided}
        self.tried: set[Name] = set()
        self.stuck: set[tuple[Side, int]] = set()
        self.parted: set[tuple[Side, int]] = set()
        self.remarks: set[str] = set()
        self.failures: Counter[Name] = Counter()
        self.left: dict[Name, Told] = {}
        self.named = Named() if named is None else named
        self.glances = Glances() if glances is None else glances
        self.doubted: set[Name] = set()

    def looked(self, accounts: Mapping[Side, Account], scope: frozenset[Name]) -> None:
        """
        This is how things are.
        """
        self.accounts = accounts
        self.scope = scope
        for name in set(self.left) - scope:
            del self.left[name]

    def isSame(self, accounts: Mapping[Side, Account]) -> bool:
        """
        Whether that is how things were when it was looked last.
        """
        return all(_gist(accounts[side]) == _gist(self.accounts[side]) for side in Side)

    def hopeless(self, name: Name, told: Told) -> bool:
        """
        Whether a pass was in vain, and nothing has happened since; or too many
        were.
        """
        same = self.left.get(name) == told and name not in self.doubted
        return same or self.failures[name] >= _PATIENCE

    def unfinished(self, name: Name, told: Told, failed: bool) -> None:
        """
        A pass changed nothing.  Either all is done, or it could not be.
        """
        self.left[name] = told
        if failed:
            self.failures[name] += 1

    def compared(self, name: Name, now: float) -> None:
        """
        A pass has compared all.
        """
        self.doubted.discard(name)
        self.glances.whole[name] = self.glances.window[name] = now
        self.glances.unseen.pop(name, None)

    def forgive(self) -> None:
        """
        What was in vain may be tried again.
        """
        self.refused.clear()
        self.avoided.clear()
        self.stuck.clear()
        self.parted.clear()
        self.tried.clear()
        self.left.clear()
        self.failures.clear()

    @property
    def uncreated(self) -> set[Name]:
        """
        The mailboxes that a server would not make.
        """
        return {step.name for step in self.refused if isinstance(step, Create)}

    def unsettled(self, known: Known) -> bool:
        """
        Whether there is something left to do in a mailbox, when all that could
        be done was done.
        """
        told = {
            side: account.listed[known.name]
            for side, account in self.accounts.items()
            if known.name in account.listed
        }
        return dirty(known, told) or known.name in {step.name for step in self.refused}

    def isClear(self, known: Mapping[Name, Known]) -> bool:
        """
        Whether there is nothing left to do, and nothing that another run would have to
        tell again.

        @param known: what the database knows.
        """
        return not (
            (self.refused or self.stuck or self.parted or self.remarks)
            or self.scope - known.keys()
            or any(self.unsettled(known[name]) for name in self.scope)
        )

    def shared(self, side: Side, spelled: str) -> Name | None:
        """
        The name of a mailbox of which a server speaks.

        @return: C{None}, if it has none.
        """
        try:
            return self.accounts[side].naming.toShared(spelled)
        except MailboxError:
            return None

    def isListNews(self, side: Side, told: Listed, oldName: str) -> bool:
        """
        Whether a server's unasked word of a mailbox as a whole is news.

        @param oldName: what it was called before, if it was renamed.  It may be
            that both names are as well known as before: two were swapped.
        """
        name = self.shared(side, told.name)
        if name is None or isTemporary(name):
            return False  # we have given it that name
        if oldName:
            return True
        account = self.accounts[side]
        before = account.listed.get(name)
        there = before is not None and before.selectable
        now = (told.selectable, told.subscribed)
        return now != (there, account.subscribed(name))

    def isStatusNews(
        self, side: Side, name: Name, told: Status, known: Known | None
    ) -> bool:
        """
        Whether a server's unasked word of a mailbox's content is news.

        @param told: an item that was not told is 0.
        @param known: what the database knows of the mailbox.
        """
        listed = self.accounts[side].listed.get(name)
        if name not in self.scope:
            return listed is None
        seen = known.marks.get(side) if known else None
        latest = listed.mark if listed else None
        return not (_same(told, seen) or _same(told, latest))


def _gist(account: Account) -> Mapping[Name, object]:
    """
    What matters of a list.
    """
    return {
        name: (box.selectable, box.subscribed, box.status)
        for name, box in account.listed.items()
    }


def _same(told: Status, mark: Mark | None) -> bool:
    """
    Whether C{told} says no more than C{mark}.
    """
    return mark is not None and (
        told.modseq == mark.modseq
        and told.uidnext in (0, mark.uidnext)
        and told.uidvalidity in (0, mark.uidvalidity)
    )
