"""Real servers in directories of their own; a user is a process that holds `running`."""

import os
import signal
import subprocess
import sys
from contextlib import contextmanager

import psycopg
import pytest

from local_postgres import server
from local_postgres.place import prepare


class User:
    """A process that uses the cluster in `data_dir` until it is ended: `python -m local_postgres`."""

    def __init__(self, data_dir):
        command = [sys.executable, "-m", "local_postgres", str(data_dir)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)

    def urls(self):
        """Wait until the database is there."""
        owner, application = (self._process.stdout.readline().split()[1] for _ in range(2))
        return owner, application

    def end(self, number, *, group=False):
        """Send a signal, to the process or as a terminal does to its whole group; the exit status."""
        (os.killpg if group else os.kill)(self._process.pid, number)
        return self._process.wait(60)

    def close(self):
        if self._process.poll() is None:
            self.end(signal.SIGTERM)
        self._process.stdout.close()


class Seen:
    """What can be seen of a cluster from outside."""

    def __init__(self, data_dir):
        self._data_dir = data_dir

    @property
    def place(self):
        return prepare(self._data_dir)

    @property
    def postmaster(self):
        return int((self.place.data / "postmaster.pid").read_text().split()[0])

    def answers(self):
        return server.answers(self.place)

    def alive(self):
        return server.alive(self.place)

    def kill(self):
        """`kill -9` of the postmaster; its id."""
        pid = self.postmaster
        os.kill(pid, signal.SIGKILL)
        return pid

    def log(self):
        return self.place.log.read_text()


@pytest.fixture
def data_dir(tmp_path):
    """Closed to others by pytest, as /root is: a server that root starts has to get there all the same."""
    return tmp_path / "data"


@pytest.fixture
def seen(data_dir):
    """The cluster; a server that a test left behind is stopped."""
    yield Seen(data_dir)
    server.stop(prepare(data_dir))


@pytest.fixture
def start_user(data_dir, seen):
    users = []

    def start():
        users.append(User(data_dir))
        return users[-1]

    yield start
    for user in users:
        user.close()


@pytest.fixture(scope="session")
def sql():
    """Execute statements as the role of a URL, each for itself."""

    @contextmanager
    def connected(url):
        with psycopg.connect(url, autocommit=True) as connection:
            yield connection.execute

    return connected
