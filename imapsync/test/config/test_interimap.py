"""
What of interimap's configuration is understood, and what is told of the rest.
"""

from __future__ import annotations

from imapsync.model import Side
from imapsync.test.config.test_file import LOCAL, REMOTE, ConfigTestCase

#: Every option that means the same there.
_SAME = """\
database = imap.example.net.db
list-mailbox = "Lists/*" INBOX
list-select-opts = SUBSCRIBED
[local]
type = tunnel
command = doveadm exec imap
null-stderr = YES
list-reference = perso/
[remote]
type = imaps
host = [2001:db8::1]
port = 993
proxy = socks5h://localhost:9050
username = guilhem
password = secret
auth = PLAIN LOGIN
compress = YES
SSL_protocol_min = TLSv1.2
SSL_protocol_max = TLSv1.3
SSL_cipherlist = HIGH
SSL_ciphersuites = TLS_AES_128_GCM_SHA256
SSL_fingerprint = sha1$29111aea5d5be7e448bdc5c6e8a9d03bc9221c53
SSL_verify = YES
SSL_hostname = imap.example.net
"""


class InterimapTests(ConfigTestCase):
    """
    A configuration that interimap has read so far.
    """

    def test_same(self) -> None:
        """
        Most of it is understood as it is.
        """
        config = self.load(_SAME)
        self.assertEqual((), config.warnings)
        self.assertTrue(config.servers[Side.REMOTE].tls.verifyPeer)

    def test_others(self) -> None:
        """
        What is not is told, with what to do about it.
        """
        self.assertWrong(
            f"log-prefix = %n:\n{LOCAL}{REMOTE}",
            "1: there is no option log-prefix here: remove it; each line of the log"
            " names side and mailbox",
        )
        self.assertWrong(
            f"{LOCAL}{REMOTE}ssl_protocols = TLSv1.3",
            "8: there is no option SSL_protocols here: use SSL_protocol_min and"
            " SSL_protocol_max",
        )
        separator = r"must write the hierarchy separator as /, not \x00"
        self.assertWrong(
            f"ignore-mailbox = ^virtual(?:\\x00|$)\n{LOCAL}{REMOTE}",
            f"1: ignore-mailbox in the default section {separator}",
        )
        self.assertWrong(
            f'list-mailbox = "a\\x00b"\n{LOCAL}{REMOTE}',
            f"1: list-mailbox in the default section {separator}",
        )

    def test_names(self) -> None:
        """
        There may be names that look so; what else they may be meant to be is told.
        """
        for line in "list-mailbox = &AMk-t&AOk-", "ignore-mailbox = ^&AMk-t":
            config = self.load(f"{line}\n{LOCAL}{REMOTE}")
            option, _, _ = line.partition(" ")
            self.assertEqual(
                (
                    f"{self.file}:1: {option} in the default section is in UTF-8 here:"
                    " it may have to be É for &AMk-",
                ),
                config.warnings,
            )
        config = self.load(f"{LOCAL}list-reference = &AMk-/\n{REMOTE}")
        [warning] = config.warnings
        self.assertIn("list-reference in [local] is in UTF-8 here", warning)
        self.assertEqual(
            (), self.load(f"list-mailbox = R&D-x\n{LOCAL}{REMOTE}").warnings
        )
