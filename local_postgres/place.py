"""The directory of a cluster: ours, closed to others, and what lies in it."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from local_postgres.unavailable import Unavailable

# What `sockaddr_un.sun_path` holds on macOS; Linux has 108. Both count the final NUL.
_LONGEST_SOCKET_PATH = 103
_MARKER = "local_postgres"


@dataclass(frozen=True)
class Place:
    """Paths of one cluster; all in a directory that belongs to the current user and admits nobody else."""

    home: Path
    socket: Path

    @property
    def data(self) -> Path:
        """The cluster itself: whole or absent."""
        return self.home / "data"

    @property
    def log(self) -> Path:
        """The server's output; of the run before in `log.old` when it had grown."""
        return self.home / "log"

    def lock(self, name: str) -> int:
        """Open a lock file; the flock is on this descriptor and ends with it, however its process ends."""
        return os.open(self.home / f"{name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)

    @contextmanager
    def turn(self, seconds: float = 60) -> Iterator[None]:
        """Be the only one who starts or stops the server.

        Raises:
            Unavailable: somebody else has been at it for that long.
        """
        descriptor = self.lock("turn")
        try:
            end = time.monotonic() + seconds
            while not acquire(descriptor):
                if time.monotonic() > end:
                    raise Unavailable(f"another process is still starting or stopping the database in {self.home}")
                time.sleep(0.01)
            yield
        finally:
            os.close(descriptor)


def acquire(descriptor: int) -> bool:
    """Take a lock for oneself alone if it is free."""
    with suppress(BlockingIOError):
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def prepare(data_dir: Path) -> Place:
    """Make the directory `data_dir/postgres`, or accept it when it is ours.

    Raises:
        Unavailable: it holds something that we did not make, or belongs to somebody else.
    """
    home = data_dir.resolve() / "postgres"
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        _private(home)
        if not (home / _MARKER).exists():
            if any(home.iterdir()):
                raise Unavailable(f"{home} is not empty and not ours: choose another data directory")
            (home / _MARKER).write_text("The database in this directory is run by local_postgres.\n")
    except OSError as error:
        raise Unavailable(f"cannot use {home} for the database: {error.strerror}") from None
    return Place(home, _socket_directory(home))


def _socket_directory(home: Path) -> Path:
    socket = home / "socket"
    if len(os.fsencode(socket / ".s.PGSQL.5432")) <= _LONGEST_SOCKET_PATH:
        return socket
    # Not TMPDIR: processes with different environments must meet at the same socket.
    short = Path("/tmp") / f"local_postgres-{sha256(os.fsencode(home)).hexdigest()[:16]}"  # noqa: S108
    short.mkdir(mode=0o700, exist_ok=True)
    _private(short)
    return short / "socket"


def _private(directory: Path) -> None:
    """Whoever owns the directory decides what is in it, so it has to be us, and nobody else may look in."""
    facts = directory.lstat()
    if facts.st_uid != os.geteuid():
        raise Unavailable(f"{directory} belongs to another user (uid {facts.st_uid}): run this as that user")
    if not directory.is_dir() or directory.is_symlink():
        raise Unavailable(f"{directory} is not a directory: remove it, or choose another data directory")
    directory.chmod(0o700)
