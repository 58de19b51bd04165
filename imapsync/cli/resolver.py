"""
Looking up hosts' names, without being held up by it in the end.
"""

from __future__ import annotations

from threading import Thread
from typing import Any

from twisted.internet._resolver import GAIResolver
from twisted.python.threadpool import ThreadPool

#: So many names may be looked up at once.
_MOST = 20


class _Thread(Thread):
    """
    One that nobody waits for.
    """

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more, daemon=True)


class _Threads(ThreadPool):
    """
    Several such.
    """

    threadFactory = _Thread


def resolve(reactor: Any) -> None:
    """
    Have C{reactor} look up names in threads that end with the program.

    It waits for its own to end, and none can be told to: while the system asks
    servers that do not answer, as when the network has just gone, that takes half
    a minute.
    """
    threads = _Threads(0, _MOST, "resolver")
    threads.start()
    reactor.installNameResolver(GAIResolver(reactor, lambda: threads))
