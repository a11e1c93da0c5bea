"""Which resource server a token is for: resource indicators, RFC 8707."""

from urllib.parse import urlsplit

from idp.clients import client as clients
from idp.errors import InvalidTarget
from idp.oauth.extension import Extension, Phase
from idp.oauth.request import OAuthRequest


def choose_audience(request: OAuthRequest) -> None:
    """At the authorization endpoint: what `resource` names, instead of the client's default."""
    asked = _asked(request)
    if any(not clients.may_ask_for(request.client, uri) for uri in asked):
        raise InvalidTarget("resource is not registered for this client")
    request.audience = asked or request.audience


def narrow_audience(request: OAuthRequest) -> None:
    """At the token endpoint: a subset of what was granted; all of it when nothing is named (RFC 8707 §2.2)."""
    asked = _asked(request)
    if request.authorization.standing is None:
        # The client acts for itself: nothing was granted before, its registration is the limit.
        if any(not clients.may_ask_for(request.client, uri) for uri in asked):
            raise InvalidTarget("resource is not registered for this client")
    elif set(asked) - set(request.authorization.audience):
        raise InvalidTarget("resource goes beyond what was granted")
    request.audience = asked or request.authorization.audience


def _asked(request: OAuthRequest) -> tuple[str, ...]:
    asked = tuple(dict.fromkeys(request.payload.all("resource")))
    for uri in asked:
        try:
            parts = urlsplit(uri)
        except ValueError:
            raise InvalidTarget("resource must be an absolute URI without a fragment") from None
        # RFC 8707 §2: an absolute URI, and no fragment.
        if not parts.scheme or "#" in uri:
            raise InvalidTarget("resource must be an absolute URI without a fragment")
    return asked


extension = Extension(
    name="resource_indicators",
    spec="RFC 8707",
    parameters=frozenset({"resource"}),
    authorize={Phase.VALIDATE: choose_audience},
    token={Phase.NARROW: narrow_audience},
)
