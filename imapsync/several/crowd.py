"""
Hosts at which there is no place for all that are to stay there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from imapsync.config.settings import Config
from imapsync.log import Log

_log = Log()


def warn(configs: Iterable[Config], most: int | None) -> None:
    """
    Say it of each, where accounts are followed that share C{most} connections to one
    host: who has one keeps it, and the others never begin.

    @param most: C{None} means any number.
    """
    if most is None:
        return
    wanted = Counter(
        server.host.lower()
        for config in configs
        for server in config.servers.values()
        if server.command is None
    )
    for host, number in wanted.items():
        if number > most:
            _log.warn(
                "{host}: {number} connections are to be kept, and connections-per-host"
                " lets {most} be there: some accounts never begin; raise it, or leave"
                " it out",
                host=host,
                number=number,
                most=most,
            )
