"""The portal as a relying party: sign in, come back, refresh, sign out."""

from typing import Any

import psycopg
import pytest
from dataset_world import AUDIENCE, HYDRO, ISSUER, WIND
from sqlalchemy import create_engine

from local_postgres import Database
from resource_server.datasets.portal import cookies
from resource_server.datasets.portal.access import EARLY
from tests.resource_server.portal.portal_world import Browser, PortalWorld, parameters
from tests.ui.page import Page


def test_a_page_sends_whoever_is_not_signed_in_to_the_idp_and_back(world: PortalWorld) -> None:
    """Code flow with PKCE (S256), state, nonce, both resources and the scopes of the portal; then the page itself."""
    dataset_id = world.person("ines").create("Utsira wind")
    browser = world.browser()
    away = browser.get(f"/portal/datasets/{dataset_id}")
    asked = parameters(away.location)

    assert 303 == away.status_code
    assert [AUDIENCE, f"{ISSUER}/api"] == [value for name, value in asked if name == "resource"]
    assert "openid profile email companies datasets:read datasets:modify datasets:share" == dict(asked)["scope"]

    back = browser.come_back(world.idp.authorize(away.location, "sub-ines", WIND))

    assert 303 == back.status_code
    assert f"/portal/datasets/{dataset_id}" == back.location
    assert "Utsira wind" == browser.page(back.location).heading
    assert "Ines Larsen" in browser.page(back.location).text


def test_state_nonce_and_verifier_differ_each_time(world: PortalWorld) -> None:
    browser = world.browser()
    first, second = (dict(parameters(browser.get("/portal/").location)) for _ in range(2))

    assert all(first[name] != second[name] for name in ("state", "nonce", "code_challenge"))


def test_tabs_sign_in_side_by_side(world: PortalWorld) -> None:
    browser = world.browser()
    tabs = [browser.get("/portal/").location for _ in range(2)]
    answers = [browser.come_back(world.idp.authorize(url, "sub-ines", WIND)) for url in tabs]

    assert [303, 303] == [answer.status_code for answer in answers]


def refused(browser: Browser, answer: dict[str, str]) -> str:
    back = browser.come_back(answer)
    assert 400 == back.status_code
    assert 303 == browser.get("/portal/").status_code, "nobody is signed in"
    return Page(back.text).heading


@pytest.mark.parametrize(
    "change",
    [
        {"state": "none"},
        {"state": ""},
        {"iss": "https://elsewhere.example"},
        {"iss": None},
        {"state": None},
        {"code": "another"},
    ],
    ids=str,
)
def test_an_answer_that_is_not_the_idps_to_this_sign_in_is_refused(world: PortalWorld, change: dict[str, Any]) -> None:
    """RFC 6749 §10.12, RFC 9207 §2.4."""
    browser = world.browser()
    answer = world.idp.authorize(browser.get("/portal/").location, "sub-ines", WIND) | change

    assert "This sign-in cannot go on" == refused(
        browser, {name: value for name, value in answer.items() if value is not None}
    )


def test_an_answer_is_refused_in_another_browser(world: PortalWorld) -> None:
    """Nobody can be signed in as somebody else with a prepared link, and the code is not spent on it."""
    theirs, mine = world.browser(), world.browser()
    answer = world.idp.authorize(theirs.get("/portal/").location, "sub-ada", WIND)
    mine.get("/portal/")

    assert "This sign-in cannot go on" == refused(mine, answer)
    assert 400 == world.browser().come_back(answer).status_code
    assert answer["code"] in world.idp.codes


def test_a_code_of_another_sign_in_is_refused(world: PortalWorld) -> None:
    """PKCE: a code that an attacker was given does not fit this browser's verifier (RFC 9700 §2.1.1)."""
    theirs, mine = world.browser(), world.browser()
    injected = world.idp.authorize(theirs.get("/portal/").location, "sub-ada", WIND)["code"]
    answer = world.idp.authorize(mine.get("/portal/").location, "sub-ines", WIND)

    assert "This sign-in cannot go on" == refused(mine, {**answer, "code": injected})


def test_a_sign_in_that_took_too_long_begins_again(world: PortalWorld) -> None:
    browser = world.browser()
    answer = world.idp.authorize(browser.get("/portal/").location, "sub-ines", WIND)
    world.now += 3600

    assert "This sign-in cannot go on" == refused(browser, answer)


def test_a_repeated_parameter_is_refused(world: PortalWorld) -> None:
    browser = world.browser()
    answer = world.idp.authorize(browser.get("/portal/").location, "sub-ines", WIND)
    back = browser.get(f"/portal/callback?code={answer['code']}&code=x&state={answer['state']}&iss={ISSUER}")

    assert 400 == back.status_code


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://elsewhere.example"},
        {"aud": "another"},
        {"aud": ["portal", "another"]},
        {"exp": 1_799_990_000},
        {"iat": 1_900_000_000},
        {"nonce": "another"},
        {"nonce": ...},
        {"sub": ...},
        {"at_hash": "another"},
        {"azp": "another"},
    ],
    ids=str,
)
def test_an_id_token_that_is_not_for_this_sign_in_is_refused(world: PortalWorld, changes: dict[str, Any]) -> None:
    """OpenID Connect Core §3.1.3.7."""
    browser = world.browser()
    answer = world.idp.authorize(browser.get("/portal/").location, "sub-ines", WIND)
    world.idp.changes = changes

    assert "This sign-in cannot go on" == refused(browser, answer)


def test_an_id_token_with_a_foreign_signature_is_refused(world: PortalWorld) -> None:
    browser = world.browser()
    answer = world.idp.authorize(browser.get("/portal/").location, "sub-ines", WIND)
    browser.get("/portal/")
    world.idp.rsa = type(world.idp.rsa).generate_key(2048, {"kid": "r1", "use": "sig", "alg": "RS256"})
    other = world.browser()
    assert 303 == other.sign_in("ada").status_code, "these keys are the ones that are fetched"
    world.idp.rsa = type(world.idp.rsa).generate_key(2048, {"kid": "r1", "use": "sig", "alg": "RS256"})

    assert "This sign-in cannot go on" == refused(browser, answer)


@pytest.mark.parametrize(
    ("error", "heading", "way"),
    [
        ("access_denied", "You were not signed in", "Choose a company"),
        ("unmet_authentication_requirements", "You cannot work for this company here", "Choose a company"),
        ("server_error", "You were not signed in", "Sign in again"),
    ],
)
def test_a_refusal_of_the_idp_is_a_page_with_a_way_on(world: PortalWorld, error: str, heading: str, way: str) -> None:
    browser = world.browser()
    state = dict(parameters(browser.get("/portal/").location))["state"]
    back = browser.come_back({"error": error, "state": state, "iss": ISSUER})
    page = Page(back.text)

    assert 403 == back.status_code
    assert heading == page.heading
    assert way in page.text
    assert error in page.text


def test_choosing_a_company_asks_the_idp_to_ask(world: PortalWorld) -> None:
    asked = dict(parameters(world.browser().get("/portal/sign-in?choose=company").location))

    assert "select_account" == asked["prompt"]


def test_the_cookie_is_sealed_and_the_row_too(world: PortalWorld, portal_database: Database) -> None:
    """A stolen database signs nobody in, and a stolen cookie tells nothing about its owner."""
    browser = world.browser("ines")
    cookie = browser.client.get_cookie("portal", "localhost")
    assert cookie is not None
    with psycopg.connect(portal_database.owner) as connection:
        ((sealed,),) = connection.execute("SELECT sealed FROM datasets.portal_session").fetchall()

    assert cookie.http_only
    assert "Lax" == cookie.same_site
    assert cookie.expires is None
    assert 5 == len(cookie.value.split("."))
    assert len(cookie.value) < 400
    assert 5 == len(sealed.split("."))
    assert not any(refresh_token in sealed for refresh_token in world.idp.grants)


def test_a_new_sign_in_ends_the_old_session(world: PortalWorld, portal_database: Database) -> None:
    browser = world.browser("ines")
    old = browser.client.get_cookie("portal", "localhost")
    away = browser.get("/portal/sign-in")
    browser.come_back(world.idp.authorize(away.location, "sub-ada", WIND))
    assert old is not None

    assert "Ada Larsen" in browser.page("/portal/").text
    browser.client.set_cookie("portal", old.value, domain="localhost")
    assert 303 == browser.get("/portal/").status_code


@pytest.mark.parametrize("value", ["", "x", "a.b.c.d.e", "eyJhbGciOiJkaXIifQ....", "\xff", "e" * 3000])
def test_a_cookie_that_is_not_ours_is_no_session(world: PortalWorld, value: str) -> None:
    browser = world.browser()
    browser.client.set_cookie("portal", value, domain="localhost")

    assert 303 == browser.get("/portal/").status_code


def test_one_kind_of_cookie_does_not_pass_for_another(world: PortalWorld) -> None:
    browser = world.browser("ines")
    sign_in = browser.client.get_cookie("portal-sign-in", "localhost")
    assert sign_in is not None
    browser.client.set_cookie("portal", sign_in.value, domain="localhost")

    assert 303 == browser.get("/portal/").status_code


def test_the_api_does_not_take_the_portals_cookie(world: PortalWorld) -> None:
    browser = world.browser("ines")

    assert 200 == browser.get("/portal/").status_code
    assert 401 == browser.get("/datasets").status_code


def test_the_access_token_is_refreshed_shortly_before_it_ends(world: PortalWorld) -> None:
    browser = world.browser("ines")
    world.now += 300 - EARLY - 1
    browser.page("/portal/")
    assert ["authorization_code"] == [form["grant_type"] for form in world.idp.forms]

    world.now += 2
    browser.page("/portal/")
    browser.page("/portal/")

    assert ["authorization_code", "refresh_token"] == [form["grant_type"] for form in world.idp.forms]
    assert WIND == world.idp.forms[-1]["company"]
    assert AUDIENCE == world.idp.forms[-1]["resource"]


def test_a_role_that_was_taken_away_counts_after_the_refresh(world: PortalWorld) -> None:
    browser = world.browser("ines")
    world.idp.members[WIND]["sub-ines"]["roles"] = ["viewer"]
    world.now += 300

    assert not browser.page("/portal/").all("a", href="/portal/new")


def test_a_session_that_ended_at_the_idp_ends_here(world: PortalWorld) -> None:
    """invalid_grant: the refresh token is bound to the session at the IdP."""
    browser = world.browser("ines")
    cookie = browser.client.get_cookie("portal", "localhost")
    world.idp.grants.clear()
    world.now += 300
    away = browser.get("/portal/new")

    assert away.location.startswith(f"{ISSUER}/oauth2/authorize?")
    assert cookie is not None
    world.now -= 300
    browser.client.set_cookie("portal", cookie.value, domain="localhost")
    assert 303 == browser.get("/portal/").status_code


def test_a_form_that_comes_after_the_end_says_so(world: PortalWorld) -> None:
    browser = world.browser("ines")
    token = browser.token
    world.idp.grants.clear()
    world.now += 300
    answer = browser.post("/portal/new", csrf_token=token, name="Late")

    assert 403 == answer.status_code
    assert "You were signed out" == Page(answer.text).heading


def test_twelve_hours_are_the_most(world: PortalWorld) -> None:
    browser = world.browser("ines")
    world.now += 12 * 3600

    assert 303 == browser.get("/portal/").status_code


def test_an_id_token_about_somebody_else_ends_the_session(world: PortalWorld) -> None:
    """OpenID Connect Core §12.2: after a refresh the subject must be the same."""
    browser = world.browser("ines")
    world.idp.changes = {"sub": "sub-ada"}
    world.now += 300

    assert 303 == browser.get("/portal/").status_code


def test_while_the_idp_is_away_people_work_on_until_their_token_ends(world: PortalWorld) -> None:
    browser = world.browser("ines")
    browser.page("/portal/")
    world.idp.away = True
    world.now += 300 - EARLY + 1
    assert 200 == browser.get("/portal/").status_code

    world.now += EARLY
    answer = browser.get("/portal/")

    assert 503 == answer.status_code
    assert "5" == answer.headers["Retry-After"]
    assert "We cannot show this right now" == Page(answer.text).heading
    world.idp.away = False
    assert 200 == browser.get("/portal/").status_code


@pytest.mark.parametrize(
    "answer",
    [(500, b"{}"), (502, b"<html>"), (200, b"[]"), (200, b"{}"), (200, b'{"access_token": "x", "refresh_token": 1}')],
    ids=str,
)
def test_a_token_endpoint_that_talks_nonsense_is_away(world: PortalWorld, answer: tuple[int, bytes]) -> None:
    browser = world.browser("ines")
    world.idp.answers["/oauth2/token"] = answer
    world.now += 300

    assert 503 == browser.get("/portal/").status_code


def test_signing_out_ends_the_session_here_and_leads_to_the_idp(world: PortalWorld, portal_database: Database) -> None:
    """RP-Initiated Logout: the IdP learns who, and where to send them afterwards."""
    browser = world.browser("ines")
    cookie = browser.client.get_cookie("portal", "localhost")
    answer = browser.send("/portal/sign-out")
    asked = dict(parameters(answer.location))

    assert 303 == answer.status_code
    assert answer.location.startswith(f"{ISSUER}/oauth2/logout?")
    assert f"{AUDIENCE}/portal/signed-out" == asked["post_logout_redirect_uri"]
    assert 3 == len(asked["id_token_hint"].split("."))
    page = browser.page(f"/portal/signed-out?state={asked['state']}")
    assert "You are signed out" == page.heading
    assert "and so has your sign-in at localhost:8000" in page.text
    with psycopg.connect(portal_database.owner) as connection:
        assert [] == connection.execute("SELECT 1 FROM datasets.portal_session").fetchall()
    assert cookie is not None
    browser.client.set_cookie("portal", cookie.value, domain="localhost")
    assert 303 == browser.get("/portal/").status_code


def test_two_requests_that_refresh_at_once_keep_one_set_of_tokens(world: PortalWorld) -> None:
    """The slower one finds the row changed and uses what the faster one stored."""
    portal = world.app.extensions["portal"]
    browser = world.browser("ines")
    with world.app.test_request_context("/", headers={"Cookie": _cookies(browser)}):
        stale = cookies.session(portal)
    world.now += 300
    browser.page("/portal/")
    kept = portal.sessions.change(stale, stale.signed_in.model_copy(update={"access_token": "late"}))

    assert "late" != kept.signed_in.access_token
    assert 200 == browser.get("/portal/").status_code


def _cookies(browser: Browser) -> str:
    cookie = browser.client.get_cookie("portal", "localhost")
    assert cookie is not None
    return f"portal={cookie.value}"


def test_whoever_has_no_company_is_told_what_to_do(world: PortalWorld) -> None:
    page = world.browser("nobody", company=None).page("/portal/")

    assert "You are not a member of any company yet" in page.text
    assert HYDRO not in page.text


def test_signing_out_works_while_the_idp_is_away_and_after_the_token_ended(world: PortalWorld) -> None:
    browser = world.browser("ines")
    token = browser.token
    world.now += 3600
    world.idp.away = True
    answer = browser.post("/portal/sign-out", csrf_token=token)

    assert 303 == answer.status_code
    assert f"{ISSUER}/oauth2/logout" in answer.location, "its address is known from before"
    world.idp.away = False
    assert 303 == browser.get("/portal/").status_code
    assert "/portal/signed-out" == browser.post("/portal/sign-out").location, "twice is no mistake"
    assert "You may still be signed in at localhost:8000" in browser.page("/portal/signed-out").text


def test_a_token_that_never_counts_sends_nobody_round_and_round(world: PortalWorld) -> None:
    """A wrong audience in the settings is seen at the callback, not by a browser that gives up."""
    browser = world.browser()
    answer = world.idp.authorize(browser.get("/portal/").location, "sub-ines", WIND)
    world.service.tokens.audience = "https://elsewhere.example"

    assert "This sign-in cannot go on" == refused(browser, answer)


def test_userinfo_about_somebody_else_is_not_used(world: PortalWorld) -> None:
    """OpenID Connect Core §5.3.2."""
    browser = world.browser()
    answer = world.idp.authorize(browser.get("/portal/").location, "sub-ines", WIND)
    world.idp.answers["/oauth2/userinfo"] = (200, b'{"sub": "sub-ada", "name": "Ada"}')

    assert 503 == browser.come_back(answer).status_code


@pytest.mark.parametrize("answer", [b"{}", b'{"items": [{}]}', b'{"items": [1]}', b'{"items": null}'])
def test_companies_that_are_nonsense_are_no_answer(world: PortalWorld, answer: bytes) -> None:
    browser = world.browser("ines")
    world.idp.answers["/api/v1/me/companies"] = (200, answer)

    assert 503 == browser.get("/portal/company").status_code


def test_while_the_idp_is_away_nobody_is_sent_there(world: PortalWorld) -> None:
    world.idp.away = True
    answer = world.browser().get("/portal/")

    assert 503 == answer.status_code
    assert "We cannot show this right now" == Page(answer.text).heading


def test_while_the_database_is_away_pages_say_so(world: PortalWorld) -> None:
    browser = world.browser("ines")
    engine = world.service.database.engine
    world.service.database.engine = create_engine("postgresql+psycopg://nobody@127.0.0.1:1/none")
    answer = browser.get("/portal/")
    world.service.database.engine = engine

    assert 503 == answer.status_code
    assert "5" == answer.headers["Retry-After"]
