"""What every function of the service is given: settings, database, directory, clock."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

from flask import current_app
from sqlalchemy.orm import Session

from resource_server import Principal, ResourceServer
from resource_server.datasets.cursor import Cursors
from resource_server.datasets.database import Database
from resource_server.datasets.directory import Directory
from resource_server.datasets.settings import Settings
from resource_server.policy import Subject, bearer

SCOPES = ("datasets:read", "datasets:modify", "datasets:share")


@dataclass(frozen=True)
class Caller:
    """The bearer of a token in one transaction, at one moment."""

    session: Session
    principal: Principal
    now: datetime
    location: str
    mapping: Mapping[str, str]

    def subject(self, company_id: str | None) -> Subject:
        """The caller as the policy judges them in a company."""
        return bearer(self.principal, company_id, location=self.location, mapping=self.mapping)


@dataclass(frozen=True)
class Service:
    """One running dataset service."""

    settings: Settings
    database: Database
    directory: Directory
    tokens: ResourceServer
    cursors: Cursors
    clock: Callable[[], float] = time.time  # seconds since the epoch

    def now(self) -> datetime:
        """The clock's time, UTC."""
        return datetime.fromtimestamp(self.clock(), UTC)

    @contextmanager
    def transaction(self, principal: Principal, *, snapshot: bool = False) -> Iterator[Caller]:
        """What the caller does inside is done together or not at all, and sees their companies only."""
        with self.database.transaction(companies(principal), snapshot=snapshot) as session:
            yield self.caller(session, principal)

    def caller(self, session: Session, principal: Principal) -> Caller:
        """The caller at this moment."""
        return Caller(session, principal, self.now(), self.settings.resource, self.settings.roles)


def companies(principal: Principal) -> frozenset[str]:
    """The companies that a token speaks for: one, all of `company=*`, or none."""
    if principal.companies is not None:
        return frozenset(principal.companies)
    return frozenset() if principal.company_id is None else frozenset({principal.company_id})


def current_service() -> Service:
    """The service of the request's application."""
    return cast("Service", current_app.extensions["datasets"])
