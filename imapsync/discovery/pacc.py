"""
A provider's user-agent-configuration document (PACC, draft-ietf-mailmaint-pacc): read
over TLS, and only as DNS says that it is.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import b64decode
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from imapsync.discovery.address import Address
from imapsync.discovery.proposal import Proposal, named

_VERSION = "UAAC1"


def url(address: Address) -> str:
    """
    Where a domain has it.
    """
    host = f"ua-auto-config.{address.host}"
    return f"https://{host}/.well-known/user-agent-configuration.json"


def record(address: Address) -> str:
    """
    The name whose TXT records tell the document's digest.
    """
    return f"_ua-auto-config.{address.host}"


def read(
    document: bytes, texts: Iterable[str], address: Address
) -> tuple[Proposal, ...]:
    """
    The IMAP server in it.

    @param texts: of the records.
    @raise ValueError: if it is no such document, or none of the records is about it.
    """
    digest = hashlib.sha256(document).digest()
    if not any(hmac.compare_digest(digest, _digest(text)) for text in texts):
        raise ValueError("is not as DNS says that it is")
    try:
        read = json.loads(document)
    except RecursionError:
        raise ValueError("is too deep") from None
    host = _at(read, "protocols", "imap", "host")
    if not isinstance(host, str):
        return ()
    tokens = _at(read, "authentication", "oauth-public") is not None
    proposal = Proposal(
        named(host),
        993,
        "imaps",
        address.mail,
        "told by the provider (PACC)",
        True,
        oauth2=tokens,
    )
    return (proposal,)


def _at(value: Any, *names: str) -> Any:
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _digest(text: str) -> bytes:
    """
    The one that a record tells; nothing if it is about something else.
    """
    pairs = (part.partition("=") for part in text.split(";"))
    tags = {name.strip(): value.strip() for name, _, value in pairs}
    if tags.get("v") == _VERSION and tags.get("a") == "sha256":
        with suppress(ValueError):
            return b64decode(tags.get("d", ""), validate=True)
    return b""
