"""
Tokens that an authorization server gives, and a server that asks it about them.
"""

from __future__ import annotations

import functools

from imapsync.errors import Distrusted
from imapsync.test.integration.authorization import AuthorizationServer
from imapsync.test.integration.dovecot import Dovecot, Settings
from imapsync.test.integration.test_connect import ConnectCase, described


@functools.cache
def authorizing() -> AuthorizationServer:
    """
    Who gives out the tokens in the tests here.
    """
    return AuthorizationServer()


@functools.cache
def asking() -> Dovecot:
    """
    A Dovecot that asks it.
    """
    url = f"{authorizing().authority.url}/introspect"
    return Dovecot(Settings(introspection=url))


class IntrospectionTests(ConnectCase):
    """
    The servers understand each other.
    """

    async def test_token(self) -> None:
        """
        A token opens one user's mail, until it is over.
        """
        authority = authorizing().authority
        for mechanism in "OAUTHBEARER", "XOAUTH2":
            server = described(asking(), auth=(mechanism,))
            authority.user = server.username or ""
            answer = authority.answer(
                *("POST", "/token"),
                b"grant_type=client_credentials&client_id=confidential"
                b"&client_secret=the%20client%27s%20secret",
            )
            import json

            token = json.loads(answer.body)["access_token"]
            server = server._replace(password=token)
            client = await self.connect(server)
            self.assertEqual(authority.user, client.user)
            authority.expire()
            await self.failure(server, Distrusted)
