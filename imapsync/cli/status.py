"""
C{--status}: what the databases know, told without a connection.

It needs no reactor, nor anything else of Twisted.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from imapsync import document
from imapsync.cli.options import CommandLine
from imapsync.cli.terminal import complain, emit, say
from imapsync.config.request import Request
from imapsync.config.settings import Config
from imapsync.display import line, moment
from imapsync.errors import ImapSyncError, NoDatabase, NotFound
from imapsync.model import Mark, Name, Owner, Refusal, Side
from imapsync.names import canonical, shown
from imapsync.plan.refusals import told
from imapsync.state.survey import Survey, Surveyed, survey

_HEADS = ("messages", "refused", "synced", "local", "remote", "mailbox")


def tell(typed: CommandLine, configs: Mapping[str, Config]) -> int:
    """
    Tell of the database of each configuration.

    @return: the exit code, the highest of all.
    """
    codes = [_tellOne(typed.request, name, one) for name, one in configs.items()]
    return max(codes)


def _tellOne(request: Request, name: str, config: Config) -> int:
    """
    @param name: the account's, if there are several.
    """
    began, found, error = time.time(), None, None
    try:
        found = _limited(_survey(config), request.mailboxes)
    except ImapSyncError as reason:
        error = reason
        complain(f"{name}: {error}" if name else str(error))
    if request.json:
        emit(document.text(_document(name, config, began, found, error)))
    elif found:
        say("\n".join(_lines(name, found)))
    return error.code if error else 0


def _survey(config: Config) -> Survey:
    path = _database(config)
    try:
        return survey(path)
    except NoDatabase as error:
        raise NotFound(
            f"there is no database {path}: nothing was synced yet with {config.path};"
            " check its option 'database'"
        ) from error


def _database(config: Config) -> str:
    """
    The file that a run would go on with, as far as that can be told.
    """
    if os.path.lexists(config.database) or not config.older:
        return config.database
    # Seldom needed, and it imports more than all else here.
    from imapsync.accounts.databases import candidates

    return next(candidates(config)).database


def _limited(whole: Survey, typed: Sequence[str]) -> Survey:
    """
    Only the mailboxes that the user named.

    @raise NotFound: if one is not known.
    """
    if not typed:
        return whole
    wanted = [_meant(text, whole.mailboxes) for text in typed]
    some = [one for one in whole.mailboxes if one.name in wanted]
    return whole._replace(mailboxes=some)


def _meant(text: str, mailboxes: Iterable[Surveyed]) -> Name:
    """
    The name of a known mailbox.  Nobody says here what separates levels, and what the
    server puts before names.
    """
    known = {one.name for one in mailboxes}
    for separator in ("/", ".", "\\"):
        name = canonical(text, separator)
        for one in (name, name.removeprefix("INBOX/")):
            if one in known:
                return one
    raise NotFound(
        f'the database does not know the mailbox "{shown(text)}": check the spelling'
    )


# For people


def _lines(name: str, one: Survey) -> Iterator[str]:
    yield f"{name}: {one.path}" if name else one.path
    for side in Side:
        owner = one.owners.get(side)
        yield f"  {side}: {_owner(owner) if owner else 'unknown'}"
    yield f"  both sides were equal: {_when(one.synced)}"
    yield ""
    yield from _table([_HEADS, *map(_row, one.mailboxes)])
    yield ""
    for mailbox in one.mailboxes:
        for refusal in mailbox.refusals:
            where = shown(mailbox.name)
            if refusal.side:
                where += f": {refusal.side}"
            if refusal.uids:
                where += f": UID {refusal.uids}"
            yield f"{where}: {told(refusal)}"
    messages, refused = _totals(one)
    count = len(one.mailboxes)
    boxes = "mailbox" if count == 1 else "mailboxes"
    yield f"Total: {count} {boxes}, {messages} messages, {refused} refused"
    if name:  # others follow
        yield ""


def _owner(owner: Owner) -> str:
    return f"{owner.account}, port {owner.port}" if owner.port else owner.account


def _row(one: Surveyed) -> Sequence[str]:
    marks = (_mark(one.marks.get(side)) for side in Side)
    counts = (str(one.pairs), str(_refused(one)))
    return (*counts, _when(one.synced), *marks, shown(one.name))


def _mark(mark: Mark | None) -> str:
    return "-" if mark is None else f"{mark.uidvalidity}:{mark.uidnext}:{mark.modseq}"


def _when(seconds: int) -> str:
    return moment(seconds) if seconds else "-"


def _totals(one: Survey) -> tuple[int, int]:
    """
    How many messages are known on both sides, and how many were refused.
    """
    boxes = one.mailboxes
    return sum(box.pairs for box in boxes), sum(map(_refused, boxes))


def _refused(one: Surveyed) -> int:
    return sum(len(refusal.uids) for refusal in one.refusals)


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """
    Columns end below each other; only the last, which may be of any width, begins so.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for *cells, last in rows:
        padded = (cell.rjust(width) for cell, width in zip(cells, widths, strict=False))
        yield "  ".join((*padded, last))


# For machines


def _document(
    name: str,
    config: Config,
    began: float,
    found: Survey | None,
    error: ImapSyncError | None,
) -> Mapping[str, Any]:
    """
    What C{doc/json.rst} promises.
    """
    period = began, time.time()
    code, why = (error.code, str(error)) if error else (0, "")
    head = document.head("status", config.path, name, period, code, why)
    return {**head, **_known(found)} if found else head


def _known(one: Survey) -> Mapping[str, Any]:
    messages, refused = _totals(one)
    return {
        "database": one.path,
        "version": one.version,
        "owners": {str(side): _owned(one.owners.get(side)) for side in Side},
        "synced": _instant(one.synced),
        "mailboxes": [_mailbox(mailbox) for mailbox in one.mailboxes],
        "totals": {
            "mailboxes": len(one.mailboxes),
            "messages": messages,
            "refused": refused,
        },
    }


def _owned(owner: Owner | None) -> Mapping[str, Any] | None:
    if owner is None:
        return None
    return {"account": owner.account, "port": owner.port or None}


def _mailbox(one: Surveyed) -> Mapping[str, Any]:
    marks = {side: one.marks.get(side) for side in Side}
    return {
        "name": one.name,
        "subscribed": one.subscribed,
        "messages": one.pairs,
        **{str(side): mark and mark._asdict() for side, mark in marks.items()},
        "synced": _instant(one.synced),
        "refused": _refused(one),
        "troubles": [_refusal(refusal) for refusal in one.refusals],
    }


def _refusal(one: Refusal) -> Mapping[str, Any]:
    return {
        "side": one.side and str(one.side),
        "uids": str(one.uids) or None,
        "code": one.code or None,
        "text": line(one.reason),
        "since": _instant(one.since),
        "tries": one.tries or None,
        "due": _instant(one.due),
    }


def _instant(seconds: float) -> str | None:
    """
    A time; C{None} if it is not known.
    """
    return document.timestamp(seconds) if seconds else None
