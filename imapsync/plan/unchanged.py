"""
Whether a run would find all as the last one left it: then there is nothing to do.

A run that ends clean leaves a L{fingerprint}: what both servers told it when it looked
last, after which it did nothing.  Of mailboxes whose STATUS does not tell all, that is
what they were seen to hold, if it was what is known.  Where the servers tell the same
when the next run looks for the first time, that would do nothing either, and can be
left out.  A server that tells otherwise, another configuration or another version has
the next run done in the ordinary way.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from imapsync.config.mechanisms import USUAL
from imapsync.config.request import Request
from imapsync.config.settings import Config
from imapsync.model import Glimpse, Listed, Side

#: A server's guesses at whether there are new messages, which STATUS tells exactly.
_GUESSES = frozenset(("\\marked", "\\unmarked"))


#: How hard to compress: a few octets a mailbox are as good as fewer.
_SWIFT = 1

#: Stands where keywords do, each behind a comma, if none were searched for.
_FETCHED = "*"


class Told(NamedTuple):
    """
    All that one server told when it was looked at the mailboxes, and no more was
    asked than LIST, and LSUB and the STATUS of each where that does not tell it, and,
    on each connection once, NAMESPACE.

    @ivar capabilities: after the login, in upper case.
    @ivar namespaces: the answer to NAMESPACE; empty if that was not asked.
    @ivar listed: in any order.
    @ivar glimpses: of the mailboxes of which STATUS does not tell all.
    """

    capabilities: frozenset[str]
    namespaces: tuple[object, ...]
    listed: Collection[Listed]
    glimpses: Collection[Glimpse] = ()


def isComparable(config: Config, request: Request) -> bool:
    """
    Whether nothing but what servers tell decides what a run of this kind does and
    says: all mailboxes are synced once; there are no warnings about the configuration,
    which each run gives; LIST tells what is selected; octets need not be counted.  And
    whether servers can be asked without TLS, proxies or programs that are started, and
    in a way that is the same each time, so that it is quick.
    """
    # How long it may take, and how much be removed, matters only if there is work.
    plain = Request(
        allowMassDelete=request.allowMassDelete,
        patience=request.patience,
        watch=request.watch,
        json=request.json,
    )
    return (
        request == plain
        and not (config.warnings or config.presumed or config.mapSpecialUse)
        and config.listSelectOpts in ((), ("SUBSCRIBED",))
        and all(
            server.type == "imap"
            and not server.starttls
            and None not in (server.username, server.password)
            and {*server.mechanisms} <= {*USUAL}
            and server.octetsPerDay is None
            and server.proxy is None
            for server in config.servers.values()
        )
    )


def isTelling(told: Told) -> bool:
    """
    Whether no two mailboxes could have changed places without LIST showing it.  Where
    two could, each run asks which is which, if the server can tell.
    """
    if "OBJECTID" not in told.capabilities:
        return True
    alike = [box.status for box in told.listed if box.status and box.status.messages]
    return len({*alike}) == len(alike)


def fingerprint(config: Config, version: str, told: Mapping[Side, Told]) -> bytes:
    """
    All that decides what there is to do, compressed: it is the same if, and only if,
    all of that is.  Passwords are not in it.

    @param version: that of imapsync.
    """
    # Not a digest: C{hashlib} brings OpenSSL, which takes longer than all this.
    import zlib  # here, because most runs need none

    pattern = config.ignoreMailbox
    # A long pattern is cut off where the configuration is shown; a password is not
    # there at all.
    ignored = pattern and (pattern.pattern, pattern.flags)
    lines = [ascii((version, repr(config), ignored))]
    for side in Side:
        lines += _lines(side, told[side])
    return zlib.compress("\n".join(lines).encode("ascii"), _SWIFT)


def isNews(seen: bytes, side: Side, told: Told) -> bool:
    """
    Whether what this server tells is enough to know that all cannot be the same.

    @param seen: a L{fingerprint}.
    """
    return not {*_lines(side, told)}.issubset(_linesOf(seen))


def glimpsed(seen: bytes, side: Side) -> list[Glimpse]:
    """
    What one server showed.
    """
    words = (line.split(" ", 3) for line in _linesOf(seen))
    return [
        Glimpse(
            name.encode("ascii").decode("unicode_escape"),
            None if keywords == _FETCHED else tuple(keywords.split(",")[1:]),
            digest,
        )
        for which, digest, keywords, name in (w for w in words if len(w) == 4)
        if which == side.value
    ]


def _linesOf(seen: bytes) -> list[str]:
    import zlib

    try:
        return zlib.decompress(seen).decode("ascii").split("\n")
    except (zlib.error, UnicodeDecodeError):
        return []


def _lines(side: Side, told: Told) -> list[str]:
    """
    What one server told.
    """
    boxes = sorted(
        ascii((name, separator, sorted(attributes - _GUESSES), status and (*status,)))
        for name, separator, attributes, status in told.listed
    )
    listed = ascii((side.value, sorted(told.capabilities), told.namespaces, boxes))
    return [listed, *sorted(_glimpse(side, one) for one in told.glimpses)]


def _glimpse(side: Side, glimpse: Glimpse) -> str:
    name, keywords, digest = glimpse
    words = _FETCHED if keywords is None else ",".join(("", *keywords))
    escaped = name.encode("unicode_escape").decode("ascii")
    return f"{side.value} {digest} {words} {escaped}"
