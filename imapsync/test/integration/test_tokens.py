"""
Tokens that an authorization server gives, and a server that asks it about them.
"""

from __future__ import annotations

import functools
import json
import os
import stat
import sys
from collections.abc import Sequence
from pathlib import Path

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

#: Goes to a page, and tells what it comes to.
_BROWSER = """\
#!{python}
import sys
from pathlib import Path
from imapsync.test.integration.authorization import visit
Path({told!r}).write_text(repr(visit(sys.argv[1])))
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

    def authorized(
        self, scene: Scene, *arguments: str, typed: str = "", browser: str = ""
    ) -> Run:
        """
        Run C{--authorize}.

        @param browser: the command for it.
        """
        return finished(self.started(scene, *arguments, browser=browser), typed)

    def started(
        self, scene: Scene, *arguments: str, browser: str = ""
    ) -> children.Child:
        """
        Begin it.
        """
        order = [*PROGRAM, "--authorize=remote", f"--config={scene.file}"]
        return scene.start([*order, *arguments], {"BROWSER": browser})

    def browser(self, scene: Scene) -> tuple[str, Path]:
        """
        A browser whose user consents to all: its command, and where it tells of that.
        """
        path, told = scene.directory / "browser", scene.directory / "page"
        path.write_text(_BROWSER.format(python=sys.executable, told=str(told)))
        path.chmod(0o700)
        return f"{path} %s", told

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
        Then accounts are synced without them, by each mechanism, after a restart and
        after the token has expired.
        """
        scene = self.tokened()
        browser, told = self.browser(scene)
        run = self.authorized(scene, browser=browser)
        self.assertEqual(0, run.code, run.tail)
        self.says(run.output, f"is kept in {scene.directory}", "works")
        self.assertIn("imapsync has got access", told.read_text())
        kept = self.kept(scene)
        self.assertNotIn(str(kept["access"]), run.output + run.errors)
        self.syncs(scene)
