"""
The kinds of values in a configuration: each function here makes a value of the
text that stands there.

They raise C{ValueError} with a predicate, such as C{"must be YES or NO"}.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import NamedTuple

from imapsync.config.section import nearest, quoted
from imapsync.model import Act, Allowed

#: Protocol versions that can be asked for, the oldest first.
PROTOCOLS = ("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")

# RFC 5258, 3.1; RFC 6154, 5.2.
_SELECTIONS = ("SUBSCRIBED", "RECURSIVEMATCH", "REMOTE", "SPECIAL-USE")

# RFC 8446, B.4; RFC 9150.  OpenSSL would silently pass over any other.
_CIPHERSUITES = (
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_128_CCM_SHA256",
    "TLS_AES_128_CCM_8_SHA256",
    "TLS_SHA256_SHA256",
    "TLS_SHA384_SHA384",
)

# Patterns are compiled when they are needed: few configurations have all of them.
_HOST = r"[^\s/@:\[\]\"'%]+"
_ZONE = r"[^\s/@\[\]\"'%]+"
_QUOTED = r'"(?:[^"\\]|\\["\\])*"'
_WORD = rf'(?:{_QUOTED}|[^ \t"])+'
_SEPARATOR = r"must write the hierarchy separator as /, not \x00"
_WORDS = rf"{_WORD}(?:[ \t]+{_WORD})*"


class Fingerprint(NamedTuple):
    """
    What a certificate, or its public key, must hash to.

    @ivar algorithm: as L{hashlib.new} takes it.
    """

    algorithm: str
    digest: bytes


def oneOf(*words: str) -> Callable[[str], str]:
    """
    One of a few words, in any case.
    """

    def meant(value: str) -> str:
        for word in words:
            if word.lower() == value.lower():
                return word
        *others, last = words
        raise ValueError(f"must be {', '.join(others)} or {last}, not {quoted(value)}")

    return meant


protocol = oneOf(*PROTOCOLS)


def text(value: str) -> str:
    """
    Anything but nothing.
    """
    if not value:
        raise ValueError("must not be empty")
    return value


def yesNo(value: str) -> bool:
    """
    A switch.
    """
    return oneOf("YES", "NO")(value) == "YES"


def port(value: str) -> int:
    """
    A TCP port.
    """
    if not re.fullmatch("[0-9]{1,5}", value) or not 0 < int(value) < 65536:
        raise ValueError(f"must be a number from 1 to 65535, not {quoted(value)}")
    return int(value)


def host(value: str) -> str:
    """
    A host's name or address; an IPv6 address may have brackets, and a zone
    (RFC 4007, 11).
    """
    bare = value
    if value.startswith("[") and value.endswith("]"):
        bare = value[1:-1]
    if ":" in bare:
        import ipaddress  # here, because few need it: it takes time

        address, percent, zone = bare.partition("%")
        if not percent or re.fullmatch(_ZONE, zone):
            with suppress(ValueError):
                return f"{ipaddress.IPv6Address(address)}{percent}{zone}"
    elif re.fullmatch(_HOST, value) and _canBeLookedUp(value):
        return value
    raise ValueError(
        f"must be a host's name or address and nothing else, not {quoted(value)}"
    )


def _canBeLookedUp(name: str) -> bool:
    """
    Whether a name has the form that DNS wants (RFC 1035, 2.3.4), which lets more
    pass than can be registered, such as C{my_host}.
    """
    if name.isascii():
        labels = name.removesuffix(".").split(".")
        return all(0 < len(label) < 64 for label in labels)
    try:
        name.encode("idna")
    except UnicodeError:
        return False
    return True


def fingerprints(value: str) -> tuple[Fingerprint, ...]:
    """
    Digests that are acceptable.
    """
    return tuple(map(_fingerprint, text(value).split()))


def _fingerprint(word: str) -> Fingerprint:
    import hashlib  # here, because few need it: it takes time

    algorithm, dollar, digits = word.rpartition("$")
    algorithm = algorithm.lower() if dollar else "sha256"
    try:
        size = hashlib.new(algorithm).digest_size
    except ValueError:
        size = 0
    # An extendable function, such as SHAKE, has no size of its own.
    if not size:
        raise _unknown("digest", algorithm, hashlib.algorithms_guaranteed)
    try:
        digest = bytes.fromhex(digits.replace(":", ""))
    except ValueError:
        digest = b""
    if len(digest) != size:
        raise ValueError(
            f"must be [ALGO$]HEX with {2 * size} hexadecimal digits for {algorithm},"
            f" not {quoted(word)}"
        )
    return Fingerprint(algorithm, digest)


def ciphers(value: str) -> str:
    """
    A list of ciphers in OpenSSL's language.
    """
    import ssl  # here, because few need it: it takes time and memory

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).set_ciphers(text(value))
    except ssl.SSLError:
        raise ValueError(f"names no cipher that there is: {quoted(value)}") from None
    return value


def ciphersuites(value: str) -> str:
    """
    Ciphers for TLS 1.3, with colons between them.
    """
    for name in text(value).split(":"):
        if name not in _CIPHERSUITES:
            raise _unknown("ciphersuite", name, _CIPHERSUITES)
    return value


def patterns(value: str) -> tuple[str, ...]:
    """
    LIST patterns with spaces between them.
    """
    if not re.fullmatch(_WORDS, text(value)):
        if r"\x00" in value:
            raise ValueError(_SEPARATOR)
        raise ValueError(
            "must be LIST patterns with spaces between them; double quotes come"
            r" in pairs, and only \" and \\ may stand for others within"
        )
    words = tuple(re.sub(_QUOTED, _unquoted, word) for word in re.findall(_WORD, value))
    if "" in words:
        raise ValueError('has the pattern "", which matches no mailbox')
    return words


def _unquoted(match: re.Match[str]) -> str:
    return re.sub(r"\\(.)", r"\1", match[0][1:-1])


def selection(value: str) -> tuple[str, ...]:
    """
    LIST selection options.
    """
    names = tuple(value.upper().split())
    for name in names:
        if name not in _SELECTIONS:
            raise _unknown("selection", name, _SELECTIONS)
    if set(names) in ({"RECURSIVEMATCH"}, {"RECURSIVEMATCH", "REMOTE"}):
        raise ValueError("must say with RECURSIVEMATCH which mailboxes to match")
    return names


def acts(value: str) -> Allowed:
    """
    What may be done on a side.
    """
    words = {word.lower() for word in text(value).split()}
    known = [str(act) for act in Act]
    for word in sorted(words.difference(known)):
        raise _unknown("act", word, known)
    return tuple(act for act in Act if str(act) in words)


def trash(value: str) -> str:
    """
    A mailbox for what would be expunged; none if it is empty.
    """
    from imapsync.names import isInbox  # here, because few need it: it takes time

    if isInbox(value):
        raise ValueError("must not be INBOX, into which everything would come back")
    return value


def expression(value: str) -> re.Pattern[str]:
    """
    A regular expression for names of mailboxes.
    """
    # Interimap's way to write the separator, which no name here contains.
    if r"\x00" in value:
        raise ValueError(_SEPARATOR)
    try:
        return re.compile(text(value))
    except re.error as error:
        raise ValueError(f"is no regular expression: {error}") from None


def coded(value: str) -> str:
    """
    What names in C{value} may be meant to be in UTF-8, if they seem to be in modified
    UTF-7, as other programs want them.

    @return: that of the first one; or an empty string.
    """
    for word in re.findall("&[A-Za-z0-9+,]+-", value):
        from imapsync import names  # here, because few need it: it takes time

        name = names.decode(word.encode())
        if not name.isascii() and name.isprintable():
            return f"{name} for {word}"
    return ""


_UNITS = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3}


def octets(value: str) -> int:
    """
    How many octets, in units of 1024, its square or its cube, if so said.
    """
    match = re.fullmatch("([0-9]+) ?(?:([KMG])B?)?", value, re.IGNORECASE)
    if match and len(match[1]) > 12:
        raise ValueError(
            f"must be a number of twelve digits at most, not {quoted(value)}"
        )
    many = int(match[1]) * _UNITS[(match[2] or "").upper()] if match else 0
    if not many:
        raise ValueError(
            "must be a number of octets, 1 or more, perhaps with K, M or G behind it,"
            f" such as 500M, not {quoted(value)}"
        )
    return many


def number(value: str) -> int:
    """
    How many of something, of which there must be one.
    """
    if not re.fullmatch("0*[1-9][0-9]*", value):
        raise ValueError(f"must be a number, 1 or more, not {quoted(value)}")
    if len(value) > 9:
        raise ValueError(
            f"must be a number of nine digits at most, not {quoted(value)}"
        )
    return int(value)


_SPANS = {"": 1, "S": 1, "M": 60, "MIN": 60, "H": 3600, "D": 86400}


def duration(value: str) -> float:
    """
    How long, in seconds; or in minutes, hours or days, if so said.
    """
    match = re.fullmatch("([0-9]{1,9}) ?(MIN|[SMHD]?)", value, re.IGNORECASE)
    seconds = int(match[1]) * _SPANS[match[2].upper()] if match else 0
    if not seconds:
        raise ValueError(
            "must be a number of seconds, 1 or more, or with m, h or d behind it of"
            f" minutes, hours or days, such as 15m, not {quoted(value)}"
        )
    return float(seconds)


def _unknown(kind: str, name: str, known: Iterable[str]) -> ValueError:
    guess = nearest(name, known)
    hint = f"; did you mean {guess}?" if guess else ""
    return ValueError(f"names an unknown {kind} {quoted(name)}{hint}")
