"""Which PostgreSQL is taken, and that whoever runs it can reach it."""

import os
import sys
import tempfile
from pathlib import Path

import pytest

from local_postgres import account, binaries
from local_postgres.unavailable import Unavailable


def install(folder, answer):
    path = folder / "bin"
    path.mkdir(parents=True)
    for program in ("postgres", "initdb"):
        (path / program).write_text(f"#!/bin/sh\necho '{answer}'\n")
        (path / program).chmod(0o700)
    return path


@pytest.fixture
def system(tmp_path, monkeypatch):
    """The only installations are the ones that the test makes."""
    monkeypatch.setattr(binaries, "_SYSTEM", (f"{tmp_path}/system/*/bin"[1:],))
    monkeypatch.setattr(binaries, "_WHEELS", ("wheel_with_binaries",))
    monkeypatch.setenv("PATH", "/nonexistent")
    return tmp_path / "system"


def test_the_newest_installation_is_taken(system):
    for version in ("9.6", "15", "17", "8"):
        install(system / version, f"postgres (PostgreSQL) {version}")

    assert binaries.Binaries(system / "17/bin", 17) == binaries.find(None, None)


def test_an_existing_cluster_gets_its_own_version(system):
    for version in ("15", "17"):
        install(system / version, f"postgres (PostgreSQL) {version}.3 (Debian {version}.3-1)")

    assert binaries.Binaries(system / "15/bin", 15) == binaries.find(None, 15)
    with pytest.raises(Unavailable, match="made by PostgreSQL 16, found is 17 and 15: install PostgreSQL 16"):
        binaries.find(None, 16)


def test_programs_that_do_not_run_are_passed_over(system):
    install(system / "18", "no idea what I am")
    (install(system / "17", "") / "postgres").write_bytes(b"\x7fELF of another machine")
    (install(system / "16", "postgres (PostgreSQL) 16.1") / "initdb").unlink()
    install(system / "15", "postgres (PostgreSQL) 15.1")

    assert 15 == binaries.find(None, None).major


def test_pg_config_tells_of_an_installation_elsewhere(system, tmp_path, monkeypatch):
    path = install(tmp_path / "elsewhere", "postgres (PostgreSQL) 16.1")
    pg_config = tmp_path / "tools/pg_config"
    pg_config.parent.mkdir()
    pg_config.write_text(f"#!/bin/sh\necho {path}\n")
    pg_config.chmod(0o755)
    monkeypatch.setenv("PATH", str(pg_config.parent))

    assert binaries.Binaries(path, 16) == binaries.find(None, None)


def test_a_wheel_gives_its_binaries_without_being_imported(system, tmp_path, monkeypatch):
    package = tmp_path / "site/wheel_with_binaries"
    install(package / "pginstall", "postgres (PostgreSQL) 16.1")
    newest = install(package / "pginstall18", "postgres (PostgreSQL) 18.1")
    (package / "__init__.py").write_text("raise RuntimeError('imported')")
    monkeypatch.syspath_prepend(package.parent)

    assert binaries.Binaries(newest, 18) == binaries.find(None, None)
    assert "wheel_with_binaries" not in sys.modules


def test_an_explicit_directory_comes_first(system, tmp_path):
    install(system / "17", "postgres (PostgreSQL) 17.1")
    explicit = install(tmp_path / "mine", "postgres (PostgreSQL) 15.1")

    assert explicit == binaries.find(explicit, None).path


def test_the_account_can_execute_what_only_we_can_reach(tmp_path, monkeypatch):
    """A wheel in a virtual environment below /root: root's server runs as somebody who cannot look in there."""
    path = install(tmp_path / "closed/wheel/pginstall18", "postgres (PostgreSQL) 18.1")
    (path / "postgres").write_text('#!/bin/sh\ncat "$(dirname "$0")/../../../wheel.libs/library"\n')
    (tmp_path / "closed/wheel.libs").mkdir()
    (tmp_path / "closed/wheel.libs/library").write_text("linked")
    who = account.choose(None)
    with tempfile.TemporaryDirectory() as reachable:
        Path(reachable).chmod(0o755)
        monkeypatch.setattr(account, "_COPIES", Path(reachable) / "copies")

        programs = who.programs(path)

        assert programs == who.programs(path)
        assert "linked" == who.run([programs / "postgres"]).stdout
        assert (os.geteuid() == 0) == (programs != path)
