"""Databases in the cluster, each with a role that owns it and a role that uses it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import quote

import psycopg
from psycopg.sql import SQL, Identifier

from local_postgres import server
from local_postgres.initdb import SUPERUSER
from local_postgres.place import Place

# Databases are created one at a time; the number is of use only in the maintenance database, which is ours alone.
_CREATING = 1
# CREATE DATABASE is whole or undone; then the database admits nobody until its rights are set.
_READY = "SELECT 1 FROM pg_database WHERE datname = %s AND datconnlimit <> 0"
_EXISTS = "SELECT 1 FROM pg_database WHERE datname = %s"
_CREATE = "CREATE DATABASE {name} OWNER {owner} TEMPLATE {template} CONNECTION LIMIT 0"
_SET_RIGHTS = (
    "REVOKE ALL ON DATABASE {name}, postgres, template1 FROM PUBLIC",
    "GRANT CONNECT ON DATABASE {name} TO {application}",
    "ALTER SCHEMA public OWNER TO {owner}",
    "REVOKE ALL ON SCHEMA public FROM PUBLIC",
    "GRANT USAGE ON SCHEMA public TO {application}",
    "ALTER DATABASE {name} CONNECTION LIMIT -1",
)


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
            name: at most 63 bytes, in the case in which it is given.
            template: a database to copy, to which nobody is connected; name its roles by `role`.
            role: what the roles are called after, by default `name`.
        """
        owner, application = f"{role or name}_owner", f"{role or name}_app"
        with self._connect("postgres") as maintenance:
            maintenance.execute("SELECT pg_advisory_lock(%s)", [_CREATING])
            if not maintenance.execute(_READY, [name]).fetchone():
                for each in (owner, application):
                    _create_role(maintenance, each)
                names = {"name": name, "owner": owner, "application": application, "template": template or "template1"}
                self._create(maintenance, name, {key: Identifier(value) for key, value in names.items()})
        return Database(owner=self._url(owner, name), application=self._url(application, name))

    def drop(self, name: str) -> None:
        """Remove the database if it is there, ending its sessions; its roles stay, for others may share them."""
        with self._connect("postgres") as maintenance:
            maintenance.execute(SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(Identifier(name)))

    def _create(self, maintenance: psycopg.Connection, name: str, identifiers: dict[str, Identifier]) -> None:
        if not maintenance.execute(_EXISTS, [name]).fetchone():
            maintenance.execute(SQL(_CREATE).format(**identifiers))
        with self._connect(name) as inside:
            for statement in _SET_RIGHTS:
                inside.execute(SQL(statement).format(**identifiers))

    @contextmanager
    def _connect(self, database: str) -> Iterator[psycopg.Connection]:
        with psycopg.connect(server.conninfo(self._place, SUPERUSER, database), autocommit=True) as connection:
            yield connection

    def _url(self, role: str, database: str) -> str:
        host = quote(str(self._place.socket), safe="")
        return f"postgresql://{quote(role, safe='')}@/{quote(database, safe='')}?host={host}&port={server.PORT}"


def _create_role(maintenance: psycopg.Connection, role: str) -> None:
    if not maintenance.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone():
        maintenance.execute(SQL("CREATE ROLE {} LOGIN").format(Identifier(role)))
