"""
Two accounts on real servers, and imapsync between them.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from itertools import chain
from multiprocessing import get_context
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import TypeVar

from twisted.trial.unittest import SkipTest, TestCase

from imapsync.__main__ import run
from imapsync.state.store import Store
from imapsync.test import children
from imapsync.test.integration.accounts import (
    Account,
    CommandFailed,
    Snapshot,
    expanded,
)
from imapsync.test.integration.dovecot import Dovecot, maildirServer, mdboxServer
from imapsync.test.integration.filtered import WAYS, compares, filtered
from imapsync.test.integration.presets import preset
from imapsync.test.integration.server import PASSWORD, Server, freshUser

#: Lines for the sections of a configuration; one with C{None} is left out.
Options = Mapping[str, Mapping[str, str | None]]

ServerT = TypeVar("ServerT", bound=Server)

#: The module as its user's command.
PROGRAM = (sys.executable, "-m", "imapsync")

_processes = get_context("forkserver")
_processes.set_forkserver_preload([__name__, "imapsync.service", "imapsync.tap"])

_CHANGES = re.compile(
    r" > \S+ (SELECT|EXAMINE|UID (?:STORE|EXPUNGE|MOVE|COPY)|APPEND|CREATE"
    r"|(?:UN)?SUBSCRIBE)\b"
)
_OURS = re.compile(r"Total: (\d+) copied, (\d+) moved, (\d+) duplicated")
_SENT = re.compile(r"debug: (local|remote) \(.*?\)(?: #\d+)? > \S+ (UID \w+|\w+)")


@dataclass(frozen=True)
class Run:
    """
    What became of one run of the command.
    """

    code: int
    output: str
    errors: str

    @property
    def lastLine(self) -> str:
        """
        The last line on standard error.
        """
        return self.errors.rstrip().rpartition("\n")[2]

    @property
    def tail(self) -> str:
        """
        The last lines on standard error, for the message of a failed test.
        """
        return "\n".join(["", *self.errors.splitlines()[-20:]])

    @property
    def complaints(self) -> list[str]:
        """
        The lines on standard error that say why the run ended.
        """
        return [x for x in self.errors.splitlines() if x.startswith("imapsync: ")]

    @property
    def commands(self) -> list[str]:
        """
        The commands that select or change something, from a C{--debug} run.
        """
        return _CHANGES.findall(self.errors)

    @property
    def changes(self) -> list[str]:
        """
        Those that change something.
        """
        return [name for name in self.commands if name not in ("SELECT", "EXAMINE")]

    @property
    def appended(self) -> int:
        """
        How many messages were copied, from a C{--debug} run; by a server alone,
        too.  Servers without UIDPLUS do not tell: then we do.
        """
        told = r"\[(?:APPENDUID \d+|COPYUID \d+ \S+) (\S+)\]"
        sets = re.findall(told, self.errors)
        ours = re.search(_OURS, self.errors)
        return max(
            len([*chain(*(expanded(text.encode()) for text in sets))]),
            sum(map(int, ours.groups())) if ours else 0,
        )

    def sentTo(self, side: str) -> Counter[str]:
        """
        How often each command went to C{side}, from a C{--debug} run.
        """
        sent = _SENT.findall(self.errors)
        return Counter(command for to, command in sent if to == side)


@dataclass
class Scene:
    """
    An account on each of two servers, and a configuration for both.

    @ivar options: more lines for each section of the configuration; a value
        of C{None} takes a line out.
    """

    localServer: Server = field(default_factory=mdboxServer)
    remoteServer: Server = field(default_factory=maildirServer)
    options: Options = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.user = freshUser()
        self.directory = Path(tempfile.mkdtemp(prefix="imapsync-scene-"))
        self.database = self.directory / "state.db"
        self.file = self.directory / "config"
        self.local = self.account(self.localServer)
        self.remote = self.account(self.remoteServer)
        self.configure(self.options)

    @property
    def accounts(self) -> tuple[Account, Account]:
        """
        Both sides.
        """
        return self.local, self.remote

    def excess(self, run: Run) -> list[str]:
        """
        The commands of a run that had nothing to do, but for those that it needs to
        find that out.
        """
        looks = compares(self.localServer) or compares(self.remoteServer)
        return run.changes if looks else run.commands

    def account(self, server: Server) -> Account:
        """
        This scene's account on C{server}.
        """
        return server.account(self.user)

    def copied(self, *servers: Server) -> Scene:
        """
        Another user's, with the same mail and files, in a tenth of the time that it
        takes to make them.

        @param servers: where its accounts are to be, if not on the same two.
        """
        old = (self.localServer, self.remoteServer)
        local, remote = new = servers or old
        other = Scene(local, remote, self.options)
        _copy(self.directory, other.directory)
        other.configure(other.options)
        for here, there in zip(old, new, strict=True):
            mail = here.directory / "mail" / self.user
            _copy(mail, there.directory / "mail" / other.user)
        if other.database.exists():
            # It is to know nothing of that they are others.
            with (
                closing(Store.open(str(other.database))) as state,
                state.transaction(),
            ):
                for side, owner in state.owners().items():
                    account = owner.account.replace(self.user, other.user)
                    state.noteOwner(side, owner._replace(account=account))
        return other

    def close(self) -> None:
        """
        Log out, and remove the files.
        """
        for account in self.accounts:
            with suppress(OSError, CommandFailed):
                account.close()
        shutil.rmtree(self.directory)

    def reconnect(self) -> None:
        """
        Log in again, after something was done to a server.
        """
        self.local = self.account(self.localServer)
        self.remote = self.account(self.remoteServer)

    def configure(self, options: Options) -> None:
        """
        Write the configuration anew.
        """
        sections: dict[str, dict[str, str | None]] = {
            "": {"database": str(self.database), "list-select-opts": ""},
            "local": self._server(self.localServer),
            "remote": self._server(self.remoteServer),
        }
        sections |= {name: {} for name in options if name not in sections}
        lines = []
        for name, values in sections.items():
            lines += [f"[{name}]"] if name else []
            for key, value in {**values, **options.get(name, {})}.items():
                lines += [] if value is None else [f"{key} = {value}"]
        self.file.write_text("\n".join(lines) + "\n")
        self.file.chmod(0o600)

    def _server(self, server: Server) -> dict[str, str | None]:
        return {
            "type": "imap",
            "host": server.host,
            "port": str(server.port),
            "STARTTLS": "NO",
            "username": server.username(self.user),
            "password": PASSWORD,
            "compress": "NO",  # what goes through a relay can be read
        }

    def tunnel(self, command: str) -> dict[str, str | None]:
        """
        The options of a side that is reached by C{command} instead.
        """
        left = ("host", "port", "STARTTLS", "username", "password")
        return {"type": "tunnel", "command": command, **dict.fromkeys(left)}

    def sync(self, *arguments: str) -> Run:
        """
        Run the command once.
        """
        return forked(self.command(*arguments)[len(PROGRAM) :], self.directory)

    def order(self, *arguments: str) -> Run:
        """
        Run the command once, not for a sync.
        """
        return forked([f"--config={self.file}", *arguments], self.directory)

    def start(
        self, command: Sequence[str], environ: Mapping[str, str] | None = None
    ) -> children.Child:
        """
        Start a command line, in this scene's directory.
        """
        return children.begun(
            command,
            stdin=children.DEVNULL,
            stdout=children.PIPE,
            stderr=children.PIPE,
            cwd=self.directory,
            env={**os.environ, **(environ or {})},
        )

    def command(self, *arguments: str) -> list[str]:
        """
        The command line of one run.
        """
        return [*PROGRAM, "--oneshot", f"--config={self.file}", *arguments]

    def snapshots(self) -> tuple[Snapshot, Snapshot]:
        """
        What both accounts hold now.
        """
        return self.local.snapshot(), self.remote.snapshot()

    def differences(self) -> list[str]:
        """
        In what the two accounts differ; nothing, if they are equal.
        """
        local, remote = self.snapshots()
        return local.differences(remote)

    def witness(self, server: Dovecot) -> Counter[tuple[str, ...]]:
        """
        What Dovecot's own tools say is in this scene's account on C{server}:
        mailbox, flags, date, size and text of each message, and how many
        messages each mailbox has.
        """
        settings, user = server.settings, self.user
        items = "mailbox flags date.received size.virtual text"
        told = server.doveadm("-f", "json", "fetch", "-u", user, items, "ALL")
        status = server.doveadm(
            "-f",
            "tab",
            "mailbox",
            "status",
            "-u",
            user,
            "messages",
            "INBOX",
            f"{settings.prefix}*",
        )

        def shared(name: str) -> str:
            return name.removeprefix(settings.prefix).replace(settings.separator, "/")

        facts: Counter[tuple[str, ...]] = Counter(
            (
                shared(message["mailbox"]),
                " ".join(sorted(set(message["flags"].lower().split()) - {"\\recent"})),
                message["date.received"],
                message["size.virtual"],
                hashlib.sha256(_octets(message["text"])).hexdigest(),
            )
            for message in json.loads(told, strict=False)
        )
        for line in status.splitlines()[1:]:
            name, messages = line.split("\t")
            facts[shared(name), messages] = 1
        return facts


def _copy(old: Path, new: Path) -> None:
    children.done(["cp", "-a", f"{old}/.", str(new)])


def _octets(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def finished(process: children.Child) -> Run:
    """
    Wait for the end of a run.
    """
    output, errors = children.finished(process)
    return Run(
        process.returncode,
        output.decode("utf-8", "replace"),
        errors.decode("utf-8", "replace"),
    )


def launched(
    arguments: Sequence[str],
    directory: Path,
    output: Path,
    errors: Path,
    environ: Mapping[str, str] | None = None,
) -> ForkServerProcess:
    """
    Start the command in C{directory}, in a process that was forked from one
    with all that it needs: that takes a tenth of the time that a new one
    would.

    @param output: gets what it prints, as C{errors} does.
    @param environ: its environment, if that is another one.
    """
    process = _processes.Process(
        target=_command, args=(arguments, directory, output, errors, environ)
    )
    children.launched(process)
    return process


def forked(
    arguments: Sequence[str],
    directory: Path,
    environ: Mapping[str, str] | None = None,
) -> Run:
    """
    Run the command in C{directory}, likewise, to its end.
    """
    with tempfile.TemporaryDirectory() as name:
        output, errors = Path(name, "output"), Path(name, "errors")
        process = launched(arguments, directory, output, errors, environ)
        return Run(
            children.joined(process),
            output.read_text("utf-8", "replace"),
            errors.read_text("utf-8", "replace"),
        )


def _command(
    arguments: Sequence[str],
    directory: Path,
    output: Path,
    errors: Path,
    environ: Mapping[str, str] | None,
) -> None:
    children.listening()
    if environ is not None:
        os.environ.clear()
        os.environ.update(environ)
    os.chdir(directory)
    for descriptor, path in (1, output), (2, errors):
        with path.open("wb") as file:
            os.dup2(file.fileno(), descriptor)
    sys.exit(run(arguments))


class SceneCase(TestCase):
    """
    A test on real servers.

    @cvar ways: what they are without: names of presets.
    """

    ways = WAYS

    def scene(
        self,
        localServer: Server | None = None,
        remoteServer: Server | None = None,
        options: Options | None = None,
    ) -> Scene:
        """
        Two empty accounts, until the test ends.
        """
        servers = (localServer or mdboxServer(), remoteServer or maildirServer())
        local, remote = map(filtered, servers, self.ways)
        scene = Scene(local, remote, options or {})
        self.addCleanup(scene.close)
        return scene

    def offers(self, word: str) -> bool:
        """
        Whether no server is to be without that.
        """
        return all(name == "QRESYNC" or preset(name).has(word) for name in self.ways)

    def needs(self, *words: str) -> None:
        """
        Be skipped where one is: there is nothing to be seen then.
        """
        for word in words:
            if not self.offers(word):
                raise SkipTest(f"there is no {word}")

    def server(self, server: ServerT) -> ServerT:
        """
        A server that this test has for itself.
        """
        self.addCleanup(server.close)
        return server

    def ends(self, scene: Scene, code: int, *arguments: str) -> Run:
        """
        Run the command once; it must end with C{code}.
        """
        run = scene.sync(*arguments)
        self.assertEqual(code, run.code, run.tail)
        self.assertNotIn("Traceback", run.errors)
        return run

    def syncs(self, scene: Scene, *arguments: str) -> Run:
        """
        Run the command once; then both sides must be equal, and another run
        must find nothing to do.
        """
        run = self.ends(scene, 0, *arguments)
        self.assertEqual([], scene.differences(), run.tail)
        self.isIdle(scene, *arguments)
        return run

    def isIdle(self, scene: Scene, *arguments: str, code: int = 0) -> None:
        """
        A run sends no change; it selects no mailbox either, unless that is the only
        way to learn that none has changed.
        """
        run = self.ends(scene, code, "--debug", *arguments)
        self.assertEqual([], scene.excess(run), run.tail)
        self.assertTrue(run.sentTo("local"), run.tail)

    def complains(self, run: Run, code: int, *words: str) -> None:
        """
        The run ended with C{code}, and with one line that has C{words} in it.
        """
        self.assertEqual(code, run.code, run.tail)
        self.assertEqual([run.lastLine], run.complaints, run.tail)
        self.assertNotIn("Traceback", run.errors)
        self.says(run.lastLine, *words)

    def says(self, text: str, *words: str) -> None:
        """
        All of C{words} are in C{text}.
        """
        for word in words:
            self.assertIn(word, text)

    def holds(self, account: Account, mailbox: str, bodies: Iterable[bytes]) -> None:
        """
        A mailbox has exactly these messages.
        """
        expected = Counter(hashlib.sha256(body).hexdigest() for body in bodies)
        found = Counter(each.digest for each in account.messages(mailbox).values())
        self.assertEqual(expected, found)
