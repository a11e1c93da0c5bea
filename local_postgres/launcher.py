"""Share one server between processes: attach or start, start again if it dies, and the last who leaves stops it."""

import fcntl
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

from local_postgres import server
from local_postgres.cluster import Cluster
from local_postgres.place import Place, acquire, prepare
from local_postgres.unavailable import Unavailable

_WATCH = 1.0  # seconds between two looks whether the server lives
_log = logging.getLogger(__name__)


@contextmanager
def running(data_dir: Path, *, binaries: Path | None = None) -> Iterator[Cluster]:
    """The cluster in `data_dir/postgres`, running for as long as the context lasts.

    Args:
        data_dir: made when it is missing; it may lie below a directory that is closed to others.
        binaries: a directory with `postgres` and `initdb`; without it the newest installation is found.

    Raises:
        Unavailable: there is no database to be had.
    """
    place = prepare(data_dir)
    with place.lock("users") as using:
        try:
            with place.turn():
                # A user who is killed gives this up without a word; the next one finds the server still running.
                fcntl.flock(using, fcntl.LOCK_SH)
                server.ensure_running(place, binaries)
            with _revived(place, binaries):
                yield Cluster(place)
        finally:
            with place.turn():
                if acquire(using):
                    server.stop(place)


@contextmanager
def _revived(place: Place, binaries: Path | None) -> Iterator[None]:
    """Start the server again whenever it has died, for example of `kill -9` or the kernel's want of memory."""
    leaving = Event()

    def watch() -> None:
        while not leaving.wait(_WATCH):
            if server.alive(place):
                continue
            try:
                with place.turn():
                    server.ensure_running(place, binaries)
                _log.warning("the database had died and runs again")
            except Unavailable as unavailable:
                _log.error("the database has died: %s", unavailable)

    watcher = Thread(target=watch, name="local_postgres", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        leaving.set()
        watcher.join()
