"""
Tests for L{imapsync.config.ini}.
"""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imapsync.config import ini, section
from imapsync.errors import ConfigError

GRAMMAR = section.Grammar(
    sections={
        section.DEFAULT: ("database",),
        "local": ("host", "SSL_ca_file"),
        "remote": ("host", "SSL_ca_file"),
    },
    aliases={"SSL_CAfile": "SSL_ca_file"},
)


def parsed(data: bytes) -> dict[str, dict[str, str]]:
    """
    The values of each section.
    """
    return {
        name: {option: each.value for option, each in section.options.items()}
        for name, section in ini.parse("FILE", data, GRAMMAR).items()
    }


class ParseTests(SynchronousTestCase):
    """
    Tests for L{ini.parse}.
    """

    def assertWrong(self, data: bytes, message: str) -> None:
        """
        Assert that C{data} is refused with C{message}.
        """
        error = self.assertRaises(ConfigError, parsed, data)
        self.assertEqual(f"FILE:{message}", str(error))

    def test_sections(self) -> None:
        """
        Lines before the first heading are the default section.
        """
        self.assertEqual(
            {"": {"database": "x.db"}, "local": {"host": "a"}, "remote": {}},
            parsed(b"database = x.db\n[local]\nhost=a\n[ remote ]\t\n"),
        )

    def test_empty(self) -> None:
        """
        An empty file has a default section without options.
        """
        self.assertEqual({"": {}}, parsed(b""))

    def test_names(self) -> None:
        """
        Option names may have any case, and hyphens for underscores; aliases
        stand for the names of the manual.
        """
        for name in (b"ssl-CA-file", b"SSL_ca_file", b"SSL_CAfile", b"ssl_cafile"):
            self.assertEqual(
                {"SSL_ca_file": "x"}, parsed(b"[local]\n" + name + b"=x")["local"]
            )

    def test_comments(self) -> None:
        """
        A comment starts at the beginning of a line, and nowhere else.
        """
        self.assertEqual(
            {"database": "a # b ; c"},
            parsed(b"# one\n; two\n\n \t\ndatabase = a # b ; c\n")[""],
        )

    def test_values(self) -> None:
        """
        Values are taken as they stand, spaces around them excepted.
        """
        for value in ('"a b"', "%(x)s $y", "a = b", "[c]", "'", "ä", "\u00a0x\u00a0"):
            data = f"database =\t {value} \t\n".encode()
            self.assertEqual({"database": value}, parsed(data)[""])

    def test_windows(self) -> None:
        """
        A byte order mark and CRLF line ends do not matter.
        """
        self.assertEqual(
            {"": {"database": "x"}, "local": {}},
            parsed(b"\xef\xbb\xbfdatabase = x\r\n\r\n[local]\r\n"),
        )

    def test_notUTF8(self) -> None:
        """
        The line with bytes that are not UTF-8 is named.
        """
        self.assertWrong(
            b"\xef\xbb\xbf# x\n\xe4\n", "2: not UTF-8 text: save the file as UTF-8"
        )

    def test_control(self) -> None:
        """
        Control characters are refused: what is meant by them is unclear, and
        a NUL would break commands and credentials.
        """
        for octets in (b"\0", b"\r", b"\x1b", b"\x7f", b"\xc2\x85"):
            self.assertWrong(
                b"\ndatabase = a" + octets + b"b",
                "2: a control character: remove it",
            )

    def test_indented(self) -> None:
        """
        An indented line is refused, and not shown: it may be a secret that
        was meant to go on.
        """
        for line in (b"  secret", b"\tsecret = 1", b" # secret", b" [local]"):
            self.assertWrong(
                b"database = a\n" + line,
                "2: the line is indented: start it at its beginning"
                " (a value ends with its line)",
            )

    def test_noAssignment(self) -> None:
        """
        A line without an equals sign, or without a name before it, is refused
        and not shown.
        """
        for line in (b"password secret", b"= secret", b"host: secret"):
            self.assertWrong(
                line, "1: expected OPTION = VALUE, [SECTION] or a # comment"
            )

    def test_heading(self) -> None:
        """
        Nothing may surround a heading.
        """
        for line in (b"[local", b"[local] # x", b"[[local]]"):
            self.assertWrong(line, "1: a section heading is [NAME] and nothing else")

    def test_unknownSection(self) -> None:
        """
        The nearest section is named, or both.
        """
        self.assertWrong(
            b"\n[Remote]", "2: unknown section [Remote]; did you mean [remote]?"
        )
        self.assertWrong(b"[]", "1: unknown section []; there are [local], [remote]")

    def test_unknownOption(self) -> None:
        """
        The nearest option of the same section is named.
        """
        self.assertWrong(
            b"[local]\nhots = a",
            '2: unknown option "hots" in [local]; did you mean host?',
        )
        self.assertWrong(b"zzz=a", '1: unknown option "zzz" in the default section')

    def test_foreignOption(self) -> None:
        """
        An option in the wrong section is told where it belongs.
        """
        self.assertWrong(
            b"HOST = a",
            '1: unknown option "HOST" in the default section;'
            " it belongs to [local] and [remote]",
        )

    def test_repeatedOption(self) -> None:
        """
        An option may be given once in a section, by whatever name.
        """
        self.assertWrong(
            b"[local]\nSSL_CAfile=a\nssl-ca-file=a",
            "3: SSL_ca_file is given a second time, after line 2",
        )

    def test_repeatedSection(self) -> None:
        """
        A section may be given once.
        """
        self.assertWrong(
            b"[local]\n[remote]\n[local]",
            "3: section [local] is given a second time, after line 1",
        )

    @given(st.binary() | st.text("[]=# \t\r\nlocahst").map(str.encode))
    @example(b"\xef\xbb\xbf\xff")
    def test_anything(self, data: bytes) -> None:
        """
        Whatever stands in a file, it is parsed, or refused in one line.
        """
        try:
            parsed(data)
        except ConfigError as error:
            self.assertRegex(str(error), r"\AFILE:[0-9]+: [^\n\r]+\Z")
