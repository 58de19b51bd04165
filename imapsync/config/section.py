"""
What a configuration may say: sections, the options that each may have, and their
values as text, with the place of each, so that an error can always point there.
"""

# Annotations are evaluated here: as text, that of each field of a tuple would be
# compiled whenever the program starts.

import re
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple, TypeVar

from imapsync.errors import ConfigError

T = TypeVar("T")
D = TypeVar("D")

#: The name of the section that stands before the first heading.
DEFAULT = ""

# A pattern that few texts need: to compile it takes time.
_UNFIT = "[\0-\x08\x0a-\x1f\x7f-\x9f\ud800-\udfff]"


class Grammar(NamedTuple):
    """
    The names that there are, as the manual spells them.

    @ivar sections: for each section the options that it may have.
    @ivar aliases: other names of options, and the ones that they stand for.
    @ivar foreign: options of other programs, and what to do about each.
    """

    sections: Mapping[str, tuple[str, ...]]
    aliases: Mapping[str, str]
    foreign: Mapping[str, str] = MappingProxyType({})

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
            else f"there are {', '.join(map(_titled, known))}"
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
        for name, advice in self.foreign.items():
            if _folded(word) == _folded(name):
                raise ValueError(f"there is no option {name} here: {advice}")
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


class Option(NamedTuple):
    """
    A value, which may be a password, and the line where it stands.
    """

    value: str
    line: int = 0

    def __repr__(self) -> str:
        return f"Option(line={self.line})"


class Section:
    """
    What one section says.

    @ivar path: the file in which it stands; empty if it stands in none, and no
        line means anything.
    @ivar line: where its heading stands.
    @ivar options: by the names of the manual.
    """

    def __init__(
        self, path: str, name: str, line: int, options: Mapping[str, Option]
    ) -> None:
        self.path = path
        self.name = name
        self.line = line
        self.options = options

    def __contains__(self, option: str) -> bool:
        return option in self.options

    def get(self, option: str, form: Callable[[str], T], default: D) -> T | D:
        """
        The value of an option.

        @param form: makes it of the text; raises C{ValueError} with a predicate,
            such as C{"must be YES or NO"}, if that is none of its kind.
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
        text = f"{option} in {_titled(self.name)} {predicate}"
        if not self.path:
            return text
        line = self.options[option].line if option in self.options else self.line
        return f"{self.path}:{line}: {text}"


def isFit(text: str) -> bool:
    """
    Whether a value can hold that: no control characters but TAB, and nothing that is
    no character by itself.
    """
    return text.isprintable() or not re.search(_UNFIT, text)


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
    A piece of a configuration as errors show it.
    """
    return f'"{text}"' if len(text) <= 60 else f'"{text[:60]}..."'


def _folded(name: str) -> str:
    return name.lower().replace("_", "-")


def _titled(section: str) -> str:
    return "the default section" if section == DEFAULT else f"[{section}]"
