"""
Documents of web servers, over TLS only.
"""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

from imapsync.errors import Lost
from imapsync.http.web import Web

#: A document may have moved so often.
_MOVES = 3

_MOVED = (301, 302, 303, 307, 308)


class Documents:
    """
    All that there are.

    @param web: asks for one.
    """

    def __init__(self, web: Web) -> None:
        self._web = web

    async def get(self, url: str) -> bytes:
        """
        A document, wherever it has moved.

        @raise Lost: if there is none.
        @raise Distrusted: if it is not that server.
        """
        for _ in range(_MOVES + 1):
            if not _isSafe(url):
                raise Lost(f"{url}: not over TLS, and so not to be believed")
            answer = await self._web.get(url, accept="*/*")
            if answer.status == 200:
                return answer.body
            if answer.status not in _MOVED or not answer.location:
                raise Lost(f"{url}: there is no document (HTTP {answer.status})")
            url = _joined(url, answer.location)
        raise Lost(f"{url}: moved too often")


def _joined(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError:
        raise Lost(f"{url}: moved to nowhere") from None


def _isSafe(url: str) -> bool:
    """
    Whether nobody on the way can say what is there.
    """
    try:
        parts = urlsplit(url)
        named = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    fit = url.isascii() and url.isprintable() and " " not in url
    return named and fit and parts.scheme == "https" and "@" not in parts.netloc
