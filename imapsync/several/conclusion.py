"""
What is said at the end about all accounts of a run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from time import time

from twisted.logger import Logger

from imapsync import document
from imapsync.config.settings import Config
from imapsync.display import line
from imapsync.service import Outcome

#: So many that failed are named in a line of the log; why they did was told before.
_NAMED = 20

# The last account that ended may still be the one that is worked on: no Log.
_log = Logger("imapsync.accounts")


def log(outcomes: Mapping[str, Outcome], seconds: float, verbose: bool) -> None:
    """
    Say it to people.

    @param outcomes: by account.
    @param seconds: how long it took.
    @param verbose: whether to say it even if all is well.
    """
    failed = sorted(name for name, one in outcomes.items() if one.code)
    fields = {"all": len(outcomes), "well": len(outcomes) - len(failed)}
    if verbose:
        _log.info(
            "{well} of {all} accounts succeeded, in {seconds:.1f} s.",
            seconds=seconds,
            **fields,
        )
    if failed:
        _log.warn("{count} of {all} accounts failed:", count=len(failed), **fields)
    for start in range(0, len(failed), _NAMED):
        names = ", ".join(line(name) for name in failed[start : start + _NAMED])
        _log.warn("- {names}", names=names)


def written(
    configs: Mapping[str, Config],
    outcomes: Mapping[str, Outcome],
    code: int,
    seconds: float,
    leftOut: Sequence[str] = (),
) -> Iterator[str]:
    """
    The document that says it to machines.

    @param code: the exit code of the program.
    @param leftOut: see L{Source<imapsync.several.source.Source>}.
    """
    ended = time()
    period = ended - seconds, ended
    failed = (
        {
            "account": name,
            "config": configs[name].path,
            "exit": one.code,
            "error": line(one.text) or None,
        }
        for name, one in outcomes.items()
        if one.code
    )
    return document.text(
        {
            **document.head("accounts", "", "", period, code, ""),
            "config": None,
            "accounts": len(outcomes),
            "succeeded": sum(not one.code for one in outcomes.values()),
            "failed": failed,
            "leftOut": [line(text) for text in leftOut],
        }
    )
