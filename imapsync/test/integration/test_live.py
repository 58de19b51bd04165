"""
Live mode: both sides change, and servers and connections come and go.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SkipTest

import imapsync
from imapsync.config import ini
from imapsync.config.settings import GRAMMAR
from imapsync.model import Side
from imapsync.test import children
from imapsync.test.integration.accounts import Account
from imapsync.test.integration.alive import Alive
from imapsync.test.integration.cyrus import dottedCyrus
from imapsync.test.integration.dovecot import (
    REQUIRED,
    Dovecot,
    Settings,
    poorServer,
)
from imapsync.test.integration.filtered import filtered
from imapsync.test.integration.messages import mails
from imapsync.test.integration.relay import Relay
from imapsync.test.integration.scene import PROGRAM, Scene, SceneCase
from imapsync.test.integration.server import PASSWORD

#: There in a source tree only.
EXAMPLES = Path(imapsync.__file__).parents[1] / "doc" / "examples"

Environ = Mapping[str, str] | None


class LiveCase(SceneCase):
    """
    Services that live until the test ends.
    """

    def live(self, scene: Scene, watch: float = 60) -> Alive:
        """
        Start one, which asks all the time where nothing is told.
        """
        if not self.offers("IDLE"):
            watch = 0.2
        alive = Alive(scene, reactor, watch)
        self.addCleanup(alive.stop)
        return alive

    async def started(self, scene: Scene, watch: float = 60) -> Alive:
        """
        Start one, and wait until it rests.
        """
        alive = self.live(scene, watch)
        await alive.equal()
        return alive

    async def follows(self, scene: Scene, alive: Alive) -> None:
        """
        Whatever changes on one side goes over to the other.
        """
        for here in scene.accounts:
            name = f"Of {here is scene.local}"
            here.append("INBOX", b"Subject: new\r\n\r\nnew\r\n", ["\\Flagged"])
            await alive.equal()
            uids = here.uids("INBOX")
            here.store("INBOX", uids[-1:], "+FLAGS (\\Seen $Mine)")
            here.expunge("INBOX", uids[:1])
            await alive.equal()
            here.create(name)
            await alive.equal()
            here.append(name, b"Subject: in it\r\n\r\nnew\r\n")
            here.subscribe(name)
            await alive.equal()
            here.unsubscribe(name)
            here.move("INBOX", here.uids("INBOX")[:2], name)
            await alive.equal()
            here.rename(name, f"{name} now")
            await alive.equal()
            here.delete(f"{name} now")
            await alive.equal()


class PushTests(LiveCase):
    """
    Servers that push.
    """

    async def test_follows(self) -> None:
        """
        Messages, flags, expunges, moves, mailboxes, their names and subscriptions
        go over both ways; and none comes back.
        """
        self.needs("NOTIFY")
        scene = self.scene()
        scene.local.fill("INBOX", mails(10))
        alive = await self.started(scene)
        await self.follows(scene, alive)
        self.assertEqual(0, (await alive.stop()).code)
        self.isIdle(scene)
        self.assertEqual(2, alive.sent("NOTIFY"))

    async def test_meanwhile(self) -> None:
        """
        What others change at any moment of a sync is not missed.
        """
        self.needs("NOTIFY")
        scene = self.scene()
        scene.local.fill("INBOX", mails(10))
        scene.local.create("Other")
        scene.local.fill("Other", mails(5, seed=2))
        alive = await self.started(scene)
        moments = [
            r"local \(.*> \S+ LIST",
            r"remote \(.*< \S+ OK List",
            r"local \(.*> \S+ SELECT",
            r"local \(.*< \S+ OK \[READ-WRITE\]",
            r"local \(.*> \S+ UID FETCH",
            r"remote \(.*< \S+ OK \[APPENDUID",
            r"local \(.*> \S+ UNSELECT",
            r"remote \(.*< \S+ OK Unselect",
        ]
        for number, moment in enumerate(moments * 2):
            account = scene.accounts[number // len(moments)]
            mailbox = ("Other", "INBOX")[number % 2]
            alive.at(moment, partial(self.change, account, mailbox, number))
            scene.local.append("INBOX", f"Subject: {number}\r\n\r\nx\r\n".encode())
            await alive.acted()
            await alive.equal()

    def change(self, account: Account, mailbox: str, number: int) -> None:
        """
        Change all that can be changed in a mailbox.
        """
        account.append(mailbox, f"Subject: late {number}\r\n\r\nx\r\n".encode())
        first, second, *_ = account.uids(mailbox)
        account.store(mailbox, [second], f"+FLAGS (late{number})")
        account.expunge(mailbox, [first])


class PoorTests(LiveCase):
    """
    Servers that push little or nothing.
    """

    async def test_idle(self) -> None:
        """
        One that has IDLE tells of INBOX at once, and is asked for the rest.
        """
        self.needs("IDLE")
        server = self.server(Dovecot(Settings(capability=f"{REQUIRED} IDLE")))
        scene = self.scene(remoteServer=server)
        scene.local.fill("INBOX", mails(10))
        alive = await self.started(scene, watch=10_000)
        scene.remote.append("INBOX", b"Subject: new\r\n\r\nnew\r\n")
        await alive.equal()
        scene.local.expunge("INBOX", scene.local.uids("INBOX")[:1])
        await alive.equal()
        await alive.stop()
        alive = await self.started(scene, watch=0.2)
        await self.follows(scene, alive)

    async def test_several(self) -> None:
        """
        One that has IDLE, and no mod-sequences, tells of several mailboxes at once,
        where there may be several connections.
        """
        server = self.server(filtered(Dovecot(Settings()), "COMPARING"))
        scene = self.scene(remoteServer=server)
        scene.configure({"": {"connections": "2"}})
        for name in ("INBOX", "Work"):
            if name != "INBOX":
                scene.remote.create(name)
            scene.remote.fill(name, mails(3))
        alive = self.live(scene, watch=10_000)
        attended: Deferred[None] = Deferred()
        alive.at(r"#2 < \+ idling", lambda: attended.callback(None))
        await attended
        for name in ("INBOX", "Work"):
            scene.remote.append(name, b"Subject: new\r\n\r\nnew\r\n")
            await alive.equal()
            scene.remote.store(name, scene.remote.uids(name)[:1], "+FLAGS (\\Flagged)")
            await alive.equal()
            scene.remote.expunge(name, scene.remote.uids(name)[:1])
            await alive.equal()
        self.assertEqual(0, (await alive.stop()).code)
        self.isIdle(scene)

    async def test_poll(self) -> None:
        """
        One that has not even that is asked for all.
        """
        scene = self.scene(remoteServer=poorServer())
        alive = await self.started(scene, watch=0.2)
        scene.local.fill("INBOX", mails(10))
        await alive.equal()
        await self.follows(scene, alive)


class ComparingTests(LiveCase):
    """
    Servers that tell of no change.
    """

    ways = ("BARE", "COMPARING")

    async def test_atThatMoment(self) -> None:
        """
        What changes while it is asked for, just before the server tells or just
        after, is seen the next time.
        """
        scene = self.scene()
        for seed, name in enumerate(("INBOX", "Other")):
            if name != "INBOX":
                scene.local.create(name)
            scene.local.fill(name, mails(12, seed=seed))
        alive = await self.started(scene, watch=0.2)
        moments = [
            r"> \S+ LIST",
            *(r"> \S+ EXAMINE \S*Other", r"> \S+ UID FETCH", r"< \S+ OK Fetch"),
        ]
        for number, (moment, (side, here)) in enumerate(
            product(moments, zip(Side, scene.accounts, strict=True))
        ):
            mailbox = ("INBOX", "Other")[number % 2]
            here.append("INBOX", f"Subject: {number}\r\n\r\nx\r\n".encode())

            def change(here: Account = here, mailbox: str = mailbox) -> None:
                uids = here.uids(mailbox)
                here.store(mailbox, [uids[1], uids[-1]], "+FLAGS (\\Flagged)")
                here.store(mailbox, [uids[2]], "-FLAGS (\\Seen)")
                here.expunge(mailbox, uids[:1])

            alive.at(rf"^{side} .* {moment}", change)
            await alive.acted()
            await alive.equal()
        self.assertEqual(0, (await alive.stop()).code)
        self.isIdle(scene)


class CyrusTests(LiveCase):
    """
    Cyrus has IDLE and no NOTIFY.
    """

    async def test_follows(self) -> None:
        """
        It tells of INBOX at once, and is asked for the rest.
        """
        self.needs("IDLE")
        scene = self.scene(remoteServer=dottedCyrus())
        for number in range(10):  # without 8-bit headers, which Cyrus changes
            scene.local.append("INBOX", f"Subject: {number}\r\n\r\nx\r\n".encode())
        alive = await self.started(scene, watch=10_000)
        scene.remote.append("INBOX", b"Subject: new\r\n\r\nnew\r\n")
        await alive.equal()
        await alive.stop()
        alive = await self.started(scene, watch=0.2)
        await self.follows(scene, alive)


class LossTests(LiveCase):
    """
    What is lost comes back.
    """

    async def test_restart(self) -> None:
        """
        A server is stopped and starts again, later; what happened meanwhile is
        found.
        """
        server = self.server(Dovecot(Settings()))
        scene = self.scene(remoteServer=server)
        scene.local.fill("INBOX", mails(10))
        alive = await self.started(scene)
        server.kill()
        await alive.until(lambda: alive.state == "backing off")
        scene.local.append("INBOX", b"Subject: meanwhile\r\n\r\nx\r\n")
        scene.local.expunge("INBOX", scene.local.uids("INBOX")[:1])
        server.restart()
        scene.reconnect()
        await alive.equal()

    async def test_cut(self) -> None:
        """
        Connections are cut, in the midst of a sync too.
        """
        self.needs("UIDPLUS")
        scene = self.scene()
        relay = Relay(reactor, scene.remoteServer)
        self.addCleanup(relay.close)
        scene.configure({"remote": {"port": str(relay.port)}})
        scene.local.fill("INBOX", mails(10))
        alive = await self.started(scene)
        for moment in ("> .* LIST", "> .* SELECT", "APPENDUID", "> .* UNSELECT"):
            alive.at(rf"remote \(.*{moment}", relay.cut)
            scene.local.append("INBOX", f"Subject: {moment}\r\n\r\nx\r\n".encode())
            await alive.acted()
            await alive.equal()
        self.assertEqual(14, len(scene.remote.uids("INBOX")))


class DeniedTests(LiveCase):
    """
    A login that has worked before, and does not.
    """

    async def test_locked(self) -> None:
        """
        A password manager that is locked when a connection is made again is waited
        for.
        """
        server = self.server(Dovecot(Settings()))
        scene = self.scene(remoteServer=server)
        secret = scene.directory / "secret"
        secret.write_text(f"{PASSWORD}\n")
        command = {"password": None, "password-command": f"cat {secret}"}
        scene.configure({"remote": command})
        scene.local.fill("INBOX", mails(3))
        alive = await self.started(scene)
        unlocked = secret.rename(scene.directory / "unlocked")
        server.kill()
        server.restart()
        await alive.until(lambda: "password-command" in alive.service.status.error)
        await alive.until(lambda: alive.state == "backing off")
        scene.reconnect()
        scene.remote.append("INBOX", b"Subject: meanwhile\r\n\r\nx\r\n")
        unlocked.rename(secret)
        await alive.service.syncNow()
        await alive.equal()
        self.assertEqual(4, len(scene.local.uids("INBOX")))
        self.assertEqual(0, (await alive.stop()).code)


class BrakeTests(LiveCase):
    """
    An account that is emptied bit by bit.
    """

    async def test_emptied(self) -> None:
        """
        That ends it before more than half of the other one is removed.
        """
        scene = self.scene()
        scene.local.fill("INBOX", mails(200, size=100))
        alive = await self.started(scene)
        ended = alive.service.whenFinished()
        for _ in range(9):
            left = scene.local.uids("INBOX")
            scene.local.expunge("INBOX", left[: int(len(left) * 0.45)])
            await alive.until(
                lambda: (
                    alive.state == "stopped"
                    or (alive.state == "waiting" and not scene.differences())
                )
            )
            if alive.state == "stopped":
                break
        outcome = await ended
        self.assertEqual(1, outcome.code)
        self.says(outcome.text, " of 200 known messages", "--allow-mass-delete")
        self.assertEqual(110, len(scene.remote.uids("INBOX")))


class TriangleTests(LiveCase):
    """
    Three accounts, each kept equal to both others.
    """

    async def test_rest(self) -> None:
        """
        It comes to rest: what one service does is news to another, but not
        for ever.  (Two of them may carry the same message to the third.)
        """
        corners = [self.scene() for _ in range(3)]
        for scene, following in zip(corners, [*corners[1:], corners[0]], strict=True):
            scene.remoteServer, scene.remote = following.localServer, following.local
            user = following.user
            scene.configure({"remote": {"username": user, **address(following)}})
        sides = [Alive(scene, reactor) for scene in corners]
        for side in sides:
            self.addCleanup(side.stop)
        corners[0].local.append("INBOX", b"Subject: one\r\n\r\nx\r\n")
        for side in sides:
            await side.equal()
        corners[1].local.append("INBOX", b"Subject: two\r\n\r\nx\r\n")
        corners[2].local.store("INBOX", [1], "+FLAGS (Red)")
        for side in sides * 2:
            await side.equal()
        for side in sides:
            # It would not fire while one echoes the other.
            await side.service.syncNow()
            self.assertEqual("waiting", side.state)
            self.assertLess(side.sent("LIST"), 60)


class Process:
    """
    The command, live.
    """

    def __init__(
        self,
        scene: Scene,
        *arguments: str,
        environ: Environ = None,
        command: Sequence[str] = (),
    ) -> None:
        ours = [*PROGRAM, f"--config={scene.file}", "--debug", *arguments]
        self._process = scene.start(command or ours, environ)
        output, errors = self._process.stdout, self._process.stderr
        assert output is not None
        assert errors is not None
        self._streams = output, errors
        for stream in self._streams:
            os.set_blocking(stream.fileno(), False)
        self._rest = b""
        self.lines: list[str] = []

    def says(self, words: str, output: bool = False, ever: bool = False) -> str:
        """
        Wait until it does.

        @param output: on standard output, not on standard error.
        @param ever: unless it already did.
        @return: the line.
        """
        stream = self._streams[0 if output else 1]
        seen = 0 if ever else len(self.lines)
        while not (found := [line for line in self.lines[seen:] if words in line]):
            ready, _, _ = select.select([stream], [], [], children.PATIENCE)
            data = stream.read() if ready else b""
            if not data:
                raise AssertionError(f"never said {words!r}: {self.lines[-20:]}")
            *lines, self._rest = (self._rest + data).split(b"\n")
            self.lines += [line.decode() for line in lines]
        return found[0]

    def waits(self) -> None:
        """
        Wait until it rests.
        """
        self.says("-> waiting")

    def equal(self, scene: Scene) -> None:
        """
        Wait until both sides are, and it rests: what happens from then on is
        news.
        """
        while scene.differences() or not self._rests():
            self.says("")

    def _rests(self) -> bool:
        states = [line for line in self.lines if ": Live: " in line]
        return states[-1].endswith("-> waiting")

    def send(self, number: int) -> None:
        """
        Send it a signal.
        """
        self._process.send_signal(number)

    def end(self, number: int = signal.SIGTERM) -> int:
        """
        End it.

        @return: its exit code.
        """
        if self._process.poll() is None:
            self._process.send_signal(number)
        try:
            return children.ended(self._process)
        finally:
            for stream in self._streams:
                stream.close()


class ProcessTests(SceneCase):
    """
    The command without C{--oneshot}.
    """

    def started(self, scene: Scene, *arguments: str, **environ: str) -> Process:
        """
        Start it; it comes to rest.
        """
        process = Process(scene, *arguments, environ=environ)
        self.addCleanup(process.end)
        process.waits()
        return process

    def test_end(self) -> None:
        """
        SIGTERM and SIGINT end it with 0; what changed after that is synced by
        the next one, also if it was killed.
        """
        scene = self.scene()
        for number, code in (
            (signal.SIGTERM, 0),
            (signal.SIGINT, 0),
            (signal.SIGKILL, -9),
        ):
            process = self.started(scene)
            self.assertEqual([], scene.differences())
            self.assertEqual(code, process.end(number), process.lines[-5:])
            scene.local.append("INBOX", f"Subject: {code}\r\n\r\nx\r\n".encode())
        self.syncs(scene)

    def test_stopped(self) -> None:
        """
        When it, or a server, is stopped for a while (SIGSTOP) and goes on, what
        changed meanwhile goes over.
        """
        server = self.server(Dovecot(Settings()))
        scene = self.scene(remoteServer=server)
        scene.local.fill("INBOX", mails(10))
        process = self.started(scene)
        for send, changed in (
            (process.send, scene.accounts),
            (server.signal, [scene.local]),
        ):
            send(signal.SIGSTOP)
            for number, account in enumerate(changed):
                account.append("INBOX", f"Subject: {number}\r\n\r\n".encode())
                account.expunge("INBOX", account.uids("INBOX")[:1])
            if changed != scene.accounts:
                process.says("news -> syncing")
            send(signal.SIGCONT)
            process.equal(scene)
        self.assertEqual(11, len(scene.local.uids("INBOX")))
        self.assertEqual(0, process.end())

    def test_signals(self) -> None:
        """
        SIGUSR1 has it look now; SIGHUP has it read its configuration again, if
        that is right.
        """
        scene = self.scene(remoteServer=poorServer())
        process = self.started(scene)
        scene.remote.append("INBOX", b"Subject: unheard\r\n\r\nx\r\n")
        process.send(signal.SIGUSR1)
        process.says("waiting -- news -> syncing")
        process.waits()
        self.assertEqual([], scene.differences())
        right = scene.file.read_text()
        scene.file.write_text(f"nonsense\n{right}")
        process.send(signal.SIGHUP)
        self.assertIn(f"{scene.file}", process.says("Not reloaded: "))
        scene.remote.create("Work")
        scene.file.write_text(f"ignore-mailbox = ^Not\n{right}")
        process.send(signal.SIGHUP)
        process.says("Reloaded")
        process.waits()
        self.assertEqual([], scene.differences())
        self.assertEqual(0, process.end())

    def test_systemd(self) -> None:
        """
        systemd is told when it is ready, how it is, and that it ends.
        """
        scene = self.scene()
        address = str(scene.directory / "notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as datagrams:
            datagrams.bind(address)
            datagrams.settimeout(children.PATIENCE)
            environ = {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "500000"}
            process = Process(scene, environ=environ)
            self.addCleanup(process.end)
            told: set[bytes] = set()
            while not told >= {b"READY=1", b"STATUS=waiting", b"WATCHDOG=1"}:
                told.add(datagrams.recv(1000))
            process.send(signal.SIGTERM)
            while datagrams.recv(1000) != b"STOPPING=1":
                pass
            self.assertEqual(0, process.end())

    def test_several(self) -> None:
        """
        Several accounts: one that fails does not disturb the others, and each
        line tells which it is about.
        """
        good, bad = self.scene(), self.scene()
        good.local.fill("INBOX", mails(5))
        bad.file = bad.file.rename(bad.directory / "bad.conf")
        bad.configure({"remote": {"password": "wrong"}})
        run = self.ends(good, 77, f"--config={bad.file}")
        self.assertEqual([], good.differences())
        self.says(run.errors, "config: INBOX: 5 copied", "imapsync: bad: remote")
        process = self.started(good, f"--config={bad.file}")
        process.says("imapsync: bad: remote", ever=True)
        good.local.append("INBOX", b"Subject: new\r\n\r\nx\r\n")
        process.says("config: INBOX: 1 copied local to remote")
        bad.configure({})
        process.send(signal.SIGHUP)
        process.says("bad: Live: syncing -- synced -> waiting")
        self.assertEqual(0, process.end())

    def test_embedded(self) -> None:
        """
        The example of imapsync in another program works.
        """
        example = EXAMPLES / "embedded.tac"
        if not example.exists():
            raise SkipTest("the documentation is not installed")
        scene = self.scene()
        scene.local.fill("INBOX", mails(5))
        users, passwords = scene.directory / "users", scene.directory / "passwords"
        options, secrets = self.options(scene)
        users.write_text(json.dumps({"me": options}))
        passwords.write_text(json.dumps({"me": secrets}))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = str(free.getsockname()[1])
        program = "from twisted.scripts.twistd import run; run()"
        command = [sys.executable, "-c", program, "-n", "--pidfile=", "-y", example]
        environ = {"USERS": str(users), "PASSWORDS": str(passwords), "PORT": port}
        process = Process(scene, command=[*map(str, command)], environ=environ)
        self.addCleanup(process.end)
        process.says("Factory starting on", output=True)
        with socket.create_connection(
            ("127.0.0.1", int(port)), children.PATIENCE
        ) as client:
            client.sendall(b"sync me\r\n")
            self.assertRegex(client.recv(100), rb"^[a-z ]+: 5 messages, 5 copied\r\n$")
        self.assertEqual([], scene.differences())
        self.assertEqual(-signal.SIGTERM, process.end())  # as twistd has it

    def options(self, scene: Scene) -> tuple[Any, dict[str, tuple[str, str]]]:
        """
        What a scene's configuration says of its servers, and who logs in there.
        """
        path = str(scene.file)
        sections = ini.parse(path, scene.file.read_bytes(), GRAMMAR)
        sides: dict[str, dict[str, str]] = {
            str(side): {k: v.value for k, v in sections[str(side)].options.items()}
            for side in Side
        }
        secrets = {
            side: (options.pop("username"), options.pop("password"))
            for side, options in sides.items()
        }
        return {"list-select-opts": "", **sides}, secrets

    def test_twistd(self) -> None:
        """
        So does live mode under twistd.
        """
        scene = self.scene()
        scene.local.fill("INBOX", mails(5))
        program = "from twisted.scripts.twistd import run; run()"
        words = ("-n", "--pidfile=", "imapsync", f"--config={scene.file}")
        command = [sys.executable, "-c", program, *words]
        process = Process(scene, command=command)
        self.addCleanup(process.end)
        process.says("5 copied local to remote", output=True)
        process.send(signal.SIGUSR1)
        self.assertEqual(-signal.SIGTERM, process.end())  # as twistd has it
        self.assertEqual([], scene.differences())

    def test_twice(self) -> None:
        """
        Two accounts with one database are refused before anything is begun.
        """
        scene = self.scene()
        other = scene.directory / "other"
        other.write_text(scene.file.read_text())
        run = scene.sync(f"--config={other}")
        self.complains(run, 78, str(other), str(scene.file), "database")


def address(scene: Scene) -> dict[str, str | None]:
    """
    Where C{scene}'s local account is.
    """
    server = scene.localServer
    return {"host": server.host, "port": str(server.port)}
