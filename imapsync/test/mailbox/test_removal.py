"""
Tests for L{imapsync.mailbox.removal}: what becomes of messages that are removed.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from imapsync.config.request import Request
from imapsync.errors import ConfigError, Lost, MassDeletion
from imapsync.imap.commands.mailbox import Selected
from imapsync.mailbox.removal import remove
from imapsync.mailbox.report import Report
from imapsync.model import Side
from imapsync.test.accounts.test_session import Killed, MortalState, bodies
from imapsync.test.fakes.talking import Talk
from imapsync.test.fakes.world import troubles
from imapsync.test.mailbox.test_sync import MailboxCase
from imapsync.testing.accounts import Account, mail
from imapsync.uidset import UidSet

LOCAL, REMOTE = Side


async def never(uids: UidSet) -> None:
    """
    There is UID EXPUNGE.
    """
    raise AssertionError(uids)


class ExpungeTests(SynchronousTestCase):
    """
    Tests for L{remove}, without a trash.
    """

    def test_inBursts(self) -> None:
        """
        All STOREs are answered before the first UID EXPUNGE is sent: Dovecot may
        expunge nothing else.  Then it is to tell what others have done.
        """
        server = Talk(b"* PREAUTH [CAPABILITY IMAP4rev1 UIDPLUS] ready")
        server.open()
        uids = UidSet.of(range(10_001, 30_000, 5))
        work = remove(
            server.client, Selected("INBOX"), uids, never, vanished=lambda: uids
        )
        done = Deferred.fromCoroutine(work)
        stores = [line.split()[:3] for line in server.heard().splitlines()]
        self.assertEqual({b"STORE"}, {verb for _, _, verb in stores})
        self.assertEqual(4, len(stores))
        for tag, _, _ in stores[1:]:
            server.say(tag + b" OK done")
            self.assertEqual(b"", server.heard())
        server.say(stores[0][0] + b" OK done")
        verbs = [line.split()[1] for line in server.heard().splitlines()]
        self.assertEqual([b"UID"] * 4 + [b"NOOP"], verbs)
        server.say(*(b"%04X OK done" % n for n in range(6, 11)))
        self.assertEqual((UidSet(), ""), self.successResultOf(done))


class TrashTests(MailboxCase):
    """
    Tests for C{trash}.
    """

    def sync(self, **changes: Any) -> Report:
        """
        Sync, with a trash on the remote side.
        """
        return super().sync(**{"trash": {REMOTE: "Trash"}, **changes})

    def prepare(self, *without: str) -> None:
        """
        Three messages, of which the first is marked as deleted, and then it
        and another are gone from the local side.
        """
        self.begin()
        self.remote.capabilities -= {*without}
        self.both(3)
        self.ours.flag(1, "\\Deleted")
        self.sync()
        self.ours.expunge(1, 2)

    def assertTrashed(self, account: Account) -> None:
        """
        They are in the trash, not marked as deleted.
        """
        folder = account.folders["Trash"]
        self.assertTrue(folder.subscribed)
        self.assertEqual([mail(1), mail(2)], bodies(account, "Trash"))
        self.assertEqual(
            set(), {flag for m in folder.messages.values() for flag in m.flags}
        )

    def test_moved(self) -> None:
        """
        What the other side expunged is moved to the trash, which is made; as a
        mailbox like others it is synced.
        """
        for without in (), ("MOVE",), ("MOVE", "ESEARCH"):
            self.prepare(*without)
            report = self.sync()
            self.assertEqual({("INBOX", REMOTE): 2}, report.done("moved to the trash"))
            self.assertEqual({}, report.done("expunged"))
            self.assertIn("INBOX: 2 moved to the trash on remote", [*report.lines()])
            for account in (self.local, self.remote):
                self.assertEqual([mail(3)], bodies(account, "INBOX"))
                self.assertTrashed(account)
            self.assertSettled()

    def test_notInScope(self) -> None:
        """
        The trash may be a mailbox that is not synced.
        """
        self.prepare()
        self.sync(listMailbox=("INBOX",))
        self.assertTrashed(self.remote)
        self.assertEqual({"INBOX"}, set(self.local.folders))

    def test_emptied(self) -> None:
        """
        What is in the trash itself is expunged.
        """
        self.prepare()
        self.sync()
        self.local.folders["Trash"].expunge(1)
        report = self.sync()
        self.assertEqual({("Trash", REMOTE): 1}, report.done("expunged"))
        self.assertEqual(1, len(self.remote.folders["Trash"].messages))
        self.assertSettled()

    def test_bothSides(self) -> None:
        """
        Each side has its own trash.
        """
        trash = {LOCAL: "Bin", REMOTE: "Trash"}
        self.prepare()
        self.theirs.expunge(3)
        self.sync(trash=trash)
        self.assertTrashed(self.remote)
        self.assertTrashed(self.local)
        self.assertEqual([mail(3)], bodies(self.local, "Bin"))
        self.assertEqual([mail(3)], bodies(self.remote, "Bin"))
        self.assertEqual(0, self.sync(trash=trash).changes)
        self.assertSettled()

    def test_refused(self) -> None:
        """
        If the trash refuses messages, or cannot be made, nothing is expunged;
        that is told, and tried again by the next run.
        """
        for verb, without in (("MOVE", ()), ("COPY", ("MOVE",)), ("CREATE", ())):
            self.prepare(*without)
            self.remote.answers[verb] = "NO [OVERQUOTA] full"
            for _ in range(2):
                report = self.sync()
                [(name, text)] = troubles(report)
                self.assertEqual("INBOX", name)
                self.assertIn("would not move to Trash UID 1:2", text)
                self.assertIn("[OVERQUOTA] full", text)
                self.assertEqual(3, len(self.theirs.messages))
            self.remote.answers.clear()
            self.assertEqual({}, self.sync().troubles)
            self.assertTrashed(self.remote)
            self.assertSettled()

    def test_madeMeanwhile(self) -> None:
        """
        Somebody else, over another connection perhaps, may make the trash first.
        """
        self.prepare()
        self.remote.before["CREATE"] = lambda: self.remote.make("Trash")
        self.assertEqual({}, self.sync().troubles)
        self.assertTrashed(self.remote)
        self.assertSettled()

    def test_notSubscribed(self) -> None:
        """
        That the new trash cannot be subscribed is no reason to keep anything.
        """
        self.prepare()
        self.remote.answers["SUBSCRIBE"] = "NO no"
        self.sync(listMailbox=("INBOX",))
        self.assertEqual(2, len(self.remote.folders["Trash"].messages))

    def test_dryRun(self) -> None:
        """
        A dry run says where it would move them.
        """
        self.prepare()
        said: list[str] = []
        self.sync(request=Request(dryRun=True), say=said.append)
        self.assertEqual(["INBOX: remote: move UID 1:2 to Trash"], said)
        self.assertEqual(3, len(self.theirs.messages))

    def test_brake(self) -> None:
        """
        The brake counts them.
        """
        self.both(100)
        self.ours.expunge(*range(1, 52))
        self.assertRaises(MassDeletion, self.sync)
        self.assertEqual(100, len(self.theirs.messages))
        report = self.sync(request=Request(allowMassDelete=True))
        self.assertEqual(51, report.done("moved to the trash").total())
        self.assertSettled()

    def test_movedElsewhere(self) -> None:
        """
        What was moved on one side is not thrown away on the other, be it by a
        server without MOVE.
        """
        self.prepare("MOVE")
        self.local.make("A")
        self.sync()
        uid = self.local.folders["A"].add(mail(3))
        self.assertEqual(1, uid)
        self.ours.expunge(3)
        report = self.sync()
        self.assertEqual(1, report.done("moved").total())
        self.assertEqual([mail(3)], bodies(self.remote, "A"))
        self.assertTrashed(self.remote)
        self.assertSettled()

    def test_copiedThere(self) -> None:
        """
        A program that copies a message to the trash, and expunges it later, has
        it there once.
        """
        self.both(3)
        self.local.make("Trash").add(mail(2))
        self.sync()
        self.assertEqual([mail(2)], bodies(self.remote, "Trash"))
        self.ours.expunge(1, 2)
        report = self.sync()
        self.assertEqual(
            (1, 1),
            (
                report.done("expunged").total(),
                report.done("moved to the trash").total(),
            ),
        )
        self.assertEqual([mail(2), mail(1)], bodies(self.remote, "Trash"))
        self.assertSettled()

    def test_wrongName(self) -> None:
        """
        A name that no mailbox there can have is an error of the configuration.
        """
        self.world.accounts[REMOTE] = self.remote = Account(".")
        for name, why in (("a//b", "empty"), ("INBOX", "INBOX here")):
            error = self.assertRaises(ConfigError, self.sync, trash={REMOTE: name})
            self.assertIn(f'/etc/imapsync: trash in [remote] is "{name}"', str(error))
            self.assertIn(why, str(error))

    def test_killed(self) -> None:
        """
        Killed before or after any commit: nothing is lost.  With MOVE nothing
        is doubled either, without, at most in the trash.
        """
        for without in (), ("MOVE",):
            deaths = 0
            for steps in range(1, 100):
                self.prepare(*without)
                MortalState.left = steps
                try:
                    self.sync(open=MortalState.open)
                except Killed:
                    deaths += 1
                else:
                    break
                self.assertEqual({}, self.sync().troubles)
                self.assertEqual([mail(3)], bodies(self.remote, "INBOX"))
                self.assertTrashed(self.remote)
                self.assertSettled()
            self.assertGreater(deaths, 10)

    def test_cut(self) -> None:
        """
        A connection that goes when the messages were copied, before they could
        be expunged: they are there twice, in the trash.
        """

        def cut() -> None:
            self.remote.downLeft = 1
            self.remote.deaf.add("EXPUNGE")

        self.prepare("MOVE")
        self.remote.before["EXPUNGE"] = cut
        self.assertRaises(Lost, self.sync)
        self.remote.deaf.clear()
        self.sync()
        self.assertEqual([mail(3)], bodies(self.remote, "INBOX"))
        self.assertEqual(4, len(self.remote.folders["Trash"].messages))
        self.assertSettled()
