"""
What machines are told, held against what is promised to them.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import imapsync

#: Where it is in a source tree, and where it is installed.
_PLACES = (
    Path(imapsync.__file__).parents[1] / "doc" / "schema.json",
    Path(sys.prefix) / "share" / "doc" / "imapsync" / "schema.json",
)

_TYPES = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
}


def complaints(document: Any) -> list[str]:
    """
    What of a document is not as C{doc/schema.json} has it, or is not told there at all.
    """
    schema = json.loads(next(filter(Path.exists, _PLACES)).read_text())
    return [*_complaints(document, schema, schema)]


def _complaints(value: Any, schema: Any, root: Any, place: str = "") -> Iterator[str]:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        yield from _complaints(value, root["$defs"][name], root, place)
        return
    if "anyOf" in schema:
        tried = [[*_complaints(value, one, root, place)] for one in schema["anyOf"]]
        yield from min(tried, key=len)
        return
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if kinds and not any(_isA(value, kind) for kind in kinds):
        yield f"{place}: {value!r} is not {kinds}"
    allowed = schema.get("enum", [schema["const"]] if "const" in schema else [value])
    if value not in allowed:
        yield f"{place}: {value!r} is none of {allowed}"
    if isinstance(value, str) and not re.search(schema.get("pattern", ""), value):
        yield f"{place}: {value!r} does not match"
    if isinstance(value, dict) and "properties" in schema:
        yield from _fields(value, schema, root, place)
    if isinstance(value, list) and "items" in schema:
        for number, item in enumerate(value):
            yield from _complaints(item, schema["items"], root, f"{place}/{number}")


def _fields(value: Any, schema: Any, root: Any, place: str) -> Iterator[str]:
    for name in schema.get("required", ()):
        if name not in value:
            yield f"{place}: no {name}"
    for name, item in value.items():
        if name in schema["properties"]:
            found = schema["properties"][name]
            yield from _complaints(item, found, root, f"{place}/{name}")
        else:
            yield f"{place}: {name} is not documented"


def _isA(value: object, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    return isinstance(value, _TYPES[kind])  # type: ignore[arg-type]
