"""Who asks: an access token for this API, with the scope that the route wants (RFC 6750)."""

from idp.context import settings
from idp.errors import InsufficientScope, InvalidToken
from idp.grants.standing import Standing
from idp.oauth import tokens
from idp.oauth.tokens import Judged


def bearer(scope: str) -> Judged:
    """The request's access token.

    Raises:
        NoToken, InvalidToken: there is none, it does not count any more, or it is for another audience.
        InsufficientScope: it lacks `scope`.
    """
    judged = tokens.bearer()
    if f"{settings().public_url}/api" not in judged.audience:
        raise InvalidToken(private="the token is for another audience")
    if scope not in judged.scopes:
        raise InsufficientScope(scope)
    return judged


def person(scope: str) -> tuple[Judged, Standing]:
    """The request's access token, and the standing of the person for whom it was issued.

    Raises:
        InvalidToken: as `bearer`, or the token is a client's own.
    """
    judged = bearer(scope)
    if judged.standing is None:
        raise InvalidToken(private="a client's own token has no user")
    return judged, judged.standing
