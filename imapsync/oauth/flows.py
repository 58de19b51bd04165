"""
Having a user say yes: in a browser here, in one elsewhere, or on another device.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from twisted.internet import defer
from twisted.internet.defer import Deferred
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

from imapsync.config.oauth import OAuthConfig
from imapsync.errors import ConfigError, Distrusted, ImapSyncError, Lost
from imapsync.oauth import device
from imapsync.oauth.client import Client
from imapsync.oauth.consent import Consent, asked, code, pasted
from imapsync.oauth.doorway import Doorway
from imapsync.oauth.providers import extraOf, titleOf
from imapsync.oauth.tokens import Declined, Tokens

#: So long may the user take, in seconds.
PATIENCE = 15 * 60.0

#: Microsoft's portal takes no address for it.
_LOOPBACKS = {"microsoft": "localhost"}


class EndUser(Protocol):
    """
    Who is to say yes (RFC 6749, 1.1).
    """

    def say(self, text: str) -> None:
        """
        Have them read some lines.
        """

    def show(self, page: str) -> None:
        """
        Open a page in their browser, if there is one.
        """

    def typed(self, needed: bool) -> Deferred[str] | None:
        """
        Wait for a line of theirs; an empty one is none, and their end.

        @param needed: whether there is no other way; else C{None} is an answer.
        """


async def consented(
    reactor: Any, client: Client, config: OAuthConfig, user: str, person: EndUser
) -> Tokens:
    """
    Have a user say yes, in the way that C{config} has.

    @param user: whose mail it is to be.
    @raise Distrusted: if they do not, or the provider does not.
    @raise Lost: if it cannot be asked.
    @raise ConfigError: if it does not have that way.
    """
    if config.flow == "device":
        return await _elsewhere(reactor, client, person)
    page = (await client.endpoints()).authorization
    if page is None:
        raise ConfigError(
            f"{titleOf(config)} has no page where somebody could say yes;"
            " see oauth2-flow and oauth2-authorization-url"
        )
    wanted = {"client_id": config.clientId, "scope": client.scope, "login_hint": user}
    said = {name: value for name, value in wanted.items() if value}
    place = f"http://{_LOOPBACKS.get(config.provider, '127.0.0.1')}"
    if config.flow == "paste":
        consent = asked(page, place, {**said, **extraOf(config)})
        return await _pasted(client, consent, person)
    try:
        doorway = Doorway(reactor)
    except CannotListenError as error:
        raise Lost(f"a browser could not answer: {error.socketError}") from None
    try:
        redirect = f"{place}:{doorway.number}"
        consent = asked(page, redirect, {**said, **extraOf(config)})
        return await _here(reactor, client, consent, person, doorway)
    finally:
        await doorway.close()


async def _here(
    reactor: Any, client: Client, consent: Consent, person: EndUser, doorway: Doorway
) -> Tokens:
    """
    In a browser on this computer; or on another one, if they paste what comes of it.
    """
    typed = person.typed(needed=False)
    answer = _first(consent, doorway.came, typed)
    person.say(f"Open this page in a browser, and say yes there:\n{consent.page}")
    if typed is not None:
        person.say(
            "If that browser is on another computer, it will then fail to show a page:"
            " paste the address of that here."
        )
    person.show(consent.page)
    try:
        brought = await answer.addTimeout(PATIENCE, reactor)
        tokens = await _redeemed(client, consent, brought)
    except defer.TimeoutError:
        raise _late(PATIENCE) from None
    except ImapSyncError as error:
        doorway.tell(f"imapsync has got no access: {error}", refused=True)
        raise
    finally:
        if typed is not None:
            typed.cancel()
    doorway.tell("imapsync has got access to this mail. You can close this page.")
    return tokens


def _first(
    consent: Consent, came: Deferred[str], typed: Deferred[str] | None
) -> Deferred[str]:
    """
    Wait for the first answer.

    @param came: fires with the address that a browser was sent to.
    @param typed: fires with what a user has pasted; with nothing, if they are gone.
    @return: fires with the code in it, or fails with why there is none.
    """
    answer: Deferred[str] = Deferred()

    def take(text: str, read: Callable[[Consent, str], str]) -> None:
        if answer.called or not text:
            return
        try:
            found = read(consent, text)
        except Distrusted:
            answer.errback()
        else:
            answer.callback(found)

    for source, read in (came, code), (typed, pasted):
        if source is not None:
            # Who waited for it has heard of it, or does not wait any more.
            source.addCallback(take, read).addErrback(lambda _: None)
    return answer


async def _pasted(client: Client, consent: Consent, person: EndUser) -> Tokens:
    """
    In a browser on another computer.
    """
    person.say(
        "Open this page in a browser on any computer, and say yes there:\n"
        f"{consent.page}\n"
        "It will then fail to show a page: paste the address of that here."
    )
    typed = person.typed(needed=True)
    brought = pasted(consent, await typed if typed is not None else "")
    return await _redeemed(client, consent, brought)


async def _redeemed(client: Client, consent: Consent, brought: str) -> Tokens:
    """
    RFC 6749, 4.1.3.
    """
    return await client.granted(
        "authorization_code",
        code=brought,
        redirect_uri=consent.redirect,
        code_verifier=consent.verifier,
    )


async def _elsewhere(clock: IReactorTime, client: Client, person: EndUser) -> Tokens:
    """
    On another device (RFC 8628).
    """
    offer = device.read(await client.begun())
    person.say(
        f"Open {offer.page} in a browser on any device, and type there:\n"
        f"{offer.userCode}"
    )
    pause, end = offer.interval, clock.seconds() + offer.seconds
    while clock.seconds() + pause < end:
        await deferLater(clock, pause)
        try:
            return await client.granted(device.GRANT, device_code=offer.code)
        except (Declined, Lost) as error:
            pause = device.again(pause, error)
    raise _late(offer.seconds)


def _late(seconds: float) -> Distrusted:
    return Distrusted(f"nobody said yes within {seconds / 60:.0f} minutes")
