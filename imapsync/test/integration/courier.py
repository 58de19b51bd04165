"""
Private Courier servers on loopback.

Courier is not installed, but unpacked somewhere: C{IMAPSYNC_COURIER} says where, or
C{.cache/courier} in the tree.  C{script/test} unpacks it.  Without it, tests that need
it are skipped.

usage: python -m imapsync.test.integration.courier PORT DIRECTORY

What takes connections, has users log in and becomes Courier's C{imapd} then, as its
own C{imaplogin} does: it needs no daemon for passwords.
"""

from __future__ import annotations

import functools
import os
import re
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from unittest import SkipTest

from imapsync.test.integration.accounts import Account
from imapsync.test.integration.plain import PlainAccount
from imapsync.test.integration.server import PASSWORD, Server, Start, owner

#: Where Courier is unpacked.
TREE = Path(
    os.environ.get("IMAPSYNC_COURIER")
    or Path(__file__).parents[3].joinpath(".cache", "courier")
)

_IMAPD = TREE / "usr" / "bin" / "imapd"

#: As Debian has it, but for what depends on the time of day.
_CONFIGURATION = {
    "IMAP_CAPABILITY": "IMAP4rev1 UIDPLUS CHILDREN NAMESPACE THREAD=ORDEREDSUBJECT"
    " THREAD=REFERENCES SORT QUOTA IDLE",
    "IMAP_KEYWORDS": "1",
    "IMAP_ACL": "1",
    "IMAP_IDLE_TIMEOUT": "60",
    "IMAP_MAILBOX_SANITY_CHECK": "0",
    "IMAP_CHECK_ALL_FOLDERS": "0",
    "IMAP_DISABLETHREADSORT": "0",
    "IMAP_OBSOLETE_CLIENT": "0",
    "IMAP_USELOCKS": "1",
    "IMAP_ENHANCEDIDLE": "0",
    "IMAP_TRASHFOLDERNAME": "Trash",
    "IMAP_EMPTYTRASH": "",
    "IMAP_MOVE_EXPUNGE_TO_TRASH": "0",
    "MAILDIRPATH": "Maildir",
    "TCPREMOTEIP": "127.0.0.1",
    "TCPREMOTEPORT": "143",
    "TCPLOCALPORT": "143",
    "AUTHOPTIONS": "",
}


class Courier(Server):
    """
    A Courier.  It accepts every user name and every password, and makes a maildir
    for one who logs in.
    """

    identifies = False
    renumbers = True

    def __init__(self) -> None:
        if not _IMAPD.exists():
            raise SkipTest("needs Courier, which script/test unpacks")
        super().__init__()
        self.owned("mail")
        self.begin()

    def configured(self) -> Start:
        """
        It has no files of its own.
        """
        module = "imapsync.test.integration.courier"
        command = [sys.executable, "-m", module, str(self.port), str(self.directory)]
        environ = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        return Start(["setpriv", "--pdeathsig", "TERM", *command], environ)

    @staticmethod
    def keeps(body: bytes) -> bool:
        """
        Whether a message stays as it is there: all lines, the last one too, have their
        ends.
        """
        lines = body.endswith(b"\r\n") and body.count(b"\n") == body.count(b"\r\n")
        return lines and b"\r\n\r\n" in body and b"\0" not in body

    def account(self, user: str) -> Account:
        """
        Log in.
        """
        return PlainAccount(self.host, self.port, user, PASSWORD)


@functools.cache
def courierServer() -> Courier:
    """
    The one that tests share.
    """
    return Courier()


def main(port: str, directory: str) -> None:
    """
    Be that server.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    listening = socket.create_server(("127.0.0.1", int(port)), backlog=100)
    while True:
        client, _ = listening.accept()
        if not os.fork():
            listening.close()
            _serve(client, Path(directory))
            os._exit(0)
        client.close()


def _serve(client: socket.socket, directory: Path) -> None:
    capability = _CONFIGURATION["IMAP_CAPABILITY"]
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    greeting = f"* OK [CAPABILITY {capability}] Courier-IMAP ready.\r\n"
    client.sendall(greeting.encode())
    while line := _line(client):
        tag, _, command = line.strip().partition(" ")
        word = command.upper()
        if found := re.match(r'LOGIN "?([\w.@-]+)"? ', command, re.IGNORECASE):
            _become(client, tag, found[1], directory)
        elif word == "CAPABILITY":
            answer = f"* CAPABILITY {capability}\r\n{tag} OK CAPABILITY completed\r\n"
        elif word == "LOGOUT":
            answer = f"* BYE Courier-IMAP server shutting down\r\n{tag} OK LOGOUT\r\n"
        else:
            answer = f"{tag} NO Error in IMAP command received by server.\r\n"
        client.sendall(answer.encode())


def _line(client: socket.socket) -> str:
    """
    One line, and nothing of what comes behind it.
    """
    data = b""
    while not data.endswith(b"\n") and (octet := client.recv(1)):
        data += octet
    return data.decode("ascii", "replace")


def _become(client: socket.socket, tag: str, user: str, directory: Path) -> None:
    """
    Be this user's session.
    """
    person = owner()
    if not os.getuid():
        os.setgroups([])
        os.setgid(person.pw_gid)
        os.setuid(person.pw_uid)
    home = directory / "mail" / user
    for name in "cur", "new", "tmp":
        home.joinpath("Maildir", name).mkdir(parents=True, exist_ok=True)
    os.chdir(home)
    for descriptor in 0, 1:
        os.dup2(client.fileno(), descriptor)
    session = {"IMAPLOGINTAG": tag, "HOME": str(home), "MAILDIR": "Maildir"}
    names = ("AUTHENTICATED", "AUTHADDR", "AUTHFULLNAME", "AUTHACCOUNT")
    session |= dict.fromkeys(names, user)
    environ = {**_CONFIGURATION, **_environment(), **session}
    os.execve(_IMAPD, ["imapd", "Maildir"], environ)


def _environment() -> Mapping[str, str]:
    """
    Where it finds what it needs of the tree.
    """
    libraries: Sequence[Path] = [
        *TREE.glob("lib/*-linux-*"),
        *TREE.glob("usr/lib/*-linux-*"),
        *(TREE / "usr" / "lib", TREE / "usr" / "lib" / "courier-authlib"),
    ]
    return {
        "LD_LIBRARY_PATH": ":".join(map(str, libraries)),
        # It looks for changes by a daemon that ends by itself.
        "GAMIN_DEBUG_SERVER": str(TREE / "usr" / "libexec" / "gam_server"),
        "GAM_CLIENT_ID": f"imapsync-{os.getppid()}",
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
