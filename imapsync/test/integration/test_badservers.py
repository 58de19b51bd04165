"""
What can be wrong with a server: each has its exit code and one clear line, and
nothing is changed; nor is a credential told to whom it is not for.
"""

from __future__ import annotations

import contextlib
import functools
import socket
import threading

from imapsync.test import children
from imapsync.test.integration.dovecot import REQUIRED, Dovecot, Settings
from imapsync.test.integration.scene import PROGRAM, Scene, finished
from imapsync.test.integration.test_badinput import BadInputCase


@functools.cache
def foreignServer() -> Dovecot:
    """
    A server with a certificate for another host, and no use for passwords in
    clear text.
    """
    return Dovecot(Settings(plaintext=False, names=["mail.example"]))


@functools.cache
def bareServer() -> Dovecot:
    """
    A server without TLS.
    """
    return Dovecot(Settings(extra="ssl = no"))


class CredentialCase(BadInputCase):
    """
    Looks at what a server was told.
    """

    def untried(self, server: Dovecot, scene: Scene) -> None:
        """
        The server saw no user name, but from the test itself.
        """
        seen = [line for line in server.log().splitlines() if scene.user in line]
        logins = [line for line in seen if "Login: " in line]
        self.assertEqual(1, len(logins), seen)
        self.assertEqual([], [x for x in seen if "auth failed" in x], seen)


class LoginTests(CredentialCase):
    """
    Servers that do not want us.
    """

    def test_password(self) -> None:
        """
        A wrong password is tried once, and shown nowhere.
        """
        for auth in "PLAIN", "LOGIN":
            scene = self.filled(password="wr0ng", auth=auth)
            run = self.refuses(scene, 77, "remote", "refused", "password")
            self.assertNotIn("wr0ng", run.errors)
            self.assertEqual(1, len(run.errors.splitlines()), run.errors)

    def test_passwordCommand(self) -> None:
        """
        A command that tells no password.
        """
        for command, code in (
            ("echo secret >&2; exit 3", 77),
            ("true", 78),
            ("/no/such/command", 78),
        ):
            scene = self.filled()
            options = {"password": None, "password-command": command}
            scene.configure({"remote": options})
            self.refuses(scene, code, "remote", "password-command")

    def test_noPassword(self) -> None:
        """
        A server that wants a login, where none is configured.
        """
        for left in {"password": None}, {"username": None, "password": None}:
            scene = self.filled(**left)
            self.refuses(scene, 78, "remote", "password", "[remote]")

    def test_disabled(self) -> None:
        """
        A server that takes no password in clear text gets none.
        """
        scene = self.filled(foreignServer())
        self.refuses(scene, 77, "remote", "TLS")
        self.untried(foreignServer(), scene)

    def test_capability(self) -> None:
        """
        A server that does not say that it speaks IMAP4rev1.
        """
        others = " ".join(REQUIRED.split()[1:])
        server = self.server(Dovecot(Settings(capability=others)))
        scene = self.filled(server)
        self.refuses(scene, 69, "remote", "IMAP4REV1")
        self.assertFalse(scene.remote.uids("INBOX"))


class TrustTests(CredentialCase):
    """
    Servers that are not what they should be: no credential is sent.
    """

    def distrusts(self, server: Dovecot, *words: str, **remote: str | None) -> None:
        """
        Both ways to TLS end before anything is told.
        """
        for way in (
            {"type": "imap", "STARTTLS": "YES"},
            {"type": "imaps", "STARTTLS": None, "port": str(server.tlsPort)},
        ):
            scene = self.filled(server, **way, **remote)
            self.refuses(scene, 77, "remote", *words)
            self.untried(server, scene)

    def test_name(self) -> None:
        """
        A certificate for another host.
        """
        authority = str(foreignServer().certificate.authority)
        self.distrusts(foreignServer(), "certificate", SSL_ca_file=authority)

    def test_hostname(self) -> None:
        """
        C{SSL_hostname} says which name to look for.
        """
        authority = str(foreignServer().certificate.authority)
        self.distrusts(
            foreignServer(),
            "other.example",
            SSL_ca_file=authority,
            SSL_hostname="other.example",
        )

    def test_chain(self) -> None:
        """
        A certificate that nobody vouches for.
        """
        self.distrusts(foreignServer(), "certificate", SSL_hostname="mail.example")

    def test_expired(self) -> None:
        """
        A certificate that has expired.
        """
        server = self.server(Dovecot(Settings(expired=True)))
        authority = str(server.certificate.authority)
        self.distrusts(server, "expired", SSL_ca_file=authority)

    def test_fingerprint(self) -> None:
        """
        A fingerprint that is not that of the certificate or its key, though
        all else is well; or though nothing else is looked at.
        """
        server = foreignServer()
        wrong = "0" * 64
        self.distrusts(
            server,
            "fingerprint",
            server.certificate.fingerprint,
            SSL_ca_file=str(server.certificate.authority),
            SSL_hostname="mail.example",
            SSL_fingerprint=wrong,
        )
        self.distrusts(
            server,
            "fingerprint",
            SSL_verify_trusted_peer="NO",
            SSL_fingerprint=f"sha256${wrong}",
        )

    def test_protocol(self) -> None:
        """
        A server whose TLS is too new for us: it hangs up without a word.
        """
        server = self.server(Dovecot(Settings(extra="ssl_min_protocol = TLSv1.3")))
        authority = str(server.certificate.authority)
        scene = self.filled(
            server,
            STARTTLS="YES",
            SSL_ca_file=authority,
            SSL_protocol_max="TLSv1.2",
        )
        self.refuses(scene, 75, "remote", "TLS")

    def test_noSTARTTLS(self) -> None:
        """
        A server that offers no STARTTLS.
        """
        authority = str(bareServer().certificate.authority)
        scene = self.filled(bareServer(), STARTTLS=None, SSL_ca_file=authority)
        self.refuses(scene, 77, "STARTTLS")
        self.untried(bareServer(), scene)

    def test_stripped(self) -> None:
        """
        A server that logs us in at once, so that there is no STARTTLS any
        more.
        """
        greeting = b"* PREAUTH [CAPABILITY %s] hi\r\n" % REQUIRED.encode()
        with Listener(greeting) as port:
            scene = self.filled()
            scene.configure({"remote": {"STARTTLS": "YES", "port": port}})
            self.refuses(scene, 77, "PREAUTH")


class Listener:
    """
    A port on which every client is greeted, and then heard out.
    """

    def __init__(self, greeting: bytes) -> None:
        self._greeting = greeting

    def __enter__(self) -> str:
        """
        Listen.

        @return: the port.
        """
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()
        return str(self._socket.getsockname()[1])

    def __exit__(self, *exception: object) -> None:
        """
        Stop.
        """
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._socket.accept()
                with client:
                    client.sendall(self._greeting)
                    while client.recv(65536):
                        pass


class ReachTests(BadInputCase):
    """
    Servers that cannot be reached.  All are tried at the same time, since
    each is tried again after a while.
    """

    def test_unreachable(self) -> None:
        """
        A closed port, an unknown host, a server that turns us away, and
        commands that fail: the line says what was wrong.
        """
        closed = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(closed.close)
        port = str(closed.getsockname()[1])
        closed.close()
        scene = self.filled()
        cases: tuple[tuple[dict[str, str | None], list[str]], ...] = (
            ({"port": port}, [f"127.0.0.1:{port}", "refused"]),
            ({"host": "no-such-host.invalid"}, ["no-such-host.invalid"]),
            (scene.tunnel("echo oops >&2; exit 7"), ["oops", "7"]),
            (scene.tunnel("kill -9 $$"), ["tunnel", "signal 9"]),
            (scene.tunnel("true"), ["tunnel", "exited"]),
            (scene.tunnel(says("* BYE Too busy.")), ["Too busy."]),
        )
        for remote, told in cases:
            self.started.append((scene.start(self.written(scene, remote)), told))
        for process, told in self.started:
            self.refused(scene, finished(process), 75, "remote", *told)

    def written(self, scene: Scene, remote: dict[str, str | None]) -> list[str]:
        """
        The command line with a configuration and a database of its own.
        """
        number = len(self.started)
        scene.configure(
            {
                "": {"database": str(scene.directory / f"{number}.db")},
                "remote": remote,
            }
        )
        path = scene.file.rename(scene.directory / f"config{number}")
        return [*PROGRAM, "--oneshot", "--patience=0", f"--config={path}"]

    def setUp(self) -> None:
        """
        Nothing is running.
        """
        self.started: list[tuple[children.Child, list[str]]] = []

    def test_noCommand(self) -> None:
        """
        A tunnel command that does not exist, or cannot be run.
        """
        scene = self.filled()
        for command in "/no/such/command x", str(scene.file), "'unbalanced":
            scene.configure({"remote": scene.tunnel(command)})
            self.refuses(scene, 78, "remote", "command")

    def test_wantsLogin(self) -> None:
        """
        A tunnel command that wants a login, where none is configured.
        """
        scene = self.filled()
        greeting = "* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] hi"
        scene.configure({"remote": scene.tunnel(says(greeting))})
        self.refuses(scene, 78, "remote", "username")

    def test_noIMAP(self) -> None:
        """
        What does not speak IMAP: it is quoted.
        """
        scene = self.filled()
        for text in (
            "HTTP/1.1 400 Bad Request",
            "SSH-2.0-OpenSSH_9.2",
            "220 mail.example ESMTP",
            "+OK POP3 ready",
            "* x",
            "",
        ):
            scene.configure({"remote": scene.tunnel(says(text))})
            self.refuses(scene, 76, "remote", f'it said "{text}"', "see command")

    def test_lineEnds(self) -> None:
        """
        A command whose lines do not end as they should is not waited for for long.
        """
        scene = self.filled()
        command = "echo '* PREAUTH [CAPABILITY IMAP4rev1] hi'; exec cat"
        scene.configure({"remote": scene.tunnel(command)})
        self.refuses(scene, 76, "30 seconds", "* PREAUTH", "CR and LF", "command")

    def test_words(self) -> None:
        """
        A command that says on its standard output why it ends, as C{ssh} to
        an account without a shell does.
        """
        scene = self.filled()
        command = "echo 'This account is not available.'; exit 1"
        scene.configure({"remote": scene.tunnel(command)})
        self.refuses(scene, 75, "status 1", "This account is not available.")

    def test_controls(self) -> None:
        """
        What a server says cannot paint on a terminal or begin a line.
        """
        scene = self.filled()
        evil = r"* BYE \033[31mred\007 \r imapsync: fine\302\233 \342\200\256x"
        scene.configure({"remote": scene.tunnel(says(evil))})
        run = self.refuses(scene, 75, "red")
        for char in "\x1b", "\x07", "\x9b", "\u202e", "\r":
            self.assertNotIn(char, run.errors)

    def test_plainToTLS(self) -> None:
        """
        TLS to a port that speaks none.
        """
        scene = self.filled(type="imaps", STARTTLS=None)
        run = scene.sync()
        self.assertIn(run.code, (75, 77), run.tail)
        self.refused(scene, run, run.code, "remote", "TLS")


def says(line: str) -> str:
    """
    A tunnel command that says one line, as C{printf} takes it, and listens.
    """
    return f"printf '{line}\\r\\n'; exec cat >&2"
