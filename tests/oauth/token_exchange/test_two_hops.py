"""A portal calls the dataset service, which calls the archive: every hop over HTTP, checked by the library we ship."""

import pytest
from actors import PUBLIC_URL
from exchanging import ARCHIVE, DATA
from flask import Flask, request

from resource_server import ResourceServer, current_principal, protect, require_scope


@pytest.fixture
def serving(app, clock):
    """A resource server that reads the provider's documents over HTTP."""

    def fetch(url, *, form=None, authorization=None):
        assert form is authorization is None
        answer = app.test_client(use_cookies=False).get(url.removeprefix(PUBLIC_URL), base_url=PUBLIC_URL)
        return answer.status_code, answer.data

    def made(name, audience):
        service = Flask(name)
        protect(
            service, ResourceServer(issuer=PUBLIC_URL, audience=audience, fetch=fetch, now=lambda: clock().timestamp())
        )
        return service

    return made


@pytest.fixture
def archive_app(serving):
    """Tells for whom it was asked, and by whom."""
    service = serving("archive", ARCHIVE)

    @service.get("/copies")
    @require_scope("datasets:read")
    def copies():
        who = current_principal()
        return {"of": who.sub, "company": who.company_id, "roles": sorted(who.roles), "by": who.actor}

    return service


@pytest.fixture
def datasets_app(serving, datasets, archive_app):
    """Asks the archive on behalf of who asks it."""
    service = serving("datasets", DATA)

    @service.get("/reports")
    @require_scope("datasets:read")
    def reports():
        received = request.headers["Authorization"].removeprefix("Bearer ")
        exchanged = datasets.exchange(received, audience=ARCHIVE)
        assert 200 == exchanged.status_code, exchanged.text
        bearer = {"Authorization": f"Bearer {exchanged.json['access_token']}"}
        return archive_app.test_client().get("/copies", headers=bearer).json

    return service


def test_the_second_service_knows_for_whom_and_by_whom(token, datasets_app, north):
    """The person, the company, the roles there; and the service that acts."""
    answer = datasets_app.test_client().get("/reports", headers={"Authorization": f"Bearer {token}"})

    assert {"of": "sub-ada", "company": str(north.id), "roles": ["data_owner"], "by": "datasets"} == answer.json


def test_neither_takes_the_others_token(token, datasets, datasets_app, archive_app):
    """Passing a token on is what exchange makes unnecessary."""
    exchanged = datasets.exchange(token, audience=ARCHIVE).json["access_token"]

    for service, path, wrong in ((archive_app, "/copies", token), (datasets_app, "/reports", exchanged)):
        assert 401 == service.test_client().get(path, headers={"Authorization": f"Bearer {wrong}"}).status_code
