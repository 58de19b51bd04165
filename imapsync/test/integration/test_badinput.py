"""
What can be wrong with a command line, a configuration, a database or a
server: each has its exit code and one clear line, and nothing is changed.
"""

from __future__ import annotations

import contextlib
import functools
import os
import select
import signal
import socket
import sqlite3
import subprocess
import threading
from contextlib import closing
from pathlib import Path

from imapsync.test.integration.dovecot import REQUIRED, Dovecot, Settings
from imapsync.test.integration.messages import mails
from imapsync.test.integration.scene import PROGRAM, Run, Scene, SceneCase, finished


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


class BadInputCase(SceneCase):
    """
    Has two accounts with something to do between them.
    """

    def filled(
        self, remoteServer: Dovecot | None = None, **remote: str | None
    ) -> Scene:
        """
        Two accounts, and more options for the remote one.
        """
        scene = self.scene(remoteServer=remoteServer, options={"remote": remote})
        scene.local.fill("INBOX", mails(3))
        scene.remote.create("Work")
        scene.remote.fill("Work", mails(2))
        self.before = scene.snapshots()
        return scene

    def refuses(self, scene: Scene, code: int, *words: str) -> Run:
        """
        A run ends with C{code} and one line with C{words}, and changes
        nothing.
        """
        return self.refused(scene, scene.sync(), code, *words)

    def refused(self, scene: Scene, run: Run, code: int, *words: str) -> Run:
        """
        A run did so.
        """
        self.complains(run, code, *words)
        self.assertEqual(self.before, scene.snapshots())
        return run


class CommandLineTests(BadInputCase):
    """
    What is typed.
    """

    def test_usage(self) -> None:
        """
        Wrong options.
        """
        scene = self.filled()
        config = f"--config={scene.file}"
        for words, told in (
            (["--onshot", config], "did you mean --oneshot"),
            (["-1x", config], "-x"),
            (["--oneshot", "--config"], "--config"),
            (["--oneshot", "--quiet=yes", config], "quiet"),
            (["--oneshot", config, ""], "MAILBOX"),
            ([config], "--oneshot"),
            (["--dry-run", config], "--oneshot"),
            (["--repair", config], "not available yet"),
            (["--delete", config, "Work"], "not available yet"),
            (["--oneshot", config, "--watch=5"], "not available yet"),
            (["--oneshot", config, config], "--config"),
        ):
            run = finished(scene.start([*PROGRAM, *words]))
            self.complains(run, 64, told)
            self.assertEqual("", run.output)
        self.assertEqual(self.before, scene.snapshots())
        self.assertFalse(scene.database.exists())

    def test_noFile(self) -> None:
        """
        A configuration file that is not there, or cannot be read.
        """
        scene = self.filled()
        unreadable = scene.directory / "folder"
        unreadable.mkdir()
        for path in scene.directory / "none", unreadable, scene.file / "below":
            command = [*PROGRAM, "--oneshot", f"--config={path}"]
            self.refused(scene, finished(scene.start(command)), 66, str(path))


class ConfigurationTests(BadInputCase):
    """
    What is configured.
    """

    def test_values(self) -> None:
        """
        Unknown options and values of the wrong form: file and line are named.
        """
        scene = self.filled()
        for options, told in (
            ({"usrname": "x"}, ("usrname", "username")),
            ({"port": "imap"}, ("port", "1 to 65535")),
            ({"STARTTLS": "maybe"}, ("STARTTLS", "YES or NO")),
            ({"username": None}, ("username", "missing")),
            ({"type": "pop3"}, ("type", "imaps")),
            ({"type": "tunnel"}, ("command", "missing")),
            ({"SSL_fingerprint": "0" * 64}, ("cannot be checked",)),
            ({"STARTTLS": "YES", "SSL_cipher_list": "HI"}, ("SSL_cipher_list",)),
            ({"STARTTLS": "YES", "SSL_ciphersuites": "TLS"}, ("SSL_ciphersuites",)),
            ({"compress": "YES"}, ("compress", "not available yet")),
            ({"auth": "PLAN"}, ("auth", "PLAIN")),
            ({"Port": "143"}, ("second time",)),
            ({"SSL_ca_file": "none"}, ("SSL_ca_file",)),
            ({"username": "a\n[lokal]"}, ("lokal", "local")),
        ):
            scene.configure({"remote": options})
            self.complains(scene.sync(), 78, f"{scene.file}:", *told)
        self.assertEqual(self.before, scene.snapshots())

    def test_idle(self) -> None:
        """
        Options without an effect are warned about, and do no harm.
        """
        scene = self.filled(SSL_verify="NO", command="false")
        run = self.ends(scene, 0)
        for option in "SSL_verify_trusted_peer", "command":
            [line] = [x for x in run.errors.splitlines() if f": {option} in" in x]
            self.says(line, "warn: ", f"{scene.file}:", "has no effect")

    def test_garbage(self) -> None:
        """
        A file that is no configuration at all.
        """
        scene = self.filled()
        for data in (
            b"",
            b"\0\1\xff\xfe" * 50,
            b"hello\n",
            b"<xml>\n",
            b"\n" * (2 << 20),
        ):
            scene.file.write_bytes(data)
            self.refuses(scene, 78, str(scene.file))

    def test_sameAccount(self) -> None:
        """
        Both sides are the same.
        """
        scene = self.filled(port="1")
        scene.configure({"remote": {"port": str(scene.localServer.port)}})
        self.refuses(scene, 78, "same account")


class DatabaseTests(BadInputCase):
    """
    Where the state is kept.
    """

    def test_noDatabase(self) -> None:
        """
        A file that is something else is left as it is.
        """
        scene = self.filled()
        for data in b"hello", b"SQLite format 3\0" + bytes(4096), b"\xff" * 10_000:
            scene.database.write_bytes(data)
            self.refuses(scene, 65, str(scene.database))
            self.assertEqual(data, scene.database.read_bytes())

    def test_foreign(self) -> None:
        """
        So is somebody else's database.
        """
        scene = self.filled()
        with closing(sqlite3.connect(scene.database)) as database:
            database.execute("CREATE TABLE mailbox (id INTEGER PRIMARY KEY)")
        data = scene.database.read_bytes()
        self.refuses(scene, 65, str(scene.database))
        self.assertEqual(data, scene.database.read_bytes())

    def test_damaged(self) -> None:
        """
        A database of which a part was lost, or overwritten.
        """
        scene = self.synced()
        data = scene.database.read_bytes()
        middle = len(data) // 2
        for damaged in (
            data[:middle],
            data[:4096] + b"\0" * (len(data) - 4096),
            data[:middle] + os.urandom(len(data) - middle),
        ):
            scene.database.write_bytes(damaged)
            self.refuses(scene, 65, str(scene.database))

    def test_newer(self) -> None:
        """
        A database of a later version.
        """
        scene = self.synced()
        with closing(sqlite3.connect(scene.database)) as database:
            database.execute("PRAGMA user_version = 999")
        self.refuses(scene, 65, str(scene.database), "newer")

    def synced(self) -> Scene:
        """
        Two accounts that have a database, and something to do.
        """
        scene = self.scene()
        scene.local.fill("INBOX", mails(100, size=100))
        self.ends(scene, 0)
        scene.local.fill("INBOX", mails(3))
        self.before = scene.snapshots()
        return scene

    def test_place(self) -> None:
        """
        A directory that cannot be made; and names that are no files.
        """
        scene = self.filled()
        for place in (
            scene.file / "state.db",
            scene.directory,
            Path("/proc/state.db"),
            Path("/dev/full"),
            Path("/dev/null"),
        ):
            scene.configure({"": {"database": str(place)}})
            self.refuses(scene, 73, str(place))

    def test_inUse(self) -> None:
        """
        One instance at a time; if that is killed, the next has the database.
        """
        scene = self.filled()
        with Stalled(self, scene) as other:
            self.refuses(scene, 73, str(scene.database), "in use")
            other.process.kill()
        scene.configure({})
        self.syncs(scene)

    def test_dryRun(self) -> None:
        """
        A dry run is in nobody's way.
        """
        scene = self.filled()
        with Stalled(self, scene):
            self.ends(scene, 0, "--dry-run")
        self.assertEqual(self.before, scene.snapshots())

    def test_diskFull(self) -> None:
        """
        A disk with no room for the database.
        """
        scene = self.filled()
        for blocks in 0, 1, 8, 40:
            shell = ["sh", "-c", f'ulimit -f {blocks}; exec "$@"', "sh"]
            run = finished(scene.start([*shell, *scene.command()]))
            self.refused(scene, run, 74, str(scene.database))
        self.syncs(scene)


class Stalled:
    """
    A run that has opened its database and waits for a server; it is ended
    when the block is left.
    """

    def __init__(self, case: SceneCase, scene: Scene) -> None:
        self._case = case
        self._scene = scene

    def __enter__(self) -> Stalled:
        """
        Start it, and wait until it is so far.
        """
        scene = self._scene
        signalled = scene.directory / "signalled"
        os.mkfifo(signalled)
        reader = os.open(signalled, os.O_RDONLY | os.O_NONBLOCK)
        self._case.addCleanup(os.close, reader)
        original = scene.file.read_text()
        scene.configure({"remote": scene.tunnel(f"echo > {signalled}; exec cat")})
        self.process = scene.start(scene.command())
        self._case.assertTrue(select.select([reader], [], [], 30)[0], "not started")
        scene.file.write_text(original)
        return self

    def __exit__(self, *exception: object) -> None:
        """
        End it.
        """
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.run = finished(self.process)


class SignalTests(BadInputCase):
    """
    Told to stop.
    """

    def test_terminated(self) -> None:
        """
        SIGTERM and SIGINT end a run that waits for a server, at once and with
        one line; the next run goes on.
        """
        for number in signal.SIGTERM, signal.SIGINT:
            scene = self.filled()
            with Stalled(self, scene) as stalled:
                stalled.process.send_signal(number)
                stalled.process.wait(5)
            self.refused(scene, stalled.run, 75, "interrupted")
            self.syncs(scene)


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
        A server without QRESYNC, and one without LIST-STATUS, on either side.
        """
        for name in "QRESYNC", "LIST-STATUS", "UIDPLUS":
            others = " ".join(word for word in REQUIRED.split() if word != name)
            server = self.server(Dovecot(Settings(capability=others)))
            scene = self.filled(server)
            self.refuses(scene, 69, "remote", name)
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
        return [*PROGRAM, "--oneshot", f"--config={path}"]

    def setUp(self) -> None:
        """
        Nothing is running.
        """
        self.started: list[tuple[subprocess.Popen[bytes], list[str]]] = []

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
        What does not speak IMAP.
        """
        scene = self.filled()
        for text in (
            "HTTP/1.1 400 Bad Request",
            "SSH-2.0-OpenSSH_9.2",
            "220 mail.example ESMTP",
            "+OK POP3 ready",
        ):
            scene.configure({"remote": scene.tunnel(says(text))})
            self.refuses(scene, 76, "remote")

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
