"""The `dataset-service` command."""

import os
import socket
import sys
from pathlib import Path

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

_ALWAYS_FREE = 16  # threads that clients cannot take by dawdling over their bodies


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def dataset_service() -> None:
    """Datasets of companies, shared within a company; settings are DATASETS_* variables (see docs/operate.md)."""


def main() -> None:
    """Run the command line; what the operator can mend is one line on stderr, and the exit status is 1."""
    try:
        status = dataset_service.main(standalone_mode=False)
    except click.Abort:
        sys.exit(130)
    except click.ClickException as error:
        _fail(error.format_message())
    except (Refused, NoDatabase, NoIdentityProvider) as error:
        _fail(str(error))
    except SQLAlchemyError as error:
        _fail(f"the database cannot be used: {type(error).__name__}; look at DATASETS_DATABASE_URL and run migrate")
    sys.exit(status if isinstance(status, int) else 0)


def _fail(reason: str) -> None:
    click.echo(f"dataset-service: {' '.join(reason.split())}", err=True)
    sys.exit(1)


@dataset_service.command()
@click.option("--bind", default="", metavar="HOST:PORT", help="Where to listen, such as 127.0.0.1:8001; required.")
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 64), help="Processes.")
def serve(bind: str, workers: int) -> None:
    """Answer HTTP; the embedded database is migrated first."""
    host, port = _address(bind)
    given = load()
    _refuse_taken(host, port)
    with with_database(given) as settings:
        _hand_on(settings)
        _server(host, port, workers).serve()


@dataset_service.command()
def migrate() -> None:
    """Bring the schema to its newest version, as its owner."""
    with with_database(load()) as settings:
        migrations.upgrade(_secret(settings.migrations_database_url), _secret(settings.database_url))


@dataset_service.command("load")
@click.argument("file", type=click.Path(path_type=Path))
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
    if not host or not (port.isascii() and port.isdecimal()) or not 0 < int(port) < 65536:
        raise Refused("--bind must be HOST:PORT, such as 127.0.0.1:8001")
    return host.strip("[]"), int(port)


def _refuse_taken(host: str, port: int) -> None:
    """Granian would share a taken port with the server that has it, and each would get half of the requests."""
    try:
        with socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET):
            pass
    except OSError as error:
        raise Refused(f"--bind {host}:{port}: {error.strerror or error}; choose another address") from None


def _hand_on(settings: Settings) -> None:
    """The workers read the environment themselves; where the embedded database lies, they learn here."""
    if not {"DATASETS_DATABASE_URL", "DATASETS_DATABASE_URL_FILE"} & os.environ.keys():
        os.environ["DATASETS_DATABASE_URL"] = _secret(settings.database_url)


def _secret(value: SecretStr | None) -> str:
    return value.get_secret_value() if value else ""
