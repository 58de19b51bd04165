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
from imapsync.web.labels import Labels


def accounts(
    all_: Sequence[Facts], total: Counters, labels: Labels, now: float
) -> Iterator[str]:
    """
    The document of all accounts, in pieces.

    @param total: what was done, also for those that are no longer there.
    @param now: in seconds since 1970.
    """
    healths = Counter(one.health for one in all_)
    return document.text(
        {
            **_head("accounts", None, None, now),
            "totals": {
                "accounts": len(all_),
                "health": {str(health): healths[health] for health in Health},
                "mailboxes": sum(one.mailboxes for one in all_),
                "messages": sum(one.messages for one in all_),
                "refused": sum(one.refusals for one in all_),
                "today": _summed(one.today for one in all_)._asdict(),
                "counters": total._asdict(),
            },
            "accounts": (_facts(one, labels, now) for one in all_),
        }
    )


def account(detail: Detail, labels: Labels, now: float) -> Iterator[str]:
    """
    The document of one account, likewise.
    """
    facts = detail.facts
    path = None if labels.hidden else facts.path
    return document.text(
        {
            **_head("account", labels.account(facts.name), path, now),
            "status": _facts(facts, labels, now),
            "mailboxes": (
                _mailbox(one, facts.name, labels, now) for one in detail.mailboxes
            ),
            "hour": [one._asdict() for one in detail.hour],
            "day": [one._asdict() for one in detail.day],
            "log": [] if labels.hidden else [_line(one) for one in detail.log],
        }
    )


def _head(
    kind: str, account: str | None, config: str | None, now: float
) -> Mapping[str, object]:
    return {
        "schema": document.SCHEMA,
        "kind": kind,
        "imapsync": __version__,
        "account": account or None,
        "config": config,
        "time": document.timestamp(now),
    }


def _facts(facts: Facts, labels: Labels, now: float) -> Mapping[str, object]:
    name = facts.name
    return {
        "account": labels.account(name) or None,
        "title": labels.title(facts.title) or None,
        "config": None if labels.hidden else facts.path,
        "state": facts.state,
        "health": str(facts.health),
        "since": document.timestamp(facts.since),
        "synced": _moment(facts.synced),
        "failing": _moment(facts.failing),
        "error": labels.text(facts.error) or None,
        "errorAt": _moment(facts.errorAt),
        "until": _moment(facts.until),
        "lag": round(facts.lag(now), 3),
        "mailboxes": facts.mailboxes,
        "messages": facts.messages,
        "refused": facts.refusals,
        "today": facts.today._asdict(),
        "counters": facts.counters._asdict(),
        "progress": course(facts.progress, lambda box: labels.mailbox(name, box)),
    }


def _mailbox(
    one: MailboxFacts, account: str, labels: Labels, now: float
) -> Mapping[str, object]:
    return {
        "name": labels.mailbox(account, one.name),
        "messages": one.messages,
        "lag": round(one.lag(now), 3),
        "trouble": labels.text(one.trouble) or None,
        "refused": sum(len(refusal.uids) or 1 for refusal in one.refusals),
        "troubles": [_refusal(refusal, labels) for refusal in one.refusals],
    }


def _refusal(one: Refusal, labels: Labels) -> Mapping[str, object]:
    """
    What a look at the database tells, too.
    """
    return {
        "side": str(one.side) if one.side else None,
        "uids": str(one.uids) or None,
        "code": one.code or None,
        "text": labels.text(line(one.reason)),
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
