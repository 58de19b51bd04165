"""
Tests for L{imapsync.config.server}.
"""

from __future__ import annotations

from imapsync.config.server import ServerConfig
from imapsync.config.tls import TLSConfig
from imapsync.errors import ConfigError
from imapsync.model import Act, Side
from imapsync.test.config.test_file import LOCAL, REMOTE, ConfigTestCase


class ServerTests(ConfigTestCase):
    """
    Tests for the servers' sections.
    """

    def test_defaults(self) -> None:
        """
        A server needs no more than credentials.
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
                listReference="",
                compress=True,
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
            "read-only = YES\nlist-reference = perso/\ncompress = NO\nSTARTTLS = NO\n"
            "trash = Gone/Bin"
        )
        self.assertEqual("pass show imap", server.passwordCommand)
        self.assertEqual(("LOGIN",), server.auth)
        self.assertTrue(server.readOnly)
        self.assertEqual("perso/", server.listReference)
        self.assertFalse(server.compress)
        self.assertEqual("Gone/Bin", server.trash)

    def test_allow(self) -> None:
        """
        All may be done on a server, unless it is said what; or nothing.
        """
        self.assertEqual(tuple(Act), self.remote("").allowed)
        self.assertEqual((), self.remote("read-only = YES").allowed)
        some = self.remote("allow = Subscribe create  append")
        self.assertEqual((Act.CREATE, Act.APPEND, Act.SUBSCRIBE), some.allowed)
        self.assertFalse(some.readOnly)

    def test_expunge(self) -> None:
        """
        Messages may be marked only, as far as flags may be changed.
        """
        self.assertFalse(self.remote("").marks)
        marking = self.remote("expunge = NO")
        self.assertTrue(marking.marks)
        self.assertNotIn(Act.EXPUNGE, marking.allowed)
        self.assertIn(Act.DELETE, marking.allowed)
        self.assertFalse(self.remote("expunge = NO\nallow = append expunge").marks)
        self.assertFalse(self.remote("expunge = NO\nread-only = YES").marks)

    def test_allowWrong(self) -> None:
        """
        Words that mean nothing, both options, and a trash to which nothing may be
        moved are refused.
        """
        for text, told in (
            ("allow = append delet", 'unknown act "delet"; did you mean delete?'),
            ("allow =", "must not be empty"),
            ("allow = append\nread-only = NO", "exclude each other"),
            ("allow = expunge\ntrash = Bin", "needs append in allow"),
        ):
            with self.subTest(text):
                error = self.assertRaises(ConfigError, self.remote, text)
                self.assertIn(told, str(error))

    def test_compress(self) -> None:
        """
        What goes far is compressed, if nothing else is said.
        """
        login = "[{}]\nusername = {}\npassword = secret\ncompress = YES\n"
        servers = self.load(LOCAL + REMOTE).servers
        self.assertFalse(servers[Side.LOCAL].compress)
        self.assertTrue(servers[Side.REMOTE].compress)
        servers = self.load(login.format("local", "me") + REMOTE).servers
        self.assertTrue(servers[Side.LOCAL].compress)

    def test_trash(self) -> None:
        """
        What would be expunged cannot be moved to INBOX.  That it is not to be moved is
        more than to say nothing.
        """
        text = "username = me\npassword = x\ntrash = {}"
        why = "must not be INBOX, into which everything would come back"
        self.assertWrongRemote(text.format("inbox"), f"3: trash in [remote] {why}")
        for value in "Bin", "":
            config = self.load(LOCAL + "[remote]\n" + text.format(value))
            self.assertEqual(value, config.servers[Side.REMOTE].trash)
        self.assertIsNone(self.load(LOCAL + REMOTE).servers[Side.REMOTE].trash)

    def test_where(self) -> None:
        """
        Messages can name a server.
        """
        server = self.remote("username = me\npassword = secret")
        self.assertEqual("remote (imaps://localhost:993)", server.where)
        server = server._replace(host="::1", port=1)
        self.assertEqual("remote (imaps://[::1]:1)", server.where)
        server = server._replace(type="tunnel", side=Side.LOCAL)
        self.assertEqual("local (tunnel)", server.where)

    def test_repr(self) -> None:
        """
        A configuration shows no password.
        """
        self.assertNotIn("secret", repr(self.load(LOCAL + REMOTE)))
        server = self.remote("username = me\npassword-command = echo secret")
        self.assertNotIn("secret", f"{server} {server!r}")
        self.assertIn("port=993", repr(server))

    def test_credentials(self) -> None:
        """
        A password needs a user name, and has one source.
        """
        for option in ("password", "password-command"):
            self.assertWrongRemote(
                f"{option} = x",
                f"0: username in [remote] is missing: {option} needs it",
            )
        self.assertWrongRemote(
            "username = me\npassword = x\npassword-command = y",
            "3: password-command in [remote] and password exclude each other",
        )
        self.assertWrongRemote(
            "username = me\npassword-file = /dev/null\npassword-command = y",
            "2: password-file in [remote] and password-command exclude each other",
        )

    def test_passwordFile(self) -> None:
        """
        A password may stand in a file of its own, which must be there.
        """
        self.assertWrongRemote(
            "username = me\npassword-file = /nonexistent/x",
            "2: password-file in [remote] names a file that cannot be read:"
            " /nonexistent/x",
        )
        self.assertWrongRemote(
            "username = me\npassword-file = %d/imap",
            "2: password-file in [remote] begins with %d, but there are no credentials:"
            " see LoadCredential in systemd.exec(5)",
        )
        server = self.remote(f"username = me\npassword-file = {__file__}")
        self.assertEqual((None, __file__), (server.password, server.passwordFile))

    def test_noCredentials(self) -> None:
        """
        Whether credentials are needed at all, is for the server to say; a
        tunnel's command may know the user.
        """
        for text, username in (
            ("", None),
            ("username = me", "me"),
            ("type = tunnel\ncommand = x\npassword = x", None),
        ):
            self.assertEqual(username, self.remote(text).username)

    def test_noCommand(self) -> None:
        """
        A tunnel needs its command.
        """
        self.assertWrongRemote(
            "type = tunnel",
            "0: command in [remote] is missing: type = tunnel needs it",
        )

    def assertIdle(self, text: str, line: int, option: str, why: str) -> None:
        """
        Assert that lines in C{[remote]} give a warning that C{option} in one
        of them has no effect, and nothing else.
        """
        line += LOCAL.count("\n") + 1
        self.assertEqual(
            (
                f"{self.file}:{line}: {option} in [remote] has no effect {why}:"
                " remove it",
            ),
            self.load(f"{LOCAL}[remote]\n{text}").warnings,
        )

    def test_idle(self) -> None:
        """
        There is a warning about each option without an effect.
        """
        tunnel = "type = tunnel\ncommand = x\n"
        for text, line, option, why in (
            (f"{tunnel}proxy = x", 3, "proxy", "with type = tunnel"),
            (f"{tunnel}SSL_key = config", 3, "SSL_key", "with type = tunnel"),
            ("command = x", 1, "command", "with type = imaps"),
            ("STARTTLS = YES", 1, "STARTTLS", "with type = imaps"),
            ("type = imap\nnull-stderr = NO", 2, "null-stderr", "with type = imap"),
            (
                "type = imap\nSTARTTLS = NO\nSSL_verify = NO",
                3,
                "SSL_verify_trusted_peer",
                "with STARTTLS = NO",
            ),
            (
                "SSL_verify = NO\nSSL_ca_path = .",
                2,
                "SSL_ca_path",
                "with SSL_verify_trusted_peer = NO",
            ),
            ("SSL_key = config", 1, "SSL_key", "without SSL_certificate"),
            ("read-only = YES\ntrash = x", 2, "trash", "with read-only = YES"),
            ("allow = append\ntrash = x", 2, "trash", "without expunge in allow"),
            ("expunge = NO\ntrash = x", 2, "trash", "with expunge = NO"),
            ("read-only = YES\nexpunge = NO", 2, "expunge", "with read-only = YES"),
        ):
            self.assertIdle(text, line, option, why)

    def test_idleCommand(self) -> None:
        """
        A command without an effect makes no tunnel.
        """
        self.assertIs(None, self.remote("command = x").command)

    def test_idleFingerprint(self) -> None:
        """
        A fingerprint that cannot be checked is a promise that cannot be kept.
        """
        option = f"SSL_fingerprint = {'0a' * 32}"
        for text, why in (
            ("type = imap\nSTARTTLS = NO", "STARTTLS = NO"),
            ("type = tunnel\ncommand = x", "type = tunnel"),
        ):
            self.assertWrongRemote(
                f"{text}\n{option}",
                f"3: SSL_fingerprint in [remote] cannot be checked with {why}",
            )

    def test_tunnelStarttls(self) -> None:
        """
        Nor can TLS be started in a tunnel.
        """
        self.assertWrongRemote(
            "type = tunnel\nSTARTTLS = YES",
            "2: STARTTLS in [remote] is only for type = imap, not tunnel",
        )
        self.remote("type = tunnel\ncommand = x\nSTARTTLS = NO")

    def test_keyring(self) -> None:
        """
        A password may be that of an entry of the keyring.
        """
        for text, entry in (
            ("keyring:", ("mail.example", "me")),
            ("keyring:imap", ("imap", "me")),
            ("keyring:imap/you", ("imap", "you")),
            ("keyring:https://mail.example/you", ("https://mail.example", "you")),
        ):
            server = self.remote(
                f"host = mail.example\nusername = me\npassword = {text}"
            )
            self.assertEqual((None, entry), (server.password, server.keyring))
        server = self.remote("username = me\npassword = a keyring:")
        self.assertEqual(("a keyring:", None), (server.password, server.keyring))
        for text in "username = me\npassword = keyring:/", "password = keyring:x/":
            self.assertWrongRemote(
                f"type = tunnel\ncommand = x\n{text}",
                f"{3 + text.count(chr(10))}: password in [remote] must be"
                " keyring:SERVICE/USER",
            )

    def test_authorizeAs(self) -> None:
        """
        Whose mail it is may be another one than who logs in; only mechanisms that can
        say so are used then.
        """
        login = "username = admin\npassword = secret\n"
        server = self.remote(f"{login}authorize-as = you\n")
        self.assertEqual(("you", ("PLAIN",)), (server.user, server.mechanisms))
        self.assertEqual(self.remote("username = you").account, server.account)
        own = self.remote(login)
        self.assertEqual(("admin", ("PLAIN", "LOGIN")), (own.user, own.mechanisms))
        server = self.remote(
            f"{login}auth = CRAM-MD5 SCRAM-SHA-1 LOGIN PLAIN\nauthorize-as = you"
        )
        self.assertEqual(("SCRAM-SHA-1", "PLAIN"), server.mechanisms)

    def test_noPlaceForIt(self) -> None:
        """
        Where no mechanism can, that is said, with those that could.
        """
        self.assertWrongRemote(
            "username = admin\nauth = LOGIN CRAM-MD5\nauthorize-as = you",
            "3: authorize-as in [remote] has no place in auth = LOGIN CRAM-MD5; those"
            " that have one are PLAIN SCRAM-SHA-256 SCRAM-SHA-256-PLUS SCRAM-SHA-1"
            " SCRAM-SHA-1-PLUS EXTERNAL OAUTHBEARER XOAUTH2",
        )

    def test_external(self) -> None:
        """
        A certificate alone says who we are; without one, and with TLS, there is
        nothing that would.
        """
        self.assertWrongRemote(
            "auth = EXTERNAL",
            "1: auth in [remote] leaves EXTERNAL, which needs SSL_certificate",
        )
        server = self.remote("auth = EXTERNAL PLAIN\nusername = me\npassword = x")
        self.assertEqual(("PLAIN",), server.mechanisms)
        server = self.remote("type = tunnel\ncommand = x\nauth = EXTERNAL")
        self.assertEqual(("EXTERNAL",), server.mechanisms)
