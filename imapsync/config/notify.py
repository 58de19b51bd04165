"""
The options about who is told of trouble.

Imported only where a configuration has some.
"""

from __future__ import annotations

from typing import NamedTuple

from imapsync.config import values
from imapsync.config.oauth import url
from imapsync.config.section import Section

#: So many seconds an account has to fail, if the configuration does not say.
AFTER = 15 * 60.0


class NotifyConfig(NamedTuple):
    """
    Who is told that an account fails, and that it does so no longer.

    @ivar command: is run, as its user wrote it; C{None} if there is none.
    @ivar webhook: a URL that is posted to; likewise.
    @ivar after: how many seconds it has to fail before.
    @ivar repeat: so many seconds later it is told once more, and so on, as long as it
        fails; C{None} if it is not.
    """

    command: str | None = None
    webhook: str | None = None
    after: float = AFTER
    repeat: float | None = None

    def __repr__(self) -> str:
        # Who knows the URL can post there; and there may be a secret in a command.
        return f"NotifyConfig(after={self.after}, repeat={self.repeat})"


def read(section: Section) -> NotifyConfig:
    """
    What C{[notify]} says.

    @raise ConfigError: if that cannot be used.
    """
    config = NotifyConfig(
        command=section.get("command", values.text, None),
        webhook=section.get("webhook", url, None),
        after=section.get("after", values.duration, AFTER),
        repeat=section.get("repeat", values.duration, None),
    )
    if config.command is None and config.webhook is None:
        raise section.wrong("command", "is missing: give that, or webhook, or both")
    return config
