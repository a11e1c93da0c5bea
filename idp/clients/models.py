"""OAuth clients and the resource servers that their tokens are for."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import TIMESTAMP, CheckConstraint, ForeignKey, Index, LargeBinary, Text, func
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from idp.clients import languages as languages_of
from idp.db import Model


class Client(Model):
    """An application that may ask for tokens; RFC 7591 §2 names its metadata."""

    __tablename__ = "client"
    __table_args__ = (
        # RFC 6749 §2.2 allows VSCHAR; these survive Basic both raw and form-encoded, and a URL.
        CheckConstraint("client_id ~ '^[A-Za-z0-9_-]{1,128}$'", name="id_is_plain"),
        CheckConstraint("cardinality(secret_hashes) <= 2", name="at_most_two_secrets"),
        CheckConstraint("consent IN ('ask', 'implied')", name="consent_is_known"),
        CheckConstraint("require_pkce OR token_endpoint_auth_method <> 'none'", name="public_needs_pkce"),
        Index("client_company", "company_id"),
    )

    client_id: Mapped[str] = mapped_column(Text, primary_key=True)
    company_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("company.id", ondelete="CASCADE")
    )  # none: the operator's
    roles: Mapped[list[str]] = mapped_column(
        ARRAY(Text), default=lambda: ["member"]
    )  # the client's own, in its company
    client_name: Mapped[str] = mapped_column(Text)
    token_endpoint_auth_method: Mapped[str] = mapped_column(Text, default="client_secret_basic")
    secret_hashes: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)  # two may live, so that secrets rotate
    redirect_uris: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)
    grant_types: Mapped[list[str]] = mapped_column(ARRAY(Text), default=lambda: ["authorization_code"])
    response_types: Mapped[list[str]] = mapped_column(ARRAY(Text), default=lambda: ["code"])
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)
    resources: Mapped[list[str]] = mapped_column(
        ARRAY(Text), default=list
    )  # allowed audiences, the first is the default
    consent: Mapped[str] = mapped_column(Text, default="ask")
    require_pkce: Mapped[bool] = mapped_column(default=True)
    profile: Mapped[str | None] = mapped_column(Text)
    id_token_claims: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)
    jwks: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    client_metadata: Mapped[dict[str, Any]] = mapped_column(
        "metadata", JSONB, default=dict
    )  # all other RFC 7591 members
    created_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True), server_default=func.now())
    disabled_at: Mapped[datetime | None] = mapped_column(TIMESTAMP(timezone=True))
    # Digest of the token with which the client manages itself (RFC 7592 §3); none: it was declared.
    registration_token: Mapped[bytes | None] = mapped_column(LargeBinary)

    @property
    def public(self) -> bool:
        """Whether the client cannot keep a secret (RFC 6749 §2.1)."""
        return self.token_endpoint_auth_method == "none"

    def check_grant_type(self, grant_type: str) -> bool:
        """Whether the client registered the grant type."""
        return grant_type in self.grant_types

    def localized(self, member: str, languages: Sequence[str]) -> str | None:
        """A member for people, in the first of these languages that the client registered, else the plain one."""
        return languages_of.localized({**self.client_metadata, "client_name": self.client_name}, member, languages)

    def metadata_list(self, name: str) -> list[str]:
        """A list-valued member of the metadata, empty when it was not registered."""
        found = self.client_metadata.get(name, [])
        return list(found) if isinstance(found, list) else []


class Resource(Model):
    """A resource server: the audience of access tokens (RFC 8707), and how they look there."""

    __tablename__ = "resource"
    __table_args__ = (CheckConstraint("access_token_typ IN ('at+jwt', 'JWT')", name="typ_is_known"),)

    uri: Mapped[str] = mapped_column(Text, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    scopes: Mapped[dict[str, str]] = mapped_column(JSONB, default=dict)  # scope -> words for the consent page
    clients: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)  # clients that act as this resource server
    access_token_typ: Mapped[str] = mapped_column(Text, default="at+jwt")
    access_token_alg: Mapped[str] = mapped_column(Text, default="ES256")
    authorization_details: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)  # type -> JSON schema


class InitialAccessToken(Model):
    """Admits to dynamic registration (RFC 7591 §3) so many times; what it registers belongs to its company."""

    __tablename__ = "initial_access_token"

    hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    # None: the operator's.
    company_id: Mapped[UUID | None] = mapped_column(ForeignKey("company.id", ondelete="CASCADE"), index=True)
    uses_left: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True), server_default=func.now())
    expires_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True), index=True)
