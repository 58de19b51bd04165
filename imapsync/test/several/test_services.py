"""
Tests for L{imapsync.several.services}.
"""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable, Mapping
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from imapsync.cli import systemd
from imapsync.cli.options import parse
from imapsync.config.settings import Config
from imapsync.errors import ConfigError
from imapsync.model import Side
from imapsync.run.status import Standing
from imapsync.service import Outcome
from imapsync.several.pair import serviceFor
from imapsync.several.services import Several
from imapsync.several.source import Source
from imapsync.test.fakes.world import Reactor, World
from imapsync.testing.accounts import mail


class SeveralTests(SynchronousTestCase):
    """
    Tests for L{Several}: two pairs of accounts, of which the second has a
    wrong password.
    """

    def test_request(self) -> None:
        """
        A command line becomes a service.
        """
        line = parse(["--oneshot", "-q", "--dry-run", "Nowhere"])
        service = serviceFor(line, self.configs["good"], self.reactor)
        service.startService()
        self.world.pump()
        self.assertEqual(66, self.successResultOf(service.whenFinished()).code)

    def setUp(self) -> None:
        """
        Make the accounts.
        """
        self.world = World(self.mktemp())
        self.world.fill(mail(1))
        self.reactor = Reactor(self.world)
        self.ended: list[tuple[str, Outcome]] = []
        self.told: list[str] = []
        self.followed: list[str | None] = []
        self.configs = {"good": self.world.settings(), "bad": self.bad()}
        self.found: Callable[[], Mapping[str, Config]] = lambda: self.configs

    def bad(self) -> Config:
        """
        Settings that lead to no server.
        """
        settings = self.world.settings(database=f"{self.world.database}2")
        remote = settings.servers[Side.REMOTE]
        remote = remote._replace(
            type="imaps", tls=remote.tls._replace(caFile="/nowhere")
        )
        return settings._replace(servers={**settings.servers, Side.REMOTE: remote})

    def start(self, *arguments: str) -> Several:
        """
        Start all.
        """

        def ended(name: str, outcome: Outcome) -> None:
            self.ended.append((name, outcome))

        line = parse([*arguments, "--quiet"])
        several = Several(
            *(line, self.configs, {}, self.reactor, ended, Source(self.read)),
            self.follow,
        )
        several.startService()
        self.world.pump()
        return several

    async def read(self) -> Mapping[str, Config]:
        """
        Read the configurations again.
        """
        return self.found()

    def follow(self, configs: Mapping[str, Config]) -> None:
        """
        Follow changed names of log files.
        """
        if self.configs.keys() != configs.keys():
            raise ConfigError("no such log file")
        self.followed.append(configs["good"].logfile)

    def stop(self, several: Several) -> None:
        """
        Stop all.
        """
        stopped = several.stopService()
        self.world.pump()
        self.successResultOf(stopped)
        self.assertEqual([], self.reactor.getDelayedCalls())

    def test_oneshot(self) -> None:
        """
        Each goes on whatever becomes of the others; the worst code counts.
        """
        several = self.start("--oneshot")
        self.assertEqual(78, self.successResultOf(several.finished))
        self.assertTrue(self.world.equal)
        codes = {name: outcome.code for name, outcome in self.ended}
        self.assertEqual({"good": 0, "bad": 78}, codes)

    def test_check(self) -> None:
        """
        What is found of each is told in their order, whoever is the first to end.
        """
        output = io.StringIO()
        self.patch(sys, "stdout", output)
        self.configs = {"bad": self.configs["bad"], "good": self.configs["good"]}
        self.world.local.make("a\x85")
        links = self.world.links

        def pause() -> None:
            links[0].pauseProducing()

        self.world.local.before["ENABLE"] = pause
        several = self.start("--check")
        self.assertEqual([("good", 1)], [(name, one.code) for name, one in self.ended])
        self.assertEqual("", output.getvalue())
        links[0].resumeProducing()
        self.world.pump()
        self.assertEqual(78, self.successResultOf(several.finished))
        [told] = output.getvalue().splitlines()
        self.assertTrue(told.startswith("good: both sides: "), told)

    def held(self, *arguments: str, at: str = "ENABLE") -> tuple[Several, io.StringIO]:
        """
        Start all; nothing comes from the local server before L{resumed}.

        @param at: what is the last command that it is sent.
        """
        output = io.StringIO()
        self.patch(sys, "stdout", output)
        self.configs = {"good": self.configs["good"]}

        def pause() -> None:
            self.world.links[0].pauseProducing()

        self.world.local.before[at] = pause
        return self.start(*arguments), output

    def resumed(self, several: Several) -> None:
        """
        It comes, and all is done.
        """
        self.world.links[0].resumeProducing()
        self.world.pump()
        self.assertEqual(0, self.successResultOf(several.finished))
        self.assertEqual([], self.reactor.getDelayedCalls())

    def test_progress(self) -> None:
        """
        Work that takes long is shown, until it is done.
        """
        several, output = self.held("--oneshot", "--progress=json")
        self.reactor.advance(0.9)
        self.assertEqual("", output.getvalue())
        self.reactor.advance(0.2)
        told = json.loads(output.getvalue())
        self.assertEqual(("progress", "good"), (told["kind"], told["account"]))
        self.assertEqual(1.1, told["seconds"])
        self.resumed(several)

    def test_logged(self) -> None:
        """
        Where there is no terminal, there is a line in the log every half a minute.
        """
        with capturedLogs() as events:
            several, _ = self.held("--oneshot", "--progress=log", at="SELECT")
            self.reactor.pump([1] * 29)
            lines = [formatEvent(event) for event in events]
            self.assertEqual([], [one for one in lines if "INBOX" in one])
            self.reactor.pump([1] * 5)
        lines = [formatEvent(event) for event in events]
        self.assertEqual(
            ["good: Looking at INBOX: 0 of 1 mailbox, 0 of 1 message to remote."],
            [one for one in lines if "INBOX" in one],
        )
        self.resumed(several)

    def test_quick(self) -> None:
        """
        What does not take long is not, nor what is not to be.
        """
        several, output = self.held("--oneshot", "--progress=json")
        self.resumed(several)
        self.assertEqual("", output.getvalue())
        self.held("--oneshot", "--progress=none")
        self.assertNotIn(1.0, [x.getTime() for x in self.reactor.getDelayedCalls()])

    def test_checkUntold(self) -> None:
        """
        If that cannot be told, it is not done.
        """
        self.world.local.make("a\x85")
        self.patch(sys, "stdout", None)
        several = self.start("--check")
        self.assertEqual(78, self.successResultOf(several.finished))
        codes = {name: outcome.code for name, outcome in self.ended}
        self.assertEqual({"good": 74, "bad": 78}, codes)

    def test_live(self) -> None:
        """
        So it is when they are live, and all can be told to sync now.
        """
        several = self.start()
        self.assertEqual(["bad"], [name for name, _ in self.ended])
        self.world.fill(mail(2))
        self.world.pump()
        self.assertTrue(self.world.equal)
        self.world.local.heard.clear()
        several.syncAll()
        self.world.pump()
        self.assertEqual(1, self.world.local.count("LIST"))
        self.assertNoResult(several.finished)
        self.stop(several)
        self.assertEqual(78, self.successResultOf(several.finished))

    def reload(
        self, several: Several, *found: Mapping[str, Config] | Exception
    ) -> None:
        """
        Have the configuration be read again, once for each of C{found}.
        """
        results = list(found)

        def read() -> Mapping[str, Config]:
            result = results.pop(0)
            if isinstance(result, Exception):
                raise result
            return result

        self.found = read
        for _ in found:
            reloading = Deferred.fromCoroutine(several.reload())
            self.world.pump()
            self.successResultOf(reloading)

    def test_reload(self) -> None:
        """
        What changed, or has ended, begins anew; the rest goes on.
        """
        several = self.start()
        links = sorted(self.world.links, key=lambda link: not link.open)
        mended = self.configs["good"]._replace(database=self.configs["bad"].database)
        self.reload(several, {**self.configs, "bad": mended})
        self.assertEqual(len(links) + 2, len(self.world.links))
        self.assertTrue(all(link.open for link in links[:2]))
        other = mended._replace(listMailbox=("INBOX",))
        self.reload(several, {**self.configs, "bad": other})
        self.assertEqual(len(links) + 4, len(self.world.links))
        self.assertTrue(all(link.open for link in links[:2]))
        self.assertNoResult(several.finished)
        self.stop(several)
        self.assertEqual(0, self.successResultOf(several.finished))

    def test_reloadOften(self) -> None:
        """
        Whoever asks while one waits to be read gets what is read then.
        """
        several = self.start()
        read: list[object] = []

        def count() -> Mapping[str, Config]:
            read.append(None)
            return self.configs

        self.found = count
        before: Deferred[None] = Deferred()
        several._reloading.run(lambda: before)
        asked = [Deferred.fromCoroutine(several.reload()) for _ in range(9)]
        self.assertEqual([], read)
        before.callback(None)
        self.world.pump()
        for one in asked:
            self.successResultOf(one)
        self.assertEqual(1, len(read))
        self.stop(several)

    def test_reloadLogfile(self) -> None:
        """
        Another log file is no reason to begin anew; if it cannot be followed,
        nothing changes.
        """
        del self.configs["bad"]
        several = self.start()
        logged = self.configs["good"]._replace(logfile="x")
        self.reload(several, {"good": logged})
        self.assertEqual(["x"], self.followed)
        changed = logged._replace(listMailbox=("INBOX",), logfile="y")
        self.reload(several, {"good": changed, "other": changed})
        self.assertEqual(2, len(self.world.links))
        self.assertEqual({"good": logged}, several.configs)
        self.stop(several)

    def test_reloadAtEnd(self) -> None:
        """
        Stopped while the configuration is read again, it ends all the same; and
        so it does when it is told to read it after that.
        """
        del self.configs["bad"]
        changed = {"good": self.configs["good"]._replace(listMailbox=("INBOX",))}
        self.found = lambda: changed
        for reloadedFirst in (True, False):
            several = self.start()
            if reloadedFirst:
                Deferred.fromCoroutine(several.reload())
            self.stop(several)
            if not reloadedFirst:
                Deferred.fromCoroutine(several.reload())
            self.assertEqual(0, self.successResultOf(several.finished))
            self.assertEqual([], self.reactor.getDelayedCalls())

    def test_failedWhileReloaded(self) -> None:
        """
        One that fails while another is about to begin anew is not the last.
        """
        nothing = self.world.settings(
            database=f"{self.world.database}2", listMailbox=("Nowhere",)
        )
        self.configs = {"bad": nothing, "good": self.configs["good"]}
        several = self.start()
        changed = self.configs["good"]._replace(listMailbox=("INBOX",))
        bad: Any = several.getServiceNamed("bad")
        self.found = lambda: {"bad": nothing, "good": changed}
        bad.stopService()
        reloading = Deferred.fromCoroutine(several.reload())
        self.world.pump()
        self.successResultOf(reloading)
        self.assertNoResult(several.finished)
        self.stop(several)

    def test_reloadWrong(self) -> None:
        """
        A configuration that is wrong changes nothing, nor does one that is the
        same; and it may be read again while that is going on.
        """
        del self.configs["bad"]
        several = self.start()
        wrong = ConfigError("line 1: nonsense")
        self.reload(several, wrong, self.configs, wrong, self.configs)
        self.assertEqual(2, len(self.world.links))
        self.stop(several)

    def test_manyAccounts(self) -> None:
        """
        What systemd is told of many costs no more for each than for few, though some
        wait for their turn.
        """
        self.world.local.inbox.expunge(1)
        counted = [self.statusesMade(number) for number in (5, 20)]
        self.assertLessEqual(counted[1], 5 * counted[0])

    def notify(self, state: str) -> bool:
        """
        Take what systemd is told.
        """
        self.told.append(state)
        return True

    def statusesMade(self, number: int) -> int:
        """
        How many statuses are made while so many accounts start and come to rest.
        """
        made = [0]
        status: Any = vars(Standing)["status"]

        def count(standing: Standing) -> object:
            made[0] += 1
            return status.fget(standing)

        self.patch(Standing, "status", property(count))
        self.patch(systemd, "notifier", lambda _: self.notify)
        self.configs = {
            str(one): self.world.settings(database=f"{self.world.database} {one}")
            for one in range(number)
        }
        several = self.start()
        self.reactor.advance(systemd.PAUSE)
        self.assertEqual(f"STATUS={number} waiting", self.told[-1])
        self.stop(several)
        self.patch(Standing, "status", status)
        return made[0]

    def test_systemd(self) -> None:
        """
        systemd is told of the accounts, unless it is a run that ends.
        """
        told = self.told
        self.patch(systemd, "notifier", lambda _: self.notify)
        self.start("--oneshot")
        self.assertEqual([], told)
        several = self.start()
        self.reactor.advance(systemd.PAUSE)
        self.reload(several, self.configs)
        self.stop(several)
        kinds = [one.partition("\n")[0] for one in told]
        self.assertIn("STATUS=1 stopped, 1 waiting", kinds)
        self.assertEqual(2, kinds.count("READY=1"))
        self.assertIn("RELOADING=1", kinds)
        self.assertIn("STOPPING=1", kinds)
