"""The server's processes: start them, see whether they live, stop them."""

import os
import signal
import socket
from contextlib import ExitStack, suppress
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo

from local_postgres import account, binaries
from local_postgres.account import Account
from local_postgres.binaries import Binaries
from local_postgres.initdb import SUPERUSER, initialise, open_directory
from local_postgres.place import Place, acquire, wait
from local_postgres.unavailable import Unavailable, complaint

PORT = 5432  # only a part of the socket's name: the server listens to no network
_LARGEST_LOG = 10_000_000  # bytes
_PATIENCE = 30  # seconds in which the processes of a dead or stopping server end
_RECOVERY = 90  # seconds in which a server replays its log

_SETTINGS = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "fsync": "on",
    "synchronous_commit": "on",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %d ",
    "log_checkpoints": "off",
    # What people typed stays out of the log: terse leaves out the row that an error quotes, panic the statement.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
}


def conninfo(place: Place, role: str, database: str) -> str:
    """How libpq connects to the cluster."""
    return make_conninfo("", host=str(place.socket), port=PORT, user=role, dbname=database)


def answers(place: Place) -> bool:
    """Whether the server accepts connections."""
    try:
        psycopg.connect(conninfo(place, SUPERUSER, "postgres"), connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def alive(place: Place) -> bool:
    """Whether any process of the server is left.

    Its processes inherit `server.lock`. This tells what a process id cannot: after `kill -9` of the postmaster its
    orphans still write, and after a reboot the old id may be somebody else's.
    """
    with place.lock("server") as lock:
        return not acquire(lock)


def ensure_running(place: Place, explicit: Path | None) -> None:
    """Initialise what is missing and start what does not run; only for the one whose turn it is.

    Raises:
        Unavailable: no binaries, or the server does not come up.
    """
    if answers(place):
        return
    with place.lock("server") as lock:
        if not wait(lambda: acquire(lock) or answers(place), _PATIENCE):
            raise Unavailable(f"a server that does not answer holds {place.data}: see {place.log}, and end it")
        if not acquire(lock):
            return
        try:
            before = _start(place, explicit, lock)
        except OSError as error:
            raise Unavailable(f"cannot run PostgreSQL in {place.home} ({error}): choose another directory") from error
    # Our descriptor of the lock is closed: now only the server keeps it.
    wait(lambda: answers(place) or not alive(place), _RECOVERY)
    if not answers(place):
        said = place.log.read_bytes()[before:].decode(errors="replace")
        raise Unavailable(f"PostgreSQL did not start: {complaint(said)} (see {place.log})")


def stop(place: Place) -> None:
    """End all sessions and the server, and return when its last process is gone."""
    with place.lock("server") as lock:
        for ending in (signal.SIGINT, signal.SIGQUIT):  # PostgreSQL's fast and immediate shutdown; both keep the data
            wait(lambda: acquire(lock) or _postmaster(place) is not None, _PATIENCE)
            if pid := _postmaster(place):
                with suppress(ProcessLookupError):
                    os.kill(pid, ending)
            if wait(lambda: acquire(lock), _PATIENCE):
                return


def _start(place: Place, explicit: Path | None, lock: int) -> int:
    """Start the server without waiting for it; the size of its log before."""
    exists = place.data.is_dir()
    who = account.choose(place.data.stat() if exists else None)
    chosen = binaries.find(explicit, int((place.data / "PG_VERSION").read_text()) if exists else None)
    programs = Binaries(who.programs(chosen.path), chosen.major)
    if not exists:
        initialise(place, programs, who, lock)
    _sweep(place, who)
    return _launch(place, programs, who, lock)


def _sweep(place: Place, who: Account) -> None:
    """Remove what a dead server left, and see that its socket has a directory."""
    (place.data / "postmaster.pid").unlink(missing_ok=True)
    if not place.socket.is_dir():
        place.socket.mkdir(mode=0o700)
        who.give(place.socket)
    for name in (f".s.PGSQL.{PORT}", f".s.PGSQL.{PORT}.lock"):
        (place.socket / name).unlink(missing_ok=True)
    if place.log.exists() and place.log.stat().st_size > _LARGEST_LOG:
        place.log.rename(place.log.with_suffix(".old"))


def _launch(place: Place, programs: Binaries, who: Account, lock: int) -> int:
    with ExitStack() as stack:
        data, listening = open_directory(place.data, stack), open_directory(place.socket, stack)
        settings = _SETTINGS | {"unix_socket_directories": str(who.reach(place.socket, listening))}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        log = os.open(place.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        stack.callback(os.close, log)
        before = os.fstat(log).st_size
        # The shell leaves the server to init: it belongs to all its users, not to the one who came first.
        shell: list[str | Path] = ["/bin/sh", "-c", '"$0" "$@" &', programs.path / "postgres"]
        who.run([*shell, "-D", who.reach(place.data, data), *options], descriptors=[data, listening, lock], output=log)
    return before


def _postmaster(place: Place) -> int | None:
    """The postmaster's process id, if it is alive: somebody listens, so the id in its file is not a stranger's."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(place.socket / f".s.PGSQL.{PORT}"))
            return int((place.data / "postmaster.pid").read_text().split()[0])
        except (OSError, ValueError, IndexError):
            return None
