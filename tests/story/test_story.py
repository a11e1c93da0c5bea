"""The main job, end to end, in a real browser: sign in once, choose a company, restrict a dataset, be refused."""

import json
import re
from contextlib import contextmanager

import pytest
import requests
from authlib.integrations.requests_client import OAuth2Session
from playwright.sync_api import expect, sync_playwright

from examples import authlib_client

pytestmark = pytest.mark.browser
DATASET = "Wind production"


@pytest.fixture(scope="module")
def chromium():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def person(chromium, demo, name, company=None):
    """Somebody who has signed in at the portal, in a browser of their own; scripts are off."""
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(demo.portal)
    page.get_by_label("Work e-mail or user name").fill(name)
    page.get_by_label("Password").fill(demo.password(name))
    page.get_by_role("button", name="Sign in").click()
    if company:
        page.get_by_role("button", name=re.compile(company)).click()
    expect(page.get_by_role("heading", name="Datasets", exact=True)).to_be_visible()
    yield page
    context.close()


def api_token(demo, name, company):
    """An access token for the dataset service, by the command-line client's code flow."""
    found = requests.get(f"{demo.issuer}/.well-known/openid-configuration", timeout=10).json()
    client = OAuth2Session(
        "cli",
        redirect_uri=authlib_client.REDIRECT_URI,
        scope="openid companies datasets:read datasets:modify",
        code_challenge_method="S256",
        token_endpoint_auth_method="none",
    )
    somebody = authlib_client.Person(name, demo.password(name))
    return authlib_client.sign_in(client, somebody, found, company)["access_token"]


def test_the_whole_story(chromium, demo):
    """An owner restricts a dataset to one reader; the API enforces it; a consultant switches; sign-out ends it all."""
    ines = {"Authorization": f"Bearer {api_token(demo, 'ines', 'north-sea-energy')}"}
    mette = {"Authorization": f"Bearer {api_token(demo, 'mette', 'north-sea-energy')}"}
    tom = {"Authorization": f"Bearer {api_token(demo, 'tom', 'tradewind-gas')}"}

    with person(chromium, demo, "ada", "North Sea Energy") as page:
        page.get_by_role("link", name=DATASET).click()
        url = f"{demo.service}/datasets/{page.url.rsplit('/', 1)[1]}"
        page.get_by_label("Person by person").check()
        page.get_by_role("button", name="Save who can use it").click()
        page.get_by_label("Colleague").fill("ines")
        page.get_by_label("Read", exact=True).check()
        page.get_by_role("button", name="Share", exact=True).click()
        expect(page.get_by_role("button", name="Stop sharing with")).to_be_visible()

        assert 200 == requests.get(url, headers=ines, timeout=10).status_code
        assert 200 == requests.get(f"{url}/content", headers=ines, timeout=10).status_code
        refused = requests.put(url, json={"description": "mine"}, headers=ines, timeout=10)
        assert (403, "dataset") == (refused.status_code, refused.json()["reason"])
        stranger = requests.get(url, headers=mette, timeout=10)
        assert (403, "dataset") == (stranger.status_code, stranger.json()["reason"])
        assert 404 == requests.get(url, headers=tom, timeout=10).status_code

        page.get_by_role("button", name="Stop sharing with").click()
        refused = requests.get(url, headers=ines, timeout=10)
        assert (403, "dataset") == (refused.status_code, refused.json()["reason"])

        page.get_by_role("button", name="Sign out").click()
        page.goto(f"{demo.issuer}/account")
        expect(page.get_by_label("Password")).to_be_visible()


def test_consultant_switches_company_without_a_new_sign_in(chromium, demo):
    """Other company, other data, no password."""
    with person(chromium, demo, "noor", "North Sea Energy") as page:
        expect(page.get_by_role("link", name="Turbine register")).to_be_visible()

        page.get_by_role("link", name="North Sea Energy, switch").click()
        page.get_by_role("button", name="Kvitberg Hydro").click()

        expect(page.get_by_role("link", name="Reservoir levels 2026")).to_be_visible()
        expect(page.get_by_role("link", name="Turbine register")).not_to_be_visible()
        assert page.url.startswith(demo.portal)


def test_token_for_one_dataset_opens_no_other(demo):
    """RFC 9396: a machine asks for a token that reads one dataset; the service lists and opens that one alone."""

    def token(**details):
        machine = ("machine", demo.values["MACHINE_SECRET"])
        form = {"grant_type": "client_credentials", **details}
        answer = requests.post(f"{demo.issuer}/oauth2/token", form, auth=machine, timeout=10).json()
        return {"Authorization": f"Bearer {answer['access_token']}"}

    def listed(headers):
        found = requests.get(f"{demo.service}/datasets", headers=headers, timeout=10).json()["items"]
        return [dataset["id"] for dataset in found]

    one, other, *_ = listed(token())
    entry = {"type": "dataset", "actions": ["read"], "identifiers": [one], "locations": [demo.service]}
    narrow = token(authorization_details=json.dumps([entry]))

    assert [one] == listed(narrow)
    assert 200 == requests.get(f"{demo.service}/datasets/{one}", headers=narrow, timeout=10).status_code
    refused = requests.get(f"{demo.service}/datasets/{other}", headers=narrow, timeout=10)
    assert (403, "authorization_details") == (refused.status_code, refused.json()["reason"])
