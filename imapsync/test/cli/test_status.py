"""
Tests for L{imapsync.cli.status}.
"""

from __future__ import annotations

import contextlib
import io
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from twisted.internet.task import Clock

from imapsync import __version__
from imapsync.cli.options import parse
from imapsync.cli.status import tell
from imapsync.config.settings import Config
from imapsync.display import moment
from imapsync.model import Mark, Owner, Pair, Side, Trouble
from imapsync.state.schema import UPGRADES
from imapsync.state.store import Store
from imapsync.test.fakes.databases import NONE, StateTestCase
from imapsync.test.fakes.schema import complaints
from imapsync.uidset import UidSet

LOCAL, REMOTE = Side


class StatusTests(StateTestCase):
    """
    What is told of a database with two mailboxes.
    """

    def setUp(self) -> None:
        """
        Fill it.
        """
        super().setUp()
        clock = Clock()
        clock.advance(1_000_000)
        self.patch(Store, "clock", staticmethod(clock.seconds))
        state, inbox = self.filled(Pair(1, 2, NONE), Pair(3, 4, NONE))
        with state.transaction():
            state.addMailbox("Work/\x1bDeep", False)
            for side in Side:
                state.setMark(inbox, side, Mark(7, 80, 900))
                state.noteOwner(side, Owner(f"me@{side}", 144 if side is LOCAL else 0))
            some = UidSet.parse("5:6,9")
            state.postpone(inbox, REMOTE, some, "NO \x1b[2J", "TOOBIG", (60,))
            state.noteSynced(inbox)
        state.close()
        self.config = self.configured(str(self.path))
        self.time = moment(1_000_000)

    def configured(self, database: str) -> Config:
        """
        A configuration with this database.
        """
        config = Config.of(
            database=database,
            local={"host": "a.example", "username": "me"},
            remote={"host": "b.example", "username": "me"},
        )
        return config._replace(path="/etc/config")

    def tell(
        self, *arguments: str, code: int = 0, **configs: Config
    ) -> tuple[str, list[str]]:
        """
        Ask for it.

        @return: what is printed, and the complaints.
        """
        printed, errors = io.StringIO(), io.StringIO()
        line = parse(["--status", *arguments])
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(errors):
            self.assertEqual(code, tell(line, configs or {"": self.config}))
        return printed.getvalue(), errors.getvalue().splitlines()

    def test_people(self) -> None:
        """
        A table tells of each mailbox; what is refused follows, and the totals.
        Nothing that servers said can harm a terminal.
        """
        text, errors = self.tell()
        self.assertEqual([], errors)
        self.assertEqual(
            [
                str(self.path.resolve()),
                "  local: me@local, port 144",
                "  remote: me@remote",
                "  both sides were equal: -",
                "",
                "messages  refused            synced     local    remote  mailbox",
                f"       2        3  {self.time}  7:80:900  7:80:900  INBOX",
                "       0        0                 -         -         -"
                "  Work/\\u001bDeep",
                "",
                "INBOX: remote: UID 5:6,9: NO \\u001b[2J (tried once since"
                f" {self.time}; again from {moment(1_000_060)} on)",
                "Total: 2 mailboxes, 2 messages, 3 refused",
            ],
            text.splitlines(),
        )

    def test_troubles(self) -> None:
        """
        What is wrong with a mailbox as a whole is told, too.
        """
        state = self.opened()
        with state.transaction():
            state.noteTroubles([Trouble("New", "NO", LOCAL), Trouble("New", "odd")])
        text, _ = self.tell("New")
        since = f"(since {self.time})"
        lines = text.splitlines()
        self.assertEqual(
            {f"New: local: NO {since}", f"New: odd {since}"}, {*lines[-3:-1]}
        )
        [mailbox] = json.loads(self.tell("--json", "New")[0])["mailboxes"]
        self.assertEqual(0, mailbox["refused"])
        self.assertEqual(
            [(None, None), ("local", None)],
            [(one["side"], one["uids"]) for one in mailbox["troubles"]],
        )

    def test_machines(self) -> None:
        """
        The same as JSON, in one line of ASCII.
        """
        text, errors = self.tell("--json")
        self.assertEqual([], errors)
        self.assertTrue(text.isascii())
        [document] = text.splitlines()
        told: dict[str, Any] = json.loads(document)
        self.assertEqual([], complaints(told))
        for when in "began", "ended":
            self.assertRegex(told.pop(when), r"^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        self.assertLess(told.pop("seconds"), 60)
        inbox, work = told.pop("mailboxes")
        self.assertEqual(
            {
                "schema": 1,
                "kind": "status",
                "imapsync": __version__,
                "account": None,
                "config": "/etc/config",
                "exit": 0,
                "error": None,
                "database": str(self.path.resolve()),
                "version": len(UPGRADES),
                "owners": {
                    "local": {"account": "me@local", "port": 144},
                    "remote": {"account": "me@remote", "port": None},
                },
                "synced": None,
                "totals": {"mailboxes": 2, "messages": 2, "refused": 3},
            },
            told,
        )
        mark = {"uidvalidity": 7, "uidnext": 80, "modseq": 900}
        refusal = {
            "side": "remote",
            "uids": "5:6,9",
            "code": "TOOBIG",
            "text": "NO \\u001b[2J",
            "since": "1970-01-12T13:46:40Z",
            "tries": 1,
            "due": "1970-01-12T13:47:40Z",
        }
        self.assertEqual(
            {
                "name": "INBOX",
                "subscribed": True,
                "messages": 2,
                "local": mark,
                "remote": mark,
                "synced": "1970-01-12T13:46:40Z",
                "refused": 3,
                "troubles": [refusal],
            },
            inbox,
        )
        self.assertEqual(
            ("Work/\x1bDeep", None, None, []),
            (work["name"], work["local"], work["synced"], work["troubles"]),
        )

    def test_limited(self) -> None:
        """
        Mailboxes may be named, with whatever separates levels there, and with what a
        server puts before; then the totals are theirs.
        """
        for typed in "inbox", "INBOX":
            text, _ = self.tell(typed)
            self.assertNotIn("Deep", text)
            self.assertIn("Total: 1 mailbox, 2 messages", text)
        for typed in "Work/\x1bDeep", "INBOX.Work.\x1bDeep", "Work\\\x1bDeep":
            text, _ = self.tell(typed)
            self.assertIn("Total: 1 mailbox, 0 messages, 0 refused", text)
        text, [error] = self.tell("INBOX", "None\x1b", code=66)
        self.assertEqual("", text)
        self.assertIn('does not know the mailbox "None\\u001b"', error)

    def test_none(self) -> None:
        """
        Where there is no database, that is said, and none is made.
        """
        path = Path(self.mktemp()).absolute()
        text, [error] = self.tell(code=66, x=self.configured(str(path)))
        self.assertEqual("", text)
        self.assertIn(f"x: there is no database {path}: nothing was synced yet", error)
        self.assertFalse(path.exists())

    def test_several(self) -> None:
        """
        Each of several configurations is told of, though another cannot be; the
        highest exit code counts.
        """
        bad = Path(self.mktemp()).absolute()
        bad.write_bytes(b"no database")
        configs = {
            "good": self.config,
            "none": self.configured(self.mktemp()),
            "bad": self.configured(str(bad)),
        }
        text, errors = self.tell(code=66, **configs)
        self.assertTrue(text.startswith(f"good: {self.path.resolve()}\n"))
        self.assertEqual(
            ["imapsync: none", "imapsync: bad"],
            [line[: line.index(":", 10)] for line in errors],
        )
        text, _ = self.tell("--json", code=66, **configs)
        told = [json.loads(document) for document in text.splitlines()]
        self.assertEqual([*configs], [one["account"] for one in told])
        self.assertEqual([0, 66, 65], [one["exit"] for one in told])
        self.assertIn("there is no database", told[1]["error"])
        self.assertEqual([True, False, False], ["mailboxes" in one for one in told])
        self.tell(code=65, bad=configs["bad"])

    def test_older(self) -> None:
        """
        A database that has the name which earlier versions gave it is found; it may
        not tell whose it is.
        """
        with closing(sqlite3.connect(self.path)) as database:
            database.execute("DELETE FROM owner")
            database.commit()
        config = self.configured(self.mktemp())._replace(older=str(self.path))
        text, _ = self.tell(x=config)
        self.assertIn(f"x: {self.path.resolve()}\n  local: unknown\n", text)
