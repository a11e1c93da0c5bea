"""What expired is deleted, keys rotate, and of many processes one does the work."""

import threading
from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest
from psycopg.types.json import Jsonb
from pydantic import SecretStr

from idp.jobs import rotate_keys, runner, sweep
from idp.jobs.runner import Job
from keys import WrongKek


@pytest.fixture
def do(app):
    def work(function, *args):
        with app.app_context():
            return function(*args)

    return work


def test_what_is_over_is_deleted_and_the_rest_stays(do, world, clock):
    user, client = world.user("ada"), world.client("shop")
    for days, name in ((-3, "old"), (1, "new")):
        end = clock() + timedelta(days=days)
        world.execute("INSERT INTO revoked_token VALUES (%(name)s, %(end)s, now())", name=name, end=end)
        world.execute("INSERT INTO attempt VALUES (%(name)s, %(end)s, 1)", name=name.encode(), end=end)
        world.execute(
            "INSERT INTO authorization_request (hash, source, parameters, created_at, expires_at)"
            " VALUES (%(name)s, 'page', '{}', now(), %(end)s)",
            name=name.encode(),
            end=end,
        )
        [(session,)] = world.execute(
            "INSERT INTO sso_session (id, hash, user_id, amr, acr, auth_time, seen_at, ends_at)"
            " VALUES (gen_random_uuid(), %(name)s, %(user)s, '{}', '', now(), now(), %(end)s) RETURNING id",
            name=name.encode(),
            user=user.id,
            end=end,
        )
        [(grant,)] = world.execute(
            "INSERT INTO oauth_grant (id, user_id, client_id, all_companies, session_id, offline, scopes, resources,"
            " acr, amr, auth_time, generation, expires_at) VALUES (gen_random_uuid(), %(user)s, %(client)s, false,"
            " %(session)s, false, '{}', '{}', '', '{}', now(), 0, %(end)s) RETURNING id",
            user=user.id,
            client=client.client_id,
            session=session,
            end=end,
        )
        world.execute(
            "INSERT INTO authorization_code (hash, grant_id, client_id, uses, expires_at)"
            " VALUES (%(name)s, %(grant)s, 'shop', 0, %(end)s)",
            name=name.encode(),
            grant=grant,
            end=end,
        )
    tables = ("authorization_request", "authorization_code", "revoked_token", "attempt", "sso_session", "oauth_grant")

    assert {"ended sessions": 1, **dict.fromkeys(tables, 1)} == do(sweep.work)
    assert {} == do(sweep.work)
    assert dict.fromkeys(tables, 1) == {table: world.count(table) for table in tables}


def test_more_than_one_batch_is_deleted(do, world, monkeypatch):
    monkeypatch.setattr(sweep, "BATCH", 10)
    world.execute("INSERT INTO revoked_token SELECT n::text, '2020-01-01', now() FROM generate_series(1, 25) n")

    assert {"revoked_token": 25} == do(sweep.work)


def test_another_process_that_does_the_job_is_left_to_it(do, idp_database):
    job = Job("sweep", 60, dict)
    with psycopg.connect(idp_database.application, autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(hashtextextended('sweep', 0))")
        assert do(runner.once, job) is None
        assert {} == do(runner.once, Job("another", 60, dict))
        other.execute("SELECT pg_advisory_unlock_all()")
        assert {} == do(runner.once, job)


def test_a_job_that_fails_gives_its_turn_back_and_the_others_go_on(app, caplog):
    stop, done = threading.Event(), []

    def fail():
        raise psycopg.OperationalError("gone\nwith details")

    def end():
        done.append(True)
        stop.set()
        return {"rows": 1}

    runner.run(app, stop, (Job("broken", 60, fail), Job("good", 60, end)))

    assert [True] == done
    assert ["broken", "good"] == [record.job for record in caplog.records if record.name == "idp.jobs.runner"]
    with app.app_context():
        assert {} == runner.once(Job("broken", 60, dict))


@pytest.fixture
def keys_restored(world):
    """The keys are shared by all tests."""
    before = world.execute("SELECT to_jsonb(k) FROM signing_key k")
    yield
    world.execute("DELETE FROM signing_key")
    for (row,) in before:
        world.execute(
            "INSERT INTO signing_key SELECT * FROM jsonb_populate_record(NULL::signing_key, %(k)s)", k=Jsonb(row)
        )


@pytest.mark.usefixtures("keys_restored")
def test_keys_rotate_when_it_is_time(do, clock):
    assert {} == do(rotate_keys.work)

    clock.advance(days=91)
    assert {"activate": 5, "create": 5, "retire": 5} == do(rotate_keys.work)
    assert {} == do(rotate_keys.work)


@pytest.mark.usefixtures("keys_restored")
def test_a_new_kek_takes_over_what_the_previous_one_sealed(do, app, world):
    """Then the previous one may leave the settings: every key opens without it."""
    context, new = app.extensions["idp"], "ab" * 32
    old = context.settings.keys.kek
    sealed = world.execute("SELECT count(*)::int FROM signing_key WHERE sealed_private IS NOT NULL")[0][0]
    app.extensions["idp"] = _with_keks(context, new, old)
    assert {"rewrap": sealed} == do(rotate_keys.work)
    assert {} == do(rotate_keys.work)

    app.extensions["idp"] = _with_keks(context, new)
    assert {} == do(rotate_keys.work)
    app.extensions["idp"] = context
    with pytest.raises(WrongKek):
        do(rotate_keys.work)


def _with_keks(context, first, *previous):
    keys = context.settings.keys.model_copy(update={"kek": SecretStr(first), "previous_keks": previous})
    return replace(context, settings=context.settings.model_copy(update={"keys": keys}))
