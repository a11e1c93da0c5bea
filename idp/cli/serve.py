"""`idp serve`: the HTTP server (Granian), and on request the jobs beside it."""

import os
import resource
import socket
import ssl
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click
from granian.constants import HTTPModes, Interfaces, SSLProtocols
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server import MPServer

from idp import logs, passwords
from idp.cli import database
from idp.cli.bodies import WAITING
from idp.jobs import rotate_keys, runner
from idp.settings import Misconfigured, Settings

# Threads of one worker that neither sign-ins nor clients that dawdle over their bodies can take.
_ALWAYS_FREE = 16
_OPEN_FILES = 65_536  # of one process at most


class Address(click.ParamType[tuple[str, int]]):
    """HOST:PORT, with brackets around an IPv6 address."""

    name = "HOST:PORT"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, int]:  # noqa: ANN401
        """The host's first address, and the port."""
        if isinstance(value, tuple):
            return value
        host, colon, port = str(value).rpartition(":")
        if not (colon and host and port.isascii() and port.isdigit() and 1 <= int(port) <= 65_535):
            self.fail("give it as HOST:PORT, such as 127.0.0.1:8000", param, ctx)
        try:
            found = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM)
        except OSError:
            self.fail("the host has no address here", param, ctx)
        return str(min(found)[4][0]), int(port)  # IPv4 where there are both


@click.command()
@click.option("--bind", type=Address(), default="127.0.0.1:8000", show_default=True, help="Where to listen.")
@click.option("--workers", type=click.IntRange(1, 256), default=lambda: os.cpu_count() or 1, help="Processes.")
@click.option("--tls-cert", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Certificate, PEM.")
@click.option("--tls-key", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Its key, PKCS #8 PEM.")
@click.option("--with-jobs", is_flag=True, help="Do the work of `idp jobs` too.")
@click.option("--migrate", is_flag=True, help="Bring the schema to head first (the embedded database always is).")
def serve(
    bind: tuple[str, int], workers: int, tls_cert: Path | None, tls_key: Path | None, with_jobs: bool, migrate: bool
) -> None:
    """Answer HTTP at HOST:PORT until it is ended; `--workers` processes, by default one a processor."""
    _check_tls(tls_cert, tls_key)
    _refuse_taken(bind)
    _allow_connections()
    logs.configure()
    with ExitStack() as stack:
        settings = stack.enter_context(database.configured())
        if tls_cert and settings.development:
            raise Misconfigured("--tls-cert serves https:, and IDP_PUBLIC_URL begins with http: correct one of them")
        if migrate:
            database.migrate(settings)
        database.require_head(settings)
        app = database.bare(settings)
        with app.app_context():
            rotate_keys.work()  # the very first start makes the keys; later ones find nothing to do
        os.environ |= database.environment(settings)
        if with_jobs:
            stack.enter_context(runner.running(app))
        click.echo(f"{settings.ui.name} answers at {settings.public_url} ({workers} processes)", err=True)
        _server(settings, bind, workers, tls_cert, tls_key).serve()


def _check_tls(certificate: Path | None, key: Path | None) -> None:
    """Say here what a worker would only say in its own words."""
    if certificate is None and key is None:
        return
    if certificate is None or key is None:
        raise Misconfigured("--tls-cert and --tls-key belong together: give both")
    if "-----BEGIN PRIVATE KEY-----" not in key.read_text(errors="replace"):
        raise Misconfigured("--tls-key is not PKCS #8: `openssl pkcs8 -topk8 -nocrypt -in KEY -out NEW` converts it")
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(certificate, key)
    except ssl.SSLError as error:
        raise Misconfigured(f"--tls-cert and --tls-key do not fit together: {error.reason}") from None


def _refuse_taken(bind: tuple[str, int]) -> None:
    """Granian would share a taken port with the server that has it, and each would get half of the requests."""
    try:
        with socket.create_server(bind, family=socket.AF_INET6 if ":" in bind[0] else socket.AF_INET):
            pass
    except OSError as error:
        raise Misconfigured(f"--bind {bind[0]}:{bind[1]}: {error.strerror or error}; choose another address") from None


def _allow_connections() -> None:
    """Connections are files, and workers inherit the limit.

    One that runs out of them while TLS handshakes are open does not recover by itself; the usual soft limit is 1,024.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, _OPEN_FILES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def _server(
    settings: Settings, bind: tuple[str, int], workers: int, tls_cert: Path | None, tls_key: Path | None
) -> MPServer:
    """Granian for WSGI: each worker is a process that imports `wsgi` and finds its settings in the environment."""
    limits = settings.passwords
    return MPServer(
        "wsgi:app",
        address=bind[0],
        port=bind[1],
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,
        workers=workers,
        blocking_threads=passwords.threads(limits.slots, limits.queue, WAITING + _ALWAYS_FREE),
        # Slow headers are cut off here, slow bodies in `bodies`.
        http1_settings=HTTP1Settings(header_read_timeout=10_000, max_buffer_size=65_536),
        log_level=LogLevels.error,
        ssl_cert=tls_cert,
        ssl_key=tls_key,
        # rustls has of TLS 1.2 only ECDHE with AES-GCM, which RFC 9325 §4.2 recommends, and ChaCha20 (RFC 7905).
        ssl_protocol_min=SSLProtocols.tls12,
        workers_kill_timeout=5,
        respawn_failed_workers=True,
    )
