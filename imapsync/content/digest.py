"""
Content keys and stamps: what is the same of a message wherever it is.

Servers do not keep every byte: Cyrus turns each 8-bit byte of a header into
the letter X, Dovecot turns NUL into 0x80.  So NUL, every 8-bit byte and the
letter X count as one and the same here.  What that makes alike is of the same
size and the same in all its other bytes: such messages are, for all that mail
means, equal.
"""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache
from hashlib import blake2b

from imapsync.model import Octets

#: How much of a message can be its header, in bytes.
HEADER_LIMIT = 256 * 1024

_ALIKE = bytes(ord("X") if b == 0 or b > 0x7F else b for b in range(256))

# Both begin with the line end before; so does what is searched (_START).
_START = b"\n"
_HEADER_END = re.compile(rb"\n\r?\n")
_LONGEST_END = len(b"\n\r\n")
# In so many bytes of a message at a time is it looked for.
_STEP = 8 * 1024

# A Message-ID that is there but empty singles nothing out.
_MESSAGE_ID = re.compile(
    rb"\nmessage-id[ \t]*:(?:[ \t]|\r?\n[ \t])*([^\s][^\r\n]*)", re.IGNORECASE
)

_DAY = re.compile(r"(\d\d?)-([A-Za-z]{3})-(\d{4})", re.ASCII)
_ZONE = re.compile(r"([+-])([01]\d|2[0-3])([0-5]\d)", re.ASCII)
_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
_EPOCH = date(1970, 1, 1).toordinal()


def instant(text: str) -> int:
    """
    An INTERNALDATE in seconds since 1970; 0 if it cannot be read.
    """
    try:
        day, time, zone = text.split()
        hours, minutes, seconds = time.split(":")
        since = int(hours) * 3600 + int(minutes) * 60 + int(seconds)
        return _midnight(day) + since - _offset(zone)
    except ValueError:
        return 0


@lru_cache(4096)
def _midnight(day: str) -> int:
    """
    When a day began where the zone is that of Greenwich.
    """
    match = _DAY.fullmatch(day)
    if match is None:
        raise ValueError("no day")
    number, month, year = match.groups()
    begun = date(int(year), _MONTHS.index(month.capitalize()) + 1, int(number))
    return (begun.toordinal() - _EPOCH) * 86_400


@lru_cache(256)
def _offset(zone: str) -> int:
    """
    How many seconds clocks are ahead there.
    """
    match = _ZONE.fullmatch(zone)
    if match is None:
        raise ValueError("no zone")
    sign, hours, minutes = match.groups()
    offset = int(hours) * 3600 + int(minutes) * 60
    return -offset if sign == "-" else offset


def stamp(size: int, seconds: int, messageId: bytes) -> int:
    """
    63 bits by which a message is known again after its server has moved or
    copied it; 0 if it has no Message-ID, or no date that can be read.

    @param seconds: its date as an L{instant}.
    """
    if not (seconds and messageId):
        return 0
    digest = blake2b(b"%d %d %s" % (size, seconds, messageId), digest_size=8)
    return int.from_bytes(digest.digest(), "big") >> 1


class BodyDigest:
    """
    The digest of one whole message, from its bytes in pieces.
    """

    def __init__(self) -> None:
        self._hash = blake2b(_START, digest_size=16)

    def write(self, data: Octets) -> None:
        """
        Take the next piece of the message.
        """
        self._hash.update(bytes(data).translate(_ALIKE))

    def digest(self, size: int) -> bytes:
        """
        16 bytes, once all pieces were written.

        @param size: the message's RFC822.SIZE.
        """
        return _ended(self._hash, b"whole", size)


class OctetDigest:
    """
    The digest of one message as one server has it, from its bytes in pieces: there no
    two bytes count as one.
    """

    def __init__(self) -> None:
        self._hash = blake2b(digest_size=32)

    def write(self, data: Octets) -> None:
        """
        Take the next piece of the message.
        """
        self._hash.update(data)

    def digest(self) -> bytes:
        """
        32 bytes, once all pieces were written.
        """
        return self._hash.digest()


class KeyDigest:
    """
    The content key of one message, from its bytes in pieces.

    The key of a message that has a Message-ID covers its size and its header;
    it is the same whether the header alone was written, as C{BODY[HEADER]}
    gives it, or the whole message.  The key of any other message covers all of
    it, and is its L{BodyDigest}.
    """

    def __init__(self) -> None:
        self._hash = blake2b(digest_size=16)
        self._head = bytearray(_START)
        self._headDone = False
        self._singular = False
        self._messageId = b""

    def write(self, data: Octets) -> None:
        """
        Take the next piece of the message.
        """
        left = memoryview(data)
        while left and not self._headDone:
            left = left[self._writeHead(left[:_STEP]) :]
        if left and not self._singular:
            self._hash.update(bytes(left).translate(_ALIKE))

    @property
    def singular(self) -> bool:
        """
        Whether the header has a Message-ID: then the header is enough, and
        else L{key} means something only after the whole message.
        """
        self._endHead(len(self._head))
        return self._singular

    @property
    def messageId(self) -> bytes:
        """
        The Message-ID, or nothing.
        """
        self._endHead(len(self._head))
        return self._messageId

    def key(self, size: int) -> bytes:
        """
        16 bytes, once all pieces were written.

        @param size: the message's RFC822.SIZE.
        """
        return _ended(self._hash, b"header" if self.singular else b"whole", size)

    def _writeHead(self, data: memoryview) -> int:
        """
        Look for the header's end.

        @return: how many bytes of C{data} are dealt with.
        """
        head = self._head
        room = HEADER_LIMIT + len(_START) - len(head)
        unseen = max(0, len(head) - _LONGEST_END + 1)
        head += (taken := data[:room])
        end = _HEADER_END.search(head, unseen)
        if end:
            self._endHead(end.start())
        elif len(data) >= room:
            self._endHead(len(head))
        return len(taken)

    def _endHead(self, end: int) -> None:
        """
        Digest what was kept: its first C{end} bytes are the header.
        """
        if self._headDone:
            return
        self._headDone = True
        head, messageId = self._head, _messageId(self._head, end)
        if messageId is not None:
            self._singular = True
            self._messageId = messageId
            # Some servers end a header that lacks its last line's end themselves.
            head = head[:end].rstrip(b"\r\n")
        self._hash.update(head.translate(_ALIKE))
        self._head = bytearray()


def likeness(message: Octets, size: int) -> tuple[bytes, bytes]:
    """
    The key that a L{KeyDigest} makes of a message that is here whole, and the
    Message-ID.
    """
    if len(message) > HEADER_LIMIT:
        digest = KeyDigest()
        digest.write(message)
        return digest.key(size), digest.messageId
    # Most of a message need not even be looked at.
    head = _START + message[:_STEP]
    end = _HEADER_END.search(head)
    if end is None:
        head = _START + message
        end = _HEADER_END.search(head)
    covered = head[: end.start() if end else None].translate(_ALIKE)
    found = _MESSAGE_ID.search(covered)
    if found is None:
        covered = (_START + message).translate(_ALIKE) + b"\0whole %d" % size
    else:
        covered = covered.rstrip(b"\r\n") + b"\0header %d" % size
    key = blake2b(covered, digest_size=16).digest()
    return key, b"" if found is None else found[1].rstrip()


def _messageId(head: bytes | bytearray, end: int) -> bytes | None:
    """
    The Message-ID of a message that begins with C{head}, whose first C{end} bytes
    are the header, if it has one.
    """
    found = _MESSAGE_ID.search(head, 0, end)
    return None if found is None else found[1].rstrip().translate(_ALIKE)


def _ended(digest: blake2b, covered: bytes, size: int) -> bytes:
    # NUL occurs in nothing that was digested: the mark cannot be forged.
    ended = digest.copy()
    ended.update(b"\0%s %d" % (covered, size))
    return ended.digest()
