"""The authorization response as a JWT that we sign: JWT Secured Authorization Response Mode (JARM).

The client sees that the answer is ours, for it and fresh, before it looks at code or error. Each mode is one of the
plain ones with a single parameter, `response`; errors come in the same way.
"""

from collections.abc import Callable, Mapping
from typing import Any

import flask

from idp import context
from idp.clients import encryption, profile
from idp.clients.metadata import announced
from idp.oauth import response_modes
from idp.oauth.extension import Extension, ResponseMode
from idp.oauth.request import OAuthRequest
from idp.settings import Settings

_KIND = "authorization"
_LIFETIME = 300  # seconds; §2.1 recommends ten minutes at most

Send = Callable[[OAuthRequest, Mapping[str, Any]], flask.Response]


def _in_jwt(send: Send) -> Send:
    """The mode that sends all parameters as one (§2.3)."""

    def sent(request: OAuthRequest, parameters: Mapping[str, Any]) -> flask.Response:
        return send(request, {"response": _response(request, parameters)})

    return sent


def _response(request: OAuthRequest, parameters: Mapping[str, Any]) -> str:
    """The JWT (§2.1): signed, and encrypted if the client wants that (§2.2).

    Without a `typ` it can be taken neither for an ID token nor for an access token.
    """
    client = request.client
    said = {
        **parameters,
        "iss": context.settings().public_url,
        "aud": client.client_id,
        "exp": int(context.now().timestamp()) + _LIFETIME,
    }
    signed = context.keys().sign(said, alg=profile.signed_response_alg(client, _KIND))
    return encryption.nested(client, _KIND, signed)


def _by_default(request: OAuthRequest, parameters: Mapping[str, Any]) -> flask.Response:
    """Where the response type's answers go without a mode (§2.3.4)."""
    return response_modes.MODES[response_modes.default(request)].send(request, parameters)


def metadata(settings: Settings) -> dict[str, Any]:
    """§4."""
    return {"authorization_signing_alg_values_supported": profile.signing(settings), **encryption.announced(_KIND)}


extension = Extension(
    name="jarm",
    spec="JWT Secured Authorization Response Mode",
    metadata=metadata,
    client_metadata={
        "authorization_signed_response_alg": announced("authorization_signing_alg_values_supported"),
        "authorization_encrypted_response_alg": announced("authorization_encryption_alg_values_supported"),
        "authorization_encrypted_response_enc": announced("authorization_encryption_enc_values_supported"),
    },
    response_modes={
        "jwt": ResponseMode(send=_in_jwt(_by_default)),
        "query.jwt": ResponseMode(send=_in_jwt(response_modes.query), for_tokens=False),
        "fragment.jwt": ResponseMode(send=_in_jwt(response_modes.fragment)),
        "form_post.jwt": ResponseMode(send=_in_jwt(response_modes.form)),
    },
)
