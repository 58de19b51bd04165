"""
Tests for L{imapsync.imap.portions}, by way of the commands that are done so.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from imapsync.errors import Garbled, Refused
from imapsync.imap.client import SyncClient
from imapsync.imap.commands.messages import Transferred
from imapsync.imap.hosts import HOSTS, UNKNOWN
from imapsync.imap.wire.responses import Row
from imapsync.test.fakes.talking import Bodies, Talk
from imapsync.uidset import MAXIMUM, UidSet

SOME = UidSet(((1, 9),))

#: Every command about messages, with what it is called.
COMMANDS: dict[str, Callable[[SyncClient], Deferred[Any]]] = {
    "SEARCH UID %s": lambda client: client.exists(SOME),
    "FETCH %s (FLAGS)": lambda client: client.reportFlags(SOME),
    "FETCH %s (RFC822.SIZE)": lambda client: client.fetchRows(
        SOME, "(RFC822.SIZE)", lambda rows: None
    ),
    "FETCH %s BODY.PEEK[]": lambda client: client.fetchBodies(
        SOME, "BODY.PEEK[]", Bodies()
    ),
    "STORE %s +FLAGS (a)": lambda client: client.store(SOME, "+", frozenset("a")),
    "EXPUNGE %s": lambda client: client.expungeUids(SOME),
    'COPY %s "b"': lambda client: client.transfer("COPY", SOME, "b"),
    'MOVE %s "b"': lambda client: client.transfer("MOVE", SOME, "b"),
}


class PortionsCase(SynchronousTestCase):
    """
    A server that has a mailbox selected.
    """

    def setUp(self) -> None:
        """
        Select it.
        """
        self.begin()

    def begin(self, capabilities: str = "IMAP4rev1") -> None:
        """
        Select one on another server.
        """
        self.server = Talk(f"* OK [CAPABILITY {capabilities}] hi".encode())
        self.client = self.server.client
        self.listener = self.server.open()

    def asked(self) -> list[tuple[str, str]]:
        """
        Tags and words of the commands that were sent.
        """
        told = []
        for line in self.server.heard().decode().splitlines():
            tag, words = line.split(" UID ", 1)
            told.append((tag, words))
        return told

    def answers(self, words: str, said: str, *before: str) -> None:
        """
        The only command that waits has these words, and is answered so.
        """
        [(tag, told)] = self.asked()
        self.assertEqual(words, told)
        lines = [f"* {line}" for line in before]
        if told.startswith("SEARCH") and said.startswith("OK"):
            lines.append("* SEARCH 7")
        self.server.say(*(each.encode() for each in (*lines, f"{tag} {said} x")))


class PartTests(PortionsCase):
    """
    Commands that are done in part.
    """

    def test_goesOn(self) -> None:
        """
        Each goes on below the last message that was done, wherever the server says
        so, and is done only then.
        """
        for words, start in COMMANDS.items():
            for untagged in (None, "OK", "NO"):
                self.begin()
                done = start(self.client)
                for asked, lowest in (("1:9", 7), ("1:6", 4)):
                    limit = f"[MESSAGELIMIT 3 {lowest}]"
                    if untagged is None:
                        self.answers(words % asked, f"OK {limit}")
                    else:
                        before = f"{untagged} {limit} x"
                        self.answers(words % asked, "OK [HIGHESTMODSEQ 9]", before)
                    self.assertNoResult(done)
                self.answers(words % "1:3", "OK")
                self.successResultOf(done)

    def test_nothingLeft(self) -> None:
        """
        One that came to its end just so is done.
        """
        for words, start in COMMANDS.items():
            self.begin()
            done = start(self.client)
            self.answers(words % "1:9", "OK [MESSAGELIMIT 9 1]")
            self.successResultOf(done)
            self.assertEqual([], self.asked())

    def test_refused(self) -> None:
        """
        One that was refused for it is done in halves.
        """
        for words, start in COMMANDS.items():
            self.begin("IMAP4rev1 ESEARCH")
            asking = words.replace("SEARCH", "SEARCH RETURN (ALL)")
            done = start(self.client)
            [(first, asked)] = self.asked()
            self.assertEqual(asking % "1:9", asked)
            self.server.say(f"{first} NO [MESSAGELIMIT 5] too many".encode())
            told = []
            for tag, one in self.asked():
                told.append(one)
                self.server.say(f'* ESEARCH (TAG "{tag}") UID'.encode())
                self.server.say(f"{tag} OK x".encode())
            self.assertEqual([asking % "1:5", asking % "6:9"], told)
            self.successResultOf(done)

    def test_notSaid(self) -> None:
        """
        If it is not said how far it came, what can be done twice is; what cannot
        is not.
        """
        for words, start in COMMANDS.items():
            for code in ("[MESSAGELIMIT 3]", "[MESSAGELIMIT x y]", "[MESSAGELIMIT]"):
                self.begin()
                done = start(self.client)
                self.answers(words % "1:9", f"OK {code}")
                if words.startswith(("COPY", "MOVE")):
                    error = self.failureResultOf(done, Garbled).value
                    self.assertIn("MESSAGELIMIT", str(error))
                    continue
                self.assertNoResult(done)
                for tag, _ in self.asked():
                    self.server.say(b"* SEARCH", f"{tag} OK x".encode())
                for tag, _ in self.asked():
                    self.server.say(b"* SEARCH", f"{tag} OK x".encode())
                self.successResultOf(done)

    def test_noFurther(self) -> None:
        """
        A server that never gets on is not asked for ever.
        """
        for words, start in COMMANDS.items():
            for answer in "NO [MESSAGELIMIT 0]", "OK [MESSAGELIMIT 3 99]":
                if answer.startswith("OK") and words.startswith(("COPY", "MOVE")):
                    continue
                self.begin()
                done = start(self.client)
                for _ in range(20):
                    for tag, _ in self.asked():
                        self.server.say(b"* SEARCH", f"{tag} {answer} x".encode())
                error = self.failureResultOf(done, Refused).value
                self.assertEqual("MESSAGELIMIT", error.responseCode)

    def test_otherRefusal(self) -> None:
        """
        Any other refusal ends it.
        """
        done = self.client.exists(SOME)
        self.answers("SEARCH UID 1:9", "OK [MESSAGELIMIT 3 7]")
        self.answers("SEARCH UID 1:6", "NO [SERVERBUG]")
        self.failureResultOf(done, Refused)

    def test_found(self) -> None:
        """
        What was found is told together.
        """
        done = self.client.exists(SOME)
        self.answers("SEARCH UID 1:9", "OK [MESSAGELIMIT 3 7]", "SEARCH 8 9")
        self.answers("SEARCH UID 1:6", "OK", "SEARCH 2")
        self.assertEqual("2,7:9", str(self.successResultOf(done)))

    def test_rows(self) -> None:
        """
        So are rows, to whoever asked for them.
        """
        rows: list[Row] = []
        done = self.client.fetchRows(SOME, "(RFC822.SIZE)", rows.extend)
        for asked, uid, said in ("1:9", 9, "OK [MESSAGELIMIT 1 9]"), ("1:8", 2, "OK"):
            told = f"{uid} FETCH (UID {uid} RFC822.SIZE 3)"
            self.answers(f"FETCH {asked} (RFC822.SIZE)", said, told)
        self.successResultOf(done)
        self.assertEqual([9, 2], [row.uid for row in rows])

    def test_all(self) -> None:
        """
        The flags of all messages are asked for by a star, and then by UIDs.
        """
        done = self.client.reportFlags(None)
        self.answers("FETCH 1:* (FLAGS)", "OK [MESSAGELIMIT 1000 23007]")
        self.answers("FETCH 1:23006 (FLAGS)", "OK")
        self.successResultOf(done)

    def test_copied(self) -> None:
        """
        COPYUID tells best what was copied: nothing is copied twice.
        """
        for verb in "COPY", "MOVE":
            self.begin()
            done = self.client.transfer(verb, SOME, "b")
            code = "OK [COPYUID 7 1:2,9 11:13] x"
            self.answers(f'{verb} 1:9 "b"', "OK [MESSAGELIMIT 3]", code)
            self.answers(f'{verb} 3:8 "b"', "OK [COPYUID 7 3:8 14:19]")
            told = self.successResultOf(done)
            first = Transferred(7, {1: 11, 2: 12, 9: 13})
            self.assertEqual(first, told[0])
            self.assertEqual([*range(3, 9)], [*told[1].uids])


class AheadTests(PortionsCase):
    """
    Servers that say beforehand how much they do.
    """

    def test_split(self) -> None:
        """
        Each command is for so many messages, and all are in flight.
        """
        for words, start in COMMANDS.items():
            self.begin("IMAP4rev1 ESEARCH MESSAGELIMIT=4")
            asking = words.replace("SEARCH", "SEARCH RETURN (ALL)")
            start(self.client)
            told = [told for _, told in self.asked()]
            self.assertEqual([asking % uids for uids in ("1:4", "5:8", "9")], told)

    def test_long(self) -> None:
        """
        No command is longer than a server takes, of whatever kind it is.
        """
        scattered = UidSet.of(range(10_001, 20_000, 2))
        [exchange] = [host for host in HOSTS if host.octets < UNKNOWN.octets]
        for host, most in (UNKNOWN, 8100), (exchange, 4096):
            self.begin()
            self.client.host = host
            self.client.exists(scattered).addErrback(lambda _: None)
            sent = self.server.heard().splitlines()
            self.assertTrue(all(len(line) <= most for line in sent))

    def test_open(self) -> None:
        """
        All that there may be above some UID is not split.
        """
        self.begin("IMAP4rev1 ESEARCH MESSAGELIMIT=4")
        for uids in UidSet(((7, MAXIMUM),)), UidSet(((1, 2), (7, MAXIMUM))), None:
            self.client.reportFlags(uids)
            self.assertEqual(1, len(self.asked()))

    def test_saved(self) -> None:
        """
        A limit for what is stored is for COPY.
        """
        for words, start in COMMANDS.items():
            self.begin("IMAP4rev1 ESEARCH SAVELIMIT=4")
            start(self.client)
            split = words.startswith("COPY")
            self.assertEqual(3 if split else 1, len(self.asked()))

    def test_learned(self) -> None:
        """
        Who was told once keeps to it, so that what comes is in the order of the UIDs.
        """
        self.begin()
        done = self.client.store(SOME, "+", frozenset("a"))
        self.answers("STORE 1:9 +FLAGS (a)", "OK [MESSAGELIMIT 4 6]")
        self.answers("STORE 1:5 +FLAGS (a)", "OK [MESSAGELIMIT 5 1]")
        self.successResultOf(done)
        self.client.fetchBodies(SOME, "BODY.PEEK[]", Bodies())
        told = [told.split()[1] for _, told in self.asked()]
        self.assertEqual(["1:4", "5:8", "9"], told)

    def test_whose(self) -> None:
        """
        Of several in flight, the one is not done that has the message.
        """
        self.begin("IMAP4rev1 MESSAGELIMIT=4")
        done = self.client.expungeUids(SOME)
        first, second, third = (tag for tag, _ in self.asked())
        self.server.say(f"{first} OK x".encode(), b"* NO [MESSAGELIMIT 2 7] x")
        self.server.say(f"{second} OK x".encode(), f"{third} OK x".encode())
        self.answers("EXPUNGE 5:6", "OK")
        self.successResultOf(done)
