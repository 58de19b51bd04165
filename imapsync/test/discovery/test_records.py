"""
Tests for L{imapsync.discovery.records}.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from imapsync.discovery.address import Address
from imapsync.discovery.records import Service, proposals

ME = Address("me", "example.org")


class ProposalsTests(SynchronousTestCase):
    """
    Tests for L{proposals}.
    """

    def test_order(self) -> None:
        """
        The lowest priority comes first, and of one priority the greatest weight.
        """
        told = [
            Service(20, 9, 993, "c.example.org."),
            Service(10, 1, 993, "b.example.org"),
            Service(10, 5, 1993, "a.example.org"),
        ]
        found = [*proposals("_imaps._tcp", told, ME)]
        self.assertEqual(
            [("a", 1993), ("b", 993), ("c", 993)],
            [(one.host.partition(".")[0], one.port) for one in found],
        )
        self.assertEqual({"imaps"}, {one.type for one in found})

    def test_none(self) -> None:
        """
        A single point means that there is no such service (RFC 6186, 3.4).
        """
        for target in (".", "", "a b"):
            told = [Service(0, 0, 0, target)]
            self.assertEqual([], [*proposals("_imaps._tcp", told, ME)])

    def test_vouched(self) -> None:
        """
        Whoever can forge an answer could name a host of their own: only one within
        the domain is believed.
        """
        told = [Service(0, 0, 143, "imap.example.org"), Service(1, 0, 143, "evil.net")]
        ours, others = proposals("_imap._tcp", told, ME)
        self.assertEqual((True, "imap"), (ours.vouched, ours.type))
        self.assertFalse(others.vouched)
