"""A migrated database for each worker, and a world on it for each test."""

import os
from collections.abc import Iterator

import psycopg
import pytest
from dataset_world import World

from local_postgres import Cluster, Database
from resource_server.datasets import migrations

_EMPTY = "DELETE FROM datasets.dataset; DELETE FROM datasets.event; DELETE FROM datasets.proof"


@pytest.fixture(scope="session")
def dataset_database(cluster: Cluster) -> Database:
    name = f"datasets_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    cluster.drop(name)
    database = cluster.database(name, role="datasets")
    migrations.upgrade(database.owner, database.application)
    return database


@pytest.fixture
def world(dataset_database: Database) -> Iterator[World]:
    world = World(dataset_database.application)
    yield world
    world.service.database.engine.dispose()
    with psycopg.connect(dataset_database.owner, autocommit=True) as owner:
        owner.execute(_EMPTY)
