"""
Tests for L{imapsync.cli.init}.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from imapsync.cli import given
from imapsync.cli.init import begin, make, target
from imapsync.cli.interview import Made
from imapsync.cli.options import CommandLine, parse
from imapsync.config.file import load
from imapsync.config.settings import Config
from imapsync.discovery.proposal import Proposal
from imapsync.errors import ConfigError, NotMade, UsageError
from imapsync.model import Side
from imapsync.test.fakes.persons import Accounts, Somebody


class InitCase(SynchronousTestCase):
    """
    Has a folder, and accounts.
    """

    def setUp(self) -> None:
        """
        Two of them.
        """
        self.folder = Path(self.mktemp()).absolute()
        self.path = self.folder / "config"
        self.environ = {"HOME": str(self.folder)}
        self.accounts = Accounts(me="secret", you="hush")

    def make(
        self, *words: str, person: Somebody | None = None
    ) -> Deferred[Mapping[Side, Made]]:
        """
        Make a configuration.
        """
        read = given.read(words)
        making = make(str(self.path), read, person, self.accounts, self.environ)
        return Deferred.fromCoroutine(making)

    def load(self) -> Config:
        """
        What was written.
        """
        return load(str(self.path), self.environ)


class MakeTests(InitCase):
    """
    Tests for L{make}.
    """

    def test_script(self) -> None:
        """
        What is given is found in the file, which is its owner's alone.
        """
        made = self.make(
            "local=me@mx.example:143",
            "local.password=secret",
            "remote=you@mx.example",
            "remote.host=imap.example",
            "remote.username=you",
            "remote.password-command=echo hush",
        )
        self.successResultOf(made)
        config = self.load()
        local, remote = (config.servers[side] for side in Side)
        self.assertEqual(
            ("imap", "mx.example", 143, "me", "secret"),
            (local.type, local.host, local.port, local.username, local.password),
        )
        self.assertEqual(
            ("imaps", "imap.example", 993),
            (remote.type, remote.host, remote.port),
        )
        self.assertEqual(
            ("you", "echo hush"), (remote.username, remote.passwordCommand)
        )
        self.assertEqual((), config.warnings)
        self.assertEqual([self.path], [*self.folder.iterdir()])

    def test_person(self) -> None:
        """
        Each side is asked about, and its password is in a file of its own, with the
        spaces that it has.
        """
        self.accounts.passwords["you"] = " hush "
        person = Somebody(
            ("local side", "me@mx.example:143"),
            ("Password of me", "secret"),
            ("kept", "f"),
            ("remote side", "you@mx.example:143"),
            ("Password of you", " hush "),
            ("kept", "f"),
        )
        self.successResultOf(self.make(person=person))
        files = {path.name: path.read_text() for path in self.folder.iterdir()}
        del files["config"]
        self.assertEqual(
            {"config.local.secret": "secret\n", "config.remote.secret": " hush \n"},
            files,
        )
        modes = {path.stat().st_mode & 0o777 for path in self.folder.iterdir()}
        self.assertEqual({0o600}, modes)
        config = self.load()
        self.assertEqual(
            [str(self.folder / f"config.{side}.secret") for side in Side],
            [config.servers[side].passwordFile for side in Side],
        )
        self.assertEqual((), config.warnings)

    def test_source(self) -> None:
        """
        The file says who told of a server.
        """
        self.accounts.found["example.org"] = [
            Proposal("mx.example", 993, "imaps", "me", "told by the provider", True)
        ]
        made = self.make(
            *("local=me@example.org", "local.password=secret"),
            *("remote.command=cat",),
        )
        self.successResultOf(made)
        said = "# mx.example, port 993, TLS: told by the provider.\n"
        self.assertIn(f"[local]\n{said}host = mx.example\n", self.path.read_text())

    def test_tokens(self) -> None:
        """
        A provider that is known to want tokens gets them, and no login is tried.
        """
        made = self.make(
            *("local=me@imap.gmail.com:993", "local.oauth2-client-id=us"),
            *("remote.command=cat",),
        )
        self.successResultOf(made)
        text = self.path.read_text()
        self.assertIn("oauth2 = google\noauth2-client-id = us\n", text)
        oauth2 = self.load().servers[Side.LOCAL].oauth2
        assert oauth2 is not None
        self.assertEqual(("google", "us"), (oauth2.provider, oauth2.clientId))
        self.assertEqual([{"type", "command"}], [{*one} for one in self.accounts.tried])

    def test_same(self) -> None:
        """
        Two sides that are one account are refused, and nothing is written.
        """
        side = "me@mx.example:143"
        made = self.make(
            *(f"local={side}", "local.password=secret"),
            *(f"remote={side}", "remote.password=secret"),
        )
        failure = self.failureResultOf(made, ConfigError)
        self.assertIn("leads to the same account", str(failure.value))
        self.assertFalse(self.folder.exists())

    def test_sameAgain(self) -> None:
        """
        A person may say something else.
        """
        person = Somebody(
            ("local side", "me@mx.example:143"),
            *(("Password", "secret"), ("kept", "f")),
            ("remote side", "me@mx.example:143"),
            *(("Password", "secret"), ("kept", "f")),
            ("remote side", "you@mx.example:143"),
            *(("Password", "hush"), ("kept", "f")),
        )
        self.successResultOf(self.make(person=person))
        self.assertIn("leads to the same account", "".join(person.told))
        self.assertEqual("you", self.load().servers[Side.REMOTE].username)

    def test_files(self) -> None:
        """
        Files that are named are looked for where a run will look for them.
        """
        self.folder.mkdir()
        (self.folder / "secret").write_text("secret")
        self.accounts.passwords["me"] = ""
        words = "local=me@mx.example:143", "remote.command=cat"
        failure = self.failureResultOf(self.make(*words, "local.password-file=none"))
        failure.trap(ConfigError)
        self.successResultOf(self.make(*words, "local.password-file=secret"))
        self.load()

    def test_unfit(self) -> None:
        """
        A value that cannot stand in a file is refused, and nothing is written.
        """
        self.accounts.passwords["me"] = "secret\nhost = evil"
        made = self.make(
            *("local=me@mx.example:143", "local.password=secret\nhost = evil"),
            *("remote.command=cat",),
        )
        self.failureResultOf(made, ConfigError)
        self.assertFalse(self.folder.exists())

    def test_meanwhile(self) -> None:
        """
        A file that somebody else has made meanwhile stays, and none of ours does.
        """
        self.folder.mkdir()
        self.path.write_text("mine")
        person = Somebody(("Password of me", "secret"), ("kept", "f"))
        made = self.make("local=me@mx.example:143", "remote.command=cat", person=person)
        self.failureResultOf(made, NotMade)
        self.assertEqual([self.path], [*self.folder.iterdir()])
        self.assertEqual("mine", self.path.read_text())


class TargetTests(InitCase):
    """
    Tests for L{target}.
    """

    def test_default(self) -> None:
        """
        The file is where the others look for it.
        """
        config = self.folder / ".config/imapsync"
        self.assertEqual(str(config / "config"), target((), self.environ))
        config.parent.mkdir(parents=True)
        config.touch()
        error = self.assertRaises(NotMade, target, (), self.environ)
        self.assertIn(str(config), str(error))

    def test_there(self) -> None:
        """
        What would be overwritten is found before there are questions.
        """
        self.folder.mkdir()
        path = str(self.path)
        self.assertEqual(path, target((path,), self.environ))
        for name in "config", "config.local.secret", "config.remote.secret":
            (self.folder / name).symlink_to("nowhere")
            error = self.assertRaises(NotMade, target, (path,), self.environ)
            self.assertIn(f"{self.folder / name}: is there already", str(error))
            (self.folder / name).unlink()


class BeginTests(InitCase):
    """
    Tests for L{begin}.
    """

    def begin(self, *words: str) -> str:
        """
        Why it does not even begin.
        """
        self.patch(sys, "stdin", io.StringIO())
        line = parse(["--init", f"--config={self.path}", *words])
        self.assertIsInstance(line, CommandLine)
        error = self.assertRaises(
            UsageError, begin, None, line, self.environ, lambda: None
        )
        self.assertFalse(os.path.lexists(self.path))
        return str(error)

    def test_nobody(self) -> None:
        """
        Without a terminal, what is missing is named.
        """
        told = self.begin()
        self.assertIn("give local=ADDRESS and remote=ADDRESS", told)
        self.assertIn("local.password-command=COMMAND", told)
        told = self.begin("local=me@example.org")
        self.assertIn("give remote=ADDRESS, and", told)

    def test_wrong(self) -> None:
        """
        Wrong words are told.
        """
        self.assertIn('not "INBOX"', self.begin("INBOX"))
