"""
Whatever a server does, the other account takes no harm.
"""

from __future__ import annotations

from collections.abc import Callable

from imapsync.model import Side
from imapsync.test.hostile.behaviour import Behaviour
from imapsync.test.hostile.scene import HostileCase
from imapsync.test.hostile.table import BEHAVIOURS


class LocalTests(HostileCase):
    """
    Single runs, where the local server is hostile.
    """


class RemoteTests(HostileCase):
    """
    Single runs, where the remote server is.
    """


class LiveTests(HostileCase):
    """
    Live mode, where the remote server becomes so.
    """


def _added(case: type, meet: Callable[[HostileCase, Behaviour], None]) -> None:
    """
    A test for each behaviour.
    """
    for behaviour in BEHAVIOURS:
        if case is LiveTests and not behaviour.live:
            continue

        def test(self: HostileCase, behaviour: Behaviour = behaviour) -> None:
            meet(self, behaviour)

        first, *words = behaviour.name.replace("-", " ").split()
        name = f"test_{first}{''.join(word.capitalize() for word in words)}"
        test.__doc__ = f"\n        It {behaviour.does}.\n        "
        test.__name__ = name
        setattr(case, name, test)


_added(LocalTests, lambda case, one: case.single(one, Side.LOCAL, 1))
_added(RemoteTests, lambda case, one: case.single(one, Side.REMOTE, 2))
_added(LiveTests, lambda case, one: case.followed(one, Side.REMOTE))
