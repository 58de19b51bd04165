"""
The option C{proxy}.
"""

# Annotations are evaluated here: as text, that of each field of a tuple would be
# compiled whenever the program starts.

import re
from typing import NamedTuple

from imapsync.config import values
from imapsync.config.section import isFit

#: The kinds of proxies, and where each usually listens.
_PORTS = {"socks5": 1080, "socks5h": 1080, "http": 8080}

_ADDRESS = r"(\[[^\[\]]+\]|[^:/\[\]]+)(?::([0-9]+))?/?"

#: RFC 1929, 2.
_LONGEST = 255

# Nothing of what stands there is repeated: it may be a password.
_FORM = (
    "must be socks5://, socks5h:// or http://, then USER:PASSWORD@ if it wants a login,"
    " then HOST or HOST:PORT; @, :, / and % in a password are %40, %3A, %2F and %25"
)


class Proxy(NamedTuple):
    """
    Who makes the connection to a server in our place.

    @ivar scheme: C{"socks5"}, C{"socks5h"} (SOCKS5, too, but it looks up the server's
        name) or C{"http"} (CONNECT).
    @ivar host: an IPv6 address has no brackets.
    @ivar login: the user's name and the password; C{None} if it wants none.
    """

    scheme: str
    host: str
    port: int
    login: tuple[str, str] | None = None

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"

    def __repr__(self) -> str:
        user = f", user={self.login[0]!r}" if self.login else ""
        return f"Proxy({self}{user})"


def proxy(value: str) -> Proxy:
    """
    A proxy by its URL.
    """
    scheme, separator, rest = value.partition("://")
    login, at, address = rest.rpartition("@")
    match = re.fullmatch(_ADDRESS, address)
    scheme = scheme.lower()
    if not separator or scheme not in _PORTS or match is None:
        raise ValueError(_FORM)
    try:
        host = values.host(match[1])
        port = values.port(match[2]) if match[2] else _PORTS[scheme]
    except ValueError:
        raise ValueError(_FORM) from None
    return Proxy(scheme, host, port, _login(scheme, login) if at else None)


def _login(scheme: str, text: str) -> tuple[str, str]:
    """
    A user's name, and a password, which may be empty.
    """
    user, _, password = text.partition(":")
    user, password = _decoded(user), _decoded(password)
    if not user:
        raise ValueError("has a login without a user's name")
    if scheme == "http" and ":" in user:
        raise ValueError("has a user's name with a colon, which HTTP cannot send")
    if max(len(part.encode()) for part in (user, password)) > _LONGEST:
        raise ValueError(f"has a login of more than {_LONGEST} octets")
    return user, password


def _decoded(text: str) -> str:
    """
    Without percent-encoding (RFC 3986, 2.1).
    """
    if re.search("%(?![0-9A-Fa-f]{2})", text):
        raise ValueError("has a % in its login that is none by itself: write %25")
    if "%" in text:
        from urllib.parse import unquote  # here, because few need it: it takes time

        try:
            text = unquote(text, errors="strict")
        except UnicodeDecodeError:
            raise ValueError("has a login that is not UTF-8") from None
    if not isFit(text) or "\t" in text:
        raise ValueError("has a control character in its login")
    return text
