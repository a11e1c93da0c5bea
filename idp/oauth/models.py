"""The rows of the protocol: short-lived ones, deleted by their `expires_at`, and how clients call their users."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import TIMESTAMP, CheckConstraint, ForeignKey, LargeBinary, Text, UniqueConstraint, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from idp.db import Model


class AuthorizationRequest(Model):
    """An authorization request that waits: for its user, or for a browser after it was pushed (RFC 9126) or posted.

    Whoever takes it up again judges it again.
    """

    __tablename__ = "authorization_request"
    __table_args__ = (
        CheckConstraint("source IN ('plain', 'par', 'page', 'decoupled')", name="source_is_known"),
        CheckConstraint("(source = 'page') = (client_id IS NULL)", name="page_has_no_client"),
    )

    hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)  # of the handle in the page's URL
    client_id: Mapped[str | None] = mapped_column(ForeignKey("client.client_id", ondelete="CASCADE"), index=True)
    source: Mapped[str] = mapped_column(Text, default="plain")
    parameters: Mapped[dict[str, Any]] = mapped_column(JSONB)  # name -> list of values, only those that we know
    browser: Mapped[bytes | None] = mapped_column(LargeBinary, index=True)  # digest of its secret, from its cookie
    # From where it came: an address, or an IPv6 /64; none if a client that authenticated pushed it.
    network: Mapped[str | None] = mapped_column(Text, index=True)
    company: Mapped[str | None] = mapped_column(Text)  # what the chooser answered: an id
    created_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True))
    expires_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True), index=True)


class AuthorizationCode(Model):
    """A code on its way through the browser (RFC 6749 §4.1.2); `uses` is 1 for the one redemption that may go on."""

    __tablename__ = "authorization_code"

    hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    grant_id: Mapped[UUID] = mapped_column(ForeignKey("oauth_grant.id", ondelete="CASCADE"), index=True)
    client_id: Mapped[str] = mapped_column(Text)
    redirect_uri: Mapped[str | None] = mapped_column(Text)  # as the request had it; none if it had none
    code_challenge: Mapped[str | None] = mapped_column(Text)
    nonce: Mapped[str | None] = mapped_column(Text)
    dpop_jkt: Mapped[str | None] = mapped_column(Text)  # thumbprint of the key that it is for (RFC 9449 §10)
    uses: Mapped[int] = mapped_column(default=0)
    expires_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True), index=True)


class DecoupledAuthorization(Model):
    """An authorization that its user approves elsewhere while its client polls (RFC 8628, CIBA); redeemed: gone."""

    __tablename__ = "decoupled_authorization"
    __table_args__ = (
        CheckConstraint("kind IN ('device', 'ciba')", name="kind_is_known"),
        CheckConstraint("state IN ('pending', 'approved', 'denied')", name="state_is_known"),
        CheckConstraint("(state = 'approved') = (grant_id IS NOT NULL)", name="approved_has_a_grant"),
        CheckConstraint("(kind = 'ciba') = (user_id IS NOT NULL)", name="ciba_knows_its_user"),
        CheckConstraint("(kind = 'device') = (user_code IS NOT NULL)", name="device_has_a_user_code"),
    )

    hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)  # of the code that the client polls with
    kind: Mapped[str] = mapped_column(Text)
    client_id: Mapped[str] = mapped_column(ForeignKey("client.client_id", ondelete="CASCADE"), index=True)
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"), index=True)
    user_code: Mapped[bytes | None] = mapped_column(LargeBinary, unique=True)  # digest of the code that a person types
    parameters: Mapped[dict[str, Any]] = mapped_column(JSONB)  # name -> list of values, only those that we know
    network: Mapped[str | None] = mapped_column(Text, index=True)  # a device's: an address, or an IPv6 /64
    state: Mapped[str] = mapped_column(Text, default="pending")
    grant_id: Mapped[UUID | None] = mapped_column(ForeignKey("oauth_grant.id", ondelete="CASCADE"), index=True)
    pause: Mapped[int]  # seconds between two polls; each that comes too soon adds five
    next_poll_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True))
    slow_down: Mapped[bool] = mapped_column(default=False)  # whether the last poll came too soon
    ping: Mapped[str | None] = mapped_column(Text)  # how to tell the client of the decision, sealed (CIBA §10.2)
    created_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True))
    expires_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True), index=True)


class RevokedToken(Model):
    """An access token that ended before its time (RFC 7009)."""

    __tablename__ = "revoked_token"

    jti: Mapped[str] = mapped_column(Text, primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True), index=True)
    revoked_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True), server_default=func.now())


class Replay(Model):
    """Something was used that may be used once; its digest says what for, by whom and which."""

    __tablename__ = "replay"

    digest: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True), index=True)


class PairwiseSubject(Model):
    """The name of one user in one sector (OpenID Connect Core §8)."""

    __tablename__ = "pairwise_subject"
    __table_args__ = (UniqueConstraint("sector", "sub"),)

    user_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"), primary_key=True)
    sector: Mapped[str] = mapped_column(Text, primary_key=True)
    sub: Mapped[str] = mapped_column(Text)
