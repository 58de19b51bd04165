"""
Tests for L{imapsync.mailbox.strangers}, by whole syncs: what a server has stored is not
sent again, though it said NO.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from twisted.logger import capturedLogs

from imapsync.errors import Lost
from imapsync.mailbox import appending
from imapsync.model import Side
from imapsync.test.fakes.world import troubles
from imapsync.test.mailbox.test_bothsides import ViewCase
from imapsync.test.mailbox.test_sync import MailboxCase
from imapsync.test.mailbox.test_transfer import MovesCase, copied, moved
from imapsync.testing.accounts import NOTHING, SEEN, Message, mail

LOCAL, REMOTE = Side


def against(*subjects: object, answer: str = "NO no") -> Callable[[bytes], str]:
    """
    A grudge against some messages.
    """
    bodies = {mail(subject) for subject in subjects}
    return lambda body: answer if body in bodies else ""


class StrangersTests(MailboxCase):
    """
    Messages that are copied from the local to the remote INBOX.
    """

    def assertOnce(self, number: int) -> None:
        """
        Each message is there once, and stays so.
        """
        self.assertEqual(number, len(self.theirs.messages))
        self.assertSettled()

    def test_unreadable(self) -> None:
        """
        What has come there and cannot be read may be what it says NO to: that is not
        sent again, in no other manner either.
        """
        self.begin()
        self.ours.add(mail(0), SEEN)
        self.remote.grudges = against(0)
        self.remote.refusal = lambda line: "NO no such luck" * ("HEADER]" in line)
        [(_, trouble)] = troubles(self.sync())
        self.assertIn("whether it was stored is not told", trouble)
        self.assertEqual(1, len(self.theirs.messages))
        self.remote.grudges = against()
        self.remote.refusal = lambda _: ""
        self.sync()
        self.assertOnce(1)

    def test_all(self) -> None:
        """
        A server that stores whatever it says NO to gets each message once, with or
        without MULTIAPPEND, and whether it gives its leave or not.
        """
        for lacking in (), ("MULTIAPPEND",), ("LITERAL+",), ("MULTIAPPEND", "LITERAL+"):
            for code in "", "[APPENDUID 1007 1] ", "[OVERQUOTA] ", "[CANNOT] ":
                self.begin()
                self.remote.capabilities -= {*lacking}
                self.remote.grudges = against(*range(7), answer=f"NO {code}no")
                for number in range(7):
                    flags = frozenset(["\\Seen", "work"]) if number % 2 else NOTHING
                    self.ours.add(mail(number), flags)
                report = self.sync()
                self.assertEqual([], troubles(report))
                self.assertEqual({("INBOX", REMOTE): 7}, report.done("copied"))
                self.assertOnce(7)

    def test_rest(self) -> None:
        """
        What waited for its leave when such a server seemed to be full goes as well, and
        no mark passes it before.
        """
        for lacking in (
            ("MULTIAPPEND", "LITERAL+"),
            ("MULTIAPPEND", "LITERAL+", "UIDPLUS"),
        ):
            for crowd in range(1, 7):
                self.begin()
                self.remote.capabilities -= {*lacking}
                some = range(3, 3 + crowd)
                self.remote.grudges = against(*some, answer="NO [OVERQUOTA] full")
                self.world.fill(*map(mail, range(40)))
                with capturedLogs() as events:
                    report = self.sync()
                self.assertEqual([], troubles(report))
                self.assertFalse([e for e in events if "seemed" in e["log_format"]])
                self.assertOnce(40)

    def test_one(self) -> None:
        """
        One of many was stored with all that came with it.
        """
        self.remote.grudges = against(3)
        self.world.fill(*map(mail, range(9)))
        self.assertEqual([], troubles(self.sync()))
        self.assertEqual(1, self.remote.count("APPEND"))
        self.assertOnce(9)

    def test_part(self) -> None:
        """
        What came behind it was not.
        """
        self.remote.grudges = against(3)
        self.remote.partly = True
        self.world.fill(*map(mail, range(9)))
        self.assertEqual([], troubles(self.sync()))
        self.assertEqual(2, self.remote.count("APPEND"))
        self.assertOnce(9)

    def test_refusedAsWell(self) -> None:
        """
        One that is refused for good, and not stored, is found among them.
        """
        self.remote.grudges = against(3)
        self.remote.partly = True
        bad = mail(6)
        self.remote.objection = lambda offer: "NO no" if offer.body == bad else ""
        self.world.fill(*map(mail, range(9)))
        for _ in range(2):
            [(_, why)] = troubles(self.sync())
            self.assertIn("UID 7", why)
            self.assertEqual(8, len(self.theirs.messages))
        self.remote.objection = lambda _: ""
        self.sync()
        self.assertOnce(9)

    def test_bad(self) -> None:
        """
        BAD is no other than NO, where leave was asked; where it was not, the connection
        is given up, and the messages are recognised over the next.
        """
        self.remote.grudges = against(*range(5), answer="BAD what")
        self.remote.capabilities.remove("LITERAL+")
        self.world.fill(*map(mail, range(5)))
        self.assertEqual([], troubles(self.sync()))
        self.assertOnce(5)
        self.remote.capabilities.add("LITERAL+")
        self.remote.grudges = against("late", answer="BAD what")
        self.world.fill(mail("first"), mail("late"))
        self.assertRaises(Lost, self.sync)
        self.world.links.clear()
        self.sync()
        self.assertOnce(7)

    def test_many(self) -> None:
        """
        Nor are those sent again that were stored before it was given up.
        """
        self.remote.capabilities.remove("MULTIAPPEND")
        self.remote.grudges = lambda _: "NO no"
        number = appending.REFUSALS + 20
        self.world.fill(*map(mail, range(number)))
        self.sync()
        self.assertEqual(number, len(self.theirs.messages))
        self.sync()
        self.assertOnce(number)

    def test_others(self) -> None:
        """
        What somebody else delivers meanwhile is not taken for what was refused.
        """
        for equal in (False, True):
            self.begin()
            other = mail(1) if equal else mail("other")
            self.remote.answers["APPEND"] = "NO [OVERQUOTA] full"
            self.world.fill(mail(1))
            self.remote.before["APPEND"] = partial(self.theirs.add, other)
            report = self.sync()
            self.assertEqual(0 if equal else 1, len(troubles(report)))
            self.assertEqual(1, len(self.theirs.messages))
            self.remote.answers.clear()
            self.sync()
            self.assertOnce(1 if equal else 2)

    def test_twins(self) -> None:
        """
        Equal messages are as many there as here.
        """
        self.remote.grudges = against("twin")
        self.world.fill(mail("twin"), mail("twin"), mail(1))
        self.assertEqual([], troubles(self.sync()))
        self.assertOnce(3)

    def test_flags(self) -> None:
        """
        What a server has made of flags and date is seen, as of any copy.
        """
        self.remote.grudges = lambda _: "NO no"
        self.remote.forgets = SEEN
        self.ours.add(mail(1), frozenset(["\\Seen", "\\Flagged"]))
        self.sync()
        self.assertEqual({"\\Flagged"}, self.theirs.messages[1].flags)
        self.assertEqual({"\\Seen", "\\Flagged"}, self.ours.messages[1].flags)
        self.sync()
        self.assertEqual(1, len(self.theirs.messages))

    def test_untold(self) -> None:
        """
        If it cannot be seen whether they are there, they are not sent again.
        """
        for answer in "NO no", "NO [UNAVAILABLE] later":
            self.begin()
            self.world.fill(mail(1), mail(2))
            self.remote.grudges = lambda _, answer=answer: answer  # type: ignore[misc]
            self.remote.answers["SEARCH"] = "NO [INUSE] not now"
            [trouble] = self.sync().troubles
            self.assertEqual(("INBOX", "INUSE"), (trouble.mailbox, trouble.code))
            why = f"APPEND was refused: {answer}, and whether it was stored is not told"
            self.assertIn(why, str(trouble))
            self.assertEqual(2, len(self.theirs.messages))
            self.remote.answers.clear()
            self.sync()
            self.assertOnce(2)

    def test_nothingSent(self) -> None:
        """
        A message that a server would not even have need not be looked for.
        """
        self.remote.capabilities.remove("LITERAL+")
        self.remote.objection = lambda _: "NO [OVERQUOTA] full"
        self.world.fill(mail(1))
        self.sync()
        self.assertEqual(0, self.remote.count("SEARCH", "NOOP"))


class ShownTests(ViewCase):
    """
    What has come to the mailbox is to be shown.
    """

    def test_selectedAgain(self) -> None:
        """
        Where NOOP need not tell it, the mailbox is selected once more.
        """
        view = self.read()
        for notified in (False, True):
            client = view.sides[REMOTE].client
            client._dispatcher.notified = notified
            self.world.remote.heard.clear()
            self.world.run(view.resume(REMOTE))
            selected = self.world.remote.count("SELECT")
            self.assertEqual(
                (int(notified), int(not notified)),
                (selected, self.world.remote.count("NOOP")),
            )


class TransferredTests(MovesCase):
    """
    Messages that a server is to copy or move by itself.
    """

    def test_moved(self) -> None:
        """
        It does so, and says NO: they are recognised where they are.
        """
        for without in (), ("MOVE",):
            for uids in ((1,), (1, 2, 3)):
                self.begin()
                self.remote.capabilities -= {*without}
                self.remote.grudges = lambda _: "NO no"
                moved(self.local, "INBOX", "A", *uids)
                copied(self.local, "INBOX", "Z", 5)
                self.assertEqual([], troubles(self.sync()))
                self.assertEqual(0, self.remote.count("APPEND"))
                self.assertSettled()

    def test_trash(self) -> None:
        """
        Likewise where it is the trash.
        """
        for without in (), ("MOVE",):
            self.begin()
            self.remote.capabilities -= {*without}
            trash = self.remote.make("Trash")
            trash.add(mail("old"))
            self.remote.grudges = lambda _: "NO no"
            self.local.inbox.expunge(1, 2)
            for _ in range(2):
                self.assertEqual([], troubles(self.sync(trash={REMOTE: "Trash"})))
                self.assertEqual(3, len(trash.messages))
                self.assertEqual(3, len(self.remote.inbox.messages))
            self.assertSettled()

    def test_renumbered(self) -> None:
        """
        If UIDs change while the trash is looked through, none of them is expunged: it
        may be that of a message that nobody has seen yet.
        """
        self.remote.capabilities -= {"MOVE"}
        self.remote.make("Trash")
        self.remote.grudges = lambda _: "NO no"
        self.local.inbox.expunge(2)
        theirs = self.remote.inbox

        def renumber() -> None:
            messages = [*theirs.messages.values()]
            theirs.uidvalidity += 1000
            theirs.messages, theirs.uidnext = {}, 2
            for message in (Message(mail("new")), *messages):
                theirs.add(message.body, message.flags, message.date)

        def heard(line: str) -> str:
            if line == "EXAMINE Trash" and self.remote.count("COPY"):
                renumber()
                self.remote.refusal = lambda _: ""
            return ""

        self.remote.refusal = heard
        for _ in range(2):
            self.sync(trash={REMOTE: "Trash"})
        for account in self.local, self.remote:
            bodies = [message.body for message in account.inbox.messages.values()]
            self.assertEqual(1, bodies.count(mail("new")))
