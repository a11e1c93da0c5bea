"""Who runs the server: the current user, or for root somebody without privileges."""

import os
import pwd
import shutil
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from local_postgres.unavailable import Unavailable

# Not the caller's environment: PGDATA, PGOPTIONS and the like would reach the server.
_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
_DESCRIPTORS = Path("/proc/self/fd")
_COPIES = Path("/var/cache/local_postgres")


@dataclass(frozen=True)
class Account:
    """Somebody who may run PostgreSQL; `switch` is true when root has to become them first."""

    uid: int
    gid: int
    switch: bool

    def run(
        self, command: Sequence[str | Path], *, descriptors: Sequence[int] = (), output: int = subprocess.PIPE
    ) -> "subprocess.CompletedProcess[str]":
        """Run a program to its end, out of the terminal's reach: Ctrl-C there must not end the database."""
        return subprocess.run(  # noqa: S603
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            cwd="/",  # the caller's may be closed to the account
            env=_ENVIRONMENT,
            umask=0o077,
            start_new_session=True,
            pass_fds=descriptors,
            user=self.uid if self.switch else None,
            group=self.gid if self.switch else None,
            extra_groups=[] if self.switch else None,
        )

    def reach(self, path: Path, descriptor: int) -> Path:
        """How the account names the directory `path`, passed as `descriptor`, whatever the parents allow."""
        return _DESCRIPTORS / str(descriptor) if self.switch else path

    def give(self, path: Path) -> None:
        """Hand over a directory that we made."""
        if self.switch:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def programs(self, path: Path) -> Path:
        """A `bin` directory that the account can execute: `path`, or a copy of its installation.

        Raises:
            Unavailable: the account can execute neither.
        """
        if self._executes(path):
            return path
        copy = _copy_of(path)
        if not self._executes(copy):
            _make_copy(path, copy)
        if not self._executes(copy):
            raise Unavailable(f"uid {self.uid} cannot execute {path}/postgres: install the system's `postgresql`")
        return copy

    def _executes(self, path: Path) -> bool:
        try:
            return all(self.run([path / name, "--version"]).returncode == 0 for name in ("postgres", "initdb"))
        except OSError:
            return False


def choose(owner: os.stat_result | None) -> Account:
    """Ourselves; for root the owner of an existing cluster, or for a new one `postgres`, or without such `nobody`.

    Raises:
        Unavailable: root has nobody to become, or no way to hand over directories.
    """
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid(), switch=False)
    if not _DESCRIPTORS.is_dir():
        raise Unavailable("PostgreSQL refuses to run as root: start this as an ordinary user")
    if owner:
        return Account(owner.st_uid, owner.st_gid, switch=True)
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            entry = pwd.getpwnam(name)
            return Account(entry.pw_uid, entry.pw_gid, switch=True)
    raise Unavailable("PostgreSQL refuses to run as root: add an account for it, `useradd --system postgres`")


def _copy_of(path: Path) -> Path:
    """Where an installation that only root can reach, such as a wheel below /root, is copied to."""
    program = (path / "postgres").stat()
    version = f"{path}:{program.st_mtime_ns}:{program.st_size}"
    # The names of its directories stay: programs of a wheel look for libraries by way of them.
    return _COPIES.joinpath(sha256(version.encode()).hexdigest()[:16], *path.parts[-3:])


def _make_copy(path: Path, copy: Path) -> None:
    whole = copy.parents[2]
    unfinished = whole.with_suffix(f".{os.getpid()}")
    wheel = path.parents[1]
    libraries = wheel.with_name(f"{wheel.name}.libs")  # where auditwheel puts what the programs link to
    shutil.copytree(path.parent, unfinished.joinpath(*path.parts[-3:-1]), symlinks=True)
    if libraries.is_dir():
        shutil.copytree(libraries, unfinished / libraries.name)
    for each in (_COPIES, unfinished, *unfinished.rglob("*")):
        if not each.is_symlink():
            # Readable whatever the umask was at its installation.
            each.chmod(0o755 if each.is_dir() or os.access(each, os.X_OK) else 0o644)
    shutil.rmtree(whole, ignore_errors=True)
    unfinished.rename(whole)
