"""Who is signed in at the portal: a secret in the browser's cookie, and a row that holds the tokens.

The cookie's secret finds the row, so a row that is gone ends the session at once, in every copy of the cookie. No
transaction waits for the IdP: of two requests that refresh at the same time the first one's tokens are kept, and the
other uses those. (Nothing is lost by asking twice: a confidential client's refresh token does not rotate.)
"""

import hashlib
import secrets
from datetime import UTC, datetime
from typing import Final

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import delete, select, update

from resource_server.datasets.portal.models import PortalSession
from resource_server.datasets.portal.relying_party import Tokens
from resource_server.datasets.portal.sealing import Seal
from resource_server.datasets.service import Service

LIFE: Final = 12 * 3600  # seconds; the IdP ends its own session, and with it the refresh token, earlier if it wishes


class SignedIn(BaseModel):
    """What the portal knows of somebody: who, in which company, and the tokens that say so."""

    model_config = ConfigDict(frozen=True)

    sub: str
    name: str
    company_id: str | None
    company_name: str
    companies: int  # how many there are to switch to, the active one included
    access_token: str = Field(repr=False)
    access_expires_at: float  # seconds since the epoch
    refresh_token: str = Field(repr=False)
    id_token: str = Field(repr=False)

    @classmethod
    def by(cls, tokens: Tokens, name: str) -> "SignedIn":
        """What these tokens say."""
        claims = tokens.claims
        return cls(
            sub=claims["sub"],
            name=name,
            company_id=claims.get("company_id"),
            company_name=claims.get("company_name") or "",
            companies=claims.get("companies_count") or len(claims.get("companies") or ()),
            access_token=tokens.access_token,
            access_expires_at=tokens.expires_at,
            refresh_token=tokens.refresh_token,
            id_token=tokens.id_token,
        )


class Session(BaseModel):
    """A row that was found by its secret."""

    model_config = ConfigDict(frozen=True)

    secret: str = Field(repr=False)
    version: int
    expires_at: datetime
    signed_in: SignedIn


class Sessions:
    """The rows."""

    def __init__(self, service: Service, seal: Seal) -> None:
        self._service, self._seal = service, seal

    def start(self, signed_in: SignedIn) -> Session:
        """A new row with a new secret; rows that are over go."""
        now, secret = self._service.clock(), secrets.token_urlsafe(32)
        expires_at = datetime.fromtimestamp(now + LIFE, UTC)
        started = Session(secret=secret, version=1, expires_at=expires_at, signed_in=signed_in)
        row = PortalSession(
            digest=_digest(secret), sealed=self._sealed(signed_in, expires_at), version=1, expires_at=expires_at
        )
        with self._service.database.transaction(()) as session:
            session.execute(delete(PortalSession).where(PortalSession.expires_at <= self._service.now()))
            session.add(row)
        return started

    def find(self, secret: str) -> Session | None:
        """The row of this secret, if it is not over."""
        chosen = select(PortalSession).where(
            PortalSession.digest == _digest(secret), PortalSession.expires_at > self._service.now()
        )
        with self._service.database.transaction(()) as session:
            row = session.scalar(chosen)
        sealed = row and self._seal.open("tokens", row.sealed)
        if not row or sealed is None:
            return None
        signed_in = SignedIn.model_validate(sealed)
        return Session(secret=secret, version=row.version, expires_at=row.expires_at, signed_in=signed_in)

    def change(self, session: Session, signed_in: SignedIn) -> Session | None:
        """Keep new tokens, unless somebody was faster: then theirs; None if the session has ended meanwhile."""
        changed = (
            update(PortalSession)
            .where(PortalSession.digest == _digest(session.secret), PortalSession.version == session.version)
            .values(sealed=self._sealed(signed_in, session.expires_at), version=session.version + 1)
            .returning(PortalSession.version)
        )
        with self._service.database.transaction(()) as transaction:
            version = transaction.scalar(changed)
        if version is None:
            return self.find(session.secret)
        return session.model_copy(update={"version": version, "signed_in": signed_in})

    def end(self, secret: str) -> None:
        """Remove the row: the secret opens nothing any more."""
        with self._service.database.transaction(()) as session:
            session.execute(delete(PortalSession).where(PortalSession.digest == _digest(secret)))

    def _sealed(self, signed_in: SignedIn, expires_at: datetime) -> str:
        return self._seal.seal("tokens", signed_in.model_dump(), expires_at=expires_at.timestamp())


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
