"""Asking a user elsewhere: OpenID Connect CIBA Core 1.0, and what FAPI-CIBA adds. Off unless it is switched on."""

import json
from datetime import timedelta

import pytest
from actors import PUBLIC_URL, Browser, Client, unverified
from ciba import GRANT, PATH, Counter, answer, deny
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from signing_client import NO_TIMES, new_key


@pytest.fixture(name="settings")
def with_ciba(settings):
    return settings.model_copy(update={"extensions": ("+ciba",)})


@pytest.fixture
def ada(world):
    return world.user("ada", [world.company("north-sea", "North Sea Energy")])


@pytest.fixture
def counter(world):
    return Counter.at(world)


SIGNED = (
    "aud", "iss", "exp", "iat", "nbf", "jti", "scope", "login_hint", "id_token_hint", "claims", "binding_message",
    "requested_expiry", "client_notification_token", "resource", "acr_values",
)  # fmt: skip


def at(clock, **by):
    """Seconds since the epoch, so long from now."""
    return int((clock() + timedelta(**by)).timestamp())


def test_a_user_approves_elsewhere(counter, ada, browser, world):
    """Pending, a page in the account, a decision, tokens: for the person whom the client named."""
    told = counter.started(scope="openid offline_access")
    pending = counter.poll(0)
    assert (400, "authorization_pending") == (pending.status_code, pending.json["error"])

    assert "It was allowed." in answer(browser).text
    tokens = counter.poll()

    assert {"expires_in": 600, "interval": 5} == {name: told[name] for name in told if name != "auth_req_id"}
    assert 200 == tokens.status_code
    assert "no-store" == tokens.headers["Cache-Control"]
    access, identity = unverified(tokens.json["access_token"]), unverified(tokens.json["id_token"])
    assert ("sub-ada", "counter", "openid offline_access") == (access["sub"], access["client_id"], access["scope"])
    assert ("sub-ada", "counter", "urn:idp:1fa") == (identity["sub"], identity["aud"], identity["acr"])
    assert world.execute("SELECT id::text FROM company")[0][0] == access["company_id"]
    assert 200 == counter.refresh(tokens.json["refresh_token"]).status_code
    assert ["ciba.started", "ciba.approved"] == [kind for kind in world.events() if kind.startswith("ciba")]


def test_the_id_is_long_and_kept_as_a_digest(counter, ada, world):
    """CIBA §7.3: at least 160 bits, of few characters."""
    auth_req_id = counter.started()["auth_req_id"]
    [row] = world.execute("SELECT * FROM decoupled_authorization")

    assert len(auth_req_id) >= 43
    assert auth_req_id.replace("-", "").replace("_", "").replace(".", "").isalnum()
    assert auth_req_id not in str(row)


def test_discovery_announces_it(app):
    document = app.test_client().get("/.well-known/openid-configuration", base_url=PUBLIC_URL).json

    assert {
        "backchannel_authentication_endpoint": f"{PUBLIC_URL}{PATH}",
        "backchannel_token_delivery_modes_supported": ["poll", "ping"],
        "backchannel_authentication_request_signing_alg_values_supported": ["ES256", "PS256", "EdDSA"],
        "backchannel_user_code_parameter_supported": False,
    } == {name: value for name, value in document.items() if name.startswith("backchannel_") and "logout" not in name}
    assert GRANT in document["grant_types_supported"]


def test_the_person_sees_who_asks_and_what_for(counter, ada, browser):
    counter.started(binding_message="Skranke 4 — grønn hette")
    browser.get("/account/approvals")
    browser.follow()
    listed = browser.sign_in("ada").text
    browser.submit(button=("decision", "review"))
    page = browser.follow().text

    for words in ("Meter Desk", "Skranke 4 — grønn hette"):
        assert words in listed
        assert words in page
    assert "Know that it is you" in page
    assert "North Sea Energy" in page


@pytest.mark.parametrize("say_no", [lambda browser: answer(browser, decision="deny"), deny])
def test_the_person_may_say_no(counter, ada, browser, world, say_no):
    """With or without a closer look."""
    browser.get("/account/approvals")
    browser.follow()
    browser.sign_in("ada")
    counter.started()

    assert "Nothing was allowed" in say_no(browser).text
    refused = counter.poll()
    assert (400, "access_denied") == (refused.status_code, refused.json["error"])
    assert "ciba.denied" in world.events()
    assert 0 == world.count("oauth_grant")


def test_nobody_else_sees_or_decides_it(counter, ada, browser, world):
    """Not on the page, and not by its address: who signs in instead is told."""
    world.user("bob")
    counter.started()
    browser.get("/account/approvals")
    browser.follow()
    assert "Nothing waits for you." in browser.sign_in("bob").text
    [(hashed,)] = world.execute("SELECT encode(hash, 'hex') FROM decoupled_authorization")
    counter.started(login_hint="bob")
    browser.get("/account/approvals")
    browser.submit(button=("decision", "deny"), id=hashed)

    assert "It was too late." in browser.follow().text
    assert ["pending", "pending"] == [s for (s,) in world.execute("SELECT state FROM decoupled_authorization")]


def test_another_person_cannot_take_over_the_page(counter, ada, browser, world):
    """ "Not you?", and somebody else signs in: the question was for the first one alone."""
    world.user("bob")
    counter.started()
    browser.get("/account/approvals")
    browser.follow()
    browser.sign_in("ada")
    browser.submit(button=("decision", "review"))
    browser.follow()
    browser.submit(index=0)
    browser.follow()
    page = browser.sign_in("bob")

    assert (400, True) == (page.status_code, "login_required" in page.text)
    assert "authorization_pending" == counter.poll().json["error"]


def test_it_is_asked_each_time(counter, ada, browser, world):
    """Consent that is remembered or implied approves nothing."""
    counter.started()
    answer(browser)
    world.execute("UPDATE client SET consent = 'implied'")
    world.forget_cache()
    counter.started()

    assert "authorization_pending" == counter.poll().json["error"]
    assert "Meter Desk" in browser.get("/account/approvals").text


def test_what_was_decided_is_asked_no_more(counter, ada, browser):
    """Until the client comes for its tokens, and after."""
    counter.started()

    assert "Nothing waits for you." in answer(browser).text


def test_a_client_that_was_switched_off_is_not_shown(counter, ada, browser, world):
    counter.started()
    world.execute("UPDATE client SET disabled_at = now()")
    browser.get("/account/approvals")
    browser.follow()

    assert "Meter Desk" not in browser.sign_in("ada").text


# -- whom the client names, §7.1


@pytest.mark.parametrize("hint", ["ada", "ADA", "ada@example.com", " Ada@Example.com"])
def test_a_login_hint_is_a_name_that_signs_in(counter, ada, hint):
    assert 200 == counter.ask(login_hint=hint).status_code


def test_an_id_token_hint_names_its_user(counter, ada, browser):
    counter.started()
    answer(browser)
    earlier = counter.poll().json["id_token"]
    counter.started(login_hint=None, id_token_hint=earlier)

    assert "Meter Desk" in browser.get("/account/approvals").text


def test_an_id_token_hint_names_nobody_who_may_not_sign_in(counter, ada, browser, world):
    counter.started()
    answer(browser)
    earlier = counter.poll().json["id_token"]
    world.execute("UPDATE user_account SET disabled_at = now()")

    assert "unknown_user_id" == counter.ask(login_hint=None, id_token_hint=earlier).json["error"]


def test_another_client_s_id_token_names_nobody(counter, ada, world, browser):
    shop = Client.registered(world, "shop")
    foreign = shop.tokens(browser, user="ada")["id_token"]
    response = counter.ask(login_hint=None, id_token_hint=foreign)

    assert (400, "invalid_request") == (response.status_code, response.json["error"])


@pytest.mark.parametrize(
    ("hints", "error"),
    [
        ({"login_hint": None}, "invalid_request"),
        ({"id_token_hint": "x"}, "invalid_request"),
        ({"login_hint_token": "x"}, "invalid_request"),
        ({"login_hint": None, "login_hint_token": "x"}, "invalid_request"),
        ({"login_hint": None, "id_token_hint": "x.y.z"}, "invalid_request"),
        ({"login_hint": "nobody"}, "unknown_user_id"),
        ({"login_hint": "nobody@example.com"}, "unknown_user_id"),
        ({"login_hint": "gone"}, "unknown_user_id"),
    ],
)
def test_exactly_one_hint_names_somebody(counter, ada, world, clock, hints, error):
    world.user("gone", disabled_at=clock())
    response = counter.ask(**hints)

    assert (400, error) == (response.status_code, response.json["error"])
    assert 0 == world.count("decoupled_authorization")


def test_a_client_cannot_try_names(counter, ada, clock):
    """Twenty unknown ones in ten minutes; whoever types them takes nothing away from the client's users."""
    for _ in range(20):
        assert "unknown_user_id" == counter.ask(login_hint="nobody").json["error"]
    refused = counter.ask(login_hint="nobody")

    assert 429 == refused.status_code
    assert int(refused.headers["Retry-After"]) <= 600
    assert 200 == counter.ask().status_code
    clock.advance(601)
    assert "unknown_user_id" == counter.ask(login_hint="nobody").json["error"]


def test_one_application_does_not_fill_a_person_s_page(counter, ada, world, clock):
    world.user("bob")
    for _ in range(20):
        counter.started()

    assert 429 == counter.ask().status_code
    assert 200 == counter.ask(login_hint="bob").status_code
    clock.advance(601)
    assert 200 == counter.ask().status_code


def test_requests_that_live_a_second_fill_it_no_faster(counter, ada, clock):
    for _ in range(20):
        counter.started(requested_expiry="1")
        clock.advance(2)

    assert 429 == counter.ask().status_code


# -- the request, §7.1.1 and FAPI-CIBA §5.2.2


@pytest.mark.parametrize("claim", ["aud", "iss", "exp", "iat", "nbf", "jti"])
def test_every_claim_of_a_signed_request_is_needed(counter, ada, claim):
    response = counter.ask(**{claim: None})

    assert (400, "invalid_request") == (response.status_code, response.json["error"])


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "https://elsewhere.example"},
        {"aud": []},
        {"iss": "somebody"},
        {"exp": {"minutes": -70}},
        {"exp": {"minutes": 70}},
        {"nbf": {"minutes": -70}},
        {"nbf": {"minutes": 10}},
        {"iat": {"minutes": 10}},
        *({name: value} for name in ("exp", "iat", "nbf") for value in NO_TIMES if value != {}),
        {"jti": 7},
        {"jti": ""},
        {"jti": "x" * 257},
        {"scope": True},
        {"scope": ["openid"]},
        {"login_hint": {"a": 1}},
        {"binding_message": "a\0b"},
        {"alg": "none"},
    ],
    ids=str,
)
def test_a_signed_request_that_is_not_right_is_refused(counter, ada, world, clock, changes):
    """Seventy minutes off, ten minutes ahead, another key, RS256, none: `invalid_request`."""
    moved = {
        name: at(clock, **value) if isinstance(value, dict) and name != "login_hint" else value
        for name, value in changes.items()
    }
    response = counter.ask(**moved)

    assert (400, "invalid_request") == (response.status_code, response.json["error"])
    assert 0 == world.count("decoupled_authorization")


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    st.dictionaries(
        st.sampled_from(SIGNED),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
            max_leaves=5,
        ),
        min_size=1,
        max_size=3,
    )
)
def test_a_signed_request_may_say_anything(counter, ada, world, changes):
    """Whatever a client signs: an answer of the specification, never a failure."""
    response = counter.ask(**changes)
    world.execute("DELETE FROM decoupled_authorization")

    assert response.status_code in (200, 400, 429)
    assert (200 == response.status_code) == ("auth_req_id" in response.json)


@pytest.mark.parametrize("alg", ["ES256", "RS256"])
def test_a_request_of_another_key_or_algorithm_is_refused(counter, ada, alg):
    response = counter.ask(alg=alg, key=new_key(alg, "k1"))

    assert (400, "invalid_request") == (response.status_code, response.json["error"])


def test_rs256_is_refused_even_with_the_registered_key(world, ada):
    """FAPI-CIBA: an algorithm that is not offered counts for nothing, whatever key the client has."""
    counter = Counter.at(world, alg="RS256")

    assert 400 == counter.ask().status_code


@pytest.mark.parametrize("changes", [{"aud": [PUBLIC_URL]}, {"nbf": {"seconds": 8}}, {"exp": {"minutes": 60}}], ids=str)
def test_a_signed_request_may_be_a_little_off(counter, ada, clock, changes):
    moved = {name: at(clock, **value) if isinstance(value, dict) else value for name, value in changes.items()}

    assert 200 == counter.ask(**moved).status_code


def test_a_signed_request_counts_once(counter, ada, world):
    signed = counter.signed()

    assert [200, 400] == [counter.post(PATH, {"request": signed}).status_code for _ in range(2)]
    assert 1 == world.count("decoupled_authorization")


def test_what_was_registered_must_be_signed(counter, ada):
    response = counter.post(PATH, {"scope": "openid", "login_hint": "ada"})

    assert (400, "invalid_request") == (response.status_code, response.json["error"])


def test_nothing_stands_outside_of_a_signed_request(counter, ada):
    """CIBA §7.1.1: nobody signed it."""
    response = counter.post(PATH, {"request": counter.signed(), "binding_message": "another"})

    assert (400, "invalid_request") == (response.status_code, response.json["error"])


@pytest.mark.parametrize("junk", ["x", "a.b.c", "....", "é", "x" * 9000])
def test_a_request_that_is_no_jwt_is_refused(counter, ada, junk):
    assert 400 == counter.post(PATH, {"request": junk}).status_code


def test_the_registered_algorithm_alone_counts(world, ada):
    counter = Counter.at(world, alg="PS256")
    counter.started()
    other = new_key("ES256", "k2")
    world.execute(
        "UPDATE client SET jwks = jsonb_set(jwks, '{keys,1}', %(key)s::jsonb)",
        key=json.dumps(other.as_dict(private=False)),
    )
    world.forget_cache()

    assert 400 == counter.ask(alg="ES256", key=other).status_code


def test_who_registered_no_algorithm_may_send_a_form(world, ada, browser):
    counter = Counter.at(world, signs=False)
    response = counter.post(PATH, {"scope": "openid", "login_hint": "ada", "binding_message": "PX-7"})
    assert 200 == response.status_code
    counter.told = response.json
    answer(browser)

    assert 200 == counter.poll().status_code
    assert 200 == counter.ask().status_code


@pytest.mark.parametrize(("asked", "granted"), [(30, 30), ("30", 30), (10, 10), (999_999, 600), (None, 600)])
def test_the_client_may_want_less_time(counter, ada, asked, granted):
    """`requested_expiry`, as a number and as a string."""
    assert granted == counter.started(requested_expiry=asked)["expires_in"]


@pytest.mark.parametrize("asked", [0, -5, "0", "1.5", 1.5, "ten", True, "٣٠", "1" * 30])
def test_a_time_that_is_none_is_refused(counter, ada, asked):
    response = counter.ask(requested_expiry=asked)

    assert (400, "invalid_request") == (response.status_code, response.json["error"])


def test_time_runs_out(counter, ada, browser):
    """Ten seconds, as the client wanted: then `expired_token`, and the page has nothing any more."""
    counter.started(requested_expiry=10)
    late = counter.poll(11)

    assert (400, "expired_token") == (late.status_code, late.json["error"])
    browser.get("/account/approvals")
    browser.follow()
    assert "Nothing waits for you." in browser.sign_in("ada").text


@pytest.mark.parametrize("message", ["ÆØÅ 漢字 مرحبا 🜁" * 5, "x" * 200])
def test_a_long_message_is_shown(counter, ada, message):
    assert 200 == counter.ask(binding_message=message).status_code


@pytest.mark.parametrize("message", ["x" * 201, "a\u202eb", " x"])
def test_a_message_that_cannot_be_shown_is_refused(world, ada, message):
    """CIBA §13; also what would deceive whoever reads it."""
    counter = Counter.at(world, signs=False)
    response = counter.post(PATH, {"scope": "openid", "login_hint": "ada", "binding_message": message})

    assert (400, "invalid_binding_message") == (response.status_code, response.json["error"])


@pytest.mark.parametrize("scope", ["email", "nothing", None])
def test_openid_is_needed(counter, ada, scope):
    """§7.1: without it there would be no ID token. Nothing named: the default scopes, which have it."""
    response = counter.ask(scope=scope)

    assert (200 if scope is None else 400) == response.status_code
    assert response.json.get("error") in (None, "invalid_scope")


@pytest.mark.parametrize("changes", [{"resource": "https://elsewhere.example"}, {"company": "*"}, {"claims": "{"}])
def test_the_client_learns_at_once_what_is_wrong(counter, ada, world, changes):
    assert 400 == counter.ask(**changes).status_code
    assert 0 == world.count("decoupled_authorization")


# -- the client


def test_the_client_authenticates(counter, ada):
    response = counter.post(PATH, {"request": counter.signed(), "client_id": "counter"}, auth=None)

    assert (401, "invalid_client") == (response.status_code, response.json["error"])


@pytest.mark.parametrize("path", ["", "/oauth2/token", PATH])
def test_an_assertion_may_be_for_the_endpoint(counter, ada, path):
    """§7.1: the issuer, the token endpoint and this endpoint are all accepted."""
    proof = counter.proof(counter.assertion(aud=PUBLIC_URL + path))

    assert 200 == counter.post(PATH, {"request": counter.signed(), **proof}, auth=None).status_code


def test_a_public_client_cannot_ask(world, ada):
    phone = Client.registered(world, "phone", public=True, grant_types=[GRANT])
    response = phone.post(PATH, {"scope": "openid", "login_hint": "ada"})

    assert (401, "invalid_client") == (response.status_code, response.json["error"])


def test_the_grant_type_must_be_registered(client, ada):
    response = client.post(PATH, {"scope": "openid", "login_hint": "ada"})

    assert (400, "unauthorized_client") == (response.status_code, response.json["error"])


@pytest.mark.parametrize("method", ["GET", "PUT", "HEAD"])
def test_other_methods_are_refused(app, method):
    assert 405 == app.test_client().open(PATH, method=method, base_url=PUBLIC_URL).status_code


# -- polling, §10, §11


def test_another_client_s_id_is_unknown(counter, ada, browser, world):
    thief = Counter.at(world, "thief")
    thief.told = counter.started()
    answer(browser)

    assert (400, "invalid_grant") == (thief.poll(0).status_code, thief.poll(0).json["error"])
    assert 200 == counter.poll(0).status_code


def test_polling_too_fast_is_slowed_down(counter, ada):
    counter.started()
    counter.poll(0)

    assert "slow_down" == counter.poll(1).json["error"]
    assert "slow_down" == counter.poll(6).json["error"]
    assert "authorization_pending" == counter.poll(15).json["error"]


def test_of_twenty_polls_at_once_one_gets_tokens(counter, ada, browser, at_once):
    counter.started()
    answer(browser)
    answers = at_once(20, lambda: counter.poll(0))

    assert [200] == [each.status_code for each in answers if each.status_code != 400]
    assert "invalid_grant" == counter.poll(60).json["error"]


def test_an_authorization_that_ended_has_failed(counter, ada, browser, world):
    """§11: the person signed out before the client came."""
    counter.started()
    answer(browser)
    world.execute("UPDATE sso_session SET ended_at = ends_at")

    assert "transaction_failed" == counter.poll().json["error"]


@pytest.mark.parametrize("value", [None, "", "ar_unknown"])
def test_an_unknown_id_is_refused(counter, ada, value):
    counter.started()

    assert counter.poll(auth_req_id=value).json["error"] in ("invalid_grant", "invalid_request")


def test_a_device_code_is_no_auth_req_id(counter, ada, world, browser):
    """One table, two kinds: neither is accepted as the other."""
    device_grant = "urn:ietf:params:oauth:grant-type:device_code"
    world.execute("UPDATE client SET grant_types = array_append(grant_types, %(grant)s)", grant=device_grant)
    world.forget_cache()
    counter.started()
    answer(browser)

    swapped = counter.token(grant_type=device_grant, device_code=counter.told["auth_req_id"])
    assert "invalid_grant" == swapped.json["error"]


# -- the page


def test_a_decided_request_cannot_be_decided_again(counter, ada, browser, app):
    """Two tabs: the second comes too late, and changes nothing."""
    counter.started()
    browser.get("/account/approvals")
    browser.follow()
    browser.sign_in("ada")
    browser.submit(button=("decision", "review"))
    browser.follow()
    review = browser.page
    deny(browser)
    browser.page = review
    browser.submit(button=("decision", "allow"))

    assert "It was too late." in browser.follow().text
    assert "access_denied" == counter.poll().json["error"]


def test_a_form_of_another_site_decides_nothing(counter, ada, browser, world):
    browser.get("/account/approvals")
    browser.follow()
    browser.sign_in("ada")
    counter.started()
    [(hashed,)] = world.execute("SELECT encode(hash, 'hex') FROM decoupled_authorization")
    fields = {"id": hashed, "decision": "deny"}
    forged = browser.http.post(
        "/account/approvals", data=fields, headers={"Origin": "https://evil.example"}, base_url=PUBLIC_URL
    )
    without = browser.http.post("/account/approvals", data=fields, base_url=PUBLIC_URL)

    assert [403, 400] == [forged.status_code, without.status_code]
    assert "authorization_pending" == counter.poll().json["error"]


class TestSwitchedOff:
    """As it is unless the settings say otherwise."""

    @pytest.fixture
    def settings(self, settings):
        return settings.model_copy(update={"extensions": None})

    def test_nothing_of_it_is_there(self, app, world, ada):
        browser = Browser(app)
        browser.get("/account")
        browser.follow()

        assert "Requests for you" not in browser.sign_in("ada").text
        assert 404 == browser.get("/account/approvals").status_code
        assert 404 == browser.http.post(PATH, base_url=PUBLIC_URL).status_code
