"""
A password that is kept in the keyring of the system, by the package C{keyring}.

A keyring may ask its user to unlock it, and take any time for that.  So it is read by
a process of its own: that can be ended, as a thread cannot.
"""

from __future__ import annotations

import sys
from typing import Any

from imapsync.errors import ConfigError, Distrusted, ImapSyncError
from imapsync.imap.auth.password import firstLine
from imapsync.imap.transport.process import Fate

#: How the process ends if the package or the entry is not there.
_NO_PACKAGE, _NO_ENTRY = 3, 4

#: Nothing is imported from the directory that we happen to be in.
_PROGRAM = f"""\
import sys
sys.path[:] = filter(None, sys.path)
try:
    import keyring
except ImportError:
    sys.exit({_NO_PACKAGE})
try:
    found = keyring.get_password(*sys.argv[1:])
except Exception as error:
    sys.exit(f"{{type(error).__name__}}: {{error}}")
if found is None:
    sys.exit({_NO_ENTRY})
sys.stdout.buffer.write(found.encode() + b"\\n")
"""


async def readEntry(reactor: Any, service: str, user: str, where: str) -> str:
    """
    The password of a user for a service.

    @param reactor: provides what L{firstLine} needs.
    @raise ConfigError: if there is no such entry, or no keyring.
    @raise Distrusted: if it is not told.
    """

    def why(fate: Fate | None, words: str) -> ImapSyncError:
        status = None if fate is None else fate.status
        if status == _NO_PACKAGE:
            text = 'the keyring cannot be read without the Python package "keyring"'
            return ConfigError(f"{where}: {text}: install imapsync[keyring]")
        if status == _NO_ENTRY:
            return ConfigError(
                f"{where}: the keyring has no password of {user} for {service}: put it"
                f" there, as by the command: keyring set {service} {user}"
            )
        return Distrusted(f"{where}: reading the keyring {fate}{words}")

    program = (sys.executable, "-c", _PROGRAM, service, user)
    return await firstLine(reactor, "the keyring", program, where, why)
