"""
Tests for L{imapsync.oauth.store}, and for the places that there are:
L{imapsync.oauth.tokenfile} and L{imapsync.oauth.ring}.
"""

from __future__ import annotations

from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from imapsync.errors import StateUnavailable
from imapsync.oauth.place import keep, storeOf
from imapsync.oauth.ring import Ring
from imapsync.oauth.store import Store, parsed, written
from imapsync.oauth.tokenfile import TokenFile
from imapsync.oauth.tokens import Tokens
from imapsync.test.fakes.rings import Ring as MemoryRing
from imapsync.test.fakes.sites import CONFIG

T = TypeVar("T")

TOKENS = Tokens("access", 1234.5, "refresh", "us")


class StoreCase(SynchronousTestCase):
    """
    Has a folder for tokens.
    """

    def setUp(self) -> None:
        """
        Name a file in a folder that is not there yet.
        """
        self.path = Path(self.mktemp()).absolute() / "me@host.oauth2"
        self.config = CONFIG._replace(tokenFile=str(self.path))

    def done(self, acting: Coroutine[Any, Any, T]) -> T:
        """
        What comes of it at once.
        """
        return self.successResultOf(Deferred.fromCoroutine(acting))

    def fails(self, acting: Coroutine[Any, Any, object]) -> str:
        """
        How it fails at once.
        """
        failing = Deferred.fromCoroutine(acting)
        return str(self.failureResultOf(failing, StateUnavailable).value)

    def keeps(self, store: Store) -> None:
        """
        Assert that tokens are kept there.
        """
        self.assertIsNone(self.done(store.read()))
        for tokens in TOKENS, Tokens("other"):
            self.done(store.write(tokens))
            self.assertEqual(tokens, self.done(store.read()))


class TextTests(SynchronousTestCase):
    """
    Tests for tokens as text.
    """

    def test_equal(self) -> None:
        """
        They are read as they were written.
        """
        for tokens in TOKENS, Tokens("a"), Tokens("a", 5.0, "", 'b "\n'):
            self.assertEqual(tokens, parsed(written(tokens)))

    def test_odd(self) -> None:
        """
        Whatever else is there is none.
        """
        text = written(TOKENS)
        for odd in (
            *("", "x", "[]", "{}", "[" * 99_999, b"\xff", text[:-3]),
            text.replace('"version": 1', '"version": 2'),
            text.replace("1234.5", '"soon"'),
            text.replace('"access": "access"', '"access": 7'),
        ):
            self.assertNotEqual(text, odd)
            self.assertIsNone(parsed(odd))


class FileTests(StoreCase):
    """
    Tests for L{TokenFile}.
    """

    def test_keeps(self) -> None:
        """
        Tokens are kept, for nobody else to read.
        """
        store = TokenFile(str(self.path))
        self.keeps(store)
        self.assertEqual(str(self.path), store.where)
        self.assertEqual(0o600, self.path.stat().st_mode & 0o777)
        self.assertEqual(0o700, self.path.parent.stat().st_mode & 0o777)
        self.assertEqual([self.path], [*self.path.parent.iterdir()])

    def test_replaced(self) -> None:
        """
        Others put there before are not written to: there may be a link, or somebody
        may be reading.
        """
        store = TokenFile(str(self.path))
        self.path.parent.mkdir()
        elsewhere = self.path.parent / "elsewhere"
        elsewhere.write_text("mine")
        self.path.with_name(f"{self.path.name}.new").symlink_to(elsewhere)
        self.path.write_text("old")
        with self.path.open() as reading:
            self.done(store.write(TOKENS))
            self.assertEqual("old", reading.read())
        self.assertEqual("mine", elsewhere.read_text())
        self.assertEqual(TOKENS, self.done(store.read()))

    def test_impossible(self) -> None:
        """
        Where nothing can be written or read, that is said, and what was there stays.
        """
        self.path.parent.write_text("no folder")
        store = TokenFile(str(self.path))
        for acting, done in (
            (store.write(TOKENS), "written: File exists"),
            (store.read(), "read: Not a directory"),
        ):
            self.assertEqual(
                f"{self.path}: the tokens in it cannot be {done}", self.fails(acting)
            )


class RingTests(StoreCase):
    """
    Tests for L{Ring}.
    """

    def setUp(self) -> None:
        """
        Have a keyring.
        """
        super().setUp()
        self.keyring = MemoryRing()
        self.ring = Ring(self.keyring, self.config)

    def test_keeps(self) -> None:
        """
        Tokens are kept by the name of the account.
        """
        self.keeps(self.ring)
        self.assertEqual([("imapsync", "me@host")], [*self.keyring.kept])

    def test_locked(self) -> None:
        """
        A keyring that refuses is told of.
        """
        self.keyring.broken = StateUnavailable("locked")
        for acting in self.ring.read(), self.ring.write(TOKENS):
            self.assertEqual("locked", self.fails(acting))


class PlaceTests(StoreCase):
    """
    Tests for L{imapsync.oauth.place}.
    """

    def place(self, **changes: Any) -> Store:
        """
        Where tokens are kept.
        """
        config = self.config._replace(**changes)
        return self.done(storeOf(Clock(), config, self.keyring))

    def setUp(self) -> None:
        """
        Have a keyring.
        """
        super().setUp()
        self.keyring = MemoryRing()

    def test_said(self) -> None:
        """
        The configuration may say where, whatever there is.
        """
        self.keyring.usable = False
        self.assertIsInstance(self.place(store="keyring"), Ring)
        self.keyring.usable = True
        self.assertIsInstance(self.place(store="file"), TokenFile)

    def test_usual(self) -> None:
        """
        If it does not, that is in the keyring if there is one; but what is in a file
        stays there.
        """
        self.assertIsInstance(self.place(), Ring)
        self.keyring.usable = False
        self.assertIsInstance(self.place(), TokenFile)
        self.keyring.usable = True
        self.done(TokenFile(str(self.path)).write(TOKENS))
        self.assertIsInstance(self.place(), TokenFile)

    def test_keep(self) -> None:
        """
        What was granted is kept there, one at a time.
        """
        clock = Clock()
        config = self.config._replace(store="file")
        self.assertEqual(str(self.path), self.done(keep(clock, config, TOKENS)))
        self.assertEqual(TOKENS, parsed(self.path.read_text()))
        self.assertEqual(
            {"me@host.oauth2", "me@host.oauth2.lock"},
            {path.name for path in self.path.parent.iterdir()},
        )
