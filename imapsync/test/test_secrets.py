"""
Passwords and tokens are nowhere but where they have to be.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from twisted.internet.protocol import ProcessProtocol
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from imapsync import service
from imapsync.cli.options import CommandLine
from imapsync.config import file
from imapsync.config.request import Request
from imapsync.errors import ConfigError
from imapsync.imap.access import Access
from imapsync.model import Side
from imapsync.service import Credentials, Outcome
from imapsync.test.fakes.world import Reactor, World
from imapsync.test.test_service import ServiceCase
from imapsync.testing.accounts import mail

SECRET = "hunter2-\xfc-\\pass"

#: How it looks on its way.
CODED = [base64.b64encode(raw.encode()).decode() for raw in (f"\0me\0{SECRET}", SECRET)]
RAW = SECRET.encode().decode("latin-1")


class SecretsCase(ServiceCase):
    """
    Runs with a password.
    """

    def setUp(self) -> None:
        """
        Give it to both sides.
        """
        super().setUp()
        for side in Side:
            self.world.options[side] = {"password": SECRET}
        for account in self.local, self.remote:
            account.greeting = "OK"
        self.world.fill(mail(1))

    def untold(self, *texts: str) -> None:
        """
        It is in none of these.
        """
        for text in texts:
            for one in SECRET, repr(SECRET)[1:-1], "hunter2", RAW, *CODED:
                self.assertNotIn(one, text)

    def run_(self, code: int, **arguments: Any) -> Outcome:
        """
        A run, all of whose traces are looked through.
        """
        with capturedLogs() as events:
            outcome = self.serve(Request(patience=0), **arguments)
        self.assertEqual(code, outcome.code, outcome)
        for event in events:
            self.untold(formatEvent(event), *map(repr, event.values()))
        self.untold(repr(outcome), repr(self.service.status))
        if outcome.failure is not None:
            for detail in "default", "brief", "verbose":
                self.untold(outcome.failure.getTraceback(detail=detail))
            self.untold(*_reasons(outcome.failure.value))
        for path in Path(self.world.database).parent.glob("*"):
            if path.is_file():
                self.untold(path.read_bytes().decode("latin-1"))
        self.untold(*os.environ.values())
        return outcome


def _reasons(error: BaseException | None) -> Iterator[str]:
    """
    What a traceback says of an error, and of those that led to it.
    """
    while error is not None:
        yield f"{error} {error!r}"
        error = error.__cause__ or (
            None if error.__suppress_context__ else error.__context__
        )


class LoggedTests(SecretsCase):
    """
    What is logged, raised and kept.
    """

    def test_login(self) -> None:
        """
        Logins of all kinds, with the traffic shown.
        """
        for words, auth in (
            ({"AUTH=PLAIN", "SASL-IR"}, "PLAIN"),
            (set(), "LOGIN"),
        ):
            for side, account in self.world.accounts.items():
                account.capabilities -= {"AUTH=PLAIN", "SASL-IR"}
                account.capabilities |= words
                self.world.options[side]["auth"] = (auth,)
            self.run_(0, trace=1)
            self.assertTrue(any("(not shown)" in line for line in self.logged))

    def test_repeated(self) -> None:
        """
        A server that repeats the password, in whatever it says.
        """
        for told in RAW, *CODED:
            for code, said in (
                (77, f"NO [AUTHENTICATIONFAILED] {told} is wrong"),
                (77, f"BAD what is {told}"),
                (76, f"WHAT {told}"),
                (77, f"NO no\r\n* BYE {told}"),
                (75, f"NO [UNAVAILABLE] {told}\r\n* OK [ALERT] {told}"),
            ):
                for trace in 0, 1:
                    self.remote.answers["AUTHENTICATE"] = said
                    self.run_(code, trace=trace)

    def test_later(self) -> None:
        """
        Alerts and farewells of one that lets us in.
        """
        said = f"OK in\r\n* OK [ALERT] {RAW}\r\n* OK [ALERT] {CODED[0]}\r\n* BYE {RAW}"
        self.remote.answers["AUTHENTICATE"] = said
        self.run_(0, trace=1)

    def test_shown(self) -> None:
        """
        Who asks for them twice gets to see them.
        """
        self.serve(trace=2)
        self.assertTrue(any(CODED[0] in line for line in self.logged))

    def test_owner(self) -> None:
        """
        Credentials that the owner of the service gives.
        """

        async def credentials() -> Credentials:
            return Credentials("me", SECRET)

        self.untold(repr(Credentials("me", SECRET)), str(Credentials("me", SECRET)))
        self.remote.answers["AUTHENTICATE"] = f"NO {RAW}"
        self.run_(77, trace=1, remote=Access(credentials=credentials))

    def test_shownOfObjects(self) -> None:
        """
        What a configuration, a service and an account show of themselves.
        """
        config = self.world.settings()
        self.untold(repr(config), str(config), *map(repr, config.servers.values()))
        self.serve()
        self.untold(repr(self.service), str(vars(self.service)))
        self.assertIn("Credentials", service.__all__)


class Noting(Reactor):
    """
    Notes how commands are started.
    """

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.started: list[tuple[Sequence[str], Any]] = []

    def spawnProcess(
        self,
        protocol: ProcessProtocol,
        executable: str,
        arguments: Sequence[str],
        env: object = None,
        **others: object,
    ) -> None:
        """
        Start one.
        """
        self.started.append((arguments, env))
        self.descriptors = others["childFDs"]
        super().spawnProcess(protocol, executable, arguments, env, **others)


class ProcessTests(SecretsCase):
    """
    What processes show to others, and get.
    """

    def test_tunnel(self) -> None:
        """
        The command of a tunnel gets no password but through its input: neither as an
        argument nor in its environment, and no open file.
        """
        self.reactor = reactor = Noting(self.world)
        self.world.options[Side.REMOTE].update(type="tunnel", command="remote")
        self.run_(0, trace=1)
        [(arguments, env)] = reactor.started
        self.assertEqual((["remote"], None), (arguments, env))
        self.assertEqual({0, 1, 2}, set(reactor.descriptors))  # type: ignore[call-overload]

    def test_arguments(self) -> None:
        """
        Nothing secret can be typed where all can see it (ps).
        """
        names = " ".join((*CommandLine._fields, *Request.__annotations__))
        for word in "password", "token", "secret", "username":
            self.assertNotIn(word, names)


class ConfigurationTests(SynchronousTestCase):
    """
    What is said of a configuration that cannot be used.
    """

    def test_wrong(self) -> None:
        """
        The value of no option that may be a secret is quoted.
        """
        for line in (
            f"pasword = {SECRET}",
            f"password = {SECRET}\npassword = {SECRET}",
            f"password = {SECRET}\npassword-command = echo {SECRET}",
            f"password-command = echo '{SECRET}\npassword = {SECRET}",
            f"password {SECRET}",
            f"  {SECRET}",
            f"password = {SECRET}\n[local",
            f"password: {SECRET}",
            f"password = {SECRET}\n {SECRET}",
        ):
            path = Path(self.mktemp())
            path.write_text(f"[local]\nusername = me\n{line}\n[remote]\nhost = x.y\n")
            with self.assertRaises(ConfigError, msg=line) as caught:
                file.load(str(path), {"HOME": "/nowhere"})
            self.assertNotIn("hunter2", f"{caught.exception} {caught.exception!r}")
