"""
Tests for L{imapsync.plan.selection}.
"""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imapsync.model import Listed
from imapsync.names import Naming
from imapsync.plan.account import Account
from imapsync.plan.selection import Patterns, Selection, unknown

DOTS = Naming(separator=".", prefix="INBOX.")
WORK = Naming(separator="/", reference="work/")


class PatternsTests(SynchronousTestCase):
    """
    Tests for L{Patterns}.
    """

    def test_wildcards(self) -> None:
        """
        C{*} reaches across levels and C{%} does not; both may be nothing.
        """
        for pattern, matching, others in [
            ("*", ["a", "a/b", "INBOX"], []),
            ("%", ["a", "a.b", "INBOX"], ["a/b"]),
            ("a/*", ["a/b", "a/b/c"], ["a", "ab"]),
            ("a*", ["a", "ab", "a/b"], ["b", "ba"]),
            ("a/%", ["a/b"], ["a/b/c", "a"]),
            ("%/x", ["a/x"], ["a/b/x", "x"]),
            ("*/x", ["a/x", "a/b/x"], ["x"]),
            ("*a*%", ["xay/z"], ["x"]),
            ("%%b", ["b", "aab"], ["a/b"]),
            ("a.b", ["a.b"], ["axb"]),
            ("", [], ["a"]),
        ]:
            patterns = Patterns([pattern])
            self.assertEqual([], [n for n in matching if not patterns.matches(n)])
            self.assertEqual([], [n for n in others if patterns.matches(n)])

    def test_several(self) -> None:
        """
        One match is enough; without a pattern nothing matches.
        """
        self.assertTrue(Patterns(["a", "b"]).matches("b"))
        self.assertFalse(Patterns(["a", "b"]).matches("c"))
        self.assertFalse(Patterns([]).matches("a"))

    def test_inbox(self) -> None:
        """
        INBOX is matched in any case, other names only in their own.
        """
        for pattern in ["inbox", "Inb%", "iNbOx/*", "*box/sub", "inbox/sub"]:
            patterns = Patterns([pattern])
            self.assertTrue(patterns.matches("INBOX") or patterns.matches("INBOX/sub"))
        self.assertFalse(Patterns(["work"]).matches("WORK"))
        self.assertFalse(Patterns(["inbox/sub"]).matches("INBOX/SUB"))
        self.assertFalse(Patterns(["inboxes"]).matches("INBOXES"))

    def test_separator(self) -> None:
        """
        Levels may be written with the local separator.
        """
        patterns = Patterns(["Work.%"], DOTS)
        self.assertTrue(patterns.matches("Work/a"))
        self.assertFalse(patterns.matches("Work/a/b"))

    def test_prefix(self) -> None:
        """
        A pattern that begins with the prefix, or the reference, matches the
        server's own names as well; INBOX has no prefix.
        """
        for text, naming, matching, others in [
            ("inbox.Work.%", DOTS, ["Work/a", "INBOX/Work/a"], ["Work", "INBOX"]),
            ("INBOX.*", DOTS, ["Work", "a/b"], ["INBOX"]),
            ("IN*.a", DOTS, ["INBOX/a"], ["a", "x/a"]),
            ("work/%", WORK, ["INBOX", "a", "work/a"], ["a/b"]),
        ]:
            patterns = Patterns([text], naming)
            self.assertEqual([], [n for n in matching if not patterns.matches(n)])
            self.assertEqual([], [n for n in others if patterns.matches(n)])

    def test_linear(self) -> None:
        """
        A pattern that a backtracking matcher would never be done with.
        """
        self.assertFalse(Patterns(["%a" * 40 + "b"]).matches("a" * 2000))

    @given(
        st.text(st.sampled_from("ab/*%"), max_size=8),
        st.text(st.sampled_from("ab/"), max_size=8),
    )
    def test_asRegularExpression(self, pattern: str, name: str) -> None:
        """
        The wildcards are what regular expressions call C{.*} and C{[^/]*}.
        """
        expression = pattern.replace("*", ".*").replace("%", "[^/]*")
        self.assertEqual(
            re.fullmatch(expression, name) is not None,
            Patterns([pattern]).matches(name),
        )


class SelectionTests(SynchronousTestCase):
    """
    Tests for L{Selection}.
    """

    def test_subscribed(self) -> None:
        """
        By default it takes what is subscribed, and INBOX.
        """
        some, every = Selection(), Selection(subscribed=False)
        self.assertTrue(some.covers("a", True))
        self.assertTrue(some.covers("INBOX", False))
        self.assertFalse(some.covers("a", False))
        self.assertTrue(every.covers("a", False))

    def test_left(self) -> None:
        """
        Patterns and the expression hold for INBOX too.
        """
        for selection in (
            Selection(Patterns(["a"])),
            Selection(ignore=re.compile("^INB|b")),
        ):
            self.assertTrue(selection.covers("a", True))
            self.assertFalse(selection.covers("b", True))
            self.assertFalse(selection.covers("INBOX", True))

    def test_chosen(self) -> None:
        """
        What servers select is all, but for INBOX.
        """
        selection = Selection(subscribed=False, chosen=frozenset({"a"}))
        self.assertTrue(selection.covers("a", False))
        self.assertTrue(selection.covers("INBOX", False))
        self.assertFalse(selection.covers("b", True))

    def test_views(self) -> None:
        """
        What only shows what is in others is left out, unless somebody asks for it.
        """
        views = frozenset(("G/All", "G/Starred"))
        for patterns, found in (
            (["*"], {"G/Sent"}),
            (["*", "%"], {"G/Sent"}),
            (["G/*"], {"G/All", "G/Starred", "G/Sent"}),
            (["*", "G/All"], {"G/All", "G/Sent"}),
        ):
            selection = Selection(Patterns(patterns), views=views)
            names = [*views, "G/Sent"]
            self.assertEqual(found, {n for n in names if selection.covers(n, True)})
        named = Selection(named=frozenset(("G/All",)), views=views)
        self.assertTrue(named.covers("G/All", False))
        prefixed = Patterns(["INBOX.All"], DOTS)
        self.assertTrue(prefixed.meets("All"))
        self.assertFalse(prefixed.meets("Sent"))

    def test_named(self) -> None:
        """
        What is asked for by name is all, whatever else is set.
        """
        named = frozenset({"a"})
        selection = Selection(Patterns([]), re.compile(""), True, named, frozenset())
        self.assertTrue(selection.covers("a", False))
        self.assertFalse(selection.covers("INBOX", True))


class UnknownTests(SynchronousTestCase):
    """
    Tests for L{unknown}.
    """

    def account(self, *names: str, naming: Naming = DOTS) -> Account:
        """
        An account with these mailboxes; C{~} before one makes it a mere name.
        """
        boxes = [
            Listed(
                name.lstrip("~"),
                naming.separator,
                frozenset({"\\nonexistent"} if name[0] == "~" else ()),
            )
            for name in names
        ]
        return Account.of(naming, boxes)

    def test_unknown(self) -> None:
        """
        Those are told that neither server has, mere names among them.
        """
        named = frozenset({"x", "INBOX", "d", "a"})
        sides = self.account("INBOX.a"), self.account("~INBOX.d")
        self.assertEqual(["d", "x"], unknown(sides, named))

    def test_misfit(self) -> None:
        """
        One that is there but cannot be synced is not unknown.
        """
        side = self.account("INBOX.x/y")
        self.assertEqual([], unknown([side], frozenset({"x/y"})))
