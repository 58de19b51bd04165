"""
Tests for L{imapsync.testing}: that a program can be tested with it.
"""

from __future__ import annotations

from twisted.internet.error import ConnectError
from twisted.internet.protocol import Factory, Protocol
from twisted.trial.unittest import SynchronousTestCase

from imapsync.service import (
    Access,
    Config,
    Credentials,
    Outcome,
    Request,
    SyncService,
    SyncState,
)
from imapsync.testing import Account, Network, mail


class NetworkTests(SynchronousTestCase):
    """
    A service between two accounts in memory.
    """

    def setUp(self) -> None:
        """
        Make them.
        """
        self.here, self.there = Account(), Account(separator=".")
        self.network = Network()

    def service(self, live: bool = False) -> SyncService:
        """
        Make a service.
        """
        config = Config.of(
            database=self.mktemp(),
            local={"type": "imap", "starttls": False, "host": "here"},
            remote={"type": "imap", "starttls": False, "host": "there"},
        )
        service = SyncService(
            config,
            self.network.clock,
            Request(live=live),
            verbose=False,
            local=Access(self.network.endpoint(self.here)),
            remote=Access(self.network.endpoint(self.there), self.credentials),
        )
        service.startService()
        self.network.pump()
        return service

    async def credentials(self) -> Credentials:
        """
        Who we are.
        """
        return Credentials("me", "secret")

    def assertEqualAccounts(self) -> None:
        """
        Both hold the same.
        """
        self.assertEqual(self.here.content, self.there.content)

    def test_oneshot(self) -> None:
        """
        Both sides become equal.
        """
        self.there.greeting = "OK"
        self.there.capabilities.add("AUTH=PLAIN")
        self.here.inbox.add(mail("new"))
        self.there.make("Work.Deep").add(mail("old"), frozenset(["\\Seen"]))
        service = self.service()
        self.assertEqual(Outcome(0), self.successResultOf(service.whenFinished()))
        self.assertEqualAccounts()
        self.assertEqual(1, self.there.count("AUTHENTICATE"))
        self.assertFalse(any(link.open for link in self.network.links))

    def test_live(self) -> None:
        """
        It is followed what changes; lost connections are made again as soon as
        there is a way.
        """
        service = self.service(live=True)
        self.here.inbox.add(mail("new"))
        self.network.pump()
        self.assertEqualAccounts()
        self.network.down.add(self.there)
        self.network.cut(self.there)
        self.network.advance(60)
        self.assertIs(SyncState.BACKING_OFF, service.status.state)
        self.assertIn("the network is down", service.status.error)
        self.here.inbox.add(mail("meanwhile"))
        self.network.down.clear()
        self.network.advance(300)
        self.assertIs(SyncState.WAITING, service.status.state)
        self.assertEqualAccounts()
        stopped = service.stopService()
        self.network.advance(5)
        self.successResultOf(stopped)
        self.assertEqual([], self.network.clock.getDelayedCalls())

    def test_turns(self) -> None:
        """
        What is put off until the next turn happens as well; what takes time does
        not.
        """
        happened: list[str] = []
        clock = self.network.clock
        clock.callLater(0, clock.callLater, 0, happened.append, "soon")
        clock.callLater(1, happened.append, "later")
        self.network.pump()
        self.assertEqual(["soon"], happened)
        self.network.advance(2.5)
        self.assertEqual(["soon", "later"], happened)
        self.assertEqual(2.5, clock.seconds())

    def test_forEver(self) -> None:
        """
        What goes round in circles is told.
        """

        endpoint = self.network.endpoint(self.here)
        endpoint.connect(Factory.forProtocol(Protocol))
        [link] = self.network.links
        self.patch(link, "move", lambda: True)
        self.assertRaises(AssertionError, self.network.pump)

    def test_noProtocol(self) -> None:
        """
        As with any endpoint, nobody need want the connection.
        """

        class Shy(Factory):
            """
            Wants none.
            """

            def buildProtocol(self, _: object) -> Protocol | None:
                """
                Refuse.
                """
                return None

        endpoint = self.network.endpoint(self.here)
        self.failureResultOf(endpoint.connect(Shy()), ConnectError)
