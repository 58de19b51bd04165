"""
What a server may do, because its own user could: what is removed, moved or changed
there is so on the other side.  What may go wrong with it has its bounds.
"""

from __future__ import annotations

from collections.abc import Callable

from imapsync.test.hostile.behaviour import Behaviour as B
from imapsync.test.hostile.behaviour import Kept
from imapsync.test.hostile.server import HostileAccount

OWN = "nothing that its user could not do"


def _expunges(account: HostileAccount, many: Callable[[int], int]) -> None:
    inbox = account.inbox
    inbox.expunge(*list(inbox.messages)[: many(len(inbox.messages))])


def _expungesSlowly(account: HostileAccount) -> None:
    """
    A few whenever it is looked.
    """

    def expunge(verb: str) -> None:
        if verb == "LIST":
            inbox = account.inbox
            inbox.expunge(*list(inbox.messages)[:5])

    account.each = expunge


def _flags(account: HostileAccount, *flags: str) -> None:
    for folder in account.folders.values():
        for uid in folder.messages:
            folder.flag(uid, *flags)


def _moves(account: HostileAccount) -> None:
    inbox, work = account.inbox, account.folders["Work"]
    for uid in list(inbox.messages):
        work.add(inbox.messages[uid].body, inbox.messages[uid].flags)
        inbox.expunge(uid)


def _renames(account: HostileAccount) -> None:
    for name in "Work", "Archive":
        account.rename(name, f"Taken {name}")
        account.folders[f"Taken {name}"].subscribed = True
    account.folders["Taken Archive/Old"].subscribed = True


def _circle(account: HostileAccount) -> None:
    names = ["Work", "Archive/Old", "Work"]
    account.rename("Work", "away")
    account.rename("Archive/Old", "Work")
    account.rename("away", "Archive/Old")
    for name in names:
        account.folders[name].subscribed = True


def _deletes(account: HostileAccount) -> None:
    for name in "Work", "Archive/Old":
        account.delete(name)


def _empties(account: HostileAccount) -> None:
    for name in list(account.folders):
        if name != "INBOX":
            account.delete(name)
    account.inbox.expunge(*list(account.inbox.messages))


POWERS = (
    B(
        "an expunge",
        "expunges a message",
        OWN,
        "It is expunged, when it was asked for and is gone.",
        lambda a: _expunges(a, lambda _: 1),
        kept=Kept.LESS,
    ),
    B(
        "all expunged",
        "expunges all messages of a large account",
        "the loss of all mail",
        "The brake: nothing is removed until it is allowed.",
        lambda a: _expunges(a, lambda n: n),
        codes=(1,),
        many=True,
    ),
    B(
        "most expunged",
        "expunges more than half of a large account",
        "the loss of most mail",
        "The brake: nothing is removed until it is allowed.",
        lambda a: _expunges(a, lambda n: n * 2 // 3),
        codes=(1,),
        many=True,
    ),
    B(
        "expunged little by little",
        "expunges a few messages of a large account whenever it is looked",
        "the loss of all mail, past the brake",
        "The brake, when it is half of all: it counts over a run, and in live mode over"
        " an hour.",
        _expungesSlowly,
        codes=(0, 1),
        kept=Kept.HALF,
        many=True,
    ),
    B(
        "all emptied",
        "has lost all mailboxes of a large account, and all messages",
        "the loss of all mail",
        "The brake: nothing is removed until it is allowed.",
        _empties,
        codes=(1,),
        many=True,
    ),
    B(
        "all flags taken",
        "takes all flags from all messages",
        OWN,
        "They are taken; the messages stay.",
        _flags,
        kept=Kept.MESSAGES,
    ),
    B(
        "all marked as deleted",
        r"gives \Deleted to all messages",
        "that all are expunged by whoever expunges next",
        r"They get \Deleted, and stay: we expunge by UID only.",
        lambda a: _flags(a, "\\Deleted"),
        kept=Kept.MESSAGES,
    ),
    B(
        "all moved",
        "moves all messages to another mailbox",
        OWN,
        "They are moved.",
        _moves,
        kept=Kept.SOMEWHERE,
    ),
    B(
        "mailboxes renamed",
        "renames mailboxes",
        OWN,
        "They are renamed.",
        _renames,
        kept=Kept.SOMEWHERE,
    ),
    B(
        "mailboxes in a circle",
        "has mailboxes change places",
        OWN,
        "They change places.",
        _circle,
        kept=Kept.SOMEWHERE,
    ),
    B(
        "mailboxes deleted",
        "deletes mailboxes",
        OWN,
        "They are deleted, unless they hold what it never had.",
        _deletes,
        kept=Kept.LESS,
    ),
)
