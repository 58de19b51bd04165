"""
Tests for L{imapsync.watch.notifier}.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import LogPublisher, capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from imapsync.http.web import MOST, Web
from imapsync.log import text
from imapsync.run.status import SyncState
from imapsync.test.fakes.fleet import Fleet, configOf
from imapsync.test.fakes.processes import Processes
from imapsync.test.fakes.sites import Reply, Sites
from imapsync.watch.notifier import COMMANDS, Notifier
from imapsync.watch.watch import Watch

_START = 1_000_000.0
_HOOK = "https://hooks.example/secret"


class Programs(Processes):
    """
    A reactor that runs any number of processes.

    @ivar all: those that run.
    """

    def __init__(self) -> None:
        super().__init__()
        self.all: list[tuple[Any, Any, Any]] = []

    def spawnProcess(self, *arguments: Any, **keywords: Any) -> None:
        """
        Start one.
        """
        super().spawnProcess(*arguments, **keywords)
        self.all.append((self.protocol, self.process, self.environment))

    def endFirst(self, status: int = 0) -> dict[str, str]:
        """
        The one that was started first ends.

        @return: what was in its environment.
        """
        self.protocol, self.process, environment = self.all.pop(0)
        self.end(status)
        return {
            name: value
            for name, value in environment.items()
            if name.startswith("IMAPSYNC_")
        }


class NotifierTestCase(SynchronousTestCase):
    """
    Accounts, of which somebody wants to know.
    """

    notify: Mapping[str, str]

    def begin(self, *names: str) -> None:
        """
        They are watched.
        """
        self.fleet = Fleet(*names, notify=self.notify)
        self.reactor = self.fleet.clock = Programs()
        self.sites = Sites()
        web = Web(self.reactor, self.sites)
        now = lambda: _START + self.reactor.seconds()  # noqa: E731
        self.watch = Watch(self.fleet, self.reactor, now, LogPublisher())
        self.notifier = Notifier(self.watch, self.fleet, self.reactor, now, web)
        self.watch.startService()
        self.notifier.startService()

    def breaks(self, name: str, error: str = "No route to host") -> None:
        """
        An account cannot be synced.
        """
        now = self.reactor.seconds()
        self.fleet.becomes(name, state=SyncState.BACKING_OFF, error=error, errorAt=now)

    def heals(self, name: str) -> None:
        """
        It is synced.
        """
        now = self.reactor.seconds()
        self.fleet.becomes(name, state=SyncState.WAITING, synced=now)


class CommandTests(NotifierTestCase):
    """
    A command is run.
    """

    notify: Mapping[str, str] = MappingProxyType({"command": "tell", "after": "10m"})

    def test_failed(self) -> None:
        """
        It is told of an account that has failed for so long, whatever was tried
        meanwhile, and once that it does so no longer.
        """
        self.begin("anna", "ben")
        self.reactor.advance(100)
        self.breaks("anna")
        self.reactor.advance(300)
        self.fleet.becomes("anna", state=SyncState.CONNECTING)
        self.breaks("anna", "Connection refused")
        self.reactor.advance(299)
        self.assertEqual([], self.reactor.all)
        self.reactor.advance(1)
        told = self.reactor.endFirst()
        self.assertEqual("failed", told["IMAPSYNC_EVENT"])
        self.assertEqual("anna", told["IMAPSYNC_ACCOUNT"])
        self.assertEqual("Connection refused", told["IMAPSYNC_ERROR"])
        self.assertEqual("600", told["IMAPSYNC_SECONDS"])
        self.reactor.advance(9999)
        self.breaks("anna")
        self.assertEqual([], self.reactor.all)
        self.heals("anna")
        again = self.reactor.endFirst()
        self.assertEqual("recovered", again["IMAPSYNC_EVENT"])
        self.assertEqual(told["IMAPSYNC_SINCE"], again["IMAPSYNC_SINCE"])
        self.heals("anna")
        self.reactor.advance(9999)
        self.assertEqual([], self.reactor.all)

    def test_short(self) -> None:
        """
        Of one that was well again by then, nobody is told; if it fails anew, the time
        begins anew.
        """
        self.begin("anna")
        self.reactor.advance(100)
        for _ in range(3):
            self.breaks("anna")
            self.reactor.advance(599)
            self.heals("anna")
            self.reactor.advance(10)
        self.assertEqual([], self.reactor.all)

    def test_repeated(self) -> None:
        """
        If that is wanted, it is told again and again.
        """
        self.notify = {**self.notify, "repeat": "1h"}
        self.begin("anna")
        self.breaks("anna")
        for seconds in (600, 3600, 3600):
            self.reactor.advance(seconds)
            self.assertEqual("failed", self.reactor.endFirst()["IMAPSYNC_EVENT"])

    def test_nobody(self) -> None:
        """
        Whose configuration names nobody, of that nobody is told.
        """
        self.begin("anna")
        self.fleet.add("ben", configOf("ben"))
        self.breaks("ben")
        self.reactor.advance(9999)
        self.assertEqual([], self.reactor.all)

    def test_paused(self) -> None:
        """
        Nor of one that somebody has paused.
        """
        self.begin("anna")
        self.breaks("anna")
        self.fleet.pause("anna")
        self.reactor.advance(9999)
        self.assertEqual([], self.reactor.all)
        self.fleet.resume("anna")
        self.assertEqual(1, len(self.reactor.all))

    def test_removed(self) -> None:
        """
        Nor of one that is no longer there.
        """
        self.begin("anna", "ben")
        self.breaks("anna")
        self.fleet.remove("anna")
        self.reactor.advance(9999)
        self.assertEqual([], self.reactor.all)

    def test_removedMeanwhile(self) -> None:
        """
        Nor of one that goes while others are told of, whatever it is called.
        """
        names = [*map(str, range(COMMANDS)), "a\u202eb"]
        self.begin(*names)
        for name in names:
            self.breaks(name)
        self.reactor.advance(600)
        self.fleet.remove(names[-1])
        for _ in range(COMMANDS):
            self.reactor.endFirst()
        self.assertEqual([], self.reactor.all)

    def test_thousand(self) -> None:
        """
        When a server is down, few commands are run at once, and each account is told
        of once; those that are well again before are not told of.
        """
        names = [f"u{number}" for number in range(1000)]
        self.begin(*names)
        for name in names:
            self.breaks(name)
        self.reactor.advance(600)
        self.assertEqual(COMMANDS, len(self.reactor.all))
        self.heals("u999")
        told = []
        while self.reactor.all:
            self.assertTrue(len(self.reactor.all) <= COMMANDS)
            told.append(self.reactor.endFirst()["IMAPSYNC_ACCOUNT"])
        self.assertEqual(names[:-1], told)

    def test_failing(self) -> None:
        """
        That it failed is logged, and it is not run again.
        """
        self.begin("anna")
        self.breaks("anna")
        with capturedLogs() as events:
            self.reactor.advance(600)
            self.reactor.endFirst(1)
        self.assertEqual(
            ["Not told of an account: [notify]: command exited with status 1"],
            [text(event) for event in events],
        )
        self.reactor.advance(9999)
        self.assertEqual([], self.reactor.all)

    def test_known(self) -> None:
        """
        What had become of accounts before anybody was to be told counts.
        """
        self.begin("anna")
        self.notifier.stopService()
        self.breaks("anna")
        self.reactor.advance(500)
        self.notifier = Notifier(
            self.watch,
            self.fleet,
            self.reactor,
            lambda: _START + self.reactor.seconds(),
        )
        self.notifier.startService()
        self.reactor.advance(100)
        self.assertEqual(1, len(self.reactor.all))

    def test_stopped(self) -> None:
        """
        At the end, nobody is told any more, and what runs is ended.
        """
        self.begin("anna", "ben")
        self.breaks("anna")
        self.reactor.advance(600)
        self.breaks("ben")
        self.successResultOf(self.notifier.stopService())
        self.watch.stopService()
        self.assertEqual("TERM", self.reactor.process.events[-1])
        self.reactor.endFirst()
        self.assertEqual([], self.reactor.getDelayedCalls())


class WebhookTests(NotifierTestCase):
    """
    A web server is posted to.
    """

    notify: Mapping[str, str] = MappingProxyType({"webhook": _HOOK})

    def post(self, reply: Reply | Exception | Deferred[Reply]) -> list[str]:
        """
        An account fails for long, and the server answers so.

        @return: what is logged.
        """
        self.begin("anna")
        self.sites.pages[_HOOK] = reply
        self.breaks("anna")
        with capturedLogs() as events:
            self.reactor.advance(900)
        return [text(event) for event in events]

    def test_posted(self) -> None:
        """
        It is told in JSON.
        """
        self.assertEqual([], self.post(Reply(b"ok")))
        [asked] = self.sites.asked
        self.assertEqual(("POST", _HOOK), (asked.verb, asked.url))
        said = asked.headers.getRawHeaders("content-type")
        self.assertEqual(["application/json"], said)
        told = json.loads(asked.body)
        self.assertEqual(("notification", "failed"), (told["kind"], told["event"]))
        self.assertEqual(("anna", 900), (told["account"], told["seconds"]))

    def test_long(self) -> None:
        """
        Whatever a server has to say besides, it has been told.
        """
        self.assertEqual([], self.post(Reply(b"x" * (MOST + 1))))
        self.reactor.advance(9999)
        self.assertEqual(1, len(self.sites.asked))

    def test_busy(self) -> None:
        """
        A server that cannot take it just now is asked again, with the same.
        """
        lines = self.post(Reply(b"", 503))
        what = "[notify]: webhook: the server answers 503"
        self.assertEqual([f"Not told of an account: {what}"], lines)
        self.sites.pages[_HOOK] = Reply(b"", 204)
        self.reactor.advance(10)
        first, second = self.sites.asked
        self.assertEqual(json.loads(first.body), json.loads(second.body))
        self.reactor.advance(9999)
        self.assertEqual(2, len(self.sites.asked))

    def test_refused(self) -> None:
        """
        One that does not take it is not asked again; what is logged does not tell the
        URL, which is a secret.
        """
        for status in (404, 302):
            [line] = self.post(Reply(b"", status))
            self.assertEqual(
                "Not told of an account: [notify]: webhook: the server answers"
                f" {status}: check the URL",
                line,
            )
            self.reactor.advance(9999)
            self.assertEqual(1, len(self.sites.asked))

    def test_silent(self) -> None:
        """
        One that does not answer is given up; meanwhile the others wait.
        """
        self.begin("anna", "ben")
        self.sites.pages[_HOOK] = Deferred()
        self.breaks("anna")
        self.breaks("ben")
        self.reactor.advance(900)
        self.assertEqual(1, len(self.sites.asked))
        self.reactor.advance(30)
        self.sites.pages[_HOOK] = Reply(b"ok")
        self.reactor.advance(10)
        self.assertEqual(3, len(self.sites.asked))
