"""
Tests for L{imapsync.content.digest}.
"""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imapsync.content.digest import (
    HEADER_LIMIT,
    BodyDigest,
    KeyDigest,
    instant,
    likeness,
    stamp,
)

DATE = "01-Feb-2020 03:04:05 +0000"
SINGULAR = b"From: a@example.org\r\nMessage-ID: <1@example.org>\r\n\r\nHello.\r\n"
PLAIN = b"From: a@example.org\r\n\r\nHello.\r\n"


def written(digest: KeyDigest | BodyDigest, *pieces: bytes) -> None:
    """
    Feed a digest.
    """
    for piece in pieces:
        digest.write(piece)


def keyOf(*pieces: bytes, size: int = 100) -> bytes:
    """
    The content key of a message in these pieces.
    """
    digest = KeyDigest()
    written(digest, *pieces)
    return digest.key(size)


def digestOf(message: bytes, size: int = 100) -> bytes:
    """
    The body digest of a message.
    """
    digest = BodyDigest()
    written(digest, message)
    return digest.digest(size)


def isSingular(*pieces: bytes) -> bool:
    """
    Whether a message in these pieces has a Message-ID.
    """
    digest = KeyDigest()
    written(digest, *pieces)
    return digest.singular


def cut(message: bytes, places: list[int]) -> list[bytes]:
    """
    C{message} in pieces, cut at C{places}.
    """
    ends = [0, *sorted(min(place, len(message)) for place in places), len(message)]
    return [message[a:b] for a, b in pairwise(ends)]


lines = st.sampled_from(
    [
        b"From: a\r\n",
        b"Message-ID: <1>\r\n",
        b"MESSAGE-id\t: <2>\n",
        b"Message-ID:\r\n\t<3>\r\n",
        b"Message-ID: \r\n",
        b"X-Message-ID: <4>\r\n",
        b"\r\n",
        b"\n",
        b"\r\r\n",
        b"no line end",
        b"\0\x80X",
    ]
)
messages = st.lists(lines, max_size=8).map(b"".join)
places = st.lists(st.integers(0, 120), max_size=8)


class KeyDigestTests(SynchronousTestCase):
    """
    The key of one message.
    """

    def test_length(self) -> None:
        """
        A key and a digest are of 16 bytes.
        """
        self.assertEqual(16, len(keyOf(SINGULAR)))
        self.assertEqual(16, len(digestOf(SINGULAR)))

    def test_singular(self) -> None:
        """
        A Message-ID counts in any case, folded or with blanks around it.
        """
        self.assertTrue(isSingular(SINGULAR))
        self.assertTrue(isSingular(b"mEsSaGe-Id \t:\r\n <1>\r\n\r\n"))
        self.assertTrue(isSingular(b"A: b\r\nMessage-ID:<1>"))

    def test_notSingular(self) -> None:
        """
        An empty Message-ID, one in another field and one in the body do not
        count.
        """
        self.assertFalse(isSingular(PLAIN))
        self.assertFalse(isSingular(b""))
        self.assertFalse(isSingular(b"Message-ID: \r\nSubject: a\r\n\r\n"))
        self.assertFalse(isSingular(b"A: Message-ID: <1>\r\n Message-ID: <1>\r\n\r\n"))
        self.assertFalse(isSingular(b"A: b\r\n\r\nMessage-ID: <1>\r\n"))
        self.assertFalse(isSingular(b"\r\nMessage-ID: <1>\r\n"))

    def test_bodyDoesNotCount(self) -> None:
        """
        The key of a message with a Message-ID is that of its header.
        """
        self.assertEqual(keyOf(SINGULAR), keyOf(SINGULAR + b"More."))
        self.assertEqual(keyOf(SINGULAR), keyOf(SINGULAR[: SINGULAR.index(b"Hello")]))

    def test_wholeCounts(self) -> None:
        """
        The key of a message without a Message-ID is its body digest.
        """
        self.assertEqual(digestOf(PLAIN), keyOf(PLAIN))
        self.assertNotEqual(keyOf(PLAIN), keyOf(PLAIN + b"More."))

    def test_sizeCounts(self) -> None:
        """
        Messages of different sizes have different keys.
        """
        self.assertNotEqual(keyOf(SINGULAR, size=1), keyOf(SINGULAR, size=2))
        self.assertNotEqual(digestOf(PLAIN, size=1), digestOf(PLAIN, size=2))

    def test_rewritten(self) -> None:
        """
        NUL, 8-bit bytes and the letter X are the same; other bytes are not.
        """
        for message in SINGULAR, PLAIN:
            keys = {keyOf(b"S: " + byte + message) for byte in (b"\0", b"\xe9", b"X")}
            self.assertEqual(1, len(keys))
            self.assertNotIn(keyOf(b"S: x" + message), keys)
            self.assertNotIn(keyOf(b"S: XX" + message), keys)

    def test_lineEndAdded(self) -> None:
        """
        A header that ends without a line end has the key of one with it.
        """
        header = b"Message-ID: <1>"
        self.assertEqual(keyOf(header), keyOf(header + b"\r\n\r\n"))

    def test_endlessHeader(self) -> None:
        """
        What stands behind the first 256 KiB is no header.
        """
        start = b"Message-ID: <1>\r\nA: " + b"a" * HEADER_LIMIT
        self.assertEqual(keyOf(start), keyOf(start + b"b", b"c\r\n\r\nbody"))
        self.assertFalse(isSingular(b"A: " + b"a" * HEADER_LIMIT, b"\r\n" + SINGULAR))

    def test_limitAnywhere(self) -> None:
        """
        A header that ends near the limit has one key however it comes.
        """
        for length in range(HEADER_LIMIT - 6, HEADER_LIMIT + 3):
            header = b"Message-ID: <1>\r\nA: ".ljust(length, b"a") + b"\r\n\r\n"
            key = keyOf(header)
            self.assertEqual(key, keyOf(header + b"body"))
            self.assertEqual(key, likeness(header + b"body", 100)[0])
            self.assertEqual(key, keyOf(header[:-3], header[-3:-1], header[-1:]))

    def test_keptForBody(self) -> None:
        """
        Nothing of a body is lost where the header's search overtakes it.
        """
        body = b"b" * (HEADER_LIMIT * 2)
        self.assertEqual(digestOf(PLAIN + body), keyOf(PLAIN + body))

    @given(messages, places)
    def test_anyPieces(self, message: bytes, cuts: list[int]) -> None:
        """
        The key does not depend on how the message was cut, or whether it was.
        """
        pieces = cut(message, cuts)
        digest = KeyDigest()
        written(digest, *pieces)
        known = digest.key(100), digest.messageId
        self.assertEqual(known, likeness(message, 100))
        self.assertEqual(known, likeness(memoryview(b"(" + message)[1:], 100))
        self.assertEqual(keyOf(message), keyOf(*pieces))
        self.assertEqual(isSingular(message), isSingular(*pieces))

    @given(messages, messages, places)
    def test_headerOrWhole(self, header: bytes, body: bytes, cuts: list[int]) -> None:
        """
        The header with its empty line has the key of the whole message, if it
        has a Message-ID; else the key is the whole message's digest.
        """
        header += b"\r\n\r\n"
        whole = header + body
        if isSingular(header):
            self.assertEqual(keyOf(header), keyOf(*cut(whole, cuts)))
        else:
            self.assertFalse(isSingular(whole))
            self.assertEqual(digestOf(whole), keyOf(*cut(whole, cuts)))


class InstantTests(SynchronousTestCase):
    """
    When a message arrived.
    """

    def test_known(self) -> None:
        """
        A date is read in any spelling that servers have.
        """
        for text, seconds in (
            ("01-Jan-1970 00:00:00 +0000", 0),
            (" 1-jan-1970 00:00:01 -0000", 1),
            ("1-JAN-1970 00:00:00 -0130", 5400),
            ("29-Feb-2020 23:59:60 +2359", 1582934460),
            ("31-Dec-1969 23:59:59 +0000", -1),
            ("01-Jan-0001 00:00:00 +0000", -62135596800),
            ("31-Dec-9999 23:59:59 +0000", 253402300799),
        ):
            self.assertEqual(seconds, instant(text), text)

    def test_everyDay(self) -> None:
        """
        The days follow each other, whether they are remembered or not.
        """
        for _ in range(2):
            at = instant("01-Jan-2000 12:00:00 +0100")
            for year in range(2000, 2016):
                for month, days in (("Feb", 28 + (year % 4 == 0)), ("Oct", 31)):
                    for day in range(1, days):
                        first = instant(f"{day:02}-{month}-{year} 12:00:00 +0100")
                        then = instant(f"{day + 1:02}-{month}-{year} 12:00:00 +0100")
                        self.assertEqual(86_400, then - first)
                        self.assertGreater(first, at)
                        at = first

    def test_none(self) -> None:
        """
        What is none has no instant.
        """
        for text in (
            "",
            "01-Mai-2024 00:00:00 +0000",
            "30-Feb-2024 00:00:00 +0000",
            "29-Feb-2023 00:00:00 +0000",
            "00-Jan-2024 00:00:00 +0000",
            "01-Jan-0000 00:00:00 +0000",
            "01-Jan-24 00:00:00 +0000",
            "01-Jan-2024 00:00:00 +2400",
            "01-Jan-2024 00:00:00 +0060",
            "01-Jan-2024 00:00:00 0000",
            "01-Jan-2024 00:00 +0000",
            "01-Jan-2024 00:00:00",
            "\u0661-Jan-2024 00:00:00 +0000",
        ):
            self.assertEqual(0, instant(text), text)


class StampTests(SynchronousTestCase):
    """
    What a message is known by after a move.
    """

    def test_zones(self) -> None:
        """
        The same instant gives the same stamp in any zone, and with the day
        written in either way.
        """
        stamps = {
            stamp(10, instant(date), b"<1@example>")
            for date in (
                "01-Feb-2020 03:04:05 +0000",
                " 1-Feb-2020 03:04:05 +0000",
                "1-Feb-2020 05:34:05 +0230",
                "31-Jan-2020 23:04:05 -0400",
            )
        }
        self.assertEqual(1, len(stamps))
        self.assertTrue(0 < stamps.pop() < 2**63)

    def test_allCounts(self) -> None:
        """
        Another size, date or Message-ID gives another stamp.
        """
        stamps = {
            stamp(10, instant(DATE), b"<1@example>"),
            stamp(11, instant(DATE), b"<1@example>"),
            stamp(10, instant(DATE), b"<2@example>"),
            stamp(10, instant("01-Feb-2020 03:04:06 +0000"), b"<1@example>"),
        }
        self.assertEqual(4, len(stamps))

    def test_none(self) -> None:
        """
        Without a Message-ID, or a date that is one, there is no stamp.
        """
        self.assertEqual(0, stamp(10, instant(DATE), b""))
        dates = ("", "yesterday", "01-Feb-2020 03:04 +0000", "a b:c:d e", "1 2 3 4")
        for date in (*dates, "01-Feb-99999 03:04:05 +0000"):
            self.assertEqual(0, stamp(10, instant(date), b"<1@example>"))

    def test_messageId(self) -> None:
        """
        The Message-ID is found in any header, or in what a server makes of it
        alone.
        """
        for head in (
            b"Message-ID: <1@\xe9>\r\n\r\n",
            b"From: a\r\nmessage-id:\r\n\t<1@X>\r\nTo: b\r\n\r\nMessage-ID: <2>",
            b"Message-Id:<1@X> \r\n",
        ):
            digest = KeyDigest()
            digest.write(head)
            self.assertEqual(b"<1@X>", digest.messageId)
        self.assertEqual(b"", KeyDigest().messageId)
