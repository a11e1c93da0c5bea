"""Telling applications that a session ended, server to server: OpenID Connect Back-Channel Logout 1.0.

One message for each client that took part, in the transaction that ends the session, for whatever reason it ends. The
token is signed when the message is sent, so that one which waited for a receiver to come back is not expired.
"""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import select

from idp import context, fetch, outbox
from idp.accounts.models import User
from idp.clients import client as clients
from idp.clients import metadata as members
from idp.clients import profile
from idp.clients.models import Client
from idp.db import db
from idp.events import EndedSession
from idp.oauth import subjects
from idp.oauth.extension import Extension
from idp.oauth.request import FORM
from idp.outbox import Message
from idp.settings import Settings
from idp.sso.models import Session, SessionClient

KIND = "backchannel_logout"
_EVENT = "http://schemas.openid.net/event/backchannel-logout"
_LIFETIME = 120  # seconds; §4 asks for at most two minutes

_TO_TELL = (
    select(Client, User.sub, SessionClient.session_id)
    .join(SessionClient, SessionClient.client_id == Client.client_id)
    .join(Session, Session.id == SessionClient.session_id)
    .join(User, User.id == Session.user_id)
    .where(Client.client_metadata["backchannel_logout_uri"].astext.is_not(None))
)


def tell(ended: Sequence[EndedSession]) -> None:
    """Put a message for each client of the sessions that wants to know."""
    of_these = SessionClient.session_id.in_([session.id for session in ended])
    rows = db.session.execute(_TO_TELL.where(of_these)).all()
    # The name by which the client knows the person, now: they may be gone when the message is sent.
    outbox.put(
        KIND,
        *(
            {"client_id": client.client_id, "sub": subjects.known_within(client, sub), "sid": str(sid)}
            for client, sub, sid in rows
        ),
    )


def send(message: Message) -> None:
    """POST the logout token to the client (§2.5)."""
    client = clients.find(message.payload["client_id"])
    uri = _uri(client) if client else None
    if client is None or uri is None:
        return  # it was removed, or does not want to know any more
    body = urlencode({"logout_token": logout_token(client, message)}).encode()
    status = fetch.current().post(uri, body, FORM)
    if not 200 <= status < 300:
        raise fetch.Unreachable(f"the answer was {status}")


def logout_token(client: Client, message: Message) -> str:
    """A logout token (§2.4); its `jti` stays the same at each attempt, so that a receiver can drop a repeat."""
    issuer, now = context.settings().public_url, int(context.now().timestamp())
    claims: dict[str, Any] = {
        "iss": issuer,
        "sub": message.payload["sub"],
        "aud": client.client_id,
        "iat": now,
        "exp": now + _LIFETIME,
        "jti": str(message.id),
        "events": {_EVENT: {}},
        "sid": message.payload["sid"],
    }
    # §2.4: signed as the client's ID tokens are, typed so that it cannot be taken for one.
    alg = profile.signed_response_alg(client, "id_token")
    return context.keys().sign(claims, alg=alg, typ="logout+jwt")


def tells(client: Client) -> bool:
    """Whether the client wants to know."""
    return _uri(client) is not None


def _uri(client: Client) -> str | None:
    uri = client.client_metadata.get("backchannel_logout_uri")
    return uri if isinstance(uri, str) else None


def metadata(_settings: Settings) -> dict[str, Any]:
    """§2.1."""
    return {"backchannel_logout_supported": True, "backchannel_logout_session_supported": True}


extension = Extension(
    name="backchannel_logout",
    spec="OpenID Connect Back-Channel Logout 1.0",
    metadata=metadata,
    client_metadata={
        "backchannel_logout_uri": members.uri,
        # Every logout token has the sid, so there is nothing to do for those that demand it.
        "backchannel_logout_session_required": members.boolean,
    },
    sessions_ended=tell,
    outgoing={KIND: send},
    tells=tells,
)
