"""
Tests for L{imapsync.accounts.deletion}: runs between two servers in memory.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from itertools import product
from types import MappingProxyType

from twisted.logger import capturedLogs, formatEvent

from imapsync.config.request import Request
from imapsync.errors import Lost, MassDeletion
from imapsync.model import Side
from imapsync.test.accounts.test_renaming import KINDS, RenamesCase
from imapsync.test.accounts.test_session import Killed, MortalState
from imapsync.test.fakes.world import QuickState, troubles
from imapsync.testing.accounts import Account, mail

LOCAL, REMOTE = Side

#: What does not happen.
NEVER: Mapping[str, Callable[[], object]] = MappingProxyType({})


def both(*acts: Callable[[], object]) -> None:
    """
    Do all of C{acts}.
    """
    for act in acts:
        act()


class DeletionCase(RenamesCase):
    """
    Two accounts with the mailboxes A, A/x, B and C, all known.
    """

    def kept(self, text: str) -> None:
        """
        A mailbox that is gone from the local side is left alone on the other,
        for a reason that holds C{text}, in each run.
        """
        for _ in range(2):
            [(name, told)] = troubles(self.sync())
            self.assertEqual("B", name)
            self.assertIn("vanished from local; left alone", told)
            self.assertIn(text, told)
            self.assertEqual(2, len(self.remote.folders["B"].messages))
            self.assertEqual(0, self.remote.count("DELETE", "STORE", "EXPUNGE"))


class DeleteTests(DeletionCase):
    """
    Deletions that are followed.
    """

    def test_deleted(self) -> None:
        """
        A mailbox that was deleted on one side is deleted on the other, and
        nobody is subscribed to its name any more.
        """
        for side, here, there in self.each():
            here.delete("B")
            there.folders["B"].flag(1, "\\Flagged")
            report = self.syncs()
            self.assertEqual("B", next(iter(report.steps)))
            self.assertEqual(f"deleted on {side.other}", report.steps["B"][0])
            self.assertNotIn("B", there.folders)
            self.assertFalse(here.ghosts | there.ghosts)
            self.assertEqual(0, there.count("STORE", "EXPUNGE"))

    def test_several(self) -> None:
        """
        Children go before their parents; a parent may go alone.
        """
        self.local.delete("A/x")
        self.local.delete("A")
        self.sync()
        self.local.make("D/x").add(mail("x"))
        self.local.make("D")
        self.sync()
        self.remote.delete("D")
        self.syncs()
        self.assertEqual({"INBOX", "B", "C", "D/x"}, set(self.local.folders))

    def test_unknownMessages(self) -> None:
        """
        One with messages that never were on the other side is made there again,
        and filled.
        """
        for _, here, there in self.each():
            here.delete("B")
            there.folders["B"].add(mail("new"))
            self.assertEqual({}, self.sync().troubles)
            self.assertEqual(3, len(here.folders["B"].messages))
            self.assertTrue(here.folders["B"].subscribed)
            self.assertSettled()

    def test_refusedMessages(self) -> None:
        """
        So is one with a message that the other side has refused.
        """
        self.remote.folders["B"].add(mail("refused"))
        self.local.objection = lambda offer: "NO [LIMIT] too large"
        self.assertIn("B", {name for name, _ in troubles(self.sync())})
        self.local.objection = lambda offer: ""
        self.local.delete("B")
        self.assertEqual({}, self.sync().troubles)
        self.assertEqual(3, len(self.local.folders["B"].messages))

    def test_renumbered(self) -> None:
        """
        So is one that has a new UIDVALIDITY.
        """
        self.local.delete("B")
        self.remote.folders["B"].renumber()
        self.assertEqual({}, self.sync().troubles)
        self.assertEqual(2, len(self.local.folders["B"].messages))
        self.assertSettled()

    def test_changedMeanwhile(self) -> None:
        """
        A message that arrives at the last moment is seen.
        """
        self.local.delete("B")
        there = self.remote.folders["B"]
        for verb in ("UNSELECT", "CLOSE"):
            self.remote.before[verb] = lambda: there.add(mail("new"))
        self.assertEqual({}, self.sync().troubles)
        self.assertEqual(3, len(self.local.folders["B"].messages))
        self.assertSettled()

    def test_moved(self) -> None:
        """
        What was moved out of a mailbox before it was deleted is moved on the
        other side as well.
        """
        for side, here, there in self.each():
            new = here.make("New")
            for target in (new, here.folders["C"]):
                uid = 1 if target is new else 2
                message = here.folders["B"].messages[uid]
                target.add(message.body, message.flags, message.date)
            here.delete("B")
            report = self.syncs()
            moved = {("New", side.other): 1, ("C", side.other): 1}
            self.assertEqual(moved, report.done("moved"))
            self.assertNotIn("B", there.folders)

    def test_trash(self) -> None:
        """
        Where there is a trash, what is in a mailbox goes there first; not what
        was moved elsewhere.
        """
        self.remote.make("Trash")
        self.sync()
        message = self.local.folders["B"].messages[1]
        self.local.inbox.add(message.body, message.flags, message.date)
        self.local.delete("B")
        servers = self.world.settings().servers
        remote = servers[REMOTE]._replace(trash="Trash")
        report = self.sync(servers={**servers, REMOTE: remote})
        self.assertEqual({("B", REMOTE): 1}, report.done("moved to the trash"))
        self.assertEqual([mail("more B")], self.bodies(self.remote, "Trash"))
        self.assertEqual([mail("more B")], self.bodies(self.local, "Trash"))
        self.assertNotIn("B", self.remote.folders)
        self.assertSettled()

    def test_copiedToTrash(self) -> None:
        """
        Nor what a program copied to the trash, a run ago.
        """
        self.sync()
        trash = self.local.make("Trash")
        for message in self.local.folders["B"].messages.values():
            trash.add(message.body, message.flags, message.date)
        self.sync(trash={REMOTE: "Trash"})
        self.local.delete("B")
        report = self.sync(trash={REMOTE: "Trash"})
        self.assertEqual({}, report.done("moved to the trash"))
        self.assertEqual([mail("B"), mail("more B")], self.bodies(self.remote, "Trash"))
        self.assertNotIn("B", self.remote.folders)
        self.assertSettled()

    def test_hasChildren(self) -> None:
        """
        A server may keep a mailbox because of what is below it: then it is
        emptied, and is there as an empty one.
        """
        self.local.make("B/x")
        self.sync()
        self.local.delete("B")
        self.remote.answers["DELETE"] = "NO [HASCHILDREN] it has"
        report = self.sync()
        self.assertEqual({}, report.troubles)
        self.assertEqual({("B", REMOTE): 2}, report.done("expunged"))
        self.assertEqual({}, self.local.folders["B"].messages)
        self.assertSettled()

    def test_goneFromBoth(self) -> None:
        """
        One that is gone from both sides is forgotten, and so are subscriptions
        to its name.
        """
        for account in (self.local, self.remote):
            account.delete("B")
        self.sync()
        self.assertFalse(self.local.ghosts | self.remote.ghosts)
        self.remote.make("B").add(mail("other"))
        self.sync()
        self.assertEqual([mail("other")], self.bodies(self.local, "B"))
        self.assertSettled()

    def test_dryRun(self) -> None:
        """
        A dry run says what would be deleted.
        """
        self.local.delete("B")
        said: list[str] = []
        self.sync(request=Request(dryRun=True), say=said.append)
        self.assertIn("B: delete on remote (2 messages)", said)
        self.assertIn("B", self.remote.folders)
        self.syncs()

    def test_dryRunWithMore(self) -> None:
        """
        Or that it would be made again; what was moved out of it is known.
        """
        message = self.local.folders["C"].messages[1]
        self.local.inbox.add(message.body, message.flags, message.date)
        self.local.delete("B")
        self.local.delete("C")
        self.remote.folders["B"].add(mail("new"))
        said: list[str] = []
        trash = {REMOTE: "Trash"}
        self.sync(request=Request(dryRun=True), say=said.append, trash=trash)
        self.assertIn("C: move UID 1 to INBOX on remote", said)
        self.assertIn("C: move UID 2 to Trash, and delete on remote", said)
        self.assertIn("B: make again on local, it has unknown messages on remote", said)
        self.assertEqual(3, len(said), said)
        self.assertEqual(0, self.remote.count("DELETE", "UID MOVE", "STORE"))
        self.sync()
        self.assertSettled()


class DoubtTests(DeletionCase):
    """
    What only looks like a deletion.
    """

    def test_unlisted(self) -> None:
        """
        A mailbox that LIST left out.
        """
        self.local.unlisted.add("B")
        self.kept("did not list it")
        self.local.unlisted.clear()
        self.syncs()

    def test_unlistedAndRefused(self) -> None:
        """
        One that cannot be looked into either: that costs no other mailbox.
        """
        self.local.unlisted.add("B")
        self.local.refusal = lambda line: (
            "NO [SERVERBUG] oops" if line.startswith("EXAMINE B") else ""
        )
        self.local.inbox.add(mail("other"))
        self.kept("[SERVERBUG] oops")
        self.assertEqual(
            len(self.local.inbox.messages), len(self.remote.inbox.messages)
        )

    def test_silent(self) -> None:
        """
        A server that tells nothing of it at all.
        """
        self.local.unlisted.add("B")
        self.local.deaf.add("STATUS")
        self.kept("does not tell")

    def test_otherAnswers(self) -> None:
        """
        A server that does not say that there is none.
        """
        self.local.delete("B")
        for answer in ("[SERVERBUG] oops", "[NOPERM] no", "[UNAVAILABLE] later"):
            self.local.answers["STATUS"] = f"NO {answer}"
            self.kept(answer)

    def test_noCode(self) -> None:
        """
        One that says it to people only, and lists it all the same, as what is
        above another, is asked in a way in which it must say it in its code.
        """
        self.local.phantoms.add("A")
        self.local.delete("A")
        self.local.answers["APPEND"] = "NO empty"
        for _ in range(2):
            [(name, told)] = troubles(self.sync())
            self.assertEqual("A", name)
            self.assertIn(
                "vanished from local; left alone: APPEND was refused: NO empty", told
            )
            self.assertIn("A", self.remote.folders)
        del self.local.answers["APPEND"]
        for _ in range(2):
            self.sync()
            self.assertEqual({"INBOX", "A/x", "B", "C"}, {*self.remote.folders})

    def test_listed(self) -> None:
        """
        One that is listed, with nothing below it, is not gone, whatever else is
        said of it.
        """
        self.local.phantoms.add("B")
        self.local.delete("B")
        for _ in range(2):
            [(name, told)] = troubles(self.sync())
            self.assertEqual("B", name)
            self.assertIn("local: it is listed, but cannot be opened", told)
            self.assertIn("B", self.remote.folders)

    def test_otherAccount(self) -> None:
        """
        An INBOX that is another one: so may the whole account be.
        """
        self.local.delete("B")
        self.local.inbox.renumber()
        for _ in range(3):
            [(name, told)] = troubles(self.sync())
            self.assertEqual("B", name)
            self.assertIn("as if by a failure; left alone", told)
            self.assertEqual(2, len(self.remote.folders["B"].messages))
            self.assertNotIn("B", self.local.folders)

    def test_allGone(self) -> None:
        """
        All mailboxes at once, as on a disk that is not mounted; when they are
        back, their messages are paired again.
        """
        gone = {n: f for n, f in self.local.folders.items() if n != "INBOX"}
        for name in gone:
            del self.local.folders[name]
        for _ in range(2):
            names = {name for name, _ in troubles(self.sync())}
            self.assertEqual({"A", "A/x", "B", "C"}, names)
            self.assertEqual(0, self.remote.count("DELETE", "UNSUBSCRIBE"))
        self.local.folders |= gone
        self.assertEqual({}, self.sync().done("copied"))
        self.assertSettled()

    def test_lostAndDeleted(self) -> None:
        """
        What is then deleted from the other side too is forgotten; what is made
        again is filled again.
        """
        self.local.delete("B")
        self.local.delete("C")
        self.local.inbox.renumber()
        self.sync()
        self.remote.delete("B")
        self.local.make("C")
        self.assertEqual({}, self.sync().troubles)
        self.assertEqual(2, len(self.local.folders["C"].messages))
        for account in (self.local, self.remote):
            account.ghosts.clear()
        self.assertSettled()

    def test_readOnly(self) -> None:
        """
        On a side that is read-only it stays.
        """
        self.local.delete("B")
        self.assertEqual([], troubles(self.sync(readOnly=[REMOTE])))
        self.assertNotIn("B", self.local.folders)
        self.assertEqual(0, self.remote.count("DELETE", "UNSUBSCRIBE"))

    def test_refused(self) -> None:
        """
        A server may refuse; it is asked once in a run.
        """
        self.local.delete("B")
        self.remote.answers["DELETE"] = "NO [NOPERM] no"
        [(name, told)] = troubles(self.sync())
        self.assertEqual("B", name)
        self.assertIn("[NOPERM]", told)
        self.assertEqual(1, self.remote.count("DELETE"))
        self.remote.answers.clear()
        self.syncs()

    def test_inVain(self) -> None:
        """
        Or say that it did, and do nothing.
        """
        self.local.delete("B")
        self.remote.deaf.add("DELETE")
        self.assertEqual(["B"], [name for name, _ in troubles(self.sync())])
        self.remote.deaf.clear()
        self.syncs()

    def test_brake(self) -> None:
        """
        Deletions count, together with messages, before anything is done.
        """
        big, small = self.local.make("Big"), self.local.make("Small")
        for number in range(60):
            big.add(mail(f"b{number}"))
            small.add(mail(f"s{number}"))
        self.sync()
        self.local.delete("Big")
        small.expunge(*range(1, 11))
        error = self.assertRaises(MassDeletion, self.sync)
        self.assertIn("70 of 129", str(error))
        self.assertIn("Big", self.remote.folders)
        self.assertEqual(60, len(self.remote.folders["Small"].messages))
        self.sync(request=Request(allowMassDelete=True))
        self.assertSettled()

    def test_brakeKnowsTruth(self) -> None:
        """
        What is gone on both sides already does not count.
        """
        big = self.local.make("Big")
        for number in range(120):
            big.add(mail(f"b{number}"))
        self.sync()
        for account in self.local, self.remote:
            account.folders["Big"].expunge(*range(1, 101))
        self.local.delete("Big")
        self.syncs()
        self.assertNotIn("Big", self.remote.folders)

    def test_movedOut(self) -> None:
        """
        What was moved out before does not count.
        """
        big, small = self.local.make("Big"), self.local.make("Small")
        for number in range(120):
            big.add(mail(f"b{number}"))
        self.sync()
        for message in big.messages.values():
            small.add(message.body, message.flags, message.date)
        self.local.delete("Big")
        self.syncs()


class RaceTests(DeletionCase):
    """
    What arrives at the last moment is not lost.
    """

    def late(
        self,
        verb: str,
        count: int = 1,
        then: Mapping[str, Callable[[], object]] = NEVER,
    ) -> None:
        """
        A message arrives before the remote server is told C{verb}, for that time.

        @param then: what happens later, before other commands.
        """
        there = self.remote.folders["B"]

        def arrive() -> None:
            nonlocal count
            count -= 1
            if count:
                self.remote.before[verb] = arrive
            else:
                there.add(mail("late"))
                self.remote.before.update(then)

        self.remote.before[verb] = arrive

    def test_atEachStep(self) -> None:
        """
        Wherever it comes, the mailbox is made again on the other side, and filled.
        """
        steps = [("RENAME", 1), ("EXAMINE", 1), ("EXAMINE", 2)]
        steps += [("STATUS", 1), ("STATUS", 2)]
        for kind in KINDS:
            for verb, count in steps:
                self.begin(kind)
                self.local.delete("B")
                self.late(verb, count)
                self.assertEqual({}, self.sync().troubles)
                self.assertNotIn(verb, self.remote.before)
                bodies = [mail("B"), mail("more B"), mail("late")]
                self.assertEqual(bodies, self.bodies(self.local, "B"), (verb, count))
                self.assertTrue(self.remote.folders["B"].subscribed)
                self.assertSettled()

    def test_newMailbox(self) -> None:
        """
        What is delivered by its name, when that is free, makes a mailbox of its own,
        which comes to the other side.
        """
        for kind in KINDS:
            self.begin(kind)
            self.local.delete("B")
            self.remote.before["DELETE"] = lambda: self.add("B", mail("new"))
            self.assertEqual({}, self.sync().troubles)
            self.assertEqual([mail("new")], self.bodies(self.local, "B"))
            self.assertEqual([mail("new")], self.bodies(self.remote, "B"))
            self.assertSettled()

    def test_nameIsTaken(self) -> None:
        """
        If a message arrives in both, they become one; but for what was deleted.
        """
        for kind in KINDS:
            for moves in True, False:
                self.begin(kind)
                self.remote.capabilities -= set() if moves else {"MOVE"}
                self.local.delete("B")

                def make() -> None:
                    self.add("B", mail("new"))

                self.late("RENAME", then={"EXAMINE": make})
                self.assertEqual({}, self.sync().troubles)
                for account in self.local, self.remote:
                    bodies = [mail("new"), mail("late")]
                    self.assertEqual(bodies, self.bodies(account, "B"))
                    self.assertEqual(
                        {"INBOX", "A", "A/x", "B", "C"}, {*account.folders}
                    )
                self.assertSettled()

    def test_children(self) -> None:
        """
        One that has others below it keeps its name: they would be taken along.
        """
        self.local.delete("A")
        self.sync()
        self.assertEqual(0, self.remote.count("RENAME"))
        self.assertEqual({"INBOX", "A/x", "B", "C"}, {*self.remote.folders})

    def test_newChild(self) -> None:
        """
        Those that are made below it at the last moment get their names back.
        """
        self.local.delete("B")
        self.remote.before["RENAME"] = lambda: self.add("B/x", mail("x"))
        self.sync()
        for account in self.local, self.remote:
            self.assertEqual({"INBOX", "A", "A/x", "B/x", "C"}, {*account.folders})
        self.assertSettled()

    def test_notRenamed(self) -> None:
        """
        A server that does not rename it deletes it all the same, and that is told.
        """
        self.local.delete("B")
        self.remote.answers["RENAME"] = "NO [CANNOT] not that"
        with capturedLogs() as events:
            self.assertEqual({}, self.sync().troubles)
        told = [text for e in events if "does not rename" in (text := formatEvent(e))]
        self.assertEqual(1, len(told), told)
        self.assertIn("[CANNOT] not that", told[0])
        self.assertNotIn("B", self.remote.folders)
        self.assertSettled()

    def test_keepsOurName(self) -> None:
        """
        A server that deletes nothing, and does not give the name back, is told of;
        the next run goes on.
        """
        self.local.delete("B")

        def refuse() -> None:
            self.remote.answers["RENAME"] = "NO [NOPERM] no"

        self.remote.answers["DELETE"] = "NO [NOPERM] no"
        self.remote.before["DELETE"] = refuse
        report = self.sync()
        self.assertIn("B", {name for name, _ in troubles(report)})
        self.remote.answers.clear()
        self.syncs()
        self.assertEqual({"INBOX", "A", "A/x", "C"}, {*self.remote.folders})

    def test_renumbering(self) -> None:
        """
        A server that gives another UIDVALIDITY to what is renamed, as Courier does,
        deletes it all the same, but only what is known.
        """
        for bodies in [], [mail("new")]:
            self.begin("nothing")
            self.renumbering(self.remote)
            self.local.delete("B")
            for body in bodies:
                self.remote.before["RENAME"] = partial(
                    self.remote.folders["B"].add, body
                )
            self.sync()
            self.assertEqual(bool(bodies), "B" in self.remote.folders)
            self.assertSettled()

    def test_renumberingCutOff(self) -> None:
        """
        What such a server has renamed before the connection was lost gets its name
        back, and nothing is lost.
        """
        self.begin("nothing")
        self.renumbering(self.remote)
        self.local.delete("B")
        self.remote.before["RENAME"] = lambda: setattr(self.remote, "downLeft", 1)
        self.assertRaises(Lost, self.sync)
        self.assertNotIn("B", self.remote.folders)
        self.sync()
        for account in self.local, self.remote:
            self.assertTrue({*account.folders} <= {"INBOX", "A", "A/x", "B", "C"})
        self.assertSettled()

    def renumbering(self, account: Account) -> None:
        """
        What is renamed gets another UIDVALIDITY; its UIDs stay.
        """
        rename = account.rename

        def renamed(old: str, new: str) -> None:
            rename(old, new)
            account.folders[new].uidvalidity += 1000

        self.patch(account, "rename", renamed)

    def test_dryRun(self) -> None:
        """
        A dry run says what will be done about one that was set aside, and leaves it.
        """
        self.local.delete("B")
        self.remote.before["DELETE"] = lambda: setattr(self.remote, "downLeft", 1)
        self.remote.deaf.add("DELETE")
        self.assertRaises(Lost, self.sync)
        self.remote.deaf.clear()
        self.assertNotIn("B", self.remote.folders)
        said: list[str] = []
        self.sync(request=Request(dryRun=True), say=said.append)
        self.assertEqual(["B: delete on remote (2 messages)"], said)
        self.assertEqual(0, self.remote.count("RENAME"))
        self.syncs()
        self.assertEqual({"INBOX", "A", "A/x", "C"}, {*self.remote.folders})

    def test_swapped(self) -> None:
        """
        Another mailbox that has got the name at the last moment is not deleted, nor
        is what is in it.
        """

        def swap() -> None:
            self.remote.rename("B", "tmp")
            self.remote.rename("C", "B")
            self.remote.rename("tmp", "C")

        for kind in KINDS:
            for taken in False, True:
                self.begin(kind)
                self.local.delete("B")
                self.remote.before["RENAME"] = swap
                if taken:
                    self.late("RENAME", then={"EXAMINE": lambda: self.remote.make("B")})
                    arrive = self.remote.before["RENAME"]
                    self.remote.before["RENAME"] = partial(both, swap, arrive)
                self.sync()
                bodies = [
                    b for n in self.remote.folders for b in self.bodies(self.remote, n)
                ]
                self.assertIn(mail("C"), bodies, (kind, taken))
                self.assertIn(mail("more C"), bodies, (kind, taken))
                self.sync()
                self.assertEqual(self.local.content, self.remote.content)

    def test_otherTemporary(self) -> None:
        """
        A mailbox that only has such a name is nobody's business.
        """
        state = QuickState.open(self.world.database)
        known = state.mailbox("B")
        state.close()
        assert known is not None
        self.patch(time, "time", lambda: 5.0)
        name = f"imapsync-temporary-{known.id}0000000005000"
        self.remote.make(name).add(mail("mine"))
        self.local.delete("B")
        for _ in range(2):
            self.sync()
            self.assertEqual([mail("mine")], self.bodies(self.remote, name))
            self.assertNotIn("B", self.remote.folders)
            self.assertNotIn(name, self.local.folders)

    def add(self, name: str, body: bytes) -> None:
        """
        A message is delivered to a new mailbox on the remote server.
        """
        self.remote.make(name).add(body)


class InterruptedTests(DeletionCase):
    """
    Deletions that are cut off.
    """

    def test_killed(self) -> None:
        """
        Killed before or after any commit.
        """
        for kind in KINDS:
            deaths = 0
            for steps in range(1, 60):
                self.begin(kind)
                message = self.local.folders["B"].messages[1]
                self.local.inbox.add(message.body, message.flags, message.date)
                self.local.delete("B")
                self.local.delete("C")
                self.remote.folders["C"].add(mail("new"))
                self.local.rename("A", "B")
                MortalState.left = steps
                try:
                    self.sync(open=MortalState.open)
                except Killed:
                    deaths += 1
                else:
                    break
                self.assertEqual({}, self.sync().troubles)
                self.assertEqual(3, len(self.local.folders["C"].messages))
                self.assertEqual(2, len(self.remote.inbox.messages))
                self.assertSettled()
            self.assertGreater(deaths, 5)

    def test_between(self) -> None:
        """
        Cut between RENAME and DELETE: the next run goes on, whatever has arrived
        meanwhile, by either name.
        """
        for kind in KINDS:
            for late, new, empty in product((False, True), repeat=3):
                self.begin(kind)
                there = self.remote.folders["B"]
                if empty:
                    there.expunge(1, 2)
                    self.sync()
                self.local.delete("B")
                self.remote.before["RENAME"] = lambda: self.remote.before.update(
                    EXAMINE=lambda: setattr(self.remote, "downLeft", 1)
                )
                self.assertRaises(Lost, self.sync)
                self.assertNotIn("B", self.remote.folders)
                bodies = []
                if new:
                    self.remote.make("B").add(mail("new"))
                    bodies += [mail("new")]
                if late:
                    there.add(mail("late"))
                    bodies += [mail("late")]
                self.assertEqual({}, self.sync().troubles)
                if late and not new and not empty:
                    bodies = [mail("B"), mail("more B"), mail("late")]
                told = (kind, late, new, empty)
                if late or new:
                    self.assertEqual(bodies, self.bodies(self.remote, "B"), told)
                    self.assertEqual(bodies, self.bodies(self.local, "B"), told)
                names = {"INBOX", "A", "A/x", "C", *(["B"] if late or new else [])}
                self.assertEqual(names, {*self.remote.folders}, told)
                self.assertSettled()

    def test_backAgain(self) -> None:
        """
        What is on the other side again by then, as on a disk that was not mounted, is
        not deleted, though another one has its name.
        """
        for kind in KINDS[:1] + KINDS[3:]:  # others do not tell such a one
            self.begin(kind)
            here = self.local.folders.pop("B")
            self.remote.before["RENAME"] = lambda: self.remote.before.update(
                EXAMINE=lambda: setattr(self.remote, "downLeft", 1)
            )
            self.assertRaises(Lost, self.sync)
            self.local.folders["B"] = here
            self.remote.make("B").add(mail("new"))
            self.sync()
            bodies = {mail("B"), mail("more B"), mail("new")}
            for account in self.local, self.remote:
                self.assertEqual(bodies, {*self.bodies(account, "B")})
                self.assertEqual({"INBOX", "A", "A/x", "B", "C"}, {*account.folders})
                self.assertEqual(3, len(account.folders["B"].messages))

    def test_lostAnswer(self) -> None:
        """
        Cut after the mailbox was deleted, before the server could say so.
        """
        for verb in ("DELETE", "RENAME"):
            self.begin()
            self.local.delete("B")
            self.local.rename("C", "D")
            self.remote.before[verb] = lambda: setattr(self.remote, "downLeft", 1)
            self.assertRaises(Lost, self.sync)
            self.syncs()
