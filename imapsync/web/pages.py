"""
What is answered to whom.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from imapsync.display import line
from imapsync.web import account, overview
from imapsync.web.exchange import TEXT, Answer, Asked, Stream
from imapsync.web.frame import Frame, link, place
from imapsync.web.guard import Guard
from imapsync.web.health import alive
from imapsync.web.machines import Machines
from imapsync.web.overview import View
from imapsync.web.seen import Seen
from imapsync.web.static import Static


class Pages:
    """
    Answers.

    @param serial: names the last change that there was.
    @param now: tells the time of day.
    """

    def __init__(
        self,
        seen: Seen,
        guard: Guard,
        machines: Machines,
        serial: Callable[[], str],
        now: Callable[[], float] = time.time,
    ) -> None:
        self._seen = seen
        self._guard = guard
        self._machines = machines
        self._serial = serial
        self._now = now
        self._static = Static()
        self._frame = Frame(guard.stamp, self._static.version, not guard.isOpen)

    def answer(self, asked: Asked) -> Answer | Stream:
        """
        What is answered to C{asked}.
        """
        if not self._guard.knows(asked.host):
            name = line(asked.host, 100)
            text = f'"{name}" is none of our names: add it to host in [status].\n'
            return Answer(421, text, TEXT)
        match asked.method, asked.path:
            case "GET" | "HEAD", ("static", name):
                return self._file(name, asked.query.get("v"))
            case "GET" | "HEAD", ("healthz",):
                return self._machines.health(alive())
            case "GET" | "HEAD", path:
                return self._got(path, asked)
            case "POST", ("login" | "logout" | "act" as verb,):
                return self._posted(verb, asked)
        allowed = {"Allow": "GET, HEAD"}
        return Answer(405, "There is nothing to do here.\n", TEXT, allowed)

    def _file(self, name: str, version: str | None) -> Answer:
        file = self._static.get(name)
        if file is None:
            return self._missing()
        kept = "max-age=31536000, immutable"
        current = version == self._static.version
        headers = {"Cache-Control": kept if current else "no-cache"}
        return Answer(200, file.text, file.kind, headers)

    def _got(self, path: tuple[str, ...], asked: Asked) -> Answer | Stream:
        if not self._admits(asked):
            return self._stranger(path)
        match path:
            case ("",):
                page = overview.page(
                    *(self._frame, self._seen.all(), self._now()),
                    *(View.of(asked.query), self._serial()),
                )
                return Answer(200, page)
            case ("account", ""):
                return self._account(asked.query.get("name", ""))
            case ("account", name):
                return self._account(name)
            case ("events",):
                since = asked.headers.get("last-event-id") or asked.query.get("since")
                return Stream(asked.query.get("account"), since or "")
            case (name,) if said := self._machines.answer(name, asked):
                return said
        return self._missing("../" * (len(path) - 1))

    def _account(self, name: str) -> Answer:
        try:
            detail = self._seen.detail(name)
        except KeyError:
            text = "There is no account of that name, or no longer."
            return Answer(404, self._frame.notice("No such account", text, "../"))
        return Answer(200, account.page(self._frame, detail, self._now()))

    def _stranger(self, path: tuple[str, ...]) -> Answer:
        headers = {"WWW-Authenticate": 'Bearer realm="imapsync"'}
        if path == ("",):
            return Answer(401, self._frame.login(wrong=False), headers=headers)
        if path[0] == "account":
            return _seeOther("../")
        text = "Who asks has to say the token: Authorization: Bearer TOKEN\n"
        return Answer(401, text, TEXT, headers)

    def _posted(self, verb: str, asked: Asked) -> Answer:
        origin = asked.headers.get("origin")
        site = asked.headers.get("sec-fetch-site")
        if not self._guard.isNeighbour(origin, site, asked.host):
            return Answer(403, "That came from another page.\n", TEXT)
        if not self._guard.isForm(asked.form.get("stamp", "")):
            text = "That page is too old: load it again.\n"
            return Answer(403, text, TEXT)
        if verb == "login":
            return self._login(asked)
        if not self._admits(asked):
            return self._stranger(("act",))
        if verb == "logout":
            return _seeOther("./", self._cookie("", asked) + "; Max-Age=0")
        return self._act(asked)

    def _login(self, asked: Asked) -> Answer:
        if not self._guard.isToken(asked.form.get("token", "").strip()):
            return Answer(403, self._frame.login(wrong=True))
        return _seeOther("./", self._cookie(self._guard.visa, asked))

    def _cookie(self, value: str, asked: Asked) -> str:
        secure = asked.headers.get("origin", "").startswith("https:")
        flags = "; Secure" if secure else ""
        name = self._guard.cookie
        return f"{name}={value}; Path=/; HttpOnly; SameSite=Strict{flags}"

    def _act(self, asked: Asked) -> Answer:
        acts = {
            "sync": self._seen.syncNow,
            "pause": self._seen.pause,
            "resume": self._seen.resume,
        }
        for verb, act in acts.items():
            name = asked.form.get(verb)
            if name is None:
                continue
            try:
                act(name)
            except KeyError:
                return self._account(name)
            if "quiet" in asked.form:
                return Answer(204)
            row = place("account", name)
            back = link(name) if "back" in asked.form else f"./#{row}"
            return _seeOther(back)
        return Answer(400, "Nothing was asked for.\n", TEXT)

    def _admits(self, asked: Asked) -> bool:
        said = asked.headers.get("authorization", "")
        return self._guard.admits(said, asked.cookie(self._guard.cookie))

    def _missing(self, base: str = "") -> Answer:
        page = self._frame.notice("Nothing here", "There is no such page.", base)
        return Answer(404, page)


def _seeOther(place: str, cookie: str | None = None) -> Answer:
    headers = {"Location": place}
    return Answer(303, "", TEXT, headers | ({"Set-Cookie": cookie} if cookie else {}))
