"""Two companies, the people in them, and who may ask about them."""

import json
import re
from types import SimpleNamespace
from urllib.parse import urlencode

import pytest
from actors import OPENID, PUBLIC_URL, Browser, Client
from openapi_schema_validator import OAS31Validator

from idp.api import openapi

API = f"{PUBLIC_URL}/api"


class Caller:
    """Asks the API with one token, and holds every answer to the description."""

    def __init__(self, app, token):
        self.http = app.test_client(use_cookies=False)
        self.headers = {"Authorization": f"Bearer {token}"} if token is not None else {}

    def get(self, path, *, accept=None, **query):
        url = f"/api/v1{path}" + (f"?{urlencode(query, doseq=True)}" if query else "")
        headers = self.headers | ({"Accept": accept} if accept is not None else {})
        response = self.http.get(url, headers=headers, base_url=PUBLIC_URL)
        described(response)
        return response

    def pages(self, path, **query):
        """Every page's items, in order."""
        found, cursor = [], {}
        while True:
            page = self.get(path, **query, **cursor).json
            found.append(page["items"])
            if page["next"] is None:
                return found
            cursor = {"cursor": page["next"]}


def described(response):
    """The answer is one that the description allows for this path, status and content type."""
    document = openapi.description(PUBLIC_URL, "Havn")
    responses = operation(document, response.request.path.removeprefix("/api/v1"))["responses"]
    answer = responses[str(response.status_code)]
    if "$ref" in answer:
        answer = document["components"]["responses"][answer["$ref"].rsplit("/", 1)[1]]
    schema = answer["content"][response.mimetype]["schema"]
    value = response.text if "application/jwt" == response.mimetype else json.loads(response.text)
    OAS31Validator({**schema, "components": document["components"]}).validate(value)
    if 401 == response.status_code:
        assert "WWW-Authenticate" in response.headers


def operation(document, path):
    """The description of GET for a path; a subject may hold slashes."""
    for template, methods in document["paths"].items():
        pattern = re.escape(template).replace(r"\{company\}", "[^/]+").replace(r"\{sub\}", ".+")
        if re.fullmatch(pattern, path):
            return methods["get"]
    raise AssertionError(f"{path} is not described")


class Askers:
    """Makes callers: people through the code flow, clients for themselves."""

    def __init__(self, world):
        self.world = world
        self.portal = Client.registered(
            world, "portal", scopes=[*OPENID, "members:read"], resources=["https://data.example"]
        )

    def person(self, username, *, scope="openid profile email companies members:read", resource=API, **parameters):
        return self.bearer(self.token(username, scope=scope, resource=resource, **parameters))

    def token(self, username, *, scope="openid", resource=API, **parameters):
        """An access token of a person."""
        browser = Browser(self.world.app)
        return self.portal.tokens(browser, user=username, scope=scope, resource=resource, **parameters)["access_token"]

    def machine(self, client_id, **fields):
        """A client that acts for itself."""
        registered = {"grant_types": ["client_credentials"], "scopes": ["members:read"], **fields}
        client = Client.registered(self.world, client_id, **registered)
        response = client.token(grant_type="client_credentials", scope="members:read", resource=API)
        assert 200 == response.status_code, response.text
        return self.bearer(response.json["access_token"])

    def bearer(self, token):
        return Caller(self.world.app, token)


@pytest.fixture
def askers(world):
    return Askers(world)


@pytest.fixture
def place(world):
    """North, where Ada is admin and Bo a member; South, where Cy is admin; Dee is in both."""
    north, south = world.company("north"), world.company("south")
    return SimpleNamespace(
        north=north,
        south=south,
        ada=world.user("ada", {north: ["admin", "data_owner"]}),
        bo=world.user("bo", [north]),
        cy=world.user("cy", {south: ["admin"]}),
        dee=world.user("dee", {north: ["viewer"], south: ["admin"]}),
    )


@pytest.fixture
def routes(app):
    """The API's rules below the prefix -> methods, as they are mounted."""
    found = [rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/api/")]
    return {rule.rule.removeprefix("/api/v1"): rule.methods - {"HEAD", "OPTIONS"} for rule in found}
