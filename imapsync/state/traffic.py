"""
How much went over the connections, where that is limited.
"""

from __future__ import annotations

from imapsync.model import Side
from imapsync.state.transactions import Transactions


class TrafficTable(Transactions):
    """
    Of the last day: L{Traffic<imapsync.state.between.Traffic>}.
    """

    def traffic(self, side: Side) -> tuple[int, int]:
        rows = self._query("SELECT day, octets FROM traffic WHERE side = ?", side.value)
        return (int(rows[0][0]), int(rows[0][1])) if rows else (0, 0)

    def setTraffic(self, side: Side, day: int, octets: int) -> None:
        values = side.value, day, octets
        self._write("INSERT OR REPLACE INTO traffic VALUES (?, ?, ?)", *values)
