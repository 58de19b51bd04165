"""
Tests of what the integration tests stand on: servers, accounts, messages.
"""

from __future__ import annotations

import hashlib
import os
import select
import shlex
import shutil
import socket
import ssl
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from OpenSSL import crypto
from twisted.trial.unittest import SynchronousTestCase

from imapsync.test import children
from imapsync.test.integration import certificates
from imapsync.test.integration.accounts import (
    Account,
    CommandFailed,
    Snapshot,
    decoded,
    encoded,
)
from imapsync.test.integration.dovecot import (
    Dovecot,
    Settings,
    maildirServer,
    mdboxServer,
)
from imapsync.test.integration.messages import mails, messages
from imapsync.test.integration.server import PASSWORD, freshUser

NOON = datetime(2024, 2, 29, 12, tzinfo=timezone.utc)


class DovecotTests(SynchronousTestCase):
    """
    Servers start, speak, stop and are as their settings say.
    """

    def server(self, settings: Settings) -> Dovecot:
        """
        A server of this test's own.
        """
        server = Dovecot(settings)
        self.addCleanup(server.close)
        return server

    def test_layouts(self) -> None:
        """
        Each layout keeps a message and what belongs to it.
        """
        for layout in ("mdbox", "sdbox", "maildir"):
            account = self.server(Settings(layout=layout)).account("user")
            self.addCleanup(account.close)
            uid = account.append("INBOX", b"\r\nhello\r\n", ["\\Seen", "Blue"], NOON)
            [message] = account.messages("INBOX").values()
            self.assertEqual(1, uid)
            self.assertEqual(
                hashlib.sha256(b"\r\nhello\r\n").hexdigest(), message.digest
            )
            self.assertEqual({"\\seen", "blue"}, message.flags)
            self.assertEqual(NOON, message.date)

    def test_namespace(self) -> None:
        """
        Names are the same whatever the separator and the prefix.
        """
        server = self.server(Settings("maildir", separator=".", prefix="INBOX."))
        account = server.account("user")
        self.addCleanup(account.close)
        account.create("Work/Größe & so")
        account.subscribe("Work/Größe & so")
        snapshot = account.snapshot()
        self.assertEqual({"INBOX", "Work/Größe & so"}, set(snapshot.mailboxes))
        self.assertEqual({"Work/Größe & so"}, snapshot.subscribed)
        listed = server.doveadm("mailbox", "list", "-u", "user")
        self.assertIn("INBOX.Work.Größe & so", listed.splitlines())

    def test_restart(self) -> None:
        """
        What was stored is there after a stop and after a kill, on the same
        port.
        """
        server = self.server(Settings())
        port = server.port
        server.account("user").append("INBOX", b"\r\n1\r\n")
        server.restart()
        server.account("user").append("INBOX", b"\r\n2\r\n")
        server.kill()
        self.assertRaises(OSError, server.account, "user")
        server.restart()
        self.assertEqual([1, 2], server.account("user").uids("INBOX"))
        self.assertEqual(port, server.port)

    def test_close(self) -> None:
        """
        A closed server leaves nothing behind.
        """
        server = Dovecot(Settings())
        server.close()
        self.assertFalse(server.directory.exists())
        self.assertRaises(OSError, server.account, "user")

    def test_orphan(self) -> None:
        """
        A server does not outlive the process that made it, even if that is
        killed.
        """
        maker = children.begun(
            [sys.executable, "-c", _MAKER],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            stdout=children.PIPE,
        )
        self.addCleanup(children.ended, maker)
        assert maker.stdout is not None
        self.addCleanup(maker.stdout.close)
        directory = Path(os.fsdecode(maker.stdout.readline().strip()))
        self.addCleanup(shutil.rmtree, directory)
        master = os.pidfd_open(int((directory / "base/master.pid").read_text()))
        self.addCleanup(os.close, master)
        maker.kill()
        ended, _, _ = select.select([master], [], [], 20)
        self.assertEqual([master], ended)

    def test_capability(self) -> None:
        """
        A server can hide what it can do.
        """
        server = self.server(Settings(capability="IMAP4rev1 UIDPLUS"))
        told = _dialogue(server, f"a LOGIN user {PASSWORD}", "b CAPABILITY")
        self.assertIn("* CAPABILITY IMAP4rev1 UIDPLUS", told)

    def test_everything(self) -> None:
        """
        By default, a server offers all that imapsync can use.
        """
        *_, capabilities, _ = _dialogue(
            mdboxServer(), f"a LOGIN user {PASSWORD}", "b CAPABILITY"
        )
        wanted = (
            "QRESYNC UIDPLUS MULTIAPPEND LITERAL+ NOTIFY COMPRESS=DEFLATE LIST-STATUS"
        )
        self.assertLessEqual(set(wanted.split()), set(capabilities.split()))

    def test_plaintext(self) -> None:
        """
        A server can refuse passwords outside TLS; an account gets in all the
        same.
        """
        server = self.server(Settings(plaintext=False))
        [greeting, *_] = _dialogue(server)
        self.assertIn("LOGINDISABLED", greeting)
        self.assertEqual([], server.account("user").uids("INBOX"))

    def test_wrongPassword(self) -> None:
        """
        A wrong password is refused, without delay.
        """
        server = mdboxServer()
        self.assertRaises(
            CommandFailed, Account, server.host, server.port, "user", "wrong"
        )

    def test_limits(self) -> None:
        """
        A server can refuse what is too much or too big.
        """
        server = self.server(Settings(messageLimit=1, sizeLimit=1000))
        account = server.account("user")
        self.assertRaises(CommandFailed, account.append, "INBOX", b"\r\n" + b"x" * 1000)
        account.append("INBOX", b"\r\nfits\r\n")
        self.assertRaises(CommandFailed, account.append, "INBOX", b"\r\ntoo\r\n")
        self.assertEqual([1], account.uids("INBOX"))

    def test_extra(self) -> None:
        """
        More lines for the configuration are heeded.
        """
        server = self.server(Settings(extra="login_greeting = Moin."))
        [greeting] = _dialogue(server)
        self.assertIn("Moin.", greeting)

    def test_tunnel(self) -> None:
        """
        The tunnel's command reaches the user's mail, logged in already.
        """
        for server in (mdboxServer(), maildirServer()):
            user = freshUser()
            server.account(user).append("INBOX", b"\r\nhello\r\n")
            output = children.done(
                shlex.split(server.tunnelCommand(user)),
                input=b"a STATUS INBOX (MESSAGES)\r\nb LOGOUT\r\n",
                capture_output=True,
            ).stdout
            self.assertTrue(output.startswith(b"* PREAUTH "), output)
            self.assertIn(b"* STATUS INBOX (MESSAGES 1)", output)

    def test_shared(self) -> None:
        """
        The shared servers are started once, and no user is met twice.
        """
        self.assertIs(mdboxServer(), mdboxServer())
        self.assertIsNot(mdboxServer(), maildirServer())
        self.assertNotEqual(freshUser(), freshUser())


class CertificateTests(SynchronousTestCase):
    """
    A server shows the certificate that its settings ask for.
    """

    def handshake(self, server: Dovecot, name: str) -> bytes:
        """
        The certificate, in DER, that a careful client accepts.
        """
        authority = str(server.certificate.authority)
        context = ssl.create_default_context(cafile=authority)
        with (
            socket.create_connection((server.host, server.tlsPort), 20) as connection,
            context.wrap_socket(connection, server_hostname=name) as secured,
        ):
            certificate = secured.getpeercert(binary_form=True)
            assert certificate is not None
            return certificate

    def test_trusted(self) -> None:
        """
        The authority vouches for the server's names, and the fingerprint is
        that of what it shows.
        """
        server = mdboxServer()
        for name in certificates.LOOPBACK:
            shown = self.handshake(server, name)
            fingerprint = hashlib.sha256(shown).hexdigest()
            self.assertEqual(server.certificate.fingerprint, fingerprint)

    def test_keyFingerprint(self) -> None:
        """
        The key's fingerprint is what OpenSSL makes of the certificate.
        """
        certificate = mdboxServer().certificate
        key = _loaded(certificate.path).get_pubkey()
        spki = crypto.dump_publickey(crypto.FILETYPE_ASN1, key)
        fingerprint = hashlib.sha256(spki).hexdigest()
        self.assertEqual(certificate.keyFingerprint, fingerprint)

    def test_distrusted(self) -> None:
        """
        Other names, and a certificate that has expired, are found out.
        """
        for settings, why in (
            (Settings(names=["mail.example"]), "mismatch"),
            (Settings(expired=True), "expired"),
        ):
            server = Dovecot(settings)
            self.addCleanup(server.close)
            error = self.assertRaises(
                ssl.SSLCertVerificationError, self.handshake, server, "localhost"
            )
            self.assertIn(why, str(error))

    def test_selfSigned(self) -> None:
        """
        One that nobody else vouches for is its own authority.
        """
        server = Dovecot(Settings(selfSigned=True))
        self.addCleanup(server.close)
        self.assertTrue(self.handshake(server, "localhost"))
        issuer = _loaded(server.certificate.path).get_issuer()
        self.assertEqual("localhost", issuer.CN)


class AccountTests(SynchronousTestCase):
    """
    What is done to an account shows in its snapshot.
    """

    def setUp(self) -> None:
        """
        The same user on both shared servers.
        """
        user = freshUser()
        self.accounts = [mdboxServer().account(user), maildirServer().account(user)]
        for account in self.accounts:
            self.addCleanup(account.close)

    def snapshots(self) -> Sequence[Snapshot]:
        """
        What both accounts hold.
        """
        return [account.snapshot() for account in self.accounts]

    def test_equal(self) -> None:
        """
        The same mail gives the same snapshot, whatever the server makes of
        layout, separator and UIDs.
        """
        for account in self.accounts:
            account.append("INBOX", b"\r\nonly here for its UID\r\n")
            account.expunge("INBOX", account.uids("INBOX")[: len(self.accounts)])
            account.create("Work/Déjà vu")
            account.subscribe("Work/Déjà vu")
            uids = account.fill("Work/Déjà vu", mails(40))
            self.assertEqual(uids, account.uids("Work/Déjà vu"))
        here, there = self.snapshots()
        self.assertEqual([], here.differences(there))
        self.assertEqual(here, there)
        self.assertEqual(40, here.mailboxes["Work/Déjà vu"].total())
        self.assertEqual({"Work/Déjà vu"}, here.subscribed)

    def test_differences(self) -> None:
        """
        Every difference is told: a message, a flag, a date, a copy too many,
        a mailbox, a subscription.
        """
        ours, theirs = self.accounts
        for account in self.accounts:
            account.fill("INBOX", mails(5))
        ours.append("INBOX", b"\r\nnew\r\n")
        theirs.store("INBOX", [2], "+FLAGS (Late)")
        ours.create("Box")
        theirs.subscribe("INBOX")
        here, there = self.snapshots()
        self.assertNotEqual(here, there)
        told = here.differences(there)
        self.assertEqual(5, len(told), told)
        self.assertIn("here only: Box exists", told)
        self.assertIn("there only: INBOX is subscribed", told)

    def test_copies(self) -> None:
        """
        Two equal messages are not one.
        """
        ours, theirs = self.accounts
        for account, count in ((ours, 2), (theirs, 1)):
            account.fill("INBOX", [next(mails(1))] * count)
        here, there = self.snapshots()
        self.assertEqual(1, len(here.differences(there)))

    def test_changes(self) -> None:
        """
        Mailboxes and messages can be changed in every way.
        """
        for account in self.accounts:
            account.create("A/B")
            account.fill("A/B", mails(3))
            account.subscribe("A/B")
            account.rename("A/B", "C")
            account.unsubscribe("A/B")
            account.expunge("C", [2])
            account.store("C", [1, 3], "FLAGS (\\Flagged Red)")
            account.create("Gone")
            account.delete("Gone")
            found = account.messages("C")
            self.assertEqual([1, 3], account.uids("C"))
            self.assertEqual({"\\flagged", "red"}, found[3].flags)
        here, there = self.snapshots()
        self.assertEqual([], here.differences(there))

    def test_refused(self) -> None:
        """
        What the server refuses is an error.
        """
        for account in self.accounts:
            account.create("Box")
            self.assertRaises(CommandFailed, account.create, "Box")
            self.assertRaises(CommandFailed, account.append, "None", b"\r\nx\r\n")

    def test_names(self) -> None:
        """
        Names with quotes, wildcards and other special characters come back
        as they were given.
        """
        names = {'a "quoted" one', "back\\slash", "100% *", "& [x] {3}", "日本語/&-"}
        for account in self.accounts:
            for name in names:
                account.create(name)
            self.assertLessEqual(names, set(account.snapshot().mailboxes))

    def test_knownNames(self) -> None:
        """
        Modified UTF-7 is as the RFC has it (RFC 3501, 5.1.3).
        """
        self.assertEqual(
            "~peter/mail/&U,BTFw-/&ZeVnLIqe-", encoded("~peter/mail/台北/日本語")
        )
        self.assertEqual("&-", encoded("&"))

    @given(st.text())
    def test_anyName(self, name: str) -> None:
        """
        Modified UTF-7 keeps every name.
        """
        self.assertEqual(name, decoded(encoded(name)))


class MessagesTests(SynchronousTestCase):
    """
    The generated messages are of every kind, and always the same.
    """

    def test_deterministic(self) -> None:
        """
        A seed always makes the same messages, another seed makes others.
        """
        self.assertEqual(list(messages(50)), list(messages(50)))
        self.assertEqual(list(mails(50)), list(mails(50)))
        self.assertFalse(set(messages(50)) & set(messages(50, seed=2)))

    def test_kinds(self) -> None:
        """
        All that is hard about messages is among them.
        """
        made = list(messages(50))
        self.assertTrue([m for m in made if m.startswith(b"\r\n")], "no header")
        self.assertTrue([m for m in made if m.endswith(b"\r\n\r\n")], "no body")
        self.assertTrue([m for m in made if b"Message-ID:" not in m], "no Message-ID")
        self.assertTrue([m for m in made if b"multipart/mixed" in m], "multipart")
        self.assertTrue([m for m in made if b"=?utf-8?B?" in m], "encoded header")
        self.assertTrue([m for m in made if not m.isascii()], "8-bit")
        self.assertTrue(
            [m for m in made if max(map(len, m.split(b"\n"))) > 9999], "long"
        )
        self.assertIn(2, Counter(made).values(), "duplicates")

    def test_clean(self) -> None:
        """
        Nothing is in them that servers change: NUL, or a CR or LF alone.
        """
        for message in messages(50):
            self.assertNotIn(b"\0", message)
            rest = message.replace(b"\r\n", b"")
            self.assertFalse(set(rest) & set(b"\r\n"))

    def test_size(self) -> None:
        """
        Most are about as big as asked for.
        """
        sizes = sorted(map(len, messages(100, size=30_000)))
        self.assertTrue(20_000 < sizes[50] < 40_000, sizes)


_MAKER = """
import time
from imapsync.test.integration.dovecot import Dovecot, Settings
server = Dovecot(Settings())
print(server.directory, flush=True)
time.sleep(60)
"""


def _dialogue(server: Dovecot, *commands: str) -> list[str]:
    """
    The lines with which a server greets and answers.
    """
    with (
        socket.create_connection((server.host, server.port), 20) as connection,
        connection.makefile("rw", newline="") as stream,
    ):
        lines = [stream.readline()]
        for command in commands:
            stream.write(f"{command}\r\n")
            stream.flush()
            while not lines[-1].startswith(f"{command.split()[0]} "):
                lines.append(stream.readline())
        return [line.rstrip("\r\n") for line in lines]


def _loaded(path: Path) -> crypto.X509:
    return crypto.load_certificate(crypto.FILETYPE_PEM, path.read_bytes())
