"""
Completions of the command line for shells, made of the table of its options.

C{python -m imapsync.cli.completion DIRECTORY} writes them, one file for each shell.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from imapsync.cli.grammar import OPTIONS, PROGRESS, TARGETS, Option
from imapsync.config.request import Depth
from imapsync.model import Side

#: What a value is called that is the name of a file.
_FILE = "FILE"

#: Options of which the value is one of a few words.
_CHOICES: Mapping[str, tuple[str, ...]] = {
    "authorize": tuple(side.value for side in Side),
    "progress": PROGRESS,
    "target": TARGETS,
    "verify": tuple(depth.value for depth in Depth),
}

#: What may be given more than once.
_REPEATED = ("config", "target", "debug")

_BASH = """\
# bash completion for imapsync
_imapsync() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} option=${{COMP_WORDS[COMP_CWORD-1]}}
    COMPREPLY=()
    # "=" is a word of its own.
    if [[ $word == = ]]; then
        word= option+==
    elif [[ $option == = ]]; then
        option=${{COMP_WORDS[COMP_CWORD-2]}}=
    fi
    case $option in
{cases}
    esac
    if [[ $word == -* ]]; then
        COMPREPLY=($(compgen -W "{words}" -- "$word"))
        [[ ${{COMPREPLY[0]-}} != *= ]] || compopt -o nospace
    fi
}}
complete -F _imapsync imapsync
"""

_BASH_CASE = """\
    {patterns})
        {answer}
        return;;"""

_BASH_FILES = """\
compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -f -- "$word")"""

_ZSH = """\
#compdef imapsync
# zsh completion for imapsync
_arguments -s -S \\
{lines} \\
    '*:MAILBOX: :'
"""

_FISH = """\
# fish completion for imapsync
complete -c imapsync -f
{lines}
"""


def bash() -> str:
    """
    For bash.
    """
    words = " ".join(
        word
        for option in OPTIONS
        for word in (
            *([f"-{option.short}"] if option.short else ()),
            f"--{option.name}" + ("=" if _isNeeded(option) else ""),
        )
    )
    cases = "\n".join(_bashCase(option) for option in OPTIONS if option.argument)
    return _BASH.format(words=words, cases=cases)


def _bashCase(option: Option) -> str:
    patterns = f"--{option.name}="
    if _isNeeded(option):
        patterns = f"--{option.name}|{patterns}"
    answer = ":"
    if choices := _CHOICES.get(option.name):
        words = " ".join(choices)
        answer = f'COMPREPLY=($(compgen -W "{words}" -- "$word"))'
    elif option.argument == _FILE:
        answer = _BASH_FILES
    return _BASH_CASE.format(patterns=patterns, answer=answer)


def zsh() -> str:
    """
    For zsh.
    """
    lines = (f"    {line}" for option in OPTIONS for line in _zshLines(option))
    return _ZSH.format(lines=" \\\n".join(lines))


def _zshLines(option: Option) -> Iterator[str]:
    purpose = option.purpose.replace("[", r"\[").replace("]", r"\]")
    names = [f"-{option.short}"] if option.short else []
    names.append(f"--{option.name}")
    once = "*" if option.name in _REPEATED else f"({' '.join(names)})"
    for name in names:
        if not option.argument:
            yield f"'{once}{name}[{purpose}]'"
            continue
        action = " "
        if choices := _CHOICES.get(option.name):
            action = f"({' '.join(choices)})"
        elif option.argument == _FILE:
            action = "_files"
        form = "=" if _isNeeded(option) else "=-"
        colon = ":" if _isNeeded(option) else "::"
        yield f"'{once}{name}{form}[{purpose}]{colon}{option.argument}:{action}'"


def fish() -> str:
    """
    For fish.
    """
    return _FISH.format(lines="\n".join(map(_fishLine, OPTIONS)))


def _fishLine(option: Option) -> str:
    words = ["complete -c imapsync"]
    words += [f"-s {option.short}"] if option.short else []
    words.append(f"-l {option.name}")
    if _isNeeded(option):
        words.append("-r -F" if option.argument == _FILE else "-x")
    if choices := _CHOICES.get(option.name):
        words.append(f"-a '{' '.join(choices)}'")
    words.append(f"-d '{option.purpose}'")
    return " ".join(words)


def _isNeeded(option: Option) -> bool:
    """
    Whether its value cannot be left out.
    """
    return bool(option.argument) and not option.default


#: By the names of the files.
MADE: Mapping[str, Callable[[], str]] = {
    "imapsync.bash": bash,
    "_imapsync": zsh,
    "imapsync.fish": fish,
}


def write(directory: str) -> None:
    """
    Write all of them.
    """
    for name, make in MADE.items():
        Path(directory, name).write_text(make(), "utf-8")


if __name__ == "__main__":
    write(*sys.argv[1:])
