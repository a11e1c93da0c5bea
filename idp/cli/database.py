"""A database for the time of a command: the configured one, or the embedded one in the data directory."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
from flask import Flask

import local_postgres
from idp import keyring
from idp.app import extend
from idp.context import Context
from idp.db import db, engine_options, prepare, sqlalchemy_url
from idp.settings import Misconfigured, Settings, load
from keys import new_kek
from migrations import apply as migrations

# A command is no request: it may take its time, and hash many passwords within its one transaction.
_SESSION = "-c lock_timeout=10000 -c timezone=UTC"


@contextmanager
def configured() -> Iterator[Settings]:
    """The settings with a database in them; the embedded one runs as long as the block, its schema at head.

    Raises:
        Misconfigured: the settings cannot be used.
        local_postgres.Unavailable: there is no embedded database to be had.
    """
    settings = load()
    if settings.database_url:
        yield settings
        return
    with local_postgres.running(settings.data_dir) as cluster:
        urls = cluster.database("idp")
        filled: dict[str, Any] = {"database_url": urls.application, "migrations_database_url": urls.owner}
        if settings.keys.kek is None:
            filled["keys"] = {"kek": _kek(settings.data_dir)}
        settings = load(**filled)
        migrate(settings)
        yield settings


def environment(settings: Settings) -> dict[str, str]:
    """What a child process needs besides this one's own variables to find the same, embedded database."""
    if load().database_url:
        return {}
    found = {"IDP_DATABASE_URL": _revealed(settings.database_url)}
    if load().keys.kek is None:
        found["IDP_KEYS__KEK"] = _revealed(settings.keys.kek)
    return found


def migrate(settings: Settings) -> None:
    """Bring the schema to head as its owner; the application's role gets its rights, unless it is the owner itself."""
    application = _revealed(settings.database_url)
    owner = _revealed(settings.migrations_database_url) if settings.migrations_database_url else application
    role = urlsplit(application).username
    migrations.to_head(owner, role if role != urlsplit(owner).username else None)


def require_head(settings: Settings) -> None:
    """Refuse to work on a schema of another version."""
    if not migrations.is_at_head(_revealed(settings.database_url)):
        raise Misconfigured("the database's schema is not that of this version: run `idp migrate`")


@contextmanager
def application() -> Iterator[Flask]:
    """An application without endpoints, its context pushed: for commands and jobs, on a schema that is at head."""
    with configured() as settings:
        require_head(settings)
        app = bare(settings)
        with app.app_context():
            yield app
            db.engine.dispose()


def bare(settings: Settings) -> Flask:
    """The application that jobs and commands work in: all but what answers."""
    app, url = Flask("idp"), _revealed(settings.database_url)
    options = engine_options(4)
    options["connect_args"] |= {"options": _SESSION}
    app.config["SQLALCHEMY_DATABASE_URI"] = sqlalchemy_url(url)
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = options
    db.init_app(app)
    with app.app_context():
        prepare(db.engine)
    keys = keyring.key_set(settings, lambda: psycopg.connect(url))
    app.extensions["idp"] = Context(settings=settings, keys=keys)
    extend(app, settings)
    return app


def _kek(data_dir: Path) -> str:
    """The embedded database's key-encryption key, made once: here alone a default for a secret is no danger."""
    path = data_dir / "kek"
    if not path.exists():
        unfinished = data_dir / f"kek.{os.getpid()}.{secrets.token_hex(4)}"
        with open(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            file.write(new_kek())
        try:
            os.link(unfinished, path)  # fails where another process was faster: its key counts
        except FileExistsError:
            pass
        finally:
            unfinished.unlink()
    return path.read_text().strip()


def _revealed(secret: Any) -> str:  # noqa: ANN401 - SecretStr or None
    return str(secret.get_secret_value())
