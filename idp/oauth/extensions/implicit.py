"""The implicit flow: OpenID Connect Core §3.2. Tokens come at once, from the authorization endpoint, and nothing later.

Off by default: `response_type=code` with PKCE does the same for every kind of client (RFC 9700 §2.1.2).
"""

from typing import Any

from idp.grants import grant as grants
from idp.grants.grant import NewGrant
from idp.oauth import front_channel
from idp.oauth.extension import Extension, Phase
from idp.oauth.request import OAuthRequest
from idp.settings import Settings


def check(request: OAuthRequest) -> None:
    """Only for the response types below."""
    if request.response_type in extension.response_types:
        front_channel.check(request)


def respond(request: OAuthRequest, new: NewGrant) -> dict[str, Any]:
    """A new grant without a code, and its tokens (§3.2.2.5)."""
    return front_channel.answer(request, grants.begin(new))


def metadata(_settings: Settings) -> dict[str, Any]:
    """What clients register for it."""
    return {"grant_types_supported": ["implicit"]}


extension = Extension(
    name="implicit",
    spec="OpenID Connect Core §3.2",
    default=False,
    metadata=metadata,
    response_types={"id_token": respond, "id_token token": respond},
    authorize={Phase.VALIDATE: check},
)
