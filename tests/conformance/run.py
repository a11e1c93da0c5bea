"""Run plans of the OpenID Foundation's conformance suite against this provider: a new instance for every run.

    python tests/conformance/run.py --plan config --plan 'basic static' --out result.json

What is not an argument of this program goes to the plan runner as it is.
"""

import argparse
import json
import os
import secrets
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import approve
import fapi

import local_postgres

HERE = Path(__file__).parent
IDP = str(Path(sys.executable).parent / "idp")


def main() -> int:
    """The runner's exit status: 0 when nothing failed."""
    arguments, rest = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory(prefix="conformance-") as directory:
        data = Path(directory)
        values = _values(arguments.issuer, arguments.suite)
        environment = _environment(arguments, data) | values
        person = approve.Person(arguments.issuer, "camille", values["PASSWORD"])
        with local_postgres.running(data), _server(arguments.bind, environment), approve.serving(person) as approval:
            values |= {"APPROVAL": approval, "MTLS": arguments.mtls or arguments.issuer}
            _apply((HERE / "op.toml").read_text(), environment)
            profiles = _fapi(arguments, values, environment) if arguments.mtls else {}
            if arguments.serve:
                return _stay(values)
            config = _config(data, values, profiles)
            command = [sys.executable, arguments.runner, "--config", config, "--suite", arguments.suite, *rest]
            return subprocess.run(command, env=environment, check=False).returncode


def _arguments() -> tuple[argparse.Namespace, list[str]]:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given = os.environ.get
    parser.add_argument("--runner", default=given("CONFORMANCE_RUNNER"), help="path of run_plans.py")
    parser.add_argument("--suite", default=given("CONFORMANCE_SUITE"), help="URL of the running suite")
    parser.add_argument("--issuer", default=given("CONFORMANCE_ISSUER"), help="https: URL under which we are reached")
    parser.add_argument("--bind", default=given("CONFORMANCE_BIND", "127.0.0.1:8450"), help="where the TLS proxy sends")
    parser.add_argument(
        "--mtls",
        default=given("CONFORMANCE_MTLS"),
        help="https: URL of a proxy that asks for certificates, for FAPI plans",
    )
    parser.add_argument("--unsigned", action="store_true", help="for the message signing plans called unsigned")
    parser.add_argument("--serve", action="store_true", help="run no plan: serve, and print the values, until Ctrl-C")
    found, rest = parser.parse_known_args()
    for name in ("suite", "issuer") if found.serve else ("runner", "suite", "issuer"):
        if not getattr(found, name):
            parser.error(f"give --{name}, or set CONFORMANCE_{name.upper()}")
    return found, rest


def _values(issuer: str, suite: str) -> dict[str, str]:
    """What the declaration and the runner's configuration leave open; the secrets live as long as the run.

    An alias of its own for each run: the suite ends what runs under an alias when another run takes it.
    """
    found = {name: secrets.token_urlsafe(24) for name in ("PASSWORD", "SECRET_1", "SECRET_2", "SECRET_POST")}
    return found | {"ISSUER": issuer, "SUITE": suite, "ALIAS": f"idp-{secrets.token_hex(4)}", "IDP": shlex.quote(IDP)}


def _environment(arguments: argparse.Namespace, data: Path) -> dict[str, str]:
    """The provider's settings, and nobody else's IDP_ variables."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("IDP_")}
    ours = {
        "IDP_CONFIG": str(HERE / "settings.toml"),
        "IDP_PUBLIC_URL": arguments.issuer,
        "IDP_DATA_DIR": str(data),
    }
    if arguments.mtls:
        ours |= {
            "IDP_MUTUAL_TLS__HEADER": "X-Ssl-Cert",
            "IDP_MUTUAL_TLS__PROXIES": '["127.0.0.0/8"]',
            "IDP_MUTUAL_TLS__URL": arguments.mtls,
        }
    return kept | ours


def _apply(declaration: str, environment: dict[str, str]) -> None:
    command = [IDP, "apply", "-"]
    subprocess.run(command, input=declaration, text=True, env=environment, check=True, stdout=subprocess.DEVNULL)


def _fapi(arguments: argparse.Namespace, values: dict[str, str], environment: dict[str, str]) -> dict[str, Any]:
    """Declare the clients of the FAPI plans; the runner's profiles of them."""
    one, two = fapi.identity("one"), fapi.identity("two")
    callback, api = f"{values['SUITE']}/test/a/{values['ALIAS']}/callback", f"{values['ISSUER']}/api"
    _apply(fapi.declaration(one, two, callback, api, signed=not arguments.unsigned), environment)
    return fapi.profiles(one, two, values["ALIAS"], arguments.issuer, arguments.mtls)


@contextmanager
def _server(bind: str, environment: dict[str, str]) -> Iterator[None]:
    with socket.socket() as probe:
        # Another run's provider would answer instead of ours, with other secrets.
        if probe.connect_ex((bind.rsplit(":", 1)[0], int(bind.rsplit(":", 1)[1]))) == 0:
            sys.exit(f"something answers at {bind} already: give another --bind, with the --issuer that leads there")
    command = [IDP, "serve", "--bind", bind, "--workers", "1", "--with-jobs"]
    # A session of its own: Ctrl-C reaches us alone, and we end it in our order.
    server = subprocess.Popen(command, env=environment, start_new_session=True)
    try:
        _wait_for(f"http://{bind}/health/ready", server)
        yield
    finally:
        server.terminate()
        server.wait(15)


def _wait_for(url: str, server: subprocess.Popen[bytes], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if server.poll() is not None:
            sys.exit("`idp serve` ended at once; its message is above")
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except OSError:
            time.sleep(0.2)
    sys.exit(f"{url} does not answer")


def _config(data: Path, values: dict[str, str], profiles: dict[str, Any]) -> Path:
    """The runner's configuration with its values, in a file: they shall not stand on a command line."""
    file = data / "config.json"
    file.touch(mode=0o600)
    config = json.loads((HERE / "config.json").read_text())
    config["profiles"] |= profiles
    file.write_text(json.dumps(config | {"vars": values}))
    return file


def _stay(values: dict[str, str]) -> int:
    sys.stdout.write("".join(f"{name}={value}\n" for name, value in values.items()))
    sys.stdout.flush()
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
