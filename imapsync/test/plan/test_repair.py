"""
Tests for L{imapsync.plan.repair}.
"""

from __future__ import annotations

from collections import Counter

from twisted.trial.unittest import SynchronousTestCase

from imapsync.model import Flags, Known, Listed, Mark, Pair, Side, Status
from imapsync.names import Naming
from imapsync.plan import repair
from imapsync.plan.account import Account
from imapsync.plan.repair import Anomaly, Kind, Traits

LOCAL, REMOTE = Side

KEY = b"k" * 16
OTHER = b"o" * 16
PAIR = Pair(1, 2, frozenset(["\\Seen"]), KEY, 10, 5)
SHOWN = Traits(frozenset(["\\Seen"]), KEY, True, 10, 5, b"<1>", 100)
MARK = Mark(7, 3, 9)
KNOWN = Known(1, "Work", dict.fromkeys(Side, MARK), {LOCAL: "a"}, True, 2, False)


def account(*names: str, subscribed: bool = True, uidvalidity: int = 7) -> Account:
    """
    A server that lists these.
    """
    attributes = frozenset(["\\subscribed"] if subscribed else [])
    status = Status(2, 3, uidvalidity, 9)
    boxes = [Listed(name, ".", attributes, status) for name in names]
    return Account.of(Naming("."), boxes)


class AnomalyTests(SynchronousTestCase):
    """
    What people are told.
    """

    def test_lines(self) -> None:
        """
        A line says what it is about, and what is wrong.
        """
        for anomaly, line in (
            (Anomaly(Kind.ROW, "", "odd"), "database: odd"),
            (Anomaly(Kind.MARK, "A", "odd", side=LOCAL), "A: local: odd"),
            (Anomaly(Kind.ALONE, "A", "odd", 0, 7), "A: remote UID 7: odd"),
            (Anomaly(Kind.KEY, "A", "odd", 3, 7), "A: local UID 3, remote UID 7: odd"),
            (Anomaly(Kind.UNKNOWN, "A\nB", "odd"), "A\\u000aB: odd"),
        ):
            self.assertEqual(line, str(anomaly))

    def test_summary(self) -> None:
        """
        The end is a count by kind.
        """
        counts: Counter[Kind] = Counter()
        self.assertEqual("No anomalies.", repair.summary(counts))
        counts[Kind.ALONE] += 1
        told = "1 anomaly: 1 message on one side only."
        self.assertEqual(told, repair.summary(counts))
        counts[Kind.DANGLING] += 2
        told = "3 anomalies: 2 entries without a message, 1 message on one side only."
        self.assertEqual(told, repair.summary(counts))

    def test_words(self) -> None:
        """
        Machines can tell the kinds from each other.
        """
        words = [kind.word for kind in Kind]
        self.assertEqual(len(words), len({*words}))


class MailboxesTests(SynchronousTestCase):
    """
    Mailboxes as a whole.
    """

    def test_subscription(self) -> None:
        """
        Where one side is subscribed, both are to be; the database is to know what
        both show.
        """
        yes, no = account("Work"), account("Work", subscribed=False)
        for ours, theirs, known, wrong, wanted in (
            (yes, yes, True, False, True),
            (no, no, True, True, False),
            (yes, yes, False, True, True),
            (yes, no, True, True, False),
            (no, yes, False, True, False),
        ):
            accounts = {LOCAL: ours, REMOTE: theirs}
            one = KNOWN._replace(subscribed=known)
            found, subscribed = repair.subscription(accounts, one, "Work")
            self.assertEqual((wrong, wanted), (found is not None, subscribed))
        found, _ = repair.subscription({LOCAL: yes, REMOTE: yes}, None, "Work")
        self.assertIsNone(found)

    def test_traceable(self) -> None:
        """
        A mailbox may have another name, if one that is not known has its UIDVALIDITY.
        """
        there = account("Play")
        self.assertTrue(repair.isTraceable(KNOWN, LOCAL, there, {"Work"}))
        self.assertFalse(repair.isTraceable(KNOWN, LOCAL, there, {"Work", "Play"}))
        other = account("Play", uidvalidity=8)
        self.assertFalse(repair.isTraceable(KNOWN, LOCAL, other, {"Work"}))
        unknown = KNOWN._replace(marks={})
        self.assertFalse(repair.isTraceable(unknown, LOCAL, there, {"Work"}))

    def test_spelling(self) -> None:
        """
        A server's spelling is nearly the name, and is listed.
        """
        for spelling, listed, wrong in (
            ("work", "work", False),
            ("work", "Work", True),
            ("Play", "Play", True),
        ):
            naming = Naming(".", spellings={spelling: "Work"})
            box = Listed(listed, ".", frozenset())
            there = Account.of(naming, [box])
            accounts = {LOCAL: account("Work"), REMOTE: there}
            one = KNOWN._replace(spellings={REMOTE: spelling})
            found = [*repair.misspelled(accounts, one)]
            self.assertEqual(wrong, bool(found), spelling)

    def test_oddName(self) -> None:
        """
        Nor is a spelling right of what can have no name there.
        """
        one = KNOWN._replace(name="a.b", spellings={REMOTE: "ab"})
        accounts = {LOCAL: account(), REMOTE: account("ab")}
        self.assertEqual(1, len([*repair.misspelled(accounts, one)]))


class MailboxTests(SynchronousTestCase):
    """
    What is known of one mailbox.
    """

    def test_renumbered(self) -> None:
        """
        UIDs are those that are known if UIDVALIDITY is.
        """
        self.assertIsNone(repair.renumbered(KNOWN, LOCAL, Mark(7, 1, 1)))
        for known in KNOWN, KNOWN._replace(marks={REMOTE: MARK}):
            self.assertIsNotNone(repair.renumbered(known, LOCAL, Mark(8, 1, 1)))

    def test_identity(self) -> None:
        """
        It is wrong if both are told and differ.
        """
        for told, wrong in (("a", False), ("", False), ("b", True)):
            found = repair.misidentified(KNOWN, LOCAL, told)
            self.assertEqual(wrong, found is not None)
        self.assertIsNone(repair.misidentified(KNOWN, REMOTE, "b"))

    def test_marks(self) -> None:
        """
        One too high is wrong in any case, one too low if nothing else is.
        """
        for now, high, low in (
            (MARK, False, False),
            (Mark(7, 2, 9), True, True),
            (Mark(7, 3, 8), True, True),
            (Mark(7, 4, 10), False, True),
        ):
            self.assertEqual(high, repair.beyond(KNOWN, LOCAL, now) is not None)
            self.assertEqual(low, bool([*repair.behind(KNOWN, LOCAL, now, 2)]))
        [found] = repair.behind(KNOWN, LOCAL, MARK, 3)
        self.assertEqual(Kind.COUNT, found.kind)


class EntryTests(SynchronousTestCase):
    """
    What is known of a message.
    """

    def test_flags(self) -> None:
        """
        Where they differ, what both have is agreed on: so that both get all.
        """
        seen: Flags = frozenset(["\\Seen"])
        both: Flags = frozenset(["\\Seen", "Work"])
        self.assertIsNone(repair.aboutFlags(PAIR, seen, frozenset(["\\SEEN"])))
        found = repair.aboutFlags(PAIR, both, both)
        assert found is not None
        self.assertEqual((Kind.AGREED, both), (found.kind, found.pair.flags))
        found = repair.aboutFlags(PAIR._replace(flags=both), both, seen)
        assert found is not None
        self.assertEqual((Kind.FLAGS, seen), (found.kind, found.pair.flags))
        self.assertIn("Work \\Seen on local, \\Seen on remote", found.text)

    def test_key(self) -> None:
        """
        The key is that of a side; what else is known of the content may be missing.
        """
        self.assertIsNone(repair.aboutKey(PAIR, SHOWN, SHOWN))
        altered = SHOWN._replace(key=OTHER, size=12)
        self.assertIsNone(repair.aboutKey(PAIR, SHOWN, altered))
        self.assertIsNone(repair.aboutKey(PAIR, altered, SHOWN))
        bare = PAIR._replace(size=0, stamp=0)
        self.assertIsNone(repair.aboutKey(bare, SHOWN, SHOWN))
        for wrong in (
            PAIR._replace(key=b""),
            PAIR._replace(key=OTHER),
            PAIR._replace(size=11),
            PAIR._replace(stamp=6),
        ):
            found = repair.aboutKey(wrong, SHOWN, SHOWN)
            assert found is not None
            self.assertEqual((Kind.KEY, PAIR), (found.kind, found.pair))
        found = repair.aboutKey(bare._replace(key=b""), SHOWN, SHOWN._replace(stamp=9))
        assert found is not None
        self.assertEqual(0, found.pair.stamp)

    def test_altered(self) -> None:
        """
        Two of one Message-ID, or of one second if there is none, may be one message
        that a server has changed.
        """
        bare = SHOWN._replace(messageId=b"")
        for ours, theirs, altered in (
            (SHOWN, SHOWN._replace(seconds=1), True),
            (SHOWN, SHOWN._replace(messageId=b"<2>"), False),
            (SHOWN, bare, False),
            (bare, bare, True),
            (bare, bare._replace(seconds=1), False),
        ):
            self.assertEqual(altered, repair.isAltered(ours, theirs))
