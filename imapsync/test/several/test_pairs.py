"""
Tests for L{imapsync.several.pairs}, and of how accounts come and go.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from imapsync.cli import systemd
from imapsync.cli.options import parse
from imapsync.config.settings import Config
from imapsync.errors import ConfigError
from imapsync.run.status import Change, SyncState
from imapsync.service import Outcome
from imapsync.several.services import Several
from imapsync.several.source import Source
from imapsync.test.fakes.world import Reactor, World
from imapsync.testing.accounts import mail
from imapsync.watch.accounts import Accounts, Watcher


class Seen:
    """
    Notes what a watcher is told; it asks back, as a watcher may.
    """

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        self.told: list[str] = []

    def added(self, name: str, config: Config) -> None:
        """
        An account is there.
        """
        self.told.append(f"added {name}: {self._accounts.status(name).state}")

    def changed(self, name: str, change: Change) -> None:
        """
        How it stands has changed.
        """
        assert self._accounts.configs[name]
        self._accounts.isPaused(name)
        if self._accounts.status(name).state is not change.before.state:
            self.told.append(f"{name}: {change.after.state}")

    def ended(self, name: str, outcome: Outcome) -> None:
        """
        A run has ended.
        """
        self.told.append(f"ended {name}: {outcome.code}")

    def removed(self, name: str) -> None:
        """
        It is gone.
        """
        self.told.append(f"removed {name}")

    def heard(self) -> list[str]:
        """
        What was told since this was asked last.
        """
        told, self.told = self.told, []
        return told


class Broken(Seen):
    """
    One with which something is wrong.
    """

    def ended(self, name: str, outcome: Outcome) -> None:
        """
        A run has ended.
        """
        raise ValueError("what is that?")


class AccountsTests(SynchronousTestCase):
    """
    Accounts that follow two servers in memory.
    """

    def setUp(self) -> None:
        """
        Make the accounts.
        """
        self.world = World(self.mktemp())
        self.world.fill(mail(1))
        self.reactor = Reactor(self.world)
        self.ended: list[tuple[str, int]] = []
        self.found: Mapping[str, Config] | Exception = {
            name: self.account(name) for name in "ab"
        }

    def account(self, name: str, **changes: object) -> Config:
        """
        The configuration of one.
        """
        return self.world.settings(database=f"{self.world.database} {name}", **changes)

    async def read(self) -> Mapping[str, Config]:
        """
        Tell which accounts there are.
        """
        if isinstance(self.found, Exception):
            raise self.found
        return self.found

    def start(self, *arguments: str, interval: float | None = None) -> Several:
        """
        Start all.
        """
        assert not isinstance(self.found, Exception)
        several = Several(
            *(parse([*arguments, "--quiet"]), self.found, {}, self.reactor),
            lambda name, outcome: self.ended.append((name, outcome.code)),
            source=Source(self.read, interval),
        )
        several.startService()
        self.world.pump()
        return several

    def reload(self, several: Several) -> None:
        """
        Have it be read again.
        """
        reloading = Deferred.fromCoroutine(several.reload())
        self.world.pump()
        self.successResultOf(reloading)

    def stop(self, several: Several, code: int = 0) -> None:
        """
        Stop all.
        """
        stopped = several.stopService()
        self.world.pump()
        self.successResultOf(stopped)
        self.assertEqual(code, self.successResultOf(several.finished))
        self.assertEqual([], self.reactor.getDelayedCalls())
        self.assertEqual([], self.links())

    def links(self) -> list[object]:
        """
        Connections that are open.
        """
        return [link for link in self.world.links if link.open]

    def test_watched(self) -> None:
        """
        Who watches is told of all that are there, and of what becomes of them.
        """
        several = self.start()
        seen = Seen(several)
        watcher: Watcher = seen
        several.watch(watcher)
        self.assertEqual(["added a: waiting", "added b: waiting"], seen.heard())
        several.syncNow("b")
        self.world.pump()
        self.assertEqual([], [one for one in seen.heard() if one.startswith("a")])
        self.found = {"b": self.account("b"), "c": self.account("c")}
        self.reload(several)
        told = seen.heard()
        self.assertEqual(
            ["ended a: 0", "removed a", "added c: new"],
            [one for one in told if one.split()[0] in ("ended", "removed", "added")],
        )
        self.assertEqual([], [one for one in told if one.startswith("b:")])
        self.assertEqual("c: waiting", told[-1])
        self.assertEqual({"b", "c"}, {*several.configs})
        several.unwatch(watcher)
        several.unwatch(watcher)
        self.stop(several)
        self.assertEqual([], seen.heard())

    def test_broken(self) -> None:
        """
        What is wrong with one who watches is no concern of the others.
        """
        several = self.start()
        several.watch(Broken(several))
        seen = Seen(several)
        several.watch(seen)
        self.stop(several)
        self.assertIn("ended a: 0", seen.heard())
        self.assertEqual(2, len(self.flushLoggedErrors(ValueError)))

    def test_unknown(self) -> None:
        """
        There is nothing to tell of one that is not there.
        """
        several = self.start()
        for ask in (several.status, several.isPaused, several.syncNow):
            self.assertRaises(KeyError, ask, "c")
        self.assertRaises(KeyError, several.pause, "c")
        self.assertRaises(KeyError, several.resume, "c")
        self.stop(several)

    def test_paused(self) -> None:
        """
        One that is paused leaves both servers until it is to go on; the others notice
        nothing.
        """
        several = self.start()
        seen = Seen(several)
        several.watch(seen)
        seen.heard()
        several.pause("a")
        several.pause("a")
        self.world.pump()
        self.assertEqual(2, len(self.links()))
        self.assertTrue(several.isPaused("a"))
        self.assertFalse(several.isPaused("b"))
        self.assertEqual(["a: stopping", "a: stopped", "ended a: 0"], seen.heard())
        several.syncNow("a")
        self.world.pump()
        self.assertEqual(([], []), (seen.heard(), self.ended))
        several.resume("a")
        several.resume("a")
        self.world.pump()
        self.assertEqual(4, len(self.links()))
        self.assertEqual("a: waiting", seen.heard()[-1])
        self.stop(several)
        self.assertEqual([("a", 0), ("b", 0)], sorted(self.ended))

    def test_resumedAtOnce(self) -> None:
        """
        It may go on before it has left; that it ended meanwhile counts for nothing.
        """
        several = self.start()
        several.pause("a")
        several.resume("a")
        self.world.pump()
        self.assertEqual((4, []), (len(self.links()), self.ended))
        self.stop(several)

    def test_allPaused(self) -> None:
        """
        When all rest, the program does not end; and it can be ended then.
        """
        several = self.start()
        several.pause("a")
        several.pause("b")
        self.world.pump()
        self.assertNoResult(several.finished)
        self.stop(several)

    def test_pausedOverReload(self) -> None:
        """
        It rests over a reload, whether it is another then or not, until it is to go
        on.
        """
        several = self.start()
        several.pause("a")
        self.world.pump()
        self.reload(several)
        changed = self.account("a", listMailbox=("INBOX",))
        self.found = {"a": changed, "b": self.account("b")}
        self.reload(several)
        self.assertTrue(several.isPaused("a"))
        self.assertEqual((2, changed), (len(self.links()), several.configs["a"]))
        several.resume("a")
        self.world.pump()
        self.assertEqual(4, len(self.links()))
        several.pause("a")
        self.found = {"b": self.account("b")}
        self.reload(several)
        self.found = {"a": changed, "b": self.account("b")}
        self.reload(several)
        self.assertFalse(several.isPaused("a"))
        self.assertEqual(4, len(self.links()))
        self.stop(several)

    def test_resumedWhileReplaced(self) -> None:
        """
        One that is about to be another goes on as that, once.
        """
        several = self.start()
        several.pause("a")
        self.found = {"a": self.account("a", listMailbox=("INBOX",))}
        reloading = Deferred.fromCoroutine(several.reload())
        several.resume("a")
        self.world.pump()
        self.successResultOf(reloading)
        self.assertEqual(2, len(self.links()))
        self.stop(several)

    def test_stoppedWhileReplaced(self) -> None:
        """
        All may end while one that is paused is about to go, and another to change.
        """
        several = self.start()
        several.pause("a")
        self.world.pump()
        self.found = {"b": self.account("b", listMailbox=("INBOX",))}
        reloading = Deferred.fromCoroutine(several.reload())
        self.assertNoResult(reloading)
        self.stop(several)
        self.successResultOf(reloading)

    def test_pausedAfterFailure(self) -> None:
        """
        One that failed may be tried again.
        """
        self.found = {"a": self.account("a"), "b": self.account("b")}
        database = Path(self.found["b"].database)
        database.write_bytes(b"nonsense" * 1000)
        several = self.start()
        self.assertEqual([("b", 65)], self.ended)
        several.pause("b")
        several.pause("a")
        self.world.pump()
        self.assertNoResult(several.finished)
        database.unlink()
        several.resume("b")
        self.world.pump()
        self.assertEqual(SyncState.WAITING, several.status("b").state)
        self.stop(several)

    def test_syncedAfterFailure(self) -> None:
        """
        One that failed is tried again as soon as somebody asks for it, and fails again
        if it has to.
        """
        self.found = {"a": self.account("a"), "b": self.account("b")}
        database = Path(self.found["b"].database)
        database.write_bytes(b"nonsense" * 1000)
        several = self.start()
        several.syncNow("b")
        self.world.pump()
        self.assertEqual([("b", 65)] * 2, self.ended)
        database.unlink()
        several.syncNow("b")
        several.syncNow("b")
        self.world.pump()
        self.assertEqual(SyncState.WAITING, several.status("b").state)
        self.assertEqual(4, len(self.links()))
        self.assertNoResult(several.finished)
        self.stop(several)

    def test_ready(self) -> None:
        """
        systemd does not wait for one that is paused, nor for one that is gone.
        """
        told: list[str] = []

        def notify(state: str) -> bool:
            told.append(state)
            return True

        def heard() -> str:
            self.reactor.advance(systemd.PAUSE)
            return told[-1]

        self.patch(systemd, "notifier", lambda _: notify)
        several = self.start()
        self.assertEqual(1, told.count("READY=1"))
        several.pause("a")
        self.world.pump()
        self.assertEqual("STATUS=1 stopped, 1 waiting", heard())
        changed = self.account("a", listMailbox=("INBOX",))
        self.found = {"a": changed, "b": self.account("b")}
        self.reload(several)
        self.assertEqual(1, told.count("STATUS=1 stopped, 1 waiting"))
        self.assertEqual("READY=1", heard())
        self.found = {}
        self.reload(several)
        self.assertEqual("STATUS=no accounts", heard())
        self.stop(several)

    def test_none(self) -> None:
        """
        With no account left, a program that is live waits for some.
        """
        several = self.start()
        self.found = {}
        self.reload(several)
        self.assertEqual(([], []), (self.links(), self.ended))
        self.assertNoResult(several.finished)
        self.found = {"c": self.account("c")}
        self.reload(several)
        self.assertEqual(2, len(self.links()))
        self.found = {}
        self.reload(several)
        self.stop(several)

    def test_sameDatabase(self) -> None:
        """
        One that has another name now may have the same database.
        """
        several = self.start()
        self.found = {"x": self.account("a"), "b": self.account("b")}
        self.reload(several)
        self.assertEqual(SyncState.WAITING, several.status("x").state)
        self.stop(several)

    def test_interval(self) -> None:
        """
        From time to time it is looked which accounts there are; one after the other.
        """
        several = self.start(interval=900)
        self.found = {"b": self.account("b")}
        self.reactor.advance(899)
        self.world.pump()
        self.assertEqual({"a", "b"}, {*several.configs})
        self.reactor.advance(1)
        self.world.pump()
        self.assertEqual({"b"}, {*several.configs})
        self.found = ConfigError("line 1: nonsense")
        with capturedLogs() as events:
            self.reactor.advance(900)
            self.world.pump()
        lines = [formatEvent(event) for event in events]
        self.assertIn("Not reloaded: line 1: nonsense", lines)
        self.assertEqual({"b"}, {*several.configs})
        self.found = {"b": self.account("b"), "c": self.account("c")}
        self.reactor.advance(900)
        self.world.pump()
        self.assertEqual({"b", "c"}, {*several.configs})
        self.stop(several)

    def test_stoppedWhileRead(self) -> None:
        """
        What takes long to tell which accounts there are is not waited for at the end.
        """

        async def read() -> Mapping[str, Config]:
            return await Deferred()

        several = Several(
            *(parse(["--quiet"]), {}, {}, self.reactor),
            lambda *_: None,
            source=Source(read),
        )
        several.startService()
        reloading = Deferred.fromCoroutine(several.reload())
        self.assertNoResult(reloading)
        self.successResultOf(several.stopService())
        self.successResultOf(reloading)
        self.assertEqual(0, self.successResultOf(several.finished))
