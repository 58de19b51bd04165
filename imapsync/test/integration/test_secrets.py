"""
Where a password can come from, and where it must not be found.
"""

from __future__ import annotations

import os
import select
import shlex
import sys
from base64 import b64encode
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

from twisted.internet import reactor
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import SkipTest

from imapsync.test.children import PATIENCE
from imapsync.test.integration import proxy
from imapsync.test.integration.dovecot import mdboxServer
from imapsync.test.integration.messages import mails
from imapsync.test.integration.proxy import ProxyServer
from imapsync.test.integration.scene import PROGRAM, Run, SceneCase, finished
from imapsync.test.integration.server import PASSWORD

#: Tells of itself, of our process, and of what is between them: arguments and
#: environments.
_SPY = """
import os, pathlib
process, arguments = os.getpid(), b""
with open({told!r}, "ab") as file:
    while b"--oneshot" not in arguments:
        folder = pathlib.Path("/proc", str(process))
        arguments = (folder / "cmdline").read_bytes()
        file.write(arguments + (folder / "environ").read_bytes())
        process = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
"""

#: A keyring that is spied on.
_RING = """
from keyring.backend import KeyringBackend
class Ring(KeyringBackend):
    priority = 1
    def get_password(self, service, user):
        exec(open({spy!r}).read(), {{}})
        if user == "stuck":
            raise RuntimeError("nobody unlocks it")
        return {secret!r} if (service, user) == ("mail", "me") else None
    def set_password(self, service, user, password):
        raise NotImplementedError
"""


class SecretCase(SceneCase):
    """
    Gets passwords from everywhere.
    """

    def setUp(self) -> None:
        self.scenery = self.scene()
        folder = self.scenery.directory
        self.told = folder / "told"
        self.spy = folder / "spy"
        self.spy.write_text(_SPY.format(told=str(self.told)))
        (folder / "line").write_text(f"{PASSWORD}\n")
        (folder / "line").chmod(0o600)
        # What is in the directory of a run is not what is asked for by that name.
        (folder / "keyring.py").write_text("raise SystemExit(99)\n")
        self.rings = folder / "rings"
        self.rings.mkdir()
        ring = _RING.format(spy=str(self.spy), secret=PASSWORD)
        (self.rings / "spied.py").write_text(ring)

    def run_(self, *options: str) -> Run:
        """
        Run the command.
        """
        paths = [str(self.rings), os.environ.get("PYTHONPATH", "")]
        environ = {
            "PYTHONPATH": os.pathsep.join(filter(None, paths)),
            "PYTHON_KEYRING_BACKEND": "spied.Ring",
            "CREDENTIALS_DIRECTORY": str(self.scenery.directory),
        }
        command = [*PROGRAM, "--oneshot", f"--config={self.scenery.file}", *options]
        return finished(self.scenery.start(command, environ))


class FoundTests(SecretCase):
    """
    Where it must not be found.
    """

    async def test_nowhere(self) -> None:
        """
        Wherever a password comes from, it is in no argument and no environment of any
        process, in no log and not in the database; nor is that of a proxy.
        """
        if not Path("/proc/self/environ").exists():
            raise SkipTest("this system has no proc(5)")
        gate = ProxyServer(reactor, wantsLogin=True)
        self.addCleanup(gate.close)
        login = ":".join(quote(part, "") for part in (proxy.USER, proxy.PASSWORD))
        scene = self.scenery
        scene.local.fill("INBOX", mails(2))
        spy = shlex.join([sys.executable, str(self.spy)])
        sources: list[tuple[str, str]] = [
            ("password", PASSWORD),
            ("password-command", f"{spy}; cat {scene.directory}/line"),
            ("password-file", "%d/line"),
        ]
        if find_spec("keyring"):
            sources.append(("password", "keyring:mail/me"))
        tunnel = scene.tunnel(f"{spy}; exec {mdboxServer().tunnelCommand(scene.user)}")
        for option, value in sources:
            self.told.write_bytes(b"")
            remote = {
                "password": None,
                option: value,
                "proxy": f"socks5h://{login}@127.0.0.1:{gate.port}",
            }
            log = scene.directory / "log"
            scene.configure(
                {"": {"logfile": str(log)}, "local": tunnel, "remote": remote}
            )
            run: Run = await deferToThread(self.run_, "--debug")
            self.assertEqual(0, run.code, run.tail)
            self.assertTrue(b"--oneshot" in self.told.read_bytes())
            self.hidden(
                self.told.read_bytes(),
                run.errors.encode(),
                run.output.encode(),
                log.read_bytes(),
                *(path.read_bytes() for path in scene.directory.glob("state.db*")),
            )
        self.assertEqual([], scene.differences())
        self.assertIn("socks", {way for way, *_ in gate.asked})

    def hidden(self, *places: bytes) -> None:
        """
        No password is in any of these, as it is or encoded.
        """
        user = self.scenery.user
        for secret in PASSWORD, proxy.PASSWORD:
            for form in (
                secret.encode(),
                quote(secret, "").encode(),
                b64encode(secret.encode()),
                b64encode(f"\0{user}\0{secret}".encode()),
                b64encode(f"{proxy.USER}:{secret}".encode()),
            ):
                for place in places:
                    before, found, _ = place.partition(form)
                    self.assertFalse(found, before[-80:])


class CommandTests(SceneCase):
    """
    A command that tells a password.
    """

    def test_stubborn(self) -> None:
        """
        Who ends the program while it waits leaves nothing running, even if that does
        not heed TERM, or was started by another one.
        """
        scene = self.scene()
        told = scene.directory / "told"
        os.mkfifo(told)
        sleeper = f"trap '' TERM; exec >{told}; echo hi; sleep 600; sleep 600"
        command = f"sh -c {shlex.quote(sleeper)}; true"
        scene.configure({"remote": {"password": None, "password-command": command}})
        child = scene.start(scene.command())
        with told.open("rb", buffering=0) as stream:
            self.assertEqual(b"hi\n", stream.read(10))
            child.terminate()
            self.assertEqual(75, finished(child).code)
            # It ends when nobody is left who could write.
            self.assertTrue(select.select([stream], [], [], PATIENCE)[0])
            self.assertEqual(b"", stream.read(10))


class KeyringTests(SecretCase):
    """
    A real keyring, but for where it keeps what is in it.
    """

    def setUp(self) -> None:
        if not find_spec("keyring"):
            raise SkipTest("the package keyring is not installed")
        super().setUp()

    def asked(self, password: str) -> Run:
        """
        Run with this password.
        """
        self.scenery.configure({"remote": {"password": password}})
        return self.run_()

    def test_missing(self) -> None:
        """
        What is not in it is a matter of the configuration.
        """
        run = self.asked("keyring:")
        host, user = self.scenery.remoteServer.host, self.scenery.user
        self.complains(run, 78, f"keyring set {host} {user}")

    def test_locked(self) -> None:
        """
        A keyring that is not opened refuses the login.
        """
        run = self.asked("keyring:mail/stuck")
        self.complains(run, 77, "the keyring", "RuntimeError: nobody unlocks it")
