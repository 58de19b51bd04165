"""
Mailboxes that were renamed or deleted on one side: what is to become of them
on the other.

A three-way comparison of where each known mailbox is on both sides, and what
it was called when both last agreed.  It only decides; nothing here talks to a
server.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from imapsync.model import Act, Known, Name, Side, Trouble
from imapsync.names import shown
from imapsync.plan.account import Account
from imapsync.plan.alone import mayDelete, stays
from imapsync.plan.identity import Places, likely, traceable
from imapsync.plan.mailboxes import Subscribe, Unsubscribe
from imapsync.plan.outlook import Delete, Outlook, Rename
from imapsync.plan.renameorder import Renaming, below, isTemporary, route
from imapsync.plan.selection import Selection


def plan(
    accounts: Mapping[Side, Account],
    known: Collection[Known],
    selection: Selection,
    places: Mapping[Side, Places],
    stuck: Collection[tuple[Side, int]] = (),
    parted: Collection[tuple[Side, int]] = (),
) -> Outlook:
    """
    Compare.

    @param stuck: mailboxes that a server would not rename.
    @param parted: those that it cannot: what is on the other side is to be
        another mailbox, to which the messages move.
    """
    planner = _Planner(accounts, known, selection, places, stuck, parted)
    for one in traceable(known):
        planner.consider(one)
    for one in known:
        if one.alone is not None:
            planner.considerAlone(one, one.alone)
    for side in Side:
        planner.order(side)
    planner.outlook.deletions.sort(key=lambda one: one.name.split("/"), reverse=True)
    planner.findLeftovers(known)
    return planner.outlook


class _Planner:
    """
    Plans for one mailbox after another.
    """

    def __init__(
        self,
        accounts: Mapping[Side, Account],
        known: Collection[Known],
        selection: Selection,
        places: Mapping[Side, Places],
        stuck: Collection[tuple[Side, int]],
        parted: Collection[tuple[Side, int]],
    ) -> None:
        self.outlook = Outlook()
        self._parted = parted
        self._accounts = accounts
        self._known = {one.id: one for one in known}
        self._selection = selection
        self._places = places
        self._stuck = stuck
        self._wishes: dict[Side, dict[int, Name]] = {side: {} for side in Side}
        self._doomed: set[int] = set()

    def consider(self, known: Known) -> None:
        """
        What becomes of this one.
        """
        if self._settled(known):
            for wishes in self._wishes.values():
                wishes[known.id] = known.name
            return
        at = {
            s: p.names[known.id] for s, p in self._places.items() if known.id in p.names
        }
        names = {known.name, *at.values()}
        if any(a.leftAlone(name) for a in self._accounts.values() for name in names):
            return
        covered = any(map(self._covers, names, [known] * len(names)))
        for side, number in self._parted:
            # Once it has been made again by its old name, that is over.
            if number == known.id and at.get(side.other) not in (None, at.get(side)):
                self._subscribe(known, side.other, at.pop(side.other))
        astray = {
            s: p.astray[known.id]
            for s, p in self._places.items()
            if known.id in p.astray
        }
        if astray:
            self._astray(known, astray, names, covered)
        elif len(at) == len(Side):
            self._present(known, at, covered)
        elif covered and at:
            [(side, name)] = at.items()
            self._gone(known, side, name)
        elif covered:
            self._goneFromBoth(known)

    def considerAlone(self, known: Known, side: Side) -> None:
        """
        It stays on C{side}, where it could not be deleted so far.
        """
        if stays(known, self._accounts):
            self.outlook.held.add(known.name)
            if self._mayDelete(side, known.name) and self._covers(known.name, known):
                self._delete(known, side)

    def _mayDelete(self, side: Side, name: Name) -> bool:
        account = self._accounts[side]
        return name in account.listed and mayDelete(account, account.listed[name])

    def _delete(self, known: Known, side: Side) -> None:
        self._doomed.add(known.id)
        self.outlook.deletions.append(Delete(side, known.name))

    def _settled(self, known: Known) -> bool:
        """
        Whether it is where it was, on both sides, as nearly all of them are.
        """
        name = known.name
        return (
            all(
                places.names.get(known.id) == name and known.id not in places.remade
                for places in self._places.values()
            )
            and not any(a.leftAlone(name) for a in self._accounts.values())
            and not isTemporary(name)
        )

    def _astray(
        self, known: Known, astray: Mapping[Side, str], names: set[Name], covered: bool
    ) -> None:
        """
        It cannot be told where it is.
        """
        self.outlook.held |= names
        told = any(
            known.name in account.contested for account in self._accounts.values()
        )
        if covered and not told:
            for side, reason in astray.items():
                self._leave(known, side, reason)

    def _present(self, known: Known, at: Mapping[Side, Name], covered: bool) -> None:
        """
        It is on both sides.
        """
        remade = {side for side in Side if known.id in self._places[side].remade}
        if remade and len(set(at.values())) > 1:
            # Renamed here, made anew there: these are two mailboxes.
            for side in set(Side) - remade:
                self._separate(known, side, at[side])
        elif any(self._replaced(known, side) for side in remade):
            self.outlook.anew.append(known)
        elif len(set(at.values())) == 1 and not isTemporary(name := at[Side.LOCAL]):
            if name != known.name:
                self._agree(known, name, covered)
            for side in Side:
                self._wishes[side][known.id] = name
        elif covered:
            self._rename(known, at)

    def _replaced(self, known: Known, side: Side) -> bool:
        """
        Whether another mailbox has its name, as UIDVALIDITY does not show.
        """
        box = self._accounts[side].listed.get(known.name)
        return box is not None and likely(known, side, box)

    def _agree(self, known: Known, name: Name, covered: bool) -> None:
        """
        It has the same new name on both sides: so are the subscriptions to be.
        """
        accounts = self._accounts.values()
        wanted = known.subscribed or any(one.subscribed(name) for one in accounts)
        # Where a side may not be subscribed, they do not agree on it.
        can = all(one.subscribed(name) or one.may(Act.SUBSCRIBE) for one in accounts)
        self.outlook.agreed[known.id] = (name, wanted and can)
        if not covered:
            return
        for side in Side:
            if wanted:
                self._subscribeTo(side, name)
            self._unsubscribe(side, known.name)

    def _unsubscribe(self, side: Side, name: Name) -> None:
        """
        Nobody is to be subscribed to a mere name that was a mailbox.
        """
        account = self._accounts[side]
        if (
            account.subscribed(name)
            and not account.has(name)
            and account.may(Act.SUBSCRIBE)
        ):
            self.outlook.steps.append(Unsubscribe(side, name))

    def _rename(self, known: Known, at: Mapping[Side, Name]) -> None:
        """
        It has different names.  A side that has the old one, or a temporary
        one, has no say in it; of two new ones, the remote's counts, but for
        where a side may not be renamed.
        """
        told = {s: n for s, n in at.items() if n != known.name and not isTemporary(n)}
        winner = max(told, key=self._weight, default=None)
        name = told[winner] if winner else known.name
        if len(told) > 1 and winner:
            loser = winner.other
            self.outlook.remarks.append(
                f'{shown(known.name)}: renamed to "{shown(told[loser])}" on {loser}'
                f' and to "{shown(name)}" on {winner}, which counts'
            )
        for side in Side:
            account = self._accounts[side]
            if at[side] == name:
                continue
            if not (account.may(Act.RENAME) or isTemporary(at[side])):
                self._part(known, side, at)
                return
            if reason := account.obstacle(name):
                self._refuse(known, side, name, reason, self.outlook.troubles)
                return
        for side in Side:
            self._wishes[side][known.id] = name
            if at[side] != name and (side, known.id) in self._stuck:
                self.outlook.held |= {known.name, *at.values()}
                del self._wishes[side][known.id]

    def _weight(self, side: Side) -> tuple[bool, bool]:
        return not self._accounts[side].may(Act.RENAME), side is Side.REMOTE

    def _part(self, known: Known, side: Side, at: Mapping[Side, Name]) -> None:
        """
        It may not be renamed on C{side}: what the other has is another mailbox.
        """
        if at[side] == known.name:
            self._keep(known, side)
        else:
            for one in Side:
                self._subscribe(known, one, at[one])
                self._unsubscribe(one, known.name)
            self.outlook.forgotten.append(known)

    def _keep(self, known: Known, side: Side) -> None:
        """
        It is on C{side} only, and stays there.
        """
        self._unsubscribe(side.other, known.name)
        self.outlook.kept.append((known, side))

    def _gone(self, known: Known, side: Side, name: Name) -> None:
        """
        It is on C{side} only.
        """
        self.outlook.held |= {known.name, name}
        places, other = self._places[side], self._places[side.other]
        if known.id in places.remade:
            self.outlook.anew.append(known)
        elif isTemporary(name):
            self._giveBack(known, side, name)
        elif name != known.name:
            # Deleted here, renamed there: it is made again by its new name.
            self._separate(known, side, name)
        elif not self._mayDelete(side, name):
            self._keep(known, side)
        elif not other.anchored and known.id not in other.names:
            self.outlook.lost.append((known, side.other))
        else:
            self._delete(known, side)

    def _giveBack(self, known: Known, side: Side, name: Name) -> None:
        """
        It has a temporary name, and is to have its own again.
        """
        if (side, known.id) in self._parted:
            text = f'it is "{shown(name)}" on {side}, where another has its name'
            self._leave(known, side.other, text)
        elif (side, known.id) not in self._stuck:
            self._wishes[side][known.id] = known.name

    def _separate(self, known: Known, side: Side, name: Name) -> None:
        """
        What was renamed on C{side} is a mailbox of its own from now on; it stays
        subscribed.
        """
        self._subscribe(known, side, name)
        for one in Side:
            self._unsubscribe(one, known.name)
        self.outlook.forgotten.append(known)

    def _subscribe(self, known: Known, side: Side, name: Name) -> None:
        if known.subscribed:
            self._subscribeTo(side, name)

    def _subscribeTo(self, side: Side, name: Name) -> None:
        account = self._accounts[side]
        if not account.subscribed(name) and account.may(Act.SUBSCRIBE):
            self.outlook.steps.append(Subscribe(side, name))

    def _goneFromBoth(self, known: Known) -> None:
        self.outlook.held.add(known.name)
        if all(places.anchored for places in self._places.values()):
            for side in Side:
                self._unsubscribe(side, known.name)
        self.outlook.forgotten.append(known)

    def _leave(self, known: Known, side: Side, reason: str) -> None:
        text = f"vanished from {side}; left alone: {reason}"
        self.outlook.troubles.append(Trouble(known.name, text))

    def _refuse(
        self, known: Known, side: Side, name: Name, reason: str, into: list[Trouble]
    ) -> None:
        """
        It cannot be renamed.
        """
        places = (places.names.get(known.id, name) for places in self._places.values())
        self.outlook.held |= {known.name, name, *places}
        text = f'cannot be renamed to "{shown(name)}" on {side}, as on {side.other}'
        into.append(Trouble(known.name, f"{text}: {reason}"))

    def order(self, side: Side) -> None:
        """
        Find an order of the renames on C{side}.
        """
        account, places = self._accounts[side], self._places[side].names
        ours = set(places.values())
        others = {
            name
            for name, box in account.listed.items()
            if name not in ours and box.selectable
        }
        wishes = self._wishes[side]
        found = route(places, wishes, others | account.contested)
        self.outlook.renames += [self._step(side, one) for one in found.renamings]
        for one in found.stuck:
            self._blocked(side, one, found.culprit(one))

    def _step(self, side: Side, one: Renaming) -> Rename:
        name = self._known[one.mailbox].name
        return Rename(side, one.mailbox, name, one.old, one.new)

    def _blocked(self, side: Side, one: int, culprit: int | None) -> None:
        """
        One cannot have its name, since another mailbox has it.
        """
        known, name = self._known[one], self._wishes[side][one]
        if culprit is None and name not in self._accounts[side].contested:
            self.outlook.parted.add((side, one))
            return
        self._refuse(
            known,
            side,
            name,
            f'there is another mailbox "{shown(name)}"',
            self.outlook.waiting if culprit in self._doomed else self.outlook.troubles,
        )

    def _covers(self, name: Name, known: Known) -> bool:
        accounts = self._accounts.values()
        subscribed = any(account.subscribed(name) for account in accounts)
        return self._selection.covers(name, known.subscribed or subscribed)

    def findLeftovers(self, known: Iterable[Known]) -> None:
        """
        Temporary names are ours to remove, unless it is not known any more
        whose they were.
        """
        for side, account in self._accounts.items():
            ours = set(self._places[side].names.values())
            for name, box in account.listed.items():
                if not isTemporary(name):
                    continue
                self.outlook.held.add(name)
                kept = any(name == one or below(name, one) for one in ours)
                if box.selectable and not kept:
                    text = (
                        f"{side}: left over by an interrupted run; rename or delete it"
                    )
                    self.outlook.troubles.append(Trouble(name, text))
