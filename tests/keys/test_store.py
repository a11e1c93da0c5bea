"""The signing_key table on a real PostgreSQL."""

import secrets
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from keys import CannotUnseal, KeySet, Policy, UnknownKey, WrongKek, store
from keys.rotation import DAY

COLUMNS = "kid, use, alg, state, public_jwk, sealed_private, sealed_by"


def rows(connection):
    return connection.execute(f"SELECT {COLUMNS} FROM signing_key ORDER BY kid").fetchall()


def one(connection, alg, state):
    return next(key for key in store.listed(connection) if (key.alg, key.state) == (alg, state))


def value(connection, column, kid):
    return connection.execute(f"SELECT {column} FROM signing_key WHERE kid = %s", (kid,)).fetchone()[0]


def test_first_start_makes_every_kind(connection, kek, policy, clock):
    changes = store.apply(connection, [kek], policy, clock())

    kinds = {(key.use, key.alg, key.state) for key in store.listed(connection)}
    expected = {("enc", "A256GCM"), ("sig", "ES256"), ("sig", "RS256")}
    assert {(*kind, state) for kind in expected for state in ("active", "next")} == kinds
    assert {change.kid for change in changes} == {key.kid for key in store.listed(connection)}
    assert [] == store.apply(connection, [kek], policy, clock())


def test_times_survive_the_table(table, clock):
    active = one(table, "ES256", "active")

    assert (clock(), clock(), None) == (active.created_at, active.activated_at, active.drop_after)
    assert one(table, "ES256", "next").activated_at is None


def test_nothing_secret_is_readable_at_rest(table, kek):
    """The columns hold no private part, in any encoding that we use."""
    stored = store.load(table, [kek])
    for each in stored:
        at_rest = value(table, "sealed_private", each.key.kid)
        assert each.secret not in at_rest
        assert kek not in at_rest
        assert each.public_jwk is None or not {"d", "p", "q", "k"} & each.public_jwk.keys()


def test_ten_processes_start_and_rotate_once(connect, kek, policy, clock):
    """Ten appliers at the same moment: one makes the changes, nine find nothing to do."""

    def applied(_):
        with connect() as connection:
            return store.apply(connection, [kek], policy, clock())

    with ThreadPoolExecutor(10) as processes:
        first = [changes for changes in processes.map(applied, range(10)) if changes]
        clock.advance(policy.lifetime)
        rotated = [changes for changes in processes.map(applied, range(10)) if changes]

    assert [6] == [len(changes) for changes in first]
    assert [9] == [len(changes) for changes in rotated]


def test_retired_signing_key_loses_its_private_part(table, kek, policy, clock):
    active = one(table, "ES256", "active")
    clock.advance(policy.lifetime)

    store.apply(table, [kek], policy, clock())

    assert (None, None) == (value(table, "sealed_private", active.kid), value(table, "sealed_by", active.kid))
    assert "EC" == value(table, "public_jwk", active.kid)["kty"]
    assert clock() + 3_600 + 660 == one(table, "ES256", "retired").drop_after


def test_retired_sealing_key_keeps_its_secret_until_it_is_dropped(table, kek, policy, clock):
    active = one(table, "A256GCM", "active")
    clock.advance(policy.lifetime)
    store.apply(table, [kek], policy, clock())

    assert 32 == len(next(each.secret for each in store.load(table, [kek]) if each.key.kid == active.kid))

    clock.advance(32 * DAY)
    store.apply(table, [kek], policy, clock())
    assert active.kid not in {key.kid for key in store.listed(table)}


def test_rotating_by_hand(table, kek, policy, clock):
    """`next` takes over as soon as it was published long enough, and not before."""
    successor = one(table, "RS256", "next")

    assert [] == store.rotate(table, [kek], policy, clock())

    clock.advance(policy.publish_before)
    store.rotate(table, [kek], policy, clock())
    assert successor.kid == one(table, "RS256", "active").kid


def test_revoking_replaces_the_key_at_once(table, kek, policy, clock):
    revoked, successor = one(table, "ES256", "active"), one(table, "ES256", "next")

    changes = store.revoke(table, [kek], policy, clock(), revoked.kid)

    assert ["drop", "activate", "create"] == [change.action for change in changes]
    assert successor.kid == one(table, "ES256", "active").kid
    assert one(table, "ES256", "next").kid not in {revoked.kid, successor.kid}
    assert revoked.kid not in {key.kid for key in store.listed(table)}


def test_revoking_the_unknown_changes_nothing(table, kek, policy, clock):
    before = rows(table)

    with pytest.raises(UnknownKey):
        store.revoke(table, [kek], policy, clock(), "nobody")

    assert before == rows(table)


@pytest.mark.parametrize("act", ["apply", "rotate", "revoke"])
def test_wrong_kek_is_an_error_and_never_a_second_key_set(table, policy, clock, act):
    before = rows(table)
    kid = [one(table, "ES256", "active").kid] if act == "revoke" else []
    clock.advance(policy.lifetime)

    with pytest.raises(WrongKek, match="which is not configured"):
        getattr(store, act)(table, [secrets.token_bytes(32)], policy, clock(), *kid)

    assert before == rows(table)


def test_wrong_kek_stops_the_key_set(table, connect, policy, clock):
    key_set = KeySet(connect, [secrets.token_bytes(32)], policy, clock)

    with pytest.raises(WrongKek):
        key_set.refresh()


def test_changing_the_kek_rewraps_data_keys_only(table, kek):
    """The new one seals, the old one still opens; after the rewrap it is not needed, and no key has changed."""
    new = secrets.token_bytes(32)
    before, at_rest = store.load(table, [kek]), {row[0]: row[5] for row in rows(table)}

    assert before == store.load(table, [new, kek])
    assert 6 == store.rewrap(table, [new, kek])
    assert 0 == store.rewrap(table, [new, kek])

    assert before == store.load(table, [new])
    for row in rows(table):
        assert at_rest[row[0]][:60] != row[5][:60]
        assert at_rest[row[0]][60:] == row[5][60:]


def test_rewrapping_passes_over_retired_signing_keys(table, kek, policy, clock):
    clock.advance(policy.lifetime)
    store.apply(table, [kek], policy, clock())

    assert 7 == store.rewrap(table, [secrets.token_bytes(32), kek])


@pytest.mark.parametrize("states", [("active", "next"), ("next", "active")])
def test_swapped_rows_do_not_open(table, kek, states):
    """A sealed key is bound to its kid: copying it into another row is noticed."""
    source, target = (one(table, "ES256", state).kid for state in states)
    copied = value(table, "sealed_private", source)
    table.execute("UPDATE signing_key SET sealed_private = %s WHERE kid = %s", (copied, target))

    with pytest.raises(CannotUnseal):
        store.load(table, [kek])


@pytest.mark.parametrize(("column", "content"), [("alg", "PS256"), ("use", "enc")])
def test_relabelled_row_does_not_open(table, kek, column, content):
    """A key is bound to its use and algorithm too: RS256 cannot be made to sign PS256."""
    kid = one(table, "RS256", "next").kid
    table.execute(f"UPDATE signing_key SET {column} = %s WHERE kid = %s", (content, kid))

    with pytest.raises(CannotUnseal):
        store.load(table, [kek])


@pytest.mark.parametrize("at", [0, 11, 12, 59, 60, 71, 72, -1])
def test_every_byte_at_rest_is_authenticated(table, kek, at):
    kid = one(table, "ES256", "active").kid
    sealed = bytearray(value(table, "sealed_private", kid))
    sealed[at] ^= 1
    table.execute("UPDATE signing_key SET sealed_private = %s WHERE kid = %s", (bytes(sealed), kid))

    with pytest.raises(CannotUnseal):
        store.load(table, [kek])


def test_damaged_key_can_be_revoked(table, kek, policy, clock):
    """The way out of a table that does not open; the rest must open."""
    damaged, sound = one(table, "ES256", "active").kid, one(table, "RS256", "active").kid
    table.execute("UPDATE signing_key SET sealed_private = 'x' WHERE kid = %s", (damaged,))

    with pytest.raises(CannotUnseal):
        store.revoke(table, [kek], policy, clock(), sound)
    with pytest.raises(CannotUnseal):
        store.apply(table, [kek], policy, clock())

    store.revoke(table, [kek], policy, clock(), damaged)
    assert 6 == len(store.load(table, [kek]))


def test_secrets_are_not_in_a_repr(table, kek):
    """A traceback with local variables must not print a private key."""
    assert not [each for each in store.load(table, [kek]) if repr(each.secret)[:20] in repr(each)]


@pytest.mark.parametrize("length", [0, 5, 60, 70])
def test_truncated_row_does_not_open(table, kek, length):
    kid = one(table, "ES256", "active").kid
    table.execute("UPDATE signing_key SET sealed_private = substr(sealed_private, 1, %s) WHERE kid = %s", (length, kid))

    with pytest.raises(CannotUnseal):
        store.load(table, [kek])


def test_failed_change_leaves_nothing(table, kek, policy, clock):
    """Everything that is due happens, or nothing: here the last insert is refused."""
    before = rows(table)
    clock.advance(policy.lifetime)
    table.execute("CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''no''; END'")
    table.execute(
        "CREATE TRIGGER refuse BEFORE INSERT ON signing_key FOR EACH ROW"
        " WHEN (NEW.alg = 'RS256') EXECUTE FUNCTION refuse()"
    )
    try:
        with pytest.raises(psycopg.errors.RaiseException):
            store.apply(table, [kek], policy, clock())
    finally:
        table.execute("DROP FUNCTION refuse CASCADE")

    assert before == rows(table)


def test_policy_names_the_kinds(connection, kek, clock):
    store.apply(connection, [kek], Policy(signing=("EdDSA",)), clock())

    assert {"A256GCM", "EdDSA"} == {key.alg for key in store.listed(connection)}
