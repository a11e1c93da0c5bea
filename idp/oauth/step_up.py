"""Step-up authentication: RFC 9470. What a company asks of a sign-in holds for tokens that it let out before, too.

Its policy may be newer than the token, or the sign-in has become too old meanwhile. Our own resources (userinfo, the
API) then say what would do; the client takes `acr_values` and `max_age` to the authorization endpoint (§4). There the
policy itself decides about the factor, and nothing reads `acr_values`. Resource servers decide for themselves, by the
claims `acr` and `auth_time` of tokens and introspection (§6).
"""

from idp import context
from idp.accounts.acr import TWO_FACTORS
from idp.companies import policy
from idp.errors import InsufficientUserAuthentication
from idp.grants.standing import Standing


def demand(known: Standing) -> None:
    """The sign-in behind a token is strong and new enough for the company that the token is for.

    Raises:
        InsufficientUserAuthentication: with what is missing (§3).
    """
    if known.membership is None:
        return
    asked = known.membership.policy
    if policy.lacks_factor(asked, known.acr):
        raise InsufficientUserAuthentication(acr_values=TWO_FACTORS)
    if policy.too_old(asked, known.auth_time, context.now()):
        raise InsufficientUserAuthentication(max_age=str(policy.max_session(asked)))
