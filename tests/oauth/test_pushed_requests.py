"""Pushed authorization requests: RFC 9126, promise P18."""

import pytest
from actors import PUBLIC_URL, Browser, Client, answer_of
from signing_client import SigningClient

from idp.oauth import waiting
from idp.settings import RegistrationSettings

URN = "urn:ietf:params:oauth:request_uri:"


@pytest.fixture(autouse=True)
def ada(world):
    return world.user("ada")


@pytest.fixture
def signer(world):
    """A client of the code flow that signs assertions."""
    uris = ["https://signer.example/callback"]
    return SigningClient.made(world, grant_types=["authorization_code"], redirect_uris=uris)


def pushed(client, **changes):
    response = client.push(**changes)
    assert 201 == response.status_code, response.text
    return response.json["request_uri"]


def is_page(response):
    return (400, "text/html") == (response.status_code, response.mimetype) and "Location" not in response.headers


# -- §2: the endpoint


def test_a_request_uri_for_sixty_seconds(browser, client):
    """§2.2: 201, a reference that nobody can guess, its lifetime. With nothing else it authorizes (§4)."""
    response = client.push()
    browser.open_pushed(client, response.json["request_uri"])
    answer = browser.complete(user="ada")

    assert (201, "no-store") == (response.status_code, response.headers["Cache-Control"])
    assert {"request_uri", "expires_in"} == response.json.keys()
    assert 60 == response.json["expires_in"]
    assert response.json["request_uri"].startswith(URN)
    assert len(URN) + 22 == len(response.json["request_uri"])
    assert ("st4te", PUBLIC_URL) == (answer["state"], answer["iss"])
    assert 200 == client.redeem(answer["code"]).status_code


def test_clients_authenticate_as_at_the_token_endpoint(world, browser, signer):
    """§2: by secret, assertion or, without any, by name (RFC 6749 §3.2.1)."""
    posting = Client.registered(world, "posting", token_endpoint_auth_method="client_secret_post")
    public = Client.registered(world, "spa", public=True)

    for each in (posting, public, signer):
        answer = browser.authorize_pushed(each, user="ada")
        assert 200 == each.redeem(answer["code"]).status_code


def test_no_authentication_no_request(world, client, signer):
    """§2.3: as at the token endpoint; nothing is kept."""
    stolen = Client(world.app, "shop", "wrong")
    refusals = [
        client.post("/oauth2/par", client.parameters(), auth=None),
        stolen.push(),
        signer.post("/oauth2/par", signer.parameters(), auth=None),
        signer.push(client_assertion=signer.assertion(aud="https://other.example")),
        Client(world.app, "nobody").post("/oauth2/par", client.parameters(client_id=None), auth=None),
    ]

    assert [(401, "invalid_client")] * 5 == [(each.status_code, each.json["error"]) for each in refusals]
    assert 0 == world.count("authorization_request")


def test_credentials_are_not_kept(world, client, signer):
    """Only parameters of the request, and no more of the others than the authorization endpoint would read."""
    posting = Client.registered(world, "posting", token_endpoint_auth_method="client_secret_post")
    for each in (client, posting, signer):
        assert 201 == each.push(unknown="x").status_code

    rows = [parameters for (parameters,) in world.execute("SELECT parameters FROM authorization_request")]
    assert [set(client.parameters())] * 3 == [row.keys() for row in rows]


def test_the_clients_name_may_stand_in_its_credentials_alone(world, browser, client):
    """RFC 6749 §2.3.1; another name beside them is refused."""
    assert "code" in browser.authorize_pushed(client, user="ada", client_id=None)

    other = client.push(client_id="other")
    assert (400, "invalid_request") == (other.status_code, other.json["error"])


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"request_uri": URN + "x" * 22}, "invalid_request"),
        ({"request_uri": "https://shop.example/request"}, "invalid_request"),
        ({"redirect_uri": None}, "invalid_request"),
        ({"redirect_uri": "https://evil.example/"}, "invalid_request"),
        ({"redirect_uri": ["https://shop.example/callback"] * 2}, "invalid_request"),
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_mode": "web_message"}, "invalid_request"),
        ({"scope": "nonsense"}, "invalid_scope"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"max_age": "x"}, "invalid_request"),
        ({"resource": "https://other.example"}, "invalid_target"),
        ({"claims": "[]"}, "invalid_request"),
        ({"request": "x.y.z"}, "invalid_request_object"),
        ({"registration": "{}"}, "registration_not_supported"),
        ({"state": ["a", "b"]}, "invalid_request"),
    ],
)
def test_every_fault_is_told_at_once(world, client, changes, error):
    """§2.1, §2.3: what the authorization endpoint would refuse is refused here, as JSON."""
    response = client.push(**changes)

    assert (400, error) == (response.status_code, response.json["error"])
    assert "no-store" == response.headers["Cache-Control"]
    assert 0 == world.count("authorization_request")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "HEAD"])
def test_other_methods_are_not_allowed(client, method):
    """§2.3: 405, with what is."""
    response = client.http.open("/oauth2/par", method=method, base_url=PUBLIC_URL)

    assert (405, {"POST", "OPTIONS"}) == (response.status_code, set(response.allow))


def test_what_would_not_fit_into_a_url_is_not_kept(world, client):
    """Of a POST to the authorization endpoint neither: anybody could fill the table."""
    posted = client.http.post("/oauth2/authorize", data=client.parameters(state="x" * 8192), base_url=PUBLIC_URL)

    pushed = client.push(state="x" * 8192)

    assert (400, "invalid_request") == (pushed.status_code, pushed.json["error"])
    assert 400 == posted.status_code
    assert 0 == world.count("authorization_request")
    assert 201 == client.push(state="x" * 7000).status_code


def test_too_large_is_413(client):
    """§2.3; just below, the request is read."""
    assert 413 == client.push(state="x" * 66_000).status_code
    assert 400 == client.push(state="x" * 60_000).status_code


def test_other_forms_and_bytes_are_refused(client):
    """§2: a form in UTF-8."""

    def sent(body, media):
        return client.http.post("/oauth2/par", data=body, content_type=media, base_url=PUBLIC_URL).status_code

    form = "application/x-www-form-urlencoded"
    assert [415, 415, 400, 400] == [
        sent(b"{}", "application/json"),
        sent(b"", "multipart/form-data"),
        sent(b"state=%00", form),
        sent(b"a=%ff", form),
    ]


def test_refusals_are_audited_and_never_flood(world, client, clock):
    """Who asked and what was wrong, never what was sent; ten rows in a minute."""
    for _ in range(12):
        client.push(redirect_uri="https://evil.example/")
    rows = world.execute("SELECT client_id, facts FROM security_event WHERE kind = 'par.refused'")

    assert [("shop", {"error": "invalid_request"})] * 10 == rows
    clock.advance(61)
    client.push(scope="nonsense")
    assert 11 == world.events().count("par.refused")


# -- §4: the authorization request


def test_what_stands_beside_it_is_ignored(browser, client):
    """§4, RFC 9101 §6.3: neither another value nor one that the pushed request lacks."""
    uri = pushed(client, state=None, nonce=None)
    browser.open_pushed(client, uri, redirect_uri="https://evil.example/", state="x", prompt="none", max_age="x")
    answer = browser.complete(user="ada")

    assert "code" in answer
    assert "state" not in answer
    assert browser.page.headers["Location"].startswith("https://shop.example/callback?")


def test_it_may_be_posted_too(browser, client):
    """OpenID Connect Core §3.1.2.1: also from another site, whose POST has no cookies of ours."""
    form = {"client_id": "shop", "request_uri": pushed(client)}
    browser.page = browser.http.post("/oauth2/authorize", data=form, base_url=PUBLIC_URL)

    assert "code" in browser.complete(user="ada")


def test_it_can_be_opened_again_until_it_is_answered(browser, client):
    """FAPI 2.0 Security Profile §5.3.2.2 note 3: a page that was only loaded burns nothing; an answer does."""
    uri = pushed(client)
    browser.open_pushed(client, uri)
    browser.open_pushed(client, uri)
    assert "code" in browser.complete(user="ada")

    assert is_page(browser.open_pushed(client, uri))
    assert "invalid_request_uri" in browser.page.text


def test_without_a_page_it_works_once_too(browser, client):
    """Where the session answers at once."""
    browser.authorize_pushed(client, user="ada")
    uri = pushed(client)

    assert "code" in answer_of(browser.open_pushed(client, uri))
    assert is_page(browser.open_pushed(client, uri))


def test_a_refusal_answers_it_as_well(browser, client, world):
    """The person's no, and an error under prompt=none."""
    asking = Client.registered(world, "asking", consent="ask")
    silent, asked = pushed(client, prompt="none"), pushed(asking)

    assert "login_required" == answer_of(browser.open_pushed(client, silent))["error"]
    browser.open_pushed(asking, asked)
    assert "access_denied" == browser.complete(user="ada", allow=False)["error"]
    assert is_page(browser.open_pushed(client, silent))
    assert is_page(browser.open_pushed(asking, asked))


def test_of_many_at_once_one_is_answered(app, browser, client, at_once, world):
    """§4: once; the others come back as errors, and no second grant begins."""
    browser.authorize_pushed(client, user="ada")
    cookies = {cookie.key: cookie.value for cookie in browser.http._cookies.values()}
    uri = pushed(client)

    def visit():
        other = Browser(app)
        for name, value in cookies.items():
            other.http.set_cookie(name, value, domain="id.example.com", secure=True)
        return other.open_pushed(client, uri)

    pages = at_once(8, visit)

    refused = ["invalid_request_uri" in page.headers.get("Location", page.text) for page in pages]
    assert (1, 7) == (sum("code=" in page.headers.get("Location", "") for page in pages), sum(refused))
    assert 2 == world.count("oauth_grant")


def test_it_is_its_clients_alone(world, browser, client):
    """§2.2: bound to the client that pushed it; another one does not burn it either."""
    other = Client.registered(world, "other")
    uri = pushed(client)

    assert is_page(browser.open_pushed(other, uri))
    assert is_page(browser.get("/oauth2/authorize", request_uri=uri))
    assert is_page(browser.open_pushed(client, [uri, uri]))
    assert is_page(browser.get("/oauth2/authorize", request_uri=uri, client_id=["shop", "shop"]))
    browser.open_pushed(client, uri)
    assert "code" in browser.complete(user="ada")


def test_the_first_browser_keeps_it(app, browser, client):
    """Once a person has come with it, nobody else goes on in their place."""
    uri = pushed(client)
    browser.open_pushed(client, uri)

    assert is_page(Browser(app).open_pushed(client, uri))
    assert "code" in browser.complete(user="ada")


def test_sixty_seconds_to_come_ten_minutes_to_sign_in(browser, client, clock):
    """§2.2: the reference is short-lived; who came with it in time has the time that a person needs."""
    late, in_time = pushed(client), pushed(client)
    clock.advance(59)
    browser.open_pushed(client, in_time)
    clock.advance(1)
    assert is_page(Browser(browser.app).open_pushed(client, late))

    clock.advance(538)
    assert 200 == browser.follow().status_code
    assert "code" in browser.complete(user="ada")


@pytest.mark.parametrize("uri", [URN, URN + "x", URN + "x" * 22, URN.upper() + "x", URN + "ä" * 22])
def test_what_we_did_not_make_is_no_request(browser, client, uri):
    """§4: a page, since nothing says where an error might go."""
    assert is_page(browser.open_pushed(client, uri))


# -- §5, §6: where it is required


def test_a_client_may_demand_it_of_itself(world, browser):
    """§6: other ways are invalid_request then, a request that was only posted included."""
    fields = {"client_metadata": {"require_pushed_authorization_requests": True}}
    client = Client.registered(world, "shop", **fields)
    browser.page = browser.http.post("/oauth2/authorize", data=client.parameters(), base_url=PUBLIC_URL)
    posted = browser.follow()

    assert "invalid_request" == browser.authorize(client)["error"]
    assert "invalid_request" == answer_of(posted)["error"]
    assert "code" in browser.authorize_pushed(client, user="ada")


def test_the_settings_may_demand_it_of_all(browser, client, another):
    """§5: and discovery says so."""
    browser.http = another(require_pushed_requests=True).test_client()
    client.http = browser.http

    assert browser.get("/.well-known/openid-configuration").json["require_pushed_authorization_requests"] is True
    assert "invalid_request" == browser.authorize(client)["error"]
    assert "code" in browser.authorize_pushed(client, user="ada")


def test_discovery_and_registration_know_it(browser, another):
    """§5, §6."""
    document = browser.get("/.well-known/openid-configuration").json
    opened = another(registration=RegistrationSettings(open=True)).test_client()
    member = {"require_pushed_authorization_requests": True, "redirect_uris": ["https://shop.example/callback"]}
    good = opened.post("/oauth2/register", json=member, base_url=PUBLIC_URL)
    bad = opened.post(
        "/oauth2/register", json=member | {"require_pushed_authorization_requests": "yes"}, base_url=PUBLIC_URL
    )

    assert good.json["require_pushed_authorization_requests"] is True
    assert (400, "invalid_client_metadata") == (bad.status_code, bad.json["error"])

    assert f"{PUBLIC_URL}/oauth2/par" == document["pushed_authorization_request_endpoint"]
    assert document["require_pushed_authorization_requests"] is False


# -- nothing grows without bound


def test_a_client_that_authenticates_is_counted_by_its_name(world, client, monkeypatch):
    """Its server has one address for all its users; a public client's requests are counted by theirs."""
    monkeypatch.setattr(waiting, "_MOST_PER_CLIENT", 2)
    monkeypatch.setattr(waiting, "_MOST_PER_NETWORK", 1)
    public, other = Client.registered(world, "spa", public=True), Client.registered(world, "other")

    assert [201, 201, 429] == [client.push().status_code for _ in range(3)]
    assert [201, 429] == [public.push().status_code for _ in range(2)]
    refused = client.push()
    assert ("60", "temporarily_unavailable") == (refused.headers["Retry-After"], refused.json["error"])
    assert 201 == other.push().status_code
