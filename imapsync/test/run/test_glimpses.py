"""
Tests for the first look at mailboxes that have to be compared:
L{imapsync.accounts.glances}, L{imapsync.imap.asking} and L{imapsync.imap.sight}.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from imapsync.accounts import glances
from imapsync.model import Side
from imapsync.run.look import Looked
from imapsync.test.run.test_look import LookCase
from imapsync.testing.accounts import Account, Folder, mail

LOCAL, REMOTE = Side


class ComparedCase(LookCase):
    """
    Neither server tells what has changed in a mailbox.

    @cvar greeting: of both.
    @cvar lacking: what they cannot do.
    @cvar asks: how they are asked.
    """

    greeting = "OK Cyrus is ready"
    lacking = frozenset(("QRESYNC", "CONDSTORE"))
    asks = "SEARCH"

    def setUp(self) -> None:
        """
        Sync twice, since what a server can do changes after the first time.
        """
        self.patch(glances, "_MANY", 1)
        super().setUp()
        for account in self.accounts:
            account.greeting = self.greeting
            account.capabilities = account.capabilities - self.lacking
        self.local.inbox.add(mail(4))
        self.again()
        self.forget()

    @property
    def accounts(self) -> tuple[Account, Account]:
        """
        Both.
        """
        return self.local, self.remote

    def again(self) -> None:
        """
        An ordinary run.
        """
        self.assertEqual(0, self.serve().code, self.logged)
        self.assertTrue(self.world.equal)

    def asked(self, account: Account) -> set[str]:
        """
        How it was asked for messages.
        """
        words = [line.partition("UID ")[2].split(" ")[0] for line in account.heard]
        return {word for word in words if word in ("SEARCH", "FETCH")}

    def changes(self) -> list[Callable[[], Any]]:
        """
        Ways in which another client changes something, so that STATUS tells the same.
        """
        inbox = self.remote.inbox
        first, second, *_ = inbox.messages
        flags = "\\Answered", "\\Flagged", "\\Deleted", "\\Draft", "known", "$new"
        return [
            *(lambda flag=flag: inbox.flag(first, flag) for flag in flags),
            lambda: inbox.flag(second, "KNOWN"),
            lambda: inbox.flag(second),
            lambda: self.exchange(inbox),
        ]

    def exchange(self, folder: Folder) -> None:
        """
        One message goes, and one comes.
        """
        folder.expunge(max(folder.messages))
        folder.add(mail(77))


class SearchedTests(ComparedCase):
    """
    It is searched for where each flag is.
    """

    def test_nothing(self) -> None:
        """
        Nothing has changed: that is seen without opening a mailbox for work.
        """
        for _ in range(2):
            self.assertNothing()
            for account in self.accounts:
                self.assertEqual({self.asks}, self.asked(account))
                self.assertEqual(2, account.count("EXAMINE"))
            self.forget()

    def test_changed(self) -> None:
        """
        Whatever another client changes is seen, and what is left then is remembered.
        """
        for number in range(len(self.changes())):
            before = self.state()
            self.changes()[number]()
            self.assertNotEqual(before, self.state(), number)
            looked = self.look()
            self.assertEqual((), looked.summary, number)
            self.goOn(looked)
            self.assertTrue(self.world.equal, number)
            self.assertClosed()
            self.forget()
            self.assertNothing()
            self.forget()

    def state(self) -> object:
        """
        What the changed mailbox holds.
        """
        messages = self.remote.inbox.messages.items()
        return [(uid, m.body, {*m.flags}) for uid, m in messages]

    def test_ordinary(self) -> None:
        """
        An ordinary run asks in the same way, and opens only what has changed.
        """
        self.again()
        for account in self.accounts:
            self.assertEqual({self.asks}, self.asked(account))
            self.assertEqual(0, account.count("SELECT"))
        self.remote.inbox.flag(min(self.remote.inbox.messages), "$new")
        self.forget()
        self.again()
        self.assertEqual(1, self.remote.count("SELECT"))

    def test_meanwhile(self) -> None:
        """
        What changes after it was looked at is for the next run.
        """
        uid = min(self.remote.inbox.messages)

        def flagOnce() -> None:
            if self.remote.count("LOGOUT") and not done:
                done.append("\\Flagged")
                self.remote.inbox.flag(uid, *done)

        done: list[str] = []
        self.nets.before = flagOnce
        self.assertNothing()
        self.assertTrue(done)
        self.forget()
        self.goOn(self.look())
        self.assertTrue(self.world.equal)

    def test_noticed(self) -> None:
        """
        What changes at the end of a run that did something is not taken for known.
        """
        uid = min(self.remote.inbox.messages)
        for number, verb in enumerate(("SELECT", "EXAMINE", self.asks, "LOGOUT")):
            self.local.inbox.add(mail(80 + number))
            change = partial(self.remote.inbox.flag, uid, f"word{number}")
            self.remote.before[verb] = change
            self.assertEqual(0, self.serve().code, self.logged)
            self.assertEqual({}, self.remote.before)
            self.forget()
            self.goOn(self.look())
            self.assertTrue(self.world.equal, verb)
            self.forget()

    def slow(self, seconds: float) -> Looked:
        """
        Look, where one server tells what is in its mailboxes octet by octet, each of
        which takes so long.
        """

        def wait() -> None:
            if self.remote.count("EXAMINE"):
                self.remote.chunk = 1
                self.nets.seconds += seconds

        self.nets.before = wait
        return self.look()

    def test_slow(self) -> None:
        """
        A server may take its time for that: to ask it once more would take longer.
        """
        self.assertTrue(self.slow(0.02).summary)
        self.assertTrue(5 < self.nets.seconds < 60, self.nets.seconds)

    def test_tooSlow(self) -> None:
        """
        But not for ever.
        """
        self.assertEqual((), self.slow(0.5).summary)
        self.assertTrue(60 < self.nets.seconds < 62, self.nets.seconds)


class UnreliableTests(ComparedCase):
    """
    What SEARCH tells is not so, or not all.
    """

    def assertFetched(self) -> None:
        """
        All flags are fetched, in this run and the next one; the first look as well.
        """
        uid = min(self.remote.inbox.messages)
        for flag in ("one", "two"):
            self.forget()
            self.remote.inbox.flag(uid, flag)
            self.again()
            self.assertIn("FETCH", self.asked(self.remote))
        self.forget()
        self.again()
        self.assertEqual(0, self.remote.count("SELECT"))
        self.forget()
        self.assertNothing()
        self.assertIn("FETCH", self.asked(self.remote))

    def test_refused(self) -> None:
        """
        It is refused, as often as it is asked.
        """
        for answer in ("NO not now", "BAD what is that"):
            self.setUp()

            def refusal(line: str, answer: str = answer) -> str:
                return answer if line.startswith("UID SEARCH RETURN") else ""

            self.remote.refusal = refusal
            self.forget()
            self.again()
            self.assertEqual(1, self.searches("INBOX"))
            self.assertFetched()

    def searches(self, name: str) -> int:
        """
        How often it was searched in a mailbox of the remote server.
        """
        heard, found, there = self.remote.heard, 0, ""
        for line in heard:
            if line.startswith(("EXAMINE", "SELECT")):
                there = line.split(" ")[1]
            found += there == name and line == "UID SEARCH RETURN ['ALL'] ALL"
        return found

    def test_unnamed(self) -> None:
        """
        FLAGS does not name keywords that are known.
        """
        self.remote.inbox.flag(max(self.remote.inbox.messages), "known")
        self.again()
        self.remote.inbox.namesKeywords = False
        self.assertFetched()

    def test_incomplete(self) -> None:
        """
        It leaves out some messages, or all.
        """
        for finds in (1, 0):
            self.setUp()
            self.remote.finds = finds
            self.assertFetched()

    def test_reticent(self) -> None:
        """
        It is not said which UID is the next.
        """
        self.remote.reticent = True
        self.again()
        self.forget()
        self.assertNothing()


class FetchedTests(SearchedTests):
    """
    Nobody knows whether a server names its keywords: all flags are fetched.
    """

    greeting = "OK ready"
    asks = "FETCH"


class BareTests(FetchedTests):
    """
    Servers that can do nothing but what is part of the protocol.
    """

    lacking = frozenset(
        "QRESYNC CONDSTORE LIST-EXTENDED LIST-STATUS ESEARCH UNSELECT UIDPLUS".split()
    )
