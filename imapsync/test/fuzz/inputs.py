"""
Inputs near to those that are kept, for hypothesis to choose from.
"""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

#: What is put into an input, beside arbitrary octets.
_SMALL = st.binary(max_size=8)


@st.composite
def near(draw: st.DrawFn, seeds: Sequence[bytes]) -> bytes:
    """
    One of C{seeds} with a few changes, some of them parts of the others.
    """
    one = bytearray(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(one)))
        less = draw(st.integers(0, 6))
        if draw(st.booleans()):
            more = draw(_SMALL)
        else:
            other = draw(st.sampled_from(seeds))
            begin = draw(st.integers(0, len(other)))
            more = other[begin : begin + draw(st.integers(0, 30))]
        one[at : at + less] = more
    return bytes(one)


def inputs(seeds: Sequence[bytes]) -> st.SearchStrategy[bytes]:
    """
    Of all kinds.
    """
    return near(seeds or [b""]) | st.binary(max_size=100)
