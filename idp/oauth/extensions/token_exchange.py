"""One token for another, so that a service can call the next one on somebody's behalf: token exchange, RFC 8693.

Only our own access tokens are exchanged, and only for less: the user, the grant and the company stay, scopes and
lifetime shrink, the audience is one that the exchanging client may ask for. Who acts stands in `act`, also when no
actor_token says so: it is the client, which has authenticated. Whatever ends the grant ends every token that came of it
(§2.1 leaves that to us).
"""

import re
from typing import Any
from uuid import UUID

from idp import audit
from idp.clients import client as clients
from idp.clients.metadata import Supported, boolean
from idp.clients.models import Client
from idp.errors import InsufficientUserAuthentication, InteractionRequired, InvalidRequest, InvalidScope, InvalidTarget
from idp.grants.details import Details
from idp.grants.standing import Standing
from idp.oauth import step_up, tokens
from idp.oauth.claims import Claims, Subject, TokenKind
from idp.oauth.extension import Extension
from idp.oauth.grant_type import GrantType
from idp.oauth.request import Authorization, OAuthRequest
from idp.oauth.tokens import Judged

ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # §3
_OURS = (ACCESS_TOKEN, "urn:ietf:params:oauth:token-type:jwt")
_MOST_ACTORS = 5  # in one chain

_CLIENT_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")


class TokenExchange(GrantType):
    """Exchange an access token for one with which the client calls somebody else (§2)."""

    GRANT_TYPE = "urn:ietf:params:oauth:grant-type:token-exchange"
    # §5: whoever had a stolen token could otherwise make others of it.
    CONFIDENTIAL = True
    DECLARED = True

    given: Judged  # the subject_token
    acting: Judged | None  # the actor_token

    def prove(self, request: OAuthRequest) -> Authorization:
        """Judge both tokens for this client; any that is not valid or not for it is invalid_request (§2.2.2)."""
        if request.payload.get("company"):
            raise InvalidRequest("the company is the one of the subject_token")
        if request.payload.get("requested_token_type") not in (None, ACCESS_TOKEN):
            raise InvalidRequest("requested_token_type: only access tokens are issued")
        self.given, self.acting = _presented(request, "subject_token"), _presented_actor(request)
        _admit(request.client, self.given)
        _heed_policy(self.given.standing)
        return Authorization(
            scopes=_scopes(request.client, self.given),
            audience=_targets(request),
            details=_details(self.given),
            standing=self.given.standing,
            acted_for=None if self.given.standing else self.given.subject.itself,
            actor=_actor(request.client, self.given, self.acting),
        )

    def bound(self, request: OAuthRequest) -> None:
        """The client holds the keys of what it presented, or need not."""
        for judged in filter(None, (self.given, self.acting)):
            _check_keys(request, judged)

    def settle(self, request: OAuthRequest) -> None:
        """It happened, and who did it is kept."""
        subject, proved = self.given.subject, request.authorization
        company_id = self.given.claims.get("company_id")
        audit.at_once(
            "token.exchanged",
            user_id=subject.standing.user_id if subject.standing else None,
            company_id=UUID(company_id) if company_id else None,
            client_id=request.client.client_id,
            from_client=subject.client.client_id,
            audience=list(request.audience),
            actor=proved.actor["sub"] if proved.actor else None,
        )

    def create_token_response(self) -> tuple[int, dict[str, Any], list[tuple[str, str]]]:
        """The answer (§2.2.1): never an ID token or a refresh token, and nothing that outlives what was presented."""
        until = min(judged.claims["exp"] for judged in (self.given, self.acting) if judged)
        subject = tokens.subject_of(self.request)
        body = tokens.access_token_response(self.server, self.request, subject, until=until)
        return 200, {**body, "issued_token_type": ACCESS_TOKEN}, []


def _presented(request: OAuthRequest, name: str) -> Judged:
    """The token under this name; what it is must be said, and must be so (§2.1).

    An ID token says who signed in to a client and gives no rights, a refresh token is its client's alone: neither is
    taken.
    """
    token, kind = request.payload.get(name), request.payload.get(f"{name}_type")
    if token is None or kind not in _OURS:
        raise InvalidRequest(f"{name} must be an access token, and {name}_type say so")
    if (judged := tokens.judge(token)) is None:
        raise InvalidRequest(f"the {name} is not valid for this client")
    return judged


def _presented_actor(request: OAuthRequest) -> Judged | None:
    """The actor_token: of somebody who acts now, not of somebody for whom others act already."""
    if request.payload.get("actor_token") is None and request.payload.get("actor_token_type") is None:
        return None
    acts = _presented(request, "actor_token")
    if not (_own(request.client, acts) or _addressed(request.client, acts)) or "act" in acts.claims:
        raise InvalidRequest("the actor_token is not valid for this client", private="foreign, or exchanged itself")
    return acts


def _admit(client: Client, subject: Judged) -> None:
    """Whether the client may exchange this token at all.

    Its own, one for a resource server as which it acts, or one that names it in `may_act` (§4.4). A client that belongs
    to a company deals with that company's tokens alone.
    """
    if _own(client, subject):
        return
    if not (_addressed(client, subject) or _may_act(subject) == client.client_id):
        raise InvalidRequest("the subject_token is not valid for this client", private="it is for another audience")
    if client.company_id and str(client.company_id) != subject.claims.get("company_id"):
        raise InvalidRequest("the subject_token is not valid for this client", private="it is for another company")


def _heed_policy(known: Standing | None) -> None:
    """What the company asks of a sign-in by now, as at a refresh: only the user could do that."""
    try:
        if known:
            step_up.demand(known)
    except InsufficientUserAuthentication:
        raise InteractionRequired("the company asks for a stronger or newer sign-in") from None


def _own(client: Client, judged: Judged) -> bool:
    return judged.client.client_id == client.client_id


def _addressed(client: Client, judged: Judged) -> bool:
    return not clients.resources_of(client.client_id).isdisjoint(judged.audience)


def _may_act(judged: Judged) -> str | None:
    named = judged.claims.get("may_act")
    return named["sub"] if named else None


def _actor(client: Client, subject: Judged, acts: Judged | None) -> Claims | None:
    """The claim `act`: who acts now, and within it who did before (§4.1).

    Without an actor_token it is the client; nobody new if the token is its own, or if it may impersonate (§1.1).
    """
    before: Claims | None = subject.claims.get("act")
    if acts is None and (_own(client, subject) or client.client_metadata.get("may_impersonate")):
        return before
    name = acts.claims["sub"] if acts else client.client_id
    if _may_act(subject) not in (None, name):
        raise InvalidRequest("the subject_token names somebody else who may act")
    if acts and acts.standing and acts.claims.get("company_id") != subject.claims.get("company_id"):
        raise InvalidRequest("the actor_token is not valid for this client", private="it is for another company")
    actor = {"sub": name, "act": before} if before else {"sub": name}
    if _depth(actor) > _MOST_ACTORS:
        raise InvalidRequest("too many have acted already")
    return actor


def _depth(actor: Claims | None) -> int:
    return 1 + _depth(actor.get("act")) if actor else 0


def _scopes(client: Client, subject: Judged) -> tuple[str, ...]:
    """Those of the token that the client registered; offline_access is about the token's own client."""
    allowed = clients.allowed_scopes(client) - {"offline_access"}
    if not (found := tuple(scope for scope in subject.scopes if scope in allowed)):
        raise InvalidScope("none of the subject_token's scopes is for this client")
    return found


def _details(subject: Judged) -> Details | None:
    """What the token was narrowed to (RFC 9396); of that, the new audience gets what concerns it."""
    found = subject.claims.get("authorization_details")
    return None if found is None else tuple(found)


def _targets(request: OAuthRequest) -> tuple[str, ...]:
    """Whom the new token is for: `resource` and `audience` say the same here, since our audiences are URIs (§2.1)."""
    asked = [*request.payload.all("resource"), *request.payload.all("audience")]
    if any(not clients.may_ask_for(request.client, uri) for uri in asked):
        raise InvalidTarget("resource or audience is not registered for this client")
    if asked:
        request.payload.put("resource", *asked)
    return tuple(dict.fromkeys(asked)) or (clients.default_audience(request.client),)


def _check_keys(request: OAuthRequest, judged: Judged) -> None:
    """A bound token is exchanged by who holds its key, or by the resource server to which that was proved.

    RFC 8693 knows only bearer tokens. A resource server checked the proof when the token came, as before introspection;
    it has its own key or none, and the new token is bound to that.
    """
    bound = judged.claims.get("cnf", {})
    if _addressed(request.client, judged) or bound.items() <= (request.confirmation or {}).items():
        return
    raise InvalidRequest("a bound token is exchanged with the key that it is bound to")


def may_act(subject: Subject) -> Claims:
    """Who else may act with this client's tokens (§4.4): a client, as the operator declared."""
    named = subject.client.client_metadata.get("may_act")
    return {"may_act": {"sub": named}} if named else {}


def _client_id(_supported: Supported, value: object) -> str:
    if not isinstance(value, str) or not _CLIENT_ID.fullmatch(value):
        raise ValueError("must be the client_id of who may act with this client's tokens")
    return value


extension = Extension(
    name="token_exchange",
    spec="RFC 8693",
    grants=(TokenExchange,),
    operator_metadata={"may_impersonate": boolean, "may_act": _client_id},
    claims={TokenKind.ACCESS: may_act},
)
