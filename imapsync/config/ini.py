"""
The syntax of configuration files: bytes -> sections of options that know the
line where they stand, so that an error can always point there.

C{configparser} is not used because it forgets line numbers, lets values run on
over lines, and does not tell an unknown name from a known one.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator

from imapsync.config.section import DEFAULT, Grammar, Option, Section, isFit
from imapsync.errors import ConfigError

_HEADING = re.compile(r"\[([^\[\]]*)\][ \t]*")


def parse(path: str, data: bytes, grammar: Grammar) -> dict[str, Section]:
    """
    The sections of a file; the default section is always there.

    @param path: what errors call the file.
    @raise ConfigError: if the file breaks the syntax, has a name that is not
        in C{grammar}, or has one twice.
    """
    headings = {DEFAULT: 1}
    options: dict[str, dict[str, Option]] = {DEFAULT: {}}
    section = DEFAULT
    for number, line in _lines(path, data):
        try:
            if line.startswith("["):
                section = grammar.section(_heading(line))
                _refuseSecond(f"section [{section}]", headings.get(section))
                headings[section] = number
                options[section] = {}
            else:
                word, value = _assignment(line)
                name = grammar.option(word, section)
                if name in options[section]:
                    _refuseSecond(name, options[section][name].line)
                options[section][name] = Option(value, number)
        except ValueError as error:
            raise _wrong(path, number, str(error)) from None
    return {
        name: Section(path, name, line, options[name])
        for name, line in headings.items()
    }


def _lines(path: str, data: bytes) -> Iterator[tuple[int, str]]:
    """
    The lines that say something, with their numbers.
    """
    try:
        text = data.removeprefix(codecs.BOM_UTF8).decode()
    except UnicodeDecodeError as error:
        number = error.object.count(b"\n", 0, error.start) + 1
        raise _wrong(path, number, "not UTF-8 text: save the file as UTF-8") from None
    for number, ended in enumerate(text.split("\n"), 1):
        line = ended.removesuffix("\r").rstrip(" \t")
        if not line or line[0] in "#;":
            continue
        if not isFit(line):
            raise _wrong(path, number, "a control character: remove it")
        yield number, line


def _heading(line: str) -> str:
    match = _HEADING.fullmatch(line)
    if match is None:
        raise ValueError("a section heading is [NAME] and nothing else")
    return match[1].strip(" \t")


def _assignment(line: str) -> tuple[str, str]:
    # Neither text shows the line: it may hold a password.
    if line[0] in " \t":
        raise ValueError(
            "the line is indented: start it at its beginning"
            " (a value ends with its line)"
        )
    word, equals, value = line.partition("=")
    word = word.rstrip(" \t")
    if not equals or not word:
        raise ValueError("expected OPTION = VALUE, [SECTION] or a # comment")
    return word, value.lstrip(" \t")


def _refuseSecond(what: str, first: int | None) -> None:
    if first is not None:
        raise ValueError(f"{what} is given a second time, after line {first}")


def _wrong(path: str, line: int, text: str) -> ConfigError:
    return ConfigError(f"{path}:{line}: {text}")
