"""
Servers that ask for time, have no room, or end sessions; and those of which not too
much may be asked.
"""

from __future__ import annotations

import functools
import re
from collections import Counter
from typing import Any

from imapsync.test.integration.accounts import Mail
from imapsync.test.integration.cyrus import Cyrus
from imapsync.test.integration.cyrus import Settings as CyrusSettings
from imapsync.test.integration.dovecot import Dovecot, Settings
from imapsync.test.integration.inprocess import syncHere
from imapsync.test.integration.messages import mails
from imapsync.test.integration.relay import Relay, Way
from imapsync.test.integration.scene import Run, Scene, SceneCase

#: What is asked for is a few milliseconds: these are waited for.
THROTTLED = b"NO [THROTTLED] Slowly. Suggested Backoff Time: 5 milliseconds"
REQUEST = b"BAD Request is throttled. Suggested Backoff Time: 5 milliseconds"

#: What a server has done, though the relay has it say otherwise, and what may be done
#: twice.
_HARMLESS = {b"LIST", b"STATUS", b"SELECT", b"EXAMINE", b"UID"}
_HARMLESS |= {b"NAMESPACE", b"ENABLE"}


@functools.cache
def smallServer() -> Dovecot:
    """
    A server on which a user has room for 100 KB.
    """
    rule = "plugin {\n  quota_rule = *:storage=100K\n}"
    return Dovecot(Settings(messageLimit=0, extra=rule))


@functools.cache
def smallCyrus() -> Cyrus:
    """
    A Cyrus with as much room.
    """
    return Cyrus(CyrusSettings(quota=100))


class Refusing:
    """
    Has a relay refuse the first command of each kind.
    """

    def __init__(self, relay: Relay, answer: bytes) -> None:
        self._relay = relay
        self._answer = answer
        self.refused: Counter[bytes] = Counter()

    def edit(self, line: bytes) -> bytes:
        """
        What becomes of a line from the server.
        """
        tag = line.split()[0] if line.split() else b""
        sent = bytes(self._relay.passed[Way.TO_SERVER])
        match = re.search(rb"^%s (\w+)(?: (\w+))?" % re.escape(tag), sent, re.MULTILINE)
        if match is None or not re.fullmatch(rb"[0-9A-F]{4,}", tag):
            return line
        verb = match[1]
        if verb not in _HARMLESS or match[2] in (b"COPY", b"MOVE"):
            return line
        if verb == b"UID":
            verb += b" " + match[2]
        self.refused[verb] += 1
        if self.refused[verb] > 1:
            return line
        return tag + b" " + self._answer + b"\r\n"


class DelayTests(SceneCase):
    """
    Servers that ask for time, and that end sessions.
    """

    def between(self, scene: Scene) -> Relay:
        """
        A relay to the remote server.
        """
        from twisted.internet import reactor

        self.reactor: Any = reactor
        relay = Relay(reactor, scene.remoteServer)
        self.addCleanup(relay.close)
        scene.configure({"remote": {"port": str(relay.port)}})
        return relay

    def fill(self, scene: Scene) -> None:
        """
        Have something of each kind to do.
        """
        scene.local.fill("INBOX", mails(30, size=2000))
        scene.remote.create("Work")
        scene.remote.fill("Work", mails(30, size=2000))
        self.ends(scene, 0)
        scene.local.store("INBOX", [1, 2], "+FLAGS (\\Flagged)")
        scene.local.expunge("INBOX", [3, 4])
        scene.remote.expunge("Work", [5])
        scene.remote.append("Work", b"Subject: new\r\n\r\nx\r\n")
        scene.remote.append("INBOX", b"Subject: new\r\n\r\nx\r\n")
        scene.local.append("INBOX", b"Subject: other\r\n\r\nx\r\n")

    async def test_throttled(self) -> None:
        """
        Commands of all kinds that are refused for that are sent again, over the same
        connection, and then all is done.
        """
        for answer in THROTTLED, REQUEST:
            scene = self.scene()
            self.fill(scene)
            relay = self.between(scene)
            refusing = Refusing(relay, answer)
            relay.edit = refusing.edit
            run = await syncHere(scene, self.reactor)
            self.assertEqual(0, run.code, run.tail)
            self.assertEqual([], scene.differences(), run.tail)
            self.assertEqual(1, relay.passed[Way.TO_SERVER].count(b" LOGOUT"))
            verbs = [b"LIST", b"SELECT", b"UID FETCH", b"UID STORE"]
            for verb in (*verbs, *[b"UID EXPUNGE"] * self.offers("UIDPLUS")):
                self.assertGreater(refusing.refused[verb], 1, verb)
            self.says(run.errors, "going on in 0.005 s.")
            scene.configure({})
            self.syncs(scene)

    def end(self, relay: Relay, words: bytes, line: bytes) -> bytes:
        """
        Have the session end where the first message was to come.
        """
        if b" FETCH " not in line:
            return line

        def cut() -> None:
            relay.edit = None
            relay.cut()

        relay.edit = lambda _: b""
        self.reactor.callLater(0, cut)
        return b"* BYE " + words + b"\r\n"

    async def test_expired(self) -> None:
        """
        Where a session ends because it has lasted, another one follows without a word.
        """
        for words in (
            b"Session invalidated - AccessTokenExpired",
            b"Session expired, please login again.",
        ):
            scene = self.scene()
            self.fill(scene)
            relay = self.between(scene)
            relay.edit = functools.partial(self.end, relay, words)
            run = await syncHere(scene, self.reactor)
            self.assertEqual(0, run.code, run.tail)
            logins = re.findall(rb" AUTHENTICATE ", relay.passed[Way.TO_SERVER])
            self.assertEqual(2, len(logins))
            self.assertNotIn("trying again", run.errors, run.tail)
            self.assertEqual([], scene.differences(), run.tail)
            scene.configure({})
            self.syncs(scene)


class FullTests(SceneCase):
    """
    A server without room (RFC 9208).
    """

    def test_cyrus(self) -> None:
        """
        Cyrus, too, has little room.
        """
        self.fills(self.scene(remoteServer=smallCyrus()))

    def test_dovecot(self) -> None:
        """
        Dovecot has.
        """
        self.fills(self.scene(remoteServer=smallServer()))

    def fills(self, scene: Scene) -> None:
        """
        Nothing more is copied there, and each mailbox is named once; all else goes on;
        and when there is room again, so does that.
        """
        names = ["INBOX", *(f"box {n}" for n in range(6))]
        for name in names[1:]:
            scene.local.create(name)
        for name in names:
            bodies = (f"Subject: {name} {n}\r\n\r\n".encode() for n in range(20))
            scene.local.fill(name, (Mail(body + b"x" * 4000) for body in bodies))
        scene.remote.create("Theirs")
        scene.remote.append("Theirs", b"Subject: theirs\r\n\r\nx\r\n")
        run = self.ends(scene, 1, "--debug")
        named = Counter(
            name
            for name in names
            for line in run.errors.splitlines()
            if f"error: {name}: remote: nothing more is copied" in line
        )
        self.assertGreaterEqual(len(named), 5, run.tail)
        self.assertEqual({1}, set(named.values()))
        self.assertLess(run.sentTo("remote")["APPEND"], 60)
        self.assertEqual(1, len(scene.local.uids("Theirs")))
        there = scene.remote.uids("box 0")
        self.assertTrue(there)
        scene.local.store("box 0", [1], "+FLAGS (\\Flagged)")
        scene.remote.append("Theirs", b"Subject: more\r\n\r\nx\r\n")
        self.ends(scene, 1)
        self.assertIn("\\flagged", scene.remote.messages("box 0")[there[0]].flags)
        self.assertEqual(2, len(scene.local.uids("Theirs")))
        # There is room for as many as are expunged.
        before = sum(len(scene.remote.uids(name)) for name in names)
        for name in names[:3]:
            scene.local.expunge(name, range(1, 15))
        run = self.ends(scene, 1)
        after = sum(len(scene.remote.uids(name)) for name in names)
        self.assertGreaterEqual(after, before - 2, run.tail)
        for name in names[3:]:
            scene.local.delete(name)
        self.syncs(scene, "--allow-mass-delete")
        self.assertEqual(6, len(scene.remote.uids("box 0")))


class RestraintTests(SceneCase):
    """
    Servers of which not too much may be asked.
    """

    def flying(self, run: Run, side: str) -> int:
        """
        How many commands were unanswered at most, from a C{--debug} run.
        """
        most = 0
        flying: set[str] = set()
        line = re.compile(rf"debug: {side} \(.*?\) ([<>]) ([0-9A-F]{{4}}) (\w+)")
        for way, tag, word in line.findall(run.errors):
            if way == ">":
                flying.add(tag)
            elif word in ("OK", "NO", "BAD"):
                flying.discard(tag)
            most = max(most, len(flying))
        return most

    def test_oneAtATime(self) -> None:
        """
        With one command in flight at a time, a whole first sync, flags, moves and
        expunges go over as they do otherwise.
        """
        scene = self.scene()
        scene.local.fill("INBOX", mails(300, size=1000))
        scene.local.append("INBOX", b"Subject: big\r\n\r\n" + b"x" * 500_000 + b"\r\n")
        scene.local.append("INBOX", b"\r\nkeyword\r\n", ["Odd", "\\Seen"])
        for number in range(5):
            scene.remote.create(f"box {number}")
            scene.remote.fill(f"box {number}", mails(10))
        for most in "1", "2":
            one = {"max-commands-in-flight": most}
            scene.configure({"local": one, "remote": one})
            run = self.syncs(scene, "--debug")
            for side in "local", "remote":
                self.assertEqual(int(most), self.flying(run, side))
            scene.local.store("INBOX", [1, 2, 3], "+FLAGS (\\Flagged)")
            scene.remote.store("INBOX", [4, 5], "+FLAGS (Red)")
            scene.local.expunge("INBOX", [10 + int(most), 20])
            scene.remote.expunge("box 1", [int(most)])
            scene.local.append("INBOX", b"Subject: new " + most.encode() + b"\r\n\r\n")
            run = self.syncs(scene, "--debug")
            for side in "local", "remote":
                self.assertLessEqual(self.flying(run, side), int(most))

    def test_octets(self) -> None:
        """
        When as much went over as may on one day, the run ends with what it has done;
        the next one asks nothing of that server; with more, all is done, nothing twice.
        """
        scene = self.scene()
        scene.local.fill("INBOX", mails(40, size=20_000))
        scene.configure({"remote": {"max-octets-per-day": "300K"}})
        run = scene.sync("--patience=0")
        self.complains(run, 75, "max-octets-per-day (307200) are used up", "UTC")
        there = len(scene.remote.uids("INBOX"))
        self.assertLess(there, 40)
        run = scene.sync("--patience=0")
        self.complains(run, 75, "max-octets-per-day (307200) are used up")
        run = scene.sync("--patience=0", "--debug")
        self.assertEqual(0, run.sentTo("remote").total())
        scene.configure({"remote": {"max-octets-per-day": "1G"}})
        self.syncs(scene)
        self.assertEqual(40, len(scene.remote.uids("INBOX")))
