"""Refresh tokens: RFC 6749 §6; a public client's rotates unless it is bound to a key (RFC 9700 §4.14.2).

`company=…` gives this request's tokens for another company of the user, without a new sign-in; the grant itself keeps
its company. Where the user would have to act, the answer is `interaction_required`: on `invalid_grant` clients throw
their refresh token away.
"""

from datetime import datetime, timedelta

from idp import context
from idp.accounts.acr import TWO_FACTORS
from idp.companies import policy
from idp.errors import InteractionRequired, InvalidGrant, InvalidRequest
from idp.grants import consent, grant, standing
from idp.grants.standing import Standing
from idp.oauth import claims, company, refresh
from idp.oauth.extension import Extension
from idp.oauth.grant_type import GrantType
from idp.oauth.refresh import Presented
from idp.oauth.request import Authorization, OAuthRequest


class RefreshToken(GrantType):
    """Exchange a refresh token for new tokens."""

    GRANT_TYPE = "refresh_token"

    def prove(self, request: OAuthRequest) -> Authorization:
        """Judge the token and everything that stands behind it; nothing changes here but the end of a stolen grant."""
        token = request.payload.get("refresh_token")
        if token is None:
            raise InvalidRequest("refresh_token is missing")
        presented, now = refresh.read(token), context.now()
        if presented is None:
            raise InvalidGrant("the refresh token is unknown")
        asked = _asked_company(request)
        known = standing.read(presented.grant_id, now, company=None if asked == company.ALL else asked)
        if known is None or known.client_id != request.client.client_id:
            raise InvalidGrant("the refresh token is unknown")
        _refuse_replay(known, presented, now)
        if not _alive(known, now, switching=asked not in (None, company.ALL)):
            raise InvalidGrant("the authorization has ended")
        if asked is not None:
            _switched(request, known, asked)
        _heed_policy(known, now)
        return Authorization(
            scopes=known.scopes,
            audience=known.resources,
            details=known.details,
            standing=known,
            refresh_generation=presented.generation,
            refresh_binding=presented.binding,
        )

    def bound(self, request: OAuthRequest) -> None:
        """A token that is bound to a key or certificate works with no other (RFC 9449 §5)."""
        binding = request.authorization.refresh_binding
        if binding is not None and binding != refresh.binding(request.confirmation or {}):
            raise InvalidGrant("the refresh token is bound to another key or certificate")

    def settle(self, request: OAuthRequest) -> None:
        """Last: a request that fails must not cost the client its token."""
        authorization = request.authorization
        known, generation = authorization.standing, authorization.refresh_generation
        if known is None or generation is None:
            raise TypeError("a refresh token proves a user's grant")
        binding = authorization.refresh_binding
        # What only one client can use needs no rotation (RFC 9700 §4.14.2).
        if binding is not None or not request.client.public:
            request.refresh_token = refresh.make(known.grant_id, generation, binding)
            return
        rotated = refresh.rotate(known.grant_id, generation, context.now())
        if rotated is None:
            raise InvalidGrant("the authorization has ended")
        # With a proof the successor is bound to its key (RFC 9449 §5). A repeat would make one for another key.
        bound = refresh.binding(request.confirmation) if request.confirmation else None
        if bound and not rotated.moved:
            raise InvalidGrant("the refresh token was used before")
        request.refresh_token = refresh.make(known.grant_id, rotated.generation, bound)


def _refuse_replay(known: Standing, presented: Presented, now: datetime) -> None:
    """A token that was followed by another, some time ago or twice, is in two hands: the whole grant ends."""
    if presented.generation == known.generation:
        return
    grace = timedelta(seconds=context.settings().tokens.refresh_grace)
    used_last = presented.generation == known.generation - 1
    if used_last and known.rotated_at is not None and now - known.rotated_at <= grace:
        return
    grant.revoke(known.grant_id, known.client_id, now, "refresh token replayed", event="refresh_token.replayed")
    raise InvalidGrant("the refresh token was used before")


def _alive(known: Standing, now: datetime, *, switching: bool) -> bool:
    """Like Standing.alive, but a switch judges the company that was asked for by itself."""
    if not switching:
        return known.alive(now)
    return not known.revoked and known.expires_at > now and known.person.enabled and known.session_alive


def _asked_company(request: OAuthRequest) -> str | None:
    asked = request.payload.get("company")
    if asked not in (None, company.ALL) and not company.well_formed(asked):
        raise InvalidRequest("company must be the id or slug of a company, or *")
    return asked


def _switched(request: OAuthRequest, known: Standing, asked: str) -> None:
    """Refuse a company that these tokens may not be for without the user."""
    if asked == company.ALL:
        if not known.all_companies:
            raise InvalidRequest("this authorization is for one company at a time")
        return
    membership = known.membership
    if membership is None:
        raise InvalidRequest("the user does not belong to this company")
    if membership.company_id == known.granted_company_id:
        return
    if membership.walled:
        raise InteractionRequired("the company is walled: the user must choose it at the authorization endpoint")
    if request.client.consent != "implied":
        allowed = consent.remembered(known.user_id, known.client_id, membership.company_id)
        asked_scopes = set(request.payload.words("scope") or known.scopes)
        if allowed.missing(asked_scopes | claims.scopes_of(known.claims_request), known.details):
            raise InteractionRequired("the user has not allowed this client in the company")


def _heed_policy(known: Standing, now: datetime) -> None:
    """What the company asks of a sign-in holds at each refresh: its policy may be newer than the authorization."""
    if known.membership is None:
        return
    if policy.lacks_factor(known.membership.policy, known.acr):
        raise StepUpRequired
    if policy.too_old(known.membership.policy, known.auth_time, now):
        raise InteractionRequired("the company asks for a newer sign-in")


class StepUpRequired(InteractionRequired):
    """A factor is missing; `acr_values` says what to ask for at the authorization endpoint (RFC 9470 §3)."""

    description = "the company asks for a second factor"

    def get_body(self) -> list[tuple[str, str]]:
        """The error with the authentication that would do."""
        return [*super().get_body(), ("acr_values", TWO_FACTORS)]


extension = Extension(name="refresh_token", spec="RFC 6749 §6", grants=(RefreshToken,))
