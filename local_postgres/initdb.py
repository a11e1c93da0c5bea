"""Initialise a cluster: beside its final name, so that whoever is interrupted leaves nothing that looks like one."""

import os
import shutil
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from local_postgres.account import Account
from local_postgres.binaries import Binaries
from local_postgres.place import Place
from local_postgres.unavailable import Unavailable, complaint

SUPERUSER = "local_postgres"
_UNFINISHED = "unfinished-"


def initialise(place: Place, programs: Binaries, who: Account, lock: int) -> None:
    """Make `place.data`; `lock` is held until initdb and all its processes have ended.

    Raises:
        Unavailable: initdb failed.
    """
    for left in place.home.glob(f"{_UNFINISHED}*"):
        shutil.rmtree(left)
    new = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=place.home))
    who.give(new)
    with ExitStack() as stack:
        directory = open_directory(new, stack)
        command: list[str | Path] = [
            programs.path / "initdb",
            "--pgdata",
            who.reach(new, directory),
            *_options(programs.major),
        ]
        done = who.run(command, descriptors=[directory, lock])
        if done.returncode:
            raise Unavailable(f"PostgreSQL's initdb failed: {complaint(done.stdout)}")
        new.rename(place.data)
        # Otherwise a power failure could take the new name back, and with it what was stored since.
        os.fsync(open_directory(place.home, stack))


def open_directory(path: Path, stack: ExitStack) -> int:
    """A descriptor of the directory, closed with the stack."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW)
    stack.callback(os.close, descriptor)
    return descriptor


def _options(major: int) -> list[str]:
    # Trust is enough: the directories around the socket admit only us, the server's account and root.
    options = [f"--username={SUPERUSER}", "--auth-local=trust", "--auth-host=reject", "--encoding=UTF8"]
    if major >= 17:
        # PostgreSQL's own C.UTF-8 is the same everywhere, and macOS has none.
        return [*options, "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    return [*options, "--locale=C.UTF-8" if sys.platform == "linux" else "--locale=C"]
