"""
Every way to reach a server, from the configuration file to equal accounts.
"""

from __future__ import annotations

import base64
import functools
import re
import shlex
import sys
import tempfile
from pathlib import Path

from imapsync.test import children
from imapsync.test.integration.dovecot import (
    REQUIRED,
    Dovecot,
    Settings,
    maildirServer,
    mdboxServer,
    poorServer,
)
from imapsync.test.integration.filtered import filtered
from imapsync.test.integration.messages import mails
from imapsync.test.integration.scene import Options, Run, Scene, SceneCase
from imapsync.test.integration.server import PASSWORD, Server


@functools.cache
def strictServer() -> Dovecot:
    """
    A server that takes no password in clear text, and whose certificate is
    for another host.
    """
    return Dovecot(Settings(plaintext=False, names=["mail.example"]))


class ConnectionCase(SceneCase):
    """
    Connects in a special way to a server.
    """

    def works(self, scene: Scene, remote: dict[str, str | None]) -> Run:
        """
        Both sides are made equal, and the remote one is reached as C{remote}
        says.
        """
        scene.local.fill("INBOX", mails(12))
        scene.remote.fill("INBOX", mails(12, seed=2))
        scene.configure({"remote": remote})
        return self.syncs(scene)

    def encrypted(self, server: Dovecot, **more: str | None) -> dict[str, str | None]:
        """
        The options for TLS from the start.
        """
        return {
            "type": "imaps",
            "port": str(server.tlsPort),
            "STARTTLS": None,
            "SSL_ca_file": str(server.certificate.authority),
            **more,
        }


class TLSTests(ConnectionCase):
    """
    Encrypted connections.
    """

    def test_starttls(self) -> None:
        """
        STARTTLS, which is the default, on a server that insists on it.
        """
        scene = self.scene(remoteServer=strictServer())
        authority = str(strictServer().certificate.authority)
        self.works(
            scene,
            {
                "STARTTLS": None,
                "SSL_ca_file": authority,
                "SSL_hostname": "mail.example",
            },
        )

    def test_imaps(self) -> None:
        """
        TLS from the start; the certificate is for the host's address.
        """
        self.works(self.scene(), self.encrypted(maildirServer()))

    def test_fingerprint(self) -> None:
        """
        A certificate that nobody vouches for, known by its fingerprint, and
        by that of its key.
        """
        server = self.server(Dovecot(Settings(selfSigned=True, expired=True)))
        scene = self.scene(remoteServer=server)
        options = self.encrypted(
            server,
            SSL_ca_file=None,
            SSL_verify_trusted_peer="NO",
            SSL_fingerprint=f"sha256${server.certificate.fingerprint}",
        )
        self.works(scene, options)
        options["SSL_fingerprint"] = server.certificate.keyFingerprint
        scene.configure({"remote": options})
        self.isIdle(scene)

    def test_interimap(self) -> None:
        """
        The options as interimap calls them.
        """
        server = strictServer()
        scene = self.scene(remoteServer=server)
        self.works(
            scene,
            {
                "STARTTLS": "yes",
                "SSL_verify": "NO",
                "SSL_fingerprint": server.certificate.fingerprint.upper(),
                "SSL_cipherlist": "HIGH",
                "SSL_protocol_min": "TLSv1.2",
                "SSL_protocol_max": "TLSv1.2",
            },
        )

    def test_bothSides(self) -> None:
        """
        TLS on both sides: one by STARTTLS, one from the start.
        """
        self.needs("STARTTLS")
        scene = self.scene()
        scene.remote.fill("INBOX", mails(30))
        authority = str(mdboxServer().certificate.authority)
        scene.configure(
            {
                "local": {"STARTTLS": "YES", "SSL_ca_file": authority},
                "remote": self.encrypted(maildirServer(), host="localhost"),
            }
        )
        self.syncs(scene)


class TunnelTests(ConnectionCase):
    """
    Commands that speak IMAP.
    """

    def test_bothSides(self) -> None:
        """
        Both sides are commands that log their user in: neither user name nor
        password is needed, whichever side has more to say.
        """
        scene = self.scene()
        scene.local.fill("INBOX", mails(12))
        scene.remote.create("Big")
        scene.remote.fill("Big", mails(40, seed=2, size=40_000))
        scene.configure(tunnels(scene))
        self.syncs(scene)

    def test_shell(self) -> None:
        """
        A command with shell metacharacters is run by a shell; what it says on
        standard error is told, but does not spoil anything.
        """
        scene = self.scene()
        command = maildirServer().tunnelCommand(scene.user)
        noisy = f"echo 'Warning: loud' >&2; exec {command}"
        run = self.works(scene, scene.tunnel(noisy))
        self.assertIn("Warning: loud", run.errors)

    def test_nullStderr(self) -> None:
        """
        What it says there can be dropped.
        """
        scene = self.scene()
        command = maildirServer().tunnelCommand(scene.user)
        noisy = f"echo 'Warning: loud' >&2; exec {command}"
        run = self.works(scene, {**scene.tunnel(noisy), "null-stderr": "YES"})
        self.assertNotIn("loud", run.errors)

    def test_login(self) -> None:
        """
        A command whose server wants a login gets one.
        """
        scene = self.scene()
        server = scene.remoteServer
        relay = scene.directory / "relay.py"
        relay.write_text(_RELAY)
        command = [sys.executable, str(relay), server.host, str(server.port)]
        login = {"username": scene.user, "password": PASSWORD}
        self.works(scene, {**scene.tunnel(shlex.join(command)), **login})


class LoginTests(ConnectionCase):
    """
    How we say who we are.
    """

    def test_mechanisms(self) -> None:
        """
        The preferred mechanism is used if it is offered: without AUTH=LOGIN,
        the LOGIN command.
        """
        self.needs("SASL-IR")
        for auth, sent in ("LOGIN PLAIN", "LOGIN"), ("PLAIN", "AUTHENTICATE"):
            scene = self.scene()
            scene.configure({"remote": {"auth": auth}})
            run = self.ends(scene, 0, "--debug")
            self.assertEqual(1, run.sentTo("remote")[sent], run.tail)

    def test_passwordCommand(self) -> None:
        """
        The first line that a command prints is the password.
        """
        scene = self.scene()
        command = f"echo {PASSWORD}; echo more"
        self.works(scene, {"password": None, "password-command": command})

    def test_specialPassword(self) -> None:
        """
        A password is taken as it stands: quotes, comment signs, backslashes
        and non-ASCII letters too.
        """
        users = tempfile.NamedTemporaryFile("w")  # noqa: SIM115
        self.addCleanup(users.close)
        Path(users.name).chmod(0o644)
        args = f"args = scheme=PLAIN {users.name}"
        extra = f"passdb {{\n driver = passwd-file\n {args}\n}}"
        scene = self.scene(remoteServer=self.server(Dovecot(Settings(extra=extra))))
        password = 'p "q\\ #; ü%'
        print(f"{scene.user}:{password}", file=users, flush=True)
        for auth in ("PLAIN", "LOGIN"):
            scene.configure({"remote": {"auth": auth, "password": password}})
            self.ends(scene, 0)

    def test_secrets(self) -> None:
        """
        Credentials show in the log only if that is asked for twice.
        """
        scene = self.scene()
        for auth in ("PLAIN", "LOGIN"):
            scene.configure({"remote": {"auth": auth}})
            plain = f"\0{scene.user}\0{PASSWORD}".encode()
            told = PASSWORD if auth == "LOGIN" else base64.b64encode(plain).decode()
            run = self.ends(scene, 0, "--debug")
            self.assertNotIn(told, run.errors)
            self.assertNotIn(PASSWORD, run.errors)
            run = self.ends(scene, 0, "--debug", "--debug")
            self.assertIn(told, run.errors)


class CapabilityTests(ConnectionCase):
    """
    What a server can do beyond the necessary is used, but not needed.
    """

    def test_poor(self) -> None:
        """
        Two servers that offer no more than what is required: no LITERAL+,
        MULTIAPPEND, ESEARCH, SASL-IR, NAMESPACE, UNSELECT or ID.
        """
        other = self.server(Dovecot(Settings(capability=REQUIRED, layout="maildir")))
        scene = self.scene(poorServer(), other)
        scene.local.fill("INBOX", mails(60))
        scene.remote.fill("INBOX", mails(30, seed=2))
        scene.remote.create("Work")
        scene.remote.fill("Work", mails(10, seed=3))
        run = self.syncs(scene, "--debug")
        self.assertNotIn("+}", sentLiterals(run))
        scene.local.expunge("INBOX", scene.local.uids("INBOX")[5:10])
        scene.remote.store("INBOX", scene.remote.uids("INBOX")[50:], "FLAGS (\\Seen)")
        self.syncs(scene)

    def test_onePoor(self) -> None:
        """
        One server that can do little and one that can do much.
        """
        for local, remote in (poorServer(), None), (None, poorServer()):
            scene = self.scene(local, remote)
            scene.local.fill("INBOX", mails(25))
            scene.remote.fill("INBOX", mails(25, seed=2, size=30_000))
            self.syncs(scene)

    def test_literalMinus(self) -> None:
        """
        LITERAL- allows 4096 octets without asking (RFC 7888).
        """
        server = self.server(Dovecot(Settings(capability=f"{REQUIRED} LITERAL-")))
        scene = self.scene(remoteServer=server)
        scene.local.fill("INBOX", mails(10, size=2000))
        scene.local.fill("INBOX", mails(10, size=9000, seed=2))
        self.syncs(scene)

    def test_used(self) -> None:
        """
        Many messages go over in few commands.
        """
        self.needs("LITERAL+")
        scene = self.scene()
        scene.local.fill("INBOX", mails(300))
        run = self.ends(scene, 0, "--debug")
        self.assertLessEqual(run.sentTo("remote")["APPEND"], 3)
        self.assertLessEqual(run.sentTo("local")["UID FETCH"], 3)


class FarTests(ConnectionCase):
    """
    A far server that has each message wait.
    """

    def test_several(self) -> None:
        """
        The messages of one mailbox go over several connections: whether the server
        tells UIDs or not, each arrives once, and another run does nothing.
        """
        for server in poorServer(), filtered(maildirServer(), "BARE"):
            scene = self.scene(remoteServer=server)
            scene.local.fill("INBOX", mails(80))
            far = self.line(server)
            scene.configure({"": {"connections": "3"}, "remote": {"port": far}})
            run = self.syncs(scene, "--debug")
            number = re.compile(r"debug: remote \(.*?\)( #\d)? > \S+ APPEND")
            self.assertGreater(len({*number.findall(run.errors)}), 1)
            self.assertEqual(80, len(scene.remote.uids("INBOX")))

    def line(self, server: Server) -> str:
        """
        @return: the port by which it is far away.
        """
        line = children.begun(
            [
                *(sys.executable, "-m", "imapsync.test.integration.line"),
                *(server.host, str(server.port), "0.02"),
            ],
            stdout=children.PIPE,
        )
        self.addCleanup(children.ended, line)
        self.addCleanup(line.kill)
        assert line.stdout is not None
        self.addCleanup(line.stdout.close)
        return line.stdout.readline().decode().strip()


def tunnels(scene: Scene) -> Options:
    """
    Both sides by commands that log their user in.
    """
    return {
        "local": scene.tunnel(mdboxServer().tunnelCommand(scene.user)),
        "remote": scene.tunnel(maildirServer().tunnelCommand(scene.user)),
    }


def sentLiterals(run: Run) -> str:
    """
    The lines of a C{--debug} run that announce literals of ours.
    """
    return "\n".join(x for x in run.errors.splitlines() if " > " in x and "}" in x)


_RELAY = """\
import os, select, socket, sys
server = socket.create_connection((sys.argv[1], int(sys.argv[2])))
while True:
    for readable in select.select([0, server], [], [])[0]:
        data = os.read(0, 65536) if readable == 0 else server.recv(65536)
        if not data:
            sys.exit()
        if readable == 0:
            server.sendall(data)
        else:
            while data:
                data = data[os.write(1, data) :]
"""
