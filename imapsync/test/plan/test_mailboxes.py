"""
Tests for L{imapsync.plan.mailboxes}.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imapsync.model import EVERYTHING, Act, Known, Listed, Mark, Name, Side, Status
from imapsync.names import Naming
from imapsync.plan.account import Account
from imapsync.plan.mailboxes import (
    Create,
    Forget,
    Plan,
    Step,
    Subscribe,
    Unsubscribe,
    atStake,
    dirty,
    fulfilled,
    plan,
    removable,
)
from imapsync.plan.selection import Patterns, Selection

LOCAL, REMOTE = Side.LOCAL, Side.REMOTE
MARK = Mark(1, 10, 100)
SLASHES = Naming()
DOTS = Naming(separator=".", prefix="INBOX.")
ALL = Selection(subscribed=False)


def box(text: str) -> Listed:
    """
    A mailbox from its name and attributes, in one line: C{"Work +"} is a
    subscribed one, C{"a \\noselect"} a mere name.
    """
    name, *words = text.split(" ")
    attributes = ("\\subscribed" if word == "+" else word for word in words)
    return Listed(name, "/", frozenset(attributes))


def account(*texts: str, naming: Naming = SLASHES, readOnly: bool = False) -> Account:
    """
    An account that lists these mailboxes.
    """
    return Account.of(naming, map(box, texts), () if readOnly else EVERYTHING)


def known(
    name: Name,
    subscribed: bool = False,
    sides: Iterable[Side] = Side,
    retries: bool = False,
) -> Known:
    """
    A mailbox in the database, with a mark for each of C{sides}.
    """
    marks = dict.fromkeys(sides, MARK)
    return Known(1, name, marks, {}, subscribed, pairs=10, retries=retries)


def planned(
    local: Account, remote: Account, *knowns: Known, selection: Selection = ALL
) -> Plan:
    """
    The plan for two accounts.
    """
    database = {mailbox.name: mailbox for mailbox in knowns}
    return plan({LOCAL: local, REMOTE: remote}, database, selection)


class StepTests(SynchronousTestCase):
    """
    What is to be done.
    """

    def test_kinds(self) -> None:
        """
        Steps of different kinds differ, though all else be the same.
        """
        kinds = (Create, Subscribe, Unsubscribe)
        self.assertEqual(3, len({kind(LOCAL, "a") for kind in kinds}))
        self.assertEqual(Create(LOCAL, "a"), Create(LOCAL, "a"))


class PlanTests(SynchronousTestCase):
    """
    Tests for L{plan}.
    """

    def expect(self, plan: Plan, *steps: Step, **mailboxes: bool) -> None:
        """
        Nothing but this is planned; INBOX is passed over.
        """
        found = {name: on for name, on in plan.mailboxes.items() if name != "INBOX"}
        self.assertEqual((steps, mailboxes), (plan.steps, found))
        self.assertEqual((), plan.troubles)

    def expectTrouble(self, plan: Plan, name: str, text: str) -> None:
        """
        One mailbox is left alone, for a reason that holds C{text}.
        """
        self.assertEqual((), plan.steps)
        self.assertNotIn(name, set(plan.mailboxes) - {"INBOX"})
        [trouble] = plan.troubles
        self.assertEqual(name, trouble.mailbox)
        self.assertIn(text, str(trouble))

    def test_nothing(self) -> None:
        """
        Empty accounts have an INBOX each, which is never created.
        """
        self.assertEqual(Plan((), {"INBOX": False}, ()), planned(account(), account()))

    def test_newMailbox(self) -> None:
        """
        A mailbox on one side only is made on the other and subscribed as it is
        where it comes from.
        """
        self.expect(
            planned(account("a +"), account("b")),
            Create(REMOTE, "a"),
            Subscribe(REMOTE, "a"),
            Create(LOCAL, "b"),
            a=True,
            b=False,
        )

    def test_order(self) -> None:
        """
        INBOX comes first, and parents come before their children.
        """
        names = ["b/c", "b", "b-c", "INBOX/x", "a", "b/c/d"]
        result = planned(account(*names), account("INBOX"))
        ordered = ["INBOX/x", "a", "b", "b/c", "b/c/d", "b-c"]
        self.assertEqual(tuple(Create(REMOTE, name) for name in ordered), result.steps)
        self.assertEqual(["INBOX", *ordered], list(result.mailboxes))

    def test_separators(self) -> None:
        """
        Mailboxes are the same under each server's own spelling.
        """
        self.expect(
            planned(account("a/b"), account("INBOX.a.b", naming=DOTS)),
            **{"a/b": False},
        )

    def test_vanished(self) -> None:
        """
        What was synced and is gone from one side is left alone, and said.
        """
        for ghost in [(), ("a \\nonexistent +",), ("a \\noselect",)]:
            self.expectTrouble(
                planned(account("a +"), account(*ghost), known("a", True)),
                "a",
                "vanished from remote, as if by a failure; left alone",
            )

    def test_interruptedCreation(self) -> None:
        """
        A known mailbox that never was on the other side is made there.
        """
        self.expect(
            planned(account("a +"), account(), known("a", sides=[LOCAL])),
            Create(REMOTE, "a"),
            Subscribe(REMOTE, "a"),
            a=True,
        )

    def test_goneFromBoth(self) -> None:
        """
        A mailbox that neither side has any more is forgotten, in whatever
        state its subscription was.
        """
        for name in [known("a"), known("a", True)]:
            self.expect(
                planned(
                    account("a \\nonexistent +"), account(), name, selection=Selection()
                ),
                Forget("a"),
            )

    def test_goneButOutOfScope(self) -> None:
        """
        What is out of scope is not forgotten.
        """
        selection = Selection(patterns=Patterns(["b"]))
        self.expect(planned(account(), account(), known("a"), selection=selection))

    def test_newSubscriptions(self) -> None:
        """
        What neither side agreed on yet is subscribed if either side has it so.
        """
        self.expect(
            planned(account("a +", "b"), account("a", "b +"), known("b")),
            Subscribe(REMOTE, "a"),
            Subscribe(LOCAL, "b"),
            a=True,
            b=True,
        )

    def test_unsubscribed(self) -> None:
        """
        A subscription that both sides had is given up by both.
        """
        self.expect(
            planned(
                account("a +", "b"),
                account("a", "b"),
                known("a", True),
                known("b", True),
                selection=Selection(),
            ),
            Unsubscribe(LOCAL, "a"),
            a=False,
            b=False,
        )

    def test_inboxSubscription(self) -> None:
        """
        INBOX's subscription is followed like any other, even if it is not
        listed.
        """
        result = planned(account("Inbox +"), account(), selection=Selection())
        self.assertEqual((Subscribe(REMOTE, "INBOX"),), result.steps)
        self.assertEqual({"INBOX": True}, result.mailboxes)

    def test_mereNames(self) -> None:
        """
        Names without a mailbox are neither made nor subscribed.
        """
        self.expect(
            planned(
                account("a \\noselect +", "b \\nonexistent +", "c \\noselect"),
                account("c \\nonexistent +"),
            )
        )

    def test_nameBecomesMailbox(self) -> None:
        """
        A mailbox is made where there is but its name; a subscription left over
        there gives way.
        """
        self.expect(
            planned(account("a", "b +"), account("a \\nonexistent +", "b \\noselect")),
            Create(REMOTE, "a"),
            Unsubscribe(REMOTE, "a"),
            Create(REMOTE, "b"),
            Subscribe(REMOTE, "b"),
            a=False,
            b=True,
        )

    def test_noInferiors(self) -> None:
        """
        Below a mailbox that can have none below it, none is made.
        """
        self.expectTrouble(
            planned(account("a", "a/b/c"), account("a \\noinferiors")),
            "a/b/c",
            'cannot be created on remote: "a" can have no mailboxes below it',
        )

    def test_noNameThere(self) -> None:
        """
        A name that the other server cannot have is reported.
        """
        self.expectTrouble(
            planned(account("a.b"), account(naming=DOTS)),
            "a.b",
            'cannot be created on remote: the name "a.b" cannot be carried over',
        )
        self.expectTrouble(
            planned(account(naming=Naming("")), account("a/b")), "a/b", "no levels"
        )

    def test_noSharedName(self) -> None:
        """
        So is one that cannot have a shared name, unless it is out of scope or
        a mere name.
        """
        local = account("INBOX.a/b", "INBOX.c/d \\noselect", naming=DOTS)
        self.expectTrouble(
            planned(local, account()), "a/b", 'local: the name "INBOX.a/b"'
        )
        for selection in [
            Selection(),
            ALL._replace(ignore=re.compile("^a/b")),
            ALL._replace(patterns=Patterns(["x"])),
        ]:
            self.expect(planned(local, account(), selection=selection))

    def test_namesThatFallTogether(self) -> None:
        """
        When two mailboxes would be one on the other side, both are named and
        none is touched.
        """
        local = account("inbox/a", "INBOX/a")
        for remote in [account(), account("INBOX/a")]:
            self.expectTrouble(
                planned(local, remote, known("INBOX/a")),
                "INBOX/a",
                '"INBOX/a" and "inbox/a" would both be "INBOX/a"',
            )

    def test_mereNameFallsTogether(self) -> None:
        """
        A mere name is in no mailbox's way, nor is a mailbox listed twice.
        """
        local = account("inbox/a \\noselect", "INBOX/a", "INBOX/a +")
        self.assertEqual("INBOX/a", local.spelled("INBOX/a"))
        self.assertTrue(local.subscribed("INBOX/a"))
        self.assertEqual((), local.misfits)

    def test_otherNamespaces(self) -> None:
        """
        What is not of the account is not seen.
        """
        naming = Naming(foreign=("shared/",))
        self.expect(planned(account("shared/a", naming=naming), account()))

    def test_readOnly(self) -> None:
        """
        A side that is never written gets nothing and gives all.
        """
        self.expect(
            planned(
                account("a +", "b", "c +", "d", readOnly=True),
                account("b +", "c", "d +", "e +"),
                known("d", True),
            ),
            Create(REMOTE, "a"),
            Subscribe(REMOTE, "a"),
            Subscribe(REMOTE, "c"),
            Unsubscribe(REMOTE, "d"),
            a=True,
            b=False,
            c=True,
            d=False,
        )

    def test_readOnlyKeepsItsSubscription(self) -> None:
        """
        What could not be followed is not agreed on, so that it does not come
        back as the other side's change.
        """
        self.expect(
            planned(account("a +", readOnly=True), account("a"), known("a", True)),
            a=True,
        )

    def test_vanishedBesideReadOnly(self) -> None:
        """
        A vanished mailbox is reported, whichever side can be written.
        """
        self.expectTrouble(
            planned(account(readOnly=True), account("a"), known("a")),
            "a",
            "vanished from local",
        )

    def test_reference(self) -> None:
        """
        An INBOX below a reference is made like any other mailbox.
        """
        local = account("INBOX", naming=Naming(reference="work/"))
        result = planned(local, account("INBOX +", "a"), selection=Selection())
        self.assertEqual(
            (Create(LOCAL, "INBOX"), Subscribe(LOCAL, "INBOX")), result.steps
        )
        self.assertEqual("work/INBOX", local.spelled("INBOX"))


class SelectionTests(SynchronousTestCase):
    """
    Tests for L{Selection}.
    """

    def result(self, selection: Selection, *knowns: Known) -> Plan:
        """
        The plan for a fixed pair of accounts.
        """
        texts = ["INBOX", "a +", "a/b", "c"]
        others = ["INBOX", "a", "a/b", "c +", "d \\nonexistent +"]
        return planned(account(*texts), account(*others), *knowns, selection=selection)

    def chosen(self, selection: Selection, *knowns: Known) -> list[Name]:
        """
        The names to sync, of that pair.
        """
        return list(self.result(selection, *knowns).mailboxes)

    def test_subscribed(self) -> None:
        """
        By default these are the mailboxes that either side has subscribed, or
        both had, and INBOX.
        """
        self.assertEqual(["INBOX", "a", "c"], self.chosen(Selection()))
        self.assertEqual(
            ["INBOX", "a", "a/b", "c"], self.chosen(Selection(), known("a/b", True))
        )
        self.assertEqual(["INBOX", "a", "c"], self.chosen(Selection(), known("a/b")))

    def test_all(self) -> None:
        """
        Without the option these are all mailboxes.
        """
        self.assertEqual(["INBOX", "a", "a/b", "c"], self.chosen(ALL))

    def test_deletedKeepsSubscription(self) -> None:
        """
        The subscription of a mailbox that is no more brings none into scope.
        """
        result = planned(
            account("d"), account("d \\nonexistent +"), selection=Selection()
        )
        self.assertEqual(["INBOX"], list(result.mailboxes))

    def test_patterns(self) -> None:
        """
        Patterns hold for INBOX too.
        """
        self.assertEqual(["a"], self.chosen(Selection(patterns=Patterns(["a*"]))))

    def test_ignore(self) -> None:
        """
        What the expression is found in is left out, INBOX or not.
        """
        ignore = re.compile("^(INBOX|a)$")
        self.assertEqual(["a/b", "c"], self.chosen(ALL._replace(ignore=ignore)))

    def test_chosen(self) -> None:
        """
        Other options of LIST leave only what the servers selected, and INBOX.
        """
        selection = ALL._replace(chosen=frozenset({"a/b"}))
        self.assertEqual(["INBOX", "a/b"], self.chosen(selection))

    def test_named(self) -> None:
        """
        Mailboxes asked for by name are in scope whatever else is set.
        """
        selection = Selection(
            patterns=Patterns([]),
            ignore=re.compile(""),
            named=frozenset({"a/b"}),
            chosen=frozenset(),
        )
        self.assertEqual(["a/b"], self.chosen(selection))

    def test_namedUnknown(self) -> None:
        """
        Those that neither server has are not synced, mere names among them,
        also if the database knows them.
        """
        named = frozenset({"x", "INBOX", "d", "a"})
        result = self.result(Selection(named=named), known("x"))
        self.assertEqual(["INBOX", "a"], list(result.mailboxes))

    def test_namedMisfit(self) -> None:
        """
        One that is there but cannot be synced is trouble.
        """
        named = frozenset({"INBOX/a", "x/y"})
        local = account("INBOX/a", "inbox/a")
        remote = account("INBOX.x/y", naming=DOTS)
        result = planned(local, remote, selection=Selection(named=named))
        self.assertEqual(["INBOX/a", "x/y"], [each.mailbox for each in result.troubles])


class World:
    """
    Two accounts and a database that obey: what a session makes of a plan.
    """

    def __init__(
        self, accounts: Mapping[Side, Account], database: Mapping[Name, Known]
    ) -> None:
        self.accounts, self.database = dict(accounts), dict(database)

    def perform(self, plan: Plan) -> None:
        """
        Take all steps and let each mailbox be synced.
        """
        for step in plan.steps:
            if isinstance(step, Forget):
                del self.database[step.name]
            else:
                self._change(step)
        for name, subscribed in plan.mailboxes.items():
            self.database[name] = known(name, subscribed)

    def _change(self, step: Create | Subscribe | Unsubscribe) -> None:
        side = self.accounts[step.side]
        assert step.act in side.allowed
        old = side.listed.get(step.name, box(step.name))
        attributes = old.attributes
        if isinstance(step, Create):
            assert not side.has(step.name)
            attributes -= {"\\noselect", "\\nonexistent"}
        elif isinstance(step, Subscribe):
            assert not side.subscribed(step.name)
            attributes |= {"\\subscribed"}
        else:
            attributes -= {"\\subscribed"}
        listed = {**side.listed, step.name: old._replace(attributes=attributes)}
        self.accounts[step.side] = side._replace(listed=listed)


names = st.sampled_from(
    ["INBOX", "a", "a/b", "a/b/c", "b", "INBOX/a", "inbox/a", "a.b"]
)
attributes = st.frozensets(
    st.sampled_from(["\\subscribed", "\\noselect", "\\nonexistent", "\\noinferiors"])
)
listings = st.lists(
    st.builds(Listed, names, st.just("/"), attributes, st.none()), max_size=8
)
permissions = st.sets(st.sampled_from(Act)).map(tuple)
accounts = st.builds(Account.of, st.just(SLASHES), listings, permissions)
databases = st.lists(
    st.builds(known, names, st.booleans(), st.sets(st.sampled_from(Side)))
).map(lambda mailboxes: {mailbox.name: mailbox for mailbox in mailboxes})
selections = st.builds(
    Selection,
    patterns=st.sampled_from([Patterns(["*"]), Patterns(["a*"]), Patterns(["%"])]),
    subscribed=st.booleans(),
    named=st.frozensets(names, max_size=1),
)


class TypedTests(SynchronousTestCase):
    """
    Tests for L{Account.typed}.
    """

    def test_prefix(self) -> None:
        """
        A mailbox that is not there yet is written with the prefix, or without.
        """
        dotted = account("INBOX.Old", "INBOX.INBOX.Odd", naming=DOTS)
        for text, name in (
            ("INBOX.Old", "Old"),
            ("Old", "Old"),
            ("INBOX.Odd", "INBOX/Odd"),
            ("INBOX.New", "New"),
            ("New/x", "New/x"),
        ):
            self.assertEqual(name, dotted.typed(text))


class ForetoldTests(SynchronousTestCase):
    """
    Tests for what an account is to be listed as.
    """

    def subscribed(self, account: Account) -> set[tuple[Name, bool]]:
        """
        What is subscribed, and whether there is a mailbox.
        """
        names = filter(account.subscribed, account.listed)
        return {(name, account.has(name)) for name in names}

    def test_renamed(self) -> None:
        """
        Subscriptions stay behind, and may be found there.
        """
        before = account("A +", "A/x +", "A/y", "B", "Z +")
        before = before.withMereNames(map(box, ("A/x", "A/gone", "Z/y", "a//b", "C")))
        after = before.renamed("A", "Z")
        mere = {("A", False), ("A/x", False), ("A/gone", False), ("C", False)}
        self.assertEqual({*mere, ("Z", True), ("Z/y", True)}, self.subscribed(after))
        self.assertEqual("A/y", after.spelled("Z/y"))
        after = after.withSubscription("A", False).withSubscription("B", True)
        self.assertEqual(
            {*mere, ("Z", True), ("Z/y", True), ("B", True)} - {("A", False)},
            self.subscribed(after),
        )


class ConvergenceTests(SynchronousTestCase):
    """
    What a carried out plan leaves.
    """

    @given(accounts, accounts, databases, selections)
    def test_nothingLeft(
        self,
        local: Account,
        remote: Account,
        database: dict[Name, Known],
        selection: Selection,
    ) -> None:
        """
        Once a plan has been carried out, both sides have what was to be synced
        and are subscribed alike, and there is nothing more to do.
        """
        world = World({LOCAL: local, REMOTE: remote}, database)
        first = plan(world.accounts, world.database, selection)
        world.perform(first)
        sides = list(world.accounts.values())
        for name in first.mailboxes:
            self.assertTrue(all(side.has(name) for side in sides))
            if all(side.may(Act.SUBSCRIBE) for side in sides):
                self.assertEqual(*(side.subscribed(name) for side in sides))
        second = plan(world.accounts, world.database, selection)
        self.assertEqual((), second.steps)
        self.assertEqual(first.troubles, second.troubles)
        for name, subscribed in second.mailboxes.items():
            self.assertEqual(first.mailboxes[name], subscribed)


class FulfilledTests(SynchronousTestCase):
    """
    Tests for L{fulfilled}.
    """

    def test_fulfilled(self) -> None:
        """
        All items of both must be what was foreseen, and all messages known.
        """
        status = Status(10, MARK.uidnext, MARK.uidvalidity, MARK.modseq + 3)
        now = MARK._replace(modseq=MARK.modseq + 3)
        one = known("a")._replace(pairs=10)

        def told(there: Status | None) -> bool:
            listed = {
                LOCAL: box("a")._replace(status=status),
                REMOTE: box("a")._replace(status=there),
            }
            return fulfilled(one, dict.fromkeys(Side, now), listed)

        self.assertTrue(told(status))
        for other in (
            status._replace(messages=11),
            status._replace(uidnext=11),
            status._replace(uidvalidity=2),
            status._replace(modseq=MARK.modseq),
            None,
        ):
            self.assertFalse(told(other))


class DirtyTests(SynchronousTestCase):
    """
    Tests for L{dirty}.
    """

    same = Status(10, MARK.uidnext, MARK.uidvalidity, MARK.modseq)

    def listed(self, status: Status | None) -> dict[Side, Listed]:
        """
        A mailbox unchanged on local, with C{status} on remote.
        """
        return {
            LOCAL: box("a")._replace(status=self.same),
            REMOTE: box("a")._replace(status=status),
        }

    def test_clean(self) -> None:
        """
        Nothing moved: there is no need to look.
        """
        self.assertFalse(dirty(known("a"), self.listed(self.same)))

    def test_moved(self) -> None:
        """
        Any item of STATUS that differs, or was not told, means a look.
        """
        for status in [
            self.same._replace(uidvalidity=2),
            self.same._replace(uidnext=11),
            self.same._replace(modseq=101),
            self.same._replace(modseq=99),
            self.same._replace(modseq=0),
            None,
        ]:
            self.assertTrue(dirty(known("a"), self.listed(status)))

    def test_counted(self) -> None:
        """
        So does another number of messages than are known to be there, pairs or not.
        """
        for messages in 0, 9, 11, 12:
            listed = self.listed(self.same._replace(messages=messages))
            self.assertTrue(dirty(known("a"), listed))
            strays = {LOCAL: 0, REMOTE: messages - 10}
            self.assertFalse(dirty(known("a")._replace(strays=strays), listed))

    def test_zerosAreNotTold(self) -> None:
        """
        Zero is never taken for an answer, even if the mark has it; but a mark may have
        no mod-sequence, and then none that is told matters.
        """
        for item, news in ("uidvalidity", True), ("uidnext", True), ("modseq", False):
            mark = MARK._replace(**{item: 0})
            mailbox = known("a")._replace(marks={LOCAL: MARK, REMOTE: mark})
            told = self.same._replace(**{item: 0})
            self.assertEqual(news, dirty(mailbox, self.listed(told)))
            if item == "modseq":
                self.assertFalse(dirty(mailbox, self.listed(self.same)))
                moved = self.listed(told._replace(uidnext=MARK.uidnext + 1))
                self.assertTrue(dirty(mailbox, moved))

    def test_onlyBegun(self) -> None:
        """
        A mark of the beginning says nothing of what is there.
        """
        begun = known("a")._replace(
            pairs=0, marks={LOCAL: Mark(1, 1, 0), REMOTE: Mark(1, 1, 0)}
        )
        status = Status(0, 1, 1, 5)
        listed = {side: box("a")._replace(status=status) for side in Side}
        self.assertTrue(dirty(begun, listed))

    def test_unfinished(self) -> None:
        """
        A mailbox that is unknown, unlisted, without a mark or with messages to
        try again is looked into.
        """
        listed = self.listed(self.same)
        self.assertTrue(dirty(None, listed))
        self.assertTrue(dirty(known("a"), {LOCAL: listed[LOCAL]}))
        self.assertTrue(dirty(known("a", sides=[LOCAL]), listed))
        self.assertTrue(dirty(known("a", retries=True), listed))


class RemovableTests(SynchronousTestCase):
    """
    Tests for L{removable} and L{atStake}.
    """

    def check(self, count: int, messages: int, uidnext: int = 10) -> None:
        """
        Of the ten known messages, C{count} can be gone.
        """
        status = Status(messages, uidnext, MARK.uidvalidity, 200)
        self.assertEqual(count, removable(known("a"), REMOTE, status))

    def test_bounds(self) -> None:
        """
        What is there and cannot have arrived since is known and not gone.
        """
        self.check(0, messages=10)
        self.check(0, messages=12)
        self.check(4, messages=6)
        self.check(10, messages=0)
        self.check(3, messages=10, uidnext=13)
        self.check(10, messages=3, uidnext=99)
        self.check(4, messages=6, uidnext=0)

    def test_anotherMailbox(self) -> None:
        """
        With a new UIDVALIDITY, or on a side never synced, none can be removed.
        """
        self.assertEqual(0, removable(known("a"), LOCAL, Status(0, 1, 2, 1)))
        bare = known("a", sides=[])
        self.assertEqual(0, removable(bare, LOCAL, Status(0, 1, 1, 1)))

    def test_atStake(self) -> None:
        """
        A mailbox loses no more than it has; where the server does not tell, all
        that is known counts.
        """
        for count, messages in (4, 4), (10, 12), (10, 0):
            box = Listed("a", "/", frozenset(), Status(messages, 10, 1, 200))
            self.assertEqual(count, atStake(known("a"), box))
        self.assertEqual(10, atStake(known("a"), Listed("a", "/", frozenset())))
        self.assertEqual(10, atStake(known("a"), None))
