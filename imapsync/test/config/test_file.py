"""
Tests for L{imapsync.config.file}.
"""

from __future__ import annotations

import os
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from imapsync.config.file import create, load, locate, named
from imapsync.config.server import ServerConfig
from imapsync.config.settings import Config
from imapsync.errors import ConfigError, NotFound, NotMade
from imapsync.model import Side
from imapsync.test.config.test_paths import stranger

LOCAL = "[local]\ntype = tunnel\ncommand = doveadm exec imap\n"
REMOTE = "[remote]\nhost = imap.example.net\nusername = me\npassword = secret\n"


class ConfigTestCase(SynchronousTestCase):
    """
    Makes configuration files.
    """

    def setUp(self) -> None:
        """
        Make a folder for them.
        """
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()
        self.file = self.folder / "config"
        self.environ = {"HOME": "/home/me"}

    def load(self, text: str, mode: int = 0o600) -> Config:
        """
        What a file with this C{text} means.
        """
        self.file.write_text(text, "utf-8")
        self.file.chmod(mode)
        return load(str(self.file), self.environ)

    def remote(self, text: str) -> ServerConfig:
        """
        What these lines in C{[remote]} mean.
        """
        return self.load(f"{LOCAL}[remote]\n{text}").servers[Side.REMOTE]

    def assertWrong(self, text: str, message: str) -> None:
        """
        Assert that a file is refused with C{message}.
        """
        error = self.assertRaises(ConfigError, self.load, text)
        self.assertEqual(f"{self.file}:{message}", str(error))

    def assertWrongRemote(self, text: str, message: str) -> None:
        """
        Assert that lines in C{[remote]} are refused with C{message}, given
        the number among these lines of the one at fault (0: the heading).
        """
        number, _, rest = message.partition(":")
        line = int(number) + LOCAL.count("\n") + 1
        self.assertWrong(f"{LOCAL}[remote]\n{text}", f"{line}:{rest}")


class LocateTests(ConfigTestCase):
    """
    Tests for L{locate}.
    """

    def test_default(self) -> None:
        """
        The default is a file in a folder of its own.
        """
        self.assertEqual("/home/me/.config/imapsync/config", locate(None, self.environ))

    def test_defaultFile(self) -> None:
        """
        If the default folder is a file, it is that.
        """
        environ = {"XDG_CONFIG_HOME": str(self.folder)}
        path = self.folder / "imapsync"
        self.assertEqual(f"{path}/config", locate(None, environ))
        path.touch()
        self.assertEqual(str(path), locate(None, environ))

    def test_named(self) -> None:
        """
        A relative name starts from the base directory, not from the present
        one.
        """
        for name, path in (
            ("work", "/home/me/.config/work"),
            ("./work", "/home/me/.config/./work"),
            ("/etc/work", "/etc/work"),
            ("~/work", "/home/me/work"),
        ):
            self.assertEqual(path, locate(name, self.environ))

    def test_noHome(self) -> None:
        """
        Who has no directory of their own is told to name the file, in one line;
        where every path is given, nothing is missing.
        """
        self.patch(os.path, "expanduser", stranger)
        self.environ = {}
        for name in (None, "work"):
            error = self.assertRaises(ConfigError, locate, name, {})
            self.assertEqual(
                "--config needs a home directory, and there is none:"
                " set HOME, or give a full path",
                str(error),
            )
        self.assertEqual("/etc/work", locate("/etc/work", {}))
        config = self.load(f"database = /a.db\n{LOCAL}{REMOTE}")
        self.assertEqual("/a.db", config.database)
        for line in ("", "database = a.db\n", "database = ~/a.db\n"):
            self.assertWrong(
                f"{line}{LOCAL}{REMOTE}",
                "1: database in the default section needs a home directory,"
                " and there is none: set HOME, or give a full path",
            )


class FileTests(ConfigTestCase):
    """
    Tests for how L{load} treats the file.
    """

    def test_missing(self) -> None:
        """
        A file that does not exist is not found.
        """
        error = self.assertRaises(NotFound, load, str(self.file), self.environ)
        self.assertIn(f"{self.file}: there is no such configuration", str(error))

    def test_unreadable(self) -> None:
        """
        A file that cannot be read is told with the reason.
        """
        error = self.assertRaises(NotFound, load, str(self.folder), self.environ)
        self.assertEqual(f"{self.folder}: cannot be read: Is a directory", str(error))

    def test_large(self) -> None:
        """
        A file far too large is refused instead of read.
        """
        error = self.assertRaises(ConfigError, load, "/dev/zero", self.environ)
        self.assertEqual("/dev/zero: too large for a configuration file", str(error))

    def test_exposed(self) -> None:
        """
        There is a warning about a password that others can read.
        """
        for mode in (0o640, 0o604):
            self.assertEqual(
                (
                    f"{self.file}: others can read the password in it:"
                    " make it mode 0600",
                ),
                self.load(LOCAL + REMOTE, mode).warnings,
            )

    def test_exposedSecret(self) -> None:
        """
        So there is where it is in a file of its own.
        """
        secret = Path(self.file).with_name("secret")
        secret.write_text("x")
        text = REMOTE.replace("password = secret", "password-file = secret")
        for mode, count in (0o640, 1), (0o604, 1), (0o600, 0), (0o400, 0):
            secret.chmod(mode)
            warnings = self.load(LOCAL + text, 0o600).warnings
            warning = f"{secret}: others can read the password in it: make it mode 0600"
            self.assertEqual((warning,) * count, warnings)

    def test_notExposed(self) -> None:
        """
        There is none about a file that only its owner can read, nor about one
        without a password.
        """
        self.assertEqual((), self.load(LOCAL + REMOTE, 0o600).warnings)
        harmless = REMOTE.replace("password =", "password-command =")
        self.assertEqual((), self.load(LOCAL + harmless, 0o644).warnings)

    def test_noSection(self) -> None:
        """
        Both servers must be there.
        """
        for side, text in (("local", REMOTE), ("remote", LOCAL)):
            error = self.assertRaises(ConfigError, self.load, text)
            self.assertEqual(
                f"{self.file}: there is no section [{side}]: add it", str(error)
            )

    def test_syntax(self) -> None:
        """
        Wrong syntax is told by file and line.
        """
        self.assertWrong(
            "datebase = x",
            '1: unknown option "datebase" in the default section;'
            " did you mean database?",
        )


class NamedTests(ConfigTestCase):
    """
    Tests for L{named}.
    """

    def write(self, name: str, database: str) -> str:
        """
        Write a configuration.
        """
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"database = {database}\n{LOCAL}{REMOTE}")
        path.chmod(0o600)
        return str(path)

    def names(self, *paths: str) -> list[str]:
        """
        What the accounts of these configurations are called.
        """
        return [*named([load(path, self.environ) for path in paths])]

    def test_names(self) -> None:
        """
        A single one needs no name; several are called as their files, with the
        folder where that is not enough.
        """
        a, b = self.write("a.conf", "/a"), self.write("b", "/b")
        self.assertEqual([""], self.names(a))
        self.assertEqual(["a", "b"], self.names(a, b))
        other = self.write("sub/a", "/c")
        self.assertEqual([a, b, other], self.names(a, b, other))

    def test_oddNames(self) -> None:
        """
        What no text should have, no name has, though a file may.
        """
        files = [self.write(name, f"/{name!r}") for name in ("a\nb", "a\udcff")]
        self.assertEqual(["a b", r"a\xff"], self.names(*files))

    def test_sameDatabase(self) -> None:
        """
        Two cannot share a database, whatever they call it.
        """
        link = self.folder / "link"
        link.symlink_to("/a")
        a, b = self.write("a", "/a"), self.write("b", str(link))
        for files in ([a, b], [a, a]):
            error = self.assertRaises(ConfigError, self.names, *files)
            self.assertIn(f"{a} has the same database", str(error))


class CreateTests(SynchronousTestCase):
    """
    Tests for L{create}.
    """

    def setUp(self) -> None:
        """
        A folder.
        """
        self.folder = Path(self.mktemp()).absolute()

    def test_new(self) -> None:
        """
        A new file is its owner's alone, as is the folder that is made for it,
        whatever files are by default.
        """
        path = self.folder / "new"
        self.addCleanup(os.umask, os.umask(0))
        create(str(path), "p\u00e4ss\n")
        self.assertEqual("p\u00e4ss\n".encode(), path.read_bytes())
        self.assertEqual(0o600, path.stat().st_mode & 0o777)
        self.assertEqual(0o700, self.folder.stat().st_mode & 0o777)

    def test_there(self) -> None:
        """
        Nothing is overwritten, not even what a link only leads to.
        """
        self.folder.mkdir()
        path, link = self.folder / "there", self.folder / "link"
        path.write_text("mine")
        link.symlink_to(self.folder / "nowhere")
        for one in path, link, self.folder:
            error = self.assertRaises(NotMade, create, str(one), "other")
            self.assertIn(f"{one}: is there already", str(error))
            self.assertEqual(73, error.code)
        self.assertEqual("mine", path.read_text())
        self.assertFalse((self.folder / "nowhere").exists())

    def test_cannot(self) -> None:
        """
        Where nothing can be made, that is said.
        """
        self.folder.mkdir()
        (self.folder / "file").touch()
        path = self.folder / "file" / "config"
        error = self.assertRaises(NotMade, create, str(path), "text")
        self.assertIn(f"{path.parent}: cannot be made: File exists", str(error))
