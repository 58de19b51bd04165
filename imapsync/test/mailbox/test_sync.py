"""
Tests for L{imapsync.mailbox.sync}: passes between two servers in memory.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imapsync.config.request import Request
from imapsync.errors import MassDeletion
from imapsync.mailbox import appending
from imapsync.mailbox.report import Report
from imapsync.model import Flags, Side
from imapsync.state.store import Store
from imapsync.test.fakes.world import World, troubles
from imapsync.testing.accounts import BODY_FIRST, NOTHING, SEEN, Account, Offer, mail
from imapsync.uidset import UidSet

DRAFT: Flags = frozenset(["\\Draft"])
KEYWORD: Flags = frozenset(["work"])
LOCAL, REMOTE = Side


class MailboxCase(SynchronousTestCase):
    """
    Two accounts with an INBOX.
    """

    def setUp(self) -> None:
        """
        Make them.
        """
        self.begin()

    def begin(self) -> None:
        """
        Make them anew.
        """
        self.world = World(self.mktemp())
        self.local, self.remote = self.world.local, self.world.remote
        self.ours, self.theirs = self.local.inbox, self.remote.inbox

    def sync(self, **changes: object) -> Report:
        """
        Sync.
        """
        return self.world.sync(**changes)  # type: ignore[arg-type]

    def assertEqualNow(self) -> None:
        """
        Both sides are equal.
        """
        self.assertEqual(self.local.content, self.remote.content)

    def assertSettled(self) -> None:
        """
        Both sides are equal, and another run does nothing.
        """
        self.assertEqualNow()
        report = self.sync()
        self.assertEqual(0, report.changes)
        self.assertEqual({}, report.troubles)
        for account in (self.local, self.remote):
            self.assertEqual(0, account.count("SELECT", "EXAMINE", "STORE", "APPEND"))

    def both(self, number: int = 3) -> None:
        """
        Messages 1 to C{number}, known on both sides.
        """
        self.world.fill(*map(mail, range(1, number + 1)))
        self.sync()
        self.assertEqual(number, len(self.theirs.messages))


class PassTests(MailboxCase):
    """
    What a pass does where servers behave.
    """

    def test_copies(self) -> None:
        """
        New messages go over in both directions, with flags and dates.
        """
        self.ours.add(mail(1), SEEN, "05-May-2005 05:05:05 +0200")
        self.theirs.add(mail(2), frozenset(["\\Answered", "$Forwarded"]))
        report = self.sync()
        self.assertEqual({("INBOX", side): 1 for side in Side}, report.done("copied"))
        self.assertSettled()

    def test_flags(self) -> None:
        """
        Flags set and removed on either side are so on the other.
        """
        self.ours.add(mail(1), SEEN)
        self.theirs.add(mail(2), KEYWORD)
        self.sync()
        self.ours.flag(1, "\\Flagged")
        self.theirs.flag(1)
        report = self.sync()
        self.assertEqual({("INBOX", side): 1 for side in Side}, report.done("flagged"))
        self.assertSettled()

    def test_onlyDifferences(self) -> None:
        """
        One STORE carries one flag of any number of messages.
        """
        self.both(20)
        for uid in range(1, 21):
            self.ours.flag(uid, "\\Seen", *(["odd"] if uid % 2 else []))
        self.sync()
        self.assertEqual(2, self.remote.count("STORE"))
        self.assertSettled()

    def test_lookAhead(self) -> None:
        """
        The second look is under way before the first one has its answers, and
        costs no round trip more.
        """
        self.assertEqual(2, self.looksAhead(lambda: None))

    def test_touched(self) -> None:
        """
        Where a copy is changed before that look, there is another.
        """
        for act in (
            lambda: self.theirs.flag(1, "\\Seen"),
            lambda: self.theirs.expunge(2),
            lambda: self.theirs.add(mail("new")),
        ):
            self.begin()
            self.assertEqual(3, self.looksAhead(act))

    def looksAhead(self, meanwhile: Callable[[], object]) -> int:
        """
        Copy messages, slowly.

        @param meanwhile: done before the second look.
        @return: how often the remote mailbox was selected.
        """
        self.world.fill(*map(mail, range(1, 4)))
        self.remote.window = 40
        copied = []

        def look() -> None:
            copied.append(len(self.theirs.messages))
            meanwhile()

        self.remote.before["APPEND"] = lambda: self.remote.before.update(SELECT=look)
        self.sync()
        self.assertEqual([3], copied)
        selected = self.remote.count("SELECT")
        self.assertSettled()
        return selected

    def test_conflict(self) -> None:
        """
        Flags changed on both sides are joined, unless the user wants them
        merged one by one.
        """
        for merge, shown in (
            (False, ["\\Draft", "\\Seen", "old"]),
            (True, ["\\Draft"]),
        ):
            self.begin()
            self.ours.add(mail(1), frozenset(["\\Seen", "old"]))
            self.sync()
            self.ours.flag(1, "\\Seen", "\\Draft")
            self.theirs.flag(1, "old")
            self.sync(mergeFlags=merge)
            self.assertEqual(frozenset(shown), self.ours.messages[1].flags)
            self.assertSettled()

    def test_expunges(self) -> None:
        """
        What is expunged on one side goes from the other, even if its flags
        changed there; in between, all that is asked is asked twice.
        """
        self.both()
        self.ours.expunge(1)
        self.theirs.expunge(2)
        self.theirs.flag(1, "\\Flagged")
        report = self.sync()
        self.assertEqual({("INBOX", side): 1 for side in Side}, report.done("expunged"))
        self.assertEqual([3], list(self.ours.messages))
        self.assertEqual(1, self.local.count("SEARCH"))
        self.assertSettled()

    def change(self) -> None:
        """
        Change a flag on one side, and expunge something on either.
        """
        self.both(8)
        self.ours.flag(1, "\\Flagged")
        self.ours.expunge(2)
        self.theirs.expunge(3)

    def test_foreseen(self) -> None:
        """
        Where the servers tell of nothing but what was done by us, there is no
        second look.
        """
        self.change()
        self.sync()
        for account in (self.local, self.remote):
            self.assertEqual(1, account.count("SELECT"))
        self.assertSettled()

    def test_notForeseen(self) -> None:
        """
        If anybody else has done something meanwhile, of whatever kind, to
        whichever message, there is.
        """
        for verb in "STORE", "EXPUNGE", "LIST":
            for side in Side:
                for act in (
                    lambda folder: folder.flag(5, "\\Draft"),
                    lambda folder: folder.expunge(5),
                    lambda folder: folder.add(mail(99)),
                    lambda folder: folder.flag(1, "\\Answered"),
                    lambda folder: folder.flag(1),
                ):
                    self.begin()
                    self.change()
                    folder = self.world.accounts[side].inbox
                    # After LIST, it is seen by the next run only.
                    ahead = self.remote if verb == "STORE" else self.local
                    ahead.before[verb] = partial(act, folder)
                    self.sync()
                    self.assertEqual({}, ahead.before)
                    self.assertSettled()

    def test_expungesInBursts(self) -> None:
        """
        All STOREs are answered before the first UID EXPUNGE is sent.
        """
        self.both(50)
        self.ours.expunge(*range(1, 50, 2))
        self.remote.before["EXPUNGE"] = lambda: self.assertEqual(
            25, sum("\\Deleted" in m.flags for m in self.theirs.messages.values())
        )
        self.sync(request=Request(allowMassDelete=True))
        self.assertSettled()

    def test_expungedOnBoth(self) -> None:
        """
        What is gone on both sides is forgotten.
        """
        self.both()
        self.ours.expunge(1)
        self.theirs.expunge(1)
        self.assertEqual(0, self.sync().changes)
        self.assertSettled()

    def test_othersDeleted(self) -> None:
        """
        A message that somebody marked as deleted is not expunged along with
        what we expunge.
        """
        self.both()
        self.theirs.flag(2, "\\Deleted")
        self.ours.expunge(1)
        self.sync()
        self.assertEqual([2, 3], list(self.theirs.messages))
        self.assertSettled()

    def test_paired(self) -> None:
        """
        What both sides hold already is recognised, not copied; flags become
        their union.
        """
        self.ours.add(mail(1), SEEN)
        for number in (2, 1, 3):
            self.theirs.add(mail(number), DRAFT)
        self.ours.add(mail(4))
        report = self.sync()
        self.assertEqual(1, report.paired["INBOX"])
        self.assertEqual(1, report.done("copied")["INBOX", REMOTE])
        self.assertEqual(SEEN | DRAFT, self.ours.messages[1].flags)
        self.assertEqual(4, len(self.ours.messages))
        self.assertSettled()

    def test_duplicates(self) -> None:
        """
        True duplicates survive: two here and three there are three on each.
        """
        self.world.fill(mail(1), mail(1))
        for _ in range(3):
            self.theirs.add(mail(1))
        report = self.sync()
        self.assertEqual(2, report.paired["INBOX"])
        self.assertEqual(3, len(self.ours.messages))
        self.assertSettled()

    def test_lostDatabase(self) -> None:
        """
        Without the database nothing is copied between equal accounts.
        """
        self.both(5)
        self.world.database = self.mktemp()
        report = self.sync()
        self.assertEqual(0, report.changes)
        self.assertEqual(5, report.paired["INBOX"])
        self.assertSettled()

    def test_newUidvalidity(self) -> None:
        """
        A changed UIDVALIDITY deletes nothing and copies nothing twice.
        """
        self.both(5)
        self.theirs.renumber()
        self.ours.flag(1, "\\Seen")
        report = self.sync()
        self.assertEqual({}, report.done("copied"))
        self.assertEqual({}, report.done("expunged"))
        self.assertSettled()

    def test_emptiedWithNewUidvalidity(self) -> None:
        """
        A mailbox that was made anew is filled again.
        """
        self.both(5)
        self.theirs.messages.clear()
        self.theirs.renumber()
        report = self.sync()
        self.assertEqual(5, report.done("copied")["INBOX", REMOTE])
        self.assertEqual(5, len(self.ours.messages))
        self.assertSettled()

    def test_oneMailbox(self) -> None:
        """
        Another session's changes in the midst of ours are taken up by the
        next run, at the latest.
        """
        changes: list[tuple[str, Callable[[World], object]]] = [
            ("STORE", lambda world: world.remote.inbox.expunge(1)),
            ("STORE", lambda world: world.remote.inbox.flag(1, "other")),
            ("APPEND", lambda world: world.remote.inbox.add(mail("new"))),
            ("APPEND", lambda world: world.remote.inbox.expunge(3)),
            ("EXPUNGE", lambda world: world.remote.inbox.expunge(2)),
            ("EXPUNGE", lambda world: world.local.inbox.flag(3, "\\Draft")),
            ("SELECT", lambda world: world.remote.inbox.flag(4, "\\Draft")),
        ]
        for verb, change in changes:
            self.begin()
            self.both(4)
            self.ours.flag(1, "\\Seen")
            self.ours.expunge(2)
            self.world.fill(mail(5))
            self.remote.before[verb] = partial(change, self.world)
            self.sync()
            self.assertEqual({}, self.remote.before)
            self.assertEqual({}, self.sync().troubles)
            self.assertSettled()

    def test_dryRun(self) -> None:
        """
        A dry run says what would be done, and does nothing.
        """
        self.both(4)
        self.ours.flag(1, "\\Seen")
        self.theirs.expunge(2)
        self.theirs.add(mail(9))
        self.ours.add(mail(8))
        before = self.local.content, self.remote.content
        said: list[str] = []
        self.sync(request=Request(dryRun=True), say=said.append)
        self.assertEqual(before, (self.local.content, self.remote.content))
        self.assertEqual(
            [
                "INBOX: remote: +\\Seen on UID 1",
                "INBOX: local: expunge UID 2",
                "INBOX: copy UID 5 from remote to local",
                "INBOX: copy UID 5 from local to remote",
            ],
            said,
        )
        for account in (self.local, self.remote):
            self.assertEqual(0, account.count("SELECT", "STORE", "APPEND"))
        self.sync()
        self.assertSettled()

    def test_readOnly(self) -> None:
        """
        A side that is read-only is never written; its changes flow, those of
        the other side stay there.
        """
        self.both(4)
        self.ours.add(mail(8))
        self.ours.flag(1, "mine")
        self.ours.expunge(2)
        self.theirs.add(mail(9))
        self.theirs.flag(3, "\\Seen")
        self.theirs.expunge(4)
        before = self.remote.content
        self.sync(readOnly=[REMOTE])
        self.assertEqual(before, self.remote.content)
        self.assertEqual(0, self.remote.count("SELECT", "STORE", "APPEND", "EXPUNGE"))
        shown = {m.body: m.flags for m in self.ours.messages.values()}
        self.assertEqual(
            {
                mail(1): frozenset(["mine"]),
                mail(3): SEEN,
                mail(8): NOTHING,
                mail(9): NOTHING,
            },
            shown,
        )
        self.assertEqual(0, self.sync(readOnly=[REMOTE]).changes)

    def test_brake(self) -> None:
        """
        Where too much would be removed, nothing is, unless the user says so.
        """
        self.both(100)
        self.ours.expunge(*range(1, 52))
        error = self.assertRaises(MassDeletion, self.sync)
        self.assertIn("51 of 100", str(error))
        self.assertEqual(100, len(self.theirs.messages))
        self.sync(request=Request(allowMassDelete=True))
        self.assertSettled()

    def test_halfIsNotTooMuch(self) -> None:
        """
        Half of all messages may go.
        """
        self.both(100)
        self.ours.expunge(*range(1, 51))
        self.sync()
        self.assertSettled()


class OvertakenTests(MailboxCase):
    """
    Somebody else copies a message just before it is copied.
    """

    LOOK = "STATUS INBOX ['UIDNEXT']"

    def setUp(self) -> None:
        """
        A message is new.
        """
        super().setUp()
        self.both()
        self.ours.add(mail("new"))

    def test_found(self) -> None:
        """
        It is looked before the copy, and what is there is not copied.
        """
        self.remote.before["STATUS"] = partial(self.theirs.add, mail("new"))
        report = self.sync()
        self.assertEqual(1, self.remote.heard.count(self.LOOK))
        self.assertEqual(0, self.remote.count("APPEND"))
        self.assertEqual({"INBOX": 1}, report.paired)
        self.assertEqual(4, len(self.theirs.messages))
        self.assertSettled()

    def test_refused(self) -> None:
        """
        If the server does not tell, it is copied.
        """
        self.remote.refusal = lambda line: "NO" if line.startswith("STATUS") else ""
        self.assertEqual({}, self.sync().troubles)
        self.assertEqual(1, self.remote.count("APPEND"))
        self.assertSettled()

    def test_always(self) -> None:
        """
        Where more comes all the time, that does not put off the copy for ever.
        """
        counts = iter(range(30))

        def more(line: str) -> str:
            if line == self.LOOK and (number := next(counts, None)) is not None:
                self.theirs.add(mail(f"other {number}"))
            return ""

        self.remote.refusal = more
        self.sync()
        self.assertIn(mail("new"), [one.body for one in self.theirs.messages.values()])
        self.assertSettled()

    def test_readOnly(self) -> None:
        """
        Where nothing is written, nobody looks.
        """
        self.sync(readOnly=[REMOTE])
        self.assertEqual(0, self.remote.heard.count(self.LOOK))


class StubbornTests(MailboxCase):
    """
    Servers that refuse, pretend and err.
    """

    def test_withoutAppendUid(self) -> None:
        """
        Where the server does not tell which copy is whose, they are paired by
        content: nothing is doubled.
        """
        for doubt in (False, "1 1:3", "7 1"):
            self.begin()
            self.remote.appendUid = doubt
            self.world.fill(mail(1), mail(2), mail(3))
            self.theirs.add(mail(4))
            report = self.sync()
            self.assertEqual(4, len(self.theirs.messages))
            self.assertEqual(4, len(self.ours.messages))
            self.assertEqual({}, report.troubles)
            self.assertSettled()

    def test_withoutAppendUidOneByOne(self) -> None:
        """
        Nor if each message has a command of its own.
        """
        self.remote.appendUid = self.local.appendUid = False
        self.remote.capabilities.remove("MULTIAPPEND")
        self.world.fill(*map(mail, range(5)))
        self.theirs.add(mail("there"))
        report = self.sync()
        self.assertEqual({}, report.troubles)
        self.assertEqual(6, len(self.theirs.messages))
        self.assertSettled()

    def test_withoutAppendUidAndBytes(self) -> None:
        """
        Even if it changes the messages as well, they are there once.
        """
        self.remote.appendUid = False
        self.remote.alters = True
        self.world.fill(mail(1), mail(2))
        for _ in range(3):
            self.assertEqual({}, self.sync().troubles)
            self.assertEqual(2, len(self.theirs.messages))

    def test_withoutAppendUidAmongOthers(self) -> None:
        """
        That other messages are recognised meanwhile proves nothing of those that it
        changes: they are not copied again and again.
        """
        self.both(1)
        self.remote.appendUid = False
        self.remote.alters = True
        self.world.fill(mail("a"), mail("b"))
        numbers = iter(range(6))

        def bring() -> None:
            """
            Somebody else brings the same to both sides.
            """
            for number in numbers:
                for folder in (self.ours, self.theirs):
                    folder.add(mail(f"both {number}"))
                self.local.before["SELECT"] = bring
                return

        bring()
        self.sync()
        bodies = [message.body for message in self.theirs.messages.values()]
        for name in "a", "b":
            self.assertEqual(1, sum(b.startswith(mail(name)) for b in bodies))

    def test_alteredBytes(self) -> None:
        """
        A server that changes the messages, and tells their UIDs, gets each
        just once.
        """
        self.remote.alters = True
        self.world.fill(mail(1), mail(2))
        self.sync()
        self.assertEqual(0, self.sync().changes)
        self.assertEqual(2, len(self.theirs.messages))
        self.assertEqual(2, len(self.ours.messages))

    def test_appendUidOfAnother(self) -> None:
        """
        A server that tells a UID that it told before is not believed: the message
        is recognised by its content.
        """
        self.both(1)
        self.remote.appendUid = f"{self.theirs.uidvalidity} 1"
        self.world.fill(mail(2), mail(3))
        self.remote.capabilities.remove("MULTIAPPEND")
        self.ours.flag(2, "\\Seen")
        self.assertEqual({}, self.sync().troubles)
        self.assertEqual(3, len(self.theirs.messages))
        self.assertSettled()

    def test_refusedMessage(self) -> None:
        """
        A refused message is named, and tried again by the next run, which
        selects the mailbox for nothing else.
        """
        self.remote.objection = refusing(mail(2))
        self.world.fill(mail(1), mail(2), mail(3))
        for _ in range(2):
            report = self.sync()
            [(name, text)] = troubles(report)
            self.assertEqual("INBOX", name)
            self.assertIn("local: UID 2", text)
            self.assertIn("[OVERQUOTA] full", text)
            self.assertEqual(2, len(self.theirs.messages))
        self.assertEqual(1, self.remote.count("APPEND"))
        self.remote.objection = lambda _: ""
        self.assertEqual({}, self.sync().troubles)
        self.assertSettled()

    def test_refusedMessageStays(self) -> None:
        """
        A message that was refused is tried again even after runs that did not
        get so far.
        """
        for hindrance in ("read-only", "policy", "refusals"):
            self.begin()
            self.remote.objection = lambda offer: (
                "" if offer.body in (mail(1), mail(90), mail(91)) else "NO no"
            )
            number = appending.REFUSALS - 10
            self.world.fill(*map(mail, range(1, number)), mail(90))
            self.world.fill(*map(mail, range(number + 10, 2 * number)), mail(91))
            self.sync()
            self.assertEqual(3, len(self.theirs.messages))
            if hindrance == "read-only":
                self.theirs.readOnly = True
            if hindrance == "policy":
                self.sync(readOnly=[REMOTE])
            else:
                self.assertNotEqual({}, self.sync().troubles)
            self.theirs.readOnly = False
            self.remote.objection = lambda _: ""
            self.sync()
            self.assertEqualNow()
            self.assertSettled()

    def test_targetTakesNothing(self) -> None:
        """
        A server without room is left alone after some messages; the rest of
        the mailbox, and of the run, goes on.
        """
        self.both(2)
        self.remote.objection = lambda _: "NO [OVERQUOTA] full"
        self.world.fill(*map(mail, range(100, 200)))
        self.theirs.add(mail("there"))
        self.theirs.flag(1, "\\Seen")
        self.local.make("Other").add(mail(1))
        report = self.sync()
        self.assertTrue(any("[OVERQUOTA]" in text for _, text in troubles(report)))
        self.assertEqual(103, len(self.ours.messages))
        self.assertEqual(SEEN, self.ours.messages[1].flags)
        self.remote.objection = lambda _: ""
        self.sync()
        self.assertSettled()

    def test_readOnlyTarget(self) -> None:
        """
        A mailbox that the server lets nobody write is named, and nothing of
        what happened elsewhere is forgotten.
        """
        self.both(4)
        self.theirs.readOnly = True
        self.ours.expunge(1)
        self.ours.flag(2, "\\Seen")
        self.world.fill(mail(8))
        self.theirs.flag(3, "\\Draft")
        for _ in range(2):
            self.assertNotEqual({}, self.sync().troubles)
        self.assertEqual(DRAFT, self.ours.messages[3].flags)
        self.theirs.readOnly = False
        self.assertEqual({}, self.sync().troubles)
        self.assertSettled()

    def test_storedInVain(self) -> None:
        """
        A STORE that is answered OK, to no effect, is noticed and tried again;
        the flag is not taken away where it was set.
        """
        self.both(2)
        self.remote.deaf.add("STORE")
        self.ours.flag(1, "\\Seen")
        for _ in range(2):
            report = self.sync()
            self.assertIn("\\Seen", " ".join(text for _, text in troubles(report)))
            self.assertEqual(SEEN, self.ours.messages[1].flags)
        self.remote.deaf.clear()
        self.sync()
        self.assertSettled()

    def test_storeRefused(self) -> None:
        """
        So is one that is refused; all other flags are carried.
        """
        self.both(2)
        self.remote.answers["STORE"] = "NO [LIMIT] too many keywords"
        self.ours.flag(1, "\\Seen")
        self.theirs.flag(2, "\\Draft")
        report = self.sync()
        self.assertIn("[LIMIT]", " ".join(text for _, text in troubles(report)))
        self.assertEqual(DRAFT, self.ours.messages[2].flags)
        self.remote.answers.clear()
        self.sync()
        self.assertSettled()

    def test_flagDroppedByStore(self) -> None:
        """
        A flag that is dropped with OK stays on the other side.
        """
        self.both(1)
        self.remote.forgets = KEYWORD
        self.ours.flag(1, "\\Seen", "work")
        for _ in range(3):
            self.assertNotEqual({}, self.sync().troubles)
            self.assertEqual(SEEN | KEYWORD, self.ours.messages[1].flags)
            self.assertEqual(SEEN, self.theirs.messages[1].flags)
        self.remote.forgets = NOTHING
        self.sync()
        self.assertSettled()

    def test_flagDroppedByAppend(self) -> None:
        """
        So does one that is dropped when a message is copied.
        """
        self.remote.forgets = KEYWORD
        self.ours.add(mail(1), SEEN | KEYWORD)
        for _ in range(3):
            self.sync()
            self.assertEqual(SEEN | KEYWORD, self.ours.messages[1].flags)
            self.assertEqual(SEEN, self.theirs.messages[1].flags)

    def test_flagRefusedByAppend(self) -> None:
        """
        One over which a copy is refused is tried afterwards by itself, and what
        becomes of it is heard, though the next look is under way by then.
        """

        def objection(offer: Offer) -> str:
            return "NO [CANNOT] not that" if KEYWORD & offer.flags else ""

        self.remote.objection = objection
        self.remote.forgets = KEYWORD
        self.ours.add(mail(1), SEEN | KEYWORD)
        self.ours.add(mail(2), SEEN)
        for _ in range(2):
            self.assertIn("work", " ".join(text for _, text in troubles(self.sync())))
            self.assertEqual(SEEN | KEYWORD, self.ours.messages[1].flags)
        self.remote.forgets = NOTHING
        self.sync()
        self.assertSettled()

    def test_flagNotPermanent(self) -> None:
        """
        A flag that the server says it does not keep stays on the other side, and is
        carried once the server keeps it, and something happens there.
        """
        self.theirs.permanent = "\\Seen \\Deleted"
        self.ours.add(mail(1), SEEN | KEYWORD)
        for _ in range(2):
            self.sync()
            self.assertEqual(SEEN | KEYWORD, self.ours.messages[1].flags)
        self.theirs.permanent += " \\*"
        self.ours.add(mail(2))
        self.sync()
        self.assertSettled()

    def test_expungedInVain(self) -> None:
        """
        An EXPUNGE that is answered OK, to no effect, is noticed and tried
        again.
        """
        self.both(2)
        self.remote.deaf.add("EXPUNGE")
        self.ours.expunge(1)
        for _ in range(2):
            report = self.sync()
            self.assertIn("expunge", " ".join(text for _, text in troubles(report)))
            self.assertEqual(0, report.done("expunged").total())
            self.assertEqual([2], list(self.ours.messages))
        self.remote.deaf.clear()
        self.sync()
        self.assertSettled()

    def test_expungeRefused(self) -> None:
        """
        One that is refused is reported with the server's words; what the other
        side has expunged meanwhile is forgotten.
        """
        self.both(3)
        self.remote.answers["EXPUNGE"] = "NO [NOPERM] you may not"
        self.ours.expunge(1)
        self.theirs.expunge(2)
        report = self.sync()
        self.assertIn("[NOPERM] you may not", " ".join(t for _, t in troubles(report)))
        self.assertEqual([3], list(self.ours.messages))
        state = Store.open(self.world.database, readOnly=True)
        self.assertEqual(2, state.totalPairs())
        state.close()
        self.remote.answers.clear()
        self.sync()
        self.assertEqual([3], list(self.theirs.messages))
        self.assertSettled()

    def test_unreadableMessage(self) -> None:
        """
        A message that its own server cannot read is named; flags and
        expunges are carried all the same.
        """
        self.both(3)
        self.local.answers["FETCH"] = "NO [SERVERBUG] broken"
        self.world.fill(mail(9))
        self.theirs.flag(1, "\\Seen")
        report = self.sync()
        [(_, text)] = troubles(report)
        self.assertIn("local: UID 4", text)
        self.assertEqual(SEEN, self.ours.messages[1].flags)
        self.local.answers.clear()
        self.sync()
        self.assertSettled()

    def test_falseVanished(self) -> None:
        """
        A VANISHED that is not true deletes nothing.
        """
        self.both(4)
        self.theirs.lies = UidSet.parse("1:3")
        self.theirs.flag(4, "\\Seen")
        self.sync()
        self.assertEqual(4, len(self.ours.messages))
        self.theirs.lies = UidSet()
        self.sync()
        self.assertSettled()

    def test_falseVanishedKeepsFlags(self) -> None:
        """
        Nor does it make a run miss flags that changed.
        """
        self.both(4)
        self.theirs.lies = UidSet.parse("1:4")
        self.theirs.flag(2, "\\Seen")
        self.sync()
        self.assertEqualNow()

    def test_renamedWhileSelected(self) -> None:
        """
        A server that says that all is gone since the mailbox was renamed, and
        does not know it any more, is not believed.
        """
        self.both(4)
        self.theirs.lies = UidSet.parse("1:4")
        self.theirs.add(mail(5))
        self.remote.answers["STATUS"] = "NO [NONEXISTENT] no such mailbox"
        report = self.sync()
        self.assertEqual(4, len(self.ours.messages))
        self.assertIn("INBOX", {name for name, _ in troubles(report)})

    def test_replacedWhileSelected(self) -> None:
        """
        Nor one where another mailbox has taken the name: that is filled.
        """
        self.both(4)
        self.theirs.expunge(1, 2)
        self.remote.before["STATUS"] = lambda: setattr(self.theirs, "uidvalidity", 99)
        self.assertEqual({}, self.sync().done("expunged"))
        self.assertEqual(4, len(self.ours.messages))
        self.assertEqual(4, len(self.theirs.messages))

    def test_modseqBack(self) -> None:
        """
        After HIGHESTMODSEQ went back, all is compared: expunges and flags of
        which the server lost the trace are found.
        """
        self.both(6)
        self.theirs.flag(2, "\\Seen")
        self.theirs.expunge(1)
        self.theirs.expunged.clear()
        for message in self.theirs.messages.values():
            message.modseq = 1
        self.theirs.modseq = 3
        self.ours.flag(3, "\\Draft")
        self.sync()
        self.assertEqual([2, 3, 4, 5, 6], list(self.ours.messages))
        self.assertSettled()

    def test_onlyFlagsLost(self) -> None:
        """
        To give a server its flags back is a change, and looked at as one: the next
        run has nothing to do.
        """
        self.both(2)
        self.ours.flag(1, "\\Seen", "$Label")
        self.ours.flag(1, "\\Seen")
        self.sync()
        for message in self.theirs.messages.values():
            message.flags, message.modseq = NOTHING, 1
        self.theirs.modseq = 1
        self.sync()
        self.assertEqual(SEEN, self.theirs.messages[1].flags)
        self.assertSettled()

    def test_rebuilt(self) -> None:
        """
        A server whose index was rebuilt has lost flags, which is no removal:
        it gets them again.  What was changed on the other side goes over, and
        so does what was expunged and has come back.
        """
        self.both(5)
        for uid in 1, 2, 3, 4:
            self.ours.flag(uid, "\\Seen", "$Label")
        self.sync()
        returned = self.theirs.messages[5]
        self.ours.expunge(5)
        self.sync()
        self.theirs.messages[5] = returned
        self.theirs.expunged.clear()
        for message in self.theirs.messages.values():
            message.flags, message.modseq = NOTHING, 1
        self.theirs.modseq = 2
        self.ours.flag(2, "$Label")
        self.ours.flag(3, "\\Seen", "$Label", "\\Draft")
        self.ours.expunge(4)
        self.theirs.flag(1, "\\Flagged")
        self.sync()
        flags = {m.body: sorted(m.flags) for m in self.ours.messages.values()}
        self.assertEqual(
            {
                mail(1): ["$Label", "\\Flagged", "\\Seen"],
                mail(2): ["$Label"],
                mail(3): ["$Label", "\\Draft", "\\Seen"],
                mail(5): [],
            },
            flags,
        )
        self.assertSettled()

    def test_restoredFromBackup(self) -> None:
        """
        A server that was set back to yesterday gets again what it lost;
        UIDNEXT gives it away.
        """
        self.both(3)
        backup = dict(self.theirs.messages), self.theirs.uidnext, self.theirs.modseq
        self.world.fill(mail(4), mail(5))
        self.sync()
        self.theirs.messages, self.theirs.uidnext, self.theirs.modseq = backup
        self.sync()
        self.assertEqual(5, len(self.ours.messages))
        self.assertSettled()

    def test_uidsUsedAgain(self) -> None:
        """
        Even if other messages have arrived in their place.
        """
        self.both(3)
        backup = dict(self.theirs.messages), self.theirs.uidnext, self.theirs.modseq
        self.world.fill(mail(4), mail(5), mail(6))
        self.sync()
        self.theirs.messages, self.theirs.uidnext, self.theirs.modseq = backup
        self.theirs.add(mail("other"))
        self.sync()
        self.assertEqual(7, len(self.ours.messages))
        self.assertSettled()

    def test_everNewUidvalidity(self) -> None:
        """
        A server that never says the same UIDVALIDITY twice is left alone.
        """
        self.both(3)

        def renumber() -> None:
            self.theirs.renumber()
            self.remote.before["SELECT"] = renumber

        renumber()
        report = self.sync()
        self.assertIn("INBOX", {name for name, _ in troubles(report)})
        self.assertEqual(3, len(self.ours.messages))

    def test_neverChanged(self) -> None:
        """
        An empty mailbox may have come to no mod-sequence yet; it is filled, and then
        as any other.
        """
        self.world.fill(mail(1), mail(2))
        self.remote.inbox.modseq = 0
        self.assertFalse(self.sync().troubles)
        self.assertTrue(self.world.equal)
        self.local.inbox.flag(1, "\\Seen")
        self.sync()
        self.assertTrue(self.world.equal)

    def test_unfitMailboxes(self) -> None:
        """
        A mailbox without lasting UIDs, or that cannot be opened, is named, and the
        others go on.
        """
        unfit: list[tuple[str, Callable[[Account], None]]] = [
            ("UIDNOTSTICKY", lambda a: a.inbox.codes.append("UIDNOTSTICKY")),
            ("UIDVALIDITY", lambda a: setattr(a.inbox, "uidvalidity", 0)),
            ("[NOPERM] no", lambda a: a.answers.update(SELECT="NO [NOPERM] no")),
        ]
        for words, spoil in unfit:
            self.begin()
            self.world.fill(mail(1))
            spoil(self.remote)
            self.local.make("Other")
            report = self.sync()
            self.assertIn(words, " ".join(text for _, text in troubles(report)))
            self.assertEqual({}, self.theirs.messages)
            self.assertIn("Other", self.remote.folders)

    def test_attributesLast(self) -> None:
        """
        Servers that send messages before their attributes are paired and
        copied with as any.
        """
        self.local.order = self.remote.order = BODY_FIRST
        self.ours.add(mail(1), SEEN)
        self.ours.add(mail(2))
        self.theirs.add(mail(2), DRAFT)
        self.theirs.add(mail(3))
        report = self.sync()
        self.assertEqual(1, report.paired["INBOX"])
        self.assertEqual(3, len(self.ours.messages))
        self.assertSettled()

    def test_withoutExtensions(self) -> None:
        """
        No extension that is not required is needed.
        """
        for account in (self.local, self.remote):
            account.capabilities -= {"LITERAL+", "MULTIAPPEND", "ESEARCH", "NAMESPACE"}
        self.both(5)
        self.ours.expunge(1)
        self.theirs.flag(2, "\\Seen")
        self.sync()
        self.assertSettled()


FLAGS = st.frozensets(st.sampled_from(["\\Seen", "\\Draft", "work", "play"]))
ACTS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.booleans(), st.integers(0, 5), FLAGS),
        st.tuples(st.just("flag"), st.booleans(), st.integers(0, 9), FLAGS),
        st.tuples(st.just("expunge"), st.booleans(), st.integers(0, 9), FLAGS),
        st.tuples(st.just("renumber"), st.booleans(), st.just(0), FLAGS),
        st.tuples(st.just("sync"), st.booleans(), st.just(0), FLAGS),
    ),
    max_size=15,
)


class ConvergenceTests(MailboxCase):
    """
    Whatever happens.
    """

    @given(acts=ACTS, doubt=st.booleans(), merge=st.booleans())
    @settings(max_examples=60, deadline=None)
    def test_anything(
        self, acts: list[tuple[str, bool, int, Flags]], doubt: bool, merge: bool
    ) -> None:
        """
        After a run both sides are equal, and the next does nothing.
        """
        self.begin()
        self.remote.appendUid = not doubt
        for act, here, number, flags in acts:
            folder = self.ours if here else self.theirs
            uids = list(folder.messages)
            if act == "add":
                folder.add(mail(number), flags)
            elif act == "renumber":
                folder.renumber()
            elif act == "sync":
                self.sync(mergeFlags=merge)
                self.assertEqualNow()
            elif uids and act == "flag":
                folder.flag(uids[number % len(uids)], *flags)
            elif uids:
                folder.expunge(uids[number % len(uids)])
        self.sync(mergeFlags=merge)
        self.assertSettled()


def refusing(body: bytes) -> Callable[[Offer], str]:
    """
    Object to one message.
    """
    return lambda offer: "NO [OVERQUOTA] full" if offer.body == body else ""
