"""
Two IMAP servers in memory, and a world in which clients talk to them.

They hold state, know no time but a L{Clock}'s, and can be told to misbehave as
real servers do.  Nothing moves but in L{World.pump}.
"""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.interfaces import IReactorTime
from twisted.internet.protocol import Protocol
from twisted.internet.task import Clock
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.python.failure import Failure

from imapsync import names
from imapsync.brake import Brake
from imapsync.config import Config, ServerConfig, TLSConfig
from imapsync.imap.client import SyncClient
from imapsync.model import Flags, Side
from imapsync.report import Report
from imapsync.session import Session, Wish
from imapsync.state import State
from imapsync.uidset import UidSet

T = TypeVar("T")

CAPABILITIES = frozenset(
    """
    IMAP4rev1 UIDPLUS ENABLE CONDSTORE QRESYNC LIST-EXTENDED LIST-STATUS LITERAL+
    MULTIAPPEND ESEARCH NAMESPACE
    """.split()
)

DATE = "01-Feb-2020 03:04:05 +0000"
NOTHING: Flags = frozenset()
SEEN: Flags = frozenset(["\\Seen"])

_SYSTEM = r"\Answered \Flagged \Deleted \Seen \Draft"
_LITERAL = re.compile(rb"\{(\d+)(\+?)\}\Z")
_TOKEN = re.compile(r' *(?:"((?:[^"\\]|\\.)*)"|([()])|([^ ()"]+))')

#: When a transport holds more than this, it pauses its producer.
_HIGH = 64 * 1024
#: So often a world is moved on before somebody must be going round in circles.
_STEPS = 8_000
#: So many seconds it may take to be moved on once.
_PATIENCE = 30


@dataclass
class Message:
    """
    A message in a mailbox.
    """

    body: bytes
    flags: Flags = NOTHING
    date: str = DATE
    modseq: int = 0


@dataclass
class Folder:
    """
    A mailbox on a server.

    @ivar messages: by UID, ascending.
    @ivar expunged: the mod-sequence at which each expunged UID went.
    @ivar permanent: what PERMANENTFLAGS says.
    @ivar readOnly: as by an ACL: what is written is answered OK, to no effect.
    @ivar codes: more response codes of SELECT, such as C{"UIDNOTSTICKY"}.
    @ivar lies: what VANISHED (EARLIER) says in addition.
    """

    uidvalidity: int
    subscribed: bool = True
    uidnext: int = 1
    modseq: int = 1
    messages: dict[int, Message] = field(default_factory=dict)
    expunged: dict[int, int] = field(default_factory=dict)
    permanent: str = _SYSTEM + r" \*"
    readOnly: bool = False
    noModseq: bool = False
    codes: list[str] = field(default_factory=list)
    lies: UidSet = field(default_factory=UidSet)

    def add(self, body: bytes, flags: Flags = NOTHING, date: str = DATE) -> int:
        """
        A message arrives.

        @return: its UID.
        """
        self.modseq += 1
        uid, self.uidnext = self.uidnext, self.uidnext + 1
        self.messages[uid] = Message(body, flags, date, self.modseq)
        return uid

    def flag(self, uid: int, *flags: str) -> None:
        """
        A message gets exactly these flags.
        """
        self.modseq += 1
        message = self.messages[uid]
        message.flags, message.modseq = frozenset(flags), self.modseq

    def expunge(self, *uids: int) -> None:
        """
        Messages go.
        """
        for uid in uids:
            self.modseq += 1
            self.expunged[uid] = self.modseq
            del self.messages[uid]

    def renumber(self) -> None:
        """
        UIDVALIDITY changes: every message gets another UID.
        """
        messages = list(self.messages.values())
        self.uidvalidity += 1000
        self.uidnext += 50
        self.messages, self.expunged = {}, {}
        for message in messages:
            self.add(message.body, message.flags, message.date)

    @property
    def content(self) -> list[tuple[bytes, frozenset[str], str]]:
        """
        All that there is to compare, whatever the order.
        """
        return sorted(
            (m.body, frozenset(flag.lower() for flag in m.flags), m.date)
            for m in self.messages.values()
        )


@dataclass(frozen=True)
class Offer:
    """
    A message that is to be appended; its C{body} is empty as long as leave
    for its literal is asked.
    """

    flags: Flags
    date: str
    size: int
    body: bytes = b""


class Account:
    """
    A server with one account.

    @ivar objection: what an APPEND of a message is answered with, such as
        C{"NO [OVERQUOTA] full"}; empty if it is taken.
    @ivar answers: tagged answers to commands that are refused, by verb.
    @ivar deaf: verbs that are answered OK, to no effect.
    @ivar before: called once, before the next command with that verb.
    @ivar forgets: flags that are dropped with OK.
    @ivar alters: whether something is added to each message that arrives.
    @ivar appendUid: whether APPENDUID is told; a text is told instead.
    @ivar bodyFirst: whether a message comes before its attributes.
    @ivar chunk: octets that arrive at the client at a time.
    @ivar window: octets that are taken from the client at a time.
    @ivar downLeft: octets that will still arrive there until the connection
        is cut.
    @ivar upLeft: octets that will still be taken until then.
    @ivar heard: the commands that were received, without tags.
    """

    def __init__(self, separator: str = "/") -> None:
        self.separator = separator
        self.folders: dict[str, Folder] = {}
        self.capabilities = set(CAPABILITIES)
        self.greeting = "PREAUTH"
        self.objection: Callable[[Offer], str] = lambda _: ""
        self.answers: dict[str, str] = {}
        self.deaf: set[str] = set()
        self.before: dict[str, Callable[[], None]] = {}
        self.forgets: Flags = NOTHING
        self.alters = False
        self.appendUid: bool | str = True
        self.bodyFirst = False
        self.chunk = self.window = 1 << 16
        self.downLeft: int | None = None
        self.upLeft: int | None = None
        self.heard: list[str] = []
        self._uidvalidities = count(7)
        self.make("INBOX")

    def make(self, name: str, subscribed: bool = True) -> Folder:
        """
        Make a mailbox.
        """
        folder = self.folders[name] = Folder(next(self._uidvalidities), subscribed)
        return folder

    @property
    def inbox(self) -> Folder:
        """
        The mailbox that is always there.
        """
        return self.folders["INBOX"]

    @property
    def content(self) -> Mapping[str, tuple[bool, list[Any]]]:
        """
        All that there is to compare, by the name with C{/} between levels.
        """
        return {
            name.replace(self.separator, "/"): (folder.subscribed, folder.content)
            for name, folder in self.folders.items()
        }

    def count(self, *verbs: str) -> int:
        """
        How many commands with these verbs were heard.
        """
        return sum(line.removeprefix("UID ").startswith(verbs) for line in self.heard)


class Missing(Exception):
    """
    There is no such mailbox.
    """


class Dialogue:
    """
    The server's end of a connection.

    @ivar output: what it says.
    @ivar closing: whether it hangs up after that.
    """

    def __init__(self, account: Account) -> None:
        self.account = account
        self.output = bytearray()
        self.closing = False
        self._input = bytearray()
        self._parts: list[str | bytes] = []
        self._wanted: int | None = None
        self._folder: Folder | None = None
        self._told: set[int] = set()
        self._writable = False
        capabilities = " ".join(sorted(account.capabilities))
        self._say(f"* {account.greeting} [CAPABILITY {capabilities}] ready")

    def received(self, data: bytes) -> None:
        """
        The client said something.
        """
        self._input += data
        while self._step():
            pass

    def _say(self, line: str) -> None:
        self.output += line.encode("latin-1") + b"\r\n"

    def _step(self) -> bool:
        if self._wanted is not None:
            if len(self._input) < self._wanted:
                return False
            self._parts.append(bytes(self._input[: self._wanted]))
            del self._input[: self._wanted]
            self._wanted = None
            return True
        line, end, rest = self._input.partition(b"\r\n")
        if not end:
            return False
        self._input = bytearray(rest)
        self._line(bytes(line))
        return True

    def _line(self, line: bytes) -> None:
        marker = _LITERAL.search(line)
        self._parts.append(_LITERAL.sub(b"", line).decode("latin-1"))
        if marker is None:
            parts, self._parts = self._parts, []
            self._execute(*_words(parts))
            return
        self._wanted = int(marker[1])
        if marker[2]:
            return
        tag, verb, *arguments = _words(self._parts)
        text = ""
        if verb == "APPEND":
            *_, offer = _offers(arguments[1:])
            text = self.account.objection(replace(offer, size=self._wanted))
        if text:
            self._parts, self._wanted = [], None
        self._say(f"{tag} {text}" if text else "+ go on")

    def _objection(self, offers: list[Offer]) -> str:
        return next(filter(None, map(self.account.objection, offers)), "")

    def _execute(self, tag: str, verb: str, *arguments: Any) -> None:
        account = self.account
        account.heard.append(" ".join((verb, *map(str, arguments)))[:200])
        if verb == "UID":
            verb, *rest = arguments
            arguments = tuple(rest)
        if verb in account.before:
            account.before.pop(verb)()
        answer = account.answers.get(verb, "")
        if not answer:
            try:
                answer = getattr(self, f"_{verb}")(tag, *arguments) or "OK done"
            except Missing:
                answer = "NO [NONEXISTENT] no such mailbox"
        self._news()
        self._say(f"{tag} {answer}")

    def _news(self) -> None:
        """
        Say what became of the selected mailbox.
        """
        if self._folder is None:
            return
        if gone := UidSet.of(self._told - set(self._folder.messages)):
            self._say(f"* VANISHED {gone}")
        self._tell()

    def _tell(self) -> None:
        folder = self._selected()
        if self._told != set(folder.messages):
            self._say(f"* {len(folder.messages)} EXISTS")
        self._told = set(folder.messages)

    def _selected(self) -> Folder:
        if self._folder is None:
            raise AssertionError("nothing is selected")
        return self._folder

    def _named(self, word: str | bytes) -> str:
        raw = word if isinstance(word, bytes) else word.encode("latin-1")
        return names.decode(raw)

    def _existing(self, word: str | bytes) -> Folder:
        name = self._named(word)
        if name not in self.account.folders:
            raise Missing(name)
        return self.account.folders[name]

    # Commands

    def _CAPABILITY(self, _tag: str) -> None:
        self._say(f"* CAPABILITY {' '.join(sorted(self.account.capabilities))}")

    def _AUTHENTICATE(self, _tag: str, *_words: object) -> None:
        pass

    _LOGIN = _ID = _AUTHENTICATE

    def _ENABLE(self, _tag: str, name: str) -> None:
        self._say(f"* ENABLED {name}")

    def _NAMESPACE(self, _tag: str) -> None:
        self._say(f'* NAMESPACE (("" "{self.account.separator}")) NIL NIL')

    def _LOGOUT(self, _tag: str) -> None:
        self._say("* BYE")
        self.closing = True

    def _LIST(self, _tag: str, *_words: object) -> None:
        for name, folder in self.account.folders.items():
            attributes = r"\Subscribed" if folder.subscribed else ""
            quoted = re.sub(r'(["\\])', r"\\\1", names.encode(name).decode())
            word = f'"{quoted}"'
            self._say(f'* LIST ({attributes}) "{self.account.separator}" {word}')
            self._say(f"* STATUS {word} ({_status(folder)})")

    def _STATUS(self, _tag: str, name: str, _items: object) -> None:
        folder = self._existing(name)
        self._say(f'* STATUS "{name}" ({_status(folder)})')

    def _CREATE(self, _tag: str, name: str) -> None:
        if "CREATE" not in self.account.deaf:
            self.account.make(self._named(name), subscribed=False)

    def _SUBSCRIBE(self, _tag: str, name: str) -> None:
        if "SUBSCRIBE" not in self.account.deaf:
            self._existing(name).subscribed = True

    def _UNSUBSCRIBE(self, _tag: str, name: str) -> None:
        self._existing(name).subscribed = False

    def _SELECT(self, _tag: str, name: str, options: Any = ()) -> str:
        self._writable = True
        return self._open(name, options)

    def _EXAMINE(self, _tag: str, name: str, options: Any = ()) -> str:
        self._writable = False
        return self._open(name, options)

    def _open(self, name: str, options: Any) -> str:
        if self._folder is not None:
            self._say("* OK [CLOSED] another")
        self._folder = folder = self._existing(name)
        self._told = set()
        self._tell()
        modseq = "NOMODSEQ" if folder.noModseq else f"HIGHESTMODSEQ {folder.modseq}"
        for code in (
            f"PERMANENTFLAGS ({folder.permanent})",
            f"UIDVALIDITY {folder.uidvalidity}",
            f"UIDNEXT {folder.uidnext}",
            modseq,
            *folder.codes,
        ):
            self._say(f"* OK [{code}] it is so")
        if options:
            self._resync(folder, *map(int, options[1]))
        writable = self._writable and not folder.readOnly
        return f"OK [{'READ-WRITE' if writable else 'READ-ONLY'}] selected"

    def _resync(self, folder: Folder, uidvalidity: int, modseq: int) -> None:
        if uidvalidity != folder.uidvalidity or modseq > folder.modseq:
            return
        gone = UidSet.of(u for u, went in folder.expunged.items() if went > modseq)
        if gone or folder.lies:
            self._say(f"* VANISHED (EARLIER) {gone | folder.lies}")
        for uid, message in folder.messages.items():
            if message.modseq > modseq:
                self._row(uid, ["FLAGS", "MODSEQ"])

    def _SEARCH(self, tag: str, *words: Any) -> None:
        uids = self._known(words[-1])
        if words[0] != "RETURN":
            self._say("* SEARCH" + "".join(f" {uid}" for uid in uids))
        elif uids:
            self._say(f'* ESEARCH (TAG "{tag}") UID ALL {uids}')
        else:
            self._say(f'* ESEARCH (TAG "{tag}") UID')

    def _known(self, text: str) -> UidSet:
        messages = self._selected().messages
        if text == "1:*":
            return UidSet.of(messages)
        return UidSet.parse(text) & UidSet.of(messages)

    def _FETCH(self, _tag: str, uids: str, items: list[str]) -> None:
        if "FETCH" not in self.account.deaf:
            for uid in self._known(uids):
                self._row(uid, items)

    def _row(self, uid: int, items: list[str]) -> None:
        folder = self._selected()
        message = folder.messages[uid]
        values: list[bytes] = [b"UID %d" % uid]
        for item in items:
            if item == "FLAGS":
                flags = " ".join(sorted(message.flags))
                values.append(f"FLAGS ({flags})".encode("latin-1"))
            elif item == "MODSEQ":
                values.append(b"MODSEQ (%d)" % message.modseq)
            elif item == "INTERNALDATE":
                values.append(f'INTERNALDATE "{message.date}"'.encode())
            elif item == "RFC822.SIZE":
                values.append(b"RFC822.SIZE %d" % len(message.body))
            else:
                section = item.removeprefix("BODY.PEEK").encode()
                octets = message.body
                if section == b"[HEADER]":
                    octets = octets.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
                values.append(b"BODY%s {%d}\r\n%s" % (section, len(octets), octets))
        if self.account.bodyFirst:
            values.reverse()
        number = list(folder.messages).index(uid) + 1
        self.output += b"* %d FETCH (%s)\r\n" % (number, b" ".join(values))

    def _STORE(self, _tag: str, uids: str, action: str, flags: list[str]) -> None:
        folder = self._selected()
        if not self._writable:
            raise AssertionError("STORE in a mailbox that was only examined")
        if folder.readOnly or "STORE" in self.account.deaf:
            return
        changed = frozenset(flags) - self.account.forgets
        for uid in self._known(uids):
            before = folder.messages[uid].flags
            present = _without(before, changed)
            if action[0] == "+":
                present = before | _without(changed, before)
            if present != before:
                folder.flag(uid, *present)
            self._row(uid, ["MODSEQ", "FLAGS"])

    def _EXPUNGE(self, _tag: str, uids: str) -> None:
        folder = self._selected()
        if not self._writable:
            raise AssertionError("EXPUNGE in a mailbox that was only examined")
        if folder.readOnly or "EXPUNGE" in self.account.deaf:
            return
        marked = (u for u in self._known(uids) if _deleted(folder.messages[u]))
        folder.expunge(*list(marked))

    def _APPEND(self, _tag: str, name: str, *arguments: Any) -> str:
        account = self.account
        offers = _offers(arguments)
        if text := self._objection(offers):
            return text
        if len(offers) > 1 and "MULTIAPPEND" not in account.capabilities:
            return "BAD one at a time"
        folder = self._existing(name)
        if folder.readOnly:
            return "NO [NOPERM] read-only"
        tail = b"altered\r\n" if account.alters else b""
        added = [
            folder.add(
                o.body + tail, _without(o.flags, account.forgets), o.date or DATE
            )
            for o in offers
        ]
        uids = UidSet.of(added)
        if isinstance(account.appendUid, str):
            return f"OK [APPENDUID {account.appendUid}] done"
        told = f"[APPENDUID {folder.uidvalidity} {uids}] " if account.appendUid else ""
        return f"OK {told}done"


def _deleted(message: Message) -> bool:
    return "\\Deleted" in message.flags


def _without(flags: Flags, others: Flags) -> Flags:
    folded = {flag.lower() for flag in others}
    return frozenset(flag for flag in flags if flag.lower() not in folded)


def _status(folder: Folder) -> str:
    return (
        f"MESSAGES {len(folder.messages)} UIDNEXT {folder.uidnext}"
        f" UIDVALIDITY {folder.uidvalidity} HIGHESTMODSEQ {folder.modseq}"
    )


def _words(parts: list[str | bytes]) -> list[Any]:
    """
    The words of a command: literals as C{bytes}, lists as lists.
    """
    stack: list[list[Any]] = [[]]
    for part in parts:
        if isinstance(part, bytes):
            stack[-1].append(part)
            continue
        for quoted, parenthesis, atom in _TOKEN.findall(part):
            if parenthesis == "(":
                stack.append([])
            elif parenthesis:
                done = stack.pop()
                stack[-1].append(done)
            else:
                stack[-1].append(atom or re.sub(r"\\(.)", r"\1", quoted))
    return stack[0]


def _offers(arguments: Any) -> list[Offer]:
    """
    The messages of an APPEND; of the last, perhaps only what precedes it.
    """
    offers = []
    for argument in arguments:
        if isinstance(argument, list):
            offers.append(Offer(frozenset(argument), "", 0))
        elif isinstance(argument, str):
            offers[-1] = replace(offers[-1], date=argument)
        else:
            offers[-1] = replace(offers[-1], size=len(argument), body=argument)
    return offers


class Link(StringTransport):
    """
    The client's transport, with a L{Dialogue} at its other end.

    @ivar peak: the most octets that ever waited in it to be taken.
    """

    def __init__(self, account: Account, protocol: Protocol) -> None:
        super().__init__(lenient=True)
        self.account = account
        self.dialogue = Dialogue(account)
        self.peak = 0
        self._protocol: Protocol | None = protocol
        self._full = False
        protocol.makeConnection(self)

    @property
    def open(self) -> bool:
        """
        Whether nobody has closed it yet.
        """
        return self._protocol is not None and not self.disconnecting

    def write(self, data: bytes) -> None:
        """
        Take octets from the client.
        """
        if self.disconnected or self._protocol is None:
            return
        self.io.write(data)
        waiting = self.io.tell()
        self.peak = max(self.peak, waiting)
        if waiting > _HIGH and self.producer is not None and not self._full:
            self._full = True
            self.producer.pauseProducing()

    def move(self) -> bool:
        """
        Bring octets to the other end.

        @return: whether anything happened.
        """
        if self._protocol is None:
            return False
        if self.disconnected:
            self.end(ConnectionLost())
            return True
        return any([self._up(), self._down()]) or self._hangUp()

    def end(self, reason: Exception) -> None:
        """
        The connection is gone.
        """
        protocol, self._protocol = self._protocol, None
        if protocol is None:
            return
        if self.producer is not None:
            self.producer.stopProducing()
        protocol.connectionLost(Failure(reason))

    def _up(self) -> bool:
        waiting = self.value()
        if not waiting:
            return False
        account = self.account
        data = waiting[: account.window][: account.upLeft]
        self.clear()
        self.io.write(waiting[len(data) :])
        self.dialogue.received(data)
        if account.upLeft is not None:
            account.upLeft -= len(data)
            if not account.upLeft:
                account.upLeft = None
                self.end(ConnectionLost())
        if self._full and not self.io.tell():
            self._full = False
            if self.producer is not None:
                self.producer.resumeProducing()
        return True

    def _down(self) -> bool:
        output, account = self.dialogue.output, self.account
        if self.producerState != "producing" or not output or self._protocol is None:
            return False
        data = bytes(output[: account.chunk][: account.downLeft])
        del output[: len(data)]
        if data:
            self._protocol.dataReceived(data)
        if account.downLeft is not None:
            account.downLeft -= len(data)
            if not account.downLeft:
                account.downLeft = None
                self.end(ConnectionLost())
        return True

    def _hangUp(self) -> bool:
        if not self.disconnecting and not self.dialogue.closing:
            return False
        self.end(ConnectionDone())
        return True


class Reactor(MemoryReactorClock):  # type: ignore[misc]
    """
    Connects to the accounts of a L{World}: which one, the port says.
    """

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world

    def connectTCP(
        self,
        host: str,
        port: int,
        factory: Any,
        timeout: float = 30,
        bindAddress: Any = None,
    ) -> Any:
        """
        Connect at once.
        """
        connector = super().connectTCP(host, port, factory, timeout, bindAddress)
        account = self._world.accounts[list(Side)[port - 1]]
        self._world.links.append(Link(account, factory.buildProtocol(None)))
        return connector


class QuickState(State):
    """
    A database that does not wait for the disk.
    """

    def _prepare(self) -> None:
        for prepare in (lambda: None, super()._prepare):
            prepare()
            self._query("PRAGMA synchronous = OFF")


class World:
    """
    Two accounts, and what is between them.

    @ivar links: all connections that were ever made.
    """

    def __init__(self, database: str) -> None:
        self.database = database
        self.clock = Clock()
        self.accounts = {side: Account() for side in Side}
        self.links: list[Link] = []

    @property
    def local(self) -> Account:
        """
        One side.
        """
        return self.accounts[Side.LOCAL]

    @property
    def remote(self) -> Account:
        """
        The other.
        """
        return self.accounts[Side.REMOTE]

    @property
    def equal(self) -> bool:
        """
        Whether both sides hold the same.
        """
        return self.local.content == self.remote.content

    def fill(self, *bodies: bytes) -> None:
        """
        Put messages into the local INBOX.
        """
        for body in bodies:
            self.local.inbox.add(body)

    def pump(self) -> None:
        """
        Let everything happen that happens by itself.
        """
        with _watched():
            for _ in range(_STEPS):
                if not self.step():
                    return
        raise AssertionError("it goes on for ever")

    def step(self) -> bool:
        """
        Let a little of it happen.

        @return: whether anything did.
        """
        return any([link.move() for link in self.links])

    def start(self, work: Coroutine[Deferred[Any], Any, T]) -> Deferred[T]:
        """
        Begin with C{work}.
        """
        with _watched():
            return Deferred.fromCoroutine(work)

    def run(self, work: Coroutine[Deferred[Any], Any, T] | Deferred[T]) -> T:
        """
        Let C{work} be done.

        @return: its result.
        """
        results: list[T | Failure] = []
        done = work if isinstance(work, Deferred) else self.start(work)
        done.addBoth(results.append)
        self.pump()
        if not results:
            raise AssertionError("it waits for ever")
        [result] = results
        if isinstance(result, Failure):
            result.raiseException()
        return result  # type: ignore[return-value]

    def connect(
        self, side: Side, clock: IReactorTime | None = None, timeout: float = 300
    ) -> SyncClient:
        """
        A client that is ready for work.
        """
        client = SyncClient(clock or self.clock, str(side), timeout)
        for waiting in (client.greeted, client.secured):
            waiting.addErrback(lambda _: None)
        self.links.append(Link(self.accounts[side], client))
        self.run(client.enable("QRESYNC"))
        return client

    def settings(self, **changes: Any) -> Config:
        """
        The configuration of both sides.
        """
        readOnly = changes.pop("readOnly", ())
        config = Config(
            path="/etc/imapsync",
            database=self.database,
            listMailbox=("*",),
            listSelectOpts=("SUBSCRIBED",),
            ignoreMailbox=None,
            logfile=None,
            mergeFlags=False,
            servers={side: _server(side, side in readOnly) for side in Side},
        )
        return replace(config, **changes)

    def sync(
        self,
        wish: Wish | None = None,
        say: Callable[[str], None] = print,
        open: Callable[..., State] = QuickState.open,  # noqa: A002
        **changes: Any,
    ) -> Report:
        """
        Sync once, over new connections.

        @return: what was done.
        """
        wish = wish or Wish()
        for account in self.accounts.values():
            account.heard.clear()
        clients = {side: self.connect(side) for side in Side}
        report = Report()
        state = open(self.database, readOnly=wish.dryRun)
        try:
            brake = Brake(state.totalPairs(), wish.allowMassDelete)
            config = self.settings(**changes)
            self.run(Session(config, wish, clients, state, brake, report, say).run())
        finally:
            state.close()
            for link in self.links:
                link.end(ConnectionDone())
            self.links.clear()
        return report


def _server(side: Side, readOnly: bool) -> ServerConfig:
    return ServerConfig(
        side=side,
        type="imap",
        host="127.0.0.1",
        port=list(Side).index(side) + 1,
        command=None,
        nullStderr=False,
        starttls=False,
        auth=("PLAIN",),
        username="me",
        password="secret",
        passwordCommand=None,
        tls=TLSConfig(),
        readOnly=readOnly,
        listReference="",
    )


@contextmanager
def _watched() -> Iterator[None]:
    """
    What goes round in circles without waiting for anything ends as well.
    """

    def interrupt(*_: object) -> None:
        raise AssertionError("it is busy for ever")

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.alarm(_PATIENCE)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def mail(subject: object, size: int = 0) -> bytes:
    """
    A message, the same for the same arguments.
    """
    head = f"Message-ID: <{subject}@example>\r\nSubject: {subject}\r\n\r\n".encode()
    return head + b"x" * size + b"\r\n"
