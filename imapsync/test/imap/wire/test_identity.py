"""
Tests for L{imapsync.imap.wire.identity}.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from imapsync.imap.wire.reading import parseResponse
from imapsync.imap.wire.responses import Row


def row(attributes: bytes) -> Row:
    """
    What is read of them.
    """
    found = parseResponse([b"* 1 FETCH (UID 3 " + attributes + b")"])
    assert isinstance(found, Row)
    return found


class IdentityTests(SynchronousTestCase):
    """
    What is told of a message.
    """

    def test_told(self) -> None:
        """
        EMAILID is in a list, X-GM-MSGID may be as great as 64 bits are; what is neither
        is nothing.
        """
        for told, meant in (
            (b"EMAILID (M6d99ac3275bb4e)", "M6d99ac3275bb4e"),
            (b"X-GM-MSGID 18446744073709551615", "18446744073709551615"),
            (b"EMAILID ()", ""),
            (b"EMAILID ((M1))", ""),
            (b"EMAILID NIL", ""),
            (b"FLAGS ()", ""),
        ):
            self.assertEqual(meant, row(told).identity, told)

    def test_labels(self) -> None:
        """
        Labels are names as in LIST; it is one thing to have none, and another not to be
        told any.
        """
        told = rb'X-GM-LABELS ("\\Inbox" \Sent Work "B&APw-ro" "in\"box")'
        self.assertEqual(
            {"\\Inbox", "\\Sent", "Work", "B\N{LATIN SMALL LETTER U WITH DIAERESIS}ro"}
            | {'in"box'},
            row(told).labels,
        )
        self.assertEqual(frozenset(), row(b"X-GM-LABELS ()").labels)
        self.assertIsNone(row(b"X-GM-LABELS NIL").labels)
        self.assertIsNone(row(b"FLAGS ()").labels)
