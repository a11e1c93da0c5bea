"""The schema `datasets`: made and changed by its owner, used by a role that owns nothing."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.engine import make_url

from resource_server.datasets.database import driver_url

_GUARDED = "SELECT tablename FROM pg_tables WHERE schemaname = 'datasets' AND rowsecurity"
_LOCK = 7_305_442  # any number that only these migrations use


def upgrade(owner_url: str, application_url: str) -> None:
    """Bring the schema to its newest version; of several processes one works and the others wait."""
    engine = create_engine(driver_url(owner_url), connect_args={"connect_timeout": 3})
    try:
        with engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            connection.execute(text("CREATE SCHEMA IF NOT EXISTS datasets"))
            config = Config(attributes={"connection": connection})
            config.set_main_option("script_location", str(Path(__file__).parent))
            command.upgrade(config, "head")
            _grant(connection, make_url(application_url).username or "")
    finally:
        engine.dispose()


def _grant(connection: Connection, application: str) -> None:
    """Give the application role its rights on every table, including those of the newest version."""
    owner = connection.scalar(text("SELECT current_user"))
    if application in ("", owner):
        # One role for both: it owns the tables, so row-level security must be told to hold for owners too.
        for table in connection.scalars(text(_GUARDED)):
            connection.execute(text(f"ALTER TABLE datasets.{table} FORCE ROW LEVEL SECURITY"))
        return
    role = connection.dialect.identifier_preparer.quote(application)
    for statement in (
        f"GRANT USAGE ON SCHEMA datasets TO {role}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA datasets TO {role}",
        f"REVOKE ALL ON datasets.alembic_version FROM {role}",
        f"REVOKE UPDATE, DELETE ON datasets.event FROM {role}",
    ):
        connection.execute(text(statement))
