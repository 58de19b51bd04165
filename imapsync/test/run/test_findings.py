"""
Tests for L{imapsync.run.findings} and L{imapsync.run.found}, with what
L{imapsync.run.checking} finds seldom.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from imapsync.config.proxy import Proxy
from imapsync.errors import Distrusted, ImapSyncError, Lost
from imapsync.imap.features import Features
from imapsync.model import Side
from imapsync.plan.capacity import Size
from imapsync.run.findings import Checked, Ledger, about, amount
from imapsync.run.found import Found, Met
from imapsync.test.imap.test_connect import IMAPS, PLAIN, STARTTLS, TUNNEL

MET = Met("192.0.2.1", 993, None, False, "", "", "", (), "", "", False, Features())
GREETED = MET._replace(greeted=True)
PROXY = Proxy("socks5", "proxy.example", 1080, ("me", "secret"))


class FindingTests(SynchronousTestCase):
    """
    What is told of one side.
    """

    def lines(self, found: Found) -> list[str]:
        """
        What is told of it.
        """
        both = dict.fromkeys(Side, found)
        checked = Checked("/config", Ledger("/db", False, {}), 60, both)
        return [str(one) for one in about(checked, Side.REMOTE)]

    def test_address(self) -> None:
        """
        A name is told with its address; an address by itself.
        """
        for server, told in (
            (IMAPS, "mail.example is 192.0.2.1, port 993"),
            (IMAPS._replace(host="192.0.2.1"), "192.0.2.1, port 993"),
        ):
            first, *_ = self.lines(Found(server, MET))
            self.assertEqual(f"  address       {told}", first)

    def test_proxy(self) -> None:
        """
        Through a proxy, the address is the proxy's.
        """
        first, *others = self.lines(Found(IMAPS._replace(proxy=PROXY), MET))
        told = "socks5://proxy.example:1080 at 192.0.2.1, port 993"
        self.assertEqual(f"  proxy         {told}", first)
        self.assertNotIn("address", "".join(others))

    def test_steps(self) -> None:
        """
        Whatever goes wrong, it is told at which step.
        """
        lost, doubt = Lost("gone"), Distrusted("no")
        hung = Lost("the server hung up during the TLS handshake")
        offered = GREETED._replace(offered=("PLAIN",))
        entered = offered._replace(entered=True)
        step: str
        met: Met | None
        error: ImapSyncError
        for server, met, error, step in (
            (PLAIN, None, lost, "address"),
            (TUNNEL, None, lost, "command"),
            (TUNNEL, MET, lost, "command"),
            (TUNNEL, GREETED, lost, "login"),
            (IMAPS, MET, doubt, "TLS"),
            (IMAPS, MET, hung, "TLS"),
            (IMAPS, MET, lost, "greeting"),
            (PLAIN, MET, lost, "greeting"),
            (STARTTLS, GREETED, doubt, "TLS"),
            (PLAIN, GREETED, lost, "login"),
            (IMAPS, offered, doubt, "login"),
            (IMAPS, entered, lost, "mailboxes"),
        ):
            found = Found(server, met, error=error)
            self.assertEqual(step, found.step)
            *_, last = self.lines(found)
            self.assertEqual(f"! {step:<14}{error}", last)

    def test_amount(self) -> None:
        """
        Sizes are told as people like them.
        """
        for size, told in (
            (Size(1, 1023), "1 message (1023 octets)"),
            (Size(2, 1024), "2 messages (1.0 KiB)"),
            (Size(2, 3 << 29), "2 messages (1.5 GiB)"),
            (Size(0, 5 << 50), "0 messages (5120.0 TiB)"),
            (Size(2, None), "2 messages (octets are not told: STATUS=SIZE)"),
        ):
            self.assertEqual(told, amount(size))
