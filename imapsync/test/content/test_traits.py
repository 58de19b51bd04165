"""
Tests for L{imapsync.content.traits}.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from imapsync.content.traits import TraitDigest, Traits, alike, inOrder
from imapsync.testing.accounts import mail

LETTER = b"Date: Thu, 1 Jan 1970\r\nFrom: a@x\r\nTo: b@x\r\nSubject: %s\r\n\r\n"


def traits(header: bytes) -> Traits:
    """
    Those of a message with this header.
    """
    digest = TraitDigest()
    for at in range(0, len(header), 7):
        digest.write(header[at : at + 7])
    return digest.traits


class TraitTests(SynchronousTestCase):
    """
    What is the same of a message that a server has changed.
    """

    def test_header(self) -> None:
        """
        All of the header, but for what servers do to the end of it, and to 8-bit bytes.
        """
        plain = traits(b"Message-ID: <a>\r\nX: \xe4\r\n\r\n")
        self.assertEqual(plain, traits(b"Message-ID: <a>\r\nX: X"))
        other = traits(b"Message-ID: <a>\r\nX: y\r\n\r\n")
        self.assertNotEqual(plain.header, other.header)
        self.assertEqual(plain.names, other.names)

    def test_names(self) -> None:
        """
        A Message-ID, however it is folded; else date, sender, recipient and subject.
        """
        one = traits(b"MESSAGE-id:\r\n <a>\r\n")
        self.assertEqual(one.names, traits(b"Received: x\r\nMessage-ID: <a>").names)
        letter = traits(LETTER % b"hello")
        self.assertEqual(letter.names, traits(b"X: y\r\n" + LETTER % b"hello").names)
        self.assertNotEqual(letter.names, traits(LETTER % b"bye").names)

    def test_none(self) -> None:
        """
        Without any of these, nothing is known of it.
        """
        for header in (
            b"",
            b"\r\n",
            b"Subject: x\r\n",
            b"no header",
            b"Message-ID: \r\n",
        ):
            self.assertEqual(Traits(b"", b""), traits(header))
        nothing = traits(b"")
        self.assertEqual([], alike([(1, nothing)], [(2, nothing)]))

    def test_alike(self) -> None:
        """
        Equal headers come first, and of equal ones the nth is the nth.
        """
        a, b = traits(mail("a")), traits(mail("b"))
        changed = traits(b"Received: x\r\n" + mail("a"))
        ours = [(3, a), (1, a), (2, b)]
        theirs = [(12, changed), (11, a), (13, a), (14, b)]
        found = alike(ours, theirs)
        self.assertEqual({1: 11, 3: 13, 2: 14}, dict(found))
        self.assertEqual([(1, 12)], alike([(1, a)], [(12, changed)]))
        self.assertEqual([], alike([(1, a)], [(12, changed)], whole=True))

    def test_inOrder(self) -> None:
        """
        Only if there are as many.
        """
        self.assertEqual([("a", 1), ("b", 2)], inOrder(["a", "b"], [1, 2]))
        self.assertEqual([], inOrder(["a"], [1, 2]))
