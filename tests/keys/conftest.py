import secrets

import psycopg
import pytest

from keys import KeySet, Policy, store
from local_postgres import running

TABLE = """
    CREATE TABLE signing_key (
        kid text PRIMARY KEY,
        use text NOT NULL CHECK (use IN ('sig', 'enc')),
        alg text NOT NULL,
        state text NOT NULL CHECK (state IN ('next', 'active', 'retired')),
        public_jwk jsonb,
        sealed_private bytea,
        sealed_by text,
        created_at timestamptz NOT NULL,
        activated_at timestamptz,
        drop_after timestamptz
    );
    CREATE UNIQUE INDEX signing_key_one ON signing_key (use, alg, state) WHERE state IN ('next', 'active');
"""
START = 1_900_000_000.0


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self):
        self.time = START

    def __call__(self):
        return self.time

    def advance(self, seconds):
        self.time += seconds


@pytest.fixture(scope="session")
def key_database(tmp_path_factory):
    """A database that has the signing_key table and nothing else; its URL."""
    with running(tmp_path_factory.mktemp("keys") / "cluster") as cluster:
        url = cluster.database("keys").owner
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(TABLE)
        yield url


@pytest.fixture
def connect(key_database):
    """Open a connection for the time of a `with` block; the table is empty when the test begins."""
    with psycopg.connect(key_database, autocommit=True) as connection:
        connection.execute("TRUNCATE signing_key")
    return lambda: psycopg.connect(key_database)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def policy():
    return Policy()


@pytest.fixture
def kek():
    return secrets.token_bytes(32)


@pytest.fixture
def connection(connect):
    with connect() as connection:
        connection.autocommit = True
        yield connection


@pytest.fixture
def started(connect, kek, policy, clock):
    """A key set after the first start."""
    with connect() as connection:
        store.apply(connection, [kek], policy, clock())
    key_set = KeySet(connect, [kek], policy, clock)
    key_set.refresh()
    return key_set
