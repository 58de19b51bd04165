"""
Two accounts on real servers, and imapsync between them.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from imapsync.test.integration.accounts import Account
from imapsync.test.integration.dovecot import (
    PASSWORD,
    Dovecot,
    freshUser,
    maildirServer,
    mdboxServer,
)

#: How long one run may take, in seconds.
PATIENCE = 120

_CHANGES = re.compile(
    r" > \S+ (SELECT|EXAMINE|UID STORE|UID EXPUNGE|APPEND|CREATE|(?:UN)?SUBSCRIBE)\b"
)


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
    def commands(self) -> list[str]:
        """
        The commands that select or change something, from a C{--debug} run.
        """
        return _CHANGES.findall(self.errors)


@dataclass
class Scene:
    """
    An account on each of two servers, and a configuration for both.

    @ivar options: more lines for each section of the configuration; a value
        of C{None} takes a line out.
    """

    localServer: Dovecot = field(default_factory=mdboxServer)
    remoteServer: Dovecot = field(default_factory=maildirServer)
    options: Mapping[str, Mapping[str, str | None]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.user = freshUser()
        self.directory = Path(tempfile.mkdtemp(prefix="imapsync-scene-"))
        self.database = self.directory / "state.db"
        self.file = self.directory / "config"
        self.local = self.account(self.localServer)
        self.remote = self.account(self.remoteServer)
        self.configure(self.options)

    def account(self, server: Dovecot) -> Account:
        """
        This scene's account on C{server}.
        """
        return server.account(self.user)

    def configure(self, options: Mapping[str, Mapping[str, str | None]]) -> None:
        """
        Write the configuration anew.
        """
        sections: dict[str, dict[str, str | None]] = {
            "": {"database": str(self.database), "list-select-opts": ""},
            "local": self._server(self.localServer),
            "remote": self._server(self.remoteServer),
        }
        lines = []
        for name, values in sections.items():
            lines += [f"[{name}]"] if name else []
            for key, value in {**values, **options.get(name, {})}.items():
                lines += [] if value is None else [f"{key} = {value}"]
        self.file.write_text("\n".join(lines) + "\n")
        self.file.chmod(0o600)

    def _server(self, server: Dovecot) -> dict[str, str | None]:
        return {
            "type": "imap",
            "host": server.host,
            "port": str(server.port),
            "STARTTLS": "NO",
            "username": self.user,
            "password": PASSWORD,
        }

    def sync(self, *arguments: str, environ: Mapping[str, str] | None = None) -> Run:
        """
        Run the command once.
        """
        done = subprocess.run(
            self.command(*arguments),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PATIENCE,
            cwd=self.directory,
            env={**os.environ, **(environ or {})},
        )
        return Run(
            done.returncode,
            done.stdout.decode("utf-8", "replace"),
            done.stderr.decode("utf-8", "replace"),
        )

    def command(self, *arguments: str) -> list[str]:
        """
        The command line of one run.
        """
        program = [sys.executable, "-m", "imapsync"]
        return [*program, "--oneshot", f"--config={self.file}", *arguments]

    def differences(self) -> list[str]:
        """
        In what the two accounts differ; nothing, if they are equal.
        """
        return self.local.snapshot().differences(self.remote.snapshot())
