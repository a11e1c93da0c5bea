"""The first user starts the server, all share it, the last stops it."""

import os
import shutil
import signal
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import unquote

import pytest

from local_postgres import running
from local_postgres.place import prepare


def test_a_second_start_finds_the_data(data_dir, seen, sql):
    with running(data_dir) as cluster, sql(cluster.database("shop").owner) as execute:
        execute("CREATE TABLE kept AS SELECT 42 AS answer")
    assert not seen.alive()

    with running(data_dir) as cluster, sql(cluster.database("shop").owner) as execute:
        assert (42,) == execute("SELECT answer FROM kept").fetchone()
    assert not seen.alive()


def test_the_last_user_stops_the_server(data_dir, seen, start_user):
    other = start_user()
    other.urls()
    first = seen.postmaster
    with running(data_dir):
        assert first == seen.postmaster
    assert seen.answers()

    assert 0 == other.end(signal.SIGTERM)
    assert not seen.alive()


def test_who_started_may_leave_first(data_dir, seen, start_user, sql):
    starter = start_user()
    starter.urls()
    with running(data_dir) as cluster:
        starter.end(signal.SIGTERM)
        with sql(cluster.database("scratch").application) as execute:
            assert (1,) == execute("SELECT 1").fetchone()
    assert not seen.alive()


def test_users_who_come_at_once_to_a_new_directory_share_one_server(data_dir, seen, start_user):
    users = [start_user() for _ in range(3)]

    assert 1 == len({user.urls() for user in users})
    assert 1 == seen.log().count("ready to accept connections")


def test_uses_in_one_process_may_overlap(data_dir, seen):
    with running(data_dir):
        with running(data_dir):
            pass
        assert seen.answers()
    assert not seen.alive()


def test_an_error_of_the_user_stops_the_server(data_dir, seen):
    with pytest.raises(ZeroDivisionError), running(data_dir):
        1 / 0  # noqa: B018
    assert not seen.alive()


def test_ctrl_c_reaches_the_user_and_not_the_server(data_dir, seen, start_user):
    user = start_user()
    user.urls()
    with running(data_dir):
        user.end(signal.SIGINT, group=True)
        assert seen.answers()
        assert "shutdown" not in seen.log()
    assert "received fast shutdown request" in seen.log()


def test_nobody_else_gets_at_the_cluster(data_dir, seen, sql):
    with running(data_dir) as cluster, sql(cluster.database("shop").owner) as execute:
        assert ("",) == execute("SHOW listen_addresses").fetchone()
    assert 0o700 == seen.place.home.stat().st_mode & 0o777
    assert os.geteuid() == seen.place.home.stat().st_uid
    assert 0 != seen.place.data.stat().st_uid


def test_promises_of_durability_hold(data_dir, seen, sql):
    with running(data_dir) as cluster, sql(cluster.database("shop").application) as execute:
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            assert ("on",) == execute(f"SHOW {setting}").fetchone()


@pytest.mark.parametrize("name", ["x" * 100, "a,b", "with space", "ünï"])
def test_any_directory_will_do(data_dir, name, sql):
    """The address of a socket holds some 100 bytes, and libpq takes a comma for the end of a host."""
    with running(data_dir / name) as cluster, sql(cluster.database("shop").application) as execute:
        assert (1,) == execute("SELECT 1").fetchone()
    place = prepare(data_dir / name)
    if place.socket.parent != place.home:
        shutil.rmtree(place.socket.parent)


def test_short_directory(data_dir, seen):
    """Where the path is short enough for a socket, everything lies in the one directory."""
    with running(data_dir) as cluster:
        assert str(data_dir / "postgres/socket") in unquote(cluster.database("shop").owner)


def test_a_database_is_made_once(data_dir, seen):
    with running(data_dir) as cluster, ThreadPoolExecutor(4) as pool:
        assert 1 == len(set(pool.map(cluster.database, ["shop"] * 8)))
