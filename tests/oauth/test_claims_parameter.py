"""Single claims that a client asks for: OpenID Connect Core §5.5, §3.1.2.2."""

import json

import pytest
from actors import Client, unverified

USUAL = {"iss", "sub", "aud", "iat", "exp", "auth_time", "acr", "amr", "sid", "nonce", "at_hash"}
ADA = {"name": "Ada Lovelace", "given_name": "Ada", "phone_number": "+44 20 7946 0000"}


@pytest.fixture(autouse=True)
def ada(world):
    return world.user("ada", claims=ADA)


def asking(browser, client, claims, **parameters):
    """The tokens of a request with this `claims` parameter."""
    return client.tokens(browser, user="ada", claims=json.dumps(claims), **parameters)


def shown(browser, client, **parameters):
    """The page that a request ends at."""
    browser.open(client, **parameters)
    return browser.follow()


def refused(browser, client, claims, **parameters):
    text = claims if isinstance(claims, str) else json.dumps(claims)
    return browser.authorize(client, user="ada", claims=text, **parameters)


def test_claims_of_userinfo_are_there_alone(browser, client):
    """§5.5: in addition to those of the scopes; `essential` or null changes nothing for what we know."""
    wanted = {"name": {"essential": True}, "phone_number": None, "email": {"essential": False, "purpose": "x"}}

    tokens = asking(browser, client, {"userinfo": wanted}, scope="openid email")

    assert {
        "sub": "sub-ada",
        "name": "Ada Lovelace",
        "phone_number": "+44 20 7946 0000",
        "email": "ada@example.com",
        "email_verified": True,
    } == client.userinfo(tokens["access_token"]).json
    assert USUAL == unverified(tokens["id_token"]).keys()


def test_claims_of_the_id_token_are_there_alone_and_after_refresh(browser, client):
    """§5.5, §12.2: what was asked holds as long as the grant."""
    wanted = {"name": {"essential": True}, "given_name": None, "auth_time": {"essential": True}}
    tokens = asking(browser, client, {"id_token": wanted})

    again = client.refresh(tokens["refresh_token"]).json["id_token"]

    assert {*USUAL, "name", "given_name"} == unverified(tokens["id_token"]).keys()
    assert {*USUAL, "name", "given_name"} - {"nonce"} == unverified(again).keys()
    assert {"sub"} == client.userinfo(tokens["access_token"]).json.keys()


def test_claims_that_a_client_registered_may_be_asked_for_too(world, browser):
    """Two reasons for one claim are no conflict."""
    shop = Client.registered(world, "shop", id_token_claims=["name"])

    tokens = asking(browser, shop, {"id_token": {"name": None}}, scope="openid profile")

    assert "Ada Lovelace" == unverified(tokens["id_token"])["name"]


def test_only_the_value_that_is_wanted(browser, client):
    """§5.5.1: a claim with another value than the wanted ones is not what was asked for; the rest still counts."""
    wanted = {
        "name": {"value": "Ada Lovelace"},
        "given_name": {"values": ["Bob", "Ada"]},
        "phone_number": {"value": "+47 1"},
    }

    found = client.userinfo(asking(browser, client, {"userinfo": wanted})["access_token"]).json

    assert {"sub", "name", "given_name"} == found.keys()


def test_what_is_unknown_is_ignored(browser, client):
    """§5.5: members and claims that we do not know, also in other languages (§5.2), cause no error."""
    wanted = {"userinfo": {"shoe_size": {"essential": True}, "name#ja": None}, "elsewhere": 1, "id_token": None}

    assert {"sub"} == client.userinfo(asking(browser, client, wanted)["access_token"]).json.keys()


def test_claims_beyond_the_registration_are_left_out(world, browser):
    """A client gets no claim whose scope it may not ask for."""
    plain = Client.registered(world, "plain", scopes=["openid", "email"])

    tokens = asking(browser, plain, {"userinfo": {"name": None, "email": None}, "id_token": {"name": None}})

    assert {"sub", "email"} == plain.userinfo(tokens["access_token"]).json.keys()
    assert USUAL == unverified(tokens["id_token"]).keys()


def test_user_is_asked_about_the_scope_of_a_claim(world, browser):
    """Nothing is told that nobody allowed: the page names `profile`, and remembers it."""
    asks = Client.registered(world, "asks", consent="ask")
    browser.authorize(asks, user="ada", scope="openid")
    claims = json.dumps({"userinfo": {"name": None}})

    silent = browser.authorize(asks, scope="openid", claims=claims, prompt="none")
    page = shown(browser, asks, scope="openid", claims=claims).text
    allowed = browser.authorize(asks, scope="openid", claims=claims)

    assert "consent_required" == silent["error"]
    assert "See your name and profile" in page
    assert "Ada Lovelace" == asks.userinfo(asks.redeem(allowed["code"]).json["access_token"]).json["name"]
    assert [(["openid", "profile"],)] == world.execute("SELECT scopes FROM consent")


def test_switch_to_a_company_needs_the_claims_allowed_there(world, browser, ada):
    """What was allowed in one company says nothing about another: the user must be asked."""
    north, south = world.company("north"), world.company("south")
    world.join(ada, north)
    world.join(ada, south)
    asks = Client.registered(world, "asks", consent="ask")
    browser.authorize(asks, user="ada", company="south")
    tokens = asking(browser, asks, {"userinfo": {"name": None}}, company="north")

    response = asks.refresh(tokens["refresh_token"], company="south")

    assert (400, "interaction_required") == (response.status_code, response.json["error"])


@pytest.mark.parametrize("place", ["id_token", "userinfo"])
def test_no_answer_about_anybody_else(world, browser, client, clock, place):
    """§3.1.2.2: only the user with that `sub`; under prompt=none login_required."""
    world.user("bob")
    browser.authorize(client, user="ada")
    clock.advance(1)
    claims = {place: {"sub": {"value": "sub-bob"}}}

    silent = refused(browser, client, claims, prompt="none")
    same = refused(browser, client, {place: {"sub": {"value": "sub-ada"}}}, prompt="none")
    page = shown(browser, client, claims=json.dumps(claims))

    assert "login_required" == silent["error"]
    assert "code" in same
    assert 'name="password"' in page.text


def test_hint_and_claims_name_one_user(browser, client):
    """Nobody is two people."""
    hint = client.tokens(browser, user="ada")["id_token"]

    answer = refused(browser, client, {"id_token": {"sub": {"value": "sub-bob"}}}, id_token_hint=hint)

    assert "invalid_request" == answer["error"]


@pytest.mark.parametrize("how", [{"values": ["urn:idp:9fa", "phr"]}, {"value": "phr"}, {"values": []}])
def test_essential_acr_that_nobody_reaches_is_refused(browser, client, how):
    """§5.5.1.1: a failed sign-in, at once; a voluntary one is only a wish."""
    demanded = refused(browser, client, {"id_token": {"acr": {"essential": True, **how}}})
    wished = refused(browser, client, {"id_token": {"acr": how}})

    assert "unmet_authentication_requirements" == demanded["error"]
    assert "code" in wished


def test_essential_acr_that_is_reached(browser, client):
    """§5.5.1.1: the ID token has one of the values."""
    wanted = {"acr": {"essential": True, "values": ["urn:idp:1fa", "phr"]}}

    assert "urn:idp:1fa" == unverified(asking(browser, client, {"id_token": wanted})["id_token"])["acr"]


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "null",
        '"name"',
        '{"userinfo": []}',
        '{"userinfo": {"name": "Ada"}}',
        '{"userinfo": {"name": []}}',
        '{"id_token": {"name": {"essential": "yes"}}}',
        '{"id_token": {"name": {"values": "Ada"}}}',
        '{"id_token": {"sub": {"value": 1}}}',
        '{"userinfo": {"name": null, "name": {"essential": true}}}',
        '{"userinfo": {"name": {"value": NaN}}}',
        "[" * 1000,
        '{"userinfo": {"name": ' * 150,
        '{"userinfo": {"name": {"value": "' + "a" * 4096 + '"}}}',
    ],
)
def test_malformed_request_is_invalid_request(browser, client, text):
    """§5.5, §3.1.2.6: told to the client, before anybody signs in."""
    answer = refused(browser, client, text)

    assert ("invalid_request", "st4te") == (answer["error"], answer["state"])


def test_lone_surrogates_harm_nothing(browser, client):
    """JSON may escape what UTF-8 cannot say; it is stored and compared, never written out."""
    answer = refused(browser, client, r'{"userinfo": {"name": {"value": "\ud800"}, "\udfff": null}}')

    assert "code" in answer


def test_nul_in_a_value_harms_nothing(browser, client):
    """PostgreSQL stores no NUL in JSON."""
    assert "error" not in refused(browser, client, r'{"userinfo": {"name": {"value": "\u0000"}}}')
