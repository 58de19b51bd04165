"""
Tests of whole syncs with servers that do only so many messages at a time (RFC 9738):
a part of an answer is never read as all of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from imapsync.model import Side
from imapsync.test.fakes.world import troubles
from imapsync.test.mailbox.test_sync import MailboxCase
from imapsync.test.mailbox.test_transfer import MovesCase, copied, moved
from imapsync.testing.accounts import SEEN, Account, mail

LOCAL, REMOTE = Side

#: Ways in which a server may be limited, each as attributes of an account.
_WAYS = (
    {"most": 3},
    {"most": 3, "tellsLowest": False},
    {"most": 3, "partly": True},
    {"most": 1},
    {"mostSaved": 3},
    {"mostSaved": 3, "partly": True},
)


def limit(account: Account, told: bool, **how: object) -> None:
    """
    Let a server do only so much.

    @param told: whether it says so beforehand.
    """
    for name, value in how.items():
        setattr(account, name, value)
    word = "MESSAGELIMIT" if account.most else "SAVELIMIT"
    if told:
        account.capabilities.add(f"{word}={account.most or account.mostSaved}")


class LimitedTests(MailboxCase):
    """
    An INBOX on two servers, one of which, or both, do only so much.
    """

    def limited(self) -> Iterator[Account]:
        """
        Begin anew with each way to be limited, on each side.
        """
        for how in _WAYS:
            for told in (False, True):
                for side in Side:
                    self.begin()
                    account = self.world.accounts[side]
                    limit(account, told, **how)
                    with self.subTest(side=side, told=told, **how):
                        yield account

    def test_firstSync(self) -> None:
        """
        All messages are copied, in both directions, once.
        """
        for _ in self.limited():
            for number in range(10):
                self.ours.add(mail(f"ours {number}"))
                self.theirs.add(mail(f"theirs {number}"), SEEN)
            report = self.sync()
            self.assertEqual(20, sum(report.done("copied").values()))
            self.assertEqual([], troubles(report))
            self.assertEqual(20, len(self.ours.messages))
            self.assertSettled()

    def test_pairing(self) -> None:
        """
        What both have is recognised, not copied, whichever part of it they tell
        first.
        """
        for _ in self.limited():
            for number in range(10):
                self.ours.add(mail(number))
                self.theirs.add(mail(9 - number), SEEN)
            self.ours.expunge(4)
            report = self.sync()
            self.assertEqual(1, sum(report.done("copied").values()))
            self.assertEqual(10, len(self.theirs.messages))
            self.assertSettled()

    def test_flags(self) -> None:
        """
        Flags are set on all messages.
        """
        for _ in self.limited():
            self.both(10)
            for uid in range(1, 11):
                self.ours.flag(uid, "\\Seen")
                self.theirs.flag(uid, "\\Flagged")
            self.assertEqual([], troubles(self.sync()))
            self.assertSettled()

    def test_removals(self) -> None:
        """
        What is gone on one side goes from the other, all of it and nothing else.
        """
        for _ in self.limited():
            self.both(12)
            self.ours.expunge(2, 3, 4, 5, 6)
            bodies = {mail(number) for number in range(8, 12)}
            there = self.theirs.messages.items()
            self.theirs.expunge(*[u for u, m in there if m.body in bodies])
            report = self.sync()
            self.assertEqual(9, sum(report.done("expunged").values()))
            self.assertEqual([1, 7, 12], [*self.ours.messages])
            self.assertSettled()

    def test_nothingGone(self) -> None:
        """
        A list of all messages that comes in parts removes none of those that are in
        the other parts.
        """
        for account in self.limited():
            self.both(12)
            account.inbox.modseq -= 5  # it has lost track of what changed
            for message in account.inbox.messages.values():
                message.modseq = 0
            account.inbox.add(mail("new"))
            report = self.sync()
            self.assertEqual({}, report.done("expunged"))
            self.assertEqual(13, len(self.ours.messages))
            self.assertEqualNow()

    def test_trash(self) -> None:
        """
        What goes to the trash gets there once.
        """
        for without in (), ("MOVE",):
            for account in self.limited():
                account.capabilities -= {*without}
                self.both(10)
                other = self.local if account is self.remote else self.remote
                other.inbox.expunge(*range(2, 9))
                side = REMOTE if account is self.remote else LOCAL
                self.sync(trash={side: "Trash"})
                self.assertEqual(3, len(account.inbox.messages))
                self.assertEqual(7, len(account.folders["Trash"].messages))
                self.assertEqual(7, len(other.folders["Trash"].messages))

    def test_neverDone(self) -> None:
        """
        A server that comes no further costs the mailbox.
        """
        self.both(4)
        self.ours.expunge(1)
        self.remote.most = 0
        report = self.sync()
        [(name, why)] = troubles(report)
        self.assertEqual("INBOX", name)
        self.assertIn("MESSAGELIMIT", why)
        self.assertEqual(4, len(self.theirs.messages))


class MovedTests(MovesCase):
    """
    Messages that go from one mailbox to another.
    """

    def test_moved(self) -> None:
        """
        They are moved and copied by a server that does so many at a time, and not
        sent again.
        """
        for how in _WAYS:
            for told in (False, True):
                for without in (), ("MOVE",):
                    self.begin()
                    limit(self.remote, told, **how)
                    self.remote.capabilities -= {*without}
                    moved(self.local, "INBOX", "A", 1, 2, 3, 4)
                    copied(self.local, "INBOX", "Z", 5)
                    with self.subTest(told=told, **how):
                        report = self.world.sync()
                        self.assertEqual([], troubles(report))
                        self.assertEqual(4, sum(report.done("moved").values()))
                        self.assertTrue(self.world.equal)
                        self.assertEqual(0, self.remote.count("APPEND"))
                        self.assertEqual(0, self.world.sync().changes)


_ACTS = st.lists(
    st.tuples(
        st.sampled_from(["add", "expunge", "flag", "sync"]),
        st.booleans(),
        st.integers(0, 9),
    ),
    max_size=25,
)

_MANNERS = st.fixed_dictionaries(
    {},
    optional={
        "most": st.integers(1, 4),
        "mostSaved": st.integers(1, 4),
        "tellsLowest": st.booleans(),
        "partly": st.booleans(),
        "shows": st.integers(1, 4),
        "tardy": st.booleans(),
        "chunk": st.sampled_from([50, 1 << 16]),
        "appendUid": st.booleans(),
        "copyUid": st.booleans(),
    },
)


class AnyTests(MailboxCase):
    """
    Whatever happens, and however a server tells and does less than it should.
    """

    @given(
        acts=_ACTS,
        manners=st.tuples(_MANNERS, _MANNERS),
        grudges=st.sampled_from(["", "NO no", "BAD no"]),
        literals=st.booleans(),
    )
    @settings(max_examples=60, deadline=None)
    def test_asOthers(
        self,
        acts: list[tuple[str, bool, int]],
        manners: tuple[dict[str, Any], dict[str, Any]],
        grudges: str,
        literals: bool,
    ) -> None:
        """
        The same comes of it as where servers behave.
        """
        self.begin()
        expected = self.after(acts)
        self.begin()
        for account, manner in zip((self.local, self.remote), manners, strict=True):
            for name, value in manner.items():
                setattr(account, name, value)
            if not literals:
                account.capabilities.remove("LITERAL+")
        if grudges.startswith("NO") or not literals:
            self.remote.grudges = lambda body: grudges if len(body) % 2 else ""
        self.assertEqual(expected, self.after(acts))
        self.assertEqual(self.ours.content, self.theirs.content)

    def after(self, acts: list[tuple[str, bool, int]]) -> list[Any]:
        """
        What the local INBOX holds when all was done, and synced.
        """
        folders = (self.ours, self.theirs)
        for act, here, number in acts:
            folder = folders[not here]
            body = mail(number, number)
            [uid] = [u for u, m in folder.messages.items() if m.body == body] or [0]
            everywhere = {m.body for one in folders for m in one.messages.values()}
            if act == "sync":
                self.sync()
            elif act == "add" and body not in everywhere:
                folder.add(body)
            elif act == "flag" and uid:
                folder.flag(uid, "\\Seen", "\\Flagged")
            elif act == "expunge" and uid:
                folder.expunge(uid)
        self.sync()
        return self.ours.content
