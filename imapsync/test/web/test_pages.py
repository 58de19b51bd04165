"""
Tests for L{imapsync.web.pages}.
"""

from __future__ import annotations

import json
from urllib.parse import unquote

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from imapsync.model import Refusal, Side
from imapsync.run.status import Counters, MailboxStatus, SyncState
from imapsync.test.fakes.fleet import Fleet
from imapsync.test.web.test_markup import HOSTILE
from imapsync.uidset import UidSet
from imapsync.watch.watch import Watch
from imapsync.web.events import Events
from imapsync.web.exchange import Answer, Asked, Stream
from imapsync.web.guard import Guard
from imapsync.web.labels import Labels
from imapsync.web.machines import Machines
from imapsync.web.pages import Pages
from imapsync.web.seen import Seen

TOKEN = "0123456789abcdef"


class PagesTestCase(SynchronousTestCase):
    """
    Has pages about some accounts.
    """

    def setUp(self) -> None:
        """
        Make them.
        """
        self.open("ada", "bob")

    def open(self, *names: str, token: str | None = None, hide: bool = False) -> None:
        """
        Make pages about accounts of these names.
        """
        self.clock = Clock()
        self.fleet = Fleet(*names)
        self.fleet.clock = self.clock
        self.watch = Watch(self.fleet, self.clock, self.now)
        self.watch.startService()
        self.addCleanup(self.watch.stopService)
        self.guard = Guard(token, ["status.example"])
        self.seen = Seen(self.watch, self.fleet, Labels(b"key") if hide else None)
        self.events = Events(self.clock, self.seen, self.now)
        machines = Machines(self.seen, self.now)
        self.pages = Pages(
            self.seen, self.guard, machines, self.events.serial, self.now
        )

    def now(self) -> float:
        """
        The time of day.
        """
        return 1_700_000_000 + self.clock.seconds()

    def ask(self, method: str, address: str, **headers: str) -> Answer | Stream:
        """
        What is answered to a request for an address below ours.
        """
        path, _, query = address.partition("?")
        form = headers.pop("form", "")
        return self.pages.answer(
            Asked(
                method,
                tuple(unquote(part) for part in path.split("/")),
                _fields(query),
                _fields(form),
                {"host": "localhost:8143", **_named(headers)},
            )
        )

    def get(self, address: str, **headers: str) -> Answer:
        """
        What there is.
        """
        answer = self.ask("GET", address, **headers)
        assert isinstance(answer, Answer)
        return answer

    def page(self, address: str) -> str:
        """
        The page there.
        """
        answer = self.get(address)
        self.assertEqual(
            (200, "text/html; charset=utf-8"), (answer.status, answer.kind)
        )
        assert isinstance(answer.body, str)
        return answer.body

    def post(self, address: str, form: str, **headers: str) -> Answer:
        """
        What is answered to a form of ours.
        """
        stamped = f"{form}&stamp={self.guard.stamp}"
        answer = self.ask("POST", address, form=stamped, **headers)
        assert isinstance(answer, Answer)
        return answer


def _fields(text: str) -> dict[str, str]:
    pairs = (one.partition("=") for one in text.split("&") if one)
    return {unquote(name): unquote(value) for name, _, value in pairs}


def _named(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


class OverviewTests(PagesTestCase):
    """
    The first page.
    """

    def test_accounts(self) -> None:
        """
        Each account has a row, with all that is to be known at first sight.
        """
        self.fleet.becomes(
            "ada",
            state=SyncState.WAITING,
            synced=0.0,
            counters=Counters(messages=1234, octets=5 << 20),
            mailboxes={"INBOX": MailboxStatus(5, -90.0)},
        )
        self.clock.advance(30)
        page = self.page("")
        row = page[
            page.index('<tr id="account:ada"') : page.index('<tr id="account:bob"')
        ]
        for text in (
            *('href="account/ada">ada</a>', "in order", ">30 s ago<", ">2 min<"),
            *(">1,234<", ">5.0 MiB<", 'name="sync" value="ada"'),
            *('name="pause" value="ada"', "ada@a.example"),
        ):
            self.assertIn(text, row)
        self.assertIn('data-since="', page)

    def test_trouble(self) -> None:
        """
        What went wrong is told in words, and how long ago.
        """
        self.fleet.becomes(
            "ada", state=SyncState.BACKING_OFF, error="It is gone.", errorAt=0.0
        )
        self.clock.advance(5)
        page = self.page("")
        self.assertIn('<span class="problem">It is gone.</span>', page)
        self.assertIn(">5 s ago<", page)
        self.assertIn("<b>1</b> in trouble", page)

    def test_paused(self) -> None:
        """
        One that rests can go on.
        """
        self.fleet.pause("ada")
        page = self.page("")
        self.assertIn('name="resume" value="ada"', page)
        self.assertNotIn('name="pause" value="ada"', page)

    def test_search(self) -> None:
        """
        Without a program in the browser, rows are found and sorted, too.
        """
        self.assertNotIn("hidden", self._row(self.page("?q=AD"), "ada"))
        self.assertIn(" hidden", self._row(self.page("?q=AD"), "bob"))
        self.assertIn(" hidden", self._row(self.page("?state=paused"), "bob"))
        self.assertNotIn(' id="nothing" hidden', self.page("?q=nobody"))
        self.assertIn(' id="nothing" hidden', self.page("?q=ada"))
        self.fleet.becomes("bob", counters=Counters(messages=7))
        for query, order in (
            ("?sort=account", ["ada", "bob"]),
            ("?sort=account&reverse=1", ["bob", "ada"]),
            ("?sort=messages", ["bob", "ada"]),
            ("?sort=nonsense", ["ada", "bob"]),
        ):
            page = self.page(query)
            at = [page.index(f'<tr id="account:{name}"') for name in order]
            self.assertEqual(sorted(at), at, query)
        self.assertIn('aria-sort="descending"', self.page("?sort=account&reverse=1"))

    def _row(self, page: str, name: str) -> str:
        return page[page.index(f'<tr id="account:{name}"') :].partition(">")[0]

    def test_hostile(self) -> None:
        """
        Whatever accounts are called, and whatever servers say, it is text.
        """
        self.open(HOSTILE, "bob")
        self.fleet.becomes(
            "bob", state=SyncState.BACKING_OFF, error=f"no: {HOSTILE}\x1b[2J\u202e"
        )
        for page in self.page(""), self.page("?q=%3Cimg%22"):
            self.assertNotIn("<img", page)
            self.assertNotIn("\x1b", page)
            self.assertNotIn("\u202e", page)
            self.assertNotIn('value="<', page)

    def test_none(self) -> None:
        """
        There may be no account.
        """
        self.open()
        self.assertIn("There are no accounts.", self.page(""))


class AccountTests(PagesTestCase):
    """
    The page of an account.
    """

    def test_account(self) -> None:
        """
        It tells of the mailboxes, of what was refused, and of what is under way.
        """
        refusal = Refusal(Side.REMOTE, UidSet.of([7, 8]), "too large", "TOOBIG", 0, 3)
        self.fleet.becomes(
            "ada",
            state=SyncState.SYNCING,
            mailboxes={
                "INBOX": MailboxStatus(4321, None, "", (refusal,)),
                "Tr\u00e4sh": MailboxStatus(1, None, "It is locked."),
            },
        )
        page = self.page("account/ada")
        for text in (
            *(">INBOX<", ">4,321<", "Tr\u00e4sh", "It is locked.", "too large"),
            *("remote: UID 7:8", "3 times", "Under way", "Last hour", "Last day"),
        ):
            self.assertIn(text, page)
        self.assertIn('data-events="../events?account=ada"', page)

    def test_hostile(self) -> None:
        """
        Mailboxes may be called anything.
        """
        refusal = Refusal(Side.REMOTE, UidSet(), HOSTILE)
        boxes = {HOSTILE: MailboxStatus(1, None, HOSTILE, (refusal,))}
        self.fleet.becomes("ada", mailboxes=boxes, error=HOSTILE, errorAt=0.0)
        self.assertNotIn("<img", self.page("account/ada"))

    def test_many(self) -> None:
        """
        Of more mailboxes and refusals than a page can have, those with trouble come
        first, and the others are counted.
        """
        refusals = [Refusal(Side.REMOTE, UidSet(), f"no {n}") for n in range(2001)]
        boxes = {f"box {number:04}": MailboxStatus(1) for number in range(2000)}
        boxes["zoe"] = MailboxStatus(1, None, "It is locked.", tuple(refusals))
        self.fleet.becomes("ada", mailboxes=boxes)
        page = self.page("account/ada")
        for text in "It is locked.", "And 1 more mailboxes.", "And 1 more refusals.":
            self.assertIn(text, page)
        self.assertNotIn("no 2000", page)

    def test_names(self) -> None:
        """
        Any name leads there.
        """
        for name in "", "..", "/etc/me", "a b", HOSTILE:
            self.open(name)
            page = self.page("")
            address = page.partition('rowheader"><a href="')[2].partition('"')[0]
            self.assertIn("In this state for", self.page(address), address)

    def test_unknown(self) -> None:
        """
        One that is not there, or not any more, is said not to be.
        """
        for address in "account/eve", "account/", "account/?name=eve":
            answer = self.get(address)
            self.assertEqual(404, answer.status)
            self.assertIn("no account of that name", str(answer.body))


class ActsTests(PagesTestCase):
    """
    What can be asked for.
    """

    def test_acts(self) -> None:
        """
        Each button does what it says, and leads back.
        """
        for verb, what in (
            ("sync", "sync now"),
            ("pause", "pause"),
            ("resume", "resume"),
        ):
            answer = self.post("act", f"{verb}=ada")
            self.assertEqual((303, "./#account:ada"), _place(answer))
            self.assertEqual((what, "ada"), self.fleet.asked.pop())
        answer = self.post("act", "sync=ada&back=account:ada")
        self.assertEqual((303, "account/ada"), _place(answer))
        self.assertEqual(204, self.post("act", "sync=ada&quiet=1").status)

    def test_unknown(self) -> None:
        """
        What is not there cannot be asked for.
        """
        self.assertEqual(404, self.post("act", "sync=eve").status)
        self.assertEqual(400, self.post("act", "delete=ada").status)
        self.assertEqual([], self.fleet.asked)

    def test_forged(self) -> None:
        """
        Nothing is done that another page wants.
        """
        for headers in (
            {"origin": "https://evil.example"},
            {"origin": "null"},
            {"sec_fetch_site": "cross-site"},
        ):
            self.assertEqual(403, self.post("act", "sync=ada", **headers).status)
        answer = self.ask("POST", "act", form="sync=ada")
        assert isinstance(answer, Answer)
        self.assertEqual(403, answer.status)
        self.assertEqual([], self.fleet.asked)

    def test_get(self) -> None:
        """
        A link does nothing.
        """
        self.assertEqual(404, self.get("act?sync=ada").status)
        self.assertEqual([], self.fleet.asked)

    def test_methods(self) -> None:
        """
        Nothing else can be done.
        """
        for method, path in ("PUT", ""), ("DELETE", "account/ada"), ("POST", ""):
            answer = self.ask(method, path)
            assert isinstance(answer, Answer)
            self.assertEqual(405, answer.status)
            self.assertEqual("GET, HEAD", answer.headers["Allow"])


class StrangersTests(PagesTestCase):
    """
    Those who may not see anything.
    """

    def test_host(self) -> None:
        """
        Who calls us by a name that is not ours is told so in one line, whatever is
        wanted.
        """
        for path in "", "status.json", "healthz", "static/page.css":
            answer = self.get(path, host="evil.example:8143")
            self.assertEqual(421, answer.status)
            self.assertEqual(
                '"evil.example:8143" is none of our names: add it to host in'
                " [status].\n",
                answer.body,
            )
        self.assertEqual(200, self.get("", host="status.example").status)

    def test_token(self) -> None:
        """
        Without the token there is a page where it can be said, how it looks, and
        whether the program works.
        """
        self.open("ada", token=TOKEN)
        answer = self.get("")
        self.assertEqual(401, answer.status)
        self.assertEqual('Bearer realm="imapsync"', answer.headers["WWW-Authenticate"])
        self.assertIn('name="token"', str(answer.body))
        for path in "status.json", "metrics", "readyz", "events", "anything":
            self.assertEqual(401, self.get(path).status, path)
        self.assertEqual((303, "../"), _place(self.get("account/ada")))
        self.assertEqual(401, self.post("act", "sync=ada").status)
        self.assertEqual([], self.fleet.asked)
        for path in "healthz", "static/page.css":
            self.assertEqual(200, self.get(path).status)
        for path in "", "status.json", "metrics":
            bearer = f"Bearer {TOKEN}"
            self.assertEqual(200, self.get(path, authorization=bearer).status)

    def test_login(self) -> None:
        """
        Who says the token is given a cookie that only our pages can use, and can give
        it back.
        """
        self.open("ada", token=TOKEN)
        answer = self.post("login", "token=wrong")
        self.assertEqual(403, answer.status)
        self.assertIn("That is not the token.", str(answer.body))
        answer = self.post("login", f"token={TOKEN}", origin="https://status.example")
        self.assertEqual((303, "./"), _place(answer))
        cookie, *flags = answer.headers["Set-Cookie"].split("; ")
        self.assertEqual(["Path=/", "HttpOnly", "SameSite=Strict", "Secure"], flags)
        self.assertNotIn(TOKEN, cookie)
        self.assertIn("ada", str(self.get("", cookie=f"a=b; {cookie}").body))
        self.assertEqual(204, self.post("act", "sync=ada&quiet=", cookie=cookie).status)
        answer = self.post("logout", "", cookie=cookie)
        self.assertIn("Max-Age=0", answer.headers["Set-Cookie"])
        answer = self.post("login", f"token={TOKEN}")
        self.assertNotIn("Secure", answer.headers["Set-Cookie"])

    def test_cookie(self) -> None:
        """
        What is no cookie is none of ours.
        """
        self.open("ada", token=TOKEN)
        for cookie in "", "=", "\u00e4;;;", f"{self.guard.cookie}=", "a" * 5000:
            self.assertEqual(401, self.get("", cookie=cookie).status)

    def test_cookies(self) -> None:
        """
        What other programs have a browser keep, also for other ports of this host, is
        nothing against ours.
        """
        self.open("ada", token=TOKEN)
        ours = f"{self.guard.cookie}={self.guard.visa}"
        for other in 'a={"b": 1}', "a[b]=c", "a", "\u00e4=\u00e4", "=", "a=b=c":
            for cookie in f"{other}; {ours}", f"{ours};{other}":
                self.assertEqual(200, self.get("", cookie=cookie).status, cookie)


class HiddenTests(PagesTestCase):
    """
    Names that are hidden.
    """

    def test_nowhere(self) -> None:
        """
        No page has one.
        """
        self.open("ada", hide=True)
        refusal = Refusal(Side.REMOTE, UidSet(), "Secret is full")
        self.fleet.becomes(
            "ada",
            state=SyncState.BACKING_OFF,
            mailboxes={"Secret": MailboxStatus(1, None, "Secret is bad", (refusal,))},
            error="ada: no",
            errorAt=0.0,
        )
        label = Labels(b"key").account("ada")
        self.assertIn("Refused", self.page(f"account/{label}"))
        for path in (
            "",
            f"account/{label}",
            "status.json",
            f"status.json?account={label}",
        ):
            said = self.get(path)
            self.assertEqual(200, said.status, path)
            self.assertIn(label, str(said.body))
            for word in "ada", "Secret":
                self.assertNotIn(word, str(said.body), path)
        for name in "ada", "eve":
            self.assertEqual(404, self.get(f"account/{name}").status)

    def test_acts(self) -> None:
        """
        What is asked of one is asked of the right one, also by a page from before.
        """
        self.open("ada", "bob", hide=True)
        label = Labels(b"key").account("bob")
        self.assertEqual(204, self.post("act", f"pause={label}&quiet=1").status)
        self.assertEqual([("pause", "bob")], self.fleet.asked)
        self.assertEqual(404, self.post("act", "pause=bob").status)


class OtherTests(PagesTestCase):
    """
    What else there is.
    """

    def test_machines(self) -> None:
        """
        Programs have documents of their own.
        """
        answer = self.get("status.json")
        self.assertEqual("application/json", answer.kind)
        document = json.loads(str(answer.body))
        self.assertEqual(2, document["totals"]["accounts"])
        document = json.loads(str(self.get("status.json?account=ada").body))
        self.assertEqual("ada", document["account"])
        self.assertEqual(404, self.get("status.json?account=eve").status)
        metrics = self.get("metrics")
        assert isinstance(metrics.body, bytes)
        self.assertIn(b'imapsync_account_up{account="ada"}', metrics.body)
        self.assertEqual("ok\n", self.get("healthz").body)
        self.assertEqual(503, self.get("readyz").status)
        for name in "ada", "bob":
            self.fleet.becomes(name, state=SyncState.WAITING, synced=0.0)
        self.assertEqual(200, self.get("readyz").status)

    def test_static(self) -> None:
        """
        A browser keeps what it has, as long as that is of this version.
        """
        page = self.page("")
        address = page.partition('stylesheet" href="')[2].partition('"')[0]
        answer = self.get(address)
        self.assertEqual("text/css; charset=utf-8", answer.kind)
        self.assertIn("immutable", answer.headers["Cache-Control"])
        old = self.get("static/page.css?v=old")
        self.assertEqual("no-cache", old.headers["Cache-Control"])
        for path in "static/../pages.py", "static/pages.py", "static/", "static":
            self.assertEqual(404, self.get(path).status)

    def test_missing(self) -> None:
        """
        What is not there leads back to what is.
        """
        answer = self.get("a/b")
        self.assertEqual(404, answer.status)
        self.assertIn('<a href="../">All accounts</a>', str(answer.body))

    def test_events(self) -> None:
        """
        Changes are told from where a browser has been.
        """
        self.assertEqual(Stream(None, "a-1"), self.ask("GET", "events?since=a-1"))
        self.assertEqual(
            Stream("ada", "a-2"),
            self.ask("GET", "events?account=ada&since=a-1", last_event_id="a-2"),
        )


def _place(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.headers["Location"]
