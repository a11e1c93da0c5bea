"""The authorization endpoint: a dispatcher that asks what is still needed, and answers when nothing is.

GET /oauth2/authorize -> load -> trusted client and redirect URI -> validate -> what is needed?
     nothing   -> a grant with its code, and back to the client
     something -> the request waits as a row, the browser goes to the page; every page comes back to `dispatch`
"""

from datetime import timedelta
from urllib.parse import urlencode

import flask
from flask import url_for

from idp import context
from idp.clients import client as clients
from idp.db import uuid7
from idp.errors import (
    InvalidRequest,
    InvalidRequestUri,
    InvalidScope,
    OAuthError,
    RegistrationNotSupported,
    RequestNotSupported,
    RequestUriNotSupported,
    TemporarilyUnavailable,
    TooManyRequests,
)
from idp.grants.grant import Answered, NewGrant
from idp.oauth import prompts, redirection, server, waiting, way
from idp.oauth import request as requests
from idp.oauth.decoupled import rows
from idp.oauth.extension import Phase, Prompt
from idp.oauth.request import OAuthRequest
from idp.oauth.waiting import Waiting
from idp.sso import browser, session

# What a step of LOAD would have replaced by what it stands for; nobody did (OpenID Connect Core §3.1.2.6).
_NOT_LOADED: dict[str, type[OAuthError]] = {
    "request": RequestNotSupported,
    "request_uri": RequestUriNotSupported,
    "registration": RegistrationNotSupported,
}


def authorize() -> flask.Response:
    """GET or POST /oauth2/authorize (OpenID Connect Core §3.1.2.1)."""
    http = flask.request
    posted = http.method == "POST"
    pairs = requests.body() if posted else requests.parse(http.query_string)
    request = requests.from_pairs(pairs, only=server.current().parameters)
    if (uri := request.payload.get("request_uri") or "").startswith(waiting.URN):
        return _at_ours(request.payload.client_id, uri) if posted else dispatch(_kept(request, uri))
    try:
        load(request)
    except OAuthError as error:
        return _refuse_unloaded(request, error)
    return _get_instead(request) if posted else dispatch(request)


def load(request: OAuthRequest) -> None:
    """Replace what stands for parameters by the parameters."""
    if request.payload.repeated:
        raise InvalidRequest("a parameter was sent more than once")
    server.current().run_authorize(Phase.LOAD, request)
    for name, error in _NOT_LOADED.items():
        if request.payload.get(name):
            raise error


def _refuse_unloaded(request: OAuthRequest, error: OAuthError) -> flask.Response:
    """What stands outside says where the error goes, if that may be trusted; otherwise it is a page."""
    try:
        redirection.trusted(request)
    except InvalidRequest:
        raise error from None
    return _refuse(request, error)


def _get_instead(request: OAuthRequest) -> flask.Response:
    """A POST from another site arrives without our cookies (SameSite=Lax): keep it, and let the browser GET it."""
    redirection.trusted(request)
    handle = waiting.store(request.payload.datalist, client_id=request.client.client_id)
    return _at_ours(request.client.client_id, waiting.URN + handle)


def _at_ours(client_id: str | None, request_uri: str) -> flask.Response:
    """Lead to a GET of a request that is kept here."""
    again = urlencode({"client_id": client_id or "", "request_uri": request_uri})
    return flask.Response(
        status=303, headers={"Location": f"{context.settings().public_url}{flask.request.path}?{again}"}
    )


def _kept(asked: OAuthRequest, request_uri: str) -> OAuthRequest:
    """The request that was pushed, or posted; its parameters count alone (RFC 9126 §4, RFC 9101 §6.3)."""
    if asked.payload.repeated & {"client_id", "request_uri"}:
        raise InvalidRequest("the request does not name its client and its request_uri once")
    handle = request_uri.removeprefix(waiting.URN)
    row = waiting.find(handle)
    # Once a browser has come with it, it is nobody else's.
    foreign = row is not None and row.browser is not None and not waiting.belongs(row, browser.secret())
    if row is None or foreign or row.client_id != asked.payload.client_id:
        raise InvalidRequestUri("the request_uri is unknown or over: start again from the application")
    return restored(row, handle)


def restored(row: Waiting, handle: str) -> OAuthRequest:
    """A request as it was stored."""
    pairs = [(name, value) for name, values in row.parameters.items() for value in values]
    request = requests.from_pairs(pairs)
    request.learnt.waiting, request.learnt.handle = row, handle
    request.learnt.pushed = row.source == "par"
    if row.source == rows.SOURCE:
        request.learnt.decoupled = rows.marked(row.parameters)
        request.learnt.hinted_sub = request.learnt.decoupled.sub
    return request


def dispatch(request: OAuthRequest) -> flask.Response:
    """Answer the request, or lead its user to the page that is needed."""
    redirection.trusted(request)
    try:
        prompt = needed(request)
        if prompt is None:
            return way.of(request).complete(request, _grant(request))
        if "none" in request.learnt.prompts:
            raise prompt.error
        return _wait(request, prompt)
    except OAuthError as error:
        return _refuse(request, error)


def _refuse(request: OAuthRequest, error: OAuthError) -> flask.Response:
    """Send the error to the client."""
    if isinstance(error, TemporarilyUnavailable | TooManyRequests | Answered):
        raise error  # a page: the client could do nothing with it, or has its answer
    return way.of(request).refuse(request, error)


def validate(request: OAuthRequest) -> None:
    """Everything that can be said of a request of a known client before anything is known of its user."""
    way.of(request).check(request)
    request.scopes = prompts.granted_scopes(request)
    if not request.scopes:
        raise InvalidScope("none of the scopes is for this client")
    request.audience = (clients.default_audience(request.client),)
    _check_how_to_ask(request)
    server.current().run_authorize(Phase.VALIDATE, request)


def _check_how_to_ask(request: OAuthRequest) -> None:
    """Whether the user may be asked, and how old the sign-in may be (OpenID Connect Core §3.1.2.1)."""
    asked = set(request.payload.words("prompt"))
    if "none" in asked and len(asked) > 1:
        raise InvalidRequest("prompt=none cannot be combined")
    request.learnt.prompts = frozenset(asked.intersection(prompts.VALUES))
    max_age = request.payload.get("max_age")
    if max_age is not None and not (max_age.isascii() and max_age.isdigit() and len(max_age) < 10):
        raise InvalidRequest("max_age must be a number of seconds")


def needed(request: OAuthRequest) -> Prompt | None:
    """Validate the request, then find the first reason to ask its user."""
    validate(request)
    request.learnt.session = session.current()
    return prompts.needed(request)


def _wait(request: OAuthRequest, prompt: Prompt) -> flask.Response:
    """Keep the request for this browser and show the page."""
    learnt, secret = request.learnt, browser.secret() or browser.renew()
    if learnt.handle is None:
        learnt.handle = waiting.store(request.payload.datalist, client_id=request.client.client_id, browser=secret)
    elif learnt.waiting and learnt.waiting.browser is None:
        waiting.bind(learnt.handle, secret)
    return flask.Response(status=303, headers={"Location": url_for(f"signin.{prompt.page}", handle=learnt.handle)})


def _grant(request: OAuthRequest) -> NewGrant:
    """The row of this authorization: what was asked, how the user had signed in, for which company."""
    learnt, now = request.learnt, context.now()
    if learnt.session is None:
        raise TypeError("a grant needs a signed-in user")
    return NewGrant(
        id=uuid7(),
        user_id=learnt.session.user_id,
        client_id=request.client.client_id,
        company_id=learnt.company.company_id,
        all_companies=learnt.company.all_companies,
        session_id=learnt.session.id,
        offline="offline_access" in request.scopes,
        scopes=list(request.scopes),
        resources=list(request.audience),
        details=request.details,
        claims=learnt.claims,
        acr=learnt.session.acr,
        amr=list(learnt.session.amr),
        auth_time=learnt.session.auth_time,
        now=now,
        expires_at=now + timedelta(seconds=context.settings().tokens.refresh_token_ttl),
        waiting=learnt.waiting.hash if learnt.waiting else None,
    )
