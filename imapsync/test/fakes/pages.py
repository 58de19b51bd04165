"""
Where the pages of the documentation are: in the tree, not in the installed package.
"""

from __future__ import annotations

import os
from pathlib import Path

from twisted.trial.unittest import SkipTest

import imapsync


def pages() -> Path:
    """
    The folder.

    @raise SkipTest: if there is none.
    """
    tree = Path(imapsync.__file__).parents[1] / "doc"
    folder = Path(os.environ.get("IMAPSYNC_DOC", tree))
    if not (folder / "index.rst").exists():
        raise SkipTest("the documentation is not installed")
    return folder
