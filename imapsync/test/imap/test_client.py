"""
Tests for L{imapsync.imap.client}.
"""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from imapsync.errors import Garbled, ImapSyncError, Lost, ProtocolViolation, Refused
from imapsync.imap.commands.append import BARE
from imapsync.imap.commands.base import Simple
from imapsync.imap.commands.messages import Transferred
from imapsync.imap.wire.responses import Namespaces, Row
from imapsync.model import Listed, Mark, Status
from imapsync.test.fakes.grammar import EVIL, cuts, split, streams
from imapsync.test.fakes.talking import (
    Bodies,
    Listener,
    Talk,
    authenticated,
    entered,
    failing,
)
from imapsync.uidset import UidSet

SOME = UidSet(((3, 5), (9, 9)))
#: So many that a server refuses to read them in one command.
MANY = UidSet(tuple((uid, uid) for uid in range(1, 6001, 2)))


class LoginTests(SynchronousTestCase):
    """
    What comes before a mailbox.
    """

    def test_capability(self) -> None:
        """
        The server is asked what it can do only if it has not told.
        """
        server = Talk()
        self.assertIn("ESEARCH", self.successResultOf(server.client.capability()))
        self.assertEqual(b"", server.heard())
        server = Talk(b"* OK x")
        done = server.client.capability()
        self.assertEqual(b"0001 CAPABILITY\r\n", server.heard())
        server.say(b"* CAPABILITY IMAP4rev1 idle", b"0001 OK x")
        self.assertEqual({"IMAP4REV1", "IDLE"}, self.successResultOf(done))

    def test_plain(self) -> None:
        """
        PLAIN, in one go where the server takes it so.
        """
        server = Talk(b"* OK [CAPABILITY SASL-IR AUTH=PLAIN] x")
        done = authenticated(server.client, "PLAIN")
        self.assertEqual(
            b"0001 AUTHENTICATE PLAIN AG1lAHNlY3JldA==\r\n", server.heard()
        )
        server.say(b"0001 OK [CAPABILITY NEW] in")
        self.assertIsNone(self.successResultOf(done))
        self.assertEqual(
            ({"NEW"}, "auth"), (server.client.capabilities, server.client.state)
        )

    def test_plainInTwo(self) -> None:
        """
        Or after the server's leave.
        """
        server = Talk(b"* OK [CAPABILITY AUTH=PLAIN] x")
        done = authenticated(server.client, "PLAIN")
        self.assertEqual(b"0001 AUTHENTICATE PLAIN\r\n", server.heard())
        server.say(b"+ ")
        self.assertEqual(b"AG1lAHNlY3JldA==\r\n", server.heard())
        server.say(b"0001 OK in")
        self.successResultOf(done)
        self.assertEqual(frozenset(), server.client.capabilities)

    def test_refused(self) -> None:
        """
        A refused login is refused, and the capabilities hold.
        """
        server = Talk(b"* OK [CAPABILITY AUTH=LOGIN] x")
        done = authenticated(server.client, "LOGIN")
        server.say(b"+ VXNlcm5hbWU6")
        server.say(b"+ UGFzc3dvcmQ6")
        server.say(b"0001 NO [AUTHENTICATIONFAILED] no")
        failure = self.failureResultOf(done, Refused)
        self.assertEqual("AUTHENTICATIONFAILED", failure.value.responseCode)
        self.assertEqual({"AUTH=LOGIN"}, server.client.capabilities)
        self.assertEqual("unauth", server.client.state)

    def test_login(self) -> None:
        """
        LOGIN quotes what it can.
        """
        server = Talk(b"* OK x")
        done = entered(server.client, 'm"e', "p\\w")
        self.assertEqual(b'0001 LOGIN "m\\"e" "p\\\\w"\r\n', server.heard())
        server.say(b"* CAPABILITY OLD", b"0001 OK in")
        self.successResultOf(done)
        self.assertEqual(frozenset(), server.client.capabilities)

    def test_loginLiterals(self) -> None:
        """
        And sends the rest as literals, which wait where they have to.
        """
        server = Talk(b"* OK x")
        entered(server.client, "m\xfc", "p\xfc\r\nA DELETE x")
        for answer in (b"0001 LOGIN {3}\r\n", b"m\xc3\xbc {15}\r\n"):
            self.assertEqual(answer, server.heard())
            server.say(b"+ go")
        self.assertEqual(b"p\xc3\xbc\r\nA DELETE x\r\n", server.heard())

    def test_enable(self) -> None:
        """
        ENABLE tells what is enabled of what was asked for.
        """
        server = Talk()
        done = server.client.enable("QRESYNC", "UTF8=ACCEPT")
        self.assertEqual(b"0001 ENABLE QRESYNC UTF8=ACCEPT\r\n", server.heard())
        server.say(b"* ENABLED CONDSTORE qresync", b"0001 OK x")
        self.assertEqual({"QRESYNC"}, self.successResultOf(done))

    def test_identify(self) -> None:
        """
        ID introduces us, and the server.
        """
        server = Talk()
        done = server.client.identify(name="imapsync", version="1")
        self.assertEqual(
            b'0001 ID ("name" "imapsync" "version" "1")\r\n', server.heard()
        )
        server.say(b'* ID ("Name" "x {3}" "os" NIL)', b"0001 OK x")
        self.successResultOf(done)
        self.assertEqual({"name": "x {3}"}, server.client.identity)

    def test_anonymous(self) -> None:
        """
        A server need not say who it is.
        """
        for answer in (b"* ID NIL", b"* ID ()", b"* ID", b"* ID x", b"* ID (x)"):
            server = Talk()
            done = server.client.identify(name="imapsync")
            server.say(answer, b"0001 OK x")
            self.successResultOf(done)
            self.assertEqual({}, server.client.identity)

    def test_leave(self) -> None:
        """
        LOGOUT, and nothing more.
        """
        server = Talk()
        done = server.client.leave()
        self.assertEqual(b"0001 LOGOUT\r\n", server.heard())
        self.assertFalse(server.transport.disconnecting)
        server.say(b"* BYE bye", b"0001 OK x")
        self.assertTrue(server.transport.disconnecting)
        self.assertNoResult(done)
        server.hangUp()
        self.successResultOf(done)
        self.assertEqual([], server.clock.getDelayedCalls())

    def test_leaveNeverClosed(self) -> None:
        """
        A server that agrees, but does not close its end, is not waited for
        longer than some seconds; nor is one that goes on talking.
        """
        for answer in (b"* BYE bye\r\n0001 OK x\r\n", b"", b"0001 BAD x\r\n"):
            server = Talk()
            server.client.leave()
            server.client.dataReceived(answer)
            for _ in range(5):
                self.assertFalse(server.transport.disconnected)
                server.say(b"* OK still here")
                server.clock.advance(1)
            self.assertTrue(server.transport.disconnected)

    def test_leaveQueued(self) -> None:
        """
        Nor is one that never answers what was asked before.
        """
        server = Talk()
        failures = failing(server.client.identify(name="x"))
        server.client.leave()
        server.clock.advance(5)
        self.assertTrue(server.transport.disconnected)
        self.assertTrue(failures[0].check(Lost))

    def test_leaveWhatIsGone(self) -> None:
        """
        There is no farewell to what has ended.
        """
        server = Talk()
        server.hangUp()
        self.successResultOf(server.client.leave())
        self.assertEqual([], server.clock.getDelayedCalls())


class AccountTests(SynchronousTestCase):
    """
    All mailboxes of an account.
    """

    def test_namespaces(self) -> None:
        """
        NAMESPACE.
        """
        server = Talk()
        done = server.client.namespaces()
        self.assertEqual(b"0001 NAMESPACE\r\n", server.heard())
        server.say(b'* NAMESPACE (("" ".")) NIL NIL', b"0001 OK x")
        self.assertEqual(Namespaces((("", "."),), ()), self.successResultOf(done))

    def test_list(self) -> None:
        """
        LIST with STATUS; what the server says between is not lost on others.
        """
        server = Talk()
        listener = server.open()
        done = server.client.listMailboxes("*", ("SUBSCRIBED",), ("STATUS (MESSAGES)",))
        self.assertEqual(
            b'0002 LIST (SUBSCRIBED) "" "*" RETURN (STATUS (MESSAGES))\r\n',
            server.heard(),
        )
        server.say(
            b'* LIST (\\Subscribed) "/" {3}\r\na"b',
            b"* 9 EXISTS",
            b'* STATUS "a\\"b" (MESSAGES 3)',
            b'* LIST (\\NonExistent) NIL "c\\\\"',
            b"0002 OK x",
        )
        self.assertEqual(
            [
                Listed('a"b', "/", frozenset(["\\subscribed"]), Status(3)),
                Listed("c\\", "", frozenset(["\\nonexistent"])),
            ],
            self.successResultOf(done),
        )
        self.assertEqual(["9 exist"], listener.told)

    def test_onMailbox(self) -> None:
        """
        CREATE and the like go together.
        """
        server = Talk()
        waiting = [server.client.onMailbox("CREATE", name) for name in ("a", "\xfc")]
        self.assertEqual(b'0001 CREATE "a"\r\n0002 CREATE "&APw-"\r\n', server.heard())
        server.say(b"0002 NO [ALREADYEXISTS] x", b"0001 OK x")
        self.successResultOf(waiting[0])
        self.failureResultOf(waiting[1], Refused)

    def test_rename(self) -> None:
        """
        RENAME has two names.
        """
        server = Talk()
        server.client.onMailbox("RENAME", "a", "\xfc")
        self.assertEqual(b'0001 RENAME "a" "&APw-"\r\n', server.heard())

    def test_appendNothing(self) -> None:
        """
        An APPEND that is called off is one of nothing.
        """
        server = Talk()
        done = server.client.appendNothing("a")
        self.assertEqual(b'0001 APPEND "a" {0+}\r\n\r\n', server.heard())
        server.say(b"0001 NO [TRYCREATE] no such mailbox")
        self.assertEqual("TRYCREATE", self.failureResultOf(done).value.responseCode)

    def test_appendLimit(self) -> None:
        """
        How large a message may be: what the server says of all mailboxes, else of the
        one, if it does.
        """
        server = Talk(b"* PREAUTH [CAPABILITY APPENDLIMIT=99] x")
        asked = server.client.appendLimit("a b")
        self.assertEqual(99, self.successResultOf(asked))
        server = Talk(b"* PREAUTH [CAPABILITY IDLE] x")
        self.assertIsNone(self.successResultOf(server.client.appendLimit("a b")))
        server = Talk(b"* PREAUTH [CAPABILITY APPENDLIMIT] x")
        for told, limit in (
            ([b'* STATUS "a b" (APPENDLIMIT 99)', b"OK"], 99),
            ([b'* STATUS "a b" (APPENDLIMIT NIL)', b"OK"], None),
            ([b"* STATUS other (APPENDLIMIT 99)", b"OK"], None),
            ([b"NO"], None),
            ([b"BAD"], None),
        ):
            asked = server.client.appendLimit("a b")
            tag, heard = server.heard().split(b" ", 1)
            self.assertEqual(b'STATUS "a b" (APPENDLIMIT)\r\n', heard)
            server.say(*told[:-1], tag + b" " + told[-1])
            self.assertEqual(limit, self.successResultOf(asked))

    def test_status(self) -> None:
        """
        STATUS of many at a time.
        """
        server = Talk()
        waiting = [server.client.mailboxStatus(name, "UIDNEXT") for name in "ab"]
        server.say(b"* STATUS b (UIDNEXT 2)", b"* STATUS a (UIDNEXT 1)")
        server.say(b"0001 OK x", b"0002 OK x")
        self.assertEqual(
            [Status(uidnext=1), Status(uidnext=2)],
            [self.successResultOf(done) for done in waiting],
        )


class MailboxTests(SynchronousTestCase):
    """
    In a mailbox.
    """

    def setUp(self) -> None:
        """
        One that is selected.
        """
        self.server = Talk()
        self.listener = self.server.open()
        self.client = self.server.client

    def test_resynchronised(self) -> None:
        """
        SELECT with QRESYNC: what vanished and what changed, in order, after
        CLOSED, which may stand in the same read.
        """
        listener = Listener()
        done = self.client.open("b", Mark(7, 5, 9), listener, False)
        self.assertEqual(b'0002 EXAMINE "b" (QRESYNC (7 9))\r\n', self.server.heard())
        self.server.say(
            b"* 4 FETCH (UID 4 FLAGS (\\Seen))",
            b"* OK [CLOSED] Previous mailbox closed.",
            b"* FLAGS (\\Seen)",
            b"* OK [PERMANENTFLAGS ()] Read-only mailbox.",
            b"* 3 EXISTS",
            b"* OK [UIDVALIDITY 7] x",
            b"* OK [UIDNEXT 6] x",
            b"* OK [HIGHESTMODSEQ 12] x",
            b"* VANISHED (EARLIER) 1:3",
            b"* 1 FETCH (UID 4 FLAGS (\\Seen) MODSEQ (10))",
            b"* 2 FETCH (UID 5 FLAGS () MODSEQ (12))",
            b"0002 OK [READ-ONLY] (done",
        )
        selected = self.successResultOf(done)
        self.assertEqual(Mark(7, 6, 12), selected.mark)
        self.assertEqual((3, True), (selected.exists, selected.readOnly))
        self.assertEqual([Row(4, frozenset(["\\Seen"]))], self.listener.told)
        self.assertEqual(
            [
                "3 exist",
                "vanished earlier 1:3",
                Row(4, frozenset(["\\Seen"]), 10),
                Row(5, frozenset(), 12),
            ],
            listener.told,
        )

    def test_refused(self) -> None:
        """
        A mailbox that cannot be selected leaves none selected.
        """
        done = self.client.open("b", None, Listener(), True)
        self.server.say(b"* OK [CLOSED] x", b"0002 NO [NONEXISTENT] x")
        self.failureResultOf(done, Refused)
        self.server.say(b"* VANISHED 1:9")
        self.assertEqual([], self.listener.told)

    def test_unfit(self) -> None:
        """
        The server may say that a mailbox cannot be kept in step.
        """
        done = self.client.open("b", None, Listener(), True)
        self.server.say(
            b"* OK [CLOSED] x",
            b"* OK [NOMODSEQ] x",
            b"* NO [UIDNOTSTICKY] x",
            b"* OK [UIDNOTSTICKY] x",
            b"0002 OK x",
        )
        selected = self.successResultOf(done)
        self.assertEqual((0, False), (selected.mark.modseq, selected.persistent))

    def test_notClosed(self) -> None:
        """
        Were the server to leave out CLOSED, rows could belong to either.
        """
        done = self.client.open("b", None, Listener(), True)
        self.server.say(b"0002 OK x")
        self.failureResultOf(done, ProtocolViolation)

    def test_hugeNumbers(self) -> None:
        """
        Numbers without bounds cost the mailbox.
        """
        for line in (b"* OK [UIDNEXT 99999999999] x", b"* 4294967296 EXISTS"):
            self.setUp()
            done = self.client.open("b", None, Listener(), True)
            self.server.say(b"* OK [CLOSED] x", line, b"0002 OK x")
            self.failureResultOf(done, Garbled)
            self.assertFalse(self.server.transport.disconnecting)

    def test_unreadable(self) -> None:
        """
        What is whole, but makes no sense, costs the command that it belongs to,
        wherever it stands; and only that.
        """
        for line in (
            b"* 3 FETCH (UID 99999999999 FLAGS ())",
            b"* 3 FETCH (UID 3 FLAGS ()",
            b"* 3 FETCH (UID () BODY[] {7}\r\n) A 1\r\n FLAGS ())",
        ):
            self.setUp()
            done = self.client.reportFlags(SOME)
            other = self.client.exists(SOME)
            self.server.say(line, b"* 4 FETCH (UID 4 FLAGS ())", b"0002 OK x")
            self.server.say(b'* ESEARCH (TAG "0003") UID ALL 3', b"0003 OK x")
            self.failureResultOf(done, Garbled)
            self.assertEqual(UidSet.of([3]), self.successResultOf(other))
            self.assertEqual([Row(4, frozenset())], self.listener.told)

    def test_unreadableSelect(self) -> None:
        """
        So it is with what a SELECT tells.
        """
        for line in b"* VANISHED (EARLIER) 1:*", b"* 3 FETCH (UID x)":
            self.setUp()
            done = self.client.open("b", Mark(7, 5, 9), Listener(), False)
            self.server.say(b"* OK [CLOSED] x", line, b"0002 OK x")
            self.failureResultOf(done, Garbled)

    def test_unreadableHint(self) -> None:
        """
        What nobody needs is passed over, and told once.
        """
        with capturedLogs() as warned:
            done = self.client.mailboxStatus("a", "UIDNEXT")
            for _ in range(3):
                self.server.say(
                    b"* STATUS b (UIDNEXT 99999999999)",
                    b"* METADATA",
                    b"* ENABLED (x)",
                    b"* VANISHED (EARLIER) ",
                )
            self.server.say(b"0002 OK [HIGHESTMODSEQ x] y")
        self.assertEqual(Status(), self.successResultOf(done))
        self.assertEqual(["vanished earlier "] * 3, self.listener.told)
        texts = [event["text"] for event in warned]
        self.assertEqual(3, len(texts), texts)
        self.assertIn("STATUS b", texts[0])

    def test_reportFlags(self) -> None:
        """
        Flags go to the listener.
        """
        done = self.client.reportFlags(SOME)
        everything = self.client.reportFlags(None)
        self.assertEqual(
            b"0002 UID FETCH 3:5,9 (FLAGS)\r\n0003 UID FETCH 1:* (FLAGS)\r\n",
            self.server.heard(),
        )
        self.server.say(b"* 1 FETCH (UID 3 FLAGS ())", b"0002 OK x", b"0003 OK x")
        self.successResultOf(done)
        self.successResultOf(everything)
        self.assertEqual([Row(3, frozenset())], self.listener.told)

    def test_exists(self) -> None:
        """
        With ESEARCH and without, only what was asked for is there.
        """
        done = self.client.exists(SOME)
        self.assertEqual(
            b"0002 UID SEARCH RETURN (ALL) UID 3:5,9\r\n", self.server.heard()
        )
        self.server.say(b'* ESEARCH (TAG "0002") UID ALL 4:7', b"0002 OK x")
        self.assertEqual(UidSet(((4, 5),)), self.successResultOf(done))
        self.server.say(b"* CAPABILITY IMAP4rev1")
        done = self.client.exists(SOME)
        self.assertEqual(b"0003 UID SEARCH UID 3:5,9\r\n", self.server.heard())
        self.server.say(b"* SEARCH 9 3 30", b"0003 OK x")
        self.assertEqual(UidSet.of([3, 9]), self.successResultOf(done))

    def test_nothing(self) -> None:
        """
        Nothing is asked about no messages.
        """
        self.assertEqual(UidSet(), self.successResultOf(self.client.exists(UidSet())))
        self.assertEqual(b"", self.server.heard())

    def test_long(self) -> None:
        """
        More UIDs than a command can hold take several, all in flight; each
        row is told once.
        """
        rows: list[Row] = []
        done = self.client.fetchRows(MANY, "(FLAGS RFC822.SIZE)", rows.extend)
        commands = self.server.heard().splitlines()
        self.assertEqual(2, len(commands))
        self.assertLess(max(map(len, commands)), 8100)
        uids = (1, 3001, 5999)
        for uid in uids:
            self.server.say(b"* 1 FETCH (UID %d FLAGS () RFC822.SIZE 3)" % uid)
        self.assertNoResult(done)
        for command in commands:
            self.server.say(command.split()[0] + b" OK x")
        self.successResultOf(done)
        self.assertEqual([Row(uid, frozenset(), 0, 3) for uid in uids], rows)

    def test_partlyRefused(self) -> None:
        """
        If one of several commands is refused, that is told when all are done.
        """
        done = self.client.exists(MANY)
        first, second = (line.split()[0] for line in self.server.heard().splitlines())
        self.server.say(first + b" NO x")
        self.assertNoResult(done)
        self.server.say(second + b" OK x")
        self.failureResultOf(done, Refused)

    def test_bodies(self) -> None:
        """
        Bodies of any content are streamed to who asked for them, with
        attributes before and after.
        """
        bodies, others = Bodies(), Bodies()
        done = self.client.fetchBodies(SOME, "(FLAGS BODY.PEEK[])", bodies)
        self.client.fetchBodies(UidSet.of([20]), "BODY.PEEK[HEADER]", others)
        self.assertEqual(
            b"0002 UID FETCH 3:5,9 (FLAGS BODY.PEEK[])\r\n"
            b"0003 UID FETCH 20 BODY.PEEK[HEADER]\r\n",
            self.server.heard(),
        )
        literal = b"{%d}\r\n%s" % (len(EVIL), EVIL)
        self.server.say(
            b"* 2 FETCH (UID 4 FLAGS (a) BODY[] " + literal + b")",
            b"* 9 FETCH (BODY[HEADER] " + literal + b" UID 20)",
            b"* 1 FETCH (UID 3 BODY[] " + literal + b" FLAGS (b))",
            b"* 7 FETCH (UID 7 FLAGS (c))",
        )
        self.assertNoResult(done)
        self.server.say(b"* VANISHED 5", b"0002 OK x")
        self.successResultOf(done)
        row = Row(4, frozenset("a"), section="BODY[]")
        unknown = Row(20, section="BODY[HEADER]")
        told = [
            (row, EVIL),
            (unknown, EVIL),
            (row._replace(uid=3, flags=frozenset("b")), EVIL),
        ]
        self.assertEqual(told, bodies.messages + others.messages)
        self.assertEqual([Row(7, frozenset("c")), "vanished 5"], self.listener.told)

    def test_bodyBroken(self) -> None:
        """
        A body that ends with the connection is never told to be complete.
        """
        bodies = Bodies()
        done = self.client.fetchBodies(SOME, "BODY.PEEK[]", bodies)
        self.client.dataReceived(b"* 2 FETCH (UID 4 BODY[] {9}\r\nabc")
        self.server.hangUp()
        self.failureResultOf(done, Lost)
        self.assertEqual(([1], []), ([len(bodies.began)], bodies.messages))

    def test_store(self) -> None:
        """
        STOREs are pipelined; the listener hears what came of them.
        """
        waiting = [
            self.client.store(SOME, "+", frozenset(["\\Seen", "a"])),
            self.client.store(UidSet.of([7]), "-", frozenset("b")),
        ]
        self.assertEqual(
            b"0002 UID STORE 3:5,9 +FLAGS (\\Seen a)\r\n"
            b"0003 UID STORE 7 -FLAGS (b)\r\n",
            self.server.heard(),
        )
        self.server.say(
            b"* 1 FETCH (UID 3 MODSEQ (9) FLAGS (\\Seen a))",
            b"* 5 FETCH (UID 7 MODSEQ (10) FLAGS ())",
            b"* VANISHED 9",
            b"0002 OK [MODIFIED 4] x",
            b"0003 OK x",
        )
        for done in waiting:
            self.successResultOf(done)
        self.assertEqual(
            [
                Row(3, frozenset(["\\Seen", "a"]), 9),
                Row(7, frozenset(), 10),
                "vanished 9",
            ],
            self.listener.told,
        )

    def test_expunge(self) -> None:
        """
        UID EXPUNGE.
        """
        done = self.client.expungeUids(SOME)
        self.assertEqual(b"0002 UID EXPUNGE 3:5,9\r\n", self.server.heard())
        self.server.say(b"* VANISHED 3:5", b"0002 OK [HIGHESTMODSEQ 9] x")
        self.successResultOf(done)
        self.assertEqual(["vanished 3:5", "modseq 9"], self.listener.told)

    def test_transfer(self) -> None:
        """
        COPY and MOVE tell the new UIDs.
        """
        copy = self.client.transfer("COPY", SOME, "b")
        move = self.client.transfer("MOVE", UidSet.of([7]), "b")
        self.assertEqual(
            b'0002 UID COPY 3:5,9 "b"\r\n0003 UID MOVE 7 "b"\r\n', self.server.heard()
        )
        self.server.say(
            b"0002 OK [COPYUID 7 3:5,9 11:14] x",
            b"* OK [COPYUID 7 7 15] x",
            b"* VANISHED 7",
            b"0003 OK x",
        )
        self.assertEqual(
            [Transferred(7, {3: 11, 4: 12, 5: 13, 9: 14})], self.successResultOf(copy)
        )
        self.assertEqual([Transferred(7, {7: 15})], self.successResultOf(move))

    def test_badFlag(self) -> None:
        """
        A flag cannot become another command.
        """
        flags = frozenset(["a)\r\nX DELETE b"])
        self.assertRaises(ValueError, self.client.store, SOME, "+", flags)


class ScriptedTests(SynchronousTestCase):
    """
    Whatever a server says, all that waits comes to an end.
    """

    def busy(self, trace: bool) -> tuple[Talk, list[Deferred[Any]]]:
        """
        A client that has asked for a lot.
        """
        server = Talk(trace=trace)
        client = server.client
        appending = client.beginAppend("a")
        appending.message(BARE, 3)
        appending.write(b"abc")
        waiting: list[Deferred[Any]] = [
            appending.finish(),
            client.listMailboxes("*"),
            client.mailboxStatus("a", "UIDNEXT"),
            client.namespaces(),
            client.perform(Simple("NOOP")),
            client.open("a", None, Listener(), True),
            client.fetchBodies(SOME, "BODY[]", Bodies()),
            client.fetchRows(SOME, "(RFC822.SIZE)", lambda rows: None),
            client.exists(SOME),
            client.store(SOME, "+", frozenset("a")),
            client.transfer("MOVE", SOME, "b"),
        ]
        return server, waiting

    @given(
        st.lists(
            st.binary(max_size=40)
            | streams
            | st.integers(1, 11).map(lambda number: b"%04X OK x\r\n" % number),
            max_size=12,
        ),
        cuts,
        st.booleans(),
    )
    @settings(max_examples=200)
    def test_anything(self, said: list[bytes], at: list[int], trace: bool) -> None:
        """
        Nothing is raised, and commands fail with our own errors.
        """
        server, waiting = self.busy(trace)
        outcomes: list[object] = []
        for done in waiting:
            done.addBoth(outcomes.append)
        for piece in split(b"".join(said), at):
            server.client.dataReceived(piece)
        server.hangUp()
        self.assertEqual(len(waiting), len(outcomes))
        for outcome in outcomes:
            if isinstance(outcome, Failure):
                outcome.trap(ImapSyncError)
        self.successResultOf(server.client.lost)

    def test_answered(self) -> None:
        """
        To begin with, all those can succeed.
        """
        server, waiting = self.busy(False)
        for number in range(1, 12):
            server.say(b'* ESEARCH (TAG "%04X") UID' % number)
            server.say(b"%04X OK x" % number)
        for done in waiting:
            self.successResultOf(done)

    @given(st.binary(max_size=60) | streams, cuts)
    @settings(max_examples=100)
    def test_greeting(self, said: bytes, at: list[int]) -> None:
        """
        Whatever a server begins with, it is a greeting or it is not.
        """
        server = Talk(b"")
        for piece in split(said, at):
            server.client.dataReceived(piece)
        server.hangUp()
        self.assertEqual(1, len(server.greeted))
        failures = failing(server.client.perform(Simple("NOOP")))
        self.assertEqual(1, len(failures))
        self.flushLoggedErrors()
