"""Authorization requests as signed JWTs: OpenID Connect Core §6, RFC 9101."""

import json

import elsewhere as servers
import pytest
from actors import PUBLIC_URL, Client, answer_of
from signing_client import NO_TIMES, SigningClient, key_set, new_key

from idp.fetch import Fetcher
from keys import compact

# What `Client.parameters` would put outside.
INSIDE_ALONE = dict.fromkeys(("redirect_uri", "scope", "state", "nonce", "code_challenge", "code_challenge_method"))
GRANTS = ["authorization_code", "refresh_token"]


@pytest.fixture(autouse=True)
def ada(world):
    return world.user("ada")


@pytest.fixture
def shop(world):
    return signing(world)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with servers.running(tmp_path_factory.mktemp("elsewhere")) as running:
        yield running


@pytest.fixture
def elsewhere(app, server):
    """Where clients keep their request objects."""
    server.asked.clear()
    server.answers.clear()
    app.extensions["idp.fetch"] = Fetcher(allow=["localhost"], ca_file=server.certificate)
    return server


def signing(world, client_id="shop", **fields):
    """A client of the code flow with a key, and two redirect URIs."""
    uris = [f"https://{client_id}.example/callback", f"https://{client_id}.example/other"]
    return SigningClient.made(world, client_id, **{"grant_types": GRANTS, "redirect_uris": uris, **fields})


def inside(client, **changes):
    """Good claims of an object; None removes one."""
    found = client.parameters(**{"aud": PUBLIC_URL, "iss": client.client_id, "state": "inside", **changes})
    return {name: value for name, value in found.items() if value is not None}


def signed(client, *, key=None, alg=None, header=None, **changes):
    return client.assertion(key=key, alg=alg, header=header, payload=json.dumps(inside(client, **changes)))


def unsigned(client, **changes):
    head, body = ({"alg": "none"}, inside(client, **changes))
    return b".".join([*(compact.b64encode(json.dumps(part).encode()) for part in (head, body)), b""]).decode()


def sent(browser, client, **parameters):
    """What comes back for a request whose parameters are all in the object."""
    return browser.authorize(client, user="ada", **{**INSIDE_ALONE, **parameters})


def registered_at(world, elsewhere, *uris, **fields):
    listed = [elsewhere.url(uri) for uri in uris]
    return signing(world, client_metadata={"request_uris": listed, **fields})


@pytest.mark.parametrize("alg", ["ES256", "RS256", "PS256", "EdDSA"])
def test_by_value_in_every_algorithm(world, browser, alg):
    """§6.1: signed by a key of the client; the answer goes where the object says, with its state."""
    shop = signing(world, alg=alg)

    answer = sent(browser, shop, request=signed(shop, redirect_uri="https://shop.example/other"))

    assert ("inside", PUBLIC_URL) == (answer["state"], answer["iss"])
    assert browser.page.headers["Location"].startswith("https://shop.example/other?code=")


def test_it_survives_pages_and_a_post_from_another_site(world, browser, shop):
    """The request waits as what it says; nobody reads the object a second time."""
    form = {"client_id": "shop", "response_type": "code", "request": signed(shop)}
    browser.page = browser.http.post("/oauth2/authorize", data=form, base_url=PUBLIC_URL)
    page = browser.follow()
    row = world.execute("SELECT parameters FROM authorization_request")[0][0]
    answer = browser.sign_in("ada")

    assert 'name="password"' in page.text
    assert {"redirect_uri", "state", "nonce"} <= row.keys()
    assert not {"request", "iss", "aud"} & row.keys()
    assert "inside" == answer_of(answer)["state"]


def test_what_stands_outside_adds_nothing(browser, shop):
    """RFC 9101 §6.3: neither another value nor one that the object lacks."""
    outside = {"redirect_uri": "https://shop.example/other", "state": "outside", "nonce": "outside", "max_age": "x"}

    answer = sent(browser, shop, request=signed(shop), **outside)
    without = sent(browser, shop, request=signed(shop, state=None), **outside)

    assert "inside" == answer["state"]
    assert "state" not in without
    assert browser.page.headers["Location"].startswith("https://shop.example/callback?")


def test_values_that_are_no_strings(world, browser, shop):
    """§6.1: numbers are numbers, `claims` is an object; a repeatable parameter is a list (RFC 9101 §4)."""
    claims = {"id_token": {"acr": {"essential": True, "values": ["nobody reaches"]}}}
    resources = {"resource": [f"{PUBLIC_URL}/api"]}

    assert "unmet_authentication_requirements" == sent(browser, shop, request=signed(shop, claims=claims))["error"]
    assert "code" in sent(browser, shop, request=signed(shop, max_age=3600, **resources))
    assert [([f"{PUBLIC_URL}/api"],)] == world.execute("SELECT resources FROM oauth_grant")


def test_errors_inside_go_where_the_object_says(browser, shop):
    """§6: it is the request."""
    answer = sent(browser, shop, request=signed(shop, prompt="none login"))

    assert ("invalid_request", "inside") == (answer["error"], answer["state"])


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "somebody"},
        {"aud": "https://elsewhere.example"},
        {"aud": ["https://elsewhere.example"]},
        {"aud": 1},
        {"sub": "shop"},
        {"exp": 1},
        {"nbf": 2**40},
        *({name: value} for name in ("exp", "iat", "nbf") for value in NO_TIMES),
        {"client_id": "somebody"},
        {"response_type": "code token"},
        {"request": "x"},
        {"request_uri": "https://shop.example/request"},
        {"state": 1.5},
        {"state": True},
        {"state": "\0"},
        {"state": "\ud800"},
        {"resource": [["https://a.example"], 1.5]},
    ],
)
def test_what_the_object_may_not_say(browser, shop, changes):
    """§6.1, RFC 9101 §4, §10.8: invalid_request_object, to the address outside, which is registered."""
    answer = browser.authorize(shop, request=signed(shop, **changes))

    assert ("invalid_request_object", "st4te") == (answer["error"], answer["state"])


def test_what_the_object_need_not_say(browser, shop):
    """§6.1: iss and aud SHOULD be there, response_type and client_id MAY; times are checked where they are."""
    bare = dict.fromkeys(("iss", "aud", "client_id", "exp"))
    now = int(browser.app.extensions["idp"].now().timestamp())

    assert "code" in sent(browser, shop, request=signed(shop, **bare))
    assert "code" in sent(browser, shop, request=signed(shop, aud=["x", PUBLIC_URL], exp=now - 59, nbf=now + 59))
    assert "code" in sent(browser, shop, request=signed(shop, header={"typ": "oauth-authz-req+jwt"}))


def test_what_nobody_of_the_client_signed(world, browser, shop):
    """RFC 9101 §6.2: another key, none at all, another kind of token, or not a token."""
    head, body, _ = signed(shop).split(".")
    foreign = signing(world, "other")
    bad = {
        "another key": signed(shop, key=new_key()),
        "another client's": signed(foreign),
        "alg none": unsigned(shop),
        "no signature": f"{head}.{body}.",
        "key of its own": signed(shop, header={"jwk": shop.key.as_dict(private=False)}),
        "a client assertion's typ": signed(shop, header={"typ": "client-authentication+jwt"}),
        "cut": signed(shop)[:-1],
        "no JSON": shop.assertion(payload="[]"),
        "a name twice": shop.assertion(payload='{"state": "a", "state": "b"}'),
        "nothing of the kind": "x",
    }

    answers = {how: browser.authorize(shop, request=token).get("error") for how, token in bad.items()}

    assert dict.fromkeys(bad, "invalid_request_object") == answers


def test_the_registered_algorithm_alone(world, browser):
    """OpenID Connect Registration §2: `request_object_signing_alg`; otherwise all, in the FAPI profile fewer."""
    rsa, ec = new_key("RS256", "rsa"), new_key("ES256", "ec")
    both = {"jwks": key_set(rsa, ec), "key": rsa, "alg": "RS256"}
    free, fixed = (
        signing(world, "free", **both),
        signing(world, "fixed", client_metadata={"request_object_signing_alg": "ES256"}, **both),
    )
    fapi = signing(world, "fapi", profile="fapi2", **both)

    assert "code" in sent(browser, free, request=signed(free))
    assert "code" in sent(browser, fixed, request=signed(fixed, key=ec, alg="ES256"))
    assert "invalid_request_object" == browser.authorize(fixed, request=signed(fixed))["error"]
    assert "invalid_request_object" == browser.authorize(fapi, request=signed(fapi))["error"]


def test_too_large_is_refused_unread(browser, shop):
    """Promise P10: 64 KiB, before anything is decoded; such a request is a page of the edge by itself."""
    form = {"client_id": "shop", "redirect_uri": shop.redirect_uri, "request": "x" * 65_000}
    small = browser.http.post("/oauth2/authorize", data=form, base_url=PUBLIC_URL)
    huge = browser.http.post("/oauth2/authorize", data=form | {"request": "x" * 66_000}, base_url=PUBLIC_URL)

    assert "invalid_request_object" == answer_of(small)["error"]
    assert 413 == huge.status_code


@pytest.mark.parametrize("depth", [10, 400, 900])
def test_deep_nesting_is_refused(browser, shop, depth):
    """Promise P27: bad input is never our failure."""
    claims = json.loads("[" * depth + "]" * depth)

    assert sent(browser, shop, request=signed(shop, claims=claims))["error"].startswith("invalid_request")


@pytest.mark.parametrize(
    "changes",
    [
        {"redirect_uri": "https://evil.example/"},
        {"redirect_uri": None},
    ],
)
def test_an_address_that_is_not_registered_is_a_page(browser, shop, changes):
    """Promise P1: inside the object too; the good one outside does not count."""
    page = browser.open(shop, request=signed(shop, **changes))

    assert (400, None) == (page.status_code, page.headers.get("Location"))


def test_a_bad_object_without_a_good_address_is_a_page(browser, shop):
    """Nothing may be followed: no redirect, and the page says what is wrong."""
    pages = [
        browser.open(shop, request="x", redirect_uri=None),
        browser.open(shop, request="x", redirect_uri="https://evil.example/"),
        browser.open(shop, request=signed(shop), client_id="nobody"),
        browser.open(shop, request=signed(shop), client_id=None),
        browser.open(shop, request=[signed(shop)] * 2, redirect_uri="https://evil.example/"),
    ]

    assert [400] * 5 == [page.status_code for page in pages]
    assert not any("Location" in page.headers for page in pages)
    assert "invalid_request_object" in pages[0].text


def test_twice_or_in_both_ways_is_invalid_request(browser, shop):
    """§6: one object at most."""
    twice = browser.authorize(shop, request=[signed(shop)] * 2)
    both = browser.authorize(shop, request=signed(shop), request_uri="https://shop.example/request")

    assert ("invalid_request", "invalid_request") == (twice["error"], both["error"])


def test_by_reference(world, browser, elsewhere):
    """§6.2: fetched from the address that is registered, with the fragment or without."""
    shop = registered_at(world, elsewhere, "/plain", "/hashed#2oF-x")
    elsewhere.answers |= {path: signed(shop).encode() for path in ("/plain", "/hashed")}

    answers = [sent(browser, shop, request_uri=elsewhere.url(uri)) for uri in ("/plain", "/plain#new", "/hashed#2oF-x")]

    assert ["inside"] * 3 == [answer["state"] for answer in answers]
    assert ["/plain", "/plain", "/hashed"] == [path for _method, path, _headers, _body in elsewhere.asked]


def test_addresses_that_are_not_registered_are_not_asked(world, browser, elsewhere):
    """Discovery §3: require_request_uri_registration; byte for byte."""
    shop = registered_at(world, elsewhere, "/plain")
    others = ["/plain2", "/plain?x=1", "/./plain", "/PLAIN"]

    answers = [browser.authorize(shop, request_uri=elsewhere.url(uri))["error"] for uri in others]

    assert ["invalid_request_uri"] * 4 == answers
    assert [] == elsewhere.asked


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (lambda shop: (404, {}, b""), "invalid_request_uri"),
        (lambda shop: (302, {"Location": "/plain"}, b""), "invalid_request_uri"),
        (lambda shop: "ü".encode(), "invalid_request_uri"),
        (lambda shop: b"x" * 70_000, "invalid_request_uri"),
        (lambda shop: b"<html>", "invalid_request_object"),
        (lambda shop: unsigned(shop).encode(), "invalid_request_object"),
        (lambda shop: signed(shop, key=new_key()).encode(), "invalid_request_object"),
    ],
)
def test_what_is_found_there_must_be_an_object(world, browser, elsewhere, answer, error):
    """RFC 9101 §5.2.3, §6.2; the fetcher's rules hold (promise P16)."""
    shop = registered_at(world, elsewhere, "/plain")
    elsewhere.answers["/plain"] = answer(shop)

    assert error == browser.authorize(shop, request_uri=elsewhere.url("/plain"))["error"]


def test_unsigned_ones_only_where_a_setting_allows(world, browser, another, shop):
    """Promise P7: `alg: none` is for certification runs; it appears in discovery then, and the signed ones stay."""
    opened = another(unsigned_request_objects=True)
    browser.http = opened.test_client()
    plain = Client(opened, "shop", redirect_uri="https://shop.example/callback")
    fixed = signing(world, "fixed", client_metadata={"request_object_signing_alg": "ES256"})
    head, body, signature = signed(shop).split(".")
    listed = browser.get("/.well-known/openid-configuration").json["request_object_signing_alg_values_supported"]

    assert {"ES256", "EdDSA", "PS256", "RS256", "none"} == set(listed)
    assert "inside" == sent(browser, plain, request=unsigned(shop))["state"]
    assert "inside" == sent(browser, plain, request=signed(shop))["state"]
    assert "invalid_request_object" == browser.authorize(plain, request=unsigned(shop) + signature)["error"]
    assert "invalid_request_object" == browser.authorize(plain, request=f"{head}.{body}.")["error"]
    assert "invalid_request_object" == browser.authorize(fixed, request=unsigned(fixed))["error"]


def test_without_the_extension_they_are_refused(browser, another, client):
    """§3.1.2.6: said in discovery, and never ignored."""
    enabled = ("authorization_code", "discovery", "id_token", "pkce", "issuer_parameter")
    few = another(extensions=enabled)
    browser.http = few.test_client()
    document = browser.get("/.well-known/openid-configuration").json

    assert (False, None) == (document["request_uri_parameter_supported"], document.get("request_parameter_supported"))
    assert "request_not_supported" == browser.authorize(client, request="x.y.z")["error"]
    assert "request_uri_not_supported" == browser.authorize(client, request_uri="https://shop.example/r")["error"]
