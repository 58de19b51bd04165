"""
Messages of every kind and size are copied unchanged, in flat memory.
"""

from __future__ import annotations

import sys

from imapsync.test.integration.dovecot import poorServer
from imapsync.test.integration.messages import mails
from imapsync.test.integration.scene import Scene, SceneCase, finished

#: What a run may need, in KiB.
MEMORY = 100 * 1024

ODD = (
    b"\r\n",
    b"x",
    b"x\r\n",
    b"\r\n\r\n\r\n",
    b"Subject: no empty line",
    b"Subject: no empty line\r\n",
    b"Subject: no body\r\n\r\n",
    b"Subject: no end of line\r\n\r\nText",
    b"no header at all\r\njust text\r\n",
    b"From somebody@example.com Thu Jan  1 00:00:00 1970\r\nSubject: mbox\r\n\r\nx\r\n",
    b"Subject: quoted\r\n\r\n>From here\r\nFrom there\r\n.\r\n..\r\n",
    b"Subject: \xe9t\xe9 \xff\xfe\r\n\r\n\x80\x81\xfe\xff\r\n",
    b"Subject: controls\r\n\r\n\x01\x02\x07\x08\x0b\x0c\x1a\x1b\x7f\r\n",
    b"Subject: NUL\r\n\r\na\0b\0\0c\r\n",
    b"Subject: N\0UL\r\n\r\nin the header\r\n",
    b"Subject: bare LF\n\nText\nand more\n",
    b"Subject: bare CR\r\n\r\nText\rand\r\rmore\r",
    b"Subject: mixed\r\n\nText\r\nand\nmore\r\r\n",
    b"\nText behind a bare LF\n",
    b"Subject: long line\r\n\r\n" + b"x" * 300_000 + b"\r\n",
    b"Subject: " + b"long header " * 10_000 + b"\r\n\r\nText\r\n",
    b"".join(b"X-%d: many headers\r\n" % n for n in range(5000)) + b"\r\n",
    b"Subject:\r\n folded\r\n\tagain\r\n \r\n\r\nText\r\n",
    b": no name\r\n\r\nText\r\n",
    b"Subject: braces\r\n\r\n{10}\r\n{20+}\r\n{3}",
    b"Subject: responses\r\n\r\n)\r\n* 1 EXPUNGE\r\n* BYE\r\n0001 OK\r\n0002 NO\r\n",
)


class OddTests(SceneCase):
    """
    Messages as nobody should send them.
    """

    def test_odd(self) -> None:
        """
        They are the same on both sides afterwards, whichever side they came
        from; and they are recognised when the database is lost.
        """
        scene = self.scene()
        for number, body in enumerate(ODD):
            scene.accounts[number % 2].append("INBOX", body)
        self.syncs(scene)
        self.assertEqual(len(ODD), len(scene.local.uids("INBOX")))
        scene.database.unlink()
        run = self.syncs(scene, "--debug")
        self.assertEqual(0, run.appended)

    def test_alone(self) -> None:
        """
        The same from the other sides, each in a mailbox of its own, so that
        each is an APPEND of its own.
        """
        scene = self.scene()
        for number, body in enumerate(ODD):
            account = scene.accounts[1 - number % 2]
            account.create(f"Box {number}")
            account.append(f"Box {number}", body)
        self.syncs(scene)


class ManyTests(SceneCase):
    """
    Many messages and many mailboxes.
    """

    def test_many(self) -> None:
        """
        2000 messages and 100 mailboxes, some on each side; then changes here
        and there.
        """
        scene = self.scene()
        scene.local.fill("INBOX", mails(1000, size=500))
        scene.remote.fill("INBOX", mails(500, size=500, seed=2))
        boxes = [f"Box {n % 7}/{n}" for n in range(100)]
        for number, name in enumerate(boxes):
            account = scene.accounts[number % 2]
            account.create(name)
            account.subscribe(name)
            account.fill(name, mails(5, size=500, seed=number))
        self.syncs(scene)
        for number, name in enumerate(boxes):
            account = scene.accounts[number % 3 % 2]
            account.store(name, [1, 2], "+FLAGS (\\Seen)")
            account.expunge(name, [3])
            account.append(name, b"\r\n%d\r\n" % number)
        run = self.syncs(scene, "--debug")
        self.assertEqual(100, run.appended)


class BigTests(SceneCase):
    """
    History.
    """

    def test_big(self) -> None:
        """
        A message of 30 MB is streamed, in both directions; and it is paired
        when the database is lost.
        """
        scene = self.scene()
        scene.local.append("INBOX", big(1))
        scene.remote.append("INBOX", big(2))
        measured(scene)
        self.assertEqual([], scene.differences())
        scene.database.unlink()
        measured(scene)
        self.assertEqual(2, len(scene.local.uids("INBOX")))
        self.isIdle(scene)

    def test_poor(self) -> None:
        """
        Without LITERAL+ a message waits for the server's leave, but not in
        memory.
        """
        scene = self.scene(remoteServer=poorServer())
        scene.local.append("INBOX", big(1))
        measured(scene)
        self.assertEqual([], scene.differences())

    def test_bulk(self) -> None:
        """
        Nor is memory needed for many messages.
        """
        scene = self.scene()
        scene.local.fill("INBOX", mails(1500, size=40_000))
        measured(scene)
        self.assertEqual([], scene.differences())


def measured(scene: Scene) -> None:
    """
    Run the command once, and see how much memory it needed.
    """
    command = [sys.executable, "-c", _MEASURED, *scene.command()[3:]]
    run = finished(scene.start(command))
    if run.code:
        raise AssertionError(run.tail)
    peak = int(run.output.split()[-2])
    if not 0 < peak < MEMORY:
        raise AssertionError(f"{peak} KiB")


def big(number: int) -> bytes:
    """
    A message of 30 MB.
    """
    line = b"%076d\r\n" % number
    return b"Subject: big\r\n\r\n" + line * (30_000_000 // len(line))


# A high-water mark of its own: what wait() tells is also its parent's.
_MEASURED = """\
import re, sys
from imapsync.__main__ import run
code = run(sys.argv[1:])
print(re.search("VmHWM:.*", open("/proc/self/status").read())[0])
sys.exit(code)
"""
