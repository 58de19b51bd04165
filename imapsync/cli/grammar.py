"""
What a command line may say: the options that there are, and which of them go together.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

#: What follows the name of the program.
SYNOPSIS = "[OPTION ...] [MAILBOX ...]"

#: What C{--delete} and C{--rename} are for.
TARGETS = ("local", "remote", "database")

#: What may be asked for; one of them.
COMMANDS = (
    *("oneshot", "repair", "verify", "check", "status", "init", "authorize"),
    *("delete", "rename", "import-interimap"),
)

#: How the progress of a run may be shown.
PROGRESS = ("auto", "bar", "log", "json", "none")

#: What only some commands heed; no command: live mode.
HEEDED: Mapping[str, tuple[str, ...]] = {
    "target": ("delete", "rename"),
    "dry-run": ("oneshot", "repair", "import-interimap"),
    "allow-mass-delete": ("", "oneshot"),
    "patience": ("oneshot", "repair", "verify", "import-interimap"),
    "until": ("oneshot",),
    "json": (
        *("oneshot", "repair", "verify", "check", "status"),
        "import-interimap",
    ),
    "progress": ("", "oneshot", "repair", "verify", "import-interimap"),
    "allow-mass-removal": ("",),
    "account": ("", *(name for name in COMMANDS if name != "init")),
}


class Option(NamedTuple):
    """
    One that there is.

    @ivar argument: what its value is called, if it has one.
    @ivar default: that value, if it may be left out.
    """

    name: str
    purpose: str
    short: str = ""
    argument: str = ""
    default: str = ""

    def __str__(self) -> str:
        value = f"={self.argument}" if self.argument else ""
        long = f"--{self.name}" + (f"[{value}]" if self.default else value)
        short = f"-{self.short}, " if self.short else ""
        return f"  {short:>4}{long:<23} {self.purpose}"


#: All of them, in the order in which help tells them.
OPTIONS = (
    Option("config", "the configuration file; several: accounts", argument="FILE"),
    Option("account", "only this one of a list; several", argument="NAME"),
    Option("oneshot", "sync until both sides are equal, then exit", "1"),
    Option("repair", "compare all with the database, mend, then exit"),
    Option("verify", "compare everything, change nothing", "", "content", "header"),
    Option("check", "say what is found on both servers, change nothing"),
    Option("status", "tell what the database knows, then exit"),
    Option("init", "make a configuration, asking for two addresses"),
    Option("authorize", "get a token by OAuth2, then exit", argument="SIDE"),
    Option("import-interimap", "take over that database, then exit", argument="FILE"),
    Option("delete", "delete these mailboxes everywhere, then exit"),
    Option("rename", "rename mailbox OLD to NEW everywhere, then exit"),
    Option("target", "do that only on local, remote, database", argument="WHERE"),
    Option("dry-run", "print what would be changed, change nothing", "n"),
    Option("allow-mass-delete", "lift the mass-deletion brake for this run"),
    Option("allow-mass-removal", "let a list lose most of its accounts"),
    Option("watch", "how often to ask a server that cannot push", argument="SECONDS"),
    Option("patience", "how long to wait for servers in all", argument="SECONDS"),
    Option("until", "with --oneshot: again and again until then", argument="DATE"),
    Option("json", "print for machines"),
    Option("progress", "auto, bar, log, json or none", argument="HOW"),
    Option("quiet", "only warnings and errors", "q"),
    Option("debug", "log all IMAP traffic; twice: credentials too"),
    Option("help", "show this help and exit", "h"),
    Option("version", "show the version and exit"),
)

HELP = """\
Usage: imapsync {synopsis}
   or: twistd [TWISTD-OPTION ...] imapsync {synopsis}

Keep the mail of two IMAP accounts equal.  Given MAILBOX names limit the work
to exactly those mailboxes.  Without --oneshot or another command, stay connected
and follow both servers.

{options}""".format(synopsis=SYNOPSIS, options="\n".join(map(str, OPTIONS)))
