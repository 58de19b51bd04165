"""
Whole runs with servers that say and do what named ones are known for: see
C{doc/servers.rst}, and L{imapsync.imap.hosts}.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import cycle, product

from imapsync.config.request import Request
from imapsync.imap.hosts import HOSTS
from imapsync.model import Side
from imapsync.test.test_service import ServiceCase
from imapsync.testing.accounts import Account, Folder, mail

LOCAL, REMOTE = Side


def _nothing(_: Account) -> None:
    pass


@dataclass(frozen=True)
class Face:
    """
    What a server says.

    @ivar kind: its name in L{HOSTS}.
    @ivar words: its capabilities after the login.
    @ivar salutation: the text of its greeting.
    @ivar way: how changes are found out there.
    @ivar does: has it do what is special.
    """

    kind: str
    words: str
    salutation: str
    way: str
    does: Callable[[Account], None] = field(default=_nothing)


def _views(account: Account) -> None:
    for name, use in (("All Mail", "All"), ("Starred", "Flagged")):
        account.make(f"[Gmail]/{name}").use = f"\\{use}"
        account.folders[f"[Gmail]/{name}"].add(mail("in others"))


FACES = (
    Face(
        "Gmail",
        "IMAP4rev1 UNSELECT IDLE NAMESPACE QUOTA ID XLIST CHILDREN X-GM-EXT-1 UIDPLUS"
        " COMPRESS=DEFLATE ENABLE MOVE CONDSTORE ESEARCH UTF8=ACCEPT LIST-EXTENDED"
        " LIST-STATUS LITERAL- SPECIAL-USE APPENDLIMIT=35651584",
        "Gimap ready for requests from 192.0.2.1 x8mb",
        "CONDSTORE",
        _views,
    ),
    Face(
        "iCloud",
        "XAPPLEPUSHSERVICE IMAP4 IMAP4rev1 ACL QUOTA LITERAL+ NAMESPACE UIDPLUS"
        " CHILDREN BINARY UNSELECT ESEARCH CONDSTORE ENABLE QRESYNC SASL-IR ID IDLE",
        "iSCREAM ready to rumble (15E201-d02dd996912b:24762)",
        "CONDSTORE",
    ),
    Face(
        "WildDuck",
        "IMAP4rev1 ID UNSELECT IDLE NAMESPACE QUOTA XLIST CHILDREN SPECIAL-USE UIDPLUS"
        " UNSELECT ENABLE CONDSTORE UTF8=ACCEPT MOVE",
        "WildDuck ready for requests from 192.0.2.1",
        "CONDSTORE",
    ),
    Face(
        "Zimbra",
        "IMAP4rev1 ACL BINARY CATENATE CHILDREN CONDSTORE ENABLE ESEARCH ESORT ID"
        " IDLE LIST-EXTENDED LIST-STATUS LITERAL+ MULTIAPPEND NAMESPACE QRESYNC QUOTA"
        " SASL-IR SEARCHRES SORT UIDPLUS UNSELECT WITHIN",
        "mail.example.org Zimbra IMAP4rev1 server ready",
        "QRESYNC",
    ),
    Face(
        "Stalwart",
        "IMAP4rev2 IMAP4rev1 ENABLE SASL-IR LITERAL+ ID UTF8=ACCEPT IDLE NAMESPACE"
        " CHILDREN MULTIAPPEND BINARY UNSELECT ACL UIDPLUS ESEARCH SEARCHRES MOVE"
        " CONDSTORE QRESYNC LIST-EXTENDED LIST-STATUS SPECIAL-USE",
        "Stalwart IMAP4rev2 at your service.",
        "QRESYNC",
    ),
    Face(
        "Microsoft 365",
        "IMAP4 IMAP4rev1 SASL-IR UIDPLUS MOVE ID UNSELECT CHILDREN IDLE NAMESPACE"
        " LITERAL+",
        "The Microsoft Exchange IMAP4 service is ready. [RABVADIA]",
        "comparing",
    ),
    Face(
        "Yahoo",
        "IMAP4rev1 SASL-IR ID MOVE NAMESPACE XYMHIGHESTMODSEQ UIDPLUS LITERAL+ CHILDREN"
        " UNSELECT OBJECTID IDLE ENABLE LIST-EXTENDED LIST-STATUS SPECIAL-USE"
        " APPENDLIMIT=41697280",
        "IMAP4rev1 imapgate-1.8.1",
        "comparing",
    ),
    Face(
        "Courier",
        "IMAP4rev1 UIDPLUS CHILDREN NAMESPACE THREAD=REFERENCES SORT QUOTA IDLE",
        "Courier-IMAP ready. Copyright 1998-2018 Double Precision, Inc.",
        "comparing",
        lambda account: account.levels.add("Level"),
    ),
    Face(
        "Proton Bridge",
        "IMAP4rev1 ID IDLE MOVE UIDPLUS UNSELECT",
        "Proton Mail Bridge 03.12.00 - gluon session ID 1",
        "comparing",
    ),
    Face(
        "hMailServer",
        "IMAP4 IMAP4rev1 CHILDREN IDLE QUOTA SORT ACL NAMESPACE RIGHTS=texk",
        "IMAPrev1",
        "comparing",
        lambda account: setattr(account, "appendUid", False),
    ),
    Face(
        "DavMail",
        "IMAP4REV1 UIDPLUS MOVE SPECIAL-USE IDLE",
        "IMAP4rev1 DavMail 6.0.1-3390 server ready",
        "comparing",
        lambda account: setattr(account, "second", 1),
    ),
)


class FaceCase(ServiceCase):
    """
    Servers that are such ones.
    """

    def face(self, face: Face, side: Side = Side.REMOTE) -> Account:
        """
        Have a server be one of these.
        """
        account = self.world.accounts[side]
        account.capabilities = {*face.words.split(), "AUTH=PLAIN", "SASL-IR"}
        account.salutation = face.salutation
        face.does(account)
        return account


class FaceTests(FaceCase):
    """
    A run with each of them.
    """

    def begin(self) -> None:
        """
        Have both sides hold something.
        """
        self.world.fill(*map(mail, range(3)))
        for account in (self.local, self.remote):
            account.make("Work").add(mail("work"))
        self.remote.make("Theirs").add(mail("theirs"))

    def change(self, account: Account) -> None:
        """
        Have something happen there.
        """
        inbox = account.inbox
        first, second, *_ = inbox.messages
        inbox.flag(first, "\\Flagged", "\\Seen")
        inbox.expunge(second)
        inbox.add(mail("new"))
        account.make("New").add(mail("newer"))
        account.folders["Work"].subscribed = False

    def test_runs(self) -> None:
        """
        Both sides become equal, whatever changes on either of them; a run after that
        changes nothing.
        """
        for face, side in zip(FACES, cycle(Side)):
            self.setUp()
            self.face(face, side)
            self.begin()
            for changed in (None, *self.world.accounts.values()):
                if changed is not None:
                    self.change(changed)
                outcome = self.serve(Request())
                self.assertEqual((0, ""), (outcome.code, outcome.text), face.kind)
                self.assertEqual([], self.unequal(), face.kind)
                self.assertEqual(0, self.written(), (face.kind, self.local.heard))

    def unequal(self) -> list[str]:
        """
        The mailboxes in which both sides differ, but for those that are left out.
        """
        ours, theirs = self.local.content, self.remote.content
        return [
            name
            for name in sorted({*ours, *theirs})
            if not name.startswith("[Gmail]/") and ours.get(name) != theirs.get(name)
        ]

    def written(self) -> int:
        """
        How much another run changes.
        """
        accounts = self.world.accounts.values()
        for account in accounts:
            account.heard.clear()
        self.assertEqual(0, self.serve(Request()).code)
        verbs = "APPEND", "STORE", "EXPUNGE", "COPY", "MOVE", "CREATE", "SUBSCRIBE"
        return sum(account.count(*verbs) for account in accounts)

    def test_told(self) -> None:
        """
        It is told in which way changes are found out; and in the first run, what is to
        be known of the server.
        """
        for face in FACES:
            self.setUp()
            self.face(face)
            self.begin()
            self.serve(Request())
            lines = [line for line in self.logged if f"by {face.way}" in line]
            self.assertEqual(face.way != "QRESYNC", bool(lines), self.logged)
            notice = next(one.notice for one in HOSTS if one.name == face.kind)
            told = [line for line in self.logged if f"{face.kind}: {notice}" in line]
            self.assertEqual(bool(notice), bool(told), self.logged)
            self.serve(Request())
            again = [line for line in self.logged if f"{face.kind}: {notice}" in line]
            self.assertEqual([], again)

    def test_gmail(self) -> None:
        """
        What only shows what is in other mailboxes is left out, and named; unless it is
        asked for.
        """
        self.face(FACES[0])
        self.assertEqual(0, self.serve(Request()).code)
        self.assertNotIn("[Gmail]/All Mail", self.local.folders)
        left = [line for line in self.logged if "left out, as it only shows" in line]
        self.assertEqual(1, len(left))
        self.assertIn('"[Gmail]/All Mail", "[Gmail]/Starred"', left[0])
        changes = {"listMailbox": ("*", "[Gmail]/All*")}
        self.assertEqual(0, self.serve(Request(), changes=changes).code)
        self.assertIn("[Gmail]/All Mail", self.local.folders)
        self.assertNotIn("[Gmail]/Starred", self.local.folders)
        self.assertEqual(0, self.serve(Request(("[Gmail]/Starred",))).code)
        self.assertIn("[Gmail]/Starred", self.local.folders)

    def label(self, *names: str) -> None:
        """
        Have a message be in several mailboxes of a Gmail, and in INBOX, after a run.
        """
        self.face(FACES[0])
        self.remote.make("[Gmail]/Trash").use = "\\Trash"
        for name in "INBOX", *names:
            folder = self.remote.folders.get(name) or self.remote.make(name)
            folder.add(mail("one"))
        self.assertEqual(0, self.serve(Request()).code)
        self.assertEqual([], self.unequal())

    def kept(self, body: bytes = mail("one")) -> list[str]:
        """
        The mailboxes of the Gmail in which a message is.
        """
        return sorted(
            name
            for name, folder in self.remote.folders.items()
            if any(one.body == body for one in folder.messages.values())
        )

    def test_labels(self) -> None:
        """
        What is expunged on the other side loses a label; what has no other is moved to
        the trash, and is found in that of the other side.
        """
        self.label("Work")
        for name, left in ("INBOX", ["Work"]), ("Work", ["[Gmail]/Trash"]):
            self.local.folders[name].expunge(1)
            self.assertEqual(0, self.serve(Request()).code)
            self.assertEqual(left, self.kept())
            self.assertEqual(0, self.written())
        self.assertEqual(1, len(self.local.folders["[Gmail]/Trash"].messages))
        self.local.folders["[Gmail]/Trash"].expunge(1)
        self.assertEqual(0, self.serve(Request()).code)
        self.assertEqual([], self.kept())

    def test_labelsAtOnce(self) -> None:
        """
        What is expunged from all mailboxes at once is moved to the trash; and so is
        what is expunged from those that only show it.
        """
        self.label("Work", "[Gmail]/Important")
        self.remote.folders["[Gmail]/Important"].use = "\\Important"
        for name in "INBOX", "Work":
            self.local.folders[name].expunge(1)
        self.assertEqual(0, self.serve(Request()).code)
        self.assertEqual(["[Gmail]/Trash"], self.kept())

    def test_labelsAskedFor(self) -> None:
        """
        Where mailboxes are synced that only show what is in others, nothing is taken
        out of them by way of the trash.
        """
        self.label("[Gmail]/Starred")
        self.remote.folders["[Gmail]/Starred"].use = "\\Flagged"
        changes = {"listMailbox": ("*", "[Gmail]/Star*")}
        self.assertEqual(0, self.serve(Request(), changes=changes).code)
        self.local.inbox.expunge(1)
        self.assertEqual(0, self.serve(Request(), changes=changes).code)
        self.assertEqual(["[Gmail]/Starred"], self.kept())

    def test_labelDeleted(self) -> None:
        """
        A mailbox that is deleted on the other side is but a label to what is in others,
        too; the rest is moved to the trash.
        """
        self.label("Work")
        self.remote.folders["Work"].add(mail("two"))
        self.serve(Request())
        self.local.delete("Work")
        self.assertEqual(0, self.serve(Request()).code)
        self.assertNotIn("Work", self.remote.folders)
        self.assertEqual(["INBOX"], self.kept())
        self.assertEqual(["[Gmail]/Trash"], self.kept(mail("two")))
        self.assertEqual([], self.unequal())

    def throw(self, name: str) -> None:
        """
        Somebody moves the message of a local mailbox to the trash.
        """
        folder = self.local.folders[name]
        [(uid, one)] = folder.messages.items()
        self.local.folders["[Gmail]/Trash"].add(one.body, one.flags, one.date)
        folder.expunge(uid)

    def test_trashed(self) -> None:
        """
        What is moved to the trash on the other side, and is in another mailbox there,
        too, only loses a label: in Gmail's trash, it would lose all, and so be taken
        out of that mailbox.  It is named, as it cannot be in both.  When it is moved
        out of the last, it is in the trash.
        """
        for trash, again in product((None, ""), (False, True)):
            self.setUp()
            self.label("Work")
            changes = {} if trash is None else {"trash": {REMOTE: trash}}
            self.throw("INBOX")
            for _ in range(1 + again):
                self.assertEqual(1, self.serve(Request(), changes=changes).code)
                told = [line for line in self.logged if 'it is in "Work"' in line]
                self.assertEqual(1, len(told), self.logged)
                self.assertEqual(["Work"], self.kept())
                self.assertEqual(1, len(self.local.folders["Work"].messages))
            if trash is None:
                self.local.folders["Work"].expunge(1)
                self.assertEqual(0, self.serve(Request(), changes=changes).code)
                self.assertEqual(["[Gmail]/Trash"], self.kept())
                self.assertEqual([], self.unequal())
                self.assertEqual(1, len(self.local.folders["[Gmail]/Trash"].messages))

    def test_trashedAlone(self) -> None:
        """
        What is in no other mailbox is moved to the trash by the server.
        """
        for name in "INBOX", "Work":
            self.setUp()
            self.label(*(["Work"] if name == "Work" else []))
            if name == "Work":
                self.local.inbox.expunge(1)
                self.assertEqual(0, self.serve(Request()).code)
            self.throw(name)
            self.remote.heard.clear()
            self.assertEqual(0, self.serve(Request()).code)
            moved, sent = (self.remote.count(verb) for verb in ("MOVE", "APPEND"))
            self.assertEqual((1, 0), (moved, sent))
            self.assertEqual(["[Gmail]/Trash"], self.kept())

    def test_moveToTwo(self) -> None:
        """
        What is moved to two mailboxes on the other side does not go through the trash:
        what is copied there is the same message to Gmail, which would stay in it.
        """
        for before in (), ("Work",):
            self.setUp()
            self.label(*before)
            self.remote.merges = True
            for name in "A", "B":
                self.local.make(name).add(mail("one"))
            for name in "INBOX", *before:
                self.local.folders[name].expunge(1)
            self.remote.heard.clear()
            self.assertEqual(0, self.serve(Request()).code)
            self.assertEqual(0, self.remote.count("MOVE"))
            self.assertEqual(["A", "B"], self.kept())
            self.assertEqual([], self.unequal())

    def test_movedBack(self) -> None:
        """
        Nor does what was moved out of a mailbox, and back again.
        """
        self.label()
        self.remote.merges = True
        self.local.inbox.expunge(1)
        self.local.inbox.add(mail("one"))
        self.remote.heard.clear()
        self.assertEqual(0, self.serve(Request()).code)
        self.assertEqual((0, 1), tuple(map(self.remote.count, ("MOVE", "APPEND"))))
        self.assertEqual(["INBOX"], self.kept())
        self.assertEqual([], self.unequal())

    def test_noTrash(self) -> None:
        """
        With an empty C{trash}, all is only expunged; with a named one, what has other
        labels keeps them.
        """
        for trash, left in ("", []), ("[Gmail]/Trash", ["[Gmail]/Trash"]):
            self.setUp()
            self.label("Work")
            changes = {"trash": {REMOTE: trash}}
            self.local.inbox.expunge(1)
            self.assertEqual(0, self.serve(Request(), changes=changes).code)
            self.assertEqual(["Work"], self.kept())
            self.local.folders["Work"].expunge(1)
            self.assertEqual(0, self.serve(Request(), changes=changes).code)
            self.assertEqual(left, self.kept())

    def test_merged(self) -> None:
        """
        One of two equal messages that it keeps once is not moved to the trash: the
        other takes its place.
        """
        self.label()
        self.remote.merges = True
        self.local.inbox.add(mail("one"))
        for uids, left in ([1], ["INBOX"]), ([2], ["[Gmail]/Trash"]):
            self.serve(Request())
            self.local.inbox.expunge(*uids)
            self.assertEqual(0, self.serve(Request()).code)
            self.assertEqual(left, self.kept())

    def test_untoldLabels(self) -> None:
        """
        Where the labels of a message are not told, it only loses one.
        """
        self.label("Work")
        self.remote.refusal = lambda line: "NO what" if "X-GM-LABELS" in line else ""
        self.local.inbox.expunge(1)
        self.assertEqual(0, self.serve(Request()).code)
        self.assertEqual(["Work"], self.kept())

    def test_further(self) -> None:
        """
        A message that gets one label after another is copied each time by the other
        server.
        """
        self.label("A")
        for name in "B", "C", "D":
            self.remote.make(name).add(mail("one"))
            self.local.heard.clear()
            self.assertEqual(0, self.serve(Request()).code)
            self.assertEqual(1, self.local.count("COPY"), name)
            self.assertEqual(0, self.local.count("APPEND"), name)
            self.assertEqual([], self.unequal())
            self.assertEqual(0, self.written())

    def test_alike(self) -> None:
        """
        One that is only like several that are known is not the same, as the server
        tells: it is copied.
        """
        self.label("A")
        other = mail("one")[:-2] + b"xy"
        self.remote.make("B").add(other)
        self.local.heard.clear()
        self.assertEqual(0, self.serve(Request()).code)
        self.assertEqual((0, 1), (self.local.count("COPY"), self.local.count("APPEND")))
        self.assertEqual([], self.unequal())

    def test_estimates(self) -> None:
        """
        Where sizes are known to be guesses, two filled accounts are paired without.
        """
        kinds = {one.name for one in HOSTS if one.estimates}
        for face in FACES:
            self.setUp()
            account = self.face(face)
            account.estimates = lambda body: len(body) + len(body) // 3
            for one in (self.local, self.remote):
                for number in range(5):
                    one.inbox.add(mail(number, 10 * number))
            self.assertEqual(0, self.serve(Request()).code)
            self.assertEqual([], self.unequal())
            self.assertEqual(5, len(account.inbox.messages))
            told = any("does not tell the sizes" in line for line in self.logged)
            self.assertNotEqual(face.kind in kinds, told, face.kind)

    def test_icloud(self) -> None:
        """
        It is not asked for what it is known to answer wrongly.
        """
        account = self.face(next(one for one in FACES if one.kind == "iCloud"))
        self.begin()
        self.serve(Request())
        self.local.inbox.expunge(1)
        account.inbox.expunge(2)
        self.serve(Request())
        self.assertEqual([], self.unequal())
        heard = " ".join(account.heard)
        self.assertIn("SEARCH", heard)
        for word in "RETURN", "QRESYNC":
            self.assertNotIn(word, heard)

    def test_window(self) -> None:
        """
        What Yahoo does not show any more, since it shows the newest messages only, is
        left alone on the other side.
        """
        account = self.face(next(one for one in FACES if one.kind == "Yahoo"))
        account.capabilities.add("MESSAGELIMIT=5")
        for number in range(5):
            self.local.inbox.add(mail(number))
        self.assertEqual(0, self.serve(Request()).code)
        for number in range(5, 8):
            account.inbox.add(mail(number))
            del account.inbox.messages[number - 4]
        self.assertEqual(1, self.serve(Request()).code)
        self.assertIn("it shows just 5 messages", "".join(self.logged))
        self.assertEqual(5, len(self.local.inbox.messages))

    def test_onlySecond(self) -> None:
        """
        A server that has IMAP4rev2 only would take names in modified UTF-7 for others:
        they are left alone, and reported.
        """
        account = self.face(FACES[0])
        account.capabilities -= {"IMAP4rev1", "X-GM-EXT-1"}
        account.capabilities.add("IMAP4rev2")
        account.salutation = "hello"
        odd = "B\N{LATIN SMALL LETTER U WITH DIAERESIS}ro", "R&D"
        for name in (*odd, "Work"):
            self.local.make(name).add(mail(name))
        account.make("X&Y").add(mail("theirs"))
        self.assertEqual(1, self.serve(Request()).code)
        self.assertEqual(1, len(account.folders["Work"].messages))
        for name in (*odd, "X&Y"):
            warned = [line for line in self.logged if f'"{name}" cannot be' in line]
            self.assertEqual(1, len(warned), self.logged)
            self.assertFalse({name} <= {*self.local.folders} & {*account.folders})

    def test_guids(self) -> None:
        """
        Nobody but Dovecot is asked for X-GUID.
        """
        for face in FACES:
            self.setUp()
            account = self.face(face)
            self.begin()
            self.serve(Request())
            account.rename("Theirs", "Mine")
            self.serve(Request())
            self.assertIn("Mine", self.local.folders)
            self.assertNotIn("X-GUID", "".join(account.heard))


class ErrorTests(FaceCase):
    """
    A server that hangs up after ten commands that it has refused, as Exchange does:
    what it refuses is not asked for again and again.
    """

    def setUp(self) -> None:
        """
        Make it.
        """
        super().setUp()
        self.face(next(one for one in FACES if one.kind == "Microsoft 365"))
        self.refused: list[str] = []

    def refuse(self, *words: str) -> None:
        """
        Have it refuse commands in which some of these are.
        """

        def refusal(line: str) -> str:
            if not any(word in line for word in words):
                return ""
            self.refused.append(line)
            if len(self.refused) % 10 == 0:
                for link in self.world.links:
                    if link.open and link.account is self.remote:
                        link.dialogue.bye("Connection is closed. 13")
            return "NO no"

        self.remote.refusal = refusal

    def test_mailboxes(self) -> None:
        """
        Mailboxes that cannot be made: each is tried once in a run.
        """
        self.refuse("CREATE Bad")
        for number in range(25):
            self.local.make(f"Bad{number}")
        self.local.inbox.add(mail("good"))
        outcome = self.serve(Request())
        self.assertEqual((1, ""), (outcome.code, outcome.text))
        self.assertEqual(25, len(self.refused))
        self.assertEqual(self.local.inbox.content, self.remote.inbox.content)
        named = [line for line in self.logged if "CREATE was refused" in line]
        self.assertEqual(25, len(named))

    def test_messages(self) -> None:
        """
        Messages that it does not take: each is named, and the others are copied.
        """
        self.refuse("<bad")
        for number in range(25):
            self.local.inbox.add(mail(f"bad{number}"))
            self.local.inbox.add(mail(number))
        outcome = self.serve(Request())
        self.assertEqual((1, ""), (outcome.code, outcome.text))
        self.assertEqual(25, len(self.remote.inbox.messages))
        # In each manner, and with leave.
        self.assertGreater(76, len(self.refused))
        named = [line for line in self.logged if "not copied: APPEND" in line]
        self.assertEqual(25, len(named))


class Following(Account):
    """
    A server on which subscriptions follow a mailbox that is renamed, and end with one
    that is deleted (WildDuck).
    """

    def remove(self, folder: Folder) -> None:
        """
        Delete a mailbox.
        """
        super().remove(folder)
        self.ghosts.clear()

    def rename(self, old: str, new: str) -> None:
        """
        Rename a mailbox, and all below it.
        """
        for name, folder in list(self.folders.items()):
            if name == old or name.startswith(old + self.separator):
                del self.folders[name]
                self.folders[new + name[len(old) :]] = folder


class Losing(Following):
    """
    One on which they are lost (Cyrus, pymap).
    """

    def rename(self, old: str, new: str) -> None:
        """
        Rename a mailbox, and all below it.
        """
        super().rename(old, new)
        for name, folder in self.folders.items():
            if name == new or name.startswith(new + self.separator):
                folder.subscribed = False


class SubscriptionTests(ServiceCase):
    """
    What becomes of subscriptions where mailboxes change their names or are deleted.
    """

    def test_same(self) -> None:
        """
        Whatever a server does, they are the same on both sides in the end, and stay so.
        """
        kinds = Account, Following, Losing
        ways = product((False, True), Side)
        for (ours, theirs), (bare, side) in zip(product(kinds, kinds), cycle(ways)):
            self.setUp()
            for one, kind in (LOCAL, ours), (REMOTE, theirs):
                words = self.world.accounts[one].capabilities
                if bare:
                    words -= {"LIST-EXTENDED", "LIST-STATUS"}
                account = kind(capabilities=words, first=7 + 1000 * (one is REMOTE))
                self.world.accounts[one] = account
                setattr(self, str(one), account)
            for name in "A", "A/x", "B", "C":
                self.local.make(name).add(mail(name))
            self.assertEqual(0, self.serve(Request()).code)
            self.world.accounts[side].rename("A", "Z")
            self.world.accounts[side].delete("B")
            self.world.accounts[side.other].folders["C"].subscribed = False
            for _ in range(2):
                self.local.heard.clear()
                self.remote.heard.clear()
                outcome = self.serve(Request())
                which = ours, theirs, bare, side
                self.assertEqual((0, ""), (outcome.code, outcome.text), which)
                self.assertEqual(self.local.content, self.remote.content, which)
            verbs = "SUBSCRIBE", "UNSUBSCRIBE", "CREATE", "DELETE", "RENAME", "APPEND"
            done = self.local.count(*verbs) + self.remote.count(*verbs)
            self.assertEqual(0, done, which)
            self.assertEqual({"INBOX", "Z", "Z/x", "C"}, {*self.local.folders})
