"""
Tests for L{imapsync.state.store}.
"""

from __future__ import annotations

import contextlib
import resource
import sqlite3
from collections.abc import Callable
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imapsync.errors import StateDamaged, StateError, StateUnavailable
from imapsync.model import Flags, Mark, Owner, Pair, Side
from imapsync.state.store import State
from imapsync.uidset import MAXIMUM, UidSet

SEEN: Flags = frozenset(["\\Seen"])
NONE: Flags = frozenset()
ALL = UidSet(((1, MAXIMUM),))


class NextState(State):
    """
    A later version of the schema.
    """

    _upgrades = (
        *State._upgrades,
        (
            "ALTER TABLE meta ADD COLUMN mood TEXT",
            "UPDATE meta SET mood = 'good'",
        ),
    )


class BrokenUpgrade(State):
    """
    A later version whose upgrade stops halfway.
    """

    _upgrades = (*State._upgrades, ("DROP TABLE postponed", "SELECT nonsense"))


class Killed(Exception):
    """
    The end of the world.
    """


def die() -> None:
    """
    End the world.
    """
    raise Killed


class MortalState(State):
    """
    A database whose process ends at a commit.
    """

    before = after = False

    def _commit(self) -> None:
        if self.before:
            die()
        super()._commit()
        if self.after:
            die()


class StateTestCase(SynchronousTestCase):
    """
    Tests with a database of their own.
    """

    def setUp(self) -> None:
        """
        Name a file.
        """
        self.path = Path(self.mktemp()).absolute() / "a.db"

    def opened(self, kind: type[State] = State, *, readOnly: bool = False) -> State:
        """
        Open the database.
        """
        state = kind.open(str(self.path), readOnly=readOnly)
        self.addCleanup(state.close)
        return state

    def filled(self, *pairs: Pair) -> tuple[State, int]:
        """
        Open the database, with these pairs in INBOX.
        """
        state = self.opened()
        with state.transaction():
            mailbox = state.addMailbox("INBOX", True).id
            state.addPairs(mailbox, pairs)
        return state, mailbox

    def limit(self, size: int) -> None:
        """
        Let no file grow beyond C{size} bytes, as on a full disk.
        """
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_FSIZE, before)


class OpenTests(StateTestCase):
    """
    Opening the database.
    """

    def test_new(self) -> None:
        """
        A new database knows nothing, and can be written.
        """
        state = self.opened()
        state.proveWritable()
        self.assertEqual([], state.mailboxes())
        self.assertEqual(0, state.totalPairs())

    def test_closedTwice(self) -> None:
        """
        Closing it again does nothing.
        """
        state = self.opened()
        state.close()
        state.close()

    def test_lasts(self) -> None:
        """
        What was written is there the next time.
        """
        self.filled(Pair(1, 2, SEEN, b"k" * 16))[0].close()
        state = self.opened()
        [inbox] = state.mailboxes()
        self.assertEqual(1, inbox.pairs)
        self.assertEqual(
            [Pair(1, 2, SEEN, b"k" * 16)], list(state.pairs(inbox.id, Side.LOCAL, ALL))
        )

    def test_twoInstances(self) -> None:
        """
        Two instances cannot have it, not even through a link.
        """
        self.opened()
        link = self.path.with_name("b.db")
        link.symlink_to(self.path)
        for path in self.path, link:
            self.assertRaises(StateUnavailable, State.open, str(path))

    def test_linkToNothing(self) -> None:
        """
        A link to nothing is where the database is made.
        """
        self.path.parent.mkdir()
        target = self.path.with_name("target.db")
        self.path.symlink_to(target)
        self.opened().close()
        self.assertTrue(target.is_file())
        self.assertTrue(self.path.is_symlink())

    def test_deletedWhileOpen(self) -> None:
        """
        If it is deleted meanwhile, the work goes on, and the next run begins
        anew.
        """
        state, mailbox = self.filled()
        self.path.unlink()
        with state.transaction():
            state.addPairs(mailbox, [Pair(1, 1, NONE)])
        state.proveWritable()
        state.close()
        self.assertEqual([], self.opened().mailboxes())

    def test_upgrade(self) -> None:
        """
        A file of an older version is brought up, with what is in it.
        """
        self.filled(Pair(1, 2, SEEN))[0].close()
        for _ in range(2):
            state = self.opened(NextState)
            self.assertEqual([("good",)], state._query("SELECT mood FROM meta"))
            self.assertEqual(1, state.totalPairs())
            state.close()

    def test_upgradeFromFirst(self) -> None:
        """
        Pairs that were stored without size and stamp have none.
        """
        self.path.parent.mkdir()
        with sqlite3.connect(self.path) as database:
            for statement in State._upgrades[0]:
                database.execute(statement)
            database.execute("PRAGMA user_version = 1")
            database.execute("INSERT INTO mailbox (name, subscribed) VALUES ('A', 1)")
            database.execute("INSERT INTO flags (text) VALUES ('')")
            database.execute("INSERT INTO pair VALUES (1, 2, 3, 1, x'01')")
        database.close()
        state = self.opened()
        [pair] = state.pairs(1, Side.LOCAL, UidSet.of([2]))
        self.assertEqual(Pair(2, 3, NONE, b"\x01"), pair)
        self.assertEqual([], state.stamped(1))

    def test_reference(self) -> None:
        """
        All is forgotten when other mailboxes are meant; but not by what was
        stored before references were.
        """
        state, _ = self.filled(Pair(1, 2, SEEN))
        noted = []
        for reference in ("", "", "A/"):
            with state.transaction():
                noted.append(state.noteReference(Side.LOCAL, reference))
                noted.append(state.noteReference(Side.REMOTE, "B/"))
            noted.append(state.totalPairs() == 1)
        self.assertEqual([False, False, True] * 2 + [True, False, False], noted)

    def test_owners(self) -> None:
        """
        Whose it is, is known once it was noted.
        """
        state = self.opened()
        self.assertEqual({}, state.owners())
        ours, theirs = Owner("me@a"), Owner("tunnel x", "hello")
        with state.transaction():
            state.noteOwner(Side.LOCAL, ours)
            state.noteOwner(Side.REMOTE, ours)
            state.noteOwner(Side.REMOTE, theirs)
        self.assertEqual({Side.LOCAL: ours, Side.REMOTE: theirs}, state.owners())

    def test_forgotten(self) -> None:
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

    def test_newer(self) -> None:
        """
        A file of a newer version is refused, and not changed.
        """
        self.opened(NextState).close()
        before = self.path.read_bytes()
        for readOnly in False, True:
            error = self.assertRaises(StateDamaged, self.opened, readOnly=readOnly)
            self.assertIn("newer imapsync", str(error))
        self.assertEqual(before, self.path.read_bytes())

    def test_brokenUpgrade(self) -> None:
        """
        An upgrade that fails changes nothing.
        """
        self.opened().close()
        self.assertRaises(StateError, self.opened, BrokenUpgrade)
        self.opened()

    def test_upgradeInCopy(self) -> None:
        """
        Read-only, an older file is read as if it were brought up.
        """
        self.filled(Pair(1, 2, SEEN))[0].close()
        before = self.path.read_bytes()
        state = self.opened(NextState, readOnly=True)
        state.proveWritable()
        self.assertEqual([("good",)], state._query("SELECT mood FROM meta"))
        self.assertEqual(1, state.totalPairs())
        self.assertEqual(before, self.path.read_bytes())

    def test_readOnlyNothing(self) -> None:
        """
        Read-only, no file is an empty database.
        """
        self.assertEqual([], self.opened(readOnly=True).mailboxes())
        self.assertFalse(self.path.parent.exists())

    def test_tableMissing(self) -> None:
        """
        A file that lacks a table is damaged; it is let go of again.
        """
        state = self.opened()
        state._query("DROP TABLE postponed")
        state.close()
        error = self.assertRaises(StateDamaged, self.opened)
        self.assertIn("Delete it", str(error))
        self.path.unlink()
        self.opened()

    def test_damaged(self) -> None:
        """
        A file whose inner pages are rubbish is found out when they are read.
        """
        pairs = [Pair(n, n, NONE, b"k" * 16) for n in range(1, 2000)]
        state, mailbox = self.filled(*pairs)
        state.close()
        with self.path.open("r+b") as file:
            file.seek(4096)
            file.write(b"rubbish" * 10000)
        with self.assertRaises(StateDamaged):
            list(self.opened().pairs(mailbox, Side.LOCAL, ALL))


class DiskFullTests(StateTestCase):
    """
    A disk that has no more room.
    """

    def test_new(self) -> None:
        """
        There is no room for a new database.
        """
        self.limit(1000)
        self.assertRaises(StateError, self.opened)

    def test_proof(self) -> None:
        """
        It shows before anything is done.
        """
        state = self.opened()
        self.limit(1000)
        self.assertRaises(StateError, state.proveWritable)

    def test_later(self) -> None:
        """
        A transaction that does not fit is undone as a whole.
        """
        state, mailbox = self.filled(Pair(1, 1, NONE))
        self.limit(40_000)
        pairs = [Pair(n, n, NONE, b"k" * 16) for n in range(2, 50_000)]
        with self.assertRaises(StateError) as caught, state.transaction():
            state.addPairs(mailbox, pairs)
        self.assertEqual(74, caught.exception.code)
        self.doCleanups()
        state = self.opened()
        self.assertEqual(1, state.totalPairs())
        self.assertEqual(UidSet.of([1]), state.paired(mailbox, Side.LOCAL))


class TransactionTests(StateTestCase):
    """
    All or nothing.
    """

    def test_notUndone(self) -> None:
        """
        Where the disk fails so that nothing can be taken back either, the first
        reason is what is told, nothing that was not written is believed, and the
        file is let go of.
        """
        state, mailbox = self.filled(Pair(1, 1, NONE))
        before = state.mailboxes()
        with self.assertRaises(Killed), state.transaction():
            state.addPairs(mailbox, [Pair(2, 2, SEEN)])
            self.assertNotEqual(before, state.mailboxes())
            state._database.set_progress_handler(lambda: 1, 1)
            die()
        state._database.set_progress_handler(None, 1)
        self.assertRaises(StateError, state.transaction().__enter__)
        state.close()
        state = self.opened()
        self.assertEqual(before, state.mailboxes())
        self.assertEqual(UidSet.of([1]), state.paired(mailbox, Side.LOCAL))

    def test_outside(self) -> None:
        """
        A change outside of a transaction is a bug.
        """
        state, mailbox = self.filled()
        self.assertRaises(RuntimeError, state.setSubscribed, mailbox, False)

    def test_undone(self) -> None:
        """
        An exception undoes the changes, and the flags first met in them are
        not taken for known.
        """
        state, mailbox = self.filled()
        with self.assertRaises(Killed), state.transaction():
            state.addPairs(mailbox, [Pair(1, 1, SEEN)])
            list(state.pairs(mailbox, Side.LOCAL, ALL))
            die()
        with state.transaction():
            state.addPairs(mailbox, [Pair(1, 1, NONE), Pair(2, 2, SEEN)])
        self.assertEqual(
            [Pair(1, 1, NONE), Pair(2, 2, SEEN)],
            list(state.pairs(mailbox, Side.LOCAL, ALL)),
        )
        self.assertEqual(2, state.totalPairs())

    def test_mortal(self) -> None:
        """
        Killed before a commit it is as if nothing was written; killed after
        it, everything was.
        """
        for before, expected in (True, 0), (False, 1):
            state = self.opened(MortalState)
            assert isinstance(state, MortalState)
            state.before, state.after = before, not before
            with self.assertRaises(Killed), state.transaction():
                state.addMailbox("INBOX", True)
            state.close()
            state = self.opened()
            self.assertEqual(expected, len(state.mailboxes()))
            state.close()


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

    def test_postponed(self) -> None:
        """
        What is postponed, on one side of one mailbox, stays so until it is
        settled.
        """
        state, mailbox = self.filled()
        with state.transaction():
            state.addMailbox("Other", True)
            state.postpone(mailbox, Side.LOCAL, UidSet.parse("2:4,9"))
            state.postpone(mailbox, Side.LOCAL, UidSet.parse("4:5"))
        self.assertEqual("2:5,9", str(state.postponed(mailbox, Side.LOCAL)))
        self.assertFalse(state.postponed(mailbox, Side.REMOTE))
        self.assertEqual([True, False], [known.retries for known in state.mailboxes()])
        with state.transaction():
            state.settle(mailbox, Side.REMOTE, ALL)
            state.settle(mailbox, Side.LOCAL, UidSet.parse("1:3"))
        self.assertEqual("4:5,9", str(state.postponed(mailbox, Side.LOCAL)))
        with state.transaction():
            state.settle(mailbox, Side.LOCAL, ALL)
        self.assertFalse(state.mailboxes()[0].retries)

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


class PairTests(StateTestCase):
    """
    What is known of messages.
    """

    def test_keyAndFlags(self) -> None:
        """
        Keys, and flags in their spelling, come back as they were.
        """
        pairs = [
            Pair(1, 9, frozenset(["\\Seen", "$Junk", "$junk"]), b"\0" * 16),
            Pair(2, 8, NONE),
        ]
        state, mailbox = self.filled(*pairs)
        self.assertEqual(pairs, list(state.pairs(mailbox, Side.LOCAL, ALL)))

    def test_stamps(self) -> None:
        """
        Pairs are found by their stamps, whatever mailbox they are in.
        """
        one, other = Pair(1, 9, SEEN, b"k", 10, 77), Pair(2, 8, NONE, b"l", 20, 2**62)
        state, mailbox = self.filled(one, other, Pair(3, 7, NONE))
        with state.transaction():
            second = state.addMailbox("Second", subscribed=False)
            state.addPairs(second.id, [one])
        self.assertEqual([one, other], list(state.pairs(mailbox, Side.LOCAL, ALL))[:2])
        name = next(m.name for m in state.mailboxes() if m.id == mailbox)
        self.assertEqual({name, "Second"}, {where for where, _ in state.stamped(77)})
        self.assertEqual([(name, other)], state.stamped(2**62))
        self.assertEqual([], state.stamped(78))

    def test_foretold(self) -> None:
        """
        What is foretold of messages stays until it is forgotten, or UIDs mean
        other ones.
        """
        state, mailbox = self.filled()
        told: dict[int, Flags | None] = {1: SEEN, 2: NONE, 3: None}
        for renumbered in False, True:
            with state.transaction():
                state.foretell(mailbox, Side.LOCAL, {1: NONE})
                state.foretell(mailbox, Side.LOCAL, told)
            self.assertEqual(told, state.foretold(mailbox, Side.LOCAL))
            self.assertEqual({}, state.foretold(mailbox, Side.REMOTE))
            with state.transaction():
                if renumbered:
                    state.forgetPairs(mailbox)
                else:
                    state.forgetForetold(mailbox, Side.LOCAL)
            self.assertEqual({}, state.foretold(mailbox, Side.LOCAL))

    def test_ascending(self) -> None:
        """
        Pairs come by their UIDs on the side that was asked.
        """
        state, mailbox = self.filled(
            Pair(1, 9, NONE), Pair(2, 8, NONE), Pair(3, 10, NONE)
        )
        for side, expected in (Side.LOCAL, [1, 2, 3]), (Side.REMOTE, [8, 9, 10]):
            found = [pair.uid(side) for pair in state.pairs(mailbox, side, ALL)]
            self.assertEqual(expected, found)

    def test_some(self) -> None:
        """
        Only pairs of the UIDs that were asked for come.
        """
        state, mailbox = self.filled(*(Pair(n, n + 100, NONE) for n in range(1, 10)))
        wanted = UidSet.parse("102,105:107,109:110,4000")
        found = [p.local for p in state.pairs(mailbox, Side.REMOTE, wanted)]
        self.assertEqual([2, 5, 6, 7, 9], found)
        for side, uids in (Side.LOCAL, "2,5:7,9"), (Side.REMOTE, "102,105:107,109"):
            partners = state.partners(mailbox, Side.REMOTE, wanted, side)
            self.assertEqual(UidSet.parse(uids), partners)

    def test_scattered(self) -> None:
        """
        Many small ranges are found and removed, between wide ones, too.
        """
        state, mailbox = self.filled(*(Pair(n, n + 9, NONE) for n in range(1, 9001)))
        wanted = UidSet.of(range(10, 6000, 2)) | UidSet.parse("6500:8800,9000:9100")
        found = [pair.remote for pair in state.pairs(mailbox, Side.REMOTE, wanted)]
        self.assertEqual([uid for uid in wanted if uid < 9010], found)
        with state.transaction():
            state.removePairs(mailbox, Side.REMOTE, wanted)
        left = UidSet.parse("10:9009") - wanted
        self.assertEqual(left, state.paired(mailbox, Side.REMOTE))
        self.assertEqual(len(left), state.totalPairs())

    def test_many(self) -> None:
        """
        More than are held at a time come all the same, once each, though the
        database is changed meanwhile.
        """
        state, mailbox = self.filled(*(Pair(n, n, NONE) for n in range(1, 8001)))
        seen = []
        for pair in state.pairs(mailbox, Side.REMOTE, ALL):
            seen.append(pair.remote)
            if pair.remote % 1000 == 0:
                with state.transaction():
                    state.removePairs(mailbox, Side.LOCAL, UidSet.of([pair.local]))
        self.assertEqual(list(range(1, 8001)), seen)
        self.assertEqual(7992, state.totalPairs())

    def test_pairedTwice(self) -> None:
        """
        A message cannot have two pairs; nothing of that transaction stays.
        """
        state, mailbox = self.filled(Pair(1, 11, NONE))
        for wrong in Pair(1, 12, NONE), Pair(2, 11, NONE):
            with self.assertRaises(ValueError), state.transaction():
                state.addPairs(mailbox, [Pair(3, 13, NONE), wrong])
            self.assertEqual(1, state.totalPairs())
            self.assertEqual(UidSet.of([1]), state.paired(mailbox, Side.LOCAL))

    def test_removed(self) -> None:
        """
        Removing counts only what was there.
        """
        state, mailbox = self.filled(*(Pair(n, n + 10, NONE) for n in range(1, 6)))
        with state.transaction():
            state.removePairs(mailbox, Side.REMOTE, UidSet.parse("2:12,15:99"))
            state.removePairs(mailbox, Side.LOCAL, UidSet())
        self.assertEqual(UidSet.parse("3:4"), state.paired(mailbox, Side.LOCAL))
        self.assertEqual(UidSet.parse("13:14"), state.paired(mailbox, Side.REMOTE))
        self.assertEqual(2, state.mailboxes()[0].pairs)

    def test_setFlags(self) -> None:
        """
        Agreed flags are set by the UIDs of either side.
        """
        state, mailbox = self.filled(Pair(1, 9, NONE), Pair(2, 8, NONE))
        with state.transaction():
            state.setFlags(mailbox, Side.REMOTE, {8: SEEN, 77: SEEN})
        found = [pair.flags for pair in state.pairs(mailbox, Side.LOCAL, ALL)]
        self.assertEqual([NONE, SEEN], found)

    def test_mailboxesApart(self) -> None:
        """
        The same UIDs in another mailbox are other messages.
        """
        state, mailbox = self.filled(Pair(1, 2, NONE))
        with state.transaction():
            other = state.addMailbox("Other", True).id
            state.addPairs(other, [Pair(1, 2, SEEN)])
            state.removePairs(mailbox, Side.LOCAL, ALL)
        self.assertEqual([Pair(1, 2, SEEN)], list(state.pairs(other, Side.LOCAL, ALL)))
        self.assertEqual(1, state.totalPairs())

    @settings(deadline=None)
    @given(
        st.lists(st.tuples(st.integers(1, 30), st.integers(1, 30)), max_size=20),
        st.sets(st.integers(1, 30)),
    )
    def test_model(self, wanted: list[tuple[int, int]], gone: set[int]) -> None:
        """
        Adding, finding and removing do what a plain dictionary would.
        """
        byRemote = {remote: local for local, remote in wanted}
        byLocal = {local: remote for remote, local in byRemote.items()}
        state = State.open(str(self.path), readOnly=True)
        with state.transaction():
            mailbox = state.addMailbox("INBOX", True).id
            state.addPairs(mailbox, [Pair(a, b, NONE) for a, b in byLocal.items()])
            state.removePairs(mailbox, Side.REMOTE, UidSet.of(gone))
        left = sorted((a, b) for a, b in byLocal.items() if b not in gone)
        found = [(p.local, p.remote) for p in state.pairs(mailbox, Side.LOCAL, ALL)]
        self.assertEqual(left, found)
        self.assertEqual(
            UidSet.of(b for _, b in left), state.paired(mailbox, Side.REMOTE)
        )
        self.assertEqual(len(left), state.totalPairs())
        state.close()
