"""
A server that tells how imapsync stands, and runs it: an example of imapsync
within another Twisted program.

Run it by "IMAPSYNC_CONFIG=/home/me/.config/imapsync twistd -ny embedded.tac", and
ask it by "telnet localhost 8025": an empty line is answered with the status, the
line "sync" with another when both sides were synced.
"""

import os

from twisted.application.internet import StreamServerEndpointService
from twisted.application.service import Application, Service
from twisted.internet import reactor
from twisted.internet.endpoints import serverFromString
from twisted.internet.protocol import Factory
from twisted.protocols.basic import LineOnlyReceiver

from imapsync.config.file import load
from imapsync.config.request import Request
from imapsync.service import SyncService


class Teller(LineOnlyReceiver):
    """
    Answers those who ask.
    """

    def __init__(self, sync: SyncService) -> None:
        self._sync = sync

    def lineReceived(self, line: bytes) -> None:
        """
        Somebody asks.
        """
        if line == b"sync":
            self._sync.syncNow().addCallbacks(self._tell, self._fail)
        else:
            self._tell(None)

    def _tell(self, _: object) -> None:
        status = self._sync.status
        messages = sum(box.messages for box in status.mailboxes.values())
        self.sendLine(f"{status.state}: {messages} messages".encode())

    def _fail(self, failure) -> None:
        self.sendLine(f"stopped: {failure.getErrorMessage()}".encode())


class Guard(Service):
    """
    Ends the program when imapsync cannot go on, as with a wrong password.
    Another program might send a mail instead.
    """

    def __init__(self, sync: SyncService) -> None:
        self._sync = sync

    def startService(self) -> None:
        """
        Begin to watch.
        """
        Service.startService(self)
        self._sync.whenFinished().addCallback(self._ended)

    def _ended(self, outcome) -> None:
        if self.running and outcome.code:
            print(outcome.text)
            reactor.callWhenRunning(reactor.stop)


application = Application("embedded")

sync = SyncService(
    load(os.environ["IMAPSYNC_CONFIG"], os.environ), reactor, Request(live=True)
)
Guard(sync).setServiceParent(application)
sync.setServiceParent(application)

port = os.environ.get("PORT", "8025")
StreamServerEndpointService(
    serverFromString(reactor, f"tcp:{port}:interface=127.0.0.1"),
    Factory.forProtocol(lambda: Teller(sync)),
).setServiceParent(application)
