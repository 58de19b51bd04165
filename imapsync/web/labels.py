"""
What accounts and mailboxes are called where their names are hidden: L{Labels}.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from contextlib import suppress
from pathlib import Path

from imapsync.model import Refusal
from imapsync.watch.facts import Detail, Facts, MailboxFacts

#: Where a system has what no other one has, and what is nobody else's business
#: (machine-id(5)).
_MACHINE = Path("/etc/machine-id")

#: Response codes that are told (RFC 9051, 7.1; RFC 5530): in others, a server may say
#: what it likes.
_CODES = frozenset(
    "ALERT ALREADYEXISTS AUTHORIZATIONFAILED BADCHARSET CANNOT CLIENTBUG CONTACTADMIN"
    " CORRUPTION EXPUNGEISSUED HASCHILDREN INUSE LIMIT NONEXISTENT NOPERM OVERQUOTA"
    " PARSE READ-ONLY SERVERBUG THROTTLED TOOBIG TRYCREATE UNAVAILABLE"
    " UNKNOWN-CTE".split()
)

#: In place of words in which there may be names.
UNTOLD = "not shown here: the log tells"


class Labels:
    """
    Calls them by words that tell nothing of their names, are always the same, and
    cannot be found out by trying names.

    @param key: what such words are made with.
    """

    def __init__(self, key: bytes | None = None) -> None:
        self._key = machineKey() if key is None else key

    def account(self, name: str) -> str:
        """
        What an account is called.
        """
        return f"account-{self._word(name)}"

    def mailbox(self, account: str, name: str) -> str:
        """
        What a mailbox of an account is called.
        """
        return f"mailbox-{self._word(account, name)}"

    def facts(self, facts: Facts) -> Facts:
        """
        An account without any name.
        """
        progress = facts.progress
        return facts._replace(
            name=self.account(facts.name),
            title="",
            path="",
            error=UNTOLD if facts.error else "",
            progress=progress._replace(
                mailboxes=tuple(
                    (self.mailbox(facts.name, name), doing)
                    for name, doing in progress.mailboxes
                )
            ),
        )

    def detail(self, detail: Detail) -> Detail:
        """
        All that is known of one, likewise.
        """
        account, facts = detail.facts.name, self.facts(detail.facts)
        return detail._replace(
            facts=facts,
            mailboxes=tuple(self._mailbox(account, one) for one in detail.mailboxes),
            doing=tuple((name, doing) for name, doing in facts.progress.mailboxes),
            log=(),
        )

    def _mailbox(self, account: str, one: MailboxFacts) -> MailboxFacts:
        return one._replace(
            name=self.mailbox(account, one.name),
            trouble=UNTOLD if one.trouble else "",
            refusals=tuple(map(_bare, one.refusals)),
        )

    def _word(self, *names: str) -> str:
        said = "\0".join(names).encode(errors="surrogatepass")
        return hmac.new(self._key, said, hashlib.sha256).hexdigest()[:12]


def _bare(refusal: Refusal) -> Refusal:
    """
    A refusal in which a server has no say.
    """
    code = refusal.code if refusal.code in _CODES else ""
    return refusal._replace(reason=UNTOLD, code=code)


def machineKey(path: Path = _MACHINE) -> bytes:
    """
    A key that is always the same on this system, if that has an identity; and the same
    as long as the program runs, if not.
    """
    identity = b""
    with suppress(OSError):
        identity = path.read_bytes().strip()
    if not identity:
        identity = secrets.token_bytes(32)
    return hmac.new(identity, b"imapsync labels", hashlib.sha256).digest()
