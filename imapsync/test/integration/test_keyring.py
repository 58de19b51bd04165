"""
A real keyring, but for where it keeps what is in it.
"""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

from twisted.internet import reactor
from twisted.trial.unittest import SkipTest, TestCase

from imapsync.errors import StateUnavailable
from imapsync.system.keyring import Keyring

#: It prints what is not asked for, and knows how it was called.
_BACKEND = """
import pathlib, sys
from keyring.backend import KeyringBackend
class Ring(KeyringBackend):
    priority = 1
    def get_password(self, service, user):
        print("Hello!")
        path = pathlib.Path({folder!r}, service, user)
        return path.read_text("utf-8") if path.exists() else None
    def set_password(self, service, user, password):
        if user == "stuck":
            raise RuntimeError("nobody unlocks it")
        path = pathlib.Path({folder!r}, service, user)
        path.parent.mkdir(exist_ok=True)
        path.write_text(password, "utf-8")
        path.with_name("called").write_text(repr(sys.argv))
"""

SECRET = "päss\nwörd"


def keyringIn(folder: Path) -> dict[str, str]:
    """
    A keyring whose entries are files in a folder.

    @return: the environment in which it is that of the system.
    """
    (folder / "backend.py").write_text(_BACKEND.format(folder=str(folder)))
    paths = [str(folder), os.environ.get("PYTHONPATH", "")]
    return {
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "PYTHON_KEYRING_BACKEND": "backend.Ring",
    }


class KeyringTests(TestCase):
    """
    Tests for L{Keyring}.
    """

    def setUp(self) -> None:
        if not find_spec("keyring"):
            raise SkipTest("the package keyring is not installed")
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()
        self.set("PYTHONPATH", keyringIn(self.folder)["PYTHONPATH"])
        self.keyring = Keyring(reactor)

    def set(self, name: str, value: str) -> None:
        """
        Set a variable of the environment.
        """
        before = os.environ.get(name)
        os.environ[name] = value
        if before is None:
            self.addCleanup(os.environ.pop, name)
        else:
            self.addCleanup(os.environ.__setitem__, name, before)

    async def test_kept(self) -> None:
        """
        What is kept is read as it was, and is nowhere to be seen meanwhile.
        """
        self.set("PYTHON_KEYRING_BACKEND", "backend.Ring")
        self.assertTrue(await self.keyring.isUsable())
        self.assertIsNone(await self.keyring.read("mail", "me"))
        await self.keyring.write("mail", "me", SECRET)
        self.assertEqual(SECRET, await self.keyring.read("mail", "me"))
        called = (self.folder / "mail" / "called").read_text()
        self.assertEqual(repr(["-c", "write", "mail", "me"]), called)

    async def test_ours(self) -> None:
        """
        The keyring of who runs the tests is left alone.
        """
        chosen = self.folder / "python_keyring"
        chosen.mkdir()
        (chosen / "keyringrc.cfg").write_text("[backend]\ndefault-keyring=backend.Ring")
        self.set("XDG_CONFIG_HOME", str(self.folder))
        self.assertFalse(await self.keyring.isUsable())

    async def test_refused(self) -> None:
        """
        One that refuses says why; one that there is but for want of another is none.
        """
        self.set("PYTHON_KEYRING_BACKEND", "backend.Ring")
        with self.assertRaises(StateUnavailable) as caught:
            await self.keyring.write("mail", "stuck", SECRET)
        self.assertIn("RuntimeError: nobody unlocks it", str(caught.exception))
        self.set("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
        self.assertFalse(await self.keyring.isUsable())
