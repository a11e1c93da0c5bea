"""Telling applications in the person's own browser that a session ended: OpenID Connect Front-Channel Logout 1.0.

The signed-out page loads an address of each client in a frame, then goes on. Off by default: browsers that keep cookies
from foreign frames make it fail unseen, it works only at a sign-out, and that page alone must let its policy name other
sites (promise P24). The back channel needs none of it.
"""

from typing import Any
from urllib.parse import urlencode

from idp import context
from idp.clients import metadata as members
from idp.clients.models import Client
from idp.clients.uris import origin
from idp.oauth.extension import Extension
from idp.settings import Settings
from idp.sso.session import SsoSession


def frame(client: Client, session: SsoSession) -> str | None:
    """The address to load for the client, with the session that ended (§2, §3); None if it did not register one."""
    uri = _uri(client)
    if uri is None:
        return None
    # Also for clients that do not demand it: none should have to guess which session it was.
    query = urlencode({"iss": context.settings().public_url, "sid": str(session.id)})
    return f"{uri}{'&' if '?' in uri else '?'}{query}"


def tells(client: Client) -> bool:
    """Whether the client registered an address."""
    return _uri(client) is not None


def _uri(client: Client) -> str | None:
    uri = client.client_metadata.get("frontchannel_logout_uri")
    # §2: on the site of a redirect URI, so that no client has the page load somebody else's.
    allowed = isinstance(uri, str) and origin(uri) in map(origin, client.redirect_uris)
    return uri if allowed else None


def metadata(_settings: Settings) -> dict[str, Any]:
    """§3."""
    return {"frontchannel_logout_supported": True, "frontchannel_logout_session_supported": True}


extension = Extension(
    name="frontchannel_logout",
    spec="OpenID Connect Front-Channel Logout 1.0",
    default=False,
    metadata=metadata,
    client_metadata={
        "frontchannel_logout_uri": members.uri,
        "frontchannel_logout_session_required": members.boolean,
    },
    tells=tells,
    frame=frame,
)
