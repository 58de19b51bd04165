"""
What a run tells machines (C{--json}): one JSON document for each account, in a line of
its own.  C{doc/json.rst} promises what is in it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, timezone
from tempfile import SpooledTemporaryFile
from time import time

from imapsync import __version__
from imapsync.config.settings import Config
from imapsync.display import line
from imapsync.imap.client import SyncClient
from imapsync.mailbox.report import DEEDS, Report
from imapsync.model import Side
from imapsync.run.connections import Job
from imapsync.run.lifecycle import Outcome

#: Of what is documented.  More fields do not make it another one.
SCHEMA = 1

#: So many octets of lines are kept in memory.
_KEPT = 1 << 20


def text(value: object) -> Iterator[str]:
    """
    A value as JSON, in pieces.  All of it is ASCII, whatever servers have said.

    @param value: what JSON can say; an iterator becomes an array that is never held
        whole.
    """
    if isinstance(value, Mapping):
        for number, (key, item) in enumerate(value.items()):
            yield ("," if number else "{") + json.dumps(key) + ":"
            yield from text(item)
        yield "}" if value else "{}"
    elif isinstance(value, (Iterator, list, tuple)):
        yield "["
        for number, item in enumerate(value):
            if number:
                yield ","
            yield from text(item)
        yield "]"
    elif isinstance(value, str):
        # Surrogates are no characters; what they stand for cannot be read anyway.
        yield json.dumps(value.encode(errors="backslashreplace").decode())
    else:
        yield json.dumps(value)


def moment(seconds: float) -> str:
    """
    A time in seconds since 1970, as RFC 3339 has it.
    """
    then = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=seconds)
    return then.isoformat(timespec="seconds").replace("+00:00", "Z")


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
    kind = "verify" if request.verify else "repair" if request.repair else "sync"
    ended = time()
    return text(
        {
            **head(kind, job.config, account),
            "began": moment(ended - seconds),
            "ended": moment(ended),
            "seconds": round(seconds, 3),
            "exit": outcome.code,
            "error": line(outcome.text) or None,
            **work,
        }
    )


def head(kind: str, config: Config, account: str) -> dict[str, object]:
    """
    What every document begins with.

    @param kind: what was asked for.
    @param account: the account's name, if there are several.
    """
    return {
        "schema": SCHEMA,
        "kind": kind,
        "imapsync": __version__,
        "account": account or None,
        "config": config.path,
    }


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


class Lines:
    """
    Lines of text that may be many, until they are written.
    """

    def __init__(self) -> None:
        self._file = SpooledTemporaryFile(  # noqa: SIM115 (see close)
            _KEPT, "w+", encoding="ascii"
        )

    def add(self, told: str) -> None:
        """
        Keep one.
        """
        self._file.write(json.dumps(line(told)) + "\n")

    def __iter__(self) -> Iterator[str]:
        self._file.seek(0)
        return map(json.loads, self._file)

    def close(self) -> None:
        """
        Forget them.
        """
        self._file.close()
