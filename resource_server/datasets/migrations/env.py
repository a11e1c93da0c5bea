"""Alembic's entry: runs on the connection that `upgrade` opened, in its transaction."""

from alembic import context

from resource_server.datasets.models import Model

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Model.metadata,
    version_table_schema="datasets",
)
context.run_migrations()
