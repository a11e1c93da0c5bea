"""A code is worth nothing without its verifier: PKCE, RFC 7636; S256 only (RFC 9700 §2.1.1)."""

import hashlib
import hmac
import re
from typing import Any

from idp.errors import InvalidGrant, InvalidRequest
from idp.oauth.extension import Extension, Phase
from idp.oauth.request import OAuthRequest
from idp.oauth.server import current
from idp.settings import Settings
from keys import compact

_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)  # SHA-256 in base64url, RFC 7636 §4.2
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}", re.ASCII)  # RFC 7636 §4.1


def demand_challenge(request: OAuthRequest) -> None:
    """At the authorization endpoint: the client's policy demands a challenge; a public client always needs one.

    Where no code is handed out there is nothing to bind.
    """
    if "code" not in request.hands_out:
        return
    challenge, method = request.payload.get("code_challenge"), request.payload.get("code_challenge_method")
    if challenge is None:
        lifted = not request.client.public and not (request.client.require_pkce and current().settings.require_pkce)
        if method is None and lifted:
            return
        raise InvalidRequest("code_challenge is missing: PKCE with S256 is required")
    # RFC 7636 §4.3: a missing method means "plain", which a thief of the request could use.
    if method != "S256":
        raise InvalidRequest("code_challenge_method must be S256")
    if not _CHALLENGE.fullmatch(challenge):
        raise InvalidRequest("code_challenge must be 43 characters of base64url")


def check_verifier(request: OAuthRequest) -> None:
    """At the token endpoint: the stored challenge alone decides, never what the request brings."""
    challenge, verifier = request.authorization.code_challenge, request.payload.get("code_verifier")
    if challenge is None:
        if verifier is not None:
            raise InvalidGrant("the code was asked for without a code_challenge")
        return
    if verifier is None or not _VERIFIER.fullmatch(verifier):
        raise InvalidGrant("code_verifier is missing or malformed")
    made = compact.b64text(hashlib.sha256(verifier.encode("ascii")).digest())
    if not hmac.compare_digest(made, challenge):
        raise InvalidGrant("code_verifier does not match the code_challenge")


def metadata(_settings: Settings) -> dict[str, Any]:
    """RFC 8414 §2."""
    return {"code_challenge_methods_supported": ["S256"]}


extension = Extension(
    name="pkce",
    spec="RFC 7636",
    metadata=metadata,
    parameters=frozenset({"code_challenge", "code_challenge_method"}),
    authorize={Phase.VALIDATE: demand_challenge},
    token={Phase.BIND: check_verifier},
)
