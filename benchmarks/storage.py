"""
Where the servers keep their mail: in memory or on disk.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from benchmarks.place import Servers
from imapsync.test.integration.dovecot import Dovecot, Settings

#: What they are called, for people.
STORAGES = MEMORY, DISK = ("in memory", "on disk")

#: File systems that are lost when the machine is switched off.
_VOLATILE = ("tmpfs", "ramfs")

#: So many octets must be free in memory, so that no load ends for want of them.
_ROOM = 4 * 1024**3


class Storage(NamedTuple):
    """
    A directory for mail.

    @ivar title: what it is, for people.
    @ivar kind: the file system's type.
    """

    title: str
    directory: Path
    kind: str

    @contextmanager
    def servers(self, capability: str = "") -> Iterator[Servers]:
        """
        Two servers that keep their mail there.

        @param capability: what they say that they can do; the truth by default.
        """
        local = Dovecot(Settings(capability=capability), self.directory)
        remote = Dovecot(Settings(capability=capability), self.directory)
        try:
            yield Servers(local, remote, remote.port)
        finally:
            local.close()
            remote.close()


def memory() -> Storage | None:
    """
    One in memory, where there is room.
    """
    directory = Path("/dev/shm")
    if not directory.is_dir() or shutil.disk_usage(directory).free < _ROOM:
        return None
    kind = _kind(directory)
    return Storage(MEMORY, directory, kind) if kind in _VOLATILE else None


def disk() -> Storage:
    """
    One on disk, as far as there is any.
    """
    places = [Path("/var/tmp"), Path(tempfile.gettempdir())]
    kinds = {place: _kind(place) for place in places if place.is_dir()}
    lasting = [place for place, kind in kinds.items() if kind not in _VOLATILE]
    directory = (lasting or places[-1:])[0]
    return Storage(DISK, directory, kinds[directory])


def _kind(directory: Path) -> str:
    """
    The type of the file system that a directory is in.
    """
    lines = Path("/proc/self/mounts").read_text().splitlines()
    mounts = [line.split(" ")[1:3] for line in lines]
    above = {where: kind for where, kind in mounts if directory.is_relative_to(where)}
    return above[max(above, key=len)]
