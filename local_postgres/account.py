"""Who runs the server: the current user, or for root somebody without privileges."""

import os
import pwd
import shutil
import subprocess
from collections.abc import Sequence
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
    """Somebody who may run PostgreSQL; `drop` is true when root has to become them first."""

    uid: int
    gid: int
    drop: bool

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
            user=self.uid if self.drop else None,
            group=self.gid if self.drop else None,
            extra_groups=[] if self.drop else None,
        )

    def reach(self, path: Path, descriptor: int) -> Path:
        """The directory `path`, open as `descriptor`, as the account can name it whatever its parents allow."""
        return _DESCRIPTORS / str(descriptor) if self.drop else path

    def give(self, path: Path) -> None:
        """Hand over a directory that we made."""
        if self.drop:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def programs(self, path: Path) -> Path:
        """A `bin` directory that the account can execute: `path`, or a copy of its installation."""
        try:
            if self.run([path / "postgres", "--version"]).returncode == 0:
                return path
        except PermissionError:
            pass
        return _copy(path)


def choose(owner: os.stat_result | None) -> Account:
    """The owner of an existing cluster; for root and a new one `postgres` if there is such an account, else `nobody`.

    Raises:
        Unavailable: root has nobody to become, or no way to hand over directories.
    """
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid(), drop=False)
    if not _DESCRIPTORS.is_dir():
        raise Unavailable("PostgreSQL refuses to run as root: start this as an ordinary user")
    if owner and owner.st_uid != 0:
        return Account(owner.st_uid, owner.st_gid, drop=True)
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid, drop=True)
    raise Unavailable("PostgreSQL refuses to run as root: add a user, `useradd --system postgres`")


def _copy(path: Path) -> Path:
    """Copy an installation that only root can reach, such as a wheel below /root, once for each of its versions."""
    program = (path / "postgres").stat()
    name = sha256(f"{path}:{program.st_mtime_ns}:{program.st_size}".encode()).hexdigest()[:16]
    copy = _COPIES / name
    if not copy.is_dir():
        _COPIES.mkdir(mode=0o755, parents=True, exist_ok=True)
        unfinished = _COPIES / f"{name}.{os.getpid()}"
        shutil.copytree(path.parent, unfinished, symlinks=True)
        unfinished.chmod(0o755)
        try:
            unfinished.rename(copy)
        except OSError:  # somebody else was faster
            shutil.rmtree(unfinished)
    return copy / "bin"
