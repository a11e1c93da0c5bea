"""What the pages know of the protocol: load an interaction, say what the user did, return the response.

They see words and choices; never a redirect URI, a code or a token. Each act ends in the dispatcher, which leads to the
next page or back to the client.
"""

from dataclasses import dataclass
from urllib.parse import urlsplit

import flask
from flask import url_for

from idp import audit, context
from idp.accounts.login import Authentication
from idp.clients import client as clients
from idp.clients.models import Client
from idp.db import db
from idp.errors import OAuthError
from idp.grants import consent as consents
from idp.grants.details import canonical
from idp.oauth import authorize, company, details, prompts, redirection, waiting, way
from idp.oauth.company import Choices
from idp.oauth.details import DetailView
from idp.oauth.request import OAuthRequest
from idp.opaque import digest
from idp.sso import browser, session
from idp.sso.session import Reason

_OWNER = "SELECT name FROM company WHERE id = %(company)s"

_PERSON = """
    SELECT sub, coalesce(claims ->> 'name', username), username, email FROM user_account WHERE id = %(user)s
"""


class Lost(Exception):
    """The interaction is unknown, over, or another browser's: the person starts again from the application."""


class NotAMember(Exception):
    """The chosen company is not the user's."""


@dataclass(frozen=True)
class ClientView:
    """A client as a person should see it."""

    client_id: str
    name: str
    owner: str | None  # the company that registered it
    uri: str | None
    logo_uri: str | None
    policy_uri: str | None
    tos_uri: str | None


@dataclass(frozen=True)
class UserView:
    """Who is signed in."""

    sub: str
    name: str
    username: str
    email: str | None


@dataclass(frozen=True)
class ScopeView:
    """A scope in words; standard scopes have none here, the pages have them in every language."""

    name: str
    words: str | None
    resource_name: str | None
    new: bool


@dataclass(frozen=True)
class ConsentView:
    """What the user is asked to allow."""

    company: str | None
    all_companies: bool
    scopes: tuple[ScopeView, ...]
    details: tuple[DetailView, ...]  # what narrows the scopes (RFC 9396); none: nothing does
    offline: bool
    return_host: str | None  # none: the client waits elsewhere, on another device
    user_code: str | None  # that the other device shows
    asked_elsewhere: bool  # by a client that named its user
    message: str | None  # that such a client shows too
    terms: str  # names exactly this company, these scopes, details and claims; the decision is about them


@dataclass(frozen=True)
class Interaction:
    """A request that waits for its user; `prompt` is the page that is needed now."""

    handle: str
    prompt: str
    client: ClientView | None  # None: sign-in for the provider's own pages
    login_hint: str | None
    ui_locales: tuple[str, ...]
    user: UserView | None
    reauthenticate: bool
    request: OAuthRequest


def load(handle: str) -> Interaction:
    """The interaction of this browser.

    Raises:
        Lost: there is none.
        HTTPException: no page is needed any more; Flask answers with the way back to the client.
    """
    row = waiting.find(handle)
    if row is None or not waiting.belongs(row, browser.secret()):
        raise Lost
    request = authorize.restored(row, handle)
    if row.client_id is None:
        prompt, client = "login", None
    else:
        redirection.trusted(request)
        prompt, client = _page_needed(request), _client_view(request)
    user = signed_in()
    return Interaction(
        handle=handle,
        prompt=prompt,
        client=client,
        login_hint=request.payload.get("login_hint"),
        ui_locales=tuple(request.payload.words("ui_locales")),
        user=user,
        reauthenticate=user is not None and prompt == "login",
        request=request,
    )


def _page_needed(request: OAuthRequest) -> str:
    try:
        found = authorize.needed(request)
    except OAuthError:
        # Something ended meanwhile, the company perhaps: the client learns it.
        flask.abort(authorize.dispatch(request))
    if found is None and flask.request.method == "GET":
        # Another tab went ahead.
        flask.abort(authorize.dispatch(request))
    # A posted decision counts, also a "no" to what another tab allowed meanwhile.
    return found.page if found else "consent"


def companies(q: str = "") -> Choices:
    """What the chooser shows; `q` is looked for in names."""
    return company.choices(_session().user_id, q)


def consent(interaction: Interaction) -> ConsentView:
    """What the consent page says."""
    request = interaction.request
    new, determined, about = prompts.unconsented(request), request.learnt.company, request.learnt.decoupled
    resources = [found for uri in request.audience if (found := clients.resource(uri))]
    views = []
    for scope in prompts.to_allow(request):
        owner = next((resource for resource in resources if scope in resource.scopes), None)
        words = owner.scopes[scope] if owner else None
        views.append(ScopeView(scope, words, owner.name if owner else None, scope in new.scopes))
    described = details.described(request.client, request.details or (), new.details, _languages(request))
    return ConsentView(
        company=determined.company.name if determined.company else None,
        all_companies=determined.all_companies,
        scopes=tuple(views),
        details=tuple(described),
        offline="offline_access" in request.scopes,
        return_host=_return_host(request),
        user_code=about.user_code if about else None,
        asked_elsewhere=bool(about and about.sub),
        message=about.message if about else None,
        terms=_terms(request),
    )


def _return_host(request: OAuthRequest) -> str | None:
    if request.learnt.decoupled:
        return None
    uri = urlsplit(request.payload.redirect_uri)
    return uri.netloc or uri.scheme


def login(interaction: Interaction, authentication: Authentication) -> flask.Response:
    """Somebody signed in: a session begins, or goes on if it is the same person."""
    session.start(authentication)
    known = interaction.request.learnt.waiting
    row = waiting.rebind(known, browser.renew()) if known else None
    if row is None:
        raise Lost
    request = authorize.restored(row, interaction.handle)
    if interaction.client is None:
        waiting.forget(interaction.handle)
        return _see_other(url_for(request.payload.data["page"]))
    return authorize.dispatch(request)


def choose_company(interaction: Interaction, chosen: str) -> flask.Response:
    """The user works for this company (id or slug); it is kept with the request, then with the grant."""
    found = company.member_of(_session().user_id, chosen) if company.well_formed(chosen) else None
    if found is None:
        raise NotAMember
    waiting.choose(interaction.handle, str(found.id))
    request = _again(interaction)
    return authorize.dispatch(request)


def finish(interaction: Interaction, *, allow: bool, terms: str) -> flask.Response:
    """The user decided about the consent that was shown, `terms`; about anything else they are asked anew."""
    current, request = _session(), _again(interaction)
    redirection.trusted(request)
    request.learnt.consent_given = True
    if authorize.needed(request):
        # Something else is needed first (the session ended, the company is gone): no consent without it.
        request.learnt.consent_given = False
        return authorize.dispatch(request)
    if terms != _terms(request):
        # Meanwhile another tab chose another company, or the client may ask for more.
        return _see_other(url_for("signin.consent", handle=interaction.handle))
    determined = request.learnt.company
    company_id = determined.company_id
    client_id = request.client.client_id
    if not allow:
        who = {"user_id": current.user_id, "client_id": client_id, "company_id": company_id}
        if not waiting.deny(interaction.handle, audit.values("consent.denied", **who)):
            raise Lost
        return way.of(request).deny(request)
    consents.remember(
        current.user_id,
        client_id,
        company_id,
        prompts.to_allow(request),
        context.now(),
        all_companies=determined.all_companies,
        details=request.details,
    )
    return authorize.dispatch(request)


def _terms(request: OAuthRequest) -> str:
    """A digest of what a consent is about: the company or all of them, and everything that is allowed."""
    place = request.learnt.company
    about = [str(place.company_id), str(place.all_companies), *sorted(prompts.to_allow(request))]
    about.append(canonical(request.details))
    return digest(" ".join(about)).hex()


def other_account(interaction: Interaction) -> flask.Response:
    """Somebody else wants to sign in here: the session ends first."""
    if current := session.current():
        session.end(current, Reason.OTHER_ACCOUNT)
    return _see_other(url_for("signin.login", handle=interaction.handle))


def start_page(endpoint: str) -> flask.Response:
    """Sign in for one of the provider's own pages; where to go afterwards stays on this side."""
    secret = browser.secret() or browser.renew()
    handle = waiting.store({"page": [endpoint]}, client_id=None, source="page", browser=secret)
    return _see_other(url_for("signin.login", handle=handle))


def _again(interaction: Interaction) -> OAuthRequest:
    """The request as it was stored, with what was chosen since."""
    row = waiting.find(interaction.handle)
    if row is None:
        raise Lost
    return authorize.restored(row, interaction.handle)


def _session() -> session.SsoSession:
    if (current := session.current()) is None:
        raise Lost
    return current


def _see_other(location: str) -> flask.Response:
    return flask.Response(status=303, headers={"Location": location})


def _client_view(request: OAuthRequest) -> ClientView:
    client: Client = request.client
    languages = _languages(request)

    def said(member: str) -> str | None:
        return client.localized(member, languages)

    with db.hot() as cursor:
        owner = cursor.execute(_OWNER, {"company": client.company_id}).fetchone() if client.company_id else None
    return ClientView(
        client.client_id,
        said("client_name") or client.client_id,
        owner[0] if owner else None,
        said("client_uri"),
        said("logo_uri"),
        said("policy_uri"),
        said("tos_uri"),
    )


def _languages(request: OAuthRequest) -> list[str]:
    """What the client asked for, then what the browser does."""
    return [*request.payload.words("ui_locales"), *flask.request.accept_languages.values()]


def signed_in() -> UserView | None:
    """Who is signed in in this browser, as pages show a person."""
    if (current := session.current()) is None:
        return None
    with db.hot() as cursor:
        row = cursor.execute(_PERSON, {"user": current.user_id}).fetchone()
    return UserView(*row) if row else None
