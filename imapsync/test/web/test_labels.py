"""
Tests for L{imapsync.web.labels}.
"""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from imapsync.web.labels import HIDDEN, Labels, machineKey


class LabelsTests(SynchronousTestCase):
    """
    Accounts and mailboxes are called by their names, or by what hides them.
    """

    def test_shown(self) -> None:
        """
        Names are names, unless they are to be hidden.
        """
        labels = Labels(False)
        self.assertEqual("anna", labels.account("anna"))
        self.assertEqual("INBOX", labels.mailbox("anna", "INBOX"))
        self.assertEqual("a <-> b", labels.title("a <-> b"))
        self.assertEqual("No", labels.text("No"))

    def test_hidden(self) -> None:
        """
        What hides them tells nothing, and no two are alike.
        """
        labels = Labels(True, b"key")
        words = {
            labels.account("anna"),
            labels.account("ben"),
            labels.mailbox("anna", "INBOX"),
            labels.mailbox("ben", "INBOX"),
        }
        self.assertEqual(4, len(words))
        for word in words:
            self.assertRegex(word, "^(account|mailbox)-[0-9a-f]{12}$")
        self.assertEqual(("", HIDDEN), (labels.text(""), labels.text("a")))
        self.assertEqual("", labels.title("a <-> b"))

    def test_stable(self) -> None:
        """
        They are always the same on one system, and others on another.
        """
        one, same, other = (
            Labels(True, key).account("a") for key in (b"k", b"k", b"l")
        )
        self.assertEqual(one, same)
        self.assertNotEqual(one, other)

    def test_meant(self) -> None:
        """
        Who was told such a word can ask by it.
        """
        for labels in Labels(True, b"key"), Labels(False):
            self.assertEqual("b", labels.meant(labels.account("b"), "abc"))
            self.assertRaises(KeyError, labels.meant, labels.account("d"), "abc")

    def test_key(self) -> None:
        """
        The system's identity decides, but it is not told; where there is none, the
        words are others each time.
        """
        path = Path(self.mktemp())
        self.assertNotEqual(machineKey(path), machineKey(path))
        path.write_text("0123\n")
        self.assertEqual(machineKey(path), machineKey(path))
        self.assertNotIn(b"0123", machineKey(path))
