"""
The page of one account, in pieces that change one by one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from urllib.parse import quote

from imapsync.display import line, quantity
from imapsync.run.progress import Progress
from imapsync.watch.facts import Detail, Facts, Health, MailboxFacts
from imapsync.web import words
from imapsync.web.chart import chart
from imapsync.web.frame import Frame, place
from imapsync.web.markup import Content, Markup, element
from imapsync.web.overview import buttons

#: So many mailboxes, and messages that were refused, are shown.
_MOST = 2000


def page(frame: Frame, detail: Detail, now: float) -> Markup:
    """
    The page.
    """
    pieces = [*parts(detail, now).values()]
    name = line(detail.facts.name or detail.facts.title or "The account")
    content = (
        element("p", element("a", "All accounts", href="../"), class_="up"),
        frame.form("../act", _back(detail.facts), pieces[:3]),
        pieces[3:],
    )
    events = f"../events?account={quote(detail.facts.name, safe='')}"
    return frame.page(name, content, "../", events=events, now=f"{now:.1f}")


def parts(detail: Detail, now: float) -> Mapping[str, Markup]:
    """
    What the page is made of, by what it is called there.
    """
    facts = detail.facts
    pieces = {
        "head": _head(facts),
        "state": (words.badge(facts.health), " ", facts.state),
        "acts": buttons(facts),
        "facts": _facts(facts, now),
        "doing": _doing(detail),
        "lately": _lately(detail),
        "refused": _refused(detail, now),
        "mailboxes": _mailboxes(detail.mailboxes, now),
        "log": _log(detail),
    }
    return {
        key: element(
            "section",
            *content,
            id=key,
            aria_live="polite" if key == "state" else None,
            hidden=not content,
        )
        for key, content in pieces.items()
    }


def _back(facts: Facts) -> Markup:
    """
    Whose page one comes back to.
    """
    return element(
        "input", type="hidden", name="back", value=place("account", facts.name)
    )


def _head(facts: Facts) -> tuple[Content, ...]:
    name = line(facts.name or facts.title or "The account")
    title = facts.title if facts.title and facts.title != name else None
    return (
        element("h1", name),
        element("p", line(title), class_="title") if title else None,
    )


def _facts(facts: Facts, now: float) -> tuple[Content, ...]:
    counters = facts.counters
    rows: list[tuple[str, Content]] = [
        ("Last success", words.ago(facts.synced, now)),
        ("In this state for", words.since(facts.since, now)),
        (
            "Behind",
            "nothing" if facts.behind is None else words.since(facts.behind, now),
        ),
        ("Messages on both sides", words.number(facts.messages)),
        ("Mailboxes", words.number(facts.mailboxes)),
        ("To be tried again", words.number(facts.refusals)),
        (
            "Today",
            f"{words.number(facts.today.messages)} messages,"
            f" {quantity(facts.today.octets)}",
        ),
        (
            "Since the start",
            f"{words.number(counters.messages)} messages, {quantity(counters.octets)},"
            f" {words.number(counters.flags)} changes of flags,"
            f" {words.number(counters.removals)} removals",
        ),
    ]
    if facts.path:
        rows.append(("Configuration", line(facts.path)))
    table = element(
        "dl", (element("div", element("dt", a), element("dd", b)) for a, b in rows)
    )
    return (_error(facts, now), table)


def _error(facts: Facts, now: float) -> Content:
    if not facts.error:
        return None
    isTrouble = facts.health is Health.TROUBLE
    failing = None if facts.failing is None else words.since(facts.failing, now)
    until = facts.until if facts.until is not None and facts.until > now else None
    again = None if until is None else words.within(until, now)
    return element(
        "div",
        element("p", element("b", "Last error: "), line(facts.error)),
        element(
            "p",
            words.ago(facts.errorAt, now),
            ("; failing for ", failing) if failing else None,
            ("; to be tried again ", again) if again else None,
            "." if isTrouble else ". That is over.",
        ),
        class_="notice trouble" if isTrouble else "notice",
    )


def _doing(detail: Detail) -> tuple[Content, ...]:
    facts = detail.facts
    if facts.health is not Health.WORKING:
        return ()
    progress = facts.progress
    works = (
        element("li", element("b", line(name)), f" {what}")
        for name, what in detail.doing
    )
    return (
        element("h2", "Under way"),
        _progress(progress),
        element("ul", works) if detail.doing else None,
    )


def _progress(progress: Progress) -> Content:
    both, share = progress.both, progress.share
    known = [f"{words.number(both.messages)} messages done"]
    if both.left:
        left = words.number(both.left)
        known.append(f"{'at most ' if progress.vague else ''}{left} to come")
    known.append(quantity(both.octets))
    if progress.over + progress.ahead:
        whole = words.number(progress.over + progress.ahead)
        known.append(f"mailbox {words.number(progress.over)} of {whole}")
    return (
        element(
            "progress",
            value=None if share is None else f"{share:.3f}",
            max=1,
            aria_label="How much is done",
        ),
        element("p", ", ".join(known)),
    )


def _lately(detail: Detail) -> tuple[Content, ...]:
    hour = ("1 h ago", "45 min", "30 min", "15 min", "now")
    day = ("1 d ago", "18 h", "12 h", "6 h", "now")
    return (
        element("h2", "Lately"),
        element(
            "div",
            chart(detail.hour, "Last hour", "a minute", hour),
            chart(detail.day, "Last day", "a quarter of an hour", day),
            class_="charts",
        ),
    )


def _refused(detail: Detail, now: float) -> tuple[Content, ...]:
    rows = [*islice(_refusals(detail, now), _MOST)]
    if not rows:
        return ()
    count = sum(len(mailbox.refusals) for mailbox in detail.mailboxes)
    heads = ("Mailbox", "Messages", "Why", "Since", "Tried", "Again")
    return (
        element("h2", "Refused, to be tried again"),
        _table("Messages that were refused", heads, rows),
        _more(count, "refusals"),
    )


def _refusals(detail: Detail, now: float) -> Iterator[Markup]:
    for mailbox in detail.mailboxes:
        for refusal in mailbox.refusals:
            side = f"{refusal.side}: " if refusal.side else ""
            what = (
                f"UID {line(str(refusal.uids), 200)}" if refusal.uids else "all of it"
            )
            since = words.ago(refusal.since, now) if refusal.since else "\u2013"
            due = words.within(refusal.due, now) if refusal.due else "next run"
            yield element(
                "tr",
                element("th", mailbox.shown, scope="row"),
                element("td", f"{side}{what}"),
                element("td", line(refusal.reason), class_="error"),
                element("td", since),
                element("td", f"{words.number(refusal.tries)} times", class_="number"),
                element("td", due),
            )


def _mailboxes(mailboxes: tuple[MailboxFacts, ...], now: float) -> tuple[Content, ...]:
    rows = (
        element(
            "tr",
            element("th", one.shown, scope="row"),
            element("td", words.number(one.messages), class_="number"),
            element(
                "td",
                "\u2013" if one.behind is None else words.since(one.behind, now),
                class_="number",
            ),
            element(
                "td",
                element("span", line(one.trouble), class_="problem"),
                class_="error",
            )
            if one.trouble
            else element("td"),
        )
        for one in sorted(mailboxes, key=_order)[:_MOST]
    )
    heads = ("Mailbox", "Messages", "Behind", "Trouble")
    return (
        element("h2", "Mailboxes"),
        _table("Mailboxes", heads, rows)
        if mailboxes
        else element("p", "None is known yet."),
        _more(len(mailboxes), "mailboxes"),
    )


def _order(mailbox: MailboxFacts) -> tuple[bool, bool, str]:
    """
    Those with trouble are the first, and INBOX comes before others.
    """
    return not mailbox.trouble, mailbox.name != "INBOX", mailbox.shown.lower()


def _log(detail: Detail) -> tuple[Content, ...]:
    if not detail.log:
        return ()
    lines = (
        element(
            "li",
            words.moment(one.time),
            " ",
            element("b", f"{one.level}: ") if one.level != "info" else None,
            line(one.text),
            class_=one.level,
        )
        for one in reversed(detail.log)
    )
    return element("h2", "Log"), element("ol", lines, class_="log")


def _table(caption: str, heads: tuple[str, ...], rows: Content) -> Markup:
    numbers = ("Tried", "Behind", "Messages") if "Tried" not in heads else ("Tried",)
    titles = (
        element("th", one, scope="col", class_="number" if one in numbers else None)
        for one in heads
    )
    table = element(
        "table",
        element("caption", caption, class_="unseen"),
        element("thead", element("tr", titles)),
        element("tbody", rows),
    )
    # What is too wide can be scrolled, also by keys.
    return element(
        "div", table, class_="wide", tabindex=0, role="region", aria_label=caption
    )


def _more(count: int, what: str) -> Content:
    return (
        None
        if count <= _MOST
        else element("p", f"And {words.number(count - _MOST)} more {what}.")
    )
