"""
A new user's way: two addresses, two commands, and both accounts are equal.
"""

from __future__ import annotations

import os
import select
import socket
import stat
import termios
import time
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

from twisted.trial.unittest import SkipTest

from imapsync.test import children
from imapsync.test.integration.dovecot import maildirServer, mdboxServer
from imapsync.test.integration.messages import mails
from imapsync.test.integration.scene import PROGRAM, Run, Scene, SceneCase, finished
from imapsync.test.integration.server import PASSWORD
from imapsync.test.integration.test_keyring import keyringIn


class Typist:
    """
    Somebody at a terminal of their own.

    @ivar shown: what the terminal has shown.
    """

    def __init__(
        self, command: Sequence[str], scene: Scene, more: Mapping[str, str]
    ) -> None:
        self._terminal, its = os.openpty()
        self.shown = ""
        self._read = 0

        # Whose session it is can be asked on it without what is typed being shown.
        self.process = children.begun(
            ["setsid", "--ctty", *command],
            stdin=its,
            stdout=its,
            stderr=its,
            cwd=scene.directory,
            env={**environ(scene), **more},
        )
        os.close(its)

    def answers(self, question: str, answer: str) -> None:
        """
        Wait for a question, and answer it.
        """
        self.sees(question)
        os.write(self._terminal, f"{answer}\n".encode())

    def sees(self, text: str) -> None:
        """
        Wait until this is shown, behind what was waited for before.
        """
        end = time.monotonic() + children.PATIENCE
        while text not in self.shown[self._read :]:
            left = end - time.monotonic()
            if left < 0 or not self._more(left):
                raise AssertionError(f"{text!r} was not shown: {self.shown}")
        self._read = self.shown.index(text, self._read) + len(text)

    def leaves(self) -> int:
        """
        See all that is shown until the program ends.

        @return: its exit code.
        """
        while self._more(children.PATIENCE):
            pass
        return children.ended(self.process)

    def close(self) -> None:
        """
        Close the terminal, if it is open.
        """
        if self._terminal >= 0:
            self.hangsUp()

    def hangsUp(self) -> int:
        """
        Close the terminal.

        @return: the exit code of the program.
        """
        os.close(self._terminal)
        self._terminal = -1
        return children.ended(self.process)

    def interrupt(self) -> None:
        """
        Press Ctrl-C.
        """
        os.write(self._terminal, b"\x03")

    def isShown(self) -> bool:
        """
        Whether what is typed is shown.
        """
        flags: int = termios.tcgetattr(self._terminal)[3]
        return bool(flags & termios.ECHO)

    def _more(self, patience: float) -> bool:
        if not select.select([self._terminal], [], [], patience)[0]:
            return False
        try:
            octets = os.read(self._terminal, 10_000)
        except OSError:  # nobody has it open any more
            return False
        self.shown += octets.decode("utf-8", "replace")
        return bool(octets)


def environ(scene: Scene) -> dict[str, str]:
    """
    That of a user whose system trusts both servers.
    """
    return {
        **os.environ,
        "HOME": str(scene.directory),
        "XDG_CONFIG_HOME": "",
        "XDG_DATA_HOME": "",
        "SSL_CERT_FILE": str(scene.directory / "authorities.pem"),
    }


class InitTests(SceneCase):
    """
    C{--init}, and then C{--oneshot}.
    """

    def filled(self) -> Scene:
        """
        Two accounts that differ, and nothing that leads to them.
        """
        scene = self.scene()
        scene.file.unlink()
        scene.local.fill("INBOX", mails(3))
        scene.remote.fill("INBOX", mails(2, seed=2))
        authorities = "".join(
            server.certificate.authority.read_text()
            for server in (mdboxServer(), maildirServer())
        )
        (scene.directory / "authorities.pem").write_text(authorities)
        return scene

    def addresses(self, scene: Scene) -> Sequence[str]:
        """
        The two accounts.
        """
        return [
            f"{scene.user}@localhost:{server.tlsPort}"
            for server in (mdboxServer(), maildirServer())
        ]

    def runs(self, scene: Scene, *words: str) -> Run:
        """
        Run the program with these words only, without a terminal.
        """
        return finished(scene.start([*PROGRAM, *words], environ(scene)))

    def modes(self, folder: Path) -> dict[str, int]:
        """
        The files in a folder, and who may do what with them.
        """
        return {
            path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()
        }

    def typist(self, scene: Scene, *words: str, **more: str) -> Typist:
        """
        Somebody who starts the program with these words, and this environment.
        """
        typist = Typist([*PROGRAM, *words], scene, more)
        self.addCleanup(typist.close)
        return typist

    def test_person(self) -> None:
        """
        An address and a password for each side, and the next command makes both
        sides equal.  No password is shown.
        """
        scene = self.filled()
        typist = self.typist(scene, "--init")
        for side, where in zip(("local", "remote"), self.addresses(scene), strict=True):
            typist.answers(f"The {side} side", where)
            typist.answers("Password of", f"wrong-{PASSWORD}")
            typist.sees("Authentication failed")
            typist.answers("Choose:", "t")
            typist.answers("User name", "")
            typist.answers("Password of", PASSWORD)
            typist.sees(f"Logged in as {scene.user}")
            typist.answers("Choose:", "")
        self.assertEqual(0, typist.leaves(), typist.shown)
        self.says(typist.shown, "Next:", "imapsync --oneshot")
        self.assertEqual(4, typist.shown.count("(not shown): \r\n"))
        folder = scene.directory / ".config/imapsync"
        secrets = {f"config.{side}.secret": 0o600 for side in ("local", "remote")}
        self.assertEqual({"config": 0o600, **secrets}, self.modes(folder))
        run = self.runs(scene, "--oneshot")
        self.assertEqual(0, run.code, run.tail)
        self.assertNotIn("warn", run.errors)
        self.assertEqual([], scene.differences())
        before = {path: path.read_bytes() for path in folder.iterdir()}
        self.complains(self.runs(scene, "--init"), 73, f"{folder}/config")
        after = {path: path.read_bytes() for path in folder.iterdir()}
        self.assertEqual(before, after)

    def test_keyring(self) -> None:
        """
        A password that was typed may be kept in a keyring; runs find it there.
        """
        if not find_spec("keyring"):
            raise SkipTest("the package keyring is not installed")
        scene = self.filled()
        ring = keyringIn(scene.directory)
        local, remote = self.addresses(scene)
        words = [f"local={local}", f"local.password={PASSWORD}", f"remote={remote}"]
        typist = self.typist(scene, "--init", *words, **ring)
        typist.answers("Password of", PASSWORD)
        typist.answers("Choose:", "k")
        self.assertEqual(0, typist.leaves(), typist.shown)
        self.assertEqual(
            PASSWORD, (scene.directory / "localhost" / scene.user).read_text()
        )
        folder = scene.directory / ".config/imapsync"
        self.assertEqual({"config": 0o600}, self.modes(folder))
        run = finished(scene.start([*PROGRAM, "--oneshot"], {**environ(scene), **ring}))
        self.assertEqual(0, run.code, run.tail)
        self.assertEqual([], scene.differences())

    def test_script(self) -> None:
        """
        Words take the place of questions.
        """
        scene = self.filled()
        local, remote = self.addresses(scene)
        words = [
            *("--init", f"--config={scene.directory}/new/file"),
            *(f"local={local}", f"local.password={PASSWORD}"),
            *(f"remote={remote}", f"remote.password-command=echo {PASSWORD}"),
        ]
        run = self.runs(scene, *words)
        self.assertEqual((0, ""), (run.code, run.errors))
        self.says(run.output, "imapsync --oneshot --config=")
        self.assertNotIn(PASSWORD, run.output)
        self.assertEqual({"file": 0o600}, self.modes(scene.directory / "new"))
        run = self.runs(scene, "--oneshot", f"--config={scene.directory}/new/file")
        self.assertEqual(0, run.code, run.tail)
        self.assertEqual([], scene.differences())

    def test_refused(self) -> None:
        """
        What does not serve ends a script as it would end a run, and writes nothing.
        """
        scene = self.filled()
        local, remote = self.addresses(scene)
        (scene.directory / "authorities.pem").write_bytes(
            mdboxServer().certificate.authority.read_bytes()
        )
        proof = [f"{side}.password={PASSWORD}" for side in ("local", "remote")]
        command = ["--init", f"--config={scene.directory}/new/file"]
        words = [f"local={local}", f"remote={remote}"]
        run = self.runs(scene, *command, *words, *proof)
        self.complains(run, 77, "certificate")
        run = self.runs(scene, *command, *words, proof[1], "local.password=wrong")
        self.complains(run, 77, "username and password")
        run = self.runs(scene, *command, *words)
        self.complains(run, 64, "local.password-command=COMMAND")
        run = self.runs(scene, *command, *words, *proof, "local.port=x")
        self.complains(run, 78, "port in [local]")
        self.assertFalse((scene.directory / "new").exists())

    def test_interrupted(self) -> None:
        """
        Ctrl-C ends a question at once, and leaves nothing behind.
        """
        scene = self.filled()
        typist = self.typist(scene, "--init")
        typist.answers("The local side", self.addresses(scene)[0])
        typist.sees("Password of")
        self.assertFalse(typist.isShown())
        typist.interrupt()
        self.assertEqual(75, typist.leaves(), typist.shown)
        self.assertTrue(typist.isShown())
        self.says(typist.shown, "imapsync: interrupted")
        self.assertFalse((scene.directory / ".config").exists())

    def test_closed(self) -> None:
        """
        So does who closes the terminal.
        """
        scene = self.filled()
        typist = self.typist(scene, "--init")
        typist.answers("The local side", self.addresses(scene)[0])
        typist.sees("Password of")
        # It hears of that as a signal, and as an end of what is typed.
        self.assertIn(typist.hangsUp(), (64, 75))
        self.assertFalse((scene.directory / ".config").exists())

    def test_interruptedLater(self) -> None:
        """
        So it does while a server is waited for.
        """
        scene = self.filled()
        silent = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(silent.close)
        silent.settimeout(children.PATIENCE)
        typist = self.typist(scene, "--init")
        typist.answers("The local side", f"me@127.0.0.1:{silent.getsockname()[1]}")
        typist.answers("Password of", PASSWORD)
        connection, _ = silent.accept()
        self.addCleanup(connection.close)
        typist.interrupt()
        self.assertEqual(75, typist.leaves(), typist.shown)
        self.says(typist.shown, "imapsync: interrupted")
        self.assertFalse((scene.directory / ".config").exists())
