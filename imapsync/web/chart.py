"""
Drawing what was done lately: messages upward, octets downward.
"""

from __future__ import annotations

from collections.abc import Sequence

from imapsync.display import quantity
from imapsync.watch.facts import Amount
from imapsync.web.markup import Markup, element
from imapsync.web.words import number

#: The space for a bar, that for all of one kind, and the line between them.
_STEP = 10
_HEIGHT = 100
_LINE = 4


def chart(
    amounts: Sequence[Amount], title: str, unit: str, ticks: Sequence[str]
) -> Markup:
    """
    A picture, with all that it shows in words.

    @param amounts: of equal spans of time, the present one last.
    @param unit: what such a span is called.
    @param ticks: what stands below, from left to right.
    """
    messages = [one.messages for one in amounts]
    octets = [one.octets for one in amounts]
    width = _STEP * len(amounts)
    told = (
        f"{title}: {number(sum(messages))} messages, at most {number(max(messages))} in"
        f" {unit}; {quantity(sum(octets))} of traffic, at most"
        f" {quantity(max(octets))} in {unit}."
    )
    picture = element(
        "svg",
        _bars(messages, "messages", upward=True),
        _bars(octets, "octets", upward=False),
        element("rect", x=0, y=_HEIGHT, width=width, height=_LINE, class_="axis"),
        viewBox=f"0 0 {width} {2 * _HEIGHT + _LINE}",
        preserveAspectRatio="none",
        role="img",
        aria_label=told,
    )
    top = (
        element(
            "span",
            element("i", class_="messages"),
            f"Messages: at most {number(max(messages))} in {unit}",
        ),
        element(
            "span",
            element("i", class_="octets"),
            f"Traffic: at most {quantity(max(octets))} in {unit}",
        ),
    )
    return element(
        "figure",
        element("figcaption", element("b", title), " ", _sum(messages, octets)),
        picture,
        element("div", (element("span", one) for one in ticks), class_="ticks"),
        element("div", top, class_="legend", aria_hidden="true"),
    )


def _sum(messages: Sequence[int], octets: Sequence[int]) -> str:
    return f"{number(sum(messages))} messages, {quantity(sum(octets))}"


def _bars(values: Sequence[int], kind: str, upward: bool) -> Markup:
    """
    What is more than nothing can be seen.
    """
    most = max(values) or 1
    bars = []
    for at, value in enumerate(values):
        if value:
            height = max(2, round(_HEIGHT * value / most))
            top = _HEIGHT - height if upward else _HEIGHT + _LINE
            bars.append(f"M{_STEP * at + 1} {top}h{_STEP - 2}v{height}h{2 - _STEP}z")
    return element("path", d="".join(bars), class_=kind)
