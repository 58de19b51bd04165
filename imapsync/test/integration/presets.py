"""
What a server is to be without: words that it does not say, commands that it does not
know, and what extensions bring into its answers.

A preset has a name; after slashes may stand what else is left out, as in
C{CONDSTORE/UIDPLUS/MOVE}, and after a plus sign what is left all the same, as in
C{BARE+NAMESPACE}.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

#: What stands for a quoted string where commands are looked at.
_QUOTED = re.compile(rb'"(?:[^"\\]|\\.)*"')

#: A command that no server knows.
_UNKNOWN = b"XUNKNOWN"


class Extension(NamedTuple):
    """
    One that a server can be without.

    @ivar command: matches, in upper case and without tag and quoted strings, what such
        a server takes for BAD.
    @ivar answer: matches what it does not say.
    @ivar attributes: of mailboxes, in lower case, likewise.
    """

    command: bytes = rb"(?!)"
    answer: bytes = rb"(?!)"
    attributes: frozenset[bytes] = frozenset()


_SPECIAL = rb"\all \archive \drafts \flagged \junk \sent \trash \important"

#: By the words of CAPABILITY.
EXTENSIONS = {
    "ACL": Extension(rb"(SETACL|DELETEACL|GETACL|LISTRIGHTS|MYRIGHTS)\b"),
    "BINARY": Extension(rb".*(\bBINARY\b|~\{)"),
    "CHILDREN": Extension(attributes=frozenset({rb"\haschildren", rb"\hasnochildren"})),
    "COMPRESS=DEFLATE": Extension(rb"COMPRESS\b"),
    "CONDSTORE": Extension(
        rb"(SELECT|EXAMINE)\b.*\((CONDSTORE|QRESYNC)"
        rb"|.*\b(CHANGEDSINCE|UNCHANGEDSINCE|MODSEQ|HIGHESTMODSEQ)\b",
        rb"^\* OK \[(HIGHESTMODSEQ|NOMODSEQ)\b.*\n"
        rb"|(?<=\()MODSEQ \(\d+\) ?| MODSEQ \(\d+\)",
    ),
    "CONTEXT=SEARCH": Extension(rb".*\bRETURN \(.*\b(UPDATE|CONTEXT)\b"),
    "CREATE-SPECIAL-USE": Extension(rb"CREATE\b.*\(USE\b"),
    "ENABLE": Extension(rb"ENABLE\b"),
    "ESEARCH": Extension(rb"(UID )?SEARCH RETURN\b"),
    "ID": Extension(rb"ID\b", rb"(?<=\] )Dovecot |(?<=\] )Cyrus "),
    "IDLE": Extension(rb"IDLE\b"),
    "LIST-EXTENDED": Extension(rb"LIST( \(|.*\bRETURN\b)|LIST \S+ \("),
    "LIST-MYRIGHTS": Extension(rb"LIST\b.*\bMYRIGHTS\b"),
    "LIST-STATUS": Extension(rb"LIST\b.*\bSTATUS\b"),
    "LITERAL+": Extension(rb".*\{\d+\+\}\s*$"),
    "LITERAL-": Extension(),
    "METADATA": Extension(rb"(SETMETADATA|GETMETADATA)\b"),
    "MOVE": Extension(rb"(UID )?MOVE\b"),
    "NAMESPACE": Extension(rb"NAMESPACE\b"),
    "NOTIFY": Extension(rb"NOTIFY\b"),
    "OBJECTID": Extension(rb".*\b(MAILBOXID|EMAILID|THREADID)\b"),
    "PARTIAL": Extension(rb".*\bPARTIAL\b"),
    "QRESYNC": Extension(
        rb"(SELECT|EXAMINE)\b.*\(QRESYNC\b|UID FETCH\b.*\bVANISHED\b",
        rb"^\* OK \[CLOSED\].*\n|^\* VANISHED\b.*\n",
    ),
    "QUOTA": Extension(rb"(GETQUOTA|SETQUOTA|GETQUOTAROOT)\b"),
    "REPLACE": Extension(rb"(UID )?REPLACE\b"),
    "SASL-IR": Extension(rb"AUTHENTICATE \S+ \S"),
    "SAVEDATE": Extension(rb".*\bSAVEDATE\b"),
    "SEARCHRES": Extension(rb".*(\bRETURN \(.*\bSAVE\b| \$)"),
    "SORT": Extension(rb"(UID )?SORT\b"),
    "SPECIAL-USE": Extension(
        rb"LIST\b.*\bSPECIAL-USE\b", attributes=frozenset(_SPECIAL.split())
    ),
    "STARTTLS": Extension(rb"STARTTLS\b"),
    "STATUS=SIZE": Extension(rb"(STATUS|LIST)\b.*\bSIZE\b"),
    "THREAD=REFERENCES": Extension(rb"(UID )?THREAD\b"),
    "UIDPLUS": Extension(
        rb"UID EXPUNGE\b", rb"(?<= OK )\[(APPENDUID|COPYUID) [^\]]*\] ?"
    ),
    "UNSELECT": Extension(rb"UNSELECT\b"),
    "X-GUID": Extension(rb".*\bX-GUID\b"),
}

#: What is BAD where there is LITERAL-, and no LITERAL+: more than 4096 octets.
_LONG = Extension(rb".*\{(\d{5,}|[5-9]\d{3}|4[1-9]\d\d|409[7-9])\+\}\s*$")

#: What cannot be had from one that only looks at what goes by.
_NEVER = frozenset({"COMPRESS=DEFLATE", "STARTTLS"})

_LESS = _NEVER | {"QRESYNC", "NOTIFY"}


@dataclass(frozen=True)
class Preset:
    """
    What a server is without.

    @ivar lacks: these words of CAPABILITY.
    @ivar keeps: if not C{None}, it is without all others, too.
    """

    lacks: frozenset[str] = frozenset()
    keeps: frozenset[str] | None = None

    def has(self, word: str) -> bool:
        """
        Whether it is still there.
        """
        word = word.upper()
        if word in self.lacks:
            return False
        if self.keeps is None or word == "IMAP4REV1" or word.startswith("AUTH="):
            return True
        return word in self.keeps

    @property
    def short(self) -> bool:
        """
        Whether literals that do not wait may only be short ones (RFC 7888).
        """
        return not self.has("LITERAL+") and self.has("LITERAL-")

    @property
    def compares(self) -> bool:
        """
        Whether there is nothing that tells whether a mailbox has changed.
        """
        return not self.has("CONDSTORE")

    @property
    def identifies(self) -> bool:
        """
        Whether mailboxes have names that no rename changes.
        """
        return self.has("OBJECTID") or self.has("X-GUID")

    def lacking(self) -> Iterator[Extension]:
        """
        All that it is without, of what there is.
        """
        for word, one in EXTENSIONS.items():
            if not self.has(word):
                yield _LONG if word == "LITERAL+" and self.short else one


PRESETS = {
    "QRESYNC": Preset(_NEVER),
    "CONDSTORE": Preset(_LESS),
    "COMPARING": Preset(_LESS | {"CONDSTORE"}),
    "BARE": Preset(keeps=frozenset()),
    # As Gmail, but for what is Google's own.
    "GMAIL": Preset(
        keeps=frozenset(
            "UNSELECT IDLE NAMESPACE QUOTA ID CHILDREN UIDPLUS ENABLE MOVE CONDSTORE"
            " ESEARCH LIST-EXTENDED LIST-STATUS LITERAL- SPECIAL-USE SASL-IR"
            " X-GUID".split()
        )
    ),
    # As Exchange says that it is.
    "EXCHANGE": Preset(
        keeps=frozenset(
            "SASL-IR UIDPLUS MOVE ID UNSELECT CHILDREN IDLE NAMESPACE LITERAL+"
            " X-GUID".split()
        )
    ),
}


def preset(text: str) -> Preset:
    """
    The one that a text names.
    """
    text, *kept = text.upper().split("+")
    name, *lacks = text.split("/")
    found = PRESETS[name]
    keeps = None if found.keeps is None else found.keeps | set(kept)
    return Preset(found.lacks | set(lacks), keeps)


class Edit:
    """
    What becomes of the lines of a preset's connections.
    """

    def __init__(self, preset: Preset) -> None:
        self._preset = preset
        lacking = [*preset.lacking()]
        self._refused = re.compile(
            b"|".join(rb"(?:%s)" % one.command for one in lacking)
        )
        self._unsaid = re.compile(b"|".join(rb"(?:%s)" % one.answer for one in lacking))
        self._attributes = frozenset[bytes]().union(
            *(one.attributes for one in lacking)
        )

    def refuses(self, command: bytes) -> bool:
        """
        Whether a command, without its tag, is BAD.
        """
        return self._refused.match(_QUOTED.sub(b'""', command).upper()) is not None

    def asked(self, line: bytes) -> bytes:
        """
        A command as the server is to have it: what ENABLE names is ignored where it is
        unknown (RFC 5161, 3.1).
        """
        tag, *words = line.split()
        if [word.upper() for word in words[:1]] != [b"ENABLE"]:
            return line
        kept = [word for word in words[1:] if self._preset.has(word.decode())]
        return b" ".join([tag, b"ENABLE", *(kept or [_UNKNOWN])]) + b"\r\n"

    def told(self, line: bytes) -> bytes:
        """
        An answer, or a part of one between literals, as the client is to have it;
        nothing, if it is not to.
        """
        if b"CAPABILITY " in line:
            line = re.sub(rb"(?<=CAPABILITY )[^\]\r\n]*", self._words, line, count=1)
        if line.startswith((b"* LIST (", b"* LSUB (")):
            line = re.sub(rb"(?<=\().*?(?=\))", self._named, line, count=1)
        return self._unsaid.sub(b"", line)

    def _words(self, found: re.Match[bytes]) -> bytes:
        words = found[0].split()
        kept = [word for word in words if self._preset.has(word.decode())]
        shorter = self._preset.short and b"LITERAL+" in words
        return b" ".join([*kept, *([b"LITERAL-"] * shorter)])

    def _named(self, found: re.Match[bytes]) -> bytes:
        words = found[0].split()
        return b" ".join(word for word in words if word.lower() not in self._attributes)

    @property
    def one(self) -> bool:
        """
        Whether APPEND takes one message only.
        """
        return not self._preset.has("MULTIAPPEND")

    @staticmethod
    def bad(tag: bytes) -> bytes:
        """
        What has a server answer BAD.
        """
        return b"%s %s\r\n" % (tag, _UNKNOWN)
