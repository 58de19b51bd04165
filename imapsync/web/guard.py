"""
Who may see the page, and who may ask for something there.

A browser does what any page that its user looks at has it do.  What such a page
cannot do: give ours a name of its own, if we know our names (DNS rebinding); have a
cookie sent along that is for our pages only; read ours, and what has to come with a
form; or say that a form is ours (Origin).
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Collection
from contextlib import suppress
from ipaddress import ip_address


def isOurs(host: str, names: Collection[str]) -> bool:
    """
    Whether a C{Host} is one of ours: C{localhost}, an address, or one of C{names}.
    What others call us is not: their name servers may say that it is here.
    """
    name = re.sub(r":[0-9]*\Z", "", host).lower().removesuffix(".")
    if name == "localhost" or name in names:
        return True
    with suppress(ValueError):
        ip_address(re.sub(r"\A\[(.*)\]\Z", r"\1", name))
        return True
    return False


class Guard:
    """
    Lets in who may come.

    @param token: what one has to know; C{None} if nothing.
    @param names: what we are called, besides C{localhost} and addresses.
    @ivar cookie: the name of the cookie of those who have said the token.
    @ivar visa: its value, which does not tell the token; an empty string if there
        is none to be known.
    @ivar stamp: comes with each form of ours.
    """

    def __init__(self, token: str | None, names: Collection[str] = ()) -> None:
        self._token = token
        self._names = names
        self.visa = _digest(token, b"imapsync visa") if token else ""
        # Cookies are the same for all ports of a host.
        self.cookie = (
            f"imapsync-{_digest(token, b'imapsync name')[:8]}" if token else ""
        )
        self.stamp = secrets.token_urlsafe(24)

    @property
    def isOpen(self) -> bool:
        """
        Whether nothing has to be known.
        """
        return self._token is None

    def knows(self, host: str) -> bool:
        """
        Whether that is one of our names.
        """
        return isOurs(host, self._names)

    def admits(self, authorization: str, cookie: str) -> bool:
        """
        Whether somebody may come in with these (RFC 6750, 2.1).
        """
        if self._token is None:
            return True
        scheme, _, said = authorization.partition(" ")
        return (scheme.lower() == "bearer" and self.isToken(said.strip())) or _same(
            cookie, self.visa
        )

    def isToken(self, said: str) -> bool:
        """
        Whether somebody knows the token.
        """
        return self._token is not None and _same(said, self._token)

    def isForm(self, stamp: str) -> bool:
        """
        Whether a form is one of ours.
        """
        return _same(stamp, self.stamp)

    def isNeighbour(self, origin: str | None, site: str | None, host: str) -> bool:
        """
        Whether something was sent by a page of ours, or by no browser.

        @param origin: as RFC 6454, 7 has it.
        @param site: C{Sec-Fetch-Site}, where a browser says that.
        @param host: as we were called.
        """
        if site not in (None, "same-origin", "none"):
            return False
        if origin is None:
            return True
        place = origin.partition("://")[2].lower()
        # A proxy may call us otherwise than the browser calls the proxy.
        return place == host.lower() or re.sub(r":[0-9]*\Z", "", place) in self._names


def _digest(token: str, purpose: bytes) -> str:
    return hmac.new(token.encode(), purpose, hashlib.sha256).hexdigest()


def _same(said: str, known: str) -> bool:
    """
    It takes the same time however much of it is right.
    """
    return hmac.compare_digest(said.encode("utf-8", "replace"), known.encode())
