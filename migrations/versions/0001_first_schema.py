"""The first schema: people, companies, clients, sessions, grants, and the protocol's short-lived rows."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Text
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.execute("CREATE SEQUENCE member_version AS bigint")
    op.create_table(
        "attempt",
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("bucket", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("key", "bucket", name=op.f("attempt_pkey")),
    )
    op.create_index(op.f("attempt_bucket"), "attempt", ["bucket"], unique=False)
    op.create_table(
        "company",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("policy", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("disabled_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint("slug ~ '^[a-z0-9][a-z0-9-]{0,62}$'", name=op.f("company_slug_is_plain")),
        sa.PrimaryKeyConstraint("id", name=op.f("company_pkey")),
        sa.UniqueConstraint("slug", name=op.f("company_slug_key")),
    )
    op.create_table(
        "declared",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "key", name=op.f("declared_pkey")),
    )
    op.create_table(
        "resource",
        sa.Column("uri", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("scopes", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("clients", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("access_token_typ", sa.Text(), nullable=False),
        sa.Column("access_token_alg", sa.Text(), nullable=False),
        sa.Column("authorization_details", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.CheckConstraint("access_token_typ IN ('at+jwt', 'JWT')", name=op.f("resource_typ_is_known")),
        sa.PrimaryKeyConstraint("uri", name=op.f("resource_pkey")),
    )
    op.create_table(
        "revoked_token",
        sa.Column("jti", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("jti", name=op.f("revoked_token_pkey")),
    )
    op.create_index(op.f("revoked_token_expires_at"), "revoked_token", ["expires_at"], unique=False)
    op.create_table(
        "security_event",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=True),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("client_id", sa.Text(), nullable=True),
        sa.Column("facts", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("security_event_pkey")),
    )
    op.create_index("security_event_company", "security_event", ["company_id", "at"], unique=False)
    op.create_index("security_event_user", "security_event", ["user_id", "at"], unique=False)
    op.create_table(
        "signing_key",
        sa.Column("kid", sa.Text(), nullable=False),
        sa.Column("use", sa.Text(), nullable=False),
        sa.Column("alg", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("public_jwk", postgresql.JSONB(astext_type=Text()), nullable=True),
        sa.Column("sealed_private", sa.LargeBinary(), nullable=True),
        sa.Column("sealed_by", sa.Text(), nullable=True),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("activated_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("drop_after", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('next', 'active', 'retired')", name=op.f("signing_key_state_is_known")),
        sa.CheckConstraint("use IN ('sig', 'enc')", name=op.f("signing_key_use_is_known")),
        sa.PrimaryKeyConstraint("kid", name=op.f("signing_key_pkey")),
    )
    op.create_index(
        "signing_key_one_of_each",
        "signing_key",
        ["use", "alg", "state"],
        unique=True,
        postgresql_where=sa.text("state IN ('next', 'active')"),
    )
    op.create_table(
        "user_account",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("sub", sa.Text(), nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("email_verified_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("claims", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("password", sa.Text(), nullable=True),
        sa.Column("operator", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("disabled_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint("username !~ '@'", name=op.f("user_account_username_is_no_address")),
        sa.PrimaryKeyConstraint("id", name=op.f("user_account_pkey")),
        sa.UniqueConstraint("sub", name=op.f("user_account_sub_key")),
    )
    op.create_index(
        "user_account_email",
        "user_account",
        [sa.literal_column("lower(email)")],
        unique=True,
        postgresql_where=sa.text("email_verified_at IS NOT NULL"),
    )
    op.create_index("user_account_username", "user_account", [sa.literal_column("lower(username)")], unique=True)
    op.create_table(
        "client",
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=True),
        sa.Column("roles", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("client_name", sa.Text(), nullable=False),
        sa.Column("token_endpoint_auth_method", sa.Text(), nullable=False),
        sa.Column("secret_hashes", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("redirect_uris", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("grant_types", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("response_types", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("scopes", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("resources", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("consent", sa.Text(), nullable=False),
        sa.Column("require_pkce", sa.Boolean(), nullable=False),
        sa.Column("profile", sa.Text(), nullable=True),
        sa.Column("id_token_claims", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("jwks", postgresql.JSONB(astext_type=Text()), nullable=True),
        sa.Column("metadata", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("disabled_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint("client_id ~ '^[A-Za-z0-9_-]{1,128}$'", name=op.f("client_id_is_plain")),
        sa.CheckConstraint("consent IN ('ask', 'implied')", name=op.f("client_consent_is_known")),
        sa.CheckConstraint(
            "require_pkce OR token_endpoint_auth_method <> 'none'", name=op.f("client_public_needs_pkce")
        ),
        sa.CheckConstraint("cardinality(secret_hashes) <= 2", name=op.f("client_at_most_two_secrets")),
        sa.ForeignKeyConstraint(
            ["company_id"], ["company.id"], name=op.f("client_company_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("client_id", name=op.f("client_pkey")),
    )
    op.create_index("client_company", "client", ["company_id"], unique=False)
    op.create_table(
        "member",
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("roles", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default=sa.text("nextval('member_version')"), nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("suspended_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint("cardinality(roles) > 0", name=op.f("member_has_a_role")),
        sa.ForeignKeyConstraint(
            ["company_id"], ["company.id"], name=op.f("member_company_id_fkey"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("member_user_id_fkey"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("company_id", "user_id", name=op.f("member_pkey")),
    )
    op.create_index("member_user", "member", ["user_id", "company_id"], unique=False)
    op.create_table(
        "sso_session",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("amr", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("acr", sa.Text(), nullable=False),
        sa.Column("auth_time", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("seen_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("ends_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("ended_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("user_agent", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("sso_session_user_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("sso_session_pkey")),
        sa.UniqueConstraint("hash", name=op.f("sso_session_hash_key")),
    )
    op.create_index(op.f("sso_session_ends_at"), "sso_session", ["ends_at"], unique=False)
    op.create_index("sso_session_user", "sso_session", ["user_id"], unique=False)
    op.create_table(
        "authorization_request",
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("parameters", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("browser", sa.LargeBinary(), nullable=True),
        sa.Column("network", sa.Text(), nullable=True),
        sa.Column("company", sa.Text(), nullable=True),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("expires_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(source = 'page') = (client_id IS NULL)", name=op.f("authorization_request_page_has_no_client")
        ),
        sa.CheckConstraint(
            "source IN ('plain', 'par', 'page', 'decoupled')", name=op.f("authorization_request_source_is_known")
        ),
        sa.ForeignKeyConstraint(
            ["client_id"], ["client.client_id"], name=op.f("authorization_request_client_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("hash", name=op.f("authorization_request_pkey")),
    )
    op.create_index(op.f("authorization_request_browser"), "authorization_request", ["browser"], unique=False)
    op.create_index(op.f("authorization_request_client_id"), "authorization_request", ["client_id"], unique=False)
    op.create_index(op.f("authorization_request_expires_at"), "authorization_request", ["expires_at"], unique=False)
    op.create_index(op.f("authorization_request_network"), "authorization_request", ["network"], unique=False)
    op.create_table(
        "consent",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=True),
        sa.Column("all_companies", sa.Boolean(), nullable=False),
        sa.Column("scopes", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("details", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("given_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("withdrawn_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["client_id"], ["client.client_id"], name=op.f("consent_client_id_fkey"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["company_id"], ["company.id"], name=op.f("consent_company_id_fkey"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("consent_user_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("consent_pkey")),
        sa.UniqueConstraint(
            "user_id",
            "client_id",
            "company_id",
            "all_companies",
            name=op.f("consent_user_id_client_id_company_id_all_companies_key"),
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_index("consent_client", "consent", ["client_id"], unique=False)
    op.create_index("consent_company", "consent", ["company_id"], unique=False)
    op.create_table(
        "oauth_grant",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=True),
        sa.Column("all_companies", sa.Boolean(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=True),
        sa.Column("offline", sa.Boolean(), nullable=False),
        sa.Column("scopes", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("resources", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("details", postgresql.JSONB(astext_type=Text()), nullable=True),
        sa.Column("claims", postgresql.JSONB(astext_type=Text()), nullable=True),
        sa.Column("acr", sa.Text(), nullable=False),
        sa.Column("amr", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("auth_time", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("rotated_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["client_id"], ["client.client_id"], name=op.f("oauth_grant_client_id_fkey"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["company_id"], ["company.id"], name=op.f("oauth_grant_company_id_fkey"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sso_session.id"], name=op.f("oauth_grant_session_id_fkey"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("oauth_grant_user_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("oauth_grant_pkey")),
    )
    op.create_index("oauth_grant_client", "oauth_grant", ["client_id"], unique=False)
    op.create_index("oauth_grant_company", "oauth_grant", ["company_id"], unique=False)
    op.create_index(op.f("oauth_grant_expires_at"), "oauth_grant", ["expires_at"], unique=False)
    op.create_index("oauth_grant_session", "oauth_grant", ["session_id"], unique=False)
    op.create_index("oauth_grant_user", "oauth_grant", ["user_id"], unique=False)
    op.create_table(
        "session_client",
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("since", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["client_id"], ["client.client_id"], name=op.f("session_client_client_id_fkey"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["company_id"], ["company.id"], name=op.f("session_client_company_id_fkey"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sso_session.id"], name=op.f("session_client_session_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("session_id", "client_id", name=op.f("session_client_pkey")),
    )
    op.create_index("session_client_client", "session_client", ["client_id"], unique=False)
    op.create_index("session_client_company", "session_client", ["company_id"], unique=False)
    op.create_table(
        "authorization_code",
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("grant_id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("redirect_uri", sa.Text(), nullable=True),
        sa.Column("code_challenge", sa.Text(), nullable=True),
        sa.Column("nonce", sa.Text(), nullable=True),
        sa.Column("dpop_jkt", sa.Text(), nullable=True),
        sa.Column("uses", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["grant_id"], ["oauth_grant.id"], name=op.f("authorization_code_grant_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("hash", name=op.f("authorization_code_pkey")),
    )
    op.create_index(op.f("authorization_code_expires_at"), "authorization_code", ["expires_at"], unique=False)
    op.create_index(op.f("authorization_code_grant_id"), "authorization_code", ["grant_id"], unique=False)
