"""Who may exchange which token, and who acts then: RFC 8693 §1.1, §4.1, §4.4."""

import pytest
from actors import unverified
from dpop_key import Key
from exchanging import ARCHIVE, DATA, EXCHANGE, SCOPES, TYPE, VAULT, Service, error, service, with_actor

from idp.oauth.extension import Phase

# -- who may exchange


def test_a_token_for_another_audience_is_refused(token, archive, datasets):
    """§2.2.2: whoever came by it; the next service as little as a stranger."""
    response = archive.exchange(token)

    assert "invalid_request" == error(response)
    assert "the subject_token is not valid for this client" == response.json["error_description"]
    exchanged = datasets.exchange(token, resource=VAULT).json["access_token"]
    assert "invalid_request" == error(archive.exchange(exchanged))


def test_a_companys_client_deals_with_its_own_tokens_alone(world, token, archive, north):
    """The operator named it as the resource server, and its company is another one."""
    south = world.company("south")
    world.execute("UPDATE resource SET clients = '{datasets, hers, theirs}' WHERE uri = %(uri)s", uri=DATA)
    hers = service(world, "hers", resources=[ARCHIVE], company_id=north.id)
    theirs = service(world, "theirs", resources=[ARCHIVE], company_id=south.id)

    assert 200 == hers.exchange(token).status_code
    assert "invalid_request" == error(theirs.exchange(token))


def test_the_tokens_own_client_makes_it_smaller(token, portal):
    """No new party, so no `act`; only for audiences that it could ask for anyway."""
    claims = unverified(portal.exchange(token, scope="datasets:read", resource=VAULT).json["access_token"])

    assert (VAULT, "datasets:read", "portal") == (claims["aud"], claims["scope"], claims["client_id"])
    assert "act" not in claims
    assert "invalid_target" == error(portal.exchange(token, resource=ARCHIVE))


def test_its_own_exchange_keeps_who_acted_before(token, datasets):
    """The chain is not washed off."""
    exchanged = datasets.exchange(token).json["access_token"]

    claims = unverified(datasets.exchange(exchanged, resource=VAULT).json["access_token"])

    assert {"sub": "datasets"} == claims["act"]


def test_only_clients_that_registered_it_and_authenticate(world, token, archive):
    """RFC 6749 §5.2; §5: without authentication a stolen token would make others."""
    plain = service(world, "plain", grant_types=["client_credentials"])
    public = Service.registered(world, "open", public=True, grant_types=[EXCHANGE], resources=[ARCHIVE])
    world.execute("UPDATE resource SET clients = '{plain, open}' WHERE uri = %(uri)s", uri=DATA)

    assert "unauthorized_client" == error(plain.exchange(token))
    assert "unauthorized_client" == error(public.exchange(token))
    assert 401 == archive.post("/oauth2/token", {"grant_type": EXCHANGE, "subject_token": token}, auth=None).status_code


def test_impersonation_only_for_a_client_that_may(world, token, datasets):
    """§1.1: without `act` nobody sees the difference, so the operator must have said so; it is recorded as such."""
    world.execute("""UPDATE client SET metadata = '{"may_impersonate": true}' WHERE client_id = 'datasets'""")
    world.forget_cache()

    claims = unverified(datasets.exchange(token).json["access_token"])
    acting = unverified(
        datasets.exchange(token, actor_token=datasets.own_token(), actor_token_type=f"{TYPE}access_token").json[
            "access_token"
        ]
    )

    assert "act" not in claims
    assert ("sub-ada", "datasets") == (claims["sub"], claims["client_id"])
    assert {"sub": "datasets"} == acting["act"]
    [row, _] = world.execute("SELECT facts FROM security_event WHERE kind = 'token.exchanged' ORDER BY at, id")
    assert row[0]["actor"] is None


# -- may_act


@pytest.fixture
def gateway(world, portal):
    """A client that no audience names, but the portal's tokens do."""
    world.execute("""UPDATE client SET metadata = '{"may_act": "gateway"}' WHERE client_id = 'portal'""")
    world.forget_cache()
    return service(world, "gateway", resources=[ARCHIVE])


def test_may_act_names_who_may(gateway, token, datasets, world):
    """§4.4: that party, and then no other one; introspection tells it."""
    exchanged = gateway.exchange(token).json["access_token"]

    assert {"sub": "gateway"} == unverified(token)["may_act"] == datasets.introspect(token).json["may_act"]
    assert {"sub": "gateway"} == unverified(exchanged)["act"]
    assert "may_act" not in unverified(exchanged)
    assert "invalid_request" == error(datasets.exchange(token))


def test_may_act_holds_for_the_actor_token_too(gateway, token, datasets):
    """§4.4: the client or the party that the actor_token identifies."""
    own = {"actor_token": gateway.own_token(), "actor_token_type": f"{TYPE}access_token"}
    other = {"actor_token": datasets.own_token(), "actor_token_type": f"{TYPE}access_token"}

    assert {"sub": "gateway"} == unverified(gateway.exchange(token, **own).json["access_token"])["act"]
    assert "invalid_request" == error(datasets.exchange(token, **other))


def test_may_act_does_not_bind_the_tokens_own_client(gateway, token, portal):
    """It becomes nobody else's actor."""
    assert 200 == portal.exchange(token, resource=VAULT).status_code


# -- tokens that are narrowed or bound


def test_authorization_details_go_along(token, datasets, sign):
    """RFC 9396 §9.1: those that concern the new audience; a token that was narrowed is never wider afterwards."""
    everywhere, here, there = (
        {"type": "row", "actions": ["read"], **more} for more in ({}, {"locations": [DATA]}, {"locations": [ARCHIVE]})
    )
    for given, kept in (([everywhere, here, there], [everywhere, there]), ([here], []), ([], [])):
        response = datasets.exchange(sign({**unverified(token), "authorization_details": given}))
        assert kept == response.json["authorization_details"]
        assert kept == unverified(response.json["access_token"])["authorization_details"]


@pytest.fixture
def holding(app):
    """Every request to the token endpoint proves these keys, as an extension would have found."""

    def hold(**confirmation):
        def bind(request):
            request.confirmation = confirmation or None

        app.extensions["oauth"]._token[Phase.BIND] = [bind]

    return hold


def test_a_resource_server_exchanges_a_bound_token(token, datasets, sign, holding):
    """It checked the proof when the token came; the new one is bound to its own key, if it proves one."""
    bound = sign({**unverified(token), "cnf": {"jkt": "the portal's"}})
    holding()
    free = unverified(datasets.exchange(bound).json["access_token"])
    holding(jkt="the service's")
    held = datasets.exchange(bound).json

    assert "cnf" not in free
    assert {"jkt": "the service's"} == unverified(held["access_token"])["cnf"]
    assert "DPoP" == held["token_type"]


def test_others_exchange_a_bound_token_with_its_key(token, portal, sign, holding, world):
    """Whoever stole it, and the secret of its client too, has not got the key."""
    bound = sign({**unverified(token), "cnf": {"jkt": "a", "x5t#S256": "b"}})
    for keys in ({}, {"jkt": "a"}, {"jkt": "b", "x5t#S256": "b"}):
        holding(**keys)
        assert "invalid_request" == error(portal.exchange(bound, resource=VAULT))
        assert "token.exchanged" not in world.events()
    holding(**{"jkt": "a", "x5t#S256": "b"})

    assert 200 == portal.exchange(bound, resource=VAULT).status_code


def test_with_real_keys(app, world, browser, portal, datasets, archive, ada):
    """DPoP (RFC 9449) from the first hop to the second: each has its own key."""
    persons, services = Key(app), Key(app)
    code = browser.authorize(portal, user="ada", scope="openid datasets:read")["code"]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": portal.redirect_uri}
    form["code_verifier"] = portal.verifier
    bound = portal.post("/oauth2/token", form, headers=persons.headers()).json["access_token"]

    second = datasets.exchange(bound, services.headers()).json["access_token"]

    assert {"jkt": persons.thumbprint} == unverified(bound)["cnf"]
    assert {"jkt": services.thumbprint} == unverified(second)["cnf"] == archive.introspect(second).json["cnf"]
    assert "cnf" not in unverified(datasets.exchange(bound).json["access_token"])
    assert "invalid_request" == error(portal.exchange(bound, resource=VAULT))
    assert "invalid_request" == error(portal.exchange(bound, services.headers(), resource=VAULT))
    assert 200 == portal.exchange(bound, persons.headers(), resource=VAULT).status_code


def test_a_bound_actor_token_needs_its_key_as_well(token, datasets, sign, holding):
    """It says who acts, so nobody may borrow it."""
    bound = sign({**unverified(datasets.own_token()), "cnf": {"jkt": "a"}})
    holding()
    assert "invalid_request" == error(datasets.exchange(token, **with_actor(bound)))
    holding(jkt="a")

    assert 200 == datasets.exchange(token, **with_actor(bound)).status_code


# -- actor tokens


@pytest.fixture
def helpdesk(world, browser, north, datasets):
    """Somebody of the same company, as the dataset service sees them."""
    world.user("bo", [north])
    desk = Service.registered(world, "desk", resources=[DATA], scopes=SCOPES)
    return desk.tokens(type(browser)(world.app), user="bo", scope="datasets:read")["access_token"]


def test_a_person_acts_for_another(token, datasets, helpdesk):
    """§2.1: the actor_token says who acts."""
    claims = unverified(datasets.exchange(token, **with_actor(helpdesk)).json["access_token"])

    assert ("sub-ada", {"sub": "sub-bo"}) == (claims["sub"], claims["act"])


def test_a_person_of_another_company_does_not(world, browser, token, datasets):
    """Nor one who is in none."""
    desk = Service.registered(world, "desk", resources=[DATA], scopes=SCOPES)
    for name, companies in (("cy", [world.company("south")]), ("di", [])):
        world.user(name, companies)
        actor = desk.tokens(type(browser)(world.app), user=name, scope="datasets:read")["access_token"]
        assert "invalid_request" == error(datasets.exchange(token, **with_actor(actor)))


def test_the_answer_ends_with_the_actor_token(token, datasets, clock):
    """Whichever ends first."""
    clock.advance(-100)
    own = datasets.own_token()
    clock.advance(100)

    response = datasets.exchange(token, **with_actor(own))

    assert unverified(own)["exp"] == unverified(response.json["access_token"])["exp"]
    assert 200 == response.json["expires_in"]


def test_actor_token_and_its_type_go_together(token, datasets):
    """§2.1: the type is required with it, and must not come without."""
    own = datasets.own_token()

    assert "invalid_request" == error(datasets.exchange(token, actor_token=own))
    assert "invalid_request" == error(datasets.exchange(token, actor_token_type=f"{TYPE}access_token"))
    for kind in ("id_token", "refresh_token", "saml2", "unknown"):
        assert "invalid_request" == error(datasets.exchange(token, **with_actor(own, kind)))


def test_actor_tokens_that_do_not_count(token, datasets, archive, helpdesk):
    """Another client's, revoked, one with which somebody else acts already, nonsense."""
    revoked = datasets.own_token()
    datasets.revoke(revoked)
    exchanged = datasets.exchange(helpdesk).json["access_token"]

    for actor in (archive.own_token(), revoked, exchanged, "x", token[:-2]):
        assert "invalid_request" == error(datasets.exchange(token, **with_actor(actor)))
