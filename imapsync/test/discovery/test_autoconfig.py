"""
Tests for L{imapsync.discovery.autoconfig}.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imapsync.discovery.address import Address
from imapsync.discovery.autoconfig import domains, read, urls
from imapsync.discovery.proposal import Proposal

ME = Address("me", "example.org")

#: As providers have it.
DOCUMENT = """\
<?xml version="1.0" encoding="UTF-8"?>
<clientConfig version="1.1">
  <emailProvider id="example.org">
    <domain>example.org</domain>
    <displayName>An Example &amp; Co</displayName>
    <incomingServer type="imap">
      <hostname>start.example.org</hostname>
      <port>143</port>
      <socketType>STARTTLS</socketType>
      <authentication>password-cleartext</authentication>
      <username>%EMAILLOCALPART%</username>
    </incomingServer>
    <incomingServer type="imap">
      <hostname> IMAP.example.org </hostname>
      <port>993</port>
      <socketType>SSL</socketType>
      <username>%EMAILADDRESS%</username>
      <authentication>OAuth2</authentication>
      <authentication>password-encrypted</authentication>
    </incomingServer>
    <incomingServer type="pop3">
      <hostname>pop.example.org</hostname>
      <port>995</port>
      <socketType>SSL</socketType>
      <username>%EMAILADDRESS%</username>
    </incomingServer>
    <incomingServer type="imap">
      <hostname>plain.example.org</hostname>
      <port>143</port>
      <socketType>plain</socketType>
      <username>%EMAILADDRESS%</username>
    </incomingServer>
    <outgoingServer type="smtp">
      <hostname>smtp.example.org</hostname>
      <port>465</port>
      <socketType>SSL</socketType>
    </outgoingServer>
  </emailProvider>
</clientConfig>
"""


def server(**changes: str) -> bytes:
    """
    A document with one server.
    """
    values = {
        "hostname": "imap.example.org",
        "port": "993",
        "socketType": "SSL",
        "username": "%EMAILADDRESS%",
        **changes,
    }
    parts = "".join(f"<{name}>{value}</{name}>" for name, value in values.items())
    return (
        "<clientConfig><emailProvider><incomingServer type='imap'>"
        f"{parts}</incomingServer></emailProvider></clientConfig>"
    ).encode()


class ReadTests(SynchronousTestCase):
    """
    Tests for L{read}.
    """

    def read(self, document: bytes) -> tuple[Proposal, ...]:
        """
        The servers in it.
        """
        return read(document, ME, "told", True)

    def test_document(self) -> None:
        """
        The servers of IMAP with TLS are found, those first that begin with it; the
        names of users are as the provider wants them.
        """
        scram = ("SCRAM-SHA-256", "SCRAM-SHA-1", "CRAM-MD5")
        tls = ("imap.example.org", 993, "imaps", "me@example.org", "told", True)
        start = ("start.example.org", 143, "imap", "me", "told", True)
        self.assertEqual(
            (Proposal(*tls, scram, True), Proposal(*start)),
            self.read(DOCUMENT.encode()),
        )

    def test_usual(self) -> None:
        """
        Where passwords are sent as they are, nothing is special; what is not known
        is passed over.
        """
        document = server().replace(
            b"</username>",
            b"</username><authentication>password-encrypted</authentication>"
            b"<authentication>password-cleartext</authentication>"
            b"<authentication>GSSAPI</authentication>",
        )
        [found] = self.read(document)
        self.assertEqual(((), False), (found.auth, found.oauth2))

    def test_unfit(self) -> None:
        """
        What could end up as something else in a configuration is no server.
        """
        for changes in (
            *({"hostname": name} for name in ("", "a b", "a/b", "x\npassword = y")),
            *({"port": port} for port in ("", "0", "99999", "imap", "993\n")),
            *({"socketType": kind} for kind in ("", "plain", "ssl")),
            *({"username": name} for name in ("", "a\nb", "x" * 400)),
        ):
            if changes.get("port") == "993\n":
                continue  # white space around a value does not count
            self.assertEqual((), self.read(server(**changes)), changes)

    def test_declared(self) -> None:
        """
        A document that declares entities is refused before they grow.
        """
        for declared in (
            '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>',
            '<!DOCTYPE x SYSTEM "file:///etc/passwd">',
        ):
            document = f"<?xml version='1.0'?>{declared}<clientConfig>&b;"
            error = self.assertRaises(ValueError, self.read, document.encode())
            self.assertIn("declares", str(error))

    def test_malformed(self) -> None:
        """
        What is no such document is refused.
        """
        for document in (b"", b"<html><br></html>", b"<a>" * 50, b"\xff\xfe\x00"):
            self.assertRaises(ValueError, self.read, document)
        self.assertEqual((), self.read(b"<html><p>Not found</p></html>"))

    def test_encoding(self) -> None:
        """
        A document says in which encoding it is, which may be one that nobody knows.
        """
        head = "<?xml version='1.0' encoding='{}'?>"
        for name in ("iso-8859-1", "us-ascii", "UTF-8"):
            document = head.format(name).encode() + server()
            self.assertEqual(1, len(self.read(document)))
        for name in ("none", "hex", "rot13", "idna", "utf-7", "big5", "punycode"):
            document = head.format(name).encode() + server()
            self.assertRaises(ValueError, self.read, document)

    @given(st.binary(max_size=200))
    def test_any(self, octets: bytes) -> None:
        """
        Whatever is published, it is understood or refused.
        """
        for document in (octets, DOCUMENT.encode()[:400] + octets):
            try:
                self.read(document)
            except ValueError:
                continue


class PlacesTests(SynchronousTestCase):
    """
    Where documents are.
    """

    def test_urls(self) -> None:
        """
        Only the domain itself learns the address, written as an URL has it.
        """
        first, second = urls(Address("me+x&y", "example.org"))
        asked = "mail/config-v1.1.xml?emailaddress=me%2Bx%26y%40example.org"
        self.assertEqual(f"https://autoconfig.example.org/{asked}", first)
        self.assertEqual(f"https://example.org/.well-known/autoconfig/{asked}", second)

    def test_domains(self) -> None:
        """
        A mail exchange's provider is known by the end of its name.
        """
        self.assertEqual(
            ["l.google.com", "google.com"], [*domains("aspmx.l.google.com")]
        )
        self.assertEqual(["example.net"], [*domains("mx.example.net")])
        self.assertEqual([], [*domains("mx.example")])
        self.assertEqual([], [*domains("")])
