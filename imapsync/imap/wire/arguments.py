"""
The words of a command, as they are written.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from imapsync import names
from imapsync.model import Flags

#: What a flag cannot hold, lest it be taken for something else.
_NO_FLAG = re.compile('[\0-\x20\x7f(){"]|[^\0-\xff]')


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


def flagList(flags: Flags) -> bytes:
    """
    A parenthesised list of flags, in a stable order.

    @raise ValueError: if one is no flag.
    """
    # What is kept takes little.
    return (_usualFlags if len(flags) < 20 else _flagList)(flags)


def _flagList(flags: Flags) -> bytes:
    for flag in flags:
        if not flag or _NO_FLAG.search(flag):
            raise ValueError(f"no flag: {flag!r}")
    return b"(%s)" % " ".join(sorted(flags)).encode("latin-1")


#: Servers repeat few combinations of flags.
_usualFlags = lru_cache(maxsize=4096)(_flagList)
