"""`make demo`: the provider and the dataset service with its portal on loopback, with people and datasets in them.

Everything is real: an embedded PostgreSQL (unless IDP_DATABASE_URL is set), the `idp` and `dataset-service` commands as
separate processes, secrets made once and kept in IDP_DATA_DIR/demo.env.
"""

import argparse
import fcntl
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import local_postgres

HERE = Path(__file__).parent
PEOPLE = {
    "ada": "North Sea Energy: data owner, admin · Kvitberg Hydro: member",
    "ines": "North Sea Energy: member",
    "mette": "North Sea Energy: member",
    "jonas": "North Sea Energy: viewer",
    "kari": "Kvitberg Hydro: data owner",
    "olav": "Kvitberg Hydro: member",
    "sunniva": "Kvitberg Hydro: viewer",
    "tom": "Tradewind Gas (walled): admin, data owner",
    "petra": "Tradewind Gas (walled): member",
    "ravi": "Tradewind Gas (walled): member",
    "noor": "consultant: North Sea Energy and Kvitberg Hydro, member of both",
    "sysop": "operator, of no company; the pages for it are to come",
}
SECRETS = ("PORTAL_SECRET", "DATASET_SERVICE_SECRET", "MACHINE_SECRET", "PORTAL_SESSION_KEY")
WORDS = (HERE / "words.txt").read_text().split()


def main() -> int:
    """Start everything, say where it is, and end it on Ctrl-C."""
    arguments = argparse.ArgumentParser(prog="make demo")
    arguments.add_argument("--port", type=int, default=8000)
    port = arguments.parse_args().port
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have started us with it ignored
    data = Path(os.environ.get("IDP_DATA_DIR", ".idp"))
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        with ExitStack() as stack:
            claim(stack, data, range(port, port + 2))
            values = demo_values(data / "demo.env", port)
            os.environ |= values | addresses(port, values)
            run(stack, data, port)
            show(port, values, data / "demo.env")
            watch()
    except KeyboardInterrupt:
        print("\nEnding …")
    except Failed as error:
        print(f"make demo: {error}", file=sys.stderr)
        return 1
    except local_postgres.Unavailable as error:
        print(f"make demo: {error}", file=sys.stderr)
        return 1
    return 0


class Failed(Exception):
    """A part did not start; the message says which."""


def claim(stack: ExitStack, data: Path, ports: range) -> None:
    """Refuse what would disturb another demo, before anything is written."""
    if not 1 <= ports.start < ports.stop <= 65536:
        raise Failed(f"PORT must be from 1 to {65536 - len(ports)}: the servers take {len(ports)} from there on")
    lock = stack.enter_context((data / "demo.lock").open("w"))
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise Failed(f"a demo runs from {data} already: end it, or set IDP_DATA_DIR to another directory") from None
    for one in ports:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", one))
            except OSError:
                raise Failed(f"port {one} is taken: choose another (`make demo PORT=…`, or --port)") from None


def run(stack: ExitStack, data: Path, port: int) -> None:
    """Start the parts in order, each when the one before it answers."""
    if "IDP_DATABASE_URL" not in os.environ:
        stack.enter_context(local_postgres.running(data))  # one server for every process below
    step("Starting the identity provider")
    stack.enter_context(process("idp", "serve", "--bind", f"127.0.0.1:{port}", "--workers", "2", "--with-jobs"))
    wait_for(f"http://localhost:{port}/health/ready")
    step("Declaring companies, people and clients")
    command("idp", "apply", str(HERE / "demo.toml"))
    step("Starting the dataset service")
    stack.enter_context(process("dataset-service", "serve", "--bind", f"127.0.0.1:{port + 1}"))
    wait_for(f"http://localhost:{port + 1}/health/ready")
    step("Loading datasets")
    command("dataset-service", "load", str(HERE / "datasets.toml"))


def demo_values(file: Path, port: int) -> dict[str, str]:
    """The secrets of this demo, made once; and its addresses, which follow the port."""
    kept = dict(line.split("=", 1) for line in file.read_text().splitlines()) if file.exists() else {}
    found = {f"DEMO_PASSWORD_{name.upper()}": password() for name in PEOPLE}
    found |= {name: secrets.token_urlsafe(32) for name in SECRETS}
    found |= {name: value for name, value in kept.items() if name in found}
    # With IDP_PUBLIC_URL in it, sourcing the file is all that `idp apply examples/demo.toml` needs.
    found |= {"IDP_PUBLIC_URL": f"http://localhost:{port}"}
    found |= {"PORTAL_URL": f"http://localhost:{port + 1}", "DATASET_SERVICE_URL": f"http://localhost:{port + 1}"}
    file.touch(mode=0o600)
    file.write_text("".join(f"{name}={value}\n" for name, value in found.items()))
    return found


def password() -> str:
    """Four words: easy to type from a terminal, hard to guess."""
    return "-".join(secrets.choice(WORDS) for _ in range(4))


def addresses(port: int, values: dict[str, str]) -> dict[str, str]:
    """The settings of the two services."""
    issuer, service = f"http://localhost:{port}", f"http://localhost:{port + 1}"
    return {
        "DATASETS_PUBLIC_URL": service,
        "DATASETS_ISSUER": issuer,
        "DATASETS_CLIENT_ID": "dataset-service",
        "DATASETS_CLIENT_SECRET": values["DATASET_SERVICE_SECRET"],
        "DATASETS_PORTAL_CLIENT_ID": "portal",
        "DATASETS_PORTAL_CLIENT_SECRET": values["PORTAL_SECRET"],
        "DATASETS_SESSION_KEY": values["PORTAL_SESSION_KEY"],
    }


def command(*words: str) -> None:
    """Run one of our commands to its end."""
    done = subprocess.run(
        [str(Path(sys.executable).parent / words[0]), *words[1:]], stdout=subprocess.DEVNULL, check=False
    )
    if done.returncode:
        raise Failed(f"`{' '.join(words)}` failed")


@contextmanager
def process(*words: str) -> Iterator[None]:
    """One of our servers, for as long as the block; it is ended by SIGTERM, never left behind."""
    # A session of its own: Ctrl-C in the terminal reaches us alone, and we end the parts in their order.
    child = subprocess.Popen([str(Path(sys.executable).parent / words[0]), *words[1:]], start_new_session=True)
    _running.append((Path(words[0]).name, child))
    try:
        yield
    finally:
        child.terminate()
        try:
            child.wait(15)
        except subprocess.TimeoutExpired:
            child.kill()


_running: list[tuple[str, subprocess.Popen[bytes]]] = []


def wait_for(url: str, seconds: float = 30) -> None:
    """Until the address answers 200, or the process behind it has ended."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if ended := next((name for name, child in _running if child.poll() is not None), None):
            raise Failed(f"`{ended}` ended at once; its message is above")
        try:
            with urllib.request.urlopen(url, timeout=2):  # noqa: S310 - our own loopback address
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise Failed(f"{url} does not answer")


def watch() -> None:
    """Until a part ends by itself, which it should not."""
    while True:
        time.sleep(1)
        if ended := next((name for name, child in _running if child.poll() is not None), None):
            raise Failed(f"`{ended}` has ended; its message is above")


def step(words: str) -> None:
    """Say what happens next."""
    print(f"{words} …", flush=True)


def show(port: int, values: dict[str, str], file: Path) -> None:
    """Where everything is, and who may sign in."""
    print(f"""
  Data portal         http://localhost:{port + 1}/portal/
  Identity provider   http://localhost:{port}/account
  Discovery           http://localhost:{port}/.well-known/openid-configuration

  Sign in as          password
""")
    for name, who in PEOPLE.items():
        print(f"  {name:<19} {values[f'DEMO_PASSWORD_{name.upper()}']:<32}  {who}")
    print(f"""
  For the commands of README, in another terminal:  set -a; . {file}; set +a

  Ctrl-C ends everything; the next start finds its data again.""", flush=True)  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
