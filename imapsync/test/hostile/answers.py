"""
Answers that are wrong: to the wrong question, of the wrong message, or an OK for
what was not done.
"""

from __future__ import annotations

from functools import partial
from itertools import count

from imapsync.test.hostile.behaviour import Behaviour as B
from imapsync.test.hostile.behaviour import Kept
from imapsync.test.hostile.lies import EVERYTHING, OPEN, UNSEEN
from imapsync.test.hostile.server import HostileAccount
from imapsync.testing.accounts import mail

PAIRED = "pairs of messages that are not the same: one could be expunged for another"
DONE = "that something is believed to be done, and its opposite to be news"
#: The message in a row.
BODY = rb"BODY\[\] \{\d+\}\r\n.*?\)\r\n"
DOUBLED = rb"(\* \d[^\r]*FLAGS \()([^\r]*\r\n)"
ROWS = f"{OPEN} FETCH STORE"


def _uids(account: HostileAccount, told: object) -> None:
    """
    Rows are about other UIDs.
    """
    account.sub(ROWS, rb"UID \d+", told if callable(told) else str(told).encode())


def _appendUid(account: HostileAccount, told: str) -> None:
    account.appendUid = told


def _copyUid(account: HostileAccount, told: str) -> None:
    account.copyUid = told


def _swallows(account: HostileAccount) -> None:
    """
    What was appended is gone before anybody looks.
    """

    def swallow(verb: str) -> None:
        for folder in account.folders.values():
            for uid in own.pop(id(folder), ()):
                folder.messages.pop(uid, None)
        if verb == "APPEND":
            for folder in account.folders.values():
                own[id(folder)] = [folder.uidnext]

    own: dict[int, list[int]] = {}
    account.each = swallow


def _does(account: HostileAccount, verb: str) -> None:
    """
    To say OK, and do nothing.
    """
    account.instead[verb] = "TAG OK done"


def _dated(account: HostileAccount, raw: bytes) -> None:
    account.sub("FETCH", rb'INTERNALDATE "[^"]*"', b"INTERNALDATE " + raw)


def _lateRows(account: HostileAccount) -> None:
    def swapped(verb: str, tag: str, answer: bytes) -> bytes:
        if verb != "FETCH":
            return answer
        rows, mark, last = answer.rpartition(f"{tag} ".encode())
        return mark + last + rows

    account.rewrites.append(swapped)


def _bodies(account: HostileAccount) -> None:
    """
    All messages are shown with one body.
    """

    def rewrite(verb: str) -> None:
        if verb == "FETCH":
            for folder in account.folders.values():
                for message in folder.messages.values():
                    message.body = mail(0)

    account.each = rewrite


def _sizes(account: HostileAccount, octets: int) -> None:
    for folder in account.folders.values():
        for message in folder.messages.values():
            message.told = octets
    account.sub("FETCH", rb"RFC822\.SIZE \d+", b"RFC822.SIZE %d" % octets)


def _moves(account: HostileAccount) -> None:
    """
    MOVE copies, and leaves the message where it was.
    """
    account.sub("MOVE", rb"\* VANISHED [^\r]*\r\n", b"")
    kept: dict[str, dict[int, object]] = {}

    def keep(verb: str) -> None:
        for name, folder in account.folders.items():
            kept.setdefault(name, {}).update(folder.messages)
            if verb != "MOVE":
                folder.messages.update(kept[name])  # type: ignore[arg-type]

    account.each = keep


def _stored(account: HostileAccount) -> None:
    """
    It stores what it refuses.
    """
    account.sub("APPEND", rb"(\S+) OK .*\r\n\Z", rb"\1 NO not now\r\n")


def _unsticky(account: HostileAccount) -> None:
    for folder in account.folders.values():
        folder.codes.append("UIDNOTSTICKY")


def _unmodified(account: HostileAccount) -> None:
    for folder in account.folders.values():
        folder.noModseq = True


def _tags(account: HostileAccount) -> None:
    numbers = count()

    def other(verb: str, tag: str, answer: bytes) -> bytes:
        if verb != "FETCH":
            return answer
        wrong = b"%04X " % (next(numbers) + 1)
        return answer.replace(f"{tag} ".encode(), wrong)

    account.rewrites.append(other)


ANSWERS = (
    B(
        "found nothing",
        "answers each SEARCH with nothing",
        EVERYTHING,
        "What it does not tell is left alone, and named.",
        lambda a: a.sub("SEARCH", rb"(UID) ALL [^\r]*|(SEARCH)[ \d]*\r", rb"\1\2\r"),
        codes=(1,),
    ),
    B(
        "found others",
        "answers each SEARCH with UIDs that it was not asked for",
        EVERYTHING,
        "Only what was asked for counts.",
        lambda a: a.sub("SEARCH", rb"ALL [\d:,]+", b"ALL 4000000:4000100"),
    ),
    B(
        "found all",
        "answers each SEARCH with all UIDs that there can be",
        "memory for each of them",
        "Ranges are held, not UIDs.",
        lambda a: a.sub("SEARCH", rb"ALL [\d:,]+", b"ALL 1:4294967295"),
    ),
    B(
        "no rows",
        "answers each FETCH with OK, and nothing else",
        EVERYTHING,
        "It is asked again in another way; what was not told is not done.",
        lambda a: a.deaf.add("FETCH"),
        codes=(1,),
    ),
    B(
        "other UIDs",
        "tells of other UIDs than it was asked for",
        PAIRED,
        "What it tells of flags is believed; the rest is named.",
        partial(_uids, told=lambda m: b"UID %d" % (int(m[0][4:]) + 1)),
        kept=Kept.MESSAGES,
        codes=(1,),
    ),
    B(
        "one UID",
        "tells the same UID of all messages",
        PAIRED,
        "What it tells of flags is believed; the rest is named.",
        partial(_uids, told="UID 1"),
        kept=Kept.MESSAGES,
        codes=(1,),
    ),
    B(
        "UID zero",
        "tells UID 0 of all messages",
        "a crash",
        "Such a row is about nothing; the mailbox is named.",
        partial(_uids, told="UID 0"),
        codes=(1,),
    ),
    B(
        "UID beyond all numbers",
        "tells a UID of 2^40",
        "a crash",
        "A row that cannot be read costs its mailbox, no more.",
        partial(_uids, told=f"UID {2**40}"),
        codes=(1,),
    ),
    B(
        "no UIDs",
        "tells no UID of any message",
        PAIRED,
        "A row without a UID is about nothing; the mailbox is named.",
        lambda a: a.sub(ROWS, rb"UID \d+ ?", b""),
        codes=(1,),
    ),
    B(
        "rows twice",
        "tells each row twice, with other flags",
        "two copies of each message",
        "What was told last counts; a message is copied once.",
        lambda a: a.sub("SELECT STORE", DOUBLED, rb"\1\2\1twice \2"),
        kept=Kept.MESSAGES,
        codes=(0, 1),
    ),
    B(
        "one body",
        "shows all messages with the same body",
        "that mail is taken for other mail",
        "It is its own mail.  What the other side holds stays.",
        _bodies,
    ),
    B(
        "empty bodies",
        "shows all messages empty",
        "empty copies",
        "It is copied as it is shown, and named.",
        lambda a: a.sub("FETCH", BODY, rb"BODY[] {0}\r\n)\r\n"),
        codes=(0, 1),
    ),
    B(
        "size of one",
        "says that all messages have a single octet",
        "messages cut short",
        "The literal counts.",
        partial(_sizes, octets=1),
    ),
    B(
        "size without measure",
        "says that all messages have 2^62 octets",
        "memory, or a disk, for as many",
        "The literal counts, and it is named.",
        partial(_sizes, octets=2**62),
        codes=(0, 1),
    ),
    B(
        "late rows",
        "tells rows only behind its OK",
        EVERYTHING,
        "Nothing is removed for it.",
        _lateRows,
        codes=(0, 1),
    ),
    B(
        "other tags",
        "answers with the tag of another command",
        "that a command is believed to be done",
        "It breaks the protocol.",
        _tags,
        codes=(76,),
    ),
    B(
        "answered twice",
        "answers each command twice",
        "that the next command is believed to be done",
        "It breaks the protocol.",
        lambda a: a.sub(
            "FETCH SELECT STORE", rb"([0-9A-F]{4} OK [^\r]*\r\n)\Z", rb"\1\1"
        ),
        codes=(76,),
    ),
    B(
        "answers unasked",
        "answers the next command before it was sent",
        "that it is believed to be done",
        "It lacks what is needed: the answer that comes later.",
        lambda a: a.rewrites.append(
            lambda v, t, x: x + b"%04X OK done\r\n" % (int(t, 16) + 1)
        ),
        codes=(69,),
    ),
    B(
        "another status",
        "answers with neither OK, NO nor BAD",
        "a crash",
        "It breaks the protocol.",
        lambda a: a.sub("SELECT", rb"([0-9A-F]{4}) OK", rb"\1 YES"),
        codes=(76,),
    ),
    B(
        "STORE in vain",
        "says OK to STORE, and stores nothing",
        DONE,
        "Its row is awaited; what it keeps is named.",
        partial(_does, verb="STORE"),
        codes=(1,),
    ),
    B(
        "EXPUNGE in vain",
        "says OK to EXPUNGE, and expunges nothing",
        DONE,
        "It is asked what is there: they are named.",
        partial(_does, verb="EXPUNGE"),
        codes=(1,),
    ),
    B(
        "APPEND in vain",
        "says OK to APPEND, tells a UID, and has nothing there when it is asked later",
        "an expunge of what it was brought",
        "What it never showed, it cannot expunge: it is named, and tried again.",
        _swallows,
        codes=(1,),
    ),
    B(
        "APPEND without UIDs in vain",
        "says OK to APPEND, tells no UIDs, and stores nothing",
        DONE,
        "It is looked for, and named.",
        partial(_does, verb="APPEND"),
        codes=(1,),
    ),
    B(
        "refused and stored",
        "says NO to APPEND, and stores the message",
        "that it is copied again and again",
        "It is looked for, and found.",
        _stored,
        codes=(0,),
    ),
    B(
        "UIDs of others",
        "tells, as the UID of a copy, that of another message (APPENDUID)",
        PAIRED,
        "Nothing is removed for it.",
        partial(_appendUid, told="1007 1"),
    ),
    B(
        "a copy twice",
        "tells the same UID for several copies",
        PAIRED,
        "Nothing is removed for it.",
        partial(_appendUid, told="1007 7,7"),
    ),
    B(
        "copies without end",
        "tells all UIDs that there can be as those of a copy",
        "memory for each of them",
        "Nothing is removed for it.",
        partial(_appendUid, told="1007 1:4294967295"),
    ),
    B(
        "copies in another mailbox",
        "tells another UIDVALIDITY with the UID of a copy",
        PAIRED,
        "Nothing is removed for it.",
        partial(_appendUid, told="99 8"),
    ),
    B(
        "copies yet to come",
        "tells UIDs that are not given yet",
        PAIRED,
        "What it never showed, it cannot expunge.",
        partial(_appendUid, told="1007 4000"),
        codes=(0, 1),
    ),
    B(
        "zero as a copy",
        "tells 0 as the UID of a copy",
        "a crash",
        "Nothing is removed for it.",
        partial(_appendUid, told="1007 0"),
    ),
    B(
        "no numbers as copies",
        "tells words as the UIDs of a copy",
        "a crash",
        "Nothing is removed for it.",
        partial(_appendUid, told="soon {3}"),
    ),
    B(
        "moved elsewhere",
        "tells other messages' UIDs for what it moved (COPYUID)",
        PAIRED,
        "Nothing is removed for it.",
        partial(_copyUid, told="1008 3 1"),
    ),
    B(
        "moved crosswise",
        "tells other sources for what it moved",
        PAIRED,
        "Nothing is removed for it.",
        partial(_copyUid, told="1008 1,2,5 5,6,7"),
    ),
    B(
        "moved without end",
        "tells all UIDs that there can be for what it moved",
        "memory for each of them",
        "Nothing is removed for it.",
        partial(_copyUid, told="1008 1:4294967295 1:4294967295"),
    ),
    B(
        "moved unevenly",
        "tells more sources than copies",
        PAIRED,
        "Nothing is removed for it.",
        partial(_copyUid, told="1008 3:9 5"),
    ),
    B(
        "moved overlapping",
        "tells ranges that overlap for what it moved",
        PAIRED,
        "Nothing is removed for it.",
        partial(_copyUid, told="1008 3,3:4,3 5,5:6,5"),
    ),
    B(
        "moved to another UIDVALIDITY",
        "tells another UIDVALIDITY for what it moved",
        PAIRED,
        "Nothing is removed for it.",
        partial(_copyUid, told="4711 3 5"),
    ),
    B(
        "MOVE in vain",
        "says OK to MOVE, and moves nothing",
        DONE,
        "Nothing is removed for it.",
        partial(_does, verb="MOVE"),
    ),
    B(
        "MOVE that copies",
        "copies at MOVE, and expunges nothing",
        "two of each message",
        "Nothing is removed for it.",
        _moves,
    ),
    B(
        "CREATE in vain",
        "says OK to CREATE, and makes nothing",
        DONE,
        "The mailbox is named.",
        partial(_does, verb="CREATE"),
        codes=(1,),
    ),
    B(
        "RENAME in vain",
        "says OK to RENAME, and renames nothing",
        DONE,
        "The mailbox is looked for.",
        partial(_does, verb="RENAME"),
        codes=(1,),
    ),
    B(
        "SUBSCRIBE in vain",
        "says OK to SUBSCRIBE, and subscribes nothing",
        DONE,
        "The mailbox is named.",
        partial(_does, verb="SUBSCRIBE"),
        codes=(1,),
    ),
    B(
        "SELECT in vain",
        "says OK to SELECT, and nothing of the mailbox",
        EVERYTHING,
        "It breaks the protocol.",
        partial(_does, verb="SELECT"),
        codes=(76,),
    ),
    B(
        "never selected",
        "says of each mailbox that is to be opened that there is none",
        "that all mailboxes are deleted",
        "Only LIST says that.  They are named and left alone.",
        lambda a: a.shut.update(a.folders),
        codes=(1,),
    ),
    B(
        "closed unasked",
        "says in the midst of answers that the mailbox is closed",
        "that what follows is taken to be about another",
        "Nothing is removed for it.",
        lambda a: a.front("FETCH STORE SEARCH", b"* OK [CLOSED] bye\r\n"),
        codes=(0, 1),
    ),
    B(
        "another selected",
        "goes on to another mailbox in the midst of an answer",
        "flags or removals in the wrong mailbox",
        "Nothing is removed for it.",
        lambda a: a.front(
            "FETCH STORE",
            b"* OK [CLOSED] bye\r\n* 0 EXISTS\r\n* OK [UIDVALIDITY 5] new\r\n",
        ),
        codes=(0, 1),
    ),
    B(
        "only to be read",
        "opens each mailbox to be read only, whatever was asked",
        DONE,
        "The mailboxes are named.",
        lambda a: a.sub("SELECT", rb"READ-WRITE", b"READ-ONLY"),
        codes=(1,),
    ),
    B(
        "no flags kept",
        "says that no flag can be kept (PERMANENTFLAGS)",
        UNSEEN,
        "Flags that cannot be kept are named.",
        lambda a: a.sub(OPEN, rb"PERMANENTFLAGS \([^]]*\)\]", b"PERMANENTFLAGS ()]"),
        codes=(1,),
    ),
    B(
        "UIDs that do not last",
        "says that UIDs do not last (UIDNOTSTICKY)",
        "pairs that mean other messages tomorrow",
        "The mailbox is left alone and named.",
        _unsticky,
        codes=(1,),
    ),
    B(
        "no mod-sequences",
        "says that there are no mod-sequences (NOMODSEQ)",
        UNSEEN,
        "All of its messages are compared.",
        _unmodified,
        codes=(0,),
    ),
    B(
        "not enabled",
        "says OK to ENABLE, and does not enable what was asked",
        "answers that mean something else",
        "Changes are found out in another way, and that is told.",
        lambda a: a.sub("ENABLE", rb"QRESYNC", b"NOTHING"),
    ),
    B(
        "taken back",
        "takes back, after the login, what it said that it could do",
        "commands that mean something else",
        "What was said last counts: it can do little.",
        lambda a: a.sub(
            "AUTHENTICATE", rb"OK done", b"OK [CAPABILITY IMAP4rev1] you are in"
        ),
    ),
    B(
        "absurd dates",
        "tells dates that no calendar has (INTERNALDATE)",
        "a crash, or a command that is refused again and again",
        "Such a date is left out.",
        lambda a: a.sub(
            "FETCH",
            rb'INTERNALDATE "[^"]*"',
            b'INTERNALDATE "99-Foo-0000 77:77:77 +9999"',
        ),
        kept=Kept.ALL,
        codes=(0, 1),
    ),
    B(
        "no dates",
        "tells no dates",
        "a crash",
        "They are left out.",
        partial(_dated, raw=b"NIL"),
        codes=(0, 1),
    ),
)
