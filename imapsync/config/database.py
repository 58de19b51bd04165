"""
What a configuration's database is called, where it does not say.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from imapsync.config import values
from imapsync.config.section import Section
from imapsync.model import Side

#: What can be told from a user's name in that of a file, on any system.
_ODD = re.compile(r"[^\w@.+=~-]")

#: Octets: there is to be room for what is put behind it, such as C{.db-wal}.
_LONGEST = 200


def owner(sections: Mapping[str, Section]) -> tuple[str, str]:
    """
    The user and the host that the database is named after: those of the remote
    server, else of the local one.  It is the user whose mail it is; of a tunnel, the
    host is only a name for this.

    @return: without a user, an empty text for it.
    """
    users = {}
    for side in (Side.REMOTE, Side.LOCAL):
        section = sections[str(side)]
        username = section.get("username", values.text, "")
        users[side] = section.get("authorize-as", values.text, username)
        if host := section.get("host", values.host, ""):
            return users[side], host
    return users[Side.REMOTE] or users[Side.LOCAL], "localhost"


def fileName(user: str, host: str) -> str:
    """
    A name for the file of these accounts, whatever is in those of user and host.
    """
    return f"{part(f'{user}@{host}' if user else host)}.db"


def part(text: str) -> str:
    """
    A part of the name of a file, whatever is in C{text}; another one for each.
    """
    name = _ODD.sub(_escaped, text)
    octets = name.encode()
    if len(octets) > _LONGEST:
        import hashlib  # here, because few need it: it takes time

        digest = hashlib.sha256(octets).hexdigest()[:16]
        name = f"{octets[: _LONGEST - 17].decode(errors='ignore')}~{digest}"
    return name


def _escaped(odd: re.Match[str]) -> str:
    octets = odd[0].encode("utf-8", "surrogatepass")
    return "".join(f"%{octet:02X}" for octet in octets)
