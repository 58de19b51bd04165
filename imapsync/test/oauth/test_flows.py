"""
Tests for L{imapsync.oauth.flows}, at an authorization server in memory.
"""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import CannotListenError
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase

from imapsync.config.oauth import OAuthConfig
from imapsync.errors import ConfigError, Distrusted, ImapSyncError, Lost
from imapsync.http.web import Answer, Web
from imapsync.oauth.client import Client
from imapsync.oauth.doorway import Doorway
from imapsync.oauth.flows import PATIENCE, consented
from imapsync.oauth.tokens import Declined, Tokens
from imapsync.test.fakes.authorization import (
    CONFIDENTIAL,
    PUBLIC,
    SECRET,
    Authority,
    error,
)
from imapsync.test.oauth.test_doorway import Browser


class FakeWeb(Web):
    """
    A web that an L{Authority} is all of.

    @ivar down: whether it cannot be reached.
    """

    def __init__(self, authority: Authority) -> None:
        self._authority = authority
        self.down = False

    async def get(self, url: str, accept: str = "") -> Answer:
        """
        What is there.
        """
        return self._told("GET", url, b"")

    async def post(self, url: str, form: str, headers: object = None) -> Answer:
        """
        What is answered to a form.
        """
        return self._told("POST", url, form.encode())

    def _told(self, method: str, url: str, body: bytes) -> Answer:
        if self.down:
            raise Lost("down")
        target = url.removeprefix(self._authority.url)
        answer = self._authority.answer(method, target, body)
        return Answer(answer.status, answer.body)


class User:
    """
    Who is to say yes.

    @ivar told: what they have read.
    @ivar shown: the pages in their browser.
    @ivar line: fires with what they type; C{None} if they have nothing to type with.
    """

    def __init__(self) -> None:
        self.told: list[str] = []
        self.shown: list[str] = []
        self.line: Deferred[str] | None = Deferred()

    def say(self, text: str) -> None:
        """
        Read.
        """
        self.told.append(text)

    def show(self, page: str) -> None:
        """
        Look at a page.
        """
        self.shown.append(page)

    def typed(self, needed: bool) -> Deferred[str] | None:
        """
        Type.
        """
        return self.line

    def types(self, text: str) -> None:
        """
        Type that.
        """
        assert self.line is not None
        self.line.callback(text)

    @property
    def page(self) -> str:
        """
        The address that they were told of.
        """
        [page] = [
            line
            for text in self.told
            for line in text.splitlines()
            if line.startswith("http")
        ]
        return page


class FlowCase(SynchronousTestCase):
    """
    A user at a browser, and an authorization server.
    """

    flow = "browser"

    def setUp(self) -> None:
        """
        Nobody has been asked yet.
        """
        self.authority = Authority("https://auth.example", user="me")
        self.web = FakeWeb(self.authority)
        self.user = User()
        self.reactor = MemoryReactorClock()
        self.config = OAuthConfig(
            "custom",
            self.flow,
            PUBLIC,
            scope="mail",
            issuer=self.authority.url,
        )

    def begin(self) -> Deferred[Tokens]:
        """
        Ask the user.
        """
        client = Client(self.web, self.config, lambda: 0.0)
        return Deferred.fromCoroutine(
            consented(self.reactor, client, self.config, "me", self.user)
        )

    def sentTo(self, page: str) -> str:
        """
        Where the provider sends a browser that goes to a page.
        """
        target = page.removeprefix(self.authority.url)
        return self.authority.answer("GET", target).location

    def granted(self, asking: Deferred[Tokens]) -> None:
        """
        It has led to a token, and left nothing behind.
        """
        tokens = self.successResultOf(asking)
        self.assertTrue(self.authority.holds(tokens.access))
        self.assertTrue(tokens.refresh)
        self.assertEqual(3600.0, tokens.expires)
        self.assertNotIn(tokens.access, "\n".join(self.user.told))
        self.closed()

    def failed(
        self, asking: Deferred[Tokens], *words: str, kind: type = Distrusted
    ) -> None:
        """
        It has not, and says why.
        """
        caught = self.failureResultOf(asking, kind).value
        for word in words:
            self.assertIn(word, str(caught))
        self.closed()

    def closed(self) -> None:
        """
        Nothing is waited for any more.
        """
        self.assertEqual([], self.reactor.getDelayedCalls())


class BrowserTests(FlowCase):
    """
    A browser on this computer.
    """

    def closed(self) -> None:
        """
        Neither a browser is waited for any more, nor what the user types.
        """
        super().closed()
        for _, doorway, _, _ in self.reactor.tcpServers:
            assert isinstance(doorway, Doorway)
            self.assertTrue(doorway.came.called)
            if self.user.line is not None:
                self.assertTrue(self.user.line.called)

    def browse(self, page: str) -> Browser:
        """
        Follow a page to where it leads.
        """
        location = urlsplit(self.sentTo(page))
        [(_, doorway, _, _)] = self.reactor.tcpServers
        assert isinstance(doorway, Doorway)
        self.assertEqual(doorway.number, location.port)
        browser = Browser(doorway)
        browser.asks(f"{location.path or '/'}?{location.query}")
        return browser

    def test_granted(self) -> None:
        """
        The page is shown and told, and the browser brings a code.
        """
        asking = self.begin()
        self.assertEqual([self.user.page], self.user.shown)
        browser = self.browse(self.user.page)
        self.granted(asking)
        self.assertIn("has got access", browser.said)
        asked = self.authority.asked
        self.assertEqual("mail", asked[1][1]["scope"])
        self.assertEqual("me", asked[1][1]["login_hint"])

    def test_pasted(self) -> None:
        """
        What a browser elsewhere came to can be pasted as well.
        """
        asking = self.begin()
        self.assertIn("paste the address", self.user.told[-1])
        self.user.types(self.sentTo(self.user.page))
        self.granted(asking)

    def test_unable(self) -> None:
        """
        Nobody is told to paste who cannot.
        """
        self.user.line = None
        asking = self.begin()
        self.assertNotIn("paste", "".join(self.user.told))
        self.browse(self.user.page)
        self.granted(asking)

    def test_gone(self) -> None:
        """
        Who has no more to type may still have a browser.
        """
        asking = self.begin()
        self.user.types("")
        self.assertNoResult(asking)
        self.browse(self.user.page)
        self.granted(asking)

    def test_denied(self) -> None:
        """
        The user says no; the browser shows so.
        """
        self.authority.denies = True
        asking = self.begin()
        browser = self.browse(self.user.page)
        self.failed(asking, "refused: access_denied: not today")
        self.assertIn("400 Bad Request", browser.said)
        self.assertIn("access_denied: not today", browser.said)

    def test_forged(self) -> None:
        """
        A state that is none of ours, from a browser or pasted: nothing is redeemed.
        """
        self.authority.forges = True
        asking = self.begin()
        browser = self.browse(self.user.page)
        self.failed(asking, "does not belong to what was asked for")
        self.assertIn("400 Bad Request", browser.said)
        self.reactor.tcpServers.clear()
        self.user = User()
        asking = self.begin()
        self.user.types(self.sentTo(self.user.page))
        self.failed(asking, "does not belong to what was asked for")
        self.assertEqual(0, self.authority.count("/token"))

    def test_another(self) -> None:
        """
        A code that was given for what somebody else asked is of no use to us: they
        alone have the verifier.
        """
        asking, user = self.begin(), self.user
        self.user = User()
        other = self.begin()
        code = parse_qs(urlsplit(self.sentTo(self.user.page)).query)["code"][0]
        other.cancel()
        self.failureResultOf(other, CancelledError)
        user.types(code)
        self.failed(asking, "another code_verifier", kind=Declined)

    def test_late(self) -> None:
        """
        Nobody is waited for without end.
        """
        asking = self.begin()
        self.reactor.advance(PATIENCE + 1)
        self.failed(asking, "nobody said yes within 15 minutes")

    def test_interrupted(self) -> None:
        """
        It can be ended.
        """
        asking = self.begin()
        asking.cancel()
        self.failed(asking, kind=CancelledError)

    def test_outage(self) -> None:
        """
        A provider that is out of order just now is no refusal.
        """
        self.authority.says.append(error("server_error", status=503))
        asking = self.begin()
        browser = self.browse(self.user.page)
        self.failed(asking, "server_error", kind=Lost)
        self.assertIn("400 Bad Request", browser.said)

    def test_providers(self) -> None:
        """
        What Google and Microsoft want.
        """
        for provider, host, extra in (
            ("google", "127.0.0.1", {"access_type": ["offline"]}),
            ("microsoft", "localhost", {}),
        ):
            self.reactor.tcpServers.clear()
            self.user = User()
            self.config = OAuthConfig(provider, "browser", PUBLIC)
            asking = self.begin()
            query = parse_qs(urlsplit(self.user.page).query)
            self.assertEqual(query, {**query, **extra})
            redirect = urlsplit(query["redirect_uri"][0])
            self.assertEqual((host, ""), (redirect.hostname, redirect.path))
            asking.cancel()
            self.failed(asking, kind=CancelledError)

    def test_unheard(self) -> None:
        """
        No port is free.
        """

        def refuse(*_: object, **__: object) -> None:
            raise CannotListenError("127.0.0.1", 0, "no room")

        self.patch(self.reactor, "listenTCP", refuse)
        self.failed(self.begin(), "a browser could not answer: no room", kind=Lost)

    def test_nowhere(self) -> None:
        """
        A provider without a page for that.
        """
        self.config = self.config._replace(
            tokenUrl="https://a/", authorizationUrl=None, issuer=None
        )
        self.failed(self.begin(), "oauth2-authorization-url", kind=ConfigError)


class PasteTests(FlowCase):
    """
    A browser on another computer.
    """

    flow = "paste"

    def test_granted(self) -> None:
        """
        The address is pasted; no browser is opened, nothing listened for.
        """
        asking = self.begin()
        self.assertEqual([], self.user.shown)
        self.assertEqual([], self.reactor.tcpServers)
        self.user.types(self.sentTo(self.user.page))
        self.granted(asking)

    def test_nothing(self) -> None:
        """
        Nobody pastes anything.
        """
        asking = self.begin()
        self.user.types("")
        self.failed(asking, "nothing was pasted")

    def test_secret(self) -> None:
        """
        A client with a secret shows it, and one with a wrong one gets nothing.
        """
        for secret, works in (SECRET, True), ("another", False):
            self.user = User()
            self.config = self.config._replace(
                clientId=CONFIDENTIAL, clientSecret=secret
            )
            asking = self.begin()
            self.user.types(self.sentTo(self.user.page))
            if works:
                self.granted(asking)
            else:
                self.failed(asking, "invalid_client")


class DeviceTests(FlowCase):
    """
    Another device.
    """

    flow = "device"

    def setUp(self) -> None:
        """
        It may ask every five seconds.
        """
        super().setUp()
        self.authority.interval = 5

    @property
    def userCode(self) -> str:
        """
        What the user is to type there.
        """
        [text] = self.user.told
        place, code = text.splitlines()
        self.assertIn("https://auth.example/activate", place)
        return code

    def polls(self) -> int:
        """
        How often it was asked.
        """
        return self.authority.count("/token")

    def test_granted(self) -> None:
        """
        The provider is asked as often as it allows, until the user has said yes.
        """
        asking = self.begin()
        self.reactor.advance(4)
        self.assertEqual(0, self.polls())
        self.reactor.pump([1, 5])
        self.assertEqual(2, self.polls())
        self.assertNoResult(asking)
        self.authority.decide(self.userCode)
        self.reactor.advance(5)
        self.granted(asking)

    def test_slower(self) -> None:
        """
        Less often, when it says so.
        """
        self.authority.says.append(error("slow_down"))
        asking = self.begin()
        self.reactor.pump([5, 5])
        self.assertEqual(1, self.polls())
        self.authority.decide(self.userCode)
        self.reactor.advance(5)
        self.granted(asking)

    def test_denied(self) -> None:
        """
        The user says no.
        """
        asking = self.begin()
        self.authority.decide(self.userCode, consents=False)
        self.reactor.advance(5)
        self.failed(asking, "access_denied")

    def test_expired(self) -> None:
        """
        The provider does not wait any more, or we do not.
        """
        asking = self.begin()
        self.authority.forget()
        self.reactor.advance(5)
        self.failed(asking, "expired_token")
        self.user = User()
        asking = self.begin()
        self.reactor.pump([5] * 180)
        self.failed(asking, "nobody said yes within 15 minutes")

    def test_outage(self) -> None:
        """
        While it cannot be reached, it is asked less and less often.
        """
        asking = self.begin()
        self.web.down = True
        self.reactor.advance(5)
        self.web.down = False
        self.authority.decide(self.userCode)
        self.reactor.advance(9)
        self.assertNoResult(asking)
        self.reactor.advance(1)
        self.granted(asking)

    def test_none(self) -> None:
        """
        A provider that has no such thing.
        """
        self.config = OAuthConfig("google", "device", PUBLIC)
        self.failed(self.begin(), "no device flow", kind=ImapSyncError)
