"""
What is typed behind C{--init}.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from imapsync.config.settings import GRAMMAR
from imapsync.errors import UsageError
from imapsync.model import Side

Options = Mapping[str, str]


class Given(NamedTuple):
    """
    What was typed behind C{--init} about a side.

    @ivar where: an address, or a server; may be empty.
    @ivar options: by the names of the manual.
    """

    where: str
    options: Options

    def __repr__(self) -> str:
        return f"Given({self.where!r}, {[*self.options]})"


def read(words: Sequence[str]) -> Mapping[Side, Given]:
    """
    Understand C{local=ADDRESS}, C{remote.port=993} and the like.

    @raise UsageError: if they are something else.
    """
    where: dict[str, str] = {}
    options: dict[str, dict[str, str]] = {str(side): {} for side in Side}
    for word in words:
        name, equals, value = word.partition("=")
        section, dot, option = name.partition(".")
        if section not in options or not equals:
            # What is behind the name may be a password.
            raise UsageError(
                "--init takes local=ADDRESS, remote=ADDRESS and words such as"
                f' remote.password-command=COMMAND, not "{name}"'
            )
        given, key = (options[section], option) if dot else (where, section)
        if dot:
            try:
                key = GRAMMAR.option(option, section)
            except ValueError as error:
                raise UsageError(f"--init: {error}") from None
        if key in given or not value:
            wrong = "is given twice" if key in given else "is empty"
            raise UsageError(f"--init: {name} {wrong}")
        given[key] = value
    for section in where:
        if "command" in options[section]:
            raise UsageError(
                f"--init: {section} and {section}.command exclude each other"
            )
    return {side: Given(where.get(str(side), ""), options[str(side)]) for side in Side}
