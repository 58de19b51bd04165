"""
What is measured.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from benchmarks import limits
from benchmarks.boxes import Scaled, inbox, people, spread, twenty
from benchmarks.changes import MANY, changeCarried, changeFlags, damage, expunge
from benchmarks.mail import exactly, large, small, usual
from benchmarks.place import Place
from benchmarks.programs import PROGRAMS, VERIFY, VERIFY_CONTENT, Program, Result

#: What a far server adds to a round trip, in seconds.
FAR = 0.04

#: What servers say that tell what changed since then, but not what is gone; and those
#: that tell neither.
CONDSTORE = (
    "IMAP4rev1 SASL-IR LITERAL+ ID ENABLE IDLE NAMESPACE UNSELECT UIDPLUS MOVE ESEARCH"
    " CHILDREN LIST-EXTENDED LIST-STATUS SPECIAL-USE MULTIAPPEND CONDSTORE"
)
COMPARING = CONDSTORE.removesuffix(" CONDSTORE")

#: One that has each literal wait, and takes one message at a time.
WAITING = "IMAP4rev1 SASL-IR ENABLE IDLE NAMESPACE UNSELECT UIDPLUS CONDSTORE"

#: Nothing but what is part of the protocol.
BARE = "IMAP4rev1"


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
    @ivar secure: whether the remote server is reached within TLS.
    @ivar spread: whether there is something to do in many mailboxes.
    @ivar compress: whether those programs that can are to compress.
    @ivar repairs: whether imapsync is to repair, which no other does.
    @ivar capability: what both servers say that they can do; the truth by default.
    """

    name: str
    title: str
    boxes: Scaled
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
    secure: bool = False
    spread: bool = False
    compress: bool = False
    repairs: bool = False
    capability: str = ""

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


def _first(name: str, title: str, boxes: Scaled) -> Case:
    return Case(
        *(f"first-{name}", f"First sync of {title}", boxes, limits.appended(boxes)),
        limit="one socket that sends prepared APPENDs of many messages each",
    )


def _idle(name: str, title: str, boxes: Scaled) -> Case:
    return Case(
        *(f"idle-{name}", f"Nothing to do in {title}", boxes, limits.asked),
        limit="one socket that logs in and asks one LIST with STATUS",
        primed=True,
    )


def _repair(name: str, title: str, boxes: Scaled, huge: bool = False) -> Case:
    return Case(
        *(f"repair-{name}", f"Repair of {title}", boxes),
        primed=True,
        repairs=True,
        huge=huge,
    )


_many = inbox(MANY, small)
_million = inbox(1_000_000, small)
_FIRST_LARGE = _first("large", "5 000 messages of 10 to 50 KB", inbox(5000, large))
_FIRST_SMALL = _first("small", "50 000 messages under 1 KB", inbox(50_000, small))
_FIRST_BOXES = replace(
    _first("boxes", "10 000 messages in 20 mailboxes", twenty(500)), spread=True
)
_FIRST_FEW = replace(
    _first("few", "2 000 messages in 20 mailboxes", twenty(100)), spread=True
)
_FIRST_MIXED = replace(
    _first("mixed", "10 000 mixed messages of 205 MB in 20 mailboxes", people),
    spread=True,
)
_FIRST_MIXED_TLS = replace(
    _FIRST_MIXED,
    name="first-mixed-tls",
    title=f"{_FIRST_MIXED.title}, with TLS to the remote server",
    secure=True,
    raw=None,
    limit="",
)
_IDLE_100 = _idle("100", "100 mailboxes", spread(100, 2, small))
_FLAGS = Case(
    *("flags", "10 000 flags in a mailbox of 50 000", _many, limits.stored),
    limit="one socket that sends 40 STOREs without waiting",
    primed=True,
    change=changeFlags,
    without=("mbsync",),
)
_CARRIED = replace(
    _FLAGS,
    title="10 000 flags, none a keyword, in a mailbox of 50 000",
    change=changeCarried,
)
_EXPUNGES = Case(
    *("expunges", "5 000 removals in a mailbox of 50 000", _many, limits.expunged),
    limit="the slower of two sockets that send a STORE and an EXPUNGE each",
    primed=True,
    change=expunge,
)
_MERGE = Case(
    *("merge", "First merge of two equal accounts of 5 000", inbox(5000, usual)),
    both=True,
    without=("mbsync", "interimap"),  # they would double everything
)
_VERIFY = Case(
    *("verify", "Comparing two accounts of 50 000 messages", _many, limits.headers),
    limit="the slower of two sockets, each by itself, that fetch all headers",
    both=True,
    programs=(VERIFY,),
)
_VERIFY_CONTENT = replace(
    _VERIFY,
    name="verify-content",
    title="Comparing all of 5 000 messages of 10 to 50 KB",
    boxes=inbox(5000, large),
    raw=limits.bodies,
    limit="the slower of two sockets, each by itself, that fetch all messages",
    programs=(VERIFY_CONTENT,),
)
_BIG = Case(
    *("big", "One message of 150 MB", inbox(1, exactly(150_000_000))),
)

_SLOW = Case(
    name="slow",
    title="First sync of 1 000 messages by 2 MB/s, 40 ms away",
    boxes=inbox(1000, usual),
    raw=limits.appended(inbox(1000, usual)),
    limit="one socket that sends prepared APPENDs, not compressed",
    rate=2_000_000,
    roundTrip=FAR,
)


def _lesser(case: Case) -> tuple[Case, Case]:
    """
    The same, where servers tell less of what changed.
    """
    without = ("interimap", "doveadm sync")
    condstore, comparing = (
        replace(
            case,
            name=f"{case.name}-{name}",
            title=f"{case.title}, without {missing}",
            without=without,
            capability=capability,
            raw=None,
            limit="",
        )
        for name, missing, capability in (
            ("condstore", "QRESYNC", CONDSTORE),
            ("comparing", "CONDSTORE", COMPARING),
        )
    )
    return condstore, comparing


_IDLE_MANY = _idle("many", "a mailbox of 50 000", _many)
_IDLE_BARE = replace(
    _idle("bare", "200 mailboxes of servers without extensions", spread(200, 2, small)),
    without=("interimap", "doveadm sync"),
    spread=True,
    capability=BARE,
    raw=None,
    limit="",
)
_FIRST_WAITING = replace(
    _first("waiting", "500 messages to a server without LITERAL+", inbox(500, usual)),
    without=("interimap", "doveadm sync"),
    spread=True,
    capability=WAITING,
    raw=None,
    limit="",
)

CASES = {
    case.name: case
    for case in (
        *(_FIRST_MIXED, _FIRST_MIXED_TLS),
        *(_FIRST_LARGE, _FIRST_LARGE.far()),
        *(_FIRST_SMALL, _FIRST_SMALL.far()),
        *(_FIRST_BOXES, _FIRST_BOXES.far(), _FIRST_FEW.far()),
        _idle("1", "one mailbox", spread(1, 2, small)),
        *(_IDLE_100, _IDLE_100.far()),
        _idle("500", "500 mailboxes", spread(500, 2, small)),
        replace(
            _idle("5000", "5 000 mailboxes", spread(5000, 1, small)),
            without=("interimap", "mbsync"),
            huge=True,
        ),
        *(_IDLE_MANY, *_lesser(_IDLE_MANY)),
        *(_IDLE_BARE.far(), _FIRST_WAITING.far()),
        *(_FLAGS, _FLAGS.far(), _EXPUNGES, _EXPUNGES.far()),
        *(*_lesser(_CARRIED), *_lesser(_EXPUNGES)),
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
            change=damage,
        ),
        _repair("million", "a sound mailbox of a million", _million, huge=True),
    )
}
