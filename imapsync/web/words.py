"""
Times and numbers, in words.
"""

from __future__ import annotations

from datetime import datetime, timezone

from imapsync.watch.facts import Health
from imapsync.web.markup import Markup, element

#: What people are told of an account, and the sign that goes with it: nobody need see
#: colours to tell one from another.
HEALTH = {
    Health.TROUBLE: ("in trouble", "!"),
    Health.WORKING: ("at work", "\u21bb"),
    Health.OK: ("in order", "\u2713"),
    Health.PAUSED: ("paused", "\u2016"),
    Health.ENDED: ("ended", "\u25a0"),
}

_UNITS = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))


def number(count: int) -> str:
    """
    A number that people can read.
    """
    return f"{count:,}"


def span(seconds: float) -> str:
    """
    How long something takes: of hours and more, the next smaller unit is told, too.
    """
    left = max(0, int(seconds))
    for at, (unit, size) in enumerate(_UNITS):
        if left >= size:
            count, rest = divmod(left, size)
            lower, less = _UNITS[min(at + 1, len(_UNITS) - 1)]
            more = f" {rest // less} {lower}" if size > 60 and rest >= less else ""
            return f"{count} {unit}{more}"
    return "0 s"


def clock(seconds: float) -> str:
    """
    A time, as the clock on the wall here shows it.
    """
    return f"{datetime.fromtimestamp(seconds):%Y-%m-%d %H:%M:%S}"


def ago(at: float | None, now: float, never: str = "never") -> Markup | str:
    """
    How long ago that was.  A browser counts on.
    """
    return never if at is None else _time(at, f"{span(now - at)} ago", "ago")


def within(at: float, now: float) -> Markup:
    """
    How long it is until then.
    """
    return _time(at, f"in {span(at - now)}" if at > now else "now", "in")


def since(at: float, now: float) -> Markup:
    """
    How long it has been so.
    """
    return _time(at, span(now - at), "for")


def moment(at: float) -> Markup:
    """
    When that was.
    """
    return _time(at, clock(at))


def badge(health: Health, words: str = "") -> Markup:
    """
    How an account is.
    """
    text, sign = HEALTH[health]
    return element(
        "span",
        element("span", sign, class_="sign", aria_hidden="true"),
        words or text,
        class_=f"badge {health}",
    )


def _time(at: float, text: str, kind: str | None = None) -> Markup:
    stamp = datetime.fromtimestamp(int(at), timezone.utc).isoformat()
    return element(
        "time",
        text,
        datetime=stamp.replace("+00:00", "Z"),
        title=clock(at) if kind else None,
        data_kind=kind,
    )
