"""The hybrid flow: OpenID Connect Core §3.3. A code, and with it tokens from the authorization endpoint.

Off by default: `response_type=code` with PKCE needs no token in the front channel (RFC 9700 §2.1.2).
"""

from typing import Any

from idp.grants.grant import NewGrant
from idp.oauth import codes, front_channel
from idp.oauth.extension import Extension, Phase
from idp.oauth.request import OAuthRequest
from idp.settings import Settings


def check(request: OAuthRequest) -> None:
    """Only for the response types below."""
    if request.response_type in extension.response_types:
        front_channel.check(request)


def respond(request: OAuthRequest, new: NewGrant) -> dict[str, Any]:
    """A new code for a new grant, and the grant's first tokens (§3.3.2.5)."""
    code, standing = codes.begin_and_read(request, new)
    return {"code": code, **front_channel.answer(request, standing, code)}


def metadata(_settings: Settings) -> dict[str, Any]:
    """What clients register for it, and the claim that binds the code."""
    return {"grant_types_supported": ["implicit"], "claims_supported": ["c_hash"]}


extension = Extension(
    name="hybrid",
    spec="OpenID Connect Core §3.3",
    default=False,
    metadata=metadata,
    response_types={"code id_token": respond, "code token": respond, "code id_token token": respond},
    authorize={Phase.VALIDATE: check},
)
