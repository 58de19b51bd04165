"""
What real servers tell without being asked.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable
from itertools import cycle
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from imapsync.gather import together
from imapsync.imap.client import SyncClient
from imapsync.imap.connect import connect
from imapsync.model import Listed, Status
from imapsync.test.fakes.talking import Listener
from imapsync.test.integration.accounts import Account, Mail
from imapsync.test.integration.dovecot import Dovecot, maildirServer, mdboxServer
from imapsync.test.integration.test_connect import described

MESSAGE = b"Subject: x\r\n\r\nx\r\n"
ITEMS = "MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ"


class Follower:
    """
    Keeps in mind what a server told of an account.

    @ivar statuses: each mailbox as it is known now.
    @ivar events: what happened to mailboxes as such.
    """

    def __init__(self) -> None:
        self.statuses: dict[str, Status] = {}
        self.events: list[str] = []
        self._waiting: list[tuple[Callable[[], bool], Deferred[None]]] = []

    def until(self, condition: Callable[[], bool]) -> Deferred[None]:
        """
        Wait until something was told that makes C{condition} true.
        """
        told: Deferred[None] = Deferred()
        self._waiting.append((condition, told))
        self.look()
        return told

    def knows(self, name: str, **items: int) -> Deferred[None]:
        """
        Wait until this is known of a mailbox.
        """

        def condition() -> bool:
            status = self.statuses.get(name, Status())
            return all(getattr(status, item) == value for item, value in items.items())

        return self.until(condition)

    def hears(self, event: str) -> Deferred[None]:
        """
        Wait until something happens to a mailbox as such.
        """
        return self.until(lambda: event in self.events)

    def statusReceived(self, name: str, status: Status) -> None:
        """
        Learn what is new.
        """
        told = zip(self.statuses.get(name, Status()), status, strict=True)
        self.statuses[name] = Status(*(new or old for old, new in told))
        self.look()

    def listReceived(self, listed: Listed, oldName: str) -> None:
        """
        Note it.
        """
        kinds = listed.attributes & {"\\subscribed", "\\nonexistent"}
        self.events.append(" ".join([oldName or ".", listed.name, *kinds]))
        self.look()

    def overflowed(self) -> None:
        """
        That must not be.
        """
        raise AssertionError("overflowed")

    def look(self) -> None:
        """
        See who needs not wait any longer.
        """
        waiting, self._waiting = self._waiting, []
        for condition, told in waiting:
            if condition():
                told.callback(None)
            else:
                self._waiting.append((condition, told))


class PushedCase(TestCase):
    """
    Tests with accounts that somebody follows.
    """

    async def connected(self, server: Dovecot) -> tuple[Account, SyncClient]:
        """
        An account, and a client for it.
        """
        settings = described(server)
        account = server.account(settings.username or "")
        self.addCleanup(account.close)

        def makeClient() -> SyncClient:
            return SyncClient(reactor, settings.where)

        client = await connect(reactor, settings, makeClient)
        self.addCleanup(client.leave)
        return account, client

    async def followed(
        self, server: Dovecot, names: Iterable[str]
    ) -> tuple[Account, SyncClient, Follower]:
        """
        An account with these mailboxes, about which a follower is told.
        """
        account, client = await self.connected(server)
        for name in names:
            account.create(name)
        follower = Follower()
        await client.notify(follower)
        # The server may have left out what nobody has looked at yet.
        for listed in await client.listMailboxes("*", (), (f"STATUS ({ITEMS})",)):
            follower.statusReceived(listed.name, listed.status or Status())
        return account, client, follower


class NotifyTests(PushedCase):
    """
    NOTIFY, with nothing selected.
    """

    async def test_messages(self) -> None:
        """
        Messages that come, change and go, in any mailbox.
        """
        names = ("Work", "R&D", "B\xfccher & \u65e5\u672c", 'a "b\\')

        async def follow(server: Dovecot) -> None:
            account, _, follower = await self.followed(server, names)
            for name in names:
                account.append(name, MESSAGE)
            for name in names:
                await follower.knows(name, messages=1, uidnext=2)
            before = {name: follower.statuses[name].modseq for name in names}
            for name in names:
                account.store(name, [1], "FLAGS (\\Seen)")
            for name in names:
                await follower.knows(name, modseq=before[name] + 1)
            for name in names:
                account.append(name, MESSAGE)
                account.expunge(name, [1])
            for name in names:
                await follower.knows(name, messages=1, uidnext=3)

        await onEach(follow)

    async def test_mailboxes(self) -> None:
        """
        Mailboxes that come, are renamed and subscribed, and go.
        """

        async def follow(server: Dovecot) -> None:
            account, _, follower = await self.followed(server, ())
            old, new = "Caf\xe9", "R&D \u65e5"
            account.create(old)
            await follower.hears(f". {old}")
            account.rename(old, new)
            await follower.hears(f"{old} {new}")
            account.subscribe(new)
            await follower.hears(f". {new} \\subscribed")
            account.unsubscribe(new)
            await follower.hears(f". {new}")
            account.delete(new)
            await follower.hears(f". {new} \\nonexistent")

        await onEach(follow)

    async def test_noneLost(self) -> None:
        """
        Forty changes, some in a mailbox that is selected for a while: when
        its STATUS is asked for after that, nothing is missed.
        """
        names = ("INBOX", "Work", "More")

        async def follow(server: Dovecot) -> None:
            account, client, follower = await self.followed(server, names[1:])
            for number, name in zip(range(40), cycle(names), strict=False):
                if number % 4 == 1:
                    await client.open(name, None, Listener(), True)
                account.append(name, MESSAGE)
                if number % 8 == 1:
                    # Long enough for the server to pass it over.
                    await follower.until(await self.known(account, follower, name))
                if number % 4 == 1:
                    await client.unselect()
                    status = await client.mailboxStatus(name, ITEMS)
                    follower.statusReceived(name, status)
                account.store(name, [number // 3 + 1], "FLAGS (\\Seen)")
                if number % 8 == 5:
                    await follower.until(await self.known(account, follower))
            await follower.until(await self.known(account, follower))

        await onEach(follow)

    async def known(
        self, account: Account, follower: Follower, but: str = ""
    ) -> Callable[[], bool]:
        """
        Whether the present state of all mailboxes is known; C{but} that of
        one.
        """
        present = {name: account.status(name) for name in follower.statuses}

        def condition() -> bool:
            return all(
                (told.uidnext, told.modseq) == present[name]
                for name, told in follower.statuses.items()
                if name != but
            )

        return condition


class IdleTests(PushedCase):
    """
    IDLE.
    """

    async def test_changes(self) -> None:
        """
        Each kind of change in the selected mailbox is told; another command
        ends it.
        """

        async def follow(server: Dovecot) -> None:
            account, client = await self.connected(server)
            account.fill("INBOX", [Mail(MESSAGE)] * 3)
            told: Deferred[None] = Deferred()

            def changed() -> None:
                if not told.called:
                    told.callback(None)

            for act in (
                lambda: account.append("INBOX", MESSAGE),
                lambda: account.store("INBOX", [2], "FLAGS (\\Seen)"),
                lambda: account.expunge("INBOX", [1]),
            ):
                await client.open("INBOX", None, Listener(), False)
                told = Deferred()
                idling = client.idle(changed)
                act()
                await told
                await client.unselect()
                await idling

        await onEach(follow)


async def onEach(follow: Callable[[Dovecot], Coroutine[Any, Any, None]]) -> None:
    """
    Do the same on two servers at a time.
    """
    servers = mdboxServer(), maildirServer()
    await together(Deferred.fromCoroutine(follow(server)) for server in servers)
