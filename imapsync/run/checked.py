"""
What a check (C{--check}) tells machines.
"""

from __future__ import annotations

from collections.abc import Mapping

from imapsync.display import line
from imapsync.imap.appraisal import appraise, oddities
from imapsync.model import Side
from imapsync.plan.capacity import Limit, Size
from imapsync.run.findings import Checked, counted
from imapsync.run.found import Found, Met, Peer

#: How changes are heard of, the best way first.
_LIVE = ("notify", "idle")


def document(checked: Checked) -> Mapping[str, object]:
    """
    All of it; C{doc/json.rst} promises what is in it.
    """
    ledger = checked.ledger
    owners = {side: (ledger.owners or {}).get(side) for side in Side}
    return {
        "database": ledger.path,
        "exists": ledger.exists,
        "owners": {
            str(side): owner and {"account": owner.account, "port": owner.port or None}
            for side, owner in owners.items()
        },
        "checks": {str(side): _side(checked, side) for side in Side},
        "troubles": [
            {
                "mailbox": trouble.mailbox,
                "side": str(trouble.side) if trouble.side else None,
                "uids": None,
                "code": trouble.code or None,
                "text": line(trouble.text),
            }
            for trouble in checked.troubles
        ],
    }


def _side(checked: Checked, side: Side) -> Mapping[str, object]:
    found = checked.found[side]
    size, fit = checked.room(side)
    both = found.inspected and checked.found[side.other].inspected
    return {
        **_connection(found.met, found.proxy),
        **_abilities(found),
        **_mailboxes(found),
        "coming": _size(size) if both else None,
        "fits": fit.fits if both else None,
        "step": found.step if found.error else None,
        "error": line(str(found.error)) if found.error else None,
    }


def _connection(met: Met | None, proxy: str) -> Mapping[str, object]:
    """
    What is known up to the login.
    """
    return {
        "proxy": proxy or None,
        "address": met.address or None if met else None,
        "port": met.port or None if met else None,
        "tls": _peer(met.peer) if met and met.peer else None,
        "offered": met.offered if met else [],
        "mechanism": met.method or None if met else None,
        "user": met.user or None if met else None,
    }


def _peer(peer: Peer) -> Mapping[str, object]:
    return {
        "version": peer.version,
        "cipher": peer.cipher or None,
        "subject": peer.subject,
        "issuer": peer.issuer,
        "names": peer.names,
        "since": _time(peer.since),
        "until": _time(peer.until),
        "fingerprint": peer.fingerprint,
        "keyFingerprint": peer.keyFingerprint,
    }


def _time(told: str) -> str:
    """
    A time as RFC 3339 has it, if the certificate has one.
    """
    return told.replace(" ", "T", 1).replace(" UTC", "Z")


def _abilities(found: Found) -> Mapping[str, object]:
    """
    What is known after the login.
    """
    met = found.met
    if met is None or not met.entered:
        names = "capabilities lacking helpful missing odd live method kind"
        return dict.fromkeys(names.split())
    features = met.features
    helpful = [*appraise(features)]
    return {
        "capabilities": sorted(map(line, features.told)),
        "lacking": features.lacking,
        "helpful": [one.capability for one in helpful if one.there],
        "missing": [one.capability for one in helpful if not one.there],
        "odd": [*oddities(features, found.server.encrypted, bool(met.method))],
        "live": next((x for x in _LIVE if x.upper() in features), "poll"),
        "method": None if features.lacking else met.way.lower(),
        "kind": met.kind or None,
    }


def _mailboxes(found: Found) -> Mapping[str, object]:
    """
    What is there.
    """
    inspected = found.inspected
    if inspected is None:
        names = "prefix separator namespaces counts size quotas appendLimit"
        return dict.fromkeys(names.split())
    naming, quotas = inspected.account.naming, inspected.quotas
    return {
        "prefix": naming.root,
        "separator": naming.separator or None,
        "namespaces": [*(one for one, _ in naming.further), *naming.foreign],
        "counts": counted(found, inspected),
        "size": _size(found.size),
        "quotas": None if quotas is None else [*map(_quota, quotas)],
        "appendLimit": inspected.appendLimit,
    }


def _quota(limit: Limit) -> Mapping[str, object]:
    return {**limit._asdict(), "resource": line(limit.resource)}


def _size(size: Size) -> Mapping[str, object]:
    return {"messages": size.messages, "octets": size.octets}
