"""
What mailboxes are called, and which of them are synced, on real servers.
"""

from __future__ import annotations

import functools

from imapsync.test.integration.dovecot import (
    Dovecot,
    Settings,
    maildirServer,
)
from imapsync.test.integration.test_mailboxes import MailboxCase


@functools.cache
def dottedServer() -> Dovecot:
    """
    An mdbox server with C{.} between levels: it takes names that a maildir
    server does not.
    """
    return Dovecot(Settings(separator="."))


class NamesTests(MailboxCase):
    """
    Names that are hard to spell.
    """

    #: What both kinds of servers can have.
    names = (
        "with spaces  in it",
        'a "quoted" one',
        "back\\slash",
        "100% *",
        "a & b &- c",
        "&",
        "(paren) {3} [x] ]",
        "Grüße/日本語/Ελλάς",
        "😀 emoji",
        "INBOX/sub",
        "Inbox2",
        "#news",
        "NIL",
        "-",
        "Ünïcode/& mixed",
    )

    def test_hard(self) -> None:
        """
        Mailboxes with such names are made on both sides, filled, and synced
        again.
        """
        for remote in maildirServer(), dottedServer():
            scene = self.scene(remoteServer=remote)
            for number, name in enumerate(self.names):
                self.fill(scene.accounts[number % 2], name, subscribed=True)
            self.syncs(scene)
            self.has(scene.remote, *self.names)
            for number, name in enumerate(self.names):
                scene.accounts[number % 2].append(name, b"\r\nmore\r\n")
            self.syncs(scene)

    def test_arguments(self) -> None:
        """
        Each of them can be given as an argument, as people type it.
        """
        scene = self.scene()
        self.fill(scene.local, *self.names)
        chosen = self.names[::3]
        self.ends(scene, 0, "--", *chosen)
        self.has(scene.remote, *chosen)
        self.ends(scene, 0, *(name for name in self.names if name != "-"))
        self.has(scene.remote, *(name for name in self.names if name != "-"))

    def test_deep(self) -> None:
        """
        A mailbox below others that do not exist, and one that has both
        messages and others below it.
        """
        scene = self.scene()
        self.fill(scene.local, "a/b/c/d/e/f")
        self.fill(scene.remote, "p", "p/q", "p/q/r")
        self.syncs(scene)
        self.has(scene.local, "a/b/c/d/e/f", "p", "p/q", "p/q/r")


class ArgumentsTests(MailboxCase):
    """
    MAILBOX arguments.
    """

    def test_limit(self) -> None:
        """
        They limit the work to exactly those, whatever else is configured.
        """
        scene = self.scene()
        self.fill(scene.local, "INBOX", "Work", "Work/Deep", "Other")
        self.fill(scene.remote, "Remote")
        self.ends(scene, 0, "Work/Deep", "Remote")
        self.has(scene.remote, "Work/Deep", "Remote")
        self.has(scene.local, "Work", "Work/Deep", "Other", "Remote")
        self.assertEqual({"Work/Deep", "Remote"}, self.filled(scene.remote))
        more = {"list-mailbox": "Nothing", "list-select-opts": None}
        scene.configure({"": {**more, "ignore-mailbox": "Work"}})
        self.ends(scene, 0, "Work")
        self.assertEqual({"Work", "Work/Deep", "Remote"}, self.filled(scene.remote))

    def test_inbox(self) -> None:
        """
        INBOX may be typed in any case, and is not only a mailbox that begins
        so.
        """
        scene = self.scene()
        self.fill(scene.local, "INBOX", "INBOX/Sub")
        self.ends(scene, 0, "iNbOx")
        self.assertEqual({"INBOX"}, self.filled(scene.remote))
        self.has(scene.remote)
        self.isIdle(scene, "inbox")

    def test_separator(self) -> None:
        """
        Levels are joined by the local separator.
        """
        scene = self.scene(dottedServer(), maildirServer())
        self.fill(scene.local, "Work/Deep/Größe")
        self.ends(scene, 0, "Work.Deep.Größe")
        self.has(scene.remote, "Work/Deep/Größe")

    def test_unknown(self) -> None:
        """
        One that neither server knows is an error, and nothing is done.
        """
        scene = self.scene()
        self.fill(scene.local, "Work")
        before = scene.snapshots()
        run = scene.sync("Work", "Wörk", "No such")
        self.complains(run, 66, "Wörk", "No such", "spelling")
        self.assertEqual(before, scene.snapshots())

    def test_prefix(self) -> None:
        """
        The local server's prefix may be typed or not, in patterns as well; and
        an error shows what was typed.
        """
        settings = Settings("mdbox", separator=".", prefix="INBOX.")
        scene = self.scene(self.server(Dovecot(settings)), maildirServer())
        self.fill(scene.local, "Work/Deep", "Work/Other", "More", "Most", "None")
        self.ends(scene, 0, "INBOX.Work.Deep", "More")
        self.has(scene.remote, "Work/Deep", "More")
        scene.configure({"": {"list-mailbox": "INBOX.Work.% Most"}})
        self.ends(scene, 0)
        self.has(scene.remote, "Work/Deep", "Work/Other", "More", "Most")
        self.complains(scene.sync("INBOX.No.Such"), 66, '"INBOX.No.Such"')


class ScopeTests(MailboxCase):
    """
    Which mailboxes are in scope.
    """

    def test_subscribed(self) -> None:
        """
        By default, those that either side subscribes to, and INBOX.
        """
        scene = self.scene(options={"": {"list-select-opts": None}})
        self.fill(scene.local, "INBOX", "Not")
        self.fill(scene.local, "Yes", "Yes/Deep", subscribed=True)
        self.fill(scene.remote, "There", subscribed=True)
        self.fill(scene.remote, "Neither")
        self.ends(scene, 0)
        self.has(scene.local, "Not", "Yes", "Yes/Deep", "There")
        self.has(scene.remote, "Neither", "Yes", "Yes/Deep", "There")
        subscribed = {"Yes", "Yes/Deep", "There"}
        self.assertEqual(subscribed, scene.local.snapshot().subscribed)
        self.assertEqual(subscribed, scene.remote.snapshot().subscribed)
        self.isIdle(scene)
        scene.local.subscribe("Not")
        self.fill(scene.remote, "Not")
        self.ends(scene, 0)
        self.has(scene.remote, "Neither", "Not", "Yes", "Yes/Deep", "There")
        self.assertIn("Not", scene.remote.snapshot().subscribed)
        self.isIdle(scene)

    def test_selected(self) -> None:
        """
        Other options of LIST: with RECURSIVEMATCH, what lies above subscribed
        mailboxes is in scope too; one that a server does not have is named.
        """
        scene = self.scene(
            options={"": {"list-select-opts": "SUBSCRIBED RECURSIVEMATCH"}}
        )
        self.fill(scene.local, "A", "A/B/C", "A/B", "D")
        scene.local.subscribe("A/B")
        self.ends(scene, 0)
        self.has(scene.remote, "A", "A/B")
        self.isIdle(scene)
        scene.configure({"": {"list-select-opts": "SPECIAL-USE"}})
        self.complains(scene.sync(), 69, "SPECIAL-USE", "list-select-opts")

    def test_patterns(self) -> None:
        """
        C{list-mailbox}: C{%} does not go into lower levels, C{*} does; quotes
        hold spaces together.
        """
        scene = self.scene()
        self.fill(scene.local, "INBOX", "A", "A/B", "W", "W/X", "W/X/Y", "S p/T", "S")
        scene.configure({"": {"list-mailbox": 'A% W/% "S p/*"'}})
        self.ends(scene, 0)
        self.has(scene.remote, "A", "W/X", "S p/T")
        self.assertNotIn("INBOX", self.filled(scene.remote))
        scene.configure({"": {"list-mailbox": "inbox W*"}})
        self.ends(scene, 0)
        self.has(scene.remote, "A", "W", "W/X", "W/X/Y", "S p/T")
        self.assertIn("INBOX", self.filled(scene.remote))
        self.isIdle(scene)

    def test_separators(self) -> None:
        """
        Patterns are written with the local separator, C{ignore-mailbox} with
        C{/}.
        """
        scene = self.scene(dottedServer(), maildirServer())
        self.fill(scene.local, "W/X", "W/X/Y", "W/Z", "V/X")
        options = {"list-mailbox": "W.*", "ignore-mailbox": "^W/X/"}
        scene.configure({"": options})
        self.ends(scene, 0)
        self.has(scene.remote, "W/X", "W/Z")

    def test_ignored(self) -> None:
        """
        C{ignore-mailbox} leaves out all names in which it is found.
        """
        scene = self.scene()
        self.fill(scene.local, "Trash", "A/Trash", "Spam 1", "Span", "Junk")
        expression = r"(^|/)(Trash|Junk)$|Spam \d"
        scene.configure({"": {"ignore-mailbox": expression}})
        self.ends(scene, 0)
        self.has(scene.remote, "Span")
        self.isIdle(scene)

    def test_reference(self) -> None:
        """
        C{list-reference}: this side's mailboxes live below it; what else is
        there stays as it is.
        """
        scene = self.scene()
        scene.configure({"remote": {"list-reference": "Backup/Of me"}})
        self.fill(scene.local, "INBOX", "Work/Deep", subscribed=True)
        self.fill(scene.remote, "Backup/Of me/Old", "Backup/Other", "Other")
        self.ends(scene, 0)
        self.isIdle(scene)
        below = {"Backup/Of me/INBOX", "Backup/Of me/Work/Deep", "Backup/Of me/Old"}
        self.has(scene.remote, *below, "Backup/Other", "Other")
        self.has(scene.local, "Work/Deep", "Old")
        self.assertNotIn("INBOX", self.filled(scene.remote))
        prefix = "Backup/Of me/"
        local, remote = scene.snapshots()
        mapped = {
            name.removeprefix(prefix): held
            for name, held in remote.mailboxes.items()
            if name.startswith(prefix)
        }
        self.assertEqual(local.mailboxes, mapped)
        scene.remote.append("Backup/Of me/INBOX", b"\r\nx\r\n", ["\\Seen"])
        scene.local.expunge("Old", [1])
        self.ends(scene, 0)
        self.assertEqual(4, len(scene.local.uids("INBOX")))
        self.assertEqual(2, len(scene.remote.uids("Backup/Of me/Old")))

    def test_sameAccount(self) -> None:
        """
        Both sides can be in one account, below different references, however they
        are written; not if they turn out to be the same.
        """
        settings = Settings(separator=".", prefix="INBOX.")
        scene = self.scene(self.server(Dovecot(settings)))
        side = {"port": str(scene.localServer.port)}
        for ours, theirs in (("One/", "Two"), ("INBOX.One", "INBOX/Two.")):
            scene.configure(
                {
                    "local": {**side, "list-reference": ours},
                    "remote": {**side, "list-reference": theirs},
                }
            )
            if theirs == "Two":
                self.fill(scene.local, "One/A", "Two/B/C", "Three")
                self.ends(scene, 0)
            self.has(scene.local, "One/A", "Two/A", "One/B/C", "Two/B/C", "Three")
            self.isIdle(scene)
        scene.configure(
            {
                "local": {**side, "list-reference": "One"},
                "remote": {**side, "list-reference": "INBOX.One/B"},
            }
        )
        run = scene.sync()
        self.complains(run, 78, '"INBOX.One." and "INBOX.One.B."', "list-reference")

    def test_nested(self) -> None:
        """
        One reference below the other would copy copies without end: that is
        an error, and nothing is done.
        """
        scene = self.scene()
        side = {"port": str(scene.localServer.port)}
        self.fill(scene.local, "A")
        before = scene.snapshots()
        for ours, theirs in ("", "Copy/"), ("Copy/", ""), ("A/", "A/B/"):
            scene.configure(
                {
                    "local": {**side, "list-reference": ours},
                    "remote": {**side, "list-reference": theirs},
                }
            )
            self.complains(scene.sync(), 78, "list-reference")
        self.assertEqual(before, scene.snapshots())
