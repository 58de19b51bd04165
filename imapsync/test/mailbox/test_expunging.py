"""
Tests for L{imapsync.mailbox.expunging}: servers without UID EXPUNGE, in whole syncs.
"""

from __future__ import annotations

import contextlib

from imapsync.errors import Lost
from imapsync.model import Act, Side
from imapsync.test.mailbox.test_sync import MailboxCase
from imapsync.testing.accounts import mail

LOCAL, REMOTE = Side

DELETED = "\\Deleted"


class PlainExpungeTests(MailboxCase):
    """
    EXPUNGE takes all that is marked.
    """

    def begin(self) -> None:
        """
        The remote server has no UIDPLUS.
        """
        super().begin()
        self.remote.capabilities -= {"UIDPLUS", "MOVE"}

    def test_onlyOurs(self) -> None:
        """
        What others have marked stays, and stays marked; nothing is said of it to the
        other side, and nothing is left to do.
        """
        self.both(5)
        self.theirs.flag(2, DELETED)
        self.theirs.flag(3, DELETED, "\\Seen")
        self.sync()
        self.ours.expunge(3, 4)
        self.assertEqual({}, self.sync().troubles)
        self.assertEqual([1, 2, 5], [*self.theirs.messages])
        self.assertEqual({DELETED}, self.theirs.messages[2].flags)
        self.assertEqual({DELETED}, self.ours.messages[2].flags)
        self.assertEqual(0, self.remote.count("CLOSE"))
        self.assertSettled()

    def test_killed(self) -> None:
        """
        The marks are put back by the next run if this one is cut off, before anything
        else is made of it.
        """
        for verb in "EXPUNGE", "UID STORE 2 +":
            self.begin()
            self.both(4)
            self.theirs.flag(2, DELETED)
            self.sync()
            self.ours.expunge(4)

            def die(line: str, verb: str = verb) -> str:
                if line.startswith(verb):
                    self.remote.refusal = lambda _: ""
                    for link in self.world.links:
                        if link.account is self.remote:
                            link.dialogue.bye("no more")
                    return "NO no more"
                return ""

            self.remote.refusal = die
            with contextlib.suppress(Lost):
                self.sync()
            self.assertEqual(frozenset(), self.theirs.messages[2].flags)
            self.assertEqual({}, self.sync().troubles)
            for folder in self.ours, self.theirs:
                self.assertEqual([1, 2, 3], [*folder.messages])
                self.assertEqual({DELETED}, folder.messages[2].flags)
            self.assertSettled()

    def test_taken(self) -> None:
        """
        What another marks in that moment goes as well, and is copied back.
        """
        self.both(4)
        self.ours.expunge(4)
        self.remote.before["EXPUNGE"] = lambda: self.theirs.flag(2, DELETED)
        self.assertEqual({}, self.sync().troubles)
        for folder in self.ours, self.theirs:
            bodies = {message.body for message in folder.messages.values()}
            self.assertEqual({mail(1), mail(2), mail(3)}, bodies)
        self.assertSettled()

    def test_trash(self) -> None:
        """
        Nor does what others have marked go when messages are moved to the trash.
        """
        self.both(3)
        self.theirs.flag(1, DELETED)
        self.sync()
        self.ours.expunge(2)
        self.sync(trash={REMOTE: "Trash"})
        self.assertEqual([1, 3], [*self.theirs.messages])
        self.assertEqual({DELETED}, self.theirs.messages[1].flags)
        self.assertEqual(1, len(self.remote.folders["Trash"].messages))

    def test_unknown(self) -> None:
        """
        A server that says it has UID EXPUNGE, and does not know it, has none.
        """
        self.remote.capabilities |= {"UIDPLUS"}
        self.both(3)
        self.theirs.flag(1, DELETED)
        self.sync()
        self.ours.expunge(2)
        self.remote.refusal = lambda line: (
            "BAD what" if line.startswith("UID EXPUNGE") else ""
        )
        self.assertEqual({}, self.sync().troubles)
        self.assertEqual([1, 3], [*self.theirs.messages])
        self.assertSettled()

    def test_moved(self) -> None:
        """
        A message that is moved on one side is copied on the other, and expunged there.
        """
        for account in self.local, self.remote:
            account.make("Work")
        self.both(3)
        self.theirs.flag(1, DELETED)
        self.sync()
        message = self.ours.messages[2]
        self.ours.expunge(2)
        self.local.folders["Work"].add(message.body, message.flags, message.date)
        self.assertEqual({}, self.sync().troubles)
        self.assertEqual([1, 3], [*self.theirs.messages])
        self.assertEqual(1, len(self.remote.folders["Work"].messages))
        self.assertEqual(0, self.remote.count("APPEND"))
        self.assertSettled()


class BinTests(MailboxCase):
    """
    A server without UIDPLUS has MOVE.
    """

    def begin(self) -> None:
        """
        The remote one.
        """
        super().begin()
        self.remote.capabilities -= {"UIDPLUS"}

    def test_moved(self) -> None:
        """
        What is to go is moved to a mailbox of our own, which is deleted; what others
        have marked is not even touched.
        """
        self.both(4)
        self.theirs.flag(2, DELETED)
        self.sync()
        self.ours.expunge(3, 4)
        self.assertEqual({}, self.sync().troubles)
        self.assertEqual([1, 2], [*self.theirs.messages])
        self.assertEqual(["INBOX"], [*self.remote.folders])
        self.assertEqual(0, self.remote.count("EXPUNGE", "STORE"))
        self.assertSettled()

    def test_left(self) -> None:
        """
        One that is left is never synchronised, and deleted next time; but not if others
        have put something there.
        """
        for others in False, True:
            self.begin()
            self.both(5)
            self.ours.expunge(3)
            self.remote.answers["DELETE"] = "NO not now"
            for _ in range(2):
                self.assertEqual({}, self.sync(listSelectOpts=()).troubles)
                self.assertEqual(2, len(self.remote.folders))
                self.assertEqual(["INBOX"], [*self.local.folders])
            [name] = {*self.remote.folders} - {"INBOX"}
            if others:
                self.remote.folders[name].add(mail("other"))
            self.remote.answers.clear()
            self.sync()
            self.assertEqual(others, name in self.remote.folders)
            self.assertEqual([1, 2, 4, 5], [*self.theirs.messages])

    def test_refused(self) -> None:
        """
        Where no mailbox can be made, nor be moved to, it goes the other way.
        """
        for verb in "CREATE", "MOVE":
            self.begin()
            self.both(3)
            self.theirs.flag(1, DELETED)
            self.sync()
            self.ours.expunge(2)
            self.remote.answers[verb] = "NO never"
            self.assertEqual({}, self.sync().troubles)
            self.assertEqual([1, 3], [*self.theirs.messages])
            self.assertEqual(["INBOX"], [*self.remote.folders])
            self.assertEqual({DELETED}, self.theirs.messages[1].flags)


class MarkedOnlyTests(MailboxCase):
    """
    C{expunge = NO}.
    """

    def test_marked(self) -> None:
        """
        What would be expunged is only marked; that is no difference from then on, and
        nothing of it is copied back.
        """
        self.both(3)
        acts = tuple(act for act in Act if act is not Act.EXPUNGE)
        self.world.options[REMOTE].update(marks=True)
        allow = {REMOTE: acts}
        self.ours.expunge(2)
        for told in {("INBOX", REMOTE): 1}, {}:
            report = self.sync(allow=allow)
            self.assertEqual({}, report.troubles)
            self.assertEqual(told, report.done("flagged"))
            self.assertEqual([1, 2, 3], [*self.theirs.messages])
            self.assertEqual({DELETED}, self.theirs.messages[2].flags)
            self.assertEqual([1, 3], [*self.ours.messages])
        self.theirs.expunge(2)
        self.sync(allow=allow)
        self.assertEqualNow()
