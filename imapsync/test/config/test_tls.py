"""
Tests for L{imapsync.config.tls}.
"""

from __future__ import annotations

from imapsync.config.tls import TLSConfig
from imapsync.config.values import Fingerprint
from imapsync.errors import ConfigError
from imapsync.test.config.test_file import ConfigTestCase
from imapsync.test.integration.certificates import issue


class TLSTests(ConfigTestCase):
    """
    Tests for the options about TLS.
    """

    login = "username = me\npassword = secret\n"

    def test_all(self) -> None:
        """
        Each option has its value; files are looked for beside the
        configuration.
        """
        issue(self.folder)
        server = self.remote(
            f"{self.login}SSL_verify_trusted_peer = YES\n"
            f"SSL_fingerprint = sha1${'0a' * 20}\n"
            "SSL_cipher_list = HIGH\nSSL_ciphersuites = TLS_AES_128_GCM_SHA256\n"
            "SSL_protocol_min = TLSv1.2\nSSL_protocol_max = TLSv1.2\n"
            "SSL_ca_path = .\nSSL_ca_file = authority.pem\nSSL_hostname = example.org\n"
            "SSL_certificate = certificate.pem\nSSL_key = key.pem\n"
        )
        self.assertEqual(
            TLSConfig(
                verifyPeer=True,
                fingerprints=(Fingerprint("sha1", b"\n" * 20),),
                cipherList="HIGH",
                ciphersuites="TLS_AES_128_GCM_SHA256",
                protocolMin="TLSv1.2",
                protocolMax="TLSv1.2",
                caPath=f"{self.folder}/.",
                caFile=f"{self.folder}/authority.pem",
                hostname="example.org",
                certificate=f"{self.folder}/certificate.pem",
                key=f"{self.folder}/key.pem",
            ),
            server.tls,
        )

    def test_interimap(self) -> None:
        """
        The names that interimap uses will do.
        """
        (self.folder / "ca.pem").touch()
        tls = self.remote(
            f"{self.login}SSL_CApath = .\nSSL_CAfile = ca.pem\n"
            "SSL_cipherlist = HIGH\nSSL_verify = YES"
        ).tls
        self.assertEqual(
            (f"{self.folder}/.", f"{self.folder}/ca.pem", "HIGH"),
            (tls.caPath, tls.caFile, tls.cipherList),
        )

    def test_alias(self) -> None:
        """
        An option and its alias are the same option.
        """
        self.assertWrongRemote(
            "SSL_verify = YES\nSSL_verify_trusted_peer = NO",
            "2: SSL_verify_trusted_peer is given a second time, after line 5",
        )

    def test_noFile(self) -> None:
        """
        A file that cannot be read is told before anything is connected.
        """
        self.assertWrongRemote(
            f"{self.login}SSL_ca_file = none.pem",
            "3: SSL_ca_file in [remote] names a file that cannot be read:"
            f" {self.folder}/none.pem",
        )

    def test_protocols(self) -> None:
        """
        The highest protocol must not be below the lowest, be that the
        default.
        """
        self.assertWrongRemote(
            f"{self.login}SSL_protocol_max = TLSv1.1",
            "3: SSL_protocol_max in [remote] is below SSL_protocol_min (TLSv1.2)",
        )
        tls = self.remote(
            f"{self.login}SSL_protocol_max = TLSv1.1\nSSL_protocol_min = TLSv1"
        ).tls
        self.assertEqual(("TLSv1", "TLSv1.1"), (tls.protocolMin, tls.protocolMax))

    def test_ciphers(self) -> None:
        """
        Ciphers that there are not are told before anything is connected.
        """
        self.assertWrongRemote(
            "SSL_cipher_list = HIHG",
            '1: SSL_cipher_list in [remote] names no cipher that there is: "HIHG"',
        )

    def test_certificate(self) -> None:
        """
        So are a certificate and a key that cannot be used together.
        """
        certificate = issue(self.folder)
        (self.folder / "other").mkdir()
        (self.folder / "empty.pem").touch()
        pair = "SSL_certificate = certificate.pem\nSSL_key = "
        for text in (
            f"{pair}{issue(self.folder / 'other').key}",
            f"{pair}empty.pem",
            "SSL_certificate = certificate.pem",
            "SSL_certificate = empty.pem\nSSL_key = key.pem",
        ):
            self.assertWrongRemote(
                text,
                "1: SSL_certificate in [remote] cannot be used: it and its key must"
                " be in PEM format, belong together, and have no passphrase",
            )
        both = certificate.path.read_bytes() + certificate.key.read_bytes()
        (self.folder / "both.pem").write_bytes(both)
        self.remote("SSL_certificate = both.pem")

    def test_hostname(self) -> None:
        """
        The name to look for is an address, or a name as DNS has it; what cannot
        be one is told before anything is connected.
        """
        for value, hostname in {
            "Mail_1.Example.NET.": "mail_1.example.net",
            "M\xfcller.example": "xn--mller-kva.example",
            "10.0.0.1": "10.0.0.1",
            "[FE80::1]": "fe80::1",
        }.items():
            tls = self.remote(f"{self.login}SSL_hostname = {value}").tls
            self.assertEqual(hostname, tls.hostname)
        for value in (
            "mail..example",
            ".example",
            "*.example",
            "mail.example/",
            "https://mail.example",
            "mail.example:993",
            "mail.example, imap.example",
            f"{64 * 'a'}.example",
            ".".join(64 * ["mail"]),
            "m\xfc..example",
            60 * "\xfc" + ".example",
            "\u2603.example",
        ):
            error = self.assertRaises(
                ConfigError, self.remote, f"{self.login}SSL_hostname = {value}"
            )
            self.assertIn("7: SSL_hostname in [remote] must be a host's", str(error))
        error = self.assertRaises(
            ConfigError, self.remote, f"{self.login}SSL_hostname ="
        )
        self.assertIn("a name is always sent; remove the line", str(error))
