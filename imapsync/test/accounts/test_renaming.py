"""
Tests for L{imapsync.accounts.renaming}: runs between two servers in memory.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator

from twisted.trial.unittest import SynchronousTestCase

from imapsync.accounts.renaming import Renamer
from imapsync.config.request import Request
from imapsync.errors import Lost
from imapsync.mailbox.report import Report
from imapsync.model import Side
from imapsync.plan.account import Account as Listing
from imapsync.plan.outlook import Rename
from imapsync.test.accounts.test_session import Killed, MortalState
from imapsync.test.fakes.world import World, troubles
from imapsync.testing.accounts import SEEN, Account, mail

LOCAL, REMOTE = Side

#: Servers like Dovecot, like Cyrus, without its metadata and with them, and one
#: that tells nothing.
KINDS = ("guids", "ids", "metadata", "nothing")


class RenamesCase(SynchronousTestCase):
    """
    Two accounts with the mailboxes A, A/x, B and C, all known.
    """

    def setUp(self) -> None:
        """
        Make them.
        """
        self.begin()

    def begin(self, kind: str = "guids", remote: str = "") -> None:
        """
        Make them anew, with two messages in each.

        @param kind: what servers tell of the identity of a mailbox.
        @param remote: what the remote one tells, if not the same.
        """
        self.world = World(self.mktemp())
        self.local, self.remote = self.world.local, self.world.remote
        for account, tells in ((self.local, kind), (self.remote, remote or kind)):
            account.guids = tells == "guids"
            if tells == "metadata":
                account.capabilities.add("METADATA")
            if tells in ("ids", "metadata"):
                account.capabilities.add("OBJECTID")
                account.second = 5
        for name in ("A", "A/x", "B", "C"):
            self.local.make(name).add(mail(name), SEEN)
            self.local.folders[name].add(mail(f"more {name}"))
        self.world.fill(mail("inbox"))
        self.sync()
        for account in (self.local, self.remote):
            # LIST is to tell them from each other.
            for number, name in enumerate(sorted(account.folders), 1):
                account.folders[name].modseq += 100 * number
        self.sync()
        self.assertEqual(self.local.content, self.remote.content)

    def tearDown(self) -> None:
        """
        Have errors that nobody took told now.
        """
        gc.collect()

    def each(self) -> Iterator[tuple[Side, Account, Account]]:
        """
        Each kind of server and each side once, and the other one, with new
        accounts.
        """
        for kind in KINDS:
            for side in Side:
                self.begin(kind)
                accounts = self.world.accounts
                yield side, accounts[side], accounts[side.other]

    def sync(self, **changes: object) -> Report:
        """
        Sync.
        """
        return self.world.sync(**changes)  # type: ignore[arg-type]

    def syncs(self, **changes: object) -> Report:
        """
        Sync, without trouble and without sending a message again.
        """
        report = self.sync(**changes)
        self.assertEqual({}, report.troubles)
        self.assertEqual(0, self.local.count("APPEND") + self.remote.count("APPEND"))
        self.assertSettled()
        return report

    def assertSettled(self) -> None:
        """
        Both sides are equal, and another run changes nothing and asks nothing, but
        beside LIST who INBOX is.
        """
        self.assertEqual(self.local.content, self.remote.content)
        report = self.sync()
        self.assertEqual(0, report.changes)
        self.assertEqual({}, report.troubles)
        for account in (self.local, self.remote):
            asked = [line for line in account.heard if " INBOX " not in line]
            self.assertEqual(3, len(asked), account.heard)

    def bodies(self, account: Account, name: str) -> list[bytes]:
        """
        What is in a mailbox.
        """
        return [message.body for message in account.folders[name].messages.values()]


class FollowTests(RenamesCase):
    """
    Renames that are followed.
    """

    def test_renamed(self) -> None:
        """
        A mailbox and all below it are renamed by one command, on either side,
        and stay subscribed; what changed in them is synced as ever.
        """
        for side, here, there in self.each():
            here.rename("A", "Z")
            here.folders["Z/x"].flag(1, "\\Flagged")
            there.folders["A"].flag(1, "\\Answered")
            there.folders["A"].expunge(2)
            report = self.syncs()
            self.assertEqual([f"renamed from A on {side.other}"], report.steps["Z"][:1])
            self.assertNotIn("renamed", " ".join(report.steps["Z/x"]))
            self.assertEqual({}, report.paired)
            self.assertEqual({"INBOX", "B", "C", "Z", "Z/x"}, set(there.folders))
            self.assertTrue(there.folders["Z"].subscribed)
            self.assertFalse(here.ghosts | there.ghosts)

    def test_commands(self) -> None:
        """
        It takes one RENAME, and the subscriptions.
        """
        self.local.rename("C", "D")
        self.sync()
        renames = [line for line in self.remote.heard if line.startswith("RENAME")]
        self.assertEqual(["RENAME C D"], renames)
        self.assertEqual(0, self.remote.count("SELECT", "EXAMINE", "CREATE"))
        self.assertEqual(0, self.local.count("RENAME", "CREATE"))

    def test_swapped(self) -> None:
        """
        Mailboxes may change places.
        """
        for _, here, there in self.each():
            here.rename("B", "tmp")
            here.rename("C", "B")
            here.rename("tmp", "C")
            self.syncs()
            self.assertEqual([mail("B"), mail("more B")], self.bodies(there, "C"))
            self.assertEqual([mail("C"), mail("more C")], self.bodies(there, "B"))

    def test_sameSecond(self) -> None:
        """
        A dry run tells those apart as well that LIST does not.
        """
        for kind in "ids", "metadata":
            self.begin("guids", kind)
            self.local.rename("B", "tmp")
            self.local.rename("C", "B")
            self.local.rename("tmp", "C")
            said: list[str] = []
            self.sync(request=Request(dryRun=True), say=said.append)
            renames = ["B: rename to C on remote", "C: rename to B on remote"]
            self.assertEqual(renames, sorted(said))
            self.syncs()
            self.assertEqual([mail("B"), mail("more B")], self.bodies(self.remote, "C"))

    def test_chained(self) -> None:
        """
        One may take the place of one that went elsewhere.
        """
        for _, here, there in self.each():
            here.rename("C", "D")
            here.rename("B", "C")
            here.rename("A", "B")
            self.syncs()
            self.assertEqual([mail("A"), mail("more A")], self.bodies(there, "B"))
            self.assertIn("B/x", there.folders)

    def test_newUnderOldName(self) -> None:
        """
        Another mailbox may be made under the old name.
        """
        for _, here, there in self.each():
            here.rename("B", "D")
            here.make("B").add(mail("new"))
            report = self.sync()
            self.assertEqual({}, report.troubles)
            self.assertEqual(1, report.done("copied").total())
            self.assertEqual([mail("new")], self.bodies(there, "B"))
            self.assertEqual([mail("B"), mail("more B")], self.bodies(there, "D"))
            self.assertSettled()

    def test_bothAlike(self) -> None:
        """
        One that was renamed on both sides alike is only renamed in the
        database.
        """
        for _, here, there in self.each():
            here.rename("A", "Z")
            there.rename("A", "Z")
            self.assertEqual({}, self.syncs().paired)
            self.assertEqual(0, here.count("RENAME") + there.count("RENAME"))

    def test_bothDifferently(self) -> None:
        """
        Where it was renamed on both sides, the remote's name counts.
        """
        self.local.rename("A", "Y")
        self.remote.rename("A", "Z")
        report = self.syncs()
        self.assertEqual(["renamed from A on local"], report.steps["Z"][:1])
        self.assertEqual({"INBOX", "B", "C", "Z", "Z/x"}, set(self.local.folders))

    def test_goneThere(self) -> None:
        """
        One that is gone from the other side is made again by its new name.
        """
        for _, here, there in self.each():
            here.rename("B", "D")
            there.delete("B")
            self.assertEqual({}, self.sync().troubles)
            self.assertEqual([mail("B"), mail("more B")], self.bodies(there, "D"))
            self.assertNotIn("B", here.folders)
            self.assertSettled()

    def test_onDeleted(self) -> None:
        """
        One may take the name of one that was deleted.
        """
        for _, here, there in self.each():
            here.delete("B")
            here.rename("C", "B")
            report = self.syncs()
            self.assertEqual([mail("C"), mail("more C")], self.bodies(there, "B"))
            self.assertNotIn("C", there.folders)
            self.assertEqual({}, report.paired)

    def test_onDeletedOfSameSecond(self) -> None:
        """
        So it may where LIST shows just what was there before.
        """
        for kind in "ids", "metadata":
            self.begin(kind)
            before = self.local.folders["B"].modseq
            self.local.delete("B")
            self.local.rename("C", "B")
            self.local.folders["B"].modseq = before
            self.syncs()
            self.assertEqual([mail("C"), mail("more C")], self.bodies(self.remote, "B"))

    def test_scope(self) -> None:
        """
        A rename is followed out of what is chosen, where the mailbox is left
        alone, and back into it.
        """
        chosen = {"listMailbox": ("A", "B", "C")}
        self.local.rename("C", "Hidden")
        self.assertEqual({}, self.sync(**chosen).troubles)
        self.assertEqual(
            [mail("C"), mail("more C")], self.bodies(self.remote, "Hidden")
        )
        self.remote.folders["Hidden"].add(mail("later"))
        self.assertEqual(0, self.sync(**chosen).changes)
        self.local.rename("Hidden", "C")
        report = self.sync(**chosen)
        self.assertEqual("renamed from Hidden on remote", report.steps["C"][0])
        self.assertEqual(1, report.done("copied").total())
        self.assertSettled()

    def test_named(self) -> None:
        """
        A mailbox that is asked for by either name is renamed and synced.
        """
        for name in ("B", "D"):
            self.begin()
            self.local.rename("B", "D")
            self.local.folders["D"].add(mail("new"))
            self.sync(request=Request((name,)))
            self.assertEqual(self.local.content, self.remote.content)

    def test_unsubscribed(self) -> None:
        """
        One that nobody is subscribed to stays so.
        """
        for account in (self.local, self.remote):
            account.folders["B"].subscribed = False
        self.sync()
        self.local.rename("B", "D")
        self.sync(listSelectOpts=())
        self.assertFalse(self.remote.folders["D"].subscribed)
        self.assertNotIn("B", self.remote.folders)

    def test_readOnly(self) -> None:
        """
        On a side that is read-only nothing is renamed, and what the other has is
        another mailbox; its own renames are followed.
        """
        self.remote.rename("A", "Z")
        self.sync(readOnly=[REMOTE])
        self.assertIn("Z/x", self.local.folders)
        self.local.rename("B", "D")
        before = self.remote.content
        report = self.sync(readOnly=[REMOTE])
        self.assertEqual([], troubles(report))
        self.assertIn("D", self.local.folders)
        self.assertNotIn("B", self.local.folders)
        self.assertEqual(before, self.remote.content)
        self.assertEqual(0, self.remote.count("RENAME", "SUBSCRIBE", "UNSUBSCRIBE"))

    def test_dryRun(self) -> None:
        """
        A dry run says what would be renamed, and what would then be done.
        """
        self.local.rename("A", "Z")
        self.local.rename("B", "tmp")
        self.local.rename("C", "B")
        self.local.rename("tmp", "C")
        self.local.folders["Z/x"].flag(1)
        before = self.remote.content
        said: list[str] = []
        self.sync(request=Request(dryRun=True), say=said.append)
        self.assertEqual(before, self.remote.content)
        for line in (
            "A: rename to Z on remote",
            "B: rename to C on remote",
            "C: rename to B on remote",
            "Z/x: remote: -\\Seen on UID 1",
        ):
            self.assertIn(line, said)
        for name in "Z", "Z/x":
            told = {
                line for line in said if line.startswith(f"{name}: ") and "sub" in line
            }
            self.assertEqual({f"{name}: subscribe on {side}" for side in Side}, told)
        self.syncs()

    def test_deletedBelow(self) -> None:
        """
        What was deleted below one that was renamed is not taken for renamed, as
        it is taken along.
        """
        for _, here, there in self.each():
            for account in (here, there):
                account.make("B/x").add(mail("x"))
            self.sync()
            here.rename("B", "D")
            here.delete("D/x")
            self.syncs()
            self.assertFalse({"B", "B/x", "D/x"} & there.folders.keys())


class ObstacleTests(RenamesCase):
    """
    Renames that cannot be followed.
    """

    def test_level(self) -> None:
        """
        Where a server renames nothing to a mere level, the mailbox is made, and
        the messages are moved to it.
        """
        for side, here, there in self.each():
            for account in (here, there):
                account.make("P/x")
            self.sync()
            here.rename("C", "P")
            there.levels.add("P")
            report = self.syncs()
            self.assertEqual({("P", side.other): 2}, report.done("moved"))
            self.assertNotIn("C", there.folders)
            self.assertFalse(here.ghosts | there.ghosts)

    def test_taken(self) -> None:
        """
        Where another mailbox has the name, the two become one, and nothing is
        sent that is there.
        """
        for side, here, there in self.each():
            here.rename("B", "D")
            there.make("D").add(mail("other"))
            here.rename("C", "E")
            report = self.sync()
            self.assertEqual({}, report.troubles)
            self.assertEqual({("D", side.other): 2}, report.done("moved"))
            self.assertEqual({("D", side): 1}, report.done("copied"))
            self.assertNotIn("B", there.folders)
            self.assertEqual(3, len(self.bodies(here, "D")))
            self.assertIn("E", there.folders)
            self.assertSettled()

    def test_takenAndNews(self) -> None:
        """
        If the other side's got new messages, it is made again.
        """
        for _, here, there in self.each():
            here.rename("B", "D")
            there.make("D").add(mail("other"))
            there.folders["B"].add(mail("news"))
            report = self.sync()
            self.assertEqual({}, report.troubles)
            self.assertIn(mail("news"), self.bodies(here, "B"))
            self.assertSettled()

    def test_refused(self) -> None:
        """
        A server may refuse; it is asked once.
        """
        self.remote.answers["RENAME"] = "NO [NOPERM] no"
        self.local.rename("B", "D")
        report = self.sync()
        [(name, text)] = troubles(report)
        self.assertEqual("B", name)
        self.assertIn("[NOPERM]", text)
        self.assertEqual(1, self.remote.count("RENAME"))
        self.assertNotIn("B", self.local.folders)
        self.assertNotIn("D", self.remote.folders)
        self.remote.answers.clear()
        self.syncs()

    def test_inVain(self) -> None:
        """
        Or say that it did, and do nothing.
        """
        self.remote.deaf.add("RENAME")
        self.local.rename("B", "D")
        self.assertIn("B", {name for name, _ in troubles(self.sync())})
        self.assertNotIn("D", self.remote.folders)
        self.remote.deaf.clear()
        self.syncs()

    def test_leftOver(self) -> None:
        """
        A temporary name of which nobody knows any more whose it was is told,
        and not shown to the other side.
        """
        self.local.make("imapsync-temporary-3").add(mail("lost"))
        report = self.sync()
        self.assertIn("left over", " ".join(text for _, text in troubles(report)))
        self.assertNotIn("imapsync-temporary-3", self.remote.folders)

    def test_inbox(self) -> None:
        """
        INBOX is never renamed: what was in it is copied, to where it is now.
        """
        for _, here, there in self.each():
            here.rename("INBOX", "Old")
            here.make("INBOX")
            here.folders["Old"].subscribed = True
            self.assertEqual({}, self.sync().troubles)
            self.assertEqual([mail("inbox")], self.bodies(there, "Old"))
            self.assertEqual([mail("inbox")], self.bodies(there, "INBOX"))
            self.assertSettled()


class InterruptedTests(RenamesCase):
    """
    Renames that are cut off.
    """

    def test_killed(self) -> None:
        """
        Killed before or after any commit, or after any RENAME.
        """
        done = Renamer._done

        async def dying(renamer: Renamer, step: Rename, account: Listing) -> bool:
            ended = await done(renamer, step, account)
            MortalState.step()
            return ended

        self.patch(Renamer, "_done", dying)
        for kind in KINDS:
            deaths = 0
            for steps in range(1, 60):
                self.begin(kind)
                self.local.rename("B", "tmp")
                self.local.rename("C", "B")
                self.local.rename("tmp", "C")
                self.local.rename("A", "Z")
                MortalState.left = steps
                try:
                    self.sync(open=MortalState.open)
                except Killed:
                    deaths += 1
                else:
                    break
                self.syncs()
            self.assertGreater(deaths, 3)


class ConcludedTests(RenamesCase):
    """
    Renames of which the answer is lost, after which the user goes on.
    """

    def cut(self, kind: str, old: str = "B", new: str = "New") -> None:
        """
        A mailbox is renamed on the local side, and then on the remote one; but the
        database does not learn of it any more.
        """
        self.begin(kind)
        self.local.rename(old, new)
        self.remote.before["RENAME"] = lambda: setattr(self.remote, "downLeft", 1)
        self.assertRaises(Lost, self.sync)
        self.assertIn(new, self.remote.folders)

    def empty(self, name: str) -> None:
        """
        The user moves all messages to another mailbox, and deletes their own.
        """
        for message in self.local.folders[name].messages.values():
            args = message.body, message.flags, message.date
            self.local.folders["C"].add(*args)
        self.local.delete(name)

    def test_movedAndDeleted(self) -> None:
        """
        It is deleted on the other side as well, and its messages are moved.
        """
        for kind in KINDS:
            self.cut(kind)
            self.empty("New")
            self.syncs()
            self.assertEqual(4, len(self.remote.folders["C"].messages))
            self.assertEqual({"INBOX", "A", "A/x", "C"}, {*self.remote.folders})

    def leaveUnknown(self, kind: str) -> None:
        """
        The user deletes it, and something unknown is in the other one, which the
        server was not told any more to be subscribed.
        """
        self.cut(kind)
        self.local.delete("New")
        self.local.ghosts.clear()
        self.remote.folders["New"].add(mail("unknown"))

    def test_unknown(self) -> None:
        """
        If there is something unknown in it, it is made again, since it was subscribed.
        """
        for kind in KINDS:
            self.leaveUnknown(kind)
            said: list[str] = []
            self.sync(request=Request(dryRun=True), say=said.append)
            self.assertIn("New: subscribe on remote", said)
            self.assertIn("New: make again on local", "".join(said))
            self.sync()
            self.assertTrue(self.local.folders["New"].subscribed)
            self.assertSettled()

    def test_subscribeRefused(self) -> None:
        """
        If the server does not let it be subscribed, that is told.
        """
        for kind in KINDS:
            self.leaveUnknown(kind)
            self.remote.answers["SUBSCRIBE"] = "NO [NOPERM] no"
            troubles = [*self.sync().troubles]
            self.assertEqual(["New"], [trouble.mailbox for trouble in troubles])
            self.assertIn("SUBSCRIBE was refused", str(troubles))
            self.assertEqual(3, len(self.remote.folders["New"].messages))

    def test_below(self) -> None:
        """
        So it is with what was taken along.
        """
        for kind in KINDS:
            self.cut(kind, "A", "New")
            self.empty("New/x")
            self.sync()
            self.assertEqual(4, len(self.remote.folders["C"].messages))
            self.assertEqual({"INBOX", "New", "B", "C"}, {*self.remote.folders})
            self.assertSettled()

    def test_renamedAgain(self) -> None:
        """
        It is renamed as the user has it now, and that may be as before.
        """
        for kind in KINDS:
            for name in "Newer", "B":
                self.cut(kind)
                self.local.rename("New", name)
                report = self.syncs()
                self.assertIn(name, self.remote.folders)
                self.assertNotIn("New", self.remote.folders)
                self.assertEqual({}, report.troubles)

    def test_unchanged(self) -> None:
        """
        Otherwise it is as if nothing had been cut.
        """
        for kind in KINDS:
            self.cut(kind)
            self.syncs()
            self.assertTrue(self.remote.folders["New"].subscribed)

    def test_notDone(self) -> None:
        """
        One that the server was not told of any more is as it was.
        """

        async def dying(renamer: Renamer, step: Rename, account: Listing) -> bool:
            raise Lost("cut")

        for kind in KINDS:
            for name in "Newer", "B", "":
                self.begin(kind)
                patch = self.patch(Renamer, "_done", dying)
                self.local.rename("B", "New")
                self.assertRaises(Lost, self.sync)
                patch.restore()
                if name:
                    self.local.rename("New", name)
                else:
                    self.empty("New")
                self.syncs()
                self.assertEqual(bool(name), name in self.remote.folders)

    def test_refused(self) -> None:
        """
        Nor is one that it refused: what a user then does there counts.
        """
        self.remote.answers["RENAME"] = "NO [NOPERM] no"
        self.local.rename("B", "New")
        self.sync()
        self.remote.answers.clear()
        self.remote.rename("B", "New")
        self.local.rename("New", "Newer")
        self.syncs()
        self.assertIn("New", self.local.folders)
