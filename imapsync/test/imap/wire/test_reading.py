"""
Tests for L{imapsync.imap.wire.reading} and L{imapsync.imap.wire.flags}.
"""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imapsync.errors import ProtocolViolation
from imapsync.imap.wire.flags import parseFlags
from imapsync.imap.wire.reading import (
    bounded,
    parseResponse,
    parseRow,
)
from imapsync.imap.wire.responses import (
    Applicable,
    Body,
    Capabilities,
    Enabled,
    Exists,
    Found,
    FoundText,
    ListedMailbox,
    Metadata,
    Namespaces,
    Other,
    Quota,
    QuotaRoots,
    Response,
    Row,
    StatusResponse,
    Vanished,
)
from imapsync.model import Listed, Status
from imapsync.test.fakes import grammar
from imapsync.uidset import UidSet


def parse(*parts: bytes | None) -> Response | Row:
    """
    Parse a response.
    """
    return parseResponse(list(parts))


_attributes = st.sampled_from(
    [b"\\HasNoChildren", b"\\Subscribed", b"\\NoSelect", b"\\x\\y", b"NIL", b"", b"a"]
)
_NAMES = [
    b"INBOX",
    b"Inbox",
    b'"inbox"',
    b"inbox/a",
    b"Work.&AOQ-",
    b"R&D",
    b"nil",
    b"NIL/x",
    b'"NIL"',
    b'"a b"',
    b'""',
    b'"a\\"b"',
    b'"\xc3\xa4"',
    b"\xff",
    b'"\t"',
    b"a\t",
    b"[Gmail]/x",
    b"BODY[x]",
    b"Body[2024]-bills",
    b"Nil",
    b"a}",
    b"{3}",
    b"",
]
_names = st.sampled_from(_NAMES) | st.text('aZ0./-_&"\\( {}~*%', max_size=9).map(
    lambda name: name.encode("ascii")
)
_items = st.lists(
    st.tuples(
        st.sampled_from([b"MESSAGES", b"UIDNEXT", b"UIDVALIDITY", b"X", b"uidnext"]),
        grammar.numbers | st.just(b"(5)"),
    ).map(b" ".join),
    max_size=4,
).map(b" ".join)


class CommonTests(SynchronousTestCase):
    """
    The lines that come by the thousand, which are read in a way of their own.
    """

    def outcome(self, line: bytes) -> Response | Row | None:
        """
        What becomes of a line, if it can be read.
        """
        try:
            return parse(line)
        except ProtocolViolation:
            return None

    def assertSame(self, line: bytes) -> None:
        """
        It means the same as in a spelling that takes the complete way.
        """
        other = line.replace(b"* ", b"*  ", 1)
        self.assertEqual(self.outcome(other), self.outcome(line), line)

    def test_names(self) -> None:
        """
        Any name, where all else is as usual.
        """
        for name in _NAMES:
            self.assertSame(b'* LIST (\\Subscribed) "/" ' + name)
            items = b"MESSAGES 1 UIDNEXT 2 UIDVALIDITY 3 HIGHESTMODSEQ 4"
            self.assertSame(b"* STATUS %s (%s)" % (name, items))

    @given(
        st.lists(_attributes, max_size=3).map(b" ".join),
        st.sampled_from([b'"/"', b'"."', b'"\\\\"', b"NIL", b'"&"', b"/"]),
        _names,
        st.sampled_from([b"", b"", b' ("OLDNAME" (a))', b" ", b" ("]),
    )
    def test_lists(
        self, attributes: bytes, separator: bytes, name: bytes, extended: bytes
    ) -> None:
        """
        LIST, in whatever spelling.
        """
        line = b"* LIST (%s) %s %s%s" % (attributes, separator, name, extended)
        self.assertSame(line)

    @given(_names, st.tuples(*[grammar.numbers] * 4))
    def test_status(self, name: bytes, numbers: tuple[bytes, ...]) -> None:
        """
        STATUS as it is asked for, with any numbers.
        """
        items = b"MESSAGES %s UIDNEXT %s UIDVALIDITY %s HIGHESTMODSEQ %s" % numbers
        self.assertSame(b"* STATUS %s (%s)" % (name, items))
        items = b"MESSAGES %s UIDNEXT %s UIDVALIDITY %s" % numbers[:3]
        self.assertSame(b"* STATUS %s (%s)" % (name, items))

    @given(_names, _items)
    def test_otherStatus(self, name: bytes, items: bytes) -> None:
        """
        STATUS with other items, or in another order.
        """
        self.assertSame(b"* STATUS %s (%s)" % (name, items))


class RowTests(SynchronousTestCase):
    """
    FETCH.
    """

    def test_attributes(self) -> None:
        """
        Attributes come in any order, and unknown ones are passed over.
        """
        row = Row(5, frozenset(["\\Seen", "k"]), 9, 70, "01-Jan-2024 00:00:00 +0000")
        for template in (
            b"UID 5 FLAGS (\\Seen k) MODSEQ (9) RFC822.SIZE 70 INTERNALDATE %s",
            b"INTERNALDATE %s X (a (b)) RFC822.SIZE 70 MODSEQ (9) flags (k \\SEEN)"
            b" UID 5",
        ):
            attributes = template % b'"01-Jan-2024 00:00:00 +0000"'
            self.assertEqual(row, parse(b"* 3 FETCH (%s)" % attributes))

    def test_untold(self) -> None:
        """
        What is not told is not made up.
        """
        self.assertEqual(Row(0, None, 0, None, "", ""), parse(b"* 3 FETCH ()"))

    def test_dates(self) -> None:
        """
        Only a date is one, so that no other can be sent on.
        """
        for date in (b'" 1-Jan-2024 00:00:00 +0000"', b'"1-Jan-2024 00:00:00 -1200"'):
            row = parse(b"* 3 FETCH (INTERNALDATE %s)" % date)
            self.assertEqual(Row(0, date=date.decode().strip('"')), row)
        for date in (b"NIL", b'"yesterday"', b'"01-Jan-2024 00:00:00 +0000\\" x"'):
            row = parse(b"* 3 FETCH (INTERNALDATE %s)" % date)
            self.assertEqual(Row(0), row)

    def test_streamed(self) -> None:
        """
        Attributes stand on either side of a body that was streamed.
        """
        row = parse(b"* 3 FETCH (UID 5 BODY[] {9}", None, b" FLAGS (a))")
        self.assertEqual(Row(5, frozenset("a")), row)

    def test_inline(self) -> None:
        """
        A body may be a string; it is the same as a literal.
        """
        self.assertEqual(
            Body(Row(5), "BODY[HEADER]", b"a"),
            parse(b'* 3 FETCH (UID 5 body[header] "a")'),
        )

    def test_noBody(self) -> None:
        """
        NIL is no body.
        """
        self.assertEqual(Row(5), parse(b"* 3 FETCH (UID 5 BODY[] NIL)"))

    def test_incomplete(self) -> None:
        """
        What comes before a literal can be read when the literal begins.
        """
        parts: list[bytes | None] = [b"* 3 FETCH (X {1}", b")", b" UID 5 BODY[] {9}"]
        self.assertEqual(Row(5), parseRow(parts))

    def test_oddFlags(self) -> None:
        """
        A keyword with a parenthesis is no flag, and costs no other.
        """
        row = Row(5, frozenset(["\\Seen", "k"]), 9)
        for odd in b"a(b", b"a)b", b"a(b)", b"(", b")", b"((", b"(x)y)", b"a)":
            for template in (
                b"UID 5 FLAGS (\\Seen %s k) MODSEQ (9)",
                b"FLAGS (%s \\Seen k) UID 5 MODSEQ (9)",
                b"MODSEQ (9) UID 5 FLAGS (\\Seen k %s)",
            ):
                line = b"* 3 FETCH (%s)" % (template % odd)
                self.assertEqual(row, parse(line), line)
                begun = b"* 3 FETCH (%s BODY[] {5}" % (template % odd)
                self.assertEqual(row, parseRow([begun]), begun)
                behind = b" %s)" % (template % odd)
                self.assertEqual(row, parse(b"* 3 FETCH (X {1}", b"x", behind), behind)

    def test_oddFlagsLinear(self) -> None:
        """
        No line takes more than linear time.
        """
        began = time.monotonic()
        for piece in b" FLAGS (", b" FLAGS (a)b", b")", b" FLAGS (x) UID", b"( FLAGS (":
            line = b"* 3 FETCH (" + piece * (300_000 // len(piece))
            self.assertRaises(ProtocolViolation, parse, line)
        self.assertLess(time.monotonic() - began, 60)

    def test_malformed(self) -> None:
        """
        What is no row is a violation.
        """
        for line in (
            b"* 3 FETCH",
            b"* 3 FETCH x",
            b"* 3 FETCH (UID x)",
            b"* 3 FETCH (UID (5))",
            b"* 3 FETCH (UID 4294967296)",
            b"* 99999999999 FETCH (UID 1)",
            b"* 3 FETCH (UID " + b"1" * 5000 + b")",
            b"* 3 FETCH (FLAGS x)",
            b"* 3 FETCH (MODSEQ 5)",
            b"* 3 FETCH (MODSEQ (9223372036854775808))",
            b"* 3 FETCH (RFC822.SIZE -1)",
            b"* 3 FETCH (UID 5",
            b"* 3 FETCH ((UID) 5)",
        ):
            self.assertRaises(ProtocolViolation, parse, line)
        self.assertRaises(ProtocolViolation, parseRow, [b"* 3 FETCH (A (B {5}"])
        self.assertRaises(ProtocolViolation, parseRow, [b"* 3 FETCH"])

    def test_bounds(self) -> None:
        """
        UIDs have 32 bits, mod-sequences 63.
        """
        row = parse(b"* 3 FETCH (UID 4294967295 MODSEQ (9223372036854775807))")
        self.assertEqual(Row(2**32 - 1, modseq=2**63 - 1), row)
        self.assertRaises(ProtocolViolation, bounded, "\u0663".encode())
        self.assertRaises(ProtocolViolation, bounded, b"")


class FlagsTests(SynchronousTestCase):
    """
    Flags.
    """

    def test_system(self) -> None:
        """
        System flags are spelled as usual, keywords as the server does.
        """
        self.assertEqual({"\\Seen", "$MDNSent"}, parseFlags(b"\\SEEN $MDNSent"))

    def test_recent(self) -> None:
        """
        C{\\Recent} is nobody's business.
        """
        self.assertEqual(frozenset(), parseFlags(b"\\recent"))

    def test_8bit(self) -> None:
        """
        Octets beyond ASCII neither separate words nor get lost.
        """
        self.assertEqual({"\xc3\xa0\x85"}, parseFlags(b"\xc3\xa0\x85"))

    def test_nil(self) -> None:
        """
        In a list of flags, NIL is a keyword.
        """
        self.assertEqual(Row(0, frozenset(["NIL"])), parse(b"* 1 FETCH (FLAGS (NIL))"))

    def test_noFlag(self) -> None:
        """
        What could not be sent to another server is passed over.
        """
        self.assertEqual({"a"}, parseFlags(b"a b) {3} \0 \x7f"))
        row = parse(b"* 1 FETCH (FLAGS (a {6}", b") (x)\r", b"))")
        self.assertEqual(Row(0, frozenset("a")), row)


class ResponseTests(SynchronousTestCase):
    """
    All others.
    """

    def test_unread(self) -> None:
        """
        What nobody here reads is no error.
        """
        for line in (b"* FLAGS (a", b"* 3 RECENT", b"* X ((", b"* 3", b"* 3 X"):
            self.assertIs(Other, type(parse(line)))

    def test_applicable(self) -> None:
        """
        FLAGS; one that is spelled in an odd way is none.
        """
        for line, flags in (
            (rb"* FLAGS (\seen \Recent a $B)", {"\\Seen", "a", "$B"}),
            (b"* flags () ", set()),
            (b"* FLAGS (\xe4)", {"\xe4"}),
        ):
            self.assertEqual(Applicable(frozenset(flags)), parse(line))
        for line in (b'* FLAGS ("a")', b"* FLAGS (a) b", b"* FLAGS ((a))", b"* FLAGS"):
            self.assertIs(Other, type(parse(line)), line)

    def test_noResponse(self) -> None:
        """
        What is no response is a violation.
        """
        for line in (b"", b"hello", b"*", b"A1 LIST x", b"** OK"):
            self.assertRaises(ProtocolViolation, parse, line)

    def test_exists(self) -> None:
        """
        EXISTS has a number of 32 bits.
        """
        self.assertEqual(Exists(23), parse(b"* 23 exists"))
        self.assertRaises(ProtocolViolation, parse, b"* 4294967296 EXISTS")

    def test_vanished(self) -> None:
        """
        VANISHED, of now and of earlier.
        """
        self.assertEqual(
            Vanished(UidSet(((1, 3), (9, 9))), False), parse(b"* VANISHED 9,1:3")
        )
        self.assertEqual(
            Vanished(UidSet(((1, 3),)), True), parse(b"* VANISHED (EARLIER) 3:1")
        )
        for line, earlier in (b"* VANISHED (EARLIER) ", True), (b"* VANISHED", False):
            self.assertEqual(Vanished(UidSet(), earlier), parse(line))
        for line in b"* VANISHED 1:*", b"* VANISHED 0", b"* VANISHED x":
            self.assertRaises(ProtocolViolation, parse, line)

    def test_capabilities(self) -> None:
        """
        CAPABILITY and ENABLED.
        """
        self.assertEqual(
            Capabilities([b"IMAP4rev1", b"a=b"]), parse(b"* CAPABILITY IMAP4rev1 a=b")
        )
        self.assertEqual(Enabled(frozenset(["QRESYNC"])), parse(b"* ENABLED qresync"))

    def test_list(self) -> None:
        """
        LIST, with its attributes in lower case.
        """
        self.assertEqual(
            ListedMailbox(
                Listed("a/b", "/", frozenset(["\\noselect", "\\subscribed"])), ""
            ),
            parse(b'* LIST (\\NoSelect \\Subscribed) "/" "a/b"'),
        )

    def test_listNames(self) -> None:
        """
        A name may be an atom, quoted, a literal, in UTF-8, or NIL.
        """
        for parts, name in (
            ([b'* LIST () "/" [Gmail]/x'], "[Gmail]/x"),
            ([b'* LIST () "/" "a\\\\"'], "a\\"),
            ([b'* LIST () "/" {4}', b'"(\r\\', b""], '"(\\x0d\\'),
            ([b'* LIST () "/" &APw-'], "\xfc"),
            ([b'* LIST () "/" "\xc3\xbc"'], "\xfc"),
            ([b'* LIST () "/" NIL'], "NIL"),
            ([b'* LIST () "/" "NIL"'], "NIL"),
        ):
            response = parseResponse(list(parts))
            assert isinstance(response, ListedMailbox)
            shown = response.listed.name.replace("\udc0d", "\\x0d")
            self.assertEqual(name, shown)

    def test_oddNames(self) -> None:
        """
        A name without quotes may look like something else, and is what it is.
        """
        for name in b"Body[2024]-bills", b"nil", b"NIL", b"Nil", b"BODY[]", b"BINARY[x":
            listed = parse(b'* LIST (\\Marked) "/" ' + name)
            assert isinstance(listed, ListedMailbox)
            self.assertEqual(name.decode(), listed.listed.name)
            told = parse(b"* STATUS %s (MESSAGES 1)" % name)
            assert isinstance(told, StatusResponse)
            self.assertEqual(name.decode(), told.name)

    def test_noSeparator(self) -> None:
        """
        NIL is no separator; a backslash may be one.
        """
        for written, separator in ((b"NIL", ""), (b'"\\\\"', "\\"), (b'"."', ".")):
            self.assertEqual(
                ListedMailbox(Listed("a", separator, frozenset()), ""),
                parse(b"* LIST () %s a" % written),
            )

    def test_listExtended(self) -> None:
        """
        Of the extended data, only the old name counts, in whatever shape.
        """
        for data, oldName in (
            (b'("OLDNAME" ("a"))', "a"),
            (b"(oldname (&APw-))", "\xfc"),
            (b'("CHILDINFO" ("SUBSCRIBED") "OLDNAME" (NIL) X 3)', "NIL"),
            (b'("OLDNAME" "a b")', "a b"),
            (b'("CHILDINFO" ("SUBSCRIBED") (x) (y))', ""),
            (b'("OLDNAME")', ""),
            (b"()", ""),
            (b"NIL", ""),
            (b"x", ""),
        ):
            response = parse(b"* LIST () NIL b " + data)
            self.assertEqual(
                ListedMailbox(Listed("b", "", frozenset()), oldName), response
            )
        self.assertEqual(
            ListedMailbox(Listed("\xfc", "", frozenset()), "(\xfc"),
            parseResponse(
                [
                    b"* LIST () NIL {2}",
                    "\xfc".encode(),
                    b' ("OLDNAME" ({3}',
                    "(\xfc".encode(),
                    b"))",
                ]
            ),
        )

    def test_gone(self) -> None:
        """
        A deleted mailbox is listed as one that cannot be selected.
        """
        response = parse(b'* LIST (\\NonExistent) "/" b')
        assert isinstance(response, ListedMailbox)
        self.assertFalse(response.listed.selectable)

    def test_inbox(self) -> None:
        """
        C{INBOX} is one mailbox, however it is spelled.
        """
        for name in b"INBOX", b"Inbox", b'"inbox"', b'"Inbox" ':
            for response in (
                parse(b'* LIST () "/" ' + name),
                parse(b"* LIST (X) NIL " + name),
            ):
                assert isinstance(response, ListedMailbox)
                self.assertEqual("INBOX", response.listed.name)
            for items in b" (X 1)", b" (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 3)":
                told = parse(b"* STATUS " + name + items)
                assert isinstance(told, StatusResponse)
                self.assertEqual("INBOX", told.name)
            entries = parse(b"* METADATA " + name + b" (/shared/x y)")
            assert isinstance(entries, Metadata)
            self.assertEqual("INBOX", entries.mailbox)
        renamed = parse(b'* LIST () "/" a ("OLDNAME" (inbox))')
        assert isinstance(renamed, ListedMailbox)
        self.assertEqual("INBOX", renamed.oldName)
        other = parse(b"* STATUS Inbox/a (X 1)")
        assert isinstance(other, StatusResponse)
        self.assertEqual("Inbox/a", other.name)

    def test_malformedList(self) -> None:
        """
        What is no LIST response is a violation.
        """
        for line in (
            b"* LIST",
            b"* LIST () NIL",
            b"* LIST x NIL a",
            b"* LIST (()) NIL a",
            b"* LIST () NIL a (OLDNAME ())",
        ):
            self.assertRaises(ProtocolViolation, parse, line)

    def test_status(self) -> None:
        """
        STATUS, with items that have no place of their own.
        """
        response = parse(
            b'* STATUS "a b" (MESSAGES 3 uidnext 4 UIDVALIDITY 5 HIGHESTMODSEQ 6'
            b" MAILBOXID (x) SIZE 7)"
        )
        assert isinstance(response, StatusResponse)
        self.assertEqual(("a b", Status(3, 4, 5, 6)), (response.name, response.status))
        self.assertEqual((b"x", b"7"), tuple(response.items.values())[4:])

    def test_unquotedStatus(self) -> None:
        """
        Mailutils does not quote a name with blanks.
        """
        response = parse(b"* STATUS my own box (MESSAGES 3 UIDNEXT 4)")
        assert isinstance(response, StatusResponse)
        told = response.name, response.status
        self.assertEqual(("my own box", Status(3, 4)), told)

    def test_statusJunk(self) -> None:
        """
        Cyrus tells freed memory for a MAILBOXID: the rest can be read.
        """
        for junk in (b"(\xff\x01\x80\xfe)", b"\xff\xfe", b"NIL", b"()", b"(a b)"):
            response = parse(b"* STATUS a (MAILBOXID %s UIDNEXT 4)" % junk)
            assert isinstance(response, StatusResponse)
            self.assertEqual(Status(uidnext=4), response.status)

    def test_malformedStatus(self) -> None:
        """
        Numbers are bounded.
        """
        for items in (b"(UIDNEXT 4294967297)", b"(UIDVALIDITY x)", b"UIDNEXT", b""):
            self.assertRaises(ProtocolViolation, parse, b"* STATUS a " + items)
        parse(b"* STATUS a (UIDNEXT 4294967296)")

    def test_search(self) -> None:
        """
        SEARCH, even with a mod-sequence.
        """
        self.assertEqual(
            Found("", UidSet.of([2, 3, 84])), parse(b"* SEARCH 84 3 2 (MODSEQ 9)")
        )
        self.assertEqual(Found("", UidSet()), parse(b"* SEARCH"))

    def test_listExtendedSearch(self) -> None:
        """
        ESEARCH, with and without anything found.
        """
        found = Found("A1", UidSet(((2, 3),)))
        line = b'* ESEARCH (TAG "A1") UID COUNT 2 ALL 2:3 MODSEQ 9'
        self.assertEqual(found, parse(line))
        for line, uids in (
            (b'* ESEARCH (TAG "A1") UID ALL 2:3', UidSet(((2, 3),))),
            (b'* ESEARCH (TAG "A1") UID', UidSet()),
        ):
            text = parse(line)
            assert isinstance(text, FoundText)
            self.assertEqual(Found("A1", uids), text.found)
        self.assertEqual(Found("", UidSet()), parse(b"* ESEARCH"))
        self.assertRaises(ProtocolViolation, parse, b"* ESEARCH (TAG) UID ALL 1")

    def test_namespaces(self) -> None:
        """
        NAMESPACE, where others have none or many.
        """
        self.assertEqual(
            Namespaces((("", "/"),), ()), parse(b'* NAMESPACE (("" "/")) NIL NIL')
        )
        self.assertEqual(
            Namespaces((("INBOX.", "."),), (("u.", "."), ("s", ""))),
            parse(b'* NAMESPACE (("INBOX." "." X (y))) (("u." ".")) (("s" NIL))'),
        )
        self.assertEqual(Namespaces((), ()), parse(b"* NAMESPACE NIL NIL NIL"))
        for line in (
            b"* NAMESPACE",
            b"* NAMESPACE x NIL NIL",
            b"* NAMESPACE (()) NIL NIL",
        ):
            self.assertRaises(ProtocolViolation, parse, line)

    def test_quotas(self) -> None:
        """
        QUOTA and QUOTAROOT, also where there are none, or no limits.
        """
        for line, quota in (
            (
                b'* QUOTA "" (storage 10 512 MESSAGE 1 2)',
                Quota(b"", {"STORAGE": (10, 512), "MESSAGE": (1, 2)}),
            ),
            (b"* QUOTA user.me ()", Quota(b"user.me", {})),
            (b'* QUOTA "User quota" (X 1)', Quota(b"User quota", {})),
        ):
            self.assertEqual(quota, parse(line))
        for line, roots in (
            (b'* QUOTAROOT inbox "User quota" ""', (b"User quota", b"")),
            (b"* QUOTAROOT INBOX", ()),
        ):
            self.assertEqual(QuotaRoots("INBOX", roots), parse(line))
        for line in (
            b"* QUOTA",
            b"* QUOTA x",
            b"* QUOTA x (STORAGE a 1)",
            b"* QUOTA x (STORAGE 1 99999999999999999999)",
            b"* QUOTAROOT",
        ):
            self.assertRaises(ProtocolViolation, parse, line)
