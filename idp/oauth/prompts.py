"""The reasons to ask the user, in order, each with its error under prompt=none (OpenID Connect Core §3.1.2.3).

Sign in, then what extensions want to know (the company), then consent: it depends on what was chosen before.
"""

from datetime import timedelta

from idp import context
from idp.clients import client as clients
from idp.errors import ConsentRequired, LoginRequired
from idp.grants import consent
from idp.grants.consent import Allowed, Missing
from idp.oauth import claims, server
from idp.oauth.extension import Prompt
from idp.oauth.request import OAuthRequest

# Of the parameter `prompt`, in the order of the specification.
VALUES = ("none", "login", "consent", "select_account")


def login_needed(request: OAuthRequest) -> bool:
    """Whether somebody must sign in, or the same person again."""
    session = request.learnt.session
    if session is None:
        return True
    if request.learnt.hinted_sub not in (None, session.sub):
        if waited_for(request):
            # OpenID Connect Core §3.1.2.1: somebody else signed in, and asking on and on would not change it.
            raise LoginRequired("somebody else signed in than the id_token_hint names")
        return True
    if waited_for(request):
        return False
    if "login" in request.learnt.prompts:
        return True
    max_age = request.payload.get("max_age")
    return max_age is not None and session.auth_time + timedelta(seconds=int(max_age)) < context.now()


def waited_for(request: OAuthRequest) -> bool:
    """Whether the user signed in after this request began, which answers prompt=login and any max_age."""
    session, waiting = request.learnt.session, request.learnt.waiting
    return bool(session and waiting and session.auth_time >= waiting.created_at)


def consent_needed(request: OAuthRequest) -> bool:
    """Whether there is something that the user has not allowed this client in this company."""
    learnt = request.learnt
    if learnt.consent_given:
        return False
    if "consent" in learnt.prompts or learnt.decoupled:
        return True  # somebody else may have begun it: only its person can tell (RFC 8628 §5.4)
    return request.client.consent != "implied" and bool(unconsented(request))


def unconsented(request: OAuthRequest) -> Missing:
    """What is still to be asked."""
    session = request.learnt.session
    if session is None:
        return Allowed().missing(to_allow(request), request.details)
    place = request.learnt.company
    known = consent.remembered(
        session.user_id, request.client.client_id, place.company_id, all_companies=place.all_companies
    )
    return known.missing(to_allow(request), request.details)


def to_allow(request: OAuthRequest) -> tuple[str, ...]:
    """What the user allows: the scopes, and those that single claims belong to."""
    return tuple(dict.fromkeys((*request.scopes, *sorted(claims.scopes_of(request.learnt.claims)))))


LOGIN = Prompt(page="login", needed=login_needed, error=LoginRequired)
CONSENT = Prompt(page="consent", needed=consent_needed, error=ConsentRequired)


def needed(request: OAuthRequest) -> Prompt | None:
    """The first reason to ask the user; None when the request can be answered."""
    for prompt in (LOGIN, *server.current().prompts, CONSENT):
        if prompt.needed(request):
            return prompt
    return None


def granted_scopes(request: OAuthRequest) -> tuple[str, ...]:
    """What was asked of what the client may ask for; unknown scopes are left out (OpenID Connect Core §3.1.2.1)."""
    allowed = clients.allowed_scopes(request.client)
    asked = request.payload.words("scope") or sorted(allowed - {"offline_access"})
    # Core §11: offline_access means nothing to a client that cannot refresh, or never comes to the token endpoint.
    comes = "code" in request.hands_out or request.learnt.decoupled
    if not request.client.check_grant_type("refresh_token") or not comes:
        allowed -= {"offline_access"}
    return tuple(scope for scope in asked if scope in allowed)
