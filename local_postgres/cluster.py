"""Databases in the cluster, each with a role that owns it and a role that uses it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import quote

import psycopg
from psycopg.sql import SQL, Composed, Identifier

from local_postgres import server
from local_postgres.place import Place

# One at a time creates a database; any number that nobody else uses in the maintenance database.
_CREATION_LOCK = 0x6C706773


@dataclass(frozen=True)
class Database:
    """URLs for libpq: `postgresql://idp_owner@/idp?host=%2Fpath&port=5432`."""

    owner: str  # for migrations: owns the database and may change its schema
    application: str  # for the server: owns nothing, and has what the migrations grant


class Cluster:
    """A running cluster."""

    def __init__(self, place: Place) -> None:
        self._place = place

    def database(self, name: str, *, template: str | None = None, role: str | None = None) -> Database:
        """The database, made if it is absent, with its roles `<role>_owner` and `<role>_app`.

        Args:
            name: any name that PostgreSQL takes; at most 63 bytes.
            template: a database to copy, to which nobody is connected; its roles are named by `role`.
            role: what the roles are called after, by default `name`.
        """
        owner, application = f"{role or name}_owner", f"{role or name}_app"
        with self._connect("postgres") as maintenance:
            maintenance.execute("SELECT pg_advisory_lock(%s)", [_CREATION_LOCK])
            for each in (owner, application):
                _create_role(maintenance, each)
            _create_database(maintenance, name, owner, template)
            # Again each time, so that a creation that was interrupted is completed.
            for statement in _DATABASE_RIGHTS:
                maintenance.execute(_named(statement, name, owner, application))
            with self._connect(name) as inside:
                for statement in _SCHEMA_RIGHTS:
                    inside.execute(_named(statement, name, owner, application))
        return Database(owner=self._url(owner, name), application=self._url(application, name))

    def drop(self, name: str) -> None:
        """Remove the database if it is there, ending its sessions; its roles stay, for others may share them."""
        with self._connect("postgres") as maintenance:
            maintenance.execute(SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(Identifier(name)))

    @contextmanager
    def _connect(self, database: str) -> Iterator[psycopg.Connection]:
        conninfo = server.conninfo(self._place, server.SUPERUSER, database)
        with psycopg.connect(conninfo, autocommit=True) as connection:
            yield connection

    def _url(self, role: str, database: str) -> str:
        host = quote(str(self._place.socket), safe="")
        return f"postgresql://{quote(role, safe='')}@/{quote(database, safe='')}?host={host}&port={server.PORT}"


_DATABASE_RIGHTS = (
    "REVOKE ALL ON DATABASE {name} FROM PUBLIC",
    "GRANT CONNECT ON DATABASE {name} TO {application}",
)
_SCHEMA_RIGHTS = (
    "ALTER SCHEMA public OWNER TO {owner}",
    "REVOKE ALL ON SCHEMA public FROM PUBLIC",
    "GRANT USAGE ON SCHEMA public TO {application}",
)


def _named(statement: str, name: str, owner: str, application: str) -> Composed:
    identifiers = {"name": name, "owner": owner, "application": application}
    return SQL(statement).format(**{key: Identifier(value) for key, value in identifiers.items()})


def _create_role(maintenance: psycopg.Connection, role: str) -> None:
    if not maintenance.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone():
        maintenance.execute(SQL("CREATE ROLE {} LOGIN").format(Identifier(role)))


def _create_database(maintenance: psycopg.Connection, name: str, owner: str, template: str | None) -> None:
    if maintenance.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
        return
    create = SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}")
    statement = create.format(Identifier(name), Identifier(owner), Identifier(template or "template1"))
    # A session that was just closed may be in the template for some milliseconds more.
    end = time.monotonic() + 5
    while True:
        try:
            maintenance.execute(statement)
        except psycopg.errors.ObjectInUse:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
        else:
            return
