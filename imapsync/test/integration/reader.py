"""
Pages of the documentation, carried out: their commands are run and their files are
written, by a user of their own, on two servers.

What a page does stands in it as a reader sees it:

 - C{code-block:: console}: behind each C{$} is a command, which must end well; what
   it is to print stands below, where digits stand for any digits, C{...} for
   anything, and lines may be left out;
 - C{code-block} of another kind, with a caption that is a file in the home directory:
   what is written to that file.

And as only its source has it, in comments:

 - C{.. mail: SIDE USER MAILBOX COUNT}: messages arrive, in a mailbox that is made;
 - C{.. common: USER USER MAILBOX COUNT}: the same on both sides;
 - C{.. flag:}, C{.. expunge: SIDE USER MAILBOX} and C{.. move: SIDE USER MAILBOX
   MAILBOX}: of one message, the first;
 - C{.. delete: SIDE USER MAILBOX};
 - C{.. holds: SIDE USER MAILBOX COUNT}: so many messages are there;
 - C{.. emptied: SIDE USER}: a server has lost all of an account;
 - C{.. equal: USER USER}: the accounts are equal now, or soon if it is live.

Users' names begin with C{me}.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import count, takewhile
from pathlib import Path
from typing import NamedTuple

from imapsync.test import children
from imapsync.test.integration.accounts import Account
from imapsync.test.integration.dovecot import Dovecot
from imapsync.test.integration.messages import mails
from imapsync.test.integration.scene import forked
from imapsync.test.integration.server import PASSWORD

#: What a reader has, and a test has not: each says nothing, and is content.
STAND_INS = ("systemctl", "loginctl", "crontab", "pip", "man", "python3")

_ANSWERS = re.compile(r"^(host|port) *=")


class Step(NamedTuple):
    """
    Something that a page does.

    @ivar kind: C{"console"}, C{"file"} or the word of a comment.
    @ivar text: the command, the content or the other words.
    @ivar more: the file's name, or what is to be printed.
    """

    kind: str
    text: str
    more: str = ""


def steps(page: str) -> Iterator[Step]:
    """
    What a page does, from first to last.
    """
    lines = page.split("\n")
    for at, line in enumerate(lines):
        if found := re.fullmatch(r"( *)\.\. code-block:: (\w+)", line):
            options, body = _block(lines[at + 1 :], " " * (len(found[1]) + 3))
            caption = re.search(r":caption: ~/(\S+)", options)
            if found[2] == "console":
                yield from _commands(body)
            elif caption:
                yield Step("file", body, caption[1])
        elif found := re.fullmatch(r" *\.\. (\w+): (.+)", line):
            yield Step(found[1], found[2])


def _block(lines: Sequence[str], indent: str) -> tuple[str, str]:
    """
    The options of a block, and what is in it.
    """
    inside = takewhile(lambda line: not line or line.startswith(indent), lines)
    options, _, body = "\n".join(x.removeprefix(indent) for x in inside).partition("\n")
    if options:
        options, _, body = f"{options}\n{body}".partition("\n\n")
    return options, body.strip("\n") + "\n"


def _commands(body: str) -> Iterator[Step]:
    for part in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]:
        command, _, shown = part.partition("\n")
        while shown.startswith("> "):
            line, _, shown = shown[2:].partition("\n")
            command += f"\n{line}"
        yield Step("console", command, shown)


class Reader:
    """
    Somebody who does what a page says.

    @ivar servers: by side.
    """

    def __init__(self, servers: Mapping[str, Dovecot]) -> None:
        self.servers = servers
        self.home = Path(tempfile.mkdtemp(prefix="imapsync-reader-"))
        self._live: children.Child | None = None
        self._seed = count(1)
        self._accounts: dict[tuple[str, str], Account] = {}
        self._equip()

    def does(self, step: Step) -> None:
        """
        Do it.

        @raise AssertionError: if that comes out otherwise than the page says.
        """
        getattr(self, f"_{step.kind}")(step)

    def close(self) -> None:
        """
        End what is running, and remove all that there is.
        """
        for account in self._accounts.values():
            account.close()
        for server in self.servers.values():
            # Other tests' users are called otherwise.
            for mail in server.directory.glob("mail/me*"):
                self._wipe(mail)
        shutil.rmtree(self.home)
        if self._live is not None:
            self._live.kill()
            children.finished(self._live)

    # What is seen

    def _console(self, step: Step) -> None:
        self._interrupt()
        if re.fullmatch(r"imapsync( --config=\S+)*", step.text):
            self._begin(step.text)
            return
        code, said = self._run(step.text)
        assert code == 0, f"{step.text}: {code}\n{said}"
        missing = lacking(said, step.more)
        assert not missing, f"{step.text} does not say {missing!r}:\n{said}"

    def _file(self, step: Step) -> None:
        path = self.home / step.more
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.write_text(self._led(step.text))
        path.chmod(0o600)

    # What is not

    def _mail(self, step: Step) -> None:
        side, user, mailbox, number = shlex.split(step.text)
        self._fill(self._account(side, user), mailbox, int(number), next(self._seed))

    def _common(self, step: Step) -> None:
        local, remote, mailbox, number = shlex.split(step.text)
        seed = next(self._seed)
        self._fill(self._account("local", local), mailbox, int(number), seed)
        self._fill(self._account("remote", remote), mailbox, int(number), seed)

    def _flag(self, step: Step) -> None:
        side, user, mailbox = shlex.split(step.text)
        account = self._account(side, user)
        flags = {uid: one.flags for uid, one in account.messages(mailbox).items()}
        unseen = [uid for uid in sorted(flags) if "\\seen" not in flags[uid]]
        account.store(mailbox, unseen[:1], "+FLAGS (\\Seen)")

    def _expunge(self, step: Step) -> None:
        side, user, mailbox = shlex.split(step.text)
        account = self._account(side, user)
        account.expunge(mailbox, account.uids(mailbox)[:1])

    def _delete(self, step: Step) -> None:
        side, user, mailbox = shlex.split(step.text)
        self._account(side, user).delete(mailbox)

    def _move(self, step: Step) -> None:
        side, user, mailbox, target = shlex.split(step.text)
        account = self._account(side, user)
        account.move(mailbox, account.uids(mailbox)[:1], target)

    def _emptied(self, step: Step) -> None:
        self._interrupt()
        side, user = shlex.split(step.text)
        self._account(side, user).close()
        del self._accounts[side, user]
        self._wipe(self.servers[side].directory / "mail" / user)

    def _holds(self, step: Step) -> None:
        side, user, mailbox, number = shlex.split(step.text)
        found = len(self._account(side, user).uids(mailbox))
        assert found == int(number), f"{found} messages in {mailbox}"

    def _equal(self, step: Step) -> None:
        local, remote = shlex.split(step.text)
        accounts = self._account("local", local), self._account("remote", remote)
        end = time.monotonic() + children.PATIENCE
        while True:
            one, other = (account.snapshot() for account in accounts)
            differences = one.differences(other)
            if not differences:
                return
            assert self._live is not None, "\n".join(differences)
            assert self._live.poll() is None, "it has ended"
            assert time.monotonic() < end, "\n".join(differences)

    # How

    def _wipe(self, mail: Path) -> None:
        for _ in range(100):  # a process of the server may still put things in order
            shutil.rmtree(mail, ignore_errors=True)

    def _run(self, command: str) -> tuple[int, str]:
        """
        Run a command to its end.

        @return: its exit code, and what it printed.
        """
        words = command.split()
        if words[0] == "imapsync" and not re.search(r"[^\w\s=/.@-]", command):
            run = forked(words[1:], self.home, self._environ())
            return run.code, run.output + run.errors
        done = children.done(
            ["bash", "-c", command],
            check=False,
            cwd=self.home,
            env=self._environ(),
            input=f"{PASSWORD}\n".encode(),
            stdout=children.PIPE,
            stderr=children.TOGETHER,
        )
        return done.returncode, done.stdout.decode("utf-8", "replace")

    def _equip(self) -> None:
        """
        Give them what the pages take for granted.
        """
        programs = self.home / "bin"
        programs.mkdir()
        doveadm = f"exec env CONFIG_FILE={{}}/base/config {shutil.which('doveadm')}"
        twistd = Path(sys.executable).with_name("twistd")
        local, remote = (
            doveadm.format(self.servers[side].directory) for side in ("local", "remote")
        )
        scripts = {
            "imapsync": f'exec {shlex.quote(sys.executable)} -m imapsync "$@"',
            "twistd": f'exec {shlex.quote(str(twistd))} "$@"',
            "pass": f"echo {PASSWORD}",
            "doveadm": f'{local} "$@" -u me',
            "ssh": f'shift 2; {remote} "$@" -u me',
            **dict.fromkeys(STAND_INS, "exit 0"),
        }
        for name, script in scripts.items():
            (programs / name).write_text(f"#!/bin/sh\n{script}\n")
            (programs / name).chmod(0o755)
        (self.home / "mailsync").mkdir()
        (self.home / "mailsync" / "bin").symlink_to(programs)
        (self.home / "authorities.pem").write_text(
            "".join(x.certificate.authority.read_text() for x in self.servers.values())
        )

    def _environ(self, **more: str) -> dict[str, str]:
        left = {n: v for n, v in os.environ.items() if not n.startswith("XDG_")}
        return {
            **left,
            "HOME": str(self.home),
            "PATH": f"{self.home}/bin:{os.environ['PATH']}",
            "PYTHONPATH": os.pathsep.join(sys.path),
            "SSL_CERT_FILE": str(self.home / "authorities.pem"),
            **more,
        }

    def _led(self, text: str) -> str:
        """
        A configuration that leads to our servers.
        """
        lines, side = [], ""
        for line in text.split("\n"):
            if line.startswith("["):
                side = line.strip("[]")
            elif side in self.servers and _ANSWERS.match(line):
                if line.startswith("host"):
                    server = self.servers[side]
                    lines += [f"host = {server.host}", f"port = {server.tlsPort}"]
                continue
            lines.append(line)
        return "\n".join(lines)

    def _begin(self, command: str) -> None:
        """
        Start it live, and wait until it is ready, as it tells systemd.
        """
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready:
            ready.settimeout(children.PATIENCE)
            ready.bind(str(self.home / "ready"))
            self._live = children.begun(
                ["bash", "-c", f"exec {command}"],
                cwd=self.home,
                env=self._environ(NOTIFY_SOCKET=str(self.home / "ready")),
                stdin=children.DEVNULL,
                stdout=children.PIPE,
                stderr=children.PIPE,
            )
            while b"READY=1" not in ready.recv(10_000):
                pass
        (self.home / "ready").unlink()

    def _interrupt(self) -> None:
        """
        Press Ctrl-C, if something is running.
        """
        if self._live is not None:
            self._live.send_signal(signal.SIGINT)
            _, said = children.finished(self._live)
            code, self._live = self._live.returncode, None
            assert code == 0, said.decode("utf-8", "replace")

    def _account(self, side: str, user: str) -> Account:
        if (side, user) not in self._accounts:
            self._accounts[side, user] = self.servers[side].account(user)
        return self._accounts[side, user]

    def _fill(self, account: Account, mailbox: str, number: int, seed: int) -> None:
        if mailbox != "INBOX" and mailbox not in account.snapshot().mailboxes:
            account.create(mailbox)
            account.subscribe(mailbox)
        account.fill(mailbox, mails(number, seed=seed))


def lacking(said: str, shown: str) -> str:
    """
    The first line that should have been said, but was not; or an empty one.
    """
    for line in filter(str.strip, shown.split("\n")):
        parts = [re.escape(part) for part in line.strip().split("...")]
        pattern = re.sub(r"\d+", r"\\d+", ".*".join(parts)).replace(r"\ ", " ")
        found = re.search(re.sub(" +", r"\\s+", pattern), said)
        if not found:
            return line
        said = said[found.end() :]
    return ""
