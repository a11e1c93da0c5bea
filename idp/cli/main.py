"""The command itself: what went wrong is one line on stderr that says what to do, and the exit status is 1."""

import signal
import sys
from typing import Any

import click
import psycopg
from sqlalchemy.exc import DBAPIError

import local_postgres
from idp.cli import declared, instance, jobs, keys, outbox, registration, schema, serve
from idp.clients.metadata import InvalidMetadata
from idp.declared.errors import Invalid
from idp.settings import Misconfigured
from keys import KeysError


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def idp() -> None:
    """Run and administer the identity provider; settings come from idp.toml (IDP_CONFIG) and IDP_* variables."""


for command in (
    serve.serve,
    schema.migrate,
    jobs.jobs,
    declared.apply,
    declared.export,
    keys.keys,
    registration.registration_token,
    outbox.outbox,
    instance.check_config,
    instance.doctor,
):
    idp.add_command(command)


def main() -> None:
    """Run the command line; never returns."""
    signal.signal(signal.SIGTERM, _end)
    try:
        status = idp.main(standalone_mode=False)
    except click.Abort:
        _fail("interrupted", 130)
    except KeyboardInterrupt:
        sys.exit(130)
    except click.ClickException as error:
        _fail(error.format_message())
    except (Misconfigured, local_postgres.Unavailable, Invalid, InvalidMetadata, KeysError) as error:
        _fail(str(error))
    except DBAPIError as error:
        _fail(_database(error.orig))
    except psycopg.Error as error:
        _fail(_database(error))
    sys.exit(status if isinstance(status, int) else 0)


def _database(error: BaseException | None) -> str:
    """What a database error means; its own text names hosts and roles, never a password."""
    said = str(error).partition("\n")[0]
    if isinstance(error, psycopg.errors.LockNotAvailable):
        return "somebody else is changing the same things, perhaps another `idp apply` or `idp migrate`: try again"
    if isinstance(error, psycopg.OperationalError):
        return f"the database does not answer: start it, or correct IDP_DATABASE_URL ({said})"
    if isinstance(error, (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn)):
        return "the database's schema is not that of this version: run `idp migrate`"
    if isinstance(error, psycopg.errors.InsufficientPrivilege):
        return f"the database refuses ({said}): check the roles of IDP_DATABASE_URL and IDP_MIGRATIONS_DATABASE_URL"
    return f"the database refuses: {said}"


def _end(*_: Any) -> None:  # noqa: ANN401 - signal number and frame
    # As an exception, so that the embedded database is stopped on the way out.
    sys.exit(143)


def _fail(sentence: str, status: int = 1) -> None:
    click.echo(f"idp: {sentence}", err=True)
    sys.exit(status)
