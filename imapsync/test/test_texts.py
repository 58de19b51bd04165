"""
Tests of L{imapsync.test.texts}, and that doc/messages.rst is complete.
"""

from __future__ import annotations

import ast
import re

from twisted.trial.unittest import SynchronousTestCase

from imapsync.test.fakes.pages import pages
from imapsync.test.texts import OBVIOUS, found, listed, plain, said

#: Modules whose texts are told elsewhere, and where.
ELSEWHERE = {
    "accounts.repair": "the manual, Repair",
    "mailbox.repair": "the manual, Repair",
    "plan.repair": "the manual, Repair",
}

#: Texts that are no complaints, or a part of one that is told with it.
PARTS = {
    # what is done, or would be
    "copied by imapsync and stored late, when the same was there already",
    "delete on ... (... messages)",
    "make again on ..., it has unknown messages on ...",
    "move UID ... to ..., and delete on ...",
    # how a connection ended, which is told as trying again
    "closed by the server",
    "cut off",
    # in front of what is to be done instead
    "does not allow ...",
    "is read-only",
    # a portion that is refused, which is told as that
    "none is done at a time",
    # what is in front of "left alone", "nothing was done" or "were never at rest"
    "its messages ...",
    "of the database ... is ..., not ...",
    "on ...: ...; nothing was done",
    "the lists of mailboxes ...",
    "the names of mailboxes ...",
}

#: Texts that are put together in other ways than what reads the source sees through.
COMPOSED = {
    "its certificate is for ..., not for imap.example.net",
    "max-octets-per-day (...) are used up; it can go on from ... UTC",
    "its certificate, issued by ..., is not trusted: unable to get local issuer"
    " certificate",
    "not copied: ...",
    "password-command exited with status ...",
    "password-command was ended by signal ...",
    "the server does not speak TLS there; see port and type",
    "wants a login: give USER:PASSWORD@ in front of its host, in proxy",
}


class PageTests(SynchronousTestCase):
    """
    Who meets a message finds it, with what to do.
    """

    def test_complete(self) -> None:
        """
        Each text of a warning or an error is on the page; or it is known where it is
        told instead.
        """
        page = (pages() / "messages.rst").read_text("utf-8")
        known = " ".join(" ".join(re.findall(r"``(.+?)``", page)).split())
        obvious = {kind for kinds in OBVIOUS for kind in kinds}
        missing = [
            f"{one.kind} of {one.module}: {one.text}"
            for one in said()
            if one.kind not in obvious
            and one.module not in ELSEWHERE
            and one.text not in PARTS
            and one.text not in known
        ]
        self.assertFalse(missing, "\n".join(["", *missing]))

    def test_true(self) -> None:
        """
        What the page says that the program says, it does say.
        """
        page = (pages() / "messages.rst").read_text("utf-8")
        texts = [*(one.text for one in said()), *COMPOSED]
        told = {
            plain(text)
            for terms in re.findall(r"(?m)^(``.+``)\n    \S", page)
            for text in re.findall("``(.+?)``", terms)
        }
        self.assertGreater(len(told), 100)
        untrue = {one for one in told if not any(one in text for text in texts)}
        self.assertEqual(set(), untrue)
        self.assertEqual(set(), COMPOSED - told)

    def test_obvious(self) -> None:
        """
        Those that say themselves what to do are listed as they are.
        """
        written = (pages() / "messages.inc").read_text("utf-8")
        self.assertEqual(listed().split("\n"), written.rstrip().split("\n"))

    def test_needed(self) -> None:
        """
        What stands aside here is still said.
        """
        texts = {one.text for one in said()}
        self.assertEqual(set(), PARTS - texts)
        self.assertEqual(set(), set(ELSEWHERE) - {one.module for one in said()})


class FoundTests(SynchronousTestCase):
    """
    The source is read well.
    """

    def texts(self, source: str) -> list[tuple[str, str]]:
        """
        What is found in a module.
        """
        kinds = {"Lost": "Lost", "wrong": "ConfigError"}
        texts = found("plan.some", ast.parse(source), kinds)
        return [(one.kind, one.text) for one in texts]

    def test_logged(self) -> None:
        """
        What is logged as a warning or an error is a text, what is told otherwise is
        none; C{once} has it second.
        """
        source = (
            'log.warn("{a}: it is so")\nlog.info("it was so")\nlog.once(k, "it is")'
        )
        self.assertEqual([("log", "it is so"), ("log", "it is")], self.texts(source))

    def test_made(self) -> None:
        """
        So is what an error is made of, however it is made.
        """
        source = (
            'raise Lost(f"{a}: it is {b} so")\nx.wrong("b", "no so" if a else "so b")'
        )
        expected = [("Lost", "it is ... so")]
        expected += [("ConfigError", "no so"), ("ConfigError", "so b")]
        self.assertEqual(expected, self.texts(source))

    def test_worded(self) -> None:
        """
        So is what a trouble will say.
        """
        source = (
            'text = f"it {a} so"\nP(trouble="no such {x}", name="a b")\n_WHY = "a so"'
        )
        expected = [("words", text) for text in ("it ... so", "a so", "no such ...")]
        self.assertEqual(sorted(expected), sorted(self.texts(source)))

    def test_plain(self) -> None:
        """
        The place in front is left out, and gaps in a row are one.
        """
        self.assertEqual("no ... here", plain("...: ...; no ......  here"))
