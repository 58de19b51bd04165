"""
Tests for L{imapsync.config.settings}.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from imapsync.config.mapping import Value
from imapsync.config.settings import Config
from imapsync.errors import ConfigError
from imapsync.test.config.test_file import LOCAL, REMOTE, ConfigTestCase
from imapsync.test.integration.certificates import issue


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
                database="/home/me/.local/share/imapsync/me@imap.example.net.db",
                older="/home/me/.local/share/imapsync/imap.example.net.db",
                listMailbox=("*",),
                listSelectOpts=("SUBSCRIBED",),
                ignoreMailbox=None,
                logfile=None,
                mergeFlags=False,
                mapSpecialUse=False,
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
            "connections = 4\nmap-special-use = YES\n" + LOCAL + REMOTE
        )
        self.assertEqual(("INBOX", "a b"), config.listMailbox)
        self.assertEqual((), config.listSelectOpts)
        assert config.ignoreMailbox is not None
        self.assertEqual("^Trash", config.ignoreMailbox.pattern)
        self.assertEqual(f"{self.folder}/log", config.logfile)
        self.assertTrue(config.mergeFlags)
        self.assertEqual(4, config.connections)
        self.assertTrue(config.mapSpecialUse)

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
            self.assertEqual((path, ""), (config.database, config.older))

    def test_databaseHost(self) -> None:
        """
        The default name is the remote server's user and host, else the local
        one's, else localhost; the host of a tunnel is only good for this.  Before,
        it was the host alone.
        """
        server = "[{}]\nhost = {}\nusername = me\npassword = secret\n"
        tunnel = "[{}]\ntype = tunnel\ncommand = {}\n"
        named = "[{0}]\ntype = tunnel\ncommand = {1}\nhost = {1}\nport = 1\n"
        bare = "[{}]\nusername = me\npassword = secret\n"
        for local, remote, name, host in (
            (server, server, "me@b", "b"),
            (server, tunnel, "me@a", "a"),
            (tunnel, tunnel, "localhost", "localhost"),
            (server, named, "b", "b"),
            (named, tunnel, "a", "a"),
            (bare, tunnel, "me@localhost", "localhost"),
            (tunnel, bare, "me@localhost", "localhost"),
            (server, f"{server}authorize-as = you\n", "you@b", "b"),
        ):
            config = self.load(
                local.format("local", "a") + remote.format("remote", "b")
            )
            self.assertEqual((), config.warnings)
            folder = "/home/me/.local/share/imapsync"
            self.assertEqual(f"{folder}/{name}.db", config.database)
            self.assertEqual(f"{folder}/{host}.db", config.older)

    def test_wrong(self) -> None:
        """
        Wrong values are told by file and line, and what is not there yet too.
        """
        for line, message in (
            ("flag-conflict = both", 'must be union or merge, not "both"'),
            ("connections = 0", 'must be a number, 1 or more, not "0"'),
            ("map-special-use = maybe", 'must be YES or NO, not "maybe"'),
            ("database =", "must not be empty"),
        ):
            self.assertWrong(
                f"\n{line}\n{LOCAL}{REMOTE}",
                f"2: {line.split()[0]} in the default section {message}",
            )


class BothTests(ConfigTestCase):
    """
    Tests for what the two servers have to do with each other.
    """

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
        self.load(f"{local}list-reference = a/\n{REMOTE}list-reference = b/")
        self.assertWrong(
            f"{local}list-reference = copy\n{REMOTE}list-reference = copy/",
            "10: list-reference in [remote] and that in [local] lie in each other,"
            " or would without the separator at their ends",
        )

    def test_sameMail(self) -> None:
        """
        Whose mail it is counts, whoever logs in; of a certificate, nobody knows.
        """
        local = REMOTE.replace("remote", "local")
        acting = REMOTE.replace("username = me", "username = admin")
        self.load(local + acting)
        self.load(f"{local}{REMOTE}authorize-as = you")
        self.assertWrong(
            f"{local}{acting}authorize-as = me",
            "6: host in [remote] leads to the same account as that in [local]",
        )
        one, other = (self.folder / name for name in ("one", "other"))
        external = "[{}]\nauth = EXTERNAL\nSSL_certificate = {}\nSSL_key = {}\n"
        for path in one, other:
            path.mkdir()
            issue(path)
        names = [(f"{x}/certificate.pem", f"{x}/key.pem") for x in (one, other)]
        local = external.format("local", *names[0])
        self.assertFalse(
            self.load(local + external.format("remote", *names[1])).oneAccount
        )
        self.assertWrong(
            local + external.format("remote", *names[0]),
            "5: host in [remote] leads to the same account as that in [local]",
        )


class WithoutFileTests(ConfigTestCase):
    """
    Tests for L{Config.of}.
    """

    remoteOptions: ClassVar[dict[str, Value]] = {
        "host": "imap.example.net",
        "username": "me",
        "password": "secret",
    }
    localOptions: ClassVar[dict[str, Value]] = {
        "type": "tunnel",
        "command": "doveadm exec imap",
    }

    def make(self, **options: Value | Mapping[str, Value]) -> Config:
        """
        A configuration with these options, too.
        """
        sides = {"local": self.localOptions, "remote": self.remoteOptions}
        return Config.of(sides, self.environ, **options)

    def assertRefused(
        self, message: str, **options: Value | Mapping[str, Value]
    ) -> None:
        """
        With these, it is refused.
        """
        error = self.assertRaises(ConfigError, self.make, **options)
        self.assertEqual(message, str(error))

    def test_same(self) -> None:
        """
        It is what a file with the same words would make.
        """
        self.assertEqual(
            self.load(LOCAL + REMOTE),
            self.make()._replace(path=str(self.file)),
        )
        lines = "database = /a.db\nlist-mailbox = *\nconnections = 4\n"
        self.assertEqual(
            self.load(lines + LOCAL + REMOTE + "SSL_verify = NO\nport = 1\n"),
            self.make(
                database=Path("/a.db"),
                list_mailbox="*",
                connections=4,
                logfile=None,
                remote={**self.remoteOptions, "ssl-verify": False, "port": 1},
            )._replace(
                path=str(self.file),
            ),
        )

    def test_relative(self) -> None:
        """
        Relative names start from the present directory, but that of a database.
        """
        config = self.make(logfile="log", database="a.db")
        self.assertEqual(str(Path.cwd() / "log"), config.logfile)
        self.assertEqual("/home/me/.local/share/imapsync/a.db", config.database)

    def test_wrong(self) -> None:
        """
        Errors name section and option, in the words of those about a file.
        """
        remote = self.remoteOptions
        for options, message in (
            (
                {"connections": 0},
                "connections in the default section must be a number,"
                ' 1 or more, not "0"',
            ),
            (
                {"datebase": "x"},
                'unknown option "datebase" in the default section;'
                " did you mean database?",
            ),
            ({"remot": {}}, "unknown section [remot]; did you mean [remote]?"),
            (
                {"remote": {**remote, "hots": "x"}},
                'unknown option "hots" in [remote]; did you mean host?',
            ),
            (
                {"remote": {**remote, "port": 65536}},
                'port in [remote] must be a number from 1 to 65535, not "65536"',
            ),
            (
                {"remote": {**remote, "username": None}},
                "username in [remote] is missing: password needs it",
            ),
            ({"remote": "x"}, "[remote] must be a mapping of options"),
            (
                {"remote": {**remote, "User_Name": "x", "user-name": "x"}},
                'unknown option "User_Name" in [remote]; did you mean username?',
            ),
            (
                {"remote": {**remote, "Port": 1, "port": 1}},
                "port in [remote] is given a second time",
            ),
            (
                {"remote": {**remote, "trash": "a\nb"}},
                "trash in [remote] has a control character: remove it",
            ),
            (
                {"remote": {**remote, "trash": "a\udc80"}},
                "trash in [remote] has a control character: remove it",
            ),
            (
                {"list_mailbox": ["INBOX"]},
                "list-mailbox in the default section must be text, a number or a path,"
                " not list",
            ),
        ):
            self.assertRefused(message, **options)

    def test_noSection(self) -> None:
        """
        Both servers must be there.
        """
        error = self.assertRaises(ConfigError, Config.of, local=self.localOptions)
        self.assertEqual("there is no section [remote]: add it", str(error))

    def test_idle(self) -> None:
        """
        What has no effect is warned of.
        """
        config = self.make(local={**self.localOptions, "proxy": "x"})
        self.assertEqual(
            ("proxy in [local] has no effect with type = tunnel: remove it",),
            config.warnings,
        )
