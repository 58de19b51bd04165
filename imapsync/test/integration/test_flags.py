"""
Flags, keywords, dates and expunges go both ways, on real servers.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta, timezone

from imapsync.test.integration.accounts import Account, Mail
from imapsync.test.integration.dovecot import Dovecot, Settings
from imapsync.test.integration.messages import mails
from imapsync.test.integration.scene import Options, Scene, SceneCase

MERGE: Options = {"": {"flag-conflict": "merge"}}


class FlagCase(SceneCase):
    """
    Begins with equal accounts.
    """

    def equal(
        self, flags: Collection[str] = (), options: Options | None = None
    ) -> Scene:
        """
        Six messages, UID 1 to 6, with the same flags on both sides.
        """
        scene = self.scene(options=options)
        scene.local.fill("INBOX", [Mail(body, list(flags)) for body in bodies(6)])
        self.ends(scene, 0)
        return scene

    def shows(self, account: Account, uid: int, flags: str) -> None:
        """
        A message has exactly these flags.
        """
        found = account.messages("INBOX")[uid].flags
        self.assertEqual(set(flags.lower().split()), set(found))

    def bothShow(self, scene: Scene, uid: int, flags: str) -> None:
        """
        A message has exactly these flags on both sides.
        """
        for account in scene.accounts:
            self.shows(account, uid, flags)


class FlagsTests(FlagCase):
    """
    Flags changed on one side.
    """

    def test_bothDirections(self) -> None:
        """
        Flags are added and removed, system flags and keywords, whichever side
        they were changed on; the other flags are left alone.
        """
        scene = self.equal(["\\Seen", "Old"])
        scene.local.store("INBOX", [1, 2], "+FLAGS (\\Flagged $Label1)")
        scene.local.store("INBOX", [2], "-FLAGS (\\Seen)")
        scene.remote.store("INBOX", [3], "-FLAGS (Old)")
        scene.remote.store("INBOX", [4, 5], "FLAGS (\\Answered \\Draft)")
        run = self.syncs(scene)
        self.bothShow(scene, 1, "\\Seen Old \\Flagged $Label1")
        self.bothShow(scene, 2, "Old \\Flagged $Label1")
        self.bothShow(scene, 3, "\\Seen")
        self.bothShow(scene, 4, "\\Answered \\Draft")
        self.bothShow(scene, 6, "\\Seen Old")
        self.assertNotIn("warn", run.errors)
        self.says(run.errors, "2 flagged on remote", "3 flagged on local")

    def test_deleted(self) -> None:
        r"""
        C{\Deleted} is a flag like others: it expunges nothing.
        """
        scene = self.equal()
        scene.local.store("INBOX", [1], "+FLAGS (\\Deleted)")
        scene.remote.append("INBOX", b"\r\ndeleted\r\n", ["\\Deleted"])
        self.syncs(scene)
        self.bothShow(scene, 1, "\\Deleted")
        self.bothShow(scene, 7, "\\Deleted")

    def test_deletedElsewhere(self) -> None:
        r"""
        An expunge takes only its own message along, not what else has
        C{\Deleted}.
        """
        scene = self.equal()
        for account in scene.accounts:
            account.store("INBOX", [1], "+FLAGS (\\Deleted)")
        scene.local.expunge("INBOX", [2])
        scene.remote.store("INBOX", [3], "+FLAGS (\\Deleted)")
        self.syncs(scene)
        self.assertEqual([1, 3, 4, 5, 6], scene.remote.uids("INBOX"))
        self.bothShow(scene, 3, "\\Deleted")

    def test_manyKeywords(self) -> None:
        """
        More keywords than a maildir has letters for; odd but valid ones too.
        """
        scene = self.scene()
        odd = ["$", "$Junk", "NonJunk", "a/b", "x&y", "#1", "[a", "~", "a'b", "=", "+"]
        keywords = [*odd, *(f"Keyword-{n}" for n in range(40))]
        scene.local.fill(
            "INBOX",
            [
                Mail(body, [word])
                for body, word in zip(bodies(51), keywords, strict=True)
            ],
        )
        self.syncs(scene)
        last = len(keywords)
        scene.remote.store("INBOX", [1], f"+FLAGS ({' '.join(keywords)})")
        scene.remote.store("INBOX", [last], "FLAGS ()")
        self.syncs(scene)
        self.bothShow(scene, 1, " ".join(keywords))
        self.bothShow(scene, last, "")

    def test_spelling(self) -> None:
        """
        Keywords that differ only in case are the same.
        """
        scene = self.equal()
        scene.local.store("INBOX", [1], "+FLAGS (Work)")
        scene.remote.store("INBOX", [2], "+FLAGS (WORK)")
        self.syncs(scene)
        scene.local.store("INBOX", [3], "+FLAGS (work)")
        scene.remote.store("INBOX", [1], "-FLAGS (work)")
        self.syncs(scene)
        self.bothShow(scene, 1, "")
        self.bothShow(scene, 2, "work")
        self.bothShow(scene, 3, "work")

    def test_backAndForth(self) -> None:
        """
        A flag that was changed and changed back is nothing new.
        """
        scene = self.equal(["\\Seen"])
        scene.local.store("INBOX", [1, 2], "-FLAGS (\\Seen)")
        scene.local.store("INBOX", [1, 2], "+FLAGS (\\Seen)")
        run = self.syncs(scene, "--debug")
        self.assertEqual(0, run.sentTo("remote")["UID STORE"])
        self.bothShow(scene, 1, "\\Seen")

    def test_manyMessages(self) -> None:
        """
        The flags of many messages go over in few commands.
        """
        scene = self.scene()
        scene.local.fill("INBOX", mails(1000, size=300))
        self.ends(scene, 0)
        scene.local.store("INBOX", range(1, 1001, 2), "+FLAGS (Odd)")
        scene.remote.store("INBOX", range(2, 1001, 2), "+FLAGS (Even)")
        run = self.syncs(scene, "--debug")
        self.assertLessEqual(run.sentTo("remote")["UID STORE"], 2)
        self.assertLessEqual(run.sentTo("local")["UID STORE"], 2)


class ConflictTests(FlagCase):
    """
    Flags changed on both sides.
    """

    def test_union(self) -> None:
        """
        Both sides get the union, with a warning that names the message.
        """
        scene = self.equal(["\\Seen"])
        scene.remote.append("INBOX", b"\r\nmakes UIDs differ\r\n")
        scene.local.store("INBOX", [2], "-FLAGS (\\Seen)")
        scene.remote.store("INBOX", [2], "+FLAGS (\\Flagged)")
        scene.local.store("INBOX", [3], "+FLAGS (A)")
        scene.remote.store("INBOX", [3], "FLAGS (B)")
        run = self.syncs(scene)
        self.bothShow(scene, 2, "\\Seen \\Flagged")
        self.bothShow(scene, 3, "\\Seen A B")
        warnings = [line for line in run.errors.splitlines() if "warn" in line]
        self.assertEqual(2, len(warnings), run.tail)
        self.says(warnings[0], "INBOX", "2", "both sides")

    def test_merge(self) -> None:
        """
        Each flag that changed on a side takes its new value.
        """
        scene = self.equal(["\\Seen", "Old"], MERGE)
        scene.local.store("INBOX", [2], "-FLAGS (\\Seen)")
        scene.remote.store("INBOX", [2], "+FLAGS (\\Flagged)")
        scene.local.store("INBOX", [3], "+FLAGS (A)")
        scene.remote.store("INBOX", [3], "FLAGS (B)")
        run = self.syncs(scene)
        self.bothShow(scene, 2, "\\Flagged Old")
        self.bothShow(scene, 3, "A B")
        self.assertNotIn("warn", run.errors)

    def test_same(self) -> None:
        """
        The same change on both sides is no conflict.
        """
        scene = self.equal()
        for account in scene.accounts:
            account.store("INBOX", [1, 2], "+FLAGS (\\Seen Same)")
        run = self.syncs(scene, "--debug")
        self.assertNotIn("warn", run.errors)
        self.assertNotIn("UID STORE", run.commands)
        self.bothShow(scene, 1, "\\Seen Same")


class ExpungeTests(FlagCase):
    """
    Messages that are gone.
    """

    def test_bothDirections(self) -> None:
        """
        What is expunged on one side is expunged on the other, and nothing
        else is.
        """
        scene = self.equal()
        scene.local.expunge("INBOX", [1, 2])
        scene.remote.expunge("INBOX", [2, 3])
        scene.local.append("INBOX", b"\r\nlocal\r\n")
        scene.remote.append("INBOX", b"\r\nremote\r\n")
        run = self.syncs(scene)
        sent = list(bodies(6))
        for account in scene.accounts:
            self.holds(
                account, "INBOX", [*sent[3:], b"\r\nlocal\r\n", b"\r\nremote\r\n"]
            )
        self.says(run.errors, "1 expunged on remote", "1 expunged on local")

    def test_flagged(self) -> None:
        """
        A message is expunged even if its flags changed on the other side.
        """
        for options in {}, MERGE:
            scene = self.equal(options=options)
            scene.local.expunge("INBOX", [1])
            scene.remote.store("INBOX", [1, 2], "+FLAGS (\\Flagged)")
            scene.remote.expunge("INBOX", [3])
            scene.local.store("INBOX", [3, 4], "+FLAGS (\\Seen)")
            self.syncs(scene)
            self.assertEqual([2, 4, 5, 6], scene.local.uids("INBOX"))
            self.bothShow(scene, 2, "\\Flagged")
            self.bothShow(scene, 4, "\\Seen")

    def test_neverSeen(self) -> None:
        """
        What came and went between two runs is nobody's business; what only
        came is new, even if all that was known is gone.
        """
        scene = self.equal()
        account = scene.remote
        account.expunge("INBOX", [account.append("INBOX", b"\r\nbriefly\r\n")])
        account.append("INBOX", b"\r\nnew\r\n")
        account.expunge("INBOX", [1, 2, 3, 4, 5, 6])
        self.syncs(scene)
        self.holds(scene.local, "INBOX", [b"\r\nnew\r\n"])

    def test_same(self) -> None:
        """
        The same expunge on both sides needs nothing but to be noticed.
        """
        scene = self.equal()
        for account in scene.accounts:
            account.expunge("INBOX", [2, 4])
        run = self.syncs(scene, "--debug")
        self.assertNotIn("UID EXPUNGE", run.commands)
        self.assertEqual([1, 3, 5, 6], scene.remote.uids("INBOX"))

    def test_many(self) -> None:
        """
        A thousand scattered UIDs: all of them, and no others, are expunged.  (Where
        just 2000 are left, a server without QRESYNC might hide the oldest.)
        """
        scene = self.scene()
        scene.local.fill("INBOX", mails(3010, size=200))
        self.ends(scene, 0)
        scene.local.expunge("INBOX", range(1, 3000, 3))
        self.syncs(scene)
        self.assertEqual(2010, len(scene.remote.uids("INBOX")))

    def test_otherMailbox(self) -> None:
        """
        A message that another user of the mailbox moved is not lost.
        """
        scene = self.equal()
        scene.local.create("Archive")
        body = next(bodies(1))
        scene.local.append(
            "Archive", body, (), datetime(2021, 3, 1, tzinfo=timezone.utc)
        )
        scene.local.expunge("INBOX", [1])
        self.syncs(scene)
        self.holds(scene.remote, "Archive", [body])
        self.assertEqual(5, len(scene.remote.uids("INBOX")))


class DateTests(SceneCase):
    """
    INTERNALDATE.
    """

    def test_instants(self) -> None:
        """
        The instant is kept, whatever the zone; old or new.
        """
        zones = [timezone(timedelta(hours=hours)) for hours in (-11, 0, 5.75, 14)]
        dates = [
            datetime(year, month, day, 23, 59, 58, tzinfo=zone)
            for zone in zones
            for year, month, day in (
                (1970, 1, 3),
                (1999, 12, 31),
                (2024, 2, 29),
            )
        ]
        scene = self.scene()
        scene.local.fill(
            "INBOX",
            [Mail(b"\r\n%d\r\n" % n, (), date) for n, date in enumerate(dates)],
        )
        self.syncs(scene)
        found = {message.date for message in scene.remote.messages("INBOX").values()}
        self.assertEqual({date.astimezone(timezone.utc) for date in dates}, found)

    def test_zones(self) -> None:
        """
        A server that tells dates in another zone makes no difference.
        """
        far = self.server(Dovecot(Settings(extra="import_environment = TZ=Asia/Tokyo")))
        scene = self.scene(remoteServer=far)
        scene.local.fill("INBOX", mails(20))
        scene.remote.fill("INBOX", mails(20, seed=2))
        self.syncs(scene)


def bodies(count: int) -> Iterator[bytes]:
    """
    Different messages.
    """
    return (b"Subject: %d\r\n\r\nText\r\n" % number for number in range(count))
