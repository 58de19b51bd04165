"""
Runs that are interrupted, and what they are interrupted in.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass

from twisted.internet import reactor

from imapsync.errors import Lost
from imapsync.model import Side
from imapsync.test.integration.inprocess import syncHere
from imapsync.test.integration.relay import Relay, Way
from imapsync.test.integration.twins import Twins

#: The seed of what happens to the accounts.  It leaves nothing out.
_EVENTFUL = 6

#: A command, with its tag.
_COMMAND = re.compile(rb"(?:^|(?<=\n))(\w+) ((?:UID )?[A-Z]+)\b[^\n]*\n")


@dataclass(frozen=True)
class Place:
    """
    Where a run ends: when so many octets have gone that way on that side.
    """

    side: Side
    way: Way
    octets: int


Traffic = Mapping[Side, Mapping[Way, bytearray]]


async def disturbed(merge: bool, ways: Sequence[str], seed: int = _EVENTFUL) -> Twins:
    """
    Accounts that were synced once; much has changed on both sides since.
    """
    twins = Twins(seed, merge, ways=ways)
    for side in Side:
        twins.change(side, 25)
    await twins.sync(reactor)
    twins.compare()
    for side in Side:
        twins.change(side, 40)
    return twins


@asynccontextmanager
async def relayed(twins: Twins) -> AsyncIterator[dict[Side, Relay]]:
    """
    The way to C{twins} that syncs take meanwhile.
    """
    relays = {side: Relay(reactor, server) for side, server in twins.servers.items()}
    twins.reach({side: relay.port for side, relay in relays.items()})
    try:
        yield relays
    finally:
        twins.reach({})
        for relay in relays.values():
            await relay.close()


async def measured(original: Twins, feats: Sequence[str]) -> Traffic:
    """
    What goes over the connections if nothing comes between.
    """
    with closing(original.copied()) as twins:
        async with relayed(twins) as relays:
            run = await twins.sync(reactor)
            for feat in feats:
                twins.expect(feat in run.errors, f"not {feat}:\n{run.errors}")
            return {side: relay.passed for side, relay in relays.items()}


def inMessages(traffic: Traffic) -> list[Place]:
    """
    The middle of the longest one, on each side and either way.
    """
    places = []
    for side, ways in traffic.items():
        for way, passed in ways.items():
            literals = re.finditer(rb"\{(\d+)\+?\}\r\n", passed)
            size, start = max((int(found[1]), found.end()) for found in literals)
            places.append(Place(side, way, start + size // 2))
    return places


def phases(traffic: Traffic) -> list[Place]:
    """
    Behind the first command of each kind, and before the last answer to one, on each
    side.
    """
    return [place for side in Side for place in _phases(side, traffic[side])]


def _phases(side: Side, ways: Mapping[Way, bytearray]) -> Iterator[Place]:
    sent, told = ways[Way.TO_SERVER], ways[Way.FROM_SERVER]
    last: dict[bytes, bytes] = {}
    for found in _COMMAND.finditer(sent):
        if found[2] not in last:
            yield Place(side, Way.TO_SERVER, found.end())
        last[found[2]] = found[1]
    for tag in last.values():
        if answer := re.search(rb"(?:^|\n)%s (?:OK|NO)" % tag, told):
            yield Place(side, Way.FROM_SERVER, answer.start() + 1)


async def cut(twins: Twins, relay: Relay, place: Place) -> None:
    """
    Have a run go on when its connections there are cut.
    """
    relay.at(place.way, place.octets, relay.cut)
    await twins.sync(reactor)
    twins.compare()


async def gone(twins: Twins, relay: Relay, place: Place) -> None:
    """
    Have a run end there, for that server is not to be reached any more.
    """
    relay.at(place.way, place.octets, relay.shut)
    run = await syncHere(twins.scene, reactor)
    twins.expect(run.code in (0, Lost.code), run.errors)
