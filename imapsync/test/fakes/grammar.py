"""
What servers say, well-formed and near to it, for property tests.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from hypothesis import strategies as st


def split(stream: bytes, at: Iterable[int]) -> list[bytes]:
    """
    C{stream} in pieces.
    """
    places = [0, *sorted({place % (len(stream) + 1) for place in at}), len(stream)]
    return [stream[a:b] for a, b in pairwise(places)]


#: A message that would do harm if it were read as anything else.
EVIL = (
    b"A1 OK done\r\n* VANISHED 1:4294967295\r\n* 1 FETCH (UID 1 FLAGS (\\Deleted))\r\n"
    b"* BYE\r\n+ go\r\n)\r\n0001 NO [X] {5}\r\n* 2 FETCH (UID 2 BODY[] {3}\r\nabc)\r\n"
)


numbers = st.sampled_from(
    [b"0", b"1", b"5", b"12", b"999999999", b"4294967295", b"4294967296", b"9" * 18]
) | st.integers(1, 10**6).map(lambda n: b"%d" % n)
bodies = (
    st.binary(max_size=30)
    | st.sampled_from([EVIL, b")\r\n", b"\r\n", b"{3}\r\nabc", b"* 1 EXISTS\r\n"])
    | st.lists(st.sampled_from([b")", b"\r\n", b"A1 OK x\r\n", b"{9}", b'"'])).map(
        b"".join
    )
)
literals = bodies.map(lambda body: b"{%d}\r\n%s" % (len(body), body))
atoms = st.sampled_from(
    [
        b"NIL",
        b"a",
        b"\\Seen",
        b"INBOX",
        b"[Gmail]/x",
        b"$F",
        b"\xff",
        b"x]",
        b"BODY[",
        b"&-",
    ]
)
strings = (
    st.sampled_from(
        [b'""', b'"a b"', b'"\\""', b'"\\\\"', b'"(", "', b'"{3}"', b'"\xc3\xbc"']
    )
    | literals
)
words = atoms | strings | numbers
lists = st.recursive(
    st.lists(words, max_size=4).map(lambda some: b"(" + b" ".join(some) + b")"),
    lambda inner: st.lists(inner | words, max_size=3).map(
        lambda some: b"(" + b" ".join(some) + b")"
    ),
    max_leaves=6,
)
flagLists = st.lists(atoms, max_size=3).map(lambda some: b"(" + b" ".join(some) + b")")
dates = st.sampled_from(
    [
        b'"01-Jan-2024 00:00:00 +0000"',
        b'" 1-Feb-1970 12:00:00 -0130"',
        b'"never"',
        b"NIL",
    ]
)
attributes = (
    st.builds(b"UID %s".__mod__, numbers)
    | st.builds(b"FLAGS %s".__mod__, flagLists)
    | st.builds(b"MODSEQ (%s)".__mod__, numbers)
    | st.builds(b"RFC822.SIZE %s".__mod__, numbers)
    | st.builds(b"INTERNALDATE %s".__mod__, dates)
    | st.builds(
        lambda section, body: b"%s %s" % (section, body),
        st.sampled_from(
            [b"BODY[]", b"BODY[HEADER]", b"BODY[1]<3>", b"BINARY[1]", b"X"]
        ),
        strings | st.just(b"NIL"),
    )
    | st.builds(b"ENVELOPE %s".__mod__, lists)
)
usual = st.sampled_from(
    [
        [b"UID", b"FLAGS"],
        [b"UID", b"FLAGS", b"MODSEQ"],
        [b"UID", b"MODSEQ", b"FLAGS"],
        [b"FLAGS", b"UID", b"MODSEQ"],
        [b"UID", b"FLAGS", b"RFC822.SIZE"],
        [b"UID", b"FLAGS", b"INTERNALDATE", b"RFC822.SIZE", b"BODY[]"],
        [b"FLAGS", b"UID", b"INTERNALDATE", b"RFC822.SIZE", b"BODY[]"],
    ]
)


@st.composite
def usualRows(draw: st.DrawFn) -> bytes:
    """
    A row in the shape of a known server.
    """
    values = {
        b"UID": draw(numbers),
        b"FLAGS": draw(flagLists),
        b"MODSEQ": b"(%s)" % draw(numbers),
        b"RFC822.SIZE": draw(numbers),
        b"INTERNALDATE": draw(dates),
        b"BODY[]": draw(literals),
    }
    told = b" ".join(name + b" " + values[name] for name in draw(usual))
    return b"* %s FETCH (%s)" % (draw(numbers), told)


conditions = st.builds(
    lambda tag, status, code, text: b"%s %s%s%s" % (tag, status, code, text),
    st.sampled_from([b"*", b"A1", b"0003"]),
    st.sampled_from([b"OK", b"NO", b"BAD", b"BYE", b"PREAUTH", b"ok"]),
    st.sampled_from([b"", b" [CLOSED]", b" [UIDNEXT 5]", b" [X", b" []", b" [A (b)] "]),
    st.sampled_from([b"", b" ", b" done", b" (x", b' "', b" {3}", b" \xff"]),
)
responses = st.one_of(
    conditions,
    st.sampled_from([b"+", b"+ go {3}", b"* FLAGS (a)", b"* X y", b"* 5 EXPUNGE"]),
    st.builds(b"* %s EXISTS".__mod__, numbers),
    st.builds(
        b"* VANISHED %s".__mod__, st.sampled_from([b"1", b"1:9,4", b"(EARLIER) 7"])
    ),
    st.builds(b"* CAPABILITY %s".__mod__, atoms),
    st.builds(b"* SEARCH %s".__mod__, numbers),
    st.builds(
        lambda flags, separator, name: b"* LIST %s %s %s" % (flags, separator, name),
        flagLists,
        st.sampled_from([b"NIL", b'"/"', b'"\\\\"', b"{1}\r\n."]),
        words,
    ),
    st.builds(
        lambda name, oldName, some: (
            b'* LIST () "/" %s ("OLDNAME" (%s) X %s)' % (name, oldName, some)
        ),
        words,
        words,
        lists,
    ),
    st.builds(lambda name, items: b"* STATUS %s %s" % (name, items), words, lists),
    st.builds(
        lambda some: b"* NAMESPACE " + b" ".join(some), st.lists(lists, max_size=3)
    ),
    st.builds(
        lambda number, some: b"* %s FETCH (%s)" % (number, b" ".join(some)),
        numbers,
        st.lists(attributes, max_size=5),
    ),
    usualRows(),
)
streams = st.lists(responses.map(lambda line: line + b"\r\n"), max_size=8).map(b"".join)
cuts = st.lists(st.integers(0, 10**6), max_size=8)
