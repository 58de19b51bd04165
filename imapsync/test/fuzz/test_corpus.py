"""
Tests of what is fuzzed: the inputs that were kept, and some near to them.
"""

from __future__ import annotations

from hypothesis import given, settings
from twisted.trial.unittest import SynchronousTestCase

from imapsync.test.fuzz.corpus import kept
from imapsync.test.fuzz.inputs import inputs
from imapsync.test.fuzz.targets import TARGETS

#: So many inputs are tried beside those that were kept; of what takes long, fewer.
_TRIED = {"run": 10, "database": 30}


class CorpusTests(SynchronousTestCase):
    """
    Each target stands all inputs.
    """

    def assertStands(self, target: str) -> None:
        """
        Try them.
        """
        seeds = kept(target)
        self.assertTrue(seeds)
        for one in seeds:
            TARGETS[target](one)
        near = given(inputs(seeds))(TARGETS[target])
        settings(max_examples=_TRIED.get(target, 100))(near)()

    def test_all(self) -> None:
        """
        No target has no test here.
        """
        tested = {name.partition("_")[2] for name in dir(self) if "test_" in name}
        self.assertEqual({*TARGETS, "all"}, tested)

    def test_parser(self) -> None:
        """
        L{TARGETS<imapsync.test.fuzz.targets.parser>}.
        """
        self.assertStands("parser")

    def test_client(self) -> None:
        """
        L{TARGETS<imapsync.test.fuzz.targets.client>}.
        """
        self.assertStands("client")

    def test_names(self) -> None:
        """
        L{TARGETS<imapsync.test.fuzz.targets.names>}.
        """
        self.assertStands("names")

    def test_uids(self) -> None:
        """
        L{TARGETS<imapsync.test.fuzz.targets.uids>}.
        """
        self.assertStands("uids")

    def test_config(self) -> None:
        """
        L{TARGETS<imapsync.test.fuzz.targets.config>}.
        """
        self.assertStands("config")

    def test_arguments(self) -> None:
        """
        L{TARGETS<imapsync.test.fuzz.targets.arguments>}.
        """
        self.assertStands("arguments")

    def test_published(self) -> None:
        """
        L{TARGETS<imapsync.test.fuzz.targets.published>}.
        """
        self.assertStands("published")

    def test_shown(self) -> None:
        """
        L{TARGETS<imapsync.test.fuzz.targets.shown>}.
        """
        self.assertStands("shown")

    def test_compressed(self) -> None:
        """
        L{TARGETS<imapsync.test.fuzz.targets.compressed>}.
        """
        self.assertStands("compressed")

    def test_digest(self) -> None:
        """
        L{TARGETS<imapsync.test.fuzz.targets.digest>}.
        """
        self.assertStands("digest")

    def test_database(self) -> None:
        """
        L{TARGETS<imapsync.test.fuzz.targets.database>}.
        """
        self.assertStands("database")

    def test_run(self) -> None:
        """
        L{TARGETS<imapsync.test.fuzz.targets.run>}.
        """
        self.assertStands("run")
