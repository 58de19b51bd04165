"""
Tests for L{imapsync.accounts.history}.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from imapsync.accounts.history import History
from imapsync.model import Known, Listed, Mark, Side, Status
from imapsync.names import Naming
from imapsync.plan.account import Account
from imapsync.plan.mailboxes import Create, Subscribe

LOCAL, REMOTE = Side

#: What is known of INBOX, and what was listed.
MARK = Mark(7, 5, 20)
SEEN = Status(4, 5, 7, 20)
KNOWN = Known(1, "INBOX", dict.fromkeys(Side, MARK), {}, True, 4, False)


def listed(name: str, *attributes: str, status: Status = SEEN) -> Listed:
    """
    A mailbox in a LIST response.
    """
    return Listed(name, "/", frozenset(attributes), status)


class MemoryTests(SynchronousTestCase):
    """
    What is news, and what is in vain.
    """

    def setUp(self) -> None:
        """
        Remember two accounts with some mailboxes.
        """
        naming = Naming("/", "", "", ())
        boxes = [
            listed("INBOX", "\\subscribed"),
            listed("Plain"),
            listed("Gone", "\\nonexistent", "\\subscribed"),
        ]
        self.account = Account.of(naming, boxes)
        self.memory = History()
        self.memory.looked(dict.fromkeys(Side, self.account), frozenset(["INBOX"]))

    def test_status(self) -> None:
        """
        What is known, or was seen when we looked, is no news; all else is.
        """
        for told, news in (
            (SEEN, False),
            (Status(modseq=20), False),
            (Status(messages=4, uidnext=5, modseq=20), False),
            (Status(modseq=21), True),
            (Status(uidnext=6, modseq=20), True),
            (Status(uidvalidity=8, modseq=20), True),
            (Status(messages=3), True),
            (Status(modseq=19), True),
        ):
            for known in (KNOWN, None):
                found = self.memory.isStatusNews(LOCAL, "INBOX", told, known)
                self.assertEqual(news, found, told)
        done = KNOWN._replace(marks={LOCAL: MARK._replace(modseq=30)})
        told = Status(modseq=30)
        self.assertFalse(self.memory.isStatusNews(LOCAL, "INBOX", told, done))
        self.assertTrue(self.memory.isStatusNews(REMOTE, "INBOX", told, done))

    def test_otherMailboxes(self) -> None:
        """
        What is in a mailbox that is not synced is no news; one that was not
        there is.
        """
        told = Status(modseq=99)
        self.assertFalse(self.memory.isStatusNews(LOCAL, "Plain", told, None))
        self.assertTrue(self.memory.isStatusNews(LOCAL, "New", told, None))

    def test_clear(self) -> None:
        """
        All is clear if servers tell of each mailbox what is known, and nothing was
        refused or remarked on.
        """
        known = {"INBOX": KNOWN}
        self.assertTrue(self.memory.isClear(known))
        marks = {**KNOWN.marks, REMOTE: MARK._replace(modseq=19)}
        for one in (
            KNOWN._replace(marks=marks),
            KNOWN._replace(marks={LOCAL: MARK}),
            KNOWN._replace(pairs=3),
            KNOWN._replace(retries=True),
        ):
            self.assertFalse(self.memory.isClear({"INBOX": one}))
        self.assertFalse(self.memory.isClear({}))
        self.memory.remarks.add("left out")
        self.assertFalse(self.memory.isClear(known))
        self.memory.remarks.clear()
        for refused in Subscribe(LOCAL, "INBOX"), Create(LOCAL, "New"):
            self.memory.refused = {refused}
            self.assertFalse(self.memory.isClear(known))

    def test_list(self) -> None:
        """
        A mailbox is news if it was not there, or is gone, or is subscribed
        another way.
        """
        for told, news in (
            (listed("INBOX", "\\subscribed", "\\marked"), False),
            (listed("INBOX"), True),
            (listed("Plain", "\\haschildren"), False),
            (listed("Plain", "\\subscribed"), True),
            (listed("Plain", "\\nonexistent"), True),
            (listed("Gone", "\\nonexistent", "\\subscribed"), False),
            (listed("Gone", "\\subscribed"), True),
            (listed("New"), True),
            (listed("New", "\\nonexistent"), False),
        ):
            self.assertEqual(news, self.memory.isListNews(LOCAL, told, ""), told)
            self.assertTrue(self.memory.isListNews(LOCAL, told, "Before"))

    def test_noName(self) -> None:
        """
        A name that nothing of ours can have is no news.
        """
        self.assertIsNone(self.memory.shared(LOCAL, "a//b"))
        self.assertFalse(self.memory.isListNews(LOCAL, listed("a//b"), "b"))
        # One that we gave to a mailbox.
        told = listed("imapsync-temporary-3")
        self.assertFalse(self.memory.isListNews(LOCAL, told, "a"))

    def test_hopeless(self) -> None:
        """
        A pass that changed nothing need not be made again before something
        happens, or before that is asked for.
        """
        told = dict.fromkeys(Side, listed("INBOX"))
        later = {**told, LOCAL: listed("INBOX", status=Status(5, 6, 7, 21))}
        self.assertFalse(self.memory.hopeless("INBOX", told))
        self.memory.unfinished("INBOX", told, failed=False)
        self.assertTrue(self.memory.hopeless("INBOX", told))
        self.assertFalse(self.memory.hopeless("INBOX", later))
        self.memory.forgive()
        self.assertFalse(self.memory.hopeless("INBOX", told))

    def test_failures(self) -> None:
        """
        One that fails whatever happens is not tried each time.
        """
        for n in range(5):
            told = dict.fromkeys(Side, listed("INBOX", status=Status(modseq=n + 1)))
            self.assertFalse(self.memory.hopeless("INBOX", told))
            self.memory.unfinished("INBOX", told, failed=True)
        self.assertTrue(self.memory.hopeless("INBOX", {}))
        self.memory.forgive()
        self.assertFalse(self.memory.hopeless("INBOX", {}))

    def test_unsettled(self) -> None:
        """
        A mailbox is settled if it is as it is known, nothing in it waits to be
        tried again, and no step for it was refused.
        """
        self.assertFalse(self.memory.unsettled(KNOWN))
        self.assertTrue(self.memory.unsettled(KNOWN._replace(retries=True)))
        self.assertTrue(self.memory.unsettled(KNOWN._replace(marks={})))
        self.memory.refused.add(Subscribe(LOCAL, "INBOX"))
        self.assertTrue(self.memory.unsettled(KNOWN))

    def test_refused(self) -> None:
        """
        Only what was not created cannot be synced.
        """
        self.memory.refused |= {Subscribe(LOCAL, "a"), Create(REMOTE, "b")}
        self.assertEqual({"b"}, self.memory.uncreated)

    def test_outOfScope(self) -> None:
        """
        What is not synced any more is forgotten.
        """
        told = dict.fromkeys(Side, listed("INBOX"))
        self.memory.unfinished("INBOX", told, failed=False)
        self.memory.looked(self.memory.accounts, frozenset())
        self.assertEqual({}, self.memory.left)
