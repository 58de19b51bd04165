"""
What C{--init} asks, and what it makes of the answers: neither a terminal nor a net is
known here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from imapsync.cli.given import Given, Options
from imapsync.cli.keeping import Keeping, Keyring
from imapsync.config.draft import Draft
from imapsync.config.section import isFit
from imapsync.config.server import PORTS
from imapsync.discovery import address
from imapsync.discovery.address import Address
from imapsync.discovery.proposal import Proposal
from imapsync.errors import ImapSyncError, UsageError
from imapsync.model import Side

if TYPE_CHECKING:
    from imapsync.cli.person import Person

#: Each of them says how a login is proved.
_PROOFS = (
    *("password", "password-command", "password-file", "oauth2", "command"),
    "SSL_certificate",
)

#: What belongs to a place, and goes with it.
_PLACE = ("type", "host", "port", "username", "auth")

_WHERE = "your mail address, or a server (HOST or HOST:PORT)"

#: What the file says of options.
_REMARKS = {
    "password-file": "Its first line is the password.",
    "oauth2": "Tokens in place of a password: imapsync --authorize gets the first.",
}

_YES_OR_NO = {"y": "yes", "n": "no"}

_AGAIN = {
    "t": "try again, with another user name or password",
    "s": "another server",
    "k": "keep it as it is, and write it",
    "q": "quit, and write nothing",
}


class Made(NamedTuple):
    """
    What is to be written about a side.

    @ivar secret: what the file of C{password-file} is to hold; empty if it is not
        ours to write.
    """

    draft: Draft
    secret: str = ""

    def __repr__(self) -> str:
        return f"Made({self.draft})"


class Net(Protocol):
    """
    Who knows about servers.
    """

    async def find(self, typed: Address) -> Sequence[Proposal]:
        """
        Where the mail of an address may be, the best one first.
        """

    async def logIn(self, side: Side, options: Options) -> str:
        """
        Try these options.

        @return: who we are then.
        @raise ImapSyncError: they do not serve.
        """


class Interview:
    """
    Learns what is to be known of a side.

    @param person: C{None} if nobody is there to be asked.
    @param provider: tells which C{oauth2} a server wants, if it is known for that.
    @param given: what need not be asked.
    @param secretFile: how the file for a password is called.
    @param ring: the keyring of the system, if it is to be asked.
    """

    def __init__(
        self,
        person: Person | None,
        net: Net,
        provider: Callable[[str], str],
        side: Side,
        given: Given,
        secretFile: str,
        ring: Keyring | None = None,
    ) -> None:
        self._person = person
        self._net = net
        self._provider = provider
        self._side = side
        self._given = given
        self._secretFile = secretFile
        self._ring = ring

    async def made(self) -> Made:
        """
        Ask what is missing, try it, and ask again until it serves.

        @raise UsageError: if nobody is there to be asked.
        @raise ImapSyncError: if nobody is there to say what else to try, or who is
            there does not want to.
        """
        options, source = await self._place()
        while True:
            options = await self._proof(options)
            if "oauth2" in options:
                # Without a token there is no login yet.
                return Made(_draft(options, source))
            error = await self._try(options)
            if error is None:
                break
            if self._person is None:
                raise error
            match await self._person.choose("What now?", _AGAIN):
                case "q":
                    raise error
                case "k":
                    break
                case "s":
                    options, source = await self._server(), ""
                case _:
                    options = await self._other(options)
        if self._person is None or "password" not in options:
            return Made(_draft(options, source))
        if "password" in self._given.options:
            return Made(_draft(options, source))
        keeping = Keeping(self._person, self._secretFile, self._ring, self._try)
        options, secret = await keeping.kept(options)
        return Made(_draft(options, source), secret)

    # Where

    async def _place(self) -> tuple[Options, str]:
        """
        The options that lead to a server, and who says so.
        """
        given = self._given
        if not given.where and {"command", "host"} & {*given.options}:
            kind = {"type": "tunnel"} if "command" in given.options else {}
            return await self._named({**kind, **given.options}), ""
        typed = await self._address()
        if typed.isServer or "host" in given.options:
            return await self._at(typed, given.options), ""
        if self._person is not None:
            self._person.say(f"Looking for the servers of {typed.host} ...")
        found = await self._net.find(typed)
        for one in found:
            if await self._isTaken(one, bool(given.where)):
                return self._proposed(one), f"{one.where}: {one.source}."
        if self._person is None:
            raise UsageError(
                f"--init: no server is known for sure for {typed.host}; name it:"
                f" {self._side}={typed.user}@HOST, with its port, as in :993"
            )
        self._person.say("No server was found." if not found else "No other is known.")
        return await self._server(typed.mail), ""

    async def _address(self) -> Address:
        where, side = self._given.where, self._side
        if where:
            try:
                return address.read(where)
            except ValueError as error:
                raise UsageError(f"--init: {side} {error}") from None
        person = self._asking("=ADDRESS")
        while True:
            try:
                return address.read(await person.ask(f"The {side} side: {_WHERE}:"))
            except ValueError as error:
                person.say(f"It {error}.")

    async def _isTaken(self, one: Proposal, named: bool) -> bool:
        """
        Whether to go on with what was found.

        @param named: whether the address was typed before there were questions.
        """
        if self._person is None or (named and one.vouched):
            if self._person is not None:
                self._person.say(f"Found {one.where} ({one.source}).")
            return one.vouched
        sure = "" if one.vouched else "; it may be forged"
        question = f"Found {one.where} ({one.source}{sure}).  Use it?"
        return await self._person.choose(question, _YES_OR_NO) == "y"

    async def _server(self, username: str = "") -> Options:
        """
        Ask for a server.
        """
        person = self._asking("=HOST")
        while True:
            try:
                typed = address.read(
                    await person.ask("The server (HOST or HOST:PORT):")
                )
            except ValueError as error:
                person.say(f"It {error}.")
                continue
            fixed = {
                name: value
                for name, value in self._given.options.items()
                if name not in _PLACE or name == "username"
            }
            user = typed.user or username
            return await self._at(typed._replace(user=user, isServer=True), fixed)

    async def _at(self, typed: Address, given: Options) -> Options:
        """
        The options of a server that was named.
        """
        kind = given.get("type", typed.type)
        found = _located(kind, typed.host, typed.port)
        if typed.user:
            # Of a mail address whose server is given besides, it is all of it.
            found["username"] = typed.user if typed.isServer else typed.mail
        return await self._named({**found, **given})

    def _proposed(self, one: Proposal) -> Options:
        found = _located(one.type, one.host, one.port)
        found["username"] = one.username
        if one.auth and not one.oauth2:
            found["auth"] = " ".join(one.auth)
        return {**found, **self._given.options}

    async def _named(self, options: dict[str, str]) -> Options:
        """
        With a user's name, if one is needed.
        """
        if "username" in options or {"command", "SSL_certificate"} & {*options}:
            return options
        where = options.get("host", "the server")
        return {**options, "username": await self._user(where)}

    async def _user(self, host: str, default: str = "") -> str:
        person = self._asking(".username=NAME")
        return await _fit(person, lambda: person.ask(f"User name at {host}:", default))

    # By what

    async def _proof(self, options: Options) -> Options:
        """
        With what proves the login.
        """
        if {*_PROOFS} & {*options}:
            return options
        host = options.get("host", "the server")
        provider = self._provider(host)
        if provider and (self._person is None or await self._wantsTokens(provider)):
            return await self._tokens(provider, options)
        person = self._asking(".password-command=COMMAND")
        question = f"Password of {options['username']} at {host} (not shown):"
        password = ""
        while not password:
            password = await _fit(person, lambda: person.secret(question))
        return {**options, "password": password}

    async def _wantsTokens(self, provider: str) -> bool:
        person = self._asking("")
        name = provider.capitalize()
        choices = {"y": "yes", "n": "no, by an app password"}
        question = (
            f"{name} wants OAuth2, for which you need a client ID of your own (see the"
            f" how-to for {name}).  Log in so?"
        )
        return await person.choose(question, choices) == "y"

    async def _tokens(self, provider: str, options: Options) -> Options:
        found = {**options, "oauth2": provider}
        if {"oauth2-client-id", "oauth2-key-file"} & {*options}:
            return found
        person = self._asking(".oauth2-client-id=ID")
        found["oauth2-client-id"] = await _fit(person, lambda: person.ask("Client ID:"))
        question = "Client secret, if there is one (not shown):"
        secret = await _fit(person, lambda: person.secret(question))
        if secret := secret.strip(" \t"):
            found["oauth2-client-secret"] = secret
        return found

    async def _other(self, options: Options) -> Options:
        """
        Another user's name, and no proof.
        """
        bare = {name: one for name, one in options.items() if name != "password"}
        where = bare.get("host", "the server")
        bare["username"] = await self._user(where, bare.get("username", ""))
        return bare

    async def _try(self, options: Options) -> ImapSyncError | None:
        try:
            who = await self._net.logIn(self._side, options)
        except ImapSyncError as error:
            if self._person is not None:
                self._person.say(str(error))
            return error
        if self._person is not None:
            self._person.say(f"Logged in{f' as {who}' if who else ''}.")
        return None

    def _asking(self, word: str) -> Person:
        """
        @param word: what would have made the question needless, behind the side.
        @raise UsageError: if nobody is there.
        """
        if self._person is None:
            raise UsageError(
                "--init: without a terminal nobody can be asked; give"
                f" {self._side}{word}"
            )
        return self._person


async def _fit(person: Person, ask: Callable[[], Awaitable[str]]) -> str:
    """
    An answer that no configuration has anything against.
    """
    while not isFit(answer := await ask()):
        person.say("It has a character that it cannot have.")
    return answer


def _draft(options: Options, source: str) -> Draft:
    return Draft(options, {**_REMARKS, **({"": source} if source else {})})


def _located(kind: str, host: str, port: int) -> dict[str, str]:
    """
    The options that say so, without those that say what is usual.

    @param port: 0 for the usual one.
    """
    found = {"type": kind} if kind != "imaps" else {}
    found["host"] = host
    if port and port != PORTS.get(kind):
        found["port"] = str(port)
    return found
