"""An extension that the settings leave out takes away what it does, and opens nothing: `extensions = ["-name"]`."""

import pytest
from actors import Browser, Client, fragment_of, unverified

from idp.oauth import extensions
from idp.oauth.extension import discover

OWN, FOREIGN = "https://own.example", "https://foreign.example"
NAMES = [found.name for found in discover(extensions, None)]


@pytest.fixture
def without(another, world):
    """A person's browser and a client, at an instance that lacks an extension."""
    for uri in (OWN, FOREIGN):
        world.resource(uri)
    world.user("ada", [world.company("north")])
    grants = ["authorization_code", "refresh_token", "client_credentials"]
    shop = Client.registered(world, "shop", grant_types=grants, resources=[OWN], scopes=["openid", "jobs:run"])

    def left_out(name):
        app = another(extensions=(f"-{name}",))
        return Browser(app), Client(app, "shop", shop.secret, shop.method, shop.redirect_uri)

    return left_out


def reach(answer):
    """For whom the token is; of a refusal nobody, and it is none of ours."""
    assert answer.status_code in (200, 400), answer.text
    return unverified(answer.json["access_token"])["aud"] if answer.status_code == 200 else None


@pytest.mark.parametrize("name", NAMES)
def test_tokens_reach_no_further(without, name):
    """Every flow that is left works, once its code is spent too, for no audience but the client's (RFC 8707 §2)."""
    browser, shop = without(name)

    if name != "client_credentials":
        own = shop.token(grant_type="client_credentials", resource=OWN)
        foreign = shop.token(grant_type="client_credentials", resource=FOREIGN)

        assert OWN == reach(shop.token(grant_type="client_credentials")) == reach(own)
        assert (400, "invalid_target") == (foreign.status_code, foreign.json["error"])
    if name != "authorization_code":
        first = shop.redeem(browser.authorize(shop, user="ada")["code"])
        token, foreign = first.json.get("refresh_token"), browser.authorize(shop, resource=FOREIGN)

        assert OWN == reach(first)
        assert OWN == reach(shop.refresh(token)) or name == "refresh_token"
        assert reach(shop.refresh(token, resource=FOREIGN)) in (OWN, None)
        assert "invalid_target" == foreign.get("error") or OWN == reach(shop.redeem(foreign["code"], resource=FOREIGN))


def test_without_companies_no_token_names_one(without):
    """Nobody is asked for one, and who names one gets no role by it."""
    browser, shop = without("companies")

    first = shop.redeem(browser.authorize(shop, user="ada", company="north")["code"]).json
    later = shop.refresh(first["refresh_token"], company="north").json

    for token in (first["access_token"], first["id_token"], later["access_token"]):
        assert not {"company_id", "roles", "member_ver", "companies"} & unverified(token).keys()


def test_without_pairwise_subjects_those_who_have_one_keep_it(without, world):
    """Another name would be another person (OpenID Connect Core §2, `sub`); nobody new can register it."""
    browser, shop = without("pairwise_subjects")
    world.execute("""UPDATE client SET metadata = '{"subject_type": "pairwise"}'""")

    assert "sub-ada" != unverified(shop.tokens(browser, user="ada")["id_token"])["sub"]
    assert ["public"] == shop.app.extensions["announced"]["subject_types_supported"]


def test_every_response_type_knows_how_to_ask(another, world):
    """`prompt`, `max_age` and `nonce` are no part of the code flow (OpenID Connect Core §3.1.2.1, §3.2.2.1)."""
    app = another(extensions=("-authorization_code", "+implicit"))
    world.user("ada")
    page = Client.registered(world, "page", public=True, response_types=["id_token"], grant_types=["implicit"])

    def asked(**parameters):
        return fragment_of(Browser(app).open(page, response_type="id_token", code_challenge=None, **parameters))

    assert "login_required" == asked(prompt="none")["error"]
    assert "invalid_request" == asked(prompt="none login")["error"]
    assert "invalid_request" == asked(max_age="soon")["error"]
    assert ["none", "login", "consent", "select_account"] == app.extensions["announced"]["prompt_values_supported"]
