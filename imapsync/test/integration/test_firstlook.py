"""
Runs between real servers that take a first look.
"""

from __future__ import annotations

import signal
import socket
import sys
from itertools import product

from twisted.internet import reactor
from twisted.internet.threads import deferToThread

from imapsync.test import children
from imapsync.test.integration.cyrus import dottedCyrus
from imapsync.test.integration.messages import mails
from imapsync.test.integration.relay import Relay, Way
from imapsync.test.integration.scene import Scene, SceneCase, finished
from imapsync.test.integration.server import Server

#: What only runs need that use TLS, connect anew, find what may have been moved, are
#: asked for something else, or that a server sends away.
SELDOM = (
    *("OpenSSL", "ssl", "twisted.internet.endpoints", "imapsync.accounts.moves"),
    *("imapsync.accounts.admin", "imapsync.imap.auth.refusal"),
)

#: The command; in the end it tells what it has imported.
TELLING = (
    "import sys; from imapsync.__main__ import run; code = run(sys.argv[1:]);"
    " print('reactor' if 'twisted' in sys.modules else 'none',"
    f" *(name for name in {SELDOM!r} if name in sys.modules)); sys.exit(code)"
)

#: What two messages have, one after the other.
FLAGS = ("word", "", "\\Seen", "\\Flagged", "\\Deleted", "\\Draft", "\\Answered other")

#: What a line of a log begins with.
STAMP = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[+-]\d\d:\d\d"


class LookingCase(SceneCase):
    """
    What they say, and what they import.
    """

    done: list[list[str]]

    def relayed(self, remote: Server | None) -> Scene:
        """
        Two accounts with some mail, behind relays.
        """
        scene = self.scene(None, remote)
        scene.local.create("Été/Là")
        scene.local.fill("Été/Là", mails(3))
        scene.remote.fill("INBOX", mails(20))
        self.relays = [
            Relay(reactor, server) for server in (scene.localServer, scene.remoteServer)
        ]
        for relay in self.relays:
            self.addCleanup(relay.shut)
        local, remote_ = ({"port": str(relay.port)} for relay in self.relays)
        scene.configure({"local": local, "remote": remote_})
        return scene

    def sent(self, word: bytes) -> list[int]:
        """
        How often something was said to either server since this was asked last.
        """
        passed = [relay.passed[Way.TO_SERVER] for relay in self.relays]
        counts = [octets.upper().count(word) for octets in passed]
        for octets in passed:
            octets.clear()
        return counts

    def looks(self, scene: Scene, *options: str) -> str:
        """
        Run the command.

        @return: what it needed.
        """
        command = [sys.executable, "-c", TELLING, *scene.command(*options)[3:]]
        run = finished(scene.start(command))
        self.assertEqual((0, []), (run.code, run.complaints), run.errors)
        self.assertIn("Total: ", run.errors)
        total = next(line for line in run.errors.splitlines() if "Total: " in line)
        words = total.partition("Total: ")[2].split(", ")
        self.done.append([word for word in words if not word.startswith("0 ")])
        return run.output.strip()

    async def looked(self, scene: Scene) -> tuple[str, list[int]]:
        """
        Let the command run.

        @return: what it needed, and how often it logged in.
        """
        return await deferToThread(self.looks, scene), self.sent(b" AUTHENTICATE ")


class FirstLookTests(LookingCase):
    """
    STATUS tells whether anything has changed.
    """

    async def test_looks(self) -> None:
        """
        Where nothing has changed, the reactor is not imported; where something has,
        all goes on, and nothing is said twice, nor imported that most runs do not need.
        """
        self.needs("QRESYNC")
        for server in (None, dottedCyrus()):
            scene, self.done = self.relayed(server), []
            found = [await self.looked(scene) for _ in range(2)]
            scene.local.store("Été/Là", [2], "+FLAGS (\\Flagged)")
            found += [await self.looked(scene) for _ in range(2)]
            scene.remote.fill("INBOX", mails(2, seed=2))
            found += [await self.looked(scene) for _ in range(2)]
            first, *further = [text for text, _ in found]
            self.assertEqual("reactor twisted.internet.endpoints", first)
            self.assertEqual(["none", *["reactor", "none"] * 2], further)
            self.assertEqual([[1, 1]] * 6, [counts for _, counts in found])
            work = [["23 copied"], ["1 flagged"], ["2 copied"]]
            self.assertEqual([x for one in work for x in (one, [])], self.done)

    async def test_cut(self) -> None:
        """
        Wherever a connection is cut, the run ends with both sides equal.
        """
        scene = self.scene()
        scene.local.fill("INBOX", mails(3))
        relay = Relay(reactor, scene.remoteServer)
        self.addCleanup(relay.close)
        scene.configure({"remote": {"port": str(relay.port)}})
        await deferToThread(self.ends, scene, 0)
        uid, *_ = scene.local.uids("INBOX")
        for number, (way, octets) in enumerate(product(Way, range(1, 1200, 109))):
            if number % 2:
                scene.local.store("INBOX", [uid], f"+FLAGS (word{number})")
            relay.passed[way].clear()
            relay.at(way, octets, relay.cut)
            run = await deferToThread(self.ends, scene, 0)
            self.assertEqual([], scene.differences(), run.errors)

    def test_told(self) -> None:
        """
        It is told to whom any run would tell it: to a log file, or to nobody.
        """
        self.needs("QRESYNC")
        scene = self.scene()
        log = scene.directory / "log"
        scene.configure({"": {"logfile": str(log)}})
        self.ends(scene, 0)
        for options in ((), ("--quiet",)):
            before = log.read_text().splitlines()
            command = [sys.executable, "-c", TELLING, *scene.command(*options)[3:]]
            run = finished(scene.start(command))
            self.assertEqual(
                (0, "none\n", ""), (run.code, run.output, run.errors), run.errors
            )
            told = log.read_text().splitlines()[len(before) :]
            self.assertEqual(0 if options else 2, len(told))
            form = (
                r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[+-]\d\d:\d\d (Total: |\d+ octets in )"
            )
            for line in told:
                self.assertRegex(line, form)


class ComparedTests(LookingCase):
    """
    It does not: mailboxes have to be looked at.
    """

    ways = ("COMPARING", "BARE")

    async def test_looks(self) -> None:
        """
        Where nothing has changed, the reactor is not imported, and of many messages not
        all flags are fetched; whatever another client changes is seen.
        """
        scene, self.done = self.relayed(None), []
        scene.local.fill("INBOX", mails(250))
        await self.looked(scene)
        uids = scene.local.uids("INBOX")
        changes = [
            *((scene.local, f"FLAGS ({flag})") for flag in FLAGS),
            (scene.remote, "FLAGS (\\Answered)"),
            (scene.remote, "FLAGS (new)"),
            (scene.local, ""),
            (scene.remote, ""),
        ]
        self.sent(b"")
        for number, (side, change) in enumerate(changes):
            if number % 3 == 0:
                told = await deferToThread(self.looks, scene)
                self.assertEqual("none", told, change)
                # All flags are those of three messages.
                self.assertEqual(1, self.sent(b" UID FETCH 1:*")[0])
            if change:
                side.store("INBOX", side.uids("INBOX")[3:5], change)
            else:
                side.expunge("INBOX", side.uids("INBOX")[3:4])
                side.fill("INBOX", mails(1))
            what, _ = await self.looked(scene)
            self.assertEqual("reactor", what.split(" ")[0], change)
            self.assertEqual([], scene.differences(), change)
        self.assertEqual(len(uids), len(scene.local.uids("INBOX")))


class SignalTests(SceneCase):
    """
    Signals that come while it is taken.
    """

    def test_interrupted(self) -> None:
        """
        It ends as it does at any time, and the next run goes on.
        """
        scene = self.scene()
        self.ends(scene, 0)
        for number in (signal.SIGTERM, signal.SIGINT):
            with socket.create_server(("127.0.0.1", 0)) as silent:
                port = str(silent.getsockname()[1])
                scene.configure({"local": {"port": port}})
                process = scene.start(scene.command())
                silent.settimeout(children.PATIENCE)
                with silent.accept()[0]:
                    process.send_signal(number)
                    run = finished(process)
            self.complains(run, 75, "interrupted")
        scene.configure({})
        self.syncs(scene)
