"""
Tests for L{imapsync.mailbox.recognition} and L{imapsync.mailbox.untold}: copies that a
server without UIDPLUS has, in whole syncs.
"""

from __future__ import annotations

import re

from imapsync.errors import Lost
from imapsync.model import Side
from imapsync.test.fakes.world import troubles
from imapsync.test.mailbox.test_sync import MailboxCase
from imapsync.testing.accounts import SEEN, Offer, mail

LOCAL, REMOTE = Side


def renamed(body: bytes) -> bytes:
    """
    The same message with another Message-ID, and another size.
    """
    return re.sub(rb"<.*?@", lambda found: b"<x" + found[0][1:], body)


def received(body: bytes) -> bytes:
    """
    The same message with one more header field.
    """
    return b"Received: from here\r\n" + body


class WithoutUidPlusTests(MailboxCase):
    """
    A server without UIDPLUS does not tell where a copy is.
    """

    def begin(self) -> None:
        """
        Neither has it.
        """
        super().begin()
        for account in self.local, self.remote:
            account.capabilities -= {"UIDPLUS"}

    def copied(self) -> list[bytes]:
        """
        The remote messages, by UID.
        """
        return [message.body for message in self.theirs.messages.values()]

    def test_found(self) -> None:
        """
        One run finds them all, and the next has nothing to do.
        """
        self.world.fill(*map(mail, range(30)))
        self.theirs.add(mail("there"), SEEN)
        self.remote.capabilities -= {"MULTIAPPEND"}
        report = self.sync()
        self.assertEqual({}, report.troubles)
        self.assertEqual(31, len(self.theirs.messages))
        self.assertLess(self.remote.count("SELECT", "EXAMINE"), 4)
        self.assertLess(self.remote.count("FETCH", "SEARCH"), 12)
        self.assertSettled()

    def test_equalOnes(self) -> None:
        """
        Messages that are equal are as many there.
        """
        self.world.fill(*[mail(1)] * 3, b"no header", b"no header", mail(2))
        self.assertEqual({}, self.sync().troubles)
        self.assertEqual(6, len(self.theirs.messages))
        self.assertSettled()

    def test_changed(self) -> None:
        """
        So are those that the server changes: in their octets, in their header, or
        beyond recognition.
        """
        ways = {
            "octets": lambda body: body + b"\r\n",
            "header": received,
            "all": renamed,
        }
        for name, way in ways.items():
            with self.subTest(name):
                self.begin()
                self.both(2)
                self.remote.remakes = way
                self.world.fill(mail("a"), mail("b"), mail("c"))
                for _ in range(3):
                    self.assertEqual({}, self.sync().troubles)
                    self.assertEqual(5, len(self.theirs.messages))
                    self.assertEqual(5, len(self.ours.messages))
                self.assertEqual(0, self.remote.count("APPEND", "SELECT"))

    def test_changedAndCutOff(self) -> None:
        """
        What was changed is recognised by the next run if this one could not look, and
        what was not stored is sent again.
        """
        for stored in False, True:
            for way in received, lambda body: body + b"\r\n":
                self.begin()
                self.both(2)
                self.remote.remakes = way

                def dies(offers: list[Offer], stored: bool = stored) -> bool:
                    for offer in offers if stored else ():
                        body = self.remote.remakes(offer.body)
                        self.theirs.add(body, offer.flags, offer.date)
                    return True

                self.remote.dies = dies
                self.world.fill(mail("a"))
                self.assertRaises(Lost, self.sync)
                self.remote.dies = lambda _: False
                for _ in range(2):
                    self.assertEqual({}, self.sync().troubles)
                    self.assertEqual(3, len(self.theirs.messages))
                    self.assertEqual(3, len(self.ours.messages))

    def test_likeOneThatWasThere(self) -> None:
        """
        A message that was there before is not taken for a copy.
        """
        self.theirs.add(received(mail("a")))
        self.remote.dies = lambda _: True
        self.world.fill(mail("a"))
        self.assertRaises(Lost, self.sync)
        self.remote.dies = lambda _: False
        self.assertEqual({}, self.sync().troubles)
        self.assertEqual(2, len(self.theirs.messages))
        self.assertEqual(2, len(self.ours.messages))
        self.assertSettled()

    def test_cameAnotherWay(self) -> None:
        """
        Nor is what others bring meanwhile, with the same Message-ID, but another header
        and another date: whatever the server can do.
        """
        for lacks in {"UIDPLUS"}, set[str]():
            self.begin()
            self.remote.capabilities |= {"UIDPLUS"} - lacks
            self.both(2)
            self.remote.dies = lambda _: True
            self.world.fill(mail("a"))
            self.assertRaises(Lost, self.sync)
            self.remote.dies = lambda _: False
            self.theirs.add(received(mail("a")), SEEN, "02-Feb-2020 03:04:05 +0000")
            self.assertEqual({}, self.sync().troubles)
            self.assertEqual(4, len(self.theirs.messages))
            self.assertSettled()

    def test_cameAnotherWayAtOnce(self) -> None:
        """
        Of two that have the same Message-ID, the copy is the one with its date.
        """
        self.both(2)
        self.remote.remakes = received
        self.world.fill(mail("a"))
        other = b"X-Other: 1\r\n" + mail("a")
        self.remote.before["APPEND"] = lambda: self.theirs.add(
            other, SEEN, "02-Feb-2020 03:04:05 +0000"
        )
        for _ in range(2):
            self.assertEqual({}, self.sync().troubles)
        for folder in self.ours, self.theirs:
            self.assertEqual(4, len(folder.messages))
            self.assertIn(other, {one.body for one in folder.messages.values()})

    def test_swallowed(self) -> None:
        """
        One that the server said it had stored, and that is not there, is named; others
        go on; and it is not sent time and again.
        """
        self.both(1)
        self.world.fill(mail("lost"), mail("a"))
        self.remote.capabilities -= {"MULTIAPPEND"}

        def lose() -> None:
            for uid, message in [*self.theirs.messages.items()]:
                if message.body == mail("lost"):
                    self.theirs.expunge(uid)
            self.remote.before["APPEND"] = lose
            self.remote.before["NOOP"] = lose

        lose()
        report = self.sync()
        [(_, text)] = troubles(report)
        self.assertIn("UID 2", text)
        self.assertIn(mail("a"), self.copied())
        self.assertEqual(1, sum("lost" in line for line in self.remote.heard))

    def test_otherDates(self) -> None:
        """
        A server that keeps no INTERNALDATE is found out, and copies are found.
        """
        self.world.fill(mail("a"), mail("b"))
        self.remote.bends = lambda _: "02-Feb-2020 03:04:05 +0000"
        [(_, text)] = troubles(self.sync())
        self.assertIn("has changed its INTERNALDATE", text)
        self.assertEqual({}, self.sync().troubles)
        self.assertEqual(2, len(self.theirs.messages))

    def test_otherInItsPlace(self) -> None:
        """
        Nor where a copy goes in that moment.
        """
        self.both(1)
        self.world.fill(mail("a"))

        def replace() -> None:
            self.theirs.expunge(2)
            self.theirs.add(mail("other"), SEEN, "02-Feb-2020 03:04:05 +0000")

        self.remote.before["NOOP"] = replace
        for _ in range(2):
            self.sync()
        bodies = {message.body for message in self.ours.messages.values()}
        self.assertIn(mail("other"), bodies)
        self.assertEqualNow()

    def test_otherArrives(self) -> None:
        """
        What others bring meanwhile is not taken for a copy.
        """
        self.both(1)
        self.world.fill(mail("a"), mail("b"))
        self.remote.before["APPEND"] = lambda: self.theirs.add(mail("other"))
        self.assertEqual({}, self.sync().troubles)
        self.assertEqual(4, len(self.theirs.messages))
        self.assertSettled()
