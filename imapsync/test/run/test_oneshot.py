"""
Tests for L{imapsync.run.oneshot}: one run, on servers in memory.
"""

from __future__ import annotations

from imapsync.config.request import Request
from imapsync.errors import Distrusted, Lost, MassDeletion, NotFound
from imapsync.test.test_service import ServiceCase
from imapsync.testing.accounts import Account, mail


class BrakeTests(ServiceCase):
    """
    What goes while it runs counts together.
    """

    def setUp(self) -> None:
        """
        Have both sides hold 120 messages.
        """
        super().setUp()
        self.world.fill(*map(mail, range(120)))
        self.serve(verbose=False)

    def expunge(self, count: int) -> None:
        """
        Remove so many of the messages that are left.
        """
        self.local.inbox.expunge(*list(self.local.inbox.messages)[:count])

    def assertBrakes(self, left: int) -> None:
        """
        It ends for that, with so many left.
        """
        outcome = self.serve(verbose=False)
        self.assertEqual(MassDeletion.code, outcome.code)
        self.assertIn(" of 120 known messages would be removed from", outcome.text)
        self.assertEqual(left, len(self.remote.inbox.messages))
        self.assertClosed()

    def test_rounds(self) -> None:
        """
        Look after look.
        """
        self.expunge(40)
        self.remote.before["EXPUNGE"] = lambda: self.expunge(30)
        self.assertBrakes(left=80)

    def test_unheard(self) -> None:
        """
        Also if a connection was lost before the answer.
        """

        def cut() -> None:
            self.expunge(25)
            self.remote.downLeft = 1

        self.expunge(40)
        self.remote.before["EXPUNGE"] = cut
        self.assertBrakes(left=80)


class LoginTests(ServiceCase):
    """
    Logins that are refused.
    """

    def setUp(self) -> None:
        """
        Have remote want a login.
        """
        super().setUp()
        self.remote.greeting = "OK"
        self.world.fill(mail(1))

    def refuse(self, answer: str) -> None:
        """
        Have it refuse every login.
        """
        self.remote.answers["AUTHENTICATE"] = f"NO {answer}"

    def cut(self, answer: str) -> None:
        """
        Cut the connection in the midst of the run, and refuse the next login.
        """

        def cut() -> None:
            self.refuse(answer)
            self.remote.downLeft = 1

        self.remote.before["LIST"] = cut

    def assertEnds(self, code: int, words: str, attempts: int) -> str:
        """
        It ends so, after so many attempts.
        """
        outcome = self.serve(verbose=False)
        self.assertEqual(code, outcome.code)
        self.assertIn(words, outcome.text)
        self.assertEqual(2 * attempts, len(self.world.links))
        self.assertClosed()
        return outcome.text

    def test_credentials(self) -> None:
        """
        If it is because of the credentials, it is not tried again.
        """
        self.refuse("[AUTHENTICATIONFAILED] no")
        self.assertEnds(Distrusted.code, "no; see username and password", 1)

    def test_noRoom(self) -> None:
        """
        If the server says in its own words that it has no room, it is, and nobody's
        password is blamed.
        """
        self.refuse("Too many open connections")
        text = self.assertEnds(Lost.code, "Too many open connections", 3)
        self.assertNotIn("password", text)

    def test_unclear(self) -> None:
        """
        If it does not say why, it is not, but nothing is guessed.
        """
        self.refuse("Not today")
        text = self.assertEnds(Distrusted.code, "refused: Not today", 1)
        self.assertNotIn("password", text)

    def test_later(self) -> None:
        """
        If a login has worked before, it may work again, unless the server says that
        it will not.
        """
        self.cut("Login failed: generic failure")
        self.assertEnds(Lost.code, "generic failure", 1 + 2)
        self.world.links.clear()
        self.remote.answers.clear()
        self.cut("[AUTHENTICATIONFAILED] no")
        self.assertEnds(Distrusted.code, "login was refused", 1 + 1)

    def test_passing(self) -> None:
        """
        And then all is done.
        """
        self.cut("Login failed: generic failure")
        self.remote.before["AUTHENTICATE"] = self.once
        self.assertEqual(0, self.serve(verbose=False).code)
        self.assertTrue(self.world.equal)
        self.assertEqual(2 * 3, len(self.world.links))

    def once(self) -> None:
        """
        Refuse the login after this one only.
        """

        def twice() -> None:
            self.remote.before["AUTHENTICATE"] = self.remote.answers.clear

        self.remote.before["AUTHENTICATE"] = twice


class RepairTests(ServiceCase):
    """
    Repairs, which take the place of a sync.
    """

    def setUp(self) -> None:
        """
        Have something to mend.
        """
        super().setUp()
        self.world.fill(*map(mail, range(30)))
        self.remote.make("Work").add(mail("work"))
        self.serve()
        self.said: list[str] = []
        self.remote.inbox.expunge(*list(self.remote.inbox.messages)[:20])

    def repair(self, *mailboxes: str, dryRun: bool = False) -> int:
        """
        @return: the exit code.
        """
        self.said.clear()
        request = Request(mailboxes, dryRun=dryRun, repair=True)
        outcome = self.serve(request, say=self.said.append)
        self.assertClosed()
        return outcome.code

    def test_code(self) -> None:
        """
        A dry run ends with 1 if anything is wrong, a repair if anything stays so.
        """
        self.assertEqual(1, self.repair(dryRun=True))
        self.assertEqual(41, len(self.said))
        self.assertEqual(0, self.repair())
        self.assertEqual(41, len(self.said))
        self.assertTrue(self.world.equal)
        self.assertEqual(0, self.repair(dryRun=True))
        self.assertEqual(["No anomalies."], self.said)
        self.remote.inbox.expunge(21 + 9)
        self.remote.objection = lambda offer: "NO [LIMIT] no"
        self.assertEqual(1, self.repair())
        [line] = [x for x in self.logged if "not mended" in x]
        self.assertIn("INBOX: local: UID 30: not mended: it is on local only", line)

    def test_nowhere(self) -> None:
        """
        A mailbox that was named has to be there.
        """
        self.assertEqual(NotFound.code, self.repair("Nowhere"))

    def test_cut(self) -> None:
        """
        One whose connection is lost goes on with another.
        """
        for verb in ("FETCH", "SEARCH", "APPEND", "EXAMINE", "LIST"):
            for remote in (False, True):
                account = self.remote if remote else self.local

                def cut(account: Account = account) -> None:
                    account.downLeft = 30

                account.before[verb] = cut
                self.assertEqual(0, self.repair(), verb)
                self.assertTrue(self.world.equal)
                account.before.clear()
                self.remote.inbox.expunge(*list(self.remote.inbox.messages)[:20])

    def test_noBrake(self) -> None:
        """
        Nothing is removed, so that nothing is stopped, however much is gone.
        """
        self.world.fill(*map(mail, range(100, 220)))
        self.serve()
        self.remote.inbox.expunge(*list(self.remote.inbox.messages))
        self.remote.delete("Work")
        self.assertEqual(0, self.repair())
        self.assertTrue(self.world.equal)
        self.assertEqual(30 - 20 + 120, len(self.local.inbox.messages))
