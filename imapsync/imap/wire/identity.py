"""
What is the same of a message in all mailboxes that show it: EMAILID (RFC 8474), or what
Gmail has instead; and which these are, which only Gmail tells.
"""

from __future__ import annotations

from collections.abc import Mapping

from imapsync import names
from imapsync.imap.wire.tokens import Node


def identityOf(values: Mapping[str, Node]) -> str:
    """
    Of the attributes of a FETCH response: what identifies the message.
    """
    told = values.get("EMAILID", values.get("X-GM-MSGID"))
    if isinstance(told, list) and len(told) == 1:
        told = told[0]
    return told.decode("ascii", "replace") if isinstance(told, bytes) else ""


def labelsOf(values: Mapping[str, Node]) -> frozenset[str] | None:
    """
    The labels of the message, without that of the mailbox; C{None} if not told.
    """
    told = values.get("X-GM-LABELS")
    if not isinstance(told, list):
        return None
    words = (word for word in told if isinstance(word, bytes))
    return frozenset(names.uniform(names.decode(word)) for word in words)
