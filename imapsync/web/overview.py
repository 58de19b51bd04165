"""
The first page: all accounts, a row each.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlencode

from imapsync.display import line, quantity
from imapsync.watch.facts import Facts, Health
from imapsync.web import words
from imapsync.web.frame import Frame, link, place
from imapsync.web.markup import Markup, element

#: More of an error than that stands in the page of its account.
_LONGEST = 240

_RANKS = {health: rank for rank, health in enumerate(words.HEALTH)}


class Column(NamedTuple):
    """
    One that rows can be sorted by.

    @ivar key: of what is sorted by; the smallest is the first, if it is asked for
        once.
    """

    title: str
    key: Callable[[Facts], Any]
    isNumber: bool = False


COLUMNS: Mapping[str, Column] = {
    "account": Column("Account", lambda facts: _called(facts).lower()),
    "state": Column("State", lambda facts: _RANKS[facts.health]),
    "synced": Column("Last success", lambda facts: facts.synced or 0),
    "behind": Column("Behind", lambda facts: -(facts.behind or 1e12), True),
    "messages": Column("Messages today", lambda facts: -facts.today.messages, True),
    "octets": Column("Traffic today", lambda facts: -facts.today.octets, True),
    "refused": Column("Refused", lambda facts: -facts.refusals, True),
    "error": Column("Last error", lambda facts: -(facts.errorAt or 0)),
}


class View(NamedTuple):
    """
    What of it is wanted: a browser does that by itself, if it may.

    @ivar search: words that have to be in a row.
    @ivar state: the health that an account has to have; empty for any.
    @ivar sort: one of L{COLUMNS}.
    @ivar reverse: whether the last is the first.
    """

    search: str = ""
    state: str = ""
    sort: str = "account"
    reverse: bool = False

    @classmethod
    def of(cls, query: Mapping[str, str]) -> View:
        """
        What a query asks for; what it makes no sense to ask for is passed over.
        """
        sort = query.get("sort", "")
        state = query.get("state", "")
        return cls(
            search=query.get("q", "")[:200],
            state=state if state in [*Health] else "",
            sort=sort if sort in COLUMNS else "account",
            reverse="reverse" in query,
        )

    def shows(self, facts: Facts) -> bool:
        """
        Whether an account is wanted.
        """
        text = f"{facts.name} {facts.title} {facts.error}".lower()
        found = all(word in text for word in self.search.lower().split())
        return found and self.state in ("", facts.health)

    def ordered(self, facts: Sequence[Facts]) -> Sequence[Facts]:
        """
        The accounts as they are wanted.
        """
        byName = sorted(facts, key=COLUMNS["account"].key)
        return sorted(byName, key=COLUMNS[self.sort].key, reverse=self.reverse)

    def address(self, **changed: str) -> str:
        """
        What asks for the same, but for that.
        """
        query = {"q": self.search, "state": self.state, "sort": self.sort}
        query |= {"reverse": "1" if self.reverse else ""}
        wanted = {key: value for key, value in (query | changed).items() if value}
        return f"?{urlencode(wanted)}"


def page(
    frame: Frame, accounts: Sequence[Facts], now: float, view: View, since: str
) -> Markup:
    """
    The page.

    @param since: names the last change that is in it.
    """
    rows = [row(one, now, view.shows(one)) for one in view.ordered(accounts)]
    table = element(
        "table",
        element("caption", "All accounts", class_="unseen"),
        element("thead", element("tr", _heads(view), role="row"), role="rowgroup"),
        element("tbody", rows, id="accounts", role="rowgroup"),
        role="table",
        class_="accounts",
    )
    shown = any(map(view.shows, accounts))
    nothing = "No account is like that." if accounts else "There are no accounts."
    content = (
        element("h1", "Accounts"),
        element("div", _filters(accounts, view), _search(view), class_="tools"),
        frame.form("act", table, id="all"),
        element("p", nothing, id="nothing", hidden=shown),
    )
    return frame.page(
        "Accounts", content, events="events", since=since, now=f"{now:.1f}"
    )


def row(facts: Facts, now: float, isShown: bool = True) -> Markup:
    """
    An account.
    """
    name = _called(facts)
    title = facts.title if facts.title and facts.title != name else None
    cells = (
        element(
            "th",
            element("a", name, href=link(facts.name)),
            element("small", line(title)) if title else None,
            scope="row",
            role="rowheader",
        ),
        _cell("state", words.badge(facts.health), _state(facts)),
        _cell("synced", words.ago(facts.synced, now), key=facts.synced or 0),
        _cell("behind", _behind(facts, now), key=-(facts.behind or 1e12)),
        _cell(
            "messages", words.number(facts.today.messages), key=-facts.today.messages
        ),
        _cell("octets", quantity(facts.today.octets), key=-facts.today.octets),
        _cell("refused", words.number(facts.refusals), key=-facts.refusals),
        _error(facts, now),
        element("td", buttons(facts), class_="acts", role="cell"),
    )
    return element(
        "tr",
        cells,
        id=place("account", facts.name),
        data_into="accounts",
        data_health=str(facts.health),
        hidden=not isShown,
        role="row",
    )


def buttons(facts: Facts) -> tuple[Markup, ...]:
    """
    What can be asked of an account.
    """
    name = _called(facts)

    def button(do: str, text: str) -> Markup:
        label = f"{text}: {name}"
        return element("button", text, name=do, value=facts.name, aria_label=label)

    if facts.health is Health.PAUSED:
        return (button("resume", "Resume"),)
    return button("sync", "Sync now"), button("pause", "Pause")


def _called(facts: Facts) -> str:
    return line(facts.name or facts.title or "the account")


def _state(facts: Facts) -> Markup | None:
    """
    What it does, and how far it has come.
    """
    if facts.health is not Health.WORKING:
        return None
    share = facts.progress.share
    if share is None or not facts.progress.both.left:
        return element("small", facts.state)
    return element("small", f"{facts.state}, {share:.0%}")


def _behind(facts: Facts, now: float) -> Markup | str:
    return "\u2013" if facts.behind is None else words.since(facts.behind, now)


def _error(facts: Facts, now: float) -> Markup:
    if not facts.error:
        return element("td", class_="error", role="cell", data_v=0)
    when = words.ago(facts.errorAt, now)
    trouble = facts.health is Health.TROUBLE
    return element(
        "td",
        element(
            "span", line(facts.error, _LONGEST), class_="problem" if trouble else None
        ),
        element("small", when),
        class_="error",
        role="cell",
        data_v=-round(facts.errorAt or 0),
    )


def _cell(name: str, *content: Markup | str | None, key: float | None = None) -> Markup:
    column = COLUMNS[name]
    kind = "number" if column.isNumber else None
    if name == "state":
        return element("td", content, class_="state", role="cell")
    rounded = None if key is None else round(key)
    return element("td", content, class_=kind, role="cell", data_v=rounded)


def _heads(view: View) -> list[Markup]:
    heads = []
    for name, column in COLUMNS.items():
        sorted_ = view.sort == name
        turned = "" if view.reverse or not sorted_ else "1"
        order = "descending" if view.reverse else "ascending"
        address = view.address(sort=name, reverse=turned)
        heads.append(
            element(
                "th",
                element("a", column.title, href=address, data_sort=name),
                scope="col",
                role="columnheader",
                aria_sort=order if sorted_ else None,
                class_="number" if column.isNumber else None,
            )
        )
    acts = element("span", "Actions", class_="unseen")
    return [*heads, element("th", acts, scope="col", role="columnheader")]


def _filters(accounts: Sequence[Facts], view: View) -> Markup:
    """
    How many there are of each kind.
    """
    counts = Counter(facts.health for facts in accounts)

    def one(state: str, text: str, sign: str, count: int) -> Markup:
        return element(
            "a",
            element("span", sign, class_="sign", aria_hidden="true") if sign else None,
            element("b", words.number(count)),
            f" {text}",
            href=view.address(state=state),
            class_=f"filter {state}",
            data_state=state,
            data_count=count,
            aria_current="true" if view.state == state else None,
        )

    return element(
        "nav",
        one("", "in all", "", len(accounts)),
        (
            one(health.value, text, sign, counts[health])
            for health, (text, sign) in words.HEALTH.items()
        ),
        aria_label="Accounts by state",
        class_="filters",
    )


def _search(view: View) -> Markup:
    kept = {"state": view.state, "sort": view.sort}
    kept |= {"reverse": "1"} if view.reverse else {}
    return element(
        "form",
        [
            element("input", type="hidden", name=key, value=value)
            for key, value in kept.items()
            if value
        ],
        element("label", "Search", for_="search"),
        element("input", id="search", name="q", type="search", value=view.search),
        element("button", "Search", class_="unscripted"),
        role="search",
        class_="search",
    )
