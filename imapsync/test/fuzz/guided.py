"""
One target under atheris: C{python -m imapsync.test.fuzz.guided TARGET ARGUMENT ...},
with libFuzzer's arguments.
"""

from __future__ import annotations

import sys


def main() -> None:
    """
    Fuzz until it fails, or the time is over.
    """
    import atheris  # type: ignore[import-untyped] # is not everywhere

    with atheris.instrument_imports(include=["imapsync"]):
        from imapsync.test.fuzz.targets import TARGETS
    _, target, *arguments = sys.argv
    # To compare inputs, it is run anew by a shell.
    program = f"{sys.executable} -m {__spec__.name} {target}"
    atheris.Setup([program, *arguments], TARGETS[target])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
