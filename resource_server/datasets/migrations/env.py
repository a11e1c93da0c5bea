"""Alembic's entry: runs on the connection that `upgrade` opened, in its transaction."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], version_table_schema="datasets")
context.run_migrations()
