"""
Tests for L{imapsync.state.soundness}.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing

from imapsync.errors import StateDamaged
from imapsync.model import Mark, Owner, Pair, Side
from imapsync.state.interface import Flaw
from imapsync.test.fakes.databases import ALL, NONE, SEEN, StateTestCase
from imapsync.uidset import UidSet

KEY = b"k" * 16

_POSTPONE = "INSERT INTO postponed (mailbox, side, uid) VALUES"


class ScrubTests(StateTestCase):
    """
    Rows that mean nothing.
    """

    def setUp(self) -> None:
        """
        Have a database with something in each table.
        """
        super().setUp()
        state = self.opened()
        with state.transaction():
            for name in "Work", "Play":
                known = state.addMailbox(name, subscribed=True)
                for side in Side:
                    state.setMark(known.id, side, Mark(7, 9, 11))
                    state.setIdentity(known.id, side, f"{name} {side}")
                pairs = [Pair(n, 10 - n, SEEN, KEY, 5, 6) for n in range(1, 4)]
                state.addPairs(known.id, [*pairs, Pair(4, 11, NONE)])
                state.postpone(known.id, Side.LOCAL, UidSet.parse("7"))
                state.foretell(known.id, Side.LOCAL, {7: SEEN, 8: None})
                state.setCopying(known.id, Side.REMOTE, UidSet.parse("5:8"))
            state.noteOwner(Side.LOCAL, Owner("me"))
        state.close()
        self.before = self.dump()

    def dump(self) -> list[str]:
        """
        All that is in it.
        """
        with closing(sqlite3.connect(self.path)) as database:
            return [*database.iterdump()]

    def scrub(self, *statements: str) -> list[Flaw]:
        """
        Damage it, and scrub.
        """
        with closing(sqlite3.connect(self.path)) as database, database:
            for statement in statements:
                database.execute(statement)
        state = self.opened()
        flaws = [*state.scrub()]
        self.assertEqual([], [*state.scrub()])
        state.mailboxes()
        state.owners()
        for known in state.mailboxes():
            count = len([*state.pairs(known.id, Side.LOCAL, UidSet(((1, 99),)))])
            with state.transaction():
                state.recount(known.id)
            recounted = state.mailbox(known.name)
            self.assertEqual(count, recounted and recounted.pairs)
            for side in Side:
                state.postponed(known.id, side)
                state.foretold(known.id, side)
                state.copying(known.id, side)
        state.close()
        return flaws

    def test_sound(self) -> None:
        """
        What is written here is left as it is.
        """
        self.assertEqual([], self.scrub())
        self.assertEqual(self.before, self.dump())

    def test_rows(self) -> None:
        """
        Others are dropped.
        """
        for statement, table, times in (
            ("INSERT INTO pair VALUES (9, 1, 1, 1, NULL, NULL, NULL)", "pair", 1),
            ("INSERT INTO pair VALUES (1, 0, 77, 1, NULL, NULL, NULL)", "pair", 1),
            ("INSERT INTO pair VALUES (1, 77, 'a', 1, NULL, NULL, NULL)", "pair", 1),
            ("INSERT INTO pair VALUES (1, 77, 1 << 32, 1, 1, 1, 1)", "pair", 1),
            (f"{_POSTPONE} (9, 'local', 1)", "postponed", 1),
            (f"{_POSTPONE} (1, 'here', 1)", "postponed", 1),
            ("INSERT INTO foretold VALUES (1, 'local', 1, 99)", "foretold", 1),
            ("INSERT INTO foretold VALUES (1, 'local', -1, NULL)", "foretold", 1),
            ("INSERT INTO copying VALUES (1, 'remote', 9, 8)", "copying", 1),
            ("INSERT INTO owner VALUES ('there', 'a', 1, '')", "owner", 1),
            ("INSERT INTO owner VALUES ('remote', x'00', 1, '')", "owner", 1),
            ("INSERT INTO mailbox (name, subscribed) VALUES (x'41', 1)", "mailbox", 1),
            ("INSERT INTO mailbox (name, subscribed) VALUES ('', 1)", "mailbox", 1),
            ("INSERT INTO flags (text) VALUES (x'41')", "flags", 1),
        ):
            found = self.scrub(statement)
            told = {(flaw.table, flaw.times) for flaw in found}
            self.assertEqual({(table, times)}, told)
            self.assertEqual(self.before, self.dump(), statement)

    def test_values(self) -> None:
        """
        What can be done without is forgotten.
        """
        for change in (
            *("subscribed = 2", "subscribed = 'yes'", "pairs = 'many'"),
            *("local_identity = x'00'", "local_spelling = x'00'", "local_strays = 'a'"),
        ):
            [flaw] = self.scrub(f"UPDATE mailbox SET {change} WHERE id = 1")
            self.assertEqual(("mailbox", 1), (flaw.table, flaw.times), change)
        for change in ("uidvalidity = 0", "uidnext = 'a'", "modseq = NULL"):
            [flaw] = self.scrub(f"UPDATE mailbox SET remote_{change} WHERE id = 2")
            self.assertEqual("no mark of remote", flaw.text)
            with closing(self.opened()) as state, state.transaction():
                self.assertNotIn(Side.REMOTE, state.mailboxes()[0].marks)
                state.setMark(2, Side.REMOTE, Mark(7, 9, 11))
        for change in ("key = 'a'", "key = x'00'", "size = -1", "stamp = 'a'"):
            [flaw] = self.scrub(f"UPDATE pair SET {change} WHERE local < 3")
            self.assertEqual(("pair", 4), (flaw.table, flaw.times))

    def test_times(self) -> None:
        """
        A time that no calendar has is none.
        """
        for table, column in (
            *(("meta", "synced"), ("mailbox", "synced"), ("postponed", "since")),
            *(("postponed", "tried"), ("postponed", "due")),
        ):
            for time in -1, 1 << 60:
                [flaw] = self.scrub(f"UPDATE {table} SET {column} = {time}")
                self.assertEqual(table, flaw.table)

    def test_flags(self) -> None:
        """
        Entries whose flags are nowhere are dropped.
        """
        flaws = self.scrub("DELETE FROM flags WHERE text <> ''")
        self.assertEqual({("pair", 6), ("foretold", 2)}, {f[::2] for f in flaws})

    def test_meta(self) -> None:
        """
        There is one row about all of it.
        """
        for statement in "DELETE FROM meta", "INSERT INTO meta SELECT * FROM meta":
            [flaw] = self.scrub(statement)
            self.assertEqual("meta", flaw.table)
        values = "runs = 'a', read_only = x'00', local_reference = x'00'"
        values += ", clean_look = 'a'"
        self.assertEqual(4, len(self.scrub(f"UPDATE meta SET {values}")))

    def test_index(self) -> None:
        """
        Without the index that forbids it, one message may have several entries: they
        are dropped, and the index is made again.
        """
        flaws = self.scrub(
            "DROP INDEX pair_remote", "UPDATE pair SET remote = 9 WHERE local < 3"
        )
        self.assertEqual([("pair", 4)], [flaw[::2] for flaw in flaws])
        with closing(self.opened()) as state, state.transaction():
            one = Pair(90, 11, NONE)
            self.assertRaises(ValueError, state.addPairs, 1, [one])

    def test_counts(self) -> None:
        """
        What is known of all of it can be told before.
        """
        with closing(sqlite3.connect(self.path)) as database, database:
            database.execute("UPDATE mailbox SET pairs = 1 << 62")
        state = self.opened()
        self.assertEqual(1 << 63, state.totalPairs())


class CheckTests(StateTestCase):
    """
    Whether the database is to blame.
    """

    def damage(self, *statements: str) -> None:
        """
        Have another program change the database.
        """
        with closing(sqlite3.connect(self.path)) as database, database:
            for statement in statements:
                database.execute(statement)

    def test_sound(self) -> None:
        """
        Nothing is wrong with what was just put there.
        """
        state, _ = self.filled(Pair(1, 2, SEEN), Pair(2, 3, NONE))
        state.check()

    def test_kinds(self) -> None:
        """
        What cannot be there is told, and left as it is.
        """
        for statement, text in (
            ("UPDATE pair SET local = 'x'", "in pair, it has no UIDs"),
            ("UPDATE pair SET key = 1.5", "in pair, no content key"),
            ("UPDATE mailbox SET name = x'ff'", "in mailbox, it has no name"),
        ):
            state, _ = self.filled(Pair(1, 2, SEEN))
            state.close()
            self.damage(statement)
            state = self.opened()
            for _ in range(2):
                error = self.assertRaises(StateDamaged, state.check)
                self.assertIn(f"{text}. Mend it by --repair", str(error))
            state.close()
            self.path.unlink()

    def test_noText(self) -> None:
        """
        Text whose octets are none is told as damage by whoever reads it.
        """
        state, mailbox = self.filled(Pair(1, 2, SEEN))
        state.close()
        self.damage("UPDATE flags SET text = CAST(x'ff41' AS TEXT)")
        state = self.opened()
        error = self.assertRaises(
            StateDamaged, lambda: [*state.pairs(mailbox, Side.LOCAL, ALL)]
        )
        self.assertIn("what should be text is none", str(error))

    def test_disorder(self) -> None:
        """
        Pairs in no order are not read again and again.
        """
        state, mailbox = self.filled(*(Pair(uid, uid, NONE) for uid in range(1, 9)))
        state.close()
        self.damage(
            # The same rows as before, and an index that says otherwise.
            "PRAGMA writable_schema = ON",
            "UPDATE sqlite_master SET sql = replace(sql, '(mailbox, remote)',"
            " '(mailbox, remote DESC)') WHERE name = 'pair_remote'",
        )
        state = self.opened()
        error = self.assertRaises(
            StateDamaged, lambda: [*state.pairs(mailbox, Side.REMOTE, ALL)]
        )
        self.assertIn("its pairs are in no order", str(error))
