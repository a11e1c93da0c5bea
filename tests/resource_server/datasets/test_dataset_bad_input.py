"""Whatever is sent to an endpoint, it is refused or done: never a 5xx."""

from typing import Any
from urllib.parse import quote

import pytest
from dataset_world import AUDIENCE, World
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

RAW = st.binary(max_size=40).map(lambda data: quote(data, safe=""))
TEXT = st.text(max_size=40)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
WORDS = {
    "name": TEXT,
    "description": TEXT,
    "mode": st.sampled_from(["company", "restricted"]) | JSON,
    "owner": st.sampled_from(["sub-ines", "sub-mette"]) | JSON,
    "access": st.sampled_from(["read", "modify"]) | JSON,
    "expires_at": st.datetimes().map(lambda moment: moment.isoformat() + "Z") | JSON,
    "subject": st.just({"type": "user", "id": "sub-mette"}) | JSON,
    "resource": st.just({"type": "dataset", "id": "x"}) | JSON,
    "action": st.sampled_from([{"name": "read"}, {"name": "share"}]) | JSON,
    "evaluations": st.lists(JSON, max_size=3) | JSON,
    "options": JSON,
}
BODIES = st.fixed_dictionaries({}, optional=WORDS) | JSON
NAMES = st.sampled_from(["limit", "cursor", "q", "owner", "mode", "sort", "sub", "action"])
QUERIES = st.lists(st.tuples(NAMES, RAW | TEXT.map(lambda text: quote(text, errors="replace"))), max_size=4)
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        name: st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=30)
        for name in ("Content-Type", "If-Match", "If-None-Match", "If-Range", "Range", "X-Request-ID", "Accept")
    },
)
PATHS = st.sampled_from(
    ["/datasets", "/datasets/{id}", "/datasets/{id}/content", "/datasets/{id}/shares", "/datasets/{id}/shares/{raw}",
     "/datasets/{raw}", "/datasets/{id}/explain", "/access/v1/evaluation", "/access/v1/evaluations",
     "/.well-known/authzen-configuration", "/.well-known/oauth-protected-resource", "/health/ready", "/{raw}"]
)  # fmt: skip
METHODS = st.sampled_from(["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
PATIENT = settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@PATIENT
@given(method=METHODS, path=PATHS, raw=RAW, query=QUERIES, headers=HEADERS, body=BODIES | st.binary(max_size=60))
def test_no_request_makes_it_fail(
    world: World, method: str, path: str, raw: str, query: list[tuple[str, str]], headers: dict[str, str], body: Any
) -> None:
    ines = world.person("ines")
    identifier = existing(world)
    where = path.format(id=identifier, raw=raw) + "?" + "&".join(f"{name}={value}" for name, value in query)
    sent: dict[str, Any] = {"data": body} if isinstance(body, bytes) else {"json": body}
    if "json" in sent:
        headers.pop("Content-Type", None)
    answer = ines.request(method, where, headers=headers, **sent)
    answer.close()

    assert answer.status_code < 500
    if answer.status_code >= 400 and method != "HEAD":
        assert "application/problem+json" == answer.content_type


@PATIENT
@given(
    changes=st.dictionaries(
        st.sampled_from(["sub", "company_id", "roles", "companies", "scope", "authorization_details", "exp", "aud"]),
        JSON | st.just(AUDIENCE),
        max_size=4,
    )
)
def test_no_token_makes_it_fail(world: World, changes: dict[str, Any]) -> None:
    """Claims of any shape: a company or nothing, never a failure."""
    identifier = existing(world)
    claims = world.claims("sub-ines", "x", ["member"]) | changes
    for path in ("/datasets", f"/datasets/{identifier}"):
        answer = world.app.test_client().get(path, headers={"Authorization": f"Bearer {world.idp.sign(claims)}"})
        assert answer.status_code in (200, 401, 403, 404)


def existing(world: World) -> str:
    ines = world.person("ines")
    names = (ines.get("/datasets").json or {})["items"]
    return str(names[0]["id"]) if names else ines.create()


@pytest.mark.parametrize("path", ["/datasets/%00", "/datasets/{}/shares/%00", "/datasets/{}/shares/sub-jonas%00"])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_nul_in_a_path_names_nothing(world: World, method: str, path: str) -> None:
    ines = world.person("ines")

    assert 404 == ines.request(method, path.format(ines.create()), json={"access": "read"}).status_code
