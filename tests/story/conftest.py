"""The demo, as `make demo` starts it: real processes, a real database, on free ports."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import pytest


@pytest.fixture(scope="session")
def demo(tmp_path_factory):
    """A running demo; ended by Ctrl-C's signal, which must end everything."""
    running = Demo(tmp_path_factory.mktemp("demo"))
    running.start()
    yield running
    running.stop()


class Demo:
    """`make demo` without the installation."""

    def __init__(self, data_dir):
        self.data_dir, self.port = data_dir, two_free_ports()
        self.issuer, self.service = f"http://localhost:{self.port}", f"http://localhost:{self.port + 1}"
        self.portal = f"{self.service}/portal/"
        self.log = data_dir / "log"

    def start(self):
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("IDP_", "DATASETS_"))}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "examples.demo", "--port", str(self.port)],
                env=environment | {"IDP_DATA_DIR": str(self.data_dir)},
                stdout=log,
                stderr=log,
            )
        self.wait_for("Ctrl-C ends everything")

    def wait_for(self, words, seconds=90):
        deadline = time.monotonic() + seconds
        while words not in self.log.read_text():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.1)

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        assert 0 == self.process.wait(30), self.log.read_text()

    @property
    def values(self):
        """What demo.env says."""
        return dict(line.split("=", 1) for line in (self.data_dir / "demo.env").read_text().splitlines())

    def environment(self):
        """The environment after sourcing demo.env."""
        return {**os.environ, **self.values, "IDP_DATA_DIR": str(self.data_dir)}

    def password(self, person):
        return self.values[f"DEMO_PASSWORD_{person.upper()}"]

    def answers(self, path):
        with urllib.request.urlopen(self.issuer + path, timeout=5) as answer:
            return answer.status


def two_free_ports():
    """A port that is free, as is the one after it."""
    for _ in range(50):
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port = first.getsockname()[1]
            try:
                second.bind(("127.0.0.1", port + 1))
            except (OSError, OverflowError):
                continue
            return port
    raise AssertionError("no two free ports")
