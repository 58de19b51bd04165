"""
A mail account as a test sees it: filled, changed and compared.

This speaks IMAP on a blocking socket and shares no code with imapsync, so
that a mistake there cannot hide itself here.
"""

from __future__ import annotations

import base64
import hashlib
import io
import re
import socket
import ssl
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from itertools import islice
from pathlib import Path
from typing import Any

#: For how many seconds a server may be silent.
PATIENCE = 60.0

#: Makes a message into what is compared of it.
Cleaned = Callable[[bytes], bytes]


@dataclass(frozen=True)
class Mail:
    """
    A message to put into a mailbox.

    @ivar date: the INTERNALDATE, with its zone; the present by default.
    """

    body: bytes = field(repr=False)
    flags: Sequence[str] = ()
    date: datetime | None = None


@dataclass(frozen=True)
class Message:
    """
    What counts when two messages are compared.

    @ivar digest: SHA-256 of the message, in hexadecimal.
    @ivar flags: in lower case, without C{\\recent}.
    @ivar date: the INTERNALDATE as an instant.
    """

    digest: str
    flags: frozenset[str]
    date: datetime

    def __str__(self) -> str:
        flags = " ".join(sorted(self.flags))
        return f"{self.digest[:12]} ({flags}) of {self.date:%Y-%m-%d %H:%M:%S}"


@dataclass(frozen=True)
class Snapshot:
    """
    All that an account holds, by names that do not depend on the server:
    levels joined by C{/}, without prefix.

    @ivar mailboxes: those that can be selected, and their messages.
    @ivar subscribed: which names are subscribed, even if nothing is there.
    """

    mailboxes: dict[str, Counter[Message]]
    subscribed: frozenset[str]

    def differences(self, other: Snapshot) -> list[str]:
        """
        What is here but not there and the other way round, for people.
        """
        here, there = self._facts(), other._facts()
        return sorted(
            [f"here only: {fact}" for fact in (here - there).elements()]
            + [f"there only: {fact}" for fact in (there - here).elements()]
        )

    def _facts(self) -> Counter[str]:
        facts = Counter(f"{name} is subscribed" for name in self.subscribed)
        facts.update(f"{name} exists" for name in self.mailboxes)
        for name, messages in self.mailboxes.items():
            facts.update(f"{name} holds {each}" for each in messages.elements())
        return facts


class CommandFailed(Exception):
    """
    The server did not say OK, or did not say what was expected.
    """


class Account:
    """
    A connection with one user logged in.

    Mailboxes are named as in L{Snapshot}; how the server spells them is found
    out here.  Between two calls no mailbox is selected.
    """

    def __init__(
        self,
        host: str,
        port: int,
        user: str,
        password: str,
        authority: Path | None = None,
    ) -> None:
        """
        Connect and log in.

        @param authority: who vouches for the server, if it speaks TLS.
        """
        self._wire = _Wire(host, port, authority)
        self._wire.command("LOGIN", _quoted(user), _quoted(password))
        self._prefix, self._separator = self._levels()

    def _levels(self) -> tuple[str, str]:
        """
        What is in front of all names, and between levels.
        """
        [row, _] = self._wire.command("NAMESPACE")
        [prefix, separator] = _groups(rb'NAMESPACE \(\("(.*?)" "(.)"\)', row)
        return prefix.decode(), separator.decode()

    def close(self) -> None:
        """
        Log out.
        """
        self._wire.command("LOGOUT")
        self._wire.close()

    def append(
        self,
        mailbox: str,
        body: bytes,
        flags: Sequence[str] = (),
        date: datetime | None = None,
    ) -> int:
        """
        Add one message, and return its UID.
        """
        return self.fill(mailbox, [Mail(body, flags, date)])[0]

    def fill(self, mailbox: str, mails: Iterable[Mail]) -> list[int]:
        """
        Add messages, many at a time, and return their UIDs (RFC 3502 and
        4315).
        """
        uids: list[int] = []
        remaining = iter(mails)
        while batch := [_appended(mail) for mail in islice(remaining, 500)]:
            rows = self._wire.command("APPEND", self._spelled(mailbox), *batch)
            uids += expanded(*_groups(rb"APPENDUID \d+ (\S+)\]", rows[-1]))
        return uids

    def store(self, mailbox: str, uids: Iterable[int], change: str) -> None:
        """
        Change flags; C{change} is, for example, C{"+FLAGS (\\\\Seen)"}.
        """
        self._within("SELECT", mailbox, f"UID STORE {_joined(uids)} {change}")

    def expunge(self, mailbox: str, uids: Iterable[int]) -> None:
        """
        Remove messages for good.
        """
        gone = _joined(uids)
        mark, remove = f"UID STORE {gone} +FLAGS (\\Deleted)", f"UID EXPUNGE {gone}"
        self._within("SELECT", mailbox, mark, remove)

    def move(self, mailbox: str, uids: Iterable[int], target: str) -> list[int]:
        """
        Move messages, and return their new UIDs (RFC 6851).
        """
        command = f"UID MOVE {_joined(uids)} ".encode() + self._spelled(target)
        return self._transferred(self._within("SELECT", mailbox, command))

    def copy(self, mailbox: str, uids: Iterable[int], target: str) -> list[int]:
        """
        Copy messages, and return the copies' UIDs.
        """
        command = f"UID COPY {_joined(uids)} ".encode() + self._spelled(target)
        return self._transferred(self._within("SELECT", mailbox, command))

    def create(self, mailbox: str) -> None:
        """
        Make a mailbox, not subscribed.
        """
        self._wire.command("CREATE", self._spelled(mailbox))

    def delete(self, mailbox: str) -> None:
        """
        Remove a mailbox; what it holds goes with it.
        """
        self._wire.command("DELETE", self._spelled(mailbox))

    def rename(self, old: str, new: str) -> None:
        """
        Give a mailbox another name.
        """
        self._wire.command("RENAME", self._spelled(old), self._spelled(new))

    def subscribe(self, mailbox: str) -> None:
        """
        Subscribe to a mailbox.
        """
        self._wire.command("SUBSCRIBE", self._spelled(mailbox))

    def unsubscribe(self, mailbox: str) -> None:
        """
        End the subscription to a mailbox.
        """
        self._wire.command("UNSUBSCRIBE", self._spelled(mailbox))

    def status(self, mailbox: str) -> tuple[int, int]:
        """
        UIDNEXT and HIGHESTMODSEQ of a mailbox.
        """
        items = b"(UIDNEXT HIGHESTMODSEQ)"
        [row, _] = self._wire.command("STATUS", self._spelled(mailbox), items)
        uidnext, modseq = _groups(rb"\(UIDNEXT (\d+) HIGHESTMODSEQ (\d+)\)", row)
        return int(uidnext), int(modseq)

    def state(self, mailbox: str) -> bytes:
        """
        All that STATUS tells of a mailbox.
        """
        items = b"(MESSAGES RECENT UNSEEN UIDNEXT UIDVALIDITY HIGHESTMODSEQ)"
        return self._wire.command("STATUS", self._spelled(mailbox), items)[0].text

    def uids(self, mailbox: str) -> list[int]:
        """
        The UIDs that a mailbox has now, ascending.
        """
        rows = self._within("EXAMINE", mailbox, "UID SEARCH ALL")
        [found] = [row for row in rows if row.text.startswith(b"* SEARCH")]
        return sorted(map(int, found.text.split()[2:]))

    def messages(self, mailbox: str, cleaned: Cleaned = bytes) -> dict[int, Message]:
        """
        What a mailbox holds now, by UID.

        @param cleaned: takes out of a message what does not count.
        """
        items = "UID FETCH 1:* (UID FLAGS INTERNALDATE BODY.PEEK[])"
        rows = self._within("EXAMINE", mailbox, items)
        # One that has just gone may be told without it.
        return dict(_fetched(row, cleaned) for row in rows if row.literals)

    def snapshot(self, cleaned: Cleaned = bytes) -> Snapshot:
        """
        All that the account holds now.

        @param cleaned: as for L{messages}.
        """
        rows = self._wire.command("LIST", '""', '"*"', "RETURN (SUBSCRIBED)")
        listed = dict(self._listed(row) for row in rows[:-1])
        return Snapshot(
            {
                name: Counter(self.messages(name, cleaned).values())
                for name, attributes in listed.items()
                if not attributes & {"\\nonexistent", "\\noselect"}
                and self._exists(name, listed)
            },
            frozenset(name for name in listed if "\\subscribed" in listed[name]),
        )

    def levels(self) -> set[str]:
        """
        The names that are no mailboxes, but may have some below them.
        """
        rows = self._wire.command("LIST", '""', '"*"')
        none = {"\\nonexistent", "\\noselect"}
        return {name for name, told in map(self._listed, rows[:-1]) if told & none}

    def subscriptions(self) -> set[str]:
        """
        All that is subscribed, even if there is no such mailbox.
        """
        rows = self._wire.command("LIST (SUBSCRIBED)", '""', '"*"')
        return {name for name, _ in map(self._listed, rows[:-1])}

    def _exists(self, mailbox: str, listed: Iterable[str]) -> bool:
        """
        Whether there is such a mailbox: Dovecot goes on listing one that was
        deleted as long as there are some below it, with its maildirs.
        """
        if not any(name.startswith(f"{mailbox}/") for name in listed):
            return True
        try:
            self._wire.command("STATUS", self._spelled(mailbox), "(MESSAGES)")
        except CommandFailed as error:
            if "doesn't exist" in str(error):
                return False
            raise
        return True

    def _transferred(self, rows: Sequence[Row]) -> list[int]:
        """
        The new UIDs, in the order of the old ones.
        """
        told = (row for row in rows if b"COPYUID" in row.text)
        found = [_groups(rb"COPYUID \d+ (\S+) (\S+)\]", row) for row in told]
        pairs = [
            pair
            for old, new in found
            for pair in zip(expanded(old), expanded(new), strict=True)
        ]
        return [new for _, new in sorted(pairs)]

    def _within(self, select: str, mailbox: str, *commands: str | bytes) -> list[Row]:
        """
        Run commands on a mailbox, and return what the last one brought.
        """
        self._wire.command(select, self._spelled(mailbox))
        for command in commands:
            rows = self._wire.command(command)
        self._wire.command("UNSELECT")
        return rows

    def _spelled(self, mailbox: str) -> bytes:
        """
        A mailbox's name as an argument.
        """
        name = mailbox.replace("/", self._separator)
        return _quoted(encoded(name if name == "INBOX" else self._prefix + name))

    def _listed(self, row: Row) -> tuple[str, set[str]]:
        """
        The name and the attributes that a LIST response tells.
        """
        pattern = rb'^\* (?:LIST|LSUB) \((.*?)\) (?:"."|NIL) (.*)'
        attributes, spelled = _groups(pattern, row)
        if row.literals:
            spelled = row.literals[0]
        elif spelled.startswith(b'"'):
            spelled = re.sub(rb"\\(.)", rb"\1", spelled[1:-1])
        name = decoded(spelled.decode()).removeprefix(self._prefix)
        return (
            name.replace(self._separator, "/"),
            set(attributes.decode().lower().split()),
        )


@dataclass(frozen=True)
class Row:
    """
    A response, with C{{size}} where its literals stood.
    """

    text: bytes
    literals: Sequence[bytes]


class _Prompt(io.RawIOBase):
    """
    What comes in, acknowledged at once: Cyrus holds back the end of a long
    answer until then.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection

    def readable(self) -> bool:
        """
        It is.
        """
        return True

    def readinto(self, buffer: Any) -> int:
        """
        Wait for more.
        """
        count = self._socket.recv_into(buffer)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        return count


class _Wire:
    """
    Commands go out, responses come in.
    """

    def __init__(self, host: str, port: int, authority: Path | None) -> None:
        self._socket = socket.create_connection((host, port), PATIENCE)
        if authority is not None:
            context = ssl.create_default_context(cafile=str(authority))
            # A server has an authority of its own, and maybe another name.
            context.check_hostname = False
            self._socket = context.wrap_socket(self._socket, server_hostname=host)
        self._stream = io.BufferedReader(_Prompt(self._socket), 65536)
        self._row()

    def close(self) -> None:
        self._stream.close()
        self._socket.close()

    def command(self, *words: str | bytes, literal: bytes | None = None) -> list[Row]:
        """
        Send a command, and return all responses; the tagged one is the last.

        @param literal: its last argument, for which the server's leave is awaited.
        @raise CommandFailed: if that is not OK.
        """
        parts = [word.encode() if isinstance(word, str) else word for word in words]
        if literal is not None:
            parts.append(b"{%d}" % len(literal))
        self._socket.sendall(b" ".join([b"A", *parts]) + b"\r\n")
        rows = [self._row()]
        if literal is not None and rows[0].text.startswith(b"+"):
            self._socket.sendall(literal + b"\r\n")
            rows = [self._row()]
        while not rows[-1].text.startswith(b"A "):
            rows.append(self._row())
        if not rows[-1].text.startswith(b"A OK"):
            raise CommandFailed(f"{words[0]!r}: {rows[-1].text!r}")
        return rows

    def _row(self) -> Row:
        text, literals = self._line(), []
        while size := re.search(rb"\{(\d+)\}$", text):
            literals.append(self._stream.read(int(size[1])))
            text += self._line()
        return Row(text, literals)

    def _line(self) -> bytes:
        line = self._stream.readline()
        if not line.endswith(b"\n"):
            raise CommandFailed("the server closed the connection")
        return line.rstrip(b"\r\n")


def encoded(name: str) -> str:
    """
    A name in modified UTF-7 (RFC 3501, 5.1.3).
    """

    def shifted(run: re.Match[str]) -> str:
        if run[0] == "&":
            return "&-"
        packed = base64.b64encode(run[0].encode("utf-16-be"), b"+,")
        return f"&{packed.rstrip(b'=').decode()}-"

    return re.sub(r"&|[^ -~]+", shifted, name)


def decoded(text: str) -> str:
    """
    The name that modified UTF-7 stands for.
    """

    def unshifted(run: re.Match[str]) -> str:
        padded = run[1] + "=" * (-len(run[1]) % 4)
        return base64.b64decode(padded, b"+,").decode("utf-16-be") or "&"

    return re.sub(r"&([^-]*)-", unshifted, text)


def _fetched(row: Row, cleaned: Cleaned) -> tuple[int, Message]:
    """
    The message in a FETCH response, which may tell its items in any order.
    """
    [uid] = _groups(rb"\bUID (\d+)", row)
    [flags] = _groups(rb"\bFLAGS \((.*?)\)", row)
    [date] = _groups(rb'\bINTERNALDATE "\s*(.*?)"', row)
    return int(uid), Message(
        hashlib.sha256(cleaned(row.literals[0])).hexdigest(),
        frozenset(flags.decode().lower().split()) - {"\\recent"},
        datetime.strptime(date.decode(), _DATE).astimezone(timezone.utc),
    )


def _appended(mail: Mail) -> bytes:
    """
    A message as an argument of APPEND, with a literal that does not wait
    (RFC 7888).
    """
    words = [f"({' '.join(mail.flags)})"]
    if mail.date is not None:
        words.append(f'"{mail.date.strftime(_DATE)}"')
    words.append(f"{{{len(mail.body)}+}}\r\n")
    return " ".join(words).encode() + mail.body


def _groups(pattern: bytes, row: Row) -> Sequence[bytes]:
    found = re.search(pattern, row.text)
    if found is None:
        raise CommandFailed(f"unexpected: {row.text!r}")
    return found.groups()


def _quoted(text: str) -> bytes:
    return b'"%s"' % re.sub(r'(["\\])', r"\\\1", text).encode()


def _joined(uids: Iterable[int]) -> str:
    return ",".join(map(str, uids))


def expanded(ranges: bytes) -> Iterator[int]:
    """
    The UIDs in a set.
    """
    for part in ranges.split(b","):
        first, _, last = part.partition(b":")
        yield from range(int(first), int(last or first) + 1)


_DATE = "%d-%b-%Y %H:%M:%S %z"
