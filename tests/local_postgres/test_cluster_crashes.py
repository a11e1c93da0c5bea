"""`kill -9` of anything, at any time, costs nothing that was committed."""

import os
import signal
import subprocess
import threading
from contextlib import suppress

import psycopg
import pytest

from local_postgres import running
from local_postgres.place import wait


@pytest.fixture
def crashed(data_dir, seen, start_user, sql):
    """A cluster with a committed row whose server and only user were killed."""
    user = start_user()
    owner, _ = user.urls()
    with sql(owner) as execute:
        execute("CREATE TABLE kept AS SELECT 42 AS answer")
    user.end(signal.SIGKILL)
    seen.kill()


def kept(cluster, sql):
    with sql(cluster.database("scratch").owner) as execute:
        return execute("SELECT answer FROM kept").fetchone()


def test_a_killed_server_is_started_again(data_dir, seen, crashed, sql):
    with running(data_dir) as cluster:
        assert (42,) == kept(cluster, sql)


def test_a_process_id_that_is_somebody_elses_by_now_is_no_obstacle(data_dir, seen, crashed, sql):
    """After a reboot another process of the same account may have the id in `postmaster.pid`."""
    assert wait(lambda: not seen.alive(), 30)
    owner = seen.place.data.stat().st_uid
    with subprocess.Popen(["sleep", "60"], user=owner if os.geteuid() == 0 else None, cwd="/") as stranger:
        try:
            for stale in (seen.place.data / "postmaster.pid", seen.place.socket / ".s.PGSQL.5432.lock"):
                _, rest = stale.read_text().split("\n", 1)
                stale.write_text(f"{stranger.pid}\n{rest}")

            with running(data_dir) as cluster:
                assert (42,) == kept(cluster, sql)
            assert stranger.poll() is None
        finally:
            stranger.kill()


def test_orphans_are_waited_for(data_dir, seen, start_user, sql):
    """A backend that is busy outlives its postmaster, and must not write beside a new one."""
    user = start_user()
    owner, _ = user.urls()
    with sql(owner) as execute:
        busy = threading.Thread(target=_count, args=[execute])
        busy.start()
        assert wait(lambda: _active(owner, sql), 30)
        user.end(signal.SIGKILL)
        seen.kill()
        assert seen.alive()

        with running(data_dir):
            assert seen.answers()
        busy.join(30)


def _count(execute):
    with suppress(psycopg.OperationalError):
        execute("SELECT count(*) FROM generate_series(1, 20000000)")


def _active(url, sql):
    with sql(url) as execute:
        return execute("SELECT 1 FROM pg_stat_activity WHERE query LIKE 'SELECT count%'").fetchone()


def test_a_user_who_is_killed_leaves_the_server_to_the_next(data_dir, seen, start_user):
    user = start_user()
    user.urls()
    first = seen.postmaster
    user.end(signal.SIGKILL)
    assert seen.answers()

    with running(data_dir):
        assert first == seen.postmaster
    assert not seen.alive()


def test_a_server_that_dies_under_its_users_comes_back(data_dir, seen, start_user):
    user = start_user()
    user.urls()
    with running(data_dir) as cluster:
        first = seen.kill()

        assert wait(seen.answers, 30)
        assert first != seen.postmaster
        cluster.database("another")


def test_an_initialisation_that_was_killed_is_done_again(data_dir, seen, start_user, sql):
    user = start_user()
    assert wait(lambda: list(data_dir.glob("postgres/unfinished-*/PG_VERSION")), 30)
    user.end(signal.SIGKILL)

    with running(data_dir) as cluster, sql(cluster.database("shop").owner) as execute:
        assert (1,) == execute("SELECT 1").fetchone()
    assert not list(data_dir.glob("postgres/unfinished-*"))


def test_a_start_that_is_interrupted_ends_at_once(data_dir, seen, start_user):
    user = start_user()
    assert wait(lambda: (data_dir / "postgres/data/postmaster.pid").exists(), 30)
    user.end(signal.SIGINT)

    assert not seen.alive()


def test_the_creation_of_a_database_that_was_interrupted_is_completed(data_dir, seen, sql):
    with running(data_dir) as cluster:
        superuser = cluster.database("other").owner.replace("other_owner@", "local_postgres@")
        with sql(superuser) as execute:
            execute("CREATE ROLE shop_owner LOGIN")
            execute("CREATE DATABASE shop OWNER shop_owner CONNECTION LIMIT 0")
        with sql(superuser.replace("@/other", "@/shop")) as execute:
            execute("CREATE TABLE kept AS SELECT 42 AS answer")

        with sql(cluster.database("shop").owner) as execute:
            execute("CREATE TABLE mine (id int)")
            assert execute("SELECT to_regclass('kept') IS NOT NULL").fetchone()[0]
