"""
All that a hostile server does, and as a table.
"""

from __future__ import annotations

from imapsync.test.hostile.answers import ANSWERS
from imapsync.test.hostile.lies import LIES

BEHAVIOURS = (*LIES, *ANSWERS)
