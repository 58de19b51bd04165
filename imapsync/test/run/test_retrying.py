"""
Tests for L{imapsync.run.retrying}, and for runs between servers that ask for time,
have no room, or end sessions.
"""

from __future__ import annotations

from collections import Counter

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from imapsync.config.request import Request
from imapsync.errors import Lost
from imapsync.model import Trouble
from imapsync.run.connections import SETTLING
from imapsync.run.retrying import LONG, Comeback, Renewals
from imapsync.test.run.test_live import FollowingCase
from imapsync.test.test_service import ServiceCase
from imapsync.testing.accounts import Account, Offer, mail

THROTTLED = "NO Request is throttled. Suggested Backoff Time: 2000 milliseconds"

#: What is not sent again, or not refused so.
_SPARED = {"AUTHENTICATE", "LOGOUT", "CAPABILITY", "ID", "NOOP"}


class ComebackTests(SynchronousTestCase):
    """
    When mailboxes are tried again.
    """

    def setUp(self) -> None:
        """
        Plan nothing yet.
        """
        self.clock = Clock()
        self.comeback = Comeback(self.clock.seconds)

    def pauses(self, code: str, times: int) -> list[float]:
        """
        How long it is until they are, time after time.
        """
        pauses = []
        for _ in range(times):
            self.comeback.plan([Trouble("a", "x", code=code)])
            left = self.comeback.left
            assert left is not None
            pauses.append(left)
            self.assertFalse(self.comeback.due)
            self.clock.advance(left)
            self.assertTrue(self.comeback.due)
        return pauses

    def test_passing(self) -> None:
        """
        Soon, then less often.
        """
        self.assertEqual([1, 2, 4], self.pauses("INUSE", 3))
        self.assertEqual(300, self.pauses("UNAVAILABLE", 20)[-1])

    def test_full(self) -> None:
        """
        Where there is no room, not so soon.
        """
        self.assertEqual([60, 120, 240], self.pauses("OVERQUOTA", 3))
        self.assertEqual(3600, self.pauses("OVERQUOTA", 20)[-1])

    def test_nothing(self) -> None:
        """
        Not at all, if there is nothing that could be otherwise; then it begins anew.
        """
        self.pauses("INUSE", 3)
        self.comeback.plan([Trouble("a", "x", code="NOPERM")])
        self.assertIsNone(self.comeback.left)
        self.assertFalse(self.comeback.due)
        self.assertEqual([1], self.pauses("INUSE", 1))

    def test_meanwhile(self) -> None:
        """
        Other changes meanwhile do not put it off.
        """
        troubles = [Trouble("a", "x", code="OVERQUOTA")]
        self.comeback.plan(troubles)
        self.clock.advance(50)
        self.comeback.plan(troubles)
        self.assertEqual(10, self.comeback.left)


class RenewalsTests(SynchronousTestCase):
    """
    Sessions that expire.
    """

    def test_may(self) -> None:
        """
        One may be short, but not one after the other.
        """
        clock = Clock()
        renewals = Renewals(clock)
        for lasts, may in (1, True), (1, False), (1, False), (LONG, True), (1, True):
            began = clock.seconds()
            clock.advance(lasts)
            self.assertEqual(may, renewals.may(began, copying=False))
            self.successResultOf(Deferred.fromCoroutine(renewals.settled()))

    def test_settled(self) -> None:
        """
        Where messages were under way, the server may still be at it.
        """
        clock = Clock()
        renewals = Renewals(clock)
        renewals.may(0, copying=True)
        settled = Deferred.fromCoroutine(renewals.settled())
        clock.advance(SETTLING - 0.1)
        self.assertNoResult(settled)
        clock.advance(0.1)
        self.successResultOf(settled)


class OneShotCase(ServiceCase):
    """
    One run.
    """

    def setUp(self) -> None:
        """
        Have something of each kind to do.
        """
        super().setUp()
        self.world.fill(mail(1), mail(2), mail(3))
        self.assertEqual(0, self.serve(verbose=False).code)
        self.local.inbox.flag(1, "\\Seen")
        self.remote.inbox.expunge(2)
        self.local.make("Work").add(mail(4))
        self.remote.inbox.add(mail(5))
        self.world.links.clear()
        self.began, self.text = self.reactor.seconds(), ""

    def once(self, account: Account, answer: str) -> Counter[str]:
        """
        Have each command be refused once.

        @return: which were, how often.
        """
        refused: Counter[str] = Counter()

        def refusal(heard: str) -> str:
            verb = " ".join(heard.split()[: 2 if heard.startswith("UID") else 1])
            if verb in _SPARED or refused[verb]:
                return ""
            refused[verb] += 1
            return answer

        account.refusal = refusal
        return refused

    def run_(self, patience: float = 600) -> int:
        """
        Run once.

        @return: the exit code.
        """
        outcome = self.serve(Request(patience=patience), verbose=False)
        self.text = outcome.text
        return outcome.code

    def said(self, level: str) -> list[str]:
        """
        What was logged at a level.
        """
        return [line for line in self.logged if line.startswith(level)]


class DelayTests(OneShotCase):
    """
    Servers that ask for time.
    """

    def test_each(self) -> None:
        """
        Whatever is refused for that is asked for again, over the same connections, and
        not before it is time.
        """
        self.remote.capabilities.remove("MULTIAPPEND")
        refused = self.once(self.remote, THROTTLED)
        code = self.run_()
        self.assertEqual(0, code, self.text)
        self.assertTrue(self.world.equal)
        self.assertEqual(2, len(self.world.links))
        for verb in "LIST", "SELECT", "UID FETCH", "UID STORE", "APPEND", "CREATE":
            self.assertEqual(1, refused[verb], verb)
        # Some were refused together.
        self.assertGreaterEqual(self.reactor.seconds() - self.began, 2 * 8)
        self.assertGreater(refused.total(), 8)
        self.assertTrue(all("going on in 2 s." in line for line in self.said("warn")))
        self.assertEqual([], self.said("error"))
        self.assertClosed()

    def test_copied(self) -> None:
        """
        But for a COPY: the server may have done it all the same.
        """
        self.remote.capabilities.remove("MOVE")
        self.local.folders["Work"].add(mail(1), frozenset(["\\Seen"]))
        self.local.inbox.expunge(1)
        answers = [THROTTLED]
        self.remote.grudges = lambda _: answers.pop() if answers else ""
        self.assertEqual(0, self.run_())
        self.assertEqual([], answers)
        self.assertTrue(self.world.equal)
        self.assertEqual(2, len(self.remote.folders["Work"].messages))

    def test_untold(self) -> None:
        """
        So it is if it does not say for how long.
        """
        self.once(self.remote, "NO [THROTTLED] slowly")
        self.assertEqual(0, self.run_())
        self.assertTrue(self.world.equal)
        self.assertEqual(2, len(self.world.links))

    def test_patience(self) -> None:
        """
        When there is no patience left, the run ends as if the server could not be
        reached; the next one goes on.
        """
        self.remote.refusal = lambda h: THROTTLED if h.startswith("SELECT") else ""
        outcome = self.serve(Request(patience=5), verbose=False)
        self.assertEqual(Lost.code, outcome.code)
        self.assertIn("SELECT was refused: NO Request is throttled", outcome.text)
        self.assertLess(self.reactor.seconds() - self.began, 7)
        self.assertClosed()
        self.remote.refusal = lambda _: ""
        self.assertEqual(0, self.run_())
        self.assertTrue(self.world.equal)

    def test_stopped(self) -> None:
        """
        It need not be waited for the end of that.
        """
        self.remote.refusal = lambda h: "NO [THROTTLED] x" if h[:4] == "LIST" else ""
        self.start(Request())
        self.reactor.advance(20)
        self.world.pump()
        stopped = self.service.stopService()
        self.world.pump()
        self.successResultOf(stopped)
        self.assertClosed()

    def test_long(self) -> None:
        """
        For a long time, connections are not kept.
        """
        answers = ["NO Suggested Backoff Time: 301 seconds"]

        def refusal(heard: str) -> str:
            return answers.pop() if heard.startswith("LIST") and answers else ""

        self.remote.refusal = refusal
        self.start(Request(), verbose=False)
        self.reactor.advance(300)
        self.world.pump()
        self.assertEqual(2, len(self.world.links))
        self.reactor.advance(1)
        self.world.pump()
        self.assertTrue(self.world.equal)
        self.assertEqual(4, len(self.world.links))

    def test_login(self) -> None:
        """
        Logins that are refused for the time being are tried again as long as there is
        patience.
        """
        self.remote.greeting = "OK"
        self.remote.answers["AUTHENTICATE"] = "NO [UNAVAILABLE] later"
        self.assertEqual(Lost.code, self.run_(patience=30))
        self.assertEqual(2 * (1 + 4), len(self.world.links))  # after 1, 2, 4, 8 s
        self.remote.answers.clear()
        self.assertEqual(0, self.run_())

    def test_list(self) -> None:
        """
        So it is if an account cannot be listed.
        """
        self.remote.answers["LIST"] = "NO [UNAVAILABLE] later"
        outcome = self.serve(Request(patience=3), verbose=False)
        self.assertEqual(Lost.code, outcome.code)
        self.assertIn("NO [UNAVAILABLE] later", outcome.text)


class BusyTests(OneShotCase):
    """
    Mailboxes that cannot be had just now.
    """

    def setUp(self) -> None:
        """
        Have one that cannot.
        """
        super().setUp()
        self.answer = "NO [INUSE] later"
        self.times = 2
        self.remote.refusal = self.refuse

    def refuse(self, heard: str) -> str:
        """
        What is said to that.
        """
        self.times -= (busy := heard.startswith("SELECT INBOX"))
        return self.answer if busy and self.times >= 0 else ""

    def test_later(self) -> None:
        """
        The others go on, and then it is tried again, over the same connections.
        """
        self.assertEqual(0, self.run_())
        self.assertTrue(self.world.equal)
        self.assertEqual(2, len(self.world.links))
        self.assertEqual(1, len(self.said("error")), self.logged)
        self.assertEqual(2, len(self.said("warn")))
        self.assertEqual(["info: INBOX: synced again."], self.said("info"))
        self.assertClosed()

    def test_patience(self) -> None:
        """
        When there is no patience left, it is named.
        """
        self.times = 999
        self.assertEqual(1, self.run_(patience=10))
        self.assertEqual(4, 999 - self.times)  # at once, after 1, 2, 4 s
        self.assertEqual(1, len(self.said("error")))
        self.assertIn("Work", self.remote.folders)
        self.assertIn("warn: INBOX: not fully synced, see above.", self.logged)

    def test_bug(self) -> None:
        """
        What a server calls its own fault is seldom mended soon.
        """
        self.answer, self.times = "NO [SERVERBUG] oops", 999
        self.assertEqual(1, self.run_())
        self.assertEqual(4, 999 - self.times)

    def test_others(self) -> None:
        """
        Other refusals will be the same later.
        """
        self.answer, self.times = "NO [NOPERM] no", 999
        self.assertEqual(1, self.run_())
        self.assertEqual(1, 999 - self.times)

    def test_append(self) -> None:
        """
        It may show only when something is to be copied there: then not message after
        message is refused.
        """
        self.local.inbox.add(mail(6))
        self.local.inbox.add(mail(7))
        self.answer = ""
        answers = ["NO [UNAVAILABLE] later"] * 2

        def object_(offer: Offer) -> str:
            return answers.pop() if answers else ""

        self.remote.objection = object_
        self.assertEqual(0, self.run_())
        self.assertTrue(self.world.equal)


class FullTests(OneShotCase):
    """
    A side on which there is no room.
    """

    def setUp(self) -> None:
        """
        Have only so much of it.
        """
        super().setUp()
        self.assertEqual(0, self.run_())
        self.room, self.refusals = 2, 0
        self.answer = "NO [OVERQUOTA] full"
        self.remote.objection = self.object_
        self.remote.capabilities.remove("MULTIAPPEND")

    def object_(self, offer: Offer) -> str:
        """
        What is said of a message.
        """
        used = sum(len(box.messages) for box in self.remote.folders.values())
        self.refusals += (refused := used >= self.room)
        return self.answer if refused else ""

    def make(self, name: str, messages: int) -> None:
        """
        A mailbox with so many messages.
        """
        box = self.local.folders.get(name) or self.local.make(name)
        for number in range(messages):
            box.add(mail((name, len(box.messages), number)))

    def test_named(self) -> None:
        """
        Nothing more is copied there, and each mailbox that is concerned is named once;
        all else goes on.
        """
        names = [f"box {n}" for n in range(6)]
        for name in names:
            self.make(name, 8)
        for answer in "NO [OVERQUOTA] full", "NO Over quota":
            self.answer = answer
            self.local.inbox.flag(1, answer[-4:])
            theirs = self.remote.inbox.add(mail(answer))
            self.refusals = 0
            self.assertEqual(1, self.run_())
            self.assertEqual(6, len(self.said("error")), self.logged)
            for name in names:
                [line] = [x for x in self.said("error") if name in x]
                self.assertIn("remote: nothing more is copied there for now", line)
            first, *_ = self.remote.inbox.messages.values()
            self.assertIn(answer[-4:], first.flags)
            ours = [one.body for one in self.local.inbox.messages.values()]
            self.assertIn(mail(answer), ours, theirs)
            # Of 48: those in the first mailbox that were under way, then one in each of
            # two others.
            self.assertLessEqual(self.refusals, 8 + 2)
        self.remote.objection = lambda _: ""
        self.assertEqual(0, self.run_())
        self.assertTrue(self.world.equal)

    def test_freed(self) -> None:
        """
        What is expunged later in the run makes room for what was to be copied before.
        """
        self.room = 999
        self.make("Z", 6)
        self.assertEqual(0, self.run_())
        self.room = sum(len(box.messages) for box in self.remote.folders.values())
        self.make("A", 5)
        self.local.folders["Z"].expunge(1, 2, 3, 4, 5)
        self.assertEqual(0, self.run_())
        self.assertTrue(self.world.equal)
        self.assertEqual(1, len(self.said("error")))

    def test_freedOnce(self) -> None:
        """
        But once in a run only.
        """
        self.room = 999
        self.make("Z", 6)
        self.assertEqual(0, self.run_())
        self.room = 0
        self.make("A", 5)
        self.local.folders["Z"].expunge(1, 2, 3, 4, 5)
        self.assertEqual(1, self.run_())
        self.assertEqual(5, len(self.local.folders["A"].messages))

    def test_tooLarge(self) -> None:
        """
        A message that is too large for what is left does not keep smaller ones from
        being copied; it is named by itself.
        """
        self.room = 999
        self.remote.objection = lambda o: self.answer if o.size > 900 else ""
        self.make("A", 2)
        for number in range(2):
            self.local.folders["A"].add(mail(("large", number), 1000))
        self.make("A", 2)
        self.assertEqual(1, self.run_())
        self.assertEqual(4, len(self.remote.folders["A"].messages))
        self.assertEqual(
            ["error: A: local: UID 3: not", "error: A: local: UID 4: not"],
            [line[:27] for line in self.said("error")],
        )


class ExpiredTests(OneShotCase):
    """
    Sessions that are ended because they have lasted, or a token has.
    """

    def bye(self, verb: str, words: str, times: int) -> None:
        """
        Have so many sessions end with these words.
        """

        def end() -> None:
            nonlocal times
            times -= 1
            if times:
                self.remote.before[verb] = end
            theirs = [link for link in self.world.links if link.account is self.remote]
            theirs[-1].dialogue.bye(words)

        self.remote.before[verb] = end

    def test_quiet(self) -> None:
        """
        It is logged in again at once, and nobody need know.
        """
        for verb in "LIST", "SELECT", "FETCH", "APPEND", "STORE":
            self.setUp()
            self.bye(verb, "Session invalidated - AccessTokenExpired", 1)
            self.assertEqual(0, self.run_())
            self.assertTrue(self.world.equal)
            # It may not show yet what it has taken.
            least = SETTLING if verb == "FETCH" else 0
            self.assertEqual(least, self.reactor.seconds() - self.began, verb)
            self.assertEqual([], self.said("warn"))
            self.assertEqual(4, len(self.world.links))

    def test_tooMany(self) -> None:
        """
        So it is where a server has done enough over one connection (WildDuck).
        """
        words = "Too many SELECT commands issued, please reconnect"
        self.bye("SELECT", words, 1)
        self.assertEqual(0, self.run_())
        self.assertTrue(self.world.equal)
        self.assertEqual([], self.said("warn"))

    def test_again(self) -> None:
        """
        But not if that happens again and again.
        """
        self.bye("LIST", "Session expired, please login again.", 99)
        outcome = self.serve(verbose=False)
        self.assertEqual(Lost.code, outcome.code)
        self.assertEqual(2, len(self.said("warn")), self.logged)
        self.assertEqual(2 * 4, len(self.world.links))


class FollowTests(FollowingCase):
    """
    The same in live mode.
    """

    def test_expired(self) -> None:
        """
        A session that expires is followed by another without a word.
        """
        self.follow()
        self.wait(LONG)
        for link in [link for link in self.world.links if link.account is self.remote]:
            link.dialogue.bye("Session expired, please login again.")
        self.world.pump()
        self.assertEqual(4, len(self.world.links))
        self.assertEqual("waiting", self.service.status.state)
        self.assertEqual([], self.said("warn"))
        self.assertEqual("", self.service.status.error)
        self.assertEqual(0, self.service.status.counters.retries)
        self.assertRests()

    def test_expiresAgain(self) -> None:
        """
        One that expires soon after that is not.
        """
        self.follow()
        for number in range(2):
            for link in self.world.links:
                if link.open and link.account is self.remote:
                    link.dialogue.bye("Session expired, please login again.")
            self.world.pump()
            self.assertEqual(number, len(self.said("warn")))
        self.assertEqual("backing off", self.service.status.state)

    def test_throttled(self) -> None:
        """
        A server that asks for time is given it, however much, and that is told.
        """
        self.follow()
        answers = [THROTTLED] * 400
        self.remote.refusal = lambda h: (
            answers.pop() if h.startswith("SELECT") and answers else ""
        )
        self.local.inbox.add(mail("new"))
        self.world.pump()
        status = self.service.status
        self.assertEqual("syncing", status.state)
        self.assertIn("Request is throttled", status.error)
        self.assertEqual(self.reactor.seconds() + 2, status.until)
        self.wait(3600)
        self.assertEqual("syncing", self.service.status.state)
        answers.clear()
        self.wait(300)
        self.assertRests()

    def test_long(self) -> None:
        """
        Without a connection, if it is long.
        """
        self.follow()
        answers = ["NO Suggested Backoff Time: 1000 seconds"]
        self.remote.refusal = lambda h: (
            answers.pop() if h.startswith("SELECT") and answers else ""
        )
        self.local.inbox.add(mail("new"))
        self.world.pump()
        self.assertEqual("backing off", self.service.status.state)
        self.wait(990)
        self.assertEqual("backing off", self.service.status.state)
        self.wait(20)
        self.assertRests()

    def test_stopped(self) -> None:
        """
        It can be stopped meanwhile.
        """
        self.follow()
        self.remote.refusal = lambda h: THROTTLED if h.startswith("SELECT") else ""
        self.local.inbox.add(mail("new"))
        self.world.pump()
        self.stop()

    def test_busy(self) -> None:
        """
        A mailbox that cannot be had just now is tried again at growing distances; the
        others go on.
        """
        self.follow()
        busy = True
        self.remote.refusal = lambda h: (
            "NO [INUSE] later" if busy and h.startswith("SELECT INBOX") else ""
        )
        self.local.inbox.add(mail("new"))
        self.local.make("Other").add(mail("other"))
        self.world.pump()
        self.assertEqual(1, len(self.remote.folders["Other"].messages))
        self.forget()
        self.wait(100)
        tries = sum(h.startswith("SELECT INBOX") for h in self.remote.heard)
        self.assertTrue(4 <= tries <= 8, tries)
        self.assertEqual(1, len(self.said("error")))
        busy = False
        self.wait(128)
        self.assertRests()
        self.assertIn("info: INBOX: synced again.", self.said("info"))

    def test_full(self) -> None:
        """
        Where there is no room, it is tried again after a while, and after something was
        expunged there at once.
        """
        self.follow()
        self.remote.objection = lambda _: "NO [OVERQUOTA] full"
        for number in range(5):
            self.local.inbox.add(mail(("new", number)))
        self.world.pump()
        self.assertEqual(1, len(self.said("error")), self.logged)
        self.forget()
        self.wait(30)
        self.local.inbox.flag(1, "\\Seen")
        self.world.pump()
        self.assertEqual(0, self.remote.count("APPEND"))
        self.wait(40)
        self.assertGreater(self.remote.count("APPEND"), 0)
        self.remote.objection = lambda _: ""
        self.local.inbox.expunge(1)
        self.world.pump()
        self.assertRests()


class LeftOutTests(OneShotCase):
    """
    Messages over which connections break, and that are stored even so.
    """

    def test_late(self) -> None:
        """
        One that shows up in the same run, after it was given up, is not copied back.
        """
        bad, held = mail("bad"), list[Offer]()
        self.local.inbox.add(bad, date="03-Mar-2021 03:04:05 +0000")

        def dies(offers: list[Offer]) -> bool:
            bads = [one for one in offers if one.body == bad]
            held.extend(bads)
            return bool(bads)

        def refusal(heard: str) -> str:
            if heard == "UNSELECT" and held:
                for one in held:
                    self.remote.inbox.add(one.body, one.flags, one.date)
                self.remote.dies = lambda _: False
                held.clear()
            return ""

        self.remote.dies, self.remote.refusal = dies, refusal
        self.assertEqual(1, self.run_())
        self.assertEqual([], held)
        for _ in range(2):
            bodies = [one.body for one in self.local.inbox.messages.values()]
            self.assertEqual(1, bodies.count(bad))
            self.run_()
        self.assertTrue(self.world.equal)
