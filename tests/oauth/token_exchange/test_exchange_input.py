"""What the token endpoint refuses to exchange: RFC 8693 §2.1, §2.2.2."""

import pytest
from actors import unverified
from exchanging import DATA, TYPE, error

# -- bad input


def test_tokens_that_do_not_count(world, browser, portal, datasets, token, sign, forgeries, clock):
    """Forged, of another kind, another issuer's, too large, revoked, expired: invalid_request (§2.2.2)."""
    tokens = portal.tokens(browser, scope="openid datasets:read")
    revoked = portal.tokens(browser, scope="datasets:read")["access_token"]
    portal.revoke(revoked)
    foreign = sign({**unverified(token), "iss": "https://other.example"})
    expired = sign({**unverified(token), "exp": int(clock().timestamp())})
    gone = sign({**unverified(token), "grant_id": "00000000-0000-7000-8000-000000000000"})
    for bad in (*forgeries(token).values(), tokens["id_token"], revoked, foreign, expired, gone, "x" * 50_000, "..."):
        assert "invalid_request" == error(datasets.exchange(bad))


@pytest.mark.parametrize(
    "kind", [f"{TYPE}id_token", f"{TYPE}refresh_token", f"{TYPE}saml2", "access_token", "x" * 9000]
)
def test_types_that_are_not_exchanged(token, datasets, kind):
    """§3: an ID token gives no rights, a refresh token is its client's; nor is anything else issued."""
    assert "invalid_request" == error(datasets.exchange(token, subject_token_type=kind))
    assert "invalid_request" == error(datasets.exchange(token, requested_token_type=kind))


def test_an_id_token_is_not_taken_under_another_name(browser, portal, datasets, token):
    """Even by the client that it is for."""
    id_token = portal.tokens(browser, scope="openid")["id_token"]

    for kind in ("access_token", "jwt", "id_token"):
        assert "invalid_request" == error(portal.exchange(id_token, subject_token_type=TYPE + kind))


@pytest.mark.parametrize("name", ["subject_token", "subject_token_type"])
def test_missing_and_repeated(token, datasets, name):
    """RFC 6749 §3.2: once; empty is missing."""
    for value in (None, "", [token, token]):
        assert "invalid_request" == error(datasets.exchange(token, **{name: value}))


@pytest.mark.parametrize("name", ["requested_token_type", "actor_token", "actor_token_type", "scope"])
def test_repeated(token, datasets, name):
    """All but `resource` and `audience`."""
    assert "invalid_request" == error(datasets.exchange(token, **{name: ["a", "b"]}))


def test_a_refusal_is_no_exchange(world, token, datasets):
    """Nothing in the records."""
    datasets.exchange(token, resource=DATA)
    datasets.exchange(token, scope="jobs:run")

    assert "token.exchanged" not in world.events()


PARAMETERS = (
    "subject_token", "subject_token_type", "actor_token", "actor_token_type", "requested_token_type", "resource",
    "audience", "scope", "company",
)  # fmt: skip
SPOILT = ("x" * 7000, "\x01\x1f\x7f", "ünïcödé", '{"a": [1]}', "123", " ", "..", "\0", b"\xff")


@pytest.mark.parametrize("name", PARAMETERS)
def test_each_parameter_spoilt(world, token, datasets, name):
    """The specified error, never a failure; and nothing is exchanged."""
    for value in SPOILT:
        assert error(datasets.exchange(token, **{name: value})) in (
            "invalid_request",
            "invalid_target",
            "invalid_scope",
        )
    for value in (["x"] * 90, ["x", "x"]):
        assert error(datasets.exchange(token, **{name: value})) in ("invalid_request", "invalid_target")
    assert "token.exchanged" not in world.events()
