"""
The selected mailbox: how it is chosen and left, and who hears of it.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from imapsync.errors import ProtocolViolation
from imapsync.imap.commands.base import Alone, Command
from imapsync.imap.wire.arguments import Word, isFlag, mailboxWord
from imapsync.imap.wire.flags import parseFlags
from imapsync.imap.wire.reading import bounded
from imapsync.imap.wire.responses import (
    Applicable,
    Condition,
    Exists,
    Response,
    Row,
)
from imapsync.model import Flags, Mark
from imapsync.uidset import MAXIMUM, UidSet

_NOWHERE = Mark(0, 0, 0)
_NONE = UidSet()


class Selected(NamedTuple):
    """
    A mailbox that is selected now.

    @ivar flags: the flags that there are in it; C{None} if that was not told.
    @ivar permanentFlags: the flags that a STORE can keep; C{None} if all.
    @ivar mark: its state when it was selected; a C{modseq} of 0 means that none
        was told, or none above 0.
    @ivar unmoved: whether that was told: 0.
    @ivar partial: whether the server said that it shows no more than some messages.
    @ivar persistent: whether its UIDs outlive the session (RFC 4315, 3).
    @ivar identity: MAILBOXID (RFC 8474), or empty.
    """

    name: str
    mark: Mark = _NOWHERE
    exists: int = 0
    readOnly: bool = False
    permanentFlags: Flags | None = None
    persistent: bool = True
    identity: str = ""
    unmoved: bool = False
    partial: bool = False
    flags: Flags | None = None

    @property
    def tracked(self) -> bool:
        """
        Whether the server keeps mod-sequences for it; while it is empty, it may
        have come to none.
        """
        return self.mark.modseq > 0 or (self.unmoved and not self.exists)

    def untracked(self) -> Selected:
        """
        The same, as if none were told.
        """
        return self._replace(mark=self.mark._replace(modseq=0), unmoved=False)

    def keeps(self, flag: str) -> bool:
        """
        Whether C{flag} can be stored here.
        """
        if self.readOnly or not isFlag(flag):
            return False
        kept = self.permanentFlags
        if kept is None:
            return True
        if "\\*" in kept and not flag.startswith("\\"):
            return True
        return flag.lower() in {known.lower() for known in kept}


class MailboxListener(Protocol):
    """
    Hears what the server tells of the selected mailbox, in order of arrival.
    """

    def rowsReceived(self, rows: list[Row]) -> None:
        """
        Flags and mod-sequences of messages.
        """

    def vanished(self, uids: UidSet, earlier: bool) -> None:
        """
        Messages that are gone; C{earlier}: since the mark (RFC 7162, 3.2.10).
        """

    def existsReceived(self, messages: int) -> None:
        """
        How many messages there are now.
        """

    def expungeReceived(self) -> None:
        """
        A message is gone, and the server tells no UIDs of such: one of these it is.
        """

    def modseqReceived(self, modseq: int) -> None:
        """
        The answer to a command tells how far the mailbox has come (RFC 7162, 3.2.7
        and 3.2.9): others may have brought it there as well.
        """


class Heard:
    """
    Hears flags, and nothing else.

    @param uids: of which messages.
    """

    def __init__(self, uids: UidSet = _NONE) -> None:
        self.flags: dict[int, Flags] = {}
        self._uids = uids

    def rowsReceived(self, rows: list[Row]) -> None:
        self.flags.update(
            (row.uid, row.flags)
            for row in rows
            if row.flags is not None and row.uid in self._uids
        )

    def vanished(self, uids: UidSet, earlier: bool) -> None:
        """
        What is gone is no concern of ours.
        """

    def existsReceived(self, messages: int) -> None:
        """
        Nor is what is new.
        """

    def expungeReceived(self) -> None:
        """
        Nor is that.
        """

    def modseqReceived(self, modseq: int) -> None:
        """
        Nor is that.
        """


class Select(Command[Selected]):
    """
    SELECT or EXAMINE, with QRESYNC where a mark is known (RFC 7162, 3.2.5).

    @param resyncs: whether the server can do that.
    @param counts: else, whether it can tell mod-sequences (RFC 7162, 3.1.8).
    @cvar anew: whether all is to be asked for where it can tell none: else it is what
        has come since.

    @ivar mailbox: which.
    @ivar writable: whether it is SELECT.
    @ivar listener: hears of the mailbox for as long as it is selected.
    @ivar since: what has changed since this mod-sequence is still to be asked for; 0
        if nothing is.
    @ivar first: so are the flags of all messages from this UID on; 0 if they are not.
    @ivar counts: whether mod-sequences that are told are of any use.
    """

    alone = hears = follows = anew = True
    concerns = frozenset(("EXISTS", "FETCH", "VANISHED"))

    def __init__(
        self,
        name: str,
        mark: Mark | None,
        listener: MailboxListener,
        writable: bool,
        resyncs: bool = True,
        counts: bool = True,
    ) -> None:
        self.mailbox = name
        self.writable = writable
        self.listener = listener
        words: list[Word] = [mailboxWord(name)]
        self.counts = resyncs or counts
        self.since = self.first = 0
        if not resyncs:
            if counts:
                words.append(b"(CONDSTORE)")
                self.since = mark.modseq if mark else 0
            if mark is not None and not self.since:
                self.first = 1 if self.anew else max(mark.uidnext, 1)
        elif mark is not None and mark.modseq:
            words.append(b"(QRESYNC (%d %d))" % (mark.uidvalidity, mark.modseq))
        super().__init__("SELECT" if writable else "EXAMINE", *words)
        self.closed()

    def restart(self) -> None:
        super().restart()
        self.closed()

    def closed(self) -> None:
        """
        What was told up to now was about the mailbox before.
        """
        self.garbled = ""
        self._selected = Selected(self.mailbox, readOnly=not self.writable)

    def claim(self, response: Response) -> bool:
        if isinstance(response, Exists):
            self._selected = self._selected._replace(exists=response.messages)
            return True
        if isinstance(response, Applicable):
            self._selected = self._selected._replace(flags=response.flags)
            return True
        if isinstance(response, Condition) and response.status in ("OK", "NO"):
            # UIDNOTSTICKY comes with an untagged NO (RFC 4315, 3).
            try:
                return self._code(response.code, response.arguments)
            except ProtocolViolation as error:
                self.garbled = f"{response.code}: {error}"
                return True
        return False

    def _code(self, code: str, arguments: bytes) -> bool:
        now = self._selected
        mark = now.mark
        if code == "UIDVALIDITY":
            mark = mark._replace(uidvalidity=bounded(arguments, MAXIMUM))
        elif code == "UIDNEXT":
            mark = mark._replace(uidnext=bounded(arguments, MAXIMUM + 1))
        elif code == "HIGHESTMODSEQ":
            mark = mark._replace(modseq=bounded(arguments))
            now = now._replace(unmoved=not mark.modseq)
        elif code == "PERMANENTFLAGS":
            now = now._replace(permanentFlags=parseFlags(arguments.strip(b"()")))
        elif code == "UIDNOTSTICKY":
            now = now._replace(persistent=False)
        elif code == "MAILBOXID":
            identity = arguments.strip(b"()").decode("ascii", "replace")
            now = now._replace(identity=identity)
        elif code == "MESSAGELIMIT":
            now = now._replace(partial=True)
        elif code != "NOMODSEQ":
            return False
        self._selected = now._replace(mark=mark)
        return True

    def result(self, condition: Condition) -> Selected:
        if condition.code == "READ-ONLY":
            return self._selected._replace(readOnly=True)
        return self._selected


class Reselect(Select):
    """
    The same, for the mailbox that is selected: more may be asked of it, or the next one
    be selected, before this is answered.  It is not sent again, since that would be too
    late then.
    """

    leads = yields = True
    repeatable = anew = False


class Enter(Select):
    """
    The same, and what is to be done there is sent right behind it: if this is refused,
    so is that.  Nor is this sent again.
    """

    leads = yields = True
    repeatable = False


class Leave(Alone):
    """
    UNSELECT (RFC 3691), CLOSE, or EXAMINE before that: the mailbox that was
    selected is not any more, even if EXAMINE is refused (RFC 9051, 6.3.2).
    """

    leads = True


class Unselect(Leave):
    """
    UNSELECT, and the next mailbox is selected right behind that, which leaves this one
    in any case: what comes when this is answered is about the next one.

    @param able: whether the server has it; else NOOP tells as well when that is so.
    """

    follows = yields = True
    repeatable = False

    def __init__(self, able: bool) -> None:
        super().__init__("UNSELECT" if able else "NOOP")
