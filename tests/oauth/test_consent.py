"""Consent: what a user allows a client, asked once for each company."""

import pytest
from actors import Browser, Client, Forms

from idp.grants import consent


@pytest.fixture
def shop(world):
    """A client that asks."""
    return Client.registered(world, "shop", consent="ask")


def shown(browser, client, user=None, **parameters):
    """The page that an authorization request ends at."""
    browser.open(client, **parameters)
    browser.follow()
    return browser.sign_in(user) if user else browser.page


def test_consent_is_asked_once(world, browser, shop):
    """Allowed and remembered: the second time nobody is asked, and prompt=none succeeds."""
    world.user("ada")

    first = browser.authorize(shop, user="ada", allow=True)
    second = browser.authorize(shop, prompt="none")

    assert "code" in first
    assert "code" in second
    assert ["consent.granted"] == [kind for kind in world.events() if kind.startswith("consent")]


def test_prompt_none_without_consent(world, browser, shop):
    """OpenID Connect Core §3.1.2.6: consent_required."""
    world.user("ada")
    shown(browser, shop, "ada")

    assert "consent_required" == browser.authorize(shop, prompt="none")["error"]


def test_denied_consent_is_access_denied_and_not_remembered(world, browser, shop):
    """RFC 6749 §4.1.2.1; and nothing was granted."""
    world.user("ada")

    denied = browser.authorize(shop, user="ada", allow=False)

    assert ("access_denied", "st4te") == (denied["error"], denied["state"])
    assert 0 == world.count("consent") == world.count("oauth_grant")
    assert "consent.denied" in world.events()
    assert "consent_required" == browser.authorize(shop, prompt="none")["error"]


def test_more_scopes_are_asked_for_again(world, browser, shop):
    """What was allowed stays allowed; fewer scopes need nobody."""
    world.user("ada")
    browser.authorize(shop, user="ada", scope="openid email")

    assert "code" in browser.authorize(shop, prompt="none", scope="openid")
    assert "consent_required" == browser.authorize(shop, prompt="none", scope="openid phone")["error"]
    assert "code" in browser.authorize(shop, scope="openid phone")
    assert "code" in browser.authorize(shop, prompt="none", scope="openid email phone")


def test_prompt_consent_asks_again(world, browser, shop):
    """OpenID Connect Core §3.1.2.1, also of a client with implied consent."""
    implied = Client.registered(world, "portal")
    world.user("ada")
    browser.authorize(shop, user="ada")

    for client in (shop, implied):
        page = shown(browser, client, prompt="consent")
        assert "decision" in {name for form in Forms.of(page.text) for name in form["names"]}
        assert "code" in browser.authorize(client, prompt="consent")


def test_consent_is_per_company_client_and_person(world, app, browser, shop):
    """Allowed for one company is not allowed for another, nor to another client, nor by somebody else."""
    north, kvit = world.company("north"), world.company("kvit")
    world.user("ada", [north, kvit])
    world.user("bob", [north])
    other = Client.registered(world, "other", consent="ask")
    browser.authorize(shop, user="ada", company="north")

    assert "code" in browser.authorize(shop, prompt="none", company="north")
    assert "consent_required" == browser.authorize(shop, prompt="none", company="kvit")["error"]
    assert "consent_required" == browser.authorize(other, prompt="none", company="north")["error"]
    theirs = Browser(app)
    shown(theirs, shop, "bob", company="north")
    assert "consent_required" == theirs.authorize(shop, prompt="none", company="north")["error"]


def test_withdrawn_consent_is_asked_again_from_nothing(world, browser, shop):
    """What had been allowed before the withdrawal does not come back with a smaller consent."""
    world.user("ada")
    browser.authorize(shop, user="ada", scope="openid email")
    world.execute("UPDATE consent SET withdrawn_at = now()")

    assert "consent_required" == browser.authorize(shop, prompt="none", scope="openid")["error"]
    browser.authorize(shop, scope="openid")
    assert "consent_required" == browser.authorize(shop, prompt="none", scope="openid email")["error"]


def test_page_names_client_company_and_scopes(world, browser):
    """In words: the resource's own for its scopes; markup in a client's name stays text."""
    north = world.company("north", name="North & Sons")
    world.resource("https://data.example", scopes=["datasets:read"])
    client = Client.registered(
        world,
        "shop",
        consent="ask",
        client_name="Shop <b>1</b>",
        company_id=north.id,
        scopes=["openid", "datasets:read"],
        resources=["https://data.example"],
    )
    world.user("ada", [north])

    page = shown(browser, client, "ada", scope="openid datasets:read").text

    assert "Shop &lt;b&gt;1&lt;/b&gt;" in page
    assert "North &amp; Sons" in page
    assert "Words for datasets:read" in page
    assert "shop.example" in page


def test_consent_posted_by_another_person_is_void(world, browser, shop):
    """The page of one person is nothing in the hands of the next (promise P21)."""
    world.user("ada")
    world.user("bob")
    shown(browser, shop, "ada")
    stale = browser.page
    browser.http.delete_cookie("__Host-idp", domain="id.example.com")
    browser.authorize(Client.registered(world, "other"), user="bob")
    assert 200 == browser.get(stale.request.path).status_code
    browser.page = stale

    assert 400 == browser.submit(button=("decision", "allow")).status_code
    assert 0 == world.count("consent")


def test_deny_counts_though_another_tab_allowed(world, app, shop):
    """Two tabs: what the person said in this one is what its client hears."""
    world.user("ada")
    browser = Browser(app)
    first = shown(browser, shop, "ada")
    second = shown(browser, shop)
    browser.page = first
    allowed = browser.submit(button=("decision", "allow"))
    browser.page = second
    denied = browser.submit(button=("decision", "deny"))

    assert "code=" in allowed.headers["Location"]
    assert "error=access_denied" in denied.headers["Location"]


@pytest.mark.parametrize("decision", ["", "maybe", "ALLOW", None])
def test_decision_is_one_of_two(world, browser, shop, decision):
    """Anything else shows the page again and allows nothing."""
    world.user("ada")
    shown(browser, shop, "ada")
    form = next(form for form in Forms.of(browser.page.text) if "decision" in form["names"])
    data = {**form["fields"], **({"decision": decision} if decision is not None else {})}

    response = browser.http.post(browser.page.request.path, data=data, base_url="https://id.example.com", headers={})

    assert 400 == response.status_code
    assert 0 == world.count("oauth_grant")


def test_withdrawn_consent_ends_every_grant_of_the_client(app, world, browser):
    """What a client was allowed is forgotten, and what it holds ends at once, in every company."""
    client = Client.registered(world, "asked", consent="ask")
    ada = world.user("ada")
    tokens = client.tokens(browser, user="ada")

    with app.app_context():
        for client_id in ("asked", "asked", "of somebody else"):
            consent.withdraw(ada.id, client_id, app.extensions["idp"].now())

    assert "invalid_grant" == client.refresh(tokens["refresh_token"]).json["error"]
    assert {"active": False} == client.introspect(tokens["access_token"]).json
    assert "consent_required" == browser.authorize(client, prompt="none")["error"]
    # Where there was nothing to withdraw, nothing happened.
    assert 1 == world.events().count("consent.revoked")


def test_consent_without_a_company_says_nothing_about_all_of_them(world, browser):
    """What was allowed where there was no company is not an answer for every company that came later."""
    client = Client.registered(world, "asked", consent="ask")
    ada = world.user("ada")
    browser.authorize(client, user="ada", scope="openid companies")
    for slug in ("north", "kvit"):
        world.join(ada, world.company(slug))

    answer = browser.authorize(client, company="*", scope="openid companies", prompt="none")

    assert "consent_required" == answer["error"]


def test_consent_is_for_what_the_page_showed(world, browser):
    """Another tab chose another company meanwhile: the decision is asked anew, nothing is granted."""
    client = Client.registered(world, "asked", consent="ask")
    north, kvit = world.company("north"), world.company("kvit")
    ada = world.user("ada", [north, kvit])
    for company in (kvit, north):
        browser.authorize(client, user="ada", company=company.slug, scope="openid companies")
    browser.open(client, scope="openid companies email")
    shown = browser.follow()
    assert "North" in shown.text
    assert "code" in browser.authorize(client, company="kvit", scope="openid companies", prompt="none")
    browser.page = shown

    again = browser.submit(button=("decision", "allow"))

    assert 400 == again.status_code
    kept = world.execute("SELECT scopes FROM consent WHERE user_id = %(user)s", user=ada.id)
    assert all("email" not in scopes for (scopes,) in kept)


def test_consent_is_for_the_scopes_that_the_page_showed(world, browser):
    """A registration that grew while the page was open does not grow what was allowed."""
    client = Client.registered(world, "asked", consent="ask", scopes=["openid"])
    world.user("ada")
    browser.open(client, scope="openid phone")
    browser.follow()
    browser.sign_in("ada")
    world.execute("UPDATE client SET scopes = '{openid,phone}'")
    world.forget_cache()

    again = browser.submit(button=("decision", "allow"))

    assert 400 == again.status_code
    assert "code" in browser.authorize(client, scope="openid phone")
