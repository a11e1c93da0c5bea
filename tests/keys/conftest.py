import os
import secrets

import psycopg
import pytest

from keys import KeySet, Policy, store
from migrations.apply import to_head

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
def key_database(cluster, kek):
    """A migrated database of its own, with a copy of what the first start makes of signing_key."""
    database = cluster.database(f"keys_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}", role="idp")
    to_head(database.owner, "idp_app")
    with psycopg.connect(database.application) as connection:
        store.apply(connection, [kek], Policy(), START)
    with psycopg.connect(database.owner) as connection:
        connection.execute("CREATE TABLE after_first_start AS TABLE signing_key")
    return database


@pytest.fixture
def connect(key_database):
    """Connect as the application role for the time of a `with` block; the table is empty when the test begins."""
    with psycopg.connect(key_database.owner) as connection:
        connection.execute("TRUNCATE signing_key")
    return lambda: psycopg.connect(key_database.application)


@pytest.fixture
def connection(key_database, connect):
    """A connection of the owner, who may do more to the table than the server."""
    with psycopg.connect(key_database.owner, autocommit=True) as connection:
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
