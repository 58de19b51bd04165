"""
Tests for L{imapsync.web.service}.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.error import CannotListenError
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase

from imapsync.config.status import StatusConfig
from imapsync.errors import ConfigError
from imapsync.run.status import SyncState
from imapsync.test.fakes.fleet import Fleet
from imapsync.test.integration.certificates import LOOPBACK, issue
from imapsync.watch.watch import Watch
from imapsync.web.service import StatusPage

WHERE = "/etc/imapsync:7: listen in [status]"
LISTEN = "tcp:8143:interface=127.0.0.1"


class Port:
    """
    A port, and when it is closed.
    """

    def __init__(self) -> None:
        self.closed: Deferred[None] = Deferred()

    def getHost(self) -> IPv4Address:
        """
        Its address.
        """
        return IPv4Address("TCP", "127.0.0.1", 8143)

    def stopListening(self) -> Deferred[None]:
        """
        Close it.
        """
        return self.closed


class Reactor(MemoryReactorClock):
    """
    A reactor, one of whose ports is taken.
    """

    taken = 0
    error = errno.EADDRINUSE

    def listenTCP(self, port: int, factory: Any, *args: Any, **options: Any) -> Port:
        """
        Listen.
        """
        if port == self.taken:
            error = OSError(self.error, os.strerror(self.error))
            raise CannotListenError("127.0.0.1", port, error)
        self.site = factory
        self.port = Port()
        return self.port

    listenSSL = listenTCP

    def listenUNIX(self, address: str, *args: Any, **options: Any) -> Port:
        """
        Listen at a socket, whose lock comes first.
        """
        raise FileNotFoundError(
            errno.ENOENT, os.strerror(errno.ENOENT), "123", None, f"{address}.lock"
        )


class ServiceTests(SynchronousTestCase):
    """
    Tests for L{StatusPage}.
    """

    def setUp(self) -> None:
        """
        Make a page about an account.
        """
        self.reactor = Reactor()
        self.fleet = Fleet("ada")
        self.watch = Watch(self.fleet, self.reactor)
        self.watch.startService()
        self.addCleanup(self.watch.stopService)

    def page(self, config: StatusConfig) -> StatusPage:
        """
        A page.
        """
        return StatusPage(config, self.watch, self.fleet, self.reactor)

    def assertWrong(self, config: StatusConfig, text: str) -> None:
        """
        Assert that there cannot be such a page.
        """
        error = self.assertRaises(ConfigError, lambda: self.page(config).listen())
        self.assertEqual(f"{WHERE}: {text}", str(error))

    def test_life(self) -> None:
        """
        It listens, tells of changes, and ends when its port is closed.
        """
        page = self.page(StatusConfig(WHERE, LISTEN))
        page.listen()
        self.assertEqual("http://127.0.0.1:8143/", page.address)
        page.startService()
        self.fleet.becomes("ada", state=SyncState.WAITING)
        stopped = page.stopService()
        self.assertNoResult(stopped)
        self.reactor.port.closed.callback(None)
        self.successResultOf(stopped)
        self.watch.stopService()
        self.assertEqual([], self.reactor.getDelayedCalls())
        self.watch.startService()

    def test_early(self) -> None:
        """
        It may end before it has begun.
        """
        page = self.page(StatusConfig(WHERE, LISTEN))
        self.successResultOf(page.stopService())

    def test_taken(self) -> None:
        """
        A port that another program has is said to be taken.
        """
        self.reactor.taken = 8143
        self.assertWrong(
            StatusConfig(WHERE, LISTEN),
            f'cannot listen at "{LISTEN}": Address already in use: end what has it, or'
            " name another place",
        )

    def test_nowhere(self) -> None:
        """
        So is a place that is not there.
        """
        listen = "tcp:8144:interface=127.0.0.1"
        self.reactor.taken, self.reactor.error = 8144, errno.EADDRNOTAVAIL
        self.assertWrong(
            StatusConfig(WHERE, listen),
            f'cannot listen at "{listen}": {os.strerror(errno.EADDRNOTAVAIL)}: name'
            " another place",
        )

    def test_folder(self) -> None:
        """
        So is a folder for a UNIX socket that is not there.
        """
        listen = "unix:/nowhere/page:mode=600"
        self.assertWrong(
            StatusConfig(WHERE, listen),
            f'cannot listen at "{listen}": No such file or directory: name another'
            " place",
        )

    def test_interrupted(self) -> None:
        """
        A signal that ends the program does so while the page begins, too.
        """

        def interrupt(_: Port) -> IPv4Address:
            raise KeyboardInterrupt

        self.patch(Port, "getHost", interrupt)
        page = self.page(StatusConfig(WHERE, LISTEN))
        self.assertRaises(KeyboardInterrupt, page.listen)

    def test_endpoint(self) -> None:
        """
        What is no endpoint is said not to be.
        """
        for listen in "nonsense:8143", "tcp:http", "ssl:8143:privateKey=/nowhere":
            page = self.page(StatusConfig(WHERE, listen))
            error = self.assertRaises(ConfigError, page.listen)
            self.assertIn(f'{WHERE}: "{listen}" is no endpoint: ', str(error))

    def test_keys(self) -> None:
        """
        A file that holds no key is named, too.
        """
        file = Path(self.mktemp())
        file.write_text("nothing\n")
        listen = f"ssl:8143:privateKey={file}"
        page = self.page(StatusConfig(WHERE, listen))
        error = self.assertRaises(ConfigError, page.listen)
        self.assertIn(
            f'{WHERE}: "{listen}" has no key and certificate, in PEM, that fit each'
            " other: ",
            str(error),
        )

    def test_systemd(self) -> None:
        """
        So is a socket that nobody has opened.
        """
        for listen in "systemd:domain=UNIX:index=0", "systemd:domain=UNIX:name=page":
            self.assertWrong(
                StatusConfig(WHERE, listen),
                f'"{listen}" is no socket that systemd has opened: start imapsync by'
                " its socket unit",
            )

    def test_secure(self) -> None:
        """
        Where there is TLS, the page's address says so.
        """
        folder = Path(self.mktemp())
        folder.mkdir()
        certificate = issue(folder, LOOPBACK)
        listen = f"ssl:8143:privateKey={certificate.key}:certKey={certificate.path}"
        page = self.page(StatusConfig(WHERE, listen))
        page.listen()
        self.assertEqual("https://127.0.0.1:8143/", page.address)

    def test_token(self) -> None:
        """
        A token in a file is read at once, and must be one.
        """
        file = Path(self.mktemp())
        config = StatusConfig(WHERE, LISTEN, tokenFile=str(file))
        self.assertWrong(
            config, f"token-file {file} cannot be read: No such file or directory"
        )
        file.write_text("short\n")
        self.assertWrong(
            config,
            "token-file must have 16 characters at least, all in ASCII and without"
            " spaces: openssl rand -hex 16 makes one",
        )
        file.write_text("0123456789abcdef\n")
        self.page(config).listen()
