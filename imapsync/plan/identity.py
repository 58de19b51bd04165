"""
Where the known mailboxes are now: at home, renamed, or gone.

A RENAME keeps UIDVALIDITY, so what LIST tells is a sieve that costs nothing:
only one that is not at home, while a mailbox that may be it has another name,
raises a question.  It only decides; L{imapsync.accounts.identification} asks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from imapsync.model import Known, Listed, Name, Side
from imapsync.names import INBOX, shown
from imapsync.plan.account import Account

#: Few mailboxes may all be deleted at once.
_MANY = 3


class Question(NamedTuple):
    """
    Which of C{names} is what C{known} is called now, if any.
    """

    known: Known
    names: tuple[Name, ...]


class Answer(NamedTuple):
    """
    What was found out.

    @ivar same: which of the names are those of the known mailbox.
    @ivar unsure: whether there is one of which that could not be told.
    """

    same: frozenset[Name]
    unsure: bool = False


class Places(NamedTuple):
    """
    Where the known mailboxes are on one side, by L{Known.id}.

    @ivar names: what they are called; those that are not in it are gone.
    @ivar remade: those whose name is all that is left: it belongs to a mailbox
        that was made anew, or all UIDs in it are new.
    @ivar astray: those that are not found, but may be there: why.
    @ivar anchored: whether it is to be believed that the others were deleted;
        not where the whole account looks like another one.
    """

    names: Mapping[int, Name]
    remade: frozenset[int]
    astray: Mapping[int, str]
    anchored: bool = True


def atHome(places: Places, known: Iterable[Known]) -> bool:
    """
    Whether all are where they were.
    """
    home = {one.id: one.name for one in traceable(known)}
    return places.names == home and not places.remade


def traceable(known: Iterable[Known]) -> list[Known]:
    """
    Those that can be found under another name: INBOX never has one.
    """
    both = len(Side)
    return [one for one in known if one.name != INBOX and len(one.marks) == both]


def twins(known: Iterable[Known], side: Side) -> set[int]:
    """
    The UIDVALIDITYs with which mailboxes could have changed places, and LIST
    would not show it: it need not be unique.
    """
    marks = Counter(one.marks[side] for one in traceable(known) if one.pairs)
    return {mark.uidvalidity for mark, times in marks.items() if times > 1}


def shared(known: Iterable[Known], side: Side) -> set[int]:
    """
    Those with which a mailbox that went to the place of another would look like
    that one, only changed.
    """
    used = Counter(one.marks[side].uidvalidity for one in traceable(known))
    return {uidvalidity for uidvalidity, times in used.items() if times > 1}


def questions(
    side: Side, account: Account, known: Collection[Known], doubted: Collection[int]
) -> list[Question]:
    """
    What has to be asked on C{side}.

    @param doubted: UIDVALIDITYs that prove nothing.
    """
    home = _home(side, account, known, doubted)
    taken = set(home.values())
    asked = []
    for one in traceable(known):
        names = (
            name
            for name, box in account.listed.items()
            if name not in taken and name != INBOX and likely(one, side, box)
        )
        if one.id not in home and (found := tuple(names)):
            asked.append(Question(one, found))
    return asked


def places(
    side: Side,
    account: Account,
    known: Collection[Known],
    doubted: Collection[int],
    answers: Mapping[int, Answer],
) -> Places:
    """
    Where they are, with all questions answered.
    """
    home = _home(side, account, known, doubted)
    answers = _unrivalled(side, known, answers)
    claims = Counter(name for answer in answers.values() for name in answer.same)
    names = dict(home)
    for one, answer in answers.items():
        if len(answer.same) == 1 and claims[name := min(answer.same)] == 1:
            names[one] = name
    taken = set(names.values())
    remade, astray = set(), {}
    for mailbox in traceable(known):
        if mailbox.id in names:
            continue
        if reason := _undecided(answers.get(mailbox.id)):
            astray[mailbox.id] = reason
        elif account.has(mailbox.name) and mailbox.name not in taken:
            names[mailbox.id] = mailbox.name
            remade.add(mailbox.id)
        elif reason := _hidden(mailbox, side, account, taken):
            astray[mailbox.id] = reason
    anchored = _anchored(side, account, known, names.keys() - remade)
    return Places(names, frozenset(remade), astray, anchored)


def _unrivalled(
    side: Side, known: Iterable[Known], answers: Mapping[int, Answer]
) -> Mapping[int, Answer]:
    """
    One mailbox may be known twice for a while, by the name that it had and by
    the one that it has: then it is the latter.
    """
    present = {
        one.identities.get(side, ""): one
        for one in known
        if one.id in answers and one.name in answers[one.id].same
    }
    settled = {}
    for one in known:
        if one.id in answers:
            answer, identity = answers[one.id], one.identities.get(side, "")
            owner = present.get(identity, one) if identity else one
            if owner is not one:
                answer = answer._replace(same=answer.same - {owner.name})
            settled[one.id] = answer
    return settled


def _home(
    side: Side, account: Account, known: Iterable[Known], doubted: Collection[int]
) -> dict[int, Name]:
    """
    Those that are evidently where they were.
    """
    return {
        one.id: one.name
        for one in traceable(known)
        if one.name in account.listed
        and _same(one, side, account.listed[one.name])
        and one.marks[side].uidvalidity not in doubted
    }


def _same(known: Known, side: Side, box: Listed) -> bool:
    if not box.selectable:
        return False
    # One of which the server tells nothing is left to its pass.
    return _untold(box) or likely(known, side, box)


def likely(known: Known, side: Side, box: Listed) -> bool:
    """
    Whether a mailbox may be the one that is known, as far as LIST tells.
    """
    status, mark = box.status, known.marks[side]
    return (
        box.selectable
        and status is not None
        and status.uidvalidity == mark.uidvalidity
        and (not status.uidnext or status.uidnext >= mark.uidnext)
    )


def _undecided(answer: Answer | None) -> str:
    """
    Why one that was not found may be there all the same, as to what was asked;
    empty if it cannot.
    """
    if answer is None or not (answer.unsure or answer.same):
        return ""
    names = " or ".join(f'"{shown(name)}"' for name in sorted(answer.same))
    return f"it may be {names}" if names else "the server does not tell"


def _hidden(known: Known, side: Side, account: Account, taken: Collection[Name]) -> str:
    """
    The same, as to mailboxes that could not be asked about.
    """
    for box in account.strays:
        if likely(known, side, box):
            return f'it may be "{shown(box.name)}", which the other side cannot have'
    for name, box in account.listed.items():
        if name not in taken and box.selectable and _untold(box):
            return f'the server tells nothing of "{shown(name)}"'
    return ""


def _untold(box: Listed) -> bool:
    return box.status is None or not box.status.uidvalidity


def _anchored(
    side: Side, account: Account, known: Iterable[Known], left: Collection[int]
) -> bool:
    """
    Whether the account is the one that is known: INBOX is what it was, and the
    others are not all gone, as with a disk that is not mounted.

    @param left: those that are there.
    """
    others = traceable(known)
    if not left and len(others) >= _MANY:
        return False
    inbox = [one for one in known if one.name == INBOX and side in one.marks]
    if not inbox:
        return bool(left)
    box = account.listed.get(INBOX)
    return box is not None and not _untold(box) and _same(inbox[0], side, box)
