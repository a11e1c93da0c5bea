"""What every page of the portal is given."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from flask import current_app

from resource_server.datasets.portal.relying_party import RelyingParty
from resource_server.datasets.portal.sealing import Seal
from resource_server.datasets.portal.session import Sessions
from resource_server.datasets.service import Service
from resource_server.fetch import Fetch


@dataclass(frozen=True)
class Portal:
    """One running portal."""

    service: Service
    idp: RelyingParty
    seal: Seal
    sessions: Sessions

    @classmethod
    def of(cls, service: Service, fetch: Fetch, clock: Callable[[], float]) -> "Portal":
        """The portal of a service whose settings name its client."""
        settings = service.settings
        if settings.session_key is None:
            raise ValueError("no session key")
        seal = Seal(settings.session_key.get_secret_value(), clock)
        return cls(service, RelyingParty(settings, fetch, clock), seal, Sessions(service, seal))

    def cookie(self, name: str) -> str:
        """A cookie's full name; over plain HTTP, in development, browsers refuse the prefix."""
        return name if self.service.settings.development else f"__Host-{name}"


def current_portal() -> Portal:
    """The portal of the request's application."""
    return cast("Portal", current_app.extensions["portal"])
