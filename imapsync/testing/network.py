"""
The net between a service and accounts in memory.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import ConnectError, ConnectionLost
from twisted.internet.interfaces import (
    IProtocol,
    IProtocolFactory,
    IStreamClientEndpoint,
)
from twisted.internet.task import Clock
from zope.interface import implementer

from imapsync.testing.accounts import Account
from imapsync.testing.links import ADDRESS, Link

#: So often is it moved on before somebody must be going round in circles.
_STEPS = 10_000


class Network:
    """
    Connections that move only in L{pump} and L{advance}.

    @ivar clock: the reactor of the services that use it.
    @ivar links: all connections that were ever made.
    @ivar down: accounts to which there is no way just now.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self.clock = clock or Clock()
        self.links: list[Link] = []
        self.down: set[Account] = set()

    def endpoint(self, account: Account) -> IStreamClientEndpoint:
        """
        What a service can reach an account by.
        """
        return _Endpoint(self, account)

    def cut(self, account: Account) -> None:
        """
        Have all connections to an account be lost.
        """
        for link in self.links:
            if link.account is account:
                link.end(ConnectionLost())

    def pump(self) -> None:
        """
        Let everything happen that happens by itself, but for what takes time.

        @raise AssertionError: if it would go on for ever.
        """
        for _ in range(_STEPS):
            moved = [link.move() for link in self.links]  # each has its turn
            if not any(moved) and not self._turn():
                return
        raise AssertionError("it goes on for ever")

    def advance(self, seconds: float) -> None:
        """
        Let time go by, and happen what happens meanwhile.
        """
        end = self.clock.seconds() + seconds
        self.pump()
        while (left := end - self.clock.seconds()) > 0:
            self.clock.advance(min(left, 1.0))
            self.pump()

    def _turn(self) -> bool:
        """
        What was put off until the next turn happens.

        @return: whether anything did.
        """
        now = self.clock.seconds()
        due = any(call.getTime() <= now for call in self.clock.getDelayedCalls())
        if due:
            self.clock.advance(0)
        return due


@implementer(IStreamClientEndpoint)
class _Endpoint:
    """
    Leads to an account.
    """

    def __init__(self, network: Network, account: Account) -> None:
        self._network = network
        self._account = account

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        """
        Connect at once.
        """
        if self._account in self._network.down:
            return fail(ConnectError(string="the network is down"))
        protocol = protocolFactory.buildProtocol(ADDRESS)
        if protocol is None:
            return fail(ConnectError(string="no protocol was made"))
        self._network.links.append(Link(self._account, protocol))
        return succeed(protocol)
