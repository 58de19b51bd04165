"""
Tests for L{imapsync.config.paths}.
"""

from __future__ import annotations

import os
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from imapsync.config.paths import Files, configurations, databases, homeOf


class FilesTests(SynchronousTestCase):
    """
    Tests for L{Files} and the base directories.
    """

    def setUp(self) -> None:
        """
        Make a folder with a file in it.
        """
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()
        self.existing = self.folder / "file"
        self.existing.touch()
        self.files = Files({"HOME": "/home/me"}, lambda: str(self.folder))

    def test_path(self) -> None:
        """
        Names are relative to the folder, to the user's own, or absolute.
        """
        for value, path in (
            ("a/b", f"{self.folder}/a/b"),
            ("/a", "/a"),
            ("~/a", "/home/me/a"),
            ("~", f"{self.folder}/~"),
            ("a~/b", f"{self.folder}/a~/b"),
        ):
            self.assertEqual(path, self.files.path(value))
        self.assertRaises(ValueError, self.files.path, "")

    def test_file(self) -> None:
        """
        A file to be read must exist, and be a file.
        """
        self.assertEqual(str(self.existing), self.files.file("file"))
        for value in ("none", "."):
            self.assertRaises(ValueError, self.files.file, value)

    def test_secret(self) -> None:
        """
        A secret may be among the credentials of a systemd unit.
        """
        self.assertEqual(str(self.existing), self.files.secret("file"))
        self.assertRaises(ValueError, self.files.secret, "%d/file")
        environ = {"CREDENTIALS_DIRECTORY": str(self.folder)}
        files = Files(environ, lambda: "/nonexistent")
        self.assertEqual(str(self.existing), files.secret("%d/file"))
        for value in "%d/none", "%d", "%d/", "%dx/file", "":
            self.assertRaises(ValueError, files.secret, value)

    def test_directory(self) -> None:
        """
        A directory to be read must exist, and be a directory.
        """
        self.assertEqual(str(self.folder), self.files.directory(str(self.folder)))
        self.assertEqual(f"{self.folder}/.", self.files.directory("."))
        for value in ("none", "file"):
            self.assertRaises(ValueError, self.files.directory, value)

    def test_home(self) -> None:
        """
        The user's own directory comes from HOME, if it is set.
        """
        self.assertEqual("/h", homeOf({"HOME": "/h"}))
        self.assertEqual(str(Path.home()), homeOf({"HOME": ""}))

    def test_noHome(self) -> None:
        """
        A user whom the system does not know, without HOME, has none: that is told
        where it matters, and only there.
        """
        self.patch(os.path, "expanduser", stranger)
        message = str(self.assertRaises(ValueError, homeOf, {}))
        self.assertRegex(message, "needs a home directory.* set HOME")
        files = configurations({})
        for needy in ("~/a", "a"):
            error = self.assertRaises(ValueError, files.path, needy)
            self.assertEqual(message, str(error))
        self.assertEqual("/a", files.path("/a"))
        self.assertEqual("/x/a", configurations({"XDG_CONFIG_HOME": "/x"}).path("a"))

    def test_base(self) -> None:
        """
        Base directories are those of the user's own, or where a variable says;
        relative ones are ignored.
        """
        for variables, base in (
            ({}, "/h/.config"),
            ({"XDG_CONFIG_HOME": ""}, "/h/.config"),
            ({"XDG_CONFIG_HOME": "here"}, "/h/.config"),
            ({"XDG_CONFIG_HOME": "/c"}, "/c"),
        ):
            files = configurations({"HOME": "/h", **variables})
            self.assertEqual(f"{base}/a", files.path("a"))
        self.assertEqual(
            "/h/.local/share/imapsync/a", databases({"HOME": "/h"}).path("a")
        )
        data = {"HOME": "/h", "XDG_DATA_HOME": "/d"}
        self.assertEqual("/d/imapsync/a", databases(data).path("a"))


def stranger(path: str) -> str:
    """
    What C{os.path.expanduser} does for somebody whom the system does not know.
    """
    return path
