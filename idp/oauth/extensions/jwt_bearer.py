"""An issuer that we trust speaks for a user: the JWT bearer grant, RFC 7521 §4.1, RFC 7523 §2.1.

The settings name the issuers, and for each the clients that may bring its assertions. An assertion works once, and
gives one access token: no refresh token, and no ID token, for nobody signed in here. Its `acr` is 0 for the same
reason. Off by default: somebody else's word counts like a sign-in.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from idp import audit, context
from idp.accounts import account
from idp.accounts.acr import ELSEWHERE
from idp.clients import client as clients
from idp.clients import keys, profile
from idp.clients.models import Client
from idp.companies import policy
from idp.db import db, uuid7
from idp.errors import InvalidGrant, InvalidRequest
from idp.grants import consent
from idp.grants import grant as grants
from idp.grants.grant import NewGrant
from idp.oauth import assertion, company, tokens
from idp.oauth.company import Choice
from idp.oauth.extension import Extension
from idp.oauth.grant_type import GrantType
from idp.oauth.request import Authorization, OAuthRequest
from idp.settings import TrustedIssuer
from keys import BadToken, compact

_TYPES = ("authorization-grant+jwt",)  # what draft-ietf-oauth-rfc7523bis asks issuers to write; JWT counts too

_BY_EMAIL = """
    SELECT id FROM user_account
     WHERE lower(email) = lower(%(address)s) AND email_verified_at IS NOT NULL AND disabled_at IS NULL
"""


class JwtBearer(GrantType):
    """Exchange an assertion, once, for an access token about the user that it names."""

    GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer"
    CONFIDENTIAL = True
    DECLARED = True

    claims: dict[str, Any]  # of the assertion
    user_id: UUID
    chosen: Choice | None  # the company

    def prove(self, request: OAuthRequest) -> Authorization:
        """Judge the assertion, then whom it names; every fault in it is invalid_grant (RFC 7523 §3.1).

        The grant begins in `settle`: what may still be refused, by scope or audience, leaves no row.
        """
        if (presented := request.payload.get("assertion")) is None:
            raise InvalidRequest("assertion is missing")
        if (asked := request.payload.get("company")) and not company.well_formed(asked):
            raise InvalidRequest("company must be the id or slug of a company")
        self.claims, issuer = _verified(request.client, presented)
        self.user_id = _person(self.claims, issuer)
        self.chosen = _company(request.client, self.user_id, asked)
        _heed_policy(self.chosen, _signed_in(self.claims))
        allowed = _allowed(request.client, self.user_id, self.chosen)
        return Authorization(scopes=allowed, audience=(clients.default_audience(request.client),))

    def settle(self, request: OAuthRequest) -> None:
        """Begin the grant, without a session, for as long as its one token lives."""
        now, client_id = context.now(), request.client.client_id
        over = now + timedelta(seconds=context.settings().tokens.access_token_ttl)
        new = NewGrant(
            id=uuid7(),
            user_id=self.user_id,
            client_id=client_id,
            company_id=self.chosen.id if self.chosen else None,
            offline=True,  # there is no session that it could end with
            scopes=list(request.scopes),
            resources=list(request.audience),
            details=request.details,
            acr=ELSEWHERE,
            amr=[],
            auth_time=_signed_in(self.claims),
            now=now,
            expires_at=over,
        )
        event = audit.values(
            "assertion.accepted",
            user_id=new.user_id,
            company_id=new.company_id,
            client_id=client_id,
            issuer=self.claims["iss"],
        )
        request.authorization = replace(request.authorization, standing=grants.begin(new, event=event))

    def create_token_response(self) -> tuple[int, dict[str, Any], list[tuple[str, str]]]:
        """An access token alone."""
        return 200, tokens.access_token_response(self.server, self.request, tokens.subject_of(self.request)), []


def _verified(client: Client, presented: str) -> tuple[dict[str, Any], TrustedIssuer]:
    """The assertion's claims, and who signed it; from now on it is used."""
    try:
        issuer = _trusted(client, keys.unverified(presented).get("iss"))
        accepted = set(issuer.algorithms) & set(profile.algorithms(client))
        claims = keys.verify_from(lambda newer: _keys(issuer, newer=newer), presented, accepted, typ=_TYPES)
        assertion.judge(claims, _audiences(client))
    except BadToken as error:
        raise InvalidGrant("the assertion is not valid", private=str(error)) from None
    if not assertion.use("jwt-bearer", claims["iss"], claims):
        audit.at_once(
            "assertion.replayed", client_id=client.client_id, company_id=client.company_id, issuer=claims["iss"]
        )
        raise InvalidGrant("the assertion is not valid", private="it was used before")
    return claims, issuer


def _trusted(client: Client, said: object) -> TrustedIssuer:
    known = context.settings().jwt_bearer.trusted_issuers
    if not isinstance(said, str) or said not in known or client.client_id not in known[said].clients:
        raise BadToken("its issuer is not trusted, or not for this client")
    return known[said]


def _keys(issuer: TrustedIssuer, *, newer: bool) -> list[keys.Jwk]:
    if issuer.jwks_uri:
        return keys.published(issuer.jwks_uri, newer=newer)
    return keys.usable(compact.load(issuer.jwks.read_bytes())) if issuer.jwks else []


def _audiences(client: Client) -> tuple[str, ...]:
    """RFC 7523 §3 lets the token endpoint name us too; FAPI 2.0 and draft-ietf-oauth-rfc7523bis the issuer alone."""
    issuer = context.settings().public_url
    return (issuer,) if profile.is_fapi2(client) else (issuer, f"{issuer}/oauth2/token")


def _person(claims: dict[str, Any], issuer: TrustedIssuer) -> UUID:
    """The user whom the assertion names, as the setting says: by our `sub`, or by an address that both sides proved."""
    by_email = issuer.subject == "email"
    name = claims.get("email" if by_email else "sub")
    if not isinstance(claims.get("sub"), str) or not isinstance(name, str) or not name.isprintable():
        raise InvalidGrant("the assertion is not valid", private="it names nobody")
    if by_email and claims.get("email_verified") is not True:
        raise InvalidGrant("the assertion is not valid", private="its address is not verified")
    if (user_id := _of_email(name) if by_email else account.of_sub(name)) is None:
        raise InvalidGrant("the assertion is not valid", private="there is no such user")
    return user_id


def _of_email(address: str) -> UUID | None:
    with db.hot() as cursor:
        row = cursor.execute(_BY_EMAIL, {"address": address}).fetchone()
    return row[0] if row else None


def _company(client: Client, user_id: UUID, asked: str | None) -> Choice | None:
    """The company that is named, else the only one; for a client that belongs to a company, that one and no other.

    Raises:
        InvalidRequest: the user does not belong there, or to several and none is named: nobody is here to choose.
    """
    own = str(client.company_id) if client.company_id else None
    if named := asked or own:
        found = company.member_of(user_id, named)
        if found is None or own not in (None, str(found.id)):
            raise InvalidRequest("the user does not belong to this company")
        return found
    held = company.first_two(user_id)
    if len(held) > 1:
        raise InvalidRequest("the user belongs to several companies: name one with company")
    return held[0] if held else None


def _heed_policy(chosen: Choice | None, auth_time: datetime) -> None:
    """What the company asks of a sign-in, which nobody can do here."""
    if chosen is None:
        return
    if policy.lacks_factor(chosen.policy, ELSEWHERE):
        raise InvalidGrant("the company asks for a second factor")
    if policy.too_old(chosen.policy, auth_time, context.now()):
        raise InvalidGrant("the company asks for a newer sign-in")


def _allowed(client: Client, user_id: UUID, chosen: Choice | None) -> tuple[str, ...]:
    """The scopes that the client may ask for; if it must ask people, those that this one allowed it there."""
    found = clients.allowed_scopes(client) - {"offline_access"}
    if client.consent != "implied":
        found &= consent.remembered(user_id, client.client_id, chosen.id if chosen else None).scopes
    if not found:
        raise InvalidGrant("the user has not allowed this client anything in the company")
    return tuple(sorted(found))


def _signed_in(claims: dict[str, Any]) -> datetime:
    """When the user signed in there, as far as the issuer says so; else when it said who they are."""
    now = context.now().timestamp()
    said = next((claims[name] for name in ("auth_time", "iat") if assertion.is_time(claims.get(name))), now)
    return datetime.fromtimestamp(min(max(said, 0), now), UTC)


extension = Extension(name="jwt_bearer", spec="RFC 7523 §2.1", default=False, grants=(JwtBearer,))
