"""Refresh tokens: RFC 6749 §6, RFC 9700 §4.14.2."""

import pytest
from actors import Client, unverified


def test_confidential_client_keeps_its_refresh_token(world, browser, client):
    """Sender-constrained by its secret: no rotation (FAPI 2.0 discourages it)."""
    world.user("ada")
    first = client.tokens(browser, user="ada")

    answers = [client.refresh(first["refresh_token"]) for _ in range(3)]

    assert [200, 200, 200] == [answer.status_code for answer in answers]
    assert {first["refresh_token"]} == {answer.json["refresh_token"] for answer in answers}


def test_public_client_rotates(world, browser, public_client):
    """Each use gives a new token (RFC 9700 §4.14.2)."""
    world.user("ada")
    first = public_client.tokens(browser, user="ada")

    second = public_client.refresh(first["refresh_token"]).json

    assert second["refresh_token"] != first["refresh_token"]
    assert 200 == public_client.refresh(second["refresh_token"]).status_code


def test_lost_answer_gets_the_same_successor(world, browser, public_client, clock):
    """For 30 s the token used last gets the same successor again: never a second chain."""
    world.user("ada")
    first = public_client.tokens(browser, user="ada")
    second = public_client.refresh(first["refresh_token"]).json
    clock.advance(29)

    again = public_client.refresh(first["refresh_token"]).json

    assert second["refresh_token"] == again["refresh_token"]


@pytest.mark.parametrize("later", [31, 3600])
def test_repeat_after_the_grace_ends_the_grant(world, browser, public_client, clock, later):
    """Somebody holds a copy, and nobody can tell who: all tokens of the grant end."""
    world.user("ada")
    first = public_client.tokens(browser, user="ada")
    second = public_client.refresh(first["refresh_token"]).json
    clock.advance(later)

    assert "invalid_grant" == public_client.refresh(first["refresh_token"]).json["error"]
    assert "invalid_grant" == public_client.refresh(second["refresh_token"]).json["error"]
    assert "refresh_token.replayed" in world.events()


def test_older_token_ends_the_grant_at_once(world, browser, public_client):
    """Two generations behind is no lost answer."""
    world.user("ada")
    first = public_client.tokens(browser, user="ada")
    second = public_client.refresh(first["refresh_token"]).json
    third = public_client.refresh(second["refresh_token"]).json

    assert "invalid_grant" == public_client.refresh(first["refresh_token"]).json["error"]
    assert "invalid_grant" == public_client.refresh(third["refresh_token"]).json["error"]


def test_foreign_client_ends_nothing(world, browser, client):
    """Another client's attempt is refused and touches nothing (promise P6)."""
    world.user("ada")
    other = Client.registered(world, "other")
    tokens = client.tokens(browser, user="ada")

    assert "invalid_grant" == other.refresh(tokens["refresh_token"]).json["error"]
    assert 200 == client.refresh(tokens["refresh_token"]).status_code


def test_forged_token_touches_nothing(world, browser, public_client):
    """A wrong MAC, a cut token, another spelling: refused, and the grant lives."""
    world.user("ada")
    token = public_client.tokens(browser, user="ada")["refresh_token"]
    head, mac = token.rsplit(".", 1)
    # The last of 43 characters carries two bits that decoding ignores: the same MAC, spelt otherwise.
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    otherwise = mac[:-1] + alphabet[alphabet.index(mac[-1]) ^ 1]
    for forged in (f"{head}.{'A' * 43}", token[:-1], token + "A", token + "\n", f"{head}.{otherwise}", token.upper()):
        assert "invalid_grant" == public_client.refresh(forged).json["error"]

    assert 200 == public_client.refresh(token).status_code


def test_refresh_ends_with_the_session(world, browser, client, clock):
    """Without offline_access the SSO session's end is the grant's."""
    world.user("ada")
    tokens = client.tokens(browser, user="ada")
    clock.advance(hours=12, seconds=1)

    assert "invalid_grant" == client.refresh(tokens["refresh_token"]).json["error"]


def test_offline_access_survives_the_session_but_not_its_absolute_life(world, browser, client, clock):
    """With offline_access 30 days from the sign-in, no sliding."""
    world.user("ada")
    tokens = client.tokens(browser, user="ada", scope="openid offline_access")

    for _ in range(5):
        clock.advance(days=5, hours=23)
        assert 200 == client.refresh(tokens["refresh_token"]).status_code
    clock.advance(hours=6)

    assert "invalid_grant" == client.refresh(tokens["refresh_token"]).json["error"]


def test_disabled_user_is_refused_and_restored(world, browser, client):
    """Disabling counts at once; enabling restores everything."""
    world.user("ada")
    tokens = client.tokens(browser, user="ada")
    world.execute("UPDATE user_account SET disabled_at = now()")
    refused = client.refresh(tokens["refresh_token"])
    world.execute("UPDATE user_account SET disabled_at = NULL")

    assert "invalid_grant" == refused.json["error"]
    assert 200 == client.refresh(tokens["refresh_token"]).status_code


def test_scope_narrows_and_never_widens(world, browser, client):
    """RFC 6749 §6: no scope that was not granted; the grant keeps all."""
    world.user("ada")
    tokens = client.tokens(browser, user="ada", scope="openid email")

    narrow = client.refresh(tokens["refresh_token"], scope="openid").json
    wide = client.refresh(tokens["refresh_token"], scope="openid profile").json
    whole = client.refresh(tokens["refresh_token"]).json

    assert "openid" == narrow["scope"]
    assert "invalid_scope" == wide["error"]
    assert "openid email" == whole["scope"]


def test_refused_request_costs_no_token(world, browser, public_client):
    """What refuses comes before the rotation."""
    world.user("ada")
    tokens = public_client.tokens(browser, user="ada")

    public_client.refresh(tokens["refresh_token"], scope="nonsense")

    assert 200 == public_client.refresh(tokens["refresh_token"]).status_code


def test_company_switch_without_a_new_sign_in(world, browser, client):
    """`company` gives this answer's tokens for another company; the grant keeps its own."""
    north, kvit, foreign = world.company("north"), world.company("kvit"), world.company("foreign")
    world.user("ada", {north: ["admin"], kvit: ["viewer"]})
    tokens = client.tokens(browser, user="ada", company="north", scope="openid companies")

    switched = client.refresh(tokens["refresh_token"], company="kvit").json
    back = client.refresh(tokens["refresh_token"]).json
    foreign_answer = client.refresh(tokens["refresh_token"], company="foreign")
    unknown_answer = client.refresh(tokens["refresh_token"], company="unknown")

    claims = unverified(switched["access_token"])
    assert (str(kvit.id), ["viewer"]) == (claims["company_id"], claims["roles"])
    assert str(kvit.id) == unverified(switched["id_token"])["company_id"]
    assert str(north.id) == unverified(back["access_token"])["company_id"]
    assert (400, "invalid_request") == (foreign_answer.status_code, foreign_answer.json["error"])
    assert foreign_answer.json == unknown_answer.json
    assert foreign.id


def test_switch_into_a_walled_company_needs_the_user(world, browser, client):
    """A wall is crossed at the authorization endpoint alone."""
    north, walled = world.company("north"), world.company("walled", walled=True)
    world.user("ada", [north, walled])
    tokens = client.tokens(browser, user="ada", company="north", scope="openid companies")

    answer = client.refresh(tokens["refresh_token"], company="walled")

    assert (400, "interaction_required") == (answer.status_code, answer.json["error"])


def test_switch_into_a_company_with_a_second_factor_says_what_is_missing(world, browser, client):
    """`acr_values` names what to ask for (RFC 9470 §3)."""
    north, strict = world.company("north"), world.company("strict", second_factor=True)
    world.user("ada", [north, strict])
    tokens = client.tokens(browser, user="ada", company="north")

    answer = client.refresh(tokens["refresh_token"], company="strict")

    assert (400, "interaction_required") == (answer.status_code, answer.json["error"])
    assert "urn:idp:2fa" == answer.json["acr_values"]


def test_switch_needs_the_consent_of_that_company(world, browser):
    """Consent is per company; without it the user must be asked."""
    client = Client.registered(world, "shop", consent="ask")
    north, kvit = world.company("north"), world.company("kvit")
    world.user("ada", [north, kvit])
    tokens = client.tokens(browser, user="ada", company="north")
    refused = client.refresh(tokens["refresh_token"], company="kvit")
    browser.authorize(client, company="kvit")

    assert (400, "interaction_required") == (refused.status_code, refused.json["error"])
    assert 200 == client.refresh(tokens["refresh_token"], company="kvit").status_code


def test_of_many_refreshes_at_once_all_get_one_successor(world, browser, public_client, at_once):
    """Promise P6: a lost answer or two tabs; never a second chain."""
    world.user("ada")
    token = public_client.tokens(browser, user="ada")["refresh_token"]
    for _ in range(3):
        answers = at_once(6, lambda token=token: public_client.refresh(token))

        assert [200] * 6 == [answer.status_code for answer in answers]
        successors = {answer.json["refresh_token"] for answer in answers}
        assert 1 == len(successors)
        (token,) = successors


def test_refresh_needs_the_registered_grant(world, browser, client):
    """RFC 6749 §5.2; a client without it gets no refresh token in the first place."""
    world.user("ada")
    tokens = client.tokens(browser, user="ada")
    world.execute("UPDATE client SET grant_types = '{authorization_code}'")
    world.forget_cache()

    assert "unauthorized_client" == client.refresh(tokens["refresh_token"]).json["error"]
    assert "refresh_token" not in client.tokens(browser)


@pytest.mark.parametrize("kind", ["access_token", "id_token", None])
def test_only_a_refresh_token_is_one(world, browser, client, kind):
    """Tokens are not interchangeable (promise P13)."""
    world.user("ada")
    tokens = client.tokens(browser, user="ada")

    response = client.refresh(tokens[kind] if kind else None)

    assert (400, "invalid_grant" if kind else "invalid_request") == (response.status_code, response.json["error"])


def test_nothing_of_a_refresh_token_is_stored(world, browser, client):
    """Only the grant's generation: the database could not refresh."""
    world.user("ada")
    mac = client.tokens(browser, user="ada")["refresh_token"].rsplit(".", 1)[1]

    rows = world.execute("SELECT g::text FROM oauth_grant g UNION ALL SELECT c::text FROM authorization_code c")

    assert 2 == len(rows)
    assert mac not in str(rows)


def test_policy_of_the_company_holds_at_every_refresh(world, browser, client, clock):
    """A longest session, and a second factor that was asked for later, count for living authorizations too."""
    north = world.company("north", max_session=3600)
    world.user("ada", [north])
    tokens = client.tokens(browser, user="ada", scope="openid offline_access")
    clock.advance(3601)

    aged = client.refresh(tokens["refresh_token"])
    world.execute("""UPDATE company SET policy = '{"second_factor": true}'""")
    weak = client.refresh(tokens["refresh_token"])
    world.execute("UPDATE company SET policy = '{}'")

    assert (400, "interaction_required") == (aged.status_code, aged.json["error"])
    assert (400, "interaction_required", "urn:idp:2fa") == (
        weak.status_code,
        weak.json["error"],
        weak.json["acr_values"],
    )
    assert 200 == client.refresh(tokens["refresh_token"]).status_code
