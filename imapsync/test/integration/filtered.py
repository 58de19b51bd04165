"""
Servers that can do less than those that they stand before.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Sequence

from imapsync.test.integration.accounts import Account
from imapsync.test.integration.presets import preset
from imapsync.test.integration.server import Server, Start

#: What the servers of tests are without, local and remote, if nothing else is said.
WAYS: Sequence[str] = os.environ.get("IMAPSYNC_WAYS", "QRESYNC QRESYNC").split()


class Filtered(Server):
    """
    One that takes away from another one, which goes on by itself.

    Accounts are those of the other one, as others see them: only what connects to
    C{port} has less.
    """

    def __init__(self, behind: Server, name: str) -> None:
        """
        @param name: of a preset.
        """
        super().__init__()
        self.behind = behind
        self.preset = preset(name)
        self._name = name
        self.directory.joinpath("mail").symlink_to(behind.directory / "mail")
        self.begin()

    def configured(self) -> Start:
        """
        A process of its own.
        """
        words = (self.behind.host, self.behind.port, self.port, self._name)
        module = "imapsync.test.integration.filter"
        python = [sys.executable, "-m", module, *map(str, words)]
        # It is found where this one is.
        environ = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        return Start(["setpriv", "--pdeathsig", "TERM", *python], environ)

    def account(self, user: str) -> Account:
        """
        Log in to the other one.
        """
        return self.behind.account(user)

    def refusals(self) -> Sequence[str]:
        """
        The commands that were BAD so far.
        """
        return self.log().splitlines()


@functools.cache
def filtered(server: Server, name: str) -> Server:
    """
    One that has what the preset C{name} leaves; the same one, where that is all, or
    where what goes to it cannot be read.
    """
    plain = getattr(server, "settings", None)
    if name == "QRESYNC" or not getattr(plain, "plaintext", plain is not None):
        return server
    if getattr(plain, "prefix", ""):
        # Nobody could know how names begin there.
        name += "+NAMESPACE"
    return Filtered(server, name)


def straight(server: Server) -> Server:
    """
    The one that is behind, if there is.
    """
    return server.behind if isinstance(server, Filtered) else server


def identifies(server: Server) -> bool:
    """
    Whether it tells which mailbox is which.
    """
    if isinstance(server, Filtered):
        return server.preset.identifies and identifies(server.behind)
    return server.identifies


def compares(server: Server) -> bool:
    """
    Whether nothing tells there whether a mailbox has changed.
    """
    return isinstance(server, Filtered) and server.preset.compares
