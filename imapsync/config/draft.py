"""
A configuration that does not exist yet: values -> the text of a file, which is read
back as those values.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from imapsync.config import ini
from imapsync.config.section import DEFAULT
from imapsync.config.server import OPTIONS
from imapsync.config.settings import GRAMMAR
from imapsync.display import line
from imapsync.errors import ConfigError
from imapsync.model import Side

#: Characters of a remark's line.
_WIDTH = 76


class Draft(NamedTuple):
    """
    What a file is to say of one server.

    @ivar options: by the names of the manual.
    @ivar remarks: for some options, what is said to people in front of them; for an
        empty name, in front of all.
    """

    options: Mapping[str, str]
    remarks: Mapping[str, str]

    def __repr__(self) -> str:
        return f"Draft({[*self.options]})"


_HEAD = """\
# A configuration of imapsync, as its manual describes it: one account on two servers,
# which are kept equal.  A line that begins with # is a remark.

# By default, only mailboxes that are subscribed to are synchronised, and INBOX; for
# all of them, take the # away from this line:
#list-select-opts =
"""


def text(drafts: Mapping[Side, Draft]) -> str:
    """
    The file.

    @raise ConfigError: if a value cannot stand in one.
    """
    lines = [_HEAD.rstrip("\n")]
    for side in Side:
        lines += ["", *_section(side, drafts[side])]
    whole = "\n".join([*lines, ""])
    _check(whole, drafts)
    return whole


def _section(side: Side, draft: Draft) -> Iterator[str]:
    yield f"[{side}]"
    yield from _remark(draft.remarks.get("", ""))
    # In the order of the manual.
    for option in sorted(draft.options, key=OPTIONS.index):
        value = draft.options[option]
        _checkValue(side, option, value)
        yield from _remark(draft.remarks.get(option, ""))
        yield f"{option} = {value}"


def _remark(words: str) -> Iterator[str]:
    import textwrap  # here, because few need it

    # However it is written, it is one paragraph: none of its lines says anything.
    for part in textwrap.wrap(line(words), _WIDTH):
        yield f"# {part}"


def _checkValue(side: Side, option: str, value: str) -> None:
    """
    Refuse what would be read as something else; it may be a password, and so is not
    shown.
    """
    if "\n" in value or "\r" in value:
        raise ConfigError(f"{option} in [{side}] cannot be of several lines")
    if value != value.strip(" \t"):
        raise ConfigError(
            f"{option} in [{side}] cannot begin or end with a space: the spaces around"
            " a value do not count"
        )


def _check(whole: str, drafts: Mapping[Side, Draft]) -> None:
    """
    Read it back.
    """
    try:
        sections = ini.parse("the new configuration", whole.encode(), GRAMMAR)
    except UnicodeEncodeError:
        raise ConfigError("a value has a character that UTF-8 cannot have") from None
    found = {
        name: {option: one.value for option, one in section.options.items()}
        for name, section in sections.items()
    }
    wanted: dict[str, Mapping[str, str]] = {DEFAULT: {}}
    wanted |= {str(side): draft.options for side, draft in drafts.items()}
    if found != wanted:
        raise ConfigError("a value cannot stand in a configuration as it is")
