"""
A picture of the rooms: floors, what is in each room, and who imports whom.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from typing import NamedTuple

from house import House, Room, plain

WIDTH, MARGIN, GAP, LINE, CHIP = 880, 24, 14, 16, 20
#: Between floors: there is room for an arrow.
RISE = 26
NARROWEST = 150

STYLE = """\
  <defs>
    <marker id="head" viewBox="0 0 10 10" refX="9" refY="5"
            markerWidth="8" markerHeight="8" orient="auto">
      <path d="M 0 0 L 10 5 L 0 10 z" fill="#444"/>
    </marker>
    <style>
      .pure { fill: #e9f4e5; stroke: #5c9148; }
      .shell { fill: #e7eff8; stroke: #4a78a8; }
      .module { stroke-width: 0.7; }
      .module.pure { fill: #cbe5c1; }
      .module.shell { fill: #c6daef; }
      .flow { fill: none; stroke: #444444; stroke-width: 1.6; marker-end: url(#head); }
      .name { font-weight: bold; font-size: 14px; }
      .small { font-size: 11px; text-anchor: middle; }
      .says { font-size: 12px; }
      .also { font-size: 11px; font-style: italic; fill: #333333; }
    </style>
  </defs>"""


class Box(NamedTuple):
    """
    A room as it is drawn; where, is said later.

    @ivar parts: what is in it, from its upper left corner.
    """

    width: float
    height: float
    parts: tuple[str, ...]


class Placed(NamedTuple):
    """
    Where a room is drawn.
    """

    left: float
    top: float
    box: Box

    @property
    def right(self) -> float:
        """
        Where it ends.
        """
        return self.left + self.box.width


def drawn(house: House) -> str:
    """
    The picture: upper floors above, and an arrow for each import that does not
    follow from others.
    """
    near = {one: _near(one, house.imports) for one in house.imports}
    top = float(MARGIN)
    places: dict[str, Placed] = {}
    for floor in reversed(house.floors):
        boxes = _fitted(floor, [house.imports[r.name] - near[r.name] for r in floor])
        height = max(box.height for box in boxes)
        left = float(MARGIN)
        for room, box in zip(floor, boxes, strict=True):
            places[room.name] = Placed(left, top, box._replace(height=height))
            left += box.width + GAP
        top += height + RISE
    ground = Placed(MARGIN, top, _box(house.ground, WIDTH - 2 * MARGIN, set()))
    parts = [*_arrows(near, places)]
    rooms = {room.name: room for floor in house.floors for room in floor}
    parts += [line for n, placed in places.items() for line in _shown(rooms[n], placed)]
    parts += _shown(house.ground, ground)
    top += ground.box.height + 20
    parts += _legend(top)
    height = round(top + 26)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}"'
            ' role="img"',
            '     font-family="DejaVu Sans, Helvetica, Arial, sans-serif">',
            "  <!-- Made by script/rooms. -->",
            "  <title>The rooms of imapsync</title>",
            STYLE,
            f'  <rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
            *parts,
            "</svg>\n",
        ]
    )


def _near(one: str, imports: dict[str, set[str]]) -> set[str]:
    """
    What C{one} imports, and would not come by through what else it imports.
    """

    def reached(name: str) -> set[str]:
        direct = imports.get(name, set())
        return direct.union(*map(reached, direct))

    direct = imports[one]
    return {other for other in direct if not any(other in reached(x) for x in direct)}


def _fitted(floor: Sequence[Room], also: Sequence[set[str]]) -> list[Box]:
    """
    Share a floor so that it is as low as can be: from equal parts, the lowest box
    gives to the highest.
    """

    def boxes(widths: Sequence[float]) -> list[Box]:
        return [*map(_box, floor, widths, also)]

    def height(boxes: Sequence[Box]) -> float:
        return max(box.height for box in boxes)

    free = WIDTH - 2 * MARGIN - GAP * (len(floor) - 1)
    widths = [free / len(floor)] * len(floor)
    best = boxes(widths)
    for _ in range(60):
        heights = [
            box.height if widths[at] > NARROWEST else height(best)
            for at, box in enumerate(boxes(widths))
        ]
        widths[heights.index(min(heights))] -= 10
        widths[heights.index(max(heights))] += 10
        best = min(best, boxes(widths), key=height)
    return best


def _box(room: Room, width: float, also: set[str]) -> Box:
    """
    A room with all that is written in it.
    """
    name = room.name.rpartition(".")[2]
    title = _length(name, 14) * 1.12 + 24
    parts = [f'<text class="name" x="12" y="20">{escape(name)}</text>']
    y, indent = 20.0, title
    for line in _wrapped(plain(room.says), width - 12, title):
        if _length(line, 12) > width - 12 - indent:
            y, indent = y + LINE, 12
        parts.append(
            f'<text class="says" x="{indent:g}" y="{y:g}">{escape(line)}</text>'
        )
        y, indent = y + LINE, 12
    y = max(y, 20.0 + LINE) - 6
    for row in _rows(room.modules, width - 24):
        x = 12.0
        for module in row:
            parts.append(_chip(module, room.modules[module], x, y))
            x += _chipWidth(module) + 6
        y += CHIP + 5
    if room.inner:
        inner, height = _inside(room.inner, width - 24)
        parts.append(f'<g transform="translate(12 {y + 2:g})">')
        parts += [*inner, "</g>"]
        y += height + 9
    if also:
        text = "also imports " + ", ".join(sorted(also))
        for line in _wrapped(text, width - 12, 12):
            y += 12
            parts.append(f'<text class="also" x="12" y="{y:g}">{escape(line)}</text>')
        y += 3
    return Box(width, round(y + 5), tuple(parts))


def _inside(rooms: Sequence[Room], width: float) -> tuple[list[str], float]:
    """
    The packages in a package, two beside each other.
    """
    each = (width - 8) / 2
    parts: list[str] = []
    top = 0.0
    for at in range(0, len(rooms), 2):
        boxes = [(room, _box(room, each, set())) for room in rooms[at : at + 2]]
        height = max(box.height for _, box in boxes)
        for column, (room, box) in enumerate(boxes):
            place = Placed(column * (each + 8), top, box._replace(height=height))
            parts += _shown(room, place)
        top += height + 8
    return parts, top - 8


def _shown(room: Room, placed: Placed) -> list[str]:
    kind = _kind(room.pure)
    width, height, parts = placed.box
    return [
        f'  <g transform="translate({placed.left:g} {placed.top:g})">',
        f'  <rect class="{kind}" width="{width:g}" height="{height:g}" rx="6"/>',
        *(f"  {part}" for part in parts),
        "  </g>",
    ]


def _kind(pure: bool) -> str:
    return "pure" if pure else "shell"


def _arrows(near: dict[str, set[str]], places: dict[str, Placed]) -> Iterator[str]:
    for one, others in near.items():
        for other in sorted(others, key=lambda name: (places[name].left, name)):
            upper, lower = places[one], places[other]
            start, end = upper.top + upper.box.height, lower.top - 2
            left, right = max(upper.left, lower.left), min(upper.right, lower.right)
            if right - left > 20:
                x = round((left + right) / 2, 1)
                yield f'  <path class="flow" d="M {x:g} {start:g} V {end:g}"/>'
            else:
                x, to = ((box.left + box.right) / 2 for box in (upper, lower))
                yield f'  <path class="flow" d="M {x:g} {start:g} L {to:g} {end:g}"/>'


def _legend(top: float) -> list[str]:
    parts = []
    for x, kind, text in (
        (MARGIN, "pure", "does without Twisted"),
        (MARGIN + 180, "shell", "acts, with Twisted"),
    ):
        parts += [
            f'  <rect class="module {kind}" x="{x}" y="{top:g}" width="20"'
            ' height="14"/>',
            f'  <text class="also" x="{x + 28}" y="{top + 11:g}">{text}</text>',
        ]
    x, text = MARGIN + 350, "imports; what it imports besides is written in the room"
    return [
        *parts,
        f'  <path class="flow" d="M {x} {top + 7:g} h 30"/>',
        f'  <text class="also" x="{x + 38}" y="{top + 11:g}">{text}</text>',
    ]


def _chip(text: str, pure: bool, x: float, y: float) -> str:
    width, kind = _chipWidth(text), _kind(pure)
    return (
        f'<rect class="module {kind}" x="{x:g}" y="{y:g}" width="{width:g}"'
        f' height="{CHIP}" rx="3"/><text class="small" x="{x + width / 2:g}"'
        f' y="{y + 14:g}">{escape(text)}</text>'
    )


def _chipWidth(text: str) -> float:
    return round(_length(text, 11) + 14, 1)


def _rows(modules: Iterable[str], width: float) -> list[list[str]]:
    """
    Modules beside each other, as many as fit.
    """
    rows: list[list[str]] = []
    used = width
    for module in modules:
        if used + _chipWidth(module) > width:
            rows.append([])
            used = 0
        rows[-1].append(module)
        used += _chipWidth(module) + 6
    return rows


def _wrapped(text: str, width: float, indent: float) -> list[str]:
    """
    A text in lines; the first begins at C{indent}, the others at the margin.
    """
    lines: list[str] = []
    line, free = "", width - indent
    for word in text.split():
        longer = f"{line} {word}" if line else word
        if line and _length(longer, 12) > free:
            lines.append(line)
            line, free = word, width - 12
        else:
            line = longer
    return [*lines, line] if line else lines


def _length(text: str, size: int) -> float:
    """
    About how wide a text is.
    """
    narrow, wide = (len(re.findall(one, text)) for one in ("[fijlrt .,:;()]", "[mwMW]"))
    return (0.61 * len(text) - 0.24 * narrow + 0.28 * wide) * size
