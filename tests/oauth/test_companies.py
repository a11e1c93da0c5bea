"""The company of a token."""

import pytest
from actors import Browser, Client, unverified


def test_only_membership_is_taken(world, browser, client):
    """With one company nobody is asked."""
    north = world.company("north")
    world.user("ada", {north: ["data_owner", "admin"]})

    tokens = client.tokens(browser, user="ada", scope="openid companies")

    access, identity = unverified(tokens["access_token"]), unverified(tokens["id_token"])
    assert (str(north.id), ["data_owner", "admin"]) == (access["company_id"], access["roles"])
    assert isinstance(access["member_ver"], int)
    assert "companies" not in access
    assert "North" == identity["company_name"]
    assert {str(north.id): ["data_owner", "admin"]} == identity["companies"]


def test_chooser_is_shown_and_its_choice_remembered_for_the_client(world, browser, client):
    """Several companies: choose once for this client within the SSO session."""
    north, kvit = world.company("north"), world.company("kvit")
    world.user("ada", [north, kvit])
    other = Client.registered(world, "other")

    chosen = client.redeem(browser.authorize(client, user="ada", choose=kvit.id)["code"]).json
    again = client.redeem(browser.authorize(client, prompt="none")["code"]).json
    elsewhere = browser.authorize(other, prompt="none")

    assert str(kvit.id) == unverified(chosen["access_token"])["company_id"]
    assert str(kvit.id) == unverified(again["access_token"])["company_id"]
    assert "interaction_required" == elsewhere["error"]


def test_select_account_shows_the_chooser_again(world, browser, client):
    """prompt=select_account: another company, without a new sign-in."""
    north, kvit = world.company("north"), world.company("kvit")
    world.user("ada", [north, kvit])
    browser.authorize(client, user="ada", choose=kvit.id)

    answer = browser.authorize(client, prompt="select_account", choose=north.id)

    assert str(north.id) == unverified(client.redeem(answer["code"]).json["access_token"])["company_id"]


@pytest.mark.parametrize("named", ["id", "slug"])
def test_company_parameter_decides(world, browser, client, named):
    """`company` by id or slug: no question."""
    north, kvit = world.company("north"), world.company("kvit")
    world.user("ada", [north, kvit])

    tokens = client.tokens(browser, user="ada", company=str(getattr(kvit, named)))

    assert str(kvit.id) == unverified(tokens["access_token"])["company_id"]


@pytest.mark.parametrize("company", ["foreign", "unknown", "00000000-0000-7000-8000-000000000000"])
def test_foreign_and_unknown_company_are_one_answer(world, browser, client, company):
    """access_denied, in the same words."""
    world.company("foreign")
    world.user("ada", [world.company("north")])

    answer = browser.authorize(client, user="ada", company=company)

    assert "access_denied" == answer["error"]
    assert "the user does not belong to this company" == answer["error_description"]


@pytest.mark.parametrize("company", ["North", "a b", "-x", "*x", "x" * 64])
def test_malformed_company_is_refused(world, browser, client, company):
    """invalid_request before anybody signs in."""
    assert "invalid_request" == browser.authorize(client, company=company)["error"]


def test_repeated_company_is_refused(world, browser, client):
    """A repeated parameter is invalid_request (RFC 6749 §3.1)."""
    assert "invalid_request" == browser.authorize(client, company=["a", "b"])["error"]


def test_no_company_gives_no_claim(world, browser, client):
    """Who belongs to none still signs in."""
    world.user("ada")

    tokens = client.tokens(browser, user="ada", scope="openid companies")

    assert not {"company_id", "roles", "member_ver"} & unverified(tokens["access_token"]).keys()
    assert {} == unverified(tokens["id_token"])["companies"]


def test_all_companies(world, browser, client):
    """company=*: the map instead of one company, without the walled ones."""
    north, kvit, walled = world.company("north"), world.company("kvit"), world.company("walled", walled=True)
    world.user("ada", {north: ["member"], kvit: ["viewer"], walled: ["member"]})

    tokens = client.tokens(browser, user="ada", company="*", scope="openid companies")

    claims = unverified(tokens["access_token"])
    assert {str(north.id): ["member"], str(kvit.id): ["viewer"]} == claims["companies"]
    assert "company_id" not in claims
    assert str(walled.id) not in str(unverified(tokens["id_token"]))
    assert "invalid_request" == client.refresh(tokens["refresh_token"], company="nowhere").json["error"]
    assert 200 == client.refresh(tokens["refresh_token"], company="*").status_code


def test_all_companies_needs_its_scope_and_its_grant(world, browser, client):
    """company=* without scope companies, or at the refresh of a grant for one company: invalid_request."""
    north, kvit = world.company("north"), world.company("kvit")
    world.user("ada", [north, kvit])
    tokens = client.tokens(browser, user="ada", company="north")

    assert "invalid_request" == browser.authorize(client, company="*")["error"]
    assert "invalid_request" == client.refresh(tokens["refresh_token"], company="*").json["error"]


def test_walled_company_names_no_other(world, browser, client):
    """With a walled company active, no other company appears anywhere."""
    north, walled = world.company("north"), world.company("walled", walled=True)
    world.user("ada", [north, walled])

    tokens = client.tokens(browser, user="ada", company="walled", scope="openid companies")

    userinfo = client.userinfo(tokens["access_token"]).json
    introspection = client.introspect(tokens["access_token"]).json
    for said in (unverified(tokens["id_token"]), userinfo, introspection, unverified(tokens["access_token"])):
        assert str(north.id) not in str(said)


def test_too_many_companies_go_the_overflow_way(world, browser, client):
    """Beyond 32: their number and where to ask (OpenID Connect Core §5.6.2); introspection has them all."""
    mine = [world.company(f"company-{number}") for number in range(33)]
    world.user("ada", mine)

    tokens = client.tokens(browser, user="ada", company="company-0", scope="openid companies")

    identity, userinfo = unverified(tokens["id_token"]), client.userinfo(tokens["access_token"]).json
    for said in (identity, userinfo):
        assert 33 == said["companies_count"]
        assert "companies" not in said
        source = said["_claim_names"]["companies"]
        assert "https://id.example.com/api/v1/me/companies" == said["_claim_sources"][source]["endpoint"]
    assert 33 == len(client.introspect(tokens["access_token"]).json["companies"])


def test_tokens_keep_their_budget_and_statements_for_thousands(world, app, browser, client):
    """An access token never exceeds 4 kB, the session cookie 1.5 kB."""
    north = world.company("north")
    ada = world.user("ada", [north])
    world.execute(
        "WITH made AS (INSERT INTO company (id, slug, name, policy)"
        " SELECT gen_random_uuid(), 'bulk-' || n, 'Bulk ' || n, '{}' FROM generate_series(1, 2000) n RETURNING id)"
        " INSERT INTO member (company_id, user_id, roles, source) SELECT id, %(user)s, '{member}', 'local' FROM made",
        user=ada.id,
    )

    tokens = client.tokens(browser, user="ada", company="*", scope="openid companies")

    assert 4096 >= len(tokens["access_token"])
    assert 2001 == unverified(tokens["access_token"])["companies_count"]
    assert 2001 == len(client.introspect(tokens["access_token"]).json["companies"])


@pytest.mark.parametrize(
    "end",
    [
        "UPDATE member SET suspended_at = now()",
        "DELETE FROM member",
        "UPDATE company SET disabled_at = now()",
        "UPDATE user_account SET disabled_at = now()",
    ],
)
def test_ended_membership_counts_at_once(world, browser, client, end):
    """For authorize, refresh and introspection, without waiting for a token to expire."""
    world.user("ada", [world.company("north")])
    tokens = client.tokens(browser, user="ada", company="north")

    world.execute(end)

    assert {"active": False} == client.introspect(tokens["access_token"]).json
    assert "invalid_grant" == client.refresh(tokens["refresh_token"]).json["error"]
    refused = browser.authorize(client, company="north", prompt="none")
    assert refused["error"] in ("access_denied", "login_required")


def test_company_may_ask_for_a_newer_sign_in(world, browser, client, clock):
    """Its policy's longest session works like max_age."""
    world.user("ada", [world.company("north", max_session=3600)])
    browser.authorize(client, user="ada")
    clock.advance(3601)

    assert "login_required" == browser.authorize(client, prompt="none")["error"]
    assert "code" in browser.authorize(client, user="ada")


def test_two_browsers_have_their_own_choice(world, app, client):
    """What one session chose is not another's."""
    north, kvit = world.company("north"), world.company("kvit")
    world.user("ada", [north, kvit])
    here, there = Browser(app), Browser(app)

    first = client.redeem(here.authorize(client, user="ada", choose=north.id)["code"]).json
    second = client.redeem(there.authorize(client, user="ada", choose=kvit.id)["code"]).json

    assert str(north.id) == unverified(first["access_token"])["company_id"]
    assert str(kvit.id) == unverified(second["access_token"])["company_id"]
