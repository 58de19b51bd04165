"""
Lies about what there is.
"""

from __future__ import annotations

from functools import partial
from itertools import count

from imapsync.test.hostile.behaviour import Act, Kept, having, jointly
from imapsync.test.hostile.behaviour import Behaviour as B
from imapsync.test.hostile.server import HostileAccount
from imapsync.uidset import UidSet

OPEN = "SELECT EXAMINE"
ALL = "1:4294967295"
MOST = 2**63 - 1


def _each(code: str) -> bytes:
    return rb"\* OK \[" + code.encode() + rb" [^]]*\]"


def _code(name: str, value: object) -> Act:
    """
    Have SELECT tell another value.
    """

    def act(account: HostileAccount) -> None:
        told = f"* OK [{name} {value}]" if value != "" else "* OK nothing"
        account.sub(OPEN, _each(name), told.encode())

    return act


def _status(name: str, value: object) -> Act:
    """
    Have STATUS tell another value.
    """

    def act(account: HostileAccount) -> None:
        account.sub("LIST STATUS", f"{name} \\d+".encode(), f"{name} {value}".encode())

    return act


def _both(name: str, value: object) -> Act:
    def act(account: HostileAccount) -> None:
        _code(name, value)(account)
        _status(name, value)(account)

    return act


def _vanished(account: HostileAccount, uids: str = ALL) -> None:
    account.front(OPEN, f"* VANISHED (EARLIER) {uids}\r\n".encode())


def _vanishedKnown(account: HostileAccount) -> None:
    for folder in account.folders.values():
        folder.lies = UidSet.of(folder.messages)


def _exists(account: HostileAccount, number: int) -> None:
    account.sub(OPEN, rb"\d+ EXISTS", b"%d EXISTS" % number)


def _miscounts(account: HostileAccount, by: int) -> None:
    for folder in account.folders.values():
        folder.miscounts = by


def _validity(account: HostileAccount) -> None:
    numbers = count(100)

    def another(_: object) -> bytes:
        return b"[UIDVALIDITY %d]" % next(numbers)

    account.sub(OPEN, rb"\[UIDVALIDITY \d+\]", another)


def _renumbered(account: HostileAccount) -> None:
    def renumber(verb: str) -> None:
        if verb in OPEN.split():
            for folder in account.folders.values():
                folder.renumber()

    account.each = renumber


def _cut(account: HostileAccount) -> None:
    account.sub("LIST", rb"\A(.{60,}?\r\n).*\r\n(\S+) OK", rb"\1\2 NO")


def _half(account: HostileAccount) -> None:
    account.sub("LIST", rb"\A(.{60,}?\r\n).*\r\n(\S+ OK)", rb"\1\2")


def _attributes(account: HostileAccount, words: bytes) -> None:
    account.sub("LIST", rb"\* LIST \([^)]*\)", rb"* LIST (" + words + rb")")


def _unsubscribed(account: HostileAccount) -> None:
    account.tacit = True
    account.sub("LSUB", rb"\* LSUB [^\r]*\r\n", b"")


def _twice(account: HostileAccount) -> None:
    def doubled(_: str, tag: str, answer: bytes) -> bytes:
        rows, end, last = answer.rpartition(f"{tag} ".encode())
        other = rows.replace(b"MESSAGES ", b"MESSAGES 9")
        return rows + other + end + last

    account.rewrites.append(lambda v, tag, a: doubled(v, tag, a) if v == "LIST" else a)


def _separators(account: HostileAccount) -> None:
    marks = count()

    def another(_: object) -> bytes:
        return b') "%c" "' % b"./!"[next(marks) % 3]

    account.sub("LIST", rb'\) "/" "', another)


def _identity(account: HostileAccount, kind: str) -> None:
    folders = list(account.folders.values())
    if kind == "swapped":
        names = [folder.identity for folder in folders]
        for folder, name in zip(folders, names[1:] + names[:1], strict=True):
            folder.identity = name
    elif kind == "same":
        for folder in folders:
            folder.identity = "same"
    else:
        numbers = count()

        def another(_: str) -> None:
            for folder in account.folders.values():
                folder.identity = f"new{next(numbers)}"

        account.each = another


def _other(account: HostileAccount) -> None:
    """
    What is in Work is shown as INBOX, and the other way round.
    """
    folders = account.folders
    folders["INBOX"], folders["Work"] = folders["Work"], folders["INBOX"]


def _flapping(account: HostileAccount) -> None:
    turns = count()

    def flap(verb: str) -> None:
        if verb in OPEN.split():
            word = f"flap{next(turns)}"
            for folder in account.folders.values():
                for uid in folder.messages:
                    folder.flag(uid, word)

    account.each = flap


def _foreign(account: HostileAccount) -> None:
    account.namespaces = '(("Mine/" "/")) (("" "/")) NIL'


def _lost(account: HostileAccount, *names: str) -> None:
    account.unlisted.update(names or account.folders)


EVERYTHING = "an expunge of all that the other account holds"
UNSEEN = "that mail is passed over, and believed to be kept"
AGAIN = "that all is copied or compared anew, without end"

LIES = (
    B(
        "vanished of all",
        "says of each mailbox that all its messages are gone, whatever their UIDs",
        EVERYTHING,
        "It is asked for them, and they are there.",
        _vanished,
    ),
    B(
        "vanished of known",
        "says that exactly those messages are gone that we know",
        EVERYTHING,
        "It is asked for them, and they are there.",
        _vanishedKnown,
    ),
    B(
        "vanished unasked",
        "says in the midst of other answers that all messages are gone",
        EVERYTHING,
        "It is asked for them, and they are there.",
        lambda a: a.front("FETCH NOOP STORE SEARCH", b"* VANISHED 1:9999\r\n"),
    ),
    B(
        "expunge unasked",
        "tells by number, not by UID, that messages are gone",
        EVERYTHING,
        "All are looked for; that more are gone than there are breaks the protocol.",
        lambda a: a.front("FETCH NOOP STORE", b"* 1 EXPUNGE\r\n* 1 EXPUNGE\r\n"),
        codes=(76,),
    ),
    B(
        "no messages",
        "says that there are no messages in a mailbox (EXISTS)",
        EVERYTHING,
        "It is asked for them, and they are there.",
        partial(_exists, number=0),
    ),
    B(
        "one message less",
        "counts one message less than there is",
        EVERYTHING,
        "All UIDs are read, and are there.",
        partial(_miscounts, by=-1),
    ),
    B(
        "one message more",
        "counts one message more than there is",
        AGAIN,
        "All UIDs are read, once.",
        partial(_miscounts, by=1),
    ),
    B(
        "too many messages",
        "says that there are as many messages as there are numbers",
        "memory for each of them",
        "Nothing is held for what is not told.",
        partial(_exists, number=2**32 - 1),
    ),
    B(
        "messages beyond all numbers",
        "counts more messages than there are numbers",
        "a crash",
        "The mailbox is left alone, and named.",
        partial(_exists, number=2**80),
        codes=(1,),
    ),
    B(
        "an empty STATUS",
        "says in STATUS that all mailboxes are empty",
        EVERYTHING,
        "The mailboxes are opened, and it is seen.",
        _status("MESSAGES", 0),
    ),
    B(
        "a frozen STATUS",
        "says in STATUS that nothing has changed, whatever has",
        UNSEEN,
        "What was told by SELECT counts.",
        _status("HIGHESTMODSEQ", 1),
    ),
    B(
        "another UIDVALIDITY",
        "tells another UIDVALIDITY whenever a mailbox is opened",
        EVERYTHING,
        "Messages are paired by content; the mailbox is named.",
        _validity,
        codes=(1,),
    ),
    B(
        "renumbered",
        "gives all messages other UIDs whenever a mailbox is opened",
        AGAIN,
        "Messages are paired by content; the mailbox is named.",
        _renumbered,
        live=False,
        codes=(1,),
    ),
    B(
        "STATUS of another UIDVALIDITY",
        "tells one UIDVALIDITY by STATUS, and another by SELECT",
        EVERYTHING,
        "SELECT counts.",
        _status("UIDVALIDITY", 4711),
    ),
    B(
        "no UIDVALIDITY",
        "does not tell UIDVALIDITY",
        "UIDs that mean other messages than before",
        "The mailbox is left alone.",
        _code("UIDVALIDITY", ""),
        codes=(1,),
    ),
    B(
        "a zero UIDVALIDITY",
        "says that UIDVALIDITY is 0",
        "UIDs that mean other messages than before",
        "The mailbox is left alone.",
        _both("UIDVALIDITY", 0),
        codes=(1,),
    ),
    B(
        "UIDVALIDITY beyond all numbers",
        "says that UIDVALIDITY is 2^64",
        "a crash, or a database that cannot be read",
        "The mailbox is left alone.",
        _both("UIDVALIDITY", 2**64),
        codes=(1,),
    ),
    B(
        "mod-sequence back",
        "says that the highest mod-sequence is 1",
        UNSEEN,
        "All is compared.",
        _both("HIGHESTMODSEQ", 1),
    ),
    B(
        "highest mod-sequence of all",
        "says that the highest mod-sequence is 2^63 - 1",
        UNSEEN,
        "The mark that is kept is not beyond what the messages have.",
        _both("HIGHESTMODSEQ", MOST),
    ),
    B(
        "mod-sequence beyond all numbers",
        "says that the highest mod-sequence is 2^63",
        "a crash, or a database that cannot be read",
        "The mailbox is left alone, and named.",
        _both("HIGHESTMODSEQ", MOST + 1),
        codes=(1,),
    ),
    B(
        "a zero mod-sequence",
        "says that the highest mod-sequence is 0",
        UNSEEN,
        "Its messages are compared instead.",
        _both("HIGHESTMODSEQ", 0),
    ),
    B(
        "a mod-sequence of words",
        "says that the highest mod-sequence is a word",
        "a crash",
        "The mailbox is left alone, and named.",
        _both("HIGHESTMODSEQ", "soon"),
        codes=(1,),
    ),
    B(
        "mod-sequences of messages",
        "says that each message has the highest mod-sequence that there is",
        UNSEEN,
        "The mark is that of SELECT.",
        lambda a: a.sub(f"{OPEN} FETCH", rb"MODSEQ \(\d+\)", b"MODSEQ (%d)" % MOST),
    ),
    B(
        "UIDNEXT back",
        "says that the next UID will be 1",
        UNSEEN,
        "What is there is read.",
        _both("UIDNEXT", 1),
    ),
    B(
        "highest UIDNEXT",
        "says that the next UID will be 2^32 - 1",
        "questions about each UID up to there",
        "It is asked for ranges.",
        _both("UIDNEXT", 2**32 - 1),
    ),
    B(
        "no UIDNEXT",
        "does not tell UIDNEXT",
        UNSEEN,
        "What is there is read.",
        _code("UIDNEXT", ""),
    ),
    B(
        "UIDNEXT beyond all numbers",
        "says that the next UID will be 2^64",
        "a crash",
        "The mailbox is left alone, and named.",
        _both("UIDNEXT", 2**64),
        codes=(1,),
    ),
    B(
        "no mailboxes",
        "lists no mailbox at all, and says OK",
        "that all mailboxes are deleted",
        "They are named, and nothing is changed.",
        _lost,
        codes=(1,),
    ),
    B(
        "a mailbox less",
        "leaves a mailbox out of LIST",
        "that it is deleted",
        "It is asked for it by name, and named.",
        lambda a: _lost(a, "Work"),
        codes=(1,),
    ),
    B(
        "half a list",
        "lists only the first mailbox, and says OK",
        "that all others are deleted",
        "They are asked for by name, and named.",
        _half,
        codes=(1,),
    ),
    B(
        "a list cut short",
        "lists the first mailbox, and says NO",
        "that all others are deleted",
        "A refused LIST says nothing.",
        _cut,
        codes=(76,),
    ),
    B(
        "levels only",
        r"lists all mailboxes as mere levels (\Noselect)",
        "that all mailboxes are deleted",
        "They are named and left alone.",
        partial(_attributes, words=rb"\\Noselect"),
        codes=(1,),
    ),
    B(
        "nothing exists",
        r"lists all mailboxes as \NonExistent",
        "that all mailboxes are deleted",
        "They are asked for by name, and named.",
        partial(_attributes, words=rb"\\NonExistent"),
        codes=(1,),
    ),
    B(
        "nothing subscribed",
        "says of no mailbox that it is subscribed",
        "that mailboxes are forgotten",
        "It may unsubscribe what is its own; mail stays.",
        _unsubscribed,
        codes=(1,),
    ),
    B(
        "listed twice",
        "lists all mailboxes twice, with different numbers",
        "two pairs for one message",
        "Nothing is removed for it.",
        _twice,
    ),
    B(
        "separators",
        "tells another hierarchy separator for each mailbox",
        "mailboxes in the wrong place",
        "Names are read with their own.",
        _separators,
    ),
    B(
        "no separator",
        "tells no hierarchy separator",
        "mailboxes in the wrong place",
        "What cannot have one name on both sides is named.",
        lambda a: a.sub("LIST NAMESPACE", rb'"/"', b"NIL"),
        codes=(1,),
    ),
    B(
        "a namespace of others",
        "says that all mailboxes are another user's",
        "that all mailboxes are deleted",
        "They are left out, and named.",
        _foreign,
        codes=(1,),
    ),
    B(
        "MAILBOXID swapped",
        "says that each mailbox has become another one",
        "that mailboxes change places, and messages are expunged",
        "They are renamed, with all that is in them.",
        partial(_identity, kind="swapped"),
        offers="OBJECTID",
    ),
    B(
        "one MAILBOXID",
        "says that all mailboxes are one",
        "that mailboxes are deleted",
        "An identity that two have is none.",
        partial(_identity, kind="same"),
        offers="OBJECTID",
    ),
    B(
        "another MAILBOXID",
        "says with each command that all mailboxes are others than before",
        "that mailboxes are deleted",
        "Mailboxes of the same name and content are the same.",
        partial(_identity, kind="changing"),
        offers="OBJECTID",
        codes=(1,),
    ),
    B(
        "one GUID",
        "tells the same X-GUID of all mailboxes",
        "that mailboxes are deleted",
        "An identity that two have is none.",
        jointly(having(guids=True), partial(_identity, kind="same")),
    ),
    B(
        "another mailbox",
        "opens another mailbox than it is asked for",
        "an expunge of what the right one holds",
        "UIDVALIDITY shows it: messages are paired by content.",
        _other,
    ),
    B(
        "flags without rest",
        "changes the flags of all messages whenever a mailbox is opened",
        AGAIN,
        "Flags are carried over; a run ends all the same.",
        _flapping,
        kept=Kept.MESSAGES,
        live=False,
        codes=(1,),
    ),
)
