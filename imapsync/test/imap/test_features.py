"""
Tests for L{imapsync.imap.features}.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from imapsync.imap.features import REQUIRED, Features


def offering(words: str) -> Features:
    """
    What a server can do that says so.
    """
    return Features(words.encode("ascii").split())


class FeaturesTests(SynchronousTestCase):
    """
    What servers say of themselves.
    """

    def test_told(self) -> None:
        """
        Words are the same in any case; what is not said is not there.
        """
        features = offering("IMAP4rev1 idle")
        self.assertEqual({"IMAP4REV1", "IDLE"}, features.told)
        self.assertIn("IDLE", features)
        self.assertNotIn("MOVE", features)
        self.assertNotIn("IDLE", Features())

    def test_implied(self) -> None:
        """
        Some words stand for others, too.
        """
        for word, implied in (
            ("QRESYNC", "CONDSTORE ENABLE"),
            ("LITERAL+", "LITERAL-"),
            ("OBJECTID+", "OBJECTID"),
            (
                "imap4REV2",
                "ENABLE UIDPLUS LIST-EXTENDED LIST-STATUS MOVE SASL-IR ESEARCH UNSELECT"
                " NAMESPACE IDLE LITERAL- SEARCHRES SPECIAL-USE STATUS=SIZE",
            ),
        ):
            for each in implied.split():
                self.assertIn(each, offering(word))
        self.assertNotIn("QRESYNC", offering("CONDSTORE IMAP4rev2"))
        for word in "MULTIAPPEND", "BINARY", "CONDSTORE", "LITERAL+":
            self.assertNotIn(word, offering("IMAP4rev2"))

    def test_limits(self) -> None:
        """
        So many messages are done at a time, or stored, if that is said.
        """
        for words, limits in (
            ("IMAP4rev1", (None, None)),
            ("MESSAGELIMIT=1000", (1000, 1000)),
            ("SAVELIMIT=500", (None, 500)),
            ("messagelimit=7 SAVELIMIT=500", (7, 7)),
            ("MESSAGELIMIT=0 SAVELIMIT=0", (None, None)),
            ("MESSAGELIMIT MESSAGELIMIT= SAVELIMIT=x", (None, None)),
            ("MESSAGELIMIT=-1 SAVELIMIT=99999999999999999999", (None, None)),
        ):
            features = offering(words)
            self.assertEqual(limits, (features.messageLimit, features.saveLimit))

    def test_lacking(self) -> None:
        """
        What is required may be said in few words.
        """
        for word in REQUIRED:
            self.assertEqual([], offering(f"IDLE {word}").lacking)
        self.assertEqual(["IMAP4REV1"], offering("IMAP4 QRESYNC").lacking)
        self.assertEqual(["IMAP4REV1"], Features().lacking)

    def test_way(self) -> None:
        """
        The best way to find out what has changed is taken that a server offers, and is
        trusted with.
        """
        for words, distrusted, way in (
            ("QRESYNC", (), "QRESYNC"),
            ("ENABLE CONDSTORE QRESYNC", (), "QRESYNC"),
            ("CONDSTORE", (), "CONDSTORE"),
            ("QRESYNC", ("QRESYNC",), "CONDSTORE"),
            ("QRESYNC", ("QRESYNC", "CONDSTORE"), "comparing"),
            ("IMAP4rev2 ENABLE XYMHIGHESTMODSEQ", (), "comparing"),
        ):
            self.assertEqual(way, offering(words).without(distrusted).way, words)

    def test_lists(self) -> None:
        """
        LIST-STATUS is of no use without LIST-EXTENDED, which IMAP4rev2 has.
        """
        for words, extended, status in (
            ("LIST-EXTENDED LIST-STATUS", True, True),
            ("IMAP4rev2", True, True),
            ("LIST-EXTENDED", True, False),
            ("LIST-STATUS", False, False),
            ("", False, False),
        ):
            features = offering(words)
            told = features.listsExtended, features.listsStatus
            self.assertEqual((extended, status), told, words)

    def test_specialUse(self) -> None:
        """
        IMAP4rev2 tells what mailboxes are for, but cannot be asked to.
        """
        self.assertTrue(offering("SPECIAL-USE").asksForSpecialUse)
        self.assertFalse(offering("IMAP4rev2").asksForSpecialUse)

    def test_appendLimit(self) -> None:
        """
        How large a message may be is a number, or not said.
        """
        for words, limit in (
            ("APPENDLIMIT=257890", 257890),
            ("AppendLimit=0", 0),
            ("APPENDLIMIT", None),
            ("APPENDLIMIT=", None),
            ("APPENDLIMIT=-1", None),
            ("APPENDLIMIT=\u0661", None),
            (f"APPENDLIMIT={10**30}", None),
            ("IDLE", None),
        ):
            self.assertEqual(limit, Features(words.encode().split()).appendLimit)

    def test_literals(self) -> None:
        """
        LITERAL+ takes any literal unasked, LITERAL- and IMAP4rev2 small ones.
        """
        for words, sizes in (
            ("X", []),
            ("LITERAL-", [0, 4096]),
            ("IMAP4rev2", [0, 4096]),
            ("LITERAL+", [0, 4096, 4097]),
            ("LITERAL+ LITERAL-", [0, 4096, 4097]),
        ):
            features = offering(words)
            free = [size for size in (0, 4096, 4097) if not features.asksLeave(size)]
            self.assertEqual(sizes, free, words)
