"""Introspection answers that we signed: JWT response for token introspection, RFC 9701.

A resource server asks for it by `Accept: application/token-introspection+jwt` (§4), keeps it as evidence of what it was
told, and may have it encrypted to a key of its own.
"""

from typing import Any

from idp import context
from idp.clients import encryption, profile
from idp.clients.metadata import announced
from idp.clients.models import Client
from idp.oauth.claims import Claims
from idp.oauth.extension import Extension
from idp.settings import Settings

_KIND = "introspection"


def sign(caller: Client, answer: Claims) -> str:
    """The answer within a JWT for the caller (§5); without `sub` and `exp`, so that it is no access token."""
    found = {
        "iss": context.settings().public_url,
        "aud": caller.client_id,
        "iat": int(context.now().timestamp()),
        "token_introspection": answer,
    }
    alg = profile.signed_response_alg(caller, _KIND)
    signed = context.keys().sign(found, alg=alg, typ="token-introspection+jwt")
    return encryption.nested(caller, _KIND, signed)


def metadata(settings: Settings) -> dict[str, Any]:
    """RFC 9701 §7."""
    return {"introspection_signing_alg_values_supported": profile.signing(settings), **encryption.announced(_KIND)}


extension = Extension(
    name="signed_introspection",
    spec="RFC 9701",
    metadata=metadata,
    client_metadata={
        "introspection_signed_response_alg": announced("introspection_signing_alg_values_supported"),
        "introspection_encrypted_response_alg": announced("introspection_encryption_alg_values_supported"),
        "introspection_encrypted_response_enc": announced("introspection_encryption_enc_values_supported"),
    },
    introspection={"application/token-introspection+jwt": sign},
)
