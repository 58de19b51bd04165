"""
Messages that look like real ones, and some that real ones look like on a bad
day.  The same seed makes the same messages, everywhere.
"""

from __future__ import annotations

import base64
import random
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone

from imapsync.test.integration.accounts import Mail

_WORDS = (
    "about again almost always answer before between bring called carry change"
    " could country during early enough every example family father follow found"
    " friend garden great group happen history house important kitchen large later"
    " learn letter little matter meeting minute money morning mother mountain"
    " never number office often order other paper people picture place point"
    " question quite reason remember river school second small something station"
    " street summer table through together town travel understand until window"
    " winter without world write year yesterday young"
).split()
_NAMES = ("Ada", "Bo", "Chloé", "Dörte", "Éamon", "Fumi", "Григорий", "花子")
_FLAGS = ("\\Seen", "\\Answered", "\\Flagged", "\\Draft", "$Forwarded", "Work")


def messages(count: int, *, seed: int = 1, size: int = 2000) -> Iterator[bytes]:
    """
    C{count} messages of about C{size} octets each, of every kind.  Some are
    the same as an earlier one, octet for octet.
    """
    rng = random.Random(seed)
    previous = b""
    for number in range(count):
        if previous and number % 10 == 9:
            yield previous
            continue
        kind = _KINDS[number % len(_KINDS)]
        previous = kind(rng, number, size)
        yield previous


def mails(count: int, *, seed: int = 1, size: int = 2000) -> Iterator[Mail]:
    """
    L{messages}, with flags and dates.
    """
    rng = random.Random(f"flags and dates {seed}")
    for body in messages(count, seed=seed, size=size):
        flags = rng.sample(_FLAGS, rng.choice((0, 1, 1, 2, 3)))
        yield Mail(body, flags, _date(rng))


def _plain(rng: random.Random, number: int, size: int) -> bytes:
    return _headers(rng, number, "text/plain; charset=us-ascii") + _text(rng, size)


def _multipart(rng: random.Random, number: int, size: int) -> bytes:
    boundary = f"=_{rng.getrandbits(64):x}"
    attachment = base64.encodebytes(rng.randbytes(size // 2)).replace(b"\n", b"\r\n")
    type_ = f'multipart/mixed;\r\n\tboundary="{boundary}"'
    return b"".join(
        [
            _headers(rng, number, type_),
            f"--{boundary}\r\nContent-Type: text/plain\r\n\r\n".encode(),
            _text(rng, size // 3),
            f"\r\n--{boundary}\r\n".encode(),
            b"Content-Type: application/octet-stream\r\n",
            b"Content-Transfer-Encoding: base64\r\n\r\n",
            attachment,
            f"--{boundary}--\r\n".encode(),
        ]
    )


def _eightBit(rng: random.Random, number: int, size: int) -> bytes:
    """
    In a body and, against the rules, in a header.
    """
    headers = _headers(rng, number, "text/plain; charset=utf-8", f"Été {number}")
    return headers + "Straße, naïve, 東京.\r\n".encode() + _text(rng, size)


def _binary(rng: random.Random, number: int, size: int) -> bytes:
    """
    Octets of all values that servers keep: no NUL, CR or LF.
    """
    octets = rng.randbytes(size).translate(None, b"\0\r\n")
    type_ = "application/octet-stream"
    return _headers(rng, number, type_) + octets + b"\r\n"


def _longLine(rng: random.Random, number: int, size: int) -> bytes:
    words = _text(rng, max(size, 20_000)).replace(b"\r\n", b" ")
    return _headers(rng, number, "text/html") + words + b"\r\n"


def _noBody(rng: random.Random, number: int, size: int) -> bytes:
    return _headers(rng, number, "text/plain")


def _noHeader(rng: random.Random, number: int, size: int) -> bytes:
    return b"\r\n" + _text(rng, size)


def _noMessageId(rng: random.Random, number: int, size: int) -> bytes:
    """
    As some scanners send them: only the bodies differ.
    """
    return b"Subject: Scan\r\n\r\n%d\r\n" % number + _text(rng, size)


def _likeResponses(rng: random.Random, number: int, size: int) -> bytes:
    """
    Text that must not be taken for IMAP.
    """
    lines = (
        f"* {number} FETCH (UID {number} FLAGS (\\Deleted) BODY[] {{3}}",
        "* VANISHED 1:4294967295",
        f"* {number} EXPUNGE)",
        "A1 OK [HIGHESTMODSEQ 1] done",
        "+ ",
        "{10}",
    )
    type_ = "text/plain"
    return _headers(rng, number, type_) + "".join(f"{x}\r\n" for x in lines).encode()


_KINDS: tuple[Callable[[random.Random, int, int], bytes], ...] = (
    _plain,
    _multipart,
    _eightBit,
    _plain,
    _noBody,
    _longLine,
    _multipart,
    _noMessageId,
    _plain,
    _binary,
    _likeResponses,
    _multipart,
    _noHeader,
)


def _headers(
    rng: random.Random, number: int, contentType: str, subject: str = ""
) -> bytes:
    """
    A header block with its empty line: folded and encoded words in it.
    """
    subject = subject or f"{rng.choice(_WORDS).title()} {number}: {_line(rng)}"
    sender, reader = rng.sample(_NAMES, 2)
    host = f"{rng.choice(_WORDS)}.example"
    lines = [
        f"Return-Path: <{rng.choice(_WORDS)}@{host}>",
        f"Received: from {host} ([192.0.2.{rng.randrange(256)}])\r\n"
        f"\tby mail.example with ESMTPS id {rng.getrandbits(48):x};\r\n"
        f"\t{_date(rng):%a, %d %b %Y %H:%M:%S %z}",
        f"Message-ID: <{number}.{rng.getrandbits(64):x}@{host}>",
        f"Date: {_date(rng):%a, %d %b %Y %H:%M:%S %z}",
        f"From: {_word(sender)} <sender@{host}>",
        f"To: {_word(reader)} <reader@mail.example>,\r\n {_word(sender)} <me@{host}>",
        f"Subject: {subject}",
        "MIME-Version: 1.0",
        f"Content-Type: {contentType}",
    ]
    return "\r\n".join([*lines, "", ""]).encode()


def _word(text: str) -> str:
    """
    As it stands in a header (RFC 2047).
    """
    if text.isascii():
        return text
    return f"=?utf-8?B?{base64.b64encode(text.encode()).decode()}?="


def _text(rng: random.Random, size: int) -> bytes:
    lines: list[str] = []
    while size > 0:
        lines.append(_line(rng))
        size -= len(lines[-1]) + 2
    return "".join(f"{line}\r\n" for line in lines).encode()


def _line(rng: random.Random) -> str:
    return " ".join(rng.choices(_WORDS, k=rng.randint(3, 11)))


def _date(rng: random.Random) -> datetime:
    zone = timezone(timedelta(minutes=30 * rng.randint(-24, 24)))
    return datetime(2005, 1, 1, tzinfo=zone) + timedelta(
        seconds=rng.randrange(20 * 365 * 86400)
    )
