"""The client's side of a decoupled authorization: it starts one, then polls (RFC 8628 §3.1, §3.4; CIBA §7, §10)."""

from collections.abc import Collection

from idp import context
from idp.errors import (
    AccessDenied,
    InvalidGrant,
    InvalidRequest,
    OAuthError,
    UnauthorizedClient,
)
from idp.grants import standing
from idp.oauth import authorize, tokens
from idp.oauth.decoupled import rows
from idp.oauth.decoupled.rows import Decoupled, Poll
from idp.oauth.grant_type import GrantType
from idp.oauth.request import Authorization, OAuthRequest, Payload
from idp.opaque import digest


class AuthorizationPending(OAuthError):
    """The user has not decided yet: poll again."""

    error = "authorization_pending"
    description = "the user has not decided yet"


class SlowDown(OAuthError):
    """The poll came too soon: the client waits five seconds longer from now on."""

    error = "slow_down"
    description = "wait five seconds longer between two requests"


class ExpiredToken(OAuthError):
    """The time to decide is over: the client starts anew."""

    error = "expired_token"
    description = "the time for this authorization is over"


def judge(request: OAuthRequest, code: str, grant: type["Polled"], *, only: Collection[str]) -> None:
    """Look at a new request as the authorization endpoint would, so that its client learns at once what is wrong.

    Args:
        request: of an authenticated client.
        code: what the client will poll with.
        grant: the grant type that it will use.
        only: the parameters that count.
    """
    if not request.client.check_grant_type(grant.GRANT_TYPE):
        raise UnauthorizedClient("the client did not register this grant type")
    sent = request.payload.datalist
    request.payload = Payload((name, value) for name in sorted(only) for value in sent.get(name, ()))
    request.learnt.decoupled = Decoupled(digest(code), grant.KIND)
    authorize.validate(request)


class Polled(GrantType):
    """Exchange a code, once, after the user approved."""

    KIND: str  # of the decoupled authorization
    PARAMETER: str  # that holds the code
    ENDED: type[OAuthError] = InvalidGrant  # the user approved, and the authorization is over already

    def prove(self, request: OAuthRequest) -> Authorization:
        """Count the poll, and say how far the user is (RFC 8628 §3.5, CIBA §11)."""
        code = request.payload.get(self.PARAMETER)
        if code is None:
            raise InvalidRequest(f"{self.PARAMETER} is missing")
        if request.payload.get("company"):
            raise InvalidRequest("the company was chosen when the user approved")
        found = rows.poll(code, self.KIND, request.client.client_id)
        if found is None:
            raise InvalidGrant("the code is unknown, used, or another client's")
        _refuse_early(found)
        now = context.now()
        known = standing.read(found.grant_id, now) if found.grant_id else None
        if known is None or not known.alive(now):
            raise self.ENDED("the authorization has ended")
        return Authorization(scopes=known.scopes, audience=known.resources, details=known.details, standing=known)

    def settle(self, request: OAuthRequest) -> None:
        """Of requests that race, one goes on; a request that failed before this has not cost the client its code."""
        known = request.authorization.standing
        if known is None:
            raise TypeError("a user approved it")
        if not rows.redeem(request.payload.data[self.PARAMETER], known.grant_id):
            raise InvalidGrant("the code was used before")
        request.refresh_token = tokens.refresh_token_for(request, known)


def _refuse_early(found: Poll) -> None:
    """What the client must hear before there are tokens; the time comes first: then it need not poll any more.

    To slow down is for what is still pending (CIBA §11): a client that was pinged comes at once, and may have polled
    a moment ago.
    """
    if not found.in_time:
        raise ExpiredToken
    if found.state == "denied":
        raise AccessDenied("the user did not allow it")
    if found.state == "pending":
        raise SlowDown if found.slow_down else AuthorizationPending
