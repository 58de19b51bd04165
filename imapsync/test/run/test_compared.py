"""
Tests for L{imapsync.run.live} with servers that do not tell what has changed.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from imapsync.model import Side
from imapsync.test.run.test_live import FollowingCase
from imapsync.testing.accounts import SEEN, mail

LOCAL, REMOTE = Side

FLAGGED = frozenset(["\\Flagged"])

BARE = {"QRESYNC", "CONDSTORE", "NOTIFY"}

#: How often they are asked, if nothing else is said.
WATCH = 61


class ComparedTests(FollowingCase):
    """
    The remote server has nothing but IDLE, and is asked.
    """

    def setUp(self) -> None:
        """
        Take the rest from it.
        """
        super().setUp()
        self.remote.capabilities -= BARE

    def looks(self, first: int = 1) -> int:
        """
        How often all flags were looked at there.
        """
        return self.remote.count(f"FETCH {first}:*")

    def test_idle(self) -> None:
        """
        What IDLE tells of is looked into, though STATUS is the same.
        """
        self.follow()
        for flags in ["\\Seen"], ["\\Flagged"], []:
            self.remote.inbox.flag(1, *flags)
            self.world.pump()
            self.assertTrue(self.world.equal)

    def test_status(self) -> None:
        """
        Elsewhere, STATUS shows that messages came or went.
        """
        self.local.make("Other").add(mail("o"))
        self.follow()
        self.remote.folders["Other"].add(mail("new"))
        self.remote.folders["Other"].expunge(1)
        self.wait(WATCH)
        self.assertTrue(self.world.equal)

    def test_unseen(self) -> None:
        """
        Or that some were seen: what we do there ourselves is no news.
        """
        self.world.options[REMOTE] = {"flagWindow": 1}
        other = self.local.make("Other")
        for n in range(5):
            other.add(mail(n))
        self.follow()
        self.remote.folders["Other"].flag(1, "\\Seen")
        self.wait(WATCH)
        self.assertEqual(SEEN, other.messages[1].flags)
        other.flag(2, "\\Seen")
        self.wait(WATCH)
        self.assertTrue(self.world.equal)
        self.forget()
        self.wait(3 * WATCH)
        self.assertEqual(0, self.looks())

    def test_window(self) -> None:
        """
        Flags of the newest messages are looked at each time; of all, now and then.
        """
        self.world.options[REMOTE] = {"flagWindow": 2, "fullLook": 1000.0}
        other = self.local.make("Other")
        for n in range(5):
            other.add(mail(n))
        self.follow()
        theirs = self.remote.folders["Other"]
        theirs.flag(4, "\\Flagged")
        self.wait(WATCH)
        self.assertEqual(FLAGGED, other.messages[4].flags)
        self.forget()
        theirs.flag(1, "\\Flagged")
        self.wait(3 * WATCH)
        self.assertEqual(frozenset(), other.messages[1].flags)
        self.assertLess(0, self.looks(4))
        self.wait(1000)
        self.assertEqual(FLAGGED, other.messages[1].flags)

    def between(self, happen: Callable[[], Any], verb: str = "EXAMINE") -> None:
        """
        What happens after the last look and before IDLE is carried over at once.
        """
        inbox = self.remote.inbox
        self.local.inbox.add(mail(len(inbox.messages)))
        self.remote.before["EXAMINE"] = lambda: self.remote.before.update(
            {verb: happen}
        )
        if verb == "EXAMINE":
            self.remote.before["EXAMINE"] = happen
        self.world.pump()
        self.assertEqual({}, self.remote.before)
        self.assertTrue(self.world.equal)

    def test_between(self) -> None:
        """
        That is so for messages that come and go, whatever their flags.
        """
        self.world.options[REMOTE] = {"flagWindow": 1}
        self.follow(request={"watch": 100_000})
        inbox = self.remote.inbox
        for number, verb in enumerate(("EXAMINE", "FETCH") * 2):
            self.between(lambda: inbox.expunge(min(inbox.messages)), verb)
            self.between(partial(inbox.add, mail(("new", number))), verb)
        self.forget()
        self.wait(500)
        self.assertEqual([], self.remote.heard)

    def test_reconnected(self) -> None:
        """
        That goes on over one connection after another.
        """
        self.world.options[REMOTE] = {"fullLook": 10_000.0, "flagWindow": 1}
        self.follow()
        for link in [*self.world.links]:
            link.dialogue.bye("restarting")
        self.world.pump()
        self.wait(20)
        self.forget()
        self.wait(WATCH)
        self.assertEqual(0, self.looks())


class StillTests(FollowingCase):
    """
    The remote server tells mod-sequences, and IDLE of changes in INBOX.
    """

    def setUp(self) -> None:
        """
        Take the rest from it.
        """
        super().setUp()
        self.remote.capabilities -= {"QRESYNC", "NOTIFY"}
        for number in range(5):
            self.local.inbox.add(mail(number))
        self.follow()

    def alter(self, uid: int, flags: frozenset[str]) -> None:
        """
        A message there gets flags, without a mod-sequence that says so.
        """
        message = self.remote.inbox.messages[uid]
        message.flags, message.modseq = flags, message.modseq - 1
        self.world.pump()
        self.wait(1)

    def test_still(self) -> None:
        """
        A mod-sequence that does not rise with a flag is not relied on any more: that is
        said once.
        """
        for uid, flags in (2, FLAGGED), (3, SEEN), (2, frozenset[str]()):
            self.alter(uid, flags)
            self.assertTrue(self.world.equal)
        warned = [line for line in self.said("warn") if "does not keep it" in line]
        self.assertEqual(1, len(warned), self.logged)
        self.assertIn("flags change, and its HIGHESTMODSEQ does not", warned[0])

    def test_same(self) -> None:
        """
        That it tells the flags of a message which are as they were is no reason.
        """
        self.alter(2, frozenset())
        self.remote.inbox.flag(3, "\\Seen")
        self.wait(1)
        self.alter(2, frozenset())
        self.assertEqual([], self.said("warn"))
        self.assertTrue(self.world.equal)


class StillElsewhereTests(StillTests):
    """
    The same where INBOX is heard over a connection that only listens.
    """

    def follow(self, **arguments: Any) -> None:
        """
        Have most happen in another mailbox.
        """
        super().follow(changes={"connections": 2}, **arguments)
        work = self.remote.make("Work")
        for number in range(3):
            work.add(mail(("work", number)))
            self.wait(WATCH + 1)
        self.assertTrue(self.world.equal)


class CourierTests(ComparedTests):
    """
    One that tells no UIDNEXT when a mailbox is selected.
    """

    def setUp(self) -> None:
        """
        Have it leave that out.
        """
        super().setUp()
        self.remote.reticent = True
