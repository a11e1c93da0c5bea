"""The authorization code grant: RFC 6749 §4.1, OpenID Connect Core §3.1."""

import hashlib
import re

import pytest
from actors import Client, header, unverified


def test_code_flow_gives_tokens(world, browser, client):
    """Sign in, come back with a code, exchange it: access, ID and refresh token (OpenID Connect Core §3.1.3.3)."""
    world.user("ada")

    answer = browser.authorize(client, user="ada")
    response = client.redeem(answer["code"])

    assert {"code", "state", "iss"} == answer.keys()
    assert "st4te" == answer["state"]
    assert "https://id.example.com" == answer["iss"]
    assert 200 == response.status_code
    assert {"access_token", "token_type", "expires_in", "scope", "id_token", "refresh_token"} == response.json.keys()
    assert "no-store" == response.headers["Cache-Control"]
    assert "at+jwt" == header(response.json["access_token"])["typ"]
    assert "sub-ada" == unverified(response.json["id_token"])["sub"]


def test_code_works_once(world, browser, client):
    """A code that was redeemed is refused, and the tokens it gave are revoked (RFC 6749 §4.1.2)."""
    world.user("ada")
    code = browser.authorize(client, user="ada")["code"]

    first = client.redeem(code)
    second = client.redeem(code)

    assert 400 == second.status_code
    assert "invalid_grant" == second.json["error"]
    assert {"active": False} == client.introspect(first.json["access_token"]).json
    assert 401 == client.userinfo(first.json["access_token"]).status_code
    assert "invalid_grant" == client.refresh(first.json["refresh_token"]).json["error"]


@pytest.mark.parametrize("later", [0, 30, 59])
def test_reuse_ends_the_grant_whenever_it_comes(world, browser, client, clock, later):
    """RFC 6749 §4.1.2: also half a minute later; and once the code has expired it is only refused."""
    world.user("ada")
    code = browser.authorize(client, user="ada")["code"]
    tokens = client.redeem(code).json
    clock.advance(later)

    again = client.redeem(code)

    assert (400, "invalid_grant") == (again.status_code, again.json["error"])
    assert 401 == client.userinfo(tokens["access_token"]).status_code
    assert "code.replayed" in world.events()


def test_of_many_redemptions_at_once_one_succeeds_and_its_tokens_end(world, browser, client, at_once):
    """Promises P4 and P5: one `UPDATE` counts; whoever replays in the race ends what the first one got."""
    world.user("ada")
    for _ in range(3):
        code = browser.authorize(client, user="ada")["code"]

        answers = at_once(6, lambda code=code: client.redeem(code))

        won = [answer for answer in answers if answer.status_code == 200]
        assert 1 == len(won)
        assert ["invalid_grant"] * 5 == [answer.json["error"] for answer in answers if answer not in won]
        assert {"active": False} == client.introspect(won[0].json["access_token"]).json
        assert "invalid_grant" == client.refresh(won[0].json["refresh_token"]).json["error"]


def test_code_is_over_after_a_minute(world, browser, client, clock):
    """RFC 6749 §4.1.2: short-lived; 60 s here."""
    world.user("ada")
    codes = [browser.authorize(client, user="ada")["code"] for _ in range(2)]
    clock.advance(59)
    before = client.redeem(codes[0]).status_code
    clock.advance(1)

    late = client.redeem(codes[1])

    assert 200 == before
    assert (400, "invalid_grant") == (late.status_code, late.json["error"])


def test_foreign_client_spends_nothing(world, browser, client):
    """RFC 6749 §4.1.3: the code is bound to its client; another one's attempt touches nothing."""
    world.user("ada")
    other = Client.registered(world, "other", redirect_uris=[client.redirect_uri])
    code = browser.authorize(client, user="ada")["code"]

    foreign = [other.redeem(code) for _ in range(2)]

    assert ["invalid_grant"] * 2 == [answer.json["error"] for answer in foreign]
    assert 200 == client.redeem(code).status_code


@pytest.mark.parametrize("uri", [None, "", "https://shop.example/callback/", "https://shop.example/other"])
def test_redirect_uri_must_be_the_same_again(world, browser, uri):
    """RFC 6749 §4.1.3: identical, also if the other one is registered too; a wrong one spends the code."""
    uris = ["https://shop.example/callback", "https://shop.example/other"]
    client = Client.registered(world, "shop", redirect_uris=uris)
    world.user("ada")
    code = browser.authorize(client, user="ada")["code"]

    wrong = client.redeem(code, redirect_uri=uri)

    assert (400, "invalid_grant") == (wrong.status_code, wrong.json["error"])
    assert "invalid_grant" == client.redeem(code).json["error"]


def test_code_is_random_and_kept_as_a_digest(world, browser, client):
    """Promise P4: 256 bits; the database could not redeem it."""
    world.user("ada")
    codes = [browser.authorize(client, user="ada")["code"] for _ in range(2)]

    rows = world.execute("SELECT hash FROM authorization_code")

    assert 2 == len(set(codes))
    assert all(re.fullmatch(r"ac_[A-Za-z0-9_-]{43}", code) for code in codes)
    assert {hashlib.sha256(code.encode()).digest() for code in codes} == {row[0] for row in rows}


@pytest.mark.parametrize("change", ["cut", "longer", "upper", "spaces", "without prefix", "unicode"])
def test_whole_code_counts(world, browser, client, change):
    """One spelling, looked up whole."""
    world.user("ada")
    code = browser.authorize(client, user="ada")["code"]
    bad = {
        "cut": code[:-1],
        "longer": f"{code}A",
        "upper": code.upper(),
        "spaces": f" {code}",
        "without prefix": code[3:],
        "unicode": f"{code}é",
    }[change]

    assert "invalid_grant" == client.redeem(bad).json["error"]
    assert 200 == client.redeem(code).status_code


def test_refused_requests_before_the_code_spend_nothing(world, browser, client):
    """Malformed requests, and clients that fail to authenticate, do not reach the code."""
    world.user("ada")
    code = browser.authorize(client, user="ada")["code"]
    wrong = Client(world.app, client.client_id, "wrong", redirect_uri=client.redirect_uri)

    assert "invalid_client" == wrong.redeem(code).json["error"]
    assert "invalid_request" == client.redeem(code, company="north").json["error"]
    assert "invalid_request" == client.redeem([code, code]).json["error"]
    assert "invalid_request" == client.redeem(None).json["error"]
    assert 200 == client.redeem(code).status_code


def test_client_must_have_registered_the_grant(world, browser):
    """RFC 6749 §5.2: unauthorized_client."""
    client = Client.registered(world, "shop", grant_types=["refresh_token"])
    world.user("ada")
    code = browser.authorize(client, user="ada")["code"]

    assert "unauthorized_client" == client.redeem(code).json["error"]


def test_unknown_parameters_are_ignored(world, browser, client):
    """RFC 6749 §3.2; what stands in the URL is not read at all (§2.3.1)."""
    world.user("ada")
    code = browser.authorize(client, user="ada")["code"]

    in_url = client.post(f"/oauth2/token?code={code}", {"grant_type": "authorization_code"})
    more = client.redeem(code, client_info="1", **{"x-client-SKU": "msal.js", "client-request-id": "1"})

    assert "invalid_request" == in_url.json["error"]
    assert 200 == more.status_code


@pytest.mark.parametrize("grant_type", [None, "password", "implicit", "Authorization_Code", "urn:x"])
def test_other_grants_do_not_exist(client, grant_type):
    """No password grant, ever (promise P7)."""
    response = client.token(grant_type=grant_type, username="ada", password="x")

    error = "unsupported_grant_type" if grant_type else "invalid_request"
    assert (400, error) == (response.status_code, response.json["error"])


@pytest.mark.parametrize(
    "end",
    [
        "UPDATE user_account SET disabled_at = now()",
        "UPDATE member SET suspended_at = now()",
        "UPDATE sso_session SET ended_at = now()",
    ],
)
def test_what_ended_between_code_and_token_is_refused(world, browser, client, end):
    """User, membership or session: the code is worth nothing."""
    world.user("ada", [world.company("north")])
    code = browser.authorize(client, user="ada")["code"]

    world.execute(end)

    assert "invalid_grant" == client.redeem(code).json["error"]


def test_access_token_is_exactly_this(world, browser, client, clock):
    """RFC 9068 §2.2, and what this provider adds."""
    company = world.company("north")
    world.user("ada", {company: ["data_owner", "viewer"]})

    response = client.tokens(browser, user="ada", scope="openid email")

    claims, now = unverified(response["access_token"]), int(clock().timestamp())
    version = world.execute("SELECT version FROM member")[0][0]
    grant = world.execute("SELECT id::text, session_id::text FROM oauth_grant")[0]
    assert {
        "iss": "https://id.example.com",
        "sub": "sub-ada",
        "aud": "https://id.example.com",
        "client_id": "shop",
        "iat": now,
        "exp": now + 300,
        "jti": claims["jti"],
        "scope": "openid email",
        "auth_time": now,
        "acr": "urn:idp:1fa",
        "amr": ["pwd"],
        "sid": grant[1],
        "grant_id": grant[0],
        "company_id": str(company.id),
        "roles": ["data_owner", "viewer"],
        "member_ver": version,
    } == claims
    assert ("Bearer", 300, "openid email") == (response["token_type"], response["expires_in"], response["scope"])


def test_late_replay_ends_the_grant_too(world, browser, client, clock):
    """A second use after the code's time is a second use (RFC 6749 §4.1.2)."""
    world.user("ada")
    code = browser.authorize(client, user="ada", scope="openid offline_access")["code"]
    tokens = client.redeem(code).json
    clock.advance(63)

    assert "invalid_grant" == client.redeem(code).json["error"]
    assert "invalid_grant" == client.refresh(tokens["refresh_token"]).json["error"]


def test_expired_code_is_refused(world, browser, client, clock):
    """Sixty seconds, and not one more."""
    world.user("ada")
    code = browser.authorize(client, user="ada")["code"]
    clock.advance(60)

    assert "invalid_grant" == client.redeem(code).json["error"]
