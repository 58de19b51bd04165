"""
What a check (C{--check}) tells people: lines of two columns, and verdicts.

It only puts into words what L{imapsync.run.checking} has found.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import chain, repeat
from typing import NamedTuple

from imapsync.accounts.inspection import Inspected
from imapsync.accounts.ownership import shownAccount
from imapsync.config.server import ServerConfig
from imapsync.display import line, quantity, shown
from imapsync.errors import ImapSyncError
from imapsync.imap.appraisal import WAYS, appraise, oddities
from imapsync.imap.features import REQUIRED
from imapsync.imap.hosts import HOSTS
from imapsync.model import Act, Name, Owner, Side, Trouble
from imapsync.plan.capacity import Fit, Limit, Size, coming, fit
from imapsync.run.found import Found, Met, Peer

#: How wide the first column is.
_WIDTH = 14

#: So many names are told.
_NAMES = 10


class Ledger(NamedTuple):
    """
    The database that a run would go on with.

    @ivar exists: whether there is one.
    @ivar owners: whose it is, as far as that is known; C{None} if it cannot be read.
    """

    path: str
    exists: bool
    owners: Mapping[Side, Owner] | None


class Checked(NamedTuple):
    """
    All that was found.

    @ivar path: of the configuration.
    @ivar watch: how often a server that does not push would be asked, in seconds.
    @ivar troubles: the mailboxes that could not be synced.
    @ivar error: why it was not found out what a run would work on.
    """

    path: str
    ledger: Ledger
    watch: float
    found: Mapping[Side, Found]
    troubles: tuple[Trouble, ...] = ()
    error: ImapSyncError | None = None

    @property
    def failure(self) -> ImapSyncError | None:
        """
        Why a run would come to nothing, if it would.
        """
        errors = [self.found[side].error for side in Side]
        return next(filter(None, errors), self.error)

    def room(self, side: Side) -> tuple[Size, Fit]:
        """
        How much there is to come to a side, and whether it fits.
        """
        here, there = self.found[side], self.found[side.other]
        if (
            not (here.inspected and there.inspected)
            or Act.APPEND not in here.server.allowed
        ):
            return Size(0, 0), Fit(None)
        size = coming(_sizes(there), _sizes(here))
        return size, fit(size, here.inspected.quotas)


class Finding(NamedTuple):
    """
    A line.

    @ivar step: what it is about; empty if that is the same as in the line before.
    @ivar wrong: whether it is something that the user must know.
    @ivar error: what a run would end with, if it is that.
    """

    step: str
    text: str
    wrong: bool = False
    error: ImapSyncError | None = None

    def __str__(self) -> str:
        mark = "!" if self.wrong else " "
        return line(f"{mark} {self.step:<{_WIDTH}}{self.text}")


def isWrong(checked: Checked) -> bool:
    """
    Whether there is anything that the user must know.
    """
    return any(one.wrong for _, some in _groups(checked) for one in some)


def told(checked: Checked, verbose: bool) -> Iterator[str]:
    """
    All of it, as one text; or, unless C{verbose}, what is wrong, a text for each, but
    for what is told anyway as the reason why a run would come to nothing.
    """
    groups = [(head, [*some]) for head, some in _groups(checked)]
    if verbose:
        lines = [checked.path]
        for head, some in groups:
            lines += [head, *map(str, some)] if head else map(str, some)
        yield "\n".join(lines)
        return
    for head, some in groups:
        for one in some:
            if one.wrong and (one.error is None or one.error is not checked.failure):
                yield line(f"{head or one.step}: {one.text}")


def _groups(checked: Checked) -> Iterator[tuple[str, Iterator[Finding]]]:
    """
    What was found, and what that is about.
    """
    yield "", iter([_ledger(checked.ledger)])
    for side in Side:
        yield checked.found[side].server.where, about(checked, side)
    if checked.troubles or checked.error:
        yield "both sides", _both(checked)


def _ledger(ledger: Ledger) -> Finding:
    if not ledger.exists:
        return Finding("database", f"{ledger.path}, which the first run makes")
    if ledger.owners is None:
        return Finding("database", f"{ledger.path}, which cannot be read", True)
    known = [(side, ledger.owners[side]) for side in Side if side in ledger.owners]
    owners = " and ".join(f"{side} {shownAccount(o.account)}" for side, o in known)
    whose = f" (of {owners})" if owners else ""
    return Finding("database", f"{ledger.path}{whose}")


def about(checked: Checked, side: Side) -> Iterator[Finding]:
    """
    What was found on one side.
    """
    found = checked.found[side]
    if found.met is not None:
        yield from _connection(found, found.met)
        if found.met.entered:
            yield from _capabilities(found.server, found.met)
    if found.inspected is not None:
        yield from _mailboxes(found, found.inspected)
        yield from _room(checked, side, found.inspected)
    if found.error is not None:
        text = str(found.error).removeprefix(f"{found.server.where}: ")
        yield Finding(found.step, text, True, found.error)
    elif found.met is not None:
        yield Finding("changes", f"{found.met.way}: {WAYS[found.met.way]}")
        yield Finding("live", _live(found.met, checked.watch))


def _both(checked: Checked) -> Iterator[Finding]:
    for step, trouble in zip(_steps("mailboxes"), checked.troubles, strict=False):
        yield Finding(step, f"{shown(trouble.mailbox)}: {trouble}", True)
    if checked.error is not None:
        yield Finding("mailboxes", str(checked.error), True, checked.error)


def _steps(step: str) -> Iterator[str]:
    """
    It is told once what lines are about.
    """
    return chain((step,), repeat(""))


def _connection(found: Found, met: Met) -> Iterator[Finding]:
    """
    From the address to the login.
    """
    server = found.server
    if found.proxy:
        yield Finding("proxy", f"{found.proxy} at {met.address}, port {met.port}")
    elif met.address:
        called = "" if server.host == met.address else f"{server.host} is "
        yield Finding("address", f"{called}{met.address}, port {met.port}")
    elif server.command and met.greeted:
        yield Finding("command", "it runs")
    if met.peer is not None:
        yield from _peer(server, met.peer)
    elif not (server.command or server.encrypted):
        yield Finding("TLS", "none: the line is not encrypted")
    if met.greeted:
        yield Finding("greeting", met.greeting or "(no text)")
    if met.offered:
        yield Finding("mechanisms", " ".join(met.offered))
    if met.entered:
        yield Finding("login", _login(server, met))
        if met.name:
            yield Finding("server", f"{met.name} {met.version}".rstrip())


def _login(server: ServerConfig, met: Met) -> str:
    if not met.method:
        return "the server let us in without one (PREAUTH)"
    by = f"by {met.method}"
    if server.authorizeAs is not None:
        return f"{server.username} {by}, for {server.authorizeAs}"
    return f"{met.user} {by}" if met.user else by


def _peer(server: ServerConfig, peer: Peer) -> Iterator[Finding]:
    cipher = f", {peer.cipher}" if peer.cipher else ""
    tls = server.tls
    checked = "" if tls.verifyPeer else "; not checked (SSL_verify_trusted_peer = NO)"
    if tls.fingerprints and not tls.verifyPeer:
        checked = "; only SSL_fingerprint counts"
    yield Finding("TLS", f"{peer.version}{cipher}")
    yield Finding("certificate", f"of {peer.subject or 'nobody'}{checked}")
    yield Finding("", f"issued by {peer.issuer or 'nobody'}")
    yield Finding("", f"for {_some(peer.names) or 'no host at all'}")
    yield Finding("", f"from {peer.since} until {peer.until}")
    yield Finding("fingerprint", peer.fingerprint)
    yield Finding("of its key", peer.keyFingerprint)


def _capabilities(server: ServerConfig, met: Met) -> Iterator[Finding]:
    notice = next((one.notice for one in HOSTS if one.name == met.kind), "")
    if notice or met.kind not in met.name:
        yield Finding("kind", f"{met.kind}: {notice}" if notice else met.kind)
    lacking = met.features.lacking
    if lacking:
        needed = f"{', '.join(lacking)}; one of {', '.join(REQUIRED)} is needed"
        yield Finding("required", f"lacks {needed}")
    else:
        yield Finding("required", "all is there")
    helpful = [*appraise(met.features)]
    for there, step in (True, "helpful"), (False, "missing"):
        some = [one for one in helpful if one.there is there]
        for name, one in zip(_steps(step), some, strict=False):
            yield Finding(name, f"{one.capability}: {one.meaning}")
    odd = oddities(met.features, server.encrypted, bool(met.method))
    for name, text in zip(_steps("odd"), odd, strict=False):
        yield Finding(name, text)


def _mailboxes(found: Found, inspected: Inspected) -> Iterator[Finding]:
    account = inspected.account
    naming = account.naming
    prefix = f'below "{shown(naming.root)}"' if naming.root else "without a prefix"
    levels = f'levels by "{naming.separator}"' if naming.separator else "no levels"
    yield Finding("names", f"{prefix}, {levels}")
    others = [*(one for one, _ in naming.further), *naming.foreign]
    if others:
        quoted = [f'"{shown(one)}"' for one in others]
        yield Finding("", f"besides: {_some(quoted)}")
    counts = counted(found, inspected)
    there = [name for name in found.selected if account.has(name)]
    yield Finding(
        "mailboxes",
        f"{counts['selected']} of {counts['mailboxes']} selected,"
        f" {counts['subscribed']} subscribed; {counts['unselectable']} mere names",
    )
    for step, names in zip(_steps("alike"), _alike(there), strict=False):
        told = " and ".join(f'"{shown(name)}"' for name in names)
        yield Finding(step, f"{told}: some servers take these for one")
    yield Finding("messages", f"{amount(found.size)} in those selected")
    if inspected.appendLimit is not None:
        yield Finding("", f"of up to {inspected.appendLimit} octets (APPENDLIMIT)")


def _alike(names: Iterable[Name]) -> Iterator[list[Name]]:
    """
    Those that differ only in case.
    """
    folded: dict[str, list[Name]] = {}
    for name in sorted(names):
        folded.setdefault(name.casefold(), []).append(name)
    yield from (some for some in folded.values() if len(some) > 1)


def counted(found: Found, inspected: Inspected) -> Mapping[str, int]:
    """
    How many mailboxes there are, of which kind.
    """
    boxes = inspected.account.listed.values()
    there = [name for name in found.selected if inspected.account.has(name)]
    return {
        "mailboxes": sum(box.selectable for box in boxes),
        "selected": len(there),
        "subscribed": sum(box.selectable and box.subscribed for box in boxes),
        "unselectable": sum(not box.selectable for box in boxes),
    }


def _room(checked: Checked, side: Side, inspected: Inspected) -> Iterator[Finding]:
    quotas = inspected.quotas
    if quotas is None:
        yield Finding("quota", "the server does not tell (QUOTA)")
    elif not quotas:
        yield Finding("quota", "there is none")
    for step, one in zip(_steps("quota"), (quotas or ())[:_NAMES], strict=False):
        yield Finding(step, f"{_quantity(one, one.used)} of {_quantity(one, one.most)}")
    if len(quotas or ()) > _NAMES:
        yield Finding("", f"and {len(quotas or ()) - _NAMES} more")
    if checked.found[side.other].inspected is None or checked.error:
        return
    server = checked.found[side].server
    if Act.APPEND not in server.allowed:
        why = "read-only" if server.readOnly else "no append in allow"
        yield Finding("room", f"nothing is to be copied here ({why})")
        return
    size, verdict = checked.room(side)
    yield Finding("room", _verdict(size, verdict, quotas), verdict.fits is False)


def _verdict(size: Size, verdict: Fit, quotas: Collection[Limit] | None) -> str:
    """
    Whether what is to come fits.
    """
    if not size.messages:
        return "nothing is to be copied here, as far as counts tell"
    come = f"about {amount(size)} {'is' if size.messages == 1 else 'are'} to come"
    if verdict.limit is not None:
        free = f"{_quantity(verdict.limit, verdict.limit.free)} are free"
        if verdict.fits is False:
            return f"{come}, but only {free}: make room, or select fewer mailboxes"
        return f"{come}; {free}"
    if quotas is None:
        return f"{come}; whether they fit is unknown"
    return f"{come}; there is no limit"


def _live(met: Met, watch: float) -> str:
    if "NOTIFY" in met.features:
        return "NOTIFY: changes in all mailboxes are told at once"
    asked = f"asked every {watch:g} s (--watch)"
    if "IDLE" in met.features:
        return f"IDLE: one mailbox is listened to, for the others it is {asked}"
    return f"neither NOTIFY nor IDLE: it is {asked}"


def amount(size: Size) -> str:
    """
    A size for people.
    """
    messages = f"{size.messages} {'message' if size.messages == 1 else 'messages'}"
    if size.octets is None:
        return f"{messages} (octets are not told: STATUS=SIZE)"
    return f"{messages} ({quantity(size.octets)})"


def _quantity(limit: Limit, number: int) -> str:
    if limit.resource == "STORAGE":
        return quantity(number)
    return f"{number} {line(limit.resource)}"


def _some(names: Collection[str]) -> str:
    """
    Names, but not too many.
    """
    more = len(names) - _NAMES
    text = ", ".join(list(names)[:_NAMES])
    return f"{text} and {more} more" if more > 0 else text


def _sizes(found: Found) -> Mapping[Name, Size]:
    """
    How large the mailboxes are that a run would work on.
    """
    inspected = found.inspected
    if inspected is None:
        return {}
    there = (name for name in found.selected if inspected.account.has(name))
    return {name: inspected.size(name) for name in there}
