"""
Private servers of other kinds on loopback, each of which has its own ways: pymap and
Hoodiecrow.

They are not installed for all, but are somewhere: C{IMAPSYNC_OTHERS} says where, or
C{.cache/others} in the tree.  C{script/test} fetches them.  Without them, tests that
need them are skipped.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from unittest import SkipTest

from imapsync.test.integration.accounts import Account
from imapsync.test.integration.plain import BareAccount
from imapsync.test.integration.server import PASSWORD, Server, Start

#: Where they are.
PLACE = Path(
    os.environ.get("IMAPSYNC_OTHERS")
    or Path(__file__).parents[3].joinpath(".cache", "others")
)


class Other(Server):
    """
    One of them, new and empty, with nothing on the disk, and one account.

    @cvar program: what it is, below L{PLACE}.
    """

    identifies = False
    program: str

    def __init__(self) -> None:
        if not (PLACE / self.program).exists():
            raise SkipTest(f"needs {self.program}, which script/test fetches")
        super().__init__()
        self.begin()

    def username(self, user: str) -> str:
        """
        There is one only.
        """
        return "one"

    def account(self, user: str) -> Account:
        """
        Log in.
        """
        return BareAccount(self.host, self.port, self.username(user), PASSWORD)

    def command(self) -> Iterator[str]:
        """
        What starts it.
        """
        raise NotImplementedError

    def configured(self) -> Start:
        """
        It ends with this process.
        """
        return Start(["setpriv", "--pdeathsig", "TERM", *self.command()])


class Pymap(Other):
    """
    It has UIDPLUS, MOVE, MULTIAPPEND and OBJECTID; what is only read cannot be closed.
    """

    program = "pymap/bin/pymap"

    def command(self) -> Iterator[str]:
        """
        It has options.
        """
        yield from (str(PLACE / self.program), "--no-tls")
        yield from ("--host", self.host, "--port", str(self.port))
        yield from ("dict", "--demo-user", "one", "--demo-password", PASSWORD)


class Hoodiecrow(Other):
    """
    It has IDLE and UNSELECT, and the same UIDVALIDITY for all mailboxes.
    """

    program = "hoodiecrow/node_modules/hoodiecrow-imap/lib/server.js"

    def command(self) -> Iterator[str]:
        """
        A few lines start it.
        """
        values = (PLACE / self.program, PASSWORD, self.port, self.host)
        yield from ("node", "-e", _HOODIECROW.format(*values))


_HOODIECROW = """
require("{0}")({{
    plugins: ["ID", "IDLE", "UNSELECT"],
    users: {{one: {{password: "{1}"}}}},
    storage: {{INBOX: {{}}, "": {{separator: "/", folders: {{}}}}}},
}}).listen({2}, "{3}");
"""
