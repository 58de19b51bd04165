"""
What the user sees of a command: standard output, and complaints on standard
error.  Either may be full, closed, or of an encoding that lacks a character.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from itertools import chain

from imapsync.display import cells, line
from imapsync.errors import StateError


def tolerate() -> None:
    """
    From now on write what cannot be encoded as an escape, not as an error.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def attended() -> bool:
    """
    Whether there is a terminal: then somebody may close it, and means us as well.
    """
    streams = (sys.stdin, sys.stderr)
    return any(stream is not None and stream.isatty() for stream in streams)


def isScreen() -> bool:
    """
    Whether what is said is shown on a terminal.
    """
    return sys.stdout is not None and sys.stdout.isatty()


def say(text: str) -> None:
    """
    Write lines to standard output.

    @raise StateError: if it takes none.
    """
    _write(f"{line(one)}\n" for one in text.split("\n"))


def prompt(text: str) -> None:
    """
    Write to standard output what is to be answered in the same line.

    @raise StateError: if it takes none.
    """
    _write((line(text), " "))


def emit(document: Iterable[str]) -> None:
    """
    Write a line that machines read to standard output.

    @param document: pieces of it, fit to be written as they are.
    @raise StateError: if it takes none.
    """
    _write(chain(document, "\n"))


def _write(pieces: Iterable[str]) -> None:
    try:
        if sys.stdout is None:
            raise OSError("it is closed")
        sys.stdout.writelines(pieces)
        sys.stdout.flush()
    except OSError as error:
        reason = error.strerror or error
        raise StateError(
            f"standard output cannot be written: {reason}; direct it elsewhere"
        ) from error


def show(rows: Sequence[str]) -> bool:
    """
    Write a table to standard error, if that is a terminal with room for it.

    @return: whether it is written.
    """
    if not rows or sys.stderr is None or not sys.stderr.isatty():
        return False
    safe = [line(row) for row in rows]
    with suppress(OSError, ValueError):
        if max(map(cells, safe)) > os.get_terminal_size(sys.stderr.fileno()).columns:
            return False
        print(*safe, sep="\n", file=sys.stderr)
        return True
    return False


def complain(text: str) -> None:
    """
    Write the one line that says why the command ends; to nowhere else than
    standard error, even if that is closed.
    """
    # Given None, print would take standard output.
    if sys.stderr is not None:
        with suppress(OSError):
            print(f"imapsync: {line(text)}", file=sys.stderr)


def explain(bug: Exception) -> None:
    """
    Write to standard error where C{bug} came from.
    """
    from traceback import format_exception  # here, because nobody hopes to need it

    if sys.stderr is not None:
        lines = "".join(format_exception(bug)).splitlines()
        with suppress(OSError):
            print(*map(line, lines), sep="\n", file=sys.stderr)


def release() -> None:
    """
    Give up what could not be written: the interpreter would try once more at
    its end, and then change the exit code.
    """
    for stream in (sys.stdout, sys.stderr):
        if stream is None:
            continue
        try:
            stream.flush()
        except OSError:
            with open(os.devnull, "wb") as nowhere:
                os.dup2(nowhere.fileno(), stream.fileno())
