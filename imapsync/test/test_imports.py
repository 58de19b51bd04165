"""
What each way of starting may not import: whatever is imported takes time, and most
runs are short.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple

from twisted.trial.unittest import SynchronousTestCase

from imapsync.test import children
from imapsync.test.test_layers import modules

#: They import much, or take long by themselves; and few need them.
_HEAVY = (
    *("ast", "dataclasses", "dis", "inspect"),
    *("asyncio", "concurrent", "logging", "multiprocessing", "socket", "ssl"),
    *("argparse", "configparser", "email", "http", "importlib.metadata", "urllib"),
    *("base64", "hashlib", "hmac", "ipaddress", "json", "pathlib", "random"),
    *("shutil", "subprocess", "tempfile", "traceback"),
)

#: What works on mail.
_WORK = ("OpenSSL", "attr", "sqlite3", "twisted", "zope")
_OURS = ("imapsync.accounts", "imapsync.imap", "imapsync.mailbox", "imapsync.run")

#: Twisted imports all that is heavy but these.
_LEFT = ("argparse", "configparser", "importlib.metadata", "multiprocessing")

#: What only some runs need, of all that works on mail.
_SOME = (
    *("automat", "imapsync.run.live", "imapsync.run.verification"),
    *("imapsync.run.checking", "imapsync.accounts.inspection"),
    *("imapsync.accounts.repair", "imapsync.content.comparison", "imapsync.document"),
    *("imapsync.cli.status", "imapsync.imap.transport.tls"),
    *("imapsync.cli.progress", "imapsync.cli.bar", "rich"),
    *("imapsync.cli.init", "imapsync.discovery", "twisted.names", "twisted.web"),
    *(
        "imapsync.several.roster",
        "imapsync.config.listed",
        "imapsync.config.rows",
        "csv",
    ),
    *(
        "imapsync.system.listing",
        "imapsync.config.oauth",
        "imapsync.oauth",
        "imapsync.imap.renewal",
        "oauthlib",
    ),
    *("imapsync.http", "imapsync.system.keyring", "imapsync.system.listing"),
    *("imapsync.config.status", "imapsync.watch.watch"),
    *("imapsync.web", "prometheus_client"),
    *("imapsync.cli.authorize", "keyring", "twisted.python.usage", "webbrowser"),
    *("imapsync.accounts.admin", "imapsync.config.notify", "imapsync.watch.watch"),
    *("imapsync.watch.notifier", "imapsync.web", "prometheus_client"),
)

#: Run a program, and tell which of these modules were imported for it.
_PROGRAM = """
import sys
sys.path[:] = {path!r}
before = {{*sys.modules}}
try:
    {program}
except SystemExit:
    pass
names = {{name for name in sys.modules.keys() - before if sys.modules[name]}}
found = [name for name in {forbidden!r} if any(
    one == name or one.startswith(name + ".") for one in names
)]
print(*found, file=sys.stderr)
"""

_RUN = "from imapsync.__main__ import run; run({!r})"

_CONFIG = """\
database = {folder}/db
[local]
type = tunnel
command = false
[remote]
type = imap
STARTTLS = NO
host = 127.0.0.1
port = 1
username = me
password = secret
"""


class Start(NamedTuple):
    """
    A way of starting.

    @ivar program: in Python; C{FOLDER} stands for a folder with configurations.
    @ivar forbidden: the modules, and packages, that it may not import.
    """

    program: str
    forbidden: tuple[str, ...]


STARTS = {
    "the version": Start(
        _RUN.format(["--version"]),
        (*_HEAVY, *_WORK, *_OURS, "imapsync.config.settings", "imapsync.names"),
    ),
    "help": Start(
        _RUN.format(["--help"]),
        (*_HEAVY, *_WORK, *_OURS, "imapsync.config.settings", "imapsync.names"),
    ),
    "a wrong option": Start(
        _RUN.format(["--oneshoot"]),
        (*_HEAVY, *_WORK, *_OURS, "imapsync.config.settings", "imapsync.names"),
    ),
    "no configuration": Start(
        _RUN.format(["--oneshot", "--config=FOLDER/none"]),
        (*_HEAVY, *_WORK, *_OURS, "imapsync.state"),
    ),
    "a wrong configuration": Start(
        _RUN.format(["--oneshot", "--config=FOLDER/wrong"]),
        (*_HEAVY, *_WORK, *_OURS, "imapsync.state"),
    ),
    "the status": Start(
        _RUN.format(["--status", "--config=FOLDER/right"]),
        ("dataclasses", "inspect", "asyncio", "ssl", "twisted", "zope"),
    ),
    "the database": Start(
        "from imapsync.state.store import Store; Store.open('FOLDER/db').close();"
        " Store.ownersOf('FOLDER/db')",
        (*_HEAVY, "twisted", "zope"),
    ),
    "the first look": Start(
        "import imapsync.run.look; from imapsync.plan.unchanged import isNews, Told;"
        " from imapsync.model import Side;"
        " isNews(b'', Side.LOCAL, Told(set(), (), ()))",
        (
            *(name for name in _HEAVY if name != "socket"),
            *("OpenSSL", "attr", "twisted", "zope", "imapsync.accounts"),
            *("imapsync.state.store", "imapsync.state.interface"),
        ),
    ),
    "the protocol's values": Start(
        "import imapsync.imap.features, imapsync.imap.wire.arguments,"
        " imapsync.imap.wire.parser",
        (*_HEAVY, *_WORK),
    ),
    "one run": Start(
        _RUN.format(["--oneshot", "--progress=none", "--config=FOLDER/right"]),
        ("OpenSSL", "ssl", *_LEFT, *_SOME),
    ),
    "the service": Start(
        "import imapsync.service, imapsync.run.live",
        (
            *("imapsync.__main__", "imapsync.cli", "imapsync.tap"),
            *("twisted.internet.reactor", "twisted.python.usage"),
        ),
    ),
}


class ImportTests(SynchronousTestCase):
    """
    Each way of starting.
    """

    def test_each(self) -> None:
        """
        None imports what it may not.
        """
        folder = Path(self.mktemp()).absolute()
        folder.mkdir()
        config = _CONFIG.format(folder=folder)
        for name, text in (("right", config), ("wrong", f"{config}prot = 143\n")):
            (folder / name).write_text(text)
            (folder / name).chmod(0o600)
        found = {}
        for name, start in STARTS.items():
            code = _PROGRAM.format(
                path=sys.path,
                program=start.program.replace("FOLDER", str(folder)),
                forbidden=start.forbidden,
            )
            done = children.done(
                [sys.executable, "-I", "-c", code],
                stdout=children.DEVNULL,
                stderr=children.PIPE,
            )
            *_, found[name] = done.stderr.decode().splitlines()
        self.assertEqual(dict.fromkeys(STARTS, ""), found)

    def test_definitions(self) -> None:
        """
        Values are defined in the way that takes the least time.
        """
        found = [
            name
            for name, path in modules()
            if not name.startswith("test") and "dataclasses" in path.read_text("utf-8")
        ]
        self.assertEqual([], found)
