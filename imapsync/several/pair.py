"""
What is run for one pair of accounts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from imapsync.cli.options import CommandLine
from imapsync.cli.terminal import emit, isScreen, say
from imapsync.config.settings import Config
from imapsync.imap.access import ORDINARY, Access
from imapsync.model import Side
from imapsync.run.sharing import Shared
from imapsync.service import SyncService


def serviceFor(
    line: CommandLine,
    config: Config,
    reactor: Any,
    name: str = "",
    access: Mapping[Side, Access] = MappingProxyType({}),
    tell: Callable[[str], None] | None = None,
    show: Callable[[Sequence[str]], bool] = lambda _: False,
    shared: Shared | None = None,
) -> SyncService:
    """
    The service that does what a command line asks for.

    @param name: what log lines call it, if it is one of several.
    @param access: ways to the servers besides those of the configuration.
    @param tell: takes what is said to people; by default, it is said at once.
    @param show: takes tables; see L{SyncService}.
    @param shared: what it has together with others.
    """

    def sayWhose(text: str) -> None:
        say(f"{name}: {text}" if name else text)

    def showWhose(rows: Sequence[str]) -> bool:
        return show([name, *rows] if name and rows else rows)

    service = SyncService(
        config,
        reactor,
        line.request,
        say=tell or sayWhose,
        verbose=not line.quiet,
        trace=line.debug,
        local=access.get(Side.LOCAL, ORDINARY),
        remote=access.get(Side.REMOTE, ORDINARY),
        emit=emit,
        show=showWhose,
        shared=shared,
        tabular=isScreen(),
    )
    if name:
        service.setName(name)
    return service


def mayAsk(config: Config) -> bool:
    """
    Whether commands of the user, such as C{ssh}, may ask something at the terminal.
    """
    servers = config.servers.values()
    return any(one.command or one.passwordCommand for one in servers)
