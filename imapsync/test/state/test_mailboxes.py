"""
Tests for L{imapsync.state.mailboxes}.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from imapsync.model import Mark, Pair, Side
from imapsync.test.fakes.databases import NONE, SEEN, StateTestCase
from imapsync.uidset import UidSet


class MailboxTests(StateTestCase):
    """
    What is known of mailboxes.
    """

    def test_present(self) -> None:
        """
        All mailboxes are told as they are, however they were changed since they
        were asked for.
        """
        state, mailbox = self.filled(Pair(1, 1, frozenset()))

        changes: list[Callable[[], None]] = [
            lambda: state.addPairs(mailbox, [Pair(8, 8, frozenset())]),
            lambda: state.setMark(mailbox, Side.LOCAL, Mark(1, 2, 3)),
            lambda: state.postpone(mailbox, Side.LOCAL, UidSet.of([1])),
            lambda: state.setSubscribed(mailbox, False),
            lambda: state.rename({mailbox: "a"}),
            lambda: state.forgetPairs(mailbox),
            lambda: state.removeMailbox(mailbox),
        ]
        with state.transaction():
            before = state.mailboxes()
            for change in changes:
                change()
                now = state.mailboxes()
                self.assertNotEqual(before, now)
                one = state.mailbox("INBOX") or state.mailbox("a")
                self.assertEqual([one] if one else [], now)
                before = now

    def test_presentAfterFailure(self) -> None:
        """
        What was taken back is not told.
        """
        state, _ = self.filled()
        before = state.mailboxes()
        with contextlib.suppress(KeyError), state.transaction():
            state.addMailbox("a", True)
            self.assertEqual(2, len(state.mailboxes()))
            raise KeyError
        self.assertEqual(before, state.mailboxes())

    def test_added(self) -> None:
        """
        A new mailbox has a name and nothing else.
        """
        state = self.opened()
        with state.transaction():
            known = state.addMailbox("Entwürfe/台", False)
        self.assertEqual("Entwürfe/台", known.name)
        self.assertEqual({}, known.marks)
        self.assertEqual({Side.LOCAL: "", Side.REMOTE: ""}, known.identities)
        self.assertEqual(
            (False, 0, False), (known.subscribed, known.pairs, known.retries)
        )
        self.assertEqual(known, state.mailbox("Entwürfe/台"))

    def test_unknown(self) -> None:
        """
        There is nothing to know of other mailboxes; names differ by case.
        """
        state, _ = self.filled()
        self.assertIsNone(state.mailbox("inbox"))

    def test_addedTwice(self) -> None:
        """
        A mailbox is known once.
        """
        state, _ = self.filled()
        with self.assertRaises(ValueError), state.transaction():
            state.addMailbox("INBOX", False)

    def test_set(self) -> None:
        """
        Mark, identity and subscription are those last set; 63-bit
        mod-sequences and 32-bit UIDs fit.
        """
        state, mailbox = self.filled()
        local, remote = Mark(1, 2, 3), Mark(2**32 - 1, 2**32 - 1, 2**63 - 1)
        with state.transaction():
            state.setSubscribed(mailbox, False)
            state.setIdentity(mailbox, Side.REMOTE, "F1")
            state.setMark(mailbox, Side.LOCAL, local)
            state.setMark(mailbox, Side.REMOTE, remote)
        [known] = state.mailboxes()
        self.assertFalse(known.subscribed)
        self.assertEqual({Side.LOCAL: "", Side.REMOTE: "F1"}, known.identities)
        self.assertEqual({Side.LOCAL: local, Side.REMOTE: remote}, known.marks)
        with state.transaction():
            state.setMark(mailbox, Side.LOCAL, None)
        self.assertEqual({Side.REMOTE: remote}, state.mailboxes()[0].marks)

    def test_renamed(self) -> None:
        """
        Mailboxes keep all that is known of them under other names, even if they
        change places; another one that had such a name is forgotten.
        """
        state, mailbox = self.filled(Pair(1, 2, NONE))
        with state.transaction():
            other = state.addMailbox("Other", True).id
            third = state.addMailbox("Third", True).id
            state.addMailbox("Gone", True)
            state.rename({mailbox: "Other", other: "INBOX", third: "Gone"})
        found = {known.name: (known.id, known.pairs) for known in state.mailboxes()}
        expected = {"Other": (mailbox, 1), "INBOX": (other, 0), "Gone": (third, 0)}
        self.assertEqual(expected, found)
        self.assertEqual(UidSet.of([2]), state.paired(mailbox, Side.REMOTE))

    def test_spelling(self) -> None:
        """
        What a server calls a mailbox is known until it is renamed.
        """
        state, mailbox = self.filled(Pair(1, 2, NONE))
        with state.transaction():
            state.setSpelling(mailbox, Side.REMOTE, "inbox ")
        [known] = state.mailboxes()
        self.assertEqual({Side.REMOTE: "inbox "}, known.spellings)
        with state.transaction():
            state.rename({mailbox: "Other"})
        [known] = state.mailboxes()
        self.assertEqual({}, known.spellings)

    def test_forgotten(self) -> None:
        """
        Where UIDs lost their meaning, all that hangs on them goes, and
        nothing else.
        """
        state, mailbox = self.filled(Pair(1, 2, SEEN))
        with state.transaction():
            other = state.addMailbox("Other", True).id
            for each in mailbox, other:
                state.setMark(each, Side.LOCAL, Mark(1, 2, 3))
                state.setIdentity(each, Side.LOCAL, "F1")
                state.postpone(each, Side.REMOTE, UidSet.of([7]))
            state.addPairs(other, [Pair(1, 2, SEEN)])
            state.forgetPairs(mailbox)
        inbox, untouched = state.mailboxes()
        self.assertEqual(({}, 0, False), (inbox.marks, inbox.pairs, inbox.retries))
        self.assertEqual("", inbox.identities[Side.LOCAL])
        self.assertFalse(state.paired(mailbox, Side.REMOTE))
        self.assertEqual(
            ({Side.LOCAL: Mark(1, 2, 3)}, 1, True),
            (untouched.marks, untouched.pairs, untouched.retries),
        )
        self.assertEqual(1, state.totalPairs())

    def test_forgottenAll(self) -> None:
        """
        Everything that hangs on mailboxes can be forgotten at once.
        """
        state, mailbox = self.filled(Pair(1, 2, SEEN))
        with state.transaction():
            state.postpone(mailbox, Side.LOCAL, UidSet.of([1]))
            state.foretell(mailbox, Side.LOCAL, {1: SEEN})
            state.forgetMailboxes()
        self.assertEqual(([], 0), (state.mailboxes(), state.totalPairs()))
        for table in "pair", "postponed", "foretold":
            self.assertEqual([], state._query(f"SELECT * FROM {table}"))
