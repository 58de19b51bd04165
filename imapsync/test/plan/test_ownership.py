"""
Tests for L{imapsync.plan.ownership}.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from imapsync.model import Known, Listed, Mark, Name, Owner, Side, Status
from imapsync.names import INBOX, Naming
from imapsync.plan.account import Account
from imapsync.plan.ownership import (
    Claim,
    Evidence,
    claim,
    convincing,
    equal,
    renewed,
    settled,
    suspicious,
    telling,
    unchanged,
)

LOCAL, REMOTE = Side
ME, YOU, OTHER = Owner("me@a"), Owner("you@b"), Owner("other@b")


def known(name: Name, pairs: int = 3, modseq: int = 50, both: bool = True) -> Known:
    """
    A mailbox that the database knows.
    """
    marks = {side: Mark(7, 5, modseq) for side in Side if both or side is LOCAL}
    return Known(1, name, marks, dict.fromkeys(Side, ""), True, pairs, False)


def account(*boxes: Listed, reference: str = "") -> Account:
    """
    What a server lists.
    """
    return Account.of(Naming.of("/", "", reference, ()), boxes)


def box(name: Name, *status: int) -> Listed:
    """
    A mailbox that LIST tells, with messages, UIDNEXT, UIDVALIDITY and modseq.
    """
    return Listed(name, "/", frozenset(), Status(*(status or (3, 5, 7, 50))))


class ClaimTests(SynchronousTestCase):
    """
    Tests for L{claim} and L{renewed}.
    """

    def test_sides(self) -> None:
        """
        An account that is called as it was need show nothing; one that was the
        other side never is the known one; any other may be.
        """
        noted = {LOCAL: ME, REMOTE: YOU}
        for now, expected in (
            ({LOCAL: ME, REMOTE: YOU}, (Claim.SAME, Claim.SAME)),
            ({LOCAL: ME, REMOTE: OTHER}, (Claim.SAME, Claim.EDITED)),
            ({LOCAL: YOU, REMOTE: ME}, (Claim.OTHER, Claim.OTHER)),
            ({LOCAL: YOU, REMOTE: OTHER}, (Claim.OTHER, Claim.EDITED)),
        ):
            self.assertEqual(expected, tuple(claim(s, noted, now) for s in Side))
            self.assertEqual(Claim.UNSURE, claim(LOCAL, {}, now))
        self.assertEqual(Claim.EDITED, claim(LOCAL, {LOCAL: ME}, {LOCAL: YOU}))

    def test_ports(self) -> None:
        """
        A port tells two sides on one host from each other, and nothing else.
        """
        noted = {LOCAL: ME._replace(port=1), REMOTE: ME._replace(port=2)}
        for ports, expected in (
            ((1, 2), Claim.SAME),
            ((3, 0), Claim.SAME),
            ((2, 1), Claim.OTHER),
        ):
            now = {
                side: ME._replace(port=port)
                for side, port in zip(Side, ports, strict=True)
            }
            self.assertEqual([expected] * 2, [claim(s, noted, now) for s in Side])
            self.assertEqual(now[LOCAL], renewed(noted[LOCAL], now[LOCAL]))

    def test_greeting(self) -> None:
        """
        What is missing from a greeting that was there raises a doubt; what lasts
        is kept.
        """
        before = Owner("tunnel", 0, "hello me at noon")
        for greeting, expected, kept in (
            ("hello me at noon", Claim.SAME, "hello me at noon"),
            ("at noon hello dear me", Claim.SAME, "hello me at noon"),
            ("hello me at one", Claim.UNSURE, "hello me at"),
            ("", Claim.UNSURE, ""),
        ):
            now = Owner("tunnel", 0, greeting)
            self.assertEqual(expected, claim(LOCAL, {LOCAL: before}, {LOCAL: now}))
            self.assertEqual(Owner("tunnel", 0, kept), renewed(before, now))
            self.assertEqual(now, renewed(None, now))
            self.assertEqual(now, renewed(Owner("other", 0, "hello"), now))


class ProofTests(SynchronousTestCase):
    """
    What proves an account to be the known one.
    """

    def test_unchanged(self) -> None:
        """
        All mailboxes must be there as they were, or with more in them.
        """
        mailboxes = [known(INBOX), known("A")]
        for here, expected in (
            ([box(INBOX), box("A")], True),
            ([box(INBOX), box("A", 9, 99, 7, 99), box("B")], True),
            ([box(INBOX)], False),
            ([box(INBOX), box("A", 3, 5, 8, 50)], False),
            ([box(INBOX), box("A", 3, 4, 7, 50)], False),
            ([box(INBOX), box("A", 3, 5, 7, 49)], False),
            ([box(INBOX), Listed("A", "/", frozenset())], False),
        ):
            self.assertEqual(expected, unchanged(LOCAL, account(*here), mailboxes))

    def test_inbox(self) -> None:
        """
        INBOX must be among them, unless only a part of the account is meant.
        """
        self.assertFalse(unchanged(LOCAL, account(box("A")), [known("A")]))
        part = account(box("Old/A"), reference="Old/")
        self.assertTrue(unchanged(LOCAL, part, [known("A")]))
        self.assertFalse(unchanged(LOCAL, part, []))

    def test_telling(self) -> None:
        """
        A few that may tell are looked into: INBOX, and the greatest.
        """
        mailboxes = [known(name, pairs) for pairs, name in enumerate("ABCDEFG")]
        mailboxes += [known(INBOX, 1), known("missing", 99), known("new", 98)]
        here = account(
            *(box(one.name) for one in mailboxes[:-2]), box("new", 3, 5, 8, 50)
        )
        names = [one.name for one in telling(LOCAL, here, mailboxes)]
        self.assertEqual([INBOX, "G", "F", "E"], names)
        self.assertEqual([], telling(LOCAL, here, [known(INBOX, 0)]))

    def test_settled(self) -> None:
        """
        A mailbox that one side lost proves nothing.
        """
        both = known("A")
        self.assertEqual([both], settled([both, known("B", both=False)]))

    def test_convincing(self) -> None:
        """
        One that differs is enough to disprove; one that does not proves no more
        than that nothing contradicts.
        """
        for evidence, unsure, edited in (
            ([], False, False),
            ([Evidence()], False, False),
            ([Evidence(10)], False, False),
            ([Evidence(10, 1), Evidence(10)], True, False),
            ([Evidence(10, 5)], True, False),
            ([Evidence(10, 6), Evidence()], True, True),
            ([Evidence(10, 10, 1), Evidence(10, 10)], False, False),
        ):
            self.assertIs(unsure, convincing(Claim.UNSURE, evidence))
            self.assertIs(edited, convincing(Claim.EDITED, evidence))


class OneTests(SynchronousTestCase):
    """
    Two sides that may be one account.
    """

    def test_suspicious(self) -> None:
        """
        They are two if any mailbox is two; what only one has tells nothing.
        """
        for ours, theirs, expected in (
            ([box("A"), box(INBOX)], [box(INBOX), box("A")], INBOX),
            ([box("A")], [box("A", 9, 9, 7, 9), box("B", 1, 1, 8, 1)], "A"),
            ([box("A"), box(INBOX)], [box(INBOX), box("A", 3, 5, 8, 50)], None),
            ([box("A")], [box("B")], None),
            ([box("A", 3, 5, 0, 0)], [box("A", 3, 5, 0, 0)], None),
        ):
            self.assertEqual(expected, suspicious(account(*ours), account(*theirs)))
            self.assertEqual(expected, suspicious(account(*theirs), account(*ours)))

    def test_equal(self) -> None:
        """
        They tell the same only if that is so of all, and there is anything.
        """
        ours = account(box(INBOX), box("empty", 0, 1, 7, 1))
        self.assertEqual([INBOX], equal(ours, ours))
        for theirs in (
            account(box(INBOX)),
            account(box(INBOX), box("empty", 0, 1, 7, 2)),
            account(box(INBOX, 4, 5, 7, 50), box("empty", 0, 1, 7, 1)),
        ):
            self.assertEqual([], equal(ours, theirs))
        empty = account(box(INBOX, 0, 1, 7, 1))
        self.assertEqual([], equal(empty, empty))
