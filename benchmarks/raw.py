"""
How fast the servers are: the same work done by a blocking socket that sends
what was prepared, and throws away what comes.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator
from itertools import groupby

from benchmarks.programs import Result, timed
from imapsync.test.integration.accounts import Mail, encoded
from imapsync.test.integration.server import PASSWORD

#: How much goes into one APPEND.
_MESSAGES, _OCTETS = 500, 4 * 1024 * 1024


def spoken(port: int, user: str, commands: Iterable[bytes]) -> Result:
    """
    Log in, send all commands without waiting, and wait for all answers.

    @raise SystemExit: if one is not OK.
    """
    login = f'LOGIN "{user}" "{PASSWORD}"'.encode()
    prepared = [b"A%d %s\r\n" % (n, c) for n, c in enumerate((login, *commands))]

    def speak() -> None:
        with socket.create_connection(("127.0.0.1", port), 600) as connection:
            connection.recv(4096)
            connection.sendall(prepared[0])
            _awaited(connection, 0)
            for command in prepared[1:]:
                connection.sendall(command)
            if prepared[1:]:
                _awaited(connection, len(prepared) - 1)

    return timed(speak)


def _awaited(connection: socket.socket, number: int) -> None:
    """
    Read up to an answer.
    """
    tag, tail = b"\r\nA%d " % number, b"\r\n"
    while data := connection.recv(1 << 20):
        tail = tail[-100:] + data
        at = tail.find(tag)
        if at >= 0 and b"\n" in tail[at + len(tag) :]:
            answer = tail[at + len(tag) :]
            if not answer.startswith(b"OK"):
                raise SystemExit(f"raw: {answer!r}")
            return
    raise SystemExit("raw: the server hung up")


def appends(mailbox: str, mails: Iterable[Mail]) -> Iterator[bytes]:
    """
    The commands that add messages, many at a time.
    """
    octets = number = batch = 0

    def batchOf(mail: Mail) -> int:
        nonlocal octets, number, batch
        octets, number = octets + len(mail.body), number + 1
        if octets > _OCTETS or number > _MESSAGES:
            octets, number, batch = len(mail.body), 1, batch + 1
        return batch

    for _, some in groupby(mails, batchOf):
        yield b"APPEND %s %s" % (quoted(mailbox), b" ".join(map(_argument, some)))


def _argument(mail: Mail) -> bytes:
    assert mail.date is not None
    stamp = mail.date.strftime("%d-%b-%Y %H:%M:%S %z")
    head = f'({" ".join(mail.flags)}) "{stamp}" {{{len(mail.body)}+}}\r\n'
    return head.encode() + mail.body


def quoted(mailbox: str) -> bytes:
    """
    A mailbox's name as an argument.
    """
    return b'"%s"' % encoded(mailbox).encode()


#: What a run that has nothing to do has to ask at least.
LIST = (b'LIST "" "*" RETURN (SUBSCRIBED STATUS (UIDNEXT UIDVALIDITY HIGHESTMODSEQ))',)
