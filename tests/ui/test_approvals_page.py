"""What applications ask a person elsewhere, in the own account."""

import pytest

from tests.ui.fakes import ASKED
from tests.ui.page import Page


@pytest.fixture(autouse=True)
def _asked(provider):
    provider.somebody, provider.pending = True, (ASKED,)


def test_says_who_asks_and_what_it_shows(visitor):
    page = Page(visitor.get("/account/approvals").text)

    assert "Requests for you" == page.heading
    assert "Meter Desk by Kelda Analytics" in page.text
    assert "It says: “Counter 4, PX-7”" in page.text
    assert ["deny", "review"] == [button["value"] for button in page.all("button", name="decision")]


@pytest.mark.parametrize("decision", ["review", "deny"])
def test_the_answer_is_a_button(fill, provider, decision):
    answer = fill("/account/approvals", id=ASKED.id, decision=decision)

    assert 303 == answer.status_code
    assert (decision, ASKED.id) == provider.calls[-1]


@pytest.mark.parametrize("fields", [{}, {"id": "x", "decision": "allow"}, {"decision": "deny"}])
def test_anything_else_decides_nothing(fill, provider, fields):
    assert 400 == fill("/account/approvals", **fields).status_code
    assert not provider.calls


def test_a_form_without_its_token_decides_nothing(visitor, provider):
    answer = visitor.post("/account/approvals", data={"id": ASKED.id, "decision": "deny"})

    assert 400 == answer.status_code
    assert not provider.calls


def test_who_is_not_signed_in_does_that_first(visitor, provider):
    provider.somebody = False

    assert "/signin/h1" == visitor.get("/account/approvals").location
    assert ("start_page", "account.approvals") == provider.calls[-1]


def test_nothing_waits(visitor, provider):
    provider.pending = ()

    assert "Nothing waits for you." in Page(visitor.get("/account/approvals").text).text


@pytest.mark.parametrize(
    ("outcome", "words"),
    [("approved", "It was allowed."), ("denied", "Nothing was allowed"), ("over", "It was too late.")],
)
def test_what_became_of_it_is_said(visitor, outcome, words):
    page = Page(visitor.get("/account/approvals", query_string={"outcome": outcome}).text)

    assert words in page.one("div", role="status").text


def test_the_account_leads_there(visitor):
    assert "Requests for you" == Page(visitor.get("/account").text).one("a", href="/account/approvals").text


def test_the_decision_shows_the_message_and_warns(visitor, provider):
    provider.waits("consent")
    provider.asked_elsewhere, provider.message = True, "Counter 4, PX-7"
    text = Page(visitor.get("/signin/h1/consent").text).text

    assert "Does the application show these words? Counter 4, PX-7" in text
    assert "Somebody else may have begun this in your name." in text
    assert "you come back to your account" in text
