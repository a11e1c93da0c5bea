"""The directory of a cluster: ours, closed to others, and what lies in it."""

import fcntl
import os
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from local_postgres.unavailable import Unavailable

# What `sockaddr_un.sun_path` holds on macOS; Linux has 107. A final NUL is not counted.
_LONGEST_SOCKET_PATH = 103
_MARKER = "local_postgres"


@dataclass(frozen=True)
class Place:
    """Paths of one cluster; all in directories that belong to the current user and admit nobody else."""

    home: Path
    socket: Path

    @property
    def data(self) -> Path:
        """The cluster itself: whole or absent."""
        return self.home / "data"

    @property
    def log(self) -> Path:
        """The server's output."""
        return self.home / "log"

    @contextmanager
    def lock(self, name: str) -> Iterator[int]:
        """Open a lock file; a flock is on this descriptor and ends with it, however its process ends."""
        path = self.home / f"{name}.lock"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    @contextmanager
    def turn(self, seconds: float = 120) -> Iterator[None]:
        """Be the only one who starts or stops the server.

        Raises:
            Unavailable: somebody else has been at it for that long.
        """
        with self.lock("turn") as descriptor:
            if not wait(lambda: acquire(descriptor), seconds):
                raise Unavailable(f"another process is starting or stopping the database in {self.home}: try again")
            yield


def acquire(descriptor: int) -> bool:
    """Take a lock for oneself alone if it is free."""
    with suppress(BlockingIOError):
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def wait(condition: Callable[[], bool], seconds: float) -> bool:
    """Whether the condition comes true in that time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def prepare(data_dir: Path) -> Place:
    """Make the directory `data_dir/postgres`, or accept it when it is ours.

    Raises:
        Unavailable: it holds something that we did not make, or belongs to somebody else.
    """
    home = data_dir.resolve() / "postgres"
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        _check_owner(home)
        marker = home / _MARKER
        if not marker.exists():
            # The marker is the first thing in it: another process may have put it there since we looked.
            if any(home.iterdir()) and not marker.exists():
                raise Unavailable(f"{home} holds something else: choose another data directory, or remove it")
            home.chmod(0o700)
            marker.write_text("The database in this directory is run by local_postgres.\n")
        return Place(home, _socket_directory(home))
    except OSError as error:
        raise Unavailable(f"cannot keep a database in {home} ({error.strerror}): choose another directory") from error


def _socket_directory(home: Path) -> Path:
    socket = home / "socket"
    # libpq would take a comma for the end of a host's name.
    if len(os.fsencode(socket / ".s.PGSQL.5432")) <= _LONGEST_SOCKET_PATH and "," not in str(socket):
        return socket
    # Not TMPDIR: processes with different environments must meet at the same socket.
    short = Path("/tmp") / f"local_postgres-{sha256(os.fsencode(home)).hexdigest()[:16]}"  # noqa: S108
    short.mkdir(mode=0o700, exist_ok=True)
    _check_owner(short)
    return short / "socket"


def _check_owner(directory: Path) -> None:
    """Whoever owns a directory decides what is in it, so it has to be us."""
    facts = directory.lstat()
    if facts.st_uid != os.geteuid():
        raise Unavailable(f"{directory} belongs to another user (uid {facts.st_uid}): run this as that user")
    if not stat.S_ISDIR(facts.st_mode):
        raise Unavailable(f"{directory} is not a directory: remove it, or choose another data directory")
