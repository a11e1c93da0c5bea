"""The consent page: who asks, for which company, what it could do, and what happens next."""

from dataclasses import replace

import pytest

from tests.ui.fakes import FORECAST
from tests.ui.page import Page


@pytest.fixture(autouse=True)
def _waits_for_consent(provider):
    provider.waits("consent")


def test_says_all_that_a_decision_needs(visitor, provider):
    page = Page(visitor.get("/signin/h1/consent").text)

    assert "Allow Grid Forecast to work for you?" == page.heading
    for words in (
        "Grid Forecast by Kelda Analytics · kelda.example",
        "North Sea Energy as Ada Larsen",
        "Know that it is you New",
        "Read and list datasets New Change datasets Datasets of North Sea Energy: what you may do there yourself",
        "Keep working when you are away",
        "Either way you go back to app.kelda.example.",
    ):
        assert words in page.text


def test_nothing_is_called_new_the_first_time(visitor, provider):
    provider.scopes = tuple(replace(scope, new=True) for scope in provider.scopes)

    assert "New" not in Page(visitor.get("/signin/h1/consent").text).text.split()


def test_without_a_company(visitor, provider):
    provider.consent_company = None
    page = Page(visitor.get("/signin/h1/consent").text)

    assert "ada.larsen@northsea.example" in page.text
    assert "Datasets: what you may do there yourself" in page.text


@pytest.mark.parametrize(("decision", "allowed"), [("allow", True), ("deny", False)])
def test_the_decision_is_a_button(visitor, fill, provider, decision, allowed):
    """Both have the same size and weight of words; neither is preselected."""
    buttons = Page(visitor.get("/signin/h1/consent").text).all("button", name="decision")
    answer = fill("/signin/h1/consent", decision=decision)

    assert ["deny", "allow"] == [b["value"] for b in buttons]
    assert 303 == answer.status_code
    assert ("finish", "h1", allowed) == provider.calls[-1]


@pytest.mark.parametrize("fields", [{}, {"decision": "yes"}])
def test_anything_else_decides_nothing(fill, provider, fields):
    answer = fill("/signin/h1/consent", **fields)

    assert 400 == answer.status_code
    assert not provider.calls
    assert "Choose “Allow” or “Do not allow”." in Page(answer.text).one("div", role="alert").text


def test_the_clients_papers_are_links_to_web_pages_only(visitor, provider):
    """They open beside the sign-in and learn nothing of it."""
    assert 2 == Page(visitor.get("/signin/h1/consent").text).text.count("opens in a new tab") - 1

    provider.waits("consent", client=replace(FORECAST, policy_uri="javascript:1", tos_uri="data:x", uri=None))
    assert not Page(visitor.get("/signin/h1/consent").text).all("a", target="_blank")


def test_the_clients_logo_is_not_loaded(visitor, provider):
    provider.waits("consent", client=replace(FORECAST, logo_uri="https://tracker.example/logo.png"))

    assert "tracker.example" not in visitor.get("/signin/h1/consent").text
