"""
The words of a command, as they are written.
"""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from imapsync import names
from imapsync.model import Flags

#: C{flag} (RFC 9051, 9): a backslash perhaps, and atom characters.
_FLAG = re.compile(r"""\\?[!#$&'+,./0-9:;<=>?@A-Z\[^_`a-z|}~-]+""")

_DATE = re.compile(
    r"((?: ?\d|\d\d)-[A-Za-z]{3}-\d{4})"
    r" (?:[01]\d|2[0-3]):[0-5]\d:(?:[0-5]\d|60) ([+-]\d{4})",
    re.ASCII,
)
#: The kind of date that every server takes.
USUAL = "usual"

#: With two places for the day.
_LENGTH = len("01-Jan-1970 00:00:00 +0000")
_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()


class Literal(NamedTuple):
    """
    A word that must be sent as a literal.
    """

    octets: bytes


Word = bytes | Literal


def astring(octets: bytes) -> Word:
    """
    An C{astring} (RFC 9051, 9): quoted where that can be, else a literal.
    """
    if len(octets) > 1000 or any(c in b"\r\n\0" or c > 126 for c in octets):
        return Literal(octets)
    return b'"%s"' % octets.replace(b"\\", b"\\\\").replace(b'"', b'\\"')


def mailboxWord(name: str) -> Word:
    """
    A mailbox name as a command's argument, in modified UTF-7.
    """
    return astring(names.encode(name))


def isFlag(flag: str) -> bool:
    """
    Whether it can be sent: some servers tell what is no flag in IMAP.
    """
    return _FLAG.fullmatch(flag) is not None


def flagList(flags: Flags) -> bytes:
    """
    A parenthesised list of flags, in a stable order.

    @raise ValueError: if one is no flag.
    """
    # What is kept takes little.
    return (_usualFlags if len(flags) < 20 else _flagList)(flags)


def _flagList(flags: Flags) -> bytes:
    for flag in flags:
        if not isFlag(flag):
            raise ValueError(f"no flag: {flag!r}")
    return b"(%s)" % " ".join(sorted(flags)).encode("ascii")


#: Servers repeat few combinations of flags.
_usualFlags = lru_cache(maxsize=4096)(_flagList)


def dateTime(text: str) -> bytes:
    """
    A C{date-time} (RFC 9051, 9), from one that is of some L{dateKind}.
    """
    return b'"%b"' % text.encode("ascii").rjust(_LENGTH)


def dateKind(text: str) -> str:
    """
    Of which kind a date is that a server sent; empty if it is none.

    Dates are of the same kind if a server that takes one takes the other: some take
    no year that their clocks cannot show, or no odd zone.
    """
    match = _DATE.fullmatch(text)
    return _kind(*match.groups()) if match else ""


@lru_cache(maxsize=4096)
def _kind(day: str, zone: str) -> str:
    number, month, year = day.split("-")
    hours, minutes = int(zone[1:3]), int(zone[3:])
    try:
        date(int(year), _MONTHS.index(month.capitalize()) + 1, int(number))
    except ValueError:
        return ""  # there is no such day
    if hours > 23 or minutes > 59:
        return ""
    usual = "1970" <= year < "2038" and hours < 15 and minutes % 15 == 0
    return USUAL if usual else f"{year} {zone}"
