"""
The progress of all accounts at the foot of a terminal: L{Bar}.  It is drawn with
C{rich}, which is imported with this module.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator, Sequence
from operator import add

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from imapsync.cli.screen import Screen, columns, isOurs, rows
from imapsync.cli.wording import Seen, doing, duration, flows, left, mailboxes, rates
from imapsync.display import line
from imapsync.mailbox.course import Flow
from imapsync.run.progress import Pace, Progress
from imapsync.run.status import SyncState

_Signs = tuple[str, str]

#: So wide is a bar at the most, and at the least.
_WIDEST, _LEAST = 60, 10

#: What is done of a bar, and what is not; where there is only ASCII, too.
_SIGNS = "\N{BOX DRAWINGS HEAVY HORIZONTAL}", "\N{BOX DRAWINGS LIGHT HORIZONTAL}"
_PLAIN = "#", "-"

#: So many accounts are shown by name at the most.
_ACCOUNTS = 10


class Bar:
    """
    Shows it: L{imapsync.cli.progress.Way}.

    @param asking: accounts whose commands may ask something at the terminal while they
        connect: then it is theirs.
    """

    interval = 0.5

    def __init__(self, asking: Collection[str] = ()) -> None:
        self._asking = asking
        self._errors = sys.stderr
        self._screen = Screen(
            lambda: columns(self._errors), lambda: isOurs(self._errors)
        )
        self._console = Console(
            file=self._errors, highlight=False, markup=False, emoji=False
        )

    def show(self, accounts: Sequence[Seen]) -> None:
        """
        So it is now.
        """
        if not accounts or any(map(self._asks, accounts)):
            self._screen.clear()
            return
        # The last column is left empty: some terminals begin a new line behind it.
        width = max(1, columns(self._errors) - 1)
        self._console.width = width
        signs = _SIGNS if self._console.encoding.startswith("utf") else _PLAIN
        # What is higher than the terminal could not be cleared.
        lines = [*pictured(accounts, width, signs)][-rows(self._errors) :]
        widths = [min(one.cell_len, width) for one in lines]
        self._screen.draw([*map(self._rendered, lines)], widths)

    def end(self) -> None:
        """
        Show nothing more.
        """
        self._screen.close()

    def _asks(self, one: Seen) -> bool:
        return one.state is SyncState.CONNECTING and one.name in self._asking

    def _rendered(self, text: Text) -> str:
        with self._console.capture() as capture:
            self._console.print(text, no_wrap=True, overflow="crop", end="")
        return capture.get()


def pictured(accounts: Sequence[Seen], width: int, signs: _Signs) -> Iterator[Text]:
    """
    The lines.
    """
    if len(accounts) == 1:
        [one] = accounts
        yield from _whole(one, width, signs)
        return
    for one in accounts[:_ACCOUNTS]:
        yield _brief(one, width)
    if (more := len(accounts) - _ACCOUNTS) > 0:
        yield Text(f"and {more:,} more account{'s' if more > 1 else ''}", "dim")
    every = _sum(accounts)
    yield from _directions(every.progress, width)
    # How much it is in all is known when it is known of each.
    known = all(one.progress.share is not None for one in accounts)
    yield _barred(every, width, signs, known)


def _sum(accounts: Sequence[Seen]) -> Seen:
    """
    All accounts as if they were one.
    """
    progress, pace = Progress(), Pace()
    for one in accounts:
        more = one.progress
        progress = progress._replace(
            over=progress.over + more.over,
            ahead=progress.ahead + more.ahead,
            local=Flow(*map(add, progress.local, more.local)),
            remote=Flow(*map(add, progress.remote, more.remote)),
            vague=progress.vague or more.vague,
            reading=more.reading,
        )
        messages, octets = pace.messages + one.pace.messages, one.pace.octets
        pace = Pace(messages, pace.octets + octets)
    times = [one.pace.left for one in accounts]
    known = [seconds for seconds in times if seconds is not None]
    if len(known) == len(times):
        pace = pace._replace(left=max(known))
    first = accounts[0]
    return first._replace(
        progress=progress, pace=pace, seconds=max(one.seconds for one in accounts)
    )


def _whole(one: Seen, width: int, signs: _Signs) -> Iterator[Text]:
    what, mailbox = doing(one)
    count = mailboxes(one.progress)
    room = width - len(what) - 1
    if mailbox and room - len(count) - 2 < min(12, cell_len(mailbox)):
        count = ""
    room -= len(count) + 2 if count else 0
    head = Text(what)
    if mailbox:
        head.append(f" {_cut(mailbox, room)}", "bold")
    if count:
        head.append(" " * max(2, width - head.cell_len - len(count)))
        head.append(count, "dim")
    yield head
    yield from _directions(one.progress, width)
    yield _barred(one, width, signs)


def _directions(progress: Progress, width: int) -> Iterator[Text]:
    for told in flows(progress):
        where, long = f"{told.where:<9}", f"{told.messages} {told.unit}"
        forms = (
            [where, long, f"{told.octets} {told.all}".strip()],
            [where, long, told.octets],
            [where, long],
            [where, told.messages, told.octets],
            [where, told.messages],
        )
        lines = ["  ".join(filter(None, form)) for form in forms]
        yield Text(next((one for one in lines if len(one) <= width), lines[-1]))


def _brief(one: Seen, width: int) -> Text:
    """
    One account of several.
    """
    what, mailbox = doing(one)
    share = one.progress.share
    tail = [f"{int(share * 100):3} %"] if share is not None else []
    tail += filter(None, [left(one.pace)])
    tail = _fitting(tail, width // 2)
    end = "  ".join(tail)
    text = Text.assemble((_cut(line(one.name), max(8, width // 3)), "bold"))
    text.append(f"  {what} {mailbox}".rstrip())
    room = width - len(end) - 2
    if text.cell_len > room:
        text.truncate(max(1, room - 3))
        text.append("...")
    if end:
        text.append(" " * max(2, width - text.cell_len - len(end)))
        text.append(end)
    return text


def _barred(one: Seen, width: int, signs: _Signs, known: bool = True) -> Text:
    """
    The line with the bar, if it is known how much there is to do.
    """
    share = one.progress.share if known else None
    ahead = left(one.pace) or f"{duration(one.seconds)} so far"
    parts = [ahead, *rates(one.pace)[::-1]]
    if share is None:
        return Text("  ".join(_fitting(parts, width)))
    parts = _fitting([f"{int(share * 100):3} %", *parts], width - _LEAST - 2)
    texts = "  ".join(parts)
    size = min(_WIDEST, max(_LEAST, width - len(texts) - 2))
    full = int(share * size)
    done, rest = signs
    return Text.assemble(
        (done * full, "bar.complete"), (rest * (size - full), "dim"), f"  {texts}"
    )


def _fitting(parts: Sequence[str], width: int) -> list[str]:
    """
    As many of the first as there is room for.
    """
    some = [*parts]
    while len(some) > 1 and len("  ".join(some)) > width:
        some.pop()
    return some


def _cut(text: str, width: int) -> str:
    """
    The end of a name says more than its beginning.
    """
    if cell_len(text) <= width:
        return text
    while text and cell_len(text) > max(0, width - 3):
        text = text[1:]
    return f"...{text}" if width > 3 else set_cell_size(text, max(0, width))
