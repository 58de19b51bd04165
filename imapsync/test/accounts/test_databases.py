"""
Tests for L{imapsync.accounts.databases}: which database a service goes on with.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from itertools import chain
from pathlib import Path
from typing import Any

from imapsync.accounts.databases import candidates
from imapsync.config.request import Admin, Request
from imapsync.config.settings import Config
from imapsync.model import Mark, Owner, Pair, Side
from imapsync.service import Outcome, SyncService
from imapsync.state.schema import UPGRADES
from imapsync.state.store import Store
from imapsync.test.test_service import ServiceCase
from imapsync.testing.accounts import Account, mail

LOCAL, REMOTE = Side


class DatabasesCase(ServiceCase):
    """
    A configuration that names no database.
    """

    def setUp(self) -> None:
        """
        Make a folder for databases.
        """
        super().setUp()
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()
        self.servers = dict(self.world.settings().servers)
        self.database, self.older = "me@127.0.0.1", "127.0.0.1"
        self.world.fill(*map(mail, range(9)))

    def path(self, name: str) -> str:
        """
        The file of that name.
        """
        return str(self.folder / f"{name}.db")

    @property
    def files(self) -> set[str]:
        """
        The databases that there are.
        """
        return {path.stem for path in self.folder.glob("*.db")}

    @property
    def changes(self) -> dict[str, Any]:
        """
        What is special about the configuration.
        """
        return {
            "database": self.path(self.database),
            "older": self.path(self.older),
            "servers": self.servers,
        }

    @property
    def config(self) -> Config:
        """
        It.
        """
        return self.world.settings(**self.changes)

    def sync(self, request: Request | None = None) -> Outcome:
        """
        Sync.
        """
        outcome = self.serve(request, changes=self.changes)
        self.world.database = self.path(self.database)
        return outcome

    def assertSynced(self) -> None:
        """
        All is well.
        """
        self.assertEqual(Outcome(0), self.sync(), self.logged)
        self.assertTrue(self.world.equal)

    def rename(self, side: Side, host: str = "127.0.0.2", user: str = "me") -> None:
        """
        Give an account another name; that of the remote one is in the default
        name of the database.
        """
        self.servers[side] = self.servers[side]._replace(host=host, username=user)
        if side is REMOTE:
            self.database, self.older = f"{user}@{host}", host

    def make(self, name: str, **accounts: str) -> None:
        """
        Make a database.
        """
        with closing(Store.open(self.path(name))) as state, state.transaction():
            for side, account in accounts.items():
                state.noteOwner(Side(side), Owner(account))

    @property
    def candidates(self) -> list[tuple[str, bool]]:
        """
        What is tried, and whether it is only presumed.
        """
        found = candidates(self.config)
        return [(Path(one.database).stem, one.presumed) for one in found]


class CandidatesTests(DatabasesCase):
    """
    Tests for L{candidates}.
    """

    ours = theirs = "me@127.0.0.1"

    def test_new(self) -> None:
        """
        Without any, one is made by the default name.
        """
        self.assertEqual([("me@127.0.0.1", False)], self.candidates)

    def test_default(self) -> None:
        """
        If there is one by that name, no other is looked for.
        """
        self.make("127.0.0.1", local=self.ours, remote=self.theirs)
        self.make("me@127.0.0.1")
        self.assertEqual([("me@127.0.0.1", False)], self.candidates)

    def test_named(self) -> None:
        """
        Nor is one if the configuration names it.
        """
        self.make("127.0.0.1", local=self.ours, remote=self.theirs)
        found = list(candidates(self.config._replace(older="")))
        self.assertEqual([self.config._replace(older="")], found)

    def test_older(self) -> None:
        """
        The one that was the default goes on if it is of these accounts.
        """
        self.make("127.0.0.1", local=self.ours, remote=self.theirs)
        self.assertEqual(("127.0.0.1", False), self.candidates[0])

    def test_spelled(self) -> None:
        """
        It is tried once, however the configuration writes its folder.
        """
        self.make("127.0.0.1", local=self.ours, remote=self.theirs)
        older = f"{self.folder}/./127.0.0.1.db"
        config = self.config._replace(older=older)
        found = [one.database for one in candidates(config)]
        self.assertEqual([older, config.database], found)

    def test_unnoted(self) -> None:
        """
        If it says nothing of them, it has to be found out.
        """
        self.make("127.0.0.1")
        expected = [("127.0.0.1", True), ("me@127.0.0.1", False)]
        self.assertEqual(expected, self.candidates)

    def test_others(self) -> None:
        """
        It does not if it is of others.
        """
        self.make("127.0.0.1", local="you@a", remote="you@b")
        self.assertEqual([("me@127.0.0.1", False)], self.candidates)

    def test_damaged(self) -> None:
        """
        One that cannot be read is told.
        """
        Path(self.path("127.0.0.1")).write_text("Dear diary")
        self.assertEqual(("127.0.0.1", False), self.candidates[0])

    def test_alike(self) -> None:
        """
        One whose accounts may have got other names since is thought of; not one in
        which neither has the present one, or one that has nothing in common.
        """
        self.make("me@a", local=self.ours, remote="me@a")
        self.make("you@127.0.0.1", local=self.ours, remote="you@127.0.0.1")
        self.make("b", local="me@b", remote=self.theirs)
        self.make("me@c", local="me@c", remote="me@c")
        self.make("me@d", local=self.ours, remote="you@d")
        self.make("me@e", local=self.ours)
        self.make("you@f", local=self.ours, remote="me@f")
        expected = ["b", "me@a", "you@127.0.0.1"]
        self.assertEqual(
            [*((name, True) for name in expected), ("me@127.0.0.1", False)],
            self.candidates,
        )


class DatabasesTests(DatabasesCase):
    """
    Runs with them.
    """

    def test_new(self) -> None:
        """
        A first run makes one, and the next uses it.
        """
        self.assertSynced()
        self.assertSynced()
        self.assertEqual({"me@127.0.0.1"}, self.files)

    def test_olderGoesOn(self) -> None:
        """
        The older one goes on, and whose it is, is noted.
        """
        for noted in (True, False):
            self.setUp()
            self.database = self.older
            self.assertSynced()
            self.database = "me@127.0.0.1"
            if not noted:
                self.forgetOwners("127.0.0.1")
            self.local.inbox.expunge(1)
            self.assertSynced()
            self.assertEqual(8, len(self.local.inbox.messages))
            self.assertEqual({"127.0.0.1"}, self.files)
            owners = Store.ownersOf(self.path("127.0.0.1"))
            self.assertEqual([*Side], [*(owners or ())])

    def forgetOwners(self, name: str) -> None:
        """
        Have a database be as before owners were noted.
        """
        with closing(Store.open(self.path(name))) as state, state.transaction():
            state._write("DELETE FROM owner")

    def test_olderOfOthers(self) -> None:
        """
        One of other accounts is left to them, be it noted whose it is or not.
        """
        for noted in (True, False):
            for live in (True, False):
                self.setUp()
                self.database = self.older
                self.assertSynced()
                if not noted:
                    self.forgetOwners(self.older)
                before = Path(self.path("127.0.0.1")).read_bytes()
                self.rename(REMOTE, host="127.0.0.1", user="you")
                mine = self.remote
                self.world.accounts[REMOTE] = self.remote = Account(first=5000)
                self.remote.capabilities |= {"AUTH=PLAIN", "SASL-IR"}
                for folder in mine.folders, self.remote.folders:
                    folder["INBOX"].uidvalidity = 1
                self.remote.inbox.add(mail("yours"))
                if live:
                    self.start(Request(live=True), changes=self.changes)
                    stopped = self.service.stopService()
                    self.world.pump()
                    self.successResultOf(stopped)
                else:
                    self.assertSynced()
                self.assertTrue(self.world.equal)
                self.assertEqual(10, len(self.local.inbox.messages))
                self.assertEqual({"127.0.0.1", "you@127.0.0.1"}, self.files)
                after = Path(self.path("127.0.0.1")).read_bytes()
                self.assertEqual(len(before), len(after))

    def test_upgraded(self) -> None:
        """
        Of one of an earlier version a copy is kept, and it is said where.
        """
        self.assertSynced()
        path = self.path("me@127.0.0.1")
        Path(path).unlink()
        with closing(sqlite3.connect(path)) as database:
            for statement in chain(*UPGRADES[:3]):
                database.execute(statement)
            database.execute("PRAGMA user_version = 3")
            database.commit()
        self.assertSynced()
        kept = [line for line in self.logged if f"kept as {path}-v3" in line]
        self.assertEqual(1, len(kept))
        self.assertTrue(Path(f"{path}-v3").is_file())

    def test_renamedHost(self) -> None:
        """
        Where a host or a user has another name now, the database goes on, and what
        was removed stays so.
        """
        for names in ({"host": "127.0.0.2"}, {"host": "127.0.0.1", "user": "me@b"}):
            for side in Side:
                self.setUp()
                self.assertSynced()
                self.rename(side, **names)
                self.assertSynced()  # with nothing to do, and yet it is noted
                self.assertIn("going on with the database", "".join(self.logged))
                self.local.inbox.expunge(1)
                self.assertSynced()
                self.assertEqual(8, len(self.local.inbox.messages))
                self.assertEqual({"me@127.0.0.1"}, self.files)

    def test_forgotten(self) -> None:
        """
        What a run before saw last is forgotten by one that goes on with its database,
        whatever that was taken for at first.
        """
        new, self.database = self.database, self.older
        self.assertSynced()
        self.database = new
        admin = Admin(("INBOX",), sides=frozenset())
        for request in Request(admin=admin), Request():
            self.forgetOwners(self.older)
            self.assertIn((self.older, True), self.candidates)
            path = self.path(self.older)
            with closing(Store.open(path)) as state, state.transaction():
                state.noteCleanLook(b"seen")
            self.serve(request, changes=self.changes)
            with closing(Store.open(path)) as state:
                self.assertEqual(b"", state.cleanLook)
            self.assertEqual({self.older}, self.files)

    def test_inUse(self) -> None:
        """
        One that is in use is somebody else's, unless it is evidently ours.
        """
        self.assertSynced()
        self.addCleanup(Store.open(self.path("me@127.0.0.1")).close)
        self.rename(REMOTE)
        self.assertSynced()
        self.assertEqual({"me@127.0.0.1", "me@127.0.0.2"}, self.files)
        self.rename(REMOTE, host="127.0.0.1")
        self.older, self.database = self.database, "nothing"
        self.assertEqual(73, self.sync().code)

    def test_dryRun(self) -> None:
        """
        A dry run makes none, and says what would be done with the one that is
        found.
        """
        self.assertSynced()
        self.rename(REMOTE)
        self.local.inbox.expunge(1)
        said: list[str] = []
        outcome = self.serve(
            Request(dryRun=True), say=said.append, changes=self.changes
        )
        self.assertEqual(Outcome(0), outcome)
        self.assertEqual(["INBOX: remote: expunge UID 1"], said)
        self.assertEqual({"me@127.0.0.1"}, self.files)


class AdminTests(DatabasesCase):
    """
    What the user has done to mailboxes.
    """

    def setUp(self) -> None:
        """
        Sync once.
        """
        super().setUp()
        self.local.make("Work").add(mail("work"))
        self.assertSynced()

    def delete(self, *sides: Side) -> Outcome:
        """
        Delete one, in the database as well.
        """
        admin = Admin(("Work",), sides=frozenset(sides))
        return self.serve(Request(admin=admin), changes=self.changes)

    def test_own(self) -> None:
        """
        It is done in the database of these accounts.
        """
        self.assertEqual(Outcome(0), self.delete())

    def test_others(self) -> None:
        """
        It is refused in that of others, whether servers are asked or not.
        """
        self.servers[REMOTE] = self.servers[REMOTE]._replace(username="you")
        for sides in ((), tuple(Side)):
            outcome = self.delete(*sides)
            self.assertEqual(78, outcome.code)
            self.assertIn("is me@127.0.0.1, not you@127.0.0.1", outcome.text)
            self.assertIn("Work", self.local.folders)

    def test_presumed(self) -> None:
        """
        One that is only presumed to be theirs is not touched.
        """
        self.rename(REMOTE)
        self.assertEqual(66, self.delete().code)
        self.assertEqual(Outcome(0), self.delete(LOCAL))
        self.assertNotIn("Work", self.local.folders)

    def test_stopped(self) -> None:
        """
        A service that is stopped while it takes leave, since its database turned out
        to be another's, does not begin again with the next one.
        """
        self.make("127.0.0.1", local="me@127.0.0.1", remote="me@127.0.0.9")
        with closing(Store.open(self.path("127.0.0.1"))) as state, state.transaction():
            known = state.addMailbox("INBOX", subscribed=True)
            for side in Side:
                state.setMark(known.id, side, Mark(99, 50, 5))
            state.addPairs(known.id, [Pair(1, 1, frozenset(), b"x" * 16, 3, 5)])
        config = self.world.settings(**self.changes)
        service = SyncService(config, self.reactor, Request(live=True))
        service.startService()
        while not (self.local.count("LOGOUT") or self.remote.count("LOGOUT")):
            self.assertTrue(self.world.step())
        stopping = service.stopService()
        for _ in range(9):
            self.world.pump()
            self.reactor.advance(1)
        self.successResultOf(stopping)
        self.assertEqual("stopped", service.status.state)
