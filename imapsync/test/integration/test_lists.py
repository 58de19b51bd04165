"""
Many accounts by a list, on real servers.
"""

from __future__ import annotations

import json
import signal
from collections.abc import Sequence

from imapsync.test.integration.accounts import Account
from imapsync.test.integration.dovecot import mdboxServer
from imapsync.test.integration.messages import mails
from imapsync.test.integration.scene import Scene, SceneCase
from imapsync.test.integration.server import PASSWORD, freshUser
from imapsync.test.integration.test_live import Process

TEMPLATE = """\
database = {folder}/{{user}}.db
list-select-opts =
[accounts]
list = users.csv
[local]
type = tunnel
command = {command}
[remote]
type = imap
STARTTLS = NO
host = {{host}}
port = {port}
username = {{user}}
password = {{password}}
"""


class ListTests(SceneCase):
    """
    Tests for C{[accounts]}.
    """

    def listed(self, *users: str) -> Scene:
        """
        A scene with a list of C{users}.
        """
        scene = self.scene()
        command, port = mdboxServer().tunnelCommand("{user}"), scene.remoteServer.port
        text = TEMPLATE.format(folder=scene.directory, command=command, port=port)
        scene.file.write_text(text)
        self.write(scene, *users)
        return scene

    def write(self, scene: Scene, *users: str) -> None:
        """
        Write the list.
        """
        host = scene.remoteServer.host
        rows = [f"{user},{host},{PASSWORD}\n" for user in users]
        path = scene.directory / "users.csv"
        path.write_text("".join(("user,host,password\n", *rows)))
        path.chmod(0o600)

    def accounts(self, scene: Scene, users: Sequence[str]) -> list[Account]:
        """
        The remote accounts of C{users}, whose local ones get messages.
        """
        accounts: list[Account] = []
        for user in users:
            local = scene.localServer.account(user)
            local.fill("INBOX", mails(2, seed=len(accounts)))
            local.close()
            accounts.append(scene.remoteServer.account(user))
            self.addCleanup(accounts[-1].close)
        return accounts

    def test_oneshot(self) -> None:
        """
        All are synced in one run; a row that is wrong is named and left out, which the
        exit code tells; one of them may be chosen.
        """
        users = [freshUser() for _ in range(5)]
        scene = self.listed(*users[:2], "no;one", *users[2:])
        accounts = self.accounts(scene, users)
        run = scene.sync("--json")
        self.assertEqual(1, run.code, run.tail)
        [complaint] = run.complaints
        self.says(complaint, "users.csv:4: command in [local] takes from a list only")
        documents = [json.loads(line) for line in run.output.splitlines()]
        told = {one["account"]: one["exit"] for one in documents if one["account"]}
        self.assertEqual(dict.fromkeys(users, 0), told)
        [reason] = documents[-1]["leftOut"]
        self.says(reason, "users.csv:4: ")
        for account in accounts:
            self.assertEqual(2, len(account.snapshot().mailboxes["INBOX"]))
        run = scene.sync("--account", users[3])
        self.assertEqual(0, run.code, run.tail)
        self.says(run.errors, f"{users[3]}: ")
        self.assertNotIn(users[0], run.errors)
        run = scene.order("--status", "--account", users[1])
        self.assertEqual(0, run.code, run.tail)
        self.says(run.output, f"{users[1]}: {scene.directory}/{users[1]}.db")

    def test_commands(self) -> None:
        """
        All commands know them; what is for one account only wants its name.
        """
        users = [freshUser() for _ in range(2)]
        scene = self.listed(*users, "no;one")
        [first, _] = self.accounts(scene, users)
        for code, command in (
            (1, ["--oneshot", "--dry-run"]),
            (1, ["--oneshot"]),
            (1, ["--repair"]),
            (1, ["--verify"]),
            (0, ["--verify", "--account", users[0], "--account", users[1]]),
            (1, ["--check"]),
            (1, ["--status"]),
            (64, ["--rename", "INBOX/a", "b"]),
            (66, ["--rename", "INBOX/a", "b", "--account", users[0]]),
            (66, ["--oneshot", "--account", "another"]),
        ):
            run = scene.order(*command)
            self.assertEqual(code, run.code, f"{command} {run.tail}")
            self.assertNotIn("Traceback", run.errors)
        self.assertEqual(2, len(first.snapshot().mailboxes["INBOX"]))

    def test_live(self) -> None:
        """
        An account that comes to the list is begun at SIGHUP, one that is gone from it
        ends, and a list that is gone changes nothing.
        """
        users = [freshUser() for _ in range(3)]
        scene = self.listed(*users[:2])
        accounts = self.accounts(scene, users)
        process = Process(scene)
        self.addCleanup(process.end)
        for user in users[:2]:
            process.says(f"{user}: Live: syncing -- synced -> waiting", ever=True)
        self.write(scene, *users[1:])
        process.send(signal.SIGHUP)
        process.says(f"{users[2]}: Live: syncing -- synced -> waiting")
        process.says("Reloaded the configuration: 1 came, 1 went", ever=True)
        self.assertEqual(2, len(accounts[2].snapshot().mailboxes["INBOX"]))
        (scene.directory / "users.csv").unlink()
        process.send(signal.SIGHUP)
        process.says("Not reloaded: ")
        accounts[1].append("INBOX", b"Subject: new\r\n\r\nx\r\n")
        process.send(signal.SIGUSR1)  # a busy server may not tell of it soon
        process.says(f"{users[1]}: INBOX: 1 copied remote to local")
        self.assertEqual(0, process.end())
