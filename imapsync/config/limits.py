"""
How much may go on at once, over all accounts of a program.
"""

# Annotations are evaluated here, as in C{request}.

from typing import NamedTuple


class Limits(NamedTuple):
    """
    What C{[accounts]} says of that.

    @ivar atWork: so many accounts connect, or are synced for the first time since, at
        once; and as many may be synced at once because something changed.  What is
        not live is at work from its beginning to its end, but for pauses between runs.
    @ivar perHost: so many connections to one host there are at once; C{None} means
        any number.  In live mode, each account keeps one to each of its hosts.
    """

    atWork: int = 16
    perHost: int | None = None
