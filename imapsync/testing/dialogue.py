"""
The IMAP that servers in memory speak: enough of QRESYNC for tests.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from imapsync import names
from imapsync.model import Flags
from imapsync.names import isWithin
from imapsync.testing.accounts import DATE, Account, Folder, Message, Offer
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


class Dialogue:
    """
    The server's end of a connection.

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
        self._told: set[int] = set()
        self._shown: dict[int, int] = {}
        self._writable = False
        self._notices: Notices | None = None
        self._idle = ""
        self._agreed = False
        self._inflate: Any = None
        self._deflate: Any = None
        self._squeezed = bytearray()
        capabilities = " ".join(sorted(account.capabilities))
        greeting = f"{account.greeting} [CAPABILITY {capabilities}]"
        self._say(f"* {greeting} {account.salutation}")

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
            self._execute(*_words(parts))
            return
        self._wanted = int(marker[1])
        tag, verb, *_ = _words(self._parts[:1])
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
        words = _words(self._parts[-1:])
        offers = _offers(words if self._parts[:-1] else words[3:])
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
        if not answer:
            try:
                answer = getattr(self, f"_{verb}")(tag, *arguments) or "OK done"
            except Missing as error:
                code = "TRYCREATE" if verb == "APPEND" else "NONEXISTENT"
                answer = f"NO [{code}] no such mailbox"
                vague = account.phantoms | account.shut
                if error.args[0] in vague and verb != "APPEND":
                    answer = "NO it doesn't exist"
            except Died:
                self.closing = True
                return
        if self._idle:
            self._say("+ idling")
            return
        self._news()
        self._say(f"{tag} {answer}")
        if verb == "APPEND" and account.impatient and answer.startswith("NO"):
            self.bye("not so")

    def _changed(self) -> None:
        """
        Say which flags others have changed.
        """
        for uid, message in self._selected().messages.items():
            if uid in self._told and self._shown[uid] != message.modseq:
                self._row(uid, ["FLAGS", "MODSEQ"])

    def _news(self) -> None:
        """
        Say what became of the selected mailbox.
        """
        if self._folder is None:
            return
        if gone := UidSet.of(self._told - set(self._folder.messages)):
            self._say(f"* VANISHED {gone}")
        self._tell()

    def _tell(self) -> None:
        folder = self._selected()
        if self._told != set(folder.messages):
            self._say(f"* {folder.count} EXISTS")
        self._told = set(folder.messages)
        for uid, message in folder.messages.items():
            self._shown.setdefault(uid, message.modseq)

    def _selected(self) -> Folder:
        if self._folder is None:
            raise AssertionError("nothing is selected")
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

    # Commands

    def _CAPABILITY(self, _tag: str) -> None:
        self._say(f"* CAPABILITY {' '.join(sorted(self.account.capabilities))}")

    def _AUTHENTICATE(self, _tag: str, *_words: object) -> None:
        pass

    _LOGIN = _ID = _AUTHENTICATE

    def _COMPRESS(self, _tag: str, _method: str) -> None:
        self._agreed = True

    def _NOOP(self, _tag: str) -> None:
        # No other command is the one to tell it, though most servers do.
        # After NOTIFY, Dovecot does not even tell it then.
        if self._folder is not None and self._notices is None:
            self._changed()

    def _ENABLE(self, _tag: str, name: str) -> None:
        self._say(f"* ENABLED {name}")

    def _NAMESPACE(self, _tag: str) -> None:
        told = f'(("" "{self.account.separator}")) NIL NIL'
        self._say(f"* NAMESPACE {self.account.namespaces or told}")

    def _LOGOUT(self, _tag: str) -> None:
        self._say("* BYE")
        self.closing = True

    def _NOTIFY(self, _tag: str, *_words: object) -> None:
        if self._notices is not None:
            self._notices = None  # Dovecot does that, too
            return
        self._notices = Notices(self.account)
        self.output += b"".join(self._notices.first(self._folder))

    def _IDLE(self, tag: str) -> None:
        self._idle = tag

    def _LIST(self, _tag: str, first: object, *words: str) -> None:
        # As on real servers, mere names are told only to those who ask so.
        chosen = isinstance(first, list) and "SUBSCRIBED" in first
        pattern = self._named(words[1] if isinstance(first, list) else words[0])
        wanted = re.escape(pattern).replace(r"\*", ".*")
        for name, attributes in self._listed(chosen):
            if not re.fullmatch(wanted, name, re.DOTALL):
                continue
            quoted = re.sub(r'(["\\])', r"\\\1", names.encode(name).decode())
            self._say(f'* LIST ({attributes}) "{self.account.separator}" "{quoted}"')
            folder = self.account.folders.get(name)
            if folder and name not in self.account.silent | self.account.shut:
                self._say(f'* STATUS "{quoted}" ({_status(folder)})')

    def _listed(self, chosen: bool) -> Iterator[tuple[str, str]]:
        """
        What LIST tells, and with which attributes.

        @param chosen: whether subscriptions are asked for, and what is above them.
        """
        account = self.account
        for name, folder in account.folders.items():
            if name in account.unlisted or (chosen and not folder.subscribed):
                continue
            told = folder.subscribed and not account.tacit
            words = [r"\Subscribed"] if told else []
            yield name, " ".join((*words, *folder.use.split()))
        for name in set() if chosen else account.levels:
            yield name, r"\Noselect"
        for name in account.phantoms - set(account.folders):
            below = [n for n in account.folders if isWithin(n, name)]
            if not chosen:
                yield name, r"\HasChildren" if below else ""
            elif any(account.folders[n].subscribed for n in below):
                yield name, r"\NonExistent"
        for name in sorted(account.ghosts) * chosen:
            yield name, r"\Subscribed \NonExistent"

    def _LSUB(self, _tag: str, _reference: str, _pattern: str) -> None:
        account = self.account
        chosen = {name for name, one in account.folders.items() if one.subscribed}
        for name in sorted(chosen | account.ghosts):
            word = names.encode(name).decode()
            self._say(f'* LSUB () "{account.separator}" "{word}"')

    def _STATUS(self, _tag: str, name: str, items: list[str]) -> str:
        guid = ""
        if "X-GUID" in items:
            if not self.account.guids:
                return "BAD no such item"
            guid = f" X-GUID {self._existing(name).identity}"
        if "APPENDLIMIT" in items:
            limit = self.account.largest
            self._say(f'* STATUS "{name}" (APPENDLIMIT {limit or "NIL"})')
            return "OK done"
        folder = self._existing(name)
        if "STATUS" not in self.account.deaf:
            self._say(f'* STATUS "{name}" ({_status(folder)}{guid})')
        return "OK done"

    def _CREATE(self, _tag: str, word: str) -> str:
        name, account = self._named(word), self.account
        if account.find(name) is not None:
            return "NO [ALREADYEXISTS] it is there"
        if "CREATE" not in account.deaf:
            account.make(account.respell(name), subscribed=False)
        return "OK done"

    def _RENAME(self, _tag: str, old: str, new: str) -> str:
        self._existing(old)
        name, target = self._named(old), self._named(new)
        within = target.startswith(name + self.account.separator)
        if self.account.find(target) or target in self.account.levels or within:
            return "NO [ALREADYEXISTS] it is there"
        if "RENAME" not in self.account.deaf:
            self.account.rename(name, target)
        return "OK done"

    def _DELETE(self, _tag: str, name: str) -> None:
        folder = self._existing(name)
        if "DELETE" not in self.account.deaf:
            self.account.remove(folder)

    def _SUBSCRIBE(self, _tag: str, name: str) -> None:
        if "SUBSCRIBE" not in self.account.deaf:
            self._existing(name).subscribed = True

    def _UNSUBSCRIBE(self, _tag: str, name: str) -> None:
        if self._named(name) in self.account.ghosts:
            self.account.ghosts.remove(self._named(name))
        else:
            self._existing(name).subscribed = False

    def _SELECT(self, _tag: str, name: str, options: Any = ()) -> str:
        self._writable = True
        return self._open(name, options)

    def _EXAMINE(self, _tag: str, name: str, options: Any = ()) -> str:
        self._writable = False
        return self._open(name, options)

    def _open(self, name: str, options: Any) -> str:
        if self._folder is not None:
            self._say("* OK [CLOSED] another")
        self._folder = folder = self._existing(name)
        self._told, self._shown = set(), {}
        self._tell()
        modseq = "NOMODSEQ" if folder.noModseq else f"HIGHESTMODSEQ {folder.modseq}"
        for code in (
            f"PERMANENTFLAGS ({folder.permanent})",
            f"UIDVALIDITY {folder.uidvalidity}",
            f"UIDNEXT {folder.uidnext}",
            modseq,
            *([f"MAILBOXID ({folder.identity})"] if self._tellsIds() else []),
            *folder.codes,
        ):
            self._say(f"* OK [{code}] it is so")
        if options:
            self._resync(folder, *map(int, options[1]))
        writable = self._writable and not folder.readOnly
        return f"OK [{'READ-WRITE' if writable else 'READ-ONLY'}] selected"

    def _UNSELECT(self, _tag: str) -> None:
        self._selected()
        self._folder = None

    def _CLOSE(self, _tag: str) -> None:
        folder = self._selected()
        if self._writable:
            folder.expunge(*[u for u, m in folder.messages.items() if _deleted(m)])
        self._folder = None

    def _GETMETADATA(self, _tag: str, _name: str, entry: str) -> None:
        for name, folder in self.account.folders.items():
            word = names.encode(name).decode()
            self._say(f'* METADATA "{word}" ("{entry}" "{folder.identity}")')

    def _tellsIds(self) -> bool:
        return "OBJECTID" in self.account.capabilities

    def _resync(self, folder: Folder, uidvalidity: int, modseq: int) -> None:
        if uidvalidity != folder.uidvalidity or modseq > folder.modseq:
            return
        gone = UidSet.of(u for u, went in folder.expunged.items() if went > modseq)
        if gone or folder.lies:
            self._say(f"* VANISHED (EARLIER) {gone | folder.lies}")
        for uid, message in folder.messages.items():
            if message.modseq > modseq:
                self._row(uid, ["FLAGS", "MODSEQ"])

    def _SEARCH(self, tag: str, *words: Any) -> None:
        uids = self._known(words[-1])
        if words[0] != "RETURN":
            self._say("* SEARCH" + "".join(f" {uid}" for uid in uids))
        elif uids:
            self._say(f'* ESEARCH (TAG "{tag}") UID ALL {uids}')
        else:
            self._say(f'* ESEARCH (TAG "{tag}") UID')

    def _known(self, text: str) -> UidSet:
        messages = self._selected().messages
        if text == "1:*":
            return UidSet.of(messages)
        return UidSet.parse(text) & UidSet.of(messages)

    def _FETCH(self, _tag: str, uids: str, items: list[str]) -> str:
        answer = "OK done"
        if "FETCH" in self.account.deaf:
            return answer
        reads = any(item.startswith(("BODY", "RFC822.SIZE")) for item in items)
        for uid in self._known(uids):
            body = self._selected().messages[uid].body
            trouble = self.account.chokes(body) if reads else ""
            if trouble == "BYE":
                raise Died
            if trouble:
                answer = trouble
            else:
                self._row(uid, items)
        return answer

    def _row(self, uid: int, items: list[Any]) -> None:
        folder = self._selected()
        message = folder.messages[uid]
        self._shown[uid] = message.modseq
        values: list[bytes] = [b"UID %d" % uid]
        for item in filter(_isItem, items):
            if item == "FLAGS":
                flags = " ".join(sorted(message.flags))
                values.append(f"FLAGS ({flags})".encode("latin-1"))
            elif item == "MODSEQ":
                values.append(b"MODSEQ (%d)" % message.modseq)
            elif item == "INTERNALDATE":
                values.append(f'INTERNALDATE "{message.date}"'.encode())
            elif item == "RFC822.SIZE":
                size = message.told or len(message.body)
                values.append(b"RFC822.SIZE %d" % size)
            elif item.startswith("BODY"):
                section = item.removeprefix("BODY.PEEK").encode()
                octets = message.body
                if section.startswith(b"[HEADER"):
                    octets = octets.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
                if section == b"[HEADER.FIELDS":
                    section += b" (MESSAGE-ID)]"
                    fields = re.findall(rb"(?im)^message-id:.*\r\n", octets)
                    octets = b"".join(fields) + b"\r\n"
                values.append(b"BODY%s {%d}\r\n%s" % (section, len(octets), octets))
        order = self.account.order
        if order:
            values.sort(key=lambda value: order.index(_nameOf(value)))
        number = list(folder.messages).index(uid) + 1
        self.output += b"* %d FETCH (%s)\r\n" % (number, b" ".join(values))

    def _STORE(self, _tag: str, uids: str, action: str, flags: list[str]) -> None:
        folder = self._selected()
        if not self._writable:
            raise AssertionError("STORE in a mailbox that was only examined")
        if folder.readOnly or "STORE" in self.account.deaf:
            return
        changed = frozenset(flags) - self.account.forgets
        for uid in self._known(uids):
            before = folder.messages[uid].flags
            present = _without(before, changed - self.account.sticky)
            if action[0] == "+":
                present = before | _without(changed, before)
            if present != before:
                folder.flag(uid, *present)
            self._row(uid, ["MODSEQ", "FLAGS"])

    def _EXPUNGE(self, _tag: str, uids: str) -> str:
        folder = self._selected()
        if not self._writable:
            raise AssertionError("EXPUNGE in a mailbox that was only examined")
        if folder.readOnly or "EXPUNGE" in self.account.deaf:
            return "OK done"
        marked = (u for u in self._known(uids) if _deleted(folder.messages[u]))
        folder.expunge(*list(marked))
        return f"OK [HIGHESTMODSEQ {folder.modseq}] done"

    def _COPY(self, _tag: str, uids: str, name: str) -> str:
        return f"OK {self._transfer(uids, name)}done"

    def _MOVE(self, _tag: str, uids: str, name: str) -> str:
        folder = self._selected()
        if not self._writable:
            raise AssertionError("MOVE in a mailbox that was only examined")
        moved = list(self._known(uids))
        self._say(f"* OK {self._transfer(uids, name)}moved")
        folder.expunge(*moved)
        return "OK done"

    def _transfer(self, uids: str, name: str) -> str:
        """
        Copy messages.

        @return: the response code that tells it.
        """
        source, target = self._selected(), self._existing(name)
        known = list(self._known(uids))
        messages = [source.messages[uid] for uid in known]
        new = [
            target.add(m.body, _without(m.flags, self.account.forgets), m.date)
            for m in messages
        ]
        told = self.account.copyUid
        if isinstance(told, str):
            return f"[COPYUID {told}] "
        if not told or not known:
            return ""
        return f"[COPYUID {target.uidvalidity} {UidSet.of(known)} {UidSet.of(new)}] "

    def _APPEND(self, _tag: str, name: str, *arguments: Any) -> str:
        account = self.account
        offers = _offers(arguments)
        if account.dies(offers):
            raise Died
        if text := self._objection(offers):
            return text
        if len(offers) > 1 and "MULTIAPPEND" not in account.capabilities:
            return "BAD one at a time"
        folder = self._existing(name)
        if folder.readOnly:
            return "NO [NOPERM] read-only"
        tail = b"altered\r\n" if account.alters else b""
        added = [
            folder.add(
                o.body + tail, account.kept(o.flags), account.bends(o.date or DATE)
            )
            for o in offers
        ]
        uids = UidSet.of(added)
        if isinstance(account.appendUid, str):
            return f"OK [APPENDUID {account.appendUid}] done"
        told = f"[APPENDUID {folder.uidvalidity} {uids}] " if account.appendUid else ""
        return f"OK {told}done"


def _nameOf(value: bytes) -> str:
    """
    Of which attribute a value is.
    """
    return re.split(rb"[ \[]", value, maxsplit=1)[0].decode()


def _isItem(word: object) -> bool:
    """
    Whether a word of FETCH is none of those that C{HEADER.FIELDS} takes.
    """
    return isinstance(word, str) and word != "]"


def _deleted(message: Message) -> bool:
    return "\\Deleted" in message.flags


def _without(flags: Flags, others: Flags) -> Flags:
    folded = {flag.lower() for flag in others}
    return frozenset(flag for flag in flags if flag.lower() not in folded)


def _status(folder: Folder) -> str:
    return (
        f"MESSAGES {folder.count} UIDNEXT {folder.uidnext}"
        f" UIDVALIDITY {folder.uidvalidity} HIGHESTMODSEQ {folder.modseq}"
    )


def _words(parts: list[str | bytes]) -> list[Any]:
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


def _offers(arguments: Any) -> list[Offer]:
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
