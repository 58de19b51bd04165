"""
Tests for L{imapsync.config}.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from imapsync.config import Config, Fingerprint, ServerConfig, TLSConfig, load, locate
from imapsync.errors import ConfigError, NotFound
from imapsync.model import Side

LOCAL = "[local]\ntype = tunnel\ncommand = doveadm exec imap\n"
REMOTE = "[remote]\nhost = imap.example.net\nusername = me\npassword = secret\n"


class ConfigTestCase(SynchronousTestCase):
    """
    Makes configuration files.
    """

    def setUp(self) -> None:
        """
        Make a folder for them.
        """
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()
        self.file = self.folder / "config"
        self.environ = {"HOME": "/home/me"}

    def load(self, text: str, mode: int = 0o600) -> Config:
        """
        What a file with this C{text} means.
        """
        self.file.write_text(text, "utf-8")
        self.file.chmod(mode)
        return load(str(self.file), self.environ)

    def remote(self, text: str) -> ServerConfig:
        """
        What these lines in C{[remote]} mean.
        """
        return self.load(f"{LOCAL}[remote]\n{text}").servers[Side.REMOTE]

    def assertWrong(self, text: str, message: str) -> None:
        """
        Assert that a file is refused with C{message}.
        """
        error = self.assertRaises(ConfigError, self.load, text)
        self.assertEqual(f"{self.file}:{message}", str(error))

    def assertWrongRemote(self, text: str, message: str) -> None:
        """
        Assert that lines in C{[remote]} are refused with C{message}, given
        the number among these lines of the one at fault (0: the heading).
        """
        number, _, rest = message.partition(":")
        line = int(number) + LOCAL.count("\n") + 1
        self.assertWrong(f"{LOCAL}[remote]\n{text}", f"{line}:{rest}")


class LocateTests(ConfigTestCase):
    """
    Tests for L{locate}.
    """

    def test_default(self) -> None:
        """
        The default is a file in a folder of its own.
        """
        self.assertEqual("/home/me/.config/imapsync/config", locate(None, self.environ))

    def test_defaultFile(self) -> None:
        """
        If the default folder is a file, it is that.
        """
        environ = {"XDG_CONFIG_HOME": str(self.folder)}
        path = self.folder / "imapsync"
        self.assertEqual(f"{path}/config", locate(None, environ))
        path.touch()
        self.assertEqual(str(path), locate(None, environ))

    def test_named(self) -> None:
        """
        A relative name starts from the base directory, not from the present
        one.
        """
        for name, path in (
            ("work", "/home/me/.config/work"),
            ("./work", "/home/me/.config/work"),
            ("/etc/work", "/etc/work"),
            ("~/work", "/home/me/work"),
        ):
            self.assertEqual(path, locate(name, self.environ))


class FileTests(ConfigTestCase):
    """
    Tests for how L{load} treats the file.
    """

    def test_missing(self) -> None:
        """
        A file that does not exist is not found.
        """
        error = self.assertRaises(NotFound, load, str(self.file), self.environ)
        self.assertIn(f"{self.file}: there is no such configuration", str(error))

    def test_unreadable(self) -> None:
        """
        A file that cannot be read is told with the reason.
        """
        error = self.assertRaises(NotFound, load, str(self.folder), self.environ)
        self.assertEqual(f"{self.folder}: cannot be read: Is a directory", str(error))

    def test_large(self) -> None:
        """
        A file far too large is refused instead of read.
        """
        error = self.assertRaises(ConfigError, load, "/dev/zero", self.environ)
        self.assertEqual("/dev/zero: too large for a configuration file", str(error))

    def test_exposed(self) -> None:
        """
        There is a warning about a password that others can read.
        """
        for mode in (0o640, 0o604):
            self.assertEqual(
                (
                    f"{self.file}: others can read the password in it:"
                    " make it mode 0600",
                ),
                self.load(LOCAL + REMOTE, mode).warnings,
            )

    def test_notExposed(self) -> None:
        """
        There is none about a file that only its owner can read, nor about one
        without a password.
        """
        self.assertEqual((), self.load(LOCAL + REMOTE, 0o600).warnings)
        harmless = REMOTE.replace("password =", "password-command =")
        self.assertEqual((), self.load(LOCAL + harmless, 0o644).warnings)

    def test_noSection(self) -> None:
        """
        Both servers must be there.
        """
        for side, text in (("local", REMOTE), ("remote", LOCAL)):
            error = self.assertRaises(ConfigError, self.load, text)
            self.assertEqual(
                f"{self.file}: there is no section [{side}]: add it", str(error)
            )

    def test_syntax(self) -> None:
        """
        Wrong syntax is told by file and line.
        """
        self.assertWrong(
            "datebase = x",
            '1: unknown option "datebase" in the default section;'
            " did you mean database?",
        )


class DefaultSectionTests(ConfigTestCase):
    """
    Tests for the default section.
    """

    def test_defaults(self) -> None:
        """
        Nothing need be given there.
        """
        config = self.load(LOCAL + REMOTE)
        self.assertEqual(
            Config(
                path=str(self.file),
                database="/home/me/.local/share/imapsync/imap.example.net.db",
                listMailbox=("*",),
                listSelectOpts=("SUBSCRIBED",),
                ignoreMailbox=None,
                logfile=None,
                mergeFlags=False,
                servers=config.servers,
            ),
            config,
        )

    def test_all(self) -> None:
        """
        Each option has its value.
        """
        config = self.load(
            'list-mailbox = INBOX "a b"\nlist-select-opts =\n'
            "ignore-mailbox = ^Trash\nlogfile = log\nflag-conflict = merge\n"
            "connections = 1\n" + LOCAL + REMOTE
        )
        self.assertEqual(("INBOX", "a b"), config.listMailbox)
        self.assertEqual((), config.listSelectOpts)
        assert config.ignoreMailbox is not None
        self.assertEqual("^Trash", config.ignoreMailbox.pattern)
        self.assertEqual(f"{self.folder}/log", config.logfile)
        self.assertTrue(config.mergeFlags)

    def test_database(self) -> None:
        """
        A relative database name starts from the base directory for data.
        """
        self.environ["XDG_DATA_HOME"] = "/data"
        for value, path in (
            ("a.db", "/data/imapsync/a.db"),
            ("/a.db", "/a.db"),
            ("~/a.db", "/home/me/a.db"),
        ):
            config = self.load(f"database = {value}\n{LOCAL}{REMOTE}")
            self.assertEqual(path, config.database)

    def test_databaseHost(self) -> None:
        """
        The default name is the remote server's host, else the local one's,
        else localhost.
        """
        server = "[{}]\nhost = {}\nusername = me\npassword = secret\n"
        tunnel = "[{}]\ntype = tunnel\ncommand = {}\n"
        for local, remote, host in (
            (server, server, "b"),
            (server, tunnel, "a"),
            (tunnel, tunnel, "localhost"),
        ):
            config = self.load(
                local.format("local", "a") + remote.format("remote", "b")
            )
            self.assertEqual(
                f"/home/me/.local/share/imapsync/{host}.db", config.database
            )

    def test_wrong(self) -> None:
        """
        Wrong values are told by file and line, and what is not there yet too.
        """
        for line, message in (
            ("flag-conflict = both", 'must be union or merge, not "both"'),
            ("connections = 4", "of more than 1 is not available yet"),
            ("database =", "must not be empty"),
        ):
            self.assertWrong(
                f"\n{line}\n{LOCAL}{REMOTE}",
                f"2: {line.split()[0]} in the default section {message}",
            )


class ServerTests(ConfigTestCase):
    """
    Tests for the servers' sections.
    """

    def test_defaults(self) -> None:
        """
        A server needs credentials only.
        """
        self.assertEqual(
            ServerConfig(
                side=Side.REMOTE,
                type="imaps",
                host="localhost",
                port=993,
                command=None,
                nullStderr=False,
                starttls=False,
                auth=("PLAIN", "LOGIN"),
                username="me",
                password="secret",
                passwordCommand=None,
                tls=TLSConfig(),
                readOnly=False,
                listReference="",
            ),
            self.remote("username = me\npassword = secret"),
        )

    def test_tunnel(self) -> None:
        """
        A tunnel needs a command only.
        """
        server = self.remote("type = tunnel\ncommand = x y\nnull-stderr = YES")
        self.assertEqual("x y", server.command)
        self.assertTrue(server.nullStderr)
        self.assertEqual(("", 0, None), (server.host, server.port, server.username))
        self.assertFalse(server.starttls)

    def test_imap(self) -> None:
        """
        Type imap has its own port, and STARTTLS unless told otherwise.
        """
        login = "type = imap\nusername = me\npassword = secret\n"
        server = self.remote(login)
        self.assertEqual((143, True), (server.port, server.starttls))
        server = self.remote(login + "STARTTLS = NO\nport = 1143")
        self.assertEqual((1143, False), (server.port, server.starttls))

    def test_others(self) -> None:
        """
        The remaining options have their values.
        """
        server = self.remote(
            "username = me\npassword-command = pass show imap\nauth = LOGIN\n"
            "read-only = YES\nlist-reference = perso/\ncompress = NO\nSTARTTLS = NO"
        )
        self.assertEqual("pass show imap", server.passwordCommand)
        self.assertEqual(("LOGIN",), server.auth)
        self.assertTrue(server.readOnly)
        self.assertEqual("perso/", server.listReference)

    def test_where(self) -> None:
        """
        Messages can name a server.
        """
        server = self.remote("username = me\npassword = secret")
        self.assertEqual("remote (imaps://localhost:993)", server.where)
        server = dataclasses.replace(server, host="::1", port=1)
        self.assertEqual("remote (imaps://[::1]:1)", server.where)
        server = dataclasses.replace(server, type="tunnel", side=Side.LOCAL)
        self.assertEqual("local (tunnel)", server.where)

    def test_repr(self) -> None:
        """
        A configuration shows no password.
        """
        self.assertNotIn("secret", repr(self.load(LOCAL + REMOTE)))

    def test_credentials(self) -> None:
        """
        A user name and one source of a password are needed; of a tunnel, both
        or none.
        """
        tunnel = "type = tunnel\ncommand = x\n"
        noPassword = "0: password in [remote] is missing (or give password-command)"
        noUsername = "0: username in [remote] is missing"
        for text, message in (
            ("username = me", noPassword),
            ("password = x", noUsername),
            ("", noUsername),
            (f"{tunnel}username = me", noPassword),
            (f"{tunnel}password-command = x", noUsername),
        ):
            self.assertWrongRemote(text, message)
        self.assertWrongRemote(
            "username = me\npassword = x\npassword-command = y",
            "3: password-command in [remote] and password exclude each other",
        )
        self.assertEqual(
            "me", self.remote(f"{tunnel}username = me\npassword = x").username
        )

    def test_noCommand(self) -> None:
        """
        A tunnel needs its command.
        """
        self.assertWrongRemote(
            "type = tunnel",
            "0: command in [remote] is missing: type = tunnel needs it",
        )

    def test_idle(self) -> None:
        """
        Options without an effect are refused.
        """
        for text, option, why in (
            ("type = tunnel\nhost = x", "host", "type = tunnel"),
            ("type = tunnel\nport = 1", "port", "type = tunnel"),
            ("type = tunnel\nproxy = x", "proxy", "type = tunnel"),
            ("type = tunnel\nSSL_key = x", "SSL_key", "type = tunnel"),
            ("type = imaps\ncommand = x", "command", "type = imaps"),
            ("type = imap\nnull-stderr = NO", "null-stderr", "type = imap"),
        ):
            self.assertWrongRemote(
                text, f"2: {option} in [remote] has no effect with {why}: remove it"
            )

    def test_unencrypted(self) -> None:
        """
        Options about TLS are refused where there is none.
        """
        self.assertWrongRemote(
            "type = imap\nSTARTTLS = NO\nSSL_verify = YES",
            "3: SSL_verify_trusted_peer in [remote] has no effect with"
            " STARTTLS = NO: remove it",
        )

    def test_needlessStarttls(self) -> None:
        """
        STARTTLS cannot be asked of other types than imap.
        """
        for kind in ("imaps", "tunnel"):
            self.assertWrongRemote(
                f"type = {kind}\nSTARTTLS = YES",
                f"2: STARTTLS in [remote] is only for type = imap, not {kind}",
            )

    def test_notYet(self) -> None:
        """
        What is promised but not there yet is refused.
        """
        for option, value, message in (
            ("proxy", "socks5://localhost", "is not available yet"),
            ("compress", "YES", "= YES is not available yet"),
            ("auth", "PLAIN XOAUTH2", "names XOAUTH2, which is not available yet"),
        ):
            self.assertWrongRemote(
                f"username = me\npassword = secret\n{option} = {value}",
                f"3: {option} in [remote] {message}",
            )

    def test_bothReadOnly(self) -> None:
        """
        At most one side may be read-only.
        """
        self.assertWrong(
            f"{LOCAL}read-only = YES\n{REMOTE}read-only = YES\n",
            "9: read-only in [remote] is YES in [local] too: nothing could flow",
        )

    def test_sameAccount(self) -> None:
        """
        The two sides must not be the same account, unless they are different
        parts of it.
        """
        local = REMOTE.replace("remote", "local")
        self.assertWrong(
            local + REMOTE,
            "6: host in [remote] leads to the same account as that in [local]",
        )
        self.assertWrong(
            LOCAL + LOCAL.replace("local", "remote"),
            "6: command in [remote] leads to the same account as that in [local]",
        )
        self.load(local + REMOTE + "list-reference = copy/")


class TLSTests(ConfigTestCase):
    """
    Tests for the options about TLS.
    """

    login = "username = me\npassword = secret\n"

    def test_all(self) -> None:
        """
        Each option has its value; files are looked for beside the
        configuration.
        """
        for name in ("ca.pem", "client.pem", "client.key"):
            (self.folder / name).touch()
        server = self.remote(
            f"{self.login}SSL_verify_trusted_peer = YES\n"
            f"SSL_fingerprint = sha1${'0a' * 20}\n"
            "SSL_cipher_list = HIGH\nSSL_ciphersuites = TLS_AES_128_GCM_SHA256\n"
            "SSL_protocol_min = TLSv1.2\nSSL_protocol_max = TLSv1.2\n"
            "SSL_ca_path = .\nSSL_ca_file = ca.pem\nSSL_hostname = example.org\n"
            "SSL_certificate = client.pem\nSSL_key = client.key\n"
        )
        self.assertEqual(
            TLSConfig(
                verifyPeer=True,
                fingerprints=(Fingerprint("sha1", b"\n" * 20),),
                cipherList="HIGH",
                ciphersuites="TLS_AES_128_GCM_SHA256",
                protocolMin="TLSv1.2",
                protocolMax="TLSv1.2",
                caPath=str(self.folder),
                caFile=f"{self.folder}/ca.pem",
                hostname="example.org",
                certificate=f"{self.folder}/client.pem",
                key=f"{self.folder}/client.key",
            ),
            server.tls,
        )

    def test_interimap(self) -> None:
        """
        The names that interimap uses will do.
        """
        (self.folder / "ca.pem").touch()
        tls = self.remote(
            f"{self.login}SSL_CApath = .\nSSL_CAfile = ca.pem\n"
            "SSL_cipherlist = HIGH\nSSL_verify = YES"
        ).tls
        self.assertEqual(
            (str(self.folder), f"{self.folder}/ca.pem", "HIGH"),
            (tls.caPath, tls.caFile, tls.cipherList),
        )

    def test_alias(self) -> None:
        """
        An option and its alias are the same option.
        """
        self.assertWrongRemote(
            "SSL_verify = YES\nSSL_verify_trusted_peer = NO",
            "2: SSL_verify_trusted_peer is given a second time, after line 5",
        )

    def test_noFile(self) -> None:
        """
        A file that cannot be read is told before anything is connected.
        """
        self.assertWrongRemote(
            f"{self.login}SSL_ca_file = none.pem",
            "3: SSL_ca_file in [remote] names a file that cannot be read:"
            f" {self.folder}/none.pem",
        )

    def test_protocols(self) -> None:
        """
        The highest protocol must not be below the lowest, be that the
        default.
        """
        self.assertWrongRemote(
            f"{self.login}SSL_protocol_max = TLSv1.1",
            "3: SSL_protocol_max in [remote] is below SSL_protocol_min (TLSv1.2)",
        )
        tls = self.remote(
            f"{self.login}SSL_protocol_max = TLSv1.1\nSSL_protocol_min = TLSv1"
        ).tls
        self.assertEqual(("TLSv1", "TLSv1.1"), (tls.protocolMin, tls.protocolMax))

    def test_idle(self) -> None:
        """
        CAs without verification, and a key without its certificate, have no
        effect.
        """
        self.assertWrongRemote(
            f"{self.login}SSL_verify = NO\nSSL_ca_path = .",
            "4: SSL_ca_path in [remote] has no effect with"
            " SSL_verify_trusted_peer = NO",
        )
        self.assertWrongRemote(
            f"{self.login}SSL_key = config",
            "3: SSL_key in [remote] has no effect without SSL_certificate",
        )
