"""
The section C{[accounts]}: where the list is that has many accounts, each of which the
rest of the configuration is a template for.
"""

# Annotations are evaluated here: as text, that of each field of a tuple would be
# compiled whenever the program starts.

from typing import NamedTuple

from imapsync.config import values
from imapsync.config.paths import Files
from imapsync.config.section import Section

#: The name of the section.
ACCOUNTS = "accounts"

#: What it may hold.
OPTIONS = (
    "list",
    "list-command",
    "list-header",
    "list-interval",
    "name",
    "at-work",
    "connections-per-host",
)

#: How often a list is read, if it is not said, in seconds.
_INTERVAL = 900.0


class AccountList(NamedTuple):
    """
    Where the accounts are listed.

    @ivar path: the file, if it is one.
    @ivar command: what writes the list, if a command does.
    @ivar header: whether the first line names the columns; C{None}: it does if one of
        them is called C{user}.
    @ivar interval: how often to read it, in seconds.
    @ivar atWork: so many of the accounts are at work at once; C{None} as by default.
    @ivar perHost: so many connections to one host; likewise.
    """

    path: str | None
    command: str | None
    header: bool | None = None
    interval: float = _INTERVAL
    atWork: int | None = None
    perHost: int | None = None


def read(section: Section, files: Files) -> AccountList:
    """
    What the section says.

    @raise ConfigError: if that cannot be used.
    """
    path = section.get("list", files.path, None)
    command = section.get("list-command", values.text, None)
    if path is None and command is None:
        raise section.wrong("list", "is missing: it, or list-command, tells who")
    if path is not None and command is not None:
        raise section.wrong("list-command", "and list exclude each other")
    return AccountList(
        path,
        command,
        section.get("list-header", values.yesNo, None),
        section.get("list-interval", values.duration, _INTERVAL),
        section.get("at-work", values.number, None),
        section.get("connections-per-host", values.number, None),
    )
