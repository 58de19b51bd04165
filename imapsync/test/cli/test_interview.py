"""
Tests for L{imapsync.cli.interview}.
"""

from __future__ import annotations

from collections.abc import Mapping

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from imapsync.cli.given import Given
from imapsync.cli.interview import Interview, Made
from imapsync.cli.keeping import Keyring
from imapsync.discovery.proposal import Proposal
from imapsync.errors import (
    Distrusted,
    ImapSyncError,
    MissingCapability,
    StateUnavailable,
    UsageError,
)
from imapsync.model import Side
from imapsync.test.fakes.persons import Accounts, Somebody
from imapsync.test.fakes.rings import Ring

FOUND = Proposal(
    "imap.example.org", 993, "imaps", "me@example.org", "told by the provider", True
)

SERVER = {"host": "imap.example.org", "username": "me@example.org"}


class LockedRing(Ring):
    """
    A keyring that is locked at first.
    """

    async def write(self, service: str, user: str, secret: str) -> None:
        """
        Keep one.
        """
        if self.broken is None:
            self.broken = StateUnavailable("it is locked")
            raise self.broken
        self.broken = None
        await super().write(service, user, secret)


class InterviewCase(SynchronousTestCase):
    """
    Has interviews.
    """

    def setUp(self) -> None:
        """
        An account.
        """
        self.accounts = Accounts(**{"me@example.org": "secret", "me": "secret"})
        self.accounts.found["example.org"] = [FOUND]
        self.providers: dict[str, str] = {}
        self.ring: Keyring | None = None

    def side(
        self, person: Somebody | None, where: str = "", **options: str
    ) -> Deferred[Made]:
        """
        Learn about the local side.
        """
        interview = Interview(
            person,
            self.accounts,
            lambda host: self.providers.get(host, ""),
            Side.LOCAL,
            Given(where, {name.replace("_", "-"): x for name, x in options.items()}),
            "config.local.secret",
            self.ring,
        )
        return Deferred.fromCoroutine(interview.made())

    def learns(
        self, person: Somebody | None, where: str = "", **options: str
    ) -> tuple[Mapping[str, str], str]:
        """
        The options that come of it, and the secret.
        """
        made = self.successResultOf(self.side(person, where, **options))
        for one in (made, made.draft):
            self.assertNotIn("'secret'", repr(one))
        if person is not None:
            self.assertEqual([], person.answers)
        return made.draft.options, made.secret

    def fails(
        self,
        kind: type[ImapSyncError],
        person: Somebody | None,
        where: str = "",
        **options: str,
    ) -> str:
        """
        Why nothing comes of it.
        """
        failure = self.failureResultOf(self.side(person, where, **options), kind)
        return str(failure.value)


class QuestionTests(InterviewCase):
    """
    With somebody who answers.
    """

    def test_usual(self) -> None:
        """
        An address and a password are enough, and that what was found is right.
        """
        person = Somebody(
            ("local side", "me@example.org"),
            ("Found imap.example.org, port 993, TLS (told by the provider)", ""),
            ("Password of me@example.org at imap.example.org", "secret"),
            ("kept", ""),
        )
        options, secret = self.learns(person)
        wanted = {**SERVER, "password-file": "config.local.secret"}
        self.assertEqual((wanted, "secret"), (options, secret))
        self.assertEqual([{**SERVER, "password": "secret"}], self.accounts.tried)
        self.assertEqual("Logged in as me@example.org.", person.told[-1])

    def test_again(self) -> None:
        """
        What is no address, or an empty password, is asked for again.
        """
        person = Somebody(
            ("local side", "me@"),
            ("local side", "me@example.org"),
            ("Found", "y"),
            ("Password", ""),
            ("Password", "sec\udcffret"),
            ("Password", "secret"),
            ("kept", "c"),
        )
        options, secret = self.learns(person)
        self.assertEqual(({**SERVER, "password": "secret"}, ""), (options, secret))
        self.assertIn("must be a mail address", person.told[0])

    def test_other(self) -> None:
        """
        Who does not want what was found gets the next proposal, and then names a
        server; who the user is, is known.
        """
        unsure = FOUND._replace(host="evil.net", vouched=False)
        self.accounts.found["example.org"] = [FOUND, unsure]
        person = Somebody(
            ("local side", "me@example.org"),
            ("Found imap.example.org", "n"),
            ("it may be forged", "n"),
            ("server", "a b"),
            ("server", "mx.example.org:143"),
            ("Password of me@example.org at mx.example.org", "secret"),
            ("kept", "c"),
        )
        options, _ = self.learns(person)
        self.assertEqual(
            {
                "type": "imap",
                "host": "mx.example.org",
                "username": "me@example.org",
                "password": "secret",
            },
            options,
        )

    def test_unknown(self) -> None:
        """
        Where no server is found, one is asked for.
        """
        person = Somebody(
            ("local side", "me@example.net"),
            ("server", "me@imap.example.net:1993"),
            ("Password of me at", "secret"),
            ("kept", "c"),
        )
        options, _ = self.learns(person)
        self.assertEqual(
            ("imap.example.net", "1993", "me"),
            (options["host"], options["port"], options["username"]),
        )
        self.assertIn("No server was found.", person.told)

    def test_server(self) -> None:
        """
        A server's name is as good as an address; the user is asked for.
        """
        person = Somebody(
            ("local side", "imap.example.org"),
            ("User name at imap.example.org", "m\x00e"),
            ("User name at imap.example.org", "me"),
            ("Password of me", "secret"),
            ("kept", "c"),
        )
        options, _ = self.learns(person)
        self.assertEqual("me", options["username"])

    def test_refused(self) -> None:
        """
        After a refusal, the user's name may be another one, or the password.
        """
        person = Somebody(
            ("Password", "wrong"),
            ("What now", ""),
            ("User name", ""),
            ("Password of me@example.org", "secret"),
            ("What now", "t"),
            ("User name", "me"),
            ("Password of me at", "secret"),
            ("kept", ""),
        )
        del self.accounts.passwords["me@example.org"]
        options, secret = self.learns(person, "me@example.org")
        self.assertEqual(("me", "secret"), (options["username"], secret))
        self.assertEqual(3, len(self.accounts.tried))
        self.assertIn("wrong username and password", person.told[-2])

    def test_elsewhere(self) -> None:
        """
        It may be another server, which has neither port nor type of the first.
        """
        person = Somebody(
            ("Password", "wrong"),
            ("What now", "s"),
            ("server", "me@other.example.org"),
            ("Password of me at other", "secret"),
            ("kept", "c"),
        )
        options, _ = self.learns(person, "me@imap.example.org:143", compress="NO")
        self.assertEqual(
            {
                "host": "other.example.org",
                "username": "me",
                "compress": "NO",
                "password": "secret",
            },
            options,
        )

    def test_kept(self) -> None:
        """
        What is refused may be kept, as when a server is just not there; or given up,
        with the reason that there is.
        """
        self.accounts.error = MissingCapability("it lacks QRESYNC")
        person = Somebody(("Password", "secret"), ("What now", "k"), ("kept", "f"))
        options, secret = self.learns(person, "me@example.org")
        wanted = {**SERVER, "password-file": "config.local.secret"}
        self.assertEqual((wanted, "secret"), (options, secret))
        person = Somebody(("Password", "secret"), ("What now", "q"))
        why = self.fails(MissingCapability, person, "me@example.org")
        self.assertEqual("it lacks QRESYNC", why)

    def test_command(self) -> None:
        """
        A command that is to tell the password is tried, and asked for again if it
        does not.
        """
        person = Somebody(
            ("Password", "secret"),
            ("kept", "p"),
            ("command", "pass show wrong"),
            ("kept", "p"),
            ("command", "pass show secret"),
        )
        options, secret = self.learns(person, "me@example.org")
        wanted = {**SERVER, "password-command": "pass show secret"}
        self.assertEqual((wanted, ""), (options, secret))

    def test_ring(self) -> None:
        """
        A keyring is offered where there is one, which may refuse.
        """
        person = Somebody(("Password", "secret"), ("kept", "k"))
        asked = self.failureResultOf(self.side(person, "me@example.org"))
        self.assertIn("k is none of", str(asked.value))
        self.ring = ring = LockedRing()
        ring.usable = False
        person = Somebody(("Password", "secret"), ("kept", "k"))
        asked = self.failureResultOf(self.side(person, "me@example.org"))
        self.assertIn("k is none of", str(asked.value))
        ring.usable = True
        person = Somebody(("Password", "secret"), ("kept", "k"), ("kept", "k"))
        options, secret = self.learns(person, "me@example.org")
        self.assertEqual(({**SERVER, "password": "keyring:"}, ""), (options, secret))
        self.assertEqual("it is locked", person.told[-1])
        entry = ("imap.example.org", "me@example.org")
        self.assertEqual({entry: "secret"}, ring.kept)

    def test_spaces(self) -> None:
        """
        A password that could not stand in a configuration is kept in a file.
        """
        self.accounts.passwords["me@example.org"] = " secret "
        person = Somebody(("Password", " secret "), ("kept", "c"), ("kept", "f"))
        _, secret = self.learns(person, "me@example.org")
        self.assertEqual(" secret ", secret)

    def test_tokens(self) -> None:
        """
        A provider that is known to want tokens gets them, later: no password is
        asked for, and no login tried.
        """
        self.providers["imap.example.org"] = "google"
        person = Somebody(
            ("Google wants OAuth2", ""), ("Client ID", "us"), ("Client secret", "")
        )
        options, _ = self.learns(person, "me@example.org")
        wanted = {**SERVER, "oauth2": "google", "oauth2-client-id": "us"}
        self.assertEqual(wanted, options)
        self.assertEqual([], self.accounts.tried)
        person = Somebody(
            *(("Google wants OAuth2", "y"), ("Client ID", "us")),
            ("Client secret", "hush"),
        )
        options, _ = self.learns(person, "me@example.org")
        self.assertEqual("hush", options["oauth2-client-secret"])

    def test_appPassword(self) -> None:
        """
        Or a password, if there is one.
        """
        self.providers["imap.example.org"] = "google"
        person = Somebody(("Google", "n"), ("Password", "secret"), ("kept", "c"))
        options, _ = self.learns(person, "me@example.org")
        self.assertEqual({**SERVER, "password": "secret"}, options)


class ScriptTests(InterviewCase):
    """
    With nobody there.
    """

    def test_all(self) -> None:
        """
        What is given is enough.
        """
        options, secret = self.learns(
            None, "me@example.org", password_command="pass show secret"
        )
        wanted = {**SERVER, "password-command": "pass show secret"}
        self.assertEqual((wanted, ""), (options, secret))

    def test_special(self) -> None:
        """
        What is special about a server is written, and what is given counts for more.
        """
        special = FOUND._replace(
            host="mx.net", port=1143, type="imap", auth=("CRAM-MD5",), username="me"
        )
        self.accounts.found["example.org"] = [special]
        given = {"password": "secret", "port": "144"}
        options, _ = self.learns(None, "me@example.org", **given)
        self.assertEqual(
            {"type": "imap", "host": "mx.net", "auth": "CRAM-MD5", "username": "me"}
            | given,
            options,
        )

    def test_named(self) -> None:
        """
        A server's name with its user needs no search; of a mail address whose server
        is given besides, all is the user's name.
        """
        options, _ = self.learns(None, "me@mx.net:143", password="secret")
        self.assertEqual(
            {"type": "imap", "host": "mx.net", "username": "me", "password": "secret"},
            options,
        )
        options, _ = self.learns(
            None, "me@example.org", host="mx.net", password="secret"
        )
        self.assertEqual(
            {"host": "mx.net", "username": "me@example.org", "password": "secret"},
            options,
        )
        options, _ = self.learns(None, "me@mx.net:143", type="imaps", password="secret")
        self.assertEqual("143", options["port"])

    def test_tunnel(self) -> None:
        """
        A tunnel needs nothing else.
        """
        options, _ = self.learns(None, command="doveadm exec imap")
        wanted = {"type": "tunnel", "command": "doveadm exec imap"}
        self.assertEqual(wanted, options)

    def test_sure(self) -> None:
        """
        What somebody may have forged is not taken without a question.
        """
        unsure = FOUND._replace(host="evil.net", vouched=False)
        self.accounts.found["example.org"] = [unsure]
        why = self.fails(UsageError, None, "me@example.org", password="secret")
        self.assertIn("local=me@HOST", why)
        self.accounts.found["example.org"] = [unsure, FOUND]
        options, _ = self.learns(None, "me@example.org", password="secret")
        self.assertEqual("imap.example.org", options["host"])

    def test_lacking(self) -> None:
        """
        What is not given is named.
        """
        self.providers["imap.gmail.com"] = "google"
        for where, options, told in (
            ("", {}, "local=ADDRESS"),
            ("me@", {}, "local must be a mail address"),
            ("mx.example.org", {"password": "x"}, "local.username=NAME"),
            ("me@example.org", {}, "local.password-command=COMMAND"),
            ("me@imap.gmail.com:993", {}, "local.oauth2-client-id=ID"),
        ):
            self.assertIn(told, self.fails(UsageError, None, where, **options))

    def test_tokens(self) -> None:
        """
        Who gives a client ID wants tokens.
        """
        self.providers["imap.gmail.com"] = "google"
        given = {"oauth2-client-id": "us"}
        options, _ = self.learns(None, "me@imap.gmail.com:993", **given)
        self.assertEqual("google", options["oauth2"])

    def test_refused(self) -> None:
        """
        What does not serve is told, and nothing comes of it.
        """
        self.fails(Distrusted, None, "me@example.org", password="wrong")
        self.assertEqual(1, len(self.accounts.tried))
