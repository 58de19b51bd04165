"""
Tests for L{imapsync.imap.wire.parser}.
"""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import example, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imapsync.errors import ProtocolViolation
from imapsync.imap.wire.parser import Parser
from imapsync.imap.wire.responses import (
    Condition,
    Continuation,
    Exists,
    ListedMailbox,
    Other,
    Response,
    Row,
    Unreadable,
    Vanished,
)
from imapsync.model import Listed, Octets
from imapsync.test.fakes.grammar import (
    EVIL,
    bodies,
    cuts,
    responses,
    split,
    streams,
    usualRows,
)
from imapsync.uidset import UidSet


class Recorder:
    """
    Remembers what was delivered, whatever the pieces it came in.

    @ivar refuses: whether bodies are not to be streamed.
    @ivar batches: how many rows came at once, each time.
    @ivar pieces: of the present body.
    """

    def __init__(self, refuses: bool = False) -> None:
        self.refuses = refuses
        self.delivered: list[object] = []
        self.batches: list[int] = []
        self.pieces: list[Octets] = []
        self._size = -1

    def responseReceived(self, response: Response) -> None:
        """
        A response; of one that nobody reads, its parts.
        """
        if isinstance(response, Other):
            self.delivered.append(tuple(response.parts))
        else:
            self.delivered.append(response)

    def rowsReceived(self, rows: list[Row]) -> None:
        """
        Rows, one by one, and a body before its row.
        """
        if self._size >= 0:
            body = b"".join(self.pieces)
            assert (len(rows), self._size) == (1, len(body))
            self.delivered.append(body)
            self._size = -1
        self.batches.append(len(rows))
        self.delivered.extend(rows)

    def literalBegan(self, row: Row, size: int) -> bool:
        """
        A body begins, while there is no other.
        """
        if self.refuses:
            return False
        assert self._size < 0
        self.pieces, self._size = [], size
        self.delivered.append(("body", row, size))
        return True

    def literalReceived(self, piece: Octets) -> None:
        """
        A piece of it.
        """
        self.pieces.append(piece)

    def messagesReceived(self, messages: list[tuple[Row, Octets]]) -> None:
        """
        The same as if they came in pieces.
        """
        for row, octets in messages:
            if self.literalBegan(row, len(octets)):
                self.literalReceived(octets)
                self.rowsReceived([row])
            else:
                self.rowsReceived([row._replace(section="")])


class SmallParser(Parser):
    """
    Takes little at a time.
    """

    cap = 200


def deliveries(
    pieces: Iterable[bytes], slow: bool = False, refuses: bool = False
) -> list[object]:
    """
    What becomes of C{pieces}.

    @param slow: whether to forgo the fast paths.
    """
    recorder = Recorder(refuses)
    parser = Parser(recorder)
    if slow:
        parser.trace = lambda line: None
    for piece in pieces:
        parser.feed(piece)
    return recorder.delivered


class FramingTests(SynchronousTestCase):
    """
    Lines and literals.
    """

    def test_lines(self) -> None:
        """
        Responses are delivered in order, each once its line is complete.
        """
        recorder = Recorder()
        parser = Parser(recorder)
        parser.feed(b"* 3 EXISTS\r\n* VANISHED 5\r")
        self.assertEqual([Exists(3)], recorder.delivered)
        parser.feed(b"\n* ")
        self.assertEqual(
            [Exists(3), Vanished(UidSet.of([5]), False)], recorder.delivered
        )

    def test_literalEverywhere(self) -> None:
        """
        A literal may stand wherever a string may, more than one in a line.
        """
        told = deliveries([b'* LIST () {1}\r\n. {4}\r\n")\r\n\r\n* 3 EXISTS\r\n'])
        listed = ListedMailbox(Listed('")\udc0d\udc0a', ".", frozenset()), "")
        self.assertEqual([listed, Exists(3)], told)

    def test_markerAnywhere(self) -> None:
        """
        Even where no literal belongs, none is ever read as a response.
        """
        for line in (
            b"* X a{%d}",
            b"* X a {%d+}",
            b"* X (a~{%d}",
            b"* FLAGS{%d}",
            b"* STATUS a (X {%d}",
            b"* 3 FETCH (X BODY[]{%d}",
            b"* 3 FETCH (UID 7 BODY[]{%d}",
            b'* 3 FETCH (BODY[HEADER.FIELDS ("To")] {%d}',
        ):
            stream = line % len(EVIL) + b"\r\n" + EVIL + b")\r\n* 3 EXISTS\r\n"
            for slow in (False, True):
                try:
                    told = deliveries([stream], slow)
                except ProtocolViolation:
                    continue
                self.assertEqual(Exists(3), told[-1])
                self.assertNotIn(Vanished(UidSet(((1, 2**32 - 1),)), False), told)

    def test_endlessMarker(self) -> None:
        """
        A literal of a size that no number can hold is a violation.
        """
        for size in (b"9" * 19, b"1" * 5000):
            self.assertRaises(ProtocolViolation, deliveries, [b"* X {%s}\r\n" % size])

    def test_humanText(self) -> None:
        """
        What is for people is opaque, even if it looks like a literal.
        """
        told = deliveries([b"* OK a) (b {5}\r\n+ c {5}\r\nA1 NO [X y] {3}\r\n"])
        self.assertEqual(
            [
                Condition("*", "OK", "", b"", "a) (b {5}"),
                Continuation(b"c {5}"),
                Condition("A1", "NO", "X", b"y", "{3}"),
            ],
            told,
        )

    def test_conditions(self) -> None:
        """
        Conditions with and without code, arguments and text.
        """
        for line, condition in (
            (b"A1 OK", Condition("A1", "OK", "", b"", "")),
            (b"A1 ok ", Condition("A1", "OK", "", b"", "")),
            (b"* BYE bye", Condition("*", "BYE", "", b"", "bye")),
            (b"* OK [CLOSED]", Condition("*", "OK", "CLOSED", b"", "")),
            (b"* OK [uidnext 5]x", Condition("*", "OK", "UIDNEXT", b"5", "x")),
            (b"* OK [A b c] d]", Condition("*", "OK", "A", b"b c", "d]")),
            (b"* OK [open x", Condition("*", "OK", "", b"", "[open x")),
            (b"* OK []x", Condition("*", "OK", "", b"", "[]x")),
            (b"* NO a\nb", Condition("*", "NO", "", b"", "a b")),
        ):
            self.assertEqual([condition], deliveries([line + b"\r\n"]))

    def test_continuations(self) -> None:
        """
        Continuations with and without text.
        """
        told = deliveries([b"+\r\n+ \r\n+ x y\r\n"])
        self.assertEqual(
            [Continuation(b""), Continuation(b""), Continuation(b"x y")], told
        )

    def test_whole(self) -> None:
        """
        On demand, responses stay as they were sent.
        """
        recorder = Recorder()
        parser = Parser(recorder)
        parser.whole = True
        parser.feed(b"* 3 FETCH (UID 5 BODY[] {3}\r\n)\r\n)\r\n* 4 FETCH (UID 1)\r\n")
        self.assertEqual(
            [
                (b"* 3 FETCH (UID 5 BODY[] {3}", b")\r\n", b")"),
                (b"* 4 FETCH (UID 1)",),
            ],
            recorder.delivered,
        )

    def test_trace(self) -> None:
        """
        A trace gets every line and no literal.
        """
        lines: list[bytes] = []
        parser = Parser(Recorder())
        parser.trace = lines.append
        parser.feed(b"* 3 FETCH (UID 5 BODY[] {3}\r\nabc)\r\n* 3 EXISTS\r\n")
        self.assertEqual([b"* 3 FETCH (UID 5 BODY[] {3}", b")", b"* 3 EXISTS"], lines)

    def test_takeBuffered(self) -> None:
        """
        What is not delivered yet can be taken away, from within too.
        """
        recorder = Recorder()
        parser = Parser(recorder)
        parser.feed(b"* 3 EX")
        self.assertEqual(b"* 3 EX", parser.takeBuffered())
        taken: list[bytes] = []
        parser.trace = lambda line: taken.append(parser.takeBuffered())
        parser.feed(b"* 3 EXISTS\r\n* 4 EXISTS\r\n* 5")
        parser.feed(b"* 6 EXISTS\r\n")
        self.assertEqual([b"* 4 EXISTS\r\n* 5", b""], taken)
        self.assertEqual([Exists(3), Exists(6)], recorder.delivered)

    def test_reentrant(self) -> None:
        """
        What arrives while something is delivered is delivered next.
        """
        recorder = Recorder()
        parser = Parser(recorder)
        more = [b"* 5 EXISTS\r\n"]
        parser.trace = lambda line: parser.feed(more.pop() if more else b"")
        parser.feed(b"* 3 EXISTS\r\n* 4 EXISTS\r\n")
        self.assertEqual([Exists(3), Exists(4), Exists(5)], recorder.delivered)


class CapTests(SynchronousTestCase):
    """
    No server makes us hold more than the cap.
    """

    def refused(self, *pieces: bytes) -> None:
        """
        Check that C{pieces} are refused.
        """
        parser = SmallParser(Recorder(refuses=True))
        for piece in pieces[:-1]:
            parser.feed(piece)
        self.assertRaises(ProtocolViolation, parser.feed, pieces[-1])

    def test_line(self) -> None:
        """
        A long line is refused, whether or not it ends.
        """
        self.refused(b"* X " + b"x" * 200)
        self.refused(b"* X " + b"x" * 200 + b"\r\n")
        self.refused(*[b"x"] * 201)

    def test_endless(self) -> None:
        """
        So is a message that could not come to its end within a lifetime.
        """
        line = (
            '* 1 FETCH (UID 7 FLAGS () INTERNALDATE "01-Feb-2020 03:04:05 +0000"'
            " RFC822.SIZE 5 BODY[] {%d}\r\n"
        )
        for size in 2**40 + 1, 10**13, 2**62, 2**63:
            with self.assertRaises(ProtocolViolation):
                Parser(Recorder()).feed((line % size).encode())

    def test_literal(self) -> None:
        """
        A long literal is refused as soon as it is announced.
        """
        self.refused(b"* X {200}\r\n")

    def test_parts(self) -> None:
        """
        So are many short ones.
        """
        self.refused(b"* X {100}\r\n" + b"x" * 100 + b" {90}\r\n")
        self.refused(b"* X" + b" {1}\r\nx" * 60)

    def test_body(self) -> None:
        """
        Nor is a body that nobody wants taken whatever its size; one that
        somebody wants is.
        """
        head = b"* 3 FETCH (UID 5 BODY[] {300}\r\n"
        self.refused(head)
        recorder = Recorder()
        SmallParser(recorder).feed(head + b"x" * 300 + b")\r\n")
        self.assertEqual(b"x" * 300, recorder.delivered[1])

    def test_again(self) -> None:
        """
        The cap is for each response anew.
        """
        recorder = Recorder()
        parser = SmallParser(recorder)
        for _ in range(50):
            parser.feed(b"* X {90}\r\n" + b"x" * 90 + b"\r\n* 3 EXISTS\r\n* 3 ")
            parser.feed(b"EXISTS\r\n")
        self.assertEqual(150, len(recorder.delivered))


class RowTests(SynchronousTestCase):
    """
    FETCH rows, in front of all.
    """

    def test_batches(self) -> None:
        """
        Rows in the shapes of known servers are delivered together.
        """
        recorder = Recorder()
        Parser(recorder).feed(
            b"* 1 FETCH (UID 5 FLAGS (\\Seen a))\r\n"
            b"* 1 FETCH (UID 5 FLAGS () MODSEQ (9))\r\n"
            b"* 1 FETCH (UID 5 FLAGS () RFC822.SIZE 7)\r\n"
            b"* 1 FETCH (UID 5 MODSEQ (9))\r\n"
            b"* 1 FETCH (UID 5 MODSEQ (9) FLAGS (a))\r\n"
            b"* 1 FETCH (FLAGS (a) UID 5 MODSEQ (9))\r\n"
        )
        self.assertEqual([6], recorder.batches)
        self.assertEqual(
            [
                Row(5, frozenset(["\\Seen", "a"])),
                Row(5, frozenset(), 9),
                Row(5, frozenset(), 0, 7),
                Row(5, None, 9),
                Row(5, frozenset("a"), 9),
                Row(5, frozenset("a"), 9),
            ],
            recorder.delivered,
        )

    def test_bounds(self) -> None:
        """
        Numbers are bounded on the fast way, too.
        """
        self.assertEqual(
            [Row(2**32 - 1, None, 2**63 - 1)],
            deliveries(
                [b"* 1 FETCH (UID 4294967295 MODSEQ (9223372036854775807))\r\n"]
            ),
        )
        for line in (b"UID 4294967296 FLAGS ()", b"UID 1 MODSEQ (9223372036854775808)"):
            [told] = deliveries([b"* 1 FETCH (" + line + b")\r\n"])
            self.assertIsInstance(told, Unreadable)


class UnreadableTests(SynchronousTestCase):
    """
    What is whole on the wire, but makes no sense.
    """

    def test_told(self) -> None:
        """
        It is told as that, and all that follows is read.
        """
        for line, kind in (
            (b'* LIST () "/" (a', "LIST"),
            (b"* status x", "STATUS"),
            (b"* 3 FETCH x", "FETCH"),
            (b"* 9999999999 EXISTS", "EXISTS"),
            (b"* VANISHED \x1b", "VANISHED"),
            (b'* LIST (") {5}\r\nA\r\n)( "', "LIST"),
        ):
            told = deliveries([line + b"\r\n* 3 EXISTS\r\n"])
            [unreadable, exists] = told
            assert isinstance(unreadable, Unreadable)
            self.assertEqual(kind, unreadable.kind)
            self.assertTrue(unreadable.text.isprintable())
            self.assertEqual(Exists(3), exists)

    def test_body(self) -> None:
        """
        A message of which nobody knows whose it is is not held, and cannot be taken
        for anything else.
        """
        size = 10 * SmallParser.cap
        recorder = Recorder()
        parser = SmallParser(recorder)
        parser.feed(b"* 3 FETCH (UID () BODY[] {%d}\r\n" % size)
        for _ in range(10):
            parser.feed((EVIL * 10)[: SmallParser.cap])
        parser.feed(b" FLAGS ())\r\n* 3 EXISTS\r\n")
        [unreadable, exists] = recorder.delivered
        assert isinstance(unreadable, Unreadable)
        self.assertEqual(("FETCH", Exists(3)), (unreadable.kind, exists))
        self.assertEqual([], recorder.pieces)

    def test_halfBody(self) -> None:
        """
        If a message was passed on already, there is no way back.
        """
        line = b"* 3 FETCH (UID 5 BODY[] {1}\r\nx FLAGS (\r\n"
        self.assertRaises(ProtocolViolation, deliveries, [line])

    def test_noResponse(self) -> None:
        """
        What is no response at all is a violation.
        """
        for line in b"hello", b"", b"*", b"** X", b"A1 LIST":
            self.assertRaises(ProtocolViolation, deliveries, [line + b"\r\n"])


class BodyTests(SynchronousTestCase):
    """
    Message bodies, streamed.
    """

    def test_attributesAround(self) -> None:
        """
        Attributes may come before and after the body; the row has all.
        """
        date = "01-Jan-2024 00:00:00 +0000"
        early = Row(5, frozenset(["a"]), 0, 9, date, "BODY[]")
        for head, tail, row in (
            (
                b'UID 5 FLAGS (a) INTERNALDATE "01-Jan-2024 00:00:00 +0000"'
                b" RFC822.SIZE 9 ",
                b"",
                early,
            ),
            (
                b'FLAGS (a) UID 5 INTERNALDATE "01-Jan-2024 00:00:00 +0000"'
                b" RFC822.SIZE 9 ",
                b" MODSEQ (3)",
                early._replace(modseq=3),
            ),
            (b"", b" UID 5", Row(5, section="BODY[]")),
            (b"UID 5 ", b" FLAGS ({1}\r\nb)", Row(5, frozenset("b"), section="BODY[]")),
        ):
            line = b"* 3 FETCH (" + head + b"BODY[] {%d}\r\n" % len(EVIL)
            told = deliveries([line + EVIL + tail + b")\r\n"])
            self.assertEqual([EVIL, row], told[1:])

    def test_header(self) -> None:
        """
        A header takes the same fast way as a message.
        """
        date = "01-Jan-2024 00:00:00 +0000"
        row = Row(5, frozenset(["a"]), 0, 9, date, "BODY[HEADER]")
        response = (
            b'* 3 FETCH (UID 5 FLAGS (a) INTERNALDATE "%s" RFC822.SIZE 9'
            b" BODY[HEADER] {5}\r\nA: b\n)\r\n" % date.encode()
        )
        for slow in (False, True):
            told = deliveries([response], slow)
            self.assertIn(b"A: b\n", told)
            self.assertEqual(row, told[-1])

    def test_began(self) -> None:
        """
        Who takes a body hears first what came before it.
        """
        told = deliveries([b"* 3 FETCH (UID 5 BODY[1.MIME]<7> {2}\r\n"])
        self.assertEqual([("body", Row(5, section="BODY[1.MIME]<7>"), 2)], told)

    def test_pieces(self) -> None:
        """
        Its octets are passed on as they come, not held.
        """
        recorder = Recorder()
        parser = Parser(recorder)
        parser.feed(b"* 3 FETCH (UID 5 BODY[] {6}\r\nab")
        parser.feed(b"cd")
        parser.feed(b"ef)")
        self.assertEqual([b"ab", b"cd", b"ef"], recorder.pieces)

    def test_notCopied(self) -> None:
        """
        They are passed on from where they were received, whole or in pieces.
        """
        head = b'* 3 FETCH (UID 5 FLAGS () INTERNALDATE "01-Jan-2024 00:00:00 +0000"'
        for data in (
            head + b" RFC822.SIZE 6 BODY[] {6}\r\nabcdef)\r\n",
            head + b" RFC822.SIZE 9 BODY[] {9}\r\nabcdef",
        ):
            recorder = Recorder()
            Parser(recorder).feed(data)
            [piece] = recorder.pieces
            assert isinstance(piece, memoryview)
            self.assertIs(data, piece.obj)
            self.assertEqual(b"abcdef", piece)

    def test_inline(self) -> None:
        """
        A body in quotes is a body; NIL is none.
        """
        row = Row(5, section="BODY[HEADER]")
        self.assertEqual(
            [("body", row, 1), b"a", row, ("body", row, 0), b"", row, Row(5)],
            deliveries(
                [
                    b'* 3 FETCH (UID 5 BODY[HEADER] "a")\r\n'
                    b'* 3 FETCH (UID 5 BODY[HEADER] "")\r\n'
                    b"* 3 FETCH (UID 5 BODY[HEADER] NIL)\r\n"
                ]
            ),
        )

    def test_twice(self) -> None:
        """
        The same body twice is nonsense, but must not be two.
        """
        row = Row(5, section="BODY[]")
        for attributes in (
            b'BODY[] {1}\r\na BODY[] "b"',
            b'BODY[] "b" BODY[] {1}\r\na',
        ):
            self.assertEqual(
                [("body", row, 1), b"a", row],
                deliveries([b"* 3 FETCH (UID 5 " + attributes + b")\r\n"]),
            )

    def test_empty(self) -> None:
        """
        An empty literal is a body as well.
        """
        row = Row(5, section="BODY[]")
        self.assertEqual(
            [("body", row, 0), b"", row],
            deliveries([b"* 3 FETCH (UID 5 BODY[] {0}\r\n)\r\n"]),
        )

    def test_unwanted(self) -> None:
        """
        A body that nobody wants is passed over, not read.
        """
        stream = b"* 3 FETCH (UID 5 BODY[] {%d}\r\n%s)\r\n" % (len(EVIL), EVIL)
        self.assertEqual([Row(5)], deliveries([stream], refuses=True))

    def test_two(self) -> None:
        """
        Of two bodies in one row the first is streamed, the other passed over.
        """
        stream = b"* 3 FETCH (UID 5 BODY[1] {2}\r\nxy BODY[2] {3}\r\n)\r\n"
        row = Row(5, section="BODY[1]")
        for tail in (b"", b" FLAGS (a)"):
            self.assertEqual(
                [
                    ("body", row, 2),
                    b"xy",
                    row._replace(flags=frozenset("a") if tail else None),
                    Exists(3),
                ],
                deliveries([stream + tail + b")\r\n* 3 EXISTS\r\n"]),
            )


def outcome(pieces: Iterable[bytes], slow: bool = False) -> tuple[list[object], bool]:
    """
    What is delivered of C{pieces}, and whether they end in a violation.
    """
    recorder = Recorder()
    parser = Parser(recorder)
    if slow:
        parser.trace = lambda line: None
    try:
        for piece in pieces:
            parser.feed(piece)
    except ProtocolViolation:
        return recorder.delivered, True
    return recorder.delivered, False


class PropertyTests(SynchronousTestCase):
    """
    What holds for anything that a server may send.
    """

    @given(st.lists(st.binary(max_size=60) | streams, max_size=5), st.booleans())
    @settings(max_examples=200)
    def test_anything(self, pieces: list[bytes], slow: bool) -> None:
        """
        Nothing raises anything but a violation.
        """
        outcome(pieces, slow)

    @given(streams, st.lists(st.tuples(st.integers(0, 10**6), st.binary(max_size=3))))
    @settings(max_examples=200)
    def test_nearly(self, stream: bytes, changes: list[tuple[int, bytes]]) -> None:
        """
        Nor does what is nearly right.
        """
        for place, octets in changes:
            at = place % (len(stream) + 1)
            stream = stream[:at] + octets + stream[at + 1 :]
        outcome([stream])

    @given(streams, cuts)
    @settings(max_examples=300)
    @example(EVIL, [5, 70])
    def test_split(self, stream: bytes, at: list[int]) -> None:
        """
        In whatever pieces it comes, the same is delivered.
        """
        self.assertEqual(outcome([stream]), outcome(split(stream, at)))

    @given(streams)
    @settings(max_examples=50)
    def test_octets(self, stream: bytes) -> None:
        """
        Even if each octet comes by itself.
        """
        self.assertEqual(outcome([stream]), outcome(split(stream, range(len(stream)))))

    @given(st.lists(usualRows(), max_size=6) | st.lists(responses, max_size=6), cuts)
    @settings(max_examples=300)
    def test_fastAndSlow(self, lines: list[bytes], at: list[int]) -> None:
        """
        The fast paths deliver what the complete way delivers.
        """
        stream = b"".join(line + b"\r\n" for line in lines)
        self.assertEqual(outcome([stream], slow=True), outcome(split(stream, at)))

    @given(
        bodies, st.sampled_from([b"", b" FLAGS (x)", b" UID 9"]), cuts, st.booleans()
    )
    @settings(max_examples=200)
    def test_forged(self, body: bytes, tail: bytes, at: list[int], slow: bool) -> None:
        """
        A message arrives as it is, and nothing in it is read as a response.
        """
        head = b"* 3 FETCH (UID 5 BODY[] {%d}\r\n" % len(body)
        stream = head + body + tail + b")\r\n* 7 EXISTS\r\n"
        began, octets, row, exists = deliveries(split(stream, at), slow)
        self.assertEqual(("body", Row(5, section="BODY[]"), len(body)), began)
        self.assertEqual((body, Exists(7)), (octets, exists))
        self.assertIsInstance(row, Row)

    @given(st.lists(st.binary(max_size=30) | responses | st.just(b"\r\n")))
    @settings(max_examples=200)
    def test_cap(self, pieces: list[bytes]) -> None:
        """
        No more than the cap is ever held.
        """
        parser = SmallParser(Recorder(refuses=True))
        for piece in pieces:
            try:
                parser.feed(piece)
            except ProtocolViolation:
                return
            held = [parser._late, parser._literal, *parser._parts]
            self.assertLessEqual(sum(len(some or b"") for some in held), parser.cap)
