"""The client sends its authorization request to us and its user with a reference to it: PAR, RFC 9126.

Nothing of the request passes through the browser, its client has proved who it is before a person sees anything, and
every fault is told to the client at once. A pushed request is a row like any that waits for its user.
"""

from typing import Any

import flask

from idp import answers, context, limits
from idp.clients.metadata import boolean
from idp.errors import InvalidRequest, OAuthError
from idp.limits import Limit, Window
from idp.oauth import authorize, redirection, server, waiting
from idp.oauth import request as requests
from idp.oauth.extension import Clients, Endpoint, Extension, Phase
from idp.oauth.request import OAuthRequest
from idp.settings import Settings

_REQUIRED = "require_pushed_authorization_requests"  # RFC 9126 §5 and §6: of the server, of a client
_EVENTS = Limit("par.refused", (Window(10, 60),))  # rows that the refusals of one client may cost


def push(presented: OAuthRequest) -> flask.Response:
    """POST /oauth2/par (RFC 9126 §2)."""
    client = presented.client
    try:
        request = _judged(presented)
    except OAuthError as error:
        # Of each client at most some rows in a minute: nobody floods the table.
        limits.record(
            _EVENTS, client.client_id, client_id=client.client_id, company_id=client.company_id, error=error.error
        )
        raise
    handle = waiting.store(
        request.payload.datalist, client_id=client.client_id, source="par", authenticated=not client.public
    )
    lifetime = int(waiting.PUSHED_LIFETIME.total_seconds())
    return answers.as_json({"request_uri": waiting.URN + handle, "expires_in": lifetime}, 201)


def _judged(presented: OAuthRequest) -> OAuthRequest:
    """The authorization request without the credentials that came with it, as valid as it can be without its user."""
    if presented.payload.get("request_uri"):
        raise InvalidRequest("request_uri cannot be pushed (RFC 9126 section 2.1)")
    pairs = [(name, value) for name, values in presented.payload.datalist.items() for value in values]
    request = requests.from_pairs(pairs, only=server.current().parameters)
    request.payload.put("client_id", presented.client.client_id)
    request.learnt.pushed = True
    authorize.load(request)
    redirection.trusted(request)
    authorize.validate(request)
    return request


def demand(request: OAuthRequest) -> None:
    """At the authorization endpoint: who must push its requests may not send them in another way (RFC 9126 §5, §6).

    What no browser carried (RFC 8628, CIBA) came from the client as a pushed one does.
    """
    required = context.settings().require_pushed_requests or request.client.client_metadata.get(_REQUIRED)
    if required and not (request.learnt.pushed or request.learnt.decoupled):
        raise InvalidRequest("the request must be pushed (RFC 9126)")


def metadata(settings: Settings) -> dict[str, Any]:
    """RFC 9126 §5; under the FAPI profile every request is pushed (FAPI 2.0 Security Profile §5.3.2.2)."""
    return {_REQUIRED: settings.require_pushed_requests or settings.profile is not None}


extension = Extension(
    name="pushed_requests",
    spec="RFC 9126",
    metadata=metadata,
    client_metadata={_REQUIRED: boolean},
    endpoints=(
        Endpoint(
            name="par",
            path="/oauth2/par",
            methods=("POST",),
            view=push,
            announced="pushed_authorization_request_endpoint",
            clients=Clients.ALL,
            cors=True,
        ),
    ),
    authorize={Phase.VALIDATE: demand},
)
