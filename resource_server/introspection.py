"""Asking the IdP about each token, RFC 7662: slower than a signature, and a revoked token ends at once."""

from base64 import b64encode
from typing import Any
from urllib.parse import quote_plus

from resource_server.errors import InvalidToken, Unavailable
from resource_server.idp import IdentityProvider


def introspected(token: str, idp: IdentityProvider, client_id: str, client_secret: str) -> dict[str, Any]:
    """The claims of an access token that the IdP calls active; they are not judged here.

    Raises:
        InvalidToken: the IdP says that it is not active, or that it is no access token.
        Unavailable: the IdP did not say.
    """
    answer = idp.ask(
        idp.endpoint("introspection_endpoint"),
        form={"token": token, "token_type_hint": "access_token"},
        authorization=basic(client_id, client_secret),
    )
    if answer.get("active") is False:
        raise InvalidToken("the token is not active")
    if answer.get("active") is not True:
        raise Unavailable("the identity provider did not say whether the token is active")
    # A refresh token is active too, but not of a type that opens anything (RFC 7662 §2.2, RFC 6749 §5.1).
    confirmation = answer.get("cnf")
    bound_to_key = isinstance(confirmation, dict) and "jkt" in confirmation
    if str(answer.get("token_type")).lower() != ("dpop" if bound_to_key else "bearer"):
        raise InvalidToken("the token is not an access token")
    return answer


def basic(client_id: str, client_secret: str) -> str:
    """`client_secret_basic`: both parts are form-encoded first (RFC 6749 §2.3.1)."""
    return "Basic " + b64encode(f"{quote_plus(client_id)}:{quote_plus(client_secret)}".encode()).decode()
