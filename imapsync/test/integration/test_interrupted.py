"""
Runs that end in the middle, and what the next one makes of it.

C{IMAPSYNC_SEED} is what all that is random here begins with.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Awaitable, Callable
from random import Random

from twisted.internet import reactor
from twisted.internet.defer import Deferred, DeferredSemaphore
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from imapsync.errors import Lost, StateError
from imapsync.model import Side
from imapsync.state import State
from imapsync.test.integration.ended import killedAtCommit, onFullDisk, started
from imapsync.test.integration.inprocess import syncHere
from imapsync.test.integration.relay import Relay, Way
from imapsync.test.integration.scene import Run
from imapsync.test.integration.twins import Twins
from imapsync.together import together

SEED = int(os.environ.get("IMAPSYNC_SEED", "1"))


async def disturbed(seed: int, merge: bool) -> Twins:
    """
    Accounts that were synced once; then much has changed on both sides.
    """
    twins = Twins(seed, merge)
    for side in Side:
        twins.change(side, 25)
    await twins.sync(reactor)
    twins.agree()
    for side in Side:
        twins.change(side, 25)
    return twins
