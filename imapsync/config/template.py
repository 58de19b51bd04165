"""
Placeholders, and what becomes of them: C{{user}}, C{{2}}, C{{host}}, and the two parts
of an address, C{{user.local}} and C{{user.domain}}.

What a list says is data.  No placeholder in it is replaced; in the name of a file it is
a part of one name; and for a command it is one word, as far as it is one for any shell
that may come to read it: there may be several, one within the other, as with C{ssh},
and quotes that are right for one of them are not for the next.
"""

# Annotations are evaluated here: as text, that of each field of a tuple would be
# compiled whenever the program starts.

import re
from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

from imapsync.config.database import part
from imapsync.config.rows import USER
from imapsync.config.section import quoted

Values = tuple[str, ...]
Safe = Callable[[str], str]

_BRACE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")

#: What no shell takes for anything but a piece of a word, and no command for an option
#: or for the way to another file.
_WORD = re.compile(r"\w[\w@%+:.-]*")

#: Octets, with room for what a database puts behind its name.
_LONGEST = 240


class Placeholder(NamedTuple):
    """
    What stands for a value.

    @ivar name: as it is written, without braces.
    @ivar place: in the row.
    @ivar part: C{"local"} or C{"domain"}, if it is for a part of an address.
    """

    name: str
    place: int
    part: str = ""

    def of(self, values: Values) -> str:
        """
        What it stands for in a row.

        @raise ValueError: with a predicate for the row, if that is nothing.
        """
        if self.place >= len(values):
            raise ValueError(f"has no column {self.place + 1} for {{{self.name}}}")
        value = values[self.place]
        local, at, domain = value.rpartition("@")
        if self.part == "local":
            return local if at else value
        if self.part == "domain" and not at:
            raise ValueError(f"has no @, and so no {{{self.name}}}: {quoted(value)}")
        return domain if self.part else value


class Template(NamedTuple):
    """
    A text with placeholders.
    """

    pieces: tuple[str | Placeholder, ...]

    @property
    def placeholders(self) -> tuple[Placeholder, ...]:
        """
        All that are in it.
        """
        return tuple(one for one in self.pieces if isinstance(one, Placeholder))

    def filled(self, values: Values, safe: Safe = str) -> str:
        """
        The text for a row.

        @param safe: makes of a value what may stand in such a text.
        @raise ValueError: with a predicate for the row, if there is none.
        """
        return "".join(
            piece if isinstance(piece, str) else safe(piece.of(values))
            for piece in self.pieces
        )


def template(text: str, columns: Mapping[str, int]) -> Template:
    """
    Understand a text.

    @param columns: see L{Table<imapsync.config.rows.Table>}.
    @raise ValueError: with a predicate, if a brace in it means nothing.
    """
    pieces: list[str | Placeholder] = []
    end = 0
    for match in _BRACE.finditer(text):
        pieces.append(text[end : match.start()])
        end = match.end()
        if match[0] in ("{{", "}}"):
            pieces.append(match[0][0])
        elif match[1] is None:
            # Not what stands there: it may be a password.
            raise ValueError("has a brace that is no placeholder's: double it")
        else:
            pieces.append(_placeholder(match[1], columns))
    pieces.append(text[end:])
    return Template(tuple(piece for piece in pieces if piece))


def _placeholder(name: str, columns: Mapping[str, int]) -> Placeholder:
    known = name.strip().lower()
    column, _, part = known.rpartition(".")
    if known in columns:
        return Placeholder(name, columns[known])
    if re.fullmatch("[1-9][0-9]{0,3}", known):
        return Placeholder(name, int(known) - 1)
    if part in ("local", "domain") and (column in columns or column.isdigit()):
        return _placeholder(column, columns)._replace(name=name, part=part)
    names = ", ".join(f"{{{one}}}" for one in columns)
    raise ValueError(
        f"has {{{name[:60]}}}, but the list has no such column: there are {names}, and"
        " {1} and so on by their places; a brace that is to stay is written twice"
    )


def fileName(value: str) -> str:
    """
    A value in the name of a file: of one that is in the folder that the template
    says.
    """
    if not value:
        raise ValueError("would have an empty value in a name of a file")
    safe = part(value)
    return f"%{ord(safe[0]):02X}{safe[1:]}" if safe[0] in ".~" else safe


def checkFile(path: str) -> str:
    """
    A name of a file that has been filled in.
    """
    if any(len(one.encode()) > _LONGEST for one in path.split("/")):
        raise ValueError(f"would have a name of more than {_LONGEST} octets")
    return path


def word(value: str) -> str:
    """
    A value in a command: one word.
    """
    if _WORD.fullmatch(value):
        return value
    # Not what it is: it may be a secret.
    raise ValueError(
        "takes from a list only letters, digits and @%+:._-, a letter or a digit first:"
        ' let the command use "$IMAPSYNC_USER", or "$IMAPSYNC_COLUMN_2" and so on,'
        " instead"
    )


def environment(
    columns: Mapping[str, int], values: Values, secret: Collection[int] = ()
) -> tuple[str, ...]:
    """
    What the commands of an account find in their environment, each C{NAME=VALUE}.

    @param secret: the places of what is not to be there.
    """
    names = [(f"{place + 1}", place) for place in range(len(values))]
    names += [(re.sub("[^A-Z0-9_]", "_", a.upper()), columns[a]) for a in columns]
    found = {"IMAPSYNC_USER": values[columns[USER]]}
    for name, place in names:
        if place not in secret:
            found.setdefault(f"IMAPSYNC_COLUMN_{name}", values[place])
    return tuple(f"{name}={value}" for name, value in found.items())
