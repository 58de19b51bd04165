"""
When somebody is told that an account fails, and what.
"""

from __future__ import annotations

import enum
import uuid
from collections.abc import Mapping
from typing import NamedTuple

from imapsync import __version__, document
from imapsync.config.notify import NotifyConfig
from imapsync.display import line, moment
from imapsync.watch.facts import Facts


class Event(str, enum.Enum):
    """
    What there is to tell; each is also the word for it.
    """

    FAILED = "failed"
    RECOVERED = "recovered"


class Told(NamedTuple):
    """
    Somebody was told that an account fails.

    @ivar since: since when it does.
    @ivar last: when that was told last.
    """

    since: float
    last: float


def decide(
    config: NotifyConfig, told: Told | None, failing: float | None, now: float
) -> tuple[Event | None, Told | None]:
    """
    What is to be told, if anything, and what was told then.

    @param told: what was told before.
    @param failing: since when the account fails, if it does.
    """
    if failing is None:
        return (None if told is None else Event.RECOVERED), None
    at = due(config, told, failing)
    if at is None or now < at:
        return None, told
    return Event.FAILED, Told(failing if told is None else told.since, now)


def due(config: NotifyConfig, told: Told | None, failing: float) -> float | None:
    """
    When it is to be told that an account fails, if it still does then.
    """
    if told is None:
        return failing + config.after
    return None if config.repeat is None else told.last + config.repeat


class Notice(NamedTuple):
    """
    What somebody is told.

    @ivar id: the same each time that it is tried.
    @ivar since: since when the account fails, or did.
    @ivar time: when it was to be told.
    """

    id: str
    event: Event
    account: str
    title: str
    path: str
    error: str
    since: float
    time: float

    @classmethod
    def of(cls, event: Event, facts: Facts, since: float, time: float) -> Notice:
        """
        What there is to tell of an account.
        """
        name = uuid.uuid4().hex
        what = line(facts.name), facts.title, line(facts.path), facts.error
        return cls(name, event, *what, since, time)

    @property
    def text(self) -> str:
        """
        A sentence for people.
        """
        who = f"{self.account}: {self.title}" if self.account else self.title
        since = moment(int(self.since))
        if self.event is Event.RECOVERED:
            return f"{who} is synced again; it had failed since {since}."
        why = f": {self.error.rstrip('.')}" if self.error else ""
        return f"{who} has failed since {since}{why}."

    @property
    def facts(self) -> Mapping[str, str]:
        """
        For a command: what it finds in its environment.
        """
        return {
            "IMAPSYNC_EVENT": self.event.value,
            "IMAPSYNC_ACCOUNT": self.account,
            "IMAPSYNC_TITLE": self.title,
            "IMAPSYNC_CONFIG": self.path,
            "IMAPSYNC_ERROR": self.error,
            "IMAPSYNC_SINCE": document.timestamp(self.since),
            "IMAPSYNC_SECONDS": f"{self.time - self.since:.0f}",
            "IMAPSYNC_TEXT": self.text,
            "IMAPSYNC_ID": self.id,
        }

    @property
    def document(self) -> Mapping[str, object]:
        """
        For a program that is posted to: see C{doc/json.rst}.
        """
        return {
            "schema": document.SCHEMA,
            "kind": "notification",
            "imapsync": __version__,
            "account": self.account or None,
            "config": self.path,
            "title": self.title,
            "id": self.id,
            "event": self.event.value,
            "time": document.timestamp(self.time),
            "since": document.timestamp(self.since),
            "seconds": round(self.time - self.since),
            "error": self.error or None,
            "text": self.text,
        }
