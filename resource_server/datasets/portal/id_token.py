"""ID tokens: OpenID Connect Core §3.1.3.7 and, after a refresh, §12.2."""

from collections.abc import Mapping
from typing import Any

from authlib.oidc.core import CodeIDToken
from joserfc import jws
from joserfc.errors import JoseError

from resource_server import InvalidToken
from resource_server.idp import IdentityProvider
from resource_server.tokens import verified

LEEWAY = 30  # seconds by which clocks may differ


def validated(
    token: str,
    idp: IdentityProvider,
    *,
    client_id: str,
    access_token: str,
    now: float,
    nonce: str | None = None,
    sub: str | None = None,
) -> Mapping[str, Any]:
    """The claims of an ID token that the IdP signed for this client, in this very exchange.

    `nonce` is the one of our request, None after a refresh; then `sub` is who it must be about.

    Raises:
        InvalidToken: it is anything else.
    """
    options = {"iss": {"value": idp.issuer}, "aud": {"value": client_id}}
    if sub is not None:
        options["sub"] = {"value": sub}
    parameters = {"client_id": client_id, "nonce": nonce, "access_token": access_token}
    found = verified(token, idp.key, "JWT")
    claims = CodeIDToken(found, jws.extract_compact(token.encode()).headers(), options, parameters)
    try:
        claims.validate(int(now), LEEWAY)
    except JoseError as error:
        raise InvalidToken(f"the ID token is not for us: {error.error}") from error
    return dict(claims)
