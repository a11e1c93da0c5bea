"""A provider without protocol: what the pages are given, and a record of what they asked for."""

import hashlib
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID

from flask import Response, redirect

from idp.accounts.login import Throttled, WrongPassword
from idp.clients.detail_types import Line
from idp.companies.company import Membership
from idp.errors import TooManyRequests
from idp.grants.consent import Connection
from idp.oauth.company import Choice, Choices
from idp.oauth.decoupled.rows import Pending
from idp.oauth.decoupled.user_codes import WrongCode
from idp.oauth.details import DetailView
from idp.oauth.interaction import ClientView, ConsentView, Interaction, Lost, NotAMember, ScopeView, UserView
from idp.oauth.request import OAuthRequest
from idp.sso.session import SsoSession

ORIGIN = "https://id.havn.example"
NOW = datetime(2026, 11, 24, 9, 38, tzinfo=UTC)
ADA = UserView(sub="s-ada", name="Ada Larsen", username="ada", email="ada.larsen@northsea.example")
SESSION = SsoSession(UUID(int=1), UUID(int=2), ADA.sub, "urn:idp:1fa", ("pwd",), NOW, NOW)
FORECAST = ClientView(
    client_id="forecast",
    name="Grid Forecast",
    owner="Kelda Analytics",
    uri="https://kelda.example/",
    logo_uri=None,
    policy_uri="https://kelda.example/privacy",
    tos_uri="https://kelda.example/terms",
)
LOGIN = Interaction(
    handle="h1",
    prompt="login",
    client=FORECAST,
    login_hint=None,
    ui_locales=(),
    user=None,
    reauthenticate=False,
    request=cast("OAuthRequest", None),  # the pages never look at it
)
SCOPES = (
    ScopeView("openid", None, None, new=True),
    ScopeView("companies", None, None, new=False),
    ScopeView("datasets:read", "Read and list datasets", "Datasets", new=True),
    ScopeView("datasets:modify", "Change datasets", "Datasets", new=False),
    ScopeView("offline_access", None, None, new=True),
)
ASKED = Pending(b"asked", "counter", {"binding_message": ["Counter 4, PX-7"]}, "Meter Desk", "Kelda Analytics", NOW)
USER_CODE = "WDJB-MJHT"
DETAILS = (
    DetailView(
        "Some datasets only",
        "Never more than what you may do there yourself.",
        ("Datasets",),
        (Line("May", ("read", "change")), Line("Datasets", ("troll-a-2031", "kvitberg-inflow"))),
        new=True,
    ),
)
PASSWORD = "a long pass phrase"


def member_of(count: int) -> tuple[Choice, ...]:
    """Companies by name; every fifth is walled."""
    towns = ("Aker", "Bergen", "Dovre", "Frigg", "Kvitberg", "Narvik", "Oseberg", "Rana", "Snorre", "Troll")
    kinds = ("Balancing", "Energy", "Gas Storage", "Grid", "Hydro", "Metering", "Offshore Wind", "Power Trading")
    names = list(towns) if count <= len(towns) else [f"{town} {kind}" for town in towns for kind in kinds]
    roles = [("member",), ("data_owner", "admin"), ("data_owner", "admin")]
    return tuple(
        Choice(UUID(int=n), name.lower().replace(" ", "-"), name, {"walled": n % 5 == 2}, roles[n % 3])
        for n, name in enumerate(names[:count])
    )


@dataclass
class Provider:
    """Patched over `idp.oauth.interaction` and its neighbours, see conftest.py."""

    interactions: dict[str, Interaction] = field(default_factory=lambda: {"h1": LOGIN})
    memberships: tuple[Choice, ...] = member_of(3)
    scopes: tuple[ScopeView, ...] = SCOPES
    details: tuple[DetailView, ...] = DETAILS
    consent_company: str | None = "North Sea Energy"
    all_companies: bool = False
    user_code: str | None = None  # that another device shows
    asked_elsewhere: bool = False
    message: str | None = None
    pending: tuple[Pending, ...] = ()
    throttled: int | None = None
    client_address: str = "https://app.kelda.example/callback?code=x"
    somebody: bool = False
    rendered: dict[str, Any] = field(default_factory=dict)  # the facts of a page that the provider renders itself
    connections: list[Connection] = field(default_factory=list)
    secret: str = "browser-1"
    calls: list[tuple[Any, ...]] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)  # of forged forms

    def waits(self, prompt: str, **changes: Any) -> None:
        """Let the interaction h1 wait for a page."""
        user = None if prompt == "login" else ADA
        self.interactions["h1"] = replace(LOGIN, **{"prompt": prompt, "user": user, **changes})

    def used_lately(self, days: int, count: int = 1) -> None:
        when = NOW - timedelta(days=days)
        used = tuple(replace(company, last_used=when) for company in self.memberships[:count])
        self.memberships = used + self.memberships[count:]

    # idp.oauth.interaction
    def load(self, handle: str) -> Interaction:
        if handle not in self.interactions:
            raise Lost
        return self.interactions[handle]

    def companies(self, q: str = "") -> Choices:
        found = [choice for choice in self.memberships if q.lower() in choice.name.lower()][:100]
        recent = tuple(choice for choice in found if choice.last_used)
        total = len(self.memberships) if found else 0
        return Choices(total, recent, tuple(choice for choice in found if choice not in recent))

    def consent(self, _interaction: Interaction) -> ConsentView:
        return ConsentView(
            company=self.consent_company,
            all_companies=self.all_companies,
            scopes=self.scopes,
            details=self.details,
            offline=True,
            return_host=None if self.user_code or self.asked_elsewhere else "app.kelda.example",
            user_code=self.user_code,
            asked_elsewhere=self.asked_elsewhere,
            message=self.message,
            terms="t3rms",
        )

    def login(self, asked: Interaction, proof: object) -> Response:
        return self._done("login", asked.handle, proof)

    def choose_company(self, asked: Interaction, company: str) -> Response:
        if company not in {str(choice.id) for choice in self.memberships}:
            raise NotAMember
        return self._done("choose_company", asked.handle, company)

    def finish(self, asked: Interaction, *, allow: bool, terms: str) -> Response:
        self._done("finish", asked.handle, allow)
        return redirect(self.client_address, 303)

    def other_account(self, asked: Interaction) -> Response:
        return self._done("other_account", asked.handle)

    def _done(self, *call: Any) -> Response:
        self.calls.append(call)
        return redirect("/signin/h1/next", 303)

    def signed_in(self) -> UserView | None:
        return ADA if self.somebody else None

    def start_page(self, endpoint: str) -> Response:
        self.calls.append(("start_page", endpoint))
        return redirect("/signin/h1", 303)

    # idp.oauth.decoupled.user_codes
    def accepted(self) -> bool:
        return True

    def enter(self, typed: str) -> Response:
        if self.throttled:
            raise TooManyRequests(self.throttled)
        if typed != USER_CODE:
            raise WrongCode
        return self._done("enter", typed)

    # idp.oauth.decoupled.approvals
    def waiting_for(self, _session: SsoSession) -> tuple[Pending, ...]:
        return self.pending

    def review(self, _session: SsoSession, asked: str) -> Response:
        return self._done("review", asked)

    def deny(self, _session: SsoSession, asked: str) -> Response:
        return self._done("deny", asked)

    # idp.sso.session, idp.companies.company, idp.grants, idp.audit
    def current(self) -> SsoSession | None:
        return SESSION if self.somebody else None

    def member_in(self, _user_id: UUID) -> list[Membership]:
        return [Membership(c.id, c.slug, c.name, c.roles, 1, c.policy) for c in self.memberships]

    def connected(self, _user_id: UUID) -> list[Connection]:
        return self.connections

    def withdraw(self, _user_id: UUID, client_id: str, now: datetime) -> None:
        self.calls.append(("withdraw", client_id, now))

    def authenticate(self, identifier: str, password: str, *, address: str, device: str | None) -> str:
        self.calls.append(("authenticate", identifier, address, device))
        if self.throttled:
            raise Throttled(self.throttled)
        if password != PASSWORD:
            raise WrongPassword
        return f"proof of {identifier}"

    # idp.sso.csrf
    def token(self, purpose: str) -> str:
        return hashlib.sha256(f"{self.secret} {purpose}".encode()).hexdigest()

    def valid(self, token: str, purpose: str) -> bool:
        return token == self.token(purpose)

    def refused(self, reason: str) -> None:
        self.refusals.append(reason)
