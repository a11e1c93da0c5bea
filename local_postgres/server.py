"""The server's processes: initialise a cluster, start it, stop it."""

import os
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo

from local_postgres import account, binaries
from local_postgres.account import Account
from local_postgres.binaries import Binaries
from local_postgres.place import Place, acquire
from local_postgres.unavailable import Unavailable

SUPERUSER = "local_postgres"
PORT = 5432  # only a part of the socket's name: the server listens to no network
_LARGEST_LOG = 10_000_000  # bytes
_INITIALISING = "initialising-"

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
    # What people typed stays out of the log: terse leaves out the rows that an error quotes, panic the statement.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
}


def ensure_running(place: Place, explicit: Path | None) -> None:
    """Initialise what is missing and start what does not run; only for the one whose turn it is.

    Raises:
        Unavailable: no binaries, or the server does not come up.
    """
    if _whole(place) and answers(place):
        return
    who = account.choose(place.data.stat() if _whole(place) else None)
    version = int((place.data / "PG_VERSION").read_text()) if _whole(place) else None
    chosen = binaries.find(explicit, version)
    programs = Binaries(who.programs(chosen.path), chosen.major)
    if not _whole(place):
        _initialise(place, programs, who)
    _start(place, programs, who)


def answers(place: Place) -> bool:
    """Whether the server accepts connections."""
    try:
        psycopg.connect(conninfo(place, SUPERUSER, "postgres"), connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def conninfo(place: Place, role: str, database: str) -> str:
    """How libpq connects to the cluster."""
    return make_conninfo("", host=str(place.socket), port=PORT, user=role, dbname=database)


def stop(place: Place) -> None:
    """End all sessions and the server, and return when its last process is gone."""
    server = place.lock("server")
    try:
        if acquire(server):
            return
        for ending in (signal.SIGINT, signal.SIGQUIT):  # PostgreSQL's fast, then immediate shutdown; both keep the data
            if pid := _postmaster(place):
                os.kill(pid, ending)
            if _wait(lambda: acquire(server), 30):
                return
    finally:
        os.close(server)


def _whole(place: Place) -> bool:
    return place.data.is_dir()


def _initialise(place: Place, programs: Binaries, who: Account) -> None:
    """Run initdb beside the final name; whoever is interrupted leaves nothing that looks like a cluster."""
    for unfinished in place.home.glob(f"{_INITIALISING}*"):
        shutil.rmtree(unfinished)
    new = Path(tempfile.mkdtemp(prefix=_INITIALISING, dir=place.home))
    who.give(new)
    with ExitStack() as stack:
        directory = _open(new, stack)
        command: list[str | Path] = [
            programs.path / "initdb",
            "--pgdata",
            who.reach(new, directory),
            *_initdb_options(programs.major),
        ]
        done = who.run(command, descriptors=[directory])
    if done.returncode:
        raise Unavailable(f"PostgreSQL's initdb failed: {_complaint(done.stdout)}")
    new.rename(place.data)


def _initdb_options(major: int) -> list[str]:
    # Trust is enough: the socket's directory admits only the server's account, us and root.
    options = [f"--username={SUPERUSER}", "--auth-local=trust", "--auth-host=reject", "--encoding=UTF8"]
    if major >= 17:
        # PostgreSQL's own C.UTF-8 is the same on every system; macOS has none.
        return [*options, "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    return [*options, "--locale=C.UTF-8" if sys.platform == "linux" else "--locale=C"]


def _start(place: Place, programs: Binaries, who: Account) -> None:
    """Start the server and return when it answers.

    `server.lock` tells what a process id cannot: after `kill -9` of the postmaster its orphans hold it until they
    have died, and after a reboot it is free though the old id may belong to somebody else by then.
    """
    server = place.lock("server")
    try:
        _wait(lambda: acquire(server) or answers(place), 30)
        if not acquire(server):
            if answers(place):
                return
            raise Unavailable(f"processes of an earlier database server in {place.home} do not end: see {place.log}")
        _sweep(place, who)
        before = _launch(place, programs, who, server)
    finally:
        os.close(server)  # the server's processes have inherited it
    if not _wait(lambda: answers(place) or not _alive(place), 60) or not answers(place):
        said = place.log.read_bytes()[before:].decode(errors="replace")
        raise Unavailable(f"PostgreSQL did not start: {_complaint(said)} (more in {place.log})")


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


def _launch(place: Place, programs: Binaries, who: Account, server: int) -> int:
    """Start the postmaster; the size of the log before."""
    with ExitStack() as stack:
        data, listening = _open(place.data, stack), _open(place.socket, stack)
        settings = _SETTINGS | {"unix_socket_directories": str(who.reach(place.socket, listening))}
        words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        log = os.open(place.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        stack.callback(os.close, log)
        before = os.fstat(log).st_size
        # The shell leaves it to init: the server belongs to all its users, not to the one who came first.
        command: list[str | Path] = [
            "/bin/sh",
            "-c",
            '"$0" "$@" &',
            programs.path / "postgres",
            "-D",
            who.reach(place.data, data),
            *words,
        ]
        who.run(command, descriptors=[data, listening, server], output=log)
    return before


def _open(directory: Path, stack: ExitStack) -> int:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW)
    stack.callback(os.close, descriptor)
    return descriptor


def _alive(place: Place) -> bool:
    server = place.lock("server")
    try:
        return not acquire(server)
    finally:
        os.close(server)


def _postmaster(place: Place) -> int | None:
    """The postmaster's process id, if it is alive: somebody listens, so the id in its file is not a stranger's."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(place.socket / f".s.PGSQL.{PORT}"))
            return int((place.data / "postmaster.pid").read_text().split()[0])
        except (OSError, ValueError, IndexError):
            return None


def _wait(condition: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def _complaint(output: str) -> str:
    """The line that says what went wrong."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    telling = [line for line in lines if "FATAL" in line or "error:" in line or "PANIC" in line]
    return (telling or lines or ["it said nothing"])[-1]
