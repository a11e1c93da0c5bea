"""The instance under load: an own cluster in a temporary directory, the declared world, and the real server."""

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

import local_postgres
from bench import flows, processor
from idp import passwords
from idp.passwords import Cost
from keys import new_kek

# The cheapest that the settings allow: the hash is subtracted, and what is subtracted should be small.
COST = Cost(ln=14, p=1)
_WORLD = Path(__file__).with_name("world.toml")
_IDP = [sys.executable, "-c", "from idp.cli import main; main()"]


@dataclass(frozen=True)
class Instance:
    """Where it answers, and the processes whose time counts."""

    address: tuple[str, int]
    server: int  # the process that started the workers
    postgres: int  # the postmaster


@contextmanager
def running(workers: int, people: int) -> Iterator[Instance]:
    """Everything started for the time of the block."""
    with tempfile.TemporaryDirectory(prefix="bench-") as directory, local_postgres.running(Path(directory)) as cluster:
        database, port = cluster.database("idp"), _free_port()
        environment = _environment() | {
            "IDP_PUBLIC_URL": f"http://127.0.0.1:{port}",
            "IDP_DATABASE_URL": database.application,
            "IDP_MIGRATIONS_DATABASE_URL": database.owner,
            "IDP_KEYS__KEK": new_kek(),
            "IDP_PASSWORDS__LN": str(COST.ln),
            "IDP_PASSWORDS__P": str(COST.p),
            "IDP_PASSWORDS__WAIT": "30",  # a queue that gives up would be measured too
        }
        subprocess.run([*_IDP, "migrate"], env=environment, check=True, stdout=sys.stderr)
        apply = [*_IDP, "apply", "-", "--set", f"SECRET={flows.SECRET}"]
        subprocess.run(apply, env=environment, check=True, input=_world(people), stdout=sys.stderr)
        with _serving(port, workers, environment) as server, psycopg.connect(database.owner) as connection:
            yield Instance(("127.0.0.1", port), server, processor.parent(connection.info.backend_pid))


@contextmanager
def _serving(port: int, workers: int, environment: dict[str, str]) -> Iterator[int]:
    command = [*_IDP, "serve", "--bind", f"127.0.0.1:{port}", "--workers", str(workers)]
    # Standard output belongs to the figures.
    with subprocess.Popen(command, env=environment, stdout=sys.stderr) as server:
        try:
            _wait(f"http://127.0.0.1:{port}/health/ready", server)
            yield server.pid
        finally:
            server.terminate()


def _wait(url: str, server: "subprocess.Popen[bytes]") -> None:
    """Return when the server answers; its keys may arrive a moment later than its port."""
    for _ in range(300):
        try:
            urllib.request.urlopen(url, timeout=2).close()
        except OSError:
            if server.poll() is not None:
                raise SystemExit(f"bench: the server ended with status {server.returncode}") from None
            time.sleep(0.1)
        else:
            return
    raise SystemExit(f"bench: {url} does not answer")


def _environment() -> dict[str, str]:
    """This process's own variables without settings of another instance."""
    return {name: value for name, value in os.environ.items() if not name.startswith("IDP_")}


def _world(people: int) -> bytes:
    hashed = passwords.make(passwords.normal(flows.PASSWORD), COST)
    return _WORLD.read_bytes() + "".join(_person(f"person{number}", hashed) for number in range(people)).encode()


def _person(username: str, hashed: str) -> str:
    return f"""
[[user]]
username = "{username}"
email = "{username}@example.com"
email_verified = true
name = "{username.title()} Solberg"
given_name = "{username.title()}"
family_name = "Solberg"
locale = "en"
password_hash = "{hashed}"
companies = {{ north-sea-energy = ["member", "data_owner"] }}
"""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
