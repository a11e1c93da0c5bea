"""The `dataset-service` command."""

import os
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import ParamSpec

import click
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server import MPServer
from pydantic import SecretStr
from sqlalchemy.exc import SQLAlchemyError

from local_postgres import Unavailable as NoDatabase
from resource_server import Unavailable as NoIdentityProvider
from resource_server.datasets import load as loading
from resource_server.datasets import migrations
from resource_server.datasets.app import build_service
from resource_server.datasets.bodies import WAITING
from resource_server.datasets.embedded import with_database
from resource_server.datasets.settings import Refused, Settings, load

P = ParamSpec("P")

_ALWAYS_FREE = 16  # threads that clients cannot take by dawdling over their bodies


def _one_line(command: Callable[P, None]) -> Callable[P, None]:
    """End with status 1 and one line on stderr for what the operator can mend."""

    @wraps(command)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except (Refused, NoDatabase, NoIdentityProvider) as error:
            _fail(str(error))
        except SQLAlchemyError as error:
            _fail(f"the database cannot be used: {type(error).__name__}; look at DATASETS_DATABASE_URL and run migrate")

    return guarded


def _fail(reason: str) -> None:
    click.echo(f"dataset-service: {' '.join(reason.split())}", err=True)
    sys.exit(1)


@click.group()
def main() -> None:
    """Datasets of companies, shared within a company."""


@main.command()
@click.option("--bind", required=True, metavar="HOST:PORT")
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 64))
@_one_line
def serve(bind: str, workers: int) -> None:
    """Answer HTTP; the embedded database is migrated first."""
    host, port = _address(bind)
    with with_database(load()) as settings:
        _hand_on(settings)
        _server(host, port, workers).serve()


@main.command()
@_one_line
def migrate() -> None:
    """Bring the schema to its newest version, as its owner."""
    with with_database(load()) as settings:
        migrations.upgrade(_secret(settings.migrations_database_url), _secret(settings.database_url))


@main.command("load")
@click.argument("file", type=click.Path(path_type=Path))
@_one_line
def load_file(file: Path) -> None:
    """Add the datasets of a TOML file that are not there yet, as the schema's owner."""
    with with_database(load()) as settings:
        owner = settings.model_copy(update={"database_url": settings.migrations_database_url})
        for line in loading.load(build_service(owner), file):
            click.echo(line)


def _server(host: str, port: int, workers: int) -> MPServer:
    return MPServer(
        "resource_server.datasets.wsgi:application",
        factory=True,
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,
        workers=workers,
        blocking_threads=WAITING + _ALWAYS_FREE,
        http1_settings=HTTP1Settings(header_read_timeout=10_000, max_buffer_size=65_536),
        websockets=False,
        log_level=LogLevels.error,
        workers_kill_timeout=5,
        respawn_failed_workers=True,
    )


def _address(bind: str) -> tuple[str, int]:
    host, _, port = bind.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise Refused("--bind must be HOST:PORT, such as 127.0.0.1:8001")
    return host.strip("[]"), int(port)


def _hand_on(settings: Settings) -> None:
    """The workers read the environment themselves; where the embedded database lies, they learn here."""
    if not {"DATASETS_DATABASE_URL", "DATASETS_DATABASE_URL_FILE"} & os.environ.keys():
        os.environ["DATASETS_DATABASE_URL"] = _secret(settings.database_url)


def _secret(value: SecretStr | None) -> str:
    return value.get_secret_value() if value else ""
