"""The command and the real server: what a test client cannot show about bodies, and refusals to start."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from dataset_world import AUDIENCE, ISSUER, WIND, FakeIdP, World

from local_postgres import Database
from resource_server.datasets.content import LIMIT

COMMAND = [sys.executable, "-c", "from resource_server.datasets.cli import main; main()"]
CLIENT = {"DATASETS_CLIENT_ID": "dataset-service", "DATASETS_CLIENT_SECRET": "a secret of the tests"}


@pytest.fixture
def issuer(world: World) -> Iterator[str]:
    """The world's IdP over HTTP."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            status, body = world.idp.fetch(ISSUER + self.path)
            body = body.replace(ISSUER.encode(), self.server.url.encode())
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.url = f"http://127.0.0.1:{server.server_port}"  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield server.url  # type: ignore[attr-defined]
        server.shutdown()
        thread.join()


@pytest.fixture
def port(dataset_database: Database, issuer: str) -> Iterator[int]:
    """A running `dataset-service serve`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {
        "DATASETS_PUBLIC_URL": AUDIENCE,
        "DATASETS_ISSUER": issuer,
        "DATASETS_DATABASE_URL": dataset_database.application,
        **CLIENT,
    }
    process = start("serve", "--bind", f"127.0.0.1:{port}", **settings)
    try:
        until_ready(port, process)
        yield port
    finally:
        process.send_signal(signal.SIGINT)
        assert 0 == process.wait(15)
        process.communicate()


def start(*arguments: str, **settings: str) -> subprocess.Popen[str]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("DATASETS_")}
    return subprocess.Popen(
        [*COMMAND, *arguments],
        env=environ | settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=Path(__file__).parents[3],
    )


def until_ready(port: int, process: subprocess.Popen[str]) -> None:
    for _ in range(200):
        try:
            if call(port, "GET", "/health/ready")[0] == 200:
                return
        except OSError:
            assert process.poll() is None, process.communicate()[0]
        time.sleep(0.1)
    pytest.fail("the server did not become ready")


def call(port: int, method: str, path: str, token: str = "", **arguments: object) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        connection.request(method, path, headers=headers | arguments.pop("headers", {}), **arguments)  # type: ignore
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def token(idp: FakeIdP, issuer: str) -> str:
    now = int(time.time())
    claims = {"iss": issuer, "aud": AUDIENCE, "sub": "sub-ines", "client_id": "portal", "jti": "1", "iat": now}
    scope = "datasets:read datasets:modify datasets:share"
    return idp.sign({**claims, "exp": now + 300, "scope": scope, "company_id": WIND, "roles": ["member"]})


def test_bodies_on_the_real_server(world: World, issuer: str, port: int) -> None:
    """A chunked upload, one that is too large in each way, and one that breaks off."""
    bearer = token(world.idp, issuer)
    create = {"body": json.dumps({"name": "x"}), "headers": {"Content-Type": "application/json"}}
    status, made = call(port, "POST", "/datasets", bearer, **create)
    assert 201 == status
    path = f"/datasets/{json.loads(made)['id']}/content"
    piece = b"x" * 65536

    assert 204 == call(port, "PUT", path, bearer, body=iter([piece] * 256), encode_chunked=True)[0]
    assert (200, LIMIT) == (lambda answer: (answer[0], len(answer[1])))(call(port, "GET", path, bearer))
    assert 413 == call(port, "PUT", path, bearer, body=iter([piece] * 257), encode_chunked=True)[0]
    assert 413 == call(port, "PUT", path, bearer, headers={"Content-Length": str(LIMIT + 1)})[0]
    assert 400 == broken(port, path, bearer)
    head = call(port, "HEAD", path, bearer)
    assert (200, b"") == head
    assert LIMIT == len(call(port, "GET", path, bearer)[1])
    assert (206, b"xx") == call(port, "GET", path, bearer, headers={"Range": "bytes=0-1"})


def broken(port: int, path: str, bearer: str) -> int:
    """Says 100 bytes, sends 3 and hangs up."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        head = f"PUT {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\nAuthorization: Bearer {bearer}\r\n\r\nabc"
        client.sendall(head.encode())
        client.shutdown(socket.SHUT_WR)
        return int(client.recv(4096).split()[1])


def test_without_a_database_url_there_is_an_embedded_one(tmp_path: Path) -> None:
    """In `IDP_DATA_DIR`, migrated, and found again the second time."""
    settings = {"DATASETS_PUBLIC_URL": AUDIENCE, "DATASETS_ISSUER": ISSUER, "IDP_DATA_DIR": str(tmp_path), **CLIENT}
    for _ in range(2):
        process = start("migrate", **settings)
        output, _nothing = process.communicate(timeout=60)
        assert (0, "") == (process.returncode, output)
    assert (tmp_path / "postgres" / "data").is_dir()


def test_a_taken_port_is_refused() -> None:
    """Before anything starts; Granian itself would share it with whoever has it."""
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        settings = {"DATASETS_PUBLIC_URL": AUDIENCE, "DATASETS_ISSUER": ISSUER, **CLIENT}
        process = start("serve", "--bind", f"127.0.0.1:{taken.getsockname()[1]}", **settings)
        output, _ = process.communicate(timeout=60)

    assert 1 == process.returncode
    assert 1 == len(output.splitlines()), output
    assert "Address already in use" in output
    assert "choose another address" in output


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_says_where_the_settings_are(option: str) -> None:
    process = start(option)
    output, _ = process.communicate(timeout=60)

    assert 0 == process.returncode
    assert "docs/operate.md" in output


@pytest.mark.parametrize(
    ("arguments", "settings", "words"),
    [
        (["serve", "--bind", "localhost"], {}, "--bind must be HOST:PORT"),
        (["serve"], {}, "--bind must be HOST:PORT, such as 127.0.0.1:8001"),
        (["serve", "--port", "8001"], {}, "No such option"),
        (["serve", "--bind", "127.0.0.1:8001", "--workers", "0"], {}, "--workers"),
        (["serve", "--bind", "127.0.0.1:8001"], {"DATASETS_COLOUR": "x"}, "DATASETS_COLOUR is no setting"),
        (["serve", "--bind", "127.0.0.1:8001"], {"DATASETS_PUBLIC_URL": "http://example.org"}, "must be https"),
        (["migrate"], {"DATASETS_DATABASE_URL": "postgresql://x@/x?host=/nowhere"}, "DATASETS_DATABASE_URL"),
        (["load", "/nowhere.toml"], {}, "/nowhere.toml"),
    ],
)
def test_what_cannot_work_ends_with_one_line(
    dataset_database: Database, arguments: list[str], settings: dict[str, str], words: str
) -> None:
    good = {
        "DATASETS_PUBLIC_URL": AUDIENCE,
        "DATASETS_ISSUER": ISSUER,
        "DATASETS_DATABASE_URL": dataset_database.application,
    }
    process = start(*arguments, **{**good, **CLIENT, **settings})
    output, _ = process.communicate(timeout=30)

    assert 1 == process.returncode
    assert 1 == len(output.strip().splitlines()), output
    assert words in output
