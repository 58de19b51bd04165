"""
What is found to be wrong about a mailbox, and the changes of the database that mend
it: L{Mending}.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from imapsync.model import Known, Mark, Side
from imapsync.plan.repair import Anomaly, Kind
from imapsync.state.interface import State
from imapsync.uidset import UidSet


class Mending:
    """
    Of one mailbox.

    @param validities: its UIDVALIDITY on each side, as it is now.
    @param tell: is told of each anomaly.
    @ivar anomalies: how many were found.
    """

    def __init__(
        self,
        known: Known,
        state: State,
        validities: Mapping[Side, int],
        tell: Callable[[Anomaly], None],
    ) -> None:
        self.known = known
        self.state = state
        self.anomalies = 0
        self._validities = validities
        self._tell = tell
        self._begun = False

    def note(self, anomaly: Anomaly) -> None:
        """
        Something is wrong.
        """
        self.anomalies += 1
        self._tell(anomaly)

    def found(self, kind: Kind, text: str, local: int = 0, remote: int = 0) -> None:
        """
        Something is wrong about a message, or an entry.
        """
        self.note(Anomaly(kind, self.known.name, text, local, remote))

    def foundOn(self, side: Side, kind: Kind, text: str, uid: int) -> None:
        """
        Something is wrong about a message of C{side}.
        """
        local, remote = (uid if each is side else 0 for each in Side)
        self.found(kind, text, local, remote)

    @contextmanager
    def change(self) -> Iterator[None]:
        """
        Change the database: with the first change, the passes that follow are to
        read everything, and to take nothing for a copy that they have not seen yet.
        """
        mailbox = self.known.id
        with self.state.transaction():
            if not self._begun:
                self._begun = True
                for side, uidvalidity in self._validities.items():
                    self.state.setMark(mailbox, side, Mark(uidvalidity, 1, 0))
                    self.state.setCopying(mailbox, side, UidSet())
            yield

    def readAnew(self) -> None:
        """
        Have the passes that follow read everything.
        """
        with self.change():
            pass
