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

    def traffic(self, side: Side) -> tuple[int, int, int]:
        rows = self._query(
            "SELECT day, octets, sent FROM traffic WHERE side = ?", side.value
        )
        day, octets, sent = map(int, rows[0]) if rows else (0, 0, 0)
        return day, octets, sent

    def setTraffic(self, side: Side, day: int, octets: int, sent: int) -> None:
        values = side.value, day, octets, sent
        self._write("INSERT OR REPLACE INTO traffic VALUES (?, ?, ?, ?)", *values)
