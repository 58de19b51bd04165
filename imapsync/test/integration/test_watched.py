"""
Accounts at work are watched: somebody is told of trouble, and numbers grow.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

from prometheus_client.parser import text_string_to_metric_families
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase
from twisted.web.resource import Resource
from twisted.web.server import Site

from imapsync.cli.options import parse
from imapsync.several.lists import Lists
from imapsync.several.services import Several
from imapsync.test.fakes.schema import complaints
from imapsync.test.integration.dovecot import Dovecot, Settings
from imapsync.test.integration.scene import SceneCase
from imapsync.watch.facts import Facts, Health
from imapsync.watch.watch import Watch
from imapsync.web.metrics import page

_reactor: Any = reactor

#: Posts what a command finds in its environment.
_SCRIPT = """
import json, os, urllib.request
facts = {name: os.environ[name] for name in os.environ if name.startswith("IMAPSYNC_")}
urllib.request.urlopen("URL", json.dumps(facts).encode()).read()
"""


class Listener(Resource):
    """
    A web server that is told something.

    @ivar told: what it was, and at which path.
    """

    isLeaf = True

    def __init__(self, case: TestCase) -> None:
        Resource.__init__(self)
        self.told: list[tuple[str, Any]] = []
        self._waiting: list[tuple[int, Deferred[None]]] = []
        site = Site(self)
        port = _reactor.listenTCP(0, site, interface="127.0.0.1")
        case.addCleanup(port.stopListening)
        self.url = f"http://127.0.0.1:{port.getHost().port}"

    def render_POST(self, request: Any) -> bytes:
        """
        Be told.
        """
        self.told.append((request.path.decode(), json.load(request.content)))
        for count, waiting in [*self._waiting]:
            if len(self.told) >= count and not waiting.called:
                waiting.callback(None)
        request.setHeader("connection", "close")
        return b"ok"

    async def until(self, count: int) -> None:
        """
        Wait until it was told so often.
        """
        if len(self.told) < count:
            waiting: Deferred[None] = Deferred()
            self._waiting.append((count, waiting))
            await waiting


class WatchedTests(SceneCase):
    """
    An account of which somebody wants to know.
    """

    async def until(self, watch: Watch, condition: Callable[[Facts], bool]) -> Facts:
        """
        Wait until the account is so.
        """

        def look(name: str) -> None:
            if condition(watch.facts(name)) and not waiting.called:
                waiting.callback(None)

        waiting: Deferred[None] = Deferred()
        watch.subscribe(look)
        look("")
        await waiting
        watch.unsubscribe(look)
        return watch.facts("")

    async def test_told(self) -> None:
        """
        A command and a web server are told that an account fails, when its server is
        down, and that it does so no longer, when it is up again; each of them once.
        What was copied is counted.
        """
        server = self.server(Dovecot(Settings()))
        scene = self.scene(remoteServer=server)
        listener = Listener(self)
        script = scene.directory / "tell.py"
        script.write_text(_SCRIPT.replace("URL", f"{listener.url}/command"))
        scene.configure(
            {
                "notify": {
                    "command": f"{sys.executable} {script}",
                    "webhook": f"{listener.url}/webhook",
                    "after": "1s",
                }
            }
        )
        several, watch = self.begin(str(scene.file))
        await self.until(watch, lambda one: one.health is Health.OK)
        scene.local.append("INBOX", b"Subject: new\r\n\r\nnew\r\n")
        several.syncAll()
        facts = await self.until(watch, lambda one: one.counters.messages == 1)
        self.assertEqual(0.0, self.metric(watch, "imapsync_account_retries_total"))
        self.assertEqual(
            1.0, self.metric(watch, "imapsync_account_copied_messages_total")
        )
        self.assertEqual(1, facts.today.messages)
        scene.remote.close()
        server.kill()
        await listener.until(2)
        self.assertEqual(0.0, self.metric(watch, "imapsync_account_up"))
        self.assertIn("127.0.0.1", watch.facts("").error)
        self.assertTrue(any("trying again" in x.text for x in watch.account("").log))
        server.restart()
        several.syncAll()
        await listener.until(4)
        await self.until(watch, lambda one: one.health is Health.OK)
        self.assertEqual(1.0, self.metric(watch, "imapsync_account_up"))
        self.assertLess(0, self.metric(watch, "imapsync_account_retries_total"))
        events: dict[str, list[str]] = {"/command": [], "/webhook": []}
        for path, told in listener.told:
            if path == "/webhook":
                self.assertEqual([], complaints(told))
            events[path].append(told.get("event") or told["IMAPSYNC_EVENT"])
        for told in events.values():
            self.assertEqual(["failed", "recovered"], told, listener.told)

    def begin(self, path: str) -> tuple[Several, Watch]:
        """
        Run it, and watch it.
        """

        def ended(*_: object) -> None:
            pass

        line = parse([f"--config={path}", "--quiet", "--progress=none"])
        lists = Lists(line, {})
        configs = lists.load(lambda _: None)
        source = lists.source(_reactor, lambda _: None)
        several = Several(line, configs, {}, _reactor, ended, source)
        watch = Watch(several, _reactor)
        several.startService()
        watch.startService()
        self.addCleanup(several.stopService)
        self.addCleanup(watch.stopService)
        return several, watch

    def metric(self, watch: Watch, name: str) -> float:
        """
        What Prometheus would learn.
        """
        told = page(watch.accounts(), watch.total, 0.0)
        assert told is not None
        [value] = [
            sample.value
            for family in text_string_to_metric_families(told.octets.decode())
            for sample in family.samples
            if sample.name == name
        ]
        return value
