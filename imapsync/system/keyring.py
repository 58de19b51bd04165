"""
The keyring of the system, by the package C{keyring}.

A keyring may ask its user to unlock it, and take any time for that.  So it is asked by
a process of its own: that can be ended, as a thread cannot.
"""

from __future__ import annotations

import json
import sys
from importlib.util import find_spec
from typing import Any

from imapsync.errors import ConfigError, Distrusted, StateUnavailable
from imapsync.system.output import firstLine

_WHERE = "the keyring of the system"

#: Nothing is imported from the directory that we happen to be in, and nothing that a
#: keyring prints is taken for its answer.
_PROGRAM = """\
import sys
sys.path[:] = filter(None, sys.path)
import json
output, sys.stdout = sys.stdout, sys.stderr
act, *names = sys.argv[1:]
try:
    import keyring
    if act == "find":
        answer = keyring.get_keyring().priority > 0
    elif act == "read":
        answer = keyring.get_password(*names)
    else:
        answer = keyring.set_password(*names, json.load(sys.stdin))
except Exception as error:
    sys.exit(f"{type(error).__name__}: {error}")
print(json.dumps(answer), file=output)
"""


class Keyring:
    """
    Asks it.

    @param reactor: provides what L{firstLine} needs.
    """

    where = _WHERE

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor

    async def isUsable(self) -> bool:
        """
        Whether there is one.
        """
        try:
            # Else there is but one that refuses all.
            return bool(await self._asked("find"))
        except (ConfigError, StateUnavailable):
            return False

    async def read(self, service: str, user: str) -> str | None:
        """
        The secret of a user for a service, if there is one.

        @raise ConfigError: if there is no package for it.
        @raise StateUnavailable: if it is not told.
        """
        answer: str | None = await self._asked("read", service, user)
        return answer

    async def write(self, service: str, user: str, secret: str) -> None:
        """
        Keep it.

        @raise ConfigError: if there is no package for it.
        @raise StateUnavailable: if that is refused.
        """
        await self._asked("write", service, user, given=json.dumps(secret).encode())

    async def _asked(self, act: str, *names: str, given: bytes = b"") -> Any:
        if find_spec("keyring") is None:
            raise ConfigError(
                f'{_WHERE} takes the Python package "keyring": install'
                " imapsync[keyring]"
            )
        program = (sys.executable, "-c", _PROGRAM, act, *names)
        try:
            answer = await firstLine(
                self._reactor, "its process", program, _WHERE, given
            )
        except (ConfigError, Distrusted) as error:
            raise StateUnavailable(str(error)) from None
        return json.loads(answer)
