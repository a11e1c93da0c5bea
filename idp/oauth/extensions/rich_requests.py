"""Rich authorization requests: RFC 9396. `authorization_details` say what the scopes alone cannot: which dataset.

They narrow what roles and scopes allow, and never widen it. Resource servers declare the types, each by a JSON schema.
From the authorization request they go to the consent page, into the grant, and into each of its tokens; what may be
asked at the token endpoint is within what was granted (`idp.grants.details`).
"""

from idp.clients import client as clients
from idp.clients import metadata
from idp.grants.details import within
from idp.oauth import details
from idp.oauth.extension import Extension, Phase
from idp.oauth.request import OAuthRequest


def ask(request: OAuthRequest) -> None:
    """At the authorization endpoint: entries of known types that match them (RFC 9396 §5)."""
    if (text := request.payload.get("authorization_details")) is None:
        return
    found = details.read(text)
    details.judge(request.client, found)
    request.details = found


def narrow(request: OAuthRequest) -> None:
    """At the token endpoint: no more than was granted, all of it when nothing is named (RFC 9396 §6)."""
    if (text := request.payload.get("authorization_details")) is None:
        return
    asked, granted = details.read(text), request.authorization.details
    if request.authorization.standing is None and granted is None:
        # The client acts for itself: nothing was granted before, its registration is the limit.
        details.judge(request.client, asked)
    elif not all(within(entry, granted or ()) for entry in asked):
        raise details.InvalidAuthorizationDetails("authorization_details go beyond what was granted")
    request.details = asked


extension = Extension(
    name="rich_requests",
    spec="RFC 9396",
    varying={"authorization_details_types_supported": clients.detail_types},
    parameters=frozenset({"authorization_details"}),
    client_metadata={"authorization_details_types": metadata.strings},
    authorize={Phase.VALIDATE: ask},
    token={Phase.NARROW: narrow},
)
