"""`idp migrate`: the schema."""

import click

from idp.cli import database


@click.command()
def migrate() -> None:
    """Bring the database's schema to the one of this version, as its owner (IDP_MIGRATIONS_DATABASE_URL)."""
    with database.configured() as settings:
        database.migrate(settings)
    click.echo("The schema is at head.", err=True)
