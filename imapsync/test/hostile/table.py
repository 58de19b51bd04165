"""
All that a hostile server does, and as a table.
"""

from __future__ import annotations

from imapsync.test.hostile.answers import ANSWERS
from imapsync.test.hostile.injections import INJECTIONS
from imapsync.test.hostile.lies import LIES
from imapsync.test.hostile.logins import LOGINS
from imapsync.test.hostile.powers import POWERS
from imapsync.test.hostile.resources import RESOURCES

BEHAVIOURS = (*LIES, *ANSWERS, *INJECTIONS, *LOGINS, *RESOURCES, *POWERS)
