"""
Tests for what may be done on a side: that no more is done, and what becomes of the
rest.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from imapsync.config.request import Request
from imapsync.errors import ConfigError, MassDeletion
from imapsync.mailbox.report import Report
from imapsync.model import EVERYTHING, Act, Allowed, Side
from imapsync.plan.renameorder import isTemporary
from imapsync.test.fakes.world import World, troubles
from imapsync.testing.accounts import SEEN, Account, Folder, mail

LOCAL, REMOTE = Side

#: Of an archive, from which nothing is ever taken.
ARCHIVE: Allowed = (Act.CREATE, Act.APPEND, Act.SUBSCRIBE)

#: The commands that change something, and what they do.
_COMMANDS = {
    "CREATE": Act.CREATE,
    "DELETE": Act.DELETE,
    "RENAME": Act.RENAME,
    "APPEND": Act.APPEND,
    "COPY": Act.APPEND,
    "MOVE": Act.EXPUNGE,
    "EXPUNGE": Act.EXPUNGE,
    "STORE": Act.FLAGS,
    "SUBSCRIBE": Act.SUBSCRIBE,
    "UNSUBSCRIBE": Act.SUBSCRIBE,
}


def done(account: Account) -> Iterator[Act]:
    """
    What the commands do that a server has heard.
    """
    for line in account.heard:
        verb = line.removeprefix("UID ").split(" ")[0]
        if verb not in _COMMANDS:
            continue
        if verb == "RENAME" and any(isTemporary(n.strip('"')) for n in line.split()):
            yield Act.DELETE  # one is set aside before, so that nothing gets lost
        elif verb == "STORE" and r"\Deleted" in line:
            yield Act.EXPUNGE
        else:
            yield _COMMANDS[verb]


class AllowTestCase(SynchronousTestCase):
    """
    A test with two accounts that are equal at first.
    """

    def setUp(self) -> None:
        self.begin()

    def begin(self, guids: bool = True) -> None:
        """
        Begin with new ones, of two messages in each of some mailboxes.

        @param guids: whether these have lasting identities.
        """
        self.world = World(self.mktemp())
        self.local, self.remote = self.world.local, self.world.remote
        self.bodies = 0
        for account in (self.local, self.remote):
            account.guids = guids
        for name in ("A", "B", "C"):
            self.remote.make(name)
        for folder in self.remote.folders.values():
            for _ in range(2):
                self.arrive(folder)
        self.sync()
        self.assertTrue(self.world.equal)

    def arrive(self, folder: Folder) -> int:
        """
        A message comes that is nowhere else.
        """
        self.bodies += 1
        return folder.add(mail(f"message {self.bodies}"))

    def sync(self, allow: Mapping[Side, Allowed] | None = None) -> Report:
        """
        Sync once; on no side is more done than is allowed.
        """
        report = self.world.sync(allow=allow or {}, listSelectOpts=())
        for side, account in self.world.accounts.items():
            allowed = (allow or {}).get(side, EVERYTHING)
            self.assertEqual(set(), {*done(account)} - {*allowed}, account.heard)
        return report

    def settle(self, allow: Mapping[Side, Allowed]) -> None:
        """
        Sync, and once more: nothing is wrong, nor left to do.
        """
        self.assertEqual([], troubles(self.sync(allow)))
        before = [account.content for account in self.world.accounts.values()]
        report = self.sync(allow)
        self.assertEqual([], troubles(report))
        self.assertEqual(0, report.changes)
        for account, content in zip(self.world.accounts.values(), before, strict=True):
            self.assertEqual([], [*done(account)], account.heard)
            self.assertEqual(content, account.content)

    def lift(self) -> None:
        """
        All is allowed again: both sides get equal.
        """
        self.assertEqual([], troubles(self.sync()))
        ours, theirs = (
            # A name may still be subscribed of what was a mailbox.
            {name: account.content[name] for name in account.folders}
            for account in (self.local, self.remote)
        )
        self.assertEqual(ours, theirs)
        self.settle({})

    def without(self, *acts: Act) -> Mapping[Side, Allowed]:
        """
        These may not be done on the local side.
        """
        return {LOCAL: tuple(act for act in Act if act not in acts)}

    def subjects(self, folder: Folder) -> list[int]:
        """
        The messages of a mailbox.
        """
        found = (re.search(rb"message (\d+)", m.body) for m in folder.messages.values())
        return sorted(int(match[1]) for match in found if match)


class ActTests(AllowTestCase):
    """
    One thing that is not allowed.
    """

    def test_expunge(self) -> None:
        """
        What is expunged on the other side stays, and is not copied back; its flags
        do not matter any more.
        """
        ours, theirs = self.local.inbox, self.remote.inbox
        theirs.expunge(1)
        self.settle(self.without(Act.EXPUNGE))
        self.assertEqual([1, 2], self.subjects(ours))
        ours.flag(1, "\\Seen")
        self.settle(self.without(Act.EXPUNGE))
        ours.expunge(1)
        self.settle(self.without(Act.EXPUNGE))
        theirs.expunge(2)
        self.settle(self.without(Act.EXPUNGE))
        self.lift()
        self.assertEqual([], self.subjects(ours))

    def test_repair(self) -> None:
        """
        A repair neither brings what stays a second time, where its original is there
        anew, nor has it stay for ever when it may be removed.
        """
        theirs = self.remote.inbox
        body = theirs.messages[1].body
        theirs.expunge(1, 2)
        theirs.add(body)
        barred = self.without(Act.EXPUNGE)
        self.world.sync(Request(repair=True), allow=barred, listSelectOpts=())
        self.settle(barred)
        self.assertEqual([1, 2], self.subjects(self.local.inbox))
        self.world.sync(Request(repair=True), listSelectOpts=())
        self.assertEqual([1, 2], self.subjects(self.local.inbox))
        self.lift()
        self.assertEqual([1], self.subjects(self.local.inbox))

    def test_expungeRenumbered(self) -> None:
        """
        Nor is it when the other side's UIDs change; what is there again is the same
        as before.
        """
        ours, theirs = self.local.inbox, self.remote.inbox
        body = theirs.messages[1].body
        theirs.expunge(1)
        self.settle(self.without(Act.EXPUNGE))
        theirs.renumber()
        self.settle(self.without(Act.EXPUNGE))
        self.assertEqual([2], self.subjects(theirs))
        theirs.add(body)
        theirs.renumber()
        self.settle(self.without(Act.EXPUNGE))
        self.assertEqual([[1, 2]] * 2, [self.subjects(one) for one in (ours, theirs)])
        self.lift()
        self.assertEqual([1, 2], self.subjects(ours))

    def test_move(self) -> None:
        """
        What is moved on the other side is copied, and stays where it was.
        """
        message = self.remote.inbox.messages[1]
        self.remote.inbox.expunge(1)
        self.remote.folders["A"].add(message.body)
        self.settle(self.without(Act.EXPUNGE))
        self.assertEqual([1, 2], self.subjects(self.local.inbox))
        self.assertIn(1, self.subjects(self.local.folders["A"]))
        self.lift()

    def test_append(self) -> None:
        """
        What is new on the other side is not copied, until it is allowed.
        """
        self.arrive(self.remote.inbox)
        self.settle(self.without(Act.APPEND))
        self.arrive(self.remote.inbox)
        self.remote.inbox.flag(1, "\\Seen")
        self.settle(self.without(Act.APPEND))
        self.assertEqual([1, 2], self.subjects(self.local.inbox))
        self.arrive(self.local.inbox)
        self.settle(self.without(Act.APPEND))
        self.assertEqual(5, len(self.remote.inbox.messages))
        self.lift()

    def test_flags(self) -> None:
        """
        Flags differ as long as they must, and what became of them meanwhile is
        carried over in the end.
        """
        ours, theirs = self.local.inbox, self.remote.inbox
        theirs.flag(1, "\\Seen")
        ours.flag(2, "\\Flagged")
        self.settle(self.without(Act.FLAGS))
        self.assertEqual(frozenset(), ours.messages[1].flags)
        self.assertEqual({"\\Flagged"}, theirs.messages[2].flags)
        ours.flag(1, "\\Answered")
        theirs.flag(2)
        self.settle(self.without(Act.FLAGS))
        self.assertEqual({"\\Seen", "\\Answered"}, theirs.messages[1].flags)
        self.assertEqual({"\\Flagged"}, ours.messages[2].flags)
        self.lift()
        self.assertEqual({"\\Seen", "\\Answered"}, ours.messages[1].flags)
        self.assertEqual(frozenset(), ours.messages[2].flags)

    def test_flagsOfCopies(self) -> None:
        """
        A copy has the flags of its original, although the server has another one of
        the same content.
        """
        message = self.remote.inbox.messages[1]
        self.remote.folders["A"].add(message.body, SEEN, message.date)
        self.settle(self.without(Act.FLAGS))
        copied = [*self.local.folders["A"].messages.values()][-1]
        self.assertEqual((message.body, SEEN), (copied.body, copied.flags))
        self.lift()

    def test_create(self) -> None:
        """
        A mailbox of the other side is left out.
        """
        self.arrive(self.remote.make("D"))
        self.settle(self.without(Act.CREATE))
        self.assertNotIn("D", self.local.folders)
        self.lift()
        self.assertIn("D", self.local.folders)

    def test_delete(self) -> None:
        """
        A mailbox that is deleted there stays here, is not made again there, and what
        was in it does not come to another one of that name: it is expunged, or stays,
        too.
        """
        self.remote.delete("B")
        self.settle(self.without(Act.DELETE))
        self.assertEqual([5, 6], self.subjects(self.local.folders["B"]))
        self.arrive(self.remote.make("B"))
        self.settle(self.without(Act.DELETE, Act.EXPUNGE))
        self.assertEqual([5, 6, 9], self.subjects(self.local.folders["B"]))
        self.assertEqual([9], self.subjects(self.remote.folders["B"]))
        self.settle(self.without(Act.DELETE))
        self.assertEqual([9], self.subjects(self.local.folders["B"]))
        self.remote.delete("B")
        self.settle(self.without(Act.DELETE))
        self.lift()
        self.assertNotIn("B", self.local.folders)

    def test_deleteNew(self) -> None:
        """
        If something has come here that never was there, it is made again for that.
        """
        self.remote.delete("B")
        self.settle(self.without(Act.DELETE))
        self.arrive(self.local.folders["B"])
        self.settle(self.without(Act.DELETE))
        self.assertEqual([9], self.subjects(self.remote.folders["B"]))

    def test_deleteFull(self) -> None:
        """
        Without expunge, only one in which there is nothing is deleted.
        """
        self.remote.delete("B")
        self.remote.folders["C"].expunge(1, 2)
        self.local.folders["C"].expunge(1, 2)
        self.settle(self.without(Act.EXPUNGE))
        self.remote.delete("C")
        self.settle(self.without(Act.EXPUNGE))
        self.assertIn("B", self.local.folders)
        self.assertNotIn("C", self.local.folders)
        self.lift()

    def test_rename(self) -> None:
        """
        A mailbox that is renamed there is made anew here by its new name, and stays,
        or goes, by its old one.
        """
        self.remote.rename("B", "D")
        self.settle(self.without(Act.RENAME, Act.DELETE))
        for name in "BD":
            self.assertEqual([5, 6], self.subjects(self.local.folders[name]))
        self.assertNotIn("B", self.remote.folders)
        self.remote.rename("D", "B")
        self.settle(self.without(Act.RENAME, Act.DELETE))
        self.assertEqual([5, 6], self.subjects(self.remote.folders["B"]))
        self.remote.rename("C", "E")
        self.settle(self.without(Act.RENAME))
        self.assertNotIn("C", self.local.folders)
        self.lift()

    def test_trash(self) -> None:
        """
        A trash takes what is expunged, if it may be moved there; it has to be there
        if it may not be made.
        """
        self.remote.inbox.expunge(1)
        trash: dict[str, Any] = {"trash": {LOCAL: "Bin"}, "listSelectOpts": ()}
        self.world.sync(allow=self.without(Act.EXPUNGE), **trash)
        self.assertEqual([1, 2], self.subjects(self.local.inbox))
        without = self.without(Act.CREATE)
        error = self.assertRaises(ConfigError, self.world.sync, allow=without, **trash)
        self.assertIn("which is not there, and may not be made", str(error))
        self.local.make("Bin")
        self.world.sync(allow=without, **trash)
        self.assertEqual([1], self.subjects(self.local.folders["Bin"]))
        self.assertEqual([2], self.subjects(self.local.inbox))

    def test_emptied(self) -> None:
        """
        That everything is gone there is no harm as long as nothing may be removed; the
        brake holds when it may.
        """
        for _ in range(120):
            self.arrive(self.remote.inbox)
        self.sync()
        self.remote.inbox.expunge(*list(self.remote.inbox.messages))
        self.settle(self.without(Act.EXPUNGE))
        self.assertEqual(122, len(self.local.inbox.messages))
        self.assertRaises(MassDeletion, self.sync)
        self.assertEqual(122, len(self.local.inbox.messages))

    def test_dryRun(self) -> None:
        """
        A dry run says nothing of what may not be done, nor of what is there anew, and
        remembers nothing.
        """
        self.remote.inbox.expunge(1)
        self.remote.delete("B")
        theirs = self.remote.folders["C"]
        body = theirs.messages[1].body
        theirs.expunge(1)
        theirs.add(body)
        said: list[str] = []
        self.world.sync(
            Request(dryRun=True),
            said.append,
            allow=self.without(Act.EXPUNGE, Act.DELETE),
            listSelectOpts=(),
        )
        self.assertEqual(["C: pair 1 messages that both sides hold"], said)
        self.sync()
        self.assertTrue(self.world.equal)

    def test_subscribe(self) -> None:
        """
        What is subscribed there alone stays so.
        """
        self.remote.folders["B"].subscribed = False
        self.remote.make("D")
        self.local.folders["C"].subscribed = False
        self.settle(self.without(Act.SUBSCRIBE))
        self.assertTrue(self.local.folders["B"].subscribed)
        self.assertFalse(self.local.folders["D"].subscribed)
        self.assertFalse(self.remote.folders["B"].subscribed)
        self.assertTrue(self.remote.folders["D"].subscribed)
        self.assertFalse(self.remote.folders["C"].subscribed)
        self.lift()


def change(test: AllowTestCase, account: Account, dice: random.Random) -> None:
    """
    Somebody does something on one side.
    """
    folders = account.folders
    name = dice.choice(sorted(folders))
    folder = folders[name]
    others = sorted(folders.keys() - {"INBOX"})
    uids = sorted(folder.messages)
    match dice.randrange(8):
        case 0 | 1:
            test.arrive(folder)
        case 2 if uids:
            folder.expunge(dice.choice(uids))
        case 3 if uids:
            flags = ("\\Seen", "\\Flagged", "note")
            folder.flag(dice.choice(uids), *dice.sample(flags, dice.randrange(3)))
        case 4:
            new = dice.choice("ABCDEF")
            if new not in folders:
                account.make(new, dice.random() < 0.5)
        case 5 if others:
            account.delete(dice.choice(others))
        case 6 if others:
            new = dice.choice("ABCDEF")
            if new not in folders:
                account.rename(dice.choice(others), new)
        case 7 if uids:
            uid, target = dice.choice(uids), folders[dice.choice(sorted(folders))]
            message = folder.messages[uid]
            folder.expunge(uid)
            target.add(message.body, message.flags, message.date)


class RandomTests(AllowTestCase):
    """
    Whatever is allowed, and whatever happens.
    """

    def unique(self) -> None:
        """
        Nothing is doubled.
        """
        for account in (self.local, self.remote):
            for name, folder in account.folders.items():
                found = self.subjects(folder)
                self.assertEqual(sorted({*found}), found, name)

    def permissions(self, dice: random.Random) -> Mapping[Side, Allowed]:
        """
        Some that are allowed on one side, or on both.
        """
        some = [tuple(a for a in Act if dice.random() < 0.6) for _ in Side]
        allowed = dict(zip(Side, some, strict=True))
        if dice.random() < 0.5:
            allowed[dice.choice([*Side])] = EVERYTHING
        return allowed

    def test_anything(self) -> None:
        """
        Nothing is done that is not allowed, nothing is doubled, a second run has
        nothing to do; and when all is allowed, both sides get equal.
        """
        for seed in self.seeds():
            dice = random.Random(seed)
            with self.subTest(seed):
                self.begin(guids=seed % 2 == 0)
                for _ in range(3):
                    allowed = self.permissions(dice)
                    for _ in range(3):
                        for account in (self.local, self.remote):
                            if dice.random() < 0.7:
                                change(self, account, dice)
                    self.settle(allowed)
                    self.unique()
                self.lift()
                self.unique()

    def test_archive(self) -> None:
        """
        An archive never loses anything, whatever happens on the other side; and that
        gets nothing from it.
        """
        for seed in self.seeds():
            dice = random.Random(seed)
            with self.subTest(seed):
                self.begin(guids=seed % 2 == 0)
                seen = self.everything(self.remote)
                for _ in range(10):
                    if dice.random() < 0.1:
                        self.remote.inbox.renumber()
                    else:
                        change(self, self.remote, dice)
                    before = self.remote.content
                    self.settle({LOCAL: ARCHIVE})
                    self.assertEqual(before, self.remote.content)
                    seen |= self.everything(self.remote)
                    self.assertEqual(set(), seen - self.everything(self.local))
                    self.unique()

    def everything(self, account: Account) -> set[tuple[str, int]]:
        """
        All messages, each with the mailbox in which it is.
        """
        return {
            (name, subject)
            for name, folder in account.folders.items()
            for subject in self.subjects(folder)
        }

    def seeds(self) -> Iterable[int]:
        """
        Those by which it is tried.
        """
        return range(8)
