"""What the server says it can do: OpenID Connect Discovery §3, RFC 8414 §2.

Put together when the application starts, so that two extensions that say different things stop the start.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from idp.clients import profile
from idp.oauth import prompts
from idp.oauth.extension import Clients, Extension
from idp.oauth.server import AuthorizationServer
from idp.settings import Misconfigured, Settings

Document = dict[str, Any]

# RFC 8414 §2 has members for how clients authenticate there, and at the token endpoint; of others nothing is said.
_METHODS_LISTED = ("introspection_endpoint", "revocation_endpoint")


def document(provider: AuthorizationServer, settings: Settings, locales: Sequence[str]) -> Document:
    """The union of what every extension announces; lists add up, anything else has one owner.

    Pages speak the languages in `locales`.

    Raises:
        Misconfigured: two extensions disagree about a member.
    """
    found = _of_core(provider, settings) | {"ui_locales_supported": list(locales)}
    for extension in provider.extensions:
        _add(found, extension.metadata(settings), extension)
    for extension in provider.extensions:
        if extension.derived:
            _add(found, extension.derived(settings, provider.endpoints), extension)
    for extension in provider.extensions:
        if clash := sorted(extension.varying.keys() & found.keys()):
            raise Misconfigured(f"{extension.name} announces {clash[0]}, which is another extension's")
    # Of what may be missing, this alone would then count as true (Discovery §3).
    found.setdefault("request_uri_parameter_supported", False)
    return found


def _of_core(provider: AuthorizationServer, settings: Settings) -> Document:
    found: Document = {
        "issuer": settings.public_url,
        "jwks_uri": f"{settings.public_url}/oauth2/jwks",
        "response_types_supported": sorted(provider.response_types),
        "response_modes_supported": list(provider.response_modes),
        "grant_types_supported": sorted(provider.grant_types),
        "prompt_values_supported": list(prompts.VALUES),
    }
    methods = [*provider.client_auth, "none"]
    if settings.profile:
        methods = [method for method in methods if method in profile.METHODS]
    found["token_endpoint_auth_methods_supported"] = methods
    for endpoint in provider.endpoints:
        if endpoint.announced:
            found[endpoint.announced] = settings.public_url + endpoint.path
        if endpoint.announced in _METHODS_LISTED:
            confidential = [method for method in methods if method != "none"]
            allowed = methods if endpoint.clients is Clients.ALL else confidential
            found[f"{endpoint.announced}_auth_methods_supported"] = allowed
    return found


def _add(found: Document, more: Mapping[str, Any], extension: Extension) -> None:
    for name, value in more.items():
        known = found.setdefault(name, value)
        if isinstance(value, list) and isinstance(known, list):
            found[name] = list(dict.fromkeys([*known, *value]))
        elif known != value:
            raise Misconfigured(f"{extension.name} announces {name}, of which another extension says something else")
