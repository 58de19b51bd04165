"""
TLS with real servers: odd certificates, every option, and what servers send after
the handshake.
"""

from __future__ import annotations

import ipaddress
from pathlib import Path

from OpenSSL import crypto
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorProcess
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure

from imapsync.imap.commands.base import Simple
from imapsync.test.fakes import x509
from imapsync.test.fakes.x509 import PRINTABLE, address, der, dns, extension, hosts
from imapsync.test.integration.certificates import Certificate, issue, kept
from imapsync.test.integration.dovecot import (
    REQUIRED,
    Dovecot,
    Settings,
    mdboxServer,
)
from imapsync.test.integration.messages import mails
from imapsync.test.integration.scene import Run, SceneCase
from imapsync.test.integration.test_badinput import BadInputCase
from imapsync.test.integration.test_connect import ConnectCase, described

#: The address of the servers.
HOST = address(ipaddress.ip_address("127.0.0.1").packed)

#: As odd as OpenSSL takes it; and for 127.0.0.1.
ODD = x509.Draft(
    subject=x509.named(b"Mail & More", PRINTABLE),
    serial=x509.integer(-(2**70)),
    extensions=[
        hosts(
            dns(b"*.lan"),
            dns(b"10.0.0.1"),
            dns(b"m\xfcller.example"),
            dns(b""),
            der(0x86, b"https://mail.example:8443/"),
            address(b"\x0a\0\0\0\1"),
            der(0xA0, x509.oid("1.2.3.4"), der(0xA0, der(0x0C, b"me"))),
            HOST,
        ),
        *[extension("1.2.3.4", b"\5\0")] * 2,
    ],
)


def showing(certificate: Certificate, *more: str) -> Dovecot:
    """
    A server with this certificate.
    """
    lines = [f"ssl_cert = <{certificate.path}", f"ssl_key = <{certificate.key}", *more]
    return Dovecot(Settings(extra="\n".join(lines)))


class CertificateTests(BadInputCase):
    """
    Certificates that are not as they should be.
    """

    def made(self, leaf: x509.Draft, issuer: x509.Draft) -> Certificate:
        """
        A certificate; its authority is a certificate of C{issuer}.
        """
        directory = Path(self.mktemp()).absolute()
        directory.mkdir()
        return kept(directory, leaf.key, issuer.signed(), leaf.signed(issuer))

    def imaps(self, server: Dovecot, certificate: Certificate) -> dict[str, str | None]:
        """
        The options to trust the authority of C{certificate}.
        """
        return {
            "type": "imaps",
            "STARTTLS": None,
            "port": str(server.tlsPort),
            "SSL_ca_file": str(certificate.authority),
        }

    def test_odd(self) -> None:
        """
        What is odd in a certificate keeps nobody from finding the name that
        counts, nor its fingerprints; nobody is warned of it on standard error.
        """
        certificate = self.made(ODD, x509.authority(b"R & D", PRINTABLE))
        server = self.server(showing(certificate))
        scene = self.scene(remoteServer=server)
        scene.local.fill("INBOX", mails(3))
        options = self.imaps(server, certificate)
        scene.configure({"remote": options})
        run = self.syncs(scene)
        self.silent(run)
        options["SSL_ca_file"] = None
        options["SSL_verify_trusted_peer"] = "NO"
        for digits in (certificate.fingerprint, certificate.keyFingerprint):
            options["SSL_fingerprint"] = digits
            scene.configure({"remote": options})
            self.silent(self.ends(scene, 0))
        options["SSL_fingerprint"] = "0" * 64
        scene.configure({"remote": options})
        run = self.ends(scene, 77)
        self.complains(run, 77, certificate.fingerprint, certificate.keyFingerprint)
        self.assertEqual(1, len(run.errors.splitlines()), run.errors)

    def silent(self, run: Run) -> None:
        """
        Nothing was told but in the program's own lines.
        """
        self.assertNotIn("arning", run.errors)

    def test_commonName(self) -> None:
        """
        A name that stands only in the subject.
        """
        certificate = self.made(x509.Draft(), x509.authority())
        server = self.server(showing(certificate))
        scene = self.filled(server, **self.imaps(server, certificate))
        self.refuses(scene, 77, "remote", "(CN=mail.example)", "subjectAltName")

    def test_incomplete(self) -> None:
        """
        A server that does not send the certificates between.
        """
        root, between = x509.authority(), x509.authority(b"between")
        leaf = x509.Draft(extensions=[hosts(HOST)])
        certificate = self.made(leaf, between)
        certificate.authority.write_bytes(x509.pem(root.signed()))
        server = self.server(showing(certificate))
        scene = self.filled(server, **self.imaps(server, certificate))
        self.refuses(
            scene,
            77,
            "remote",
            "issued by CN=between",
            "unable to get local issuer certificate",
            "does not send",
            "SSL_ca_file",
        )
        certificate.authority.write_bytes(x509.pem(between.signed(root)))
        self.refuses(
            scene,
            77,
            "unable to get issuer certificate",
            "add the certificate of CN=root to SSL_ca_file",
        )

    def test_hostname(self) -> None:
        """
        A name to look for that is none.
        """
        scene = self.filled(type="imap", STARTTLS="YES", SSL_hostname="mail..example")
        self.refuses(scene, 78, "SSL_hostname in [remote]", '"mail..example"')


#: A server that wants a certificate of its clients, and logs how they talk.
_CHOOSY = """\
ssl_require_crl = no
ssl_verify_client_cert = yes
auth_ssl_require_client_cert = yes
login_log_format_elements = user=<%u> %k
"""


class OptionTests(SceneCase):
    """
    What the configuration says reaches the server.
    """

    def test_options(self) -> None:
        """
        Each option is needed, or does something.
        """
        folder = Path(self.mktemp()).absolute()
        folder.mkdir()
        client = issue(folder, ["client.example"])
        server = self.server(
            Dovecot(
                Settings(
                    extra=f"ssl_ca = <{client.authority}\n{_CHOOSY}",
                    names=["mail.example"],
                )
            )
        )
        pem = server.certificate.authority.read_bytes()
        hashed = crypto.load_certificate(crypto.FILETYPE_PEM, pem).subject_name_hash()
        (folder / f"{hashed:08x}.0").write_bytes(pem)
        options: dict[str, str | None] = {
            "type": "imaps",
            "STARTTLS": None,
            "port": str(server.tlsPort),
            "SSL_ca_path": str(folder),
            "SSL_hostname": "mail.example",
            "SSL_certificate": str(client.path),
            "SSL_key": str(client.key),
            "SSL_cipher_list": "ECDHE-ECDSA-CHACHA20-POLY1305",
            "SSL_ciphersuites": "TLS_CHACHA20_POLY1305_SHA256",
        }
        scene = self.scene()
        for more, spoken in (
            ({}, "TLSv1.3 with cipher TLS_CHACHA20_POLY1305_SHA256"),
            (
                {"SSL_protocol_max": "TLSv1.2"},
                "TLSv1.2 with cipher ECDHE-ECDSA-CHACHA20-POLY1305",
            ),
            ({"SSL_ciphersuites": None}, "TLSv1.3 with cipher TLS_AES_256_GCM_SHA384"),
            (
                {"SSL_protocol_max": "TLSv1.2", "SSL_cipher_list": None},
                "TLSv1.2 with cipher ECDHE-ECDSA-AES256-GCM-SHA384",
            ),
        ):
            scene.configure({"remote": {**options, **more}})
            self.ends(scene, 0)
            logins = [x for x in server.log().splitlines() if f"<{scene.user}>" in x]
            self.assertIn(spoken, logins[-1])
        for more, word in (
            ({"SSL_ca_path": None}, "SSL_ca_file"),
            ({"SSL_hostname": None}, "not for 127.0.0.1; see host and SSL_hostname"),
            ({"SSL_certificate": None, "SSL_key": None}, "the login was refused"),
        ):
            scene.configure({"remote": {**options, **more}})
            self.complains(self.ends(scene, 77), 77, "remote", word)


class Terminal(ProcessProtocol):
    """
    C{openssl s_server}, and who types into it.
    """

    def __init__(self, *options: str) -> None:
        self._told = ""
        self._awaited: list[tuple[str, Deferred[str]]] = []
        self.ended: Deferred[None] = Deferred()
        command = ("openssl", "s_server", "-crlf", *options)
        IReactorProcess(reactor).spawnProcess(self, command[0], command, env=None)

    def outReceived(self, data: bytes) -> None:
        """
        It tells something.
        """
        self._told += data.decode("latin-1")
        awaited, self._awaited = self._awaited, []
        for text, done in awaited:
            self._await(text, done)

    errReceived = outReceived

    def processEnded(self, reason: Failure) -> None:
        """
        It has ended.
        """
        for _, done in self._awaited:
            done.errback(RuntimeError(self._told))
        self.ended.callback(None)

    def until(self, text: str) -> Deferred[str]:
        """
        Wait until it has told this.

        @return: what it told before; what comes behind is left for the next.
        """
        done: Deferred[str] = Deferred()
        self._await(text, done)
        return done

    def _await(self, text: str, done: Deferred[str]) -> None:
        before, found, rest = self._told.partition(text)
        if found:
            self._told = rest
            done.callback(before)
        else:
            self._awaited.append((text, done))

    def type(self, *lines: str) -> None:
        """
        Type into it.
        """
        assert self.transport is not None
        self.transport.write("".join(f"{line}\n" for line in lines).encode())

    def close(self) -> Deferred[None]:
        """
        End it.
        """
        assert self.transport is not None
        if not self.ended.called:
            self.transport.signalProcess("KILL")
        return self.ended


class TerminalTests(ConnectCase, BadInputCase):
    """
    What no mail server does on demand.
    """

    async def serve(self, *options: str) -> Terminal:
        """
        Start a server with the certificate of Dovecot.
        """
        certificate = mdboxServer().certificate
        terminal = Terminal(
            *("-accept", "127.0.0.1:0", "-cert", str(certificate.path)),
            *("-key", str(certificate.key), *options),
        )
        self.addCleanup(terminal.close)
        await terminal.until("ACCEPT 127.0.0.1:")
        self.port = int(await terminal.until("\n"))
        return terminal

    async def test_keyUpdate(self) -> None:
        """
        A server that changes its keys, and wants us to change ours (RFC 8446,
        4.6.3), in the midst of a line; and one that sends more tickets.
        """
        terminal = await self.serve("-msg", "-num_tickets", "5")
        server = described(mdboxServer(), port=self.port)
        connecting = Deferred.fromCoroutine(self.connect(server))
        terminal.type(f"* PREAUTH [CAPABILITY {REQUIRED}] hi")
        await terminal.until("0001 ENABLE QRESYNC")
        terminal.type("* ENABLED QRESYNC", "0001 OK")
        client = await connecting
        await terminal.until(">>> ")  # or it would read what is next along with it
        terminal.type("K")
        await terminal.until(">>> TLS 1.3, Handshake [length 0005], KeyUpdate")
        terminal.type("* CAPABILITY IMAP4rev1 AFTER")
        done = client.perform(Simple("NOOP"))
        await terminal.until("<<< TLS 1.3, Handshake [length 0005], KeyUpdate")
        await terminal.until("0002 NOOP")
        terminal.type("0002 OK")
        await done
        self.assertIn("AFTER", client.capabilities)
        leaving = client.leave()
        await terminal.until("0003 LOGOUT")
        terminal.type("* BYE", "0003 OK")
        await leaving

    async def test_old(self) -> None:
        """
        A server whose TLS is below 1.2: what it takes to talk to it all the
        same is told at once.
        """
        await self.serve("-tls1_1", "-cipher", "ALL:@SECLEVEL=0")
        authority = str(mdboxServer().certificate.authority)
        options: dict[str, str | None] = {
            "type": "imaps",
            "STARTTLS": None,
            "port": str(self.port),
            "SSL_ca_file": authority,
        }
        scene = self.filled()
        level = "SSL_cipher_list = DEFAULT@SECLEVEL=0"
        scene.configure({"remote": options})
        self.refuses(scene, 77, "remote", "SSL_protocol_min = TLSv1.2", level)
        scene.configure({"remote": {**options, "SSL_protocol_min": "TLSv1.1"}})
        self.refuses(scene, 77, "remote", level)
