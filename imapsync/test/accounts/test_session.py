"""
Tests for L{imapsync.accounts.session}: whole runs between two servers in memory.
"""

from __future__ import annotations

import gc
import re
import unicodedata
from collections.abc import Callable, Mapping

from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from imapsync.config.request import Request
from imapsync.config.server import ServerConfig
from imapsync.errors import (
    Lost,
    MassDeletion,
    NotFound,
    ProtocolViolation,
    Refused,
)
from imapsync.mailbox.report import Report
from imapsync.model import Side
from imapsync.names import shown
from imapsync.test.fakes.world import QuickState, World, troubles
from imapsync.testing.accounts import SEEN, Account, mail

LOCAL, REMOTE = Side


class Killed(BaseException):
    """
    The end of the world.
    """


class MortalState(QuickState):
    """
    A database whose process is killed before a commit, or right after it.

    @cvar left: how many steps it still has to live.
    """

    left = 0

    @classmethod
    def step(cls) -> None:
        """
        Live on, or not.
        """
        cls.left -= 1
        if not cls.left:
            raise Killed

    def _commit(self) -> None:
        self.step()
        super()._commit()
        self.step()


class SessionCase(SynchronousTestCase):
    """
    Two accounts.
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

    def sync(self, **changes: object) -> Report:
        """
        Sync.
        """
        return self.world.sync(**changes)  # type: ignore[arg-type]

    def assertSettled(self) -> None:
        """
        Both sides are equal, and another run changes nothing and selects no
        mailbox.
        """
        self.assertEqual(self.local.content, self.remote.content)
        report = self.sync()
        self.assertEqual(0, report.changes)
        self.assertEqual({}, report.troubles)
        for account in (self.local, self.remote):
            self.assertEqual(0, account.count("SELECT", "EXAMINE", "APPEND"))


class MailboxesTests(SessionCase):
    """
    Which mailboxes are made, subscribed and synced.
    """

    def test_created(self) -> None:
        """
        Mailboxes are made, subscribed and filled in both directions, with the
        separators and the spelling of each server.
        """
        self.world.accounts[REMOTE] = self.remote = Account(".")
        self.local.make("Work").add(mail(1))
        self.local.make("Work/Deep \u00e9t\u00e9 & more").add(mail(2))
        self.remote.make('a "quoted" \\ *%').add(mail(3), SEEN)
        self.remote.inbox.add(mail(4))
        report = self.sync()
        self.assertIn("Work.Deep \u00e9t\u00e9 & more", self.remote.folders)
        self.assertEqual(
            ["created on remote", "subscribed on remote"], report.steps["Work"]
        )
        self.assertSettled()

    def test_subscriptions(self) -> None:
        """
        Subscriptions are followed in both directions, both ways.
        """
        for name in ("A", "B"):
            self.local.make(name)
        self.sync()
        self.local.folders["A"].subscribed = False
        self.remote.folders["B"].subscribed = False
        self.sync()
        self.assertFalse(self.remote.folders["A"].subscribed)
        self.assertFalse(self.local.folders["B"].subscribed)
        self.remote.folders["A"].subscribed = True
        self.sync()
        self.assertTrue(self.local.folders["A"].subscribed)
        self.assertSettled()

    def test_unsubscribed(self) -> None:
        """
        What nobody subscribes to is left alone, unless all is wanted.
        """
        self.local.make("Quiet", subscribed=False).add(mail(1))
        self.sync()
        self.assertNotIn("Quiet", self.remote.folders)
        self.sync(listSelectOpts=())
        self.assertEqual(self.local.content, self.remote.content)

    def test_named(self) -> None:
        """
        The mailboxes that the user names are the only ones, subscribed or
        not.
        """
        for name in ("A", "B", "C"):
            self.local.make(name, subscribed=name != "B").add(mail(name))
        self.world.fill(mail(1))
        self.sync(request=Request(mailboxes=("B", "inbox")))
        self.assertEqual({"INBOX", "B"}, set(self.remote.folders))
        self.assertEqual(1, len(self.remote.inbox.messages))

    def test_unknown(self) -> None:
        """
        One that is on neither server is an error, before anything is done.
        """
        self.world.accounts[LOCAL] = Account(".")
        self.world.accounts[LOCAL].make("A")
        error = self.assertRaises(
            NotFound, self.sync, request=Request(("A", "No.Where"))
        )
        self.assertEqual(
            'neither server has the mailbox "No.Where": check the spelling,'
            " and the separators of its levels",
            str(error),
        )
        self.assertNotIn("A", self.remote.folders)

    def below(self, reference: str) -> Mapping[Side, ServerConfig]:
        """
        The servers, of which the local one has a C{list-reference}.
        """
        servers = self.world.settings().servers
        local = servers[LOCAL]._replace(listReference=reference)
        return {**servers, LOCAL: local}

    def test_reference(self) -> None:
        """
        A reference may lack the separator at its end.
        """
        self.local.make("Archive/One").add(mail(1))
        self.local.make("Archived").add(mail(2))
        self.remote.make("Two").add(mail(3))
        for reference in ("Archive", "Archive/"):
            report = self.sync(servers=self.below(reference))
            self.assertEqual({}, report.troubles)
        self.assertEqual({"INBOX", "One", "Two"}, set(self.remote.folders))
        self.assertLess({"Archive/INBOX", "Archive/Two"}, set(self.local.folders))

    def test_otherReference(self) -> None:
        """
        Where the reference leads elsewhere now, nothing was deleted or renamed.
        """
        for name in ("A/INBOX", "A/x", "A/B/INBOX", "A/B/y"):
            self.local.make(name).add(mail(name))
        self.sync(servers=self.below("A/"))
        before = self.remote.content
        self.sync(servers=self.below("A/B/"))
        after = self.remote.content
        self.assertEqual(0, self.remote.count("DELETE", "RENAME", "EXPUNGE"))
        self.assertEqual({*before, "y"}, set(self.remote.folders))
        for name, (_, messages) in before.items():
            self.assertEqual([], [m for m in messages if m not in after[name][1]])

    def test_namedByServer(self) -> None:
        """
        What the user names, and patterns, may be as the local server has it;
        if there is a mailbox of the name as typed, that is meant.
        """
        servers = self.below("Archive")
        for name in ("One", "One/Two", "Three", "Archive/Three"):
            self.local.make(f"Archive/{name}")
        self.sync(servers=servers, request=Request(("Archive/One", "Archive/Three")))
        self.assertEqual({"INBOX", "One", "Archive/Three"}, set(self.remote.folders))
        self.sync(servers=servers, listMailbox=("Archive/One/%",))
        self.assertIn("One/Two", self.remote.folders)
        self.assertNotIn("Three", self.remote.folders)

    def test_chosen(self) -> None:
        """
        Patterns, and names to ignore, choose.
        """
        for name in ("A", "A/x", "B", "Trash"):
            self.local.make(name)
        self.sync(listMailbox=("A", "A/*", "T*"), ignoreMailbox=re.compile("^Trash$"))
        self.assertEqual({"INBOX", "A", "A/x"}, set(self.remote.folders))

    def test_otherOptions(self) -> None:
        """
        Other options of LIST choose, too.
        """
        self.local.make("A")
        for account in (self.local, self.remote):
            account.capabilities.add("SPECIAL-USE")
        self.sync(listSelectOpts=("SPECIAL-USE",))
        self.assertTrue(any("SPECIAL-USE" in line for line in self.local.heard))
        self.assertIn("A", self.remote.folders)

    def test_goneFromBoth(self) -> None:
        """
        One that is gone from both sides is forgotten, and may come again.
        """
        self.local.make("A").add(mail(1))
        self.sync()
        del self.remote.folders["A"], self.local.folders["A"]
        self.assertEqual({}, self.sync().troubles)
        self.remote.make("A").add(mail(2))
        self.sync()
        self.assertSettled()

    def test_phantom(self) -> None:
        """
        What is listed as a mailbox, but without its status, and does not exist,
        as LIST says to those who ask for subscriptions, is a mere name.
        """
        self.remote.phantoms.add("A")
        self.remote.make("A/B").add(mail(1))
        self.assertEqual({}, self.sync().troubles)
        self.assertEqual({"INBOX", "A/B"}, set(self.local.folders))
        self.assertSettled()

    def test_shut(self) -> None:
        """
        What is listed, and is said not to exist when it is to be opened, is
        named and left alone on both sides, with all that is below it as it is,
        whether it is known or not.
        """
        for name in ("A", "A/B", "C"):
            self.local.make(name).add(mail(name))
        self.sync()
        self.remote.make("D").add(mail("D"))
        self.remote.shut |= {"A", "C", "D"}
        self.local.folders["A/B"].add(mail(2))
        for _ in range(2):
            report = self.sync()
            told = dict(troubles(report))
            self.assertEqual({"A", "C", "D"}, set(told))
            for text in told.values():
                self.assertIn("remote: it is listed, but cannot be opened", text)
                self.assertIn("it doesn't exist", text)
                self.assertIn("left alone", text)
        self.assertEqual({"INBOX", "A", "A/B", "C"}, set(self.local.folders))
        self.assertEqual(1, len(self.local.folders["A"].messages))
        self.assertEqual(2, len(self.remote.folders["A/B"].messages))
        self.remote.shut.clear()
        self.assertEqual({}, self.sync().troubles)
        self.assertSettled()

    def test_shutToSelect(self) -> None:
        """
        So is what has a status, and is said not to exist when it is selected.
        """
        self.local.make("A").add(mail(1))
        self.sync()
        for answer in "NO [NONEXISTENT] no", "NO it doesn't exist":
            self.local.folders["A"].add(mail(answer))
            self.remote.refusal = lambda line, answer=answer: (  # type: ignore[misc]
                answer if re.match("(SELECT|EXAMINE) A ", line) else ""
            )
            for _ in range(2):
                [(name, told)] = troubles(self.sync())
                self.assertEqual("A", name)
                self.assertIn("remote: ", told)
                self.assertEqual(1, len(self.remote.folders["A"].messages))
            self.remote.refusal = lambda _: ""
            self.sync()
            self.assertSettled()
            self.local.folders["A"].expunge(max(self.local.folders["A"].messages))
            self.sync()

    def test_tacit(self) -> None:
        """
        Where LIST suddenly tells no subscriptions, nobody is unsubscribed on the
        other side; what is changed in them meanwhile is carried over.
        """
        for name in "A", "B", "C", "D":
            self.local.make(name)
        self.remote.make("E", subscribed=False)
        self.sync()
        self.remote.tacit = True
        for _ in range(2):
            self.assertEqual({}, self.sync().steps)
        self.remote.folders["B"].subscribed = False
        self.remote.folders["E"].subscribed = True
        self.local.folders["C"].subscribed = False
        with capturedLogs() as events:
            self.sync()
        told = [formatEvent(event) for event in events]
        self.assertEqual(1, sum("LSUB is believed" in text for text in told))
        for account in self.local, self.remote:
            chosen = {n for n, one in account.folders.items() if one.subscribed}
            self.assertEqual({"INBOX", "A", "D", "E"}, chosen)

    def test_tacitAtFirst(self) -> None:
        """
        So it is where it never told any.
        """
        self.remote.tacit = True
        self.remote.make("A").add(mail(1))
        self.remote.make("B", subscribed=False)
        self.assertEqual({}, self.sync().troubles)
        self.assertEqual({"INBOX", "A"}, set(self.local.folders))
        self.assertTrue(self.local.folders["A"].subscribed)
        self.assertEqual({}, self.sync().steps)

    def test_tacitAndMute(self) -> None:
        """
        A server that knows no LSUB either is not believed.
        """
        for name in "A", "B":
            self.local.make(name)
        self.sync()
        self.remote.tacit = True
        self.remote.answers["LSUB"] = "BAD what?"
        self.assertEqual({}, self.sync().steps)

    def test_unsubscribedAll(self) -> None:
        """
        What LSUB confirms is carried over.
        """
        for name in "A", "B":
            self.local.make(name)
        self.sync()
        for name in "A", "B":
            self.remote.folders[name].subscribed = False
        self.sync()
        self.assertFalse(self.local.folders["A"].subscribed)
        self.assertFalse(self.local.folders["B"].subscribed)

    def test_namespaces(self) -> None:
        """
        All personal namespaces are synced; what is in others is named once.
        """
        self.remote.namespaces = (
            '(("" "/")("Archive/" "/")("#old." ".")) (("Other/" "/")) (("Shared" "/"))'
        )
        ours = {"Archive/2023", "#old/a/b", "Shared Folders of 2023", "Others"}
        for name in ours:
            self.remote.make(name.replace("/", "." if name[0] == "#" else "/"))
        for number in range(12):
            self.remote.make(f"Shared/{number:02}")
        self.remote.make("Other/bob")
        self.remote.make("Shared/x", subscribed=False)
        with capturedLogs() as events:
            self.assertEqual({}, self.sync().troubles)
        self.assertEqual({"INBOX", *ours}, set(self.local.folders))
        [told] = [t for t in map(formatEvent, events) if t and "left out" in t]
        self.assertIn('remote: left out, as it is in no personal namespace: "Ot', told)
        self.assertIn('"Other/bob", "Shared/00"', told)
        self.assertIn('"Shared/08" and 3 more', told)
        self.local.make("#old/c").add(mail(1))
        self.sync()
        self.assertEqual(1, len(self.remote.folders["#old.c"].messages))
        self.assertEqual({}, self.sync().steps)

    def test_shutUnsubscribed(self) -> None:
        """
        Where nobody is subscribed to it, nor to what is below, a name with
        mailboxes below it is a level of theirs; one without is left alone.
        """
        for name in ("A", "A/B", "C"):
            self.local.make(name, subscribed=False)
        self.sync(listSelectOpts=())
        for folder in self.remote.folders.values():
            folder.subscribed = False
        for name in ("A", "C"):
            self.remote.delete(name)
            self.remote.phantoms.add(name)
        told = dict(troubles(self.sync(listSelectOpts=())))
        self.assertEqual({"C"}, set(told), told)
        self.assertEqual({"INBOX", "A/B", "C"}, set(self.local.folders))

    def test_remade(self) -> None:
        """
        One that was deleted and made anew on one side is filled again.
        """
        self.local.make("A").add(mail(1))
        self.sync()
        self.remote.make("A").add(mail(2))
        self.sync()
        self.assertEqual(2, len(self.local.folders["A"].messages))
        self.assertSettled()

    def test_refusedName(self) -> None:
        """
        A name that the other server refuses is reported once, and the others
        go on.
        """
        self.local.make("bad").add(mail(1))
        self.world.fill(mail(3))
        self.remote.answers["CREATE"] = "NO [CANNOT] no such name"
        report = self.sync()
        [(name, text)] = troubles(report)
        self.assertEqual("bad", name)
        self.assertIn("[CANNOT] no such name", text)
        self.assertEqual(1, len(self.remote.inbox.messages))

    def test_unspeakableName(self) -> None:
        """
        A name that cannot be one on the other side is reported, and the
        others go on.
        """
        self.world.accounts[REMOTE] = self.remote = Account(".")
        self.local.make("v1.0").add(mail(1))
        self.local.make("good").add(mail(2))
        report = self.sync()
        self.assertEqual(["v1.0"], [name for name, _ in troubles(report)])
        self.assertEqual({"INBOX", "good"}, set(self.remote.folders))

    def test_subscribedInVain(self) -> None:
        """
        A server that says OK to SUBSCRIBE, and does nothing, is not asked
        for ever; its messages are synced.
        """
        self.remote.deaf.add("SUBSCRIBE")
        self.local.make("A").add(mail(1))
        report = self.sync()
        self.assertEqual(["A"], [name for name, _ in troubles(report)])
        self.assertTrue(self.local.folders["A"].subscribed)
        self.assertEqual(1, len(self.remote.folders["A"].messages))
        self.remote.deaf.clear()
        self.sync()
        self.assertSettled()

    def test_createdInVain(self) -> None:
        """
        Nor one that says OK to CREATE.
        """
        self.remote.deaf.add("CREATE")
        self.remote.answers["SUBSCRIBE"] = "NO not there"
        self.local.make("A").add(mail(1))
        self.world.fill(mail(2))
        report = self.sync()
        self.assertIn("A", {name for name, _ in troubles(report)})
        self.assertEqual(1, len(self.remote.inbox.messages))

    def test_madeAgain(self) -> None:
        """
        So it is with one that is made again: nobody is unsubscribed on the other side.
        """
        self.local.make("A")
        self.remote.before["CREATE"] = lambda: setattr(self.remote, "downLeft", 1)
        self.assertRaises(Lost, self.sync)
        self.sync()
        self.local.folders["A"].add(mail(1))
        self.remote.delete("A")
        self.remote.ghosts.clear()
        self.remote.answers["SUBSCRIBE"] = "NO [SERVERBUG] oops"
        self.sync()
        self.assertIn("A", self.remote.folders)
        self.remote.answers.clear()
        self.sync()
        self.assertTrue(self.local.folders["A"].subscribed)
        self.assertSettled()

    def test_subscriptionRefused(self) -> None:
        """
        A refused subscription is reported; messages are synced all the same.
        """
        self.remote.answers["SUBSCRIBE"] = "NO [NOPERM] no"
        self.local.make("A").add(mail(1))
        report = self.sync()
        self.assertIn("[NOPERM]", " ".join(text for _, text in troubles(report)))
        self.assertEqual(1, len(self.remote.folders["A"].messages))
        self.remote.answers.clear()
        self.sync()
        self.assertSettled()

    def test_readOnly(self) -> None:
        """
        On a side that is read-only nothing is made or subscribed.
        """
        self.local.make("A")
        self.remote.make("B").add(mail(1))
        self.sync(readOnly=[REMOTE])
        self.assertEqual({"INBOX", "B"}, set(self.remote.folders))
        self.assertEqual(1, len(self.local.folders["B"].messages))
        self.assertEqual(0, self.remote.count("CREATE", "SUBSCRIBE", "UNSUBSCRIBE"))

    def test_dryRun(self) -> None:
        """
        A dry run says what would be made, makes nothing, and does not touch
        the database.
        """
        self.local.make("A").add(mail(1))
        self.remote.make("B", subscribed=False)
        said: list[str] = []
        self.sync(request=Request(dryRun=True), say=said.append)
        self.assertEqual(
            [
                "A: create on remote",
                "A: subscribe on remote",
                "A: copy UID 1 from local to remote",
            ],
            said,
        )
        self.assertNotIn("A", self.remote.folders)
        self.sync()
        self.assertIn("A", self.remote.folders)


class CollisionTests(SessionCase):
    """
    Names of one side that are one and the same on the other.
    """

    def assertApart(self, report: Report, mine: str, other: str) -> None:
        """
        C{mine} was left alone because of C{other}, and both are named.
        """
        text = " ".join(text for name, text in troubles(report) if name == mine)
        self.assertIn(f'"{mine}"', text)
        self.assertIn(f'"{shown(other)}"', text)
        self.assertEqual([mail(mine)], bodies(self.local, mine))
        self.assertNotIn(mine, self.remote.folders)

    def test_case(self) -> None:
        """
        A server that does not tell C{Work} from C{work} gets one of them; the
        other is left alone, and nothing is merged.  So it is with either way to
        write a letter with an accent.
        """

        def normal(name: str) -> str:
            return unicodedata.normalize("NFC", name)

        for fold, mine, other in (
            (str.casefold, "work", "Work"),
            (normal, "\u00e9t\u00e9", "e\u0301te\u0301"),
        ):
            for deaf in (set(), {"CREATE"}):
                for first in ("local", "remote", "both"):
                    self.begin()
                    self.remote.fold = fold
                    if first != "remote":
                        self.local.make(other).add(mail(other))
                        if first == "local":
                            self.sync()
                    else:
                        self.remote.make(other).add(mail(other))
                    self.local.make(mine).add(mail(mine))
                    self.remote.deaf = set() if first == "both" else deaf
                    for _ in range(2):
                        report = self.sync()
                        self.assertApart(report, mine, other)
                        self.assertEqual([mail(other)], bodies(self.remote, other))
                        self.assertEqual([mail(other)], bodies(self.local, other))

    def test_respelled(self) -> None:
        """
        A mailbox that a server made by nearly the name that it was asked for is
        known by that; it is synced, and nothing else is made.
        """

        def trimmed(name: str) -> str:
            return "/".join(level.strip() for level in name.split("/"))

        def composed(name: str) -> str:
            return unicodedata.normalize("NFC", name)

        for respell, name, spelled in (
            (trimmed, "Work ", "Work"),
            (composed, "e\u0301te\u0301", "\u00e9t\u00e9"),
            (str.lower, "Work", "work"),
        ):
            self.begin()
            self.remote.respell = respell
            below, spelledBelow = f"{name}/x", f"{spelled}/x"
            for each in name, below, "B":
                self.local.make(each).add(mail(each))
            self.assertEqual({}, self.sync().troubles)
            for _ in range(2):
                report = self.sync()
                self.assertEqual({}, report.troubles)
                self.assertEqual({}, report.steps)
            self.assertEqual({"INBOX", name, below, "B"}, {*self.local.folders})
            there = {"INBOX", respell("B"), spelled, spelledBelow}
            self.assertEqual(there, {*self.remote.folders})
            self.remote.folders[spelled].add(mail("there"))
            self.remote.folders[spelledBelow].flag(1, "\\Seen")
            self.sync()
            self.assertEqual(2, len(self.local.folders[name].messages))
            self.assertEqual({"\\Seen"}, self.local.folders[below].messages[1].flags)
            self.assertTrue(self.remote.folders[spelled].subscribed)
            self.local.delete(below)
            self.sync()
            self.assertNotIn(spelledBelow, self.remote.folders)
            self.remote.rename(spelled, "new")
            self.sync()
            self.assertIn("new", self.local.folders)
            self.assertEqual({}, self.sync().steps)

    def test_respelledAndKilled(self) -> None:
        """
        So it is where the run ends right after that.
        """
        deaths = 0
        for steps in range(1, 200):
            self.begin()
            self.remote.respell = str.strip
            self.local.make("Work ").add(mail(1))
            MortalState.left = steps
            try:
                self.sync(open=MortalState.open)
            except Killed:
                deaths += 1
            else:
                break
            self.assertEqual({}, self.sync().troubles)
            self.assertEqual({"INBOX", "Work "}, {*self.local.folders})
            self.assertEqual({"INBOX", "Work"}, {*self.remote.folders})
            self.assertEqual(1, len(self.remote.folders["Work"].messages))
        self.assertGreater(deaths, 5)

    def test_faster(self) -> None:
        """
        That somebody else has just made the mailbox is no collision.
        """
        self.local.make("A").add(mail(1))
        self.remote.before["CREATE"] = lambda: self.remote.make("A")
        self.assertEqual({}, self.sync().troubles)
        self.assertSettled()

    def test_kinds(self) -> None:
        """
        Names that collide for other reasons are told with both of their
        spellings as well, and left alone.
        """
        for here, there, names in (
            (".", "/", ("A.B", "A/B")),
            ("/", ".", ("A/B", "A.B")),
            ("/", ".", ("Inbox/x", "INBOX/x")),
        ):
            self.begin()
            self.world.accounts[LOCAL] = self.local = Account(here)
            self.world.accounts[REMOTE] = self.remote = Account(there)
            for name in names:
                self.local.make(name).add(mail(name))
            for _ in range(2):
                [(_, text)] = troubles(self.sync())
                for name in names:
                    self.assertIn(f'"{name}"', text)
                for name in {*self.remote.folders} - {"INBOX"}:
                    self.assertEqual([mail(names[0])], bodies(self.remote, name))


class SpecialUseTests(SessionCase):
    """
    Tests for C{map-special-use}.
    """

    def setUp(self) -> None:
        """
        Sent messages here and there.
        """
        super().setUp()
        ours, theirs = self.local.make("Sent"), self.remote.make("Sent Items")
        ours.use = theirs.use = "\\Sent"
        ours.add(mail("here"))
        theirs.add(mail("there"))
        self.local.make("Sent/2020").add(mail("old"))
        self.remote.capabilities.add("SPECIAL-USE")
        self.local.capabilities.add("SPECIAL-USE")

    def test_off(self) -> None:
        """
        Without it, names are all that counts.
        """
        self.sync()
        self.assertIn("Sent", self.remote.folders)
        self.assertFalse(any("SPECIAL-USE" in line for line in self.remote.heard))
        self.assertSettled()

    def test_on(self) -> None:
        """
        With it, they are one, and so are those below them.
        """
        self.sync(mapSpecialUse=True)
        self.assertIn("SPECIAL-USE", self.remote.heard[1])
        self.assertEqual(
            {"INBOX", "Sent Items", "Sent Items/2020"}, set(self.remote.folders)
        )
        self.assertEqual({"INBOX", "Sent", "Sent/2020"}, set(self.local.folders))
        self.assertEqual(2, len(bodies(self.local, "Sent")))
        self.assertEqual(2, len(bodies(self.remote, "Sent Items")))
        self.remote.folders["Sent Items"].expunge(1)
        self.sync(mapSpecialUse=True)
        self.assertEqual([mail("here")], bodies(self.local, "Sent"))
        self.assertEqual(0, self.sync(mapSpecialUse=True).changes)
        self.assertEqual(0, self.remote.count("SELECT"))

    def test_inTheWay(self) -> None:
        """
        Where each side has both names, as after runs without it, both are left
        alone and told; the others go on.
        """
        self.sync()
        self.local.inbox.add(mail(1))
        self.local.folders["Sent"].add(mail("new"))
        self.local.folders["Sent/2020"].add(mail("new"))
        report = self.sync(mapSpecialUse=True)
        names = ["Sent", "Sent Items", "Sent/2020"]
        self.assertEqual(names, sorted(name for name, _ in troubles(report)))
        for _, text in troubles(report):
            self.assertIn('"Sent Items" on remote with "Sent" on local', text)
        self.assertEqual(1, report.changes)
        self.sync()
        self.assertSettled()


class RunTests(SessionCase):
    """
    Admin, brake and errors of a run.
    """

    def test_nothing(self) -> None:
        """
        A run without news is two commands on each side.
        """
        for name in ("A", "B"):
            self.local.make(name).add(mail(1))
        self.sync()
        self.assertSettled()
        for account in (self.local, self.remote):
            self.assertEqual(["ENABLE", "LIST", "NAMESPACE"], verbs(account))

    def test_onlyWhatChanged(self) -> None:
        """
        Only mailboxes with news are selected.
        """
        for name in ("A", "B", "C"):
            self.local.make(name).add(mail(1))
        self.sync()
        self.local.folders["B"].add(mail(2))
        self.sync()
        selects = {line.split()[1] for line in self.local.heard if line[:6] == "SELECT"}
        self.assertEqual({"B"}, selects)
        self.assertSettled()

    def test_brake(self) -> None:
        """
        The brake is on before the first removal in any mailbox.
        """
        for name in ("A", "B", "C"):
            for number in range(40):
                self.local.make(name) if not number else None
                self.local.folders[name].add(mail(f"{name}{number}"))
        self.sync()
        for name in ("A", "B"):
            self.remote.folders[name].expunge(*range(1, 41))
        error = self.assertRaises(MassDeletion, self.sync)
        self.assertIn("80 of 120", str(error))
        self.assertEqual(40, len(self.local.folders["A"].messages))
        for _, folder in sorted(self.remote.folders.items()):
            folder.add(mail("new"))
        self.assertRaises(MassDeletion, self.sync)
        self.assertEqual(40, len(self.local.folders["A"].messages))
        self.sync(request=Request(allowMassDelete=True))
        self.assertSettled()

    def test_brakeKnowsTruth(self) -> None:
        """
        Messages that only seem to have vanished do not hold the brake.
        """
        self.world.fill(*map(mail, range(120)))
        self.sync()
        self.local.inbox.expunge(*range(1, 50))
        self.remote.inbox.expunge(*range(40, 120))
        self.assertRaises(MassDeletion, self.sync)
        self.sync(request=Request(allowMassDelete=True))
        self.assertSettled()
        self.remote.inbox.renumber()
        self.remote.inbox.messages.clear()
        self.assertEqual({}, self.sync().done("expunged"))

    def test_oneBadMailbox(self) -> None:
        """
        A mailbox that cannot be selected is named, and the others go on.
        """
        for name in ("A", "B", "C"):
            self.local.make(name).add(mail(1))
        self.sync()
        for name in ("A", "B", "C"):
            self.local.folders[name].add(mail(2))
        self.remote.folders["B"].codes.append("UIDNOTSTICKY")
        report = self.sync()
        self.assertEqual(["B"], [name for name, _ in troubles(report)])
        self.assertEqual(2, len(self.remote.folders["C"].messages))
        self.remote.folders["B"].codes.clear()
        self.sync()
        self.assertSettled()

    def test_turns(self) -> None:
        """
        A mailbox in which messages arrive as fast as they are copied does not keep
        the others waiting: each has its turn.
        """
        for name in ("A", "B"):
            self.local.make(name)
        self.sync()
        arrived = iter(range(40))

        def arrive() -> None:
            """
            As soon as one is copied, there is another.
            """
            for number in arrived:
                self.local.folders["A"].add(mail(number))
                self.remote.before["APPEND"] = arrive
                return

        arrive()
        self.local.folders["B"].add(mail("patient"))
        self.sync()
        appended = [line for line in self.remote.heard if line.startswith("APPEND")]
        turn = [n for n, line in enumerate(appended) if "APPEND B" in line]
        self.assertLess(turn[0], 10, appended)
        self.assertSettled()

    def test_unwritable(self) -> None:
        """
        A mailbox that cannot be written there, with flags that differ and a message
        that is missing, is named, and that is the end of it.
        """
        for side in Side:
            self.begin()
            here, there = self.world.accounts[side.other], self.world.accounts[side]
            for account in (here, there):
                account.inbox.add(mail(1))
            here.inbox.flag(1, "\\Seen")
            here.inbox.add(mail("new"))
            there.inbox.readOnly = True
            told = dict(troubles(self.sync()))
            self.assertIn("INBOX", told)

    def test_listRefused(self) -> None:
        """
        A server that refuses LIST ends the run with its name and words.
        """
        self.remote.answers["LIST"] = "NO [UNAVAILABLE] later"
        error = self.assertRaises(Refused, self.sync)
        self.assertEqual("remote: LIST was refused: NO [UNAVAILABLE] later", str(error))

    def test_nonsense(self) -> None:
        """
        A server that talks nonsense ends the run.
        """
        self.remote.answers["LIST"] = "PERHAPS"
        self.assertRaises(ProtocolViolation, self.sync)

    def test_changedMeanwhile(self) -> None:
        """
        What happens while it runs is done by the next run.
        """
        self.local.make("A").add(mail(1))
        self.sync()
        self.local.folders["A"].add(mail(2))
        self.remote.before["APPEND"] = lambda: self.local.inbox.add(mail(3))
        self.sync()
        self.sync()
        self.assertSettled()


class InterruptedTests(SessionCase):
    """
    Runs that end too early: the next makes both sides equal, without one
    message more or less.
    """

    def tearDown(self) -> None:
        """
        Have errors that nobody took told now.
        """
        gc.collect()

    def prepare(self) -> None:
        """
        Two accounts in step, and then news on both sides.
        """
        self.begin()
        self.local.make("A").add(mail("a"))
        self.world.fill(*map(mail, range(4)))
        self.sync()
        self.local.inbox.add(mail("new here"), SEEN)
        self.remote.inbox.add(mail("new there"))
        self.local.inbox.add(mail("new on both"))
        self.remote.inbox.add(mail("new on both"), SEEN)
        self.local.inbox.flag(1, "\\Seen")
        self.remote.inbox.flag(2, "work")
        self.remote.inbox.expunge(3)
        self.local.inbox.expunge(4)
        self.local.make("B").add(mail("b"))

    def assertMended(self) -> None:
        """
        The next run leaves both sides as an undisturbed one does.
        """
        self.assertEqual({}, self.sync().troubles)
        bodies = sorted(m.body for m in self.local.inbox.messages.values())
        numbers = (0, 1, "new here", "new on both", "new there")
        self.assertEqual(sorted(map(mail, numbers)), bodies)
        self.assertEqual(1, len(self.remote.folders["A"].messages))
        self.assertEqual(1, len(self.remote.folders["B"].messages))
        self.assertSettled()

    def test_killed(self) -> None:
        """
        Killed before or after any commit.
        """
        deaths = 0
        for steps in range(1, 200):
            self.prepare()
            MortalState.left = steps
            try:
                self.sync(open=MortalState.open)
            except Killed:
                deaths += 1
            else:
                break
            self.assertMended()
        self.assertGreater(deaths, 15)

    def cut(self, limit: Callable[[Account, int], None], first: int, step: int) -> int:
        """
        Cut a connection after ever more octets, until none is cut any more.

        @return: how often that was.
        """
        for octets in range(first, 20_000, step):
            for account in Side:
                self.prepare()
                limit(self.world.accounts[account], octets)
                try:
                    self.sync()
                except Lost:
                    self.assertMended()
                else:
                    if account is REMOTE:
                        return octets
                    for one in self.world.accounts.values():
                        one.upLeft = one.downLeft = None
                    self.assertMended()
        return 0

    def test_cutReading(self) -> None:
        """
        Cut at any octet that a server sends.
        """

        def limit(account: Account, octets: int) -> None:
            account.downLeft = octets

        self.assertGreater(self.cut(limit, 150, 149), 1500)

    def test_cutWriting(self) -> None:
        """
        Cut at any octet that a server is sent.
        """

        def limit(account: Account, octets: int) -> None:
            account.upLeft = octets

        self.assertGreater(self.cut(limit, 30, 79), 500)

    def refuse(self, side: Side, number: int) -> list[str]:
        """
        Have a server refuse one of the commands that are about a mailbox.

        @return: will hold it.
        """
        heard = 0
        refused: list[str] = []

        def refusal(line: str) -> str:
            nonlocal heard
            if line.startswith(("LIST", "NAMESPACE", "ENABLE", "UNSELECT")):
                return ""
            heard += 1
            if heard != number:
                return ""
            refused.append(line)
            return "NO [SERVERBUG] not now"

        self.world.accounts[side].refusal = refusal
        return refused

    def test_refused(self) -> None:
        """
        Whatever command is refused, it costs no more than its mailbox, and the
        next run makes up for it.
        """
        for side in Side:
            number = 1
            while self.isRefused(side, number):
                number += 1
            self.assertGreater(number, 10)

    def isRefused(self, side: Side, number: int) -> bool:
        """
        Sync with one command refused.

        @return: whether there was so many.
        """
        self.prepareMoves()
        expected = self.local.content
        refused = self.refuse(side, number)
        self.sync()
        names = {"A", "B", "C", "INBOX"}
        done = {name for name in names if self.isDone(name)}
        self.assertGreaterEqual(len(done), 2 if refused else 4, refused)
        self.world.accounts[side].refusal = lambda _: ""
        self.assertEqual({}, self.sync().troubles)
        # A mere name may stay subscribed, if that was what was refused.
        self.remote.ghosts.clear()
        self.assertEqual(expected, self.local.content)
        self.assertSettled()
        return bool(refused)

    def prepareMoves(self) -> None:
        """
        Two accounts in step, and then messages that are moved on one side, one of
        them without a Message-ID, a mailbox that is deleted there, and new ones.
        """
        self.begin()
        for name in ("A", "D"):
            self.local.make(name).add(mail(name))
        plain = b"Subject: plain\r\n\r\n"
        self.world.fill(mail("moved"), plain, mail("stays"))
        self.sync()
        for body in (mail("moved"), plain):
            self.local.folders["A"].add(body)
        self.local.inbox.expunge(1, 2)
        self.local.delete("D")
        self.local.ghosts.clear()
        for name in "BC":
            self.local.make(name).add(mail(name))

    def isDone(self, name: str) -> bool:
        """
        Whether both sides hold the same messages there.
        """
        sides = [account.folders.get(name) for account in (self.local, self.remote)]
        return None not in sides and len({len(f.messages) for f in sides if f}) == 1

    def test_doubts(self) -> None:
        """
        Cut after the messages were taken, before the server could say so.
        """
        self.prepare()
        self.remote.before["APPEND"] = lambda: setattr(self.remote, "downLeft", 1)
        self.assertRaises(Lost, self.sync)
        self.assertMended()


def bodies(account: Account, name: str) -> list[bytes]:
    """
    What a mailbox holds.
    """
    return [message.body for message in account.folders[name].messages.values()]


def verbs(account: Account) -> list[str]:
    """
    What was heard, without arguments.
    """
    return [line.partition(" ")[0] for line in account.heard]
