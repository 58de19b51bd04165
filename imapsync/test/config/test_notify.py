"""
Tests for L{imapsync.config.notify}.
"""

from __future__ import annotations

from imapsync.config.notify import NotifyConfig
from imapsync.test.config.test_file import LOCAL, REMOTE, ConfigTestCase

_BEFORE = (LOCAL + REMOTE).count("\n")


class NotifyTests(ConfigTestCase):
    """
    Tests for C{[notify]}.
    """

    def notify(self, text: str) -> NotifyConfig | None:
        """
        What these lines mean.
        """
        return self.load(f"{LOCAL}{REMOTE}[notify]\n{text}").notify

    def assertWrongNotify(self, text: str, message: str) -> None:
        """
        Assert that the first of these lines is refused.
        """
        self.assertWrong(
            f"{LOCAL}{REMOTE}[notify]\n{text}", f"{_BEFORE + 2}: {message}"
        )

    def test_none(self) -> None:
        """
        Nobody is told unless that is asked for.
        """
        self.assertIsNone(self.load(LOCAL + REMOTE).notify)

    def test_default(self) -> None:
        """
        It is enough to say whom to tell: a quarter of an hour is waited for.
        """
        self.assertEqual(NotifyConfig("tell me"), self.notify("command = tell me"))
        hook = "https://hooks.example/T0/secret"
        config = self.notify(f"webhook = {hook}")
        self.assertEqual(NotifyConfig(webhook=hook, after=900.0), config)

    def test_all(self) -> None:
        """
        Each option has its value; who reads all that cannot post to the URL, nor learn
        what is secret in the command.
        """
        config = self.notify(
            "command = tell --password=secret\n"
            "webhook = http://127.0.0.1:8000/secret\n"
            "after = 2h\nrepeat = 1d\n"
        )
        self.assertEqual(
            NotifyConfig(
                *("tell --password=secret", "http://127.0.0.1:8000/secret"),
                *(7200.0, 86400.0),
            ),
            config,
        )
        self.assertEqual("NotifyConfig(after=7200.0, repeat=86400.0)", repr(config))

    def test_nobody(self) -> None:
        """
        Somebody has to be told.
        """
        text = f"{LOCAL}{REMOTE}[notify]\nafter = 1h\n"
        missing = "command in [notify] is missing: give that, or webhook, or both"
        self.assertWrong(text, f"{_BEFORE + 1}: {missing}")

    def test_clear(self) -> None:
        """
        What is told goes over the net only where nobody else can read it.
        """
        self.assertWrongNotify(
            "webhook = http://hooks.example/secret\n",
            'webhook in [notify] must begin with https://, not "http://hooks.example'
            '/secret"',
        )

    def test_exposed(self) -> None:
        """
        A URL that others can read is warned of.
        """
        text = f"{LOCAL}[remote]\nhost = a.example\n[notify]\n"
        told = f"{self.file}: others can read the webhook in it: make it mode 0600"
        config = self.load(f"{text}webhook = https://hooks.example/secret\n", 0o644)
        self.assertIn(told, config.warnings)
        config = self.load(f"{text}command = tell\n", 0o644)
        self.assertNotIn(told, config.warnings)
