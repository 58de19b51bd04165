"""
Flags as servers send them.
"""

from __future__ import annotations

import re

from imapsync.imap.wire.tokens import Part
from imapsync.model import Flags

_SYSTEM_FLAGS = {
    flag.lower(): flag
    for flag in ("\\Seen", "\\Answered", "\\Flagged", "\\Deleted", "\\Draft")
}

#: A flag that can be sent to another server as it stands.
_FLAG = re.compile(rb"[^\0-\x20\x7f(){\"]+")
#: Flags among which is a keyword with a parenthesis, which no flag can have: they
#: end where another attribute begins, or the response ends.
_ODD_FLAGS = re.compile(
    rb"(?<=[ (])(FLAGS \()(.{0,4000}?)(\))(?=\)?\Z| (?:UID|MODSEQ|RFC822\.SIZE"
    rb"|INTERNALDATE|EMAILID|THREADID|SAVEDATE|BODY|BINARY)[ \[])",
    re.IGNORECASE | re.DOTALL,
)


def parseFlags(raw: bytes) -> Flags:
    """
    Space-separated flags, without C{\\Recent}, system flags in their usual
    spelling.  Octets beyond ASCII survive the way back (Latin-1); what could
    not be sent to another server is no flag.
    """
    words = [word.decode("latin-1") for word in raw.split() if _FLAG.fullmatch(word)]
    flags = (_SYSTEM_FLAGS.get(word.lower(), word) for word in words)
    return frozenset(flag for flag in flags if flag.lower() != "\\recent")


def withoutOdd(parts: list[Part]) -> list[Part]:
    """
    The same without what is no flag where flags are, be it a parenthesis.
    """

    def flags(match: re.Match[bytes]) -> bytes:
        words = (word for word in match[2].split() if _FLAG.fullmatch(word))
        return match[1] + b" ".join(words) + match[3]

    return [
        part if part is None or index % 2 else _ODD_FLAGS.sub(flags, part)
        for index, part in enumerate(parts)
    ]
