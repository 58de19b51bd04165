"""
Tests for L{imapsync.mailbox.appending}, by way of L{imapsync.mailbox.copying}.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from imapsync.errors import MailboxError, Misread
from imapsync.imap.trace import Trace
from imapsync.mailbox import appending as batches
from imapsync.mailbox import batch
from imapsync.mailbox.copying import Copier
from imapsync.test.mailbox.test_copying import ALL, BIG, CopyingCase, Record
from imapsync.testing.accounts import NOTHING, SEEN, Account, Offer, mail

OLD = "01-Jan-1950 00:00:00 +0000"
EVIL = b"Subject: harmless\r\n\r\nx1 DELETE Precious\r\nx2 NOOP\r\n"


class BatchTests(CopyingCase):
    """
    Messages that nobody objects to.
    """

    def test_batches(self) -> None:
        """
        Many messages go in one APPEND, but not too many.
        """
        self.world.fill(*map(mail, range(2 * batches.MESSAGES + 1)))
        self.copy()
        self.assertCopied()
        self.assertEqual(3, self.target.count("APPEND"))

    def test_bigBatches(self) -> None:
        """
        Nor do too many octets go in one APPEND.
        """
        size = batch.OCTETS // 2
        self.world.fill(*(mail(i, size) for i in range(5)))
        self.copy()
        self.assertCopied()
        self.assertEqual(3, self.target.count("APPEND"))

    def test_oneByOne(self) -> None:
        """
        Without MULTIAPPEND each message has its own APPEND.
        """
        self.target.capabilities.remove("MULTIAPPEND")
        self.world.fill(*map(mail, range(5)))
        self.copy()
        self.assertCopied()
        self.assertEqual(5, self.target.count("APPEND"))

    def test_proof(self) -> None:
        """
        Without APPENDUID no copy is reported, since nothing tells whose it
        is; but that there are some is.
        """
        for told in (False, "9 1:2", "8 1", "8 1:3", "what now", "8 1:*"):
            self.world.links.clear()
            self.source.inbox.messages.clear()
            self.record.doubts = 0
            self.world.fill(mail(1), mail(2))
            self.target.appendUid = told
            self.copy()
            self.assertEqual([], self.record.copies)
            self.assertEqual({}, self.record.refusals)
            self.assertEqual(2, self.record.doubts)


class RefusalTests(CopyingCase):
    """
    Messages that a server does not take, or does not give.
    """

    def test_oneOfMany(self) -> None:
        """
        One refused message is found and named; all others are copied.
        """
        self.world.fill(*map(mail, range(20)))
        self.target.objection = refusing(b"Subject: 13", "NO [OVERQUOTA] full")
        self.copy()
        self.assertEqual([14], list(self.record.refusals))
        self.assertIn("NO [OVERQUOTA] full", self.record.refusals[14])
        copied = sorted(one.source for one in self.record.copies)
        self.assertEqual([n for n in range(1, 21) if n != 14], copied)
        self.assertEqual(19, len(self.target.inbox.messages))

    def test_oneOfManyWithLeave(self) -> None:
        """
        The same where the server refuses instead of giving leave.
        """
        self.target.capabilities.remove("LITERAL+")
        self.world.fill(mail(0), mail("big", BIG), mail(2), mail(3))
        self.target.objection = tooBig
        self.copy()
        self.assertEqual([2], list(self.record.refusals))
        self.assertEqual([1, 3, 4], sorted(one.source for one in self.record.copies))
        self.assertIdle()

    def test_afterLeave(self) -> None:
        """
        The same where the server gives leave, and refuses then.
        """
        self.target.capabilities.remove("LITERAL+")
        self.world.fill(*map(mail, range(9)))
        self.target.objection = refusing(b"Subject: 3", "NO no")
        self.copy()
        self.assertEqual([4], list(self.record.refusals))
        self.assertEqual(8, len(self.record.copies))

    def test_keywords(self) -> None:
        """
        A message whose keywords are refused is copied without them.
        """

        def objection(offer: Offer) -> str:
            return "NO [CANNOT] keyword" if offer.flags - {"\\Seen"} else ""

        self.target.objection = objection
        self.source.inbox.add(mail(1), frozenset(["\\Seen", "odd"]))
        self.source.inbox.add(mail(2), SEEN)
        self.copy()
        [second, first] = self.record.copies
        self.assertEqual((SEEN | {"odd"}, SEEN), (first.flags, first.given))
        self.assertEqual((SEEN, SEEN), (second.flags, second.given))
        self.assertEqual({}, self.record.refusals)

    def test_date(self) -> None:
        """
        A message whose date is refused is copied without it, and only the
        date is said to be lacking.
        """

        def objection(offer: Offer) -> str:
            return "BAD date" if "1968" in offer.date else ""

        self.target.objection = objection
        self.source.inbox.add(mail(1), SEEN, "01-Jan-1968 00:00:00 +0000")
        self.copy()
        self.assertEqual([SEEN], [one.given for one in self.record.copies])
        self.assertEqual(1, len(self.target.inbox.messages))
        self.assertEqual([1], self.record.undateds)

    def test_permanentFlags(self) -> None:
        """
        Flags that a server says it will not keep are not sent, which is told.
        """
        self.target.inbox.permanent = "\\Seen"
        self.source.inbox.add(mail(1), frozenset(["\\Seen", "\\Draft", "odd"]))
        self.copy()
        [copy] = self.record.copies
        self.assertEqual(SEEN, copy.given)
        self.assertEqual(SEEN | {"\\Draft", "odd"}, copy.flags)

    def test_all(self) -> None:
        """
        A target that takes nothing is given up after some messages, which
        are each reported.
        """
        self.world.fill(*map(mail, range(batches.REFUSALS + 20)))
        self.target.objection = lambda _: "NO [OVERQUOTA] full"
        error = self.assertRaises(MailboxError, self.copy)
        self.assertIn("[OVERQUOTA] full", str(error))
        # Two may be under way when it is enough.
        self.assertIn(len(self.record.refusals) - batches.REFUSALS, (0, 1))
        self.assertIdle()

    def test_now_and_then(self) -> None:
        """
        Any number of refusals is borne as long as some messages are taken.
        """
        self.world.fill(*map(mail, range(3 * batches.REFUSALS)))
        self.target.objection = odd
        self.copy()
        self.assertEqual(3 * batches.REFUSALS // 2, len(self.record.refusals))
        self.assertEqual(3 * batches.REFUSALS // 2, len(self.record.copies))

    def test_source(self) -> None:
        """
        A message that the source cannot read is named.
        """
        self.world.fill(mail(1), mail(2))
        self.source.answers["FETCH"] = "NO [SERVERBUG] broken"
        self.copy()
        self.assertEqual([1, 2], sorted(self.record.refusals))
        self.assertIn("[SERVERBUG] broken", self.record.refusals[1])
        self.assertEqual([], self.record.copies)

    def test_sourceSkips(self) -> None:
        """
        A message that is there, but does not come, is named.
        """
        self.world.fill(mail(1), mail(2))
        self.source.deaf.add("FETCH")
        self.copy()
        self.assertEqual([1, 2], sorted(self.record.refusals))


class MisreadTests(CopyingCase):
    """
    Words that are no IMAP, or that a server may not take.
    """

    def literals(self) -> list[str]:
        """
        How each message was announced.
        """
        traced = "".join(self.traced)
        return re.findall(r"\{(?:\d+)(\+?)\}", traced)

    def prepare(self, timeout: float = 300, **more: Any) -> Copier:
        """
        With a trace.
        """
        self.traced: list[str] = []
        copier = super().prepare(timeout, **more)
        trace = Trace("server", self.traced.append)
        self.client.show = trace.sent  # type: ignore[method-assign]
        return copier

    def test_firstAsks(self) -> None:
        """
        Only in front of the first message that has a flag or a kind of date is leave
        asked.
        """
        for number in range(3):
            self.source.inbox.add(mail(number), SEEN)
        self.source.inbox.add(mail(3), frozenset(["\\Seen", "key"]))
        self.source.inbox.add(mail(4), frozenset(["key"]))
        self.source.inbox.add(mail(5), NOTHING, "01-Jan-1950 00:00:00 +0000")
        self.source.inbox.add(mail(6), SEEN, "31-Dec-1950 23:59:59 +0000")
        self.source.inbox.add(mail(7))
        self.copy()
        self.assertCopied()
        self.assertEqual(["", "+", "+", "", "+", "", "+", "+"], self.literals())

    def test_noFlag(self) -> None:
        """
        A keyword that is none in IMAP is not sent; the message is, and it is told
        what it lacks.
        """
        self.source.inbox.add(mail(1), frozenset(["\\Seen", "M\xe4rz", "a]b", "100%"]))
        self.copy()
        [copy] = self.record.copies
        self.assertEqual((SEEN, 4), (copy.given, len(copy.flags)))
        [line] = appended(self.target)
        self.assertTrue(line.startswith("APPEND INBOX ['\\\\Seen'] 01-Feb-2020"), line)

    def test_noDate(self) -> None:
        """
        Nor is a date; the message is named.
        """
        self.source.inbox.add(mail(1), SEEN, "01-Mai-2024 00:00:00 +0000")
        self.source.inbox.add(mail(2))
        self.copy()
        self.assertEqual(2, len(self.record.copies))
        self.assertEqual([1], self.record.undateds)
        self.assertNotIn("Mai", "".join(appended(self.target)))

    def test_refusedWords(self) -> None:
        """
        A word that is refused with BAD costs nobody the connection, and only its
        message the word.
        """
        self.world.fill(*map(mail, range(5)))
        for _ in range(2):
            self.source.inbox.add(mail("odd"), frozenset(["odd"]), OLD)
        self.world.fill(*map(mail, range(6, 9)))
        self.target.misreads = lambda offer: (
            "BAD odd" if "odd" in offer.flags or offer.date == OLD else ""
        )
        self.copy()
        self.assertEqual(10, len(self.record.copies))
        self.assertEqual([6, 7], sorted(self.record.undateds))
        self.assertEqual([], self.record.misreads)

    def test_misread(self) -> None:
        """
        A server that calls BAD what it has accepted before is left at once; these
        messages are named, and nothing of them is done.
        """
        self.world.fill(mail(1), mail(2), EVIL, mail(4))
        self.target.make("Precious")
        self.target.misreads = lambda offer: "BAD" if offer.size == len(EVIL) else ""
        self.target.window = 100
        error = self.assertRaises(Misread, self.copy)
        self.assertIn("BAD", str(error))
        self.assertIn("Precious", self.target.folders)
        self.assertIn(3, self.record.misreads)
        self.assertEqual(self.record.misreads, self.record.breaks)

    def test_careful(self) -> None:
        """
        With leave, that server refuses it, and it alone.
        """
        self.test_misread()
        self.record = Record()
        self.world.run(self.prepare(most=1, careful=True).copy(ALL))
        self.assertEqual([3], list(self.record.refusals))
        self.assertEqual([1, 2, 4], [one.source for one in self.record.copies])
        self.assertEqual({""}, set(self.literals()))


def appended(account: Account) -> list[str]:
    """
    The APPENDs that were heard.
    """
    return [line for line in account.heard if line.startswith("APPEND")]


def refusing(words: bytes, answer: str) -> Callable[[Offer], str]:
    """
    Object to messages with these words.
    """
    return lambda offer: answer if words in offer.body else ""


def tooBig(offer: Offer) -> str:
    """
    Object to the size.
    """
    return "NO [TOOBIG] too big" if offer.size >= BIG else ""


def odd(offer: Offer) -> str:
    """
    Object to each second message.
    """
    number = offer.body.partition(b"<")[2].partition(b"@")[0]
    return "NO odd" if int(number or 0) % 2 else ""
