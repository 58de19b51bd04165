"""
The command line, for C{imapsync} and for C{twistd imapsync}.

C{twisted.python.usage} is not used: importing it takes a tenth of a second,
longer than C{--help} or a mistyped option should take, and it accepts no
option behind the first MAILBOX.
"""

from __future__ import annotations

import getopt
import math
import os
from collections.abc import Sequence
from typing import NamedTuple

from imapsync import __version__
from imapsync.cli.grammar import COMMANDS, HEEDED, HELP, OPTIONS, PROGRESS, TARGETS
from imapsync.cli.terminal import say
from imapsync.config.request import Admin, Depth, Request
from imapsync.errors import UsageError
from imapsync.model import Side


class CommandLine(NamedTuple):
    """
    What was typed.

    @ivar configs: the configuration files' names; none means the default one.
    @ivar debug: how often C{--debug} was given.
    @ivar init: the words behind C{--init}; C{None} without it.
    @ivar progress: how it is shown: one of L{PROGRESS}.
    @ivar accounts: the names of those that it is about; none means all.
    @ivar allowMassRemoval: whether a list may lose most of its accounts.
    """

    request: Request
    configs: tuple[str, ...] = ()
    quiet: bool = False
    debug: int = 0
    init: tuple[str, ...] | None = None
    progress: str = "auto"
    accounts: tuple[str, ...] = ()
    allowMassRemoval: bool = False

    def __repr__(self) -> str:
        # Behind --init there may be a password.
        words = self.init and len(self.init)
        told = {**self._asdict(), "init": words}
        return (
            f"CommandLine({', '.join(f'{key}={one!r}' for key, one in told.items())})"
        )


def parse(arguments: Sequence[str]) -> CommandLine:
    """
    Understand the arguments behind the program's name.

    @raise UsageError: if they are wrong.
    @raise SystemExit: with code 0, after C{--help} or C{--version} was
        answered on standard output.
    @raise StateError: if standard output takes no answer.
    """
    options, mailboxes = _split(arguments)
    names = [name for name, _ in options]
    for name in names:
        _answer(name)
    _checkCommand(names, mailboxes)
    configs = _configs([value for name, value in options if name == "config"])
    quiet, debug = "quiet" in names, names.count("debug")
    if "init" in names:
        if len(configs) > 1:
            raise UsageError("--init makes one configuration: give --config once")
        return CommandLine(Request(), configs, quiet, debug, tuple(mailboxes))
    request = Request(
        tuple(map(_mailbox, mailboxes)),
        dryRun="dry-run" in names,
        allowMassDelete="allow-mass-delete" in names,
        live=not any(command in names for command in COMMANDS),
        watch=_seconds("watch", options, Request().watch),
        repair="repair" in names,
        verify=_depth([value for name, value in options if name == "verify"]),
        status="status" in names,
        patience=_seconds("patience", options, Request().patience, none=True),
        json="json" in names,
        check="check" in names,
        authorize=_side([value for name, value in options if name == "authorize"]),
        interimap=_file("import-interimap", options),
        until=_until([value for name, value in options if name == "until"]),
    )
    if request.until is not None and request.dryRun:
        raise UsageError("--until is of no use with --dry-run")
    if {"delete", "rename"} & {*names}:
        targets = _targets([value for name, value in options if name == "target"])
        sides = frozenset(side for side in Side if side.value in targets)
        rename, database = "rename" in names, "database" in targets
        admin = Admin(request.mailboxes, rename, sides, database)
        request = Request(live=False, admin=admin)
    progress = _progress([value for name, value in options if name == "progress"])
    if progress == "auto" and quiet:
        progress = "none"
    return CommandLine(
        *(request, configs, quiet, debug),
        progress=progress,
        accounts=tuple(value for name, value in options if name == "account"),
        allowMassRemoval="allow-mass-removal" in names,
    )


def _checkCommand(names: Sequence[str], mailboxes: Sequence[str]) -> None:
    """
    Refuse what cannot be asked for together.
    """
    commands = [name for name in COMMANDS if name in names]
    if len(commands) > 1:
        raise UsageError(f"--{commands[0]} and --{commands[1]} exclude each other")
    command = commands[0] if commands else ""
    for name, heeding in HEEDED.items():
        if name in names and command not in heeding:
            needed = " or ".join(f"--{one}" for one in heeding if one)
            wrong = f"is of no use with --{command}" if command else f"needs {needed}"
            raise UsageError(f"--{name} {wrong}")
    if command in ("authorize", "import-interimap"):
        _checkAlone(command, names, mailboxes)
    if command not in ("delete", "rename"):
        return
    from imapsync.names import isInbox  # here, because few need it: it takes time

    if command == "delete" and not mailboxes:
        raise UsageError("--delete needs the name of a MAILBOX, or several")
    if command == "rename" and len(mailboxes) != 2:
        raise UsageError("--rename needs two names, OLD and NEW")
    if any(map(isInbox, mailboxes)):
        raise UsageError(f"INBOX cannot be {command}d")


def _checkAlone(command: str, names: Sequence[str], mailboxes: Sequence[str]) -> None:
    """
    Refuse what a command for a single server takes no more than one of.
    """
    takes = "database into that" if command == "import-interimap" else "side"
    if mailboxes and command == "authorize":
        raise UsageError(f"--{command} is about no MAILBOX")
    for name in (command, "config"):
        if names.count(name) > 1:
            raise UsageError(f"--{command} takes one {takes} of one configuration")


def _side(values: Sequence[str]) -> Side | None:
    for value in values:
        if value not in map(str, Side):
            raise UsageError(f"--authorize={value}: it takes local or remote")
    return Side(values[0]) if values else None


def _targets(values: Sequence[str]) -> frozenset[str]:
    for value in values:
        if value not in TARGETS:
            raise UsageError(
                f'--target must be local, remote or database, not "{value}"'
            )
    return frozenset(values or TARGETS)


def _split(arguments: Sequence[str]) -> tuple[list[tuple[str, str]], list[str]]:
    """
    Options, by their long names, and MAILBOX arguments.
    """
    long = {option.name: option for option in OPTIONS}
    short = {option.short: option for option in OPTIONS if option.short}
    try:
        options, mailboxes = getopt.gnu_getopt(
            _completed(arguments),
            "".join(short),
            [name + ("=" if option.argument else "") for name, option in long.items()],
        )
    except getopt.GetoptError as error:
        raise UsageError(_mistake(error.opt, arguments)) from None
    named = {f"-{letter}": option.name for letter, option in short.items()}
    named |= {f"--{name}": name for name in long}
    return [(named[typed], value) for typed, value in options], mailboxes


def _completed(arguments: Sequence[str]) -> list[str]:
    """
    The same, with the values that may be left out, and were.
    """
    defaults = {option.name: option.default for option in OPTIONS if option.default}
    end = arguments.index("--") if "--" in arguments else len(arguments)
    completed = [*arguments]
    for place, typed in enumerate(arguments[:end]):
        names = [name for name in _begun(typed) if name in defaults]
        if names and _begun(typed) == names:
            completed[place] = f"{typed}={defaults[names[0]]}"
    return completed


def _begun(typed: str) -> list[str]:
    """
    The options that may be meant by that.
    """
    if not typed.startswith("--"):
        return []
    return [one.name for one in OPTIONS if f"--{one.name}".startswith(typed)]


def _mistake(typed: str, arguments: Sequence[str]) -> str:
    """
    What is wrong with an option.

    @param typed: without dashes.
    """
    import difflib  # here, because few mistype anything

    for option in OPTIONS:
        if option.name == typed and option.argument:
            return f"--{typed} needs a value: --{typed}={option.argument}"
        if option.name == typed:
            return f"--{typed} takes no value"
    names = [option.name for option in OPTIONS]
    begun = [f"--{name}" for name in _begun(f"--{typed}")]
    if begun and f"--{typed}" in arguments:
        return f"--{typed} may be {' or '.join(begun)}"
    found = difflib.get_close_matches(typed, names, 1)
    hint = f"did you mean --{found[0]}?" if found else "see imapsync --help"
    return f"there is no option {'-' if len(typed) == 1 else '--'}{typed}; {hint}"


def _answer(name: str) -> None:
    """
    Deal with an option that is not part of a line.
    """
    if name == "help":
        _tell(HELP)
    if name == "version":
        _tell(f"imapsync {__version__}")


def _tell(text: str) -> None:
    say(text)
    raise SystemExit(0)


def _file(name: str, options: Sequence[tuple[str, str]]) -> str:
    """
    The name of a file, which starts from the present directory.
    """
    typed = [value for option, value in options if option == name]
    if "" in typed:
        raise UsageError(f"--{name} needs the name of a file")
    return os.path.abspath(typed[-1]) if typed else ""


def _configs(names: Sequence[str]) -> tuple[str, ...]:
    if "" in names:
        raise UsageError("--config needs the name of a file")
    return tuple(names)


def _seconds(
    name: str,
    options: Sequence[tuple[str, str]],
    otherwise: float,
    none: bool = False,
) -> float:
    """
    @param none: whether it may be 0.
    """
    typed = [value for option, value in options if option == name]
    if not typed:
        return otherwise
    try:
        seconds = float(typed[-1])
    except ValueError:
        seconds = -1
    if not 0 <= seconds < math.inf or not (seconds or none):
        number = (
            "number of seconds, 0 or more" if none else "positive number of seconds"
        )
        raise UsageError(f"--{name}={typed[-1]}: it takes a {number}")
    return seconds


def _until(typed: Sequence[str]) -> float | None:
    if not typed:
        return None
    from imapsync.cli.deadline import deadline  # here, because few need it

    return deadline(typed[-1])


def _depth(typed: Sequence[str]) -> Depth | None:
    if not typed:
        return None
    try:
        return Depth(typed[-1])
    except ValueError:
        raise UsageError(
            f"--verify={typed[-1]}: it takes header or content, or no value"
        ) from None


def _progress(typed: Sequence[str]) -> str:
    how = typed[-1] if typed else PROGRESS[0]
    if how not in PROGRESS:
        known = ", ".join(PROGRESS)
        raise UsageError(f"--progress={how}: it takes one of {known}")
    return how


def _mailbox(name: str) -> str:
    if not name:
        raise UsageError("a MAILBOX name is empty")
    # Python has read it in the locale's encoding, whatever that is.
    typed = os.fsencode(name)
    try:
        return typed.decode()
    except UnicodeDecodeError:
        shown = typed.decode(errors="backslashreplace")
        raise UsageError(f'the MAILBOX name "{shown}" is not UTF-8') from None
