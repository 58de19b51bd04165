"""
Tests for L{imapsync.imap.trace}, as a connection uses it.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from imapsync.imap.commands.base import Simple
from imapsync.test.fakes.talking import Talk, entered, failing


class TraceTests(SynchronousTestCase):
    """
    Looking on.
    """

    def test_both(self) -> None:
        """
        Both directions are shown, in one line each.
        """
        server = Talk(b"* PREAUTH hi\x1b", trace=True)
        server.client.perform(Simple("NOOP"))
        self.assertEqual(
            ["server < * PREAUTH hi\\u001b", "server > 0001 NOOP"], server.traced
        )

    def secrets(self, show: bool) -> str:
        """
        All that is shown of logins with a secret in them.
        """
        shown: list[str] = []
        for name in ("user", "user\xfc"):
            server = Talk(b"* OK x", trace=True)
            server.client.traceSecrets = show
            failing(entered(server.client, name, "s3cret\xfc"))
            server.say(b"+ go")
            if name != "user":
                server.say(b"+ go")
            shown += server.traced
        server = Talk(b"* OK [CAPABILITY IMAP4rev1] x", trace=True)
        server.client.traceSecrets = show
        failing(server.client.login(b"user", b"s3cret"))
        return "\n".join(shown + server.traced)

    def test_secret(self) -> None:
        """
        Credentials are not, in whatever way they are sent.
        """
        shown = self.secrets(False)
        self.assertNotIn("s3cret", shown)
        self.assertNotIn("user", shown)
        self.assertIn("server > 0001 LOGIN (not shown)", shown)

    def test_shown(self) -> None:
        """
        Unless they are asked for.
        """
        shown = self.secrets(True)
        self.assertEqual(3, shown.count("s3cret"))
