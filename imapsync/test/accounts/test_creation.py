"""
Tests for L{imapsync.accounts.creation}: what is asked at the same time.
"""

from __future__ import annotations

from imapsync.model import Side
from imapsync.test.mailbox.test_sync import MailboxCase
from imapsync.testing.accounts import mail


class RoundTripTests(MailboxCase):
    """
    A first run, in which mailboxes are made.
    """

    def begin(self) -> None:
        """
        Two of them, one of which is subscribed.
        """
        super().begin()
        for account in (self.local, self.remote):
            account.guids = True
            account.capabilities |= {"ID"}
        for name in "ab":
            self.local.make(name).add(mail(name))
        self.local.folders["b"].subscribed = False

    def bursts(self) -> list[list[str]]:
        """
        Sync.

        @return: the words that commands to the remote server begin with, those that
            were sent at once together.
        """
        told: dict[int, list[str]] = {}

        def heard(line: str) -> str:
            [link] = [one for one in self.world.links if one.account is self.remote]
            words = line.replace("'", "").replace("[", "").split()
            told.setdefault(len(link.passed["up"]), []).append(" ".join(words[:2]))
            return ""

        self.remote.refusal = heard
        self.sync(listSelectOpts="")
        return [*told.values()]

    def test_together(self) -> None:
        """
        What is subscribed is asked right behind SUBSCRIBE, and the GUIDs of mailboxes
        along with the last LIST.
        """
        bursts = self.bursts()
        self.assertIn(["CREATE a", "CREATE b"], bursts)
        self.assertIn(["SUBSCRIBE a", "LIST *"], bursts)
        asked = ["STATUS INBOX", "STATUS a", "STATUS b"]
        self.assertEqual(["UNSELECT", "LIST *", *asked], bursts[-1])
        self.assertSettled()

    def test_refused(self) -> None:
        """
        A SUBSCRIBE that is refused is told, and the mailbox is synced even so.
        """
        self.remote.answers["SUBSCRIBE"] = "NO not that"
        report = self.sync(listSelectOpts="")
        self.assertIn("not that", str(report.troubles))
        self.assertEqual(1, len(self.remote.folders["a"].messages))

    def test_notMade(self) -> None:
        """
        What could not be made is not subscribed, nor when it is looked again.
        """
        self.remote.answers["CREATE"] = "NO not that"
        self.sync(listSelectOpts="")
        verbs = {line.partition(" ")[0] for line in self.remote.heard}
        self.assertNotIn("SUBSCRIBE", verbs)

    def test_hint(self) -> None:
        """
        Where the server does not tell its namespaces, and makes no mailbox by a name,
        the option that can help is named; not if it is used, or something else is
        wrong.
        """
        for lacks, answer, reference, hinted in (
            (True, "NO Permission denied", "", True),
            (True, "NO [NOPERM] no", "", True),
            (True, "NO [OVERQUOTA] full", "", False),
            (True, "NO Permission denied", "INBOX/", False),
            (False, "NO Permission denied", "", False),
        ):
            self.begin()
            self.remote.capabilities -= {"NAMESPACE"} if lacks else set()
            self.remote.answers["CREATE"] = answer
            self.world.options[Side.REMOTE]["listReference"] = reference
            report = self.sync(listSelectOpts="")
            told = str(report.troubles)
            self.assertIn("CREATE", told)
            self.assertEqual(hinted, "list-reference" in told, told)
