"""
Servers that never close a connection: a run ends all the same.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time

from imapsync.test.integration.dovecot import Dovecot, maildirServer, mdboxServer
from imapsync.test.integration.messages import mails
from imapsync.test.integration.scene import Scene, SceneCase

#: Within so many seconds a run has to be at its end.
_PATIENCE = 20


class Clinging:
    """
    TLS in front of a server that speaks none: whatever the server does, the
    client's connection stays open, and its end is not answered.
    """

    def __init__(self, server: Dovecot) -> None:
        self._server = server
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate = server.certificate
        self._context.load_cert_chain(certificate.path, certificate.key)
        self._kept: list[socket.socket] = []

    def __enter__(self) -> dict[str, str | None]:
        """
        Listen.

        @return: the options with which to connect.
        """
        self._socket = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._serve, daemon=True).start()
        return {
            "type": "imaps",
            "host": "127.0.0.1",
            "port": str(self._socket.getsockname()[1]),
            "STARTTLS": None,
            "SSL_ca_file": str(self._server.certificate.authority),
        }

    def __exit__(self, *exception: object) -> None:
        """
        Stop.
        """
        self._socket.shutdown(socket.SHUT_RDWR)
        for each in (self._socket, *self._kept):
            each.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                accepted, _ = self._socket.accept()
                client = self._context.wrap_socket(accepted, server_side=True)
                server = socket.create_connection(
                    (self._server.host, self._server.port)
                )
                self._kept += [client, server]
                for ends in (client, server), (server, client):
                    threading.Thread(target=self._pass, args=ends, daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)


class FarewellTests(SceneCase):
    """
    What comes after LOGOUT.
    """

    def test_neverClosed(self) -> None:
        """
        Neither server closes its end of TLS: the run is done, and ends soon.
        """
        scene = self.scene()
        scene.remote.fill("INBOX", mails(3))
        with Clinging(mdboxServer()) as local, Clinging(maildirServer()) as remote:
            scene.configure({"local": local, "remote": remote})
            self.endsSoon(scene)

    def test_tunnel(self) -> None:
        """
        Nor does a command that goes on for as long as it can, or has left
        something behind that does.
        """
        scene = self.scene()
        scene.remote.fill("INBOX", mails(3))
        imap = maildirServer().tunnelCommand(scene.user)
        for command in (
            f"trap '' TERM; {imap}; sleep 60",
            f"sleep 60 & trap '' TERM; {imap}; sleep 60",
        ):
            scene.configure({"remote": scene.tunnel(command)})
            self.endsSoon(scene)

    def endsSoon(self, scene: Scene) -> None:
        """
        Both sides become equal, and the run is at its end.
        """
        began = time.monotonic()
        self.syncs(scene)
        self.assertLess(time.monotonic() - began, _PATIENCE)
