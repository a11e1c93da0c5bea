"""Flask views behind tokens, as an integrator writes them and a client meets them."""

from collections.abc import Mapping

import pytest
from fake_idp import AUDIENCE, ISSUER, NOW, FakeIdP
from flask import Flask, g
from flask.testing import FlaskClient
from werkzeug.datastructures import Headers

from resource_server import protect, require_scope

METADATA = f'resource_metadata="{AUDIENCE}/.well-known/oauth-protected-resource"'


@pytest.fixture
def idp() -> FakeIdP:
    return FakeIdP()


def application(idp: FakeIdP, **settings: object) -> FlaskClient:
    app = Flask(__name__)
    protect(app, idp.server(scopes=["reports:read", "reports:write"], **settings))

    @app.get("/reports")
    @require_scope("reports:read")
    def reports() -> Mapping[str, str]:
        return {"sub": g.principal.sub}

    @app.put("/reports")
    @require_scope("reports:read", "reports:write")
    @require_scope()
    def replace() -> Mapping[str, str]:
        return {"company": g.principal.company_id}

    @app.get("/open")
    def open_to_all() -> Mapping[str, bool]:
        return {"principal": "principal" in g}

    return app.test_client()


@pytest.fixture
def client(idp: FakeIdP) -> FlaskClient:
    return application(idp)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_good_token_reaches_the_view(idp: FakeIdP, client: FlaskClient) -> None:
    response = client.get("/reports", headers=bearer(idp.token(scope="reports:read")))

    assert 200 == response.status_code
    assert {"sub": "ada"} == response.json


def test_missing_token(client: FlaskClient) -> None:
    """RFC 6750 §3.1: no code; RFC 9728 §5.1: the way to the metadata."""
    response = client.get("/reports")

    assert 401 == response.status_code
    assert f"Bearer {METADATA}" == response.headers["WWW-Authenticate"]
    assert "application/problem+json" == response.content_type
    assert "no-store" == response.headers["Cache-Control"]
    assert {"status": 401, "title": "Unauthorized"} == response.json


def test_bad_token(idp: FakeIdP, client: FlaskClient) -> None:
    response = client.get("/reports", headers=bearer(idp.token(exp=idp.now - 60)))

    assert 401 == response.status_code
    expected = f'Bearer error="invalid_token", error_description="the token has expired", {METADATA}'
    assert expected == response.headers["WWW-Authenticate"]
    assert {
        "status": 401,
        "title": "Unauthorized",
        "error": "invalid_token",
        "detail": "the token has expired",
    } == response.json


def test_missing_scope(idp: FakeIdP, client: FlaskClient) -> None:
    """All of a view's scopes are needed, each exactly."""
    for scope in ("reports:read", "reports:write", "reports", "reports:read reports:writer", ""):
        response = client.put("/reports", headers=bearer(idp.token(scope=scope)))

        assert 403 == response.status_code
        assert 'Bearer error="insufficient_scope"' in response.headers["WWW-Authenticate"]
        assert 'scope="reports:read reports:write"' in response.headers["WWW-Authenticate"]


def test_token_is_checked_once_a_request(idp: FakeIdP) -> None:
    idp.introspection = (200, idp.claims(active=True, token_type="Bearer", scope="reports:write reports:read"))
    client = application(idp, check="introspect", client_id="reports", client_secret="s")

    assert {"company": "acme"} == client.put("/reports", headers=bearer("opaque")).json
    assert 1 == idp.asked.count("/oauth2/introspect")


def test_one_request_knows_nothing_of_the_one_before(idp: FakeIdP, client: FlaskClient) -> None:
    client.get("/reports", headers=bearer(idp.token(scope="reports:read")))

    assert 401 == client.get("/reports").status_code
    assert {"principal": False} == client.get("/open").json


def test_two_headers(idp: FakeIdP, client: FlaskClient) -> None:
    header = ("Authorization", f"Bearer {idp.token(scope='reports:read')}")
    response = client.get("/reports", headers=Headers([header, header]))

    assert 400 == response.status_code
    assert 'error="invalid_request"' in response.headers["WWW-Authenticate"]


def test_token_elsewhere_is_not_read(idp: FakeIdP, client: FlaskClient) -> None:
    """RFC 6750 §2.2 and §2.3 offer body and query; URLs and bodies get logged."""
    token = idp.token(scope="reports:read")
    client.set_cookie("access_token", token)

    assert 401 == client.get("/reports", query_string={"access_token": token}).status_code
    assert 401 == client.put("/reports", data={"access_token": token}).status_code


def test_idp_that_is_away(idp: FakeIdP, client: FlaskClient) -> None:
    idp.away = True
    response = client.get("/reports", headers=bearer(idp.token(scope="reports:read")))

    assert 503 == response.status_code
    assert "5" == response.headers["Retry-After"]
    assert "WWW-Authenticate" not in response.headers
    assert b"ConnectionRefused" not in response.data


@pytest.mark.parametrize(
    ("sign_in", "status"),
    [
        ({"acr": "urn:idp:2fa", "auth_time": NOW - 300}, 200),
        ({"acr": "phr", "auth_time": NOW}, 200),
        ({"acr": "urn:idp:1fa", "auth_time": NOW}, 401),
        ({"auth_time": NOW}, 401),
        ({"acr": "urn:idp:2fa", "auth_time": NOW - 301}, 401),
        ({"acr": "urn:idp:2fa"}, 401),
    ],
)
def test_step_up(idp: FakeIdP, sign_in: dict[str, object], status: int) -> None:
    """RFC 9470 §3: what would have been enough stands in the challenge."""
    app = Flask(__name__)
    protect(app, idp.server())

    @app.get("/secret")
    @require_scope("reports:read", acr_values=("urn:idp:2fa", "phr"), max_age=300)
    def secret() -> Mapping[str, str]:
        return {}

    answer = app.test_client().get("/secret", headers=bearer(idp.token(scope="reports:read", **sign_in)))

    assert status == answer.status_code
    if status == 401:
        challenge = answer.headers["WWW-Authenticate"]
        assert challenge.startswith('Bearer error="insufficient_user_authentication"')
        assert 'acr_values="urn:idp:2fa phr", max_age="300"' in challenge


def test_metadata(client: FlaskClient) -> None:
    """RFC 9728 §3."""
    response = client.get("/.well-known/oauth-protected-resource")

    assert {
        "resource": AUDIENCE,
        "authorization_servers": [ISSUER],
        "scopes_supported": ["reports:read", "reports:write"],
        "bearer_methods_supported": ["header"],
        "dpop_signing_alg_values_supported": ["ES256", "EdDSA", "PS256", "RS256"],
    } == response.json


@pytest.mark.parametrize(
    ("settings", "url"),
    [
        ({"audience": "https://data.example/v1"}, "https://data.example/.well-known/oauth-protected-resource/v1"),
        ({"audience": "https://data.example/"}, "https://data.example/.well-known/oauth-protected-resource"),
        (
            {"audience": "urn:example:data", "public_url": "http://localhost:8001"},
            "http://localhost:8001/.well-known/oauth-protected-resource",
        ),
    ],
)
def test_metadata_is_where_the_challenge_says(idp: FakeIdP, settings: dict[str, str], url: str) -> None:
    client = application(idp, **settings)

    assert f'resource_metadata="{url}"' in client.get("/reports").headers["WWW-Authenticate"]
    assert settings["audience"] == client.get(url).json["resource"]
