"""
Tests for L{imapsync.oauth.device}.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from imapsync.errors import Lost
from imapsync.oauth.device import again, read
from imapsync.oauth.tokens import Declined

#: RFC 8628, 3.2.
EXAMPLE = {
    "device_code": "GmRhmhcxhwAzkoEqiMEg_DnyEysNkuNhszIySk9eS",
    "user_code": "WDJB-MJHT",
    "verification_uri": "https://example.com/device",
    "verification_uri_complete": "https://example.com/device?user_code=WDJB-MJHT",
    "expires_in": 1800,
    "interval": 5,
}


class ReadTests(SynchronousTestCase):
    """
    What a device endpoint tells.
    """

    def test_example(self) -> None:
        """
        That of the RFC.
        """
        offer = read(EXAMPLE)
        code, page = EXAMPLE["device_code"], "https://example.com/device"
        self.assertEqual((code, "WDJB-MJHT", page, 1800.0, 5.0), offer)
        self.assertNotIn(str(code), repr(offer))

    def test_usual(self) -> None:
        """
        What is not told, or is nonsense, is as usual; nobody is asked without a pause.
        """
        wrongs: tuple[object, ...] = (None, "5", -1, 1e9, float("nan"), [], {})
        for wrong in wrongs:
            fields = {**EXAMPLE, "expires_in": wrong, "interval": wrong}
            self.assertEqual((900.0, 5.0), read(fields)[3:])
        none = read({**EXAMPLE, "expires_in": 0, "interval": 0})
        self.assertEqual((900.0, 0.2), none[3:])

    def test_google(self) -> None:
        """
        The page may be called as before there was the RFC.
        """
        fields = {**EXAMPLE, "verification_uri": None, "verification_url": "https://a"}
        self.assertEqual("https://a", read(fields).page)

    def test_wrong(self) -> None:
        """
        No offer.
        """
        for name, value in (
            ("device_code", None),
            ("device_code", ["x"]),
            ("user_code", ""),
            ("user_code", "a\x1b[2J"),
            ("verification_uri", "javascript:alert(1)"),
            ("verification_uri", "https://[/"),
            ("verification_uri", None),
        ):
            self.assertRaises(Lost, read, {**EXAMPLE, name: value})


class AgainTests(SynchronousTestCase):
    """
    How often to ask.
    """

    def test_pending(self) -> None:
        """
        As told, until the provider wants it less often (RFC 8628, 3.5).
        """
        self.assertEqual(5, again(5, Declined("", "authorization_pending")))
        self.assertEqual(10, again(5, Declined("", "slow_down")))

    def test_lost(self) -> None:
        """
        Less often, too, while it does not answer, but not less and less for ever.
        """
        self.assertEqual(10, again(5, Lost("")))
        self.assertEqual(120, again(100, Lost("")))

    def test_over(self) -> None:
        """
        Any other answer is the last one.
        """
        for error in "expired_token", "access_denied", "invalid_client":
            self.assertRaises(Declined, again, 5, Declined("", error))
