"""What docs/resource-server.md shows, run as it stands there."""

import re
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from fake_idp import ISSUER, FakeIdP
from flask import Flask

import resource_server

PAGE = Path(__file__).parents[2] / "docs" / "resource-server.md"
DOCUMENTED = {"iss": "https://id.example.com", "aud": "https://data.example.com"}


def test_the_example_of_the_documentation_works(monkeypatch: pytest.MonkeyPatch) -> None:
    """It refuses without a token, and reads the company out of one."""
    idp = FakeIdP()

    def fetch(url: str, **given: object) -> tuple[int, bytes]:
        status, body = idp.fetch(url.replace(DOCUMENTED["iss"], ISSUER), **given)
        return status, body.replace(ISSUER.encode(), DOCUMENTED["iss"].encode())

    server = partial(resource_server.ResourceServer, fetch=fetch, now=lambda: idp.now)
    monkeypatch.setattr(resource_server, "ResourceServer", server)
    example, bound = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    app = Flask(__name__)
    exec(compile(example, PAGE, "exec"), {"app": app, "load": lambda company: {"company": company}})
    client = app.test_client()
    token = idp.token(scope="datasets:read", **DOCUMENTED)
    found: dict[str, Any] = {}
    exec(compile(bound, PAGE, "exec"), found)

    assert 401 == client.get("/readings").status_code
    assert {"company": "acme"} == client.get("/readings", headers={"Authorization": f"Bearer {token}"}).json
    assert found["server"].bound_only
