"""Whatever is typed, sent or put into an address: an answer in words, never a failure of ours, nothing half done."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.resource_server.portal.portal_world import PortalWorld

HOSTILE = [
    "",
    "\x00",
    "\ufffd",
    "\u202e",
    "'",
    "<b>",
    "%",
    "{{7*7}}",
    "9" * 30,
    "-1",
    "null",
    "*",
    "é" * 300,
    "a" * 3000,
]
VALUES = st.sampled_from(HOSTILE) | st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
GETS = (
    "/portal/",
    "/portal/company",
    "/portal/callback",
    "/portal/sign-in",
    "/portal/datasets/{}",
    "/portal/datasets/{}/why",
)
POSTS = (
    "/portal/new",
    "/portal/company",
    "/portal/datasets/{}/edit",
    "/portal/datasets/{}/mode",
    "/portal/datasets/{}/shares",
    "/portal/datasets/{}/shares/stop",
    "/portal/datasets/{}/content",
)
PARAMETERS = ("q", "show", "sort", "cursor", "state", "code", "iss", "error", "choose", "sub", "after")
FIELDS = ("name", "description", "mode", "user", "access", "end", "sub", "company", "file")
quickly = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def some(names: tuple[str, ...]) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(st.sampled_from(names), st.lists(VALUES, min_size=1, max_size=2), max_size=4)


@pytest.mark.parametrize("path", GETS)
def test_an_address_of_any_kind_is_answered(world: PortalWorld, path: str) -> None:
    dataset_id = world.person("ada").create("Wind", mode="restricted")
    browser = world.browser("ada")

    @quickly
    @given(query=some(PARAMETERS))
    def check(query: dict[str, Any]) -> None:
        assert browser.get(path.format(dataset_id), query_string=query).status_code in (200, 303, 400, 403, 404)

    check()


@pytest.mark.parametrize("path", POSTS)
def test_a_form_of_any_kind_is_answered(world: PortalWorld, path: str) -> None:
    dataset_id = world.person("ada").create("Wind", mode="restricted")
    browser = world.browser("ada")
    token = browser.token

    @quickly
    @given(fields=some(FIELDS))
    def check(fields: dict[str, Any]) -> None:
        answer = browser.post(path.format(dataset_id), csrf_token=token, **fields)
        assert answer.status_code in (303, 400, 403, 404)

    check()


@pytest.mark.parametrize(
    "dataset_id", ["%00", "%ff", "..", "%2e%2e", "x" * 2000, "00000000-0000-0000-0000-000000000000"]
)
def test_an_id_of_any_kind_is_no_dataset(world: PortalWorld, dataset_id: str) -> None:
    assert 404 == world.browser("ada").get(f"/portal/datasets/{dataset_id}").status_code


@pytest.mark.parametrize("content_type", ["multipart/form-data", "multipart/form-data; boundary=x", "text/plain", ""])
def test_a_body_of_another_kind_is_refused(world: PortalWorld, content_type: str) -> None:
    browser = world.browser("ada")
    answer = browser.client.post(
        "/portal/new", data=b"--x\r\n\xff", content_type=content_type, base_url="http://localhost:8001"
    )

    assert answer.status_code in (400, 403)
