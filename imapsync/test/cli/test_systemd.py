"""
Tests for L{imapsync.cli.systemd}, and of the units in doc/examples.
"""

from __future__ import annotations

import configparser
import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from twisted.internet.task import Clock
from twisted.trial.unittest import SkipTest, SynchronousTestCase

import imapsync
from imapsync.cli.options import parse
from imapsync.cli.systemd import LATEST, PAUSE, Supervised, notifier, watchdog
from imapsync.run.status import Change, SyncState, SyncStatus
from imapsync.test import children
from imapsync.test.fakes.world import World

#: There in a source tree only.
EXAMPLES = Path(imapsync.__file__).parents[1] / "doc" / "examples"


class NotifierTests(SynchronousTestCase):
    """
    Tests for L{notifier} and L{watchdog}.
    """

    def test_nobody(self) -> None:
        """
        Without systemd, nobody is told.
        """
        self.assertIsNone(notifier({}))
        self.assertIsNone(notifier({"NOTIFY_SOCKET": "vsock:2:1"}))

    def test_busy(self) -> None:
        """
        It is seen where systemd has not read what came before.
        """
        path = self.path()
        notify = notifier({"NOTIFY_SOCKET": path})
        assert notify is not None
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
            listening.bind(path)
            taken = 0
            while notify("READY=1"):
                taken += 1
            for _ in range(taken):
                listening.recv(100)
            self.assertTrue(notify("READY=1"))

    def path(self) -> str:
        """
        The path of a socket that is to be: only a short one can have one.
        """
        directory = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, directory)
        return f"{directory}/notify"

    def test_told(self) -> None:
        """
        Both a path and an abstract address are understood; when nobody listens
        any more, that does no harm.
        """
        for address, bound in (
            (self.path(), ""),
            (f"@imapsync-{os.getpid()}", f"\0imapsync-{os.getpid()}"),
        ):
            notify = notifier({"NOTIFY_SOCKET": address})
            assert notify is not None
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
                listening.bind(bound or address)
                self.assertTrue(notify("READY=1"))
                self.assertEqual(b"READY=1", listening.recv(100))
            self.assertTrue(notify("READY=1"))

    def test_watchdog(self) -> None:
        """
        The period counts for the process that is meant.
        """
        ours = str(os.getpid())
        for environ, period in (
            ({}, None),
            ({"WATCHDOG_USEC": "3000000"}, 3.0),
            ({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": ours}, 3.0),
            ({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "1"}, None),
            ({"WATCHDOG_USEC": "0"}, None),
            ({"WATCHDOG_USEC": "soon"}, None),
        ):
            self.assertEqual(period, watchdog(environ))


def supervisor(
    clock: Clock,
    notify: Callable[[str], bool],
    period: float | None,
    accounts: Iterable[str],
) -> Supervised:
    """
    One that knows of these accounts.
    """
    supervised = Supervised(clock, notify, period)
    for name in accounts:
        supervised.added(name, World("").settings())
    return supervised


def tell(supervised: Supervised, name: str, status: SyncStatus) -> None:
    """
    Tell it of an account.
    """
    supervised.changed(name, Change(SyncStatus(), status, {}))


class SupervisedTests(SynchronousTestCase):
    """
    Tests for L{Supervised}.
    """

    def setUp(self) -> None:
        """
        Start one.
        """
        self.clock = Clock()
        self.told: list[str] = []
        self.full = False
        self.supervised = supervisor(self.clock, self.notify, 10, ["a", "b"])
        self.supervised.startService()

    def notify(self, state: str) -> bool:
        """
        Take what is told, if there is room for it.
        """
        if self.full:
            return False
        self.told.append(state)
        return True

    def heard(self) -> list[str]:
        """
        What was told since this was asked last.
        """
        self.clock.advance(PAUSE)
        told = self.told[:]
        self.told.clear()
        return told

    def test_watchdog(self) -> None:
        """
        A sign of life comes twice in each period, until the end.
        """
        self.clock.pump([5, 5, 5])
        self.assertEqual(["WATCHDOG=1"] * 4, self.heard())
        self.supervised.stopService()
        self.clock.pump([5, 5, 5])
        self.assertEqual(["STOPPING=1"], self.heard())
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_noWatchdog(self) -> None:
        """
        Nobody is told of what nobody waits for.
        """
        supervised = supervisor(self.clock, self.notify, None, [])
        self.heard()
        supervised.startService()
        self.assertEqual([], self.heard())

    def test_ready(self) -> None:
        """
        It is ready when each account has connected or cannot; once.
        """
        self.heard()
        self.tell("a", SyncState.CONNECTING)
        self.assertEqual(["STATUS=1 connecting, 1 new"], self.heard())
        self.tell("a", SyncState.STOPPED)
        self.tell("b", SyncState.CONNECTING)
        self.tell("a", SyncState.FIRST_SYNC)
        self.assertNotIn("READY=1", self.heard())
        self.tell("b", SyncState.BACKING_OFF, "no\nway")
        self.assertEqual(
            ["READY=1", "STATUS=1 backing off, 1 first sync; no way"], self.heard()
        )
        self.tell("b", SyncState.FIRST_SYNC, "old")
        self.tell("b", SyncState.FIRST_SYNC)
        self.tell("b", SyncState.CONNECTING)
        self.assertEqual(["STATUS=1 connecting, 1 first sync"], self.heard())

    def test_late(self) -> None:
        """
        Where some have not had their turn for long, the others are not held back; nor
        is that told twice.
        """
        self.tell("a", SyncState.WAITING)
        self.tell("b", SyncState.QUEUED)
        self.clock.advance(LATEST - 1)
        self.assertNotIn("READY=1", self.heard())
        self.clock.advance(1)
        self.assertIn("READY=1", self.heard())
        self.tell("b", SyncState.WAITING)
        self.assertNotIn("READY=1", self.heard())
        self.supervised.stopService()
        self.assertEqual([], self.clock.getDelayedCalls())

    def tell(self, name: str, state: SyncState, error: str = "") -> None:
        """
        Tell it of an account.
        """
        tell(self.supervised, name, SyncStatus(state, error=error))

    def test_many(self) -> None:
        """
        Each change costs the same, however many accounts there are: only the one
        that has changed is looked at.
        """
        names = [str(number) for number in range(1000)]
        supervised = supervisor(self.clock, self.notify, None, names)
        looks = [0]

        class Counting(SyncStatus):
            """
            A status that counts how often it is looked at.
            """

            def __getattribute__(self, name: str) -> object:
                looks[0] += name == "state"
                return super().__getattribute__(name)

        for state in (SyncState.CONNECTING, SyncState.FIRST_SYNC, SyncState.WAITING):
            for name in names:
                tell(supervised, name, Counting(state))
        self.assertLess(looks[0], 10 * 3000)
        self.assertEqual("STATUS=1000 waiting", self.told[-1])

    def test_seldom(self) -> None:
        """
        How things stand is not told with each change, where many come at once; but
        how they do in the end.
        """
        self.heard()
        for state in (SyncState.CONNECTING, SyncState.FIRST_SYNC, SyncState.WAITING):
            self.tell("a", state)
            self.tell("b", state)
        self.assertEqual(
            ["STATUS=1 connecting, 1 new", "READY=1", "STATUS=2 waiting"], self.heard()
        )
        self.assertEqual([], self.heard())

    def test_full(self) -> None:
        """
        What systemd does not take is told again, in its order.
        """
        self.heard()
        self.full = True
        self.tell("a", SyncState.WAITING)
        self.tell("b", SyncState.WAITING)
        self.supervised.reloading()
        self.supervised.reloaded()
        self.assertEqual([], self.heard())
        self.assertEqual([], self.heard())
        self.full = False
        kinds = [one.partition("\n")[0] for one in self.heard()]
        self.assertEqual(
            [
                *("STATUS=1 new, 1 waiting", "READY=1", "RELOADING=1", "READY=1"),
                "STATUS=2 waiting",
            ],
            kinds,
        )
        self.tell("a", SyncState.AGAIN)
        self.supervised.stopService()
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_reload(self) -> None:
        """
        Reading the configuration again has a beginning and an end.
        """
        self.heard()
        self.supervised.reloading()
        self.supervised.reloaded()
        reloading, ready = self.heard()
        self.assertRegex(reloading, r"^RELOADING=1\nMONOTONIC_USEC=\d+$")
        self.assertEqual("READY=1", ready)

    def test_alone(self) -> None:
        """
        One account needs no counting.
        """
        supervised = supervisor(self.clock, self.notify, None, [""])
        tell(supervised, "", SyncStatus(SyncState.WAITING, error="old"))
        self.assertEqual(["READY=1", "STATUS=waiting"], self.heard()[-2:])


class UnitTests(SynchronousTestCase):
    """
    The units that users are to copy.
    """

    def setUp(self) -> None:
        """
        Find them.
        """
        self.units = sorted(EXAMPLES.glob("*.service"))
        if not self.units:
            raise SkipTest("the documentation is not installed")

    def test_understood(self) -> None:
        """
        What they start is a command line that we understand, and what they do
        not start again are errors that somebody has to look at.
        """
        for unit in self.units:
            parser = configparser.RawConfigParser(strict=True)
            parser.read(unit)
            service = parser["Service"]
            self.assertEqual("notify", service["Type"])
            program, *arguments = service["ExecStart"].split()
            self.assertTrue(program.endswith("/bin/imapsync"))
            self.assertTrue(parse(arguments).request.live)
            codes = set(map(int, service["RestartPreventExitStatus"].split()))
            self.assertEqual({1, 64, 65, 66, 69, 73, 77, 78}, codes)

    def test_verified(self) -> None:
        """
        systemd finds nothing wrong with them but the program, which is not
        there.
        """
        if shutil.which("systemd-analyze") is None:
            raise SkipTest("there is no systemd-analyze")
        for unit in self.units:
            folder = Path(self.mktemp())
            folder.mkdir()
            name = unit.name.replace("@", "@me")
            text = unit.read_text()
            for program in ("%h/mailsync/bin/imapsync", "/opt/imapsync/bin/imapsync"):
                text = text.replace(program, "/bin/true")
            (folder / name).write_text(text)
            done = children.done(
                ["systemd-analyze", "verify", "--man=no", str(folder / name)],
                capture_output=True,
                text=True,
                check=False,
            )
            said = [x for x in done.stderr.splitlines() if name in x]
            self.assertEqual([], said)
