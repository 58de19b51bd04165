"""
The IMAP that servers in memory speak: enough of QRESYNC for tests.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any
from zlib import crc32

from imapsync import names
from imapsync.model import Flags
from imapsync.testing.accounts import DATE, Folder, Message
from imapsync.testing.conversation import Died, offersOf
from imapsync.testing.mailboxes import MailboxDialogue
from imapsync.uidset import UidSet

#: The flags that SEARCH has words for.
_FLAGS = ("ANSWERED", "DELETED", "DRAFT", "FLAGGED", "SEEN")


class Dialogue(MailboxDialogue):
    """
    All of it: here are the commands about messages.
    """

    def _SEARCH(self, tag: str, *words: Any) -> None:
        known, flag = "1:*", ""
        for word, argument in zip(words, (*words[1:], ""), strict=True):
            if word in ("UID", "KEYWORD"):
                known, flag = (argument, flag) if word == "UID" else (known, argument)
            elif word in _FLAGS:
                flag = f"\\{word}"
        uids = _newest(self._some(self._known(known)), self.account.finds)
        if flag:
            messages = self._selected().messages
            uids = UidSet.of(uid for uid in uids if _has(messages[uid], flag))
        if words[0] != "RETURN" and not uids and self.account.reticent:
            return
        if words[0] != "RETURN":
            self._say("* SEARCH" + "".join(f" {uid}" for uid in uids))
        elif uids:
            self._say(f'* ESEARCH (TAG "{tag}") UID ALL {uids}')
        else:
            self._say(f'* ESEARCH (TAG "{tag}") UID')

    def _known(self, text: str) -> UidSet:
        messages = self._selected().messages
        if text.endswith(":*"):
            first = min(int(text.removesuffix(":*")), max(messages, default=1))
            return UidSet.of(uid for uid in messages if uid >= first)
        return UidSet.parse(text) & UidSet.of(messages)

    def _some(self, uids: UidSet) -> UidSet:
        """
        As many of them as a command does: those with the highest UIDs.
        """
        most = self.account.most
        if most is None or len(uids) <= most:
            return uids
        some = _newest(uids, most)
        lowest = f" {min(some)}" if some and self.account.tellsLowest else ""
        self._limit = f"MESSAGELIMIT {most}{lowest}"
        return some

    @property
    def _plus(self) -> bool:
        """
        Whether it has what UIDPLUS brings (RFC 4315).
        """
        return "UIDPLUS" in self.account.capabilities

    @property
    def _mostSaved(self) -> int | None:
        """
        So many messages a command stores that does not store them in part.
        """
        account = self.account
        return account.most if account.mostSaved is None else account.mostSaved

    def _FETCH(
        self, _tag: str, uids: str, items: list[str], since: Any = ("", 0)
    ) -> str:
        answer = "OK done"
        if "FETCH" in self.account.deaf:
            return answer
        numbered = self._counts and not self._selected().noModseq
        if not numbered and (since[0] or "MODSEQ" in items):
            return "BAD what is that"
        reads = any(item.startswith(("BODY", "RFC822.SIZE")) for item in items)
        for uid in _newest(self._some(self._known(uids)), self.account.shows):
            message = self._selected().messages[uid]
            if since[0] and message.modseq <= int(since[1]):
                continue
            if since[0]:
                items = ["FLAGS"] if self.account.unnumbered else ["FLAGS", "MODSEQ"]
            body = message.body
            trouble = self.account.chokes(body) if reads else ""
            if trouble == "BYE":
                raise Died
            if trouble:
                answer = trouble
            else:
                self._row(uid, items)
        return answer

    def _row(self, uid: int, items: list[Any], unasked: bool = False) -> None:
        folder = self._selected()
        message = folder.messages[uid]
        self._shown[uid] = message.modseq
        values: list[bytes] = [] if unasked else [b"UID %d" % uid]
        for item in filter(_isItem, items):
            if item == "FLAGS":
                flags = " ".join(sorted(message.flags))
                values.append(f"FLAGS ({flags})".encode("latin-1"))
            elif item == "MODSEQ" and self._counts:
                values.append(b"MODSEQ (%d)" % message.modseq)
            elif item == "INTERNALDATE":
                values.append(f'INTERNALDATE "{message.date}"'.encode())
            elif item == "RFC822.SIZE":
                size = message.told or self.account.estimates(message.body)
                values.append(b"RFC822.SIZE %d" % size)
            elif item.startswith("BODY"):
                values.append(_section(item, message.body))
            elif item != "MODSEQ":
                values.append(self._identity(item, message))
        order = self.account.order
        if order:
            values.sort(key=lambda value: order.index(_nameOf(value)))
        number = list(folder.messages).index(uid) + 1
        self.output += b"* %d FETCH (%s)\r\n" % (number, b" ".join(values))

    def _identity(self, item: str, message: Message) -> bytes:
        """
        What is the same of a message in all mailboxes, or in which others it is.
        """
        if item != "X-GM-LABELS":
            number = crc32(message.body)
            told = f"(M{number})" if item == "EMAILID" else str(number)
            return f"{item} {told}".encode()
        folders = self.account.folders.items()
        labels = [
            r"\\Inbox" if name == "INBOX" else names.encode(name).decode()
            for name, folder in folders
            if folder is not self._folder and not folder.use
            if any(one.body == message.body for one in folder.messages.values())
        ]
        labels = [f'"{label}"' for label in labels]
        return f"X-GM-LABELS ({' '.join(labels)})".encode()

    def _STORE(self, _tag: str, uids: str, action: str, flags: list[str]) -> None:
        folder = self._selected()
        if not self._writable:
            raise AssertionError("STORE in a mailbox that was only examined")
        if folder.readOnly or "STORE" in self.account.deaf:
            return
        changed = folder.keeps(frozenset(flags) - self.account.forgets)
        for uid in self._some(self._known(uids)):
            before = folder.messages[uid].flags
            present = _without(before, changed - self.account.sticky)
            if action[0] == "+":
                present = before | _without(changed, before)
            if present != before:
                folder.flag(uid, *present)
            self._row(uid, ["MODSEQ", "FLAGS"])

    def _EXPUNGE(self, _tag: str, uids: str = "") -> str:
        folder = self._selected()
        if uids and not self._plus:
            return "BAD what is that"
        if not self._writable:
            raise AssertionError("EXPUNGE in a mailbox that was only examined")
        if folder.readOnly or "EXPUNGE" in self.account.deaf:
            return "OK done"
        known = self._known(uids or "1:*")
        marked = (u for u in known if _deleted(folder.messages[u]))
        folder.expunge(*self._some(UidSet.of(marked)))
        told = f"[HIGHESTMODSEQ {folder.modseq}] " if self._resyncs else ""
        return f"OK {told}done"

    def _COPY(self, _tag: str, uids: str, name: str) -> str:
        known, most = self._known(uids), self._mostSaved
        if most is not None and len(known) > most and not self.account.partly:
            return f"NO [MESSAGELIMIT {most}] too many"
        code = self._transfer(self._some(known), name)
        return self._grudge(known) or f"OK {code}done"

    def _grudge(self, uids: UidSet) -> str:
        """
        What is said although it was done.
        """
        messages = self._selected().messages
        bodies = (messages[uid].body for uid in uids)
        return next(filter(None, map(self.account.grudges, bodies)), "")

    def _MOVE(self, _tag: str, uids: str, name: str) -> str:
        folder = self._selected()
        if not self._writable:
            raise AssertionError("MOVE in a mailbox that was only examined")
        moved = self._some(self._known(uids))
        grudge = self._grudge(moved)
        code = self._transfer(moved, name)
        bodies = {folder.messages[uid].body for uid in moved}
        folder.expunge(*moved)
        if "X-GM-EXT-1" in self.account.capabilities:
            self._throw(self._existing(name), bodies)
        if not grudge:
            self._say(f"* OK {code}moved")
        return grudge or "OK done"

    def _throw(self, target: Folder, bodies: Collection[bytes]) -> None:
        """
        Have what was moved to the trash be in no other mailbox, as Gmail does.
        """
        for folder in self.account.folders.values():
            if "\\Trash" in target.use and folder is not target:
                uids = [u for u, m in folder.messages.items() if m.body in bodies]
                folder.expunge(*uids)

    def _transfer(self, uids: UidSet, name: str) -> str:
        """
        Copy messages.

        @return: the response code that tells it.
        """
        source, target = self._selected(), self._existing(name)
        known = list(uids)
        messages = [source.messages[uid] for uid in known]
        new = [
            self._same(target, m.body)
            or target.add(m.body, _without(m.flags, self.account.forgets), m.date)
            for m in messages
        ]
        told = self.account.copyUid
        if isinstance(told, str):
            return f"[COPYUID {told}] "
        if not (told and known and self._plus):
            return ""
        return f"[COPYUID {target.uidvalidity} {_list(known)} {_list(new)}] "

    def _same(self, folder: Folder, body: bytes) -> int:
        """
        The UID of a message that is there already, where that matters; else 0.
        """
        known = folder.messages.items() if self.account.merges else ()
        return next((u for u, m in known if _idOf(m.body) == _idOf(body)), 0)

    def _APPEND(self, _tag: str, name: str, *arguments: Any) -> str:
        account = self.account
        offers = offersOf(arguments)
        if account.dies(offers):
            raise Died
        if text := self._objection(offers):
            return text
        if len(offers) > 1 and "MULTIAPPEND" not in account.capabilities:
            return "BAD one at a time"
        folder, most = self._existing(name), self._mostSaved
        if folder.readOnly:
            return "NO [NOPERM] read-only"
        if most is not None and len(offers) > most:
            if not account.partly:
                return f"NO [MESSAGELIMIT {most}] too many"
            offers, self._limit = offers[:most], f"MESSAGELIMIT {most}"
        grudge = next(filter(None, (account.grudges(o.body) for o in offers)), "")
        if grudge and account.partly:
            first = next(n for n, o in enumerate(offers) if account.grudges(o.body))
            offers = offers[: first + 1]
        tail = b"altered\r\n" if account.alters else b""
        added = [
            self._same(folder, o.body)
            or folder.add(
                account.remakes(o.body) + tail,
                folder.keeps(account.kept(o.flags)),
                account.bends(o.date or DATE),
            )
            for o in offers
        ]
        if grudge:
            return grudge
        uids = _list(added)
        if isinstance(account.appendUid, str):
            return f"OK [APPENDUID {account.appendUid}] done"
        plus = account.appendUid and self._plus
        told = f"[APPENDUID {folder.uidvalidity} {uids}] " if plus else ""
        return f"OK {told}done"


def _section(item: str, octets: bytes) -> bytes:
    """
    A message, or what is asked for of it.
    """
    section = item.removeprefix("BODY.PEEK").encode()
    if section.startswith(b"[HEADER"):
        octets = octets.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
    if section == b"[HEADER.FIELDS":
        section += b" (MESSAGE-ID)]"
        fields = re.findall(rb"(?im)^message-id:.*\r\n", octets)
        octets = b"".join(fields) + b"\r\n"
    return b"BODY%s {%d}\r\n%s" % (section, len(octets), octets)


def _idOf(body: bytes) -> bytes:
    """
    Its Message-ID, in full.
    """
    found = re.search(rb"(?im)^message-id:.*$", body)
    return found[0] if found else body


def _nameOf(value: bytes) -> str:
    """
    Of which attribute a value is.
    """
    return re.split(rb"[ \[]", value, maxsplit=1)[0].decode()


def _list(uids: list[int]) -> str:
    """
    They, as they are written; in this order if it matters.
    """
    if uids == sorted(set(uids)):
        return str(UidSet.of(uids))
    return ",".join(map(str, uids))


def _newest(uids: UidSet, most: int | None) -> UidSet:
    """
    Those with the highest UIDs.
    """
    if most is None or len(uids) <= most:
        return uids
    return UidSet.of(list(uids)[len(uids) - most :])


def _isItem(word: object) -> bool:
    """
    Whether a word of FETCH is none of those that C{HEADER.FIELDS} takes.
    """
    return isinstance(word, str) and word != "]"


def _deleted(message: Message) -> bool:
    return _has(message, "\\Deleted")


def _has(message: Message, flag: str) -> bool:
    return flag.lower() in {one.lower() for one in message.flags}


def _without(flags: Flags, others: Flags) -> Flags:
    folded = {flag.lower() for flag in others}
    return frozenset(flag for flag in flags if flag.lower() not in folded)
