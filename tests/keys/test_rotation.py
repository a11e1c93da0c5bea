"""The plan over time: no database, a clock that is a number."""

from dataclasses import replace
from itertools import accumulate, count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keys import Policy, UnknownKey, rotation
from keys.rotation import DAY, Key

HOUR = 3_600
START = 1_900_000_000.0
POLICY = Policy()


class Table:
    """Executes changes as the store does, and records when each key signed and was published."""

    def __init__(self, policy=POLICY):
        self.policy = policy
        self.keys = []
        self.names = count()
        self.retired_at = {}

    def run(self, now, decide=None):
        changes = (decide or rotation.plan)(self.keys, now, self.policy)
        for change in changes:
            self.execute(change, now)
        return changes

    def execute(self, change, now):
        if change.action == "create":
            activated_at = now if change.state == "active" else None
            self.keys.append(Key(f"k{next(self.names)}", change.use, change.alg, change.state, now, activated_at))
        elif change.action == "drop":
            self.keys = [key for key in self.keys if key.kid != change.kid]
        else:
            self.keys = [self.changed(key, change, now) if key.kid == change.kid else key for key in self.keys]
        self.has_one_of_each()

    def changed(self, key, change, now):
        if change.action == "activate":
            return replace(key, state="active", activated_at=now)
        self.retired_at[key.kid] = now
        return replace(key, state="retired", drop_after=change.drop_after)

    def has_one_of_each(self):
        held = [(key.use, key.alg, key.state) for key in self.keys if key.state != "retired"]
        assert len(set(held)) == len(held), "the unique index would refuse this"

    def states(self, alg):
        return sorted(key.state for key in self.keys if key.alg == alg)

    def one(self, alg, state):
        return next(key for key in self.keys if (key.alg, key.state) == (alg, state))


def test_first_start_signs_at_once():
    """An empty table: nobody can hold an older JWKS, so an active key is made, and its successor published."""
    table = Table()

    table.run(START)

    assert ["active", "next"] == table.states("ES256") == table.states("RS256") == table.states("A256GCM")


def test_nothing_is_due_before_the_lifetime_ends():
    table = Table()
    table.run(START)

    assert [] == table.run(START)
    assert [] == table.run(START + POLICY.lifetime - 1)


def test_next_takes_over_at_the_end_of_the_lifetime():
    table = Table()
    table.run(START)
    old, successor = table.one("ES256", "active"), table.one("ES256", "next")

    table.run(START + POLICY.lifetime)

    assert successor.kid == table.one("ES256", "active").kid
    assert old.kid == table.one("ES256", "retired").kid
    assert ["active", "next", "retired"] == table.states("ES256")


def test_retired_key_is_dropped_when_its_last_token_has_ended():
    """Published until the last token, signed by a process that was the last to hear, has expired everywhere."""
    table = Table()
    table.run(START)
    old = table.one("ES256", "active")
    rotated = START + POLICY.lifetime
    table.run(rotated)
    last_token_ends = rotated + POLICY.stale_after + POLICY.longest_token + POLICY.skew

    table.run(last_token_ends - 1)
    assert old.kid == table.one("ES256", "retired").kid

    table.run(last_token_ends)
    assert ["active", "next"] == table.states("ES256")


def test_retired_sealing_key_stays_for_what_it_sealed():
    table = Table()
    table.run(START)
    old = table.one("A256GCM", "active")
    table.run(START + POLICY.lifetime)

    table.run(START + POLICY.lifetime + 31 * DAY)
    assert old.kid == table.one("A256GCM", "retired").kid

    table.run(START + POLICY.lifetime + 31 * DAY + HOUR)
    assert ["active", "next"] == table.states("A256GCM")


def test_active_key_goes_on_while_its_successor_is_too_young():
    table = Table()
    table.run(START)
    late = START + POLICY.lifetime - HOUR
    for change in rotation.revoke(table.keys, table.one("ES256", "next").kid):
        table.execute(change, late)
    table.run(late)
    active = table.one("ES256", "active")

    table.run(late + 2 * HOUR)
    assert active.kid == table.one("ES256", "active").kid

    table.run(late + POLICY.publish_before)
    assert active.kid == table.one("ES256", "retired").kid


def test_added_algorithm_is_published_before_it_signs():
    table = Table()
    table.run(START)
    table.policy = Policy(signing=("ES256", "RS256", "EdDSA"))

    table.run(START + DAY)
    assert ["next"] == table.states("EdDSA")

    table.run(START + DAY + POLICY.publish_before - 1)
    assert ["next"] == table.states("EdDSA")

    table.run(START + DAY + POLICY.publish_before)
    assert ["active", "next"] == table.states("EdDSA")


def test_removed_algorithm_ends_as_any_key_ends():
    """Its `next` made nothing and goes at once; its active key is published until what it signed has expired."""
    table = Table()
    table.run(START)
    table.policy = Policy(signing=("ES256",))

    table.run(START + DAY)
    assert ["retired"] == table.states("RS256")

    table.run(START + DAY + POLICY.kept_after_retirement("sig"))
    assert [] == table.states("RS256")


def test_rotating_by_hand_skips_the_lifetime_but_not_the_publication():
    table = Table()
    table.run(START)

    assert [] == table.run(START + POLICY.publish_before - 1, rotation.rotate)

    table.run(START + POLICY.publish_before, rotation.rotate)
    assert ["active", "next", "retired"] == table.states("ES256")


def test_revoked_active_key_is_replaced_by_the_published_one():
    table = Table()
    table.run(START)
    active, successor = table.one("ES256", "active"), table.one("ES256", "next")

    changes = rotation.revoke(table.keys, active.kid)

    assert [("drop", active.kid), ("activate", successor.kid)] == [(each.action, each.kid) for each in changes]


def test_revoked_active_key_without_a_successor_is_replaced_at_once():
    alone = Key("only", "sig", "ES256", "active", START, START)

    changes = rotation.revoke([alone], "only")

    assert [("drop", None), ("create", "active")] == [(each.action, each.state) for each in changes]


@pytest.mark.parametrize("state", ["next", "retired"])
def test_revoked_key_that_does_not_sign_is_only_dropped(state):
    keys = [Key("it", "sig", "ES256", state, START), Key("other", "sig", "ES256", "active", START, START)]

    assert [("drop", "it")] == [(each.action, each.kid) for each in rotation.revoke(keys, "it")]


def test_unknown_key_cannot_be_revoked():
    with pytest.raises(UnknownKey):
        rotation.revoke([], "nobody")


def test_unknown_algorithm_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r"HS256.*known: ES256"):
        Policy(signing=("HS256",))


policies = st.builds(
    Policy,
    publish_before=st.integers(0, 3 * DAY),
    lifetime=st.integers(HOUR, 120 * DAY),
    longest_token=st.integers(60, 2 * DAY),
    longest_sealed=st.integers(60, 40 * DAY),
)
# The job process runs every few minutes, or was off for weeks.
gaps = st.lists(st.one_of(st.integers(1, 2 * HOUR), st.integers(HOUR, 40 * DAY)), min_size=30, max_size=60)


@settings(max_examples=150, deadline=None)
@given(policies, gaps)
def test_a_year_of_rotation(policy, gaps):
    """One key of each kind signs, it was published long enough, and none goes while a token needs it."""
    table = Table(policy)
    for now in accumulate(gaps, initial=START):
        if now > START + 366 * DAY:
            break
        before = {key.kid: key for key in table.keys}
        table.run(now)
        after = {key.kid for key in table.keys}

        for use, alg in policy.kept():
            active = table.one(alg, "active")
            assert START == active.created_at or active.activated_at - active.created_at >= policy.publish_before
            assert "next" in table.states(alg)
            longest = policy.longest_token if use == "sig" else policy.longest_sealed
            for gone in (key for kid, key in before.items() if kid not in after and key.alg == alg):
                assert now >= table.retired_at[gone.kid] + policy.stale_after + longest + policy.skew


def test_a_year_with_the_defaults_rotates_four_times():
    table = Table()
    used = set()
    for hour in range(366 * 24):
        table.run(START + hour * HOUR)
        used.add(table.one("ES256", "active").kid)

    assert 5 == len(used)
