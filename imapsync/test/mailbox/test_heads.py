"""
Tests for L{imapsync.mailbox.heads}.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from imapsync.imap.commands.mailbox import Selected
from imapsync.imap.wire.responses import Row
from imapsync.mailbox.heads import MANNERS, Heads
from imapsync.testing.accounts import DATE


class HeadsTests(SynchronousTestCase):
    """
    What is in front of messages.
    """

    def test_manners(self) -> None:
        """
        In each manner, it has flags, keywords and a date as far as these are kept,
        and as far as that manner has them.
        """
        into = Selected("INBOX", permanentFlags=frozenset(("\\Seen", "$Junk")))
        rows = [
            Row(1, frozenset(("\\Seen", "\\Draft", "$Junk")), date=DATE),
            Row(2, date=DATE),
        ]
        heads = Heads(into)
        dated = b'"%s"' % DATE.encode()
        for manner, (keywords, date) in enumerate(MANNERS):
            given = ["\\Seen", *(["$Junk"] if keywords else [])]
            first, second = heads.of(rows, manner)
            self.assertEqual(frozenset(given), first.flags)
            self.assertEqual(DATE if date else "", first.date)
            self.assertEqual(b"() " + dated if date else b"()", second.octets)

    def test_unchanged(self) -> None:
        """
        Flags that are all kept stay the very same: they are compared often.
        """
        flags = frozenset(("\\Seen", "a"))
        [head] = Heads(Selected("INBOX")).of([Row(1, flags, date=DATE)], 0)
        self.assertIs(flags, head.flags)
        self.assertTrue(head.usual)
