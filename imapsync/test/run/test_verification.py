"""
Tests for L{imapsync.run.verification}: two accounts in memory are compared, and nothing
is changed in them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from imapsync.config.request import Depth, Request
from imapsync.errors import Lost, NotFound
from imapsync.mailbox import verification
from imapsync.service import Outcome
from imapsync.state.store import Store
from imapsync.test.test_service import ServiceCase
from imapsync.testing.accounts import DATE, SEEN

HEADER = Request(verify=Depth.HEADER)
CONTENT = Request(verify=Depth.CONTENT)
OTHER_DATE = "02-Feb-2020 03:04:05 +0000"


class VerifyCase(ServiceCase):
    """
    Two equal accounts.
    """

    def setUp(self) -> None:
        """
        Make them equal.
        """
        super().setUp()
        self.remote.inbox.uidnext = 1007
        for account in (self.local, self.remote):
            for number in range(3):
                account.inbox.add(identified(number))
            account.make("Work").add(identified("w"), SEEN)
        self.said: list[str] = []

    def verify(self, request: Request = HEADER, **arguments: Any) -> Outcome:
        """
        Compare them; nothing may have changed.
        """
        before = self.local.content, self.remote.content
        self.said.clear()
        outcome = self.serve(request, say=self.said.append, **arguments)
        self.assertEqual(before, (self.local.content, self.remote.content))
        for account in (self.local, self.remote):
            self.assertEqual(0, account.count("SELECT", "STORE", "APPEND", "EXPUNGE"))
        self.assertFalse(Path(self.world.database).exists())
        return outcome

    def differs(self, *lines: str, request: Request = HEADER) -> None:
        """
        Exactly this differs.
        """
        outcome = self.verify(request, verbose=False)
        self.assertEqual(Outcome(1), outcome)
        self.assertEqual([*lines], self.said[:-1])
        self.assertRegex(self.said[-1], r"^\d+ differences?, in \d of \d mailboxes\.$")
        self.assertClosed()


class EqualTests(VerifyCase):
    """
    Nothing differs.
    """

    def test_table(self) -> None:
        """
        There is a row for each mailbox, and a last line that says so.
        """
        self.assertEqual(Outcome(0), self.verify())
        self.assertEqual(
            [
                "local remote octets local octets remote differences mailbox",
                "3 3 150 150 0 INBOX",
                "1 1 50 50 0 Work",
                "Equal: 4 messages in 2 mailboxes.",
            ],
            [" ".join(line.split()) for line in self.said],
        )
        self.assertClosed()

    def test_quiet(self) -> None:
        """
        A quiet one says nothing.
        """
        self.assertEqual(Outcome(0), self.verify(verbose=False))
        self.assertEqual([], self.said)

    def test_estimated(self) -> None:
        """
        Where a server is known to estimate sizes, these are not compared; those of
        whole messages are counted.
        """
        self.remote.salutation = "The Microsoft Exchange IMAP4 service is ready."
        self.remote.estimates = lambda body: len(body) + 17
        for request in (HEADER, CONTENT):
            self.assertEqual(Outcome(0), self.verify(request))
            told = any("estimates the sizes" in line for line in self.logged)
            self.assertEqual(request is HEADER, told)
        self.assertIn("3 3 150 150 0 INBOX", [" ".join(s.split()) for s in self.said])

    def test_miscounted(self) -> None:
        """
        Where whole messages are read, it is no matter what sizes a server tells.
        """
        self.remote.estimates = lambda body: len(body) + 17
        self.assertEqual(Outcome(1), self.verify(HEADER))
        self.assertEqual(Outcome(0), self.verify(CONTENT))

    def test_otherOrder(self) -> None:
        """
        Messages are the same in whatever order, under whatever UIDs; and flags in
        whatever case, dates in whatever zone.
        """
        self.local.inbox.add(identified("a"), frozenset(["Work", "\\Seen"]), DATE)
        self.local.inbox.add(identified("b"))
        self.remote.inbox.add(identified("b"))
        self.remote.inbox.add(
            identified("a"),
            frozenset(["\\Seen", "WORK"]),
            "01-Feb-2020 05:04:05 +0200",
        )
        self.assertEqual(Outcome(0), self.verify())

    def test_rewritten(self) -> None:
        """
        What servers are known not to keep is no difference.
        """
        self.local.inbox.add(
            identified("x", "").replace(b"Subject: ", b"Subject: \xc4")
        )
        self.remote.inbox.add(identified("x", "").replace(b"Subject: ", b"Subject: X"))
        for request in (HEADER, CONTENT):
            self.assertEqual(Outcome(0), self.verify(request))

    def test_duplicates(self) -> None:
        """
        As many equal messages here as there are equal, and those with the same flags
        and dates are taken for the same.
        """
        for account, flags in (self.local, [SEEN, frozenset()]), (self.remote, []):
            for some in flags or [frozenset(), SEEN]:
                account.inbox.add(identified("twice"), some)
                account.inbox.add(b"Subject: none\r\n\r\n", some)
        self.assertEqual(Outcome(0), self.verify())

    def test_database(self) -> None:
        """
        A database that is in use, or is none, is not even looked at.
        """
        path = Path(self.world.database)
        path.write_text("This is no database.")
        outcome = self.serve(HEADER, say=self.said.append)
        self.assertEqual(Outcome(0), outcome)
        path.unlink()
        state = Store.open(str(path))
        self.addCleanup(state.close)
        self.assertEqual(Outcome(0), self.serve(HEADER, say=self.said.append))


class DifferenceTests(VerifyCase):
    """
    Something does; it is named by mailbox and UID.
    """

    def test_missing(self) -> None:
        """
        A message on one side only, of either.
        """
        self.local.inbox.expunge(2)
        self.remote.inbox.add(identified("new"), date=OTHER_DATE)
        self.differs(
            "INBOX: only on remote: UID 1008 (50 octets, 2020-02-01T03:04:05Z)",
            "INBOX: only on remote: UID 1010 (54 octets, 2020-02-02T03:04:05Z)",
        )

    def test_once(self) -> None:
        """
        A message twice here, and once there.
        """
        self.local.inbox.add(identified(0))
        self.differs("INBOX: only on local: UID 4 (50 octets, 2020-02-01T03:04:05Z)")

    def test_flags(self) -> None:
        """
        Flags and keywords.
        """
        self.local.inbox.flag(1, "\\Seen", "Later")
        self.remote.inbox.flag(1009, "\\Flagged")
        self.differs(
            "INBOX: UID 1 on local, 1007 on remote: flags (Later \\Seen) and ()",
            "INBOX: UID 3 on local, 1009 on remote: flags () and (\\Flagged)",
        )

    def test_date(self) -> None:
        """
        Dates.
        """
        self.local.inbox.messages[2].date = OTHER_DATE
        self.differs(
            "INBOX: UID 2 on local, 1008 on remote:"
            " date 2020-02-02T03:04:05Z and 2020-02-01T03:04:05Z"
        )

    def test_header(self) -> None:
        """
        Headers, by which messages with the same Message-ID are known again; and
        sizes.
        """
        inbox = self.remote.inbox
        inbox.messages[1007].body = identified(0).replace(b"Subject", b"Sobject")
        inbox.messages[1008].body = identified(1).replace(b"Subject", b"Subjects")
        self.differs(
            "INBOX: UID 1 on local, 1007 on remote: content",
            "INBOX: UID 2 on local, 1008 on remote: size 50 and 51",
        )

    def test_content(self) -> None:
        """
        What is below the header, if that is asked for.
        """
        self.remote.inbox.messages[1007].body = identified(0, "Hallo")
        self.assertEqual(Outcome(0), self.verify())
        self.differs("INBOX: UID 1 on local, 1007 on remote: content", request=CONTENT)

    def test_withoutId(self) -> None:
        """
        Or if a message has no Message-ID: its header tells it from no other.
        """
        self.local.inbox.add(b"Subject: x\r\n\r\n1")
        self.remote.inbox.add(b"Subject: x\r\n\r\n2")
        self.differs(
            "INBOX: only on local: UID 4 (15 octets, 2020-02-01T03:04:05Z)",
            "INBOX: only on remote: UID 1010 (15 octets, 2020-02-01T03:04:05Z)",
        )

    def test_several(self) -> None:
        """
        Several things of one message.
        """
        self.local.inbox.flag(1, "\\Seen")
        self.local.inbox.messages[1].date = OTHER_DATE
        self.differs(
            "INBOX: UID 1 on local, 1007 on remote: flags (\\Seen) and ();"
            " date 2020-02-02T03:04:05Z and 2020-02-01T03:04:05Z"
        )

    def test_mailbox(self) -> None:
        """
        A mailbox that is on one side only, and one that is subscribed there only.
        """
        self.local.make("Mine").add(identified("m"))
        work = self.remote.find("Work")
        assert work is not None
        work.subscribed = False
        self.differs(
            "Mine: there is no such mailbox on remote; on local it holds 1 message",
            "Work: subscribed only on local",
        )

    def test_unreadable(self) -> None:
        """
        A message that a server does not hand out.
        """
        self.local.chokes = lambda body: "NO broken" if body == identified(1) else ""
        self.differs(
            "INBOX: local: UID 2: cannot be read",
            "INBOX: only on remote: UID 1008 (50 octets, 2020-02-01T03:04:05Z)",
        )

    def test_withheld(self) -> None:
        """
        Messages that a server does not send, though it says that it has sent all.
        """
        for account in (self.local, self.remote):
            account.deaf = {"FETCH"}
        self.differs(
            "INBOX: local: UID 1:3: cannot be read",
            "INBOX: remote: UID 1007:1009: cannot be read",
            "Work: local: UID 1: cannot be read",
            "Work: remote: UID 1: cannot be read",
        )

    def test_unlisted(self) -> None:
        """
        Messages that it tells of, and does not list.
        """
        self.local.inbox.miscounts = 2
        self.differs("INBOX: local: the server tells of 2 more messages than it lists")

    def test_shut(self) -> None:
        """
        A mailbox that a server does not open; the others are compared.
        """
        self.remote.answers["EXAMINE"] = "NO [INUSE] not now"
        outcome = self.verify(verbose=False)
        self.assertEqual(Outcome(1), outcome)
        self.assertEqual(
            "INBOX: remote: EXAMINE was refused: NO [INUSE] not now", self.said[0]
        )

    def test_names(self) -> None:
        """
        What is not printed as it is, neither in names nor in keywords.
        """
        for account in (self.local, self.remote):
            account.make("a\u202eb")
        folder = self.local.find("a\u202eb")
        assert folder is not None
        folder.add(identified("x"))
        self.differs(
            "a\\u202eb: only on local: UID 1 (50 octets, 2020-02-01T03:04:05Z)"
        )


class ScopeTests(VerifyCase):
    """
    The mailboxes that are compared are those that would be synced.
    """

    def test_named(self) -> None:
        """
        Those that are named, if any are.
        """
        self.local.inbox.expunge(1)
        request = HEADER._replace(mailboxes=("Work",))
        self.assertEqual(Outcome(0), self.verify(request))
        request = HEADER._replace(mailboxes=("Werk",))
        self.assertEqual(NotFound.code, self.verify(request).code)

    def test_selected(self) -> None:
        """
        Those that the configuration selects.
        """
        self.local.make("Apart", subscribed=False)
        self.local.make("Ignored")
        changes = {"listMailbox": ("INBOX", "Work")}
        self.assertEqual(Outcome(0), self.verify(changes=changes))
        self.assertEqual(Outcome(1), self.verify(changes={"listSelectOpts": ()}))

    def test_separators(self) -> None:
        """
        Names are translated.
        """
        self.local.make("Deep/Er")
        self.remote.separator = "."
        self.remote.make("Deep.Er")
        self.assertEqual(Outcome(0), self.verify())

    def test_spelled(self) -> None:
        """
        A mailbox that one server calls a little otherwise is the same.
        """
        self.local.make("Straße  1").add(identified("s"))
        self.remote.make("STRASSE 1").add(identified("s"))
        self.assertEqual(Outcome(0), self.verify())

    def test_uses(self) -> None:
        """
        Mailboxes of the same use are the same, if that is configured.
        """
        for account, name in (self.local, "Sent"), (self.remote, "Sent Items"):
            account.capabilities |= {"SPECIAL-USE"}
            folder = account.make(name)
            folder.use = "\\Sent"
            folder.add(identified("s"))
        self.assertEqual(Outcome(0), self.verify(changes={"mapSpecialUse": True}))
        self.assertEqual(Outcome(1), self.verify())

    def test_misfits(self) -> None:
        """
        Those that have no name on the other side, or not one for themselves, are named.
        """
        self.remote.separator = "."
        self.local.make("a.b")
        self.local.make("INBOX/x")
        self.local.make("Inbox/x")
        self.differs(
            'INBOX/x: local: "INBOX/x" and "Inbox/x" would both be "INBOX/x"',
            'a.b: cannot be created on remote: the name "a.b" cannot be carried over:'
            ' a level of it holds a "."',
        )


class MeanwhileTests(VerifyCase):
    """
    What happens while it reads is no difference.
    """

    def test_arriving(self) -> None:
        """
        A message that comes to one side is looked for on the other some time later.
        """
        self.local.inbox.add(identified("new"))

        def copied() -> None:
            self.remote.inbox.add(identified("new"))
            self.remote.inbox.add(identified("later"))

        self.reactor.callLater(3, copied)
        request = HEADER
        outcome = self.serve(request, say=self.said.append, verbose=False)
        self.assertEqual((Outcome(0), []), (outcome, self.said))

    def test_changing(self) -> None:
        """
        So are flags, and messages that go; what else differs is told.
        """
        self.local.inbox.flag(1, "\\Seen")
        self.local.inbox.flag(2, "\\Flagged")
        self.local.inbox.expunge(3)

        def followed() -> None:
            self.remote.inbox.flag(1007, "\\Seen")
            self.remote.inbox.expunge(1009)
            # This was equal when it was read.
            self.local.find("Work").flag(1)  # type: ignore[union-attr]

        self.reactor.callLater(3, followed)
        outcome = self.serve(HEADER, say=self.said.append, verbose=False)
        self.assertEqual(Outcome(1), outcome)
        self.assertEqual(
            [
                "INBOX: UID 2 on local, 1008 on remote: flags (\\Flagged) and ()",
                "1 difference, in 1 of 2 mailboxes.",
            ],
            self.said,
        )

    def test_noExtendedSearch(self) -> None:
        """
        That does not depend on what the server can search for.
        """
        for account in (self.local, self.remote):
            account.capabilities -= {"ESEARCH"}
        self.local.inbox.add(identified("new"))
        self.reactor.callLater(3, self.remote.inbox.add, identified("new"))
        outcome = self.serve(HEADER, say=self.said.append, verbose=False)
        self.assertEqual((Outcome(0), []), (outcome, self.said))
        self.assertEqual(0, self.local.count("SEARCH"))

    def test_renumbered(self) -> None:
        """
        A mailbox whose UIDVALIDITY has changed is read anew.
        """
        self.local.inbox.flag(1, "\\Seen")
        self.reactor.callLater(3, self.remote.inbox.renumber)
        outcome = self.serve(HEADER, say=self.said.append, verbose=False)
        self.assertEqual(Outcome(1), outcome)
        now = min(self.remote.inbox.messages)
        self.assertEqual(
            f"INBOX: UID 1 on local, {now} on remote: flags (\\Seen) and ()",
            self.said[0],
        )

    def test_mailboxes(self) -> None:
        """
        Mailboxes that are made, and subscribed.
        """
        self.local.make("New").add(identified("n"))
        self.reactor.callLater(
            3, lambda: self.remote.make("New").add(identified("n")) and None
        )
        outcome = self.serve(HEADER, say=self.said.append, verbose=False)
        self.assertEqual((Outcome(0), []), (outcome, self.said))

    def test_lost(self) -> None:
        """
        A connection that is lost is made again, and what was read is not read again.
        """
        self.remote.before["EXAMINE"] = self.cut
        self.assertEqual(Outcome(0), self.verify(verbose=False))
        self.assertEqual(4, len(self.world.links))

    def cut(self) -> None:
        """
        Cut the remote connection once.
        """
        self.remote.before.clear()
        self.remote.downLeft = 1

    def test_torn(self) -> None:
        """
        So it is in the midst of a mailbox, which is read anew.
        """

        def cut() -> None:
            self.remote.before.clear()
            self.remote.downLeft = 300

        self.remote.before["FETCH"] = cut
        self.local.inbox.add(identified("more"))
        self.remote.inbox.add(identified("more"))
        self.assertEqual(Outcome(0), self.verify(verbose=False))
        self.assertEqual(4, len(self.world.links))

    def test_deadly(self) -> None:
        """
        A message over which a server hangs up each time is named, as one that cannot
        be read, and the others are compared.
        """
        self.local.inbox.uidnext = 1000
        self.local.inbox.add(identified(4))
        self.remote.inbox.add(identified(4))
        self.local.chokes = lambda body: "BYE" if body == identified(4) else ""
        self.differs(
            "INBOX: local: UID 1000: cannot be read",
            "INBOX: only on remote: UID 1010 (50 octets, 2020-02-01T03:04:05Z)",
        )

    def test_hopeless(self) -> None:
        """
        If it does so over any message, it comes to an end all the same.
        """
        self.patch(verification, "MOST", 2)
        self.local.chokes = lambda body: "BYE" if b"<w" not in body else ""
        self.differs("INBOX: local: the connection breaks over message after message")

    def test_unreachable(self) -> None:
        """
        A server that cannot be reached ends it as it ends a sync.
        """
        self.remote.answers["EXAMINE"] = "BYE"
        self.remote.greeting = "BYE"
        self.assertEqual(Lost.code, self.verify().code)


def identified(number: object, body: str = "Hello") -> bytes:
    """
    A message with a Message-ID.
    """
    return (
        f"Message-ID: <{number}@example.org>\r\nSubject: {number}\r\n\r\n{body}\r\n"
    ).encode()
