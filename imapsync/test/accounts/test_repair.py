"""
Tests for L{imapsync.accounts.repair}: databases that are damaged in each way, between
two servers in memory.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from functools import partial
from itertools import count
from string import Template
from typing import Any

from twisted.internet.error import ConnectionDone
from twisted.trial.unittest import SynchronousTestCase

from imapsync.accounts.repair import Repair
from imapsync.config.request import Request
from imapsync.errors import OtherAccounts
from imapsync.mailbox.context import Records
from imapsync.mailbox.notes import Notes
from imapsync.mailbox.report import Report
from imapsync.mailbox.suspects import Suspects
from imapsync.model import Act, Side
from imapsync.plan.brake import Brake
from imapsync.plan.growth import Growth
from imapsync.plan.repair import Kind
from imapsync.state.store import Store
from imapsync.test.accounts.test_session import Killed, MortalState
from imapsync.test.fakes.world import QuickState, World, troubles
from imapsync.testing.accounts import SEEN, Account, mail

LOCAL, REMOTE = Side

#: Has neither a Message-ID nor a size that tells it from others.
BARE = b"Subject: scan\r\n\r\n%d\r\n"


class RepairCase(SynchronousTestCase):
    """
    Two accounts that are in step.

    @ivar said: what the last repair said.
    @ivar found: how many anomalies it found, by kind.
    """

    def setUp(self) -> None:
        """
        Make them.
        """
        self.begin(Account(), Account(first=1007))

    def begin(self, local: Account, remote: Account) -> None:
        """
        Fill them, and sync.
        """
        self.world = World(self.mktemp(), local, remote)
        self.local, self.remote = local, remote
        local.make("Work")
        for number in range(1, 9):
            local.inbox.add(mail(number), SEEN if number % 2 else frozenset())
        for number in range(10, 13):
            local.inbox.add(BARE % number)
        for number in range(20, 24):
            remote.inbox.add(mail(number, 100))
            local.folders["Work"].add(mail(number, 100))
        self.world.sync()
        self.assertTrue(self.world.equal)
        self.before = self.content()

    def content(self) -> object:
        """
        What both accounts hold.
        """
        return self.local.content, self.remote.content

    def damage(self, *statements: str) -> None:
        """
        Change the database, whatever its constraints are.

        @param statements: with C{$INBOX} and C{$Work} for the numbers of these.
        """
        ids = dict(self.rows("SELECT name, id FROM mailbox"))
        with closing(sqlite3.connect(self.world.database)) as database, database:
            for statement in statements:
                database.execute(Template(statement).substitute(ids))

    def rows(self, query: str) -> list[Any]:
        """
        What is in it.
        """
        with closing(sqlite3.connect(self.world.database)) as database:
            return database.execute(query).fetchall()

    def tables(self) -> list[str]:
        """
        All that is in it.
        """
        with closing(sqlite3.connect(self.world.database)) as database:
            return [*database.iterdump()]

    def repair(
        self,
        *mailboxes: str,
        dryRun: bool = False,
        kind: type[Store] = QuickState,
        **changes: Any,
    ) -> Report:
        """
        Repair over new connections.

        @param kind: of the database.
        """
        for account in self.world.accounts.values():
            account.heard.clear()
        self.said: list[str] = []
        request = Request(mailboxes, dryRun=dryRun, repair=True)
        state = kind.open(self.world.database, readOnly=dryRun)
        report = Report()
        brake, notes = Brake(state.totalPairs, lifted=False), Notes(acquainted=False)
        records = Records(brake, report, notes, Suspects(), Growth())
        try:
            config = self.world.settings(**changes)
            clients = {side: self.world.connect(side) for side in Side}
            say = self.said.append
            repair = Repair(
                *(config, request, state, records, say), lambda one: say(str(one))
            )
            self.world.run(repair.run(clients))
        finally:
            state.close()
            for link in self.world.links:
                link.end(ConnectionDone())
            self.world.links.clear()
        self.found = +repair.found
        return report

    def assertSound(self) -> None:
        """
        Neither a repair nor a sync finds anything to do.
        """
        report = self.repair(dryRun=True)
        self.assertEqual(["No anomalies."], self.said)
        self.assertFalse(report.unsound)
        report = self.world.sync()
        self.assertEqual((0, {}), (report.changes, report.troubles))
        for account in self.world.accounts.values():
            self.assertEqual(0, account.count("SELECT", "EXAMINE", "STORE", "APPEND"))

    def assertMends(self, *kinds: Kind, same: bool = True) -> None:
        """
        A dry run finds these kinds of anomalies and changes nothing; a repair finds
        just the same and mends it.

        @param same: whether both sides then hold what they held at first.
        """
        tables, content = self.tables(), self.content()
        report = self.repair(dryRun=True)
        self.assertEqual({*kinds}, {*self.found}, self.said)
        self.assertTrue(report.unsound)
        self.assertEqual((tables, content), (self.tables(), self.content()))
        found = self.found
        self.assertEqual(found.total(), self.total(self.said[:-1]))
        report = self.repair()
        self.assertEqual({}, report.troubles)
        self.assertEqual(found, self.found, self.said)
        for account in self.world.accounts.values():
            self.assertEqual(0, account.count("EXPUNGE", "MOVE", "DELETE", "RENAME"))
        self.assertTrue(self.world.equal)
        if same:
            self.assertEqual(self.before, self.content())
        self.assertSound()

    def total(self, lines: Iterable[str]) -> int:
        """
        How many anomalies these are; several rows are told of in one line.
        """
        counts: Counter[str] = Counter()
        for line in lines:
            words = line.split()
            rows = words[0] == "database:" and words[2].startswith("row")
            counts[line] += int(words[1]) if rows else 1
        return counts.total()


class SoundTests(RepairCase):
    """
    Nothing is damaged.
    """

    def test_sound(self) -> None:
        """
        Nothing is found.
        """
        self.assertSound()
        self.repair()
        self.assertEqual(["No anomalies."], self.said)
        self.assertEqual(self.before, self.content())

    def test_neverSynced(self) -> None:
        """
        Two filled accounts without a database: what both hold is paired.
        """
        self.damage("DELETE FROM mailbox", "DELETE FROM pair")
        self.assertMends(Kind.UNKNOWN)


class EntriesTests(RepairCase):
    """
    Entries are damaged.
    """

    def test_missing(self) -> None:
        """
        Those without an entry are paired by content.
        """
        self.damage("DELETE FROM pair WHERE local IN (1, 4, 10)", *RECOUNT)
        self.assertMends(Kind.UNPAIRED)

    def test_allMissing(self) -> None:
        """
        So are all.
        """
        self.damage("DELETE FROM pair", *RECOUNT)
        self.assertMends(Kind.UNPAIRED)

    def test_crosswise(self) -> None:
        """
        Entries that were changed for each other are found by the contents.
        """
        self.damage(*crosswise(1, 2), *crosswise(9, 10))
        self.assertMends(Kind.UNEQUAL, Kind.UNPAIRED)

    def test_unrelated(self) -> None:
        """
        So is one of two messages that have no equal, and nothing to do with each
        other.
        """
        [(ours,), (theirs,)] = self.rows(
            "SELECT remote FROM pair WHERE local IN (1, 2) AND mailbox ="
            " (SELECT id FROM mailbox WHERE name = 'INBOX') ORDER BY local"
        )
        self.local.inbox.expunge(2)
        self.remote.inbox.expunge(ours)
        self.damage(
            "DELETE FROM pair WHERE mailbox = $INBOX AND local = 2",
            f"UPDATE pair SET remote = {theirs} WHERE mailbox = $INBOX AND local = 1",
            *RECOUNT,
        )
        self.assertMends(Kind.UNEQUAL, Kind.ALONE)

    def test_allShifted(self) -> None:
        """
        So are all of them.
        """
        self.damage(
            "UPDATE pair SET remote = remote + 1000",
            "UPDATE pair SET remote = CASE remote WHEN 1001 THEN 11 ELSE remote - 1001"
            " END WHERE mailbox = $INBOX AND remote < 1012",
            "UPDATE pair SET remote = remote - 1000 WHERE remote > 1000",
        )
        self.repair(dryRun=True)
        self.assertEqual(11, self.found[Kind.UNEQUAL])
        self.repair()
        self.assertSound()

    def test_nothing(self) -> None:
        """
        What points past the end, or at nothing, is dropped.
        """
        self.local.inbox.expunge(3)
        self.world.sync()
        self.before = self.content()
        self.damage(
            "UPDATE pair SET remote = 4000000 WHERE mailbox = $INBOX AND local = 1",
            "UPDATE pair SET local = 3 WHERE mailbox = $INBOX AND local = 4",
            "INSERT INTO pair VALUES ($INBOX, 777, 888, 1, NULL, NULL, NULL)",
            *RECOUNT,
        )
        self.assertMends(Kind.DANGLING, Kind.UNPAIRED)

    def test_doubled(self) -> None:
        """
        Several entries of one message, which takes an index that is gone as well.
        """
        self.damage(
            "DROP INDEX pair_remote",
            "UPDATE pair SET remote = 1 WHERE local < 4",
        )
        self.assertMends(Kind.ROW, Kind.UNPAIRED)
        self.assertEqual([(1,)], self.rows(INDEX))

    def test_flags(self) -> None:
        """
        What both sides show is agreed on.
        """
        self.damage(
            "INSERT INTO flags VALUES (99, 'odd')", "UPDATE pair SET flags = 99"
        )
        self.assertMends(Kind.AGREED)

    def test_keys(self) -> None:
        """
        Keys that are missing or wrong are made anew.
        """
        before = self.rows("SELECT * FROM pair")
        self.damage(
            "UPDATE pair SET key = NULL WHERE local < 3",
            "UPDATE pair SET key = zeroblob(16), size = 3, stamp = 4 WHERE local > 9",
        )
        self.assertMends(Kind.KEY)
        self.assertEqual(before, self.rows("SELECT * FROM pair"))


class MailboxesTests(RepairCase):
    """
    What is known of mailboxes is damaged.
    """

    def test_marks(self) -> None:
        """
        Marks that are too high or too low.
        """
        for change in (
            "local_uidnext = 4000",
            "remote_modseq = 900000",
            "local_uidnext = 2, remote_uidnext = 3",
            "remote_modseq = 1",
            "local_uidnext = 1, local_modseq = 0",
        ):
            self.damage(f"UPDATE mailbox SET {change}")
            self.assertMends(Kind.MARK)

    def test_noMarks(self) -> None:
        """
        Where it is not known whose UIDs they are, or of others, messages are paired by
        content.
        """
        for change in (
            "local_uidvalidity = NULL, local_uidnext = NULL, local_modseq = NULL",
            "remote_uidvalidity = 5",
        ):
            self.damage(f"UPDATE mailbox SET {change}")
            self.assertMends(Kind.RENUMBERED)

    def test_halfMark(self) -> None:
        """
        So it is with what is no mark.
        """
        self.damage("UPDATE mailbox SET remote_uidnext = NULL")
        self.assertMends(Kind.ROW, Kind.RENUMBERED)

    def test_unknown(self) -> None:
        """
        A mailbox that is not known, though it is on both sides.
        """
        self.damage(
            "DELETE FROM pair WHERE mailbox = $INBOX",
            "DELETE FROM mailbox WHERE id = $INBOX",
        )
        self.assertMends(Kind.UNKNOWN)

    def test_nowhere(self) -> None:
        """
        One that is known, and on neither side.
        """
        self.damage("INSERT INTO mailbox (id, name, subscribed) VALUES (9, 'No', 1)")
        self.assertMends(Kind.NOWHERE)

    def test_missing(self) -> None:
        """
        One that is gone from a side is made again there, and filled.
        """
        self.remote.delete("Work")
        self.remote.ghosts.clear()
        self.assertMends(Kind.MISSING)

    def test_notRenamed(self) -> None:
        """
        So it is, and filled, where another one looks at first as if it were that.
        """
        work = self.remote.folders["Work"].uidvalidity
        self.remote.delete("Work")
        self.remote.ghosts.clear()
        self.remote.second = work
        self.remote.make("Play")
        self.assertMends(Kind.MISSING, same=False)
        self.assertEqual({"INBOX", "Work", "Play"}, {*self.remote.folders})
        self.assertEqual(4, len(self.remote.folders["Work"].messages))
        self.assertEqual({}, self.local.folders["Play"].messages)

    def test_deletedMeanwhile(self) -> None:
        """
        Nor is one deleted that goes from a side while the others are repaired.
        """

        def delete() -> None:
            self.remote.delete("Work")
            self.remote.ghosts.clear()

        self.damage("DELETE FROM pair WHERE mailbox = $INBOX", *RECOUNT)
        self.local.before["FETCH"] = delete
        self.repair()
        self.assertEqual(self.before, self.content())

    def test_presumed(self) -> None:
        """
        A database that was only presumed to be that of these accounts, and is that of
        others, is left alone.
        """
        self.damage(
            "UPDATE mailbox SET pairs = 77",
            "UPDATE mailbox SET remote_uidvalidity = 5, local_uidvalidity = 6",
            "UPDATE owner SET account = 'somebody@else'",
        )
        tables = self.tables()
        repair = partial(self.repair, presumed=True)
        self.assertRaises(OtherAccounts, repair)
        self.assertEqual((tables, []), (self.tables(), self.said))

    def test_subscribed(self) -> None:
        """
        Subscriptions that differ, and one that is known wrongly.
        """
        self.damage("UPDATE mailbox SET subscribed = 0 WHERE id = $INBOX")
        self.remote.folders["Work"].subscribed = False
        self.assertMends(Kind.SUBSCRIPTION)
        self.assertTrue(self.remote.folders["Work"].subscribed)

    def test_counts(self) -> None:
        """
        Numbers of messages that are not those of the messages.
        """
        self.damage("UPDATE mailbox SET pairs = 77")
        self.assertMends(Kind.COUNT)
        self.damage("UPDATE mailbox SET local_strays = 5, remote_strays = -1")
        self.assertMends(Kind.COUNT)

    def test_spelling(self) -> None:
        """
        What is said to be a server's name for a mailbox.
        """
        self.damage("UPDATE mailbox SET local_spelling = 'Work' WHERE id = $INBOX")
        self.assertMends(Kind.SPELLING)

    def test_leftovers(self) -> None:
        """
        What is to be looked at again for no reason.
        """
        self.damage(
            "INSERT INTO postponed (mailbox, side, uid) VALUES ($INBOX, 'local', 1)",
            "INSERT INTO postponed (mailbox, side, uid) VALUES ($INBOX, 'remote', 99)",
            "INSERT INTO foretold VALUES ($Work, 'local', 1, NULL)",
            "INSERT INTO copying VALUES ($Work, 'remote', 4711, 4712)",
        )
        self.assertMends(Kind.LEFTOVER)

    def test_garbage(self) -> None:
        """
        Rows that mean nothing at all.
        """
        self.damage(
            "INSERT INTO pair VALUES (77, 1, 1, 1, NULL, NULL, NULL)",
            "UPDATE pair SET local = 'odd' WHERE mailbox = $INBOX AND local = 1",
            "UPDATE pair SET flags = 4711 WHERE mailbox = $INBOX AND local = 2",
            "UPDATE pair SET key = 5 WHERE mailbox = $INBOX AND local = 3",
            "INSERT INTO postponed (mailbox, side, uid) VALUES ($Work, 'here', 1)",
            "INSERT INTO copying VALUES ($Work, 'local', 9, 2)",
            "INSERT INTO owner VALUES ('there', 'a', 'b', 'c')",
            "DELETE FROM meta",
            "UPDATE mailbox SET subscribed = 'odd'",
            *RECOUNT,
        )
        self.assertMends(Kind.ROW, Kind.UNPAIRED, Kind.KEY, Kind.SUBSCRIPTION)

    def test_everything(self) -> None:
        """
        All tables are empty.
        """
        for table in ("pair", "mailbox", "meta", "owner", "flags"):
            self.damage(f"DELETE FROM {table}")
        self.assertMends(Kind.ROW, Kind.UNKNOWN)


class MessagesTests(RepairCase):
    """
    Other clients were there meanwhile.
    """

    def test_alone(self) -> None:
        """
        What is on one side only is copied, were it expunged on the other or new.
        """
        self.local.inbox.add(mail("new"))
        self.remote.inbox.expunge(2, 3)
        self.assertMends(Kind.ALONE, Kind.DANGLING, same=False)
        self.assertEqual(4 + 8 + 3 + 1, len(self.local.inbox.messages))

    def test_flags(self) -> None:
        """
        Flags that differ become their union, whatever was agreed before.
        """
        self.local.inbox.flag(1, "\\Flagged")
        self.remote.inbox.flag(2, "Work")
        self.assertMends(Kind.FLAGS, same=False)
        flags = self.local.inbox.messages[1].flags
        self.assertEqual({"\\Seen", "\\Flagged"}, {*flags})

    def test_copies(self) -> None:
        """
        So it is where the database says that one of them was not seen before, as if
        nobody had set its flags.
        """
        self.remote.inbox.flag(5, "\\Seen", "Work")
        self.damage("INSERT INTO copying VALUES ($INBOX, 'local', 1, 2)")
        self.assertMends(Kind.FLAGS, same=False)
        flags = self.local.inbox.messages[1].flags
        self.assertEqual({"\\Seen", "Work"}, {*flags})

    def test_movedMeanwhile(self) -> None:
        """
        What is moved by others while a repair goes on is not moved after them.
        """

        def move() -> None:
            [message] = [self.remote.inbox.messages[5]]
            self.remote.inbox.expunge(5)
            self.remote.folders["Work"].add(message.body, message.flags, message.date)

        self.damage("DELETE FROM pair WHERE mailbox = $INBOX AND local = 4", *RECOUNT)
        self.local.before["FETCH"] = move
        self.repair()
        self.assertEqual(0, self.local.count("MOVE", "COPY", "EXPUNGE"))
        self.assertTrue(self.world.equal)
        self.assertEqual(5, len(self.local.folders["Work"].messages))
        self.assertEqual(15, len(self.local.inbox.messages))
        self.assertSound()

    def test_altered(self) -> None:
        """
        A message that a server has changed has no equal, and is not copied back and
        forth.
        """
        self.remote.alters = True
        self.local.inbox.add(mail("altered"))
        self.local.inbox.add(BARE % 77)
        self.world.sync()
        count = len(self.local.inbox.messages)
        self.repair()
        self.assertEqual(["No anomalies."], self.said)
        self.assertEqual(count, len(self.local.inbox.messages))
        self.assertSound()

    def test_refused(self) -> None:
        """
        What cannot be mended is named.
        """
        self.remote.objection = lambda offer: "NO [LIMIT] no"
        self.local.inbox.add(mail("refused"))
        report = self.repair()
        self.assertIn(Kind.ALONE, self.found)
        texts = [str(trouble) for trouble in report.troubles]
        uid = self.local.inbox.uidnext - 1
        self.assertIn(f"local: UID {uid}: not mended: it is on local only", texts)

    def test_readOnly(self) -> None:
        """
        So is what would be written to a side that is not to be.
        """
        self.local.inbox.add(mail("new"))
        self.local.inbox.flag(1, "\\Flagged")
        self.remote.inbox.add(mail("other"))
        self.local.make("Play").add(mail("play"))
        self.remote.folders["Work"].subscribed = False
        report = self.repair(readOnly={REMOTE})
        written = ("STORE", "APPEND", "SELECT", "CREATE", "SUBSCRIBE")
        self.assertEqual(0, self.remote.count(*written))
        uid = self.local.inbox.uidnext - 1
        flags = "flags differ: \\Flagged \\Seen on local, \\Seen on remote"
        self.assertEqual(
            {
                ("INBOX", f"local: UID {uid - 1}: not mended: it is on local only"),
                ("INBOX", f"local: UID 1: not mended: {flags}"),
                ("Play", "remote: not mended: it is on local only"),
                ("Work", "remote: not mended: it is subscribed on local only"),
            },
            {*troubles(report)},
        )
        self.assertIn("other", str(self.local.content))

    def test_archive(self) -> None:
        """
        What may not be removed from a side, and is gone from the other, is not brought
        back there: neither messages nor mailboxes, whether that is known or not.
        """
        archive = {LOCAL: (Act.CREATE, Act.APPEND, Act.SUBSCRIBE)}
        self.remote.make("Play").add(mail("play"))
        self.world.sync(allow=archive)
        first, second, *_ = self.remote.inbox.messages
        self.remote.inbox.expunge(first)
        self.world.sync(allow=archive)
        self.remote.inbox.expunge(second)
        self.remote.delete("Play")
        before, here = self.remote.content, self.local.content
        for _ in range(2):
            self.assertEqual([], troubles(self.repair(allow=archive)))
            self.assertEqual(["No anomalies."], self.said)
        self.assertEqual(before, self.remote.content)
        self.assertEqual(here, self.local.content)
        self.assertEqual([], troubles(self.world.sync()))
        self.assertEqual(before, self.local.content)

    def test_named(self) -> None:
        """
        Of several mailboxes, only those that are named are looked at.
        """
        self.damage("DELETE FROM pair", *RECOUNT)
        self.repair("Work")
        self.assertEqual({Kind.UNPAIRED: 4}, self.found)
        self.assertFalse([line for line in self.said if line.startswith("INBOX")])

    def test_renamed(self) -> None:
        """
        A mailbox that was renamed meanwhile is renamed on the other side.
        """
        self.local.rename("Work", "Play")
        self.repair()
        self.assertEqual({"INBOX", "Play"}, {*self.remote.folders})
        self.world.sync()
        self.assertSound()


class KilledTests(RepairCase):
    """
    Runs that are killed before each commit, and after it.
    """

    def setUp(self) -> None:
        """
        Make no accounts yet.
        """

    def disturb(self) -> Counter[bytes]:
        """
        Make accounts, and change something on both sides.

        @return: what is on either of them.
        """
        self.begin(Account(), Account(first=1007))
        self.local.inbox.add(mail("ours"))
        self.remote.inbox.add(mail("theirs"))
        self.remote.folders["Work"].flag(1, "Mine")
        return self.held(self.local) | self.held(self.remote)

    def held(self, account: Account) -> Counter[bytes]:
        """
        All that it holds.
        """
        folders = account.folders.values()
        return Counter(one.body for f in folders for one in f.messages.values())

    def assertHolds(self, messages: Counter[bytes], left: int) -> None:
        """
        Nothing was lost and nothing was doubled.
        """
        for account in (self.local, self.remote):
            self.assertEqual(messages, self.held(account), left)

    def test_repair(self) -> None:
        """
        After a repair that was killed, another one, or a sync, does the rest.
        """
        for left in count(1):
            messages = self.disturb()
            self.damage(
                "DELETE FROM pair WHERE local = 4",
                "UPDATE pair SET remote = remote + 9999 WHERE local < 3",
                *crosswise(7, 8),
                "UPDATE mailbox SET remote_uidnext = 4000",
                *RECOUNT,
            )
            MortalState.left = left
            try:
                self.repair(kind=MortalState)
            except Killed:
                if left % 4 < 2:
                    self.world.sync()
                    self.assertHolds(messages, left)
                self.repair()
                self.assertHolds(messages, left)
                self.assertSound()
            else:
                self.assertGreater(left, 30)
                return

    def test_sync(self) -> None:
        """
        A repair makes nothing of what a sync that was killed had done.
        """
        for left in count(1):
            messages = self.disturb()
            MortalState.left = left
            try:
                self.world.sync(open=MortalState.open)
            except Killed:
                self.repair()
                self.assertHolds(messages, left)
                self.assertSound()
            else:
                self.assertGreater(left, 10)
                return


INDEX = "SELECT count(*) FROM sqlite_master WHERE name = 'pair_remote'"

RECOUNT = (
    "UPDATE mailbox SET pairs ="
    " (SELECT count(*) FROM pair WHERE pair.mailbox = mailbox.id)",
)


def crosswise(first: int, second: int) -> tuple[str, ...]:
    """
    Change two entries of INBOX for each other.
    """
    remote = "(SELECT remote FROM pair WHERE mailbox = $INBOX AND local = {})"
    set_ = "UPDATE pair SET remote = {} WHERE mailbox = $INBOX AND local = {}"
    return (
        f"CREATE TABLE spare AS SELECT {remote.format(first)} AS uid",
        set_.format(1 << 30, first),
        # What the second has goes to the first, by way of a UID of nobody.
        f"CREATE TABLE other AS SELECT {remote.format(second)} AS uid",
        set_.format("(SELECT uid FROM spare)", second),
        set_.format("(SELECT uid FROM other)", first),
        "DROP TABLE spare",
        "DROP TABLE other",
    )
