"""
Tests for L{imapsync.state.soundness}.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing

from imapsync.errors import StateDamaged
from imapsync.model import Pair, Side
from imapsync.test.fakes.databases import ALL, NONE, SEEN, StateTestCase


class SoundnessTests(StateTestCase):
    """
    Tests for L{checkSoundness<imapsync.state.soundness.checkSoundness>}.
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
        A value of another type than its column's is none of ours.
        """
        for statement, column in (
            ("UPDATE pair SET local = 'x'", "pair.local"),
            ("UPDATE pair SET key = 1.5", "pair.key"),
            ("UPDATE mailbox SET remote_modseq = 'x'", "mailbox.remote_modseq"),
            ("UPDATE mailbox SET name = x'ff'", "mailbox.name"),
        ):
            state, _ = self.filled(Pair(1, 2, SEEN))
            state.close()
            self.damage(statement)
            state = self.opened()
            error = self.assertRaises(StateDamaged, state.check)
            self.assertIn(f"{column} has what cannot be there", str(error))
            state.close()
            self.path.unlink()

    def test_noText(self) -> None:
        """
        Text whose octets are none is found by whoever reads it, and told as damage.
        """
        state, _ = self.filled(Pair(1, 2, SEEN))
        state.close()
        self.damage("UPDATE flags SET text = CAST(x'ff41' AS TEXT)")
        state = self.opened()
        error = self.assertRaises(StateDamaged, state.check)
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
