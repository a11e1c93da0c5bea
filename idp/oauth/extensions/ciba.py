"""A client asks a user elsewhere, who approves on a page of ours: CIBA Core 1.0, with the rules of FAPI-CIBA.

The client knows its user by a hint and polls, or is pinged when the user has decided. Off by default: it lets every
client that registers the grant make a request appear in the account of any user whom it can name.
"""

import json
import re
from typing import Any
from uuid import UUID

import flask

from idp import answers, context, fetch, limits, opaque
from idp.accounts import account, login
from idp.clients import keys
from idp.clients import metadata as members
from idp.clients.client import find
from idp.clients.metadata import InvalidMetadata, Metadata, Supported
from idp.clients.models import Client
from idp.errors import (
    InvalidRequest,
    InvalidScope,
    OAuthError,
    TooManyRequests,
)
from idp.limits import Counter, Limit, Window
from idp.oauth import assertion, signed_requests, tokens
from idp.oauth.decoupled import approvals, polled, rows
from idp.oauth.decoupled.polled import Polled
from idp.oauth.extension import Clients, Endpoint, Extension
from idp.oauth.request import OAuthRequest, Payload
from idp.outbox import Message
from idp.settings import Settings
from keys import BadToken

MODES = ("poll", "ping")
ALGORITHMS = ("ES256", "PS256", "EdDSA")  # FAPI-CIBA §7.10
_HINTS = ("login_hint", "id_token_hint", "login_hint_token")
# What counts of a request (§7.1), and what besides may stand outside a signed one: how the client authenticates.
_PARAMETERS = frozenset({
    "scope", "acr_values", "binding_message", "requested_expiry", "client_notification_token", "user_code",
    "resource", "company", "claims", "authorization_details", "ui_locales", *_HINTS,
})  # fmt: skip
# What the page needs; the hint is done with, a token is no parameter, and `acr_values` a mere wish.
_DROPPED = {*_HINTS, "acr_values", "requested_expiry", "client_notification_token", "user_code"}
_KEPT = _PARAMETERS - _DROPPED | {"client_id"}

_PURPOSE = "ciba-ping"
_NOTIFICATION = "ciba_ping"  # the kind of the outbox's messages
_BEARER = re.compile(r"[A-Za-z0-9._~+/-]{1,1024}={0,2}", re.ASCII)  # §7.1, RFC 6750 §2.1
# Hints that name nobody, of one client: it must not find out who has an account.
_UNKNOWN = Limit("ciba.unknown", (Window(20, 600),))


class UnknownUserId(OAuthError):
    """The hint names nobody who can sign in."""

    error = "unknown_user_id"
    description = "the hint names nobody"


class InvalidBindingMessage(OAuthError):
    """The message cannot be shown."""

    error = "invalid_binding_message"


class TransactionFailed(OAuthError):
    """What the user approved is over before its client came for the tokens."""

    error = "transaction_failed"


class Ciba(Polled):
    """Exchange an `auth_req_id`, once, after the user approved (§10.1)."""

    GRANT_TYPE = approvals.GRANT_TYPE
    CONFIDENTIAL = True
    KIND = "ciba"
    PARAMETER = "auth_req_id"
    ENDED = TransactionFailed


def authenticate(request: OAuthRequest) -> flask.Response:
    """POST /oauth2/bc-authorize (§7): somebody is asked; what the client polls with."""
    asked = _asked(request)
    lifetime, message = _lifetime(asked.get("requested_expiry")), _binding_message(asked)
    auth_req_id = opaque.make("ar")
    ping = _sealed(request.client, asked, auth_req_id, lifetime)
    request.payload = Payload([*_pairs(asked), ("client_id", request.client.client_id)])
    polled.judge(request, auth_req_id, Ciba, only=_KEPT | {"id_token_hint"})
    if "openid" not in request.scopes:
        raise InvalidScope("the scope openid is needed")
    user_id = _user(request, asked)
    kept = {name: values for name, values in request.payload.datalist.items() if name in _KEPT}
    kept |= {"binding_message": [message]} if message else {}
    rows.start(auth_req_id, Ciba.KIND, request.client.client_id, kept, user_id=user_id, ping=ping, lifetime=lifetime)
    return answers.as_json({"auth_req_id": auth_req_id, "expires_in": lifetime, "interval": rows.INTERVAL})


def _pairs(asked: Payload) -> list[tuple[str, str]]:
    return [(name, value) for name, values in asked.datalist.items() for value in values]


def _asked(request: OAuthRequest) -> Payload:
    """The parameters; a client that registered an algorithm signs them, and then nothing may stand outside (§7.1.1)."""
    payload, client = request.payload, request.client
    signed = payload.get("request")
    registered = client.client_metadata.get("backchannel_authentication_request_signing_alg")
    if signed is None:
        if registered:
            raise InvalidRequest("the request must be signed: the client registered how")
        return Payload((name, value) for name, value in _pairs(payload) if name in _PARAMETERS)
    if _PARAMETERS & payload.datalist.keys():
        raise InvalidRequest("no parameter may stand outside of the signed request")
    try:
        allowed = [alg for alg in ALGORITHMS if registered in (None, alg)]
        claims = keys.verify(client, signed, allowed, typ=signed_requests.TYPES)
        _judge(claims, client)
        return Payload(signed_requests.parameters(claims, _PARAMETERS))
    except BadToken as error:
        sentence = "the signed request is not valid"
        raise InvalidRequest(sentence, private=f"{client.client_id}: {error}") from None


def _judge(claims: dict[str, Any], client: Client) -> None:
    """§7.1.1: every one of these claims is required, and a request counts once."""
    signed_requests.judge(claims, client, required=("aud", "iss", "exp", "iat", "nbf", "jti"))
    signed_requests.judge_hour(claims)
    assertion.identifier(claims)
    if not assertion.use("ciba", client.client_id, claims):
        raise BadToken("it was used before")


def _lifetime(asked: str | None) -> int:
    """How long the user has, in seconds: what the client wants, at most our own limit (§7.1, `requested_expiry`)."""
    if asked is None:
        return rows.LIFETIME
    if not (asked.isascii() and asked.isdigit() and len(asked) < 10 and int(asked)):
        raise InvalidRequest("requested_expiry must be a positive number of seconds")
    return min(int(asked), rows.LIFETIME)


def _binding_message(asked: Payload) -> str | None:
    """What both sides show, so that the user can tell that the request is theirs (§7.1)."""
    message = asked.get("binding_message")
    if message is None:
        return None
    try:
        return members.name(message)
    except ValueError as error:
        raise InvalidBindingMessage(f"binding_message {error}") from None


def _sealed(client: Client, asked: Payload, auth_req_id: str, lifetime: int) -> str | None:
    """What a ping needs, as only we can read it; the database knows neither the id nor the client's token."""
    if client.client_metadata.get("backchannel_token_delivery_mode") != "ping":
        return None
    token = asked.get("client_notification_token")
    if token is None or not _BEARER.fullmatch(token):
        raise InvalidRequest("client_notification_token must be a bearer token of at most 1024 characters")
    expires_at = int(context.now().timestamp()) + lifetime
    return context.keys().seal(_PURPOSE, {"auth_req_id": auth_req_id, "token": token}, expires_at=expires_at)


def _user(request: OAuthRequest, asked: Payload) -> UUID:
    """Whom the one hint names (§7.1)."""
    given = [name for name in _HINTS if asked.get(name)]
    if len(given) != 1:
        raise InvalidRequest("exactly one of login_hint, id_token_hint and login_hint_token is needed")
    if given == ["login_hint_token"]:
        raise InvalidRequest("login_hint_token is not supported: send login_hint or id_token_hint")
    hint, sub = asked.get("login_hint"), request.learnt.hinted_sub
    if hint is None:
        _refuse_foreign_hint(request)
    found = login.named(hint) if hint else account.of_sub(sub or "")
    if found is None:
        # Afterwards: strangers who type names into the client's form must not take CIBA away from its users.
        taken = limits.take(Counter(_UNKNOWN, request.client.client_id))
        raise TooManyRequests(taken.retry_after) if taken.refused else UnknownUserId
    return found


def _refuse_foreign_hint(request: OAuthRequest) -> None:
    """§7.1: an ID token that was issued to this client; who holds another's knows nobody by it."""
    found = tokens.parse_id_token(request.payload.data["id_token_hint"])
    if found is None or found["aud"] != request.client.client_id:
        raise InvalidRequest("id_token_hint is not an ID token of this client")


def ping(message: Message) -> None:
    """Tell the client that its user has decided (§10.2); what it answers is its own affair.

    Only a server that did not answer, or says that it is at fault, is asked again: not one that refuses the token.
    """
    client = find(message.payload["client_id"])
    uri = client.client_metadata.get("backchannel_client_notification_endpoint") if client else None
    sealed = context.keys().open(_PURPOSE, message.payload["ping"])
    if not uri or sealed is None:
        return  # the client was removed, or the time is over: it learns that by polling
    body = json.dumps({"auth_req_id": sealed["auth_req_id"]}).encode()
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {sealed['token']}"}
    answer = fetch.current().request("POST", str(uri), body, headers)
    if answer.status >= 500:
        raise fetch.Unreachable(f"the answer was {answer.status}")


def _mode(_supported: Supported, value: object) -> str:
    if value not in MODES:
        raise ValueError("must be poll or ping")
    return str(value)


def _algorithm(_supported: Supported, value: object) -> str:
    if value not in ALGORITHMS:
        raise ValueError(f"must be one of {', '.join(ALGORITHMS)}")
    return str(value)


def _no_user_code(_supported: Supported, value: object) -> bool:
    if value is not False:
        raise ValueError("must be false: user codes are not supported")
    return False


def agree(_settings: Settings, registered: Metadata) -> None:
    """§4: the grant needs a mode, and a ping an address."""
    mode, other = registered.other.get("backchannel_token_delivery_mode"), registered.other
    if Ciba.GRANT_TYPE in registered.grant_types and mode is None:
        raise InvalidMetadata("backchannel_token_delivery_mode", "is needed with the grant type: poll or ping")
    if mode == "ping" and "backchannel_client_notification_endpoint" not in other:
        raise InvalidMetadata("backchannel_client_notification_endpoint", "is needed for the mode ping")
    if "backchannel_authentication_request_signing_alg" in other and not (registered.jwks or "jwks_uri" in other):
        raise InvalidMetadata("backchannel_authentication_request_signing_alg", "needs jwks or jwks_uri beside it")


def metadata(_settings: Settings) -> dict[str, Any]:
    """§4."""
    return {
        "backchannel_token_delivery_modes_supported": list(MODES),
        "backchannel_authentication_request_signing_alg_values_supported": list(ALGORITHMS),
        "backchannel_user_code_parameter_supported": False,
    }


extension = Extension(
    name="ciba",
    spec="OpenID Connect Client-Initiated Backchannel Authentication Core 1.0",
    default=False,
    metadata=metadata,
    client_metadata={
        "backchannel_token_delivery_mode": _mode,
        "backchannel_client_notification_endpoint": members.uri,
        "backchannel_authentication_request_signing_alg": _algorithm,
        "backchannel_user_code_parameter": _no_user_code,
    },
    client_check=agree,
    grants=(Ciba,),
    outgoing={_NOTIFICATION: ping},
    endpoints=(
        Endpoint(
            name="backchannel_authentication",
            path="/oauth2/bc-authorize",
            methods=("POST",),
            view=authenticate,
            announced="backchannel_authentication_endpoint",
            clients=Clients.CONFIDENTIAL,
        ),
    ),
)
