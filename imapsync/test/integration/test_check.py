"""
Two real servers are looked at before the first run, and nothing is changed in them.
"""

from __future__ import annotations

import functools
import json
import shlex
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

from twisted.internet import reactor
from twisted.internet.threads import deferToThread

from imapsync.test.fakes.schema import complaints
from imapsync.test.integration.cyrus import Cyrus, dottedCyrus
from imapsync.test.integration.cyrus import Settings as CyrusSettings
from imapsync.test.integration.dovecot import Dovecot, Settings, mdboxServer
from imapsync.test.integration.messages import mails
from imapsync.test.integration.proxy import PASSWORD, USER, ProxyServer
from imapsync.test.integration.scene import Run, Scene
from imapsync.test.integration.test_live import LiveCase
from imapsync.test.integration.test_verify import VerifyCase

#: Room for so many KiB.
_ROOM = 100

_QUOTA = f"""\
protocol imap {{
  mail_plugins = $mail_plugins quota imap_quota
}}
plugin {{
  quota = count:User quota
  quota_vsizes = yes
  quota_rule = *:storage={_ROOM}K
}}
"""


@functools.cache
def narrowServer() -> Dovecot:
    """
    A server with little room.
    """
    return Dovecot(Settings(extra=_QUOTA))


@functools.cache
def narrowCyrus() -> Cyrus:
    """
    Another one.
    """
    return Cyrus(CyrusSettings(quota=_ROOM))


class CheckCase(VerifyCase):
    """
    Checks: nothing is changed by them.
    """

    def check(self, scene: Scene, code: int, *arguments: str) -> str:
        """
        Look at both accounts.

        @return: what is printed, with one blank between words.
        """
        run = self.verify(scene, code, "--check", *arguments)
        self.assertNotIn("Traceback", run.errors)
        self.assertEqual([], [*scene.directory.glob("*.db*")])
        if code > 1:
            self.assertEqual(1, len(run.complaints), run.errors)
        return " ".join(run.output.split())

    def document(self, scene: Scene, code: int) -> Any:
        """
        What machines are told.
        """
        run = self.verify(scene, code, "--check", "--json")
        document = json.loads(run.output)
        self.assertEqual([], complaints(document))
        return document

    def imaps(self, server: Dovecot) -> dict[str, str | None]:
        """
        The options to speak TLS with a server.
        """
        return {"type": "imaps", "STARTTLS": None, "port": str(server.tlsPort)}


class WellTests(CheckCase):
    """
    Servers with which all is well.
    """

    def test_both(self) -> None:
        """
        Dovecot and Cyrus.
        """
        self.needs("NAMESPACE")
        scene = self.scene(mdboxServer(), dottedCyrus())
        scene.local.fill("INBOX", mails(3))
        scene.remote.create("INBOX.Work")
        said = self.check(scene, 0)
        self.says(
            said,
            f"login {scene.user} by PLAIN server Dovecot",
            f"address 127.0.0.1, port {scene.remoteServer.port}",
            'names below "INBOX.", levels by "."',
            "mailboxes 2 of 2 selected, 1 subscribed; 0 mere names",
            "room about 3 messages",
            "live NOTIFY",
            "live IDLE",
        )
        told = self.document(scene, 0)
        local, remote = (told["checks"][side] for side in ("local", "remote"))
        self.assertEqual(3, local["size"]["messages"])
        self.assertEqual(local["size"], remote["coming"])
        self.assertGreater(local["size"]["octets"], 1000)

    def test_tls(self) -> None:
        """
        Within TLS, by STARTTLS or from the start; what is told of the certificate is
        all that it takes to trust it from then on.
        """
        self.needs("STARTTLS")
        server = mdboxServer()
        trusting = {"SSL_ca_file": str(server.certificate.authority)}
        scene = self.scene(server)
        scene.configure(
            {
                "local": {**self.imaps(server), **trusting},
                "remote": {"STARTTLS": "YES", "SSL_verify_trusted_peer": "NO"},
            }
        )
        said = self.check(scene, 0)
        self.says(
            said,
            "TLS TLSv1.3, TLS_",
            f"fingerprint sha256${server.certificate.fingerprint}",
            f"of its key sha256${server.certificate.keyFingerprint}",
            "; not checked (SSL_verify_trusted_peer = NO)",
        )
        told = self.document(scene, 0)["checks"]
        prints = {
            side: {"SSL_fingerprint": told[side]["tls"][name]}
            for side, name in (("local", "fingerprint"), ("remote", "keyFingerprint"))
        }
        scene.configure(
            {
                "local": {**self.imaps(server), **trusting, **prints["local"]},
                "remote": {
                    "STARTTLS": "YES",
                    "SSL_verify_trusted_peer": "NO",
                    **prints["remote"],
                },
            }
        )
        self.check(scene, 0)

    def test_sparse(self) -> None:
        """
        A server that says of itself only what it must, behind a command.
        """
        server = mdboxServer()
        scene = self.scene(server)
        tunnel = {
            "type": "tunnel",
            "command": server.tunnelCommand(scene.user),
            "STARTTLS": None,
        }
        scene.configure({"local": {**tunnel, "host": None, "port": None}})
        said = self.check(scene, 0)
        self.says(
            said,
            "command it runs",
            "login the server let us in without one (PREAUTH)",
        )
        self.assertNotIn("doveadm", said)


class WrongTests(CheckCase):
    """
    Something is wrong: the other side is looked at all the same.
    """

    def test_certificate(self) -> None:
        """
        A certificate that nobody trusts is told all the same.
        """
        server = mdboxServer()
        scene = self.scene(server)
        scene.configure({"local": self.imaps(server)})
        said = self.check(scene, 77)
        self.says(
            said,
            f"fingerprint sha256${server.certificate.fingerprint}",
            "! TLS its certificate, issued by CN=imapsync tests, is not trusted",
            f"login {scene.user} by PLAIN",
        )
        self.assertEqual("", self.check(scene, 77, "--quiet"))
        fingerprint = {
            "SSL_verify_trusted_peer": "NO",
            "SSL_fingerprint": f"sha256${server.certificate.keyFingerprint}",
        }
        scene.configure({"local": {**self.imaps(server), **fingerprint}})
        self.check(scene, 0)

    def test_fingerprint(self) -> None:
        """
        So is one that was changed.
        """
        server = mdboxServer()
        scene = self.scene(server)
        wrong = {
            "SSL_verify_trusted_peer": "NO",
            "SSL_fingerprint": f"sha256${'0' * 64}",
        }
        scene.configure({"local": {**self.imaps(server), **wrong}})
        told = self.document(scene, 77)["checks"]["local"]
        self.assertEqual("TLS", told["step"])
        digest = f"sha256${server.certificate.fingerprint}"
        self.assertEqual(digest, told["tls"]["fingerprint"])

    def test_password(self) -> None:
        """
        A password that is wrong on both sides.
        """
        scene = self.scene()
        wrong: dict[str, str | None] = {"password": "wrong"}
        scene.configure({"local": wrong, "remote": wrong})
        said = self.check(scene, 77)
        self.assertEqual(2, said.count("! login the login was refused"))
        self.assertEqual(2, said.count("mechanisms PLAIN"))

    def test_closed(self) -> None:
        """
        A port where nobody is, and a command that does not exist.
        """
        self.needs("NOTIFY")
        scene = self.scene()
        scene.configure({"local": {"port": "1"}})
        self.says(self.check(scene, 75), "! address cannot be reached")
        nowhere = {"type": "tunnel", "command": "/nowhere", "STARTTLS": None}
        scene.configure({"local": {**nowhere, "host": None, "port": None}})
        self.says(self.check(scene, 78), "! command", "live NOTIFY")

    def test_lacking(self) -> None:
        """
        A server without what is required, behind a command that leaves it out.
        """
        server = mdboxServer()
        scene = self.scene(server)
        script = Path(self.mktemp()).absolute()
        script.write_text(_WITHOUT)
        command = [sys.executable, str(script), server.tunnelCommand(scene.user)]
        tunnel = {
            "type": "tunnel",
            "command": shlex.join(command),
            "STARTTLS": None,
            "host": None,
            "port": None,
        }
        scene.configure({"local": tunnel})
        said = self.check(scene, 69)
        self.says(
            said,
            "required lacks IMAP4REV1; one of IMAP4REV1",
            "! capabilities the server lacks IMAP4REV1",
            "helpful LITERAL+",
        )

    def test_room(self) -> None:
        """
        Where there is too little room, that is known before, in octets.
        """
        self.needs("QUOTA")
        for server in narrowServer, narrowCyrus:
            scene = self.scene(mdboxServer(), server())
            scene.local.fill("INBOX", mails(2))
            self.says(self.check(scene, 0), f"of {_ROOM}.0 KiB room about 2 messages")
            body = b"Subject: large\r\n\r\n" + b"x" * 70 + b"\r\n"
            scene.local.append("INBOX", body * 1500)
            said = self.check(scene, 1, "--quiet")
            self.assertRegex(
                said,
                r"^remote \(\S+\): about 3 messages \(\S+ KiB\) are to come, but only"
                r" \S+ (KiB|octets) are free: make room, or select fewer mailboxes$",
            )
            self.assertFalse(self.document(scene, 1)["checks"]["remote"]["fits"])

    def test_names(self) -> None:
        """
        A mailbox whose name the other server has no way to spell.
        """
        scene = self.scene(mdboxServer(), dottedCyrus())
        scene.local.create("a.b")
        self.says(self.check(scene, 1), "! mailboxes a.b: cannot be created on remote")
        self.check(scene, 66, "Nowhere")


class ProxyTests(CheckCase):
    """
    By way of a proxy.
    """

    async def test_proxy(self) -> None:
        """
        It is told which one, but not by which login; and what it says if it does not
        let us through.
        """
        gate = ProxyServer(reactor, wantsLogin=True)
        self.addCleanup(gate.close)
        login = f"{quote(USER)}:{quote(PASSWORD)}@"
        scene = self.scene()
        shown = f"socks5h://127.0.0.1:{gate.port}"
        proxied = shown.replace("//", f"//{login}")
        scene.configure({"remote": {"proxy": proxied}})
        server = scene.remoteServer
        said: str = await deferToThread(self.check, scene, 0)
        self.says(said, f"proxy {shown} at 127.0.0.1, port {gate.port}")
        self.assertEqual([("socks", server.host, server.port)], gate.asked)
        told: Any = await deferToThread(self.document, scene, 0)
        self.assertEqual(shown, told["checks"]["remote"]["proxy"])
        for text in said, str(told):
            self.assertNotIn(quote(PASSWORD), text)
            self.assertNotIn(PASSWORD, text)
        scene.configure({"remote": {"proxy": shown.replace("socks5h", "http")}})
        said = await deferToThread(self.check, scene, 77)
        self.says(said, "wants a login: give USER:PASSWORD@")


#: A command's standard input and output, but for one word of what it says.
_WITHOUT = """\
import shlex, subprocess, sys, threading
child = subprocess.Popen(
    shlex.split(sys.argv[1]), stdin=subprocess.PIPE, stdout=subprocess.PIPE
)

def up():
    while data := sys.stdin.buffer.raw.read(65536):
        child.stdin.write(data)
        child.stdin.flush()
    child.stdin.close()

threading.Thread(target=up, daemon=True).start()
for line in child.stdout:
    sys.stdout.buffer.write(line.replace(b"IMAP4rev1", b"IMAP4"))
    sys.stdout.buffer.flush()
"""


class LiveTests(LiveCase):
    """
    While another instance is at work.
    """

    async def test_live(self) -> None:
        """
        It needs nothing that the other one has, and knows whose the database is.
        """
        scene = self.scene()
        scene.local.fill("INBOX", mails(20))
        await self.started(scene)
        run: Run = await deferToThread(scene.order, "--check")
        self.assertEqual(0, run.code, run.output + run.errors)
        whose = f"{scene.user}@127.0.0.1"
        told = f"{scene.database} (of local {whose} and remote {whose})"
        self.assertIn(told, run.output)
        self.assertIn("nothing is to be copied here", run.output)
