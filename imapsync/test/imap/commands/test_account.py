"""
Tests for L{imapsync.imap.commands.account}.
"""

from __future__ import annotations

from typing import TypeVar

from twisted.trial.unittest import SynchronousTestCase

from imapsync.errors import ProtocolViolation
from imapsync.imap.commands.account import (
    GuidCommand,
    IdentitiesCommand,
    LimitCommand,
    ListCommand,
    NamespaceCommand,
    StatusCommand,
    SubscriptionsCommand,
    itemsOf,
    lookOf,
)
from imapsync.imap.commands.base import Command
from imapsync.imap.features import Features
from imapsync.imap.wire.reading import parseResponse
from imapsync.imap.wire.responses import (
    Condition,
    Exists,
    ListedMailbox,
    Namespaces,
    Response,
    StatusResponse,
)
from imapsync.model import Listed, Status
from imapsync.test.fakes.talking import answered

T = TypeVar("T")


def parsed(line: bytes) -> Response:
    """
    What a server says.
    """
    response = parseResponse([line])
    assert isinstance(response, Response)
    return response


DONE = Condition("A1", "OK", "", b"", "")


_UNIQUE = b"/shared/vendor/cmu/cyrus-imapd/uniqueid"


class QueriesTests(SynchronousTestCase):
    """
    Each is written as its RFC has it, and results in what the server says.
    """

    def resultOf(self, command: Command[T], *responses: Response) -> T:
        """
        What a command results in if these are the responses.
        """
        for response in responses:
            self.assertTrue(command.claim(response))
        self.assertFalse(command.claim(Exists(1)))
        done = answered(command, DONE)
        return self.successResultOf(done)

    def test_list(self) -> None:
        """
        LIST puts names and their STATUS together.
        """
        command = ListCommand("%", ["SUBSCRIBED"], ["SUBSCRIBED", "STATUS (UIDNEXT)"])
        self.assertEqual(
            (
                b"(SUBSCRIBED)",
                b'""',
                b'"%"',
                b"RETURN",
                b"(SUBSCRIBED STATUS (UIDNEXT))",
            ),
            command.words,
        )
        a, b = (Listed(name, "/", frozenset(["\\subscribed"])) for name in "ab")
        result = self.resultOf(
            command,
            ListedMailbox(a, ""),
            ListedMailbox(b, ""),
            StatusResponse("a", Status(uidnext=5), {}),
        )
        self.assertEqual([Listed("a", "/", a.attributes, Status(uidnext=5)), b], result)

    def test_plainList(self) -> None:
        """
        Without options it is a LIST for any server.
        """
        self.assertEqual((b'""', b'"*"'), ListCommand("*", (), ()).words)

    def test_news(self) -> None:
        """
        What is told meanwhile is no less news for looking like an answer, and
        what a few items leave out stays as it was told before.
        """
        command = ListCommand("*", (), ("SUBSCRIBED", "STATUS (UIDNEXT)"))
        answer = parsed(b"* LIST (\\Subscribed \\NonExistent) NIL a")
        few = parsed(b"* STATUS a (HIGHESTMODSEQ 9)")
        full = parsed(b"* STATUS a (MESSAGES 0 UIDNEXT 2 UIDVALIDITY 3)")
        self.assertEqual([True, True], [command.claim(x) for x in (answer, few)])
        for news in (
            full,
            parsed(b"* STATUS a (MESSAGES 4 UIDNEXT 6)"),
            parsed(b"* STATUS a (MESSAGES 0 UNSEEN 0)"),
            parsed(b"* LIST (\\HasNoChildren) NIL a"),
            parsed(b'* LIST () NIL b ("OLDNAME" (a))'),
        ):
            self.assertFalse(command.claim(news))
        attributes = frozenset(["\\subscribed", "\\hasnochildren"])
        self.assertEqual(
            [Listed("a", "", attributes, Status(0, 6, 3, 9))], self.resultOf(command)
        )

    def test_oneListed(self) -> None:
        """
        A LIST for one name takes no other for its answer; nor a STATUS that
        it did not ask for.
        """
        command = ListCommand("inbox", (), ())
        other, inbox = parsed(b"* LIST () NIL b"), parsed(b"* LIST () NIL INBOX")
        self.assertEqual(
            [False, True, False],
            [
                command.claim(x)
                for x in (other, inbox, parsed(b"* STATUS INBOX (UIDNEXT 2)"))
            ],
        )

    def test_inbox(self) -> None:
        """
        C{INBOX} is answered for, in whatever case it was asked for or is answered
        in; of a LIST, too.
        """
        for asked in "INBOX", "Inbox":
            for told in b"INBOX", b"inbox":
                status = parsed(b"* STATUS %s (UIDNEXT 5 X-GUID abc)" % told)
                self.assertEqual(
                    Status(uidnext=5),
                    self.resultOf(StatusCommand(asked, "UIDNEXT"), status),
                )
                self.assertEqual(
                    (Status(uidnext=5), "abc"),
                    self.resultOf(GuidCommand(asked), status),
                )
                listed = parsed(b"* LIST () NIL Inbox")
                command = ListCommand(asked, (), ("STATUS (UIDNEXT)",))
                self.assertEqual(
                    [Listed("INBOX", "", frozenset(), Status(uidnext=5))],
                    self.resultOf(command, listed, status),
                )

    def test_otherStatus(self) -> None:
        """
        The STATUS of a mailbox that is not listed is somebody else's.
        """
        command = ListCommand("*", (), ())
        self.assertFalse(command.claim(StatusResponse("a", Status(), {})))

    def test_status(self) -> None:
        """
        STATUS is told apart by name.
        """
        command = StatusCommand("\xfc", "UIDNEXT UIDVALIDITY")
        self.assertEqual((b'"&APw-"', b"(UIDNEXT UIDVALIDITY)"), command.words)
        self.assertFalse(command.claim(StatusResponse("a", Status(uidnext=6), {})))
        told = StatusResponse("\xfc", Status(uidnext=5), {})
        self.assertEqual(Status(uidnext=5), self.resultOf(command, told))

    def test_statusNews(self) -> None:
        """
        Of two for the same mailbox, one is news.
        """
        command = StatusCommand("a", "MESSAGES UIDNEXT")
        self.assertTrue(command.claim(parsed(b"* STATUS a (UNSEEN 0)")))
        self.assertFalse(command.claim(parsed(b"* STATUS a (MESSAGES 1 UIDNEXT 2)")))
        self.assertFalse(command.claim(parsed(b"* STATUS a (HIGHESTMODSEQ 3)")))
        self.assertEqual(Status(1, 2, 0, 3), self.resultOf(command))

    def test_endless(self) -> None:
        """
        More mailboxes than any account has, or more of what is told of them, is no
        answer; what is told again takes no room.
        """
        lines: tuple[tuple[ListCommand | IdentitiesCommand, bytes], ...] = (
            (ListCommand("*", (), ()), b"* LIST (\\Subscribed) NIL box%d"),
            (IdentitiesCommand("*"), b'* METADATA box%%d ("%s" x)' % _UNIQUE),
        )
        for command, line in lines:
            command.collected.most = 10
            for number in [*range(10)] * 50:
                command.claim(parsed(line % number))
            self.assertEqual(10, len(command.collected.told))
            with self.assertRaises(ProtocolViolation) as caught:
                command.claim(parsed(line % 10))
            self.assertIn("more than 10 mailboxes", str(caught.exception))

    def test_endlessWords(self) -> None:
        """
        Nor may there be more and more attributes, or names that are too long.
        """
        for line in b"* LIST (\\x%09d) NIL a", b"* LIST () NIL %010d":
            command = ListCommand("*", (), ())
            command.collected.octets = 1000
            with self.assertRaises(ProtocolViolation) as caught:
                for number in range(200):
                    command.claim(parsed(line % number))
            self.assertIn("more than 1000 octets", str(caught.exception))

    def test_guid(self) -> None:
        """
        Dovecot's identity comes with UIDVALIDITY; there may be none.
        """
        words = (b'"a"', b"(UIDVALIDITY X-GUID)")
        for items, guid in ({"X-GUID": b"1f2e"}, "1f2e"), ({}, ""):
            command = GuidCommand("a")
            self.assertEqual(words, command.words)
            self.assertFalse(command.claim(StatusResponse("b", Status(), items)))
            told = StatusResponse("a", Status(uidvalidity=5), items)
            found = self.resultOf(command, told)
            self.assertEqual((Status(uidvalidity=5), guid), found)

    def test_identities(self) -> None:
        """
        Those of all mailboxes are told at once, whatever else is.
        """
        command = IdentitiesCommand("*")
        entry = "/shared/vendor/cmu/cyrus-imapd/uniqueid"
        self.assertEqual((b'"*"', entry.encode()), command.words)
        told = [
            parsed(f'* METADATA "&APw-" ("{entry}" "x1")'.encode()),
            parsed(b'* METADATA a ("/other" NIL)'),
            parsed(b"* METADATA b /other"),
        ]
        self.assertEqual({"\xfc": "x1"}, self.resultOf(command, *told))

    def test_subscriptions(self) -> None:
        """
        LSUB tells names; those that it tells twice are one, and mere levels are none.
        """
        command = SubscriptionsCommand()
        told = [
            parsed(line)
            for line in (
                b'* LSUB () "/" "&APw-"',
                b'* LSUB (\\Noselect) "/" inbox',
                b"* LSUB () NIL INBOX",
                b'* LSUB (\\HasChildren \\noSelect) "/" level',
            )
        ]
        self.assertFalse(command.claim(parsed(b'* LIST () "/" other')))
        found = self.resultOf(command, *told)
        self.assertEqual(["\xfc", "INBOX"], [one.name for one in found])
        self.assertEqual(["/", ""], [one.separator for one in found])
        self.assertTrue(all(one.subscribed for one in found))

    def test_looks(self) -> None:
        """
        Servers are asked for what they can tell.
        """
        items = "MESSAGES UIDNEXT UIDVALIDITY UNSEEN"
        more = "MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ"
        for words, told, look in (
            (b"LIST-STATUS", items, ()),
            (b"CONDSTORE", more, ()),
            (b"LIST-EXTENDED", items, ("SUBSCRIBED",)),
            (b"IMAP4rev2", items, ("SUBSCRIBED", f"STATUS ({items})")),
            (b"IMAP4rev2 QRESYNC", more, ("SUBSCRIBED", f"STATUS ({more})")),
        ):
            features = Features(words.split())
            self.assertEqual((told, look), (itemsOf(features), lookOf(features)))

    def test_namespaces(self) -> None:
        """
        NAMESPACE results in none if none is told.
        """
        told = Namespaces((("", "/"),), ())
        self.assertEqual(told, self.resultOf(NamespaceCommand(), told))
        self.assertEqual(Namespaces((), ()), self.resultOf(NamespaceCommand()))

    def test_limit(self) -> None:
        """
        A limit that is beyond all numbers is none.
        """
        for told, limit in ((b"7", 7), (b"%d" % 2**80, None)):
            response = parsed(b"* STATUS a (APPENDLIMIT %s)" % told)
            self.assertEqual(limit, self.resultOf(LimitCommand("a"), response))
