"""
What machines are told (C{--json}): one JSON document for each account, in a line of its
own.  C{doc/json.rst} promises what is in it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, timezone
from tempfile import SpooledTemporaryFile
from typing import Any

from imapsync import __version__
from imapsync.display import line

#: Of what is documented.  More fields do not make it another one.
SCHEMA = 1

#: So many octets of values are kept in memory.
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


def timestamp(seconds: float) -> str:
    """
    A time in seconds since 1970, as RFC 3339 has it.
    """
    then = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=seconds)
    return then.isoformat(timespec="seconds").replace("+00:00", "Z")


def head(
    kind: str,
    config: str,
    account: str,
    period: tuple[float, float],
    code: int,
    error: str,
) -> Mapping[str, object]:
    """
    What every document begins with.

    @param kind: what was asked for.
    @param config: the path of the configuration.
    @param account: the account's name, if there are several.
    @param period: when it began, and when it ended, in seconds since 1970.
    @param code: the exit code.
    @param error: why the work was given up; empty if it was not.
    """
    began, ended = period
    return {
        "schema": SCHEMA,
        "kind": kind,
        "imapsync": __version__,
        "account": account or None,
        "config": config,
        "began": timestamp(began),
        "ended": timestamp(ended),
        "seconds": round(ended - began, 3),
        "exit": code,
        "error": line(error) or None,
    }


class Kept:
    """
    Values that may be many, until they are written.
    """

    def __init__(self) -> None:
        self._file = SpooledTemporaryFile(  # noqa: SIM115 (see close)
            _KEPT, "w+", encoding="ascii"
        )

    def add(self, value: Any) -> None:
        """
        Keep one: what JSON can say.
        """
        self._file.write(json.dumps(value) + "\n")

    def __iter__(self) -> Iterator[Any]:
        self._file.seek(0)
        return map(json.loads, self._file)

    def close(self) -> None:
        """
        Forget them.
        """
        self._file.close()
