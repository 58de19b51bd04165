"""
The examples for Prometheus and Grafana: each number that they name is told.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from prometheus_client.parser import text_string_to_metric_families
from twisted.trial.unittest import SkipTest, SynchronousTestCase

import imapsync
from imapsync.test.web.samples import ALL, NOW, TOTAL
from imapsync.web.metrics import page

#: There in a source tree only.
DOC = Path(imapsync.__file__).parents[1] / "doc"
EXAMPLES = DOC / "examples"

#: A metric, and the labels that it is to have.
_NAMED = re.compile(r"\b((?:imapsync|process)_[a-z_]+)(?:\{([^}]*)\})?")
_LABEL = re.compile(r"([a-z]+)\s*(?:=~|!~|!=|=)")

#: Prometheus gives these to all that it is told.
_GIVEN = {"instance", "job"}


class ExamplesTests(SynchronousTestCase):
    """
    What is in C{doc/examples} fits what is told.
    """

    def setUp(self) -> None:
        """
        Collect what is told.
        """
        if not EXAMPLES.exists():
            raise SkipTest("there are no examples here")
        told = page(ALL, TOTAL, NOW)
        assert told is not None
        self.labels: Mapping[str, set[str]] = {
            sample.name: {*sample.labels}
            for family in text_string_to_metric_families(told.octets.decode())
            for sample in family.samples
        }

    def assertTold(self, expressions: Iterator[str]) -> None:
        """
        Each number in these is.
        """
        found = 0
        for expression in expressions:
            for name, labels in _NAMED.findall(expression):
                found += 1
                self.assertIn(name, self.labels, expression)
                named = {*_LABEL.findall(labels)} - _GIVEN
                self.assertLessEqual(named, self.labels[name], expression)
        self.assertGreater(found, 5)

    def test_manual(self) -> None:
        """
        The manual names all that is told, and nothing else.
        """
        text = (DOC / "monitoring.rst").read_text("utf-8")
        named = {*re.findall(r"``(imapsync_[a-z_]+)``", text)}
        told = {name for name in self.labels if name.startswith("imapsync_")}
        self.assertEqual(told, named)

    def test_alerts(self) -> None:
        """
        The rules for alerts; each says what is wrong, and whose account it is.
        """
        text = (EXAMPLES / "alerts.yaml").read_text("utf-8")
        [group] = yaml.safe_load(text)["groups"]
        self.assertTold(rule["expr"] for rule in group["rules"])
        for rule in group["rules"]:
            self.assertEqual({"summary", "description"}, rule["annotations"].keys())
            self.assertIn(rule["labels"]["severity"], ("info", "warning", "critical"))
        for rule in group["rules"]:
            if rule["alert"] in ("ImapsyncAccountFailing", "ImapsyncAccountBehind"):
                # Somebody wants it so, as of whom nobody is notified.
                self.assertIn('health="paused"} == 1', rule["expr"])
        names = [rule["alert"] for rule in group["rules"]]
        self.assertEqual(len(names), len({*names}))

    def test_dashboard(self) -> None:
        """
        The dashboard; no two of its panels are in the same place.
        """
        board: Any = json.loads((EXAMPLES / "grafana.json").read_text("utf-8"))
        panels = board["panels"]
        self.assertTold(
            target["expr"] for panel in panels for target in panel["targets"]
        )
        variables = [one["query"] for one in board["templating"]["list"][1:]]
        self.assertEqual(2, len(variables))
        for query in variables:
            for name in re.findall("imapsync_[a-z_]+", query["query"]):
                self.assertIn(name, self.labels)
        places = [
            (x, y)
            for panel in panels
            for place in [panel["gridPos"]]
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        ]
        self.assertEqual(len(places), len({*places}))
        self.assertEqual(len(panels), len({panel["id"] for panel in panels}))
        self.assertTrue(all(x < 24 for x, _ in places))
