"""
What is said in IMAP, whatever the commands: lines, literals and answers.
"""

from __future__ import annotations

import re
import zlib
from abc import ABC, abstractmethod
from dataclasses import replace
from typing import Any

from imapsync import names
from imapsync.testing.accounts import Account, Folder, Offer
from imapsync.testing.notices import Notices
from imapsync.uidset import UidSet

_LITERAL = re.compile(rb"\{(\d+)(\+?)\}\Z")
_TOKEN = re.compile(r' *(?:"((?:[^"\\]|\\.)*)"|([()])|([^ ()"]+))')


class Missing(Exception):
    """
    There is no such mailbox.
    """


class Died(Exception):
    """
    The server hangs up.
    """


class Unselected(Exception):
    """
    The client was not let into a mailbox, and did not know that yet.
    """


class Conversation(ABC):
    """
    The server's end of a connection, to which subclasses add commands: the method
    C{_VERB} takes the tag and the words of each, and returns how it is answered if that
    is not C{OK}.

    @ivar output: what it says.
    @ivar closing: whether it hangs up after that.
    """

    def __init__(self, account: Account) -> None:
        self.account = account
        self.output = bytearray()
        self.closing = False
        self._input = bytearray()
        self._parts: list[str | bytes] = []
        self._wanted: int | None = None
        self._folder: Folder | None = None
        self._barred = False
        self._told: set[int] = set()
        self._shown: dict[int, int] = {}
        self._writable = False
        self._notices: Notices | None = None
        self._idle = ""
        self._agreed = False
        self._limit = ""
        self._late = b""
        self._inflate: Any = None
        self._deflate: Any = None
        self._squeezed = bytearray()
        capabilities = " ".join(sorted(account.capabilities))
        greeting = f"{account.greeting} [CAPABILITY {capabilities}]"
        dovecot = "Dovecot " if account.guids else ""
        self._say(f"* {greeting} {dovecot}{account.salutation}")

    def received(self, data: bytes) -> None:
        """
        The client said something.
        """
        if self._agreed and self._inflate is None:
            # It has got our consent, and all that came before.
            self._inflate = zlib.decompressobj(-15)
            self._deflate = zlib.compressobj(wbits=-15)
        self._input += self._inflate.decompress(data) if self._inflate else data
        while self._step():
            pass

    def said(self) -> bytearray:
        """
        What there is to be sent, compressed if that was agreed on.
        """
        self._push()
        if self._deflate is None:
            return self.output
        if self.output:
            self._squeezed += self._deflate.compress(bytes(self.output))
            self._squeezed += self._deflate.flush(zlib.Z_SYNC_FLUSH)
            self.output.clear()
        return self._squeezed

    def _push(self) -> None:
        """
        Say what the client wants to be told without asking.
        """
        if self._notices is not None:
            news = list(self._notices.news(self._folder))
            if news and self.account.overflows:
                self.account.overflows, self._notices = False, None
                news = [b"* OK [NOTIFICATIONOVERFLOW] too much\r\n"]
            self.output += b"".join(news)
        if self._idle and self._folder is not None:
            self._changed()
            self._news()

    def bye(self, text: str) -> None:
        """
        Hang up.
        """
        self._say(f"* BYE {text}")
        self.closing = True

    def _say(self, line: str) -> None:
        self.output += line.encode("latin-1") + b"\r\n"

    def _step(self) -> bool:
        if self.closing:
            self._input.clear()
            return False
        if self._wanted is not None:
            if len(self._input) < self._wanted:
                return False
            self._parts.append(bytes(self._input[: self._wanted]))
            del self._input[: self._wanted]
            self._wanted = None
            return True
        line, end, rest = self._input.partition(b"\r\n")
        if not end:
            return False
        self._input = bytearray(rest)
        self._line(bytes(line))
        return True

    def _line(self, line: bytes) -> None:
        if self._idle:
            tag, self._idle = self._idle, ""
            self._say(f"{tag} {'OK done' if line == b'DONE' else 'BAD not DONE'}")
            return
        marker = _LITERAL.search(line)
        self._parts.append(_LITERAL.sub(b"", line).decode("latin-1"))
        if marker is None:
            parts, self._parts = self._parts, []
            self._execute(*wordsOf(parts))
            return
        self._wanted = int(marker[1])
        tag, verb, *_ = wordsOf(self._parts[:1])
        if verb == "APPEND" and self._isTooLarge(tag, bool(marker[2])):
            return
        text = self._refusal(bool(marker[2])) if verb == "APPEND" else ""
        if marker[2] and not text:
            return
        if text:
            self._parts, self._wanted = [], None
        self._say(f"{tag} {text}" if text else "+ go on")
        if text and self.account.impatient:
            self.bye("not so")

    def _isTooLarge(self, tag: str, unasked: bool) -> bool:
        largest = self.account.largest
        if largest is None or (self._wanted or 0) <= largest:
            return False
        self._parts, self._wanted = [], None
        self._say(f"{tag} NO [TOOBIG] too large")
        if unasked or self.account.impatient:
            self.bye("[TOOBIG] too large")
        return True

    def _refusal(self, unasked: bool) -> str:
        """
        What there is against the message whose literal comes next.
        """
        words = wordsOf(self._parts[-1:])
        offers = offersOf(words if self._parts[:-1] else words[3:])
        bare = Offer(frozenset(), "", 0)  # neither flags nor a date
        offer = replace([*offers, bare][0], size=self._wanted or 0)
        refusal = self.account.misreads(offer)
        return refusal if unasked or refusal else self.account.objection(offer)

    def _objection(self, offers: list[Offer]) -> str:
        return next(filter(None, map(self.account.objection, offers)), "")

    def _execute(self, tag: str = "*", verb: str = "", *arguments: Any) -> None:
        account = self.account
        shown = (a[:200] if isinstance(a, bytes) else a for a in arguments)
        account.heard.append(" ".join((verb, *map(str, shown)))[:200])
        if verb == "UID":
            verb, *rest = arguments
            arguments = tuple(rest)
        if not (verb.isupper() and hasattr(self, f"_{verb}")):
            self._say(f"{tag} BAD what is that")
            return
        if verb in account.before:
            account.before.pop(verb)()
        answer = account.answers.get(verb, "") or account.refusal(account.heard[-1])
        try:
            answer = answer or self._answer(tag, verb, arguments)
        except Died:
            self.closing = True
            return
        if verb in ("SELECT", "EXAMINE"):
            self._barred = not answer.startswith("OK")
        if self._idle:
            self._say("+ idling")
            return
        self._news()
        self._say(f"{tag} {self._bounded(answer)}")
        self.output += self._late
        self._late = b""
        if verb == "APPEND" and account.impatient and answer.startswith("NO"):
            self.bye("not so")

    def _answer(self, tag: str, verb: str, arguments: tuple[Any, ...]) -> str:
        """
        Do what was asked.
        """
        account = self.account
        try:
            return getattr(self, f"_{verb}")(tag, *arguments) or "OK done"
        except Unselected:
            return "BAD no mailbox is selected"
        except Missing as error:
            vague = account.phantoms | account.shut
            if error.args[0] in vague and verb != "APPEND":
                return "NO it doesn't exist"
            code = "TRYCREATE" if verb == "APPEND" else "NONEXISTENT"
            return f"NO [{code}] no such mailbox"

    def _bounded(self, answer: str) -> str:
        """
        The same answer to a command that was done in part: there can be one code only
        in it (RFC 9738, 3.1).
        """
        limit, self._limit = self._limit, ""
        if not limit or not answer.startswith("OK"):
            return answer
        if "[" in answer:
            self._say(f"* NO [{limit}] not all")
            return answer
        return f"OK [{limit}] not all"

    def _changed(self) -> None:
        """
        Say which flags others have changed.
        """
        for uid, message in self._selected().messages.items():
            if uid in self._told and self._shown[uid] != message.modseq:
                self._row(uid, ["FLAGS", "MODSEQ"], unasked=not self._resyncs)

    def _news(self) -> None:
        """
        Say what became of the selected mailbox.
        """
        if self._folder is None:
            return
        gone = self._told - set(self._folder.messages)
        if self._resyncs:
            if gone:
                self._say(f"* VANISHED {UidSet.of(gone)}")
        else:
            numbers = {uid: n for n, uid in enumerate(sorted(self._told), 1)}
            for uid in sorted(gone, reverse=True):
                self._say(f"* {numbers[uid]} EXPUNGE")
        self._tell()

    def _tell(self) -> None:
        folder = self._selected()
        if self._told != set(folder.messages):
            self._say(f"* {folder.count - folder.hides} EXISTS")
        self._told = set(folder.messages)
        for uid, message in folder.messages.items():
            self._shown.setdefault(uid, message.modseq)

    def _selected(self) -> Folder:
        if self._folder is None:
            # What was sent along is no mistake of the client's.
            raise Unselected if self._barred else AssertionError("nothing is selected")
        return self._folder

    def _named(self, word: str | bytes) -> str:
        raw = word if isinstance(word, bytes) else word.encode("latin-1")
        return names.decode(raw)

    def _existing(self, word: str | bytes) -> Folder:
        name = self._named(word)
        folder = self.account.find(name)
        if folder is None or name in self.account.shut:
            raise Missing(name)
        return folder

    @property
    def _resyncs(self) -> bool:
        """
        Whether it speaks of messages by their UIDs, and of mailboxes that are left.
        """
        # Where that is refused, it was not enabled.
        account = self.account
        return "QRESYNC" in account.capabilities and "ENABLE" not in account.answers

    @property
    def _counts(self) -> bool:
        """
        Whether it tells mod-sequences.
        """
        return bool({"QRESYNC", "CONDSTORE"} & self.account.capabilities)

    @abstractmethod
    def _row(self, uid: int, items: list[Any], unasked: bool = False) -> None:
        """
        Say something of a message.

        @param unasked: whether to tell no UID.
        """


def wordsOf(parts: list[str | bytes]) -> list[Any]:
    """
    The words of a command: literals as C{bytes}, lists as lists.
    """
    stack: list[list[Any]] = [[]]
    for part in parts:
        if isinstance(part, bytes):
            stack[-1].append(part)
            continue
        for quoted, parenthesis, atom in _TOKEN.findall(part):
            if parenthesis == "(":
                stack.append([])
            elif parenthesis:
                done = stack.pop()
                stack[-1].append(done)
            else:
                stack[-1].append(atom or re.sub(r"\\(.)", r"\1", quoted))
    return stack[0]


def offersOf(arguments: Any) -> list[Offer]:
    """
    The messages of an APPEND; of the last, perhaps only what precedes it.
    """
    offers = []
    for argument in arguments:
        if isinstance(argument, list):
            offers.append(Offer(frozenset(argument), "", 0))
        elif isinstance(argument, str):
            offers[-1] = replace(offers[-1], date=argument)
        elif not offers:
            offers.append(Offer(frozenset(), "", len(argument), argument))
        else:
            offers[-1] = replace(offers[-1], size=len(argument), body=argument)
    return offers
