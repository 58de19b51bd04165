"""
The Python that imapsync runs on.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

#: Says what is special about the Python that runs it.
_QUESTION = """
import json, platform, sys, sysconfig
words = ["CONFIG_ARGS", "PGO_PROF_GEN_FLAG", "PGO_PROF_USE_FLAG"]
told = [sysconfig.get_config_var(word) or "" for word in words]
print(json.dumps([platform.python_version(), sys.base_prefix, *told]))
"""


class Python:
    """
    One with imapsync installed.

    @ivar imapsync: the command that users type.
    @ivar title: which Python it is, and how it was built, for people.
    """

    def __init__(self, interpreter: str) -> None:
        self.imapsync = str(Path(interpreter).parent / "imapsync")
        asked = subprocess.run(
            [interpreter, "-c", _QUESTION], check=True, capture_output=True
        )
        version, prefix, *built = json.loads(asked.stdout)
        whose = "the system's own" if prefix == "/usr" else "not the system's own"
        how = "with" if guided(*built) else "without"
        self.title = f"Python {version} ({whose}, built {how} PGO)"


def guided(options: str, generate: str, use: str) -> bool:
    """
    Whether a Python's compiler was guided by a profile (PGO).

    @param options: those of C{configure}, C{CONFIG_ARGS} of L{sysconfig}.
    @param generate: C{PGO_PROF_GEN_FLAG}.
    @param use: C{PGO_PROF_USE_FLAG}.
    """
    # Debian builds with a profile without saying so to configure, and then takes
    # what the compiler was told about it out of sysconfig.  C{configure} puts both
    # flags there in any case, so that one alone tells.
    return "--enable-optimizations" in options or bool(generate and not use)
