"""How clients authenticate (RFC 6749 §2.3, RFC 7591 §2): exactly the registered method, and only one at a time.

Unknown client and wrong secret are one answer, limits too. Secrets in the query are never read.
"""

import base64
from collections.abc import Mapping
from urllib.parse import unquote_plus

import flask

from idp import audit, limits
from idp.clients import client as clients
from idp.clients import secrets
from idp.clients.models import Client
from idp.errors import InvalidClient, InvalidRequest, TooManyRequests
from idp.limits import Counter, Limit, Window
from idp.oauth.extension import ClientAuth, FindClient
from idp.oauth.request import OAuthRequest

# Failures of one address with assertions and certificates. Counted after the proof was judged, which costs less than
# asking first: who has the right one always passes.
_FAILURES = Limit("client.proof", (Window(60, 60),))


def client_secret_basic(query: FindClient, request: OAuthRequest) -> Client | None:
    """HTTP Basic with form-encoded id and secret (RFC 6749 §2.3.1)."""
    header = request.headers.get("Authorization", "")
    if header[:6].lower() != "basic ":
        return None
    try:
        pair = base64.b64decode(header[6:].strip(), validate=True).decode()
    except ValueError:
        raise InvalidClient from None
    user, separator, password = pair.partition(":")
    client_id, secret = unquote_plus(user), unquote_plus(password)
    # Here a NUL would pass the edge, which sees base64.
    if not separator or "\0" in client_id + secret:
        raise InvalidClient
    if request.payload.client_id not in (None, client_id):
        raise InvalidRequest("client_id in the body is not the client that authenticated")
    return _with_secret(query, client_id, secret)


def client_secret_post(query: FindClient, request: OAuthRequest) -> Client | None:
    """Id and secret in the body (RFC 6749 §2.3.1)."""
    secret = request.payload.get("client_secret")
    if secret is None:
        return None
    return _with_secret(query, request.payload.client_id or "", secret)


def public(query: FindClient, request: OAuthRequest) -> Client | None:
    """A public client only says who it is (RFC 6749 §3.2.1); a header that proved nothing is a failed attempt."""
    if "Authorization" in request.headers:
        return None
    client = query(request.payload.client_id) if request.payload.client_id else None
    return client if client and client.public else None


METHODS: dict[str, ClientAuth] = {
    "client_secret_basic": client_secret_basic,
    "client_secret_post": client_secret_post,
}


def authenticate(request: OAuthRequest, methods: Mapping[str, ClientAuth], query: FindClient) -> Client:
    """The client, or InvalidClient; two methods at once are refused (RFC 6749 §2.3)."""
    _refuse_two(request)
    for method, prove in methods.items():
        try:
            client = prove(query, request)
        except InvalidClient:
            if method not in METHODS:  # a secret counts where it is checked, before its hash is computed
                _count_failure()
            raise
        if client:
            if client.token_endpoint_auth_method != method:
                raise InvalidClient(private=f"{client.client_id} registered another method than {method}")
            return client
    if client := public(query, request):
        return client
    raise InvalidClient


def _count_failure() -> None:
    taken = limits.take(Counter(_FAILURES, limits.network(flask.request.remote_addr or "")))
    if taken.refused:
        raise TooManyRequests(taken.retry_after) from None


def _refuse_two(request: OAuthRequest) -> None:
    presented = [
        "Authorization" in request.headers,
        "client_secret" in request.payload.data,
        "client_assertion" in request.payload.data,
    ]
    if sum(presented) > 1:
        raise InvalidRequest("use one method of client authentication")


def _with_secret(query: FindClient, client_id: str, secret: str) -> Client | None:
    client = query(client_id)
    if secrets.check(client, secret, asked=client_id):
        return client
    if client is not None and (changed := _changed(query, client)) and secrets.check(changed, secret):
        return changed
    if client is None:
        raise InvalidClient(private="unknown client")
    # At most as many as the limit of guesses lets through: nobody can flood the table.
    audit.at_once("client.auth_failed", client_id=client.client_id, company_id=client.company_id)
    raise InvalidClient(private=f"wrong secret of {client.client_id}")


def _changed(query: FindClient, client: Client) -> Client | None:
    """The client as it is now, if its secrets are others than those of some seconds ago: a new one works at once."""
    clients.forget(client.client_id)
    now = query(client.client_id)
    return now if now and now.secret_hashes != client.secret_hashes else None
