"""Every table that the migrations build, so that a test can compare them with the models."""

from sqlalchemy import TIMESTAMP, CheckConstraint, Column, Index, LargeBinary, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB

import idp.accounts.models
import idp.audit
import idp.clients.models
import idp.companies.models
import idp.declared.models
import idp.grants.models
import idp.limits
import idp.oauth.models
import idp.outbox
import idp.sso.models  # noqa: F401 - importing declares the tables
from idp.db import Model

metadata = Model.metadata

# The package `keys` speaks SQL and knows no models; its one table is described here.
signing_key = Table(
    "signing_key",
    metadata,
    Column("kid", Text, primary_key=True),
    Column("use", Text, nullable=False),
    Column("alg", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("public_jwk", JSONB),
    Column("sealed_private", LargeBinary),
    Column("sealed_by", Text),
    Column("created_at", TIMESTAMP(timezone=True), nullable=False),
    Column("activated_at", TIMESTAMP(timezone=True)),
    Column("drop_after", TIMESTAMP(timezone=True)),
    CheckConstraint("use IN ('sig', 'enc')", name="use_is_known"),
    CheckConstraint("state IN ('next', 'active', 'retired')", name="state_is_known"),
    # One key signs and one waits, whatever many processes decide at once.
    Index(
        "signing_key_one_of_each",
        "use",
        "alg",
        "state",
        unique=True,
        postgresql_where=text("state IN ('next', 'active')"),
    ),
)
