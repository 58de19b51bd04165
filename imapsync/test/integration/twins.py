"""
Two accounts to which anything may happen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy, deepcopy
from pathlib import Path
from typing import Any

from imapsync.model import Side
from imapsync.test.integration.accounts import CommandFailed, Snapshot
from imapsync.test.integration.changes import Changes
from imapsync.test.integration.dovecot import maildirServer, mdboxServer
from imapsync.test.integration.filtered import WAYS, filtered
from imapsync.test.integration.inprocess import syncHere
from imapsync.test.integration.scene import Run, Scene


class Wrong(AssertionError):
    """
    The accounts are not what they should be; the text has the whole story.
    """


class Twins(Changes):
    """
    Two accounts that are to be equal, what happens to them, and a model of
    what that should make of them.

    @ivar servers: where they are.
    """

    def __init__(
        self,
        seed: int,
        merge: bool,
        connections: int = 1,
        ways: Sequence[str] = WAYS,
    ) -> None:
        """
        @param ways: what the local and the remote server are without: presets.
        """
        super().__init__(seed, merge)
        policy = "merge" if merge else "union"
        servers = [mdboxServer(), maildirServer()]
        self.rng.shuffle(servers)
        self._dovecots = dict(zip(Side, servers, strict=True))
        local, remote = map(filtered, servers, ways)
        self._options = {"": {"flag-conflict": policy, "connections": str(connections)}}
        self.scene = Scene(local, remote, self._options)
        self.servers = {Side.LOCAL: local, Side.REMOTE: remote}
        self._accounts = dict(zip(Side, self.scene.accounts, strict=True))
        # Two that are made within a second could be taken for one account.
        self._number(Side.LOCAL, "INBOX", 2**31 - seed)
        for account in self.scene.accounts:
            # Dovecot does not list an INBOX that was never opened as subscribed.
            account.uids("INBOX")
        self.story.append(
            f"{policy}, {servers[0].settings.layout} is local,"
            f" {connections} connections, {' and '.join(ways)}"
        )

    def copied(self) -> Twins:
        """
        Other ones to which the same has happened, in a tenth of the time.
        """
        other = copy(self)
        other.scene = self.scene.copied()
        other._accounts = dict(zip(Side, other.scene.accounts, strict=True))
        other._model = deepcopy(self._model)
        other.story = [*self.story]
        return other

    def close(self) -> None:
        """
        Remove both.
        """
        self.scene.close()

    def reach(self, ports: Mapping[Side, int]) -> None:
        """
        Have syncs go to other ports than the servers'.
        """
        new = {str(side): {"port": str(port)} for side, port in ports.items()}
        self.scene.configure({**self._options, **new})

    async def settle(self, reactor: Any) -> None:
        """
        Sync, and look at whether all is as it should be, and whether there is
        nothing left to do.
        """
        await self.sync(reactor)
        self.compare()
        again = await self.sync(reactor)
        excess = self.scene.excess(again)
        self.expect(not excess, f"there was more to do:\n{again.errors}")

    async def sync(
        self, reactor: Any, watch: Callable[[str], None] = lambda line: None
    ) -> Run:
        """
        Sync once, as L{syncHere} does.
        """
        self.story.append("sync")
        for side, account in self._accounts.items():
            self._model.levels[side] |= account.levels()
        run = await syncHere(self.scene, reactor, watch)
        self.expect(not run.code, f"exit code {run.code}:\n{run.errors}")
        return run

    def expect(self, true: bool, otherwise: str) -> None:
        """
        @raise Wrong: it is not true; C{otherwise} tells more.
        """
        if not true:
            raise Wrong("\n".join([*self.story, otherwise]))

    def compare(self) -> None:
        """
        Compare both sides with each other and with the model, which goes on
        from there.
        """
        snapshot, other = map(_real, self._snapshots())
        differences = snapshot.differences(other)
        self.expect(not differences, "\n".join(differences))
        complaints = [*self._model.complaints(snapshot)]
        self.expect(not complaints, "\n".join(complaints))
        boxes = {
            side: {name: account.messages(name) for name in snapshot.mailboxes}
            for side, account in self._accounts.items()
        }
        subscribed = {
            side: account.subscriptions() for side, account in self._accounts.items()
        }
        self._model.agree(boxes, subscribed)
        self._beginAnew()

    def _snapshots(self) -> tuple[Snapshot, Snapshot]:
        try:
            return self.scene.snapshots()
        except CommandFailed:
            # A session of Dovecot's may not survive a new UIDVALIDITY.
            self.scene.reconnect()
            self._accounts = dict(zip(Side, self.scene.accounts, strict=True))
            return self.scene.snapshots()

    def loseDatabase(self) -> None:
        """
        Sync without knowing anything, from here on.
        """
        self.story.append("lose the database")
        for suffix in ("", "-wal", "-shm"):
            Path(f"{self.scene.database}{suffix}").unlink(missing_ok=True)
        self._model.forget()

    def renumber(self) -> None:
        """
        Give a mailbox another UIDVALIDITY.
        """
        synced = self._model.synced()
        if not synced:
            return
        side, name = self.rng.choice(list(Side)), self.rng.choice(synced)
        self.story.append(f"{side}: another UIDVALIDITY for {name}")
        self._number(side, name, 2**31 + self.rng.randrange(2**30))
        self._model.renumber(name)

    def _number(self, side: Side, name: str, uidvalidity: int) -> None:
        server = self._dovecots[side]
        server.doveadm(
            *("mailbox", "update", "-u", self.scene.user),
            *("--uid-validity", str(uidvalidity)),
            name.replace("/", server.settings.separator),
        )


def _real(snapshot: Snapshot) -> Snapshot:
    """
    Without what is about mailboxes that do not exist.
    """
    names = snapshot.mailboxes
    return Snapshot(names, snapshot.subscribed & names.keys())
