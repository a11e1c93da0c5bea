"""A service calls the next one on somebody's behalf, and what it gets for that: RFC 8693."""

import pytest
from actors import PUBLIC_URL, Client, unverified
from exchanging import ARCHIVE, DATA, TYPE, VAULT, error, service

# -- what comes out


def test_answer_and_token_are_exactly_this(token, datasets, north):
    """§2.2.1: no refresh token, no ID token; the user, sign-in, grant and company stay, the client acts (§4.1)."""
    response = datasets.exchange(token)

    was, claims = unverified(token), unverified(response.json["access_token"])
    assert {
        "access_token": response.json["access_token"],
        "issued_token_type": f"{TYPE}access_token",
        "token_type": "Bearer",
        "expires_in": 300,
        "scope": "datasets:read",
    } == response.json
    assert {
        **{name: was[name] for name in ("iss", "sub", "auth_time", "acr", "amr", "sid", "grant_id", "iat", "exp")},
        "aud": ARCHIVE,
        "client_id": "datasets",
        "scope": "datasets:read",
        "company_id": str(north.id),
        "roles": ["data_owner"],
        "member_ver": was["member_ver"],
        "act": {"sub": "datasets"},
        "jti": claims["jti"],
    } == claims
    assert claims["jti"] != was["jti"]
    assert "no-store" == response.headers["Cache-Control"]


def test_introspection_shows_who_acts(token, datasets, archive):
    """RFC 7662 by the next resource server, whole."""
    exchanged = datasets.exchange(token).json["access_token"]

    found = archive.introspect(exchanged).json

    assert {**unverified(exchanged), "active": True, "token_type": "Bearer"} == found


def test_two_hops_keep_the_chain(token, datasets, archive, world):
    """§4.1: the outermost `act` acts now, those within it did before."""
    vault = Client.registered(world, "vault", grant_types=["client_credentials"])
    second = datasets.exchange(token).json["access_token"]
    third = archive.exchange(second).json["access_token"]

    claims = vault.introspect(third).json
    assert ("sub-ada", "archive", VAULT) == (claims["sub"], claims["client_id"], claims["aud"])
    assert {"sub": "archive", "act": {"sub": "datasets"}} == claims["act"]


def test_a_chain_ends_somewhere(token, datasets, world):
    """Five actors; the token would grow with each."""
    services = [datasets]
    for number in range(5):
        world.resource(f"https://s{number}.example", f"s{number}")
        services.append(service(world, f"s{number}", resources=[f"https://s{number + 1}.example"]))
    world.execute("UPDATE client SET resources = '{https://s0.example}' WHERE client_id = 'datasets'")
    world.forget_cache()
    for each in services[:5]:
        token = each.exchange(token).json["access_token"]

    assert "invalid_request" == error(services[5].exchange(token))


def test_the_type_may_be_jwt(token, datasets):
    """§3: our access tokens are JWTs."""
    assert 200 == datasets.exchange(token, subject_token_type=f"{TYPE}jwt").status_code
    assert 200 == datasets.exchange(token, requested_token_type=f"{TYPE}access_token").status_code


def test_it_lives_no_longer_than_what_was_presented(token, datasets, clock):
    """Otherwise exchanging again and again would be a refresh token."""
    clock.advance(120)

    response = datasets.exchange(token)

    assert unverified(token)["exp"] == unverified(response.json["access_token"])["exp"]
    assert 180 == response.json["expires_in"]


def test_it_is_an_event_in_the_records(world, token, datasets, ada, north):
    """Who exchanged whose token, for whom."""
    datasets.exchange(token)

    [row] = world.execute(
        "SELECT user_id, company_id, client_id, facts FROM security_event WHERE kind = 'token.exchanged'"
    )
    facts = {"from_client": "portal", "audience": [ARCHIVE], "actor": "datasets"}
    assert (ada.id, north.id, "datasets", facts) == row


# -- scopes, audiences and companies only shrink


def test_scopes_shrink(token, datasets):
    """Never more than the token has (§2.1), nor than the client registered."""
    assert "datasets:read" == datasets.exchange(token, scope="datasets:read").json["scope"]
    for scope in ("datasets:modify", "jobs:run", "datasets:read datasets:modify", "offline_access", "openid"):
        assert "invalid_scope" == error(datasets.exchange(token, scope=scope))


def test_without_a_common_scope_there_is_no_token(world, token, archive):
    """A token without scopes would be nobody's intention."""
    world.execute("UPDATE resource SET clients = '{datasets, jobs}' WHERE uri = %(uri)s", uri=DATA)
    jobs = service(world, "jobs", resources=[ARCHIVE], scopes=["jobs:run"])

    assert "invalid_scope" == error(jobs.exchange(token))


def test_offline_access_stays_with_the_tokens_own_client(token, portal):
    """It says that a refresh token was issued, and none is here."""
    assert "openid datasets:read datasets:modify" == portal.exchange(token).json["scope"]


@pytest.mark.parametrize("name", ["resource", "audience"])
def test_target_is_one_that_the_client_may_ask_for(token, datasets, name):
    """§2.1, §2.2.2: the first of its resources unless it says another one."""
    assert VAULT == unverified(datasets.exchange(token, **{name: VAULT}).json["access_token"])["aud"]
    for other in (DATA, "https://unknown.example", PUBLIC_URL, f"{VAULT}#x", "vault", "http://[", [VAULT, DATA]):
        assert "invalid_target" == error(datasets.exchange(token, **{name: other}))


def test_resource_and_audience_add_up(token, datasets):
    """§2.1: both may come, and several of each."""
    aud = unverified(datasets.exchange(token, resource=VAULT, audience=[ARCHIVE, VAULT]).json["access_token"])["aud"]

    assert [VAULT, ARCHIVE] == aud
    assert "invalid_target" == error(datasets.exchange(token, resource=VAULT, audience=DATA))


def test_the_company_stays(world, token, datasets, ada):
    """Whatever else the user belongs to; `company` is for refreshing."""
    south = world.company("south")
    world.join(ada, south)

    for company in ("south", "north", "*", str(south.id)):
        assert "invalid_request" == error(datasets.exchange(token, company=company))


@pytest.mark.parametrize("policy", ['{"second_factor": true}', '{"max_session": 60}'])
def test_what_the_company_asks_of_a_sign_in_by_now(world, token, datasets, clock, policy):
    """Its policy is newer than the token: the user must act, as at a refresh."""
    clock.advance(61)
    world.execute("UPDATE company SET policy = %(policy)s", policy=policy)

    assert "interaction_required" == error(datasets.exchange(token))


def test_a_token_for_all_companies_stays_one(world, browser, portal, datasets, archive, ada, north):
    """company=*: the map, and no active company."""
    token = portal.tokens(browser, user="ada", company="*", scope="companies datasets:read")["access_token"]

    claims = unverified(datasets.exchange(token).json["access_token"])

    assert {str(north.id): ["data_owner"]} == claims["companies"]
    assert "company_id" not in claims


# -- clients without a user


def test_a_clients_own_token_is_exchanged(world, datasets, archive, north):
    """The token is still about that client, and has its company and roles."""
    robot = Client.registered(
        world,
        "robot",
        company_id=north.id,
        roles=["viewer"],
        grant_types=["client_credentials"],
        resources=[DATA],
        scopes=["datasets:read"],
    )

    exchanged = datasets.exchange(robot.token(grant_type="client_credentials").json["access_token"]).json

    claims, told = unverified(exchanged["access_token"]), archive.introspect(exchanged["access_token"]).json
    assert ("robot", "datasets", {"sub": "datasets"}) == (claims["sub"], claims["client_id"], claims["act"])
    assert (str(north.id), ["viewer"]) == (claims["company_id"], claims["roles"])
    assert {**claims, "active": True, "token_type": "Bearer"} == told


def test_it_ends_with_either_client_and_with_the_company(world, datasets, archive, north):
    """Whose token it was, who exchanged it, who owns it."""
    robot = Client.registered(
        world,
        "robot",
        company_id=north.id,
        grant_types=["client_credentials"],
        resources=[DATA],
        scopes=["datasets:read"],
    )
    exchanged = datasets.exchange(robot.token(grant_type="client_credentials").json["access_token"]).json

    for table, key in (("client", "robot"), ("client", "datasets"), ("company", "north")):
        name = "client_id" if table == "client" else "slug"
        for disabled, active in (("now()", False), ("NULL", True)):
            world.execute(f"UPDATE {table} SET disabled_at = {disabled} WHERE {name} = %(key)s", key=key)
            world.forget_cache()
            assert active == archive.introspect(exchanged["access_token"]).json["active"], key


# -- how it ends


def ends(archive, token):
    return {"active": False} == archive.introspect(token).json


def test_it_ends_with_the_grant(world, browser, portal, datasets, archive, ada):
    """Revoked by the first client, which never saw the new token."""
    tokens = portal.tokens(browser, user="ada", scope="openid datasets:read")
    exchanged = datasets.exchange(tokens["access_token"]).json["access_token"]
    assert not ends(archive, exchanged)

    world.execute("UPDATE oauth_grant SET revoked_at = now()")

    assert ends(archive, exchanged)
    assert "invalid_request" == error(datasets.exchange(tokens["access_token"]))


def test_it_ends_with_the_membership_the_user_and_the_session(world, token, datasets, archive):
    """As every token of the grant."""
    exchanged = datasets.exchange(token).json["access_token"]
    world.execute("UPDATE oauth_grant SET offline = false")

    for table, column in (("member", "suspended_at"), ("user_account", "disabled_at"), ("sso_session", "ended_at")):
        world.execute(f"UPDATE {table} SET {column} = now()")
        assert ends(archive, exchanged), table
        assert "invalid_request" == error(datasets.exchange(token)), table
        world.execute(f"UPDATE {table} SET {column} = NULL")
        assert not ends(archive, exchanged), table


def test_who_exchanged_it_can_revoke_it(token, datasets, archive, portal):
    """RFC 7009 §2.1: it is that client's token; the first one lives on (RFC 8693 §2.1)."""
    exchanged = datasets.exchange(token).json["access_token"]
    portal.revoke(exchanged)
    assert not ends(archive, exchanged)

    datasets.revoke(exchanged)

    assert ends(archive, exchanged)
    assert datasets.introspect(token).json["active"]


# -- consistency with the rest


def test_userinfo_knows_the_person_by_the_clients_own_name(world, browser, portal, archive, ada):
    """Pairwise: who exchanged sees the name of its own sector; access tokens keep the public one."""
    world.resource(DATA, "inner")
    inner = service(
        world, "inner", resources=[PUBLIC_URL], scopes=["openid"], client_metadata={"subject_type": "pairwise"}
    )
    token = portal.tokens(browser, user="ada", scope="openid profile")["access_token"]

    exchanged = inner.exchange(token).json["access_token"]

    told = inner.userinfo(exchanged).json
    assert "sub-ada" == unverified(exchanged)["sub"]
    assert {"sub"} == told.keys()
    assert "sub-ada" != told["sub"]
