"""The company in requests, prompts and tokens: `company`, `company_id`, `roles`, `member_ver`, `companies`.

As many companies as fit are named, at most 32; beyond, their number and a place to ask (OpenID Connect Core §5.6.2).
While a walled company is active no other company is named.

Left out, nobody is asked for a company, new grants have none and no token names one: no role counts anywhere. The core
knows companies all the same: the statement that judges a grant reads its membership too, so that a grant of a company
ends with the membership, whichever extensions are enabled.
"""

import json
import logging
from typing import Any

from idp import context
from idp.companies import policy
from idp.errors import InteractionRequired, LoginRequired, UnmetAuthenticationRequirements
from idp.grants.standing import IN_A_TOKEN, Standing
from idp.oauth import company
from idp.oauth.claims import Claims, Subject, TokenKind
from idp.oauth.extension import Extension, Phase, Prompt
from idp.oauth.request import OAuthRequest
from idp.settings import Settings

log = logging.getLogger(__name__)

_MAP_BYTES = 2048  # of an ID token, so that cookies and headers that carry it stay below 4 kB


def choice_needed(request: OAuthRequest) -> bool:
    """Whether only the user can say which company."""
    determined = company.determine(request)
    request.learnt.company = determined
    if determined.ask:
        return True
    session = request.learnt.session
    if session and determined.company and policy.lacks_factor(determined.company.policy, session.acr):
        raise UnmetAuthenticationRequirements("the company asks for a second factor")
    return False


def newer_sign_in_needed(request: OAuthRequest) -> bool:
    """Whether the company asks for a newer sign-in than this one."""
    session, chosen = request.learnt.session, request.learnt.company.company
    return bool(session and chosen and policy.too_old(chosen.policy, session.auth_time, context.now()))


def of_access_token(subject: Subject) -> Claims:
    """The active company with the roles there; in a token for all companies the map instead."""
    known = subject.standing
    if known is None:
        return _own_company(subject)
    if known.membership is not None:
        return _active(known)
    return _map(known) if known.all_companies else {}


def of_id_token(subject: Subject) -> Claims:
    """With scope `companies`: the active company, its name for display, and the map or where to ask for it."""
    known = subject.standing
    if known is None or "companies" not in subject.scopes:
        return {}
    active = _active(known) | {"company_name": known.membership.company_name} if known.membership else {}
    return active | of_userinfo(subject)


def of_userinfo(subject: Subject) -> Claims:
    """With scope `companies`: the map, or where to ask for it."""
    known = subject.standing
    if known is None or "companies" not in subject.scopes:
        return {}
    found = _map(known)
    if "companies_count" in found:
        # Distributed claims: fetched with an access token for the API (OpenID Connect Core §5.6.2).
        endpoint = f"{context.settings().public_url}/api/v1/me/companies"
        found |= {"_claim_names": {"companies": "companies"}, "_claim_sources": {"companies": {"endpoint": endpoint}}}
    return found


def of_introspection(subject: Subject) -> Claims:
    """The roles as they are now, and with scope `companies` the whole map."""
    known = subject.standing
    if known is None:
        return _own_company(subject)
    found = _active(known)
    # Without an active company only a token for all companies may name any: a resource server would act on them.
    if "companies" in subject.scopes and (known.membership or known.all_companies):
        found["companies"] = _named(known)
    return found


def _own_company(subject: Subject) -> Claims:
    """A client's own token: the company that owns it, unless it is the operator's."""
    client = subject.itself
    return {"company_id": str(client.company_id), "roles": list(client.roles)} if client.company_id else {}


def _active(known: Standing) -> Claims:
    if known.membership is None:
        return {}
    member = known.membership
    return {"company_id": str(member.company_id), "roles": list(member.roles), "member_ver": member.version}


def _named(known: Standing) -> dict[str, list[str]]:
    """The companies that may be named beside the active one."""
    if known.membership and known.membership.walled:
        return {}
    return known.companies


def _map(known: Standing) -> Claims:
    found, total = _named(known), known.companies_count or 0
    if known.membership and known.membership.walled:
        return {"companies": {}}
    if total > IN_A_TOKEN or len(json.dumps(found)) > _MAP_BYTES:
        log.info("the companies do not fit", extra={"user_id": str(known.user_id), "companies_count": total})
        return {"companies_count": total}
    return {"companies": found}


def metadata(_settings: Settings) -> dict[str, Any]:
    """The scope and claims of companies, and that claims may have to be fetched (OpenID Connect Core §5.6.2)."""
    return {
        "scopes_supported": ["companies"],
        "claim_types_supported": ["normal", "distributed"],
        "claims_supported": ["company_id", "company_name", "roles", "member_ver", "companies", "companies_count"],
    }


extension = Extension(
    name="companies",
    spec="OpenID Connect Core §5.6.2",
    metadata=metadata,
    parameters=frozenset({"company"}),
    authorize={Phase.VALIDATE: company.validate},
    prompts=(
        Prompt(page="company", needed=choice_needed, error=InteractionRequired),
        Prompt(page="login", needed=newer_sign_in_needed, error=LoginRequired),
    ),
    claims={
        TokenKind.ACCESS: of_access_token,
        TokenKind.ID: of_id_token,
        TokenKind.USERINFO: of_userinfo,
        TokenKind.INTROSPECTION: of_introspection,
    },
)
