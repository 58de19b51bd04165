"""
Tests for L{imapsync.web.events}.
"""

from __future__ import annotations

import json
from typing import Any

from imapsync.model import Name
from imapsync.run.status import MailboxStatus, SyncState
from imapsync.test.web.test_pages import PagesTestCase
from imapsync.web.events import HEARTBEAT, MOST, Listener


class Wire:
    """
    The connection to a browser.

    @ivar isOpen: whether it is.
    """

    def __init__(self) -> None:
        self.isOpen = True
        self._data = b""

    def write(self, data: bytes) -> None:
        """
        Send something.
        """
        self._data += data

    def abort(self) -> None:
        """
        Be done with it.
        """
        self.isOpen = False

    def told(self) -> list[tuple[str, Any]]:
        """
        What it was told since this was asked last.
        """
        events = []
        for block in self._data.decode().split("\n\n"):
            fields = dict(
                one.split(": ", 1) for one in block.split("\n") if ": " in one
            )
            if "event" in fields:
                events.append((fields["event"], json.loads(fields["data"])))
        self._data = b""
        return events

    @property
    def beats(self) -> int:
        """
        How often it was told nothing.
        """
        return self._data.count(b":\n\n")


class EventsTests(PagesTestCase):
    """
    Tests for L{Events}.
    """

    def setUp(self) -> None:
        """
        Begin.
        """
        super().setUp()
        self.watch.subscribe(self.events.changed)
        self.events.start()
        self.addCleanup(self.events.stop)

    def listen(
        self, name: str | None = None, since: str | None = None
    ) -> tuple[Listener, Wire]:
        """
        Have a browser listen; what it is told at once is passed over, unless it says
        what it knows.
        """
        wire = Wire()
        listener = self.events.listen(wire, name, since or self.events.serial())
        assert listener is not None
        self.clock.advance(1)
        if since is None:
            wire.told()
        return listener, wire

    def test_row(self) -> None:
        """
        Only what changed is told, as it looks in the page.
        """
        _, wire = self.listen()
        self.fleet.becomes("bob", state=SyncState.BACKING_OFF, error="No.")
        self.clock.advance(0)
        [(kind, pieces)] = wire.told()
        self.assertEqual(("pieces", ["account:bob"]), (kind, [*pieces]))
        self.assertTrue(pieces["account:bob"].startswith('<tr id="account:bob"'))
        self.assertIn("No.", pieces["account:bob"])

    def test_often(self) -> None:
        """
        Whatever happens within a second is told at its end, as it is then.
        """
        _, wire = self.listen()
        for number in range(20):
            self.fleet.becomes("ada", error=f"error {number}")
            self.clock.advance(0.1)
        events = wire.told()
        self.assertEqual(2, len(events))
        self.assertIn("error 10", events[1][1]["account:ada"])
        self.clock.advance(1)
        [(_, pieces)] = wire.told()
        self.assertIn("error 19", pieces["account:ada"])
        self.clock.advance(5)
        self.assertEqual([], wire.told())

    def test_comeAndGo(self) -> None:
        """
        Accounts may come and go.
        """
        _, wire = self.listen()
        self.fleet.add("eve")
        self.clock.advance(1)
        self.assertIn('data-into="accounts"', wire.told()[0][1]["account:eve"])
        self.fleet.remove("eve")
        self.clock.advance(1)
        self.assertEqual([("pieces", {"account:eve": None})], wire.told())

    def test_since(self) -> None:
        """
        Who was away is told what happened meanwhile, and no more.
        """
        serial = self.events.serial()
        self.fleet.becomes("bob", error="No.")
        self.clock.advance(1)
        _, wire = self.listen(since=serial)
        self.assertEqual([["account:bob"]], [[*pieces] for _, pieces in wire.told()])
        _, wire = self.listen(since=self.events.serial())
        self.assertEqual([], wire.told())

    def test_unknown(self) -> None:
        """
        Where nobody knows what happened meanwhile, the page is to be loaded again.
        """
        for since in "", "x", "x-1", "-1", f"{self.events.serial()}x", "\u0661-\u0661":
            _, wire = self.listen(since=since or "nothing")
            self.assertEqual([("reload", None)], wire.told(), since)

    def test_removed(self) -> None:
        """
        So it is where an account has gone meanwhile, and others were told.
        """
        serial = self.events.serial()
        self.listen()
        self.fleet.remove("bob")
        self.clock.advance(1)
        _, wire = self.listen(since=serial)
        self.assertEqual([("reload", None)], wire.told())

    def test_slow(self) -> None:
        """
        A browser that does not keep up is told how things are when it does, not how
        they were.
        """
        listener, wire = self.listen()
        listener.pauseProducing()
        for number in range(20):
            self.fleet.becomes("ada", error=f"error {number}")
            self.clock.advance(1)
        self.assertEqual([], wire.told())
        self.assertEqual({"ada"}, listener.pending)
        listener.resumeProducing()
        [(_, pieces)] = wire.told()
        self.assertIn("error 19", pieces["account:ada"])

    def test_stuck(self) -> None:
        """
        One that takes nothing for a minute is given up; it can come again.
        """
        listener, wire = self.listen()
        listener.pauseProducing()
        self.clock.pump([HEARTBEAT] * 3)
        self.assertTrue(wire.isOpen)
        self.clock.pump([HEARTBEAT] * 2)
        self.assertFalse(wire.isOpen)
        self.fleet.becomes("ada", error="No.")
        self.clock.advance(1)
        self.assertEqual(set(), listener.pending)

    def test_heartbeat(self) -> None:
        """
        Something is said from time to time.
        """
        _, wire = self.listen()
        self.clock.pump([HEARTBEAT] * 3)
        self.assertEqual(3, wire.beats)

    def test_most(self) -> None:
        """
        Only so many may listen.
        """
        listeners = [self.listen()[0] for _ in range(MOST)]
        self.assertIsNone(self.events.listen(Wire(), None, ""))
        listeners[0].stopProducing()
        self.listen()

    def test_account(self) -> None:
        """
        Who looks at one account is told of all of it at first, then of what changes.
        """
        _, wire = self.listen("ada", since="")
        self.fleet.becomes("bob", error="No.")
        self.clock.advance(1)
        [(_, pieces)] = wire.told()
        self.assertIn("mailboxes", pieces)
        boxes: dict[Name, MailboxStatus] = {"INBOX": MailboxStatus(7)}
        self.fleet.becomes("ada", mailboxes=boxes)
        self.clock.advance(1)
        [(_, pieces)] = wire.told()
        self.assertEqual({"facts", "mailboxes"}, {*pieces})

    def test_anew(self) -> None:
        """
        What a page of another run asks for is refused: it is to be loaded again.
        """
        _, wire = self.listen("ada", since=self.events.serial())
        self.assertEqual(["pieces"], [kind for kind, _ in wire.told()])
        _, wire = self.listen("ada", since="0123abcd-7")
        self.assertEqual([("reload", None)], wire.told())

    def test_gone(self) -> None:
        """
        One that is gone has no page any more.
        """
        _, wire = self.listen("ada")
        self.fleet.remove("ada")
        self.clock.advance(1)
        self.assertEqual([("reload", None)], wire.told())

    def test_time(self) -> None:
        """
        Time goes on where nothing happens.
        """
        _, wire = self.listen("ada")
        self.clock.advance(HEARTBEAT)
        [(_, pieces)] = wire.told()
        self.assertEqual(["facts"], [*pieces])

    def test_timeForMany(self) -> None:
        """
        What many look at is made once for all of them.
        """
        wires = [self.listen("ada")[1] for _ in range(3)]
        self.clock.advance(HEARTBEAT - 4)
        asked: list[str] = []
        detail = self.seen.detail

        def counted(name: str) -> Any:
            asked.append(name)
            return detail(name)

        self.patch(self.seen, "detail", counted)
        self.clock.advance(HEARTBEAT)
        self.assertEqual(["ada"], asked)
        for wire in wires:
            self.assertEqual(["pieces"], [kind for kind, _ in wire.told()])

    def test_midnight(self) -> None:
        """
        After midnight, nothing was done today.
        """
        _, wire = self.listen()
        self.clock.pump([HEARTBEAT] * 2)
        wire.told()
        self.clock.advance(24 * 3600)
        self.clock.advance(1)
        told = {key for _, pieces in wire.told() for key in pieces}
        self.assertEqual({"account:ada", "account:bob"}, told)

    def test_hidden(self) -> None:
        """
        Names that are hidden are not told here either.
        """
        self.open("ada", hide=True)
        self.watch.subscribe(self.events.changed)
        _, wire = self.listen()
        self.fleet.becomes("ada", error="ada: no")
        self.clock.advance(1)
        [(_, pieces)] = wire.told()
        self.assertNotIn("ada", json.dumps(pieces))

    def test_cost(self) -> None:
        """
        A change costs the same however many accounts there are.
        """
        self.open(*(f"a{number}" for number in range(300)))
        self.watch.subscribe(self.events.changed)
        self.addCleanup(self.events.stop)
        self.listen()
        self.fleet.looked.clear()
        asked: list[str] = []
        facts = self.seen.facts

        def counted(name: str) -> Any:
            asked.append(name)
            return facts(name)

        self.patch(self.seen, "facts", counted)
        self.fleet.becomes("a7", error="No.")
        self.clock.advance(1)
        self.assertEqual(["a7"], asked)
        self.assertEqual([], self.fleet.looked)

    def test_stop(self) -> None:
        """
        At the end, all are gone.
        """
        _, wire = self.listen()
        self.fleet.becomes("ada", error="No.")
        self.events.stop()
        self.assertFalse(wire.isOpen)
        self.watch.stopService()
        self.assertEqual([], self.clock.getDelayedCalls())
        self.watch.startService()
