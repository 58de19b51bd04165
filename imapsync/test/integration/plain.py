"""
A mail account as a test sees it, on a server that knows little beyond IMAP4rev1.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress

from imapsync.test.integration.accounts import (
    Account,
    Cleaned,
    CommandFailed,
    Mail,
    Row,
    Snapshot,
)


class PlainAccount(Account):
    """
    Likewise, without LITERAL+, MULTIAPPEND, UNSELECT, MOVE, LIST-EXTENDED.
    """

    def fill(self, mailbox: str, mails: Iterable[Mail]) -> list[int]:
        """
        Add messages, one after another, and return their UIDs.
        """
        name = self._spelled(mailbox)
        uids = []
        for mail in mails:
            [row, _] = self._wire.command("STATUS", name, "(UIDNEXT)")
            uids.append(int(re.findall(rb"UIDNEXT (\d+)", row.text)[0]))
            words: list[str | bytes] = ["APPEND", name, f"({' '.join(mail.flags)})"]
            if mail.date is not None:
                words.append(f'"{mail.date.strftime("%d-%b-%Y %H:%M:%S %z")}"')
            self._wire.command(*words, literal=mail.body)
        return uids

    def move(self, mailbox: str, uids: Iterable[int], target: str) -> list[int]:
        """
        Move messages, and return their new UIDs.
        """
        moved = [*uids]
        new = self.copy(mailbox, moved, target)
        self.expunge(mailbox, moved)
        return new

    def snapshot(self, cleaned: Cleaned = bytes) -> Snapshot:
        """
        All that the account holds now.
        """
        listed = self._told("LIST")
        names = [name for name in listed if "\\noselect" not in listed[name]]
        boxes = {name: Counter(self.messages(name, cleaned).values()) for name in names}
        return Snapshot(boxes, frozenset(self.subscriptions()))

    def subscriptions(self) -> set[str]:
        """
        All that is subscribed.
        """
        listed = self._told("LSUB")
        return {name for name in listed if "\\noselect" not in listed[name]}

    def _told(self, verb: str) -> dict[str, set[str]]:
        """
        Names with their attributes; other things may be told besides.
        """
        rows = self._wire.command(verb, '""', '"*"')
        start = f"* {verb} ".encode()
        return dict(self._listed(row) for row in rows if row.text.startswith(start))

    def _within(self, select: str, mailbox: str, *commands: str | bytes) -> list[Row]:
        """
        Run commands on a mailbox; CLOSE expunges nothing behind EXAMINE.
        """
        name = self._spelled(mailbox)
        self._wire.command(select, name)
        for command in commands:
            rows = self._wire.command(command)
        if select != "EXAMINE":
            self._wire.command("EXAMINE", name)
        with suppress(CommandFailed):
            # Some have nothing be closed that may not be written; then it stays.
            self._wire.command("CLOSE")
        return rows


class BareAccount(PlainAccount):
    """
    Likewise, without UIDPLUS and NAMESPACE; levels are joined by C{/}.
    """

    def _levels(self) -> tuple[str, str]:
        return "", "/"

    def expunge(self, mailbox: str, uids: Iterable[int]) -> None:
        """
        Remove messages for good, and all others that are marked.
        """
        mark = f"UID STORE {','.join(map(str, uids))} +FLAGS (\\Deleted)"
        self._within("SELECT", mailbox, mark, "EXPUNGE")
