"""Schema migrations (Alembic): numbered, one dialect, each fit for the version before and the version after."""
