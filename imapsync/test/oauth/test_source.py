"""
Tests for L{imapsync.oauth.source}.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from imapsync.config.oauth import OAuthConfig
from imapsync.errors import (
    ConfigError,
    Distrusted,
    ImapSyncError,
    Later,
    Lost,
    StateUnavailable,
)
from imapsync.http.web import PATIENCE, Web
from imapsync.oauth.client import Client
from imapsync.oauth.source import MARGIN, Given, Source, sourceOf
from imapsync.oauth.store import parsed
from imapsync.oauth.tokenfile import TokenFile
from imapsync.oauth.tokens import Declined, Tokens
from imapsync.test.fakes.sites import CONFIG, NOT_FOUND, REVOKED, Grantor, Reply, told
from imapsync.test.imap.test_connect import PLAIN

WHERE = "remote (imap://mail.example:143)"


class Slow:
    """
    A place for tokens that shows what is kept before anybody gets a token.

    @ivar kept: what is.
    @ivar writing: fires when something new may be kept, if somebody says so.
    @ivar full: whether nothing can be kept.
    """

    where = "a slow place"

    def __init__(self, kept: Tokens) -> None:
        self.kept = kept
        self.writing: Deferred[None] | None = None
        self.full = False

    async def read(self) -> Tokens:
        """
        What is kept.
        """
        return self.kept

    async def write(self, tokens: Tokens) -> None:
        """
        Keep these, when it may be.
        """
        if self.full:
            raise StateUnavailable("no room")
        if self.writing is not None and tokens != self.kept:
            await self.writing
        self.kept = tokens


class SourceCase(SynchronousTestCase):
    """
    Gets tokens of somebody in memory, and keeps them in a file.
    """

    def setUp(self) -> None:
        """
        Have been granted tokens.
        """
        self.clock = Clock()
        self.clock.advance(10_000)
        self.grantor = Grantor()
        self.path = Path(self.mktemp()).absolute() / "me@host.oauth2"
        self.config = CONFIG._replace(tokenFile=str(self.path), store="file")
        self.keep(Tokens("access-0", 10_000 + 3600.0, "refresh-0"))

    def keep(self, tokens: Tokens) -> None:
        """
        Keep tokens for us.
        """
        web = Web(self.clock, self.grantor)
        identity = Client(web, self.config, self.clock.seconds).identity
        writing = TokenFile(str(self.path)).write(tokens._replace(identity=identity))
        self.successResultOf(Deferred.fromCoroutine(writing))

    @property
    def kept(self) -> Tokens:
        """
        What is kept, but for whom.
        """
        tokens = parsed(self.path.read_text())
        assert tokens is not None
        return tokens._replace(identity="")

    def source(self, config: OAuthConfig | None = None, **changes: Any) -> Source:
        """
        Where tokens come from.
        """
        server = PLAIN._replace(password=None, oauth2=config or self.config, **changes)
        web = Web(self.clock, self.grantor)
        return Source(self.clock, server, web, now=self.clock.seconds)

    def asking(
        self, refused: str = "", source: Source | None = None
    ) -> Deferred[Given]:
        """
        Ask for a token.
        """
        return Deferred.fromCoroutine((source or self.source()).token(refused))

    def fails(self, kind: type[ImapSyncError], text: str) -> ImapSyncError:
        """
        Assert that there is none.
        """
        error: ImapSyncError = self.failureResultOf(self.asking(), kind).value
        self.assertIs(kind, type(error))
        self.assertEqual(f"{WHERE}: {text}", str(error))
        return error


class KeptTests(SourceCase):
    """
    Tokens that are kept.
    """

    def test_good(self) -> None:
        """
        One is used as long as it is good, be there an authorization server or not.
        """
        self.grantor.refusal = OSError()
        self.clock.advance(3600 - MARGIN - 1)
        given = self.successResultOf(self.asking())
        self.assertEqual(Given("access-0", False), given)
        self.assertEqual("<Given, kept>", repr(given))
        self.assertEqual([], self.grantor.asked)

    def test_endless(self) -> None:
        """
        So is one of which nobody says how long it is good.
        """
        self.keep(Tokens("access-0", None, "refresh-0"))
        self.clock.advance(10**9)
        self.assertEqual("access-0", self.successResultOf(self.asking()).access)

    def test_renewed(self) -> None:
        """
        It is renewed before it expires; what renews the next one is kept.
        """
        self.clock.advance(3600 - MARGIN)
        self.assertEqual(Given("access-1", True), self.successResultOf(self.asking()))
        now = self.clock.seconds()
        self.assertEqual(Tokens("access-1", now + 3600, "refresh-1"), self.kept)
        self.assertEqual(Given("access-1", False), self.successResultOf(self.asking()))
        self.assertEqual(1, len(self.grantor.asked))

    def test_refused(self) -> None:
        """
        So it is when a server refuses it, and only then.
        """
        given = self.successResultOf(self.asking("access-0"))
        self.assertEqual(Given("access-1", True), given)
        self.assertEqual("<Given, fresh>", repr(given))
        given = self.successResultOf(self.asking("access-0"))
        self.assertEqual(Given("access-1", False), given)

    def test_unrotated(self) -> None:
        """
        What renews it may stay the same.
        """
        self.grantor.rotates = False
        for number in 1, 2:
            self.successResultOf(self.asking(f"access-{number - 1}"))
            self.assertEqual(f"access-{number}", self.kept.access)
            self.assertEqual("refresh-0", self.kept.refresh)

    def test_keptFirst(self) -> None:
        """
        Nobody gets a new token before it is kept: else, if we were stopped now, what
        renews it next would be lost.
        """
        slow, source = self.slow()
        slow.writing = Deferred()
        asking = self.asking(source=source)
        self.assertEqual(1, len(self.grantor.asked))
        self.assertNoResult(asking)
        slow.writing.callback(None)
        self.assertEqual("access-1", self.successResultOf(asking).access)
        self.assertEqual("refresh-1", slow.kept.refresh)

    def test_full(self) -> None:
        """
        Where none could be kept, none is asked for.
        """
        slow, source = self.slow()
        slow.full = True
        asking = self.asking(source=source)
        error = self.failureResultOf(asking, StateUnavailable).value
        self.assertTrue(str(error).startswith(f"{WHERE}: "), str(error))
        self.assertEqual([], self.grantor.asked)

    def slow(self) -> tuple[Slow, Source]:
        """
        Where tokens are kept slowly, and where they come from.
        """
        web = Web(self.clock, self.grantor)
        identity = Client(web, self.config, self.clock.seconds).identity
        slow = Slow(Tokens("", None, "refresh-0", identity))
        server = PLAIN._replace(oauth2=self.config)
        return slow, Source(self.clock, server, web, slow, self.clock.seconds)

    def test_same(self) -> None:
        """
        A provider that gives the same one again is not asked again and again.
        """
        fields = {"access_token": "access-0", "expires_in": 3600}
        self.grantor.refusal = told(fields)
        given = self.successResultOf(self.asking("access-0"))
        self.assertEqual(Given("access-0", True), given)
        self.assertEqual(1, len(self.grantor.asked))

    def test_shortLived(self) -> None:
        """
        One that expires at once is used at once.
        """
        self.grantor.lasts = 1
        for number in 1, 2:
            given = self.successResultOf(self.asking("access-0"))
            self.assertEqual(Given(f"access-{number}", True), given)

    def test_none(self) -> None:
        """
        Where there is none, it is said what to do.
        """
        self.path.unlink()
        advice = "run imapsync --authorize=remote"
        text = f"there is no token of the provider yet in {self.path}: {advice}"
        self.fails(Distrusted, text)
        self.path.write_text("{")
        self.fails(Distrusted, text)
        self.keep(Tokens("access-0", 10_000.0))
        self.fails(
            Distrusted,
            f"the token in {self.path} is no longer good, and nothing renews it:"
            f" {advice}",
        )

    def test_others(self) -> None:
        """
        One that was granted to somebody else, or for something else, is none.
        """
        self.config = self.config._replace(scope="other")
        failure = self.failureResultOf(self.asking(), Distrusted)
        self.assertIn("there is no token", str(failure.value))


class RefusalTests(SourceCase):
    """
    Tokens that are not granted.
    """

    def setUp(self) -> None:
        """
        Need one.
        """
        super().setUp()
        self.clock.advance(3600)

    def refuse(self, reply: Reply | Exception) -> None:
        """
        Have this be answered.
        """
        self.grantor.refusal = reply

    def test_revoked(self) -> None:
        """
        It is said which command mends what was revoked; asking again would not.
        """
        self.refuse(REVOKED)
        error = self.fails(
            Declined,
            "auth.example: invalid_grant: It was revoked.; a user has to say yes once"
            " more: run imapsync --authorize=remote",
        )
        self.assertEqual(77, error.code)
        self.assertEqual(1, len(self.grantor.asked))
        self.assertEqual("refresh-0", self.kept.refresh)

    def test_other(self) -> None:
        """
        What else a provider has against us is for the configuration to mend.
        """
        self.refuse(told({"error": "invalid_client"}, 401))
        self.fails(
            Declined,
            "auth.example: invalid_client; see oauth2-client-id and the other options"
            " of oauth2",
        )

    def test_outage(self) -> None:
        """
        An outage is tried again later, by whoever does that.
        """
        self.refuse(Reply(b"", 502))
        self.fails(Lost, "auth.example: HTTP 502")
        self.refuse(OSError("no route"))
        self.fails(Lost, "auth.example: cannot be asked: no route")
        self.refuse(Reply(b"", 503, {"Retry-After": "9"}))
        later = self.fails(Later, "auth.example: HTTP 503")
        assert isinstance(later, Later)
        self.assertEqual(9.0, later.seconds)

    def test_elsewhere(self) -> None:
        """
        A wrong URL is a wrong configuration.
        """
        self.refuse(NOT_FOUND)
        self.fails(
            ConfigError, "auth.example: HTTP 404; is that where tokens are given?"
        )


class SharedTests(SourceCase):
    """
    Several who need a token at the same time.
    """

    def setUp(self) -> None:
        """
        Need a new one, which somebody has to grant.
        """
        super().setUp()
        self.clock.advance(3600)
        self.grantor.held = []

    def test_shared(self) -> None:
        """
        They share one that is under way, and the reason if there comes none.
        """
        source = self.source()
        asking = [self.asking(source=source) for _ in range(3)]
        self.assertEqual(1, len(self.grantor.asked))
        [late] = self.clock.getDelayedCalls()  # for that; nobody looks at the lock
        self.assertEqual(self.clock.seconds() + PATIENCE, late.getTime())
        self.grantor.release()
        for one in asking:
            self.assertEqual(Given("access-1", True), self.successResultOf(one))
        self.grantor.refusal = REVOKED
        asking = [self.asking("access-1", source) for _ in range(3)]
        for one in asking:
            self.failureResultOf(one, Declined)

    def test_refused(self) -> None:
        """
        One who was refused with the token that others are given goes on to the next.
        """
        source = self.source()
        first = self.asking(source=source)
        second = self.asking("access-1", source)
        self.grantor.release()
        self.assertEqual("access-1", self.successResultOf(first).access)
        self.assertEqual("access-2", self.successResultOf(second).access)

    def test_cancelled(self) -> None:
        """
        One that is under way is kept, though nobody wants it any more: what renewed it
        is of no use after that.
        """
        asking = self.asking()
        asking.cancel()
        self.failureResultOf(asking, CancelledError)
        self.grantor.release()
        self.assertEqual("refresh-1", self.kept.refresh)
        self.assertEqual("access-1", self.successResultOf(self.asking()).access)

    def test_processes(self) -> None:
        """
        Other processes wait for it, and do not ask again.
        """
        first, second = self.asking(), self.asking(source=self.source())
        self.clock.advance(1)
        self.assertEqual(1, len(self.grantor.asked))
        self.grantor.release()
        self.clock.advance(1)
        self.assertEqual(Given("access-1", True), self.successResultOf(first))
        self.assertEqual(Given("access-1", False), self.successResultOf(second))
        self.assertEqual(1, len(self.grantor.asked))

    def test_one(self) -> None:
        """
        All who need the tokens of the same account have the same source.
        """
        server = PLAIN._replace(oauth2=self.config)
        source = sourceOf(self.clock, server)
        self.assertIs(source, sourceOf(self.clock, server))
        others = [
            sourceOf(Clock(), server),
            sourceOf(self.clock, server._replace(username="x")),
            sourceOf(self.clock, server._replace(oauth2=CONFIG)),
        ]
        self.assertNotIn(source, others)


class OwnTests(SourceCase):
    """
    Tokens for which nobody has to say yes.
    """

    def test_again(self) -> None:
        """
        Each is kept as long as it is good, and then another one is got.
        """
        self.path.unlink()
        self.config = self.config._replace(flow="client-credentials")
        for number in 1, 2:
            for fresh in True, False:
                given = self.successResultOf(self.asking())
                self.assertEqual(Given(f"access-{number}", fresh), given)
            self.clock.advance(3600)
        self.assertEqual("", self.kept.refresh)
        self.assertEqual(
            {"client_credentials"},
            {asked.form["grant_type"] for asked in self.grantor.asked},
        )

    def test_taken(self) -> None:
        """
        They take no place of what a user has said yes to: that cannot be got again.
        """
        self.config = self.config._replace(flow="client-credentials")
        for number in 1, 2:
            given = self.successResultOf(self.asking())
            self.assertEqual(Given(f"access-{number}", True), given)
        self.assertEqual("refresh-0", self.kept.refresh)

    def test_refused(self) -> None:
        """
        What a provider has against us is for the configuration to mend.
        """
        self.path.unlink()
        self.config = self.config._replace(flow="client-credentials")
        self.grantor.refusal = REVOKED
        self.fails(
            Declined,
            "auth.example: invalid_grant: It was revoked.; see oauth2-client-id and the"
            " other options of oauth2",
        )
