"""
Tests for L{imapsync.accounts.ownership}: a database meets other accounts than
those that it was made for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import closing
from typing import Any

from twisted.internet.error import ConnectionLost
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from imapsync.accounts.ownership import accountOf
from imapsync.config.request import Request
from imapsync.errors import ConfigError, Lost, OtherAccounts
from imapsync.mailbox.report import Report
from imapsync.model import Owner, Side
from imapsync.state.store import Store
from imapsync.test.accounts.test_session import SessionCase
from imapsync.test.fakes.world import World
from imapsync.testing.accounts import SEEN, Account, Folder, mail

LOCAL, REMOTE = Side

#: What servers tell of the identity of a mailbox.
KINDS = ("", "guids", "ids", "metadata")


def tells(account: Account, kind: str) -> None:
    """
    Have a server tell identities.
    """
    account.guids = kind == "guids"
    account.capabilities |= {"OBJECTID"} if kind in ("ids", "metadata") else set()
    account.capabilities |= {"METADATA"} if kind == "metadata" else set()


class OwnershipCase(SessionCase):
    """
    Two accounts in step, in which UIDVALIDITYs prove nothing.
    """

    kind = ""

    def begin(self) -> None:
        """
        Make them anew.
        """
        super().begin()
        self.servers = dict(self.world.settings().servers)
        for account in (self.local, self.remote):
            tells(account, self.kind)
            self.number(account)
        self.world.fill(*map(mail, range(30)))
        self.local.make("Work").add(mail("work"))
        # What is known of Dovecot's identities is learnt by the way.
        for subject in ("one", "another"):
            self.local.inbox.add(mail(subject))
            self.sync()
        self.assertSettled()

    def number(self, account: Account) -> None:
        """
        Have the UIDVALIDITYs of all accounts be the same.
        """
        account.second = 5
        for folder in account.folders.values():
            folder.uidvalidity = 5

    def sync(self, **changes: Any) -> Report:
        """
        Sync.
        """
        self.said: list[str] = []
        with capturedLogs() as events:
            try:
                return super().sync(servers=self.servers, **changes)
            finally:
                self.said = [str(formatEvent(event)) for event in events]

    def configure(self, side: Side, **changes: Any) -> None:
        """
        Edit the configuration of a side.
        """
        self.servers[side] = self.servers[side]._replace(**changes)

    def replace(self, side: Side, *subjects: object) -> Account:
        """
        Another account is on C{side}.
        """
        account = Account(first=9007)
        tells(account, self.kind)
        self.number(account)
        for subject in subjects:
            account.inbox.add(mail(subject))
        account.inbox.modseq = 1000
        self.put(side, account)
        return account

    def put(self, side: Side, account: Account) -> None:
        """
        An account is on C{side} now.
        """
        self.world.accounts[side] = account
        self.local, self.remote = self.world.local, self.world.remote

    def forgetOwners(self) -> None:
        """
        Have the database be as before owners were noted.
        """
        with closing(Store.open(self.world.database)) as state, state.transaction():
            state._write("DELETE FROM owner")

    @property
    def owners(self) -> Mapping[Side, Owner]:
        """
        Those that are noted.
        """
        with closing(Store.open(self.world.database)) as state:
            return state.owners()

    def assertForgot(self, words: str = "is of another account") -> None:
        """
        It was said, once for each side at the most, that all is forgotten.
        """
        told = [line for line in self.said if words in line]
        self.assertIn(len(told), (1, 2), self.said)

    def assertKept(self, *before: Folder) -> None:
        """
        Nothing is missing that was in these mailboxes, and both sides are equal.
        """
        wanted = {body for folder in before for body in bodies(folder)}
        for account in (self.local, self.remote):
            there = {body for f in account.folders.values() for body in bodies(f)}
            self.assertEqual(set(), wanted - there)
        self.assertSettled()

    def assertFollowed(self) -> None:
        """
        What was removed meanwhile is removed, and nothing paired again; next time,
        there is nothing to do, and nothing is asked.
        """
        self.local.inbox.expunge(3, 4)
        self.local.delete("Work")
        self.remote.inbox.add(mail("new"))
        report = self.sync()
        self.assertEqual({}, report.troubles)
        self.assertEqual(0, report.paired.total())
        self.assertNotIn("Work", self.remote.folders)
        self.assertEqual(31, len(self.remote.inbox.messages))
        self.assertSettled()


def bodies(folder: Folder) -> Iterable[bytes]:
    """
    The messages in a mailbox.
    """
    return [message.body for message in folder.messages.values()]


class AccountTests(SynchronousTestCase):
    """
    Tests for L{accountOf}.
    """

    def test_texts(self) -> None:
        """
        Whatever leads to another account makes another text; ports, and the case of
        a host's name, do not.
        """
        server = World("").settings().servers[LOCAL]
        for changes, text in (
            ({}, "me@127.0.0.1"),
            ({"host": "IMAP.Example.org.", "port": 993}, "me@imap.example.org"),
            ({"host": "imap.example.org", "port": 143}, "me@imap.example.org"),
            ({"username": None, "port": 143}, "127.0.0.1"),
            ({"username": "admin", "authorizeAs": "you"}, "you@127.0.0.1"),
            ({"username": None, "authorizeAs": "you"}, "you@127.0.0.1"),
            ({"command": "ssh a imap", "username": None}, "tunnel ssh a imap"),
            ({"command": "ssh a imap"}, "me@tunnel ssh a imap"),
        ):
            self.assertEqual(text, accountOf(server._replace(**changes)))


class EditedTests(OwnershipCase):
    """
    The configuration has other words than before.
    """

    def test_otherUser(self) -> None:
        """
        With another user, all is new, whatever UIDs and UIDVALIDITYs are; with as
        many messages as there were, too.
        """
        for side in Side:
            for count in (0, 1, 20, 40):
                self.begin()
                here = self.world.accounts[side.other].inbox
                kept = list(here.messages.values())
                other = self.replace(side, *(f"other {n}" for n in range(count)))
                self.configure(side, username="other")
                self.sync()
                self.assertForgot("me@127.0.0.1, not of other@127.0.0.1;")
                self.assertEqual(32 + count, len(here.messages))
                for message in kept:
                    self.assertIn(message, here.messages.values())
                self.assertKept(here, other.inbox)

    def test_otherHosts(self) -> None:
        """
        So it is where both are others.
        """
        before = self.local.inbox, self.remote.inbox
        others = [self.replace(side, side, "both").inbox for side in Side]
        for side in Side:
            self.configure(side, host="127.0.0.2")
        report = self.sync()
        self.assertEqual(1, report.paired.total())
        self.assertEqual(3, len(self.local.inbox.messages))
        self.assertKept(*others)
        self.assertEqual([32, 32], [len(inbox.messages) for inbox in before])

    def test_swapped(self) -> None:
        """
        So it is where the sides change places: each looks much like the other.
        """
        self.local.inbox.expunge(1, 2)
        self.remote.inbox.expunge(30)
        self.sync()
        self.local.inbox.add(mail("new"))
        self.local.make("Mine").add(mail("mine"))
        before = [*self.local.folders.values(), self.remote.inbox]
        local, remote = self.local, self.remote
        self.put(LOCAL, remote)
        self.put(REMOTE, local)
        servers = self.servers
        servers[LOCAL], servers[REMOTE] = (
            servers[side.other]._replace(side=side) for side in Side
        )
        self.sync()
        self.assertForgot()
        self.assertKept(*before)

    def test_shared(self) -> None:
        """
        A database that two configurations have is of no use to either; but it
        removes nothing.
        """
        ours, theirs = self.remote, Account(first=9007)
        self.number(theirs)
        theirs.inbox.add(mail("theirs"))
        for number in range(3):
            for username, account in (("other", theirs), ("me", ours)):
                self.put(REMOTE, account)
                self.configure(REMOTE, username=username)
                account.inbox.add(mail((number, username)))
                self.sync()
                self.assertForgot()
                self.assertEqual(0, account.count("EXPUNGE", "STORE", "DELETE"))
                self.assertEqual(self.local.content, account.content)

    def test_renamed(self) -> None:
        """
        With other words for the same account, nothing is paired again, and what
        was removed meanwhile is removed.
        """
        for kind in KINDS:
            for change in ({"host": "127.0.0.2"}, {"username": "me@example.org"}):
                self.kind = kind
                self.begin()
                self.configure(LOCAL, **change)
                self.sync()
                account = self.owners[LOCAL].account
                told = f"local: {account} is the account that was me@127.0.0.1;"
                self.assertEqual(1, sum(told in line for line in self.said))
                self.assertSettled()
                self.assertFollowed()
                self.configure(REMOTE, **change)
                self.remote.inbox.expunge(9)
                self.sync()
                self.assertEqual(30, len(self.local.inbox.messages))
                self.assertSettled()

    def test_port(self) -> None:
        """
        Another port leads to the same account.
        """
        self.configure(LOCAL, port=4)
        self.local.delete("Work")
        self.local.inbox.expunge(3)
        self.sync()
        self.assertNotIn("Work", self.remote.folders)
        self.assertEqual(31, len(self.remote.inbox.messages))
        self.assertEqual([4, 2], [owner.port for owner in self.owners.values()])

    def test_notProven(self) -> None:
        """
        Where a mailbox is not what it was, or most of the messages are gone, it is
        not believed, and what was removed comes back.
        """
        for kind in KINDS:
            self.kind = kind
            for change in (
                lambda a: a.delete("Work"),
                lambda a: a.folders["Work"].renumber(),
                lambda a: setattr(a.inbox, "modseq", 3),
                lambda a: a.inbox.expunge(*range(4, 31)),
            ):
                self.begin()
                self.local.inbox.expunge(3)
                change(self.local)
                self.configure(LOCAL, username="other")
                self.sync()
                self.assertForgot()
                self.assertEqual(32, len(self.remote.inbox.messages))
                self.assertEqual(32, len(self.local.inbox.messages))
                self.assertEqual(1, len(self.remote.folders["Work"].messages))
                self.assertSettled()

    def test_otherIdentity(self) -> None:
        """
        An account with the same messages under the same UIDs is another one, if its
        mailboxes are.
        """
        for kind in KINDS[1:]:
            for name in ("INBOX", "Work"):
                self.kind = kind
                self.begin()
                self.local.folders[name].identity = "another"
                self.local.inbox.expunge(3)
                self.configure(LOCAL, username="other")
                self.sync()
                self.assertForgot()
                self.assertEqual(32, len(self.remote.inbox.messages))

    def test_nothingKnown(self) -> None:
        """
        Where nothing was known, nothing is said.
        """
        self.world = World(self.mktemp())
        self.local, self.remote = self.world.local, self.world.remote
        self.sync()
        self.configure(LOCAL, username="other")
        self.sync()
        self.assertEqual([], [line for line in self.said if "account" in line])
        self.assertEqual("other@127.0.0.1", self.owners[LOCAL].account)

    def test_refused(self) -> None:
        """
        A server that does not show what is asked for proves nothing.
        """
        for kind in KINDS:
            self.kind = kind
            self.begin()
            self.local.inbox.expunge(3)
            self.local.answers["EXAMINE"] = self.local.answers["STATUS"] = "NO not now"
            self.configure(LOCAL, username="other")
            self.sync()
            self.assertForgot()
            self.assertEqual(32, len(self.remote.inbox.messages))

    def test_interrupted(self) -> None:
        """
        Where a connection goes meanwhile, nothing is decided.
        """

        def cut() -> None:
            self.world.links[0].end(ConnectionLost())

        for verb in ("LIST", "EXAMINE", "FETCH"):
            self.begin()
            before = self.owners
            self.configure(LOCAL, username="other")
            self.local.before[verb] = cut
            self.assertRaises(Lost, self.sync)
            self.assertEqual(before, self.owners)
            self.sync()
            self.assertFollowed()

    def test_presumed(self) -> None:
        """
        A database that was only thought to be of these accounts is left as it is.
        """
        before = self.owners
        self.configure(LOCAL, username="other")
        self.configure(REMOTE, allowed=())
        self.replace(LOCAL, "other")
        self.assertRaises(OtherAccounts, self.sync, presumed=True)
        self.assertEqual(before, self.owners)
        with closing(Store.open(self.world.database)) as state:
            self.assertEqual(33, state.totalPairs())
            self.assertEqual([("",)], state._query("SELECT read_only FROM meta"))

    def test_dryRun(self) -> None:
        """
        A dry run says so, too, and that nothing would be removed.
        """
        self.replace(REMOTE)
        self.configure(REMOTE, username="other")
        told: list[str] = []
        self.sync(request=Request(dryRun=True), say=told.append)
        self.assertForgot()
        self.assertIn("INBOX: copy UID 1:32 from local to remote", told)
        self.assertEqual([], [line for line in told if "expunge" in line])
        self.assertEqual("me@127.0.0.1", self.owners[REMOTE].account)


class CredentialsTests(OwnershipCase):
    """
    Another program knows who logs in, and the configuration does not.
    """

    def test_otherUser(self) -> None:
        """
        Another user is another account, as if it were configured.
        """
        for side in Side:
            self.begin()
            self.configure(side, username=None)
            self.world.users[side] = "me"
            self.sync()
            self.assertFollowed()
            self.assertEqual("me@127.0.0.1", self.owners[side].account)
            other = self.replace(side, *(f"other {n}" for n in range(40)))
            other.inbox.expunge(*range(3, 12))
            self.world.users[side] = "you"
            here = self.world.accounts[side.other]
            before = set(bodies(here.inbox))
            self.sync()
            self.assertForgot()
            self.assertEqual(set(), before - set(bodies(here.inbox)))

    def test_authorized(self) -> None:
        """
        Not who logs in, but whose mail it is then.
        """
        self.begin()
        self.configure(REMOTE, username=None, authorizeAs="me")
        self.world.users[REMOTE] = "admin"
        self.sync()
        self.assertFollowed()
        self.assertEqual("me@127.0.0.1", self.owners[REMOTE].account)


class TunnelTests(OwnershipCase):
    """
    What servers say of themselves, behind tunnels.
    """

    def begin(self) -> None:
        """
        Make them anew.
        """
        super().begin()
        self.configure(REMOTE, command="mail", username=None)
        self.remote.salutation = "Logged in as me at 12:00"
        self.sync()
        self.remote.salutation = "Logged in as me at 12:01"
        self.sync()
        self.assertSettled()

    def test_command(self) -> None:
        """
        Another command is another way to the same account, or to another one.  None
        is told, since there may be a password in it.
        """
        self.configure(REMOTE, command="mail --password secret", username="me")
        self.sync()
        self.assertIn("a tunnel is the account that was a tunnel", self.said[0])
        self.assertFollowed()
        self.replace(REMOTE)
        self.configure(REMOTE, command="mail --password secrets")
        self.sync()
        self.assertForgot()
        self.assertNotIn("secret", "".join(self.said))

    def test_time(self) -> None:
        """
        What is another each time is of no meaning.
        """
        greeting = "Logged in as me at"
        self.assertEqual(Owner("tunnel mail", 2, greeting), self.owners[REMOTE])
        self.remote.salutation = "Logged in as me at 12:02"
        self.assertFollowed()
        self.assertEqual(0, self.remote.count("EXAMINE"))

    def test_other(self) -> None:
        """
        Another user is another account.
        """
        other = self.replace(REMOTE, *(f"other {n}" for n in range(20)))
        other.salutation = "Logged in as you at 12:03"
        self.sync()
        self.assertForgot()
        self.assertEqual(52, len(self.local.inbox.messages))
        self.assertKept(other.inbox)

    def test_otherWords(self) -> None:
        """
        A server that says all in other words from now on is still told from that of
        another user.
        """
        self.remote.salutation = "Welcome, me@example.org"
        self.sync()
        self.assertEqual("Welcome, me@example.org", self.owners[REMOTE].greeting)
        before = set(bodies(self.local.inbox))
        other = self.replace(REMOTE, *(f"other {n}" for n in range(40)))
        other.salutation = "Welcome, you@example.org"
        other.inbox.expunge(*range(3, 12))
        self.sync()
        self.assertEqual(set(), before - set(bodies(self.local.inbox)))

    def test_renamed(self) -> None:
        """
        One that only says something else is not, even if much has been removed
        from it.
        """
        self.remote.salutation = "Good morning, me"
        self.remote.inbox.expunge(*range(1, 10))
        self.remote.delete("Work")
        self.sync()
        self.assertEqual(23, len(self.local.inbox.messages))
        self.assertNotIn("Work", self.local.folders)
        self.assertSettled()


class UneditedTests(OwnershipCase):
    """
    The configuration is as it was.
    """

    def test_otherInbox(self) -> None:
        """
        Another INBOX is that of another account; nothing of any mailbox is removed.
        """
        for kind in KINDS[1:]:
            for side in Side:
                self.kind = kind
                self.begin()
                before = [*self.world.accounts[side.other].folders.values()]
                other = self.replace(side, *(f"other {n}" for n in range(20)))
                other.make("Work")
                self.sync()
                self.assertForgot()
                self.assertKept(*before, other.inbox)

    def test_notAsked(self) -> None:
        """
        It is asked for beside LIST, or only when there is something to do.
        """
        for kind in KINDS:
            self.kind = kind
            self.begin()
            self.assertSettled()
            for account in (self.local, self.remote):
                self.assertLessEqual(len(account.heard), 4)
                self.assertEqual(0, account.count("EXAMINE"))

    def test_refused(self) -> None:
        """
        A server that does not tell any more is believed.
        """
        for kind in KINDS:
            self.kind = kind
            self.begin()
            if self.local.guids:
                self.local.guids, self.local.salutation = False, "Dovecot ready"
            for verb in ("EXAMINE", "GETMETADATA"):
                self.local.answers[verb] = "NO not now"
            self.local.inbox.expunge(3)
            self.sync()
            self.assertEqual(31, len(self.remote.inbox.messages))

    def test_unnoted(self) -> None:
        """
        A database from before owners were noted goes on, if nothing contradicts.
        """
        for kind in KINDS:
            self.kind = kind
            self.begin()
            self.forgetOwners()
            self.local.folders["Work"].renumber()
            self.sync()
            self.assertEqual([*Side], [*self.owners])
            self.assertSettled()
            self.assertFollowed()

    def test_unnotedOther(self) -> None:
        """
        It does not for other accounts.
        """
        for kind in KINDS:
            for count in (0, 20):
                self.kind = kind
                self.begin()
                self.forgetOwners()
                before = self.local.inbox
                other = self.replace(REMOTE, *(f"other {n}" for n in range(count)))
                self.sync()
                self.assertForgot()
                self.assertKept(before, other.inbox)


class OneAccountTests(SessionCase):
    """
    Both sides are one account, which has two names.
    """

    def one(self, kind: str) -> None:
        """
        Make it.
        """
        self.begin()
        account = self.world.accounts[REMOTE] = self.local
        tells(account, kind)
        self.world.fill(*map(mail, range(3)))
        account.inbox.add(mail(1))
        account.make("Work").add(mail("work"))

    def test_refused(self) -> None:
        """
        Nothing is written; not even where a database knows nothing of owners.
        """
        for kind in KINDS:
            self.one(kind)
            for _ in range(2):
                error = self.assertRaises(ConfigError, self.sync)
                self.assertIn("are one account", str(error))
                verbs = ("APPEND", "STORE", "CREATE", "SELECT", "COPY", "MOVE")
                self.assertEqual(0, self.local.count(*verbs))
                self.assertEqual(4, len(self.local.inbox.messages))

    def test_meanwhile(self) -> None:
        """
        So it is where a server can tell, though it changes meanwhile.
        """
        for kind in KINDS[1:]:
            self.one(kind)
            self.local.before["LIST"] = lambda: self.local.inbox.add(mail("new"))
            self.assertRaises(ConfigError, self.sync)

    def test_alike(self) -> None:
        """
        Two that only look like one are two, if anything tells them apart.
        """

        def another(account: Account) -> None:
            account.inbox.messages[2].body += b"more"

        def identified(account: Account) -> None:
            for each in self.world.accounts.values():
                tells(each, "guids")

        def empty(account: Account) -> None:
            for each in self.world.accounts.values():
                each.folders.clear()
                each.make("INBOX").uidvalidity = 9

        for change in (
            another,
            lambda account: setattr(account.inbox.messages[2], "flags", SEEN),
            identified,
            empty,
            lambda account: setattr(account.inbox, "uidnext", 99),
            lambda account: setattr(account.folders["Work"], "uidvalidity", 99),
            lambda account: account.make("More"),
        ):
            self.one("")
            other = self.remote = self.world.accounts[REMOTE] = Account()
            for name, folder in self.local.folders.items():
                folders = other.folders
                there = folders[name] = folders.get(name) or other.make(name)
                there.uidvalidity = folder.uidvalidity
                for message in folder.messages.values():
                    there.add(message.body)
            other.inbox.identity = "other"
            change(other)
            self.sync()
            self.assertSettled()

    def test_parts(self) -> None:
        """
        Two parts of one account are two.
        """
        self.one("guids")
        servers = dict(self.world.settings().servers)
        servers = {
            side: servers[side]._replace(port=993, listReference=f"{side}/")
            for side in Side
        }
        self.local.make("local/A").add(mail("A"))
        self.sync(servers=servers)
        self.assertIn("remote/A", self.local.folders)
