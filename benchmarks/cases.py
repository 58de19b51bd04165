"""
What is measured.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace

from benchmarks import raw
from benchmarks.mail import Size, exactly, large, mails, small, usual
from benchmarks.place import Place
from benchmarks.programs import PROGRAMS, VERIFY, VERIFY_CONTENT, Program, Result
from imapsync.test.integration.accounts import Mail

#: What a far server adds to a round trip, in seconds.
FAR = 0.04

#: Mailboxes and what is in them.
Boxes = dict[str, "Stuff"]


@dataclass(frozen=True)
class Stuff:
    """
    Messages.
    """

    count: int
    size: Size
    seed: int = 1

    def __iter__(self) -> Iterator[Mail]:
        return mails(self.count, self.size, self.seed)


@dataclass(frozen=True)
class Case:
    """
    One of them.

    @ivar boxes: what the local account holds at first, by the scale.
    @ivar both: whether the remote one holds the same.
    @ivar primed: whether each program runs once before it is measured.
    @ivar change: what is then changed, given the scale.
    @ivar raw: the least that has to be done, given the scale.
    @ivar limit: what that is, for people.
    @ivar programs: those that are measured.
    @ivar without: programs that cannot do it, or take too long.
    @ivar huge: too much to look at each message afterwards, other than to count
        them, and to do unasked.
    @ivar roundTrip: of the line to the remote server, in seconds.
    @ivar rate: of that line, in octets per second; 0 for any.
    @ivar spread: whether there is something to do in many mailboxes.
    @ivar compress: whether those programs that can are to compress.
    @ivar repairs: whether imapsync is to repair, which no other does.
    """

    name: str
    title: str
    boxes: Callable[[float], Boxes]
    raw: Callable[[Place, float], Result] | None = None
    limit: str = ""
    both: bool = False
    primed: bool = False
    change: Callable[[Place, float], None] | None = None
    programs: tuple[Program, ...] = PROGRAMS
    without: tuple[str, ...] = ()
    huge: bool = False
    roundTrip: float = 0.0
    rate: float = 0.0
    spread: bool = False
    compress: bool = False
    repairs: bool = False

    def fill(self, place: Place, scale: float) -> None:
        """
        Make what is there at first.
        """
        with place.accounts() as (local, remote):
            for account in (local, remote) if self.both else (local,):
                for name, stuff in self.boxes(scale).items():
                    if name != "INBOX":
                        account.create(name)
                    account.subscribe(name)
                    account.fill(name, stuff)

    def far(self) -> Case:
        """
        The same, the remote server being far away.
        """
        title = f"{self.title}, {FAR * 1000:.0f} ms away"
        return replace(self, name=f"{self.name}-far", title=title, roundTrip=FAR)


def _inbox(count: int, size: Size) -> Callable[[float], Boxes]:
    return lambda scale: {"INBOX": Stuff(max(1, int(count * scale)), size)}


def _spread(boxes: int, each: int, size: Size) -> Callable[[float], Boxes]:
    """
    C{each} messages in each of many mailboxes.
    """

    def made(scale: float) -> Boxes:
        names = [f"Work/{n % 10}/{n}" for n in range(max(1, int(boxes * scale)) - 1)]
        return {
            name: Stuff(each, size, seed) for seed, name in enumerate(["INBOX", *names])
        }

    return made


def _boxes20(scale: float) -> Boxes:
    names = ["INBOX", *(f"Project {n}" for n in range(19))]
    each = max(1, int(500 * scale))
    return {name: Stuff(each, usual, seed) for seed, name in enumerate(names)}


def _appended(boxes: Callable[[float], Boxes]) -> Callable[[Place, float], Result]:
    """
    To send all to the remote server.
    """

    def work(place: Place, scale: float) -> Result:
        commands = []
        for name, stuff in boxes(scale).items():
            if name != "INBOX":
                commands.append(b"CREATE " + raw.quoted(name))
            commands.append(b"SUBSCRIBE " + raw.quoted(name))
            commands += raw.appends(name, stuff)
        return raw.spoken(place.servers.remotePort, place.user, commands)

    return work


def _asked(place: Place, scale: float) -> Result:
    return raw.spoken(place.servers.remotePort, place.user, raw.LIST)


def _first(name: str, title: str, boxes: Callable[[float], Boxes]) -> Case:
    return Case(
        *(f"first-{name}", f"First sync of {title}", boxes, _appended(boxes)),
        limit="one socket that sends prepared APPENDs of many messages each",
    )


def _idle(name: str, title: str, boxes: Callable[[float], Boxes]) -> Case:
    return Case(
        *(f"idle-{name}", f"Nothing to do in {title}", boxes, _asked),
        limit="one socket that logs in and asks one LIST with STATUS",
        primed=True,
    )


#: The mailbox to which something happens.
_MANY = 50_000
_SETS = 40
_CHANGES = ("\\Seen", "\\Answered", "\\Flagged", "\\Draft", "Work", "Later", "$MDNSent")


def _flagSets(scale: float) -> list[tuple[str, list[int]]]:
    """
    40 sets of messages, 10 000 in all, and what changes about their flags.
    """
    uids = range(1, int(_MANY * scale) + 1, 5)
    return [
        (f"{'-' if n % 8 == 7 else '+'}FLAGS ({_CHANGES[n % 7]})", [*uids[n::_SETS]])
        for n in range(_SETS)
    ]


def _changeFlags(place: Place, scale: float) -> None:
    with place.accounts() as (local, _):
        for change, uids in _flagSets(scale):
            local.store("INBOX", uids, change)


def _stored(place: Place, scale: float) -> Result:
    commands = [b"SELECT INBOX"]
    for change, uids in _flagSets(scale):
        commands.append(f"UID STORE {_joined(uids)} {change}".encode())
    return raw.spoken(place.servers.remotePort, place.user, commands)


def _gone(scale: float) -> tuple[list[int], list[int]]:
    """
    5 000 messages, half of them on each side.
    """
    most = int(_MANY * scale) + 1
    return [*range(10, most, 20)], [*range(20, most, 20)]


def _expunge(place: Place, scale: float) -> None:
    with place.accounts() as accounts:
        for account, uids in zip(accounts, _gone(scale), strict=True):
            account.expunge("INBOX", uids)


def _expunged(place: Place, scale: float) -> Result:
    remote, local = _gone(scale)
    seconds = 0.0
    servers = place.servers
    for port, uids in (servers.remotePort, remote), (servers.local.port, local):
        which = _joined(uids).encode()
        commands = (
            b"SELECT INBOX",
            b"UID STORE %s +FLAGS.SILENT (\\Deleted)" % which,
            b"UID EXPUNGE %s" % which,
        )
        seconds = max(seconds, raw.spoken(port, place.user, commands).seconds)
    return Result(seconds)


def _headers(place: Place, _scale: float) -> Result:
    return _fetched(place, b"HEADER")


def _bodies(place: Place, _scale: float) -> Result:
    return _fetched(place, b"")


def _fetched(place: Place, part: bytes) -> Result:
    """
    To have one server send all of a mailbox.
    """
    items = b"(FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[%s])" % part
    commands = (b"EXAMINE INBOX", b"UID FETCH 1:* " + items)
    servers = place.servers
    ports = (servers.local.port, servers.remotePort)
    return max(
        (raw.spoken(port, place.user, commands) for port in ports),
        key=lambda result: result.seconds,
    )


def _joined(uids: list[int]) -> str:
    return ",".join(map(str, uids))


def _damage(place: Place, scale: float) -> None:
    """
    A tenth of the entries is gone, and as many have each other's messages.
    """
    moved = "UPDATE pair SET remote = remote + {} WHERE remote % 20 IN ({}, {})"
    with closing(sqlite3.connect(place.directory / "state.db")) as database, database:
        database.execute("DELETE FROM pair WHERE local % 10 = 5")
        for by, (first, second) in (
            (1_000_000_000, (2, 3)),
            (-999_999_999, (2, 2)),
            (-1_000_000_001, (3, 3)),
        ):
            where = moved if by > 0 else f"{moved} AND remote > 1000000000"
            database.execute(where.format(by, first, second))


def _repair(
    name: str, title: str, boxes: Callable[[float], Boxes], huge: bool = False
) -> Case:
    return Case(
        *(f"repair-{name}", f"Repair of {title}", boxes),
        primed=True,
        repairs=True,
        huge=huge,
    )


_many = _inbox(_MANY, small)
_million = _inbox(1_000_000, small)
_FIRST_LARGE = _first("large", "5 000 messages of 10 to 50 KB", _inbox(5000, large))
_FIRST_SMALL = _first("small", "50 000 messages under 1 KB", _inbox(50_000, small))
_FIRST_BOXES = replace(
    _first("boxes", "10 000 messages in 20 mailboxes", _boxes20), spread=True
)
_IDLE_100 = _idle("100", "100 mailboxes", _spread(100, 2, small))
_FLAGS = Case(
    *("flags", "10 000 flags in a mailbox of 50 000", _many, _stored),
    limit="one socket that sends 40 STOREs without waiting",
    primed=True,
    change=_changeFlags,
    without=("mbsync",),
)
_EXPUNGES = Case(
    *("expunges", "5 000 removals in a mailbox of 50 000", _many, _expunged),
    limit="the slower of two sockets that send a STORE and an EXPUNGE each",
    primed=True,
    change=_expunge,
)
_MERGE = Case(
    *("merge", "First merge of two equal accounts of 5 000", _inbox(5000, usual)),
    both=True,
    without=("mbsync", "interimap"),  # they would double everything
)
_VERIFY = Case(
    *("verify", "Comparing two accounts of 50 000 messages", _many, _headers),
    limit="the slower of two sockets, each by itself, that fetch all headers",
    both=True,
    programs=(VERIFY,),
)
_VERIFY_CONTENT = replace(
    _VERIFY,
    name="verify-content",
    title="Comparing all of 5 000 messages of 10 to 50 KB",
    boxes=_inbox(5000, large),
    raw=_bodies,
    limit="the slower of two sockets, each by itself, that fetch all messages",
    programs=(VERIFY_CONTENT,),
)
_BIG = Case(
    *("big", "One message of 150 MB", _inbox(1, exactly(150_000_000))),
)

_SLOW = Case(
    name="slow",
    title="First sync of 1 000 messages by 2 MB/s, 40 ms away",
    boxes=_inbox(1000, usual),
    raw=_appended(_inbox(1000, usual)),
    limit="one socket that sends prepared APPENDs, not compressed",
    rate=2_000_000,
    roundTrip=FAR,
)

CASES = {
    case.name: case
    for case in (
        *(_FIRST_LARGE, _FIRST_LARGE.far()),
        *(_FIRST_SMALL, _FIRST_SMALL.far()),
        *(_FIRST_BOXES, _FIRST_BOXES.far()),
        _idle("1", "one mailbox", _spread(1, 2, small)),
        *(_IDLE_100, _IDLE_100.far()),
        _idle("500", "500 mailboxes", _spread(500, 2, small)),
        replace(
            _idle("5000", "5 000 mailboxes", _spread(5000, 1, small)),
            without=("interimap", "mbsync"),
            huge=True,
        ),
        _idle("many", "a mailbox of 50 000", _many),
        *(_FLAGS, _FLAGS.far(), _EXPUNGES, _EXPUNGES.far()),
        *(_MERGE, _MERGE.far()),
        *(_VERIFY, _VERIFY_CONTENT),
        _BIG,
        _SLOW,
        replace(
            _SLOW,
            name="slow-compressed",
            title=f"{_SLOW.title}, compressed",
            compress=True,
        ),
        replace(
            _first("million", "a million messages under 1 KB", _million),
            without=("mbsync", "doveadm sync"),
            raw=None,
            limit="",
            huge=True,
        ),
        replace(
            _idle("million", "a mailbox of a million", _million),
            without=("mbsync", "doveadm sync"),
            huge=True,
        ),
        replace(
            _VERIFY,
            name="verify-million",
            title="Comparing two accounts of a million messages",
            boxes=_million,
            huge=True,
        ),
        _repair("many", "a sound mailbox of 50 000", _many),
        replace(
            _repair("damaged", "a mailbox of 50 000, a fifth damaged", _many),
            change=_damage,
        ),
        _repair("million", "a sound mailbox of a million", _million, huge=True),
    )
}
