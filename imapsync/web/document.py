"""
What machines are told of accounts at work: C{/status.json}.  C{doc/json.rst} promises
what is in it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from imapsync import __version__, document
from imapsync.display import line
from imapsync.model import Refusal
from imapsync.run.document import course
from imapsync.run.status import Counters
from imapsync.watch.facts import Amount, Detail, Facts, Health, Line, MailboxFacts


def accounts(all_: Sequence[Facts], total: Counters, now: float) -> Iterator[str]:
    """
    The document of all accounts, in pieces.

    @param total: what was done, also for those that are no longer there.
    @param now: in seconds since 1970.
    """
    healths = Counter(one.health for one in all_)
    return document.text(
        {
            **_head("overview", "", "", now),
            "totals": {
                "accounts": len(all_),
                "health": {str(health): healths[health] for health in Health},
                "mailboxes": sum(one.mailboxes for one in all_),
                "messages": sum(one.messages for one in all_),
                "refused": sum(one.refusals for one in all_),
                "today": _summed(one.today for one in all_)._asdict(),
                "counters": total._asdict(),
            },
            "each": (_facts(one, now) for one in all_),
        }
    )


def account(detail: Detail, now: float) -> Iterator[str]:
    """
    The document of one account, likewise.
    """
    facts = detail.facts
    return document.text(
        {
            **_head("account", facts.name, facts.path, now),
            "status": _facts(facts, now),
            "mailboxes": (_mailbox(one, now) for one in detail.mailboxes),
            "hour": [one._asdict() for one in detail.hour],
            "day": [one._asdict() for one in detail.day],
            "log": [_line(one) for one in detail.log],
        }
    )


def _head(kind: str, account: str, config: str, now: float) -> Mapping[str, object]:
    return {
        "schema": document.SCHEMA,
        "kind": kind,
        "imapsync": __version__,
        "account": account or None,
        "config": config or None,
        "time": document.timestamp(now),
    }


def _facts(facts: Facts, now: float) -> Mapping[str, object]:
    return {
        "account": facts.name or None,
        "title": facts.title or None,
        "config": facts.path or None,
        "state": facts.state,
        "health": str(facts.health),
        "since": document.timestamp(facts.since),
        "synced": _moment(facts.synced),
        "failing": _moment(facts.failing),
        "error": facts.error or None,
        "errorAt": _moment(facts.errorAt),
        "until": _moment(facts.until),
        "lag": round(facts.lag(now), 3),
        "mailboxes": facts.mailboxes,
        "messages": facts.messages,
        "refused": facts.refusals,
        "today": facts.today._asdict(),
        "counters": facts.counters._asdict(),
        "progress": course(facts.progress),
    }


def _mailbox(one: MailboxFacts, now: float) -> Mapping[str, object]:
    return {
        "name": one.name,
        "messages": one.messages,
        "lag": round(one.lag(now), 3),
        "trouble": one.trouble or None,
        "refused": sum(len(refusal.uids) or 1 for refusal in one.refusals),
        "troubles": [_refusal(refusal) for refusal in one.refusals],
    }


def _refusal(one: Refusal) -> Mapping[str, object]:
    """
    What a look at the database tells, too.
    """
    return {
        "side": str(one.side) if one.side else None,
        "uids": str(one.uids) or None,
        "code": one.code or None,
        "text": line(one.reason),
        "since": _moment(one.since or None),
        "tries": one.tries or None,
        "due": _moment(one.due or None),
    }


def _line(one: Line) -> Mapping[str, object]:
    return {"time": document.timestamp(one.time), "level": one.level, "text": one.text}


def _summed(amounts: Iterable[Amount]) -> Amount:
    messages = octets = 0
    for one in amounts:
        messages += one.messages
        octets += one.octets
    return Amount(messages, octets)


def _moment(seconds: float | None) -> str | None:
    return None if seconds is None else document.timestamp(seconds)
