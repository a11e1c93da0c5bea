"""The schema, and what the service does while its database is away."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from dataset_world import HYDRO, WIND, World
from sqlalchemy import create_engine, event, text
from sqlalchemy.pool import NullPool

from local_postgres import Cluster, Database
from resource_server.datasets import database, migrations
from resource_server.datasets.models import Model


def test_the_migrations_make_what_the_models_say(dataset_database: Database) -> None:
    """And running them again changes nothing."""
    migrations.upgrade(dataset_database.owner, dataset_database.application)
    engine = create_engine(database.driver_url(dataset_database.owner), poolclass=NullPool)
    options = {
        "include_schemas": True,
        "version_table_schema": "datasets",
        "include_name": lambda name, kind, _parents: kind != "schema" or name == "datasets",
    }
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts=options)
        assert [] == compare_metadata(context, Model.metadata)


def test_every_table_has_row_level_security(dataset_database: Database) -> None:
    """A new table must have a policy, or be named here with the reason why it has none."""
    with psycopg.connect(dataset_database.owner) as owner:
        rows = owner.execute("SELECT tablename, rowsecurity FROM pg_tables WHERE schemaname = 'datasets'").fetchall()

    assert {name for name, secured in rows if not secured} <= {"alembic_version", "portal_session", "proof"}


def test_one_role_for_everything_is_held_to_the_policies_too(cluster: Cluster, dataset_database: Database) -> None:
    """An operator with a single database URL owns the tables; row-level security is forced then."""
    cluster.drop("datasets_single")
    single = cluster.database("datasets_single", role="datasets")
    migrations.upgrade(single.owner, single.owner)
    own = World(single.owner)
    own.person("ines").create()
    with own.service.database.transaction([HYDRO]) as session:
        assert 0 == session.scalar(text("SELECT count(*) FROM datasets.dataset"))
    with own.service.database.transaction([WIND]) as session:
        assert 1 == session.scalar(text("SELECT count(*) FROM datasets.dataset"))
    own.service.database.engine.dispose()
    cluster.drop("datasets_single")


def end_connections(database: Database) -> None:
    """As a restart of PostgreSQL does."""
    with psycopg.connect(database.application, autocommit=True) as application:
        application.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE usename = current_user AND datname = current_database() AND pid <> pg_backend_pid()"
        )


@contextmanager
def away(database: Database) -> Iterator[None]:
    """The database ends its connections and takes no new ones."""
    name = database.owner.split("@/")[1].split("?")[0]
    with psycopg.connect(database.owner, autocommit=True) as owner:
        end_connections(database)
        owner.execute(f"ALTER DATABASE {name} CONNECTION LIMIT 0")
        try:
            yield
        finally:
            owner.execute(f"ALTER DATABASE {name} CONNECTION LIMIT -1")


def test_a_connection_that_died_in_the_pool_is_replaced_unseen(world: World, dataset_database: Database) -> None:
    ines = world.person("ines")
    assert [] == ines.names()
    end_connections(dataset_database)

    assert [] == ines.names()


def test_a_database_that_is_away(world: World, dataset_database: Database) -> None:
    """503 with Retry-After within 5 s and no success invented; it recovers without a restart."""
    ines, client = world.person("ines"), world.app.test_client()
    identifier = ines.create()
    paths = ("/datasets", f"/datasets/{identifier}", f"/datasets/{identifier}/content", "/health/ready")
    with away(dataset_database):
        for path in paths:
            began = time.monotonic()
            answer = ines.get(path)
            assert (503, "5") == (answer.status_code, answer.headers["Retry-After"])
            assert "application/problem+json" == answer.content_type
            assert time.monotonic() - began < 5
        assert 503 == ines.post("/datasets", {"name": "x"}).status_code
        assert 200 == client.get("/health/live").status_code
        assert 200 == client.get("/.well-known/oauth-protected-resource").status_code
        assert 401 == client.get("/datasets").status_code
    for path in paths:
        answer = ines.get(path)
        assert 200 == answer.status_code
        answer.close()


def test_a_full_pool_is_503_too(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = world.service.database.engine
    monkeypatch.setattr(engine.pool, "_timeout", 0.05)
    held = [engine.connect() for _ in range(8)]
    answer = world.person("ines").get("/datasets")
    for connection in held:
        connection.close()

    assert (503, "5") == (answer.status_code, answer.headers["Retry-After"])


def test_reading_costs_two_statements(world: World) -> None:
    """One says which companies, one asks; content needs one more for each 256 KiB, a list none for each item."""
    ines, jonas = world.person("ines"), world.person("jonas")
    identifiers = [ines.create(str(number)) for number in range(20)]
    ines.upload(identifiers[0], b"x" * 1000)
    counted: list[str] = []
    event.listen(
        world.service.database.engine, "before_cursor_execute", lambda _c, _cursor, sql, *_rest: counted.append(sql)
    )
    costs = {}
    for path in (f"/datasets/{identifiers[0]}", "/datasets", f"/datasets/{identifiers[0]}/content"):
        counted.clear()
        answer = jonas.get(path)
        assert 200 == answer.status_code
        answer.close()
        costs[path.replace(identifiers[0], "<id>")] = len(counted)

    assert {"/datasets/<id>": 2, "/datasets": 2, "/datasets/<id>/content": 3} == costs
