"""
Tests for L{imapsync.accounts.scope}.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.error import ConnectionDone
from twisted.trial.unittest import SynchronousTestCase

from imapsync.accounts.history import Named
from imapsync.accounts.listing import Listing
from imapsync.accounts.scope import Scope
from imapsync.errors import NotFound
from imapsync.model import Name, Side
from imapsync.plan.selection import Selection
from imapsync.test.fakes.world import World


class ScopeTests(SynchronousTestCase):
    """
    What is wanted.
    """

    def setUp(self) -> None:
        """
        Connect to two accounts.
        """
        self.world = World(self.mktemp())
        self.clients = {side: self.world.connect(side) for side in Side}
        self.named = Named()

    def tearDown(self) -> None:
        """
        Close the connections.
        """
        for link in self.world.links:
            link.end(ConnectionDone())

    def select(self, *typed: str, **changes: Any) -> Selection:
        """
        Look at both accounts, and select.
        """
        config = self.world.settings(**changes)
        listing = Listing(config, self.clients)
        self.accounts = self.world.run(listing.look())
        self.scope = Scope(config, typed, listing, self.named)
        return self.world.run(self.scope.select(self.accounts))

    def test_subscribed(self) -> None:
        """
        The server need not be asked again for what is subscribed, but for all
        other options.
        """
        selection = self.select()
        self.assertTrue(selection.subscribed)
        self.assertIsNone(selection.chosen)
        for options in ("SUBSCRIBED", "RECURSIVEMATCH"), ("REMOTE",):
            selection = self.select(listSelectOpts=options)
            self.assertFalse(selection.subscribed)
            self.assertIsNotNone(selection.chosen)

    def test_named(self) -> None:
        """
        One that is on either server will do; it was met, and is asked for by the
        name that it has later.
        """
        self.world.remote.make("Old")
        selection = self.select("Old", "inbox")
        self.assertEqual({"Old", "INBOX"}, selection.named)
        self.world.remote.rename("Old", "New")
        self.named.names[Name("Old")] = Name("New")
        self.assertIn("New", self.scope.followed(selection, self.accounts).named)
        self.assertIn("New", self.select("Old").named)

    def test_deleted(self) -> None:
        """
        One that was met once may be gone; one that never was is an error.
        """
        self.world.remote.make("Old")
        self.select("Old")
        self.world.remote.delete("Old")
        self.select("Old")
        error = self.assertRaises(NotFound, self.select, "Old", "Nowhere")
        self.assertIn('the mailbox "Nowhere": check', str(error))
