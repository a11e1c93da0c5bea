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
def kek():
    return secrets.token_bytes(32)


@pytest.fixture(scope="session")
def key_database(tmp_path_factory, kek):
    """A database with the signing_key table, and a copy of what the first start makes of it; its URL."""
    with running(tmp_path_factory.mktemp("keys") / "cluster") as cluster:
        url = cluster.database("keys").owner
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(TABLE)
            store.apply(connection, [kek], Policy(), START)
            connection.execute("CREATE TABLE after_first_start AS TABLE signing_key")
        yield url


@pytest.fixture
def connect(key_database):
    """Open a connection for the time of a `with` block; the table is empty when the test begins."""
    with psycopg.connect(key_database, autocommit=True) as connection:
        connection.execute("TRUNCATE signing_key")
    return lambda: psycopg.connect(key_database)


@pytest.fixture
def connection(connect):
    with connect() as connection:
        connection.autocommit = True
        yield connection


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def policy():
    return Policy()


@pytest.fixture
def table(connection):
    """A connection to the table as the first start leaves it (a copy, because RSA keys take time to make)."""
    connection.execute("INSERT INTO signing_key TABLE after_first_start")
    return connection


@pytest.fixture
def key_set(table, connect, kek, policy, clock):
    """The key set of a process after the first start."""
    key_set = KeySet(connect, [kek], policy, clock)
    key_set.refresh()
    return key_set
