"""
Tests for L{imapsync.test.integration.world}, and for where faults strike.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timezone
from hashlib import sha256
from random import Random
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from imapsync.test.integration.accounts import Mail, Message, Snapshot
from imapsync.test.integration.trial import Offer, anywhere, pieces
from imapsync.test.integration.world import Verdict, World, cleaned


class Shelf:
    """
    An account in memory, which only takes mail.
    """

    def __init__(self) -> None:
        self.mailboxes: dict[str, list[Message]] = {"INBOX": []}

    def create(self, mailbox: str) -> None:
        """
        There is one more.
        """
        self.mailboxes[mailbox] = []

    def subscribe(self, mailbox: str) -> None:
        """
        Nobody asks for it.
        """

    def fill(self, mailbox: str, mails: Iterable[Mail]) -> None:
        """
        Take them.
        """
        date = datetime(2020, 1, 1, tzinfo=timezone.utc)
        for mail in mails:
            digest = sha256(cleaned(mail.body)).hexdigest()
            self.mailboxes[mailbox].append(Message(digest, frozenset(), date))

    def snapshot(self) -> Snapshot:
        """
        All that is there.
        """
        boxes = {name: Counter(held) for name, held in self.mailboxes.items()}
        return Snapshot(boxes, frozenset())


class JudgedTests(SynchronousTestCase):
    """
    What is found to be wrong with two accounts.
    """

    def setUp(self) -> None:
        """
        Both have the same mail, as they should.
        """
        self.world, self.sides = World(), (Shelf(), Shelf())
        first: Any = self.sides[0]
        self.world.fill(first)
        for name, held in self.sides[0].mailboxes.items():
            self.sides[1].mailboxes[name] = [*held]
        self.inbox = [side.mailboxes["INBOX"] for side in self.sides]

    def judged(self) -> Verdict:
        """
        What is wrong now.
        """
        return self.world.judged([side.snapshot() for side in self.sides])

    def test_good(self) -> None:
        """
        Nothing is.
        """
        self.assertTrue(self.judged().isGood)

    def test_lost(self) -> None:
        """
        A message that nobody has any more is lost; one that a side has is not.
        """
        self.inbox[0].pop(0)
        verdict = self.judged()
        self.assertEqual(([], ["not here: INBOX 1"]), (verdict.lost, verdict.other))
        self.inbox[1].pop(0)
        self.assertEqual(["INBOX 1"], self.judged().lost)

    def test_doubled(self) -> None:
        """
        A message that a side has twice is doubled, in whatever mailboxes.
        """
        self.inbox[0].append(self.inbox[0][0])
        self.sides[1].mailboxes["Work"].append(self.inbox[1][1])
        self.assertEqual(["INBOX 1", "INBOX 2"], self.judged().doubled)

    def test_back(self) -> None:
        """
        A message that should not be there has come back.
        """
        del self.world.fates[self.inbox[0][0].digest]
        self.inbox[1].pop(0)
        self.assertEqual(["INBOX 1"], self.judged().back)

    def test_damaged(self) -> None:
        """
        Half a message is none.
        """
        self.inbox[0][0] = self.inbox[1][0] = replace(self.inbox[0][0], digest="half")
        verdict = self.judged()
        self.assertEqual(["INBOX 1"], verdict.lost)
        self.assertEqual(["damaged: half"], verdict.back)

    def test_other(self) -> None:
        """
        Flags, places and mailboxes count.
        """
        self.inbox[0][0] = replace(self.inbox[0][0], flags=frozenset({"\\seen"}))
        self.sides[1].mailboxes["Work"].append(self.inbox[1].pop(1))
        self.sides[0].create("Extra")
        verdict = self.judged()
        self.assertEqual(3, len(verdict.other), verdict)
        self.assertFalse(verdict.lost or verdict.doubled or verdict.back)

    def test_cleaned(self) -> None:
        """
        What a program adds to a header makes no other message.
        """
        self.assertEqual(
            b"A: 1\r\nB: 2\r\n\r\n", cleaned(b"A: 1\r\nX-TUID: abc\r\nB: 2\r\n\r\n")
        )


class PieceTests(SynchronousTestCase):
    """
    Where a connection is cut.
    """

    def test_lines(self) -> None:
        """
        In plain text, these are the pieces.
        """
        self.assertEqual([0, 3, 6], pieces(b"a\r\nb\r\n", Offer()))

    def test_blocks(self) -> None:
        """
        Compressed, those that are flushed.
        """
        octets = b"ab\0\0\xff\xffcd\r\n"
        self.assertEqual([0, 6], pieces(octets, Offer(compress=True)))

    def test_records(self) -> None:
        """
        In TLS, records with their lengths, whatever is in them.
        """
        octets = b"\x17\x03\x03\0\x02\r\n\x17\x03\x03\0\x01x"
        offer = Offer(compress=True, transport="imaps")
        self.assertEqual([0, 7], pieces(octets, offer))

    def test_anywhere(self) -> None:
        """
        No place is left out, and none is beyond.
        """
        rng, octets = Random(1), b"a\r\n" + b"b" * 20 + b"\r\n"
        places = {anywhere(rng, octets, Offer()) for _ in range(1000)}
        self.assertEqual({*range(len(octets))}, places)
