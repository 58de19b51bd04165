"""
The command as its users meet it: options, files, what it says, and the same
under twistd.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import sysconfig
from pathlib import Path

from twisted.trial.unittest import SkipTest

from imapsync.test.integration.messages import mails
from imapsync.test.integration.scene import PROGRAM, Run, Scene, SceneCase, finished

#: Two environment variables that say where a user's files are.
_BASES = ("XDG_CONFIG_HOME", "XDG_DATA_HOME")


class CommandCase(SceneCase):
    """
    Runs command lines of all kinds.
    """

    def filled(self) -> Scene:
        """
        Two accounts that differ.
        """
        scene = self.scene()
        scene.local.fill("INBOX", mails(5))
        scene.remote.create("Work")
        scene.remote.subscribe("Work")
        scene.remote.fill("Work", mails(3, seed=2))
        return scene

    def runs(self, scene: Scene, *words: str, **environ: str) -> Run:
        """
        Run the program with these words only.
        """
        home = {"HOME": str(scene.directory), **dict.fromkeys(_BASES, ""), **environ}
        return finished(scene.start([*PROGRAM, *words], home))


class HelpTests(CommandCase):
    """
    What needs neither configuration nor servers.
    """

    def test_help(self) -> None:
        """
        Help and version are told on standard output.
        """
        scene = self.scene()
        for words in ["--help"], ["-h"], ["--oneshot", "-h", "Work"]:
            run = self.runs(scene, *words)
            self.assertEqual((0, ""), (run.code, run.errors))
            self.says(run.output, "--oneshot", "MAILBOX", "--config")
        run = self.runs(scene, "--version")
        self.assertEqual((0, ""), (run.code, run.errors))
        self.assertTrue(re.fullmatch(r"imapsync [\w.+]+\n", run.output), run.output)

    def test_script(self) -> None:
        """
        The installed script is the same as the module.
        """
        script = Path(sysconfig.get_path("scripts")) / "imapsync"
        if not script.exists():
            raise SkipTest("imapsync is not installed, but run from its tree")
        scene = self.scene()
        command = [str(script), "--oneshot", f"--config={scene.file}"]
        run = finished(scene.start(command))
        self.assertEqual(0, run.code, run.tail)


class FilesTests(CommandCase):
    """
    Where files are found and made.
    """

    def test_default(self) -> None:
        """
        Without C{--config}: C{imapsync} in the user's configuration directory
        if that is a file, else C{imapsync/config}; both as the environment
        says.  The database is named after the remote user and host.
        """
        scene = self.filled()
        scene.configure({"": {"database": None}})
        for environ, folder, data in (
            ({}, ".config", ".local/share"),
            (
                {
                    "XDG_CONFIG_HOME": str(scene.directory / "c"),
                    "XDG_DATA_HOME": str(scene.directory / "d/e"),
                },
                "c",
                "d/e",
            ),
        ):
            path = scene.directory / folder / "imapsync"
            path.mkdir(parents=True)
            shutil.copy(scene.file, path / "config")
            self.assertEqual(0, self.runs(scene, "-1", **environ).code)
            name = f"{scene.user}@127.0.0.1.db"
            database = scene.directory / data / "imapsync" / name
            self.assertTrue(database.is_file(), database)
            shutil.rmtree(path)
            shutil.copy(scene.file, path)
            database.unlink()
            self.assertEqual(0, self.runs(scene, "-1", **environ).code)
            self.assertTrue(database.is_file(), database)

    def test_relative(self) -> None:
        """
        Relative names start in the user's directories.
        """
        scene = self.filled()
        scene.configure({"": {"database": "sub/mine.db"}})
        folder = scene.directory / ".config"
        folder.mkdir()
        scene.file.rename(folder / "other")
        run = self.runs(scene, "--oneshot", "--config=other")
        self.assertEqual(0, run.code, run.tail)
        database = scene.directory / ".local/share/imapsync/sub/mine.db"
        self.assertTrue(database.is_file())

    def test_secret(self) -> None:
        """
        The database, and the directories made for it, are the user's alone;
        a configuration with a password should be.
        """
        scene = self.filled()
        place = scene.directory / "new/deep/state.db"
        scene.configure({"": {"database": str(place)}})
        run = self.ends(scene, 0)
        self.assertNotIn("warn", run.errors)
        for path, mode in (
            (place, 0o600),
            (place.parent, 0o700),
            (place.parents[1], 0o700),
        ):
            self.assertEqual(mode, stat.S_IMODE(path.stat().st_mode), path)
        self.assertEqual([place], list(place.parent.iterdir()))
        scene.file.chmod(0o640)
        run = self.ends(scene, 0)
        self.says(run.errors, "warn: ", str(scene.file), "0600")

    def test_logfile(self) -> None:
        """
        With C{logfile} the log goes there, run after run; the terminal gets
        only the line that says why a run failed.
        """
        scene = self.filled()
        log = scene.directory / "log"
        scene.configure({"": {"logfile": str(log)}})
        run = self.ends(scene, 0)
        self.assertEqual("", run.errors)
        self.says(log.read_text(), "INBOX", "5 copied")
        scene.configure({"": {"logfile": str(log)}, "remote": {"password": "wrong"}})
        run = scene.sync()
        self.complains(run, 77)
        self.assertEqual([run.lastLine], run.errors.splitlines())
        self.says(log.read_text(), "INBOX", "5 copied")
        said = run.lastLine.removeprefix("imapsync: ")
        self.assertTrue(log.read_text().endswith(f" error: {said}\n"))
        scene.configure({"": {"logfile": str(scene.file / "log")}})
        self.complains(scene.sync(), 78, "logfile")


class TalkTests(CommandCase):
    """
    What a run says.
    """

    def test_summary(self) -> None:
        """
        A line for each mailbox that changed, with directions; totals, time
        and traffic.
        """
        scene = self.filled()
        run = self.ends(scene, 0)
        lines = [line.partition(" ")[2] for line in run.errors.splitlines()]
        text = "\n".join(lines)
        self.assertEqual("", run.output)
        self.says(text, "INBOX: 5 copied local to remote")
        self.says(text, "3 copied remote to local", "8 copied")
        self.assertRegex(text, r"Work: .*created on local")
        self.assertRegex(text, r"\d+ octets in \d+\.\d s")
        for line in run.errors.splitlines():
            self.assertRegex(line, r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[+-]\d\d:\d\d ")
        scene.local.store("INBOX", [1], "+FLAGS (Red)")
        scene.local.store("Work", [1], "+FLAGS (Red)")
        scene.remote.expunge("Work", [2])
        run = self.ends(scene, 0)
        self.says(run.errors, "INBOX: 1 flagged on remote", "1 expunged on local")
        self.says(run.errors, "2 flagged", "1 expunged")

    def test_quiet(self) -> None:
        """
        C{--quiet}: nothing but warnings and errors.
        """
        scene = self.filled()
        run = self.ends(scene, 0, "-q")
        self.assertEqual(("", ""), (run.output, run.errors))
        for account in scene.accounts:
            flags = f"+FLAGS (Key{account is scene.local})"
            account.store("INBOX", [1], flags)
        run = self.ends(scene, 0, "--quiet")
        [line] = run.errors.splitlines()
        self.says(line, "warn: INBOX")

    def test_debug(self) -> None:
        """
        C{--debug}: all that is said, on both sides, but for what messages
        contain.
        """
        scene = self.scene()
        secret = b"Subject: private\r\n\r\nprivate text\r\n"
        scene.local.append("INBOX", secret, ["\\Seen"])
        scene.remote.append("INBOX", secret.replace(b"text", b"TEXT"))
        run = self.ends(scene, 0, "--debug")
        self.assertNotIn("private", run.errors.lower())
        for side in "local", "remote":
            for way in "<", ">":
                lines = rf"(?m)^\S+ \S+ debug: {side} \(.*\) {way} "
                self.assertRegex(run.errors, lines)
            self.says("\n".join(run.sentTo(side)), "LIST", "SELECT", "APPEND")

    def test_longLines(self) -> None:
        """
        Long lines are shown too.
        """
        scene = self.scene()
        scene.local.fill("INBOX", mails(900, size=100))
        self.ends(scene, 0)
        scene.local.store("INBOX", range(1, 900, 2), "+FLAGS (Odd)")
        run = self.ends(scene, 0, "--debug")
        stores = [line for line in run.errors.splitlines() if "UID STORE" in line]
        self.assertEqual(1, len(stores), stores)
        self.says(stores[0], "UID STORE 1,3,5,", ",899 ", "Odd")

    def test_traceback(self) -> None:
        """
        A traceback shows where an error comes from, with C{--debug} only.
        """
        scene = self.scene(options={"remote": {"password": "wrong"}})
        self.assertNotIn("Traceback", scene.sync().errors)
        run = scene.sync("--debug")
        self.says(run.errors, "Traceback")
        self.assertTrue(run.lastLine.startswith("imapsync: "), run.tail)


class DryRunTests(CommandCase):
    """
    C{--dry-run}.
    """

    def rehearses(self, scene: Scene, *words: str) -> Run:
        """
        A dry run says things on standard output and changes nothing: neither
        the servers nor the database, nor any file.
        """
        before = scene.snapshots()
        files = contents(scene.directory)
        run = self.ends(scene, 0, "--dry-run", "--debug", *words)
        self.assertEqual(before, scene.snapshots())
        self.assertEqual(files, contents(scene.directory))
        self.assertLessEqual(set(run.commands), {"EXAMINE"})
        return run

    def test_first(self) -> None:
        """
        On accounts that were never synced.
        """
        scene = self.filled()
        run = self.rehearses(scene)
        self.says(run.output, "Work: create on local", "Work: subscribe on local")
        self.says(run.output, "INBOX: copy", "1:5")
        self.assertRegex(run.output, "Work: copy UID 1:3 from remote to local")
        self.assertFalse(scene.database.exists())
        run = self.ends(scene, 0, "-1nq")
        self.assertIn("INBOX: copy", run.output)
        self.assertEqual("", run.errors)

    def test_changes(self) -> None:
        """
        Each kind of change is told; the run itself then does just that.
        """
        scene = self.filled()
        self.ends(scene, 0)
        self.assertEqual("", self.rehearses(scene).output)
        scene.local.expunge("INBOX", [1])
        scene.local.append("INBOX", b"\r\nnew\r\n")
        scene.remote.store("INBOX", [2, 3], "FLAGS (\\Seen Red)")
        scene.remote.unsubscribe("Work")
        run = self.rehearses(scene)
        self.says(run.output, "INBOX: remote: expunge UID 1")
        self.says(run.output, "Red", "2:3", "Work: unsubscribe on local")
        self.says(run.output, "INBOX: copy UID 6 from local to remote")
        only = self.rehearses(scene, "Work")
        self.assertNotIn("INBOX", only.output)
        self.syncs(scene)

    def test_encoding(self) -> None:
        """
        Where the locale has another encoding, names are typed in UTF-8 all the
        same, and what cannot be shown is escaped.
        """
        scene = self.scene()
        scene.local.create("Größe ☃")
        command = scene.command("-n", "Größe ☃")
        locale = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
        run = finished(scene.start(command, locale))
        self.assertEqual(0, run.code, run.tail)
        self.says(run.output, r"Gr\xf6\xdfe \u2603: create on remote")

    def test_full(self) -> None:
        """
        Lines that cannot be written end it.
        """
        scene = self.filled()
        for to in ">/dev/full", ">&-":
            shell = ["sh", "-c", f'exec "$@" {to}', "sh"]
            run = finished(scene.start([*shell, *scene.command("-n")]))
            self.complains(run, 74, "standard output")

    def test_paired(self) -> None:
        """
        What would be paired is not said to be copied.
        """
        scene = self.scene()
        for account in scene.accounts:
            account.fill("INBOX", mails(4))
        scene.local.append("INBOX", b"\r\nnew\r\n")
        run = self.rehearses(scene)
        self.says(run.output, "copy UID 5 from local to remote")
        self.assertEqual(1, run.output.count("copy"), run.output)


class TwistdTests(CommandCase):
    """
    The same under twistd.
    """

    def twistd(self, scene: Scene, *words: str) -> Run:
        """
        Run C{twistd -n imapsync}.
        """
        script = str(Path(sysconfig.get_path("scripts")) / "twistd")
        return finished(scene.start([script, "-n", "imapsync", *words]))

    def test_sync(self) -> None:
        """
        Both sides become equal, and the exit code says so.
        """
        scene = self.filled()
        run = self.twistd(scene, "--oneshot", f"--config={scene.file}")
        self.assertEqual(0, run.code, run.output + run.errors)
        self.assertEqual([], scene.differences())
        self.says(run.output, "5 copied")
        self.assertNotIn("Traceback", run.output + run.errors)
        self.assertFalse((scene.directory / "twistd.pid").exists())
        self.isIdle(scene)

    def test_failures(self) -> None:
        """
        It ends with the code, and says the line, that the command would.
        """
        scene = self.filled()
        before = scene.snapshots()
        config = f"--config={scene.file}"
        scene.configure({"remote": {"password": "wrong"}})
        bad = scene.directory / "bad"
        bad.write_text("[local]\nhots = x\n")
        for words, code, told in (
            (["--onshot", config], 64, "--oneshot"),
            (["--dry-run", config], 64, "--oneshot"),
            (["--oneshot", "--config=/none"], 66, "/none"),
            (["--oneshot", f"--config={bad}"], 78, "host"),
            (["--oneshot", config], 77, "refused"),
        ):
            run = self.twistd(scene, *words)
            said = run.output + run.errors
            self.assertEqual(code, run.code, said)
            self.says(said, told)
            self.assertNotIn("Traceback", said)
        self.assertEqual(before, scene.snapshots())

    def test_trouble(self) -> None:
        """
        A mailbox that could not be synced gives 1.
        """
        scene = self.filled()
        scene.local.create("a.b")
        run = self.twistd(scene, "--oneshot", f"--config={scene.file}", "--quiet")
        self.assertEqual(1, run.code, run.output)
        self.says(run.output, "a.b")
        self.assertNotIn("copied", run.output)

    def test_dryRun(self) -> None:
        """
        A dry run tells what would be done.
        """
        scene = self.filled()
        before = scene.snapshots()
        run = self.twistd(scene, "--oneshot", "-n", f"--config={scene.file}")
        self.assertEqual(0, run.code, run.output + run.errors)
        self.says(run.output, "INBOX: copy")
        self.assertEqual(before, scene.snapshots())

    def test_help(self) -> None:
        """
        It is among the commands of twistd, and has the same help.
        """
        scene = self.scene()
        self.says(self.twistd(scene, "--help").output, "--oneshot")
        script = str(Path(sysconfig.get_path("scripts")) / "twistd")
        run = finished(scene.start([script, "--help"]))
        self.assertRegex(run.output, r"\n    imapsync +\S")


def contents(directory: Path) -> dict[str, bytes]:
    """
    All files below a directory.
    """
    return {
        os.fspath(path.relative_to(directory)): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file()
    }
