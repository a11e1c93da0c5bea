"""What scopes alone cannot say: authorization details, RFC 9396."""

import json
from pathlib import Path

import pytest
from actors import PUBLIC_URL, Client, unverified
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from signing_client import SigningClient, signed

DATA, PAY = "https://data.example", "https://pay.example"
SCHEMA = json.loads((Path(__file__).parents[2] / "examples" / "dataset.schema.json").read_text())
PAYMENT = {
    "title": "Pay",
    "type": "object",
    "properties": {
        "amount": {"title": "Amount", "$ref": "#/$defs/amount"},
        "to": {"type": "object", "properties": {"name": {"title": "Payee"}, "urgent": {"type": "boolean"}}},
    },
    "required": ["amount"],
    "$defs": {"amount": {"title": "Sum", "type": "number", "minimum": 0}},
}
READ_ONE = {"type": "dataset", "actions": ["read"], "identifiers": ["d1"], "locations": [DATA]}
READ_TWO = {**READ_ONE, "identifiers": ["d1", "d2"], "actions": ["read", "modify"]}


@pytest.fixture
def shop(world):
    """A client of two resource servers with a type each; it asks for consent."""
    world.resource(DATA, "service", scopes=["data:read"], authorization_details={"dataset": SCHEMA})
    world.resource(PAY, authorization_details={"payment": PAYMENT})
    world.user("ada")
    return Client.registered(
        world, "shop", resources=[DATA, PAY], scopes=["openid", "profile", "data:read"], consent="ask"
    )


@pytest.fixture
def machine(world, shop):
    """A client that acts for itself at the same resource server."""
    return Client.registered(world, "robot", grant_types=["client_credentials"], resources=[DATA], scopes=["data:read"])


def text(*entries):
    return json.dumps(list(entries))


def claim(tokens):
    return unverified(tokens["access_token"]).get("authorization_details")


def refused(browser, client, details, **more):
    """The error that an authorization request with these details is answered with."""
    found = browser.authorize(client, authorization_details=details, **more)
    return found["error"]


def test_details_reach_token_answer_and_introspection(world, browser, shop):
    """§7, §9.1, §9.2: what was granted is in the answer, in the access token, and what introspection says."""
    service = Client.registered(world, "service", grant_types=["client_credentials"])

    tokens = shop.tokens(browser, user="ada", scope="openid data:read", authorization_details=text(READ_TWO))

    assert [READ_TWO] == tokens["authorization_details"] == claim(tokens)
    assert [READ_TWO] == service.introspect(tokens["access_token"]).json["authorization_details"]
    assert [READ_TWO] == shop.introspect(tokens["refresh_token"]).json["authorization_details"]
    assert [READ_TWO] == claim(shop.refresh(tokens["refresh_token"]).json)
    assert "authorization_details" not in unverified(tokens["id_token"])


def test_without_the_parameter_nothing_is_said(browser, shop):
    """Its absence does not narrow; an empty list would."""
    tokens = shop.tokens(browser, user="ada")

    assert claim(tokens) is None
    assert "authorization_details" not in tokens
    assert "authorization_details" not in shop.introspect(tokens["access_token"]).json


@pytest.mark.parametrize(
    "details",
    [
        "x",
        "{}",
        "[]",
        "null",
        "[1]",
        "[{}]",
        '[{"type": 1}]',
        '[{"type": "dataset", "type": "dataset"}]',
        '[{"type": "dataset", "size": NaN}]',
        text({"type": "car"}),
        text({"type": "payment", "amount": 1, "locations": [DATA]}),
        text({**READ_ONE, "colour": "red"}),
        text({**READ_ONE, "actions": "read"}),
        text({**READ_ONE, "actions": []}),
        text({**READ_ONE, "actions": ["rule"]}),
        text({**READ_ONE, "identifiers": ["d1", "d1"]}),
        text(READ_ONE, {"type": "car"}),
        text({**READ_ONE, "locations": ["https://other.example"]}),
        text({**READ_ONE, "locations": [DATA, "https://other.example"]}),
        text({**READ_ONE, "locations": [DATA, PAY]}),
        text({**READ_ONE, "locations": ["https://id.example.com/api"]}),
        text({**READ_ONE, "locations": DATA}),
        text({**READ_ONE, "locations": [1]}),
        text({**READ_ONE, "locations": 5}),
        text({**READ_ONE, "locations": []}),
        text({"type": "payment"}),
        text({"type": "payment", "amount": -1}),
        text({"type": "payment", "amount": "1"}),
        '[{"type": "payment", "amount": 1e999}]',
        '[{"type": "payment", "amount": ' + "9" * 4000 + "}]",
        '[{"type": "payment", "amount": ' + "9" * 400 + "}]",
        text({"type": "payment", "amount": 2**53}),
        text({"type": "payment", "amount": 1, "to": {"a": [1e300]}}),
        text({"type": "payment", "amount": 1, "to": {"name": "a\0b"}}),
        text({"type": "payment", "amount": 1, "to": {"name": "\u202eevil"}}),
        text({"type": "payment", "amount": 1, "to": {"\x07": "x"}}),
        text({"type": "payment", "amount": 1, "to": {"name": "\ud800"}}),
        text({"type": "payment", "amount": 1, "to": {"a": {"b": {"c": {"d": {"e": {"f": {}}}}}}}}),
        text({"type": "payment", "amount": 1, "to": {"name": "x" * 2100}}),
        text(*[READ_ONE] * 21),
        "[" * 900 + "]" * 900,
    ],
)
def test_what_does_not_match_its_type_is_refused(browser, shop, details):
    """§5: unknown types, unknown, missing and wrong members; and what is too much, too deep or no text."""
    assert "invalid_authorization_details" == refused(browser, shop, details)


@pytest.mark.parametrize(
    "details",
    [
        json.dumps([{}] * 4000),
        text(READ_ONE) + " " * 4_000,
        "[" * 20_000,
        "[" * 2_000 + "]" * 2_000,
        '[{"type": "dataset", "to": ' + '{"a":' * 600 + "1" + "}" * 600 + "}]",
    ],
)
def test_thousands_of_entries_and_levels_are_refused(machine, details):
    """By their length, or by the parser's own limit; no schema is asked."""
    answer = machine.token(grant_type="client_credentials", authorization_details=details)

    assert (400, "invalid_authorization_details") == (answer.status_code, answer.json["error"])


def test_error_names_the_entry_and_never_what_was_sent(browser, shop):
    """For the client's developer; the keyword of the schema stands in the log."""
    answer = browser.authorize(shop, authorization_details=text(READ_ONE, {**READ_ONE, "secret": "s3cret"}))

    assert "entry 2 does not match its type" == answer["error_description"]


def test_types_that_a_client_registered_are_its_limit(world, browser, shop):
    """§10: `authorization_details_types`; without it every type of its resource servers."""
    modest = Client.registered(
        world,
        "modest",
        resources=[DATA, PAY],
        client_metadata={"authorization_details_types": ["payment"]},
    )

    assert "invalid_authorization_details" == refused(browser, modest, text(READ_ONE))
    assert [{"type": "payment", "amount": 1}] == claim(
        modest.tokens(browser, user="ada", authorization_details='[{"type": "payment", "amount": 1.0}]')
    )


def test_token_names_only_what_is_for_its_audience(browser, shop):
    """§9.1: entries located elsewhere are left out; a token without any is narrowed to nothing, not to everything."""
    pay = {"type": "payment", "amount": 5, "locations": [PAY]}
    loose = {"type": "payment", "amount": 7}
    shop_tokens = shop.tokens(browser, user="ada", resource=[DATA, PAY], authorization_details=text(READ_ONE, loose))
    both = shop_tokens["refresh_token"]
    only_one = shop.tokens(browser, resource=[DATA, PAY], authorization_details=text(READ_ONE))["refresh_token"]

    assert [READ_ONE, loose] == claim(shop_tokens)
    assert [loose] == claim(shop.refresh(both, resource=PAY).json)
    assert [READ_ONE, loose] == claim(shop.refresh(both, resource=DATA).json)
    assert [] == claim(shop.refresh(only_one, resource=PAY).json)
    assert "invalid_authorization_details" == refused(browser, shop, text(pay))  # its schema knows no locations


@pytest.mark.parametrize(
    ("asked", "granted"),
    [
        ([READ_ONE], True),
        ([READ_TWO], True),
        ([{**READ_TWO, "identifiers": ["d2", "d1"]}], True),
        ([READ_ONE, {**READ_ONE, "identifiers": ["d2"]}], True),
        ([{**READ_ONE, "identifiers": ["d3"]}], False),
        ([{**READ_ONE, "identifiers": ["d1", "d3"]}], False),
        ([{**READ_ONE, "identifiers": []}], False),
        ([{**READ_ONE, "actions": ["delete"]}], False),
        ([{**READ_ONE, "identifiers": "d1"}], False),
        ([{name: value for name, value in READ_ONE.items() if name != "identifiers"}], False),
        ([{**READ_ONE, "colour": "red"}], False),
        ([{"type": "payment", "amount": 1}], False),
        ([READ_ONE, {**READ_ONE, "identifiers": ["d3"]}], False),
    ],
)
def test_token_endpoint_only_narrows(browser, shop, asked, granted):
    """§6.1: within an entry that was granted: the same members, lists shortened, anything else equal."""
    answer = browser.authorize(shop, user="ada", authorization_details=text(READ_TWO))
    redeemed = shop.redeem(answer["code"])
    narrowed = shop.refresh(redeemed.json["refresh_token"], authorization_details=json.dumps(asked))

    if granted:
        assert (200, asked) == (narrowed.status_code, narrowed.json["authorization_details"])
        assert [READ_TWO] == claim(shop.refresh(redeemed.json["refresh_token"]).json)
    else:
        assert (400, "invalid_authorization_details") == (narrowed.status_code, narrowed.json["error"])


def test_code_is_narrowed_too(browser, shop):
    """§6: with the code's exchange; the grant keeps all of it."""
    code = browser.authorize(shop, user="ada", authorization_details=text(READ_TWO))["code"]

    tokens = shop.redeem(code, authorization_details=text(READ_ONE)).json

    assert [READ_ONE] == claim(tokens)
    assert [READ_TWO] == claim(shop.refresh(tokens["refresh_token"]).json)


def test_true_is_not_one(world, browser):
    """What Python takes for equal is not the same JSON."""
    world.resource(PAY, authorization_details={"flag": {"properties": {"on": {}}}})
    world.user("ada")
    shop = Client.registered(world, "shop", resources=[PAY])
    refresh = shop.tokens(browser, user="ada", authorization_details='[{"type": "flag", "on": 1}]')["refresh_token"]

    answer = shop.refresh(refresh, authorization_details='[{"type": "flag", "on": true}]')

    assert (400, "invalid_authorization_details") == (answer.status_code, answer.json["error"])


def test_what_was_never_granted_cannot_be_added(browser, shop):
    """§6: a grant without details stays one without."""
    refresh = shop.tokens(browser, user="ada")["refresh_token"]

    answer = shop.refresh(refresh, authorization_details=text(READ_ONE))

    assert (400, "invalid_authorization_details") == (answer.status_code, answer.json["error"])


def test_client_narrows_its_own_token(machine):
    """§6: at client credentials the registration is the limit."""
    narrowed = machine.token(grant_type="client_credentials", authorization_details=text(READ_ONE)).json
    unknown = machine.token(grant_type="client_credentials", authorization_details=text({"type": "payment"}))

    assert [READ_ONE] == claim(narrowed) == narrowed["authorization_details"]
    assert [READ_ONE] == machine.introspect(narrowed["access_token"]).json["authorization_details"]
    assert claim(machine.token(grant_type="client_credentials").json) is None
    assert (400, "invalid_authorization_details") == (unknown.status_code, unknown.json["error"])


def test_consent_page_says_them_in_words(browser, shop):
    """Title, members and values as the schema says them; escaped, and the resource server's name."""
    evil = {"type": "payment", "amount": 12.5, "to": {"name": "<b>Bob</b>", "urgent": True}}
    browser.open(shop, authorization_details=text(READ_TWO, evil))
    browser.follow()
    page = browser.sign_in("ada").text

    assert "Some datasets only" in page
    assert "Never more than what you may do there yourself." in page
    assert "<dt><bdi>Datasets</bdi></dt><dd><bdi>d1</bdi> and <bdi>d2</bdi></dd>" in page
    assert "<dd><bdi>read</bdi> and <bdi>change</bdi></dd>" in page
    assert "<dt><bdi>Sum</bdi></dt><dd><bdi>12.5</bdi></dd>" in page
    assert "<bdi>Payee: &lt;b&gt;Bob&lt;/b&gt;</bdi>" in page
    assert "<bdi>urgent: true</bdi>" in page
    assert "<b>Bob" not in page
    assert DATA in page
    assert PAY in page


def test_consent_page_says_them_in_the_persons_language(browser, shop):
    """`title#nb` beside `title`, as client metadata does (RFC 7591 §2.2)."""
    browser.open(shop, authorization_details=text(READ_ONE), ui_locales="nb-NO")
    browser.follow()
    page = browser.sign_in("ada").text

    assert "Bare noen datasett" in page
    assert "<dd><bdi>lese</bdi></dd>" in page
    assert "Begrenset til" in page


def test_consent_is_remembered_with_the_details(browser, shop):
    """The same ones, and narrower ones, are not asked again; others are."""
    asked = {"scope": "openid data:read"}
    browser.authorize(shop, user="ada", **asked, authorization_details=text(READ_TWO))

    def silently(*entries, **more):
        return browser.authorize(shop, prompt="none", **{**asked, **more}, authorization_details=text(*entries))

    other = {**READ_ONE, "identifiers": ["d3"]}
    assert "code" in silently(READ_TWO)
    assert "code" in silently(READ_ONE)
    assert "code" in silently(READ_ONE, scope="openid")
    assert "consent_required" == silently(other)["error"]
    assert "consent_required" == silently(READ_ONE, other)["error"]
    assert "consent_required" == silently(READ_ONE, scope="openid profile")["error"]
    browser.authorize(shop, **asked, authorization_details=text(other))
    assert "code" in silently(READ_ONE, other)


def test_consent_for_one_dataset_is_none_for_all(browser, shop):
    """The scopes that were allowed with details are not allowed without."""
    browser.authorize(shop, user="ada", scope="data:read", authorization_details=text(READ_ONE))

    assert "consent_required" == browser.authorize(shop, scope="data:read", prompt="none")["error"]
    browser.authorize(shop, scope="data:read")
    assert "code" in browser.authorize(shop, scope="data:read", prompt="none")
    assert "code" in browser.authorize(shop, scope="data:read", prompt="none", authorization_details=text(READ_ONE))


def test_decision_is_about_the_details_that_were_shown(world, browser, shop):
    """A form whose page named one dataset decides nothing about another."""
    browser.open(shop, authorization_details=text(READ_ONE))
    browser.follow()
    browser.sign_in("ada")
    other = json.dumps({"authorization_details": [text({**READ_ONE, "identifiers": ["d9"]})]})
    world.execute("UPDATE authorization_request SET parameters = parameters || %(other)s::jsonb", other=other)

    answer = browser.submit(button=("decision", "allow"))

    assert 400 == answer.status_code
    assert 0 == world.count("oauth_grant")


def test_withdrawn_details_are_asked_again(world, app, browser, shop):
    """What was withdrawn is forgotten, details too."""
    browser.authorize(shop, user="ada", authorization_details=text(READ_ONE))
    world.execute("UPDATE consent SET withdrawn_at = now()")
    browser.authorize(shop, authorization_details=text({**READ_ONE, "identifiers": ["d2"]}))

    answer = browser.authorize(shop, prompt="none", authorization_details=text(READ_ONE))

    assert "consent_required" == answer["error"]


def test_consent_keeps_the_newest_details(world, browser, shop):
    """A client that asks for something else each time fills no row."""
    entries = [{**READ_ONE, "identifiers": [f"d{number}"]} for number in range(120)]
    for start in range(0, 120, 12):
        browser.authorize(shop, user="ada", authorization_details=text(*entries[start : start + 12]))

    [(count,)] = world.execute("SELECT jsonb_array_length(details) FROM consent")
    assert 100 == count
    assert "code" in browser.authorize(shop, prompt="none", authorization_details=text(entries[-1]))
    assert "consent_required" == browser.authorize(shop, prompt="none", authorization_details=text(entries[0]))["error"]


def test_switch_of_company_needs_the_details_allowed_there(world, browser, shop):
    """Consent is per company: what was allowed in one says nothing about another."""
    north, kvit = world.company("north"), world.company("kvit")
    world.user("bo", [north, kvit])
    asked = {"user": "bo", "scope": "data:read", "authorization_details": text(READ_ONE)}
    refresh = shop.redeem(browser.authorize(shop, company="north", **asked)["code"]).json["refresh_token"]

    before = shop.refresh(refresh, company="kvit")
    browser.authorize(shop, company="kvit", **asked)
    after = shop.refresh(refresh, company="kvit")

    assert (400, "interaction_required") == (before.status_code, before.json["error"])
    assert (200, [READ_ONE]) == (after.status_code, claim(after.json))


def test_types_are_announced(app, world, clock, shop):
    """§10: discovery lists what resource servers declare, at most ten seconds late, also while the database is away."""
    http = app.test_client(use_cookies=False)

    def types():
        return http.get("/.well-known/openid-configuration").json.get("authorization_details_types_supported")

    assert ["dataset", "payment"] == types()
    world.execute("UPDATE resource SET authorization_details = '{}' WHERE uri = %(uri)s", uri=PAY)
    assert ["dataset", "payment"] == types()
    clock.advance(10)
    assert ["dataset"] == types()


def test_discovery_answers_without_the_database(app, clock, shop, monkeypatch):
    """With the types that were known before."""
    import psycopg

    from idp.oauth.extensions import rich_requests

    http = app.test_client(use_cookies=False)
    before = http.get("/.well-known/openid-configuration").json

    def away():
        raise psycopg.OperationalError("away")

    monkeypatch.setitem(rich_requests.extension.varying, "authorization_details_types_supported", away)
    clock.advance(10)

    assert before == http.get("/.well-known/openid-configuration").json


def test_pushed_request_is_judged_at_once(world, browser, shop):
    """RFC 9126 §2.1: wrong details are refused where they are pushed; right ones come with the request_uri."""
    wrong = shop.post("/oauth2/par", shop.parameters(authorization_details=text({"type": "car"})))
    right = shop.post("/oauth2/par", shop.parameters(authorization_details=text(READ_ONE)))
    browser.get("/oauth2/authorize", client_id="shop", request_uri=right.json["request_uri"])
    answer = browser.complete(user="ada")

    assert (400, "invalid_authorization_details") == (wrong.status_code, wrong.json["error"])
    assert [READ_ONE] == claim(shop.redeem(answer["code"]).json)


def test_largest_details_fit_into_a_token(world, browser):
    """An access token never exceeds 4 kB, with the claims of a company and many scopes too."""
    scopes = [f"datasets:act{number}" for number in range(12)]
    world.resource(DATA, scopes=scopes, authorization_details={"row": {"properties": {"ids": {}}}})
    world.user("ada", {world.company("north"): ["admin", "data_owner", "member"]})
    shop = Client.registered(world, "shop", resources=[DATA], scopes=["openid", "companies", *scopes])
    details = text({"type": "row", "ids": "x" * (2048 - len('[{"ids":"","type":"row"}]'))})

    tokens = shop.tokens(
        browser, user="ada", scope=" ".join(["openid", "companies", *scopes]), authorization_details=details
    )

    assert json.loads(details) == claim(tokens)
    assert 3_700 < len(tokens["access_token"]) <= 4_096


def test_request_object_has_them_as_json(world, browser, shop):
    """§2 with RFC 9101 §4: an array within the object, not text."""
    signer = SigningClient.made(world, grant_types=["authorization_code"], resources=[DATA])
    asked = {**signer.parameters(), "iss": "signer", "aud": PUBLIC_URL, "authorization_details": [READ_ONE]}

    answer = browser.authorize(signer, user="ada", request=signed(json.dumps(asked), signer.key))

    assert "code" in answer
    assert [([READ_ONE],)] == world.execute("SELECT details FROM oauth_grant")


@pytest.mark.parametrize(("first", "second"), [("1e2", "100"), ("100.0", "100"), ("1e15", "1000000000000000")])
def test_a_number_has_one_spelling(browser, shop, first, second):
    """However a client writes it, it is what the person allowed."""
    browser.authorize(shop, user="ada", authorization_details=f'[{{"type": "payment", "amount": {first}}}]')

    for amount in (first, second):
        details = f'[{{"type": "payment", "amount": {amount}}}]'
        assert "code" in browser.authorize(shop, prompt="none", authorization_details=details)


def test_details_count_with_the_scopes_they_were_allowed_with(browser, shop):
    """To read one dataset and to know who somebody is about another do not make reading that other one."""
    other = {**READ_ONE, "identifiers": ["d2"]}
    browser.authorize(shop, user="ada", scope="openid", authorization_details=text(READ_ONE))
    browser.authorize(shop, scope="openid data:read", authorization_details=text(other))

    answer = browser.authorize(shop, prompt="none", scope="openid data:read", authorization_details=text(READ_ONE))

    assert "consent_required" == answer["error"]


anything = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.text("aø中 <&'", max_size=9),
        st.sampled_from(["dataset", "open", DATA, "read", 10**400, 1e308, -0.0]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=5),
        st.dictionaries(st.sampled_from(["type", "actions", "identifiers", "locations", "x", ""]), inner, max_size=5),
    ),
    max_leaves=20,
)  # fmt: skip
opened = st.builds(lambda found: {"type": "open", "x": found}, anything)
entries = st.one_of(st.lists(anything, max_size=4), st.lists(opened, min_size=1, max_size=3))


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(details=entries)
def test_any_json_is_granted_or_refused(world, browser, details):
    """Whatever a client sends, and even where the type allows everything: stored, shown and narrowed, or refused."""
    if not world.count("client"):
        types = {"dataset": SCHEMA, "open": {"additionalProperties": True}}
        world.resource(DATA, authorization_details=types)
        world.user("ada")
        Client.registered(world, "shop", resources=[DATA], consent="ask")
    shop = Client(world.app, "shop", redirect_uri="https://shop.example/callback")
    answer = browser.authorize(shop, user="ada", authorization_details=json.dumps(details))

    assert "code" in answer or "invalid_authorization_details" == answer["error"]
    if "code" in answer:
        again = browser.authorize(shop, prompt="none", authorization_details=json.dumps(details))
        assert "code" in again
