"""Who answered: `iss` in every authorization response, errors too (RFC 9207), against mix-up attacks."""

from typing import Any

from idp import context
from idp.oauth.extension import Extension
from idp.oauth.request import OAuthRequest
from idp.settings import Settings


def add_issuer(_request: OAuthRequest, answer: dict[str, Any]) -> None:
    """RFC 9207 §2."""
    answer["iss"] = context.settings().public_url


def metadata(_settings: Settings) -> dict[str, Any]:
    """RFC 9207 §3."""
    return {"authorization_response_iss_parameter_supported": True}


extension = Extension(name="issuer_parameter", spec="RFC 9207", metadata=metadata, respond=add_issuer)
