"""
Tests for L{imapsync.plan.renameorder}.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imapsync.model import Name
from imapsync.plan.renameorder import Route, isTemporary, route


def names(depth: int) -> st.SearchStrategy[Name]:
    """
    Few names, so that they come in each other's way.
    """
    levels = st.lists(st.sampled_from("abc"), min_size=1, max_size=depth)
    return levels.map("/".join)


def followed(
    places: Mapping[int, Name], others: Iterable[Name], found: Route
) -> dict[int, Name]:
    """
    Where mailboxes are, after a server has renamed them: as one does, that has
    nothing be renamed to a name that is taken or below itself.
    """
    server: dict[Name, int | None] = dict.fromkeys(others)
    server |= {name: one for one, name in places.items()}
    for step in found.renamings:
        along = {n for n in server if f"{n}/".startswith(f"{step.old}/")}
        assert server[step.old] == step.mailbox, step
        moved = {step.new + name[len(step.old) :]: server.pop(name) for name in along}
        assert not moved.keys() & server.keys(), step
        assert not step.new.startswith(f"{step.old}/"), step
        server |= moved
    return {one: name for name, one in server.items() if one is not None}


class RouteTests(SynchronousTestCase):
    """
    Tests for L{route}.
    """

    def renamings(
        self, places: Mapping[int, Name], wishes: Mapping[int, Name], *others: Name
    ) -> list[str]:
        """
        What is to be renamed, in short.
        """
        found = route(places, wishes, others)
        self.assertEqual({}, found.stuck)
        self.assertEqual({**places, **wishes}, followed(places, others, found))
        return [f"{one.old} > {one.new}" for one in found.renamings]

    def test_nothing(self) -> None:
        """
        Those that are where they are to be are left there.
        """
        self.assertEqual([], self.renamings({1: "a", 2: "b"}, {1: "a"}))

    def test_children(self) -> None:
        """
        All that is below a mailbox comes along, without a command of its own.
        """
        places = {1: "a", 2: "a/b", 3: "a/b/c"}
        wishes = {1: "x", 2: "x/b", 3: "x/b/c"}
        self.assertEqual(["a > x"], self.renamings(places, wishes))

    def test_takenWithChild(self) -> None:
        """
        Nothing is moved for the sake of one whose name is taken for good, even
        if its child is in the way of another.
        """
        places = {1: "a", 2: "a/b", 3: "x/b"}
        found = route(places, {1: "x", 2: "a/b", 3: "x/b"}, ["x"])
        self.assertEqual((), found.renamings)
        self.assertEqual({1: None}, found.stuck)

    def test_stays(self) -> None:
        """
        A child that is to stay is brought back.
        """
        places = {1: "a", 2: "a/b"}
        self.assertEqual(
            ["a > x", "x/b > a/b"], self.renamings(places, {1: "x", 2: "a/b"})
        )

    def test_chain(self) -> None:
        """
        Whoever is in the way goes first.
        """
        self.assertEqual(
            ["b > c", "a > b"], self.renamings({1: "a", 2: "b"}, {1: "b", 2: "c"})
        )

    def test_swap(self) -> None:
        """
        Two that change places need one temporary name; so do their children,
        without one of their own.
        """
        places = {1: "a", 2: "b", 3: "a/x", 4: "b/x"}
        wishes = {1: "b", 2: "a", 3: "b/x", 4: "a/x"}
        steps = self.renamings(places, wishes)
        self.assertEqual(3, len(steps))
        self.assertTrue(isTemporary(steps[0].partition(" > ")[2]))

    def test_parentAndChild(self) -> None:
        """
        So do a mailbox and one below it; and one that goes below itself.
        """
        self.renamings({1: "a", 2: "a/b"}, {1: "a/b", 2: "a"})
        self.renamings({1: "a", 2: "a/c"}, {1: "a/b", 2: "a/c"})

    def test_temporaryTaken(self) -> None:
        """
        A temporary name may be taken already, as after an interruption.
        """
        taken = ["imapsync-temporary-1", "imapsync-temporary-2"]
        steps = self.renamings({1: "a", 2: "b"}, {1: "b", 2: "a"}, *taken)
        self.assertIn("imapsync-temporary-3", " ".join(steps))

    def test_stuck(self) -> None:
        """
        A name that another mailbox keeps cannot be had, nor can those that wait
        for it; the others go on.
        """
        places = {1: "a", 2: "b", 3: "c", 4: "d"}
        wishes = {1: "x", 2: "a", 3: "y", 5: "d"}
        found = route({**places, 5: "e"}, wishes, ["x"])
        self.assertEqual({1: None, 2: 1, 5: 4}, found.stuck)
        self.assertEqual([None, None, 4], [found.culprit(one) for one in (1, 2, 5)])
        self.assertEqual(["y"], [one.new for one in found.renamings])

    def test_culprit(self) -> None:
        """
        Those that wait in a circle are in each other's way.
        """
        self.assertEqual(1, Route((), {1: 2, 2: 1}).culprit(1))

    def test_stuckBelow(self) -> None:
        """
        Nor may a child come to lie where another mailbox is.
        """
        found = route({1: "a"}, {1: "x"}, ["a/b", "x/b"])
        self.assertEqual(((), {1: None}), (found.renamings, found.stuck))

    def test_everyPermutation(self) -> None:
        """
        However mailboxes change places, with some below others, there is an
        order in which no name is taken.
        """
        for start in (["a", "b", "c", "d"], ["a", "a/b", "c", "c/d"]):
            places = dict(enumerate(start))
            for end in permutations(start):
                wishes = dict(enumerate(end))
                steps = self.renamings(places, wishes, "z")
                self.assertLessEqual(len(steps), 8)

    @given(
        st.lists(names(3), unique=True, min_size=1, max_size=6),
        st.lists(names(3), unique=True, min_size=6, max_size=6),
    )
    def test_alone(self, start: list[Name], end: list[Name]) -> None:
        """
        With nobody else there, all get their names.
        """
        self.renamings(dict(enumerate(start)), dict(enumerate(end[: len(start)])))

    @given(
        st.lists(names(3), unique=True, min_size=1, max_size=6),
        st.lists(names(3), unique=True, min_size=6, max_size=6),
        st.sets(names(3), max_size=3),
        st.sets(st.integers(0, 5)),
    )
    def test_anything(
        self, start: list[Name], end: list[Name], others: set[Name], keep: set[int]
    ) -> None:
        """
        No name is ever taken when it is needed; all that are not stuck get
        theirs.
        """
        places = dict(enumerate(start))
        wishes = {one: end[one] for one in places if one not in keep}
        others -= set(start)
        found = route(places, wishes, others)
        after = followed(places, others, found)
        for one, request in wishes.items():
            if one not in found.stuck:
                self.assertEqual(request, after[one])
