"""
What a run says besides its log: to people a line at a time, to machines in its
document, at the end.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from imapsync.display import line
from imapsync.run.job import Job
from imapsync.run.table import plan

if TYPE_CHECKING:
    from imapsync.document import Kept
    from imapsync.plan.repair import Anomaly


#: So many lines of a dry run are held to make a table of them.
_ROWS = 1000


class Telling:
    """
    What was said; iterating yields what was kept for machines.
    """

    def __init__(self, job: Job) -> None:
        self._job = job
        self._kept: Kept | None = None
        self._rows: list[tuple[str, str]] = []

    def planned(self, name: str, text: str) -> None:
        """
        What a dry run says of a mailbox.

        @param name: the mailbox, as it is shown.
        """
        if self._job.request.json:
            self._keep(line(f"{name}: {text}"))
        elif self._job.tabular:
            self._rows.append((name, line(text)))
            if len(self._rows) >= _ROWS:
                self.tabulate()
        else:
            self._job.say(f"{name}: {text}")

    def tabulate(self) -> None:
        """
        Say what was held for a table.
        """
        rows, self._rows = self._rows, []
        for row in plan(rows):
            self._job.say(row)

    def found(self, anomaly: Anomaly) -> None:
        """
        What a repair has found.
        """
        if self._job.request.json:
            from imapsync.run import document

            self._keep(document.anomaly(anomaly))
        else:
            self._job.say(str(anomaly))

    def counted(self, text: str) -> None:
        """
        A line that sums up what was found: machines can count.
        """
        if not self._job.request.json:
            self._job.say(text)

    def forget(self) -> None:
        """
        What was kept is void, or was told.
        """
        self._rows.clear()
        if self._kept is not None:
            self._kept.close()
            self._kept = None

    def __iter__(self) -> Iterator[Any]:
        return iter(self._kept or ())

    def _keep(self, told: object) -> None:
        if self._kept is None:
            # Imported here because few ask for it.
            from imapsync.document import Kept

            self._kept = Kept()
        self._kept.add(told)
