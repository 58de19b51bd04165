"""
Tokens that an authorization server gives, and a server that asks it about them.
"""

from __future__ import annotations

import functools
import json
import os
import re
import select
import signal
import stat
from collections.abc import Mapping
from dataclasses import replace

from imapsync.test import children
from imapsync.test.fakes.authorization import (
    PUBLIC,
    Authority,
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

#: What is typed on a device.
_USER_CODE = "[A-Z]{4}-[A-Z]{4}"

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
    A run of C{--authorize}.
    """

    def __init__(self, scene: Scene, environ: Mapping[str, str]) -> None:
        self._child = children.begun(
            [*PROGRAM, "--authorize=remote", f"--config={scene.file}"],
            stdin=children.PIPE,
            stdout=children.PIPE,
            stderr=children.PIPE,
            cwd=scene.directory,
            env={**os.environ, "BROWSER": "", "DISPLAY": "", **environ},
        )
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
        assert self._child.stdin is not None
        self._child.stdin.write(f"{text}\n".encode())
        self._child.stdin.flush()

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

    def authorized(self, scene: Scene) -> Run:
        """
        Have the user say yes, in a browser on this computer.
        """
        asked = self.asked(scene)
        status, text = visit(asked.line("http"))
        run = asked.ended()
        self.assertEqual(0, run.code, run.tail)
        self.assertEqual(200, status, text)
        return run

    def kept(self, scene: Scene) -> dict[str, object]:
        """
        What is kept in the token file.
        """
        [path] = scene.directory.glob("*.oauth2")
        self.assertEqual(0o600, stat.S_IMODE(path.stat().st_mode))
        kept: dict[str, object] = json.loads(path.read_text())
        return kept


class BrowserTests(TokenCase):
    """
    A user says yes in a browser.
    """

    def test_synced(self) -> None:
        """
        Then accounts are synced without them, by each mechanism, also after the
        token has expired.
        """
        scene = self.tokened()
        run = self.authorized(scene)
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

    def test_opened(self) -> None:
        """
        The browser is opened, where there is one, and shows what came of it.
        """
        scene = self.tokened()
        browser, page = scene.directory / "browser", scene.directory / "page"
        browser.write_text(_BROWSER.format(python=sys.executable, page=str(page)))
        browser.chmod(0o700)
        run = self.asked(scene, BROWSER=f"{browser} %s").ended()
        self.assertEqual(0, run.code, run.tail)
        self.assertIn("imapsync has got access", page.read_text())

    def test_denied(self) -> None:
        """
        Who says no, or is sent on with another state, ends it; nothing is kept.
        """
        for switch, words in (("denies", "not today"), ("forges", "its state")):
            scene = self.tokened()
            setattr(self.authority, switch, True)
            asked = self.asked(scene)
            status, text = visit(asked.line("http"))
            self.complains(asked.ended(), 77, "remote (imap://", words)
            self.assertEqual(400, status)
            self.assertIn(words, text)
            self.assertEqual([], [*scene.directory.glob("*.oauth2")])

    def test_interrupted(self) -> None:
        """
        It can be given up.
        """
        asked = self.asked(self.tokened())
        asked.line("http")
        asked.interrupt()
        self.complains(asked.ended(), 75, "interrupted")

    def test_another(self) -> None:
        """
        Whose mail the token does not open is told so by the mail server.
        """
        scene = self.tokened()
        self.authority.user = "somebody"
        asked = self.asked(scene)
        visit(asked.line("http"))
        self.complains(asked.ended(), 77, "remote (imap://", "refused")


class ElsewhereTests(TokenCase):
    """
    A user says yes in a browser on another computer.
    """

    def test_pasted(self) -> None:
        """
        The address that it comes to is pasted.
        """
        scene = self.tokened(**{"oauth2-flow": "paste"})
        asked = self.asked(scene)
        page = asked.line("http")
        target = page.removeprefix(self.authority.url)
        asked.types(self.authority.answer("GET", target).location)
        run = asked.ended()
        self.assertEqual(0, run.code, run.tail)
        self.syncs(scene)

    def test_nothing(self) -> None:
        """
        Nobody pastes anything.
        """
        run = self.asked(self.tokened(**{"oauth2-flow": "paste"})).ended()
        self.complains(run, 77, "remote (imap://", "nothing was pasted")

    def test_device(self) -> None:
        """
        A code is typed on another device.
        """
        scene = self.tokened(**{"oauth2-flow": "device"})
        asked = self.asked(scene)
        asked.line("Open ")
        self.authority.decide(asked.line(_USER_CODE))
        run = asked.ended()
        self.assertEqual(0, run.code, run.tail)
        self.syncs(scene)
