"""The schema is what the models say, and the application's role can only use it."""

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import CheckConstraint, create_engine

from idp.db import sqlalchemy_url
from migrations import tables
from migrations.apply import is_at_head, to_head


@pytest.fixture
def application(idp_database):
    with psycopg.connect(idp_database.application, autocommit=True) as connection:
        yield connection


def test_the_migrations_build_what_the_models_say(idp_database):
    engine = create_engine(sqlalchemy_url(idp_database.owner))
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        differences = compare_metadata(context, tables.metadata)
    engine.dispose()

    assert [] == differences


def test_every_check_of_the_models_is_in_the_schema(idp_database):
    """Alembic does not compare checks."""
    modelled = {
        str(constraint.name)
        for table in tables.metadata.tables.values()
        for constraint in table.constraints
        if isinstance(constraint, CheckConstraint)
    }
    with psycopg.connect(idp_database.owner) as connection:
        rows = connection.execute("SELECT conname FROM pg_constraint WHERE contype = 'c'").fetchall()

    assert modelled == {name for (name,) in rows if not name.startswith(("cardinal_number", "yes_or_no"))}


def test_migrating_again_changes_nothing(idp_database):
    assert is_at_head(idp_database.application)
    to_head(idp_database.owner, "idp_app")
    assert is_at_head(idp_database.owner)


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE mine (id int)",
        "ALTER TABLE client ADD COLUMN x int",
        "DROP TABLE client",
        "TRUNCATE client",
        "CREATE INDEX x ON client (client_name)",
        "CREATE ROLE x",
        "UPDATE security_event SET kind = 'x'",
        "DELETE FROM security_event",
        "UPDATE alembic_version SET version_num = 'x'",
        "ALTER SEQUENCE member_version RESTART",
        "SELECT setval('member_version', 1)",
    ],
)
def test_the_application_cannot(application, statement):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        application.execute(statement)


def test_the_application_can_add_and_read_events(application, app):
    application.execute("INSERT INTO security_event (id, kind, facts) VALUES (gen_random_uuid(), 'test', '{}')")

    assert [("test",)] == application.execute("SELECT kind FROM security_event").fetchall()


def test_every_foreign_key_has_an_index_that_finds_all_rows(idp_database):
    """Deleting what a key points to looks for the rows that point: a partial index cannot answer that."""
    with psycopg.connect(idp_database.owner) as connection:
        bare = connection.execute(
            """
            SELECT k.conrelid::regclass::text, a.attname
              FROM pg_constraint k JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
             WHERE k.contype = 'f' AND NOT EXISTS (
                   SELECT FROM pg_index i
                    WHERE i.indrelid = k.conrelid AND i.indpred IS NULL AND i.indkey[0] = k.conkey[1])
            """
        ).fetchall()

    assert [] == bare
