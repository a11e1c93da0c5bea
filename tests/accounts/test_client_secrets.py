"""Client secrets: scrypt at rest, checked in constant time, remembered while right."""

import re
from dataclasses import replace

import pytest

from idp import passwords
from idp.clients import secrets
from idp.clients.models import Client
from idp.errors import TemporarilyUnavailable, TooManyRequests
from idp.limits import Window


@pytest.fixture
def hashed(monkeypatch):
    """How often scrypt ran."""
    runs = []
    derive = passwords._derive
    monkeypatch.setattr(passwords, "_derive", lambda *given: runs.append(given[-1]) or derive(*given))
    return runs


@pytest.fixture
def check(app):
    def call(client, secret, address="192.0.2.1", **asked):
        with app.test_request_context(environ_overrides={"REMOTE_ADDR": address}):
            return secrets.check(client, secret, **asked)

    return call


def _client(*hashes):
    return Client(client_id="app", secret_hashes=list(hashes))


def test_made_secrets(check):
    """256 bits in characters that survive Basic raw and encoded; cheap scrypt, for they cannot be searched."""
    secret, stored = secrets.make()

    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", secret)
    assert stored.startswith("$scrypt$ln=12,r=8,p=1$")
    assert check(_client(stored), secret)
    assert not check(_client(stored), secret + "x")


def test_chosen_secrets_cost_what_passwords_cost(app, check):
    """A secret from a file may be guessable."""
    with app.app_context():
        stored = secrets.hashed("chosen by a person")

    assert stored.startswith("$scrypt$ln=14,r=8,p=1$")
    assert check(_client(stored), "chosen by a person")


def test_two_secrets_live_during_a_rotation(check):
    """Old and new secret are right until the old hash is removed; then it is wrong at once, though remembered."""
    (old, old_hash), (new, new_hash) = secrets.make(), secrets.make()
    assert check(_client(new_hash, old_hash), old)
    assert check(_client(new_hash, old_hash), new)

    assert not check(_client(new_hash), old)


def test_success_is_remembered_for_an_hour(check, clock, hashed):
    """The hash is computed once; again when the client was away for an hour."""
    secret, stored = secrets.make()
    hashed.clear()
    for _ in range(5):
        assert check(_client(stored), secret)
        clock.advance(minutes=50)
    assert 1 == len(hashed)
    clock.advance(hours=1)

    assert check(_client(stored), secret)
    assert 2 == len(hashed)


def test_failures_are_never_remembered(check, hashed):
    """Each wrong secret is computed."""
    _, stored = secrets.make()
    hashed.clear()
    for _ in range(3):
        assert not check(_client(stored), "wrong")

    assert 3 == len(hashed)


def test_failures_are_limited_before_the_hash(check, clock, hashed):
    """Sixty a minute; the client that was right lately goes on, and nobody is locked out for longer."""
    secret, stored = secrets.make()
    client = _client(stored)
    assert check(client, secret)
    hashed.clear()
    for _ in range(60):
        assert not check(client, "wrong")
    with pytest.raises(TooManyRequests) as refusal:
        check(client, "wrong")

    assert "60" == refusal.value.headers["Retry-After"]
    assert 60 == len(hashed)
    assert check(client, secret)
    clock.advance(seconds=60)
    assert not check(client, "wrong")


def test_failures_from_elsewhere_stop_nobody(check):
    """An address that has hardly failed itself passes with the right secret, whatever others try."""
    secret, stored = secrets.make()
    for n in range(80):
        check(_client(stored), "wrong", f"198.51.100.{n}")

    assert check(_client(stored), secret, "192.0.2.7")


def test_guessing_from_many_addresses_is_slow(check):
    """Past sixty failures each address has ten a minute of its own."""
    _, stored = secrets.make()
    for n in range(60):
        check(_client(stored), "wrong", f"198.51.100.{n}")
    for _ in range(10):
        assert not check(_client(stored), "wrong", "192.0.2.7")

    with pytest.raises(TooManyRequests):
        check(_client(stored), "wrong", "192.0.2.7")


def test_successes_are_no_failures(check):
    """A busy client whose secret each process must learn is not throttled."""
    made = [secrets.make() for _ in range(61)]

    assert all(check(_client(stored), secret) for secret, stored in made)


def test_unknown_client_gets_the_answers_of_a_wrong_secret(check, hashed):
    """Wrong sixty times and then 429, each id for itself; at the cost of a secret that we made."""
    client = _client(secrets.make()[1])
    hashed.clear()
    answers = {}
    for known in (client, None):
        answers[known] = [check(known, "x", asked="other") for _ in range(60)]
        with pytest.raises(TooManyRequests):
            check(known, "x", asked="other")
    assert not check(None, "x", asked="third")

    assert answers[client] == answers[None] == [False] * 60
    assert {1 << 12} == {cost.work for cost in hashed}


def test_many_ids_from_one_address_are_limited_too(check, clock, monkeypatch):
    """So many failures a minute; then every id is 429 there, known or not, and nowhere else."""
    monkeypatch.setattr(secrets, "ADDRESS", replace(secrets.ADDRESS, windows=(Window(20, 60),)))
    secret, stored = secrets.make()
    client = _client(stored)
    for n in range(20):
        assert not check(None, "x", asked=f"id{n}")

    for known in (client, None):
        with pytest.raises(TooManyRequests):
            check(known, secret, asked="another")
    assert check(client, secret, "198.51.100.1")
    clock.advance(seconds=60)
    assert not check(None, "x", asked="another")


def test_full_queue_counts_nothing(app, check, world):
    """Who is told to come back later has not failed."""
    with app.app_context():
        slots = passwords.slots("clients")
    for _ in range(21):
        slots._admitted.acquire()
    with pytest.raises(TemporarilyUnavailable):
        check(_client(secrets.make()[1]), "x")

    assert [(1,)] == world.query("SELECT count(*) FROM attempt WHERE count > 0")  # of the event that tells of it


def test_client_without_secret_is_refused(check):
    """No hash, no authentication; an empty secret neither."""
    assert not check(_client(), "")
    assert not check(_client(secrets.make()[1]), "")
    assert not check(_client(secrets.make()[1]), "\ud800")
