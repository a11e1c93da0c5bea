"""Run the migrations from code: `idp migrate`, the embedded database and the tests share this one way."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from idp.db import sqlalchemy_url


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    return config


def to_head(owner_url: str, application_role: str | None) -> None:
    """Bring the schema to head as its owner, and grant rows to `application_role` unless it is the owner itself."""
    engine = create_engine(sqlalchemy_url(owner_url))
    with engine.connect() as connection:
        config = _config()
        config.attributes |= {"connection": connection, "application_role": application_role}
        command.upgrade(config, "head")
        connection.commit()
    engine.dispose()


def is_at_head(url: str) -> bool:
    """Whether the schema is the one that this version was written for."""
    engine = create_engine(sqlalchemy_url(url))
    try:
        with engine.connect() as connection:
            current = MigrationContext.configure(connection).get_current_revision()
        return current == ScriptDirectory.from_config(_config()).get_current_head()
    finally:
        engine.dispose()
