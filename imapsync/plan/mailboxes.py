"""
All mailboxes of the two accounts: which are to be made, subscribed or
unsubscribed, before any of them is opened.

A three-way comparison of what each server lists and what the database knows.
It only decides; nothing here talks to a server.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import ClassVar, Final, NamedTuple

from imapsync.model import Act, Known, Listed, Mark, Name, Side, Status, Trouble
from imapsync.names import INBOX, shown
from imapsync.plan.account import Account
from imapsync.plan.selection import Selection
from imapsync.uidset import UidSet


class _Directed:
    """
    A step for one side.

    @cvar act: what has to be allowed for it.
    @cvar verb: the command (RFC 9051, 6.3).
    @cvar done: what it is when it was taken.
    """

    act: ClassVar[Act]
    verb: ClassVar[str]
    done: ClassVar[str]

    def __init__(self, side: Side, name: Name) -> None:
        self.side: Final = side
        self.name: Final = name

    def __eq__(self, other: object) -> bool:
        return isinstance(other, type(self)) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash((self.verb, self.side, self.name))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.side!r}, {self.name!r})"

    def __str__(self) -> str:
        return f"{self.done} on {self.side}"

    def lines(self, name: Name) -> Iterator[tuple[str, str]]:
        """
        What a dry run says: each time, of which mailbox, and what.
        """
        yield name, f"{self.verb.lower()} on {self.side}"


class Create(_Directed):
    """
    Make a mailbox on C{side}.
    """

    act, verb, done = Act.CREATE, "CREATE", "created"


class Subscribe(_Directed):
    """
    Subscribe a mailbox on C{side}.
    """

    act, verb, done = Act.SUBSCRIBE, "SUBSCRIBE", "subscribed"


class Unsubscribe(_Directed):
    """
    Unsubscribe a mailbox on C{side}.
    """

    act, verb, done = Act.SUBSCRIBE, "UNSUBSCRIBE", "unsubscribed"


class Forget(NamedTuple):
    """
    Drop a mailbox that neither server has any more from the database.
    """

    name: Name

    def lines(self, name: Name) -> Iterator[tuple[str, str]]:
        """
        What a dry run says: each time, of which mailbox, and what.
        """
        yield name, "forget, it is gone from both sides"


#: What is done on a server.
Directed = Create | Subscribe | Unsubscribe

Step = Directed | Forget


class Deletion(NamedTuple):
    """
    What becomes of a mailbox on C{side} that is gone from the other.

    @ivar there: the messages in it; C{None} if not all of them are known on both
        sides: then it is made again on the other one, and filled.
    @ivar discarded: those of them that go to the trash before.
    @ivar trash: what the server calls that.
    @ivar moved: those of them that are moved elsewhere, which is told by itself.
    """

    side: Side
    there: UidSet | None
    discarded: UidSet = UidSet()
    trash: str = ""
    moved: UidSet = UidSet()

    def lines(self, name: Name) -> Iterator[tuple[str, str]]:
        """
        What a dry run says: each time, of which mailbox, and what.
        """
        side, there = self.side, self.there
        if there is None:
            text = f"make again on {side.other}, it has unknown messages on {side}"
        elif self.discarded:
            trash = shown(self.trash)
            text = f"move UID {self.discarded} to {trash}, and delete on {side}"
        else:
            text = f"delete on {side} ({len(there - self.moved)} messages)"
        yield name, text


class Plan(NamedTuple):
    """
    What to do.

    @ivar steps: in this order; a mailbox comes before those below it.
    @ivar mailboxes: the ones to sync, in this order, if no step for them
        fails; and whether both sides are then agreed on them as subscribed,
        which is what the database is to know, not before.
    """

    steps: tuple[Step, ...]
    mailboxes: Mapping[Name, bool]
    troubles: tuple[Trouble, ...]


def plan(
    accounts: Mapping[Side, Account],
    known: Mapping[Name, Known],
    selection: Selection,
    held: Collection[Name] = (),
) -> Plan:
    """
    Compare both sides with what was known.

    @param held: names that are to be left alone.
    """
    fates = [
        _fate(name, accounts, known.get(name))
        for name in _scope(accounts, known, selection)
        if name not in held
    ]
    troubles = [
        Trouble(misfit.name, misfit.text, side)
        for side, account in accounts.items()
        for misfit in account.misfits
        if selection.covers(misfit.name, misfit.subscribed)
    ]
    troubles += [
        Trouble(fate.name, fate.trouble, fate.at) for fate in fates if fate.trouble
    ]
    return Plan(
        steps=tuple(step for fate in fates for step in fate.steps),
        mailboxes={fate.name: fate.agreed for fate in fates if fate.agreed is not None},
        troubles=tuple(troubles),
    )


class _Fate(NamedTuple):
    """
    What becomes of one name.

    @ivar agreed: what to agree on as subscribed; C{None} if the mailbox is
        not to be synced.
    @ivar at: whose doing the trouble is, if it is that of one side.
    """

    name: Name
    steps: tuple[Step, ...] = ()
    agreed: bool | None = None
    trouble: str = ""
    at: Side | None = None


def _scope(
    accounts: Mapping[Side, Account],
    known: Mapping[Name, Known],
    selection: Selection,
) -> Iterator[Name]:
    """
    The names to decide about, INBOX first, parents before children.
    """
    names = {INBOX}.union(known, *(account.listed for account in accounts.values()))
    contested = frozenset().union(*(side.contested for side in accounts.values()))
    for name in sorted(names - contested, key=_order):
        holders = [account for account in accounts.values() if account.has(name)]
        subscribed = (
            # Nobody can be subscribed to what is gone, and it is to be forgotten.
            not holders
            or any(account.subscribed(name) for account in holders)
            or (name in known and known[name].subscribed)
        )
        if selection.covers(name, subscribed):
            yield name


def _fate(name: Name, accounts: Mapping[Side, Account], known: Known | None) -> _Fate:
    for side, account in accounts.items():
        if reason := account.leftAlone(name):
            return _Fate(
                name, trouble=reason, at=side if name in account.shut else None
            )
    missing = [side for side in Side if not accounts[side].has(name)]
    if not missing:
        return _followed(name, accounts, known is not None and _agreed(known, accounts))
    if len(missing) > 1:
        return _Fate(name, (Forget(name),) if known else ())
    [side] = missing
    if known and side in known.marks:
        return _Fate(
            name,
            trouble=f"vanished from {side}, as if by a failure; left alone: make it"
            f" again there, or delete it on {side.other} too",
        )
    if not accounts[side].may(Act.CREATE):
        return _Fate(name)
    if obstacle := accounts[side].obstacle(name):
        rival = name.replace(accounts[side].naming.separator or "/", "/")
        if rival != name and accounts[side.other].has(rival):
            obstacle += f'; it would be one with "{shown(rival)}"'
        return _Fate(name, trouble=f"cannot be created on {side}: {obstacle}")
    return _created(name, accounts, side)


def _agreed(known: Known, accounts: Mapping[Side, Account]) -> bool:
    """
    Whether both sides agreed on the mailbox as subscribed.  Nobody did if it
    was made anew, as by a server that lost everything.
    """
    boxes = {side: account.listed.get(known.name) for side, account in accounts.items()}
    return known.subscribed and not any(
        box
        and box.status
        and side in known.marks
        and box.status.uidvalidity != known.marks[side].uidvalidity
        for side, box in boxes.items()
    )


def _followed(name: Name, accounts: Mapping[Side, Account], base: bool) -> _Fate:
    """
    A mailbox on both sides: a subscription changed since both agreed on
    C{base} is followed.  A new mailbox counts as not subscribed before.
    """
    present = [accounts[side].subscribed(name) for side in Side]
    wanted = all(present) if base else any(present)
    astray = [side for side in Side if accounts[side].subscribed(name) != wanted]
    written = [side for side in astray if accounts[side].may(Act.SUBSCRIBE)]
    steps = tuple(_subscription(side, name, wanted) for side in written)
    return _Fate(name, steps, wanted if written == astray else base)


def _created(name: Name, accounts: Mapping[Side, Account], side: Side) -> _Fate:
    """
    A mailbox to be made on C{side}, subscribed as the one it comes from.  The
    name may have kept the subscription of a mailbox deleted long ago.
    """
    steps: list[Step] = [Create(side, name)]
    wanted = accounts[side.other].subscribed(name)
    if accounts[side].subscribed(name) != wanted:
        if not accounts[side].may(Act.SUBSCRIBE):
            # Agreed on is then what the other side is not to follow.
            return _Fate(name, tuple(steps), not wanted)
        steps.append(_subscription(side, name, wanted))
    return _Fate(name, tuple(steps), wanted)


def _subscription(side: Side, name: Name, wanted: bool) -> Step:
    return Subscribe(side, name) if wanted else Unsubscribe(side, name)


def _order(name: Name) -> tuple[bool, list[str]]:
    return name != INBOX, name.split("/")


def dirty(known: Known | None, listed: Mapping[Side, Listed]) -> bool:
    """
    Whether a mailbox needs to be looked into: unless both servers' STATUS is
    what was dealt with, and nothing waits to be tried again.  A server may have more
    messages, or fewer, and tell of no change.
    """
    return (
        known is None
        or known.retries
        or any(
            _moved(known.marks.get(side), listed.get(side))
            or _messages(listed[side]) != known.holds(side)
            for side in Side
        )
    )


def _messages(listed: Listed) -> int:
    return (listed.status or Status()).messages


def fulfilled(
    known: Known, marks: Mapping[Side, Mark], listed: Mapping[Side, Listed]
) -> bool:
    """
    Whether both servers' STATUS is what was foreseen, and no message is on one of
    them alone.
    """
    return not any(
        _moved(marks.get(side), listed.get(side))
        or _messages(listed[side]) != known.pairs
        for side in Side
    )


def _moved(mark: Mark | None, listed: Listed | None) -> bool:
    return mark is None or listed is None or listed.mark != mark


def arrived(known: Known, listed: Mapping[Side, Listed]) -> Mapping[Side, int]:
    """
    About how many messages are new on each side.
    """
    statuses = {side: box.status for side, box in listed.items()}
    return {
        side: max(0, one.messages - known.pairs)
        for side, one in statuses.items()
        if one
    }


def removable(known: Known, side: Side, status: Status) -> int:
    """
    How many known messages can have vanished from C{side} at the most.

    None, if the mailbox is another one now: that never deletes.
    """
    mark = known.marks.get(side)
    if mark is None or mark.uidvalidity != status.uidvalidity:
        return 0
    arrived = max(0, status.uidnext - mark.uidnext)
    left = max(0, status.messages - arrived)
    # What has no pair may be all that is left.
    return max(0, min(known.pairs, known.holds(side) - left))


def atStake(known: Known, listed: Listed | None) -> int:
    """
    How many known messages a mailbox can hold at the most.
    """
    told = listed.status.messages if listed and listed.status else 0
    return min(known.pairs, told or known.pairs)


def applied(
    accounts: Mapping[Side, Account], steps: Iterable[Step]
) -> Mapping[Side, Account]:
    """
    What is to be listed when these steps were taken.
    """
    after = dict(accounts)
    for step in steps:
        if isinstance(step, Create):
            after[step.side] = after[step.side].withMailbox(step.name)
        elif isinstance(step, (Subscribe, Unsubscribe)):
            subscribed = isinstance(step, Subscribe)
            account = after[step.side].withSubscription(step.name, subscribed)
            after[step.side] = account
    return after
