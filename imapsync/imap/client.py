"""
L{SyncClient}: the commands of a connection that keeps mailboxes in step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from twisted.python.failure import Failure

from imapsync.errors import Lost, Refused
from imapsync.imap import login, looking
from imapsync.imap.commands.account import (
    GuidCommand,
    IdCommand,
    IdentitiesCommand,
    LimitCommand,
    ListCommand,
    NamespaceCommand,
    StatusCommand,
    SubscriptionsCommand,
)
from imapsync.imap.commands.append import Appending
from imapsync.imap.commands.base import Alone, Simple
from imapsync.imap.commands.login import Enable
from imapsync.imap.commands.messages import (
    BodyReceiver,
    Change,
    Fetch,
    Transfer,
    Transferred,
)
from imapsync.imap.commands.notify import AccountListener, Idle, Notify
from imapsync.imap.connection import FAREWELL
from imapsync.imap.selecting import Selector
from imapsync.imap.unsized import Unsized, unsized
from imapsync.imap.wire.arguments import Literal, flagList, mailboxWord
from imapsync.imap.wire.responses import Condition, Namespaces, Row
from imapsync.model import Flags, Listed, Status
from imapsync.uidset import UidSet

if TYPE_CHECKING:
    from imapsync.imap.transport.tls import Trust


class SyncClient(Selector):
    """
    An C{IMAP4Client} that hears what changes in mailboxes, as far as servers tell.

    A command that the server refuses fails with
    L{Refused<imapsync.errors.Refused>}; every command fails with
    L{Lost<imapsync.errors.Lost>} when the connection goes, and with
    L{ProtocolViolation<imapsync.errors.ProtocolViolation>} when the server
    sends what is no IMAP.

    @ivar exact: whether sizes that it tells can be believed: else all are 0.
    @ivar keepsDates: whether it was seen to keep the date of a message.
    @ivar trust: what judges the server's certificate, if there is to be one.
    """

    exact = True
    keepsDates = False
    trust: Trust | None = None

    # Before a mailbox is selected

    def capability(self) -> Deferred[frozenset[str]]:
        """
        What the server can do, asked only if it has not told yet.
        """
        return Deferred.fromCoroutine(login.capability(self))

    def starttls(self, options: IOpenSSLClientConnectionCreator) -> Deferred[None]:
        """
        Secure the connection; L{secured} fires when the handshake is complete.
        """
        return self.perform(Alone("STARTTLS")).addCallback(
            lambda _: self._secure(options)
        )

    def enable(self, *names: str) -> Deferred[frozenset[str]]:
        """
        ENABLE (RFC 5161).

        @return: what the server says is enabled now.
        """
        return self.perform(Enable(*names))

    def compress(self) -> Deferred[None]:
        """
        COMPRESS (RFC 4978): from here on, both directions are compressed.
        """
        done = self.perform(Alone("COMPRESS", b"DEFLATE"))
        return done.addCallback(lambda _: self._compress())

    def identify(self, **fields: str) -> Deferred[None]:
        """
        ID: what the server answers is its L{identity}.
        """

        def introduced(told: Mapping[str, str]) -> None:
            self.identity = told

        return self.perform(IdCommand(fields)).addCallback(introduced)

    def namespaces(self) -> Deferred[Namespaces]:
        """
        NAMESPACE (RFC 2342).
        """
        return self.perform(NamespaceCommand())

    def listMailboxes(
        self, pattern: str, selection: Sequence[str] = (), returns: Sequence[str] = ()
    ) -> Deferred[list[Listed]]:
        """
        LIST (RFC 5258), with C{STATUS (...)} among C{returns} as RFC 5819 has it.
        """
        return self.perform(ListCommand(pattern, selection, returns))

    def subscriptions(self) -> Deferred[list[Listed]]:
        """
        LSUB: the names that are subscribed, whether they are mailboxes or not.
        """
        return self.perform(SubscriptionsCommand())

    def mailboxStatus(self, name: str, items: str) -> Deferred[Status]:
        """
        STATUS of one mailbox, selected or not.
        """
        return self.perform(StatusCommand(name, items))

    def appendLimit(self, name: str) -> Deferred[int | None]:
        """
        How many octets may be in a message that is appended to a mailbox (RFC 7889);
        C{None} if the server does not say.
        """
        limit = self.features.appendLimit
        if limit is not None or "APPENDLIMIT" not in self.features:
            return succeed(limit)
        return self.perform(LimitCommand(name)).addErrback(_untold)

    def mailboxGuid(self, name: str) -> Deferred[tuple[Status, str]]:
        """
        What Dovecot identifies a mailbox by, with its UIDVALIDITY.
        """
        return self.perform(GuidCommand(name))

    def identities(self, pattern: str = "*") -> Deferred[Mapping[str, str]]:
        """
        The MAILBOXIDs of all such mailboxes of a Cyrus, by their names.
        """
        return self.perform(IdentitiesCommand(pattern))

    def onMailbox(self, verb: str, *names: str) -> Deferred[Condition]:
        """
        CREATE, DELETE, RENAME, SUBSCRIBE or UNSUBSCRIBE; many may be in flight.
        """
        return self.perform(Simple(verb, *map(mailboxWord, names)))

    def appendNothing(self, name: str) -> Deferred[Condition]:
        """
        An APPEND that is called off (RFC 3502, 5): it fails with C{TRYCREATE} if
        there is no such mailbox, and otherwise if there is one.
        """
        return self.perform(Simple("APPEND", mailboxWord(name), Literal(b"")))

    def catchUp(self) -> Deferred[Condition]:
        """
        NOOP: have the server tell what it has not told yet.
        """
        return self.perform(Simple("NOOP"))

    def leave(self) -> Deferred[None]:
        """
        LOGOUT, and close the connection.

        A server that does not answer, or does not close its end as TLS has it, is
        waited for some seconds only: there is nothing to lose any more.
        """

        def close(_: object) -> None:
            self.transport.loseConnection()

        def gone(_: None) -> None:
            if late.active():
                late.cancel()

        error = Lost(f"{self.name}: no end within {FAREWELL:g} seconds of LOGOUT")
        late = self._clock.callLater(FAREWELL, self.abort, error)
        self.perform(Alone("LOGOUT")).addBoth(close)
        return self.lost.addCallback(gone)

    @property
    def outspoken(self) -> bool:
        """
        Whether the server tells all that happens in the selected mailbox, at a
        NOOP at the latest.
        """
        return not self._dispatcher.notified

    def notify(self, listener: AccountListener) -> Deferred[Condition]:
        """
        Have the server tell C{listener} what changes in any mailbox of the
        personal namespaces (RFC 5465).  It begins with the present STATUS of
        most: LIST all after this, not before.

        A mailbox is left out while it is selected, and for good what changes
        in it then: L{unselect} first, then ask for its STATUS, then wait.
        Nothing fails when the connection goes while nothing is in flight: see
        L{lost}.

        Once for a connection, and again only after
        L{AccountListener.overflowed}: a second one makes some servers fall
        silent.  If it fails with L{Refused}, of whatever kind of change, then
        only looking shows what changed.
        """
        if "NOTIFY" not in self.features:
            return fail(Refused("NOTIFY", "NO", "", "it is not offered"))
        return self.perform(Notify(listener))

    # In a mailbox

    def idle(self, changed: Callable[[], None]) -> Deferred[Condition]:
        """
        IDLE (RFC 2177) in the selected mailbox: C{changed} is called at each
        thing that the server tells of it, which its listener hears as well.

        Any other command ends it, even another IDLE, and is then sent.  That
        must be within 29 minutes, or the server may hang up.

        @return: fires when it has ended.
        """
        return self.perform(Idle(changed))

    def exists(self, uids: UidSet) -> Deferred[UidSet]:
        """
        Those of C{uids} that are still there.
        """
        extended = "ESEARCH" in self.features
        return Deferred.fromCoroutine(looking.existing(self._all, extended, uids))

    def fetchRows(
        self, uids: UidSet, items: str, rows: Callable[[list[Row]], None]
    ) -> Deferred[object]:
        """
        What C{items} names of C{uids}; RFC822.SIZE or INTERNALDATE must be among
        them.
        """
        take = rows if self.exact else unsized(rows)
        return self._all(uids, lambda text: Fetch(text, items, rows=take))

    def fetchBodies(
        self, uids: UidSet, items: str, bodies: BodyReceiver
    ) -> Deferred[object]:
        """
        Messages, or the part of them that C{items} names, as a stream.
        """
        take = bodies if self.exact else Unsized(bodies)
        return self._all(uids, lambda text: Fetch(text, items, take))

    def store(self, uids: UidSet, sign: str, flags: Flags) -> Deferred[object]:
        """
        Add (C{+}) or remove (C{-}) flags.  The listener hears what became of
        each message: no word of it means that nothing changed.
        """
        words = (f"{sign}FLAGS".encode("ascii"), flagList(flags))
        return self._all(uids, lambda text: Change("UID STORE", text, *words))

    def expungeUids(self, uids: UidSet) -> Deferred[object]:
        """
        UID EXPUNGE (RFC 4315): only what is marked C{\\Deleted} among C{uids}.
        """
        return self._all(uids, lambda text: Change("UID EXPUNGE", text))

    def transfer(
        self, verb: str, uids: UidSet, mailbox: str
    ) -> Deferred[list[Transferred]]:
        """
        COPY, or MOVE (RFC 6851), within the account.
        """
        most = self.features.saveLimit if verb == "COPY" else None
        return self._all(uids, lambda text: Transfer(verb, text, mailbox), most)

    def beginAppend(self, mailbox: str) -> Appending:
        """
        Begin an APPEND; its C{done} fires with
        L{Appended<imapsync.imap.commands.append.Appended>}.

        Until it is finished, all other commands wait.
        """
        appending = Appending(mailbox, self)
        self.perform(appending)
        return appending


def _untold(failure: Failure) -> None:
    failure.trap(Refused)
