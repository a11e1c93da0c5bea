"""A migrated database for each worker, and a portal on it for each test."""

import os
from collections.abc import Iterator

import psycopg
import pytest

from local_postgres import Cluster, Database
from resource_server.datasets import migrations
from tests.resource_server.portal.portal_world import PortalWorld

_EMPTY = "DELETE FROM datasets.dataset; DELETE FROM datasets.event; DELETE FROM datasets.portal_session"


@pytest.fixture(scope="session")
def portal_database(cluster: Cluster) -> Database:
    name = f"portal_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    cluster.drop(name)
    database = cluster.database(name, role="datasets")
    migrations.upgrade(database.owner, database.application)
    return database


@pytest.fixture
def world(portal_database: Database) -> Iterator[PortalWorld]:
    world = PortalWorld(portal_database.application)
    yield world
    world.service.database.engine.dispose()
    with psycopg.connect(portal_database.owner, autocommit=True) as owner:
        owner.execute(_EMPTY)
