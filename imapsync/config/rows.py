"""
The text of a list of accounts: CSV (RFC 4180) -> rows that know their lines.

Each line is taken by itself: no value can hold an end of line, and a quote that is not
closed spoils no other row.
"""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from imapsync.config.section import isFit
from imapsync.errors import ConfigError

#: The column that says who it is; without a header, the first.
USER = "user"


#: No row has more characters; csv itself would not take a value that does.
_LONGEST = 100_000


class Row(NamedTuple):
    """
    An account.  Some of the values may be secrets.

    @ivar line: where it stands.
    """

    line: int
    values: tuple[str, ...]

    def __repr__(self) -> str:
        return f"Row(line={self.line}, {len(self.values)} values)"


class Bad(NamedTuple):
    """
    A row that is left out.

    @ivar line: where it stands.
    @ivar why: and what to do about it.
    @ivar name: what the account would be called; empty if that is not known.
    """

    line: int
    why: str
    name: str = ""


class Table(NamedTuple):
    """
    All rows of a list.

    @ivar columns: their places, by names in lower case; C{user} is always among them.
    @ivar width: how many values each row has; C{None} if no header says so.
    """

    columns: Mapping[str, int]
    width: int | None
    rows: tuple[Row, ...]
    bad: tuple[Bad, ...]


def parse(where: str, data: bytes, header: bool | None = None) -> Table:
    """
    Read a list.

    @param where: what errors call it.
    @param header: whether the first line that says something names the columns;
        C{None}: it does if one of them is called C{user}.
    @raise ConfigError: if two columns have one name.
    """
    bad: list[Bad] = []
    rows = list(_rows(data, bad))
    columns: Mapping[str, int] = {USER: 0}
    width = None
    if rows and (header or (header is None and USER in _names(rows[0].values))):
        head, *rows = rows
        columns = _columns(where, head)
        width = len(head.values)
    return Table(columns, width, tuple(rows), tuple(bad))


def _rows(data: bytes, bad: list[Bad]) -> Iterator[Row]:
    """
    What can be read.

    @param bad: gets what cannot.
    """
    for number, line in enumerate(data.removeprefix(codecs.BOM_UTF8).split(b"\n"), 1):
        try:
            text = line.decode().strip(" \t\r")
            if not text or text.startswith("#"):
                continue
            yield Row(number, _values(text))
        except UnicodeDecodeError:
            bad.append(Bad(number, "is no UTF-8 text: save the list as UTF-8"))
        except csv.Error:
            bad.append(
                Bad(
                    number,
                    "has double quotes that do not fit: they stand around a whole"
                    ' value, and within one, "" stands for one',
                )
            )
        except ValueError as error:
            bad.append(Bad(number, str(error)))


def _values(text: str) -> tuple[str, ...]:
    if "\t" in text:
        raise ValueError("has a tab: values have commas between them")
    if not isFit(text):
        raise ValueError("has a control character: remove it")
    if len(text) > _LONGEST:
        raise ValueError(f"has more than {_LONGEST:,} characters: it is no account")
    [values] = csv.reader([text], skipinitialspace=True, strict=True)
    return tuple(value.strip(" ") for value in values)


def _names(values: Sequence[str]) -> list[str]:
    return [value.lower() for value in values]


def _columns(where: str, head: Row) -> Mapping[str, int]:
    columns = {USER: 0}
    seen: set[str] = set()
    for place, name in enumerate(_names(head.values)):
        if name in seen:
            raise ConfigError(
                f'{where}:{head.line}: two columns are called "{name}": rename one'
            )
        if name:
            seen.add(name)
            columns[name] = place
    return columns
