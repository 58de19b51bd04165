"""
Tests for L{imapsync.imap.auth.scram}.
"""

from __future__ import annotations

import base64
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imapsync.errors import Distrusted, ImapSyncError, ProtocolViolation
from imapsync.imap.auth.binding import Binding
from imapsync.imap.auth.exchange import Identity
from imapsync.imap.auth.scram import Scram
from imapsync.test.fakes.scram import ScramServer

ME = Identity("me", "secret")


class Vector(NamedTuple):
    """
    A login that an RFC shows, of C{user} with the password C{pencil}.
    """

    algorithm: str
    nonce: str
    first: bytes
    final: bytes
    signature: bytes


VECTORS = (
    # RFC 5802, 5.
    Vector(
        "sha1",
        "fyko+d2lbbFgONRv9qkxdawL",
        b"r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
        b"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,"
        b"p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
        b"v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
    ),
    # RFC 7677, 3.
    Vector(
        "sha256",
        "rOprNGfwEbeRWgbNEkqO",
        b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
        b"s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
        b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
        b"p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
        b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
    ),
)


def login(client: Scram, server: ScramServer) -> None:
    """
    Have them talk until the server is content.
    """
    final = client.respond(server.begin(client.initial or b""))
    last = client.respond(server.end(final))
    assert last == b"", last
    client.conclude()


class ScramTests(SynchronousTestCase):
    """
    A server that is what it should be.
    """

    def test_vectors(self) -> None:
        """
        The RFCs' own examples.
        """
        for vector in VECTORS:
            client = Scram(
                vector.algorithm, Identity("user", "pencil"), nonce=vector.nonce
            )
            self.assertEqual(f"n,,n=user,r={vector.nonce}".encode(), client.initial)
            self.assertEqual(vector.final, client.respond(vector.first))
            self.assertEqual(b"", client.respond(vector.signature))
            client.conclude()

    @given(
        st.sampled_from(("sha1", "sha256")),
        st.text(st.characters(max_codepoint=126), min_size=1),
        st.text(st.characters(max_codepoint=126)),
        st.text(st.characters(max_codepoint=126)),
        st.binary(min_size=1, max_size=40),
    )
    def test_login(
        self, algorithm: str, user: str, password: str, acting: str, salt: bytes
    ) -> None:
        """
        Whoever knows the password is let in, whatever is in the names.
        """
        server = ScramServer(algorithm, password, salt=salt)
        login(Scram(algorithm, Identity(user, password, acting)), server)
        self.assertEqual(user, server.user)
        acting = acting.replace("=", "=3D").replace(",", "=2C")
        self.assertEqual(f"n,{acting and 'a=' + acting},", server.header)

    def test_prepared(self) -> None:
        """
        User name and password are in the form that both ends make of them.
        """
        server = ScramServer("sha256", "IX")
        login(Scram("sha256", Identity("\u2168", "I\xadX")), server)
        self.assertEqual("IX", server.user)

    def test_nonce(self) -> None:
        """
        No two logins are alike.
        """
        self.assertEqual(9, len({Scram("sha1", ME).initial for _ in range(9)}))

    def test_bound(self) -> None:
        """
        A login can be tied to a connection, and only to that.
        """
        binding = Binding("tls-exporter", b"what both know", usual=True)
        server = ScramServer("sha256", "secret", binding.data)
        login(Scram("sha256", ME, binding), server)
        self.assertEqual("p=tls-exporter,,", server.header)
        client = Scram("sha256", ME, binding)
        server = ScramServer("sha256", "secret", b"of another connection")
        client.respond(server.end(client.respond(server.begin(client.initial or b""))))
        self.assertEqual("channel-bindings-dont-match", server.error)
        self.assertRaises(Distrusted, client.conclude)

    def test_bindable(self) -> None:
        """
        The server hears that we could have done so.
        """
        server = ScramServer("sha256", "secret")
        login(Scram("sha256", ME, bindable=True), server)
        self.assertEqual("y,,", server.header)

    def test_extension(self) -> None:
        """
        What a server adds that may be ignored is ignored.
        """
        client, server = Scram("sha1", ME), ScramServer("sha1", "secret")
        server.begin(client.initial or b"")
        server.first += b",x=more"
        final = server.end(client.respond(server.first))
        client.respond(final + b",y=more")
        client.conclude()
        self.assertIsNone(client.told)

    def test_wrongPassword(self) -> None:
        """
        What the server says of a wrong password is kept, and then left to it.
        """
        client, server = Scram("sha1", ME), ScramServer("sha1", "other")
        final = server.end(client.respond(server.begin(client.initial or b"")))
        self.assertEqual(b"", client.respond(final))
        self.assertEqual(("AUTHENTICATIONFAILED", "invalid-proof"), client.told)
        self.assertRaises(Distrusted, client.conclude)

    def test_otherError(self) -> None:
        """
        So is what has nothing to do with the credentials, be it early.
        """
        client = Scram("sha1", ME)
        self.assertEqual(b"", client.respond(b"e=no-resources,x=y"))
        self.assertEqual(("UNAVAILABLE", "no-resources"), client.told)
        self.assertRaises(Distrusted, client.conclude)
        self.assertRaises(ProtocolViolation, client.respond, b"e=again")


class HostileTests(SynchronousTestCase):
    """
    A server that is not what it should be.
    """

    def refused(self, first: bytes, kind: type[ImapSyncError], *words: str) -> None:
        """
        There is no answer to such a first message.
        """
        client = Scram("sha256", ME, nonce="ours")
        error = self.assertRaises(kind, client.respond, first)
        for word in words:
            self.assertIn(word, str(error))
        self.assertNotIn("\n", str(error))
        self.assertRaises(Distrusted, client.conclude)

    def test_nonce(self) -> None:
        """
        Its nonce must begin with ours, and not be ours.
        """
        for nonce in b"theirs", b"our", b"ours", b"OURS+theirs", b"":
            self.refused(b"r=%b,s=YWI=,i=4096" % nonce, Distrusted, "nonce")

    def test_iterations(self) -> None:
        """
        Neither so few that the proof is worth something to who hears it, nor so
        many that all else would stand still.
        """
        for count in 0, 1, 4095, 2_000_001, 10**11:
            first = b"r=ours+,s=YWI=,i=%d" % count
            self.refused(first, Distrusted, str(count), "between 4096")
        for odd in b"", b"-1", b"4096x", b"1e5", b" 4096", b"9" * 5000, b"\xb2":
            self.refused(b"r=ours+,s=YWI=,i=" + odd, ProtocolViolation, "count")

    def test_malformed(self) -> None:
        """
        All that is no first message: truncated, in another order, with something
        that must be understood, with a salt that is none.
        """
        for first in (
            *(b"", b"r=ours+", b"r=ours+,s=YWI=", b"s=YWI=,r=ours+,i=4096"),
            *(b"m=x,r=ours+,s=YWI=,i=4096", b"r=ours+,m=x,s=YWI=,i=4096"),
            *(b"r=ours+,s=YW,i=4096", b"r=ours+,s=!,i=4096", b"\xff\0\n", b"v=YWI="),
        ):
            self.refused(first, ProtocolViolation)

    def test_signature(self) -> None:
        """
        A wrong signature, or none, is no proof that it knows the password.
        """
        for final, kind in (
            (b"v=" + base64.b64encode(bytes(32)), Distrusted),
            (b"v=", Distrusted),
            (b"v=YWI=", Distrusted),
            (b"v=!", ProtocolViolation),
            (b"", ProtocolViolation),
            (b"V=YWI=", ProtocolViolation),
            (b"m=x,v=YWI=", ProtocolViolation),
        ):
            client, server = Scram("sha256", ME), ScramServer("sha256", "secret")
            client.respond(server.begin(client.initial or b""))
            self.assertRaises(kind, client.respond, final)

    def test_early(self) -> None:
        """
        One that lets us in before it has shown that it knows the password is not
        believed.
        """
        client, server = Scram("sha256", ME), ScramServer("sha256", "secret")
        self.assertRaises(Distrusted, client.conclude)
        client.respond(server.begin(client.initial or b""))
        error = self.assertRaises(Distrusted, client.conclude)
        self.assertIn("without a proof", str(error))

    def test_late(self) -> None:
        """
        Nor does it get a third answer.
        """
        client, server = Scram("sha256", ME), ScramServer("sha256", "secret")
        login(client, server)
        self.assertRaises(ProtocolViolation, client.respond, b"")

    @given(st.lists(st.binary(max_size=60), max_size=4), st.data())
    def test_anything(self, noise: list[bytes], data: st.DataObject) -> None:
        """
        Whatever a server says that does not know the password, it is not believed
        that it does, and fails in no other way than is told.
        """
        client, server = Scram("sha1", ME), ScramServer("sha1", "other")
        first = server.begin(client.initial or b"")
        try:
            for said in [*data.draw(st.sampled_from(([], [first]))), *noise]:
                cut = data.draw(st.integers(0, len(said)))
                client.respond(said[:cut] if data.draw(st.booleans()) else said)
        except (Distrusted, ProtocolViolation):
            pass
        self.assertRaises(Distrusted, client.conclude)
