"""Clients of high security, as examples/high_security has them, against an instance of their own behind nginx."""

import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HERE = ROOT / "examples" / "high_security"
PYTHON = [sys.executable, "-m", "examples.high_security.client"]
STORIES = [
    *("pushed", "signed-in", "userinfo", "used", "refused"),
    *("display-shows", "used", "refused"),
    *("used", "refused", "report"),
    *("used", "refused"),
    *("used", "refused"),
]


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """Of a client, while the instance runs; it is ended by Ctrl-C's signal."""
    data = tmp_path_factory.mktemp("high")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("IDP_", "DATASETS_"))}
    command = [sys.executable, "-m", "examples.high_security.instance", "--port", str(free_ports(7))]
    with (data / "log").open("w") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=clean | {"IDP_DATA_DIR": str(data)}, stdout=log, stderr=log)
    try:
        wait_for("Ctrl-C ends everything", data / "log", process)
        yield clean | dict(line.split("=", 1) for line in (data / "env").read_text().splitlines())
    finally:
        process.send_signal(signal.SIGINT)
        assert 0 == process.wait(30), (data / "log").read_text()


def wait_for(words, log, process, seconds=90):
    deadline = time.monotonic() + seconds
    while words not in log.read_text():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)


def free_ports(count):
    """The first of so many free ports in a row, below those that the system gives to whoever asks for any."""
    for _ in range(50):
        first = random.randrange(20_000, 30_000)
        if all(free(port) for port in range(first, first + count)):
            return first
    raise AssertionError("no free ports")


def free(port):
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def tell(command, environment, directory=ROOT):
    return subprocess.run(
        command, cwd=directory, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


def steps(told):
    """The first column."""
    assert 0 == told.returncode, told.stdout + told.stderr
    return ["-".join(line[:15].split()) for line in told.stdout.splitlines()]


def test_clients_tell_five_stories(environment, tmp_path, subtests):
    """With its proof each token is taken, without it refused. One test, since the instance takes long to start."""
    with subtests.test("Python"):
        assert STORIES == steps(tell(PYTHON, environment))
    with subtests.test("a surprise is a message and a status"):
        told = tell(PYTHON, environment | {"DATASET_SERVICE_URL": environment["REPORTS_URL"]})
        assert 1 == told.returncode
        assert "/datasets: 404" in told.stderr
    with subtests.test("JavaScript, installed from its lock"):
        if not (shutil.which("node") and shutil.which("npm")):
            pytest.skip("Node.js is not installed")
        for file in ("client.mjs", "person.mjs", "package.json", "package-lock.json"):
            shutil.copy(HERE / file, tmp_path)
        install = ["npm", "ci", "--prefer-offline", "--no-audit", "--no-fund"]
        assert 0 == tell(install, environment, tmp_path).returncode
        assert STORIES == steps(tell(["node", "client.mjs"], environment, tmp_path))
