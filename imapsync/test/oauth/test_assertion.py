"""
Tests for L{imapsync.oauth.assertion}.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, Hash
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)
from twisted.trial.unittest import SynchronousTestCase

from imapsync.errors import ConfigError
from imapsync.oauth.assertion import jws, load, signed
from imapsync.test.integration.certificates import issue

#: RFC 7515, A.2.
_N = """
    ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJ
    PMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0
    LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uD
    Zlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2
    PAcDTW9gb54h4FRWyuXpoQ"""
_P = """
    4BzEEOtIpmVdVEZNCqS7baC4crd0pqnRH_5IB3jw3bcxGn6QLvnEtfdUdiYrqBdss1l58BQ3KhooKeQT
    a9AB0Hw_Py5PJdTJNPY8cQn7ouZ2KKDcmnPGBY5t7yLc1QlQ5xHdwW1VhvKn-nXqhJTBgIPgtldC-KDV
    5z-y2XDwGUc"""
_Q = """
    uQPEfgmVtjL0Uyyx88GZFF1fOunH3-7cepKmtH4pxhtCoHqpWmT8YAmZxaewHgHAjLYsp1ZSe7zFYHj7
    C6ul7TjeLQeZD_YwD66t62wDmpe_HlB-TnBA-njbglfIsRLtXlnDzQkv5dTltRJ11BKBBypeeF6689rj
    cJIDEz9RWdc"""
_JWS = """
    eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9
    leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQ
    gr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYN
    X4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN938
    3LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6
    LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"""


def octets(text: str) -> bytes:
    """
    What such a text stands for.
    """
    joined = "".join(text.split())
    return urlsafe_b64decode(joined + "=" * (-len(joined) % 4))


def rfcKey() -> RSAPrivateKey:
    """
    That of the RFC.
    """
    n, p, q = (int.from_bytes(octets(text), "big") for text in (_N, _P, _Q))
    e = 65537
    d = pow(e, -1, (p - 1) * (q - 1))
    return rsa.RSAPrivateNumbers(
        *(p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p)),
        rsa.RSAPublicNumbers(e, n),
    ).private_key()


def pem(
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey,
    secrecy: KeySerializationEncryption | None = None,
) -> bytes:
    """
    A key as it stands in files.
    """
    form = Encoding.PEM, PrivateFormat.PKCS8
    return key.private_bytes(*form, secrecy or NoEncryption())


def parts(assertion: str) -> tuple[dict[str, object], dict[str, object]]:
    """
    The header and the claims of an assertion, whose signature is that of the RFC's key.
    """
    text, _, signature = assertion.rpartition(".")
    public = rfcKey().public_key()
    public.verify(octets(signature), text.encode(), PKCS1v15(), SHA256())
    header, claims = (json.loads(octets(part)) for part in text.split("."))
    return header, claims


class AssertionTests(SynchronousTestCase):
    """
    Tests for what we sign.
    """

    def setUp(self) -> None:
        """
        Have a file for keys.
        """
        self.path = Path(self.mktemp()).absolute()

    def unusable(self, content: bytes) -> None:
        """
        Assert that no key can be had of a file with this content.
        """
        self.path.write_bytes(content)
        error = self.assertRaises(ConfigError, load, str(self.path))
        self.assertEqual(
            f"oauth2-key-file {self.path} cannot be used: it must be an RSA key in PEM"
            " without a passphrase, or a JSON of a service account",
            str(error),
        )

    def test_rfc(self) -> None:
        """
        The example of RFC 7515, A.2.
        """
        payload = (
            b'{"iss":"joe",\r\n "exp":1300819380,\r\n'
            b' "http://example.com/is_root":true}'
        )
        self.assertEqual(
            "".join(_JWS.split()), jws(rfcKey(), b'{"alg":"RS256"}', payload)
        )

    def test_claims(self) -> None:
        """
        An assertion is for one use, within ten minutes (RFC 7523, 3).
        """
        self.path.write_bytes(pem(rfcKey()))
        key = load(str(self.path))
        claims = {"iss": "us", "sub": "me", "aud": "https://a/t"}
        header, said = parts(signed(key, claims, 1000.7, "once"))
        self.assertEqual({"alg": "RS256", "typ": "JWT"}, header)
        self.assertEqual({**claims, "iat": 1000, "exp": 1600, "jti": "once"}, said)
        one, another = (parts(signed(key, claims, 0.0))[1]["jti"] for _ in range(2))
        self.assertNotEqual(one, another)
        self.assertEqual("", key.issuer)

    def test_serviceAccount(self) -> None:
        """
        A service account's JSON says who signs, and with which key.
        """
        fields = {
            "type": "service_account",
            "private_key_id": "7",
            "private_key": pem(rfcKey()).decode(),
            "client_email": "robot@example.iam.example.com",
        }
        self.path.write_text(json.dumps(fields))
        key = load(str(self.path))
        self.assertEqual("robot@example.iam.example.com", key.issuer)
        header, _ = parts(signed(key, {}, 0.0))
        self.assertEqual({"alg": "RS256", "typ": "JWT", "kid": "7"}, header)

    def test_certificate(self) -> None:
        """
        Beside a key there may be a certificate: it tells which key it is.
        """
        folder = Path(self.mktemp())
        folder.mkdir()
        certificate = issue(folder).path.read_text()
        self.path.write_bytes(pem(rfcKey()) + certificate.encode())
        header, _ = parts(signed(load(str(self.path)), {}, 0.0))
        for name, algorithm in ("x5t", SHA1()), ("x5t#S256", SHA256()):
            digest = Hash(algorithm)
            digest.update(octetsOf(certificate))
            self.assertEqual(digest.finalize(), octets(str(header[name])))

    def test_unusable(self) -> None:
        """
        Whatever else is in a file is no key.
        """
        curve = ec.generate_private_key(ec.SECP256R1())
        locked = pem(rfcKey(), BestAvailableEncryption(b"x"))
        for content in (
            *(b"", b"x", b"{", b"{}", b"[]", b"\xff", b'{"private_key": 7}'),
            *(b'{"private_key": "x", "client_email": "y"}', b"{" * 99_999),
            *(pem(curve), locked),
        ):
            self.unusable(content)

    def test_unreadable(self) -> None:
        """
        A file that is gone since the configuration was read is told of.
        """
        error = self.assertRaises(ConfigError, load, str(self.path))
        self.assertEqual(
            f"oauth2-key-file {self.path} cannot be read: No such file or directory",
            str(error),
        )


def octetsOf(text: str) -> bytes:
    """
    The DER of the first certificate in PEM.
    """
    _, _, rest = text.partition("-----BEGIN CERTIFICATE-----")
    middle = rest.partition("-----END")[0]
    return urlsafe_b64decode(middle.replace("+", "-").replace("/", "_"))
