"""
What machines are told of a run.
"""

from __future__ import annotations

from collections.abc import Mapping
from time import time
from typing import TYPE_CHECKING

import imapsync
from imapsync import document
from imapsync.config.settings import Config
from imapsync.display import line
from imapsync.imap.client import SyncClient
from imapsync.mailbox.report import Report
from imapsync.mailbox.summary import DEEDS
from imapsync.model import Side
from imapsync.run.job import Job
from imapsync.run.lifecycle import Outcome
from imapsync.run.progress import Pace, Progress
from imapsync.run.status import SyncState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imapsync.plan.repair import Anomaly


def written(
    job: Job,
    account: str,
    outcome: Outcome,
    seconds: float,
    work: Mapping[str, object],
) -> Iterator[str]:
    """
    The document of a run.

    @param account: its name, if there are several.
    @param seconds: how long it took.
    @param work: what is to be said of what was done.
    """
    request = job.request
    kinds = {
        "check": request.check,
        "verify": request.verify,
        "repair": request.repair,
        "import": request.interimap,
    }
    kind = next((name for name, asked in kinds.items() if asked), "sync")
    ended = time()
    period = ended - seconds, ended
    error = outcome.text
    head = document.head(kind, job.config.path, account, period, outcome.code, error)
    return document.text({**head, **work})


def servers(
    config: Config, clients: Mapping[Side, SyncClient]
) -> Mapping[str, Mapping[str, object]]:
    """
    Which servers these are.

    @param clients: those that were reached.
    """
    return {
        str(side): {
            "type": server.type,
            "host": None if server.command else server.host,
            "port": None if server.command else server.port,
            **_said(clients.get(side)),
        }
        for side, server in config.servers.items()
    }


def _said(client: SyncClient | None) -> Mapping[str, object]:
    """
    What a server said of itself.
    """
    identity = client.identity if client else {}
    return {
        "greeting": line(client.greeting) if client else None,
        "name": line(identity.get("name", "")) or None,
        "version": line(identity.get("version", "")) or None,
        "method": client.way.lower() if client and client.state == "auth" else None,
    }


def account(report: Report) -> Mapping[str, object]:
    """
    What was done, and what could not be.
    """
    done = {deed.replace(" ", "-"): report.done(deed) for deed in DEEDS}
    counted = {name for counts in done.values() for name, _ in counts}
    names = sorted(counted.union(+report.paired, report.steps))
    return {
        "mailboxes": [
            {
                "name": name,
                "steps": [line(step) for step in report.steps.get(name, ())],
                **{
                    deed: {str(side): counts[name, side] for side in Side}
                    for deed, counts in done.items()
                },
                "paired": report.paired[name],
            }
            for name in names
        ],
        "totals": {
            **{deed: counts.total() for deed, counts in done.items()},
            "paired": report.paired.total(),
        },
        "troubles": [
            {
                "mailbox": trouble.mailbox,
                "side": str(trouble.side) if trouble.side else None,
                "uids": str(trouble.uids) or None,
                "code": trouble.code or None,
                "text": line(trouble.text),
            }
            for trouble in report.troubles
        ],
    }


def anomaly(one: Anomaly) -> Mapping[str, object]:
    """
    What a repair found.
    """
    return {
        "kind": one.kind.word,
        "mailbox": one.mailbox or None,
        "side": str(one.side) if one.side else None,
        "local": one.local or None,
        "remote": one.remote or None,
        "times": one.times,
        "text": line(one.text),
    }


def progressed(
    account: str,
    config: str,
    seconds: float,
    state: SyncState,
    progress: Progress,
    pace: Pace,
) -> Iterator[str]:
    """
    How far a run has come.

    @param account: its name, if there are several.
    @param config: the path of the configuration.
    @param seconds: for how long it has been watched.
    """
    return document.text(
        {
            "schema": document.SCHEMA,
            "kind": "progress",
            "imapsync": imapsync.__version__,
            "account": account or None,
            "config": config,
            "time": document.timestamp(time()),
            "seconds": round(seconds, 3),
            "state": str(state),
            "progress": {
                **course(progress),
                "rate": {
                    "messages": round(pace.messages, 3),
                    "octets": round(pace.octets, 3),
                },
                "secondsLeft": None if pace.left is None else round(pace.left),
            },
        }
    )


def course(progress: Progress) -> Mapping[str, object]:
    """
    How far a run has come, whatever time it takes.
    """
    return {
        "now": [{"name": name, "doing": doing} for name, doing in progress.mailboxes],
        "mailboxes": {"done": progress.over, "left": progress.ahead},
        **{str(side): progress.flow(side)._asdict() for side in Side},
        "certain": not progress.vague,
        "reading": progress.reading,
    }
