"""
What is written in a certificate (RFC 5280, 4.1), as far as we want to know it.

OpenSSL decides what is a certificate, and whether it is to be trusted; but it does
not tell us what it has read.  Whoever reads it a second time must not be stricter:
one odd name, date or number among many is no reason to know nothing.  So this looks
at nothing but the parts that are wanted, takes them as they are, and never fails:
what cannot be read is not there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

_SEQUENCE, _OCTETS, _OID = 0x30, 0x04, 0x06
_UTC_TIME, _BMP, _UNIVERSAL = 0x17, 0x1E, 0x1C
#: With these tags of their own: a certificate's version and its extensions, a
#: dNSName and an iPAddress.
_VERSION, _EXTENSIONS, _DNS_NAME, _IP_ADDRESS = 0xA0, 0xA3, 0x82, 0x87

_ALTERNATIVE_NAME = bytes.fromhex("551d11")

_COMMON_NAME = bytes.fromhex("550403")
#: What people call the attributes of a name that tell them whose it is.
_ATTRIBUTES = {
    _COMMON_NAME: "CN",
    bytes.fromhex("55040b"): "OU",
    bytes.fromhex("55040a"): "O",
    bytes.fromhex("550406"): "C",
    bytes.fromhex("2a864886f70d010901"): "emailAddress",
}


class Element(NamedTuple):
    """
    An element of DER, or of BER with definite lengths.

    @ivar whole: it with its tag and length.
    """

    tag: int
    content: bytes
    whole: bytes


_NONE = Element(0, b"", b"")


class Host(NamedTuple):
    """
    A host by its name or its address.

    @ivar octets: a name in ASCII, or an address of 4 or 16 octets; in a certificate
        it may be anything.
    """

    isAddress: bool
    octets: bytes


class Certificate(NamedTuple):
    """
    A certificate.

    @ivar issuer: the attributes of whoever signed it, such as C{"CN=Root,O=Us"}.
    @ivar subject: those of whoever it is for.
    @ivar since: when its time begins.
    @ivar until: when it ends.
    @ivar key: the DER of its public key (SPKI).
    @ivar hosts: whom it is for, in the order of its subjectAltName.
    """

    issuer: str
    subject: str
    since: str
    until: str
    key: bytes
    hosts: tuple[Host, ...]


def read(der: bytes) -> Certificate:
    """
    Read a certificate that OpenSSL has read.
    """
    fields = [*_elements(_first(_first(der, _SEQUENCE), _SEQUENCE))]
    if fields and fields[0].tag == _VERSION:
        del fields[0]
    _, _, issuer, validity, subject, key, *_ = [*fields, *[_NONE] * 6]
    since, until, *_ = [*_elements(validity.content), _NONE, _NONE]
    extensions = next((each for each in fields if each.tag == _EXTENSIONS), _NONE)
    return Certificate(
        _name(issuer.content),
        _name(subject.content),
        _time(since),
        _time(until),
        key.whole,
        tuple(_hosts(_first(extensions.content, _SEQUENCE))),
    )


def _elements(der: bytes) -> Iterator[Element]:
    """
    The elements that stand one behind the other, up to where there is none.
    """
    start = 0
    while start + 2 <= len(der):
        tag, size = der[start : start + 2]
        begin = start + 2
        if size == 0x80 or tag & 0x1F == 0x1F:
            return
        if size > 0x80:
            begin += size - 0x80
            size = int.from_bytes(der[start + 2 : begin], "big")
        end = begin + size
        if end > len(der):
            return
        yield Element(tag, der[begin:end], der[start:end])
        start = end


def _first(der: bytes, tag: int) -> bytes:
    """
    The content of the first element that has this tag.
    """
    return next((each.content for each in _elements(der) if each.tag == tag), b"")


def _hosts(extensions: bytes) -> Iterator[Host]:
    for extension in _elements(extensions):
        if _first(extension.content, _OID) == _ALTERNATIVE_NAME:
            names = _first(_first(extension.content, _OCTETS), _SEQUENCE)
            for name in _elements(names):
                if name.tag in (_DNS_NAME, _IP_ADDRESS):
                    yield Host(name.tag == _IP_ADDRESS, name.content)


def _name(relative: bytes) -> str:
    """
    A distinguished name, the closest first.
    """
    told = []
    for each in _elements(relative):
        for attribute in _elements(each.content):
            kind, value, *_ = [*_elements(attribute.content), _NONE, _NONE]
            if kind.content in _ATTRIBUTES:
                told.append(f"{_ATTRIBUTES[kind.content]}={_text(value)}")
    return ",".join(reversed(told))


def _text(value: Element) -> str:
    coding = {_BMP: "utf-16-be", _UNIVERSAL: "utf-32-be"}.get(value.tag, "utf-8")
    return value.content.decode(coding, "replace")


def _time(value: Element) -> str:
    """
    A UTCTime or a GeneralizedTime (RFC 5280, 4.1.2.5).
    """
    text = value.content.decode("ascii", "replace")
    if value.tag == _UTC_TIME:
        text = ("19" if text[:2] >= "50" else "20") + text
    day = f"{text[:4]}-{text[4:6]}-{text[6:8]}"
    return f"{day} {text[8:10]}:{text[10:12]}:{text[12:14]} UTC"
