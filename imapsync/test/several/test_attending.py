"""
Tests for L{imapsync.several.attending}.
"""

from __future__ import annotations

from typing import Any

from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from imapsync.cli.options import parse
from imapsync.config.settings import Config
from imapsync.errors import ConfigError
from imapsync.log import text
from imapsync.run.lifecycle import Outcome
from imapsync.run.status import SyncState
from imapsync.several.attending import Attendants
from imapsync.several.services import Several
from imapsync.several.source import Source
from imapsync.test.fakes.fleet import Fleet, configOf
from imapsync.test.fakes.processes import Processes
from imapsync.test.web.test_service import Reactor
from imapsync.watch.notifier import Notifier
from imapsync.web.site import StatusSite


class AttendantsTests(SynchronousTestCase):
    """
    Accounts are looked after, if somebody wants it.
    """

    def begin(self, fleet: Fleet) -> Attendants:
        """
        Look after them.
        """
        self.reactor = fleet.clock = Processes()
        attendants = Attendants(fleet, self.reactor)
        attendants.startService()
        return attendants

    def breaks(self, fleet: Fleet, name: str) -> None:
        """
        An account fails.
        """
        fleet.becomes(name, state=SyncState.BACKING_OFF, error="No", errorAt=0.0)

    def test_nobody(self) -> None:
        """
        Where no configuration wants it, nothing is done.
        """
        fleet = Fleet("anna")
        attendants = self.begin(fleet)
        self.breaks(fleet, "anna")
        fleet.end("anna", Outcome(75))
        fleet.remove("anna")
        self.assertEqual([], list(attendants))
        self.assertEqual([], self.reactor.getDelayedCalls())

    def test_told(self) -> None:
        """
        Where one does, who is named in it is told.
        """
        fleet = Fleet("anna", "ben", notify={"command": "tell"})
        attendants = self.begin(fleet)
        self.assertEqual(2, len(list(attendants)))
        self.breaks(fleet, "ben")
        self.reactor.advance(900)
        self.assertEqual(["tell"], self.reactor.arguments)
        self.reactor.end()
        self.successResultOf(attendants.stopService())
        self.assertEqual([], self.reactor.getDelayedCalls())

    def test_later(self) -> None:
        """
        A configuration that is read later may be the first to want it.
        """
        fleet = Fleet("anna")
        attendants = self.begin(fleet)
        fleet.add("ben", configOf("ben", notify={"command": "tell"}))
        fleet.add("carl", configOf("carl", notify={"command": "tell"}))
        kinds = [type(one).__name__ for one in attendants]
        self.assertEqual(["Watch", Notifier.__name__], kinds)
        self.breaks(fleet, "ben")
        self.reactor.advance(900)
        self.assertEqual(["tell"], self.reactor.arguments)

    def test_page(self) -> None:
        """
        A page shows all, and listens at once.
        """
        fleet = Fleet("anna", "ben", status={"listen": "tcp:8143:interface=127.0.0.1"})
        reactor = fleet.clock = Reactor()
        attendants = Attendants(fleet, reactor)
        attendants.listen()
        self.assertIsInstance(reactor.site, StatusSite)
        attendants.startService()
        kinds = [type(one).__name__ for one in attendants]
        self.assertEqual(["Watch", "StatusPage"], kinds)
        stopped = attendants.stopService()
        reactor.port.closed.callback(None)
        self.successResultOf(stopped)
        self.assertEqual([], reactor.getDelayedCalls())

    def test_reloaded(self) -> None:
        """
        A page stays as it was at the start, which is said where it is to be another.
        """
        listen = "tcp:8143:interface=127.0.0.1"
        for before, after, isTold in (
            ({"listen": listen}, {"listen": listen}, False),
            ({"listen": listen}, {"listen": listen, "hide-names": True}, True),
            ({"listen": listen}, None, True),
            (None, {"listen": listen}, True),
            (None, None, False),
        ):
            fleet = Fleet("anna", **({"status": before} if before else {}))
            fleet.clock = Reactor()
            attendants = Attendants(fleet, fleet.clock)
            attendants.listen()
            fleet.add("anna", configOf("anna", **({"status": after} if after else {})))
            with capturedLogs() as events:
                attendants.reloaded()
            told = [text(event) for event in events]
            self.assertEqual(int(isTold), len(told), (before, after))
            self.assertTrue(all("start imapsync again" in one for one in told))

    def test_noPage(self) -> None:
        """
        There is none that nobody wants.
        """
        attendants = self.begin(Fleet("anna"))
        attendants.listen()
        self.assertEqual([], list(attendants))

    def test_twoPages(self) -> None:
        """
        There are not two.
        """
        fleet = Fleet("anna")
        for port in 1, 2:
            listen = f"tcp:{port}:interface=127.0.0.1"
            fleet.add(f"ben {port}", configOf("ben", status={"listen": listen}))
        error = self.assertRaises(ConfigError, self.begin(fleet).listen)
        self.assertIn("listen in [status] is there too", str(error).replace(":", ""))

    def test_live(self) -> None:
        """
        That is so in live mode: of any other run, the exit code tells.
        """

        def ended(*_: Any) -> None:
            pass

        async def read() -> dict[str, Config]:
            return {}

        for arguments, count in ((["--oneshot"], 0), ([], 1)):
            several = Several(
                *(parse(arguments), {}, {}, Processes(), ended, Source(read))
            )
            kinds = [type(one) for one in several]
            self.assertEqual(count, kinds.count(Attendants))
