"""The company chooser: find one of many, without script."""

from dataclasses import replace
from uuid import UUID

import pytest

from tests.ui.fakes import ADA, member_of
from tests.ui.page import Page


@pytest.fixture(autouse=True)
def _waits_for_a_company(provider):
    provider.waits("company")


def test_each_company_is_a_button(visitor, provider):
    page = Page(visitor.get("/signin/h1/company").text)

    assert "Which company are you working for?" == page.heading
    buttons = page.all("button", name="company")
    assert [str(choice.id) for choice in provider.memberships] == [button["value"] for button in buttons]
    assert "Dovre Walled Data owner, Admin" == buttons[2].text
    assert "Ada Larsen" in page.text


def test_a_choice_goes_on(fill, provider):
    answer = fill("/signin/h1/company", company=str(provider.memberships[1].id))

    assert 303 == answer.status_code
    assert ("choose_company", "h1", str(provider.memberships[1].id)) == provider.calls[-1]


def test_a_foreign_company_is_refused(fill, provider):
    answer = fill("/signin/h1/company", company="oslo")

    assert 403 == answer.status_code
    assert "You are not a member of that company." in Page(answer.text).one("div", role="alert").text


def test_no_choice_is_refused(fill, provider):
    answer = fill("/signin/h1/company")

    assert 400 == answer.status_code
    assert "Choose a company." in Page(answer.text).one("div", role="alert").text


@pytest.mark.parametrize(("count", "first"), [(8, "company"), (9, "q")])
def test_few_are_read_many_are_searched(visitor, provider, count, first):
    """The search is always there; from nine companies on it comes first and has the focus."""
    provider.memberships = member_of(count)
    text = visitor.get("/signin/h1/company").text
    search = Page(text).one("input", id="q")

    assert first == min(("q", "company"), key=lambda name: text.index(f' name="{name}"'))
    assert (first == "q") == ("autofocus" in search.attributes)


def test_at_most_100_are_shown(visitor, provider):
    """The ones used last come first, and none stands there twice."""
    provider.memberships = tuple(replace(choice, id=UUID(int=n)) for n, choice in enumerate(member_of(80) * 3))
    provider.used_lately(days=2, count=3)
    page = Page(visitor.get("/signin/h1/company").text)
    values = [b["value"] for b in page.all("button", name="company")]

    assert [str(UUID(int=n)) for n in range(4)] == values[:4]
    assert len(set(values)) == len(values) == 100
    assert "Find one of your 240 companies" == page.one("label", for_="q").text
    assert "last used 2 days ago" in page.all("button", name="company")[0].text
    assert "These are the first 100. The search finds the others." in page.text


@pytest.mark.parametrize(
    ("days", "said"), [(0, "today"), (1, "yesterday"), (9, "9 days ago"), (40, "October 15, 2026")]
)
def test_says_when_a_company_was_used(visitor, provider, days, said):
    """To the day, since nobody's time zone is known."""
    provider.used_lately(days)
    page = Page(visitor.get("/signin/h1/company").text)

    assert f"Aker Member last used {said}" == page.all("button", name="company")[0].text


def test_search_finds(visitor, provider):
    provider.memberships = member_of(80)
    provider.used_lately(days=2, count=5)
    page = Page(visitor.get("/signin/h1/company?q=hydro").text)

    assert 10 == len(page.all("button", name="company"))
    assert "hydro" == page.one("input", id="q")["value"]
    assert "Found for “hydro”" in page.text


def test_search_finds_nothing(visitor, provider):
    """Never a dead end."""
    provider.memberships = member_of(80)
    answer = visitor.get("/signin/h1/company?q=<i>Piet")
    page = Page(answer.text)

    assert 200 == answer.status_code
    assert "None of your companies matches “<i>Piet”." in page.text
    assert "Clear the search" == page.one("a", href="/signin/h1/company").text


def test_no_company_at_all(visitor, provider):
    provider.memberships = ()
    page = Page(visitor.get("/signin/h1/company").text)

    assert f"Whoever runs this service can add {ADA.email} to one; then try again." in page.text
    assert not page.all("button", name="company")
