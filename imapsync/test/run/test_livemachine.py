"""
Tests for L{imapsync.run.livemachine}.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from imapsync.run.livemachine import (
    FAREWELL,
    FIRST,
    FIRST_DENIED,
    GRACE,
    LAST,
    LAST_DENIED,
    Live,
    live,
    pause,
)


class Done:
    """
    What was to be done: L{imapsync.run.livemachine.Effects}.

    @ivar inputs: what happens in the midst of an effect, by its name.
    """

    def __init__(self) -> None:
        self.effects: list[object] = []
        self.inputs: dict[str, str] = {}
        self.machine: Live | None = None

    def _note(self, effect: str) -> None:
        self.effects.append(effect)
        if effect in self.inputs:
            getattr(self.machine, self.inputs.pop(effect))()

    def connect(self) -> None:
        """
        Once more.
        """
        self._note("connect")

    def sync(self) -> None:
        """
        Once more.
        """
        self._note("sync")

    def listen(self) -> None:
        """
        Once more.
        """
        self._note("listen")

    def rest(self) -> None:
        """
        Once more.
        """
        self._note("rest")

    def drop(self) -> None:
        """
        Once more.
        """
        self._note("drop")

    def leave(self) -> None:
        """
        Once more.
        """
        self._note("leave")

    def refresh(self) -> None:
        """
        Once more.
        """
        self._note("refresh")

    def abandon(self) -> None:
        """
        Once more.
        """
        self._note("abandon")

    def end(self) -> None:
        """
        Once.
        """
        self._note("end")

    def wake(self, seconds: float) -> None:
        """
        So much later.
        """
        self.effects.append(seconds)


#: How each state is reached.
WAYS = {
    "connecting": "start",
    "first sync": "start connected",
    "tuning in": "start connected synced",
    "syncing": "start connected synced listening",
    "syncing, again": "start connected synced listening news",
    "waiting": "start connected synced listening synced",
    "backing off": "start lost",
    "finishing": "start connected stop",
    "stopping": "start stop",
    "stopped": "start stop closed",
}


class LiveTests(SynchronousTestCase):
    """
    The machine from each of its states.
    """

    def reach(self, state: str) -> None:
        """
        Begin anew, and go there.
        """
        self.done = Done()
        self.state = "new"
        self.random = 0.0
        self.progress = False
        self.machine = live(self.done, lambda: self.random, self._moved)
        self.done.machine = self.machine
        self.happen(WAYS[state])
        self.assertEqual(state, self.state)
        self.done.effects.clear()

    def _moved(self, before: str, happened: str, after: str) -> None:
        self.assertEqual(self.state, before)
        self.state = after

    def happen(self, inputs: str) -> None:
        """
        Have these things happen.
        """
        for name in inputs.split():
            if name == "lost":
                self.machine.lost(self.progress)
            else:
                getattr(self.machine, name)()

    def assertLeads(self, state: str, inputs: str, to: str, *effects: object) -> None:
        """
        From a state, these things lead to another, and to these effects.
        """
        self.reach(state)
        self.happen(inputs)
        self.assertEqual(to, self.state)
        self.assertEqual(list(effects), self.done.effects)

    def test_begin(self) -> None:
        """
        It connects, syncs, has the servers tell of changes, syncs again, since
        nobody told of those before, and waits.
        """
        self.reach("connecting")
        self.happen("connected synced listening synced")
        self.assertEqual("waiting", self.state)
        self.assertEqual(["sync", "listen", "sync", "rest"], self.done.effects)

    def test_news(self) -> None:
        """
        News while it waits begin a sync.
        """
        self.assertLeads("waiting", "news", "syncing", "sync")

    def test_newsMeanwhile(self) -> None:
        """
        News during a sync begin one more, and only one, when that has ended.
        """
        self.assertLeads("syncing", "news", "syncing, again")
        self.assertLeads("syncing", "news news news", "syncing, again")
        self.assertLeads("syncing", "news news synced", "syncing", "sync")
        self.assertLeads("syncing", "news synced synced", "waiting", "sync", "rest")

    def test_newsEarly(self) -> None:
        """
        News before the sync that looks for them anyway need no other.
        """
        for state in ("connecting", "first sync", "tuning in"):
            self.assertLeads(state, "news", state)

    def test_newsInEffects(self) -> None:
        """
        What happens in the midst of a transition comes after it.
        """
        self.reach("waiting")
        self.done.inputs = {"sync": "news"}
        self.happen("news")
        self.assertEqual("syncing, again", self.state)
        self.reach("syncing")
        self.done.inputs = {"rest": "news"}
        self.happen("synced")
        self.assertEqual(("syncing", ["rest", "sync"]), (self.state, self.done.effects))

    def test_silence(self) -> None:
        """
        After a long silence something is sent, if it waits.
        """
        self.assertLeads("waiting", "silence", "waiting", "refresh")
        for state in set(WAYS) - {"waiting"}:
            self.assertLeads(state, "silence", state)

    def test_expired(self) -> None:
        """
        A session that has lasted long enough for a server is followed by another
        without a pause.
        """
        for state in (
            "first sync",
            "tuning in",
            "waiting",
            "syncing",
            "syncing, again",
        ):
            self.assertLeads(state, "expired", "connecting", "drop", "connect")
        self.assertLeads("finishing", "expired", "stopping", "leave", FAREWELL)
        for state in ("backing off", "stopping", "stopped"):
            self.assertLeads(state, "expired", state)

    def test_lost(self) -> None:
        """
        Whatever goes on when a connection is lost, both are closed, and it
        begins again after a pause.
        """
        for state in (
            "connecting",
            "first sync",
            "tuning in",
            "waiting",
            "syncing",
            "syncing, again",
        ):
            self.assertLeads(state, "lost", "backing off", "drop", FIRST)
            self.assertLeads(
                state, "lost lost due", "connecting", "drop", FIRST, "connect"
            )

    def test_pauses(self) -> None:
        """
        Pauses grow, each with some chance in it; also if both sides were equal
        in between: a server may hang up each time.
        """
        self.reach("connecting")
        for n in range(12):
            self.random = n / 12
            self.happen("lost due")
        pauses = [one for one in self.done.effects if isinstance(one, float)]
        self.assertEqual([pause(n, n / 12) for n in range(12)], pauses)
        self.assertEqual(1.0, pauses[0])
        self.assertEqual(300, round(pause(1000, 0.9999999)))
        for random in (0.0, 0.5, 0.999):
            self.assertTrue(FIRST <= pause(0, random) < 1.5 * FIRST)
            self.assertEqual(LAST * (1 + random / 2), pause(99, random))
        self.happen("connected synced listening lost due")
        self.assertEqual(pause(12, 11 / 12), self.done.effects[-2])
        self.happen("connected synced listening synced lost")
        self.assertEqual(pause(13, 11 / 12), self.done.effects[-1])

    def test_progress(self) -> None:
        """
        As long as each attempt comes somewhere, pauses stay short, and they
        become short again when one does.
        """
        self.reach("connecting")
        self.happen("lost due lost due lost due connected")
        self.progress = True
        self.happen("lost due connected lost")
        self.assertEqual(
            [FIRST, "connect", "sync", "drop", FIRST], self.done.effects[-5:]
        )

    def test_newsWhileBackingOff(self) -> None:
        """
        Whoever asks for a sync need not wait for the end of a pause; and the
        next pause is short again.
        """
        self.reach("backing off")
        self.happen("due lost due lost news lost")
        self.assertEqual(["connect", "drop", FIRST], self.done.effects[-3:])

    def test_denied(self) -> None:
        """
        Where a server does not let us in as before, both are closed, and it begins
        again after a long pause.
        """
        for state in set(WAYS) - {"backing off", "finishing", "stopping", "stopped"}:
            self.assertLeads(state, "denied", "backing off", "drop", FIRST_DENIED)
        self.assertLeads("backing off", "denied", "backing off")
        self.assertLeads("finishing", "denied", "stopping", "leave", FAREWELL)

    def test_denials(self) -> None:
        """
        Pauses grow, also if a connection is lost in between or somebody asks for a
        sync, until both sides were equal.
        """
        self.reach("connecting")
        for _ in range(8):
            self.happen("denied due")
        pauses = [one for one in self.done.effects if isinstance(one, float)]
        self.assertEqual([60, 120, 240, 480, 960, 1920, 3600, 3600], pauses)
        self.happen("lost due denied news connected lost due denied")
        self.assertEqual(LAST_DENIED, self.done.effects[-1])
        self.happen("due connected synced lost due denied")
        self.assertEqual(FIRST_DENIED, self.done.effects[-1])

    def test_failed(self) -> None:
        """
        What cannot be otherwise next time ends it.
        """
        for state in set(WAYS) - {"finishing", "stopping", "stopped"}:
            self.assertLeads(state, "failed", "stopping", "leave", FAREWELL)

    def test_stop(self) -> None:
        """
        It takes leave at once if no sync is going on.
        """
        for state in ("connecting", "tuning in", "waiting", "backing off"):
            self.assertLeads(state, "stop", "stopping", "leave", FAREWELL)
            self.assertLeads(
                state, "stop stop closed", "stopped", "leave", FAREWELL, "end"
            )

    def test_stopSyncing(self) -> None:
        """
        A sync that goes on has a moment to come to an end; none follows it.
        """
        for state in ("first sync", "syncing", "syncing, again"):
            self.assertLeads(state, "stop", "finishing", GRACE)
            for end in ("synced", "lost", "failed", "due", "news silence stop due"):
                self.assertLeads(
                    state, f"stop {end}", "stopping", GRACE, "leave", FAREWELL
                )

    def test_noFarewell(self) -> None:
        """
        A server that does not answer the farewell is not waited for.
        """
        self.assertLeads("stopping", "due", "stopping", "abandon")
        self.assertLeads("stopping", "due closed", "stopped", "abandon", "end")

    def test_late(self) -> None:
        """
        What comes after the end does nothing.
        """
        for state in ("stopping", "stopped"):
            self.assertLeads(state, "news lost denied failed silence stop", state)

    def test_withinFiveSeconds(self) -> None:
        """
        It never takes longer to end than promised.
        """
        self.assertLess(GRACE + FAREWELL, 4.5)
