"""The database without a URL: a cluster of our own in `IDP_DATA_DIR`, shared with the IdP, its database ours alone."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import SecretStr

from local_postgres import running
from resource_server.datasets import migrations
from resource_server.datasets.settings import Settings


@contextmanager
def with_database(settings: Settings) -> Iterator[Settings]:
    """The settings with both database URLs; the embedded database runs, migrated, while the block does.

    Raises:
        local_postgres.Unavailable: there is no database to be had.
    """
    if settings.database_url is not None:
        yield settings.model_copy(
            update={"migrations_database_url": settings.migrations_database_url or settings.database_url}
        )
        return
    with running(Path(os.environ.get("IDP_DATA_DIR", ".idp"))) as cluster:
        database = cluster.database("datasets")
        migrations.upgrade(database.owner, database.application)
        yield settings.model_copy(
            update={
                "database_url": SecretStr(database.application),
                "migrations_database_url": SecretStr(database.owner),
            }
        )
