"""A request that the client signed, whichever endpoint it is for: what it must say of itself, and what it asks.

OpenID Connect Core §6.1, RFC 9101, CIBA Core §7.1.1. What is inside counts alone: nobody signed what stands outside.
"""

import json
import re
from collections.abc import Collection
from typing import Any

from idp import context
from idp.clients.models import Client
from idp.oauth import assertion
from idp.oauth.request import REPEATABLE
from keys import BadToken

Claims = dict[str, Any]

TYPES = ("oauth-authz-req+jwt",)  # RFC 9101 §10.8
_HOUR = 3600  # seconds
_JSON = {"claims", "authorization_details"}  # Core §5.5, RFC 9396 §2
# What the edge refuses elsewhere: PostgreSQL cannot store it.
_NO_TEXT = re.compile("[\0\ud800-\udfff]")


def judge(claims: Claims, client: Client, *, required: Collection[str] = ()) -> None:
    """For whom, from whom and when, as far as it says so and must (Core §6.1, RFC 9101 §4, §10.8).

    Raises:
        BadToken: it does not count; the text is for the log.
    """
    if missing := sorted(set(required) - claims.keys()):
        raise BadToken(f"{missing[0]} is missing")
    issuer = context.settings().public_url
    if claims.get("iss", client.client_id) != client.client_id or claims.get("sub") == client.client_id:
        raise BadToken("iss must be the client_id, and sub must not")
    if claims.get("client_id", client.client_id) != client.client_id:
        raise BadToken("its client_id is another")
    audience = claims.get("aud", issuer)
    if issuer not in (audience if isinstance(audience, list) else [audience]):
        raise BadToken("aud must be the issuer")
    assertion.times(claims)
    if claims.keys() & {"request", "request_uri"}:
        raise BadToken("an object within an object")


def judge_hour(claims: Claims) -> None:
    """Of one that had to have both: an hour from `nbf` to `exp` at most, and it began less than an hour ago.

    FAPI-CIBA §5.2.2, FAPI 2.0 Message Signing §5.3.1.
    """
    begins = claims["nbf"]
    if begins < context.now().timestamp() - _HOUR or claims["exp"] > begins + _HOUR:
        raise BadToken("it began an hour ago, or lives longer than an hour")


def parameters(claims: Claims, known: Collection[str]) -> list[tuple[str, str]]:
    """The claims that are parameters, in the form in which requests have them."""
    return [(name, text) for name, value in claims.items() if name in known for text in _texts(name, value)]


def _texts(name: str, value: object) -> list[str]:
    """One value, several of a parameter that may be repeated, or JSON where the parameter is JSON (Core §6.1)."""
    if isinstance(value, list) and name in REPEATABLE:
        return [_text(name, each) for each in value]
    return [_text(name, value)]


def _text(name: str, value: object) -> str:
    if isinstance(value, dict | list) and name in _JSON:
        try:
            return json.dumps(value)
        except RecursionError:
            raise BadToken(f"{name} is nested too deeply") from None
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise BadToken(f"{name} is no value of a parameter")
    if _NO_TEXT.search(text := str(value)):
        raise BadToken(f"{name} has characters that are no text")
    return text
