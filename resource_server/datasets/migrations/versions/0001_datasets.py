"""Datasets, shares, content and events, each behind row-level security by company.

The application says in each transaction which companies it works for (`app.companies`, an array); without a word it
sees nothing. `app.datasets` opens single datasets, without shares and content, to ask which company they belong to.
"""

from alembic import op

revision = "0001"
down_revision = None

_TABLES = """
CREATE TABLE datasets.dataset (
    id uuid CONSTRAINT dataset_pkey PRIMARY KEY,
    company_id text NOT NULL,
    name text NOT NULL CONSTRAINT dataset_name CHECK (char_length(name) BETWEEN 1 AND 200),
    description text NOT NULL,
    mode text NOT NULL CONSTRAINT dataset_mode CHECK (mode IN ('company', 'restricted')),
    owner text NOT NULL,
    media_type text NOT NULL,
    size bigint NOT NULL CONSTRAINT dataset_size CHECK (size BETWEEN 0 AND 16777216),
    digest bytea NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT dataset_id_company_id_key UNIQUE (id, company_id)
);
CREATE INDEX dataset_by_name ON datasets.dataset (company_id, name, id);
CREATE INDEX dataset_by_age ON datasets.dataset (company_id, created_at, id);

CREATE TABLE datasets.share (
    dataset_id uuid NOT NULL,
    sub text NOT NULL,
    company_id text NOT NULL,
    access text NOT NULL CONSTRAINT share_access CHECK (access IN ('read', 'modify')),
    expires_at timestamptz,
    given_by text NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT share_pkey PRIMARY KEY (dataset_id, sub),
    CONSTRAINT share_dataset_fkey FOREIGN KEY (dataset_id, company_id)
        REFERENCES datasets.dataset (id, company_id) ON DELETE CASCADE
);
CREATE INDEX share_by_sub ON datasets.share (sub, dataset_id);

CREATE TABLE datasets.content (
    dataset_id uuid NOT NULL,
    number bigint NOT NULL,
    company_id text NOT NULL,
    data bytea NOT NULL,
    CONSTRAINT content_pkey PRIMARY KEY (dataset_id, number),
    CONSTRAINT content_dataset_fkey FOREIGN KEY (dataset_id, company_id)
        REFERENCES datasets.dataset (id, company_id) ON DELETE CASCADE
);

CREATE TABLE datasets.event (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT event_pkey PRIMARY KEY,
    at timestamptz NOT NULL,
    company_id text NOT NULL,
    dataset_id uuid NOT NULL,
    actor text NOT NULL,
    client_id text NOT NULL,
    kind text NOT NULL,
    facts jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX event_by_dataset ON datasets.event (dataset_id, at);
"""

_COMPANY = "company_id = ANY (coalesce(nullif(current_setting('app.companies', true), ''), '{}')::text[])"
_NAMED = "id = ANY (coalesce(nullif(current_setting('app.datasets', true), ''), '{}')::uuid[])"


def upgrade() -> None:
    """Create everything."""
    op.execute(_TABLES)
    for table in ("dataset", "share", "content", "event"):
        op.execute(f"ALTER TABLE datasets.{table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY company ON datasets.{table} USING ({_COMPANY})")
    op.execute(f"CREATE POLICY named ON datasets.dataset FOR SELECT USING ({_NAMED})")


def downgrade() -> None:
    """Drop everything."""
    op.execute("DROP TABLE datasets.event, datasets.content, datasets.share, datasets.dataset")
