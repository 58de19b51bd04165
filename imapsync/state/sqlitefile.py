"""
The database file: made or refused, locked, copied; its errors in the words
of the user.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress

from imapsync.errors import NoDatabase, StateDamaged, StateError, StateUnavailable

#: For so many seconds may another program have the file locked; all that goes on
#: in this process waits as well.
PATIENCE = 2.0

#: So many statements are kept prepared: more would be faster by nothing that can be
#: measured, and a third of a megabyte of a pair of accounts that is at rest.
_STATEMENTS = 16

#: What makes an SQLite file one of ours.
APPLICATION_ID = int.from_bytes(b"Imap", "big")

#: What does not stand for itself in the name of a file that is a URI
#: (https://www.sqlite.org/uri.html, 3.1).
_QUOTED = str.maketrans({"%": "%25", "?": "%3f", "#": "%23"})

#: What SQLite says where its tables are not those that we have made.
_NOT_OURS = (
    *("no such column", "no such table", "has no column"),
    *("already exists", "duplicate column", "cannot modify"),
)


@contextmanager
def opened(path: str, *, readOnly: bool = False) -> Iterator[sqlite3.Connection]:
    """
    Open the database file C{path}, which is no link; make it and the folders
    above if there is none.

    @param readOnly: open a private copy instead, and change nothing.
    """
    if readOnly:
        with closing(sqlite3.connect("", isolation_level=None)) as copy:
            if os.path.lexists(path) and _check(path):
                with reading(path) as original:
                    original.backup(copy)
            yield copy
    else:
        with _locked(path), closing(_connected(path)) as database:
            yield database


@contextmanager
def reading(path: str) -> Iterator[sqlite3.Connection]:
    """
    Look into the database file C{path}, which another instance may have opened.

    @raise StateError: if there is none.
    """
    if not (os.path.lexists(path) and _check(path)):
        raise NoDatabase(f"There is no database {path}.")
    # SQLite makes a journal even to read, unless the file is immutable.
    # One is there while an instance runs, or after it was killed.
    mode = "mode=ro" if os.path.exists(f"{path}-wal") else "immutable=1"
    address = f"file://{path.translate(_QUOTED)}?{mode}"
    with explained(path), closing(sqlite3.connect(address, uri=True)) as database:
        yield database


def copied(path: str, database: sqlite3.Connection, copy: str) -> None:
    """
    Copy the database in the file C{path} to the new file C{copy}: wholly, or not
    at all.
    """
    part = f"{copy}.part"
    try:
        os.close(os.open(part, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600))
        with explained(path), closing(sqlite3.connect(part)) as target:
            database.backup(target)
        os.replace(part, copy)
    except OSError as error:
        raise StateError(
            f"The database {path} cannot be copied to {copy}: {error.strerror}. It is"
            " to be brought to a new version; make room for a copy before that."
        ) from error
    finally:
        with suppress(OSError):
            os.unlink(part)


@contextmanager
def explained(path: str) -> Iterator[None]:
    """
    Turn SQLite's errors into ours.

    @raise ValueError: where a change contradicts what the database holds.
    """
    try:
        yield
    except sqlite3.IntegrityError as error:
        raise ValueError(f"contradicts the database {path}: {error}") from error
    except UnicodeDecodeError as error:  # SQLite's own words have damaged ones in them
        raise damaged(path, "what should be text is none") from error
    except sqlite3.OperationalError as error:
        if str(error).startswith("Could not decode"):
            raise damaged(path, "what should be text is none") from error
        if any(words in str(error) for words in _NOT_OURS):
            raise damaged(path, error) from error
        if "locked" in str(error):
            raise StateUnavailable(
                f"The database {path} is locked by another program; have that let go"
                " of it"
            ) from error
        raise StateError(
            f"The database {path} failed: {error}. Make sure that its folder can be"
            " written and has room, and start imapsync again: nothing is lost."
        ) from error
    except sqlite3.DatabaseError as error:
        raise damaged(path, error) from error


#: What to do where only rows of a database mean nothing.
MENDING = "Mend it by --repair, or delete it"


def damaged(path: str, reason: object, advice: str = "Delete it") -> StateDamaged:
    """
    The error of a file that is ours but cannot be relied upon.
    """
    return StateDamaged(
        f"The database {path} is damaged: {reason}. {advice}: messages are then paired"
        " by content again."
    )


@contextmanager
def _locked(path: str) -> Iterator[None]:
    """
    Keep other instances away from the database C{path}.

    The lock is on a file of its own, which goes at the end: one on the
    database would be lost when somebody deletes that, and would get in the
    way of SQLite's own where the system makes both of one kind, as on NFS.
    """
    lock = f"{path}.lock"
    try:
        _makeFolder(os.path.dirname(path))
        descriptor = _claimed(lock)
    except BlockingIOError:
        raise StateUnavailable(
            f"The database {path} is in use by another imapsync. Stop that one, or"
            " give each its own with the option 'database'."
        ) from None
    except OSError as error:
        raise _inaccessible(path, error) from error
    try:
        yield
    finally:
        # What stays, on a disk that failed, is in nobody's way.
        with suppress(OSError):
            if _isAt(lock, descriptor):
                os.unlink(lock)
        _close(descriptor)


def _claimed(lock: str) -> int:
    """
    A descriptor of the file C{lock}, locked.  The kernel frees it if the
    process dies.
    """
    while True:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _isAt(lock, descriptor):
                return descriptor
        except OSError:
            _close(descriptor)
            raise
        # Its holder took the name away, and ended, before we had the lock.
        _close(descriptor)


def _close(descriptor: int) -> None:
    """
    Let go of a lock.  It is let go of even where the disk fails just then.
    """
    with suppress(OSError):
        os.close(descriptor)


def _isAt(path: str, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.stat(path), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _makeFolder(folder: str) -> None:
    # What os.makedirs() makes above C{folder} would be open to others.
    if not os.path.isdir(folder):
        _makeFolder(os.path.dirname(folder))
        os.mkdir(folder, 0o700)


def _connected(path: str) -> sqlite3.Connection:
    try:
        # SQLite would make it with what the umask leaves of 0644.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise _inaccessible(path, error) from error
    if _check(path):
        with suppress(PermissionError):  # somebody else's, and let be
            os.chmod(path, 0o600)
    with explained(path):
        return sqlite3.connect(
            path, PATIENCE, isolation_level=None, cached_statements=_STATEMENTS
        )


def _check(path: str) -> bool:
    """
    Refuse a file that is not ours, before SQLite touches it.

    @return: whether there is something in it.
    """
    if not os.path.isfile(path):
        raise StateUnavailable(
            f"{path} is no file, and cannot be the database. Move it away, or name"
            " another with the option 'database'."
        )
    try:
        with open(path, "rb") as file:
            header = file.read(72)
    except OSError as error:
        raise _inaccessible(path, error) from error
    # https://www.sqlite.org/fileformat.html, 1.3
    ours = header.startswith(b"SQLite format 3\0") and header.endswith(
        APPLICATION_ID.to_bytes(4, "big")
    )
    if header and not ours:
        raise StateDamaged(
            f"{path} is no database of imapsync. Move it away, or name another file"
            " with the option 'database'."
        )
    return bool(header)


def _inaccessible(path: str, error: OSError) -> StateError:
    known = os.path.isfile(path)
    kind, what = (StateError, "opened") if known else (StateUnavailable, "made")
    return kind(
        f"The database {path} cannot be {what}: {error.strerror}. Mend that, or name"
        " another file with the option 'database'."
    )
