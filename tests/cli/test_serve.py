"""`idp serve`: answers, and ends when it is told to."""

import json
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import pytest
from serving import free_port, listens, serving

pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture
def port():
    return free_port()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_answers_and_ends_cleanly(environment, tmp_path, port, number):
    url = f"http://localhost:{port}"
    variables = environment | {"IDP_PUBLIC_URL": url}
    with serving(variables, tmp_path, port, "--workers", "2", "--with-jobs") as process:
        with urllib.request.urlopen(f"{url}/.well-known/openid-configuration", timeout=5) as answer:
            assert url == json.load(answer)["issuer"]
        process.send_signal(number)
        assert 0 == process.wait(timeout=10)

    log = (tmp_path / "log").read_text()
    assert "Traceback" not in log
    assert all(environment[secret] not in log for secret in ("IDP_KEYS__KEK", "IDP_DATABASE_URL"))


def test_on_the_embedded_database_it_needs_nothing_but_its_url(environment, tmp_path, port):
    variables = {
        "PATH": environment["PATH"],
        "HOME": str(tmp_path),
        "IDP_PUBLIC_URL": f"http://localhost:{port}",
    }
    with serving(variables, tmp_path, port, "--workers", "1") as process:
        process.terminate()
        assert 0 == process.wait(timeout=15)

    assert not (tmp_path / ".idp" / "postgres" / "data" / "postmaster.pid").exists()


def test_its_workers_end_with_it_even_when_it_is_killed(environment, tmp_path, port):
    with serving(environment | {"IDP_PUBLIC_URL": f"http://localhost:{port}"}, tmp_path, port) as process:
        process.kill()
        process.wait(timeout=5)
        end = time.monotonic() + 10
        while time.monotonic() < end and listens(port):
            time.sleep(0.1)

    assert not listens(port)


def test_the_job_process_works_and_ends_cleanly(environment, tmp_path, world):
    world.execute("INSERT INTO revoked_token VALUES ('old', '2020-01-01', now())")
    command = [sys.executable, "-c", "from idp.cli import main; main()", "jobs"]
    with open(tmp_path / "log", "w") as log, subprocess.Popen(command, env=environment, stderr=log) as process:
        end = time.monotonic() + 30
        while time.monotonic() < end and world.count("revoked_token"):
            time.sleep(0.1)
        process.terminate()
        assert 0 == process.wait(timeout=10)

    assert 0 == world.count("revoked_token")
    assert '"job": "sweep"' in (tmp_path / "log").read_text()


def test_a_port_that_is_taken_is_refused(idp, port):
    with socket.create_server(("127.0.0.1", port)):
        failed = idp("serve", "--bind", f"localhost:{port}")

    assert 1 == failed.returncode
    assert failed.stderr.startswith(f"idp: --bind 127.0.0.1:{port}: Address already in use")
