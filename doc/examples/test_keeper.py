"""
Tests of C{keeper.py}, without a server, a network or a clock: an example of how a
program with imapsync in it is tested.

Run them by "trial test_keeper.py".
"""

from pathlib import Path

from keeper import Keeper
from twisted.trial.unittest import SynchronousTestCase

from imapsync.service import Credentials, Side
from imapsync.testing import Account, Network, mail

OPTIONS = {
    "local": {"type": "imap", "STARTTLS": False, "host": "here"},
    "remote": {"type": "imap", "STARTTLS": False, "host": "there"},
}


class KeeperTests(SynchronousTestCase):
    """
    Keeping the mail of one user.
    """

    def setUp(self) -> None:
        """
        Give the user two accounts, with a message in one.
        """
        self.accounts = {side: Account() for side in Side}
        self.here, self.there = self.accounts.values()
        self.here.inbox.add(mail("hello"))
        # It wants a login.
        self.there.greeting = "OK"
        self.there.capabilities |= {"AUTH=PLAIN"}
        self.network = Network()
        folder = Path(self.mktemp()).absolute()
        self.keeper = Keeper(self.network.clock, folder, self.credentials)
        endpoints = {s: self.network.endpoint(a) for s, a in self.accounts.items()}
        self.keeper.add("me", OPTIONS, endpoints)

    def start(self) -> None:
        """
        Start it; it comes to rest.
        """
        self.keeper.startService()
        self.addCleanup(self.stop)
        self.network.pump()

    async def credentials(self, user: str, side: Side) -> Credentials:
        """
        Tell who somebody is.
        """
        return Credentials(user, "secret")

    def stop(self) -> None:
        """
        Stop it; nothing is left behind.
        """
        stopped = self.keeper.stopService()
        self.network.advance(5)
        self.successResultOf(stopped)
        self.assertEqual([], self.network.clock.getDelayedCalls())

    def test_kept(self) -> None:
        """
        Both accounts come to hold the same, and it stays so.
        """
        self.start()
        self.assertEqual(self.here.content, self.there.content)
        self.there.make("Work").add(mail("work"))
        self.network.pump()
        self.assertEqual(self.here.content, self.there.content)
        self.assertEqual("waiting: 2 messages, 2 copied", self.keeper.describe("me"))

    def test_sync(self) -> None:
        """
        It can be asked to look at once, though a server says nothing.
        """
        self.there.capabilities -= {"NOTIFY", "IDLE"}
        self.start()
        self.there.inbox.add(mail("unheard of"))
        done = self.keeper.sync("me")
        self.network.pump()
        self.successResultOf(done)
        self.assertEqual(self.here.content, self.there.content)

    def test_trouble(self) -> None:
        """
        What is in the way is told as long as it is.
        """
        self.start()
        self.network.down.add(self.there)
        self.network.cut(self.there)
        self.network.advance(10)
        self.assertIn("network is down", self.keeper.describe("me"))
        self.network.down.clear()
        self.network.advance(600)
        self.assertEqual({}, self.keeper.troubles)

    def test_wrongPassword(self) -> None:
        """
        A password that is wrong from the beginning has to be mended.
        """
        self.there.answers["AUTHENTICATE"] = "NO [AUTHENTICATIONFAILED] no"
        self.start()
        self.assertIn("login was refused", self.keeper.troubles["me"])
