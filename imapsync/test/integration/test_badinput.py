"""
What can be wrong with a command line, a configuration or a database: each
has its exit code and one clear line, and nothing is changed.
"""

from __future__ import annotations

import os
import select
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

from imapsync.test import children
from imapsync.test.integration.dovecot import Dovecot
from imapsync.test.integration.messages import mails
from imapsync.test.integration.scene import PROGRAM, Run, Scene, SceneCase, finished


class BadInputCase(SceneCase):
    """
    Has two accounts with something to do between them.
    """

    def filled(
        self, remoteServer: Dovecot | None = None, **remote: str | None
    ) -> Scene:
        """
        Two accounts, and more options for the remote one.
        """
        scene = self.scene(remoteServer=remoteServer, options={"remote": remote})
        scene.local.fill("INBOX", mails(3))
        scene.remote.create("Work")
        scene.remote.fill("Work", mails(2))
        self.before = scene.snapshots()
        return scene

    def refuses(self, scene: Scene, code: int, *words: str) -> Run:
        """
        A run ends with C{code} and one line with C{words}, and changes
        nothing.
        """
        return self.refused(scene, scene.sync(), code, *words)

    def refused(self, scene: Scene, run: Run, code: int, *words: str) -> Run:
        """
        A run did so.
        """
        self.complains(run, code, *words)
        self.assertEqual(self.before, scene.snapshots())
        return run


class CommandLineTests(BadInputCase):
    """
    What is typed.
    """

    def test_usage(self) -> None:
        """
        Wrong options.
        """
        scene = self.filled()
        config = f"--config={scene.file}"
        for words, told in (
            (["--onshot", config], "did you mean --oneshot"),
            (["-1x", config], "-x"),
            (["--oneshot", "--config"], "--config"),
            (["--oneshot", "--quiet=yes", config], "quiet"),
            (["--oneshot", config, ""], "MAILBOX"),
            (["--dry-run", config], "--oneshot"),
            (["--repair", config, "--oneshot"], "--oneshot"),
            (["--delete", config, "Work", "--oneshot"], "--oneshot"),
            (["--rename", config, "Work"], "--rename"),
            (["--watch=soon", config], "--watch"),
        ):
            run = finished(scene.start([*PROGRAM, *words]))
            self.complains(run, 64, told)
            self.assertEqual("", run.output)
        self.assertEqual(self.before, scene.snapshots())
        self.assertFalse(scene.database.exists())

    def test_noFile(self) -> None:
        """
        A configuration file that is not there, or cannot be read.
        """
        scene = self.filled()
        unreadable = scene.directory / "folder"
        unreadable.mkdir()
        for path in scene.directory / "none", unreadable, scene.file / "below":
            command = [*PROGRAM, "--oneshot", f"--config={path}"]
            self.refused(scene, finished(scene.start(command)), 66, str(path))


class ConfigurationTests(BadInputCase):
    """
    What is configured.
    """

    def test_values(self) -> None:
        """
        Unknown options and values of the wrong form: file and line are named.
        """
        scene = self.filled()
        for options, told in (
            ({"usrname": "x"}, ("usrname", "username")),
            ({"port": "imap"}, ("port", "1 to 65535")),
            ({"STARTTLS": "maybe"}, ("STARTTLS", "YES or NO")),
            ({"username": None}, ("username", "missing")),
            ({"type": "pop3"}, ("type", "imaps")),
            ({"type": "tunnel"}, ("command", "missing")),
            ({"SSL_fingerprint": "0" * 64}, ("cannot be checked",)),
            ({"STARTTLS": "YES", "SSL_cipher_list": "HI"}, ("SSL_cipher_list",)),
            ({"STARTTLS": "YES", "SSL_ciphersuites": "TLS"}, ("SSL_ciphersuites",)),
            ({"compress": "1"}, ("compress", "YES or NO")),
            ({"auth": "PLAN"}, ("auth", "PLAIN")),
            ({"Port": "143"}, ("second time",)),
            ({"SSL_ca_file": "none"}, ("SSL_ca_file",)),
            ({"username": "a\n[lokal]"}, ("lokal", "local")),
        ):
            scene.configure({"remote": options})
            self.complains(scene.sync(), 78, f"{scene.file}:", *told)
        self.assertEqual(self.before, scene.snapshots())

    def test_idle(self) -> None:
        """
        Options without an effect are warned about, and do no harm.
        """
        scene = self.filled(SSL_verify="NO", command="false")
        run = self.ends(scene, 0)
        for option in "SSL_verify_trusted_peer", "command":
            [line] = [x for x in run.errors.splitlines() if f": {option} in" in x]
            self.says(line, "warn: ", f"{scene.file}:", "has no effect")

    def test_garbage(self) -> None:
        """
        A file that is no configuration at all.
        """
        scene = self.filled()
        for data in (
            b"",
            b"\0\1\xff\xfe" * 50,
            b"hello\n",
            b"<xml>\n",
            b"\n" * (2 << 20),
        ):
            scene.file.write_bytes(data)
            self.refuses(scene, 78, str(scene.file))

    def test_sameAccount(self) -> None:
        """
        Both sides are the same.
        """
        scene = self.filled(port="1")
        scene.configure({"remote": {"port": str(scene.localServer.port)}})
        self.refuses(scene, 78, "same account")


class DatabaseTests(BadInputCase):
    """
    Where the state is kept.
    """

    def test_noDatabase(self) -> None:
        """
        A file that is something else is left as it is.
        """
        scene = self.filled()
        for data in b"hello", b"SQLite format 3\0" + bytes(4096), b"\xff" * 10_000:
            scene.database.write_bytes(data)
            self.refuses(scene, 65, str(scene.database))
            self.assertEqual(data, scene.database.read_bytes())

    def test_foreign(self) -> None:
        """
        So is somebody else's database.
        """
        scene = self.filled()
        with closing(sqlite3.connect(scene.database)) as database:
            database.execute("CREATE TABLE mailbox (id INTEGER PRIMARY KEY)")
        data = scene.database.read_bytes()
        self.refuses(scene, 65, str(scene.database))
        self.assertEqual(data, scene.database.read_bytes())

    def test_damaged(self) -> None:
        """
        A database of which a part was lost, or overwritten.
        """
        scene = self.synced()
        data = scene.database.read_bytes()
        middle = len(data) // 2
        for damaged in (
            data[:middle],
            data[:4096] + b"\0" * (len(data) - 4096),
            data[:middle] + os.urandom(len(data) - middle),
        ):
            scene.database.write_bytes(damaged)
            self.refuses(scene, 65, str(scene.database))

    def test_newer(self) -> None:
        """
        A database of a later version.
        """
        scene = self.synced()
        with closing(sqlite3.connect(scene.database)) as database:
            database.execute("PRAGMA user_version = 999")
        self.refuses(scene, 65, str(scene.database), "newer")

    def synced(self) -> Scene:
        """
        Two accounts that have a database, and something to do.
        """
        scene = self.scene()
        scene.local.fill("INBOX", mails(100, size=100))
        self.ends(scene, 0)
        scene.local.fill("INBOX", mails(3))
        self.before = scene.snapshots()
        return scene

    def test_place(self) -> None:
        """
        A directory that cannot be made; and names that are no files.
        """
        scene = self.filled()
        for place in (
            scene.file / "state.db",
            scene.directory,
            Path("/proc/state.db"),
            Path("/dev/full"),
            Path("/dev/null"),
        ):
            scene.configure({"": {"database": str(place)}})
            self.refuses(scene, 73, str(place))

    def test_inUse(self) -> None:
        """
        One instance at a time; if that is killed, the next has the database.
        """
        scene = self.filled()
        with Stalled(self, scene) as other:
            self.refuses(scene, 73, str(scene.database), "in use")
            other.process.kill()
        scene.configure({})
        self.syncs(scene)

    def test_dryRun(self) -> None:
        """
        A dry run is in nobody's way.
        """
        scene = self.filled()
        with Stalled(self, scene):
            self.ends(scene, 0, "--dry-run")
        self.assertEqual(self.before, scene.snapshots())

    def test_diskFull(self) -> None:
        """
        A disk with no room for the database.
        """
        scene = self.filled()
        for blocks in 0, 1, 8, 40:
            shell = ["sh", "-c", f'ulimit -f {blocks}; exec "$@"', "sh"]
            # Python would leave compiled modules behind that are cut short.
            whole = {"PYTHONDONTWRITEBYTECODE": "1"}
            run = finished(scene.start([*shell, *scene.command()], whole))
            self.refused(scene, run, 74, str(scene.database))
        self.syncs(scene)


class Stalled:
    """
    A run that has opened its database and waits for a server; it is ended
    when the block is left.
    """

    def __init__(self, case: SceneCase, scene: Scene) -> None:
        self._case = case
        self._scene = scene

    def __enter__(self) -> Stalled:
        """
        Start it, and wait until it is so far.
        """
        scene = self._scene
        signalled = scene.directory / "signalled"
        os.mkfifo(signalled)
        reader = os.open(signalled, os.O_RDONLY | os.O_NONBLOCK)
        self._case.addCleanup(os.close, reader)
        original = scene.file.read_text()
        scene.configure({"remote": scene.tunnel(f"echo > {signalled}; exec cat")})
        self.process = scene.start(scene.command())
        self._case.assertTrue(select.select([reader], [], [], 30)[0], "not started")
        scene.file.write_text(original)
        return self

    def __exit__(self, *exception: object) -> None:
        """
        End it.
        """
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.run = finished(self.process)


class SignalTests(BadInputCase):
    """
    Told to stop.
    """

    def test_terminated(self) -> None:
        """
        SIGTERM and SIGINT end a run that waits for a server, at once and with
        one line; the next run goes on.
        """
        for number in signal.SIGTERM, signal.SIGINT:
            scene = self.filled()
            with Stalled(self, scene) as stalled:
                stalled.process.send_signal(number)
                children.ended(stalled.process, 5)
            self.refused(scene, stalled.run, 75, "interrupted")
            self.syncs(scene)
