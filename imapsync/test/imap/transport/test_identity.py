"""
Tests for L{imapsync.imap.transport.identity}: which certificate is whose.
"""

from __future__ import annotations

import ipaddress
import ssl

from imapsync.imap.transport.certificate import Certificate, Host
from imapsync.imap.transport.identity import identify, isFor
from imapsync.test.fakes import x509
from imapsync.test.fakes.handshakes import HandshakeCase
from imapsync.test.fakes.x509 import address, der, dns, hosts, named, oid, sequence

#: What stands in certificates, but names no host by the rules.
ODD = {
    "a name of one label under a wildcard": dns(b"*.lan"),
    "any name": dns(b"*"),
    "an address as a name": dns(b"10.0.0.1"),
    "a URL as a name": dns(b"https://mail.example/"),
    "a URI with a port": der(0x86, b"https://mail.example:8443/"),
    "a URI without a host": der(0x86, b"urn:uuid:1"),
    "UTF-8": dns("m\xfcller.example".encode()),
    "Latin-1": dns(b"m\xfcller.example"),
    "nothing": dns(b""),
    "blanks": dns(b"  "),
    "dots": dns(b".."),
    "a wildcard in the middle": dns(b"mail.*.some.example"),
    "a wildcard within a label": dns(b"ma*l.some.example"),
    "two wildcards": dns(b"*.*.some.example"),
    "a NUL": dns(b"mail.example\0.evil.example"),
    "a long name": dns(b"a" * 5000 + b".example"),
    "an address of five octets": address(b"\x0a\0\0\0\1"),
    "an address of none": address(b""),
    "an address with its mask": address(b"\x0a\0\0\0\xff\0\0\0"),
    "a user": der(
        0xA0, oid("1.3.6.1.4.1.311.20.2.3"), der(0xA0, der(0x0C, b"me@mail.example"))
    ),
    "a service": der(
        0xA0, oid("1.3.6.1.5.5.7.8.7"), der(0xA0, der(0x16, b"_imaps\xff.example"))
    ),
    "mail": der(0x81, b"me@mail.example"),
    "a directory's name": der(0xA4, named(b"mail.example")),
    "an X.400 address": der(0xA3, b""),
    "an object": der(0x88, oid("1.2.3")[2:]),
}


class NameTests(HandshakeCase):
    """
    Tests for certificates and the names in them.
    """

    def names(self, *entries: bytes) -> None:
        """
        Give the server a certificate with this subjectAltName.
        """
        self.forge(x509.Draft(subject=sequence(), extensions=[hosts(*entries)]))

    def test_name(self) -> None:
        """
        A certificate for the host's name, in any case and with a final dot,
        is accepted.
        """
        self.accepted(self.trust("mail.example"))
        self.accepted(self.trust("MAIL.example."))
        self.names(dns(b"Mail.EXAMPLE."))
        self.accepted(self.trust("mail.example"))

    def test_address(self) -> None:
        """
        A host that is given by its address must have that in its
        certificate.
        """
        self.accepted(self.trust("127.0.0.1"))
        self.accepted(self.trust("::1"))
        self.accepted(self.trust("0:0::1"))
        self.assertIn("not for 127.0.0.2", self.refused(self.trust("127.0.0.2")))

    def test_zone(self) -> None:
        """
        The zone of a link-local address is not part of what is certified.
        """
        self.names(address(ipaddress.ip_address("fe80::1").packed))
        self.accepted(self.trust("fe80::1%eth0"))

    def test_foreignName(self) -> None:
        """
        A name that is not the host's is a failure that tells both.
        """
        reason = self.refused(self.trust("imap.example"))
        self.assertIn("for mail.example, 127.0.0.1, ::1, not for imap.example", reason)
        self.assertIn("see host and SSL_hostname", reason)

    def test_foreignHostname(self) -> None:
        """
        Where SSL_hostname says which name to look for, that is to be seen.
        """
        reason = self.refused(self.trust(hostname="imap.example"))
        self.assertIn("not for imap.example; see SSL_hostname", reason)

    def test_wildcard(self) -> None:
        """
        A wildcard stands for one label.
        """
        self.issue("*.some.example")
        self.accepted(self.trust("mail.some.example"))
        self.refused(self.trust("some.example"))
        self.refused(self.trust("a.mail.some.example"))
        self.refused(self.trust("mailsome.example"))

    def test_international(self) -> None:
        """
        A name beyond ASCII is looked for in its IDNA form, in any case.
        """
        self.issue("xn--mller-kva.example")
        self.accepted(self.trust("m\xfcller.example"))
        self.accepted(self.trust("M\xdcLLER.example."))
        self.accepted(self.trust("xn--mller-kva.example"))
        self.refused(self.trust("mueller.example"))

    def test_internationalWildcard(self) -> None:
        """
        A wildcard stands for a label beyond ASCII as for any other (RFC 9525,
        6.3).
        """
        self.issue("*.some.example")
        self.accepted(self.trust("m\xfcller.some.example"))
        self.issue("*.xn--mller-kva.example")
        self.accepted(self.trust("mail.m\xfcller.example"))

    def test_odd(self) -> None:
        """
        An odd entry does not make the others void: each is judged by itself,
        wherever it stands.
        """
        good = (dns(b"mail.example"), address(b"\xc0\0\2\1"))
        for what, odd in ODD.items():
            for entries in ((odd, *good), (good[0], odd, good[1]), (*good, odd)):
                self.names(*entries)
                for host in ("mail.example", "192.0.2.1"):
                    self.assertEqual("", self.refusal(self.trust(host)), what)

    def test_oddAlone(self) -> None:
        """
        Alone, such an entry is for no host.
        """
        for what, odd in ODD.items():
            self.names(odd)
            for host in ("mail.example", "nas.lan", "10.0.0.1", "mail.some.example"):
                self.assertIn(", not for ", self.refusal(self.trust(host)), what)

    def test_oddTold(self) -> None:
        """
        It is told that such a name does not count, although it looks as if it
        did.
        """
        for host, entry in {"nas.lan": b"*.lan", "10.0.0.1": b"10.0.0.1"}.items():
            self.names(dns(entry))
            name = entry.decode()
            self.assertIn(
                f"is for {name} (which is no valid name), not for {host}",
                self.refused(self.trust(host)),
            )
        self.names(address(b"\x0a\0\0\0\1\xff"))
        self.assertIn(
            "is for 0a00000001ff (which is no address), not for 10.0.0.1",
            self.refused(self.trust("10.0.0.1")),
        )

    def test_many(self) -> None:
        """
        Of thousands of names each counts, and an error tells a few.
        """
        self.names(*(dns(b"h%d.example" % number) for number in range(1500)))
        self.accepted(self.trust("h1499.example"))
        reason = self.refused(self.trust("mail.example"))
        self.assertIn("h9.example and 1490 more, not for mail.example", reason)

    def test_noName(self) -> None:
        """
        A trusted certificate that names no host at all is not for any host.
        """
        self.forge(x509.Draft(subject=sequence()))
        self.assertIn(
            "is for no host at all, not for mail.example", self.refused(self.trust())
        )

    def test_commonName(self) -> None:
        """
        A name in the subject does not count (RFC 9525, 2), which is told,
        whatever else is in the subjectAltName.
        """
        for extensions in ((), (hosts(),), (hosts(der(0x81, b"me@mail.example")),)):
            self.forge(x509.Draft(extensions=extensions))
            reason = self.refused(self.trust())
            self.assertIn("only in its subject (CN=mail.example)", reason)
            self.assertIn("subjectAltName", reason)
            self.assertIn("SSL_fingerprint", reason)


class OpenSSLTests(HandshakeCase):
    """
    OpenSSL, which Python has check names, judges as we do.
    """

    #: It passes over final dots, and over wildcards for labels with underscores.
    entries = (
        b"mail.example *.example *.some.example MAIL.some.example m*.some.example"
        b" *m.some.example *.*.example mail.*.example * *. *..example .example"
        b" xn--mller-kva.some.example xn--*.some.example *.xn--mller-kva.example"
        b" *.co.example 10.0.0.1 mail.some.example\0 mail_1.some.example"
    ).split(b" ")
    names = (
        "mail.example some.example mail.some.example a.mail.some.example example nas"
        " xn--mller-kva.some.example mail.xn--mller-kva.example x.co.example 10.0.0.1"
        " -mail.some.example"
    ).split()

    def accepts(self, host: str) -> bool:
        """
        Whether it takes the server for this host.
        """
        theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        theirs.load_cert_chain(self.certificate.path, self.certificate.key)
        ours = ssl.create_default_context(cafile=str(self.certificate.authority))
        there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
        client = ours.wrap_bio(back, there, server_hostname=host)
        server = theirs.wrap_bio(there, back, server_side=True)
        for end in (client, server, client):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLCertVerificationError as error:
                self.assertIn("mismatch", str(error))
                return False
        return True

    def test_names(self) -> None:
        """
        So it does for all these entries and hosts.
        """
        root = x509.authority()
        for entry in self.entries:
            leaf = x509.Draft(subject=sequence(), extensions=[hosts(dns(entry))])
            self.forge(leaf, root=root)
            certificate = Certificate("", "", "", "", b"", (Host(False, entry),))
            self.assertEqual(
                [name for name in self.names if self.accepts(name)],
                [name for name in self.names if isFor(certificate, identify(name))],
                entry,
            )
