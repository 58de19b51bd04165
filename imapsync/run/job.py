"""
What there is to do, and with what.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from imapsync.config.request import Request
from imapsync.config.settings import Config
from imapsync.imap.access import Access
from imapsync.log import Log
from imapsync.model import Side
from imapsync.run.sharing import Share


class Job(NamedTuple):
    """
    That of one run.

    @ivar reactor: connects, spawns processes and tells the time.
    @ivar say: takes the lines of what is told to people.
    @ivar verbose: whether to log what was done, not only what went wrong.
    @ivar trace: how much IMAP traffic to log: none, all without credentials,
        or all.
    @ivar access: ways to the servers besides those of the configuration.
    @ivar share: what is shared with other accounts.
    @ivar emit: takes what is told to machines, in pieces.
    @ivar show: takes a table for people, and says whether there is room for it.
    @ivar tabular: whether C{say} takes what a dry run says as a table, too.
    """

    config: Config
    reactor: Any
    request: Request
    say: Callable[[str], None]
    verbose: bool
    trace: int
    log: Log
    access: Mapping[Side, Access]
    share: Share
    emit: Callable[[Iterable[str]], None] = lambda _: None
    show: Callable[[Sequence[str]], bool] = lambda _: False
    tabular: bool = False
