"""
Tests for L{imapsync.watch.notification}.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from imapsync.config.notify import NotifyConfig
from imapsync.display import moment
from imapsync.watch.facts import Facts
from imapsync.watch.notification import Event, Notice, Told, decide, due

_CONFIG = NotifyConfig("tell", after=900.0)
_REPEATED = _CONFIG._replace(repeat=3600.0)


class DecideTests(SynchronousTestCase):
    """
    It is told that an account fails when it has for so long, and once that it does so
    no longer.
    """

    def test_well(self) -> None:
        """
        Of one that is well, there is nothing to tell.
        """
        self.assertEqual((None, None), decide(_CONFIG, None, None, 5000.0))

    def test_short(self) -> None:
        """
        Nor of one that has failed for a short time, and is well again.
        """
        self.assertEqual((None, None), decide(_CONFIG, None, 100.0, 999.0))
        self.assertEqual((None, None), decide(_CONFIG, None, None, 1000.0))
        self.assertEqual(1000.0, due(_CONFIG, None, 100.0))

    def test_failed(self) -> None:
        """
        One that has failed for so long is told of once.
        """
        told = Told(100.0, 1000.0)
        self.assertEqual((Event.FAILED, told), decide(_CONFIG, None, 100.0, 1000.0))
        self.assertEqual((None, told), decide(_CONFIG, told, 100.0, 9e9))
        self.assertEqual(None, due(_CONFIG, told, 100.0))

    def test_recovered(self) -> None:
        """
        That it is well again is told once, if it was told that it failed.
        """
        told = Told(100.0, 1000.0)
        self.assertEqual((Event.RECOVERED, None), decide(_CONFIG, told, None, 2000.0))

    def test_repeated(self) -> None:
        """
        If that is wanted, it is told again and again.
        """
        told = Told(100.0, 1000.0)
        self.assertEqual(4600.0, due(_REPEATED, told, 100.0))
        self.assertEqual((None, told), decide(_REPEATED, told, 100.0, 4599.0))
        self.assertEqual(
            (Event.FAILED, Told(100.0, 4600.0)), decide(_REPEATED, told, 100.0, 4600.0)
        )


class NoticeTests(SynchronousTestCase):
    """
    People and programs are told what they need to know.
    """

    def setUp(self) -> None:
        facts = Facts("anna", "a@old <-> a@new", "/etc/anna", error="No route to host.")
        self.notice = Notice.of(Event.FAILED, facts, 100.0, 1000.5)
        self.again = Notice.of(Event.RECOVERED, facts, 100.0, 1000.5)

    def test_text(self) -> None:
        """
        It is said in a sentence, in the time of people.
        """
        since = moment(100)
        self.assertEqual(
            f"anna: a@old <-> a@new has failed since {since}: No route to host.",
            self.notice.text,
        )
        self.assertEqual(
            f"anna: a@old <-> a@new is synced again; it had failed since {since}.",
            self.again.text,
        )

    def test_single(self) -> None:
        """
        A single account has no name; and nobody may know what is wrong.
        """
        facts = Facts("", "a@old <-> a@new", "/etc/anna")
        notice = Notice.of(Event.FAILED, facts, 100.0, 1000.0)
        self.assertEqual(
            f"a@old <-> a@new has failed since {moment(100)}.", notice.text
        )
        self.assertEqual(None, notice.document["account"])

    def test_facts(self) -> None:
        """
        A command finds it in its environment.
        """
        self.assertEqual(
            {
                "IMAPSYNC_EVENT": "failed",
                "IMAPSYNC_ACCOUNT": "anna",
                "IMAPSYNC_TITLE": "a@old <-> a@new",
                "IMAPSYNC_CONFIG": "/etc/anna",
                "IMAPSYNC_ERROR": "No route to host.",
                "IMAPSYNC_SINCE": "1970-01-01T00:01:40Z",
                "IMAPSYNC_SECONDS": "900",
                "IMAPSYNC_TEXT": self.notice.text,
                "IMAPSYNC_ID": self.notice.id,
            },
            self.notice.facts,
        )

    def test_identified(self) -> None:
        """
        Each has a name of its own, by which one that came twice is known.
        """
        self.assertNotEqual(self.notice.id, self.again.id)

    def test_safe(self) -> None:
        """
        A name can hold nothing that no environment can.
        """
        notice = Notice.of(Event.FAILED, Facts("a\0\nb", "t", "p"), 100.0, 1000.0)
        self.assertEqual(r"a\u0000 b", notice.facts["IMAPSYNC_ACCOUNT"])
