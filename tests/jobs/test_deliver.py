"""The job process sends what lies in the outbox: soon, once, again after a failure, and not for ever."""

import threading
import time
from contextlib import contextmanager

import pytest

from idp import outbox
from idp.db import db
from idp.jobs import deliver, runner


@pytest.fixture
def sent(app):
    """The payloads that a sender of our own got, while it does not fail."""
    found, lock = [], threading.Lock()

    def send(message):
        if message.payload.get("fails"):
            raise ValueError("the answer was 500\nsecond line")
        with lock:
            found.append(message.payload["number"])

    app.extensions["oauth"].outgoing["test"] = send
    return found


@pytest.fixture
def put(app):
    def within_a_transaction(*payloads, kind="test"):
        with app.app_context(), db.transaction():
            outbox.put(kind, *payloads)

    return within_a_transaction


@contextmanager
def job_processes(app, number=1):
    """As many loops as processes would run; no other job than to deliver."""
    stop = threading.Event()
    threads = [threading.Thread(target=runner.run, args=(app, stop, (IDLE,))) for _ in range(number)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(20)


IDLE = runner.Job("idle", 60, dict)


def eventually(condition, seconds=10):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.02)


def test_a_new_message_is_sent_within_a_second(app, put, sent, world):
    with job_processes(app):
        put({"number": 0})
        eventually(lambda: [0] == sent)
        put({"number": 1})
        began = time.monotonic()
        eventually(lambda: [0, 1] == sent)
        # Two looks a second; the rest is what a busy machine may take.
        assert time.monotonic() - began < 2 * deliver.POLL + 1
    assert 0 == world.count("outbox")


def test_two_processes_send_each_message_once(app, put, sent, world):
    put(*({"number": number} for number in range(40)))
    with job_processes(app, 2):
        eventually(lambda: 0 == world.count("outbox"), 30)

    assert list(range(40)) == sorted(sent)


def test_a_failure_is_kept_and_the_others_are_sent(app, put, sent, world):
    put({"number": 1, "fails": True}, {"number": 2})
    with job_processes(app):
        eventually(lambda: [2] == sent and world.execute("SELECT last_error FROM outbox") != [(None,)])

    assert [("ValueError: the answer was 500", 1, None)] == world.execute(
        "SELECT last_error, attempts, failed_at FROM outbox"
    )


def test_a_message_that_nobody_can_send_waits_for_the_extension(app, put, world):
    put({}, kind="of an extension that is off")
    with job_processes(app):
        eventually(lambda: world.execute("SELECT attempts FROM outbox") == [(1,)])

    assert "KeyError" in world.execute("SELECT last_error FROM outbox")[0][0]


def test_ten_failures_are_a_security_event(app, put, sent, clock, world):
    put({"client_id": "shop", "fails": True})
    for _ in range(outbox.TRIES):
        with app.app_context():
            assert {} == deliver.give_up()
            [message] = outbox.claim(1)
        deliver.send(app, message)
        clock.advance(hours=1)

    with app.app_context():
        assert [] == outbox.claim(1)
        assert {"given_up": 1} == deliver.give_up()
        assert {} == deliver.give_up()
    assert [("message.undelivered", "shop", {"what": "test", "reason": "ValueError: the answer was 500"})] == (
        world.execute("SELECT kind, client_id, facts FROM security_event")
    )
    assert [(True,)] == world.execute("SELECT failed_at IS NOT NULL FROM outbox")


def test_a_database_that_is_away_ends_nothing(app, put, sent, monkeypatch):
    """The loop goes on with the next look."""
    monkeypatch.setattr(deliver, "_AWAY", 0.01)
    claim, away = outbox.claim, iter([True])

    def sometimes(most):
        if next(away, False):
            raise OSError("gone")
        return claim(most)

    monkeypatch.setattr(outbox, "claim", sometimes)
    put({"number": 1})
    with job_processes(app):
        eventually(lambda: [1] == sent)
