"""
Tests for L{imapsync.cli.resolver}.
"""

from __future__ import annotations

import sys

from twisted.trial.unittest import SynchronousTestCase

from imapsync.test import children

#: Ends by itself only if nobody waits for the thread.
_PROGRAM = """
import socket, threading
hung, stuck = threading.Event(), threading.Event()
def getaddrinfo(*_):
    hung.set()
    stuck.wait()
socket.getaddrinfo = getaddrinfo
from twisted.internet import reactor
from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.protocol import Factory, Protocol
from imapsync.cli.resolver import resolve
resolve(reactor)
HostnameEndpoint(reactor, "mail.example", 143).connect(Factory.forProtocol(Protocol))
reactor.callInThread(lambda: hung.wait() and reactor.callFromThread(reactor.stop))
reactor.run()
print("over")
"""


class ResolvingTests(SynchronousTestCase):
    """
    Tests for L{imapsync.cli.resolver.resolve}.
    """

    def test_hung(self) -> None:
        """
        A name that is still being looked up does not keep the program from
        ending.
        """
        command = [sys.executable, "-c", _PROGRAM]
        done = children.done(command, stdout=children.PIPE)
        self.assertEqual(b"over\n", done.stdout)
