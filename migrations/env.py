"""How migrations run: as the owner, one process at a time, with time limits so that a waiting lock harms nobody.

`idp migrate` passes the connection and the name of the application's role in the configuration's attributes.
"""

import psycopg.sql
from alembic import context
from sqlalchemy import Connection, text

from migrations import tables

_LOCK = 0x1D9  # any number that nobody else uses in this database


def run(connection: Connection) -> None:
    """Bring the schema to head in one transaction, then give the application's role its rights."""
    context.configure(connection=connection, target_metadata=tables.metadata)
    with context.begin_transaction():
        connection.execute(text("SET LOCAL lock_timeout = '5s'"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        context.run_migrations()
        if role := context.config.attributes.get("application_role"):
            grant(connection, role)


def grant(connection: Connection, role: str) -> None:
    """What the application may do: read and write rows, never change the schema; events are only added."""
    driver = connection.connection.driver_connection
    name = psycopg.sql.Identifier(role)
    for statement in (
        "GRANT USAGE ON SCHEMA public TO {role}",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}",
        "GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {role}",
        "REVOKE UPDATE, DELETE ON security_event FROM {role}",
        "REVOKE INSERT, UPDATE, DELETE ON alembic_version FROM {role}",
    ):
        # Identifiers cannot be parameters; psycopg quotes them.
        driver.execute(psycopg.sql.SQL(statement).format(role=name))  # type: ignore[union-attr]


run(context.config.attributes["connection"])
