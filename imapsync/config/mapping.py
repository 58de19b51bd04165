"""
A configuration that no file holds: keywords, or whatever else Python has them in
-> sections.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from imapsync.config.section import DEFAULT, Grammar, Option, Section, isFit
from imapsync.errors import ConfigError

#: A value as Python has it: true and false are YES and NO, and an option that is
#: C{None} is not given.
Value = str | int | os.PathLike[str] | None


def sections(
    given: Mapping[str, Value | Mapping[str, Value]], grammar: Grammar
) -> dict[str, Section]:
    """
    The sections of a mapping, in which that of a server is a mapping, too, and all
    else belongs to the default section.

    @raise ConfigError: if it has a name that is not in C{grammar}, or has one
        twice, or a value is of another kind.
    """
    default: dict[str, Value] = {}
    found: dict[str, Section] = {}
    for word, value in given.items():
        if isinstance(value, Mapping):
            name = _meant(grammar.section, word)
            found[name] = _section(name, value, grammar)
        elif word in grammar.sections:
            raise ConfigError(f"[{word}] must be a mapping of options")
        else:
            default[word] = value
    return {DEFAULT: _section(DEFAULT, default, grammar), **found}


def _section(name: str, given: Mapping[str, Value], grammar: Grammar) -> Section:
    options: dict[str, Option] = {}
    section = Section("", name, 0, options)
    for word, value in given.items():
        option = _meant(grammar.option, word, name)
        if option in options:
            raise section.wrong(option, "is given a second time")
        if value is not None:
            options[option] = Option(_text(section, option, value))
    return section


def _text(section: Section, option: str, value: object) -> str:
    """
    A value as a file would have it.
    """
    if isinstance(value, bool):
        return "YES" if value else "NO"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    if not isinstance(value, str):
        kind = type(value).__name__
        raise section.wrong(option, f"must be text, a number or a path, not {kind}")
    if not isFit(value):
        raise section.wrong(option, "has a control character: remove it")
    return value


def _meant(known: Callable[..., str], *words: str) -> str:
    try:
        return known(*words)
    except ValueError as error:
        raise ConfigError(str(error)) from None
