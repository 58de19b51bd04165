"""
Tests for L{imapsync.imap.connect} and L{imapsync.imap.transport.tunnel} with real
servers, real TLS and real processes.
"""

from __future__ import annotations

import functools
import os
import shlex
import signal
import sys
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from twisted.logger import capturedLogs
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase

from imapsync.config.server import ServerConfig
from imapsync.config.tls import TLSConfig
from imapsync.config.values import Fingerprint
from imapsync.errors import ConfigError, Distrusted, Lost, MissingCapability
from imapsync.imap.auth.password import readPassword
from imapsync.imap.client import SyncClient
from imapsync.imap.connect import connect
from imapsync.imap.transport.tunnel import connectTunnel
from imapsync.model import Side
from imapsync.system.process import PATIENCE
from imapsync.test.integration.dovecot import Dovecot, Settings, mdboxServer
from imapsync.test.integration.server import PASSWORD, freshUser


@functools.cache
def strictServer() -> Dovecot:
    """
    A server that takes no password in clear text, and whose certificate is
    for another host.
    """
    return Dovecot(Settings(plaintext=False, names=["mail.example"]))


def described(dovecot: Dovecot, **options: Any) -> ServerConfig:
    """
    The configuration for C{dovecot}, with its authority trusted.
    """
    kind = options.pop("type", "imaps")
    authority = str(dovecot.certificate.authority)
    tls = TLSConfig(caFile=authority)._replace(**options.pop("tls", {}))
    server = ServerConfig(
        side=Side.LOCAL,
        type=kind,
        host=dovecot.host,
        port=dovecot.tlsPort if kind == "imaps" else dovecot.port,
        command=None,
        nullStderr=False,
        starttls=kind == "imap",
        auth=("PLAIN", "LOGIN"),
        username=freshUser(),
        password=PASSWORD,
        passwordCommand=None,
        tls=tls,
        listReference="",
    )
    return server._replace(**options)


def tunnel(command: str) -> ServerConfig:
    """
    The configuration for a command that logs its user in.
    """
    return described(mdboxServer(), type="tunnel")._replace(
        command=command,
        host="",
        username=None,
        password=None,
    )


class ConnectCase(TestCase):
    """
    Connects, and closes again.
    """

    async def connect(self, server: ServerConfig) -> SyncClient:
        """
        A client that is ready for work, until the test ends.
        """
        client = await connect(reactor, server, lambda: SyncClient(reactor))
        self.addCleanup(client.leave)
        return client

    async def failure(self, server: ServerConfig, kind: type[Exception]) -> str:
        """
        Why it does not connect: one line that names the server.
        """
        with self.assertRaises(kind) as caught:
            await self.connect(server)
        text = str(caught.exception)
        self.assertTrue(text.startswith(f"{server.where}: "), text)
        self.assertNotIn("\n", text)
        return text


class DovecotTests(ConnectCase):
    """
    Tests over the net.
    """

    async def works(self, server: ServerConfig) -> None:
        """
        Connect and use the connection.
        """
        client = await self.connect(server)
        self.assertIn("NOTIFY", client.capabilities)
        (inbox,) = await client.listMailboxes("INBOX")
        self.assertEqual("INBOX", inbox.name)

    async def test_imaps(self) -> None:
        """
        TLS from the start, with the host's address in the certificate, and
        its name.
        """
        await self.works(described(mdboxServer()))
        await self.works(described(mdboxServer(), host="localhost"))

    async def test_starttls(self) -> None:
        """
        STARTTLS, also on a server that insists on it.
        """
        await self.works(described(mdboxServer(), type="imap"))
        server = described(
            strictServer(), type="imap", tls={"hostname": "mail.example"}
        )
        await self.works(server)

    async def test_clearText(self) -> None:
        """
        No TLS at all, if that is wanted.
        """
        await self.works(described(mdboxServer(), type="imap", starttls=False))

    async def test_tunnel(self) -> None:
        """
        A command that logs its user in, run by ourselves or by a shell.
        """
        command = mdboxServer().tunnelCommand(freshUser())
        await self.works(tunnel(command))
        await self.works(tunnel(f"exec {command} 2>&1 | cat"))

    async def test_login(self) -> None:
        """
        The LOGIN command serves where no mechanism is wanted.
        """
        await self.works(described(mdboxServer(), auth=("LOGIN",)))

    async def test_passwordCommand(self) -> None:
        """
        The password can come from a command.
        """
        server = described(mdboxServer(), password=None)
        await self.works(server._replace(passwordCommand=f"echo {PASSWORD}; echo x"))

    async def test_wrongPassword(self) -> None:
        """
        A wrong password is refused in the server's words.
        """
        text = await self.failure(
            described(mdboxServer(), password="wrong"), Distrusted
        )
        self.assertIn("Authentication failed", text)

    async def test_loginDisabled(self) -> None:
        """
        A server that takes no password in clear text is not given one.
        """
        server = described(strictServer(), type="imap", starttls=False)
        await self.failure(server, Distrusted)

    async def test_closedPort(self) -> None:
        """
        A port where nobody listens.
        """
        await self.failure(described(mdboxServer(), port=1), Lost)

    async def test_wrongPort(self) -> None:
        """
        Port and type that do not fit are found out.
        """
        dovecot = mdboxServer()
        text = await self.failure(described(dovecot, port=dovecot.port), Distrusted)
        self.assertIn("does not speak TLS", text)

    async def test_wrongName(self) -> None:
        """
        A certificate for another host, with TLS from the start and with
        STARTTLS.
        """
        for kind in ("imaps", "imap"):
            text = await self.failure(described(strictServer(), type=kind), Distrusted)
            self.assertIn("is for mail.example, not for 127.0.0.2", text)

    async def test_untrusted(self) -> None:
        """
        A certificate from an authority that the system does not know.
        """
        for kind in ("imaps", "imap"):
            server = described(mdboxServer(), type=kind, tls={"caFile": None})
            text = await self.failure(server, Distrusted)
            self.assertIn("unable to get local issuer certificate", text)

    async def test_fingerprint(self) -> None:
        """
        A fingerprint instead of an authority; a wrong one beside it.
        """
        certificate = strictServer().certificate
        for kind in ("imaps", "imap"):
            tls = {
                "verifyPeer": False,
                "fingerprints": (
                    Fingerprint("sha256", bytes.fromhex(certificate.keyFingerprint)),
                ),
            }
            await self.works(described(strictServer(), type=kind, tls=tls))
            tls["fingerprints"] = (Fingerprint("sha256", bytes(32)),)
            server = described(strictServer(), type=kind, tls=tls)
            text = await self.failure(server, Distrusted)
            self.assertIn(certificate.fingerprint, text)

    async def test_missingCapability(self) -> None:
        """
        A server that does not say that it speaks IMAP4rev1.
        """
        capability = "IMAP4 UIDPLUS ENABLE CONDSTORE LIST-EXTENDED LIST-STATUS"
        dovecot = Dovecot(Settings(capability=capability))
        self.addCleanup(dovecot.close)
        text = await self.failure(described(dovecot), MissingCapability)
        self.assertIn("lacks IMAP4REV1,", text)


class Collector(Protocol):
    """
    Collects what a command writes.

    @ivar ended: fires with why it ended.
    """

    def __init__(self) -> None:
        self.ended: Deferred[Any] = Deferred()
        self.received = bytearray()
        self.complete: Deferred[None] = Deferred()
        self.expected = -1

    def dataReceived(self, data: bytes) -> None:
        """
        Collect it.
        """
        self.received += data
        if len(self.received) == self.expected:
            self.complete.callback(None)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """
        The command has ended.
        """
        self.ended.callback(reason.value)


def isAlive(process: int) -> bool:
    """
    Whether a process has not ended.
    """
    try:
        stat = Path(f"/proc/{process}/stat").read_text()
    except FileNotFoundError:
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


class TunnelTests(ConnectCase):
    """
    Tests for commands, their failures and their ends.
    """

    def run_(self, command: str) -> tuple[Collector, Any]:
        """
        Run a command.

        @return: who collects its output, and its transport.
        """
        collector = Collector()
        connectTunnel(reactor, command, collector, "local (tunnel)", nullStderr=False)
        return collector, collector.transport

    async def test_failure(self) -> None:
        """
        A command that fails is told with its last words, whichever way it is
        run.
        """
        for command in (
            "echo no route >&2; exit 3",
            shlex.join([sys.executable, "-c", "import sys; sys.exit('no route')"]),
        ):
            text = await self.failure(tunnel(command), Lost)
            self.assertRegex(text, "exited with status [13]; its last words: no route$")

    async def test_notFound(self) -> None:
        """
        A command that does not exist, be it us or a shell who finds that
        out.
        """
        for command in ("/nonexistent/imapd -x", "/nonexistent/imapd <&0"):
            await self.failure(tunnel(command), ConfigError)

    async def test_killed(self) -> None:
        """
        A command that dies in the midst of a session.
        """
        user = freshUser()
        server = tunnel(f"echo $$ >&2; exec {mdboxServer().tunnelCommand(user)}")
        with capturedLogs() as events:
            client = await connect(reactor, server, lambda: SyncClient(reactor))
        (process,) = (int(event["line"]) for event in events if "line" in event)
        os.kill(process, signal.SIGKILL)
        with self.assertRaises(Lost) as caught:
            await client.listMailboxes("*")
        self.assertIn("was ended by signal 9", str(caught.exception))

    async def test_streams(self) -> None:
        """
        More than any pipe holds gets through unharmed in both directions.
        """
        collector, transport = self.run_("cat")
        data = os.urandom(1 << 20) * 5
        collector.expected = len(data)
        transport.write(data)
        await collector.complete
        self.assertEqual(data, bytes(collector.received))
        transport.loseConnection()
        await collector.ended

    async def test_stubborn(self) -> None:
        """
        A command that ignores the end of its input, and TERM, is ended all
        the same; none is left as a zombie.
        """
        program = Path(self.mktemp())
        program.write_text(
            "import os, signal, time\n"
            "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
            "os.write(1, b'%20d' % os.getpid())\n"
            "time.sleep(60)\n"
        )
        collector, transport = self.run_(shlex.join([sys.executable, str(program)]))
        collector.expected = 20
        await collector.complete
        transport.abortConnection()
        await collector.ended
        self.assertRaises(ProcessLookupError, os.kill, int(collector.received), 0)

    async def test_pipeline(self) -> None:
        """
        So is what a shell has started for it, even if that ignores TERM as well,
        and does not take what it was sent.
        """
        sleeper = "trap '' TERM; printf %20d $$; sleep 60; sleep 60"
        collector, transport = self.run_(f"sh -c {shlex.quote(sleeper)} | cat")
        collector.expected = 20
        await collector.complete
        transport.write(bytes(1 << 20))
        transport.abortConnection()
        await collector.ended
        await deferLater(reactor, 0.2)
        self.assertFalse(isAlive(int(collector.received)))

    async def test_heirs(self) -> None:
        """
        What a command leaves behind that neither reads its input nor closes it is
        not waited for.
        """
        collector, transport = self.run_("exec 3<&0; sleep 30 <&3 & sleep 30")
        transport.write(bytes(1 << 20))
        transport.abortConnection()
        await collector.ended.addTimeout(10, reactor)

    async def test_password(self) -> None:
        """
        A command that tells a password reads no input, and may fail.
        """
        where = "local (tunnel)"
        self.assertEqual("ä b", await readPassword(reactor, "cat; echo 'ä b'", where))
        agent = "sleep 5 & echo secret"
        self.assertEqual("secret", await readPassword(reactor, agent, where))
        with self.assertRaises(Distrusted) as caught:
            await readPassword(reactor, "echo locked >&2; false", where)
        self.assertIn("its last words: locked", str(caught.exception))
        with self.assertRaises(ConfigError):
            await readPassword(reactor, "/nonexistent/pass", where)

    async def test_passwordStopped(self) -> None:
        """
        What a shell has started to tell a password is ended with it.
        """
        told = Path(self.mktemp())
        os.mkfifo(told)
        command = f"sh -c 'echo $$ >{told}; sleep 60; sleep 60' | cat"
        asking = Deferred.fromCoroutine(readPassword(reactor, command, "local"))
        started = int(await deferToThread(told.read_text))
        asking.cancel()
        with self.assertRaises(CancelledError):
            await asking
        await deferLater(reactor, 1.1 * PATIENCE)
        self.assertFalse(isAlive(started))
