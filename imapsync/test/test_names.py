"""
Tests for L{imapsync.names}.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imapsync.errors import MailboxError, NotFound
from imapsync.names import (
    Naming,
    canonical,
    decode,
    encode,
    fromUser,
    unescaped,
    uniform,
)

DOTS = Naming(separator=".", prefix="INBOX.", foreign=("user.", "shared."))
FLAT = Naming(separator="")
WORK = Naming(separator="/", reference="work/")
ALIASED = Naming(aliases=(("a", "b/a"), ("b", "a"), ("c/a", "c")))
NAMINGS = (Naming(), Naming(separator="."), DOTS, FLAT, WORK, ALIASED)

texts = st.text(st.characters(exclude_categories=["Cs"]))
levels = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/"), min_size=1
)
sharedNames = st.lists(
    levels | st.sampled_from(["INBOX", "inbox", "a.b", "user"]), min_size=1, max_size=4
).map(lambda parts: canonical("/".join(parts), "/"))
serverNames = st.text(st.sampled_from("ab./&inboxINBOX\t\n"), max_size=12)


class ModifiedUtf7Tests(SynchronousTestCase):
    """
    Tests for L{encode} and L{decode}.
    """

    def test_examples(self) -> None:
        """
        Names are spelled as the RFC spells them, control characters encoded.
        """
        for name, raw in [
            ("INBOX", b"INBOX"),
            ("", b""),
            ("~peter/mail/台北/日本語", b"~peter/mail/&U,BTFw-/&ZeVnLIqe-"),
            ("R&D", b"R&-D"),
            ("&", b"&-"),
            ("&&", b"&-&-"),
            ("Entwürfe", b"Entw&APw-rfe"),
            ("ü&ü", b"&APw-&-&APw-"),
            ("a\tb", b"a&AAk-b"),
            ("a\r\n\0b", b"a&AA0ACgAA-b"),
            ("\x7f", b"&AH8-"),
            ("😀", b"&2D3eAA-"),
            ('a "b" \\ * %', b'a "b" \\ * %'),
        ]:
            self.assertEqual(raw, encode(name))
            self.assertEqual(name, decode(raw))

    def test_illFormed(self) -> None:
        """
        A spelling that is not the right one is kept, byte for byte.
        """
        for raw in [
            b"&AGE-",  # "a" needs no encoding
            b"&ACY-",  # neither has "&" this one
            b"R&D",  # never ends
            b"&APw-&APw-",  # a null shift
            b"&APx-",  # bits left over
            b"&A-",
            b"&APwA-",  # half a character
            b"&AP/8-",  # not its alphabet
            b"&APw=-",
            b"&2D0-",  # half a surrogate pair
            b"&3gA-",
            b"a\tb",
            b"a\r\nb",
            b"\xff\xfe&-",
        ]:
            name = decode(raw)
            self.assertEqual(raw, encode(name))
            with self.assertRaises(MailboxError):
                Naming().toShared(name)

    def test_rawUtf8(self) -> None:
        """
        UTF-8, which Dovecot has in notifications, is understood, and sent in
        modified UTF-7.
        """
        name = decode("Bücher & Co".encode())
        self.assertEqual("Bücher & Co", name)
        self.assertEqual(b"B&APw-cher &- Co", encode(name))

    def test_unescaped(self) -> None:
        """
        What is ill-formed as modified UTF-7 may have been meant as it stands;
        anything else, and what is no UTF-8, remains.
        """
        for raw, name in (
            (b"R&D", "R&D"),
            (b"&", "&"),
            (b"R&-D", "R&D"),
            (b"&APw-", "\xfc"),
            ("B\xfccher & Co".encode(), "B\xfccher & Co"),
        ):
            self.assertEqual(name, unescaped(decode(raw)))
        for name in decode(b"\xff&"), "\ud83d":
            self.assertEqual(name, unescaped(name))

    def test_otherSurrogates(self) -> None:
        """
        A surrogate that stands for no byte is a C{ValueError}.
        """
        self.assertRaises(ValueError, encode, "\ud83d")

    @given(texts)
    def test_everyNameReturns(self, name: str) -> None:
        """
        Every name is read as it was written, and written in printable ASCII.
        """
        raw = encode(name)
        self.assertTrue(all(0x20 <= byte <= 0x7E for byte in raw))
        self.assertEqual(name, decode(raw))

    @given(
        st.binary()
        | st.text(st.sampled_from("&-,APwGEb3gA\t\x7f")).map(lambda text: text.encode())
    )
    def test_everyByteReturns(self, raw: bytes) -> None:
        """
        Whatever a server sends is read without an error and sent back as it
        was; UTF-8 comes back as the same name.
        """
        try:
            name = raw.decode("utf-8")
        except ValueError:
            name = ""
        if name.isascii():
            self.assertEqual(raw, encode(decode(raw)))
        else:
            self.assertEqual(name, decode(raw))


class NamingTests(SynchronousTestCase):
    """
    Tests for L{Naming}.
    """

    def check(self, naming: Naming, pairs: dict[str, str]) -> None:
        """
        Each server's name in C{pairs} stands for its shared name.
        """
        for theirs, shared in pairs.items():
            self.assertEqual(shared, naming.toShared(theirs))
            self.assertEqual(theirs, naming.toServer(shared))

    def refuses(self, text: str, naming: Naming, *names: str) -> None:
        """
        The server's C{names} cannot be carried over, for the reason C{text}.
        """
        for name in names:
            error = self.assertRaises(MailboxError, naming.toShared, name)
            self.assertIn(text, str(error))
            self.assertNotIn("\n", str(error))

    def unmappable(self, text: str, naming: Naming, *names: str) -> None:
        """
        The server can have no mailbox with one of the shared C{names}.
        """
        for name in names:
            error = self.assertRaises(MailboxError, naming.toServer, name)
            self.assertIn(text, str(error))

    def test_slashes(self) -> None:
        """
        A server with C{/} and no prefix uses the shared names.
        """
        self.check(
            Naming(),
            {
                "INBOX": "INBOX",
                "Work/Deep": "Work/Deep",
                "INBOX/Sub": "INBOX/Sub",
                "a.b": "a.b",
                'q"u\\o*t%e d': 'q"u\\o*t%e d',
                "tab\tin": "tab\tin",
                "INBOXES": "INBOXES",
            },
        )

    def test_dots(self) -> None:
        """
        Separator and prefix are the server's own affair.
        """
        self.check(
            DOTS,
            {
                "INBOX": "INBOX",
                "INBOX.Work.Deep": "Work/Deep",
                "INBOX.INBOX.Sub": "INBOX/Sub",
                "INBOX.user.bob": "user/bob",
                "INBOX.INBOXES": "INBOXES",
            },
        )

    def test_flat(self) -> None:
        """
        Without a separator, names have one level.
        """
        self.check(FLAT, {"INBOX": "INBOX", "a.b": "a.b"})
        self.unmappable("no levels", FLAT, "a/b")
        self.refuses('holds a "/"', FLAT, "a/b")

    def test_reference(self) -> None:
        """
        With a reference, everything is below it, INBOX too.
        """
        self.check(WORK, {"work/INBOX": "INBOX", "work/a/b": "a/b"})
        self.assertEqual("INBOX/x", WORK.toShared("work/Inbox/x"))
        for outside in ["INBOX", "work", "work/", "other", "workshop"]:
            self.assertIsNone(WORK.toShared(outside))

    def test_referenceInPlaceOfPrefix(self) -> None:
        """
        A reference is written as the server writes names: it has the prefix.
        """
        naming = Naming(".", prefix="INBOX.", reference="INBOX.old.")
        self.check(naming, {"INBOX.old.a.b": "a/b", "INBOX.old.INBOX": "INBOX"})
        self.assertIsNone(naming.toShared("INBOX.a"))
        self.assertIsNone(naming.toShared("INBOX"))

    def test_inboxInAnyCase(self) -> None:
        """
        The first level may spell INBOX as it likes, no other level may.
        """
        self.assertEqual("INBOX", Naming().toShared("inBox"))
        self.assertEqual("INBOX/sub", Naming().toShared("Inbox/sub"))
        self.assertEqual("a/inbox", Naming().toShared("a/inbox"))
        self.assertEqual("INBOX", FLAT.toShared("inbox"))
        self.assertEqual("Work", DOTS.toShared("inbox.Work"))
        self.assertEqual("Work", Naming(".", prefix="Inbox.").toShared("INBOX.Work"))
        # Upper case of a dotless i, but no INBOX.
        self.assertEqual("\u0131nbox", Naming().toShared("\u0131nbox"))

    def test_uniform(self) -> None:
        """
        Of all names it is only C{INBOX} itself that any case may be written in.
        """
        for name in "INBOX", "Inbox", "inbox":
            self.assertEqual("INBOX", uniform(name))
        for name in "Inbox/a", "in", "\u0131nbox", "":
            self.assertEqual(name, uniform(name))

    def test_inboxTwice(self) -> None:
        """
        What would have INBOX's shared name and is not INBOX is refused.
        """
        self.refuses("taken for INBOX", DOTS, "INBOX.INBOX", "INBOX.inbox")

    def test_otherNamespaces(self) -> None:
        """
        Other users' and shared mailboxes are not of this account, nor is what
        lies beside the prefix.
        """
        for name in ["user", "user.bob", "shared.x", "Stray", "INBOX."]:
            self.assertIsNone(DOTS.toShared(name))
        beside = Naming(foreign=("shared/",))
        self.assertIsNone(beside.toShared("shared"))
        self.assertIsNone(beside.toShared("shared/x"))
        self.assertEqual("sharedx", beside.toShared("sharedx"))
        self.unmappable("another use", beside, "shared", "shared/x")

    def test_furtherNamespaces(self) -> None:
        """
        What is in another personal namespace is called by its whole name, as is
        nothing else.
        """
        naming = Naming.of(".", "INBOX.", "", ["user."], [("Old.", "."), ("~", "/")])
        self.check(
            naming,
            {"INBOX.a.b": "a/b", "Old.a": "Old/a", "Old": "Old", "~x/y": "~x/y"},
        )
        self.refuses("another namespace", naming, "INBOX.Old.a", "INBOX.~x")
        self.assertIsNone(naming.toShared("Older"))
        self.assertIsNone(naming.toShared("user.a"))
        below = Naming.of(".", "INBOX.", "", ["Old.x."], [("Old.", ".")])
        self.assertIsNone(below.toShared("Old.x.a"))
        self.assertTrue(
            naming.overlaps(Naming.of(".", "INBOX.", "Old", (), [("Old.", ".")]))
        )
        self.assertIsNone(naming._replace(reference="x.").toShared("Old.a"))

    def test_openPrefix(self) -> None:
        """
        A prefix that lacks its separator ends with a level all the same, if it
        ends with a letter or digit.
        """
        naming = Naming.of("/", "", "", ["Shared", "~"])
        self.check(naming, {"Shared with Bob": "Shared with Bob"})
        for name in "Shared", "Shared/a", "~bob":
            self.assertIsNone(naming.toShared(name))
        self.assertEqual("a", Naming.of(".", "INBOX", "").toShared("INBOX.a"))

    def test_innermostNamespaceCounts(self) -> None:
        """
        Cyrus has all that is in no other namespace shared; a reference may
        point into a foreign one.
        """
        cyrus = Naming(".", prefix="INBOX.", foreign=("user.", ""))
        self.assertEqual("a", cyrus.toShared("INBOX.a"))
        self.assertIsNone(cyrus.toShared("a"))
        bob = Naming(".", reference="user.bob.", foreign=("user.", "user.bob.x."))
        self.assertEqual("a", bob.toShared("user.bob.a"))
        self.assertIsNone(bob.toShared("user.bob.x.a"))

    def test_separatorWithinLevel(self) -> None:
        """
        A level that holds the other separator is refused, never made two.
        """
        self.refuses('holds a "/"', DOTS, "INBOX.a/b", "INBOX./")
        self.unmappable('holds a "."', DOTS, "a.b", "x/a.b")

    def test_notNames(self) -> None:
        """
        Empty levels and control characters are refused, both ways.
        """
        empty = ["a//b", "a/", "/a", "/"]
        self.refuses("empty", Naming(), *empty)
        self.unmappable("empty", Naming(), *empty)
        control = ["a\nb", "a\rb", "a\0", "\x1b[m", "\x7f", "\x85"]
        self.refuses("control", Naming(), *control)
        self.unmappable("control", Naming(), *control)

    def test_typedReference(self) -> None:
        """
        A reference may be written with a slash, without the separator at its
        end, and without the prefix.
        """
        for text, root in (
            ("a/b", "INBOX.a.b."),
            ("INBOX.a", "INBOX.a."),
            ("inbox/a.", "inbox.a."),
            ("INBOXES", "INBOX.INBOXES."),
            ("shared.a/b", "shared.a.b."),
            ("INBOX", "INBOX."),
        ):
            naming = Naming.of(".", "INBOX.", text, ("user.", "shared."))
            self.assertEqual(root, naming.root)
        self.assertEqual("", Naming.of(".", "INBOX.", "INBOX.").reference)
        self.assertEqual("a/", Naming.of("/", "", "a").reference)
        self.assertEqual("a", Naming.of("", "", "a").reference)

    def test_overlaps(self) -> None:
        """
        Mailboxes below one reference may be those below another, or not.
        """
        one, two, three = (Naming.of(".", "INBOX.", t) for t in ("a", "a/b", "ab"))
        self.assertTrue(one.overlaps(two))
        self.assertTrue(two.overlaps(one))
        self.assertTrue(DOTS.overlaps(one))
        self.assertFalse(one.overlaps(three))

    def test_notCanonical(self) -> None:
        """
        Only a name that would come back as it is goes to the server.
        """
        self.unmappable("another use", Naming(), "inbox", "Inbox/x", "")

    def test_likeness(self) -> None:
        """
        A name that cannot be carried over has one that reads like it.
        """
        self.assertEqual("x/a/b", DOTS.likeness("INBOX.x.a/b"))
        self.assertEqual("INBOX/INBOX", DOTS.likeness("INBOX.INBOX"))
        self.assertEqual("&AGE-", Naming().likeness(decode(b"&AGE-")))
        self.assertEqual("a\ufffd&-", Naming().likeness(decode(b"a\xff&-")))

    @given(sharedNames, st.sampled_from(NAMINGS))
    def test_thereAndBack(self, name: str, naming: Naming) -> None:
        """
        A name that a server can have at all means the same mailbox on return.
        """
        try:
            theirs = naming.toServer(name)
        except MailboxError:
            return
        self.assertEqual(name, naming.toShared(theirs))

    @given(serverNames, serverNames, st.sampled_from(NAMINGS))
    def test_noTwoAreOne(self, one: str, two: str, naming: Naming) -> None:
        """
        Two mailboxes share a name only if they differ by the case of INBOX.
        """
        try:
            shared = naming.toShared(one), naming.toShared(two)
        except MailboxError:
            return
        if shared[0] is not None and shared[0] == shared[1]:
            self.assertEqual(one.lower(), two.lower())


class FromUserTests(SynchronousTestCase):
    """
    Tests for L{fromUser}.
    """

    def test_separators(self) -> None:
        """
        The local separator is understood, and C{/} as well.
        """
        self.assertEqual(("Work/Deep",), fromUser("Work.Deep", DOTS))
        self.assertEqual(("Work/Deep",), fromUser("Work/Deep", DOTS))
        self.assertEqual(("Work.Deep",), fromUser("Work.Deep", Naming()))
        self.assertEqual(("Work.Deep",), fromUser("Work.Deep", FLAT))

    def test_inbox(self) -> None:
        """
        INBOX may be typed in any case.
        """
        self.assertEqual(("INBOX",), fromUser("inbox", Naming()))
        self.assertEqual(("INBOX",), fromUser("inbox", DOTS))
        self.assertEqual(("INBOX/a",), fromUser("Inbox/a", Naming()))

    def test_prefix(self) -> None:
        """
        What begins with the prefix, or the reference, may be the server's own
        name; but it never means INBOX.
        """
        for text in ("INBOX.Work.Deep", "inbox/Work/Deep"):
            self.assertEqual(("INBOX/Work/Deep", "Work/Deep"), fromUser(text, DOTS))
        self.assertEqual(("work/a/b", "a/b"), fromUser("work/a/b", WORK))
        self.assertEqual(("INBOX/INBOX",), fromUser("INBOX.INBOX", DOTS))
        self.assertEqual(("user/bob",), fromUser("user.bob", DOTS))

    def test_noName(self) -> None:
        """
        What no mailbox can be named is not found.
        """
        for text in ["", "a//b", "a/", "x\n", "\udcff"]:
            error = self.assertRaises(NotFound, fromUser, text, Naming())
            str(error).encode("utf-8")
