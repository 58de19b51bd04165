"""
Tests for L{imapsync.cli.authorize}.
"""

from __future__ import annotations

from pathlib import Path

from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from imapsync.cli.authorize import Authorization
from imapsync.config.oauth import OAuthConfig
from imapsync.config.request import Request
from imapsync.config.settings import Config
from imapsync.model import Side
from imapsync.service import Outcome
from imapsync.test.fakes.authorization import PUBLIC, Authority
from imapsync.test.fakes.world import Reactor, World
from imapsync.test.oauth.test_flows import FakeWeb, User


class AuthorizationTests(SynchronousTestCase):
    """
    Tests for L{Authorization}.
    """

    def setUp(self) -> None:
        """
        An account whose server lets everybody in, and a provider.
        """
        self.world = World(self.mktemp())
        self.reactor = Reactor(self.world)
        self.authority = Authority("https://auth.example", user="me")
        self.user = User()
        self.outcomes: list[Outcome] = []
        self.oauth = OAuthConfig(
            "custom",
            "paste",
            PUBLIC,
            issuer=self.authority.url,
            store="file",
            tokenFile=f"{self.mktemp()}/tokens",
        )

    def config(self, oauth: OAuthConfig | None) -> Config:
        """
        The configuration of both.
        """
        self.world.options[Side.REMOTE] |= {
            "oauth2": oauth,
            "auth": ("XOAUTH2",),
            "password": None,
        }
        return self.world.settings(warnings=("beware",))

    def begin(self, oauth: OAuthConfig | None = None, debug: int = 0) -> Authorization:
        """
        Begin.
        """
        authorization = Authorization(
            Request(authorize=Side.REMOTE),
            self.config(oauth or self.oauth),
            self.reactor,
            self.user,
            lambda _, outcome: self.outcomes.append(outcome),
            debug=debug,
            web=FakeWeb(self.authority),
        )
        authorization.startService()
        return authorization

    def ends(self, authorization: Authorization, code: int, *words: str) -> None:
        """
        It ends with this code, and a line, if any, that has these words.
        """
        self.world.pump()
        self.assertEqual(code, self.successResultOf(authorization.finished))
        [outcome] = self.outcomes
        self.assertEqual(code, outcome.code, outcome.text)
        for word in words:
            self.assertIn(word, outcome.text)

    def consent(self) -> None:
        """
        The user says yes.
        """
        target = self.user.page.removeprefix(self.authority.url)
        self.user.types(self.authority.answer("GET", target).location)

    def test_kept(self) -> None:
        """
        They are told where the token is kept, and that the login works.
        """
        authorization = self.begin()
        self.consent()
        self.ends(authorization, 0)
        kept, works = self.user.told[-2:]
        self.assertIn(f"is kept in {self.oauth.tokenFile}; it is renewed", kept)
        self.assertEqual("remote (imap://127.0.0.1:2): the login works.", works)
        self.assertTrue(Path(self.oauth.tokenFile).exists())
        authorization.stopService()

    def test_other(self) -> None:
        """
        Who may open somebody else's mail says yes themselves.
        """
        self.world.options[Side.REMOTE] = {"authorizeAs": "somebody"}
        authorization = self.begin()
        self.assertIn("login_hint=me&", self.user.page)
        authorization.stopService()
        self.ends(authorization, 75)

    def test_passing(self) -> None:
        """
        They are told if it cannot be renewed.
        """
        self.patch(Authority, "_refreshing", lambda *_: "")
        authorization = self.begin()
        self.consent()
        self.ends(authorization, 0)
        self.assertIn("nothing to renew it with", self.user.told[-2])

    def test_lacking(self) -> None:
        """
        A login works even at a server that can do too little; that is told, too.
        """
        self.world.remote.capabilities.discard("IMAP4rev1")
        authorization = self.begin()
        self.consent()
        self.ends(authorization, 0)
        told = self.user.told[-1]
        self.assertIn("The login works; but remote (imap://", told)
        self.assertIn("the server lacks IMAP4REV1", told)

    def test_none(self) -> None:
        """
        Without C{oauth2}, there is nothing to be asked.
        """
        self.world.options[Side.REMOTE] = {}
        authorization = Authorization(
            Request(authorize=Side.REMOTE),
            self.world.settings(),
            self.reactor,
            self.user,
            lambda _, outcome: self.outcomes.append(outcome),
        )
        authorization.startService()
        self.ends(authorization, 78, "/etc/imapsync: [remote] has no oauth2")
        self.assertEqual([], self.user.told)

    def test_unkept(self) -> None:
        """
        What cannot be kept is of no use: where that is known, nobody is asked.
        """
        authorization = self.begin(self.oauth._replace(tokenFile="/dev/null/x/tokens"))
        self.ends(authorization, 73, "/dev/null/x/tokens")
        self.outcomes.clear()
        Path(self.oauth.tokenFile).mkdir(parents=True)
        self.ends(self.begin(), 73, self.oauth.tokenFile)
        self.assertEqual([], self.user.told)

    def test_unkeptLater(self) -> None:
        """
        Where it turns out later, it is told then.
        """
        Path(f"{self.oauth.tokenFile}.new").mkdir(parents=True)
        authorization = self.begin()
        self.consent()
        self.ends(authorization, 73, self.oauth.tokenFile)

    def test_wrongFlow(self) -> None:
        """
        A provider may not have a way; where that is told, the server is named.
        """
        oauth = OAuthConfig("google", "device", PUBLIC, store="file", tokenFile="x")
        self.ends(self.begin(oauth), 78, "remote (imap://", "no device flow")

    def test_interrupted(self) -> None:
        """
        It can be given up, at any time, and only once.
        """
        authorization = self.begin()
        authorization.stopService()
        authorization.stopService()
        self.ends(authorization, 75, "interrupted")

    def test_bug(self) -> None:
        """
        What must not happen is told, and ends it.
        """
        self.patch(User, "say", lambda *_: 1 / 0)
        self.ends(self.begin(), 70, "internal error: ZeroDivisionError")

    def test_warned(self) -> None:
        """
        Warnings about the configuration are given; what is said to the server is
        logged if somebody wants it.
        """
        with capturedLogs() as events:
            authorization = self.begin(debug=1)
            self.consent()
            self.ends(authorization, 0)
        told = [formatEvent(event) for event in events]
        self.assertEqual("beware", told[0])
        self.assertIn("LOGOUT", "\n".join(map(str, told)))
