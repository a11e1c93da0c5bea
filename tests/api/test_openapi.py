"""The description: valid OpenAPI 3.1, public, and of every route."""

import re

import pytest
from actors import PUBLIC_URL
from openapi_spec_validator import validate


@pytest.fixture
def document(app):
    return app.test_client().get("/api/v1/openapi.json", base_url=PUBLIC_URL).json


def test_it_is_public_and_may_be_kept(app, document):
    answer = app.test_client().get("/api/v1/openapi.json", base_url=PUBLIC_URL)

    assert 200 == answer.status_code
    assert "application/json" == answer.content_type
    assert "public, max-age=3600" == answer.headers["Cache-Control"]
    assert "Vary" not in answer.headers
    assert document == answer.json


def test_it_is_valid(document):
    """By the schema of OpenAPI 3.1; no reference leads nowhere, no part is left unused."""
    validate(document)

    text = str(document)
    for kind in ("schemas", "parameters", "responses"):
        for name in document["components"][kind]:
            assert f"#/components/{kind}/{name}'" in text, name


def test_every_route_is_described(routes, document):
    """Its path, its methods, and each parameter of the path."""
    described = {path: {method.upper() for method in methods} for path, methods in document["paths"].items()}

    assert described == {re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule): methods for rule, methods in routes.items()}
    for path, methods in document["paths"].items():
        parameters = [ref["$ref"].rsplit("/", 1)[1] for ref in methods["get"].get("parameters", [])]
        in_path = {name for name in parameters if "path" == document["components"]["parameters"][name]["in"]}
        assert set(re.findall(r"{(\w+)}", path)) == in_path


def test_it_names_this_provider(document):
    assert "3.1.0" == document["openapi"]
    assert [{"url": f"{PUBLIC_URL}/api/v1"}] == document["servers"]
    scheme = document["components"]["securitySchemes"]["access_token"]
    assert f"{PUBLIC_URL}/.well-known/openid-configuration" == scheme["openIdConnectUrl"]


def test_the_scopes_are_those_of_the_resource(app, document):
    """Every scope that a route asks for can be had for this API."""
    from idp.clients import client as clients

    needed = {
        scope
        for path in document["paths"].values()
        for rule in path["get"]["security"]
        for scope in rule["access_token"]
    }
    with app.app_context():
        offered = clients.api_resource().scopes.keys()

    assert needed <= {"openid", *offered}


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "TRACE"])
def test_other_methods_are_named_as_such(app, routes, method):
    """405 with Allow, as a problem."""
    for rule in routes:
        path = re.sub(r"<[^>]+>", "x", rule)
        answer = app.test_client().open(f"/api/v1{path}", method=method, base_url=PUBLIC_URL)
        assert 405 == answer.status_code
        assert {"GET", "HEAD", "OPTIONS"} == set(answer.headers["Allow"].split(", "))
        assert "application/problem+json" == answer.content_type


def test_a_path_that_is_no_route_is_a_problem(app):
    for path in ("/api/", "/api/v1", "/api/v1/", "/api/v2/me", "/api/v1/me/", "/api/v1//me", "/api/v1/me;x=1"):
        answer = app.test_client().get(path, base_url=PUBLIC_URL)
        assert 404 == answer.status_code
        assert "application/problem+json" == answer.content_type
        assert {"type": "about:blank", "title": "Not Found", "status": 404} == {
            name: value for name, value in answer.json.items() if name != "detail"
        }
