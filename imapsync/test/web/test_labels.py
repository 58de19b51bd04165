"""
Tests for L{imapsync.web.labels}.
"""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from imapsync.model import Refusal, Side
from imapsync.test.web.samples import DETAIL, TROUBLED, WELL
from imapsync.uidset import UidSet
from imapsync.watch.facts import Detail, MailboxFacts
from imapsync.web.labels import UNTOLD, Labels, machineKey


class LabelsTests(SynchronousTestCase):
    """
    Where names are hidden, something else stands for them.
    """

    def test_words(self) -> None:
        """
        What stands for them tells nothing, and no two are alike.
        """
        labels = Labels(b"key")
        words = {
            labels.account("anna"),
            labels.account("ben"),
            labels.mailbox("anna", "INBOX"),
            labels.mailbox("ben", "INBOX"),
        }
        self.assertEqual(4, len(words))
        for word in words:
            self.assertRegex(word, "^(account|mailbox)-[0-9a-f]{12}$")

    def test_stable(self) -> None:
        """
        They are always the same on one system, and others on another.
        """
        one, same, other = (Labels(key).account("a") for key in (b"k", b"k", b"l"))
        self.assertEqual(one, same)
        self.assertNotEqual(one, other)

    def test_bare(self) -> None:
        """
        Of an account, nothing in which a name may be is left; numbers are.
        """
        labels = Labels(b"key")
        facts = labels.facts(TROUBLED)
        self.assertEqual(labels.account("carl"), facts.name)
        self.assertEqual(("", "", UNTOLD), (facts.title, facts.path, facts.error))
        self.assertEqual("", labels.facts(WELL).error)
        self.assertEqual(WELL.counters, labels.facts(WELL).counters)

    def test_bareDetail(self) -> None:
        """
        Nor is it of its mailboxes.
        """
        labels = Labels(b"key")
        detail = labels.detail(DETAIL)
        work = labels.mailbox("ben", "Wörk")
        self.assertEqual(((work, "copying"),), detail.doing)
        self.assertEqual(work, detail.mailboxes[1].name)
        self.assertEqual(UNTOLD, detail.mailboxes[1].trouble)
        self.assertEqual("LIMIT", detail.mailboxes[1].refusals[0].code)
        for name in "Wörk", "INBOX", "NOPERM", "large", "carried", "example":
            self.assertNotIn(name, repr(detail))

    def test_codes(self) -> None:
        """
        Nor is a response code that no standard knows.
        """
        refusal = Refusal(Side.REMOTE, UidSet.of([1]), "No", "X-CARL")
        detail = Detail(TROUBLED, (MailboxFacts("INBOX", refusals=(refusal,)),))
        self.assertNotIn("CARL", repr(Labels(b"key").detail(detail)))

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
