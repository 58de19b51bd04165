"""
Tests for L{imapsync.imap.commands.notify}.
"""

from __future__ import annotations

from hypothesis import given, settings
from twisted.trial.unittest import SynchronousTestCase

from imapsync.errors import ImapSyncError, Lost, ProtocolViolation, Refused
from imapsync.imap.wire.responses import Row
from imapsync.model import Listed, Side, Status
from imapsync.test.fakes.grammar import cuts, split, streams
from imapsync.test.fakes.talking import Listener, Talk, failing
from imapsync.test.fakes.world import World
from imapsync.testing.accounts import mail

ABLE = b"* PREAUTH [CAPABILITY IMAP4rev1 NOTIFY IDLE UNSELECT] ready"
POOR = b"* PREAUTH [CAPABILITY IMAP4rev1] ready"


class Ears:
    """
    Remembers what was told of an account.
    """

    def __init__(self) -> None:
        self.told: list[object] = []

    def statusReceived(self, name: str, status: Status) -> None:
        """
        A mailbox and its status.
        """
        self.told.append((name, status))

    def listReceived(self, listed: Listed, oldName: str) -> None:
        """
        A mailbox and its old name.
        """
        self.told.append((listed, oldName))

    def overflowed(self) -> None:
        """
        A text for that.
        """
        self.told.append("overflowed")


def listed(name: str, *attributes: str) -> Listed:
    """
    A mailbox as the server tells it here.
    """
    return Listed(name, "/", frozenset(attributes))


class NotifyTests(SynchronousTestCase):
    """
    NOTIFY.
    """

    def setUp(self) -> None:
        """
        It is on.
        """
        self.server = Talk(ABLE)
        self.ears = Ears()
        done = self.server.client.notify(self.ears)
        self.assertEqual(
            b"0001 NOTIFY SET STATUS (personal (MessageNew MessageExpunge FlagChange"
            b" MailboxName SubscriptionChange))\r\n",
            self.server.heard(),
        )
        self.server.say(b"* STATUS INBOX (MESSAGES 3 UIDNEXT 9 UIDVALIDITY 7)")
        self.assertNoResult(done)
        self.server.say(b"0001 OK x")
        self.successResultOf(done)
        self.assertEqual([("INBOX", Status(3, 9, 7))], self.ears.told)
        self.ears.told.clear()

    def test_messages(self) -> None:
        """
        Messages that come, go and change; a server may name mailboxes in
        plain text.
        """
        self.server.say(
            b'* STATUS "Sent Mail" (MESSAGES 4 UIDNEXT 10 UNSEEN 1)',
            b"* STATUS {3}\r\n\xc3\xbcx (UNSEEN 0 HIGHESTMODSEQ 30)",
            b"* STATUS &APw-x (HIGHESTMODSEQ 31)",
            b"* STATUS R&D (HIGHESTMODSEQ 32)",
        )
        self.assertEqual(
            [
                ("Sent Mail", Status(4, 10, unseen=1)),
                ("\xfcx", Status(modseq=30)),
                ("\xfcx", Status(modseq=31)),
                ("R&D", Status(modseq=32)),
            ],
            self.ears.told,
        )

    def test_mailboxes(self) -> None:
        """
        Mailboxes that come, go, are renamed, subscribed and unsubscribed.
        """
        self.server.say(
            b'* LIST () "/" a',
            b'* LIST (\\HasNoChildren) "/" {2}\r\n\xc3\xbc ("OLDNAME" ("&"))',
            b'* LIST (\\NonExistent) "/" a',
            b'* LIST (\\Subscribed) "/" c ("CHILDINFO" ("SUBSCRIBED"))',
        )
        self.assertEqual(
            [
                (listed("a"), ""),
                (listed("\xfc", "\\hasnochildren"), "&"),
                (listed("a", "\\nonexistent"), ""),
                (listed("c", "\\subscribed"), ""),
            ],
            self.ears.told,
        )

    def test_overflow(self) -> None:
        """
        The server may give up; then it can be asked again.
        """
        self.server.say(b"* OK [NOTIFICATIONOVERFLOW] too much", b"* OK still here")
        self.assertEqual(["overflowed"], self.ears.told)
        self.server.client.notify(self.ears)
        self.assertIn(b"NOTIFY SET", self.server.heard())

    def test_answers(self) -> None:
        """
        What was asked for is no news; all else is, whatever it falls into.
        """
        client = self.server.client
        mailboxes = client.listMailboxes("*", (), ("STATUS (UIDNEXT)",))
        status = client.mailboxStatus("b", "UIDNEXT")
        self.server.say(
            b"* STATUS a (UIDNEXT 4 MESSAGES 5)",
            b'* LIST () "/" a',
            b"* STATUS a (UIDNEXT 5)",
            b'* LIST () "/" c (OLDNAME (b))',
            b"* STATUS a (HIGHESTMODSEQ 6)",
            b"0002 OK x",
            b"* STATUS b (UIDNEXT 7)",
            b"0003 OK x",
            b"* STATUS b (UIDNEXT 8)",
        )
        [a] = self.successResultOf(mailboxes)
        self.assertEqual(Status(uidnext=5, modseq=6), a.status)
        self.assertEqual(Status(uidnext=7), self.successResultOf(status))
        self.assertEqual(
            [
                ("a", Status(5, 4)),
                (listed("c"), "b"),
                ("a", Status(modseq=6)),
                ("b", Status(uidnext=8)),
            ],
            self.ears.told,
        )

    def test_inMailbox(self) -> None:
        """
        In a mailbox, each listener hears its part.
        """
        listener = self.server.open()
        self.server.say(b"* 3 EXISTS", b"* STATUS a (UIDNEXT 4)", b"* VANISHED 7")
        self.assertEqual(["3 exist", "vanished 7"], listener.told)
        self.assertEqual([("a", Status(uidnext=4))], self.ears.told)

    def test_lost(self) -> None:
        """
        Without a command in flight, C{lost} tells of the end.
        """
        self.server.say(b"* BYE shutting down")
        self.server.hangUp()
        self.successResultOf(self.server.client.lost)
        failure = self.failureResultOf(self.server.client.catchUp(), Lost)
        self.assertIn("shutting down", str(failure.value))

    def test_silence(self) -> None:
        """
        A server that has nothing to tell is no dead one.
        """
        self.server.clock.advance(100_000)
        self.assertFalse(self.server.transport.disconnected)

    @given(streams, cuts)
    @settings(max_examples=150, deadline=None)
    def test_anything(self, stream: bytes, at: list[int]) -> None:
        """
        Whatever the server says, and however it arrives: it ends well or
        with an error of ours.
        """
        server = Talk(ABLE)
        done = failing(server.client.notify(Ears()))
        server.say(b"0001 OK x")
        lists = failing(server.client.listMailboxes("*", (), ("STATUS (UIDNEXT)",)))
        for piece in split(stream, at):
            server.client.dataReceived(piece)
        server.hangUp()
        for failure in (*done, *lists):
            self.assertIsInstance(failure.value, ImapSyncError)


class NoNotifyTests(SynchronousTestCase):
    """
    Servers that do not push.
    """

    def test_notOffered(self) -> None:
        """
        It is not even asked for.
        """
        server = Talk(POOR)
        self.failureResultOf(server.client.notify(Ears()), Refused)
        self.assertEqual(b"", server.heard())

    def test_refused(self) -> None:
        """
        A refusal leaves nobody listening.
        """
        server, ears = Talk(ABLE), Ears()
        done = server.client.notify(ears)
        server.say(b"0001 NO [BADEVENT FlagChange] x", b"* STATUS a (UIDNEXT 4)")
        failure = self.failureResultOf(done, Refused)
        self.assertEqual("BADEVENT", failure.value.responseCode)
        self.assertEqual([], ears.told)


class IdleTests(SynchronousTestCase):
    """
    IDLE.
    """

    def setUp(self) -> None:
        """
        It goes on.
        """
        self.server = Talk(ABLE)
        self.listener = self.server.open()
        self.changes = 0
        self.done = self.server.client.idle(self.changed)
        self.assertEqual(b"0002 IDLE\r\n", self.server.heard())
        self.server.say(b"+ idling")

    def changed(self) -> None:
        """
        Count it.
        """
        self.changes += 1

    def test_changes(self) -> None:
        """
        All that happens in the mailbox counts, and nothing else.
        """
        self.server.say(b"* OK Still here", b"* 1 RECENT", b"* STATUS b (UIDNEXT 3)")
        self.assertEqual(0, self.changes)
        for line in b"* 4 EXISTS", b"* VANISHED 3", b"* 1 FETCH (UID 4 FLAGS ())":
            self.server.say(line)
        self.assertEqual((3, 3), (self.changes, len(self.listener.told)))

    def test_end(self) -> None:
        """
        Another command ends it, and is sent when it has ended.
        """
        other = self.server.client.catchUp()
        again = self.server.client.idle(self.changed)
        self.assertEqual(b"DONE\r\n", self.server.heard())
        self.assertNoResult(self.done)
        self.server.say(b"* 5 EXISTS", b"0002 OK x")
        self.successResultOf(self.done)
        self.assertEqual(1, self.changes)
        self.assertEqual(b"0003 NOOP\r\n", self.server.heard())
        self.server.say(b"0003 OK x")
        self.successResultOf(other)
        self.assertEqual(b"0004 IDLE\r\n", self.server.heard())
        self.server.say(b"+ idling")
        self.assertNoResult(again)
        self.assertEqual(b"", self.server.heard())

    def test_endAtOnce(self) -> None:
        """
        It may have to end before it has begun.
        """
        self.server.client.idle(self.changed)
        self.server.client.catchUp()
        self.server.heard()
        self.server.say(b"0002 OK x")
        self.assertEqual(b"0003 IDLE\r\n", self.server.heard())
        self.server.say(b"+ idling")
        self.assertEqual(b"DONE\r\n", self.server.heard())

    def test_silence(self) -> None:
        """
        The server owes its consent and its answer, but nothing between.
        """
        self.server.clock.advance(1700)
        other = self.server.client.catchUp()
        self.server.clock.advance(299)
        self.assertFalse(self.server.transport.disconnected)
        self.server.clock.advance(1)
        for done in self.done, other:
            self.failureResultOf(done, Lost)
        self.assertTrue(self.server.transport.disconnected)

    def test_noConsent(self) -> None:
        """
        A server that does not even agree is given up.
        """
        server = Talk(ABLE)
        done = server.client.idle(self.changed)
        server.clock.advance(300)
        self.failureResultOf(done, Lost)

    def test_refused(self) -> None:
        """
        It may be refused.
        """
        server = Talk(ABLE)
        done = server.client.idle(self.changed)
        server.say(b"0001 BAD x")
        self.failureResultOf(done, Refused)

    def test_lost(self) -> None:
        """
        It fails with the connection.
        """
        self.server.say(b"* BYE restarting")
        self.server.hangUp()
        failure = self.failureResultOf(self.done, Lost)
        self.assertIn("restarting", str(failure.value))

    def test_twice(self) -> None:
        """
        A server agrees once.
        """
        self.server.say(b"+ idling")
        self.failureResultOf(self.done, ProtocolViolation)

    def test_stock(self) -> None:
        """
        One of C{IMAP4Client}'s own commands ends it, too.
        """
        stock = self.server.client.noop()
        self.assertEqual(b"DONE\r\n", self.server.heard())
        self.server.say(b"0002 OK x", b"0003 OK x")
        self.successResultOf(self.done)
        self.successResultOf(stock)


class WorldTests(SynchronousTestCase):
    """
    With a server in memory, which does as Dovecot does.
    """

    def setUp(self) -> None:
        """
        Connect.
        """
        self.world = World("")
        self.account = self.world.local
        self.client = self.world.connect(Side.LOCAL)
        self.ears = Ears()

    def heard(self) -> list[object]:
        """
        What was told since it was asked last.
        """
        self.world.pump()
        told, self.ears.told = self.ears.told, []
        return told

    def test_notify(self) -> None:
        """
        All mailboxes at first; then what changes.
        """
        self.account.inbox.add(mail(1))
        self.world.run(self.client.notify(self.ears))
        self.assertEqual([("INBOX", Status(1, 2, 7, 2))], self.heard())
        folder = self.account.make("R&D")
        self.account.inbox.flag(1, "\\Seen")
        self.assertEqual(
            [("INBOX", Status(modseq=3)), (listed("R&D", "\\subscribed"), "")],
            self.heard(),
        )
        self.account.folders["\xfc"] = self.account.folders.pop("R&D")
        folder.subscribed = False
        self.account.inbox.expunge(1)
        self.assertEqual(
            [("INBOX", Status(0, 2, 0, 4)), (listed("\xfc"), "R&D")], self.heard()
        )
        del self.account.folders["\xfc"]
        self.assertEqual([(listed("\xfc", "\\nonexistent"), "")], self.heard())
        self.account.overflows = True
        self.account.inbox.add(mail(2))
        self.assertEqual(["overflowed"], self.heard())
        self.account.inbox.add(mail(3))
        self.assertEqual([], self.heard())

    def test_selected(self) -> None:
        """
        Nothing of the selected mailbox; IDLE tells that.
        """
        self.world.run(self.client.notify(self.ears))
        listener = Listener()
        self.world.run(self.client.open("INBOX", None, listener, True))
        self.heard()
        self.account.inbox.add(mail(1))
        self.assertEqual([], self.heard())
        changes: list[None] = []
        ended = self.client.idle(lambda: changes.append(None))
        self.world.pump()
        listener.told.clear()
        self.account.inbox.add(mail(2))
        self.account.inbox.flag(1, "k")
        self.assertEqual([], self.heard())
        self.assertEqual([Row(1, frozenset("k"), 4), "2 exist"], listener.told)
        self.assertNoResult(ended)
        self.world.run(self.client.unselect())
        self.successResultOf(ended)
        self.account.inbox.expunge(1)
        self.assertEqual([("INBOX", Status(1, 3, 0, 5))], self.heard())
        self.assertEqual(2, len(listener.told))
