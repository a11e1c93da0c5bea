"""Tokens: issued here, and judged here when they come back.

Access tokens are signed JWTs without a row (RFC 9068); ID tokens follow OpenID Connect Core §2. A token is judged by
its signature first and then by one statement: whoever answers about tokens (userinfo, API, introspection) asks `judge`.
"""

import hashlib
import logging
import secrets
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import flask

from idp import context
from idp.accounts.acr import ONE_FACTOR
from idp.clients import client as clients
from idp.clients import encryption, profile
from idp.clients.models import Client
from idp.errors import InsufficientScope, InvalidRequest, InvalidToken, NoToken
from idp.grants import standing
from idp.grants.details import Detail, reaching
from idp.grants.standing import Standing
from idp.oauth import claims, refresh, revoked, step_up, subjects
from idp.oauth.claims import Claims, Subject, TokenKind
from idp.oauth.request import FORM, OAuthRequest, Payload
from idp.oauth.request import parse as parse_form
from idp.oauth.server import AuthorizationServer, current
from keys import BadToken, compact

log = logging.getLogger(__name__)

ACCESS_TOKEN_BYTES = 4096  # proxies and servers on the way allow 8 kB for all headers
ALGORITHMS = ("ES256", "RS256", "PS256", "EdDSA")
ACR_VALUES = (ONE_FACTOR,)  # how strongly somebody can sign in here
_TYPES = ("at+jwt", "JWT")  # what a resource server may have chosen (RFC 9068 §2.1, or what older libraries accept)


def respond(server: AuthorizationServer, request: OAuthRequest) -> dict[str, Any]:
    """The body of a token response: access token, and where they belong ID token and refresh token."""
    authorization, subject = request.authorization, subject_of(request)
    body = access_token_response(server, request, subject)
    if authorization.standing and "openid" in request.scopes:
        body["id_token"] = issue_id_token(server, subject, nonce=authorization.nonce, access_token=body["access_token"])
    if request.refresh_token:
        body["refresh_token"] = request.refresh_token
    return body


def subject_of(request: OAuthRequest) -> Subject:
    """Whom the tokens that the token endpoint issues are about."""
    proved = request.authorization
    return Subject(request.client, request.scopes, proved.standing, acted_for=proved.acted_for, actor=proved.actor)


def access_token_response(
    server: AuthorizationServer, request: OAuthRequest, subject: Subject, *, until: int | None = None
) -> dict[str, Any]:
    """An access token and what to know about it: `scope` says what was granted (RFC 6749 §4.2.2, §5.1).

    It expires at `until` (seconds since the epoch) if that comes before its usual time.
    """
    details, now = reaching(request.details, request.audience), int(context.now().timestamp())
    expires_at = min(now + context.settings().tokens.access_token_ttl, until or sys.maxsize)
    token = issue_access_token(server, subject, request.audience, request.confirmation, details, expires_at=expires_at)
    answer = {
        "access_token": token,
        "token_type": scheme_of(request.confirmation or ()),
        "expires_in": expires_at - now,
        "scope": " ".join(request.scopes),
    }
    # RFC 9396 §7: what was granted and is in this token.
    return answer if details is None else {**answer, "authorization_details": details}


def scheme_of(confirmation: Iterable[str]) -> str:
    """The `token_type` of a token with these members of `cnf`, and the scheme under which it is presented."""
    known = current().confirms
    schemes = (known[member].scheme for member in confirmation if member in known)
    return next((scheme for scheme in schemes if scheme != "Bearer"), "Bearer")


def issue_access_token(
    server: AuthorizationServer,
    subject: Subject,
    audience: Sequence[str],
    confirmation: dict[str, str] | None,
    details: Sequence[Detail] | None,
    *,
    expires_at: int,
) -> str:
    """Sign an access token for `audience` (resource server URIs, at least one); RFC 9068 §2.2, RFC 9396 §9.1.

    `expires_at` is in seconds since the epoch.

    Raises:
        InvalidRequest: it would not fit into 4 kB even without the companies map.
    """
    issuer, now = context.settings(), int(context.now().timestamp())
    # The provider itself has no row, and what is absent is not cached: do not look for it again and again.
    resource = clients.resource(audience[0]) if audience[0] != issuer.public_url else None
    found: Claims = {
        "iss": issuer.public_url,
        "sub": subject.standing.person.sub if subject.standing else subject.itself.client_id,
        "aud": audience[0] if len(audience) == 1 else list(audience),
        "client_id": subject.client.client_id,
        "iat": now,
        "exp": expires_at,
        "jti": secrets.token_urlsafe(16),
        "scope": " ".join(subject.scopes),
    }
    if subject.standing:
        found |= _sign_in(subject.standing) | {"grant_id": str(subject.standing.grant_id)}
    if confirmation:
        found["cnf"] = confirmation
    if details is not None:
        found["authorization_details"] = details
    if subject.actor:
        found["act"] = subject.actor
    claims.build(subject, server.claim_sources(TokenKind.ACCESS), found)
    alg, typ = (resource.access_token_alg, resource.access_token_typ) if resource else ("ES256", "at+jwt")
    token = context.keys().sign(found, alg=alg, typ=typ)
    if len(token) > ACCESS_TOKEN_BYTES and "companies" in found:
        found["companies_count"] = subject.standing.companies_count if subject.standing else None
        del found["companies"]
        log.warning("the companies of an access token did not fit", extra={"client_id": subject.client.client_id})
        token = context.keys().sign(found, alg=alg, typ=typ)
    if len(token) > ACCESS_TOKEN_BYTES:
        raise InvalidRequest("the access token would exceed 4 kB: ask for fewer scopes or resources")
    return token


def issue_id_token(
    server: AuthorizationServer,
    subject: Subject,
    *,
    nonce: str | None,
    access_token: str | None,
    code: str | None = None,
) -> str:
    """Sign an ID token for the client (OpenID Connect Core §2).

    `nonce` only if the request had one; the hashes of the access token and the code that come with it (§3.3.2.11).
    """
    issuer, now = context.settings(), int(context.now().timestamp())
    known = subject.standing
    if known is None:
        raise TypeError("an ID token needs a user")
    alg = profile.signed_response_alg(subject.client, "id_token")
    found: Claims = {
        "iss": issuer.public_url,
        "sub": subjects.known_to(subject.client, known.person.sub),
        "aud": subject.client.client_id,
        "iat": now,
        "exp": now + issuer.tokens.id_token_ttl,
        **_sign_in(known),
    }
    if nonce is not None:
        found["nonce"] = nonce
    if access_token is not None:
        found["at_hash"] = left_half_hash(access_token, alg)
    if code is not None:
        found["c_hash"] = left_half_hash(code, alg)
    claims.build(subject, server.claim_sources(TokenKind.ID), found)
    signed = context.keys().sign(found, alg=alg, typ="JWT")
    return encryption.nested(subject.client, "id_token", signed)


def left_half_hash(value: str, alg: str) -> str:
    """The left half of the hash that `alg` uses, for at_hash and c_hash (OpenID Connect Core §3.1.3.6)."""
    whole = (hashlib.sha512 if alg == "EdDSA" else hashlib.sha256)(value.encode("ascii")).digest()
    return compact.b64text(whole[: len(whole) // 2])


def refresh_token_for(request: OAuthRequest, known: Standing) -> str | None:
    """The first refresh token of a grant, if the client registered that; a public one's is bound as its access token.

    A confidential client proves itself at each refresh, and may change its keys (RFC 9449 §5, RFC 8705 §7.1).
    """
    if not request.client.check_grant_type("refresh_token"):
        return None
    bound = request.confirmation if request.client.public else None
    return refresh.make(known.grant_id, known.generation, refresh.binding(bound) if bound else None)


def _sign_in(known: Standing) -> Claims:
    """When and how the user had signed in."""
    found: Claims = {"auth_time": int(known.auth_time.timestamp()), "acr": known.acr, "amr": list(known.amr)}
    if known.session_id:
        found["sid"] = str(known.session_id)
    return found


@dataclass(frozen=True, slots=True)
class Judged:
    """An access token that counts now; `standing` is None for a client's own."""

    claims: Claims
    client: Client
    standing: Standing | None
    acted_for: Client | None = None  # whose own token another client exchanged for this one

    @property
    def scopes(self) -> tuple[str, ...]:
        """The token's scopes."""
        return tuple(self.claims["scope"].split())

    @property
    def audience(self) -> list[str]:
        """The token's audiences, always as a list."""
        return [self.claims["aud"]] if isinstance(self.claims["aud"], str) else self.claims["aud"]

    @property
    def subject(self) -> Subject:
        """Whom claims about this token are about."""
        return Subject(self.client, self.scopes, self.standing, acted_for=self.acted_for)


def parse(token: str) -> Claims | None:
    """The claims of an access token that we signed and that has not expired, or None."""
    try:
        found = context.keys().verify(token, algorithms=ALGORITHMS, typ=_TYPES)
    except BadToken:
        return None
    # An ID token is a JWT of ours too: it has no client_id, and an access token always has.
    if not isinstance(found.get("client_id"), str) or found.get("iss") != context.settings().public_url:
        return None
    return found if found["exp"] > context.now().timestamp() else None


def parse_id_token(token: str) -> Claims | None:
    """The claims of an ID token that we signed, expired or not (a hint stays one); None for anything else."""
    try:
        found = context.keys().verify(token, algorithms=ALGORITHMS, typ=("JWT",))
    except BadToken:
        return None
    if found.get("iss") != context.settings().public_url or "client_id" in found:
        return None
    return found if isinstance(found.get("sub"), str) and isinstance(found.get("aud"), str) else None


def judge(token: str, *, companies: int = standing.IN_A_TOKEN) -> Judged | None:
    """Whether an access token counts now: its signature, then one statement for everything that may have ended.

    `companies` is how many memberships are of interest before only their number is.
    """
    found = parse(token)
    client = clients.find(found["client_id"]) if found else None
    if found is None or client is None or client.disabled_at is not None:
        return None
    if "grant_id" not in found:
        return _judge_own(found, client)
    known = standing.read(
        UUID(found["grant_id"]), context.now(), company=found.get("company_id"), jti=found["jti"], limit=companies
    )
    if known is None or not known.alive(context.now()):
        return None
    if "company_id" in found and known.membership is None:
        return None
    return Judged(found, client, known)


def _judge_own(found: Claims, client: Client) -> Judged | None:
    """A client's own token, or one for which another client exchanged it: then both must still be enabled."""
    itself = client if found["sub"] == client.client_id else clients.find(found["sub"])
    if itself is None or itself.disabled_at is not None or not revoked.lives(found["jti"], found.get("company_id")):
        return None
    return Judged(found, client, None, acted_for=None if itself is client else itself)


@dataclass(frozen=True, slots=True)
class Presented:
    """The access token of an HTTP request, and the scheme it came under, in lower case; "" without any."""

    scheme: str
    token: str


def bearer(scope: str | None = None) -> Judged:
    """The access token of this HTTP request, or the error of RFC 6750 §3.1.

    The header, under Bearer or its key's scheme, or in a POST the form (RFC 6750 §2.2); never the query, since URLs get
    logged. Who presents a bound token must hold its keys.

    Raises:
        InvalidRequest: it came in both ways, or twice (RFC 6750 §3.1).
        NoToken, InvalidToken: there is none, or it does not count.
        InsufficientScope: it lacks `scope`.
        InsufficientUserAuthentication: the company asks for another sign-in.
    """
    presented = flask.g.presented = _presented()
    if not presented.token:
        raise NoToken
    judged = judge(presented.token)
    if judged is None:
        raise InvalidToken
    _confirm(presented, judged.claims.get("cnf", {}))
    if scope and scope not in judged.scopes:
        raise InsufficientScope(scope)
    if judged.standing:
        step_up.demand(judged.standing)
    return judged


def _confirm(presented: Presented, confirmation: dict[str, str]) -> None:
    """Every key that the token is bound to (RFC 7800 §3.1) is the presenter's, as who knows such keys says."""
    # A token that is bound to a DPoP key comes under that scheme, and no other does (RFC 9449 §7.1, §7.2).
    if presented.scheme != scheme_of(confirmation).lower():
        raise InvalidToken(private="the token came under another scheme than its kind's")
    known = current().confirms
    for member, expected in confirmation.items():
        if member not in known:
            raise InvalidToken(private=f"the token is bound by {member}, and nothing here checks that")
        known[member].confirm(presented.token, expected)


def _presented() -> Presented:
    http = flask.request
    scheme, _, token = http.headers.get("Authorization", "").partition(" ")
    form = Payload(parse_form(http.get_data()) if http.method == "POST" and http.mimetype == FORM else ())
    posted = form.all("access_token")
    if len(posted) + bool(scheme) > 1:
        challenge = {"WWW-Authenticate": 'Bearer error="invalid_request"'}
        raise InvalidRequest("send the access token once, in one way", headers=challenge)
    if posted:
        return Presented("bearer", posted[0])
    scheme, known = scheme.lower(), {"bearer", *(each.scheme.lower() for each in current().confirms.values())}
    return Presented(scheme, token.strip()) if scheme in known else Presented("", "")
