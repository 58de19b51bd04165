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
from imapsync.test.integration.dovecot import Dovecot, maildirServer, mdboxServer
from imapsync.test.integration.filtered import WAYS, filtered, identifies
from imapsync.test.integration.inprocess import syncHere
from imapsync.test.integration.scene import Run, Scene
from imapsync.test.integration.server import Server


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
        servers: Sequence[Server] = (),
    ) -> None:
        """
        @param ways: what the local and the remote server are without: presets.
        @param servers: what is behind that; two Dovecots in any order by default.
        """
        super().__init__(seed, merge)
        policy = "merge" if merge else "union"
        behind = [*servers]
        if not behind:
            behind = [mdboxServer(), maildirServer()]
            self.rng.shuffle(behind)
        for server in behind:
            self._spare(server.keeps, server.levels)
        self._behind = dict(zip(Side, behind, strict=True))
        local, remote = map(filtered, behind, ways)
        self._options = {"": {"flag-conflict": policy, "connections": str(connections)}}
        self.scene = Scene(local, remote, self._options)
        self.servers = {Side.LOCAL: local, Side.REMOTE: remote}
        self._model.nameless = [
            side for side, server in self.servers.items() if not identifies(server)
        ]
        self._model.renumbers = any(server.renumbers for server in behind)
        self._accounts = dict(zip(Side, self.scene.accounts, strict=True))
        # Two that are made within a second could be taken for one account.
        for side in self._numbered[:1]:
            self._number(side, "INBOX", 2**31 - seed)
        for account in self.scene.accounts:
            # Dovecot does not list an INBOX that was never opened as subscribed.
            account.uids("INBOX")
        self._model.subscribed = {
            side: account.subscriptions() for side, account in self._accounts.items()
        }
        self.story.append(
            f"{policy}, {_named(behind[0])} is local,"
            f" {connections} connections, {' and '.join(ways)}"
        )

    def copied(self) -> Twins:
        """
        Other ones to which the same has happened, in a tenth of the time.
        """
        other = copy(self)
        other.scene = self.scene.copied()
        other._accounts = dict(zip(Side, other.scene.accounts, strict=True))
        own = ("rng", "story", "_model", "_fresh", "_bodies", "_touched", "_moved")
        for name in (*own, "_gone", "_again"):
            setattr(other, name, deepcopy(getattr(self, name)))
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
        if not synced or not self._numbered:
            return
        side, name = self.rng.choice(self._numbered), self.rng.choice(synced)
        self.story.append(f"{side}: another UIDVALIDITY for {name}")
        self._number(side, name, 2**31 + self.rng.randrange(2**30))
        self._model.renumber(name)

    @property
    def _numbered(self) -> list[Side]:
        """
        Where mailboxes can be given another UIDVALIDITY.
        """
        return [side for side in Side if isinstance(self._behind[side], Dovecot)]

    def _number(self, side: Side, name: str, uidvalidity: int) -> None:
        server = self._behind[side]
        assert isinstance(server, Dovecot)
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


def _named(server: Server) -> str:
    return (
        server.settings.layout if isinstance(server, Dovecot) else type(server).__name__
    )
