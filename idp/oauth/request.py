"""The request as the protocol sees it: which parameters came, from where, and what the steps have learnt so far.

At the token endpoint parameters come from the body alone: a secret must not be in the URI (RFC 6749 §2.3.1), and URLs
get logged. No parameter may come twice (RFC 6749 §3.1, §3.2) but those that are lists by specification.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import flask
from authlib.oauth2.rfc6749 import OAuth2Payload
from werkzeug.datastructures import Headers
from werkzeug.exceptions import UnsupportedMediaType

from idp.clients.models import Client
from idp.errors import InvalidRequest
from idp.grants.details import Details
from idp.grants.standing import Standing
from idp.oauth.company import Determined
from idp.oauth.decoupled.rows import Decoupled
from idp.oauth.waiting import Waiting
from idp.sso.session import SsoSession

REPEATABLE = {"resource", "audience"}  # RFC 8707 §2, RFC 8693 §2.1
FORM = "application/x-www-form-urlencoded"

Pairs = Iterable[tuple[str, str]]

# RFC 6749 §4.1.1 and OpenID Connect Core §3.1.2.1; extensions add theirs. Nothing reads `acr_values`, a wish that need
# not be met (§5.5.1.1): there is one way to sign in, and the answer's `acr` says which. Who insists asks for an
# essential `acr` by `claims`. `display` and `claims_locales` are such wishes too.
PARAMETERS = frozenset({
    "client_id", "redirect_uri", "response_type", "response_mode", "scope", "state", "nonce", "prompt", "max_age",
    "login_hint", "display", "ui_locales", "claims_locales", "acr_values", "request", "request_uri", "registration",
})  # fmt: skip


class Payload(OAuth2Payload):  # type: ignore[misc]
    """Parameters by name; an empty one counts as not sent (RFC 6749 §3.1)."""

    def __init__(self, pairs: Pairs) -> None:
        self._lists: defaultdict[str, list[str]] = defaultdict(list)
        for name, value in pairs:
            if value:
                self._lists[name].append(value)
        self._first = {name: values[0] for name, values in self._lists.items()}

    @property
    def data(self) -> dict[str, str]:
        """The first value of each parameter."""
        return self._first

    @property
    def datalist(self) -> dict[str, list[str]]:
        """All values of each parameter."""
        return self._lists

    @property
    def repeated(self) -> set[str]:
        """Names that came more than once though they may not."""
        return {name for name, values in self._lists.items() if len(values) > 1 and name not in REPEATABLE}

    def get(self, name: str) -> str | None:
        """A parameter, or None when it was not sent."""
        return self._first.get(name)

    def put(self, name: str, value: str, *more: str) -> None:
        """Say something that was not sent so: what was proved, or a default; it is kept with the rest."""
        self._first[name], self._lists[name] = value, [value, *more]

    def all(self, name: str) -> list[str]:
        """Every value of a parameter that may be repeated."""
        return list(self._lists.get(name, ()))

    def words(self, name: str) -> list[str]:
        """A space-delimited list, in its order, without repeats."""
        return list(dict.fromkeys(self._first.get(name, "").split(" "))) if name in self._first else []


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorization:
    """What a grant type proved: for whom, and how far, tokens may be issued."""

    scopes: tuple[str, ...]
    audience: tuple[str, ...]
    details: Details | None = None  # RFC 9396; none: scopes alone say how far
    standing: Standing | None = None  # none: the client acts for itself
    redirect_uri: str | None = None
    code_challenge: str | None = None
    nonce: str | None = None
    dpop_jkt: str | None = None  # thumbprint of the key that the code is for
    refresh_generation: int | None = None  # of the refresh token that was presented
    refresh_binding: str | None = None  # to which keys that is bound
    acted_for: Client | None = None  # the client whose own token another one exchanges
    actor: dict[str, Any] | None = None  # who acts for the user or client, the claim `act` (RFC 8693 §4.1)


@dataclass
class Learnt:
    """What the steps found out about an authorization request on its way."""

    session: SsoSession | None = None
    pushed: bool = False  # it came, or comes just now, by RFC 9126; then `waiting` tells which of the two
    waiting: Waiting | None = None  # the row, once the request waits for its user or was pushed
    handle: str | None = None
    decoupled: Decoupled | None = None  # its client waits elsewhere: nothing is sent through this browser
    company: Determined = field(default_factory=Determined)
    consent_given: bool = False  # just now, on the page
    prompts: frozenset[str] = frozenset()
    hinted_sub: str | None = None  # whom the answer must be about: the id_token_hint or the claims request says it
    claims: dict[str, Any] | None = None  # what the claims request asks for, as the grant keeps it

    def expect(self, sub: str) -> None:
        """The answer must be about this user.

        Raises:
            InvalidRequest: another part of the request names somebody else.
        """
        if self.hinted_sub not in (None, sub):
            raise InvalidRequest("id_token_hint and claims name different users")
        self.hinted_sub = sub


class OAuthRequest:
    """One request to the authorization or token endpoint, and what its steps decided.

    Authlib's server hands it on and reads nothing of it, so it is none of Authlib's requests.
    """

    payload: Payload
    authorization: Authorization

    def __init__(self, payload: Payload, headers: Headers) -> None:
        self.headers = headers
        self.payload = payload
        self.client: Any = None  # a Client, once it is known
        self.scopes: tuple[str, ...] = ()
        self.audience: tuple[str, ...] = ()
        self.details: Details | None = None  # authorization_details, RFC 9396: they narrow the scopes
        self.confirmation: dict[str, str] | None = None  # `cnf`, once a sender constraint is bound
        self.refresh_token: str | None = None
        self.learnt = Learnt()

    @property
    def hands_out(self) -> frozenset[str]:
        """What the response type names: `code`, `token`, `id_token` (Multiple Response Types §2.2)."""
        return frozenset(self.payload.words("response_type"))

    @property
    def in_front(self) -> frozenset[str]:
        """The tokens among them, which the authorization endpoint itself hands out."""
        return self.hands_out & {"token", "id_token"}

    @property
    def response_type(self) -> str:
        """The response type in alphabetical order, since order means nothing there (RFC 6749 §3.1.1); "" for none."""
        return " ".join(sorted(self.hands_out))


def parse(text: bytes) -> list[tuple[str, str]]:
    """Decode `application/x-www-form-urlencoded`; the edge let only UTF-8 without NUL through."""
    return parse_qsl(text.decode(), keep_blank_values=True)


def body() -> list[tuple[str, str]]:
    """The parameters of a POST.

    Raises:
        UnsupportedMediaType: they came in another form (RFC 6749 appendix B).
    """
    http = flask.request
    if http.mimetype != FORM:
        raise UnsupportedMediaType(f"send the parameters as {FORM}")
    return parse(http.get_data())


def from_body() -> OAuthRequest:
    """The request of an endpoint that machines POST to; a repeated parameter is refused."""
    http, payload = flask.request, Payload(body())
    if payload.repeated:
        raise InvalidRequest("a parameter was sent more than once", private=f"{sorted(payload.repeated)}")
    return OAuthRequest(payload, http.headers)


def from_pairs(pairs: Pairs, *, only: Collection[str] | None = None) -> OAuthRequest:
    """The request of the authorization endpoint; `only` these names are looked at, others are ignored."""
    kept = pairs if only is None else [(name, value) for name, value in pairs if name in only]
    return OAuthRequest(Payload(kept), flask.request.headers)
