"""
The least that has to be done, by one socket that says it all at once.
"""

from __future__ import annotations

from collections.abc import Callable

from benchmarks import raw
from benchmarks.boxes import Scaled
from benchmarks.changes import flagSets, gone, joined
from benchmarks.place import Place
from benchmarks.programs import Result


def appended(boxes: Scaled) -> Callable[[Place, float], Result]:
    """
    To send all to the remote server.
    """

    def work(place: Place, scale: float) -> Result:
        commands = []
        for name, stuff in boxes(scale).items():
            if name != "INBOX":
                commands.append(b"CREATE " + raw.quoted(name))
            commands.append(b"SUBSCRIBE " + raw.quoted(name))
            commands += raw.appends(name, stuff)
        return raw.spoken(place.servers.remotePort, place.user, commands)

    return work


def asked(place: Place, _scale: float) -> Result:
    """
    To ask the remote server what there is.
    """
    return raw.spoken(place.servers.remotePort, place.user, raw.LIST)


def stored(place: Place, scale: float) -> Result:
    """
    To change the flags on the remote server.
    """
    commands = [b"SELECT INBOX"]
    for change, uids in flagSets(scale):
        if uids:
            commands.append(f"UID STORE {joined(uids)} {change}".encode())
    return raw.spoken(place.servers.remotePort, place.user, commands)


def expunged(place: Place, scale: float) -> Result:
    """
    To remove on either side what is gone on the other; the slower one counts.
    """
    remote, local = gone(scale)
    seconds = 0.0
    servers = place.servers
    for port, uids in (servers.remotePort, remote), (servers.local.port, local):
        which = joined(uids).encode()
        commands = (
            b"SELECT INBOX",
            b"UID STORE %s +FLAGS.SILENT (\\Deleted)" % which,
            b"UID EXPUNGE %s" % which,
        )
        seconds = max(seconds, raw.spoken(port, place.user, commands).seconds)
    return Result(seconds)


def headers(place: Place, _scale: float) -> Result:
    """
    To have both servers send all headers.
    """
    return _fetched(place, b"HEADER")


def bodies(place: Place, _scale: float) -> Result:
    """
    To have both send all.
    """
    return _fetched(place, b"")


def _fetched(place: Place, part: bytes) -> Result:
    items = b"(FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[%s])" % part
    commands = (b"EXAMINE INBOX", b"UID FETCH 1:* " + items)
    servers = place.servers
    ports = (servers.local.port, servers.remotePort)
    return max(
        (raw.spoken(port, place.user, commands) for port in ports),
        key=lambda result: result.seconds,
    )
