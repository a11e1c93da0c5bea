"""The key set of a process over time: rotation seen by several, the database away, the background refresh."""

import logging
import threading

import psycopg
import pytest
from psycopg.types.json import Jsonb

from keys import BadToken, KeySet, NoActiveKey, Policy, store

ES256 = {"algorithms": ["ES256"], "typ": [None]}
PRIVATE = {"d", "p", "q", "dp", "dq", "qi", "k", "oth"}


@pytest.fixture
def rotate(connection, kek, policy, clock):
    """Let the active keys reach their lifetime, and the next ones take over."""

    def at_the_end_of_the_lifetime():
        clock.advance(policy.lifetime)
        return store.apply(connection, [kek], policy, clock())

    return at_the_end_of_the_lifetime


@pytest.fixture
def other(key_set, connect, kek, policy, clock):
    """The key set of another process, loaded before any rotation."""
    loaded = KeySet(connect, [kek], policy, clock)
    loaded.refresh()
    return loaded


def test_jwks_publishes_next_and_active_without_private_parts(key_set):
    """Every signing key with kid, use and alg, and nothing secret; `enc` keys are not there at all (RFC 7517)."""
    keys = key_set.public()["keys"]

    assert ["ES256", "ES256", "RS256", "RS256"] == sorted(key["alg"] for key in keys)
    assert {"kty", "crv", "x", "y", "kid", "use", "alg"} == set(next(key for key in keys if key["kty"] == "EC"))
    assert {"kty", "n", "e", "kid", "use", "alg"} == set(next(key for key in keys if key["kty"] == "RSA"))
    assert not any(PRIVATE & key.keys() for key in keys)
    assert {"sig"} == {key["use"] for key in keys}


def test_jwks_cannot_be_changed_by_its_reader(key_set):
    key_set.public()["keys"][0]["alg"] = "none"

    assert "none" not in {key["alg"] for key in key_set.public()["keys"]}


def test_token_outlives_the_rotation(key_set, rotate, policy, clock):
    """A retired key verifies until the last token that it signed has ended; then it is gone from the JWKS."""
    token = key_set.sign({"sub": "ada"}, alg="ES256")
    rotate()
    key_set.refresh()

    assert {"sub": "ada"} == key_set.verify(token, **ES256)
    assert ["ES256"] * 3 + ["RS256"] * 3 == sorted(key["alg"] for key in key_set.public()["keys"])
    assert not any(PRIVATE & key.keys() for key in key_set.public()["keys"])

    clock.advance(policy.kept_after_retirement("sig"))
    rotate()
    key_set.refresh()
    with pytest.raises(BadToken, match="kid is unknown"):
        key_set.verify(token, **ES256)


def test_processes_understand_each_other_around_a_rotation(key_set, other, rotate):
    """One process has heard of the rotation and the other has not: each accepts what the other signs and seals."""
    rotate()
    key_set.refresh()

    assert {"n": 1} == other.verify(key_set.sign({"n": 1}, alg="ES256"), **ES256)
    assert {"n": 2} == key_set.verify(other.sign({"n": 2}, alg="ES256"), **ES256)
    later = int(2e9)
    assert {"n": 3} == other.open("sso", key_set.seal("sso", {"n": 3}, expires_at=later))
    assert {"n": 4} == key_set.open("sso", other.seal("sso", {"n": 4}, expires_at=later))
    assert other.check_mac("refresh", *a_mac(key_set))
    assert key_set.check_mac("refresh", *a_mac(other))


def a_mac(loaded):
    kid, mac = loaded.mac("refresh", b"grant 1")
    return kid, b"grant 1", mac


def test_revoked_key_verifies_no_more(key_set, connection, kek, policy, clock):
    token = key_set.sign({}, alg="ES256")
    active = next(key for key in store.listed(connection) if (key.alg, key.state) == ("ES256", "active"))

    store.revoke(connection, [kek], policy, clock(), active.kid)
    key_set.refresh()

    with pytest.raises(BadToken):
        key_set.verify(token, **ES256)
    assert {} == key_set.verify(key_set.sign({}, alg="ES256"), **ES256)


def test_active_key_is_published_from_what_was_sealed(key_set, connection):
    """A public part that somebody changed in the table is not believed while we hold the private one."""
    before = key_set.public()
    connection.execute("UPDATE signing_key SET public_jwk = '{}' WHERE use = 'sig'")

    key_set.refresh()

    assert before == key_set.public()


def test_retired_public_key_of_another_type_is_refused(key_set, table, kek, clock):
    """An X25519 key cannot verify; it is refused when it is loaded, not when a token comes."""
    x25519 = {"kty": "OKP", "crv": "X25519", "x": "3p7bfXt9wbTTW2HC7OQ1Nz-DQ8hbeGdNrfx-FG-IK08"}
    table.execute(
        "UPDATE signing_key SET alg = 'EdDSA', state = 'retired', sealed_private = NULL, public_jwk = %s"
        " WHERE alg = 'ES256' AND state = 'active'",
        (Jsonb(x25519),),
    )

    with pytest.raises(ValueError, match="not of a type for EdDSA"):
        key_set.refresh()


def test_active_key_without_private_part_signs_nothing(key_set, table):
    table.execute("UPDATE signing_key SET sealed_private = NULL WHERE use = 'sig'")
    key_set.refresh()

    with pytest.raises(NoActiveKey):
        key_set.sign({}, alg="ES256")


def test_retired_private_key_is_gone_for_good(key_set, connection, kek, rotate):
    rotate()

    retired = [each for each in store.load(connection, [kek]) if each.key.state == "retired"]
    assert {"A256GCM": False, "ES256": True, "RS256": True} == {each.key.alg: each.secret is None for each in retired}


def test_nothing_signs_before_the_first_start(connect, kek, policy, clock):
    empty = KeySet(connect, [kek], policy, clock)
    empty.refresh()

    with pytest.raises(NoActiveKey, match="ES256"):
        empty.sign({}, alg="ES256")
    with pytest.raises(NoActiveKey):
        empty.seal("sso", {}, expires_at=0)
    with pytest.raises(NoActiveKey):
        empty.mac("refresh", b"")
    assert {"keys": []} == empty.public()


def test_algorithm_that_is_not_kept_signs_nothing(key_set):
    with pytest.raises(NoActiveKey, match="PS256"):
        key_set.sign({}, alg="PS256")


def test_added_algorithm_signs_after_its_publication(key_set, connection, kek, clock):
    added = Policy(signing=("ES256", "RS256", "EdDSA"))
    store.apply(connection, [kek], added, clock())
    key_set.refresh()

    assert "EdDSA" in {key["alg"] for key in key_set.public()["keys"]}
    with pytest.raises(NoActiveKey):
        key_set.sign({}, alg="EdDSA")

    clock.advance(added.publish_before)
    store.apply(connection, [kek], added, clock())
    key_set.refresh()
    assert key_set.sign({}, alg="EdDSA")


def test_stale_after_ten_minutes_and_still_serving(key_set, clock):
    clock.advance(600)
    assert not key_set.stale

    clock.advance(1)
    assert key_set.stale
    assert key_set.sign({}, alg="ES256")

    key_set.refresh()
    assert not key_set.stale


def test_key_set_without_keys_is_stale(connect, kek, policy, clock):
    """Never loaded, or loaded before the first start: a process that cannot sign is not ready."""
    empty = KeySet(connect, [kek], policy, clock)

    assert empty.stale
    empty.refresh()
    assert empty.stale


class Database:
    """Connects, unless it is away; tells how often it was asked."""

    def __init__(self, connect):
        self.connect = connect
        self.away = False
        self.asked = threading.Semaphore(0)

    def __call__(self):
        self.asked.release()
        if self.away:
            raise psycopg.OperationalError("connection to ada:secret@db failed")
        return self.connect()


@pytest.fixture
def database(connect):
    return Database(connect)


def test_failed_refresh_keeps_the_old_keys(key_set, connect, kek, policy, clock, database):
    loaded = KeySet(database, [kek], policy, clock)
    loaded.refresh()
    token = loaded.sign({}, alg="ES256")
    database.away = True

    with pytest.raises(psycopg.OperationalError):
        loaded.refresh()

    assert {} == loaded.verify(token, **ES256)


def test_background_refresh_survives_the_database(key_set, database, kek, policy, clock, caplog):
    """Away when the process starts: tried again a second later; the log has no connection details."""
    database.away = True
    loaded = KeySet(database, [kek], policy, clock)
    with caplog.at_level(logging.WARNING, "keys"):
        loaded.start()
        try:
            assert database.asked.acquire(timeout=5)
            database.away = False
            assert database.asked.acquire(timeout=5)
        finally:
            loaded.stop()

    assert loaded.sign({}, alg="ES256")
    assert ["the key set was not refreshed: OperationalError"] == [record.getMessage() for record in caplog.records]


def test_background_refresh_waits_for_the_first_start(connection, database, kek, policy, clock):
    """A server that comes up before the job process looks again every second, not every 30."""
    loaded = KeySet(database, [kek], policy, clock)
    loaded.start()
    try:
        assert database.asked.acquire(timeout=5)
        store.apply(connection, [kek], policy, clock())
        # A look may have begun before the keys were there, and takes its time: the semaphore is only a pause here.
        for _ in range(200):
            if not loaded.public()["keys"]:
                database.asked.acquire(timeout=0.05)
    finally:
        loaded.stop()

    assert loaded.sign({}, alg="ES256")


def test_background_refresh_says_which_kek_is_missing(key_set, database, policy, clock, caplog):
    loaded = KeySet(database, [bytes(32)], policy, clock)
    with caplog.at_level(logging.WARNING, "keys"):
        loaded.start()
        assert database.asked.acquire(timeout=5)
        loaded.stop()

    assert "which is not configured" in caplog.records[0].getMessage()


def test_background_refresh_repeats(key_set, connect, kek, clock, database):
    loaded = KeySet(database, [kek], Policy(refresh_every=0), clock)
    loaded.start()
    try:
        assert all(database.asked.acquire(timeout=5) for _ in range(3))
    finally:
        loaded.stop()
