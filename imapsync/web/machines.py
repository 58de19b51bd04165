"""
What the page has for programs.
"""

from __future__ import annotations

from collections.abc import Callable

from imapsync.web import document, health, metrics
from imapsync.web.exchange import TEXT, Answer, Asked
from imapsync.web.seen import Seen

_JSON = "application/json"


class Machines:
    """
    Answers them.

    @param now: tells the time of day.
    """

    def __init__(self, seen: Seen, now: Callable[[], float]) -> None:
        self._seen = seen
        self._now = now

    def answer(self, name: str, asked: Asked) -> Answer | None:
        """
        What there is of that name, if anything.
        """
        match name:
            case "status.json":
                return self._status(asked.query.get("account"))
            case "metrics":
                return self._metrics(asked.headers.get("accept", ""))
            case "readyz":
                return self.health(health.ready(self._seen.all()))
        return None

    def health(self, answer: health.Answer) -> Answer:
        """
        Whether all is well.
        """
        return Answer(200 if answer.well else 503, f"{answer.text}\n", TEXT)

    def _status(self, name: str | None) -> Answer:
        try:
            pieces = (
                document.accounts(self._seen.all(), self._seen.total, self._now())
                if name is None
                else document.account(self._seen.detail(name), self._now())
            )
        except KeyError:
            return Answer(404, "There is no account of that name.\n", TEXT)
        return Answer(200, "".join(pieces), _JSON)

    def _metrics(self, accept: str) -> Answer:
        seen = self._seen
        page = metrics.page(seen.all(), seen.total, self._now(), accept)
        if page is None:
            return Answer(501, f"{metrics.ABSENT}\n", TEXT)
        return Answer(200, page.octets, page.type)
