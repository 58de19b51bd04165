"""
Comparing one mailbox with what the database knows of it, all of it, and mending
what that knows: L{Inspection}.

The database says no more than is true then, and the passes that follow do the rest:
what has no entry is new to them.  That may be cut off anywhere.  Entries without a
message go first, all at once, and with them the marks: what is left has messages on
both sides, so that nobody takes any for removed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from itertools import islice

from imapsync.errors import MailboxError, Refused
from imapsync.gather import onBoth
from imapsync.imap.commands.mailbox import Heard, Selected
from imapsync.imap.wire.responses import Row
from imapsync.log import Log
from imapsync.mailbox.context import Context
from imapsync.mailbox.entries import WINDOW, Entries
from imapsync.mailbox.fetching import Source
from imapsync.mailbox.mending import Mending
from imapsync.mailbox.pairing import matched
from imapsync.mailbox.suspects import Place
from imapsync.model import GUID, Act, Flags, Known, Pair, Side
from imapsync.plan import repair as plan
from imapsync.plan.flags import common, same
from imapsync.plan.repair import Anomaly, Kind
from imapsync.uidset import MAXIMUM, UidSet, UidSetBuilder

_log = Log()


class _Listing(Heard):
    """
    Hears which messages there are.
    """

    def __init__(self) -> None:
        super().__init__()
        self.there = UidSetBuilder()
        self.gone = UidSetBuilder()

    def rowsReceived(self, rows: list[Row]) -> None:
        self.there.update(UidSet.of(row.uid for row in rows if row.uid))

    def vanished(self, uids: UidSet, earlier: bool) -> None:
        self.gone.update(uids)


class Inspection:
    """
    Compares both sides of a mailbox, and both with the database.

    @param found: is told of each anomaly.
    @param new: whether it was not known before: then its messages have no entries
        for a good reason.
    @param proven: whether all was compared before, and the contents with it.
    @ivar name: of the mailbox.
    """

    _mending: Mending
    _entries: Entries

    def __init__(
        self,
        known: Known,
        context: Context,
        found: Callable[[Anomaly], None],
        new: bool = False,
        proven: bool = False,
    ) -> None:
        self.name = known.name
        self._known = known
        self._context = context
        self._state = context.state
        self._tell = found
        self._new = new
        self._proven = proven
        self._selected: Mapping[Side, Selected] = {}
        self._there: Mapping[Side, UidSet] = {}
        self._sources: Mapping[Side, Source] = {}

    async def run(self) -> None:
        """
        Do it.

        @raise MailboxError: it cannot be compared.
        """
        try:
            identities = await onBoth(self._identity)
            self._selected = await onBoth(self._select)
            self._there = await onBoth(self._list)
            self._begin()
            await self._inspect(identities)
        except Refused as error:
            raise MailboxError(str(error), responseCode=error.responseCode) from error

    def _begin(self) -> None:
        context, known = self._context, self._known
        validities = {
            side: selected.mark.uidvalidity for side, selected in self._selected.items()
        }
        suspects = context.records.suspects
        self._sources = {
            side: Source(
                context.clients[side], suspects, Place(known.id, side, uidvalidity)
            )
            for side, uidvalidity in validities.items()
        }
        self._mending = Mending(known, self._state, validities, self._tell)
        self._entries = Entries(self._mending, context.clients, self._sources)

    async def _inspect(self, identities: Mapping[Side, str]) -> None:
        leftovers, kept = {side: UidSet() for side in Side}, False
        if not self._isRenumbered():
            leftovers = {side: self._leftovers(side) for side in Side}
            kept = self._keep()
            self._dropDangling()
            self._checkMarks(identities)
        paired = self._state.paired(self._known.id, Side.LOCAL)
        await self._entries.compare(paired, self._proven)
        alone = await self._matchRest()
        for side in Side:
            idle = leftovers[side] - alone[side] - self._entries.differing(side)
            self._checkLeftovers(side, idle)
        if not (self._mending.anomalies or kept or self._new or self._proven):
            self._checkCounts()

    # What there is

    async def _identity(self, side: Side) -> str:
        """
        What Dovecot identifies the mailbox by; others tell when it is selected.
        """
        client = self._context.clients[side]
        known = self._known.identities.get(side, "")
        if self._proven or not known or "OBJECTID" in client.features:
            return ""
        try:
            _, guid = await client.mailboxGuid(self._context.names[side])
        except Refused:
            return ""
        return guid and GUID + guid

    async def _select(self, side: Side) -> Selected:
        """
        Nothing is written here, but the passes that follow do.
        """
        client, name = self._context.clients[side], self._context.names[side]
        try:
            selected = await client.open(name, None, Heard(), writable=False)
        except Refused as error:
            raise MailboxError(str(error), side, error.responseCode) from error
        if not selected.persistent:
            raise MailboxError("its UIDs do not last (UIDNOTSTICKY)", side)
        if not selected.mark.uidvalidity:
            raise MailboxError("it has no UIDVALIDITY", side)
        return selected

    async def _list(self, side: Side) -> UidSet:
        """
        The messages of C{side}; those that arrive meanwhile are the passes' concern.
        """
        client, selected = self._context.clients[side], self._selected[side]
        last = min((selected.mark.uidnext or MAXIMUM + 1) - 1, MAXIMUM)
        every = UidSet(((1, last),) if last else ())
        there = UidSet()
        if "ESEARCH" in client.features:
            # Else all of them would be in one line, which may be too long.
            there = await client.exists(every)
        if len(there) < selected.exists:
            # It was not asked, or some are gone just now, or that was half an answer.
            listing = _Listing()
            name = self._context.names[side]
            selected = await client.open(name, None, listing, writable=False)
            if selected.exists:
                await client.reportFlags(None)
            gone = listing.gone.build()
            there = (there | listing.there.build()) & every - gone
            strays = max(0, self._known.strays.get(side, 0))
            if len(there) + len(gone) + strays < selected.exists:
                told = f"{len(there)} of its {selected.exists} messages"
                raise MailboxError(f"only {told} are listed; left alone", side)
        return there

    def _leftovers(self, side: Side) -> UidSet:
        """
        The messages that are to be looked at again, those of which something was
        foretold, and those whose copies were not seen yet, if they are not there.
        """
        state, mailbox = self._state, self._known.id
        copying = state.copying(mailbox, side) - self._there[side]
        foretold = UidSet.of(state.foretold(mailbox, side))
        return state.postponed(mailbox, side) | foretold | copying

    # What is known of all of it

    def _isRenumbered(self) -> bool:
        """
        Where UIDs may be those of other messages, no entry can be believed: all
        messages are paired by content.
        """
        known = self._known
        wrong = [
            one
            for side in Side
            if (one := plan.renumbered(known, side, self._selected[side].mark))
        ]
        if not wrong:
            return False
        if known.marks or known.pairs:
            for one in wrong:
                self._mending.note(one)
        elif not self._new:
            self._mending.found(Kind.UNKNOWN, "it was never synchronized")
        with self._state.transaction():
            self._state.forgetPairs(known.id)
        self._mending.readAnew()
        self._new = True
        return True

    def _checkMarks(self, identities: Mapping[Side, str]) -> None:
        for side, selected in self._selected.items():
            if wrong := plan.beyond(self._known, side, selected.mark):
                self._mending.note(wrong)
                self._mending.readAnew()
            now = selected.identity or identities[side]
            if wrong := plan.misidentified(self._known, side, now):
                self._mending.note(wrong)
                with self._mending.change():
                    self._state.setIdentity(self._known.id, side, now)

    def _checkCounts(self) -> None:
        for side, (_, mark, exists, *_) in self._selected.items():
            for wrong in plan.behind(self._known, side, mark, exists):
                self._mending.note(wrong)
                self._mending.readAnew()

    def _checkLeftovers(self, side: Side, idle: UidSet) -> None:
        """
        Only what could not be carried over is to be tried again.
        """
        if not idle:
            return
        for uid in idle:
            text = "it is to be looked at again, and there is nothing to do about it"
            self._mending.foundOn(side, Kind.LEFTOVER, text, uid)
        with self._mending.change():
            self._state.settle(self._known.id, side, idle)
            self._state.forgetForetold(self._known.id, side)

    # Messages

    def _keep(self) -> bool:
        """
        What is gone from one side stays on the other, if it may not be removed there:
        that is not to be copied back.

        @return: whether any has gone since the last run.
        """
        state, mailbox, kept = self._state, self._known.id, False
        with state.transaction():
            for side, selected in self._selected.items():
                state.keepOnly(mailbox, side, selected.mark.uidvalidity)
                state.keepNoMore(
                    mailbox, side, state.kept(mailbox, side) - self._there[side]
                )
                if self._context.policy.may(side, Act.EXPUNGE):
                    continue
                gone = state.paired(mailbox, side.other) - self._there[side.other]
                alone = state.partners(mailbox, side.other, gone, side)
                alone &= self._there[side]
                state.keep(mailbox, side, selected.mark.uidvalidity, alone)
                state.removePairs(mailbox, side, alone)
                kept = kept or bool(alone)
        return kept

    def _dropDangling(self) -> None:
        """
        Drop the entries that have no message on a side, or on both.
        """
        state, mailbox = self._state, self._known.id
        doomed = UidSet()
        for side in Side:
            missing = state.paired(mailbox, side) - self._there[side]
            doomed |= state.partners(mailbox, side, missing, Side.LOCAL)
        if not doomed:
            return
        for local, remote, _ in state.agreed(mailbox, Side.LOCAL, doomed):
            uids = {Side.LOCAL: local, Side.REMOTE: remote}
            sides = [side for side in Side if uids[side] not in self._there[side]]
            where = f"on {sides[0]}" if len(sides) == 1 else "on either side"
            text = f"the entry has no message {where}"
            self._mending.found(Kind.DANGLING, text, local, remote)
        with self._mending.change():
            state.removePairs(mailbox, Side.LOCAL, doomed)

    async def _matchRest(self) -> Mapping[Side, UidSet]:
        """
        Find which messages without an entry, or with one that may be wrong, are
        equal.

        @return: those that are on one side only.
        """
        state, mailbox = self._state, self._known.id
        left = {
            side: self._there[side] - state.paired(mailbox, side)
            | self._entries.suspects.uids(side)
            for side in Side
        }
        if all(left.values()):
            with closing(await matched(self._sources, left)) as matcher:
                left = {
                    side: matcher.unmatched(side) | (left[side] & source.unread)
                    for side, source in self._sources.items()
                }
                believed = self._dropUnequal(left)
                matches = matcher.matches()
                while some := list(islice(matches, WINDOW)):
                    self._pair(some)
        else:
            believed = self._dropUnequal(left)
        await self._entries.compare(believed[Side.LOCAL], proven=True)
        alone = {
            side: left[side] - believed[side] - state.kept(mailbox, side)
            for side in Side
        }
        for side in Side:
            self._tellAlone(side, alone[side])
        return alone

    def _dropUnequal(self, left: Mapping[Side, UidSet]) -> Mapping[Side, UidSet]:
        """
        Drop entries whose messages have equals elsewhere, or nothing to do with
        each other.

        @param left: the messages that have no equal.
        @return: what is believed to be equal all the same.
        """
        wrong = UidSetBuilder()
        believed = {side: UidSetBuilder() for side in Side}
        for local, remote, altered in self._entries.suspects:
            if altered and local in left[Side.LOCAL] and remote in left[Side.REMOTE]:
                believed[Side.LOCAL].add(local)
                believed[Side.REMOTE].add(remote)
                continue
            text = "the entry is of two messages that are not equal"
            self._mending.found(Kind.UNEQUAL, text, local, remote)
            wrong.add(local)
        if doomed := wrong.build():
            with self._mending.change():
                self._state.removePairs(self._known.id, Side.LOCAL, doomed)
        kept = {side: uids.build() for side, uids in believed.items()}
        if count := len(kept[Side.LOCAL]):
            _log.info(
                "{name}: {count} messages are not quite the same on both sides, as if"
                " a server had changed them; left as they are.",
                name=self._known.name,
                count=count,
            )
        return kept

    def _pair(self, equal: list[tuple[Pair, Flags]]) -> None:
        """
        Have entries of messages that are equal.
        """
        pairs = []
        for pair, theirs in equal:
            if not self._new:
                text = "they are equal, without an entry"
                self._mending.found(Kind.UNPAIRED, text, pair.local, pair.remote)
            ours = agreed = pair.flags
            if not same(ours, theirs):
                agreed = common(ours, theirs)
            if finding := plan.aboutFlags(pair, ours, theirs):
                kind, text, _ = finding
                self._mending.found(kind, text, pair.local, pair.remote)
                self._entries.differ(pair)
            pairs.append(pair._replace(flags=agreed))
        with self._mending.change():
            self._state.addPairs(self._known.id, pairs)

    def _tellAlone(self, side: Side, alone: UidSet) -> None:
        if not alone:
            return
        unread = self._sources[side].unread
        for uid in alone:
            text = f"it is on {side} only"
            if uid in unread:
                text += ", or the server cannot read it"
            self._mending.foundOn(side, Kind.ALONE, text, uid)
        self._mending.readAnew()
