"""The provider on a real PostgreSQL: one cluster for all workers, a database each, emptied after each test."""

import os
import threading
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from actors import Browser, Client, World

import consent_ui
import local_postgres
from idp.app import create_app
from idp.db import Pool, db
from idp.settings import KeySettings, Settings
from keys import KeySet, Policy, store
from migrations.apply import to_head

START = datetime(2030, 1, 15, 9, 30, tzinfo=UTC)
KEK = bytes(range(32))
PUBLIC_URL = "https://id.example.com"

_KEPT = {"alembic_version", "signing_key"}


class Clock:
    """Stands still until it is moved."""

    def __init__(self):
        self.time = START

    def __call__(self):
        return self.time

    def advance(self, seconds=0, **by):
        self.time += timedelta(seconds=seconds, **by)


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    """A running PostgreSQL, shared by the workers; the last one stops it."""
    base = tmp_path_factory.getbasetemp()
    with local_postgres.running(base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) as running:
        yield running


@pytest.fixture(scope="session")
def idp_database(cluster):
    """A database at head for this worker, with signing keys."""
    database = cluster.database(f"idp_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}", role="idp")
    to_head(database.owner, "idp_app")
    with psycopg.connect(database.owner, autocommit=True) as connection:
        store.apply(connection, [KEK], Policy(signing=KeySettings().signing), START.timestamp())
    return database


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def settings(idp_database):
    """Settings of a production-like instance, with cheap passwords."""
    return Settings(
        public_url=PUBLIC_URL,
        database_url=idp_database.application,
        keys={"kek": KEK.hex()},
        passwords={"ln": 14, "p": 1},
    )


@pytest.fixture
def app(idp_database, settings, clock):
    keys = KeySet(lambda: psycopg.connect(idp_database.application), [KEK], Policy(), lambda: clock().timestamp())
    keys.refresh()
    application = create_app(settings, consent_ui, keys=keys, now=clock)
    yield application
    with application.app_context():
        db.session.remove()
        db.engine.dispose()
    empty(idp_database.owner)


def empty(url):
    """Empty every table that has rows: refusals commit, so a rollback would hide them."""
    with psycopg.connect(url, autocommit=True) as owner:
        tables = owner.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        # TRUNCATE makes new files for every table and waits for the disk: 200 ms where these take one.
        owner.execute("; ".join(f"DELETE FROM {name}" for (name,) in tables if name not in _KEPT))


@pytest.fixture(autouse=True)
def one_connection(monkeypatch, request):
    """Refuse whoever holds a connection of the pool and takes another: many at once would wait for each other."""
    if request.node.get_closest_marker("holds_connections"):
        return
    held, take, give = threading.local(), Pool._do_get, Pool._do_return_conn

    def taken(pool):
        entries = held.__dict__.setdefault(id(pool), [])
        assert [] == entries, "a second connection of one pool (decision 3)"
        entry = take(pool)
        if entry not in entries:
            entries.append(entry)
        return entry

    def given(pool, entry):
        held.__dict__[id(pool)].remove(entry)
        give(pool, entry)

    monkeypatch.setattr(Pool, "_do_get", taken)
    monkeypatch.setattr(Pool, "_do_return_conn", given)


@pytest.fixture
def world(app):
    """Companies, people and clients: declare them."""
    return World(app)


@pytest.fixture
def browser(app):
    """A person's browser."""
    return Browser(app)


@pytest.fixture
def client(app, world):
    """A confidential client with PKCE and refresh tokens."""
    return Client.registered(world, "shop")
