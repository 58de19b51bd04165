"""
Tests for L{imapsync.cli.completion}, each by the shell that it is for, where that is
installed.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from twisted.trial.unittest import SkipTest, SynchronousTestCase

import imapsync
from imapsync.cli import completion
from imapsync.cli.grammar import OPTIONS, PROGRESS, TARGETS
from imapsync.test import children

_INSTALLED = {
    "imapsync.bash": "bash-completion/completions",
    "_imapsync": "zsh/site-functions",
    "imapsync.fish": "fish/vendor_completions.d",
}

#: Completes the words that it is given, the last of which is not whole yet.
_BASH = """
compopt() { options+=" $*"; }
. "$1"
shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_imapsync
printf '%s\\n' "${COMPREPLY[@]}" "options:$options"
"""

_ZSH = """
_arguments() { print -rl -- "$@" }
. "$1"
"""

#: Has somebody type something, and press the key that completes it.
_TYPED = """
zmodload zsh/zpty
zpty z zsh -f -i
zpty -w z "fpath=(${1:h} \\$fpath); autoload -U compinit; compinit -u -D; print rea''dy"
zpty -r z said '*ready*'
zpty -w -n z $'imapsync --prog\\t'
zpty -r z said '*--progress*='
print -r -- $said
"""

_FISH = "source $argv[1]; complete -C$argv[2]"


class CompletionTests(SynchronousTestCase):
    """
    What is offered of options and their values.
    """

    def path(self, name: str) -> Path:
        """
        Where the file of that name is: in a source tree, or installed.
        """
        places = (
            Path(imapsync.__file__).parents[1] / "doc" / "completions" / name,
            Path(sys.prefix) / "share" / _INSTALLED[name] / name,
        )
        return next(filter(Path.exists, places))

    def shell(self, *words: str) -> list[str]:
        """
        What a shell prints, which must not complain.
        """
        if shutil.which(words[0]) is None:
            raise SkipTest(f"{words[0]} is not installed")
        done = children.done(
            words,
            stdin=children.DEVNULL,
            stdout=children.PIPE,
            stderr=children.PIPE,
            encoding="utf-8",
        )
        self.assertEqual("", done.stderr)
        lines: list[str] = done.stdout.splitlines()
        return lines

    def test_made(self) -> None:
        """
        The files are what is made of the options.
        """
        folder = self.mktemp()
        Path(folder).mkdir()
        completion.write(folder)
        for name in completion.MADE:
            written = Path(folder, name).read_text("utf-8")
            message = "python -m imapsync.cli.completion doc/completions"
            self.assertEqual(written, self.path(name).read_text("utf-8"), message)

    def bash(self, *words: str) -> tuple[list[str], str]:
        """
        What bash offers for the last of these words, and how.
        """
        path = str(self.path("imapsync.bash"))
        *offered, options = self.shell(
            *("bash", "--norc", "-c", _BASH, "bash", path, "imapsync"), *words
        )
        return [one for one in offered if one], options

    def test_bash(self) -> None:
        """
        Options, the values of those that have few, and names of files.
        """
        offered, _ = self.bash("--")
        self.assertEqual(
            [f"--{option.name}" for option in OPTIONS],
            [word.removesuffix("=") for word in offered],
        )
        self.assertEqual((["--progress="], "options: -o nospace"), self.bash("--prog"))
        self.assertEqual((["--repair"], "options:"), self.bash("--rep"))
        for words in ("--progress", "="), ("--progress", "=", ""), ("--progress", ""):
            self.assertEqual([*PROGRESS], self.bash(*words)[0])
        self.assertEqual(["local"], self.bash("--target", "=", "lo")[0])
        self.assertEqual(["content"], self.bash("--verify", "=", "c")[0])
        self.assertEqual([], self.bash("--verify", "c")[0])
        self.assertEqual([], self.bash("--watch", "=", "")[0])
        file = Path(self.mktemp())
        file.mkdir()
        (file / "with space").touch()
        self.assertEqual(
            ([f"{file}/with space"], "options: -o filenames"),
            self.bash("--config", "=", f"{file}/w"),
        )

    def test_zsh(self) -> None:
        """
        Each option has a line, in the form that C{_arguments} wants.
        """
        path = str(self.path("_imapsync"))
        lines = self.shell("zsh", "-f", "-c", _ZSH, "zsh", path)
        for option in OPTIONS:
            [line] = [
                one
                for one in lines
                if f"--{option.name}" in one.partition("[")[0]
                if not one.partition(")")[2].startswith("-" + (option.short or "?"))
            ]
            self.assertIn(f"[{option.purpose}]", line)
        targets = " ".join(TARGETS)
        self.assertIn(f":WHERE:({targets})", "".join(lines))
        self.assertEqual("*:MAILBOX: :", lines[-1])

    def test_zshTyped(self) -> None:
        """
        What is typed of an option is completed, although it may be a mailbox.
        """
        path = str(self.path("_imapsync"))
        typed = self.shell("zsh", "-f", "-c", _TYPED, "zsh", path)
        self.assertIn("imapsync --progress", typed[-1])

    def test_fish(self) -> None:
        """
        Options, the values of those that have few, and names of files.
        """
        path = str(self.path("imapsync.fish"))

        def offered(text: str) -> list[str]:
            words = ("fish", "--no-config", "-c", _FISH, path, f"imapsync {text}")
            return [line.partition("\t")[0] for line in self.shell(*words)]

        self.assertEqual(
            {f"--{option.name}" for option in OPTIONS},
            {word.removesuffix("=") for word in offered("--")},
        )
        self.assertEqual({*PROGRESS}, {*offered("--progress ")})
        self.assertEqual(["--verify=content"], offered("--verify=c"))
        folder = Path(self.mktemp())
        folder.mkdir()
        (folder / "some").touch()
        self.assertEqual([f"--config={folder}/some"], offered(f"--config={folder}/s"))
