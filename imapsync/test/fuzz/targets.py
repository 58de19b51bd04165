"""
What is fuzzed: functions of octets that fail where something is wrong.
"""

from __future__ import annotations

import base64
import hashlib
import os
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from itertools import starmap
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from imapsync import display
from imapsync.cli import options
from imapsync.config import draft, ini, settings
from imapsync.config.draft import Draft
from imapsync.config.paths import Files
from imapsync.content.digest import BodyDigest, KeyDigest, likeness
from imapsync.discovery import autoconfig, pacc
from imapsync.discovery.address import Address
from imapsync.discovery.proposal import Proposal
from imapsync.errors import (
    ConfigError,
    ImapSyncError,
    MailboxError,
    ProtocolViolation,
    StateError,
    UsageError,
)
from imapsync.imap.transport.compress import PIECE, Compression
from imapsync.imap.wire.text import excerpt, printable
from imapsync.model import Mark, Pair, Side
from imapsync.names import Naming, decode, encode, unescaped
from imapsync.state.store import Store
from imapsync.test.fakes.databases import ALL
from imapsync.test.fakes.talking import Bodies, Talk
from imapsync.test.fuzz.choices import Choices
from imapsync.test.fuzz.runs import tamperedRun
from imapsync.test.imap.wire.test_parser import Recorder, SmallParser
from imapsync.uidset import UidSet, UidSetBuilder

Target = Callable[[bytes], None]


def parser(data: bytes) -> None:
    """
    What a server sends is read to the same effect in whatever pieces it comes, by
    the fast way and by the complete one.
    """
    choices = Choices(data)
    size, refuses = 1 + choices.number(40), bool(choices.number(2))
    stream = choices.rest()
    pieces = [stream[at : at + size] for at in range(0, len(stream), size)]
    whole = _delivered([stream], False, refuses)
    assert whole == _delivered(pieces, False, refuses)
    assert whole == _delivered([stream], True, refuses)


def _delivered(pieces: list[bytes], slow: bool, refuses: bool) -> list[object]:
    recorder = Recorder(refuses)
    reader = SmallParser(recorder)
    if slow:
        reader.trace = lambda line: None
    try:
        for piece in pieces:
            reader.feed(piece)
    except ProtocolViolation:
        recorder.delivered.append("violated")
        if recorder.pieces:  # how far it came depends on the pieces
            recorder.pieces = []
    return recorder.delivered


def client(data: bytes) -> None:
    """
    Whatever a server says to a client that has asked for much, every command ends,
    and nothing else than one of our errors comes of it.  In the octets, C{0x01} to
    C{0x0F} are the tags of the commands.
    """
    talk = Talk()
    listener = talk.open()
    client = talk.client
    waiting: list[Deferred[Any]] = [
        client.reportFlags(None),
        client.fetchBodies(UidSet.parse("1:9"), "(BODY.PEEK[])", Bodies()),
        client.store(UidSet.parse("1:3"), "+", frozenset(["\\Seen"])),
        client.exists(UidSet.parse("1:9")),
        client.expungeUids(UidSet.parse("2")),
        client.transfer("MOVE", UidSet.parse("3"), "Trash"),
        client.mailboxStatus("INBOX", "UIDNEXT"),
        client.listMailboxes("*", (), ["SUBSCRIBED"]),
    ]
    tags = [line.split()[0] for line in talk.heard().splitlines() if b" " in line]
    for number, tag in enumerate(tags, 1):
        data = data.replace(bytes([number]), tag)
    outcomes: list[object] = []
    for one in waiting:
        one.addBoth(outcomes.append)
    try:
        client.dataReceived(data)
    finally:
        talk.hangUp()
    assert len(outcomes) == len(waiting), "a command waits for ever"
    for outcome in outcomes:
        if isinstance(outcome, Failure) and not outcome.check(ImapSyncError):
            outcome.raiseException()
    del listener


def names(data: bytes) -> None:
    """
    Every name that a server has can be written again as it was; what both sides
    share means the same on both.
    """
    choices = Choices(data)
    naming = Naming.of(
        choices.one(["/", ".", "", "\\", "-"]), choices.one(["", "INBOX.", "a/"]), ""
    )
    raw = choices.rest()
    name = decode(raw)
    assert raw in (encode(name), name.encode("utf-8", "surrogatepass")) or (
        not raw.isascii()
    )
    unescaped(name)
    assert display.shown(name).isprintable()
    try:
        shared = naming.toShared(name)
        if shared is not None:
            back = naming.toServer(shared)
            assert naming.toShared(back) == shared
    except MailboxError as error:
        assert str(error).isprintable()


def uids(data: bytes) -> None:
    """
    A set of UIDs is what it says, or none.
    """
    choices = Choices(data)
    sets = []
    for _ in range(2):
        text = choices.octets(1 + choices.number(60))
        try:
            one = UidSet.parse(text)
        except ValueError:
            return
        assert UidSet.parse(str(one)) == one
        if len(one) < 5000:
            assert UidSet.of(uid for some in one.split(3) for uid in some) == one
        sets.append(one)
    ours, theirs = sets
    assert (ours | theirs) - theirs == ours - theirs
    assert (ours & theirs) | (ours - theirs) == ours
    assert len(ours | theirs) + len(ours & theirs) == len(ours) + len(theirs)
    builder = UidSetBuilder()
    builder.update(ours)
    builder.update(theirs)
    assert builder.build() == ours | theirs
    if len(ours) < 5000 and len(theirs) < 5000:
        assert {*ours} - {*theirs} == {*(ours - theirs)}


def config(data: bytes) -> None:
    """
    A configuration is understood, or it is said in one line what is wrong.
    """
    files = Files({"HOME": "/nonexistent"}, lambda: "/nonexistent")
    try:
        sections = ini.parse("file", data, settings.GRAMMAR)
        settings.read(sections, files.environ, files)
    except ConfigError as error:
        _checkLine(error)


def arguments(data: bytes) -> None:
    """
    A command line is understood, or it is said in one line what is wrong.
    """
    words = [os.fsdecode(word) for word in data.split(b"\0")]
    if any(word.startswith(("-h", "--h", "--vers")) for word in words):
        return  # answered on standard output
    try:
        options.parse(words)
    except UsageError as error:
        _checkLine(error)
    except SystemExit:
        pass


def _checkLine(error: ImapSyncError) -> None:
    text = display.line(str(error))
    assert text
    assert text.isprintable()


def published(data: bytes) -> None:
    """
    What a domain publishes becomes servers that a configuration can hold, or is
    refused.
    """
    me = Address("me", "example.org")
    digest = base64.b64encode(hashlib.sha256(data).digest()).decode()
    record = f"v=UAAC1; a=sha256; d={digest}"
    found: list[Proposal] = []
    with suppress(ValueError):
        found += autoconfig.read(data, me, "", True)
    with suppress(ValueError):
        found += pacc.read(data, [record], me)
    for one in found:
        said = {
            "host": one.host,
            "port": str(one.port),
            "type": one.type,
            "username": one.username,
            **({"auth": " ".join(one.auth)} if one.auth else {}),
        }
        remote = {"host": "imap.example.net", "username": "me"}
        sides = (said, {"": f"{one.where}: {one.source}"}), (remote, {"": ""})
        draft.text(dict(zip(Side, starmap(Draft, sides), strict=True)))
        settings.Config.of(local=said, remote=remote)


def shown(data: bytes) -> None:
    """
    What is shown cannot paint on a terminal nor begin a line, and is bounded.
    """
    text = data.decode("utf-8", "surrogateescape")
    for safe in (
        display.line(text, 60),
        display.octets(data, 60),
        display.shown(text),
        display.keyword(text),
        printable(data),
        excerpt(data),
    ):
        assert safe.isprintable()
    assert len(display.line(text, 60)) <= 60


def compressed(data: bytes) -> None:
    """
    What is to be expanded is, in bounded pieces, or is a violation.
    """
    choices = Choices(data)
    size = 1 + choices.number(60)
    stream = choices.rest()
    pieces: list[int] = []
    below = StringTransport()
    compression = Compression(
        Clock(), below, lambda piece: pieces.append(len(piece)), b""
    )
    try:
        for at in range(0, len(stream), size):
            compression.receive(stream[at : at + size])
            if sum(pieces) > 50 * PIECE:
                break
    except ProtocolViolation:
        pass
    compression.close()
    assert all(length <= PIECE for length in pieces)


def digest(data: bytes) -> None:
    """
    A message has the same content key in whatever pieces it comes.
    """
    choices = Choices(data)
    size, told = 1 + choices.number(50), choices.number(9)
    message = choices.rest()
    key, whole = KeyDigest(), BodyDigest()
    for at in range(0, len(message), size):
        key.write(message[at : at + size])
        whole.write(message[at : at + size])
    assert (key.key(told), key.messageId) == likeness(message, told)
    if not key.singular:
        assert key.key(told) == whole.digest(told)


@cache
def _sound() -> bytes:
    """
    The file of a database that is as it should be.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/a.db"
        state = Store.open(path)
        with state.transaction():
            for name in ("INBOX", "Work/Deep"):
                mailbox = state.addMailbox(name, True).id
                for side in Side:
                    state.setMark(mailbox, side, Mark(7, 40, 99))
                pairs = [
                    Pair(uid, uid + 9, frozenset(["\\Seen"])) for uid in range(1, 30)
                ]
                state.addPairs(mailbox, pairs)
                state.postpone(mailbox, Side.LOCAL, UidSet.parse("31:33"))
                state.setCopying(mailbox, Side.REMOTE, UidSet.parse("40"))
        state.close()
        return Path(path).read_bytes()


def database(data: bytes) -> None:
    """
    A database with octets changed, cut off or added is refused with one of our
    errors, or can be used.
    """
    choices = Choices(data)
    octets = bytearray(_sound())
    if choices.number(4) == 0:
        del octets[choices.number(len(octets)) :]
    while choices and octets:
        at = choices.number(len(octets))
        piece = choices.octets(1 + choices.number(16))
        octets[at : at + len(piece)] = piece
    with tempfile.TemporaryDirectory() as folder:
        path = Path(f"{folder}/a.db")
        path.write_bytes(octets)
        try:
            _use(str(path))
        except StateError as error:
            _checkLine(error)


def _use(path: str) -> None:
    """
    Read all that there is, and change something.
    """
    Store.ownersOf(path)
    state = Store.open(path)
    try:
        _readAndWrite(state)
    except StateError:
        raise
    except Exception:
        state.check()  # as the service does: it may tell why
        raise
    finally:
        state.close()


def _readAndWrite(state: Store) -> None:
    state.owners()
    for known in state.mailboxes():
        for side in Side:
            [*state.pairs(known.id, side, ALL)]
            state.paired(known.id, side)
            state.postponed(known.id, side)
            state.copying(known.id, side)
            state.foretold(known.id, side)
            state.strays(known.id, side)
    state.totalPairs()
    state.proveWritable()
    with state.transaction():
        mailbox = state.addMailbox("new", False).id
        state.addPairs(mailbox, [Pair(1, 2, frozenset(["x"]))])
        state.removeMailbox(mailbox)


def run(data: bytes) -> None:
    """
    A server whose answers were tampered with takes nothing from the other side.
    """
    tamperedRun(data)


#: By the names that they have on the command line.
TARGETS: Mapping[str, Target] = {
    function.__name__: function
    for function in (
        *(parser, client, names, uids, config, arguments, published, shown),
        *(compressed, digest, database, run),
    )
}
