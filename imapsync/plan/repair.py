"""
What is found where a database is compared with all that both servers have: each
anomaly as a value, and what is to be true instead.

Nothing that was found ever removes a message.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from enum import Enum
from typing import NamedTuple

from imapsync.display import keyword
from imapsync.errors import MailboxError
from imapsync.model import (
    Flags,
    Known,
    Mark,
    Name,
    Pair,
    Side,
    flagsText,
)
from imapsync.names import shown
from imapsync.plan.account import Account, nearly
from imapsync.plan.flags import common, same


class Kind(Enum):
    """
    Kinds of anomalies: by the word that machines are told, what people are told of
    one, and of several.
    """

    ROW = "row", "row that means nothing", "rows that mean nothing"
    NOWHERE = "nowhere", "mailbox on neither side", "mailboxes on neither side"
    MISSING = "missing", "mailbox on one side only", "mailboxes on one side only"
    UNKNOWN = "unknown", "unknown mailbox", "unknown mailboxes"
    SPELLING = "spelling", "wrong spelling", "wrong spellings"
    SUBSCRIPTION = "subscription", "subscription", "subscriptions"
    IDENTITY = "identity", "wrong identity", "wrong identities"
    RENUMBERED = "renumbered", "wrong UIDVALIDITY", "wrong UIDVALIDITYs"
    MARK = "mark", "wrong mark", "wrong marks"
    COUNT = "count", "wrong count", "wrong counts"
    LEFTOVER = "leftover", "leftover without a reason", "leftovers without a reason"
    DANGLING = "dangling", "entry without a message", "entries without a message"
    UNEQUAL = "unequal", "entry of two messages", "entries of two messages"
    KEY = "key", "wrong content key", "wrong content keys"
    AGREED = "agreed", "entry with wrong flags", "entries with wrong flags"
    UNPAIRED = "unpaired", "message without an entry", "messages without an entry"
    ALONE = "alone", "message on one side only", "messages on one side only"
    FLAGS = "flags", "message with two sets of flags", "messages with two sets of flags"

    def __init__(self, word: str, one: str, several: str) -> None:
        self.word = word
        self.one = one
        self.several = several


class Anomaly(NamedTuple):
    """
    Something that is not as it is to be.

    @ivar mailbox: which it is about; empty if it is about none.
    @ivar local: the UID of a message there, or 0.
    @ivar remote: likewise.
    @ivar side: on which side something is wrong, if it is on one.
    @ivar times: how many such things there are.
    """

    kind: Kind
    mailbox: Name
    text: str
    local: int = 0
    remote: int = 0
    side: Side | None = None
    times: int = 1

    def __str__(self) -> str:
        where = [shown(self.mailbox)] if self.mailbox else ["database"]
        uids = {Side.LOCAL: self.local, Side.REMOTE: self.remote}
        messages = [f"{side} UID {uid}" for side, uid in uids.items() if uid]
        if messages:
            where.append(", ".join(messages))
        elif self.side:
            where.append(str(self.side))
        return ": ".join([*where, self.text])


def summary(counts: Mapping[Kind, int]) -> str:
    """
    How many there are of each kind.
    """
    told = [
        f"{count} {kind.one if count == 1 else kind.several}"
        for kind in Kind
        if (count := counts.get(kind, 0))
    ]
    total = sum(counts.values())
    if not total:
        return "No anomalies."
    return f"{total} anomal{'y' if total == 1 else 'ies'}: {', '.join(told)}."


# Mailboxes


def onOneSide(name: Name, side: Side) -> Anomaly:
    """
    A mailbox is missing on C{side}.
    """
    return Anomaly(Kind.MISSING, name, f"it is on {side.other} only", side=side)


def isTraceable(
    known: Known, side: Side, account: Account, names: Collection[Name]
) -> bool:
    """
    Whether a mailbox that is missing on C{side} may have another name there now.

    @param names: of all mailboxes that are known.
    """
    mark = known.marks.get(side)
    return mark is not None and any(
        box.selectable
        and box.status is not None
        and box.status.uidvalidity == mark.uidvalidity
        for name, box in account.listed.items()
        if name not in names
    )


def misspelled(accounts: Mapping[Side, Account], known: Known) -> Iterator[Anomaly]:
    """
    A server calls a mailbox by its own name, or at least not by the one that is
    known.
    """
    for side, spelling in known.spellings.items():
        account = accounts[side]
        box = account.listed.get(known.name)
        right = box is not None and box.name == spelling
        if not (right and nearly(spelling) == nearly(_ownName(account, known.name))):
            text = f'"{shown(spelling)}" is not what {side} calls it'
            yield Anomaly(Kind.SPELLING, known.name, text, side=side)


def _ownName(account: Account, name: Name) -> str:
    try:
        return account.naming._replace(spellings={}).toServer(name)
    except MailboxError:
        return ""


def subscription(
    accounts: Mapping[Side, Account], known: Known | None, name: Name
) -> tuple[Anomaly | None, bool]:
    """
    Whether both sides, and the database, agree on a subscription.

    @return: what is wrong, and what the database is to have instead: that it is
        subscribed only if it is on both.
    """
    shown = {side: account.subscribed(name) for side, account in accounts.items()}
    both = all(shown.values())
    if both != any(shown.values()):
        [side] = [side for side in Side if not shown[side]]
        text = f"it is subscribed on {side.other} only"
        return Anomaly(Kind.SUBSCRIPTION, name, text, side=side), False
    if known is not None and known.marks and known.subscribed != both:
        text = f"it is known as {'not ' if both else ''}subscribed"
        return Anomaly(Kind.SUBSCRIPTION, name, text), both
    return None, both


# A mailbox


def renumbered(known: Known, side: Side, now: Mark) -> Anomaly | None:
    """
    Whether the UIDs of a mailbox that is known may be those of other messages.
    """
    before = known.marks.get(side)
    if before is not None and before.uidvalidity == now.uidvalidity:
        return None
    was = before.uidvalidity if before else "none"
    text = f"UIDVALIDITY is {now.uidvalidity}, {was} is known; pairing by content"
    return Anomaly(Kind.RENUMBERED, known.name, text, side=side)


def misidentified(known: Known, side: Side, now: str) -> Anomaly | None:
    """
    Whether the mailbox is known by the identity of another one.
    """
    before = known.identities.get(side, "")
    if not (before and now) or before == now:
        return None
    text = "it is known by another identity than it has"
    return Anomaly(Kind.IDENTITY, known.name, text, side=side)


def beyond(known: Known, side: Side, now: Mark) -> Anomaly | None:
    """
    Whether more is taken for done than has happened.
    """
    before = known.marks.get(side)
    if before is None or (
        before.uidnext <= now.uidnext
        and (before.modseq <= now.modseq or not now.modseq)
    ):
        return None
    return _mark(known, side, before, now)


def behind(known: Known, side: Side, now: Mark, exists: int) -> Iterator[Anomaly]:
    """
    What is wrong though nothing is wrong with any message.
    """
    before = known.marks.get(side)
    if before is not None and before != now:
        yield _mark(known, side, before, now)
    if known.holds(side) != exists:
        text = f"{known.holds(side)} messages are known, {exists} are there"
        yield Anomaly(Kind.COUNT, known.name, text, side=side)


def _mark(known: Known, side: Side, before: Mark, now: Mark) -> Anomaly:
    text = (
        f"known up to UIDNEXT {before.uidnext} and mod-sequence {before.modseq},"
        f" but at {now.uidnext} and {now.modseq}"
    )
    return Anomaly(Kind.MARK, known.name, text, side=side)


# A message


class Traits(NamedTuple):
    """
    What is read of a message.

    @ivar key: its content key; empty if that was not read.
    @ivar singular: whether the header was enough for that.
    @ivar seconds: its INTERNALDATE.
    """

    flags: Flags
    key: bytes = b""
    singular: bool = True
    size: int = 0
    stamp: int = 0
    messageId: bytes = b""
    seconds: int = 0


def isAltered(ours: Traits, theirs: Traits) -> bool:
    """
    Whether two messages whose contents differ are one that a server has changed,
    where neither has an equal: not to copy it back and forth, it is believed then.
    """
    if ours.messageId or theirs.messageId:
        return ours.messageId == theirs.messageId
    return ours.seconds == theirs.seconds


class Finding(NamedTuple):
    """
    What is wrong with an entry whose two messages are one.

    @ivar pair: what is to be there instead.
    """

    kind: Kind
    text: str
    pair: Pair


def aboutFlags(pair: Pair, ours: Flags, theirs: Flags) -> Finding | None:
    """
    Compare what is agreed with what both sides show.  Where these differ, they
    agree on no more than what both have: so that both get all of them.
    """
    if not same(ours, theirs):
        text = f"flags differ: {_told(ours)} on local, {_told(theirs)} on remote"
        return Finding(Kind.FLAGS, text, pair._replace(flags=common(ours, theirs)))
    if not same(pair.flags, ours):
        text = f"known with {_told(pair.flags)}, has {_told(ours)}"
        return Finding(Kind.AGREED, text, pair._replace(flags=ours))
    return None


def aboutKey(pair: Pair, ours: Traits, theirs: Traits) -> Finding | None:
    """
    Compare what is known of the content with what both sides have.  A server may
    have changed it, and tell its own.
    """
    sides = (ours, theirs)
    sound = (
        pair.key in {one.key for one in sides}
        and pair.size in {0, *(one.size for one in sides)}
        and pair.stamp in {0, *(one.stamp for one in sides)}
    )
    if sound:
        return None
    stamp = ours.stamp if ours.stamp == theirs.stamp else 0
    text = "wrong content key" if pair.key else "no content key"
    right = pair._replace(key=ours.key, size=ours.size, stamp=stamp)
    return Finding(Kind.KEY, text, right)


def _told(flags: Flags) -> str:
    return keyword(flagsText(flags)) if flags else "no flags"
