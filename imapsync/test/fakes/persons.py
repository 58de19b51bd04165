"""
Somebody who answers questions, and servers that they have accounts on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from imapsync.cli.given import Options
from imapsync.cli.person import Person
from imapsync.discovery.address import Address
from imapsync.discovery.proposal import Proposal
from imapsync.errors import Distrusted, ImapSyncError
from imapsync.model import Side


class Somebody(Person):
    """
    A person who knows what to answer.

    @param answers: for each question, some of its words and the answer, in the order
        of the questions.
    @ivar told: what was said to them.
    """

    def __init__(self, *answers: tuple[str, str]) -> None:
        self.answers = list(answers)
        self.told: list[str] = []

    def say(self, text: str) -> None:
        """
        Tell them something.
        """
        self.told.append(text)

    async def ask(self, question: str, default: str = "") -> str:
        """
        Their answer.
        """
        if not self.answers or self.answers[0][0] not in question:
            raise AssertionError(f"asked {question}, expected {self.answers[:1]}")
        return self.answers.pop(0)[1] or default

    async def secret(self, question: str) -> str:
        """
        Likewise.
        """
        return await self.ask(question)

    async def choose(self, question: str, choices: Mapping[str, str]) -> str:
        """
        Likewise, of these.
        """
        answer = await self.ask(question, next(iter(choices)))
        if answer not in choices:
            raise AssertionError(f"{answer} is none of {choices}")
        return answer


class Accounts:
    """
    Servers that let some users in.

    @ivar passwords: by the user's name.
    @ivar found: what is known of domains.
    @ivar error: why no login succeeds.
    @ivar tried: the options that were tried.
    """

    def __init__(self, **passwords: str) -> None:
        self.passwords = dict(passwords)
        self.found: dict[str, Sequence[Proposal]] = {}
        self.error: ImapSyncError | None = None
        self.tried: list[Options] = []

    async def find(self, typed: Address) -> Sequence[Proposal]:
        """
        Where the mail of an address may be.
        """
        return self.found.get(typed.host, ())

    async def logIn(self, side: Side, options: Options) -> str:
        """
        Try these options; a command prints the last of its words.
        """
        self.tried.append(options)
        if self.error is not None:
            raise self.error
        if "command" in options:
            return ""
        user = options["username"]
        command = options.get("password-command", "").rpartition(" ")[2]
        if self.passwords.get(user) != (options.get("password") or command):
            raise Distrusted(f"{side}: wrong username and password")
        return user
