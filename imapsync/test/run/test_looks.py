"""
Tests for what L{imapsync.run.oneshot} leaves of its last look to the next run.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import closing
from typing import Any

import imapsync
from imapsync.accounts.listing import Listing
from imapsync.config.request import Admin, Depth, Request
from imapsync.model import Side
from imapsync.plan.unchanged import fingerprint
from imapsync.state.store import Store
from imapsync.test.test_service import ServiceCase
from imapsync.testing.accounts import mail

LOCAL, REMOTE = Side


class LookTests(ServiceCase):
    """
    What both servers told last.
    """

    def setUp(self) -> None:
        """
        Have something in two mailboxes.
        """
        super().setUp()
        self.world.fill(mail(1), mail(2))
        self.remote.make("Work").add(mail(3))

    @property
    def kept(self) -> bytes:
        """
        What is kept.
        """
        with closing(Store.open(self.world.database)) as state:
            return state.cleanLook

    def told(self, **changes: Any) -> bytes:
        """
        What it would be now, as seen over other connections.
        """
        config = self.world.settings(**changes)
        clients = {side: self.world.connect(side) for side in Side}
        for client in clients.values():
            self.world.run(client.capability())
        listing = Listing(config, clients)
        self.world.run(listing.look())
        for client in clients.values():
            client.leave()
        self.world.pump()
        return fingerprint(config, imapsync.__version__, listing.told)

    def assertKept(self, code: int = 0, **arguments: Any) -> None:
        """
        A run keeps what the servers tell.
        """
        self.assertEqual(code, self.serve(**arguments).code, self.logged)
        self.assertEqual(self.told(**arguments.get("changes", {})), self.kept)

    def assertNotKept(self, code: int, **arguments: Any) -> None:
        """
        A run keeps nothing.
        """
        self.assertEqual(code, self.serve(**arguments).code, self.logged)
        self.assertEqual(b"", self.kept)

    def test_kept(self) -> None:
        """
        After a run that had work to do it is what servers tell, and after one that
        had none.
        """
        self.assertKept()
        self.assertTrue(self.world.equal)
        before = self.kept
        self.assertKept()
        self.assertEqual(before, self.kept)
        self.local.inbox.flag(1, "\\Seen")
        self.remote.inbox.expunge(2)
        self.remote.rename("Work", "Play")
        self.local.make("New")
        self.assertKept()
        self.assertTrue(self.world.equal)
        self.assertNotEqual(before, self.kept)

    def test_changed(self) -> None:
        """
        Whatever changes then on either server, they tell something else; so they do
        to another configuration.
        """
        self.assertKept()
        changes: tuple[Callable[[], object], ...] = (
            lambda: self.local.inbox.flag(1, "\\Seen"),
            lambda: self.remote.inbox.add(mail(4)),
            lambda: self.remote.inbox.expunge(1),
            lambda: self.local.make("New", subscribed=False),
            lambda: setattr(self.remote.folders["Work"], "subscribed", False),
            lambda: self.local.rename("New", "Old"),
            self.remote.inbox.renumber,
            lambda: self.local.capabilities.discard("MOVE"),
            lambda: setattr(self.remote, "namespaces", '(("" "/")) (("~" "/")) NIL'),
        )
        seen = {self.kept}
        for change in changes:
            change()
            seen.add(self.told())
        self.assertEqual(1 + len(changes), len(seen))
        self.assertNotIn(self.told(mergeFlags=True), seen)

    def test_moment(self) -> None:
        """
        What changes after the last look, while the run takes leave, is for the next
        one.
        """
        self.serve()
        self.remote.before["LOGOUT"] = lambda: self.remote.inbox.add(mail(4))
        self.assertEqual(0, self.serve().code)
        self.assertNotIn(self.kept, (b"", self.told()))

    def test_swapped(self) -> None:
        """
        Where two mailboxes could change places, and LIST would not show it, each run
        has to ask which is which: nothing is kept.
        """
        play = self.remote.make("Play")
        play.add(mail(4))
        play.uidvalidity = self.remote.folders["Work"].uidvalidity
        self.remote.capabilities |= {"OBJECTID"}
        self.assertNotKept(0)
        for old, new in (("Work", "Rest"), ("Play", "Work"), ("Rest", "Play")):
            self.remote.rename(old, new)
            self.remote.folders[new].subscribed = new != "Rest"
        self.assertNotKept(0)
        self.assertTrue(self.world.equal)
        play.add(mail(5))
        self.assertKept()

    def test_restored(self) -> None:
        """
        A database that is restored does not take for equal what it does not know.
        """
        self.assertKept()
        shutil.copyfile(self.world.database, f"{self.world.database}.old")
        self.local.inbox.add(mail(4))
        self.assertKept()
        shutil.copyfile(f"{self.world.database}.old", self.world.database)
        self.assertNotEqual(self.told(), self.kept)
        self.assertKept()
        self.assertTrue(self.world.equal)

    def test_refused(self) -> None:
        """
        Nothing is kept while a message waits that was refused.
        """
        self.remote.objection = lambda offer: "NO [LIMIT] no"
        self.assertNotKept(1)
        self.assertNotKept(1)
        self.remote.objection = lambda offer: ""
        self.assertKept(request=Request())

    def test_failed(self) -> None:
        """
        Nor while a mailbox cannot be synced, or be made.
        """
        self.remote.folders["Work"].codes.append("UIDNOTSTICKY")
        self.assertNotKept(1)
        self.remote.folders["Work"].codes.clear()
        self.remote.make("New")
        self.local.answers["CREATE"] = "NO [CANNOT] no"
        self.assertNotKept(1)
        self.local.answers.clear()
        self.assertKept()

    def test_asked(self) -> None:
        """
        Nor where LIST does not tell all, so that more is asked.
        """
        self.local.silent.add("INBOX")
        self.assertNotKept(0)
        self.local.silent.clear()
        self.assertKept()
        self.local.tacit = True
        self.assertNotKept(0)

    def test_told(self) -> None:
        """
        Nor where each run tells something.
        """
        self.remote.namespaces = '(("" "/")) NIL (("Shared/" "/"))'
        self.remote.make("Shared/all")
        self.assertNotKept(0)
        self.assertIn("left out", str(self.logged))
        del self.remote.folders["Shared/all"]
        self.assertNotKept(0, changes={"warnings": ("odd",)})
        self.assertKept()

    def test_lost(self) -> None:
        """
        Nor if a connection was lost over a message; else it does not matter.
        """

        def cut() -> None:
            self.remote.downLeft = 1

        self.remote.before["LIST"] = cut
        self.assertKept()
        self.local.inbox.add(mail(4))
        self.remote.before["APPEND"] = cut
        self.assertNotKept(0)
        self.assertTrue(self.world.equal)

    def test_aborted(self) -> None:
        """
        Nor if the run is interrupted, though nothing was left to do.
        """

        def stop() -> None:
            self.service.stopService()

        self.assertKept()
        self.remote.before["LOGOUT"] = stop
        self.assertNotKept(75)

    def test_others(self) -> None:
        """
        Nor by a run that does something else, or only a part of it.
        """
        for request in (
            *(Request(("INBOX",)), Request(repair=True)),
            Request(admin=Admin(("Work",), sides=frozenset())),
        ):
            self.assertKept()
            self.assertNotKept(0, request=request, say=lambda _: None)

    def test_live(self) -> None:
        """
        Nor by one that is live.
        """
        self.assertKept()
        self.start(Request(live=True))
        stopping = self.service.stopService()
        self.world.pump()
        self.successResultOf(stopping)
        self.assertEqual(b"", self.kept)

    def test_written(self) -> None:
        """
        What writes nothing leaves it as it is.
        """
        self.assertKept()
        before = self.kept
        self.local.inbox.add(mail(4))
        for request in Request(dryRun=True), Request(verify=Depth.HEADER):
            self.serve(request, say=lambda _: None)
            self.assertEqual(before, self.kept)
