"""Ending a token before its time: RFC 7009. A refresh token takes its grant with it; foreign ones are untouched."""

import flask

from idp import context
from idp.errors import InvalidRequest
from idp.grants import grant
from idp.oauth import refresh, revoked, tokens
from idp.oauth.extension import Clients, Endpoint, Extension
from idp.oauth.request import OAuthRequest


def revoke(request: OAuthRequest) -> flask.Response:
    """POST /oauth2/revoke: always 200 and empty, whatever the token was (RFC 7009 §2.2)."""
    token = request.payload.get("token")
    if token is None:
        raise InvalidRequest("token is missing")
    # The hint is not needed: what a token is can be seen from it (RFC 7009 §2.1 lets us ignore it).
    if presented := refresh.read(token):
        client_id = request.client.client_id
        grant.revoke(presented.grant_id, client_id, context.now(), "revoked by the client", event="grant.revoked")
    elif (found := tokens.parse(token)) and found["client_id"] == request.client.client_id:
        revoked.revoke(found["jti"], found["exp"])
    response = flask.Response(status=200)
    # No content type: some browser clients parse what says it is text.
    del response.headers["Content-Type"]
    response.headers["Cache-Control"] = "no-store"
    return response


extension = Extension(
    name="revocation",
    spec="RFC 7009",
    endpoints=(
        Endpoint(
            name="revoke",
            path="/oauth2/revoke",
            methods=("POST",),
            view=revoke,
            announced="revocation_endpoint",
            clients=Clients.ALL,
            cors=True,
        ),
    ),
)
