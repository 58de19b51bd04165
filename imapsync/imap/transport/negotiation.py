"""
What is said to a proxy until it has connected us: SOCKS5 (RFC 1928, 1929), and CONNECT
(RFC 9110, 9.3.6).

Nothing here sends or receives.  A L{Negotiation} says what to send, and how many octets
it reads next; those behind the last one that it asked for are the server's.
"""

from __future__ import annotations

import ipaddress
import re
from binascii import b2a_base64
from collections.abc import Generator
from typing import NamedTuple

from imapsync.config.tls import dnsName
from imapsync.errors import ConfigError, Distrusted, Lost, ProtocolViolation
from imapsync.imap.wire.text import excerpt, printable

#: RFC 1928, 3; RFC 1929.
_NO_LOGIN, _LOGIN, _NONE = 0, 2, 0xFF

#: RFC 1928, 6.
_REPLIES = {
    1: "general SOCKS server failure",
    2: "connection not allowed by ruleset",
    3: "network unreachable",
    4: "host unreachable",
    5: "connection refused",
    6: "TTL expired",
    7: "command not supported",
    8: "address type not supported",
}

#: RFC 1928, 5: the kinds of addresses, and how many octets two of them take.
_IPV4, _NAME, _IPV6 = 1, 3, 4
_SIZES = {_IPV4: 4, _IPV6: 16}

#: The second one is for proxies (RFC 9110, 15.5.8); some say the first.
_UNWELCOME = (401, 407)

#: RFC 1035, 2.3.4; in octets.
_LONGEST_NAME = 255

#: No head of an answer is longer, in octets.
_LONGEST_HEAD = 16 * 1024

_WANTS_LOGIN = "wants a login: give USER:PASSWORD@ in front of its host, in proxy"


class Ask(NamedTuple):
    """
    Send something, and read so many octets.
    """

    sent: bytes
    octets: int


#: It ends when the proxy has connected us.
Negotiation = Generator[Ask, bytes, None]


def socks5(host: str, port: int, login: tuple[str, str] | None) -> Negotiation:
    """
    SOCKS5.

    @param host: a name is looked up by the proxy.
    @param login: a user's name, and the password, if there are any.
    @raise Lost: the proxy does not connect us.
    @raise Distrusted: it does not let us.
    @raise ProtocolViolation: it does not speak SOCKS5.
    @raise ConfigError: it cannot be told the name.
    """
    methods = bytes((_NO_LOGIN, _LOGIN)) if login else bytes((_NO_LOGIN,))
    answer = yield Ask(bytes((5, len(methods))) + methods, 2)
    _check(answer, answer[0] == 5 and answer[1] in (*methods, _NONE))
    if answer[1] == _NONE:
        raise Distrusted("knows no login but by other means" if login else _WANTS_LOGIN)
    if login and answer[1] == _LOGIN:
        user, password = (part.encode() for part in login)
        answer = yield Ask(b"\1" + _counted(user) + _counted(password), 2)
        if answer[1]:
            raise Distrusted("does not accept its user's name and password; see proxy")
    answer = yield Ask(b"\5\1\0" + _address(host) + port.to_bytes(2, "big"), 4)
    _, code, _, kind = answer
    _check(answer, answer[0] == 5)
    if code:
        raise Lost(f"did not connect us: {_REPLIES.get(code, f'error {code}')}")
    _check(answer, kind in (_NAME, *_SIZES))
    size = _SIZES[kind] if kind != _NAME else (yield Ask(b"", 1))[0]
    yield Ask(b"", size + 2)


def _check(answer: bytes, isGood: bool) -> None:
    if not isGood:
        raise ProtocolViolation(
            f"does not speak SOCKS5, but {excerpt(answer)}; see proxy"
        )


def _counted(octets: bytes) -> bytes:
    return bytes((len(octets),)) + octets


def _address(host: str) -> bytes:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return bytes((_NAME,)) + _counted(_encoded(host))
    return bytes((_IPV4 if address.version == 4 else _IPV6,)) + address.packed


def _encoded(name: str) -> bytes:
    """
    A host's name, as others look it up.
    """
    try:
        encoded = (name if name.isascii() else dnsName(name)).encode("ascii")
    except ValueError:
        encoded = b""
    if not 0 < len(encoded) <= _LONGEST_NAME:
        told = printable(name.encode(), 80)
        raise ConfigError(
            f"cannot be told what {told} is: no such name can be; see host"
        )
    return encoded


def connect(host: str, port: int, login: tuple[str, str] | None) -> Negotiation:
    """
    CONNECT.

    @param host: a name is looked up by the proxy.
    @param login: a user's name, and the password, if there are any.
    @raise Lost: the proxy does not connect us.
    @raise Distrusted: it does not let us.
    @raise ProtocolViolation: it does not speak HTTP.
    @raise ConfigError: it cannot be told the name.
    """
    name = f"[{host}]".encode() if ":" in host else _encoded(host)
    target = b"%b:%d" % (name, port)
    lines = [b"CONNECT %b HTTP/1.1" % target, b"Host: %b" % target]
    if login:
        # RFC 7617, 2.
        basic = b2a_base64(":".join(login).encode(), newline=False)
        lines.append(b"Proxy-Authorization: Basic %b" % basic)
    sent = b"\r\n".join((*lines, b"", b""))
    head = yield from _head(sent)
    while (status := _status(head))[0] in range(100, 200):
        head = yield from _head(b"")
    code, words = status
    if code in _UNWELCOME:
        schemes = re.findall(rb"(?mi)^proxy-authenticate:[ \t]*([\w-]+)", head)
        raise Distrusted(_unwelcome(login is not None, schemes, words))
    if code not in range(200, 300):
        raise Lost(f"did not connect us: {words}")


def _head(sent: bytes) -> Generator[Ask, bytes, bytes]:
    """
    An answer up to its empty line.
    """
    head = yield Ask(sent, 1)
    while not head.endswith((b"\n\n", b"\n\r\n")):
        if not b"HTTP/".startswith(head[:5]) or len(head) > _LONGEST_HEAD:
            raise _notHTTP(head)
        head += yield Ask(b"", 1)
    return head


def _status(head: bytes) -> tuple[int, str]:
    """
    The status code of an answer, and it with what the proxy says to people.
    """
    match = re.match(rb"HTTP/1\.[0-9] ([0-9]{3})(?: ([^\r\n]*))?\r?\n", head)
    if match is None:
        raise _notHTTP(head)
    words = printable(match[2] or b"", 200)
    return int(match[1]), f"{match[1].decode()} {words}".rstrip()


def _notHTTP(head: bytes) -> ProtocolViolation:
    return ProtocolViolation(f"does not speak HTTP, but {excerpt(head)}; see proxy")


def _unwelcome(hasLogin: bool, schemes: list[bytes], words: str) -> str:
    """
    Why there was no login.
    """
    if schemes and b"basic" not in [scheme.lower() for scheme in schemes]:
        offered = ", ".join(printable(scheme, 40) for scheme in schemes[:5])
        return f"knows no login but by {offered}, of which we know none: {words}"
    if not hasLogin:
        return f"{_WANTS_LOGIN}: {words}"
    return f"does not accept its user's name and password: {words}; see proxy"
