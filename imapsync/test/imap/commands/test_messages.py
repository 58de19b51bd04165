"""
Tests for L{imapsync.imap.commands.messages}.
"""

from __future__ import annotations

from typing import TypeVar

from twisted.trial.unittest import SynchronousTestCase

from imapsync.imap.commands.base import Command
from imapsync.imap.commands.messages import (
    Expunge,
    Fetch,
    Search,
    Transfer,
    Transferred,
)
from imapsync.imap.wire.arguments import Literal
from imapsync.imap.wire.reading import parseResponse
from imapsync.imap.wire.responses import (
    Condition,
    Exists,
    Expunged,
    Found,
    Response,
    Vanished,
)
from imapsync.test.fakes.talking import answered
from imapsync.uidset import UidSet

T = TypeVar("T")


def parsed(line: bytes) -> Response:
    """
    What a server says.
    """
    response = parseResponse([line])
    assert isinstance(response, Response)
    return response


DONE = Condition("A1", "OK", "", b"", "")


class FetchTests(SynchronousTestCase):
    """
    UID FETCH.
    """

    def test_wants(self) -> None:
        """
        A FETCH for something wants what it asked for, and what may be that.
        """
        fetch = Fetch("3:5,9", "(RFC822.SIZE)", rows=lambda rows: None)
        self.assertEqual(
            [0, 3, 9], [uid for uid in (0, 2, 3, 9, 10) if fetch.wants(uid)]
        )
        self.assertTrue(fetch.hears)

    def test_flags(self) -> None:
        """
        One for flags leaves the rows to the mailbox's listener, but must know of
        those that cannot be read.
        """
        fetch = Fetch("1:*", "(FLAGS)")
        self.assertFalse(fetch.wants(1))
        self.assertIn("FETCH", fetch.concerns)


class SearchTests(SynchronousTestCase):
    """
    SEARCH.
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

    def test_search(self) -> None:
        """
        SEARCH and ESEARCH both tell what is there.
        """
        extended, plain = Search("1:9", True), Search("1:9", False)
        self.assertEqual((b"RETURN (ALL)", b"UID", b"1:9"), extended.words)
        self.assertEqual((b"UID", b"1:9"), plain.words)
        extended.tag = "A1"
        self.assertFalse(extended.claim(Found("A2", UidSet.of([4]))))
        found = self.resultOf(extended, Found("A1", UidSet.of([3])))
        self.assertEqual(UidSet.of([3]), found)
        some = [Found("", UidSet.of([3])), Found("", UidSet.of([5]))]
        self.assertEqual(UidSet.of([3, 5]), self.resultOf(plain, *some))
        self.assertTrue(plain.alone)

    def test_endlessSearch(self) -> None:
        """
        Only what was asked for is kept.
        """
        search = Search("5:6,9", False)
        some = [Found("", UidSet(((1, 5),))), Found("", UidSet.of(range(9, 99, 2)))]
        self.assertEqual(UidSet.of([5, 9]), self.resultOf(search, *some))

    def test_silentSearch(self) -> None:
        """
        Nothing said is not the same as nothing found.
        """
        self.assertIsNone(self.resultOf(Search("1:9", True)))

    def test_criteria(self) -> None:
        """
        What else messages have to fulfil comes behind their UIDs.
        """
        search = Search("1:*", False, b"DELETED")
        self.assertEqual((b"UID", b"1:*", b"DELETED"), search.words)


class ExpungeTests(SynchronousTestCase):
    """
    EXPUNGE.
    """

    def test_counted(self) -> None:
        """
        It is known how many messages went, by numbers or by UIDs.
        """
        expunge = Expunge()
        gone = UidSet.of([3, 4])
        for response in Expunged(3), Expunged(3), Vanished(gone, False), Exists(2):
            self.assertFalse(expunge.claim(response))
        self.assertFalse(expunge.claim(Vanished(gone, True)))
        self.assertEqual(4, self.successResultOf(answered(expunge, DONE)))


class TransferTests(SynchronousTestCase):
    """
    COPY and MOVE.
    """

    def copied(self, arguments: bytes) -> Transferred:
        """
        What COPYUID with C{arguments} tells.
        """
        command = Transfer("COPY", "3:5,9", "a")
        done = answered(command, Condition("A1", "OK", "COPYUID", arguments, ""))
        return self.successResultOf(done)

    def test_words(self) -> None:
        """
        The mailbox may need a literal.
        """
        command = Transfer("MOVE", "3", "a\udcff")
        self.assertEqual("UID MOVE", command.name)
        self.assertEqual((b"3", Literal(b"a\xff")), command.words)

    def test_copied(self) -> None:
        """
        COPYUID pairs old and new UIDs in the order in which they stand.
        """
        self.assertEqual(
            Transferred(7, {9: 20, 3: 21, 4: 22}), self.copied(b"7 9,3:4 20:22")
        )

    def test_moved(self) -> None:
        """
        A MOVE tells it before it is done.
        """
        command = Transfer("MOVE", "3", "a")
        told = Condition("*", "OK", "COPYUID", b"7 3 8", "")
        self.assertTrue(command.claim(told))
        self.assertFalse(command.claim(DONE))
        done = answered(command, DONE)
        self.assertEqual(Transferred(7, {3: 8}), self.successResultOf(done))

    def test_untold(self) -> None:
        """
        A server need not tell.
        """
        command = Transfer("COPY", "3", "a")
        done = answered(command, DONE)
        self.assertEqual(Transferred(0, {}), self.successResultOf(done))

    def test_nonsense(self) -> None:
        """
        Sets that do not match, or are no sets or without end, are as good as untold.
        """
        for arguments in (
            b"",
            b"7",
            b"7 3",
            b"7 3 8:9",
            b"7 x 8",
            b"x 3 8",
            b"7 3 8 9",
        ):
            command = Transfer("COPY", "3:5,9", "a")
            told = Condition("*", "OK", "COPYUID", arguments, "")
            self.assertTrue(command.claim(told))
            done = answered(command, DONE)
            self.assertEqual(Transferred(0, {}), self.successResultOf(done))
        self.assertEqual({}, self.copied(b"7 1:4294967295 1:4294967295").uids)
