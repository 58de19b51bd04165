"""
Status responses (RFC 9051, 7.1): their text is for people, their code for us.
"""

from __future__ import annotations

import re

from imapsync.imap.wire.responses import Condition
from imapsync.imap.wire.text import printable
from imapsync.uidset import parsed

_STATUS = re.compile(
    rb"(\S+) (OK|NO|BAD|BYE|PREAUTH)(?: (.*))?", re.IGNORECASE | re.DOTALL
)
#: Only what is a word can be a code; it is shown to people.
_CODE = re.compile(rb"\[([!#-'*-Z^-z|}~]{1,100})(?=[ \]])")
_LIST_END = re.compile(rb"\)\](?= |\Z)")
_STOP = re.compile(rb"[]\"]")
_QUOTED = re.compile(rb"\"[^\"\\]*(?:\\.[^\"\\]*)*\"", re.DOTALL)


def parseCondition(line: bytes) -> Condition | None:
    """
    Read a status response, tagged or untagged, if it is one.
    """
    match = _STATUS.fullmatch(line)
    if match is None:
        return None
    tag, status, text = match.groups()
    code, arguments, text = _coded(text or b"")
    return Condition(
        tag.decode("ascii", "replace"),
        status.decode("ascii").upper(),
        code.decode("ascii").upper(),
        arguments,
        printable(text),
    )


def _coded(text: bytes) -> tuple[bytes, bytes, bytes]:
    """
    Code, arguments and what follows.
    """
    match = _CODE.match(text)
    if match is None:
        return b"", b"", text
    end = _end(text, match.end())
    if end < 0:
        return b"", b"", text
    arguments, rest = text[match.end() : end].strip(), text[end + 1 :]
    return match[1], arguments, rest.removeprefix(b" ")


def _end(text: bytes, at: int) -> int:
    """
    Where the bracket is closed: in flags and strings there may be some, too.
    """
    first = text.find(b"]", at)
    if text.startswith(b" (", at):
        match = _LIST_END.search(text, at)
        return first if match is None else match.start() + 1
    while stop := _STOP.search(text, at):
        if stop[0] == b"]":
            return stop.start()
        quoted = _QUOTED.match(text, stop.start())
        if quoted is None:
            break
        at = quoted.end()
    return first


def unrolled(uids: bytes, most: int) -> tuple[int, ...]:
    """
    The UIDs of APPENDUID or COPYUID, in the order that gives them a meaning;
    none if they are more than C{most}.

    @raise ValueError: if they are no UIDs.
    """
    ranges = parsed(uids)
    if sum(last - first + 1 for first, last in ranges) > most:
        return ()
    return tuple(uid for first, last in ranges for uid in range(first, last + 1))
