"""
The syntax of configuration files: bytes -> sections of options that know the
line where they stand, so that an error can always point there.

C{configparser} is not used because it forgets line numbers, lets values run on
over lines, and does not tell an unknown name from a known one.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

from imapsync.errors import ConfigError

T = TypeVar("T")
D = TypeVar("D")

#: The name of the section that stands before the first heading.
DEFAULT = ""

_CONTROL = re.compile("[\0-\x08\x0a-\x1f\x7f-\x9f]")
_HEADING = re.compile(r"\[([^\[\]]*)\][ \t]*")


class Grammar(NamedTuple):
    """
    The names that a file may use, as the manual spells them.

    @ivar sections: for each section the options that it may have.
    @ivar aliases: other names of options, and the ones that they stand for.
    """

    sections: Mapping[str, tuple[str, ...]]
    aliases: Mapping[str, str]

    def section(self, word: str) -> str:
        """
        The section that C{word} names.

        @raise ValueError: with the user's text, if there is none.
        """
        known = [name for name in self.sections if name != DEFAULT]
        if word in known:
            return word
        guess = nearest(word, known)
        hint = (
            f"did you mean {_titled(guess)}?"
            if guess
            else f"there are {' and '.join(map(_titled, known))}"
        )
        raise ValueError(f"unknown section [{word}]; {hint}")

    def option(self, word: str, section: str) -> str:
        """
        The option that C{word} names in C{section}, by the manual's spelling.

        @raise ValueError: with the user's text, if there is none.
        """
        names = self.sections[section]
        real = {_folded(name): name for name in names}
        real |= {
            _folded(alias): name
            for alias, name in self.aliases.items()
            if name in names
        }
        if _folded(word) in real:
            return real[_folded(word)]
        raise ValueError(
            f"unknown option {quoted(word)} in {_titled(section)}"
            + self._hint(word, section)
        )

    def _hint(self, word: str, section: str) -> str:
        homes = [
            home
            for home, names in self.sections.items()
            if _folded(word) in map(_folded, names)
        ]
        if homes:
            return f"; it belongs to {' and '.join(map(_titled, homes))}"
        guess = nearest(word, self.sections[section])
        return f"; did you mean {guess}?" if guess else ""


@dataclass(frozen=True)
class Option:
    """
    One C{name = value}.  Its value may be a password.
    """

    value: str = field(repr=False)
    line: int


@dataclass(frozen=True)
class Section:
    """
    A section of a file.

    @ivar line: where its heading stands.
    @ivar options: by the names of the manual.
    """

    path: str
    name: str
    line: int
    options: Mapping[str, Option]

    def __contains__(self, option: str) -> bool:
        return option in self.options

    def get(self, option: str, form: Callable[[str], T], default: D) -> T | D:
        """
        The value of an option, as C{form} makes it of the text in the file.

        @param form: raises C{ValueError} with a predicate, such as C{"must be
            YES or NO"}, if the text is none of its kind.
        @param default: the value of an option that is not given.
        """
        if option not in self.options:
            return default
        try:
            return form(self.options[option].value)
        except ValueError as error:
            raise self.wrong(option, str(error)) from None

    def wrong(self, option: str, predicate: str) -> ConfigError:
        """
        An error that points at C{option}, or at the heading if the option is
        not given.
        """
        return ConfigError(self.about(option, predicate))

    def about(self, option: str, predicate: str) -> str:
        """
        The text of such an error.
        """
        line = self.options[option].line if option in self.options else self.line
        return f"{self.path}:{line}: {option} in {_titled(self.name)} {predicate}"


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


def nearest(word: str, known: Iterable[str]) -> str | None:
    """
    The known name that C{word} is probably meant to be.
    """
    import difflib  # here, because few mistype anything

    real = {_folded(name): name for name in known}
    found = difflib.get_close_matches(_folded(word), real, 1)
    return real[found[0]] if found else None


def quoted(text: str) -> str:
    """
    A piece of a file as errors show it.
    """
    return f'"{text}"' if len(text) <= 60 else f'"{text[:60]}..."'


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
        if _CONTROL.search(line):
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


def _folded(name: str) -> str:
    return name.lower().replace("_", "-")


def _titled(section: str) -> str:
    return "the default section" if section == DEFAULT else f"[{section}]"
