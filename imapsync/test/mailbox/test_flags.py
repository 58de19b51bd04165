"""
Tests for L{imapsync.mailbox.flags}; what servers make of it is tested in
L{imapsync.test.mailbox.test_sync}.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from functools import partial

from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from imapsync.display import keyword
from imapsync.mailbox import flags
from imapsync.mailbox.report import Report
from imapsync.model import Flags, Side
from imapsync.test.fakes.world import World, troubles
from imapsync.testing.accounts import NOTHING, SEEN, mail

LOCAL, REMOTE = Side
DRAFT: Flags = frozenset(["\\Draft"])


class FlagsTests(SynchronousTestCase):
    """
    Flags of known messages that change.
    """

    def setUp(self) -> None:
        """
        Sync some messages.
        """
        self.world = World(self.mktemp())
        self.local, self.remote = self.world.local, self.world.remote
        self.ours, self.theirs = self.local.inbox, self.remote.inbox
        self.world.fill(*map(mail, range(1, 6)))
        self.sync()

    def sync(self, **changes: object) -> Report:
        """
        Sync.
        """
        return self.world.sync(**changes)  # type: ignore[arg-type]

    def test_warned(self) -> None:
        """
        Flags that changed on both sides are warned of, with both UIDs.
        """
        self.theirs.add(mail(9))
        self.sync()
        self.ours.flag(2, "a")
        self.theirs.flag(2, "b")
        with capturedLogs() as events:
            self.sync()
        warnings = [
            str(formatEvent(e)) for e in events if e["log_level"].name == "warn"
        ]
        self.assertEqual(
            [
                "INBOX: flags of message 2 (remote 2) changed on both sides; both"
                " get all of them."
            ],
            warnings,
        )
        self.assertEqual(frozenset("ab"), self.ours.messages[2].flags)

    def test_bothSides(self) -> None:
        """
        What changed on either side is carried at once: neither server waits for what
        the other says, nor for the database.
        """
        self.patch(flags, "CHUNK", 1)
        self.ours.flag(1, "\\Seen")
        self.theirs.flag(2, "\\Seen")
        agreed = []
        for account in (self.local, self.remote):
            account.before["STORE"] = lambda: agreed.append(self.agreed())
        self.sync()
        self.assertEqual([{""}, {""}], agreed)
        self.assertEqual({"", "\\Seen"}, self.agreed())
        self.assertTrue(self.world.equal)

    def agreed(self) -> set[str]:
        """
        The sets of flags that both sides agree on, as the database has them by now.
        """
        with closing(sqlite3.connect(self.world.database)) as database:
            query = "SELECT text FROM flags WHERE id IN (SELECT flags FROM pair)"
            return {text for (text,) in database.execute(query)}

    def test_many(self) -> None:
        """
        Any number of changed messages is worked on, some at a time.
        """
        self.patch(flags, "CHUNK", 50)
        number = flags.CHUNK + 10
        self.world.fill(*map(mail, range(10, 10 + number)))
        self.sync()
        for uid in list(self.ours.messages):
            self.ours.flag(uid, "\\Seen")
        report = self.sync()
        self.assertEqual(number + 5, report.done("flagged")["INBOX", REMOTE])
        self.assertEqual(2, self.remote.count("STORE"))
        self.assertTrue(self.world.equal)

    def test_changedTwice(self) -> None:
        """
        A flag that changes again while it is carried takes its last value.
        """
        self.ours.flag(1, "\\Seen")
        self.remote.before["STORE"] = lambda: self.theirs.flag(1, "\\Draft")
        self.sync()
        self.sync()
        self.assertTrue(self.world.equal)
        self.assertEqual(SEEN | DRAFT, self.ours.messages[1].flags)

    def test_changedBack(self) -> None:
        """
        A flag that both sides had changed alike, and that one changes back while
        another is carried, takes its last value: it is no longer what both
        agreed on before.
        """
        for there in (True, False):
            first, last = ({"x"}, set()) if there else (set(), {"x"})
            self.ours.flag(1, *last)
            self.sync()
            self.ours.flag(1, *first, "y")
            self.theirs.flag(1, *first)
            self.remote.before["STORE"] = partial(self.theirs.flag, 1, *last)
            self.sync()
            self.sync()
            self.assertEqual({}, self.remote.before)
            self.assertTrue(self.world.equal)
            self.assertEqual(last, self.ours.messages[1].flags & {"x"})

    def test_refusedBack(self) -> None:
        """
        Flags that one side lost are given back to it, since the other had changed as
        well; where its server refuses that, it is tried again.
        """
        self.ours.flag(1, "a", "b")
        self.sync()
        self.ours.flag(1, "a")
        self.theirs.flag(1, "b")
        self.local.answers["STORE"] = "NO not now"
        self.sync()
        del self.local.answers["STORE"]
        self.sync()
        self.assertTrue(self.world.equal)
        self.assertEqual({"a", "b"}, self.ours.messages[1].flags)

    def test_goneMeanwhile(self) -> None:
        """
        A message that goes while its flags are carried is no trouble.
        """
        self.ours.flag(1, "\\Seen")
        self.ours.flag(2, "\\Seen")
        self.remote.before["STORE"] = lambda: self.theirs.expunge(1)
        self.assertEqual({}, self.sync().troubles)
        self.sync()
        self.assertTrue(self.world.equal)
        self.assertEqual(4, len(self.ours.messages))

    def test_case(self) -> None:
        """
        Another spelling of the same keyword is no change.
        """
        self.ours.flag(1, "Work")
        self.theirs.flag(1, "wORK")
        self.assertEqual(0, self.sync().changes)
        self.assertEqual(0, self.local.count("STORE"))
        self.assertEqual(0, self.remote.count("STORE"))

    def test_oddFlags(self) -> None:
        """
        Flags with odd characters are carried as they are, as long as they are what
        IMAP calls flags; others are never sent, and named.
        """
        odd = ("$Forwarded", "a.b/c", "[z", "'", "NIL", "$&;<>@^`|~?!#+,:=_-")
        none = ("%x", "*y", "z]", "\xe9t\xe9", "a\\b", "\\", "\\\\a")
        self.ours.flag(1, *odd[:4], *none)
        [(_, text)] = troubles(self.sync())
        for flag in none:
            self.assertIn(keyword(flag), text)
        self.assertEqual(frozenset(odd[:4]), self.theirs.messages[1].flags)
        stored = [line for line in self.remote.heard if "STORE" in line]
        self.assertEqual(4, len(stored), stored)
        self.ours.flag(1, *odd)
        self.sync()
        self.assertEqual(frozenset(odd), self.theirs.messages[1].flags)
        self.ours.flag(1)
        self.sync()
        self.assertEqual(NOTHING, self.theirs.messages[1].flags)

    def test_oneRefused(self) -> None:
        """
        If one of several flags is refused, the others of the same messages
        are carried, and it is tried again next time.
        """
        self.ours.flag(1, "a", "b")
        self.remote.forgets = frozenset("a")
        report = self.sync()
        self.assertEqual(
            ["local: UID 1: remote would not change a"],
            [t for _, t in troubles(report)],
        )
        self.assertEqual(frozenset("b"), self.theirs.messages[1].flags)
        self.assertEqual(frozenset("ab"), self.ours.messages[1].flags)
        self.remote.forgets = NOTHING
        self.assertEqual({}, self.sync().troubles)
        self.assertTrue(self.world.equal)
        self.assertEqual(0, self.sync().changes)
        self.assertEqual(0, self.local.count("SELECT"))

    def test_removalRefused(self) -> None:
        """
        A flag that cannot be removed is not set again where it was removed.
        """
        self.ours.flag(1, "a")
        self.sync()
        self.remote.forgets = frozenset("a")
        self.ours.flag(1)
        for _ in range(2):
            self.assertNotEqual({}, self.sync().troubles)
            self.assertEqual(NOTHING, self.ours.messages[1].flags)
        self.remote.forgets = NOTHING
        self.sync()
        self.assertTrue(self.world.equal)
