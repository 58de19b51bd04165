"""
A program that keeps the mail of its users equal, and tells how it stands: the one
around C{keeper.py}.

Run it by "USERS=users.json PASSWORDS=passwords.json twistd -ny embedded.tac", with
users as {"me": {"local": {"host": ...}, "remote": {"host": ...}}}, and passwords as
{"me": {"local": ["me", "secret"], "remote": ["me@example.net", "secret"]}}.  Ask it by
"telnet localhost 8025": the line "me" is answered with the status, the line "sync me"
with another when both sides were synced.
"""

import json
import os
import sys
from pathlib import Path

from twisted.application.internet import StreamServerEndpointService
from twisted.application.service import Application
from twisted.internet import reactor
from twisted.internet.endpoints import serverFromString
from twisted.internet.protocol import Factory
from twisted.protocols.basic import LineOnlyReceiver

from imapsync.service import Credentials

here = Path(__file__).parent
sys.path.insert(0, str(here))

from keeper import Keeper


class Teller(LineOnlyReceiver):
    """
    Answers those who ask.
    """

    def lineReceived(self, line: bytes) -> None:
        """
        Somebody asks.
        """
        *sync, user = line.decode().split()
        if sync:
            keeper.sync(user).addCallbacks(self._tell, self._fail, [user])
        else:
            self._tell(None, user)

    def _tell(self, _: object, user: str) -> None:
        self.sendLine(keeper.describe(user).encode())

    def _fail(self, failure) -> None:
        self.sendLine(f"stopped: {failure.getErrorMessage()}".encode())


async def look(user, side):
    """
    Look a password up, whenever it is needed: it may be another one by then.
    """
    passwords = json.loads(Path(os.environ["PASSWORDS"]).read_text())
    return Credentials(*passwords[user][str(side)])


application = Application("embedded")

users = Path(os.environ["USERS"])
keeper = Keeper(reactor, users.absolute().parent, look)
for user, options in json.loads(users.read_text()).items():
    keeper.add(user, options)
keeper.setServiceParent(application)

port = os.environ.get("PORT", "8025")
StreamServerEndpointService(
    serverFromString(reactor, f"tcp:{port}:interface=127.0.0.1"),
    Factory.forProtocol(Teller),
).setServiceParent(application)
