"""Single claims that a client asks for: the `claims` parameter, OpenID Connect Core §5.5.

What is asked is kept with the grant, so that it holds at every ID token, refreshed ones too, and at userinfo. A claim
counts as its scope does: left out unless the client may ask for that scope, and the consent page names the scope.
"""

import re
from typing import Any

from idp.clients import client as clients
from idp.errors import InvalidRequest, UnmetAuthenticationRequirements
from idp.oauth import claims, subjects, tokens
from idp.oauth.claims import SCOPE_OF, Claims, Subject, TokenKind
from idp.oauth.extension import Extension, Phase
from idp.oauth.request import OAuthRequest
from idp.settings import Settings
from keys import BadToken, compact

_MOST = 4096  # characters, of one parameter
_PLACES = ("userinfo", "id_token")
_IMPOSSIBLE = re.compile("[\0\ud800-\udfff]")

Request = dict[str, Any]  # of one claim: `essential`, `value`, `values` (§5.5.1)


def read(request: OAuthRequest) -> None:
    """Take the parameter apart and keep what we know of it; unknown members and claims are ignored (§5.5)."""
    text = request.payload.get("claims")
    if text is None:
        return
    asked = _object(text)
    wanted = {place: _wanted(asked.get(place)) for place in _PLACES}
    _demand_subject(request, wanted)
    _demand_acr(wanted["id_token"])
    allowed = clients.allowed_scopes(request.client)
    request.learnt.claims = {
        place: {claim: _accepted(how) for claim, how in found.items() if SCOPE_OF.get(claim) in allowed}
        for place, found in wanted.items()
    }


def _object(text: str) -> dict[str, Any]:
    if len(text) > _MOST:
        raise InvalidRequest("claims is too long")
    try:
        return compact.load(text.encode())
    except (BadToken, UnicodeEncodeError):
        raise InvalidRequest("claims must be a JSON object without repeated names") from None


def _wanted(found: object) -> dict[str, Request]:
    """The requests for single claims; null stands for one without wishes."""
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise InvalidRequest("userinfo and id_token in claims must be objects")
    wanted = {claim: {} if how is None else how for claim, how in found.items()}
    for how in wanted.values():
        if not isinstance(how, dict):
            raise InvalidRequest("a claim in claims must be null or an object")
        if not isinstance(how.get("essential", False), bool) or not isinstance(how.get("values", []), list):
            raise InvalidRequest("in claims, essential must be a boolean and values a list")
    return wanted


def _accepted(how: Request) -> list[Any] | None:
    """The values that would do; None if any would."""
    listed = [how["value"]] if "value" in how else how.get("values")
    return None if listed is None else [value for value in listed if _possible(value)]


def _possible(value: object) -> bool:
    """Whether a claim of ours could have this value: text without what PostgreSQL cannot store, or a boolean."""
    return isinstance(value, bool) or (isinstance(value, str) and not _IMPOSSIBLE.search(value))


def _demand_subject(request: OAuthRequest, wanted: dict[str, dict[str, Request]]) -> None:
    """No answer about anybody else than the `sub` that is asked for (§3.1.2.2), as with an id_token_hint."""
    for found in wanted.values():
        if (value := found.get("sub", {}).get("value")) is not None:
            if not isinstance(value, str):
                raise InvalidRequest("the sub in claims must be a string")
            request.learnt.expect(subjects.public(request.client, value))


def _demand_acr(found: dict[str, Request]) -> None:
    """An essential `acr` that nobody can reach here is a failed sign-in (§5.5.1.1); no page would change it."""
    how = found.get("acr", {})
    accepted = _accepted(how)
    if how.get("essential") and accepted is not None and not any(acr in accepted for acr in tokens.ACR_VALUES):
        raise UnmetAuthenticationRequirements("the acr that claims demands cannot be reached here")


def of_id_token(subject: Subject) -> Claims:
    """What the request asked for in the ID token."""
    return _found(subject, "id_token")


def of_userinfo(subject: Subject) -> Claims:
    """What the request asked for at userinfo."""
    return _found(subject, "userinfo")


def _found(subject: Subject, place: str) -> Claims:
    """The claims that are known and are what is wanted; without one the rest still counts (§5.5.1)."""
    if subject.standing is None or not (wanted := (subject.standing.claims_request or {}).get(place)):
        return {}
    known = claims.standard(subject.standing)
    return {
        claim: known[claim]
        for claim, accepted in wanted.items()
        if claim in known and (accepted is None or known[claim] in accepted)
    }


def metadata(_settings: Settings) -> dict[str, Any]:
    """OpenID Connect Discovery §3."""
    return {"claims_parameter_supported": True}


extension = Extension(
    name="claims_parameter",
    spec="OpenID Connect Core §5.5",
    metadata=metadata,
    parameters=frozenset({"claims"}),
    authorize={Phase.VALIDATE: read},
    claims={TokenKind.ID: of_id_token, TokenKind.USERINFO: of_userinfo},
)
