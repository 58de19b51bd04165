"""
Logins at real servers, with each mechanism that they have: right and wrong ones.
"""

from __future__ import annotations

import base64
import functools
import hmac
import json
import os
import socket
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from imapsync.config.server import ServerConfig
from imapsync.config.tls import TLSConfig
from imapsync.errors import Distrusted
from imapsync.model import Side
from imapsync.test import children
from imapsync.test.integration.certificates import Certificate, issue
from imapsync.test.integration.cyrus import Cyrus
from imapsync.test.integration.cyrus import Settings as CyrusSettings
from imapsync.test.integration.dovecot import REQUIRED, Dovecot, Settings
from imapsync.test.integration.messages import mails
from imapsync.test.integration.scene import Scene, SceneCase
from imapsync.test.integration.server import PASSWORD, Start, freshUser, owner
from imapsync.test.integration.test_connect import ConnectCase, described

#: Who has the client's certificate.
CERTIFIED = "certified"

#: Who may act for everybody, and the password for that.
MASTER, MASTER_PASSWORD = "master", "master's secret"

#: Who signs with it makes tokens.
KEY = b"the key of who gives out tokens!"


class ManyWays(Dovecot):
    """
    A Dovecot with all mechanisms that it has, and a master user.

    @ivar client: a client's certificate.
    """

    client: Certificate

    def configured(self) -> Start:
        """
        As it says.
        """
        path = self.directory / "client"
        if not path.exists():
            path.mkdir()
            self.client = issue(path, [CERTIFIED])
        key = self.directory / "keys" / "default" / "HS256" / "default"
        key.parent.mkdir(parents=True, exist_ok=True)
        key.write_bytes(base64.b64encode(KEY))
        oauth2 = self.directory / "oauth2"
        oauth2.write_text(_OAUTH2.format(directory=self.directory))
        (self.directory / "masters").write_text(f"{MASTER}:{{PLAIN}}{MASTER_PASSWORD}")
        extra = _WAYS.format(directory=self.directory, authority=self.client.authority)
        self.settings = replace(self.settings, extra=extra)
        return super().configured()


_OAUTH2 = """\
introspection_mode = local
local_validation_key_dict = fs:posix:prefix={directory}/keys/
username_attribute = sub
"""

_WAYS = """\
auth_mechanisms = plain login cram-md5 scram-sha-1 scram-sha-256 external xoauth2 \
 oauthbearer
auth_username_chars =
auth_ssl_username_from_cert = yes
ssl_ca = <{authority}
ssl_verify_client_cert = yes
ssl_require_crl = no
passdb {{
  driver = static
  args = nopassword=yes
  mechanisms = external
}}
passdb {{
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {directory}/oauth2
}}
passdb {{
  driver = passwd-file
  args = {directory}/masters
  master = yes
}}
"""


@functools.cache
def manyWays() -> ManyWays:
    """
    The server that the tests here share.
    """
    return ManyWays(Settings())


@functools.cache
def manyWaysInTwo() -> ManyWays:
    """
    The same, but it takes no initial response.
    """
    return ManyWays(Settings(capability=REQUIRED))


def token(user: str, key: bytes = KEY, seconds: int = 3600) -> str:
    """
    One for C{user} (RFC 7519).

    @param seconds: how long it is good.
    """

    def coded(octets: bytes) -> bytes:
        return base64.urlsafe_b64encode(octets).rstrip(b"=")

    now = int(time.time())
    head = json.dumps({"alg": "HS256", "typ": "JWT"}).encode()
    body = json.dumps({"sub": user, "iat": now - 60, "exp": now + seconds}).encode()
    text = coded(head) + b"." + coded(body)
    return (text + b"." + coded(hmac.digest(key, text, "sha256"))).decode()


class DovecotTests(ConnectCase):
    """
    Dovecot's mechanisms.
    """

    dovecot: Callable[[], ManyWays] = staticmethod(manyWays)

    def server(self, *auth: str, **options: Any) -> ServerConfig:
        """
        The configuration for it.
        """
        return described(self.dovecot(), auth=auth, **options)

    async def enters(self, server: ServerConfig, user: str = "") -> None:
        """
        Log in, and see whose mail it is.
        """
        client = await self.connect(server)
        self.assertEqual(server.user or "", client.user)
        name = f"of {freshUser()}"
        await client.onMailbox("CREATE", name)
        mail = self.dovecot().directory / "mail" / (user or client.user)
        self.assertTrue([*mail.rglob(name)])

    async def test_passwords(self) -> None:
        """
        All that take a password do, and refuse a wrong one in the server's words.
        """
        for mechanism in (
            *("PLAIN", "LOGIN", "CRAM-MD5"),
            *("SCRAM-SHA-1", "SCRAM-SHA-256"),
        ):
            await self.enters(self.server(mechanism))
            wrong = self.server(mechanism, password="wrong")
            text = await self.failure(wrong, Distrusted)
            self.assertIn("refused: Authentication failed.", text, mechanism)

    async def test_clearText(self) -> None:
        """
        SCRAM and CRAM-MD5 without TLS.
        """
        for mechanism in "SCRAM-SHA-256", "SCRAM-SHA-1", "CRAM-MD5":
            await self.enters(self.server(mechanism, type="imap", starttls=False))

    async def test_odd(self) -> None:
        """
        User names with characters that SCRAM writes in another way.
        """
        for mechanism in "SCRAM-SHA-256", "SCRAM-SHA-1":
            await self.enters(self.server(mechanism, username=f"a=b,{freshUser()}"))

    async def test_external(self) -> None:
        """
        A certificate, and no password.
        """
        server = self.server("EXTERNAL", username=None, password=None)
        path = Path(self.mktemp())
        path.mkdir()
        own, other = (
            server._replace(
                tls=server.tls._replace(certificate=str(one.path), key=str(one.key))
            )
            for one in (self.dovecot().client, issue(path, [CERTIFIED]))
        )
        await self.enters(own, CERTIFIED)
        await self.enters(own._replace(authorizeAs=CERTIFIED))
        await self.failure(other, Distrusted)

    async def test_token(self) -> None:
        """
        A token, a forged one, and one whose time is over.
        """
        for mechanism in "OAUTHBEARER", "XOAUTH2":
            server = self.server(mechanism)
            user = server.username or ""
            await self.enters(server._replace(password=token(user)))
            for bad in (
                token(user, key=b"another key"),
                token(user, seconds=-30),
                "no token at all",
            ):
                text = await self.failure(server._replace(password=bad), Distrusted)
                self.assertIn("renew the password or token", text)

    async def test_master(self) -> None:
        """
        A master user works in another's mail, by each mechanism that can say so.
        """
        for mechanism in "PLAIN", "SCRAM-SHA-1", "SCRAM-SHA-256":
            user = freshUser()
            server = self.server(
                mechanism,
                *("CRAM-MD5", "LOGIN"),
                username=MASTER,
                password=MASTER_PASSWORD,
                authorizeAs=user,
            )
            await self.enters(server, user)
            await self.failure(server._replace(password="wrong"), Distrusted)
            # Only a master may do that.
            other = server._replace(username=freshUser(), password=PASSWORD)
            text = await self.failure(other, Distrusted)
            self.assertIn("the login was refused: ", text)


class InTwoTests(DovecotTests):
    """
    The same on a server that takes no initial response.
    """

    dovecot = staticmethod(manyWaysInTwo)

    def test_offered(self) -> None:
        """
        It does not say that it would.
        """
        server = self.dovecot()
        with (
            socket.create_connection((server.host, server.port), 20) as connection,
            connection.makefile("rb") as stream,
        ):
            greeting = stream.readline()
        self.assertIn(b"AUTH=SCRAM-SHA-256", greeting)
        self.assertNotIn(b"SASL-IR", greeting)


class CommandTests(SceneCase):
    """
    The command, with each mechanism.
    """

    def auth(self, mechanism: str, **options: str) -> Scene:
        """
        Two accounts, of which the remote one has a message.
        """
        remote = {"auth": mechanism, **options}
        scene = self.scene(remoteServer=manyWays(), options={"remote": remote})
        scene.remote.fill("INBOX", mails(1))
        return scene

    def test_synced(self) -> None:
        """
        It does what it is for.
        """
        for mechanism in "SCRAM-SHA-256", "SCRAM-SHA-1", "CRAM-MD5":
            self.syncs(self.auth(mechanism))

    def test_token(self) -> None:
        """
        With a token that a command tells, as well.
        """
        for mechanism in "OAUTHBEARER", "XOAUTH2":
            scene = self.auth(mechanism)
            command = f"echo {token(scene.user)}"
            remote = {"auth": mechanism, "password-command": command, "password": None}
            scene.configure({"remote": remote})
            self.syncs(scene)

    def test_master(self) -> None:
        """
        An administrator syncs a user's mail; the database goes on when the user does
        so.
        """
        scene = self.auth("SCRAM-SHA-256 LOGIN")
        secret = scene.directory / "secret"
        secret.write_text(MASTER_PASSWORD)
        secret.chmod(0o600)
        acting = {
            "auth": "SCRAM-SHA-256",
            "username": MASTER,
            "password": None,
            "password-file": "secret",
            "authorize-as": scene.user,
        }
        scene.configure({"remote": acting})
        self.syncs(scene)
        scene.configure({})
        run = self.ends(scene, 0, "--debug")
        self.assertEqual([], scene.excess(run))
        self.assertNotIn("account", run.errors)

    def test_wrong(self) -> None:
        """
        Wrong credentials end it, be it live, and are tried once: no account gets
        locked by us.
        """
        for mechanism in (
            *("PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256"),
            *("XOAUTH2", "OAUTHBEARER"),
        ):
            scene = self.auth(mechanism, password="wr0ng")
            before = manyWays().log().count("auth failed")
            for run in scene.sync(), scene.order():
                self.complains(run, 77, "remote", "Authentication failed.")
                self.assertNotIn("wr0ng", run.errors)
            log = manyWays().log()
            failed = [line for line in log.splitlines() if "auth failed" in line]
            self.assertEqual(2, len(failed[before:]), failed)
            self.assertTrue(all("1 attempts" in line for line in failed[before:]))


class KnownUsers(Cyrus):
    """
    A Cyrus that knows its users, of whom one may act for all.
    """

    #: Who have a mailbox there, and their passwords.
    users: Mapping[str, str] = {
        **{f"user{number}": PASSWORD for number in range(9)},
        MASTER: MASTER_PASSWORD,
    }

    def configured(self) -> Start:
        """
        As it says.
        """
        database = self.directory / "sasldb2"
        if not database.exists():
            (self.directory / "tests.conf").write_text(
                f"sasldb_path: {database}\nauxprop_plugin: sasldb\n"
            )
            for user, password in self.users.items():
                children.done(
                    [sys.executable, "-c", _SETPASS, user, password],
                    env={**os.environ, "SASL_CONF_PATH": str(self.directory)},
                )
            os.chown(database, owner().pw_uid, owner().pw_gid)
        logins = _KNOWN.format(database=database, master=MASTER)
        self.settings = replace(self.settings, logins=logins)
        return super().configured()


class SecuredUsers(KnownUsers):
    """
    The same, with TLS.
    """

    def configured(self) -> Start:
        """
        As it says.
        """
        path = self.directory / "tls"
        path.mkdir(mode=0o755, exist_ok=True)
        made = issue(path)
        for file in path.iterdir():
            file.chmod(0o644)
        lines = f"tls_server_cert: {made.path}\ntls_server_key: {made.key}"
        self.settings = replace(self.settings, extra=lines)
        return super().configured()


#: As C{saslpasswd2} does it.
_SETPASS = """\
import ctypes, sys
sasl = ctypes.CDLL("libsasl2.so.2")
user, password = (word.encode() for word in sys.argv[1:])
connection = ctypes.c_void_p()
names = b"imap", b"localhost", b"localhost", None, None, None, 0
assert not sasl.sasl_server_init(None, b"tests")
assert not sasl.sasl_server_new(*names, ctypes.byref(connection))
made = sasl.sasl_setpass(connection, user, password, len(password), None, 0, 1)
sys.exit(made)
"""

_KNOWN = """\
sasl_pwcheck_method: auxprop
sasl_auxprop_plugin: sasldb
sasl_sasldb_path: {database}
sasl_mech_list: PLAIN LOGIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256
proxyservers: {master}
failedloginpause: 0
"""


@functools.cache
def knownUsers() -> KnownUsers:
    """
    The one that the tests here share.
    """
    return KnownUsers(CyrusSettings())


@functools.cache
def securedUsers() -> SecuredUsers:
    """
    Likewise.
    """
    return SecuredUsers(CyrusSettings())


class CyrusTests(ConnectCase):
    """
    Those of Cyrus.
    """

    def server(self, user: str, password: str, *auth: str) -> ServerConfig:
        """
        The configuration for it.
        """
        cyrus = knownUsers()
        return ServerConfig(
            side=Side.LOCAL,
            type="imap",
            host=cyrus.host,
            port=cyrus.port,
            command=None,
            nullStderr=False,
            starttls=False,
            auth=auth,
            username=user,
            password=password,
            passwordCommand=None,
            tls=TLSConfig(),
            listReference="",
        )

    async def enters(self, server: ServerConfig) -> None:
        """
        Log in, and see whose mail it is.
        """
        client = await self.connect(server)
        self.assertEqual(server.user, client.user)
        name = f"INBOX.of {freshUser()}"
        await client.onMailbox("CREATE", name)
        path = knownUsers().run("mbpath", f"user.{client.user}{name[5:]}")
        self.assertTrue(Path(path.strip()).is_dir(), path)

    async def test_passwords(self) -> None:
        """
        All that take a password do, and refuse a wrong one in the server's words.
        """
        for number, mechanism in enumerate(_CYRUS):
            user = f"user{number}"
            await self.enters(self.server(user, PASSWORD, mechanism))
            wrong = self.server(user, "wrong", mechanism)
            text = await self.failure(wrong, Distrusted)
            self.assertIn("refused: authentication failure; see", text, mechanism)

    async def test_master(self) -> None:
        """
        Who may act for all does, and others do not.
        """
        for number, mechanism in enumerate(("PLAIN", "SCRAM-SHA-1", "SCRAM-SHA-256")):
            server = self.server(MASTER, MASTER_PASSWORD, "CRAM-MD5", mechanism)
            server = server._replace(authorizeAs=f"user{number}")
            await self.enters(server)
            for user, password in (MASTER, "wrong"), ("user8", PASSWORD):
                other = server._replace(username=user, password=password)
                text = await self.failure(other, Distrusted)
                self.assertIn("authentication failure; see username and pass", text)

    async def test_tied(self) -> None:
        """
        With TLS, this one offers to tie a login to the connection, in a way that
        there is not with TLS 1.3 (RFC 9266, 3).  It is not tied unasked, and SCRAM
        works.
        """
        cyrus = securedUsers()
        server = self.server("user0", PASSWORD, "SCRAM-SHA-256")
        for version in "TLSv1.3", "TLSv1.2":
            server = server._replace(
                host=cyrus.host,
                port=cyrus.port,
                starttls=True,
                tls=TLSConfig(verifyPeer=False, protocolMax=version),
            )
            client = await self.connect(server)
            self.assertIn("AUTH=SCRAM-SHA-256-PLUS", client.offered)
            self.assertEqual("SCRAM-SHA-256", client.method)
            tied = server._replace(auth=("SCRAM-SHA-256-PLUS",))
            text = await self.failure(tied, Distrusted)
            self.assertIn("another channel binding than ours; see auth", text)


_CYRUS = ("PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256")
