"""The outbox: a message is as sure as the transaction that put it, and is tried until it has arrived."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from idp import outbox
from idp.db import db


@pytest.fixture
def put(app):
    def within_a_transaction(*payloads):
        with app.app_context(), db.transaction():
            outbox.put("test", *payloads)

    return within_a_transaction


@pytest.fixture
def claim(app):
    def now(most=20):
        with app.app_context():
            return outbox.claim(most)

    return now


def test_a_message_is_there_once_its_transaction_committed(app, put, claim, world):
    put({"to": "a"}, {"to": "b"})
    put()

    found = claim()

    assert [("test", {"to": "a"}, 1), ("test", {"to": "b"}, 1)] == [(m.kind, m.payload, m.attempts) for m in found]
    with app.app_context():
        outbox.arrived(found[0])
    assert 1 == world.count("outbox")


def test_nothing_is_sent_for_a_rollback(app, claim):
    def act():
        with db.transaction():
            outbox.put("test", {})
            raise RuntimeError("the act failed")

    with app.app_context(), pytest.raises(RuntimeError):
        act()

    assert [] == claim()


def test_a_claimed_message_whose_sender_died_comes_again_after_the_back_off(put, claim, clock):
    put({})
    [first] = claim()

    clock.advance(19)
    assert [] == claim()
    clock.advance(1)
    [second] = claim()

    assert (first.id, 2) == (second.id, second.attempts)


def test_the_back_off_doubles_up_to_an_hour_and_ten_tries_are_enough(put, claim, clock, world):
    put({})
    waits = []
    for _ in range(outbox.TRIES):
        assert 1 == len(claim())
        [(due,)] = world.execute("SELECT due_at FROM outbox")
        waits.append((due - clock()).total_seconds())
        clock.time = due

    assert [20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600] == waits
    assert [] == claim()


def test_the_last_failure_gives_up_at_once_and_keeps_the_reason(app, put, claim, world):
    put({"client_id": "shop"}, {"client_id": "other"})
    world.execute("UPDATE outbox SET attempts = 9 WHERE payload ->> 'client_id' = 'shop'")
    with app.app_context():
        for message in claim():
            outbox.failed(message, "the answer was 500")
        with db.transaction():
            assert [("test", {"client_id": "shop"}, "the answer was 500")] == outbox.give_up()
        with db.transaction():
            assert [] == outbox.give_up()


def test_a_sender_that_died_at_the_last_try_is_given_up_later(app, put, claim, clock, world):
    put({})
    world.execute("UPDATE outbox SET attempts = 9")
    claim()
    with app.app_context(), db.transaction():
        assert [] == outbox.give_up()
        clock.advance(hours=1)
        assert 1 == len(outbox.give_up())


def test_of_many_that_claim_at_once_each_gets_others(app, put):
    put(*({"number": number} for number in range(60)))
    start = threading.Barrier(4)

    def take():
        start.wait(5)
        with app.app_context():
            return [message.payload["number"] for _ in range(3) for message in outbox.claim(5)]

    with ThreadPoolExecutor(4) as pool:
        taken = [number for future in [pool.submit(take) for _ in range(4)] for number in future.result(10)]

    assert list(range(60)) == sorted(taken)


def test_what_was_due_first_is_sent_first(put, claim, clock):
    put({"number": 1})
    clock.time += timedelta(seconds=1)
    put({"number": 2})

    assert [1, 2] == [claim(1)[0].payload["number"] for _ in range(2)]
