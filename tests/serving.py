"""The provider as a process of its own, on a port of this machine."""

import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def listens(port):
    with socket.socket() as connection:
        return 0 == connection.connect_ex(("127.0.0.1", port))


@contextmanager
def serving(environment, tmp_path, port, *arguments):
    """`idp serve`, from its first answer; it is ended at the latest at the end of the block."""
    command = [sys.executable, "-c", "from idp.cli import main; main()", "serve", "--bind", f"127.0.0.1:{port}"]
    with open(tmp_path / "log", "w") as log:
        process = subprocess.Popen([*command, *arguments], env=environment, cwd=tmp_path, stderr=log, stdout=log)
    try:
        _wait_for(process, f"{'https' if '--tls-cert' in arguments else 'http'}://127.0.0.1:{port}/health/ready")
        yield process
    finally:
        process.terminate()
        process.wait(timeout=15)


def _wait_for(process, url):
    unverified = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    unverified.check_hostname, unverified.verify_mode = False, ssl.CERT_NONE
    end = time.monotonic() + 30
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=1, context=unverified):
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError("the server does not answer")
