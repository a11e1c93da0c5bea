"""Share one server between processes: attach or start, and the last who leaves stops it."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local_postgres import place, server
from local_postgres.cluster import Cluster


@contextmanager
def running(data_dir: Path, *, binaries: Path | None = None) -> Iterator[Cluster]:
    """The cluster in `data_dir/postgres`, running for as long as the context lasts.

    Args:
        data_dir: made when it is missing; it may lie below a directory that is closed to others.
        binaries: a directory with `postgres` and `initdb`; without it the newest installation is found.

    Raises:
        Unavailable: there is no database to be had.
    """
    here = place.prepare(data_dir)
    # A user who is killed gives this up without a word, and the next one finds the server still running.
    using = here.lock("users")
    try:
        with here.turn():
            fcntl.flock(using, fcntl.LOCK_SH)
            server.ensure_running(here, binaries)
        yield Cluster(here)
    finally:
        try:
            with here.turn():
                if place.acquire(using):
                    server.stop(here)
        finally:
            os.close(using)
