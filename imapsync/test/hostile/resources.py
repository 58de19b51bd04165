"""
Things without end or measure.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable
from functools import partial
from itertools import count, repeat

from imapsync.test.hostile.behaviour import Behaviour as B
from imapsync.test.hostile.behaviour import Kept, having, jointly
from imapsync.test.hostile.server import HostileAccount
from imapsync.testing.accounts import mail

MEMORY = "memory, until there is none"
TIME = "a run that never ends"
ROOM = "memory or a disk, until there is none"
TRAFFIC = "a run that never ends, and traffic"


def _numbered(text: bytes) -> Callable[[], Iterable[bytes]]:
    """
    Lines, each with a number of its own.
    """
    return lambda: (text % number for number in count(1))


def _flood(
    account: HostileAccount, verb: str, pieces: Callable[[], Iterable[bytes]]
) -> None:
    account.flood[verb] = pieces


def _instead(
    account: HostileAccount, verb: str, pieces: Callable[[], Iterable[bytes]]
) -> None:
    """
    In place of an answer.
    """
    account.sub(verb, rb".*", b"")
    account.flood[verb] = pieces


def _slow(account: HostileAccount, verb: str, seconds: float, piece: bytes) -> None:
    _instead(account, verb, lambda: repeat(piece))
    account.pace = seconds


def _greets(account: HostileAccount, pieces: Callable[[], Iterable[bytes]]) -> None:
    account.welcome = b""
    account.flood[""] = pieces


def _silent(account: HostileAccount, verb: str) -> None:
    account.sub(verb, rb".*", b"")


def _streams(account: HostileAccount, size: int, piece: bytes) -> None:
    """
    To send a message that does not end.
    """
    account.sub("FETCH", rb"BODY\[\] \{\d+\}.*", b"BODY[] {%d}\r\n" % size)
    account.flood["FETCH"] = lambda: repeat(piece)
    account.opens = b"}\r\n"


def _announced(account: HostileAccount, size: int) -> None:
    """
    To list a name that is a literal of that size.
    """
    account.front("LIST", b'* LIST () "/" {%d}\r\n' % size)


def _bomb() -> bytes:
    deflate = zlib.compressobj(9, wbits=-15)
    zeros = bytes(1 << 20)
    return b"".join(deflate.compress(zeros) for _ in range(64)) + deflate.flush()


def _grows(account: HostileAccount) -> None:
    """
    With each command, there is another message.
    """
    numbers = count()
    account.each = lambda verb: (
        account.inbox.add(mail(f"more {next(numbers)}"))
        if verb in ("FETCH", "SELECT", "LIST")
        else None
    )


def _spawns(account: HostileAccount) -> None:
    """
    With each LIST, there is another mailbox.
    """
    numbers = count()
    account.each = lambda verb: (
        account.make(f"more{next(numbers)}") if verb == "LIST" else None
    )


def _wanders(account: HostileAccount) -> None:
    """
    With each LIST, a mailbox has another name.
    """
    numbers = count()

    def wander(verb: str) -> None:
        if verb == "LIST":
            name = next(n for n in account.folders if n.startswith(("Work", "Went")))
            account.rename(name, f"Went{next(numbers)}")
            account.folders[
                next(n for n in account.folders if n.startswith("Went"))
            ].subscribed = True

    account.each = wander


def _echoes(account: HostileAccount) -> None:
    """
    What is brought is there once more.
    """

    def echo(verb: str) -> None:
        for folder in account.folders.values():
            if len(folder.messages) > sizes.get(id(folder), len(folder.messages)):
                folder.add(folder.messages[max(folder.messages)].body)
            sizes[id(folder)] = len(folder.messages)

    sizes: dict[int, int] = {}
    account.each = echo


def _storm(account: HostileAccount, told: bytes, seconds: float = 5) -> None:
    """
    To tell that for ever, as soon as anything may be told unasked.
    """
    account.pace = seconds
    for verb in "NOTIFY", "IDLE", "NOOP":
        account.flood[verb] = lambda: repeat(told)


RESOURCES = (
    B(
        "a greeting without end",
        "begins a greeting that does not end",
        MEMORY,
        "It breaks the protocol after 8 MB.",
        partial(_greets, pieces=lambda: repeat(b"* OK " + b"x" * 5000)),
        codes=(76,),
        heavy=True,
    ),
    B(
        "a slow greeting",
        "greets with an octet each ten seconds",
        TIME,
        "It is given up after 30 seconds.",
        jointly(partial(_greets, pieces=lambda: repeat(b"x")), having(pace=10)),
        codes=(76,),
        seconds=200,
    ),
    B(
        "no greeting",
        "does not greet",
        TIME,
        "It is given up after 30 seconds; three attempts.",
        partial(_greets, pieces=lambda: iter(())),
        codes=(75,),
        seconds=200,
    ),
    B(
        "silence",
        "does not answer SELECT",
        TIME,
        "It is given up after 5 minutes; three attempts.",
        partial(_silent, verb="SELECT"),
        codes=(75,),
        seconds=1200,
    ),
    B(
        "silence before the login",
        "does not answer the login",
        TIME,
        "It is given up after 5 minutes; three attempts.",
        partial(_silent, verb="AUTHENTICATE"),
        codes=(75,),
        seconds=1200,
    ),
    B(
        "silence at the farewell",
        "does not answer LOGOUT",
        TIME,
        "It is not waited for.",
        partial(_silent, verb="LOGOUT"),
        seconds=400,
    ),
    B(
        "slow octets",
        "sends an octet a minute of a line that does not end",
        TIME,
        "It is given up after an hour; three attempts.",
        partial(_slow, verb="LIST", seconds=60, piece=b"x"),
        codes=(75,),
        seconds=20_000,
    ),
    B(
        "signs of life",
        "says each minute that it is still there, and never answers",
        TIME,
        "It is given up after an hour; three attempts.",
        partial(_slow, verb="LIST", seconds=60, piece=b"* OK Still here\r\n"),
        codes=(75,),
        seconds=20_000,
    ),
    B(
        "progress for ever",
        "says each minute how far it is (INPROGRESS), and never answers",
        TIME,
        "It is given up after an hour; three attempts.",
        partial(
            _slow, verb="SELECT", seconds=60, piece=b"* OK [INPROGRESS (NIL 1 2)] x\r\n"
        ),
        codes=(75,),
        seconds=20_000,
    ),
    B(
        "capabilities for ever",
        "tells each minute what it can do, and never answers",
        TIME,
        "It is given up after an hour; three attempts.",
        partial(_slow, verb="SELECT", seconds=60, piece=b"* CAPABILITY IMAP4rev1\r\n"),
        codes=(75,),
        seconds=20_000,
    ),
    B(
        "a slow message",
        "sends an octet a minute of a message",
        TIME,
        "It is given up after an hour, twice, and named.",
        jointly(partial(_streams, size=10**8, piece=b"x"), having(pace=60)),
        codes=(1,),
        seconds=20_000,
    ),
    B(
        "a line without end",
        "answers with a line that does not end",
        MEMORY,
        "It breaks the protocol after 8 MB.",
        partial(_instead, verb="LIST", pieces=lambda: repeat(b"x" * 5000)),
        codes=(76,),
        heavy=True,
    ),
    B(
        "words without end",
        "says OK without a tag, without end",
        TIME,
        "It breaks the protocol after four million.",
        partial(_instead, verb="LIST", pieces=lambda: repeat(b"* OK hi\r\n")),
        codes=(76,),
        heavy=True,
    ),
    B(
        "alerts without end",
        "sends alerts, each of its own, without end",
        "memory, and a log that grows without end",
        "It breaks the protocol after four million.",
        partial(_instead, verb="LIST", pieces=_numbered(b"* OK [ALERT] no %d\r\n")),
        codes=(76,),
        heavy=True,
    ),
    B(
        "counts without end",
        "tells EXISTS without end",
        TIME,
        "It breaks the protocol after four million.",
        partial(_instead, verb="SELECT", pieces=_numbered(b"* %d EXISTS\r\n")),
        codes=(76,),
        heavy=True,
    ),
    B(
        "mailboxes without end",
        "lists mailboxes, each of its own, without end",
        MEMORY,
        "It breaks the protocol after four million.",
        partial(_instead, verb="LIST", pieces=_numbered(b'* LIST () "/" "more%d"\r\n')),
        codes=(76,),
        heavy=True,
    ),
    B(
        "STATUS without end",
        "tells the STATUS of mailboxes that nobody asked for, without end",
        MEMORY,
        "It breaks the protocol after four million.",
        partial(
            _instead, verb="LIST", pieces=_numbered(b'* STATUS "x%d" (MESSAGES 1)\r\n')
        ),
        codes=(76,),
        heavy=True,
    ),
    B(
        "rows without end",
        "tells of messages, each of its own, without end",
        MEMORY,
        "It breaks the protocol after four million.",
        partial(
            _instead,
            verb="SELECT",
            pieces=_numbered(b"* 1 FETCH (UID %d FLAGS ())\r\n"),
        ),
        codes=(76,),
        heavy=True,
    ),
    B(
        "one row without end",
        "tells of one message without end",
        TIME,
        "It breaks the protocol after two million.",
        partial(
            _instead,
            verb="FETCH",
            pieces=lambda: repeat(b"* 1 FETCH (UID 1 FLAGS ())\r\n" * 99),
        ),
        codes=(76,),
        heavy=True,
    ),
    B(
        "ranges without end",
        "says that messages are gone, one here and one there, without end",
        MEMORY,
        "It breaks the protocol after two million.",
        partial(
            _instead,
            verb="SELECT",
            pieces=lambda: (b"* VANISHED %d\r\n" % (2 * n) for n in count(1)),
        ),
        codes=(76,),
        heavy=True,
    ),
    B(
        "a long set",
        "says in one line that a million messages are gone",
        MEMORY,
        "It breaks the protocol after two million.",
        lambda a: a.front(
            "SELECT",
            b"* VANISHED (EARLIER) "
            + b",".join(b"%d" % (2 * n) for n in range(1, 50_000))
            + b"\r\n",
        ),
        codes=(76,),
        heavy=True,
    ),
    B(
        "messages without end",
        "sends messages that nobody asked for, without end",
        MEMORY,
        "It breaks the protocol after four million.",
        partial(
            _instead,
            verb="SELECT",
            pieces=_numbered(b"* 1 FETCH (UID %d BODY[] {5}\r\nhello)\r\n"),
        ),
        codes=(76,),
        heavy=True,
    ),
    B(
        "a million capabilities",
        "tells a million capabilities",
        MEMORY,
        "8 MB of them are read; none of them is of use.",
        lambda a: a.sub(
            "CAPABILITY AUTHENTICATE",
            rb"(IMAP4rev1)|OK done",
            b"OK [CAPABILITY IMAP4rev1 " + b"X=EVIL " * 60_000 + b"] x",
        ),
        heavy=True,
    ),
    B(
        "capabilities without end",
        "tells capabilities, again and again, without end",
        TIME,
        "It breaks the protocol after four million.",
        partial(_instead, verb="ENABLE", pieces=_numbered(b"* CAPABILITY X%d\r\n")),
        codes=(76,),
        heavy=True,
    ),
    B(
        "a literal of 2^63",
        "announces a literal of 2^63 octets in LIST",
        MEMORY,
        "It breaks the protocol at once.",
        partial(_announced, size=2**63),
        codes=(76,),
        heavy=True,
    ),
    B(
        "a literal of 8 GB",
        "announces a literal of 8 GB in LIST",
        MEMORY,
        "It breaks the protocol at once.",
        partial(_announced, size=2**33),
        codes=(76,),
        heavy=True,
    ),
    B(
        "a literal of a hundred digits",
        "announces a literal with a size of a hundred digits",
        "a crash",
        "It breaks the protocol at once.",
        partial(_announced, size=10**100),
        codes=(76,),
    ),
    B(
        "a message of 2^63",
        "announces a message of 2^63 octets",
        ROOM,
        "It breaks the protocol at once.",
        lambda a: a.sub("FETCH", rb"BODY\[\] \{\d+\}", b"BODY[] {%d}" % 2**63),
        codes=(76,),
        heavy=True,
    ),
    B(
        "a message without end",
        "sends a message of 2^62 octets, which never ends",
        ROOM,
        "It breaks the protocol at once, as what is beyond 2^40 does.",
        partial(_streams, size=2**62, piece=b"x" * 5000),
        codes=(76,),
        heavy=True,
        seconds=2000,
    ),
    B(
        "nested without end",
        "opens a million parentheses",
        "a crash, or time that grows with their square",
        "What is nested so deep cannot be read.",
        lambda a: a.front("LIST", b"* LIST " + b"(" * 400_000 + b"\r\n"),
        heavy=True,
        codes=(76,),
    ),
    B(
        "nested rows",
        "opens a million parentheses in a row",
        "a crash, or time that grows with their square",
        "What is nested so deep cannot be read.",
        lambda a: a.front("FETCH", b"* 1 FETCH (UID 1 X " + b"(" * 400_000 + b"\r\n"),
        heavy=True,
        codes=(0, 1),
    ),
    B(
        "an open code",
        "opens a response code and does not close it, for a long line",
        "time that grows with the square of the line",
        "It takes time as long as the line.",
        lambda a: a.front("FETCH LIST", b"* OK [" + b"[(" * 200_000 + b"\r\n"),
        heavy=True,
    ),
    B(
        "an open flag list",
        "opens flags and does not close them, for a long line",
        "time that grows with the square of the line",
        "It takes time as long as the line.",
        lambda a: a.front(
            "FETCH", b"* 1 FETCH (UID 1 " + b"FLAGS (a" * 50_000 + b"\r\n"
        ),
        heavy=True,
        codes=(0, 1),
    ),
    B(
        "a compressed bomb",
        "sends 64 MB of zeros in 64 KB (COMPRESS=DEFLATE)",
        MEMORY,
        "It is expanded piece by piece; a line ends at 8 MB.",
        lambda a: setattr(a, "squeezed", _bomb()),
        codes=(76,),
        offers="COMPRESS=DEFLATE",
        options={"compress": True},
        heavy=True,
    ),
    B(
        "compressed noise",
        "sends noise in place of compressed data",
        "a crash",
        "It breaks the protocol.",
        lambda a: setattr(a, "squeezed", b"\xff" * 1000),
        codes=(76,),
        offers="COMPRESS=DEFLATE",
        options={"compress": True},
    ),
    B(
        "compressed beyond its end",
        "ends the compressed data, and goes on",
        "a loop",
        "It breaks the protocol.",
        lambda a: setattr(a, "squeezed", zlib.compress(b"* OK x\r\n")[2:-4] + b"more"),
        codes=(76,),
        offers="COMPRESS=DEFLATE",
        options={"compress": True},
    ),
    B(
        "leave without end",
        "sends continuations that nobody waits for, without end",
        "that what is sent is taken for another command",
        "It breaks the protocol.",
        partial(_flood, verb="SELECT", pieces=lambda: repeat(b"+ go on\r\n")),
        codes=(76,),
        heavy=True,
    ),
    B(
        "leave for nothing",
        "sends a continuation in front of each answer",
        "that what is sent is taken for another command",
        "It breaks the protocol, unless it was waited for.",
        lambda a: a.front("FETCH SELECT STORE APPEND", b"+ go on\r\n"),
        codes=(76,),
    ),
    B(
        "ever growing",
        "has another message whenever it is looked",
        TRAFFIC,
        "A run ends; the rest is left to the next.",
        _grows,
        codes=(1,),
    ),
    B(
        "ever more mailboxes",
        "has another mailbox whenever it is looked",
        TRAFFIC,
        "A run ends; the rest is left to the next.",
        _spawns,
        live=False,
        codes=(1,),
    ),
    B(
        "ever another name",
        "renames a mailbox whenever it is looked",
        TRAFFIC,
        "A run ends; the rest is left to the next.",
        _wanders,
        kept=Kept.SOMEWHERE,
        live=False,
        codes=(1,),
    ),
    B(
        "an echo",
        "has once more whatever it is brought",
        "copies of copies, without end",
        "It comes to rest, or the growth brake stops it.",
        _echoes,
    ),
    B(
        "no room",
        "refuses each message, as there were no room",
        "that all is sent again and again",
        "Each is named, and tried again in the next run.",
        lambda a: a.answers.update(APPEND="NO [OVERQUOTA] full"),
        codes=(1,),
    ),
    B(
        "no such mailbox",
        "refuses each message, as there were no mailbox (TRYCREATE)",
        "that it is made again and again",
        "Each is named.",
        lambda a: a.answers.update(APPEND="NO [TRYCREATE] no such mailbox"),
        codes=(1,),
    ),
    B(
        "hanging up",
        "hangs up at each SELECT",
        TIME,
        "Three attempts.",
        lambda a: a.instead.update(SELECT="* BYE not now"),
        codes=(75,),
        seconds=2000,
    ),
    B(
        "hanging up over messages",
        "hangs up at each FETCH",
        TIME,
        "A hundred messages are given up at most; then the mailbox is.",
        lambda a: setattr(a, "chokes", lambda _: "BYE"),
        seconds=4000,
        codes=(1,),
    ),
    B(
        "a storm of STATUS",
        "tells every five seconds that a mailbox has changed",
        TRAFFIC,
        "It is looked, not more often than it takes.",
        partial(_storm, told=b'* STATUS "Work" (MESSAGES 9 UIDNEXT 99)\r\n'),
    ),
    B(
        "a storm of names",
        "tells every five seconds of another mailbox",
        MEMORY,
        "It is looked; LIST counts.",
        partial(_storm, told=b'* LIST () "/" "x"\r\n' * 50),
    ),
    B(
        "a storm of overflows",
        "says every five seconds that there was too much to tell",
        TRAFFIC,
        "It is looked, and asked to tell again.",
        partial(_storm, told=b"* OK [NOTIFICATIONOVERFLOW] too much\r\n"),
    ),
    B(
        "a storm of removals",
        "says every five seconds that all messages are gone",
        "an expunge of all that the other account holds",
        "It is asked for them, and they are there.",
        partial(_storm, told=b"* VANISHED 1:9999\r\n"),
    ),
    B(
        "a limit of nothing",
        "says that no message may have a single octet (APPENDLIMIT)",
        "that nothing is copied",
        "It is named.",
        lambda a: setattr(a, "largest", 1),
        offers="APPENDLIMIT",
        codes=(1,),
    ),
    B(
        "a limit without measure",
        "tells a limit of 2^80 octets",
        "a crash",
        "It is passed over.",
        lambda a: setattr(a, "largest", 2**80),
        offers="APPENDLIMIT",
    ),
    B(
        "a namespace without measure",
        "tells a thousand namespaces",
        MEMORY,
        "8 MB of them are read.",
        lambda a: a.sub(
            "NAMESPACE", rb"NIL NIL", b"(" + b'("x/" "/")' * 1_000 + b") NIL"
        ),
        heavy=True,
    ),
    B(
        "an ID without measure",
        "tells a hundred thousand things about itself",
        MEMORY,
        "It is passed over.",
        lambda a: a.front("ID", b"* ID (" + b'"a" "b" ' * 40_000 + b")\r\n"),
        offers="ID",
        heavy=True,
    ),
)
