"""
RENAMEs of ours that may have been cut off: which of them were done.

A mailbox that a user renamed on one side is renamed on the other by us.  If the
database does not learn of that any more, it looks afterwards as if somebody had renamed
it there as well; and if the user has gone on meanwhile, as if two had wanted different
things of it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

from imapsync.model import Act, Known, Name, Side
from imapsync.names import isWithin
from imapsync.plan.account import Account
from imapsync.plan.identity import Places
from imapsync.plan.mailboxes import Directed, Subscribe, Unsubscribe
from imapsync.plan.outlook import Rename
from imapsync.plan.renameorder import isTemporary

#: What a server is asked for and may have done: new names by L{Known.id}.
Asked = Mapping[int, Name]


def arrivals(renames: Iterable[Rename], places: Mapping[int, Name]) -> Asked:
    """
    What mailboxes will be called on a side when it has done all of C{renames}, by
    their L{Known.id}; those that are taken along, too.

    @param places: what they are called there now.
    """
    after = dict(places)
    for step in renames:
        for one, name in after.items():
            if isWithin(name, step.old):
                after[one] = step.new + name[len(step.old) :]
    return {
        one: name
        for one, name in after.items()
        if name != places[one] and not isTemporary(name)
    }


class Concluded(NamedTuple):
    """
    What is known of them by now.

    @ivar names: what both sides called a mailbox, before a user went on.
    @ivar over: those of which nothing more is to be found out, by side.
    """

    names: Mapping[int, Name]
    over: Mapping[Side, Collection[int]]


def concluded(
    known: Collection[Known],
    places: Mapping[Side, Places],
    asked: Mapping[Side, Asked],
) -> Concluded:
    """
    Find out.

    @param places: where they are now.
    """
    names: dict[int, Name] = {}
    over: dict[Side, list[int]] = {side: [] for side in Side}
    for one in known:
        for side in Side:
            name = asked[side].get(one.id)
            if name is None or isTemporary(name):
                continue  # it is set aside
            if one.id in places[side].astray:
                continue
            here, there = (places[s].names.get(one.id) for s in (side, side.other))
            if here != name or one.id in places[side].remade or name == one.name:
                over[side].append(one.id)
            elif there != name:
                names[one.id] = name
            # Else both have it, as if nothing had been cut off.
    taken = {one.name for one in known if one.id not in names}
    free = {one: name for one, name in names.items() if name not in taken}
    return Concluded(free, over)


def subscriptions(
    known: Collection[Known],
    names: Mapping[int, Name],
    asked: Mapping[Side, Asked],
    accounts: Mapping[Side, Account],
) -> Iterator[Directed]:
    """
    What was cut off with them: subscriptions do not follow by themselves.

    @param names: as in L{Concluded}.
    @param accounts: with what is subscribed and no mailbox.
    """
    for one in known:
        name = names.get(one.id)
        for side, account in accounts.items():
            if name is None or not account.may(Act.SUBSCRIBE):
                continue
            if one.subscribed and name == asked[side].get(one.id):
                yield from () if account.subscribed(name) else (Subscribe(side, name),)
            if account.subscribed(one.name) and not account.has(one.name):
                yield Unsubscribe(side, one.name)
