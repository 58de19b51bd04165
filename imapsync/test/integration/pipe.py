"""
A tunnel's command: joins its standard input and output to a port of this machine.

usage: python pipe.py FILE

The file has the number of the port.
"""

import os
import socket
import sys
import threading
from pathlib import Path


def main(file: str) -> None:
    """
    Pass on all octets, either way, until the server has no more.
    """
    with socket.create_connection(("127.0.0.1", int(Path(file).read_text()))) as line:

        def send() -> None:
            while data := os.read(0, 65536):
                line.sendall(data)
            line.shutdown(socket.SHUT_WR)

        threading.Thread(target=send, daemon=True).start()
        while data := line.recv(65536):
            os.write(1, data)


if __name__ == "__main__":
    main(sys.argv[1])
