"""
Tests for L{imapsync.web.metrics}.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import REGISTRY
from twisted.trial.unittest import SynchronousTestCase

from imapsync import __version__
from imapsync.test.web.samples import ALL, NOW, TOTAL, WELL
from imapsync.web.metrics import Page, page

_OPEN = "application/openmetrics-text; version=1.0.0; charset=utf-8"


def written(accept: str = "") -> Page:
    """
    All metrics.
    """
    told = page(ALL, TOTAL, NOW, accept)
    assert told is not None
    return told


class MetricsTests(SynchronousTestCase):
    """
    Prometheus can read it.
    """

    def values(self) -> Mapping[tuple[str, ...], float]:
        """
        Each number, by its name and the values of its labels.
        """
        text = written().octets.decode()
        return {
            (sample.name, *sample.labels.values()): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    def test_accounts(self) -> None:
        """
        Each account has its numbers; what is not known of one is not there.
        """
        values = self.values()
        expected = {
            ("up", "anna"): 1.0,
            ("up", "ben"): 1.0,
            ("up", "carl"): 0.0,
            ("last_success_timestamp_seconds", "anna"): NOW - 60,
            ("failing_since_timestamp_seconds", "carl"): NOW - 1000,
            ("lag_seconds", "anna"): 0.0,
            ("lag_seconds", "ben"): 4.5,
            ("mailboxes", "anna"): 4.0,
            ("messages", "anna"): 1000.0,
            ("refusals", "ben"): 3.0,
            ("health", "anna", "ok"): 1.0,
            ("health", "anna", "trouble"): 0.0,
            ("health", "carl", "trouble"): 1.0,
            ("copied_messages_total", "anna"): 3.0,
            ("transferred_octets_total", "anna"): 4000.0,
            ("flagged_messages_total", "anna"): 2.0,
            ("removed_messages_total", "anna"): 1.0,
            ("retries_total", "carl"): 7.0,
        }
        for (name, *rest), value in expected.items():
            key = (f"imapsync_account_{name}", *rest)
            self.assertEqual(value, values[key], name)
        absent = "imapsync_account_last_success_timestamp_seconds", "carl"
        self.assertNotIn(absent, values)
        self.assertNotIn(("imapsync_account_failing_since_seconds", "anna"), values)

    def test_totals(self) -> None:
        """
        So has the program as a whole.
        """
        values = self.values()
        self.assertEqual(1.0, values["imapsync_build_info", __version__])
        self.assertEqual(1.0, values["imapsync_accounts", "trouble"])
        self.assertEqual(0.0, values["imapsync_accounts", "paused"])
        self.assertEqual(9.0, values["imapsync_copied_messages_total",])
        self.assertEqual(7.0, values["imapsync_retries_total",])
        self.assertIn(("process_cpu_seconds_total",), values)

    def test_hostile(self) -> None:
        """
        A name cannot be more than a name.
        """
        name = 'a"} 1\nimapsync_account_up{account="b\\'
        told = page([WELL._replace(name=name)], TOTAL, NOW)
        assert told is not None
        families = text_string_to_metric_families(told.octets.decode())
        [up] = [one for one in families if one.name == "imapsync_account_up"]
        [sample] = up.samples
        self.assertEqual(name, sample.labels["account"])

    def test_formats(self) -> None:
        """
        It is in the format that is asked for.
        """
        plain = written()
        self.assertIn("text/plain", plain.type)
        opened = written(_OPEN)
        self.assertIn("application/openmetrics-text", opened.type)
        self.assertTrue(opened.octets.endswith(b"# EOF\n"))
        for nonsense in (
            "application/openmetrics-text; version=x",
            "text/plain;version=y",
        ):
            self.assertEqual(plain.type, written(nonsense).type)

    def test_ours(self) -> None:
        """
        Nothing is left in what all programs share.
        """
        before = {*REGISTRY._names_to_collectors}
        written()
        written()
        self.assertEqual(before, {*REGISTRY._names_to_collectors})

    def test_absent(self) -> None:
        """
        Without that package, there is none.
        """
        modules: dict[str, object] = {**sys.modules}
        modules["prometheus_client"] = None
        self.patch(sys, "modules", modules)
        self.assertEqual(None, page(ALL, TOTAL, NOW))
