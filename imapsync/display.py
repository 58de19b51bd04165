"""
What servers and users wrote, fit for a log or a terminal: it can neither paint there
nor begin a line, is of bounded length, and does not look like what it is not.

In an escape, C{\\xHH} is an octet that belongs to no character, C{\\uHHHH} and
C{\\UHHHHHHHH} are characters.
"""

from __future__ import annotations

import re
import time
import unicodedata
from binascii import crc32
from collections.abc import Iterator

#: In characters: more of a line helps nobody.
LONGEST = 2000
#: So much of a name is more than servers take.
_LONGEST_NAME = 1000
#: More marks on a letter than any language has paint over other lines.
_MARKS = 4

# Patterns are compiled when they are needed, which is seldom.

#: Not seen at all, though they count as printable (Unicode: Default_Ignorable); and
#: a blank that does not count as one.
_UNSEEN = (
    "\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0"
    "\U000e0100-\U000e01ef"
)
#: They look like C{-}, C{/}, C{.} and C{:}; or like two letters or more.
_ALIKE = (
    "\u2010\u2011\u2212\u2044\u2215\u2571\u29f8\u2024\u2236\ua789"
    "\u0132\u0133\u01c4-\u01cc\u01f1-\u01f3\u2160-\u217f\ufb00-\ufb06"
)
#: Scripts with letters that look alike.
_SCRIPTS = frozenset("LATIN GREEK CYRILLIC ARMENIAN CHEROKEE COPTIC".split())
#: Greek and Cyrillic letters that are the same as Latin ones.
_LATIN = frozenset(
    "\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5"
    "\u03a7\u03bf\u0405\u0406\u0408\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420"
    "\u0421\u0422\u0423\u0425\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0455\u0456"
    "\u0458\u04bb\u04cf\u0501\u051b\u051d"
)
#: They make a syllable with the one before (Unicode, 3.12).
_JAMO = "[\u1161-\u1175\u11a8-\u11c2]"
_WORD = r"[^\W\d_]+"


def line(text: str, most: int = LONGEST) -> str:
    """
    One line of it.

    @param most: so many characters, at the most.
    """
    if text.isascii() and text.isprintable() and len(text) <= most:
        return text
    text = " ".join(text[: most + 1].splitlines())
    heaped = set(_heaped(text))
    safe = "".join(
        " "
        if char == "\t" or unicodedata.category(char) == "Zs"
        else char
        if char.isprintable() and at not in heaped
        else _escape(char)
        for at, char in enumerate(text)
    )
    return safe if len(safe) <= most else f"{safe[: most - 3]}..."


def octets(raw: bytes, most: int = LONGEST) -> str:
    """
    One line of what should be UTF-8.

    @param most: so many octets are enough.
    """
    return line(raw[:most].decode("utf-8", "backslashreplace"), most)


def keyword(flag: str) -> str:
    """
    A flag, whose octets are the characters of C{flag}; some programs write UTF-8.
    """
    return octets(flag.encode("latin-1", "replace"))


def cells(text: str) -> int:
    """
    How many columns of a terminal it takes.
    """
    return sum(
        0
        if unicodedata.category(char) in ("Mn", "Me")
        else 1 + (unicodedata.east_asian_width(char) in "WF")
        for char in text
    )


def moment(seconds: int) -> str:
    """
    A time, as the clock on the wall shows it.

    @param seconds: since 1970.
    """
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))


def quantity(number: int) -> str:
    """
    So many octets, for people.
    """
    size, units = float(number), ["octets", "KiB", "MiB", "GiB", "TiB"]
    while size >= 1024 and len(units) > 1:
        size /= 1024
        del units[0]
    return f"{number} octets" if units[0] == "octets" else f"{size:.1f} {units[0]}"


def shown(name: str) -> str:
    """
    A mailbox's name.  No two names are shown alike: what is not seen, or looks like
    something else, is an escape.
    """
    if _isPlain(name):
        return name
    odd = {*_oddities(name), *_foreign(name), *_heaped(name), *_blanks(name)}
    safe = ""
    for at in reversed(range(len(name))):
        char = name[at]
        if at in odd or not char.isprintable():
            safe = _escape(char) + safe
        elif char == "\\" and safe[:1] in ("\\", "x", "u", "U"):
            safe = "\\\\" + safe  # else it would look like an escape
        else:
            safe = char + safe
    if len(safe) <= _LONGEST_NAME:
        return safe
    digest = crc32(name.encode("utf-8", "surrogatepass"))
    return f"{safe[:_LONGEST_NAME]}... ({len(name)} characters, {digest:08x})"


def _isPlain(name: str) -> bool:
    """
    Whether it looks like no other one.
    """
    return (
        name.isascii()
        and name.isprintable()
        and len(name) <= _LONGEST_NAME
        and name == name.strip(" ")
        and not any(some in name for some in ("\\", "  ", " /", "/ "))
    )


def _escape(char: str) -> str:
    number = ord(char)
    if 0xDC00 <= number <= 0xDCFF:  # see C{surrogateescape}
        return rf"\x{number - 0xDC00:02x}"
    return rf"\u{number:04x}" if number <= 0xFFFF else rf"\U{number:08x}"


def _oddities(name: str) -> Iterator[int]:
    """
    Where something is not seen, looks like something else, or is not as NFC would
    have it.
    """
    for found in re.finditer(f"[{_UNSEEN}{_ALIKE}]", name):
        yield found.start()
    if unicodedata.is_normalized("NFC", name):
        return
    for at, char in enumerate(name):
        if (
            re.match(_JAMO, char)
            or unicodedata.category(char)[0] == "M"
            or not unicodedata.is_normalized("NFC", char)
        ):
            yield at


def _foreign(name: str) -> Iterator[int]:
    """
    Where a letter is of another script than its word, or the word of another one
    than it seems to be.
    """
    if name.isascii():
        return
    for word in re.finditer(_WORD, name):
        scripts = [unicodedata.name(char, "").partition(" ")[0] for char in word[0]]
        found = [script for script in scripts if script in _SCRIPTS]
        own = "LATIN" if "LATIN" in found else "".join(found[:1])
        seems = "LATIN" if _LATIN.issuperset(word[0]) else own
        for at, script in enumerate(scripts, word.start()):
            if script in _SCRIPTS and script != seems:
                yield at


def _heaped(text: str) -> Iterator[int]:
    """
    Where a mark is on nothing, or on too many others.
    """
    if text.isascii():
        return
    marks = _MARKS
    for at, char in enumerate(text):
        if unicodedata.category(char)[0] != "M":
            marks = 0 if char.isalnum() else _MARKS
        elif marks >= _MARKS:
            yield at
        else:
            marks += 1


def _blanks(name: str) -> Iterator[int]:
    """
    Where a blank is easily overlooked: at an end of a level, or beside another.
    """
    for at, char in enumerate(name):
        before, after = name[at - 1 : at], name[at + 1 : at + 2]
        if char == " " and (before in ("", "/", " ") or after in ("", "/")):
            yield at
