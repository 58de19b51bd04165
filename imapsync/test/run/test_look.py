"""
Tests for L{imapsync.run.look}, L{imapsync.imap.plain} and
L{imapsync.imap.transport.replay}.
"""

from __future__ import annotations

import gc
import socket
from collections.abc import Callable
from contextlib import closing
from typing import Any

import imapsync
from imapsync.config.proxy import Proxy
from imapsync.config.request import Request
from imapsync.errors import StateError
from imapsync.model import Side
from imapsync.run import look as module
from imapsync.run.look import NET, Looked, look
from imapsync.state.file import StateFile
from imapsync.state.looks import LookTable
from imapsync.state.store import Store
from imapsync.test.fakes.nets import Adopting, Nets, Socket
from imapsync.test.test_service import ServiceCase
from imapsync.testing.accounts import Account, mail

LOCAL, REMOTE = Side


class LookCase(ServiceCase):
    """
    Two accounts, equal after a first run.
    """

    def setUp(self) -> None:
        """
        Sync them.
        """
        super().setUp()
        self.world.fill(mail(1), mail(2))
        self.remote.make("Work").add(mail(3))
        for account in (self.local, self.remote):
            account.greeting = "OK"
        self.reactor = self.adopting = Adopting(self.world)
        self.assertEqual(0, self.serve().code)
        self.forget()

    def forget(self) -> None:
        """
        What was said, and to whom.
        """
        for account in (self.local, self.remote):
            account.heard.clear()
        self.nets = Nets(self.world)

    def look(
        self,
        request: Request | None = None,
        ahead: tuple[str, ...] = (),
        **changes: Any,
    ) -> Looked:
        """
        Take a first look.
        """
        config = self.world.settings(**changes)
        return look(config, request or Request(), ahead, self.nets.net())

    def goOn(self, looked: Looked, **arguments: Any) -> None:
        """
        Have an ordinary run go on.
        """
        access: Any = {
            str(side): self.nets.access(self.adopting, connection)
            for side, connection in looked.connections.items()
        }
        self.outcome = self.serve(**access, **arguments)

    def said(self, account: Account) -> list[str]:
        """
        The verbs that a server has heard.
        """
        return [line.partition(" ")[0] for line in account.heard]

    def assertNothing(self) -> None:
        """
        The first look finds nothing to do, and takes its leave.
        """
        looked = self.look()
        self.assertEqual(2, len(looked.summary), self.said(self.local))
        self.assertEqual({}, looked.connections)
        for account in (self.local, self.remote):
            self.assertEqual("LOGOUT", self.said(account)[-1])
            self.assertEqual(0, account.count("SELECT"))
        self.assertTrue(all(one.closed for one in self.nets.sockets.values()))

    def assertGoesOn(self, code: int = 0, logins: int = 1, **arguments: Any) -> None:
        """
        The first look finds something; the ordinary run goes on, and nothing is
        said twice.
        """
        looked = self.look()
        self.assertEqual((), looked.summary)
        self.assertFalse(any(one.closed for one in self.nets.sockets.values()))
        self.goOn(looked, **arguments)
        self.assertEqual(code, self.outcome.code, (self.outcome, self.logged))
        if not code:
            self.assertTrue(self.world.equal)
            for account in (self.local, self.remote):
                self.assertEqual(logins, account.count("AUTHENTICATE"))
                self.assertEqual(logins, account.count("ENABLE"))
        self.assertClosed()


class NothingTests(LookCase):
    """
    Nothing has changed.
    """

    def test_nothing(self) -> None:
        """
        It says so in the words of any run, and so does the one after it.
        """
        for _ in range(2):
            self.assertNothing()
            self.forget()
        total, spent = self.look().summary
        zeros = "0 copied, 0 moved, 0 duplicated, 0 flagged, 0 expunged"
        self.assertEqual(f"Total: {zeros}", total)
        self.assertRegex(spent, r"^[0-9]+ octets in [0-9.]+ s\.$")
        before = self.logged[-2:]
        self.forget()
        self.assertEqual(0, self.serve().code)
        after = [line.removeprefix("info: ") for line in self.logged[-2:]]
        self.assertEqual(total, after[0])
        self.assertNotEqual(before, after)

    def test_asOrdinary(self) -> None:
        """
        It says the same as any run, and as many octets go over the net, but for
        who is asked about INBOX.
        """
        self.look()
        first = list(self.local.heard)
        self.forget()
        self.serve()
        ordinary = [line for line in self.local.heard if "INBOX" not in line]
        self.assertEqual([one.split(" ")[0] for one in ordinary], self.verbs(first))

    def verbs(self, lines: list[str]) -> list[str]:
        """
        The verbs of commands.
        """
        return [line.split(" ")[0] for line in lines]

    def test_split(self) -> None:
        """
        Octets may come as they like.
        """
        for chunk in (1, 2, 7, 100):
            self.forget()
            self.local.chunk = self.remote.chunk = chunk
            self.assertNothing()

    def test_credentials(self) -> None:
        """
        Those that a command can only hold as literals are sent as such.
        """
        for password in ("p\xe4ss", 'a"b\\c'):
            for account in (self.local, self.remote):
                account.capabilities -= {"AUTH=PLAIN"}
            for side in Side:
                self.world.options[side] = {"auth": ("LOGIN",), "password": password}
            self.forget()
            self.assertEqual(0, self.serve().code, self.logged)
            self.forget()
            self.assertNothing()
            self.assertEqual(1, self.local.count("LOGIN"))

    def test_restrained(self) -> None:
        """
        A server to which one command is sent at a time gets no more here, whoever goes
        on.
        """
        for side in Side:
            self.world.options[side] = {"commandsInFlight": 1}
        self.assertEqual(0, self.serve().code)
        self.forget()
        self.assertNothing()
        self.forget()
        self.local.inbox.add(mail(9))
        self.assertGoesOn()

    def test_farewell(self) -> None:
        """
        A server that does not answer LOGOUT is waited for some seconds, and one
        that just hangs up, none.
        """
        said = []

        def leave(ends: bool) -> None:
            for one in self.nets.sockets.values():
                if one.account.count("LOGOUT"):
                    one.dialogue.said().clear()
                    one.dialogue.closing = False
                    one.ended = ends
                    said.append(one)

        for ends in (True, False):
            self.forget()
            self.nets.before = lambda ends=ends: leave(ends)  # type: ignore[misc]
            self.assertNothing()
            self.assertTrue(said)
            self.assertEqual(ends, self.nets.seconds < 1)
            self.assertLess(self.nets.seconds, 6)

    def test_written(self) -> None:
        """
        The database is written as by any run, and what was seen is kept.
        """
        with closing(Store.open(self.world.database)) as state:
            kept = state.cleanLook
        self.assertNothing()
        with closing(Store.open(self.world.database)) as state:
            self.assertEqual(kept, state.cleanLook)
            self.assertLess(state.sinceSynced(), 60)


class ChangedTests(LookCase):
    """
    Something has, and the ordinary run goes on with what was begun.
    """

    def changes(self) -> list[Callable[[], Any]]:
        """
        Ways in which another client changes something.
        """
        uid, *_ = self.remote.inbox.messages
        return [
            lambda: self.local.inbox.add(mail(9)),
            lambda: self.remote.inbox.flag(uid, "\\Seen"),
            lambda: self.remote.inbox.expunge(uid),
            lambda: self.local.make("New"),
            lambda: self.remote.rename("Work", "Play"),
        ]

    def test_changed(self) -> None:
        """
        It does what there is to be done.
        """
        for change in self.changes():
            self.forget()
            change()
            self.assertGoesOn()
            self.assertEqual(0, self.serve().code)  # not every run that did something
            self.forget()  # leaves what another may rely on
            self.assertNothing()

    def test_split(self) -> None:
        """
        Wherever octets come apart.
        """
        for number, chunk in enumerate((1, 3, 50), 10):
            self.forget()
            self.local.chunk = self.remote.chunk = chunk
            self.local.inbox.add(mail(number))
            self.assertGoesOn()

    def test_anywhere(self) -> None:
        """
        Whenever it turns out that the first look will not do, the ordinary run
        goes on.
        """
        for octets in range(0, 700, 9):
            self.forget()
            self.local.chunk = self.remote.chunk = 9
            self.local.inbox.add(mail(octets + 100))
            left = [octets]

            def silence(left: list[int] = left) -> None:
                left[0] -= 9
                if left[0] < 0:
                    raise OSError

            self.nets.before = silence
            self.assertGoesOn()

    def test_room(self) -> None:
        """
        Wherever there is no room to send more, the ordinary run sends the rest; and
        nobody is told.
        """
        send = Socket.send
        for octets in range(0, 500, 11):
            self.forget()
            self.local.inbox.add(mail(octets + 100))
            left = [octets]

            def sendSome(socket: Socket, data: bytes, left: list[int] = left) -> int:
                some = data[: left[0]]
                left[0] -= len(some)
                if not some:
                    raise BlockingIOError
                return send(socket, some)

            self.patch(Socket, "send", sendSome)
            looked = self.look()
            self.patch(Socket, "send", send)
            self.goOn(looked)
            self.assertEqual(0, self.outcome.code, self.logged)
            self.assertTrue(self.world.equal)
            self.assertEqual(1, self.local.count("AUTHENTICATE"))
            self.assertClosed()
        gc.collect()
        self.assertEqual([], self.flushWarnings())

    def test_moment(self) -> None:
        """
        What changes after LIST was answered is for the next run.
        """

        def addOnce() -> None:
            if self.local.count("LIST") and not added:
                added.append(self.local.inbox.add(mail(9)))

        added: list[Any] = []
        self.nets.before = addOnce
        self.assertNothing()
        self.assertTrue(added)
        self.forget()
        self.assertGoesOn()

    def test_restored(self) -> None:
        """
        A server restored from a backup is another one.
        """
        self.local.inbox.uidvalidity += 1
        self.assertGoesOn()

    def test_capability(self) -> None:
        """
        A server that can do something else has all looked at.
        """
        self.remote.capabilities |= {"X-NEW"}
        self.assertGoesOn()
        self.forget()
        self.assertNothing()

    def test_lacking(self) -> None:
        """
        What it lacks is told by the ordinary run.
        """
        self.remote.capabilities -= {"IMAP4rev1"}
        self.assertGoesOn(69)
        self.assertIn("IMAP4REV1", self.outcome.text)

    def test_otherWays(self) -> None:
        """
        It suffices without QRESYNC, or where LIST does not tell all.
        """
        for lacking in (
            *({"QRESYNC"}, {"LIST-STATUS"}, {"LIST-EXTENDED"}),
            *({"QRESYNC", "CONDSTORE"}, {"QRESYNC", "CONDSTORE", "LIST-STATUS"}),
            {*self.remote.capabilities} - {"IMAP4rev1", "AUTH=PLAIN"},
        ):
            self.setUp()
            self.remote.capabilities -= lacking
            self.goOn(self.look())
            self.assertEqual(0, self.outcome.code, self.logged)
            self.forget()
            self.assertNothing()
            for change in self.changes():
                self.forget()
                change()
                looked = self.look()
                self.assertEqual((), looked.summary, lacking)
                self.goOn(looked)
                self.assertTrue(self.world.equal)

    def test_notEnabled(self) -> None:
        """
        Nor where QRESYNC is offered, and not enabled.
        """
        self.remote.answers["ENABLE"] = "NO not now"
        self.assertGoesOn()
        self.forget()
        self.assertEqual((), self.look().summary)

    def test_config(self) -> None:
        """
        So is another configuration, or another version.
        """
        self.assertEqual((), self.look(mergeFlags=True).summary)
        self.forget()
        self.patch(imapsync, "__version__", "0")
        self.assertGoesOn()

    def test_diverging(self) -> None:
        """
        Should the ordinary run say something else, it connects anew.
        """
        self.local.inbox.add(mail(9))
        looked = self.look()
        looked.connections[LOCAL].tape.sent[5:6] = b"X"
        self.goOn(looked)
        self.assertEqual(0, self.outcome.code, self.logged)
        self.assertTrue(self.world.equal)
        self.assertIn("taken over in vain; trying again", "\n".join(self.logged))
        self.assertClosed()


class OddTests(LookCase):
    """
    What is odd is dealt with by the ordinary run.
    """

    def saying(self, line: str, when: str = "") -> None:
        """
        Have the local server say something of its own, once.

        @param when: after this was heard; at once without.
        """
        told: list[str] = []

        def say() -> None:
            for one in self.nets.sockets.values():
                heard = not when or one.account.count(when)
                if one.account is self.local and heard and not told:
                    told.append(line)
                    one.dialogue.said()[:0] = line.encode() + b"\r\n"

        self.nets.before = say

    def test_told(self) -> None:
        """
        An alert is told once, and the run goes on.
        """
        self.saying("* OK [ALERT] beware", when="ENABLE")
        self.assertGoesOn()
        self.assertEqual(1, sum("beware" in line for line in self.logged))

    def test_toldLate(self) -> None:
        """
        One that comes when all was asked is told along with the summary; it shows no
        password.
        """
        self.saying("* OK [ALERT] open to secret", when="LOGOUT")
        looked = self.look()
        self.assertEqual(2, len(looked.summary))
        where = self.world.settings().servers[LOCAL].where
        self.assertEqual((f"{where}: open to (not shown)",), looked.alerts)

    def test_bye(self) -> None:
        """
        A server that says BYE is tried again.
        """
        self.saying("* BYE restarting", when="ENABLE")
        looked = self.look()
        self.assertEqual((), looked.summary)
        self.goOn(looked)
        self.assertEqual(0, self.outcome.code, self.logged)

    def test_lines(self) -> None:
        """
        A line that nobody knows, or can read, changes nothing.
        """
        for line in ("* XNOTHING 1", "* SEARCH nonsense", "* OK Backoff Time: 0 ms"):
            self.forget()
            self.saying(line, when="ENABLE")
            looked = self.look()
            self.assertEqual(((), 2), (looked.summary, len(looked.connections)), line)
            self.goOn(looked)
            self.assertEqual(0, self.outcome.code, self.logged)
            self.assertEqual(1, self.local.count("AUTHENTICATE"))

    def test_violation(self) -> None:
        """
        What is no IMAP is told.
        """
        self.saying("SSH-2.0 hello")
        self.assertGoesOn(76)
        self.assertIn("it speaks SSH", self.outcome.text)

    def test_preauth(self) -> None:
        """
        A server that logs us in by itself.
        """
        self.local.greeting = "PREAUTH"
        looked = self.look()
        self.assertEqual((), looked.summary)
        self.goOn(looked)
        self.assertEqual(0, self.outcome.code, self.logged)
        self.assertEqual(0, self.local.count("AUTHENTICATE"))

    def test_refused(self) -> None:
        """
        A refused login is told, and not tried again.
        """
        self.local.answers["AUTHENTICATE"] = "NO [AUTHENTICATIONFAILED] no"
        self.assertGoesOn(77)
        self.assertEqual(1, self.local.count("AUTHENTICATE"))

    def test_unreached(self) -> None:
        """
        Where one server takes no connection, the ordinary run connects there.
        """
        for side in Side:
            self.forget()
            self.nets.refused = {side}
            self.assertGoesOn()

    def test_ended(self) -> None:
        """
        A connection that is gone is made again.
        """

        def end() -> None:
            for one in self.nets.sockets.values():
                if one.account is self.local and one.account.count("AUTHENTICATE"):
                    one.dialogue.said().clear()
                    one.ended = True

        self.nets.before = end
        looked = self.look()
        self.assertEqual((), looked.summary)
        self.goOn(looked)
        self.assertEqual(0, self.outcome.code, self.logged)

    def test_silent(self) -> None:
        """
        A server that says nothing is left to the ordinary run after some seconds.
        """
        self.hush(self.local, self.remote)
        looked = self.look()
        self.assertEqual(2, len(looked.connections))
        self.assertTrue(4 < self.nets.seconds < 6)

    def test_ahead(self) -> None:
        """
        While one server is waited for, what the ordinary run needs is imported as soon
        as the other tells news, and only then.
        """
        names: list[str] = []
        self.patch(module, "import_module", names.append)
        self.hush(self.remote)
        for expected in [], ["a", "b"]:
            looked = self.look(ahead=("a", "b"))
            self.assertEqual(expected, names)
            self.assertEqual(2, len(looked.connections))
            self.assertTrue(4 < self.nets.seconds < 6)
            self.local.inbox.add(mail(9))
            self.nets.seconds = 0.0

    def hush(self, *accounts: Account) -> None:
        """
        Nothing arrives from these.
        """

        def hush() -> None:
            for one in self.nets.sockets.values():
                if one.account in accounts:
                    one.dialogue.said().clear()

        self.nets.before = hush

    def test_near(self) -> None:
        """
        Where nothing has changed, nothing more is imported.
        """
        self.patch(module, "import_module", self.fail)
        self.assertEqual(2, len(self.look(ahead=("a",)).summary))

    def test_compressed(self) -> None:
        """
        A connection that is to be compressed goes on in the ordinary way.
        """
        self.local.capabilities |= {"COMPRESS=DEFLATE"}
        self.world.options[LOCAL] = {"compress": True}
        self.assertEqual(0, self.serve().code)
        self.forget()
        self.assertGoesOn()
        self.assertEqual(1, self.local.count("COMPRESS"))

    def test_database(self) -> None:
        """
        A database that cannot be written is told of by the ordinary run.
        """

        def full(_: object) -> None:
            raise StateError("full")

        self.patch(LookTable, "stillEqual", full)
        self.assertGoesOn()


class NotTakenTests(LookCase):
    """
    Where it is not taken, nobody is connected to.
    """

    def assertNotTaken(self, request: Request | None = None, **changes: Any) -> None:
        """
        It is not.
        """
        self.assertEqual(Looked((), {}), self.look(request, **changes))
        self.assertEqual({}, self.nets.sockets)

    def test_requests(self) -> None:
        """
        For a run of another kind.
        """
        for request in (
            Request(dryRun=True),
            Request(live=True),
            Request(repair=True),
            Request(json=True),
            Request(mailboxes=("INBOX",)),
        ):
            self.assertNotTaken(request)

    def test_servers(self) -> None:
        """
        For servers that take more than that.
        """
        several: tuple[dict[str, Any], ...] = (
            {"type": "imaps"},
            {"starttls": True},
            {"type": "tunnel", "command": "imapd"},
            {"password": None, "passwordCommand": "pass"},
            {"octetsPerDay": 10**9},
            {"proxy": Proxy("socks5", "127.0.0.1", 1080)},
            {"host": "imap.example.net"},
            {"host": "127.0.0.1.example"},
            {"host": "192.0.2.1"},
        )
        for changes in several:
            config = self.world.settings()
            server = config.servers[REMOTE]._replace(**changes)
            self.assertNotTaken(servers={**config.servers, REMOTE: server})

    def test_used(self) -> None:
        """
        While another instance uses the database.
        """
        with closing(Store.open(self.world.database)):
            self.assertNotTaken()

    def test_unknown(self) -> None:
        """
        Where nothing is known of a last run, or that did not end clean.
        """
        self.assertNotTaken(database=self.mktemp())
        with closing(Store.open(self.world.database)) as state:
            state.proveWritable()
        self.assertNotTaken()

    def test_older(self) -> None:
        """
        A database of another version is left for whoever brings it to the present
        one.
        """
        self.patch(StateFile, "_upgrades", StateFile._upgrades[:-1])
        self.assertNotTaken()


class ConnectTests(LookCase):
    """
    Real connections.
    """

    def test_connected(self) -> None:
        """
        A server on this computer is found by an address or as localhost, and never
        blocks.
        """
        with socket.create_server(("127.0.0.1", 0)) as listening:
            port = listening.getsockname()[1]
            for host in ("127.0.0.1", "localhost"):
                server = (
                    self.world.settings().servers[LOCAL]._replace(host=host, port=port)
                )
                with NET.connect(server) as connected:
                    self.assertFalse(connected.getblocking())
        self.assertRaises(OSError, NET.connect, server)
