"""
The manual leaves nothing out: each option, and each exit code.
"""

from __future__ import annotations

import re

from twisted.trial.unittest import SynchronousTestCase

from imapsync import errors
from imapsync.cli.grammar import HELP
from imapsync.config.settings import GRAMMAR
from imapsync.test.fakes.pages import pages


def terms(page: str) -> set[str]:
    """
    What is explained there by itself: literals at the beginning of a definition.
    """
    text = (pages() / page).read_text("utf-8")
    lines = re.findall(r"^ *(``.+)\n +\S", text, re.MULTILINE)
    return {term for line in lines for term in re.findall("``(.+?)``", line)}


class ReferenceTests(SynchronousTestCase):
    """
    What can be typed, written and returned is explained.
    """

    def test_commandLine(self) -> None:
        """
        Each option that the help knows.
        """
        told = {re.split("[ =]", term)[0] for term in terms("options.rst")}
        known = set(re.findall(r"(?m)^ .*?(--[a-z-]+)", HELP))
        self.assertGreater(len(known), 20)
        self.assertEqual(set(), known - told)

    def test_configuration(self) -> None:
        """
        Each option of a configuration.
        """
        told = {term.lower().replace("_", "-") for term in terms("configuration.rst")}
        known = {name for names in GRAMMAR.sections.values() for name in names}
        self.assertGreater(len(known), 40)
        self.assertEqual(set(), {n.lower().replace("_", "-") for n in known} - told)

    def test_exitCodes(self) -> None:
        """
        Each exit code, in the manual and with what leads to it.
        """
        manual = (pages() / "manual.rst").read_text("utf-8")
        [status] = re.findall(r"(?s)\nExit status\n-+\n(.*?)\n---", manual)
        told = set(re.findall(r"(?m)^(\d+)\n    \S", status))
        codes = {getattr(one, "code", 0) for one in vars(errors).values()}
        self.assertEqual({str(code) for code in codes}, told)
        messages = (pages() / "messages.rst").read_text("utf-8")
        found = set(re.findall(r"[Ee]xit code (?:is )?(\d+)", messages))
        self.assertEqual(set(), told - found - {"0"})
