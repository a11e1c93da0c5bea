"""What clients may register: exactly what the enabled extensions offer and announce."""

from collections.abc import Iterable, Mapping
from functools import partial

from idp.clients.metadata import Supported
from idp.oauth.client_auth import METHODS
from idp.oauth.extension import Extension
from idp.settings import Settings


def supported_by(extensions: Iterable[Extension], settings: Settings, *, registering: bool = False) -> Supported:
    """Take the rules for clients' metadata from the extensions, so that nothing has to be said twice.

    For clients that are `registering` themselves without what only an operator may give them.
    """
    enabled = list(extensions)
    announced = _announced(enabled, settings)
    grants = [grant for each in enabled for grant in each.grants if not (registering and grant.DECLARED)]
    # `implicit` is announced, and has no exchange at the token endpoint.
    exchanged = frozenset(grant.GRANT_TYPE for grant in grants)
    members = {name: rule for each in enabled for name, rule in each.client_metadata.items()}
    operators = {name: rule for each in enabled for name, rule in each.operator_metadata.items()}
    return Supported(
        development=settings.development,
        grant_types=exchanged | announced.get("grant_types_supported", frozenset()),
        confidential=frozenset(grant.GRANT_TYPE for grant in grants if grant.CONFIDENTIAL),
        response_types=frozenset(name for each in enabled for name in each.response_types),
        auth_methods=frozenset({"none", *METHODS, *(name for each in enabled for name in each.client_auth)}),
        announced=announced,
        members=members if registering else members | operators,
        checks=tuple(partial(each.client_check, settings) for each in enabled if each.client_check),
    )


def _announced(extensions: Iterable[Extension], settings: Settings) -> Mapping[str, frozenset[str]]:
    """The lists that discovery will show, by name."""
    found: dict[str, frozenset[str]] = {}
    for each in extensions:
        for name, value in each.metadata(settings).items():
            if isinstance(value, list):
                found[name] = found.get(name, frozenset()) | frozenset(value)
    return found
