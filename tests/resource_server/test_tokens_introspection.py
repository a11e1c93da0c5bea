"""Access tokens of which the IdP is asked (RFC 7662): its word, or none."""

from base64 import b64decode

import pytest
from fake_idp import AUDIENCE, NOW, FakeIdP

from resource_server import InvalidToken, Presented, ResourceServer, Unavailable


@pytest.fixture
def idp() -> FakeIdP:
    idp = FakeIdP()
    idp.introspection = (200, active(idp))
    return idp


@pytest.fixture
def server(idp: FakeIdP) -> ResourceServer:
    return idp.server(check="introspect", client_id="data", client_secret="s+ c:ret")


def active(idp: FakeIdP, **changes: object) -> dict[str, object]:
    return idp.claims(**{"active": True, "token_type": "Bearer", **changes})


def test_idp_is_asked_about_each_token(idp: FakeIdP, server: ResourceServer) -> None:
    assert "ada" == server.authenticate(Presented(["Bearer opaque-token"])).sub
    assert frozenset({"member"}) == server.verify("opaque-token").roles_in("acme")

    assert 2 == idp.asked.count("/oauth2/introspect")
    assert {"token": "opaque-token", "token_type_hint": "access_token"} == idp.form
    assert idp.authorization is not None
    assert b"data:s%2B+c%3Aret" == b64decode(idp.authorization.removeprefix("Basic "))


def test_revoked_token_ends_at_once(idp: FakeIdP, server: ResourceServer) -> None:
    server.verify("opaque-token")
    idp.introspection = (200, {"active": False})
    with pytest.raises(InvalidToken):
        server.verify("opaque-token")


@pytest.mark.parametrize(
    "changes",
    [{"aud": "https://other.example"}, {"aud": ...}, {"iss": "https://evil.example"}, {"exp": NOW - 30}, {"sub": ...},
     {"cnf": {"jkt": "x"}}, {"token_type": "DPoP"}, {"token_type": ...}, {"roles": "admin"}],
)  # fmt: skip
def test_active_token_is_judged_all_the_same(idp: FakeIdP, server: ResourceServer, changes: dict[str, object]) -> None:
    """A refresh token is active too, and has no token type that opens anything."""
    idp.introspection = (200, active(idp, **changes))
    with pytest.raises(InvalidToken):
        server.verify("opaque-token")


@pytest.mark.parametrize(
    "answer",
    [(503, {"error": "temporarily_unavailable"}), (500, b""), (401, {"error": "invalid_client"}), (302, b""),
     (200, b"active"), (200, []), (200, {}), (200, {"active": 1}), (200, {"active": "true"}), (200, {"active": None})],
)  # fmt: skip
def test_any_other_answer_is_no_answer(idp: FakeIdP, server: ResourceServer, answer: tuple[int, object]) -> None:
    idp.introspection = answer
    with pytest.raises(Unavailable):
        server.verify("opaque-token")


def test_idp_that_is_away_is_never_guessed_for(idp: FakeIdP, server: ResourceServer) -> None:
    server.verify("opaque-token")
    idp.away = True
    with pytest.raises(Unavailable):
        server.verify("opaque-token")


@pytest.mark.parametrize("token", ["", "a b", "a\nb", "ä", "=", "a,b", "x" * 8193])
def test_malformed_token_is_not_worth_a_question(idp: FakeIdP, server: ResourceServer, token: str) -> None:
    with pytest.raises(InvalidToken):
        server.verify(token)
    assert [] == idp.asked


def test_introspection_needs_credentials(idp: FakeIdP) -> None:
    for credentials in ({}, {"client_id": "data"}, {"client_secret": "s"}, {"client_id": "data", "client_secret": ""}):
        with pytest.raises(ValueError, match="client_secret"):
            idp.server(check="introspect", audience=AUDIENCE, **credentials)
