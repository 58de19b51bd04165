"""
Tests for L{imapsync.web.markup}.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from imapsync.web.markup import Markup, element, joined

HOSTILE = "</script><img src=x onerror=alert(1)>&\"'"
ESCAPED = "&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;&amp;&quot;&#x27;"


class MarkupTests(SynchronousTestCase):
    """
    Tests for L{element} and L{joined}.
    """

    def test_text(self) -> None:
        """
        Text is shown as it is, whatever it is.
        """
        self.assertEqual(f"<p>{ESCAPED}</p>", element("p", HOSTILE))
        self.assertEqual(f'<p title="{ESCAPED}"></p>', element("p", title=HOSTILE))

    def test_markup(self) -> None:
        """
        Markup goes into markup.
        """
        inner = element("b", "x")
        self.assertEqual(
            "<p><b>x</b> y<b>x</b></p>", element("p", inner, " y", [inner])
        )
        self.assertIsInstance(joined([inner, "<"]), Markup)
        self.assertEqual("<b>x</b>&lt;", joined([inner, "<", None]))

    def test_attributes(self) -> None:
        """
        Names that Python does not take stand for others; some have no value.
        """
        self.assertEqual(
            '<input type="search" aria-label="a" class="b" data-v="-1" required>',
            element(
                "input",
                type="search",
                aria_label="a",
                class_="b",
                data_v=-1,
                required=True,
                disabled=False,
                hidden=None,
            ),
        )

    def test_empty(self) -> None:
        """
        Some have no content, others just none.
        """
        self.assertEqual("<meta>", element("meta"))
        self.assertEqual("<p></p>", element("p", None, ""))
