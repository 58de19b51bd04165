"""
What a hostile server does: L{Behaviour}.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from imapsync.test.hostile.server import HostileAccount

Act = Callable[[HostileAccount], object]


def jointly(*several: Act) -> Act:
    """
    All of these.
    """

    def act(account: HostileAccount) -> None:
        for one in several:
            one(account)

    return act


def having(**attributes: object) -> Act:
    """
    To have these attributes.
    """

    def act(account: HostileAccount) -> None:
        for name, value in attributes.items():
            setattr(account, name, value)

    return act


class Kept(Enum):
    """
    What is the same on the honest side when all is over.

    @cvar ALL: each message, in its mailbox, with its flags.
    @cvar MESSAGES: each message, in its mailbox.
    @cvar SOMEWHERE: each message, wherever it is.
    @cvar LESS: what the server's own user removed is removed.
    @cvar HALF: so it is, until the brake.
    """

    ALL = "nothing is removed or changed"
    MESSAGES = "nothing is removed"
    SOMEWHERE = "nothing is lost, though it may be moved"
    LESS = "what its own user may remove is removed"
    HALF = "no more than half of all is removed"


@dataclass(frozen=True)
class Behaviour:
    """
    One way not to mean well.

    @ivar name: two words or three.
    @ivar does: what the server does: the end of a sentence that begins with it.
    @ivar gains: what it would gain if it were believed.
    @ivar comes: what comes of it.
    @ivar act: has an account do so.
    @ivar codes: how a single run may end, by exit code.
    @ivar kept: what is the same on the honest side.
    @ivar offers: capabilities that it has in addition, such as C{"COMPRESS=DEFLATE"};
        those that it has not, after a minus.
    @ivar options: what is configured of it.
    @ivar many: whether the accounts are large enough for the brake.
    @ivar heavy: whether memory is measured.
    @ivar seconds: how long it may take until a single run ends.
    @ivar live: whether live mode meets it, too.
    """

    name: str
    does: str
    gains: str
    comes: str
    act: Act
    codes: tuple[int, ...] = (0,)
    kept: Kept = Kept.ALL
    offers: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    many: bool = False
    heavy: bool = False
    seconds: float = 60
    live: bool = True
