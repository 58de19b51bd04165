"""
Tests for L{imapsync.plan.unchanged}.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imapsync.config.request import Admin, Depth, Request
from imapsync.config.server import OPTIONS
from imapsync.config.settings import GRAMMAR, Config
from imapsync.model import Glimpse, Listed, Side, Status
from imapsync.plan.unchanged import (
    Told,
    fingerprint,
    glimpsed,
    isComparable,
    isNews,
    isTelling,
)

SERVER: Mapping[str, Any] = {
    "type": "imap",
    "starttls": False,
    "host": "there.example",
    "username": "me",
    "password": "secret",
}

#: Another value of each option; C{None} if it is to have no influence.
CHANGES: Mapping[str, Any] = {
    "database": "/other.db",
    "list-mailbox": "INBOX",
    "list-select-opts": "",
    "ignore-mailbox": "x" * 300 + "b",
    "map-special-use": True,
    "logfile": "/log",
    "flag-conflict": "merge",
    "connections": 2,
}
SERVER_CHANGES: Mapping[str, Any] = {
    "host": "here.example",
    "port": 144,
    "auth": "LOGIN",
    "username": "you",
    "password": None,
    "authorize-as": "you",
    "compress": False,
    "read-only": True,
    "allow": "append create",
    "expunge": False,
    "list-reference": "mine/",
    "trash": "Trash",
    "max-octets-per-day": 1000000,
    "max-commands-in-flight": 4,
    "full-look": "2h",
    "flag-window": 7,
}

NUMBERS = st.integers(0, 3)
BOXES = st.builds(
    Listed,
    st.text("a/&\udc80", max_size=2),
    st.sampled_from(["", "/"]),
    st.frozensets(st.sampled_from(["\\subscribed", "\\noselect", "\\sent"])),
    st.none() | st.builds(Status, NUMBERS, NUMBERS, NUMBERS, NUMBERS),
)
GLIMPSES = st.builds(
    Glimpse,
    st.text("a \n\\\udc80", max_size=2),
    st.none() | st.lists(st.sampled_from(["a", "$b"]), max_size=2).map(tuple),
    st.sampled_from(["0f", "f0"]),
)
TOLD = st.builds(
    Told,
    st.frozensets(st.sampled_from(["MOVE", "IDLE"])),
    st.sampled_from([(), (("", "/"),), (("", "."),)]),
    st.lists(BOXES, max_size=3, unique_by=lambda box: box.name),
    st.lists(GLIMPSES, max_size=2, unique_by=lambda one: one.name),
)


def configuration(changes: Mapping[str, Any] | None = None, **remote: Any) -> Config:
    """
    One of which comparable servers are known, with changes.
    """
    options = {"database": "/a.db", "ignore-mailbox": "x" * 300 + "a"}
    local = {**SERVER, "host": "localhost"}
    sections = {"local": local, "remote": {**SERVER, **remote}}
    return Config.of({**options, **(changes or {})}, **sections)


def told(*boxes: Listed) -> Mapping[Side, Told]:
    """
    What two servers told.
    """
    one = Told(frozenset(["MOVE"]), (("", "/"),), boxes)
    return dict.fromkeys(Side, one)


def unordered(one: Told) -> Told:
    """
    The same, but for any order.
    """
    return one._replace(listed={*one.listed}, glimpses={*one.glimpses})


class FingerprintTests(SynchronousTestCase):
    """
    Tests for L{fingerprint}.
    """

    def print(self, config: Config | None = None, version: str = "1.0") -> bytes:
        """
        That of two servers without mailboxes.
        """
        return fingerprint(config or configuration(), version, told())

    @given(st.tuples(TOLD, TOLD), st.tuples(TOLD, TOLD))
    def test_told(self, some: tuple[Told, Told], others: tuple[Told, Told]) -> None:
        """
        It is the same exactly if both servers tell the same.
        """
        config = configuration()
        one, other = (
            fingerprint(config, "1.0", dict(zip(Side, both, strict=True)))
            for both in (some, others)
        )
        equal = [*map(unordered, some)] == [*map(unordered, others)]
        self.assertEqual(equal, one == other)

    @given(st.tuples(TOLD, TOLD), TOLD)
    def test_news(self, both: tuple[Told, Told], other: Told) -> None:
        """
        Of one server it can be told that it tells something else, or that nobody can
        know.
        """
        seen = fingerprint(configuration(), "1.0", dict(zip(Side, both, strict=True)))
        for side, one in zip(Side, both, strict=True):
            self.assertFalse(isNews(seen, side, one))
            self.assertTrue(isNews(seen[:-1], side, one))
            self.assertTrue(isNews(b"", side, one))
            listed = unordered(one)._replace(glimpses=unordered(other).glimpses)
            same = listed == unordered(other) and {*other.glimpses} <= {*one.glimpses}
            self.assertEqual(not same, isNews(seen, side, other))

    @given(st.tuples(TOLD, TOLD))
    def test_glimpsed(self, both: tuple[Told, Told]) -> None:
        """
        What a server showed can be read from it.
        """
        seen = fingerprint(configuration(), "1.0", dict(zip(Side, both, strict=True)))
        for side, one in zip(Side, both, strict=True):
            self.assertEqual({*one.glimpses}, {*glimpsed(seen, side)})
            self.assertEqual([], glimpsed(seen[:-1], side))

    @given(TOLD, st.randoms(use_true_random=False))
    def test_order(self, one: Told, random: Any) -> None:
        """
        The order in which a server lists does not matter.
        """
        listed = [*one.listed]
        random.shuffle(listed)
        config = configuration()
        before, after = (
            fingerprint(config, "1.0", dict.fromkeys(Side, each))
            for each in (one, one._replace(listed=listed))
        )
        self.assertEqual(before, after)

    @given(BOXES, st.integers(0, 3), st.integers(4, 2**63))
    def test_number(self, box: Listed, item: int, number: int) -> None:
        """
        It is another one if a single number is.
        """
        numbers = [*(box.status or Status())]
        numbers[item] = number
        other = box._replace(status=Status(*numbers))
        config = configuration()
        one, two = (fingerprint(config, "1.0", told(each)) for each in (box, other))
        self.assertNotEqual(one, two)

    def test_guesses(self) -> None:
        """
        Attributes that come and go by themselves do not matter.
        """
        config = configuration()
        box = Listed("a", "/", frozenset(["\\subscribed"]), Status(1, 2, 3, 4))
        before = fingerprint(config, "1.0", told(box))
        for guess in "\\marked", "\\unmarked":
            other = box._replace(attributes=box.attributes | {guess})
            self.assertEqual(before, fingerprint(config, "1.0", told(other)))

    def test_version(self) -> None:
        """
        It is that of one version.
        """
        self.assertEqual(self.print(), self.print())
        self.assertNotEqual(self.print(), self.print(version="1.1"))

    def test_configuration(self) -> None:
        """
        And of one configuration; every option matters, but for passwords, which must
        not be found out from it.
        """
        self.assertEqual(GRAMMAR.sections[""], (*CHANGES,))
        for option, value in CHANGES.items():
            with self.subTest(option):
                config = configuration({option: value})
                self.assertNotEqual(self.print(), self.print(config))
        untold = {*OPTIONS} - SERVER_CHANGES.keys()
        others = {one for one in untold if one.startswith(("SSL_", "oauth2"))}
        elsewhere = {"type", "proxy", "command", "null-stderr", "STARTTLS"}
        self.assertEqual(
            elsewhere | {"password-command", "password-file"}, untold - others
        )
        for option, value in SERVER_CHANGES.items():
            with self.subTest(option):
                config = configuration(
                    {}, **{option: "other" if value is None else value}
                )
                same = self.print() == self.print(config)
                self.assertEqual(value is None, same)


class ComparableTests(SynchronousTestCase):
    """
    Tests for L{isComparable}.
    """

    def test_request(self) -> None:
        """
        Only a whole sync will do, however long it may take.
        """
        config = configuration()
        for request in (
            Request(),
            Request(patience=3.0, watch=5.0, allowMassDelete=True, json=True),
        ):
            self.assertTrue(isComparable(config, request))
        for request in (
            *(Request(("INBOX",)), Request(dryRun=True), Request(live=True)),
            *(Request(repair=True), Request(status=True)),
            *(Request(verify=Depth.HEADER), Request(admin=Admin(("a",)))),
        ):
            self.assertFalse(isComparable(config, request), request)

    def test_configuration(self) -> None:
        """
        Nothing must be told, asked, counted or proved besides.
        """
        for options in "", "subscribed", None:
            config = configuration({"list-select-opts": options})
            self.assertTrue(isComparable(config, Request()))
        for options in "SPECIAL-USE", "SUBSCRIBED RECURSIVEMATCH":
            config = configuration({"list-select-opts": options})
            self.assertFalse(isComparable(config, Request()), options)
        config = configuration({"map-special-use": True})
        self.assertFalse(isComparable(config, Request()))
        several: tuple[dict[str, Any], ...] = (
            {"type": "imaps", "starttls": None},
            {"starttls": True},
            {"type": "tunnel", "command": "true", "starttls": None},
            {"password": None, "password-command": "true"},
            {"password": None, "username": None},
            {"password": None, "password-file": __file__},
            {"password": None, "oauth2": "google", "oauth2-client-id": "x"},
            {"auth": "SCRAM-SHA-256 PLAIN"},
            {"max-octets-per-day": "1G"},
            {"proxy": "socks5://127.0.0.1"},
            {"null-stderr": True},  # of which it is warned
        )
        for remote in several:
            config = configuration({}, **remote)
            self.assertFalse(isComparable(config, Request()), remote)


class TellingTests(SynchronousTestCase):
    """
    Tests for L{isTelling}.
    """

    def test_alike(self) -> None:
        """
        Two mailboxes that are alike could have changed places, unless they are empty;
        which matters if the server tells them apart by other means.
        """
        some, others = Status(1, 2, 3, 4), Status(0, 1, 3, 1)
        for capability in ("OBJECTID", "MOVE"):
            for status, further in ((some, some), (others, others), (some, others)):
                boxes = [
                    Listed(name, "/", frozenset(), one)
                    for name, one in (("a", status), ("b", further), ("c", None))
                ]
                told = Told(frozenset([capability]), (), boxes)
                alike = status is further is some and capability == "OBJECTID"
                self.assertEqual(not alike, isTelling(told))
