"""
Taking the steps of a plan: mailboxes are made, subscribed, unsubscribed and
forgotten.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from imapsync import names
from imapsync.accounts.history import History
from imapsync.errors import Refused
from imapsync.gather import together
from imapsync.imap.client import SyncClient
from imapsync.log import Log
from imapsync.mailbox.context import Say, told
from imapsync.mailbox.report import Report
from imapsync.model import Name, Side, Trouble
from imapsync.plan.account import Account
from imapsync.plan.mailboxes import Create, Directed, Forget, Step
from imapsync.state.interface import State

#: What is not said of a name for what it is.
_OTHERWISE = frozenset(("ALREADYEXISTS", "LIMIT", "OVERQUOTA", "UNAVAILABLE"))

_HINT = (
    "; the server does not tell below which mailbox, such as INBOX, those of the user"
    " have to be (NAMESPACE): list-reference can"
)

#: So often a step is taken before it is in vain: some servers show what was
#: done only after a moment.
_PATIENCE = 3


class Steps:
    """
    Takes steps in one run.

    @param say: takes what a dry run says; C{None} if it is none.
    @ivar refused: those that are not to be tried again.
    @ivar failed: the mailboxes that cannot be synced, which others add to.
    """

    log = Log()

    def __init__(
        self,
        clients: Mapping[Side, SyncClient],
        state: State,
        report: Report,
        say: Say | None,
        memory: History,
    ) -> None:
        self._clients = clients
        self._state = state
        self._report = report
        self._say = say
        self._taken: Counter[Step] = Counter()
        self._waiting: list[Deferred[None]] = []
        self._failure: Failure | None = None
        self._made = memory.made
        self._avoided = memory.avoided
        self.refused = memory.refused
        self.failed: set[Name] = memory.uncreated

    async def take(
        self, steps: Sequence[Step], accounts: Mapping[Side, Account]
    ) -> None:
        """
        Make, subscribe and unsubscribe mailboxes, many at a time.  What could
        not be made is not subscribed: the name may be another one's there.  The last
        answers may still be L{taken}.
        """
        if self._say is not None:
            for step in steps:
                told(self._say, step.name, step)
            return
        made = [step for step in steps if isinstance(step, Create)]
        self._waiting += self._takeSome(made, accounts)
        await self.taken()
        missed = {step.name for step in made if step in self.refused}
        rest = [step for step in steps if not isinstance(step, Create)]
        rest = [step for step in rest if step.name not in missed]
        self._waiting += self._takeSome(rest, accounts)

    async def taken(self) -> None:
        """
        Wait until all that was sent is answered.
        """
        waiting, self._waiting = self._waiting, []
        await together(waiting)
        if self._failure is not None:
            self._failure.raiseException()

    def _takeSome(
        self, steps: Sequence[Step], accounts: Mapping[Side, Account]
    ) -> list[Deferred[None]]:
        waiting = []
        for step in steps:
            if isinstance(step, Forget):
                self._forget(step.name)
            elif self._taken[step] >= _PATIENCE:
                self.refused.add(step)
                self._trouble(step, f"{step.done}, but the server does not show it")
            else:
                self._taken[step] += 1
                spelled = accounts[step.side].spelled(step.name)
                command = self._clients[step.side].onMailbox(step.verb, spelled)
                done = command.addCallback(self._stepTaken, step)
                hint = self._hint(step, accounts[step.side])
                waiting.append(done.addErrback(self._stepRefused, step, hint))
        return waiting

    def _hint(self, step: Directed, account: Account) -> str:
        """
        What to try where a mailbox cannot be made by its name.
        """
        told = "NAMESPACE" in self._clients[step.side].features
        placed = told or account.naming.reference
        return "" if placed or not isinstance(step, Create) else _HINT

    def _stepTaken(self, _: object, step: Directed) -> None:
        if isinstance(step, Create):
            self._made[step.name] = step.side
        self._report.took(step.name, str(step))

    def _stepRefused(self, failure: Failure, step: Directed, hint: str) -> None:
        if not failure.check(Refused):
            self._failure = failure  # for whoever waits, if anybody still does
            return
        self.refused.add(step)
        self._avoided.add(step)
        code = getattr(failure.value, "responseCode", "")
        if code == "ALREADYEXISTS":
            return  # somebody else was faster, or it has another spelling there
        if step.name not in self.failed:
            hint = "" if code in _OTHERWISE else hint
            self._trouble(step, f"{failure.value}{hint}", code)
        if isinstance(step, Create):
            self.failed.add(step.name)

    def collided(self, step: Create, account: Account) -> None:
        """
        What was to be made is still not listed: whatever the server would
        select by that name, it is another mailbox.
        """
        self.failed.add(step.name)
        spelled = names.shown(account.spelled(step.name))
        if twin := account.twin(step.name):
            text = f'"{spelled}" is one with "{names.shown(twin)}" there; left alone'
        elif self._report.isTroubled(step.name):
            return  # told already
        else:
            text = f'"{spelled}" is said to exist, but is not listed; left alone'
        self._trouble(step, text)

    def _forget(self, name: Name) -> None:
        known = self._state.mailbox(name)
        if known is not None:
            with self._state.transaction():
                self._state.removeMailbox(known.id)

    def _trouble(self, step: Directed, text: str, code: str = "") -> None:
        self._report.trouble(Trouble(step.name, text, step.side, code=code))
