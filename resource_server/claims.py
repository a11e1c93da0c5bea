"""What the claims of an access token must be before anything is done with them: RFC 9068 §4, and our own shapes."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from resource_server.errors import InvalidToken
from resource_server.principal import Detail, Principal

Claims = Mapping[str, Any]

CONFIRMATIONS = frozenset({"jkt", "x5t#S256"})  # RFC 9449 §6.1, RFC 8705 §3.1


def principal(claims: Claims, *, issuer: str, audience: str, now: float, leeway: int) -> Principal:
    """Read a token that the IdP vouches for; `now` in seconds since the epoch, `leeway` in seconds.

    Raises:
        InvalidToken: it is another issuer's, another audience's, not valid now, or says something in a shape that is
            not understood. A claim is never guessed at and never skipped.
    """
    _check_origin(claims, issuer, audience)
    company_id = _text(claims, "company_id") if "company_id" in claims else None
    roles, companies = _roles(claims.get("roles", [])), _companies(claims)
    return Principal(
        sub=_text(claims, "sub"),
        client_id=_text(claims, "client_id"),
        scopes=_scopes(claims.get("scope", "")),
        expires_at=_lifetime(claims, now, leeway),
        company_id=company_id,
        roles=roles if company_id else frozenset(),
        # An introspection answer may list all companies of the user; with an active one they give no rights.
        companies=None if company_id else companies,
        member_ver=_integer(claims, "member_ver") if "member_ver" in claims else None,
        authorization_details=_details(claims),
        acr=_text(claims, "acr") if "acr" in claims else None,
        amr=tuple(_texts(claims.get("amr", []), "amr")),
        auth_time=_integer(claims, "auth_time") if "auth_time" in claims else None,
        actor=_actor(claims),
        confirmation=_confirmation(claims),
        claims=MappingProxyType(dict(claims)),
    )


def _check_origin(claims: Claims, issuer: str, audience: str) -> None:
    if claims.get("iss") != issuer:
        raise InvalidToken("the token is another issuer's")
    named = claims.get("aud")
    if audience not in ([named] if isinstance(named, str) else _texts(named, "aud")):
        raise InvalidToken("the token is for another audience")


def _lifetime(claims: Claims, now: float, leeway: int) -> int:
    expires_at = _integer(claims, "exp")
    if now >= expires_at + leeway:
        raise InvalidToken("the token has expired")
    if _integer(claims, "iat") > now + leeway or ("nbf" in claims and _integer(claims, "nbf") > now + leeway):
        raise InvalidToken("the token is not valid yet")
    return expires_at


def _scopes(scope: object) -> frozenset[str]:
    if not isinstance(scope, str):
        raise _malformed("scope")
    return frozenset(scope.split(" ")) - {""}


def _companies(claims: Claims) -> Mapping[str, frozenset[str]] | None:
    if "companies" not in claims:
        return None
    companies = claims["companies"]
    if not isinstance(companies, dict):
        raise _malformed("companies")
    return MappingProxyType({company_id: _roles(roles) for company_id, roles in companies.items()})


def _details(claims: Claims) -> tuple[Detail, ...] | None:
    if "authorization_details" not in claims:
        return None
    details = claims["authorization_details"]
    if not isinstance(details, list) or not all(
        isinstance(entry, dict) and isinstance(entry.get("type"), str) for entry in details
    ):
        raise _malformed("authorization_details")
    return tuple(details)


def _confirmation(claims: Claims) -> Mapping[str, str]:
    """What the sender must prove (RFC 7800 §3.1): one way or both, and none that we do not know."""
    if "cnf" not in claims:
        return MappingProxyType({})
    members = claims["cnf"]
    if not isinstance(members, dict) or not members or not all(isinstance(value, str) for value in members.values()):
        raise _malformed("cnf")
    if members.keys() - CONFIRMATIONS:
        raise InvalidToken("the token is bound in a way that is not supported here")
    return MappingProxyType(members)


def _actor(claims: Claims) -> str | None:
    """Who acts now; those within it acted before, which decides nothing (RFC 8693 §4.1)."""
    if "act" not in claims:
        return None
    if not isinstance(claims["act"], dict):
        raise _malformed("act")
    return _text(claims["act"], "sub")


def _roles(roles: object) -> frozenset[str]:
    return frozenset(_texts(roles, "roles"))


def _texts(value: object, name: str) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise _malformed(name)
    return value


def _text(claims: Claims, name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not value:
        raise _malformed(name)
    return value


def _integer(claims: Claims, name: str) -> int:
    value = claims.get(name)
    # `type`, not isinstance: true is an int in Python and would be the second 1.
    if type(value) is not int:
        raise _malformed(name)
    return value


def _malformed(name: str) -> InvalidToken:
    return InvalidToken(f"the claim {name} is missing or malformed")
