"""
Tokens that an authorization server gives, and a server that asks it about them.
"""

from __future__ import annotations

import functools
import json
import os
import pty
import re
import select
import signal
import stat
import sys
import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from twisted.internet import reactor
from twisted.internet.defer import Deferred, succeed
from twisted.internet.threads import deferToThread
from twisted.logger import capturedLogs, formatEvent

from imapsync.cli.authorize import Authorization
from imapsync.config import file as config
from imapsync.config.request import Request
from imapsync.http.web import Web
from imapsync.model import Side
from imapsync.oauth.client import Client
from imapsync.oauth.store import written
from imapsync.oauth.tokens import Tokens
from imapsync.service import Outcome
from imapsync.test import children
from imapsync.test.fakes.authorization import (
    CONFIDENTIAL,
    PUBLIC,
    SECRET,
    Authority,
    error,
    odd,
)
from imapsync.test.integration.authorization import AuthorizationServer, visit
from imapsync.test.integration.dovecot import Dovecot, Settings
from imapsync.test.integration.messages import mails
from imapsync.test.integration.scene import (
    PROGRAM,
    Run,
    Scene,
    SceneCase,
    finished,
)
from imapsync.test.integration.test_live import LiveCase

#: What is typed on a device.
_USER_CODE = "[A-Z]{4}-[A-Z]{4}"

#: No screen, and no way but the direct one.
_NOWHERE = {"BROWSER": "", "DISPLAY": "", "WAYLAND_DISPLAY": "", "no_proxy": "*"}

#: A browser: goes to a page, and keeps what it comes to.
_BROWSER = """\
#!{python}
import sys, urllib.request
urllib.request.urlretrieve(sys.argv[1], {page!r})
"""


@functools.cache
def authorizing() -> AuthorizationServer:
    """
    Who gives out the tokens in the tests here.
    """
    return AuthorizationServer()


@functools.cache
def asking() -> Dovecot:
    """
    A Dovecot that asks it.
    """
    url = f"{authorizing().authority.url}/introspect"
    return Dovecot(Settings(introspection=url))


class Asked:
    """
    A run of C{--authorize} at a terminal.
    """

    def __init__(self, scene: Scene, environ: Mapping[str, str]) -> None:
        self._terminal, terminal = pty.openpty()
        self._child = children.begun(
            [*PROGRAM, "--authorize=remote", f"--config={scene.file}"],
            stdin=terminal,
            stdout=children.PIPE,
            stderr=children.PIPE,
            cwd=scene.directory,
            env={
                **os.environ,
                "BROWSER": "",
                "DISPLAY": "",
                "no_proxy": "*",
                **environ,
            },
        )
        os.close(terminal)
        self._told = b""

    def line(self, pattern: str) -> str:
        """
        Wait for a line of its output that begins so.

        @raise AssertionError: if none comes.
        """
        assert self._child.stdout is not None
        while True:
            for line in self._told.decode().splitlines(True):
                if re.match(pattern, line) and line.endswith("\n"):
                    return line.rstrip()
            if not select.select([self._child.stdout], [], [], children.PATIENCE)[0]:
                raise AssertionError(f"nothing more than {self._told!r}")
            some = os.read(self._child.stdout.fileno(), 4096)
            if not some:
                raise AssertionError(f"no more than {self._told!r}; {self.ended()}")
            self._told += some

    def types(self, text: str) -> None:
        """
        Type a line to it.
        """
        os.write(self._terminal, f"{text}\n".encode())

    def ended(self) -> Run:
        """
        Wait for its end.
        """
        run = finished(self._child)
        return replace(run, output=self._told.decode() + run.output)

    def interrupt(self) -> None:
        """
        Press Ctrl-C.
        """
        self._child.send_signal(signal.SIGINT)

    def close(self) -> None:
        """
        End it, if it has not.
        """
        if self._child.poll() is None:
            self._child.kill()
            finished(self._child)
        os.close(self._terminal)


class User:
    """
    Who is to say yes: L{imapsync.oauth.flows.EndUser}.
    """

    def __init__(self, act: Callable[[str], object], typed: str) -> None:
        self._act, self._typed = act, typed

    def say(self, text: str) -> None:
        """
        Do something about it.
        """
        deferToThread(self._act, text).addErrback(lambda _: None)

    def show(self, page: str) -> None:
        """
        Look at no other page.
        """

    def typed(self, needed: bool) -> Deferred[str] | None:
        """
        Type what there is.
        """
        return succeed(self._typed)


class TokenCase(SceneCase):
    """
    An account that a token opens.

    @ivar authority: gives it.
    """

    authority: Authority

    def tokened(self, **options: str | None) -> Scene:
        """
        Two accounts, of which the remote one wants a token, and has a message.
        """
        self.authority = authorizing().renew()
        remote = {
            "password": None,
            "oauth2": "custom",
            "oauth2-issuer": self.authority.url,
            "oauth2-client-id": PUBLIC,
            "oauth2-scope": "mail",
            "oauth2-token-store": "file",
            **options,
        }
        scene = self.scene(remoteServer=asking(), options={"remote": remote})
        scene.remote.fill("INBOX", mails(1))
        self.authority.user = scene.user
        return scene

    def asked(self, scene: Scene, **environ: str) -> Asked:
        """
        Begin C{--authorize}.
        """
        asked = Asked(scene, environ)
        self.addCleanup(asked.close)
        return asked

    def authorization(
        self, scene: Scene, user: User, debug: int = 0
    ) -> tuple[Authorization, list[Outcome]]:
        """
        What asks C{user}, and how it ends.
        """
        outcomes: list[Outcome] = []
        authorization = Authorization(
            Request(authorize=Side.REMOTE),
            config.load(str(scene.file), {}),
            reactor,
            user,
            lambda _, outcome: outcomes.append(outcome),
            debug,
        )
        return authorization, outcomes

    async def authorize(
        self, scene: Scene, act: Callable[[str], object] = visit, typed: str = ""
    ) -> Outcome:
        """
        Run C{--authorize} in this process.

        @param act: what the user does, in a thread, as soon as they have read a text.
        @param typed: what they type.
        """
        authorization, outcomes = self.authorization(scene, User(act, typed))
        authorization.startService()
        code = await authorization.finished
        [outcome] = outcomes
        self.assertEqual(code, outcome.code)
        return outcome

    def consented(self, scene: Scene) -> None:
        """
        The user has said yes some time ago.
        """
        oauth = config.load(str(scene.file), {}).servers[Side.REMOTE].oauth2
        assert oauth is not None
        identity = Client(Web(reactor), oauth, time.time).identity
        tokens = Tokens("", None, self.authority.allow(), identity)
        path = Path(oauth.tokenFile)
        path.write_text(written(tokens))
        path.chmod(0o600)

    def kept(self, scene: Scene) -> dict[str, object]:
        """
        What is kept in the token file.
        """
        [path] = scene.directory.glob("*.oauth2")
        self.assertEqual(0o600, stat.S_IMODE(path.stat().st_mode))
        kept: dict[str, object] = json.loads(path.read_text())
        return kept


class CommandTests(TokenCase):
    """
    The command, whose user says yes in a browser.
    """

    def test_synced(self) -> None:
        """
        Their browser is opened, and shows what came of it.  Then accounts are synced
        without them, by each mechanism, also after the token has expired; it is never
        shown.
        """
        scene = self.tokened()
        browser, page = scene.directory / "browser", scene.directory / "page"
        browser.write_text(_BROWSER.format(python=sys.executable, page=str(page)))
        browser.chmod(0o700)
        run = self.asked(scene, BROWSER=f"{browser} %s").ended()
        self.assertEqual(0, run.code, run.tail)
        self.assertIn("imapsync has got access", page.read_text())
        self.says(run.output, f"is kept in {scene.directory}", "the login as")
        kept = self.kept(scene)
        for secret in "access", "refresh":
            self.assertNotIn(str(kept[secret]), run.output + run.errors)
        self.syncs(scene)
        self.assertEqual(kept, self.kept(scene))
        for mechanism in "XOAUTH2", "OAUTHBEARER":
            self.authority.expire()
            scene.configure({"remote": {**scene.options["remote"], "auth": mechanism}})
            run = self.ends(scene, 0)
            self.assertNotIn("error", run.errors)
        self.assertEqual(2, self.authority.count("/token", grant_type="refresh_token"))

    def test_interrupted(self) -> None:
        """
        It can be given up.
        """
        asked = self.asked(self.tokened())
        asked.line("http")
        asked.interrupt()
        self.complains(asked.ended(), 75, "interrupted")

    def test_typed(self) -> None:
        """
        Somebody types what a browser elsewhere came to.
        """
        asked = self.asked(self.tokened())
        target = asked.line("http").removeprefix(self.authority.url)
        asked.types(self.authority.answer("GET", target).location)
        run = asked.ended()
        self.assertEqual(0, run.code, run.tail)

    def test_password(self) -> None:
        """
        A side that has a password wants no token.
        """
        run = self.tokened().order("--authorize=local")
        self.complains(run, 78, "[local] has no oauth2")


class ConsentTests(TokenCase):
    """
    What users and providers say.
    """

    async def test_refused(self) -> None:
        """
        Who says no, or is sent on with another state, ends it; nothing is kept.
        """
        for switch, words in (("denies", "not today"), ("forges", "its state")):
            scene = self.tokened()
            setattr(self.authority, switch, True)
            pages: list[str] = []

            def act(text: str, pages: list[str] = pages) -> None:
                pages.append(visit(_page(text))[1])

            outcome = await self.authorize(scene, act)
            self.assertEqual(77, outcome.code)
            self.says(outcome.text, "remote (imap://", words)
            self.assertEqual([], [*scene.directory.glob("*.oauth2")])
            self.assertEqual(0, self.authority.count("/token"))

    async def test_traced(self) -> None:
        """
        What is said to the mail server is logged if somebody wants it, the token only
        if they want that, too.
        """
        for debug in 0, 1, 2:
            scene = self.tokened(auth="XOAUTH2")
            user = User(lambda text: visit(_page(text)), "")
            authorization, _ = self.authorization(scene, user, debug)
            with capturedLogs() as events:
                authorization.startService()
                self.assertEqual(0, await authorization.finished)
            said = "\n".join(str(formatEvent(event)) for event in events)
            self.assertEqual(debug > 0, "AUTHENTICATE" in said, said)
            words = f"user={scene.user}\1auth=Bearer {self.kept(scene)['access']}\1\1"
            login = b64encode(words.encode()).decode()
            self.assertEqual(debug > 1, login in said)

    async def test_another(self) -> None:
        """
        Whose mail the token does not open is told so by the mail server.
        """
        scene = self.tokened()
        self.authority.user = "somebody"
        outcome = await self.authorize(scene, lambda text: visit(_page(text)))
        self.assertEqual(77, outcome.code)
        self.says(outcome.text, "remote (imap://", "refused")

    async def test_nothing(self) -> None:
        """
        Nobody pastes anything, or not what it should be.
        """
        scene = self.tokened(**{"oauth2-flow": "paste"})
        for typed, words in (("", "nothing was pasted"), ("yes", "no such code")):
            outcome = await self.authorize(scene, typed=typed)
            self.assertEqual(77, outcome.code)
            self.says(outcome.text, "remote (imap://", words)

    async def test_device(self) -> None:
        """
        A code is typed on another device; or its user says no.
        """
        scene = self.tokened(**{"oauth2-flow": "device"})
        for consents, code in (False, 77), (True, 0):

            def act(text: str, consents: bool = consents) -> None:
                self.authority.decide(text.splitlines()[-1], consents)

            outcome = await self.authorize(scene, act)
            self.assertEqual(code, outcome.code, outcome.text)
        self.ends(scene, 0)

    async def test_silent(self) -> None:
        """
        A provider that does not answer can be given up at once.
        """
        scene = self.tokened()
        server = authorizing()
        server.answering.clear()
        self.addCleanup(server.answering.set)
        authorization, outcomes = self.authorization(scene, User(visit, ""))
        authorization.startService()
        authorization.stopService()
        self.assertEqual(75, await authorization.finished)
        self.assertEqual("interrupted", outcomes[0].text)

    async def test_odd(self) -> None:
        """
        A token endpoint may answer anything: that is told in a line.
        """
        options = {"oauth2-flow": "client-credentials", "oauth2-client-secret": SECRET}
        scene = self.tokened(**{"oauth2-client-id": CONFIDENTIAL}, **options)
        host = self.authority.url.removeprefix("http://")
        for answer in (*odd(), error("server_error", status=503)):
            self.authority.says = [answer]
            outcome = await self.authorize(scene)
            self.assertIn(outcome.code, (75, 77, 78), outcome.text)
            self.says(outcome.text, "remote (imap://", f": {host}: ")
            self.assertLess(len(outcome.text), 400)


class UnattendedTests(TokenCase):
    """
    Nobody has to say yes.
    """

    def test_credentials(self) -> None:
        """
        A program with a secret of its own; one with another secret gets nothing.
        """
        scene = self.tokened(
            **{
                "oauth2-client-id": CONFIDENTIAL,
                "oauth2-client-secret": SECRET,
                "oauth2-flow": "client-credentials",
            }
        )
        run = scene.order("--authorize=remote")
        self.assertEqual(0, run.code, run.tail)
        self.syncs(scene)
        self.authority.secrets[CONFIDENTIAL] = "another"
        self.complains(scene.order("--authorize=remote"), 77, "invalid_client")
        self.authority.expire()
        run = scene.sync()
        self.complains(run, 77, "remote (imap://", "invalid_client")
        self.assertNotIn(SECRET, run.errors)

    def test_signed(self) -> None:
        """
        A service account, whose key a mail domain trusts, is given each user's mail.
        """
        key = rsa.generate_private_key(65537, 2048)
        scene = self.tokened(
            **{
                "oauth2-client-id": None,
                "oauth2-key-file": "account.json",
                "oauth2-flow": "service-account",
            }
        )
        path = scene.directory / "account.json"
        pem = key.private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        ).decode()
        account = {"client_email": "robot@example.com", "private_key": pem}
        path.write_text(json.dumps({"type": "service_account", **account}))
        path.chmod(0o600)
        self.authority.user = "nobody"
        self.authority.keys["robot@example.com"] = key.public_key()
        run = scene.order("--authorize=remote")
        self.assertEqual(0, run.code, run.tail)
        self.syncs(scene)
        other = rsa.generate_private_key(65537, 2048)
        self.authority.keys["robot@example.com"] = other.public_key()
        self.authority.expire()
        self.complains(scene.sync(), 77, "remote (imap://", "Invalid JWT Signature.")

    def test_encrypted(self) -> None:
        """
        Tokens come by TLS, from a server that the system trusts, even if the mail
        servers need none.
        """
        scene = self.tokened(
            **{
                "oauth2-client-id": CONFIDENTIAL,
                "oauth2-client-secret": SECRET,
                "oauth2-flow": "client-credentials",
                "oauth2-token-url": f"https://127.0.0.1:{asking().tlsPort}/token",
            }
        )
        run = self.asked(scene).ended()
        self.complains(run, 77, "remote (imap://", "certificate verify failed")


class KeptTests(TokenCase):
    """
    What was kept is used, renewed and lost.
    """

    def test_rotated(self) -> None:
        """
        Each refresh token is used once, and the next one kept before anything else;
        somebody who has kept an old one is found out.
        """
        scene = self.tokened()
        self.authority.rotates = True
        self.consented(scene)
        [path] = scene.directory.glob("*.oauth2")
        seen = [path.read_text()]
        for _ in range(3):
            self.authority.expire()
            self.ends(scene, 0)
            seen.append(path.read_text())
        self.assertEqual(4, len({json.loads(text)["refresh"] for text in seen}))
        path.write_text(seen[1])
        self.authority.expire()
        self.complains(scene.sync(), 77, "used twice", "imapsync --authorize=remote")

    def test_due(self) -> None:
        """
        A token is renewed before it expires, by the time of day, so that no server
        has to refuse it.
        """
        scene = self.tokened()
        self.consented(scene)
        self.authority.lifetime = 100
        began = time.time()
        for _ in range(2):
            self.ends(scene, 0)
        self.assertEqual(2, self.authority.count("/token"))
        self.assertLess(began, float(str(self.kept(scene)["expires"])))

    def test_revoked(self) -> None:
        """
        What is not allowed any more ends it at once, and says which command mends it.
        """
        scene = self.tokened()
        self.consented(scene)
        self.ends(scene, 0)
        self.authority.revoke()
        asked = len(self.authority.asked)
        mend = f"run imapsync --authorize=remote --config={scene.file}"
        self.complains(scene.sync(), 77, "remote (imap://", "expired or revoked", mend)
        refreshed = [path for path, _ in self.authority.asked[asked:]]
        self.assertEqual(1, refreshed.count("/token"))
        self.consented(scene)
        self.ends(scene, 0)


class LiveTests(TokenCase, LiveCase):
    """
    Live mode.
    """

    async def test_expired(self) -> None:
        """
        A session ends, and its token is not good any more: a quiet new login.
        """
        scene = self.tokened()
        self.consented(scene)
        alive = await self.started(scene)
        self.authority.expire()
        asking().doveadm("kick", scene.user)
        scene.reconnect()
        scene.remote.append("INBOX", b"Subject: new\r\n\r\nnew\r\n")
        await alive.equal()
        self.assertEqual(2, self.authority.count("/token"))
        traffic = re.compile(r"(local|remote) \(.*?\)(?: #\d+)? [<>] ")
        told = "\n".join(line for line in alive.lines if not traffic.match(line))
        self.assertIn("trying again in 1 s", told)
        for word in "refused", "Authentication", "token", "oauth2":
            self.assertNotIn(word, told)
        self.assertEqual(0, (await alive.stop()).code)


def _page(text: str) -> str:
    [page] = [line for line in text.splitlines() if line.startswith("http")]
    return page
