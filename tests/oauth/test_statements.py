"""How many SQL statements an answer costs: the promise of docs/architecture, for one membership and for thousands."""

import psycopg
import pytest
from actors import Client

COMPANIES = "openid profile companies offline_access"


@pytest.fixture
def statements(monkeypatch):
    """Count what an act sends; whatever runs through psycopg runs through here."""
    sent = []
    execute = psycopg.Cursor.execute

    def counting(cursor, query, *args, **kwargs):
        sent.append(query)
        return execute(cursor, query, *args, **kwargs)

    monkeypatch.setattr(psycopg.Cursor, "execute", counting)

    def of(act, status=200):
        sent.clear()
        response = act()
        assert status == response.status_code, response.text
        return len(sent)

    return of


@pytest.fixture(params=[1, 2000])
def memberships(request, world):
    """Ada, a member of so many companies."""
    ada = world.user("ada", [world.company("north")])
    world.execute(
        "WITH made AS (INSERT INTO company (id, slug, name, policy)"
        " SELECT gen_random_uuid(), 'bulk-' || n, 'Bulk ' || n, '{}' FROM generate_series(2, %(number)s) n"
        " RETURNING id) INSERT INTO member (company_id, user_id, roles, source)"
        " SELECT id, %(user)s, '{member}', 'local' FROM made",
        number=request.param,
        user=ada.id,
    )
    return request.param


def test_public_documents_cost_none(app, world, statements):
    """Discovery, JWKS and liveness: the bytes are made once, but for what a declaration may change."""
    http = app.test_client(use_cookies=False)
    world.count("client")  # opens the connection

    assert 1 == statements(lambda: http.get("/.well-known/openid-configuration"))
    for path in ("/.well-known/openid-configuration", "/oauth2/jwks", "/health/live"):
        assert 0 == statements(lambda path=path: http.get(path))


def test_client_credentials_cost_none(machine, statements):
    """The client is cached, its secret was right lately, the token is signed."""
    machine.token(grant_type="client_credentials")

    assert 0 == statements(lambda: machine.token(grant_type="client_credentials"))


def test_a_pushed_request_is_one_row(world, browser, client, statements):
    """Kept in one statement; to authorize with it costs one more than without: it is found."""
    world.user("ada")
    browser.authorize_pushed(client, user="ada")
    plain = statements(lambda: browser.open(client), status=303)

    assert 1 == statements(client.push, status=201)
    uri = client.push().json["request_uri"]
    assert plain + 1 == statements(lambda: browser.open_pushed(client, uri), status=303)


def test_issuing_costs_the_same_for_all(world, browser, memberships, statements):
    """Authorize 4, code 2, refresh 2 at most (rotating too), userinfo 1, introspection 1."""
    client = Client.registered(world, "shop", consent="ask")
    public = Client.registered(world, "spa", public=True, consent="ask")
    for each in (client, public):
        each.tokens(browser, user="ada", company="north", scope=COMPANIES)
    asked = {"company": "north", "scope": COMPANIES}

    authorize = statements(lambda: browser.open(client, **asked), status=303)
    code = browser.authorize(client, **asked)["code"]
    redeem = statements(lambda: client.redeem(code))
    tokens = client.tokens(browser, **asked)
    rotating = public.tokens(browser, **asked)["refresh_token"]

    assert 4 >= authorize
    assert 2 >= redeem
    assert 2 >= statements(lambda: client.refresh(tokens["refresh_token"]))
    assert 2 >= statements(lambda: client.refresh(tokens["refresh_token"], company="north"))
    assert 2 >= statements(lambda: public.refresh(rotating))
    assert 1 == statements(lambda: client.userinfo(tokens["access_token"]))
    assert 1 == statements(lambda: client.introspect(tokens["access_token"]))
    assert 1 == statements(lambda: client.introspect(tokens["refresh_token"]))


def test_waiting_costs_one_more(world, browser, client, statements):
    """An authorization request that nobody is signed in for: the row."""
    browser.open(client, prompt="none")

    assert 1 == statements(lambda: browser.open(client), status=303)


def test_resource_server_that_asks_often_is_cached(world, browser, statements):
    """Who may introspect what is read once in ten seconds."""
    server = Client.registered(world, "data", grant_types=["client_credentials"])
    world.resource("https://data.example", "data")
    portal = Client.registered(world, "portal", resources=["https://data.example"])
    world.user("ada")
    token = portal.tokens(browser, user="ada")["access_token"]
    server.introspect(token)

    assert 1 == statements(lambda: server.introspect(token))


def test_pairwise_name_costs_one_more(world, browser, statements):
    """For the clients that want it, and for no other; the first time it is made."""
    client = Client.registered(world, "shop", client_metadata={"subject_type": "pairwise"})
    world.user("ada")
    token = client.tokens(browser, user="ada")["access_token"]
    code = browser.authorize(client)["code"]

    assert 2 == statements(lambda: client.redeem(code))
    assert 2 == statements(lambda: client.userinfo(token))


def test_an_exchange_costs_one_and_its_record(world, browser, memberships, statements):
    """The token is judged (RFC 8693); then a row in the records."""
    exchange = "urn:ietf:params:oauth:grant-type:token-exchange"
    world.resource("https://data.example", "service")
    world.resource("https://archive.example")
    portal = Client.registered(world, "portal", resources=["https://data.example"])
    service = Client.registered(world, "service", grant_types=[exchange], resources=["https://archive.example"])
    token = portal.tokens(browser, user="ada", company="north", scope="openid companies")["access_token"]
    form = {"subject_token": token, "subject_token_type": "urn:ietf:params:oauth:token-type:access_token"}
    service.token(grant_type=exchange, **form)

    assert 2 == statements(lambda: service.token(grant_type=exchange, **form))
