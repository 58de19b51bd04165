"""
C{python -m imapsync.test.fuzz [--seconds=N] [--keep] [TARGET ...]}
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from imapsync.test.fuzz.engine import fuzz, keepFound
from imapsync.test.fuzz.targets import TARGETS


def main() -> int:
    """
    Fuzz.

    @return: 1 if a target failed.
    """
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seconds", type=int, default=60, help="for each target")
    arguments.add_argument(
        "--keep", action="store_true", help="have the tests run what was reached"
    )
    arguments.add_argument("--folder", type=Path, default=Path(".cache/fuzzing"))
    arguments.add_argument("targets", nargs="*", metavar="TARGET")
    given = arguments.parse_args()
    for unknown in {*given.targets} - {*TARGETS}:
        arguments.error(f"{unknown} is none of {', '.join(TARGETS)}")
    targets = given.targets or [*TARGETS]
    sound = fuzz(targets, given.seconds, given.folder)
    if given.keep:
        keepFound(targets, given.folder)
    return 0 if sound else 1


if __name__ == "__main__":
    sys.exit(main())
