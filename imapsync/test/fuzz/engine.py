"""
Looks for inputs at which a target fails, or which reach what none has reached.

With atheris, what an input reaches guides the search; each target has a process of its
own, since that is how atheris ends.  Without it, hypothesis tries inputs near to the
kept ones, and makes those at which a target fails small.
"""

from __future__ import annotations

import hashlib
import importlib.util
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from imapsync.test import children
from imapsync.test.fuzz.corpus import keep, kept

#: Longer ones are of no more use, and nobody reads them.
_LONGEST = 4096
_TRIED = re.compile(r"number_of_executed_units: (\d+)")

#: An input may take so many seconds, and so much memory (MiB).
_SECONDS, _MEMORY = 20, 1024


def fuzz(targets: Sequence[str], seconds: int, folder: Path) -> bool:
    """
    Fuzz one target after the other, each so long.

    @param folder: where what is found lies.
    @return: whether all stood it.
    """
    guided = importlib.util.find_spec("atheris") is not None
    search = _guided if guided else _near
    sound = True
    for target in targets:
        print(
            f"{target}: {seconds} s, {'guided' if guided else 'unguided'}", flush=True
        )
        found = search(target, seconds, folder / target)
        if found:
            sound = False
            print(f"{target} fails at: {found}", flush=True)
    return sound


def keepFound(targets: Iterable[str], folder: Path) -> None:
    """
    Keep the inputs in C{folder} that reach what no other reaches: those that were
    found, and those that were kept.
    """
    for target in targets:
        mine = folder / target
        least = mine / "least"
        least.mkdir(parents=True, exist_ok=True)
        _atheris(target, mine, "-merge=1", str(least), str(mine / "reached"))
        count = keep(target, (path.read_bytes() for path in least.iterdir()))
        print(f"{target}: {count} more kept")


def _guided(target: str, seconds: int, folder: Path) -> str:
    reached, failed = folder / "reached", folder / "failed"
    for one in (reached, failed):
        one.mkdir(parents=True, exist_ok=True)
    for seed in kept(target):
        (reached / hashlib.sha1(seed).hexdigest()).write_bytes(seed)
    before = {*failed.iterdir()}
    _atheris(
        *(
            target,
            folder,
            str(reached),
            f"-max_total_time={seconds}",
            f"-max_len={_LONGEST}",
        ),
        *(f"-timeout={_SECONDS}", f"-rss_limit_mb={_MEMORY}", "-verbosity=0"),
        *(f"-artifact_prefix={failed}/", "-print_final_stats=1"),
    )
    tried = _TRIED.findall((folder / "log").read_text(errors="replace"))
    print(f"{target}: {tried[-1] if tried else 'no'} inputs tried", flush=True)
    return ", ".join(str(path) for path in {*failed.iterdir()} - before)


def _atheris(target: str, folder: Path, *arguments: str) -> None:
    """
    Run it, whatever comes of that; what it says lies in C{folder}.
    """
    command = [sys.executable, "-m", "imapsync.test.fuzz.guided", target, *arguments]
    with (folder / "log").open("ab") as log:
        children.begun(command, stdout=log, stderr=log).wait()


def _near(target: str, seconds: int, folder: Path) -> str:
    end = time.monotonic() + seconds
    for attempt in _attempts(target):
        try:
            attempt()
        except Exception as error:  # noqa: BLE001 (whatever it is, it was found)
            return f"{error!r}, {' '.join(getattr(error, '__notes__', []))}"
        if time.monotonic() > end:
            return ""
    return ""


def _attempts(target: str) -> Iterator[Callable[[], None]]:
    from hypothesis import given, seed, settings

    from imapsync.test.fuzz.inputs import inputs
    from imapsync.test.fuzz.targets import TARGETS

    number = time.time_ns()
    while True:
        number += 1
        tried = given(inputs(kept(target)))(TARGETS[target])
        yield seed(number)(settings(max_examples=500, database=None)(tried))
