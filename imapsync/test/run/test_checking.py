"""
Tests for L{imapsync.run.checking}: two servers in memory are looked at, and nothing is
changed in them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from twisted.internet import error
from twisted.python.failure import Failure

from imapsync.config.request import Request
from imapsync.config.tls import TLSConfig
from imapsync.config.values import Fingerprint
from imapsync.errors import ConfigError, Distrusted, Lost, MissingCapability, NotFound
from imapsync.model import Act, Side
from imapsync.service import Outcome
from imapsync.state.store import Store
from imapsync.test.fakes.schema import complaints
from imapsync.test.test_service import ServiceCase
from imapsync.testing.accounts import mail

CHECK = Request(check=True)
LOCAL, REMOTE = Side


class CheckCase(ServiceCase):
    """
    Two accounts, with some mail in one.
    """

    def setUp(self) -> None:
        """
        Make them, and have a login be asked for.
        """
        super().setUp()
        for account in (self.local, self.remote):
            account.greeting = "OK"
            account.capabilities |= {"ID"}
        self.world.fill(mail(1), mail(2))
        self.said: list[str] = []

    def check(self, code: int = 0, **arguments: Any) -> list[str]:
        """
        Look at them; nothing may have changed.

        @return: the lines that are told.
        """
        before = self.local.content, self.remote.content
        self.said.clear()
        request = arguments.pop("request", CHECK)
        self.outcome = self.serve(request, say=self.said.append, **arguments)
        self.assertEqual(code, self.outcome.code, self.outcome.text)
        self.assertEqual(before, (self.local.content, self.remote.content))
        for account in (self.local, self.remote):
            changing = "SELECT STORE APPEND CREATE DELETE RENAME SUBSCRIBE NOTIFY"
            self.assertEqual(0, account.count(*changing.split()))
        self.assertFalse(Path(self.world.database).exists())
        self.assertEqual([], [link for link in self.world.links if link.open])
        return [line for text in self.said for line in text.split("\n")]

    def document(self, code: int = 0, **arguments: Any) -> Any:
        """
        What machines are told.
        """
        written: list[str] = []

        def take(pieces: Iterable[str]) -> None:
            written.append("".join(pieces))

        request = arguments.pop("request", CHECK)._replace(json=True)
        self.assertEqual([], self.check(code, request=request, emit=take, **arguments))
        [text] = written
        document = json.loads(text)
        self.assertEqual([], complaints(document))
        self.assertEqual(("check", code), (document["kind"], document["exit"]))
        return document

    def tells(self, lines: list[str], *wanted: str) -> None:
        """
        These lines are among those that are told, in this order.
        """
        folded = [" ".join(line.split()) for line in lines]
        at = -1
        for one in wanted:
            self.assertIn(one, folded[at + 1 :], "\n".join(lines))
            at = folded.index(one, at + 1)


class WellTests(CheckCase):
    """
    All is well.
    """

    def test_steps(self) -> None:
        """
        Each step is told, of one side after the other.
        """
        lines = self.check()
        side = (
            "address 127.0.0.1, port 143",
            "TLS none: the line is not encrypted",
            "greeting ready",
            "mechanisms PLAIN",
            "login me by PLAIN",
            "required all is there",
            "helpful LITERAL+: messages are sent without waiting for leave",
            "missing COMPRESS=DEFLATE: nothing is compressed",
            'names without a prefix, levels by "/"',
            "mailboxes 1 of 1 selected, 1 subscribed; 0 mere names",
        )
        self.tells(
            lines,
            "/etc/imapsync",
            f"database {self.world.database}, which the first run makes",
            "local (imap://127.0.0.1:1)",
            *side,
            "messages 2 messages (octets are not told: STATUS=SIZE) in those selected",
            "quota the server does not tell (QUOTA)",
            "room nothing is to be copied here, as far as counts tell",
            "changes QRESYNC: the server tells what has changed",
            "live NOTIFY: changes in all mailboxes are told at once",
            "remote (imap://127.0.0.1:2)",
            *side,
            "messages 0 messages (0 octets) in those selected",
            "room about 2 messages (octets are not told: STATUS=SIZE) are to come;"
            " whether they fit is unknown",
        )
        self.assertEqual([], [line for line in lines if line.startswith("!")])

    def test_aligned(self) -> None:
        """
        There are two columns, of ASCII.
        """
        self.local.make("W\xf6rk")
        for line in self.check():
            self.assertTrue(line.isascii())
            if line.startswith("  "):
                self.assertRegex(line, r"^  [a-zA-Z ]{13} \S")

    def test_quiet(self) -> None:
        """
        A quiet one says nothing.
        """
        self.assertEqual([], self.check(verbose=False))

    def test_machines(self) -> None:
        """
        Machines are told the same.
        """
        for account in (self.local, self.remote):
            account.capabilities |= {"STATUS=SIZE", "QUOTA", "APPENDLIMIT=9000"}
        self.remote.quota = {"STORAGE": (1, 5), "MESSAGE": (0, 9)}
        told = self.document()
        local, remote = (told["checks"][str(side)] for side in Side)
        self.assertEqual(143, local["port"])
        self.assertIsNone(local["tls"])
        self.assertEqual((["PLAIN"], "PLAIN"), (local["offered"], local["mechanism"]))
        self.assertEqual("me", local["user"])
        self.assertIn("QRESYNC", local["capabilities"])
        self.assertIn("SPECIAL-USE", local["missing"])
        self.assertEqual(("notify", "qresync"), (local["live"], local["method"]))
        octets = len(mail(1)) + len(mail(2))
        self.assertEqual({"messages": 2, "octets": octets}, local["size"])
        self.assertEqual(local["size"], remote["coming"])
        self.assertEqual([], local["quotas"])
        self.assertIn(
            {"root": "User quota", "resource": "STORAGE", "used": 1024, "most": 5120},
            remote["quotas"],
        )
        self.assertEqual((9000, True), (remote["appendLimit"], remote["fits"]))
        self.assertFalse(told["exists"])
        self.assertEqual([], told["troubles"])

    def test_quotas(self) -> None:
        """
        Of more limits than anybody wants to read, some are told.
        """
        self.local.capabilities |= {"QUOTA"}
        self.local.quota = {f"X{number}": (1, 2) for number in range(12)}
        lines = self.check()
        self.tells(lines, "quota 1 X0 of 2 X0", "1 X9 of 2 X9", "and 2 more")
        self.assertFalse([line for line in lines if "X10" in line])

    def test_preauthenticated(self) -> None:
        """
        Where there is no login, none is told.
        """
        self.local.greeting = "PREAUTH"
        lines = self.check()
        self.tells(lines, "login the server let us in without one (PREAUTH)")

    def test_authorised(self) -> None:
        """
        Who logs in is told, and whose mail it is.
        """
        self.world.options[LOCAL]["authorizeAs"] = "her"
        self.tells(self.check(), "login me by PLAIN, for her")

    def test_tunnel(self) -> None:
        """
        A command has no address; what may be secret in it is not told.
        """
        self.world.options[LOCAL] |= {"type": "tunnel", "command": "local"}
        lines = self.check()
        self.tells(lines, "local (tunnel)", "command it runs", "greeting ready")
        self.assertNotIn("TLS", "".join(lines).partition("remote (")[0])

    def test_pushing(self) -> None:
        """
        How live mode would hear of changes is told.
        """
        self.local.capabilities -= {"NOTIFY"}
        self.remote.capabilities -= {"NOTIFY", "IDLE"}
        request = CHECK._replace(watch=7)
        self.tells(
            self.check(request=request),
            "live IDLE: one mailbox is listened to, for the others it is asked every"
            " 7 s (--watch)",
            "live neither NOTIFY nor IDLE: it is asked every 7 s (--watch)",
        )
        told = self.document()["checks"]
        self.assertEqual(
            "idle poll", f"{told['local']['live']} {told['remote']['live']}"
        )

    def test_odd(self) -> None:
        """
        What cannot be meant is told.
        """
        self.local.capabilities |= {"LOGINDISABLED"}
        self.local.capabilities -= {"CONDSTORE"}
        self.tells(
            self.check(),
            "odd QRESYNC without CONDSTORE: taken for there all the same",
            "LOGINDISABLED though the login is done: of no effect",
        )

    def test_names(self) -> None:
        """
        Prefixes, other namespaces and names that are alike are told; and mere names are
        no mailboxes.
        """
        self.remote.namespaces = '(("INBOX/" "/")) (("user/" "/")) NIL'
        self.local.make("Work")
        self.local.make("work")
        self.remote.levels.add("INBOX/Level")
        lines = self.check()
        self.tells(
            lines,
            'alike "Work" and "work": some servers take these for one',
            'names below "INBOX/", levels by "/"',
            'besides: "user/"',
            "mailboxes 1 of 1 selected, 1 subscribed; 1 mere names",
        )

    def test_database(self) -> None:
        """
        A database that is in use is told, and whose it is; it is not opened.
        """
        self.local.greeting = self.remote.greeting = "OK"
        self.assertEqual(Outcome(0), self.serve())
        path = Path(self.world.database)
        before = path.read_bytes(), sorted(path.parent.iterdir())
        state = Store.open(str(path))
        said: list[str] = []
        self.assertEqual(Outcome(0), self.serve(CHECK, say=said.append))
        state.close()
        self.assertIn(
            f"{path} (of local me@127.0.0.1 and remote me@127.0.0.1)", said[0]
        )
        self.assertEqual(before[1], sorted(path.parent.iterdir()))

    def test_readOnly(self) -> None:
        """
        Nothing comes to a side that is only read.
        """
        lines = self.check(changes={"readOnly": (REMOTE,)})
        self.tells(lines, "room nothing is to be copied here (read-only)")
        lines = self.check(changes={"allow": {REMOTE: (Act.CREATE,)}})
        self.tells(lines, "room nothing is to be copied here (no append in allow)")


class WrongTests(CheckCase):
    """
    Something is wrong.
    """

    def test_trust(self) -> None:
        """
        A certificate that is not trusted is told all the same, with fingerprints to
        be copied; and the other side is looked at.
        """
        self.world.options[LOCAL]["type"] = "imaps"
        lines = self.check(Distrusted.code)
        self.assertIn("self-signed certificate", self.outcome.text)
        self.assertRegex("\n".join(lines), r"fingerprint +sha256\$[0-9a-f]{64}\n")
        self.assertRegex("\n".join(lines), r"of its key +sha256\$[0-9a-f]{64}\n")
        self.assertRegex("\n".join(lines), r"! TLS +its certificate, issued by")
        self.tells(lines, "remote (imap://127.0.0.1:2)", "login me by PLAIN")
        self.assertEqual([], self.check(Distrusted.code, verbose=False))
        told = self.document(Distrusted.code)
        self.assertIn("self-signed", told["error"])
        local = told["checks"]["local"]
        self.assertEqual("TLS", local["step"])
        self.assertRegex(local["tls"]["fingerprint"], r"^sha256\$")
        self.assertIsNone(told["servers"]["local"]["greeting"])
        self.assertIsNone(told["checks"]["remote"]["error"])

    def test_unchecked(self) -> None:
        """
        Nobody is told that a certificate is good which nobody looks at.
        """
        self.world.options[LOCAL] |= {
            "type": "imaps",
            "tls": TLSConfig(verifyPeer=False),
        }
        lines = self.check()
        self.assertRegex("\n".join(lines), r"certificate +of .*; not checked \(SSL_ver")

    def test_fingerprint(self) -> None:
        """
        What is told can be used as it is.
        """
        self.world.options[LOCAL] |= {
            "type": "imaps",
            "tls": TLSConfig(verifyPeer=False),
        }
        told = self.document()["checks"]["local"]["tls"]
        self.assertEqual("TLSv1.3", told["version"])
        self.assertNotEqual(told["fingerprint"], told["keyFingerprint"])

    def test_login(self) -> None:
        """
        A login that is refused, on both sides: each is told where it is, and the first
        one ends the program.
        """
        for account in (self.local, self.remote):
            account.answers["AUTHENTICATE"] = "NO [AUTHENTICATIONFAILED] no"
        lines = self.check(Distrusted.code)
        refused = [line for line in lines if line.startswith("! login")]
        self.assertEqual(2, len(refused))
        self.assertTrue(self.outcome.text.startswith("local (imap://127.0.0.1:1): "))
        lines = self.check(Distrusted.code, verbose=False)
        [only] = lines
        self.assertTrue(only.startswith("remote (imap://127.0.0.1:2): the login was"))

    def test_mechanism(self) -> None:
        """
        What the server offers is told above all if nothing of it will do.
        """
        self.remote.capabilities -= {"AUTH=PLAIN"}
        self.remote.capabilities |= {"AUTH=GSSAPI"}
        lines = self.check(Distrusted.code)
        self.tells(lines, "remote (imap://127.0.0.1:2)", "mechanisms GSSAPI")
        self.assertTrue(any(line.startswith("! login") for line in lines))

    def test_unreached(self) -> None:
        """
        A server that cannot be reached.
        """
        connect = self.reactor.connectTCP

        def refuse(host: str, port: int, factory: Any, *rest: Any, **named: Any) -> Any:
            if port == 2:
                reason = Failure(error.ConnectionRefusedError())
                return factory.clientConnectionFailed(None, reason)
            return connect(host, port, factory, *rest, **named)

        self.reactor.connectTCP = refuse  # type: ignore[method-assign]
        lines = self.check(Lost.code)
        self.assertRegex(lines[-1], r"^! address +cannot be reached: .*refused")
        self.tells(lines, "local (imap://127.0.0.1:1)", "login me by PLAIN")

    def test_lacking(self) -> None:
        """
        What lacks is told, and what else there is.
        """
        self.local.capabilities -= {"IMAP4rev1"}
        lines = self.check(MissingCapability.code)
        text = "\n".join(lines)
        self.assertRegex(
            text, r"required +lacks IMAP4REV1; one of IMAP4REV1, IMAP4REV2"
        )
        self.assertRegex(text, r"! capabilities +the server lacks IMAP4REV1, without")
        self.tells(
            lines, "helpful LITERAL+: messages are sent without waiting for leave"
        )
        self.assertEqual(
            ["IMAP4REV1"],
            self.document(MissingCapability.code)["checks"]["local"]["lacking"],
        )

    def test_ways(self) -> None:
        """
        It is told in which way changes on a server are found out, and what kind of
        server it is.
        """
        self.local.capabilities -= {"QRESYNC"}
        self.remote.capabilities -= {"QRESYNC", "CONDSTORE", "NOTIFY"}
        self.remote.salutation = "Courier-IMAP ready."
        lines = self.check()
        self.tells(
            lines,
            "changes CONDSTORE: the server tells what is new or changed; what has"
            " vanished is found by comparing UIDs",
            "kind Courier",
            "changes comparing: what is there is compared with what was there",
        )
        document = self.document()
        checks, servers = document["checks"], document["servers"]
        for side, method, kind in (
            ("local", "condstore", None),
            ("remote", "comparing", "Courier"),
        ):
            self.assertEqual(method, checks[side]["method"])
            self.assertEqual(method, servers[side]["method"])
            self.assertEqual(kind, checks[side]["kind"])

    def test_notice(self) -> None:
        """
        What there is to be known of a kind of server is told.
        """
        self.remote.salutation = "Proton Mail Bridge 03.12.00 - gluon session ID 1"
        text = "it writes messages anew, so that their octets differ"
        self.tells(self.check(), f"kind Proton Bridge: {text}")

    def test_room(self) -> None:
        """
        What will not fit is wrong, though a run could begin.
        """
        for account in (self.local, self.remote):
            account.capabilities |= {"STATUS=SIZE", "QUOTA"}
        self.local.inbox.add(mail(3, 1 << 20))
        self.remote.quota = {"STORAGE": (90, 100)}
        [line] = self.check(1, verbose=False)
        self.assertEqual(
            "remote (imap://127.0.0.1:2): about 3 messages (1.0 MiB) are to come, but"
            " only 10.0 KiB are free: make room, or select fewer mailboxes",
            line,
        )
        self.assertFalse(self.document(1)["checks"]["remote"]["fits"])
        self.assertTrue(self.document(1)["checks"]["local"]["fits"])
        self.remote.quota = {"STORAGE": (99, 100)}
        self.local.inbox.expunge(1, 2)
        [line] = self.check(1, verbose=False)
        self.assertIn("about 1 message (1.0 MiB) is to come, but", line)

    def test_refusedNames(self) -> None:
        """
        Mailboxes that a run would have to leave alone are named.
        """
        self.remote.separator = "."
        self.local.make("a.b")
        lines = self.check(1)
        self.assertRegex(
            lines[-1], r"^! mailboxes +a\.b: cannot be created on remote: "
        )
        [trouble] = self.document(1)["troubles"]
        self.assertEqual("a.b", trouble["mailbox"])

    def test_notFound(self) -> None:
        """
        So is one that was asked for, and is nowhere; but of one side alone, that says
        nothing.
        """
        request = CHECK._replace(mailboxes=("Nowhere",))
        self.check(NotFound.code, request=request)
        self.assertIn("Nowhere", self.outcome.text)
        self.remote.greeting = "BYE"
        lines = self.check(Lost.code, request=request)
        self.tells(lines, "mailboxes 0 of 1 selected, 1 subscribed; 0 mere names")

    def test_oneSide(self) -> None:
        """
        Of one side alone, what is selected is told as far as it is known.
        """
        self.remote.make("Work")
        self.remote.make("Unsubscribed", subscribed=False)
        self.local.greeting = "BYE"
        lines = self.check(Lost.code)
        self.tells(lines, "mailboxes 2 of 3 selected, 2 subscribed; 0 mere names")
        self.assertIsNone(self.document(Lost.code)["checks"]["remote"]["coming"])

    def test_cut(self) -> None:
        """
        A connection that is cut off while it is asked, at first and later on.
        """
        remote = self.remote

        def cut() -> None:
            remote.downLeft = 1

        def later() -> None:
            remote.before["LIST"] = cut

        remote.before["LIST"] = cut
        lines = self.check(Lost.code)
        self.assertRegex(lines[-1], r"^! mailboxes +the connection was lost")
        self.tells(lines, "mailboxes 1 of 1 selected, 1 subscribed; 0 mere names")
        remote.before["LIST"] = later
        *_, head, last = self.check(Lost.code)
        self.assertEqual("both sides", head)
        self.assertRegex(last, r"^! mailboxes +remote \(\S+\): the connection was lost")
        remote.before["LIST"] = later
        told = self.document(Lost.code)
        self.assertIn("the connection was lost", told["error"])
        self.assertIsNone(told["checks"]["remote"]["error"])

    def test_fingerprinted(self) -> None:
        """
        Where only the fingerprint counts, and it is another one.
        """
        tls = TLSConfig(verifyPeer=False, fingerprints=(Fingerprint("sha256", b"x"),))
        self.world.options[LOCAL] |= {"type": "imaps", "tls": tls}
        lines = self.check(Distrusted.code)
        text = "\n".join(lines)
        self.assertRegex(text, r"certificate +of .*; only SSL_fingerprint counts\n")
        self.assertRegex(text, r"! TLS +its certificate has the digest sha256\$")

    def test_one(self) -> None:
        """
        Both sides are one account.
        """
        self.remote = self.world.accounts[REMOTE] = self.local
        lines = self.check(ConfigError.code)
        self.assertIn("are one account, by two names", self.outcome.text)
        self.assertRegex(lines[-1], r"^! mailboxes +/etc/imapsync: local \(")
        self.local.guids = True
        self.check(ConfigError.code)

    def test_refusedList(self) -> None:
        """
        A server that does not even list its mailboxes.
        """
        self.local.answers["LIST"] = "NO [SERVERBUG] broken"
        lines = self.check(Lost.code)
        self.assertIn("broken", self.outcome.text)
        self.assertTrue(any(line.startswith("! mailboxes") for line in lines))

    def test_untold(self) -> None:
        """
        A server that offers to tell of sizes and quotas, and then does not.
        """
        for account in (self.local, self.remote):
            account.capabilities |= {"STATUS=SIZE", "QUOTA"}
        self.remote.answers["GETQUOTAROOT"] = "NO not now"
        self.local.refusal = lambda heard: "NO" if "SIZE" in heard else ""
        lines = self.check()
        self.tells(
            lines,
            "messages 2 messages (octets are not told: STATUS=SIZE) in those selected",
            "quota the server does not tell (QUOTA)",
        )

    def test_stopped(self) -> None:
        """
        It can be given up.
        """
        self.local.stalls, self.local.downLeft = True, 200
        finished = self.start(CHECK, say=self.said.append)
        self.assertNoResult(finished)
        stopping = self.service.stopService()
        self.world.pump()
        self.successResultOf(stopping)
        outcome = self.successResultOf(finished)
        self.assertEqual((Lost.code, "interrupted"), outcome[:2])
        self.assertEqual([], self.said)

    def test_damaged(self) -> None:
        """
        A database that cannot be read.
        """
        path = Path(self.world.database)
        path.write_text("This is no database, but long enough to be one.")
        said: list[str] = []
        outcome = self.serve(CHECK, say=said.append, verbose=False)
        self.assertEqual(Outcome(1), outcome)
        self.assertEqual([f"database: {path}, which cannot be read"], said)

    def test_hostile(self) -> None:
        """
        What servers say of themselves does no harm to a terminal.
        """
        self.local.salutation = "\x1b[2J\x07hi"
        for account in (self.local, self.remote):
            account.capabilities |= {"AUTH=\x1b[31m"}
        self.local.make("a\tb\x85")
        lines = self.check(1)
        for line in lines:
            self.assertTrue(line.isprintable())
