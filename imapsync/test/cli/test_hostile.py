"""
Whatever servers and users write, neither a log nor a terminal takes harm from it.
"""

from __future__ import annotations

import contextlib
import io
import unicodedata

from imapsync.cli import terminal
from imapsync.config.request import Request
from imapsync.test.test_service import ServiceCase
from imapsync.testing.accounts import mail

#: It would colour what follows, ring, go back to the line's begin, begin another,
#: write from right to left, and so on.
EVIL = "\x1b[31mred\x07\rimapsync: fine\x9b2J\u202eltr\u200b\u2066" + "\u0335" * 40
#: The same, of what servers can send in one line.
SAID = EVIL.replace("\r", "\x0b").encode().decode("latin-1")
#: The same, as far as it may be in the name of a mailbox.
NAME = "Evil\u202eltr\u200b\u2066" + "\u0335" * 40


class HostileTests(ServiceCase):
    """
    Runs between servers that say what does harm.
    """

    def setUp(self) -> None:
        """
        Collect the lines of dry runs, too.
        """
        super().setUp()
        self.said: list[str] = []

    def harmless(self, *words: str, code: int, request: Request | None = None) -> str:
        """
        A run ends with this code, and says these words without doing harm.

        @return: all that it said.
        """
        outcome = self.serve(request, say=self.said.append)
        output, errors = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
            terminal.complain(outcome.text)
            for text in self.said:
                terminal.say(text)
        told = [*output.getvalue().split("\n"), *errors.getvalue().split("\n")]
        lines = [*self.logged, *told]
        self.assertEqual(code, outcome.code, lines)
        for one in lines:
            self.assertTrue(one.isprintable(), ascii(one))
            self.assertLess(one.count("\u0335"), 5 * (1 + one.count("Evil")))
            self.assertLess(len(one), 2100)
        text = "\n".join(lines)
        for word in words:
            self.assertIn(word, text)
        return text

    def test_alert(self) -> None:
        """
        An alert, which is told once, however many connections bring it.
        """

        def cut() -> None:
            self.remote.downLeft = 1

        self.world.fill(mail(1))
        for account in self.local, self.remote:
            account.salutation = f"ready\r\n* OK [ALERT] {SAID}"
        self.remote.before["SELECT"] = cut
        text = self.harmless(r"\u001b[31mred\u0007 imapsync: fine", code=0)
        self.assertGreater(len(self.world.links), 2)
        self.assertEqual(2, text.count("imapsync: fine"), text)

    def test_many(self) -> None:
        """
        Not all alerts of all times are kept.
        """
        alerts = "".join(f"\r\n* OK [ALERT] number {n}." for n in range(250))
        self.local.salutation = f"ready{alerts}{alerts}"
        text = self.harmless(code=0)
        self.assertEqual(2, text.count("number 7."))

    def test_bye(self) -> None:
        """
        A farewell.
        """
        self.local.greeting, self.local.salutation = "BYE", SAID
        self.harmless(r"\u001b[31mred", code=75)

    def test_long(self) -> None:
        """
        Words without end.
        """
        self.local.salutation = f"ready\r\n* OK [ALERT] {'long' * 5000}"
        self.harmless("longlong", code=0)

    def test_refusals(self) -> None:
        """
        What a server refuses, and the name of the mailbox.
        """
        self.local.make(NAME).add(mail(1))
        self.remote.answers["CREATE"] = f"NO {SAID}"
        self.harmless(
            r"Evil\u202eltr\u200b\u2066",
            r"remote: CREATE was refused: NO \u001b[31mred",
            code=1,
        )

    def test_login(self) -> None:
        """
        Why a login is refused.
        """
        self.local.greeting = "OK"
        self.local.answers["AUTHENTICATE"] = f"NO [AUTHENTICATIONFAILED] {SAID}"
        self.harmless(r"\u001b[31mred", code=77)

    def test_dryRun(self) -> None:
        """
        Lines of a dry run.
        """
        self.local.make(NAME).add(mail(1))
        self.harmless(
            r"Evil\u202eltr\u200b\u2066", code=0, request=Request(dryRun=True)
        )
        self.assertTrue(self.said)

    def test_keywords(self) -> None:
        """
        A keyword in UTF-8 is told as it was written.
        """
        word = "B\xfcro".encode().decode("latin-1")
        bad = "\u202e".encode().decode("latin-1")
        self.local.inbox.add(mail(1), frozenset({word, bad}))
        self.remote.forgets = frozenset({word, bad})
        text = self.harmless(code=self.serve().code)
        self.assertNotIn(word, text)

    def test_alike(self) -> None:
        """
        Names that look alike can be told apart.
        """
        names = [
            "B\xfcro",
            unicodedata.normalize("NFD", "B\xfcro"),
            "Buro ",
            "Buro",
            "Bur\u043e",
            "Bu\u200bro",
        ]
        for name in names:
            self.local.make(name).add(mail(name.encode()))
        self.harmless(code=0)
        told = {one.strip() for one in self.logged if "1 copied" in one}
        self.assertEqual(len(names), len(told), told)

    def test_shownOnce(self) -> None:
        """
        What has to be done again and again is told once.
        """
        self.local.make("Work")
        self.remote.deaf.add("SUBSCRIBE")
        text = self.harmless("the server does not show it", code=1)
        self.assertEqual(1, text.count("subscribed on remote"), text)
