"""
The options about the status page.

Imported only where a configuration has some.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from imapsync.config import values
from imapsync.config.paths import Files
from imapsync.config.section import Section, nearest, quoted

#: A secret that is shorter could be found by trying.
_SHORTEST = 16

#: What Twisted itself can listen at.
_KINDS = frozenset("tcp tcp6 ssl tls unix systemd haproxy".split())

#: Those that have a port of this system.
_NUMBERED = frozenset("tcp tcp6 ssl".split())

_LOOPBACK = r"localhost|127(\.[0-9]+){3}|::1"


class StatusConfig(NamedTuple):
    """
    Where the page is, and who may see it.

    @ivar where: names the option in errors.
    @ivar listen: describes an endpoint, as Twisted wants it.
    @ivar token: what those have to say who want to see it; C{None} if nothing.
    @ivar tokenFile: whose first line that is.
    @ivar hosts: what the page may be called, besides C{localhost} and addresses.
    @ivar hideNames: whether nobody is shown whose accounts these are.
    """

    where: str
    listen: str
    token: str | None = None
    tokenFile: str | None = None
    hosts: tuple[str, ...] = ()
    hideNames: bool = False

    def __repr__(self) -> str:
        told = (
            f"{name}={value!r}"
            for name, value in self._asdict().items()
            if name != "token"
        )
        return f"StatusConfig({', '.join(told)})"


def read(section: Section, files: Files) -> StatusConfig:
    """
    What C{[status]} says.

    @raise ConfigError: if that cannot be used.
    """
    listen = section.get("listen", endpoint, "")
    if not listen:
        raise section.wrong(
            "listen", "is missing: say where, such as tcp:8143:interface=127.0.0.1"
        )
    config = StatusConfig(
        where=section.about("listen", "").rstrip(),
        listen=listen,
        token=section.get("token", secret, None),
        tokenFile=section.get("token-file", files.secret, None),
        hosts=section.get("host", hosts, ()),
        hideNames=section.get("hide-names", values.yesNo, False),
    )
    if config.token and config.tokenFile:
        raise section.wrong("token-file", "and token exclude each other")
    if not (config.token or config.tokenFile or isPrivate(listen)):
        kind = listen.partition(":")[0]
        if kind not in _KINDS:
            guess = nearest(kind, _KINDS)
            hint = f"; did you mean {guess}?" if guess else ""
            raise section.wrong(
                "listen",
                f"names an unknown kind of endpoint {quoted(kind)}{hint}; if a plugin"
                " of Twisted brings it, give a token or token-file",
            )
        raise section.wrong(
            "listen",
            "lets others on the network in: give a token or token-file, or use a UNIX"
            " socket or interface=127.0.0.1",
        )
    return config


def endpoint(value: str) -> str:
    """
    Where to listen, as Twisted describes it; only the user can use a UNIX socket,
    unless it says otherwise.
    """
    words, options = _described(values.text(value))
    if not re.fullmatch("[A-Za-z0-9_-]+", words[0]) or not (words[1:] or options):
        raise ValueError(
            "must be a server endpoint of Twisted, such as"
            f" tcp:8143:interface=127.0.0.1 or unix:/run/imapsync, not {quoted(value)}"
        )
    if words[0] in _NUMBERED and (words[1:] or "port" in options):
        number = options.get("port") or words[1]
        if number != "0":
            values.port(number)
    if words[0] == "unix" and not words[2:] and "mode" not in options:
        return f"{value}:mode=600"
    return value


def isPrivate(listen: str) -> bool:
    """
    Whether nobody on the network can come to an endpoint: it is on the loopback, or
    has the permissions of a file.
    """
    words, options = _described(listen)
    if words[0] == "systemd":
        return options.get("domain", "").upper() == "UNIX"
    interface = options.get("interface", "")
    return words[0] == "unix" or (
        words[0] in _NUMBERED and re.fullmatch(_LOOPBACK, interface) is not None
    )


def socketOf(listen: str) -> str | None:
    """
    Where the UNIX socket of an endpoint is, if that is one.
    """
    words, options = _described(listen)
    if words[0] != "unix":
        return None
    return options.get("address") or (words[1] if words[1:] else None)


def secret(value: str) -> str:
    """
    What nobody can guess, and what can be said in a header.
    """
    if not re.fullmatch(f"[!-~]{{{_SHORTEST},}}", value):
        raise ValueError(
            f"must have {_SHORTEST} characters at least, all in ASCII and without"
            " spaces: openssl rand -hex 16 makes one"
        )
    return value


def hosts(value: str) -> tuple[str, ...]:
    """
    Names of hosts, as browsers say them.
    """
    return tuple(_asSaid(values.host(word)) for word in values.text(value).split())


def _asSaid(name: str) -> str:
    said = name if name.isascii() else name.encode("idna").decode()
    return said.lower().removesuffix(".")


def _described(value: str) -> tuple[list[str], dict[str, str]]:
    """
    The words of an endpoint's description, and its options; a backslash keeps what
    follows from having a meaning.
    """
    words: list[str] = []
    options: dict[str, str] = {}
    for piece in re.findall(r"(?:[^\\:]|\\.?)+", value):
        key, equals, rest = piece.partition("=")
        meant = re.sub(r"\\(.)", r"\1", rest if equals else key)
        if equals:
            options[key] = meant
        else:
            words.append(meant)
    return words or [""], options
