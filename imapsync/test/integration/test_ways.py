"""
Real servers that can do less, each beside each: a little of it each time, and all with
C{script/test --ways}.

Any other test can be run so: C{IMAPSYNC_WAYS} names what the servers are without.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count, product

from imapsync.test.integration import proofs, test_flags

#: What a server may be without: the ways to follow it, and one without UIDPLUS.
WAYS = ("QRESYNC", "CONDSTORE", "COMPARING", "BARE")

#: What else there is: servers that others are like, and some that lack other things.
MORE = (
    ("GMAIL", "EXCHANGE"),
    ("QRESYNC/UIDPLUS", "CONDSTORE/UIDPLUS/MOVE"),
)


def _cases() -> Iterator[type[proofs.PairCase]]:
    """
    A class of tests for each pair.
    """
    for place, ways in enumerate((*product(WAYS, WAYS), *MORE)):
        ends = [proofs.KillCase, proofs.CutCase]
        if not proofs.ALL:
            ends = [ends[(place + place // len(WAYS)) % 2]]
        yield _case("", ways, (proofs.ModelCase, *ends))
    for ways in zip(WAYS, reversed(WAYS), strict=True):
        yield _case("Cyrus", ways, (proofs.CyrusCase,))
    yield _case("Courier", ("COMPARING", "BARE"), (proofs.CourierCase,))


_numbers = count(1)


def _case(
    name: str, ways: Sequence[str], bases: tuple[type[proofs.PairCase], ...]
) -> type[proofs.PairCase]:
    words = [name, *(way.partition("/")[0].title() for way in ways), "Tests"]
    facts = {"ways": ways, "number": next(_numbers), "__module__": __name__}
    facts["__doc__"] = f"One server is {ways[0]}, the other {ways[1]}."
    return type("".join(words), bases, facts)


globals().update((case.__name__, case) for case in _cases())


class FlagsTests(test_flags.FlagsTests):
    """
    Flags change.
    """

    ways = ("CONDSTORE", "BARE")


class ExpungeTests(test_flags.ExpungeTests):
    """
    Messages go.
    """

    ways = ("BARE", "COMPARING")
