"""
Tests for L{imapsync.imap.sight}.
"""

from __future__ import annotations

from collections.abc import Sequence

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from imapsync.errors import Refused
from imapsync.imap.commands.mailbox import Selected
from imapsync.imap.sight import EVERY, Sight, Target, keywordsOf
from imapsync.model import Glimpse
from imapsync.test.fakes.talking import Listener, Talk
from imapsync.uidset import UidSet

SELECTED = (
    rb"* FLAGS (\Seen \Answered a)",
    b"* 3 EXISTS",
    b"* OK [UIDVALIDITY 7] x",
    b"* OK [UIDNEXT 12] x",
    b"0001 OK x",
)

#: What is found of all messages, and of each flag.
FOUND = ("1,5:6", "5", "", "", "6", "1,5", "6")

ROWS = (
    b"* 1 FETCH (UID 1 FLAGS (a))",
    rb"* 2 FETCH (UID 5 FLAGS (\Seen))",
    b"* 3 FETCH (FLAGS () UID 6)",
)


def answered(found: Sequence[str]) -> list[bytes]:
    """
    The answers to SEARCH commands.
    """
    lines = []
    for number, uids in enumerate(found, 2):
        told = f" ALL {uids}" if uids else ""
        lines += [f'* ESEARCH (TAG "000{number}") UID{told}', f"000{number} OK x"]
    return [line.encode() for line in lines]


class SightCase(SynchronousTestCase):
    """
    A server without CONDSTORE.
    """

    def begin(self, target: Target) -> Deferred[Selected]:
        """
        Look at a mailbox.
        """
        self.server = Talk(b"* PREAUTH [CAPABILITY IMAP4rev1 ESEARCH] ready")
        self.server.client.resyncs = False
        self.sight = self.server.client.sight(target)
        return self.server.client.glance(self.sight)

    def look(self, target: Target, *lines: bytes) -> Selected:
        """
        The same, when this is answered.
        """
        done = self.begin(target)
        self.heard = self.server.heard().splitlines()
        self.server.say(*lines)
        return self.successResultOf(done)


class SearchTests(SightCase):
    """
    It is searched for where each flag is.
    """

    target = Target("a", ("a",))

    def seen(self, *lines: bytes) -> Glimpse | None:
        """
        What is, when this is answered.
        """
        selected = self.look(self.target, *lines)
        return self.sight.glimpse(selected)

    def test_asked(self) -> None:
        """
        All is asked at once, and all that is told can be read.
        """
        selected = self.look(self.target, *SELECTED, *answered(FOUND))
        first, *others = self.heard
        self.assertEqual(b'0001 EXAMINE "a"', first)
        asked = [line.partition(b" UID SEARCH RETURN (ALL) ")[2] for line in others]
        words = b"ALL ANSWERED DELETED DRAFT FLAGGED SEEN".split()
        self.assertEqual([*words, b"KEYWORD a"], asked)
        places = self.sight.places(selected)
        assert places is not None
        self.assertEqual("1,5:6", str(places[EVERY]))
        self.assertEqual({"5", "6", "1,5", "", "1,5:6"}, {*map(str, places.values())})
        self.assertEqual(UidSet.of([6]), places["a"])
        self.assertTrue(self.sight.isAt(selected, places))
        changed = [{**places, flag: UidSet.of([1])} for flag in places]
        for one in (*changed, {**places, "b": UidSet()}):
            self.assertFalse(self.sight.isAt(selected, one))
        self.assertEqual(frozenset(["\\Seen", "\\Answered", "a"]), selected.flags)
        glimpse = self.sight.glimpse(selected)
        assert glimpse is not None
        self.assertEqual(self.target[:2], glimpse[:2])

    def test_digest(self) -> None:
        """
        It is another one, if anything is told otherwise.
        """
        told = [self.seen(*SELECTED, *answered(FOUND)) for _ in range(2)]
        self.assertEqual(1, len({*told}))
        for number in range(len(FOUND)):
            other = [*FOUND]
            other[number] = "1:3" if not number else "1"
            told.append(self.seen(*SELECTED, *answered(other)))
        for line, instead in (
            (b"UIDNEXT 12", b"UIDNEXT 13"),
            (b"UIDVALIDITY 7", b"UIDVALIDITY 8"),
            (b"Answered a", b"Answered b"),
            (b"UIDNEXT 12] x", b"MAILBOXID (x)] x"),
        ):
            lines = [one.replace(line, instead) for one in SELECTED]
            told.append(self.seen(*lines, *answered(FOUND)))
        self.assertNotIn(None, told)
        self.assertEqual(len(told) - 1, len({*told}))

    def test_untold(self) -> None:
        """
        What was not told, or cannot be, or may have changed meanwhile, is not known.
        """
        some = answered(FOUND)
        for number, line in (
            *((0, b"* SEARCH 1 5 6"), (2, b"* SEARCH"), (4, b"* OK nothing")),
            (6, b'* ESEARCH (TAG "0009") UID ALL 1'),
        ):
            lines = [*some]
            lines[number] = line
            selected = self.look(self.target, *SELECTED, *lines)
            self.assertIsNone(self.sight.places(selected), line)
            self.assertIsNone(self.sight.glimpse(selected), line)
        for line in (
            *(b"* 3 EXISTS", b"* 2 EXPUNGE", b"* 2 FETCH (FLAGS ())"),
            *(b"* VANISHED 5", b"* 1 FETCH (UID 1 FLAGS (a))"),
        ):
            selected = self.look(self.target, *SELECTED, *some[:3], line, *some[3:])
            self.assertIsNone(self.sight.places(selected), line)
            self.assertIsNone(self.sight.glimpse(selected), line)

    def test_wrong(self) -> None:
        """
        What cannot be so is not known: other messages than there are, or as many, or
        no UIDs at all.
        """
        for number, told in (0, "1,5"), (0, "1,5:7"), (0, ""), (3, "9"), (3, "0"):
            found = [*FOUND]
            found[number] = told
            selected = self.look(self.target, *SELECTED, *answered(found))
            self.assertIsNone(self.sight.places(selected), found)

    def test_twice(self) -> None:
        """
        What is told twice is an error of that command only.
        """
        lines = answered(FOUND)
        done = self.begin(self.target)
        self.server.say(*SELECTED, lines[0], *lines)
        self.failureResultOf(done)
        self.assertFalse(self.server.transport.disconnecting)

    def test_refused(self) -> None:
        """
        A refusal of any command is one of it all.
        """
        for number in range(1, 9):
            lines = [*SELECTED, *answered(FOUND)]
            tag = b"%04d" % number
            lines = [
                tag + b" NO no" if line == tag + b" OK x" else line for line in lines
            ]
            done = self.begin(self.target)
            self.server.say(*lines)
            self.failureResultOf(done, Refused)


class FetchTests(SightCase):
    """
    All flags are fetched.
    """

    def seen(self, *lines: bytes) -> Glimpse | None:
        """
        What is, when this is answered.
        """
        selected = self.look(Target("a"), *SELECTED, *lines)
        return self.sight.glimpse(selected)

    def test_digest(self) -> None:
        """
        It is another one, if anything is told otherwise; nothing, if not all was told.
        """
        end = b"0002 OK x"
        told = [self.seen(*ROWS, end) for _ in range(2)]
        self.assertEqual(1, len({*told}))
        for number in range(3):
            rows = [*ROWS]
            rows[number] = b"* 1 FETCH (UID 9 FLAGS (x))"
            told.append(self.seen(*rows, end))
        self.assertEqual(len(told) - 1, len({*told}))
        for rows in (
            *([*ROWS[:2]], [*ROWS, ROWS[0]], [*ROWS[:2], b"* 3 FETCH (UID 6)"]),
            *([*ROWS[:2], b"* 3 FETCH (FLAGS ())"], [*ROWS, b"* 3 EXPUNGE"]),
        ):
            self.assertIsNone(self.seen(*rows, end), rows)
        self.assertIsNone(self.seen(*ROWS, b"0002 OK [MESSAGELIMIT 1 5] x"))

    def test_listener(self) -> None:
        """
        Somebody else can hear all of it.
        """
        listener = Listener()
        sight = Sight(Target("a"), False, False, listener)
        sight.existsReceived(3)
        sight.vanished(UidSet.of([1]), earlier=True)
        sight.expungeReceived()
        sight.modseqReceived(3)
        self.assertEqual(["3 exist", "vanished earlier 1", "expunged"], listener.told)


class KeywordTests(SynchronousTestCase):
    """
    Tests for L{keywordsOf}.
    """

    def test_keywords(self) -> None:
        """
        They are those that SEARCH has no words for, each once; as long as these are
        few, and can be sent.
        """
        for flags, keywords in (
            ((), ()),
            (("\\Seen", "\\ANSWERED"), ()),
            (("$A", "$a"), 1),
            (("b", "$A", "\\Draft"), ("$A", "b")),
            *((one, None) for one in (("\\X",), ("a,b",), ("\xe4",), ("a(",), ("",))),
            (map(str, range(20)), tuple(sorted(map(str, range(20))))),
            (map(str, range(21)), None),
        ):
            found = keywordsOf(frozenset(flags))
            one = keywords == 1 and found is not None and len(found)
            self.assertEqual(keywords, one or found)
