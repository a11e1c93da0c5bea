"""Clients that register themselves: RFC 7591, OpenID Connect Dynamic Client Registration 1.0, promise P17."""

import json
from datetime import timedelta

import elsewhere as servers
import pytest
from actors import PUBLIC_URL, Client
from signing_client import NO_TIMES, SigningClient, key_set, new_key

import consent_ui
from idp.app import create_app
from idp.clients import registration
from idp.db import db
from idp.declared import state
from idp.fetch import Fetcher
from idp.jobs import sweep

GOOD = {"redirect_uris": ["https://app.example/callback"]}


@pytest.fixture
def admission(app, clock):
    """Make an initial access token."""

    def make(company=None, uses=1, days=7):
        with app.app_context(), db.transaction():
            owner = company.id if company else None
            return registration.new_initial_access_token(owner, uses=uses, expires_at=clock() + timedelta(days=days))

    return make


@pytest.fixture
def post(app):
    """POST metadata; a dict, or bytes as they are."""
    http = app.test_client(use_cookies=False)

    def send(metadata, token=None, path="/oauth2/register", method="POST", **changes):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        body = metadata if isinstance(metadata, bytes) else json.dumps(metadata)
        options = {"content_type": "application/json", "headers": headers, "base_url": PUBLIC_URL, **changes}
        return http.open(path, method=method, data=body, **options)

    return send


@pytest.fixture
def register(post, admission):
    """Register with a fresh initial access token."""
    return lambda metadata, **changes: post({**GOOD, **metadata}, admission(), **changes)


@pytest.fixture
def reopened(settings, app, clock):
    """The same provider with other settings."""

    started = []

    def made(**registration):
        opened = settings.registration.model_copy(update=registration)
        changed = settings.model_copy(update={"registration": opened})
        started.append(create_app(changed, consent_ui, keys=app.extensions["idp"].keys, now=clock))
        return started[-1].test_client()

    yield made
    for each in started:
        with each.app_context():
            db.session.remove()
            db.engine.dispose()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with servers.running(tmp_path_factory.mktemp("elsewhere")) as running:
        yield running


@pytest.fixture
def elsewhere(app, server):
    """Where clients publish documents; the provider may reach it."""
    server.asked.clear()
    server.answers.clear()
    app.extensions["idp.fetch"] = Fetcher(allow=["localhost"], ca_file=server.certificate)
    return server


def test_answer_is_exactly_this(register, clock):
    """RFC 7591 §3.2.1: 201 with everything that holds now, defaults included."""
    response = register({"client_name": "My App", "client_name#nb": "Min app", "contacts": ["me@app.example"]})

    body = response.json
    assert (201, "no-store") == (response.status_code, response.headers["Cache-Control"])
    assert "application/json" == response.content_type
    client_id, secret, token = (body.pop(name) for name in ("client_id", "client_secret", "registration_access_token"))
    assert (22, 43, "rat_") == (len(client_id), len(secret), token[:4])
    assert {
        "client_id_issued_at": int(clock().timestamp()),
        "client_secret_expires_at": 0,
        "client_name": "My App",
        "client_name#nb": "Min app",
        "contacts": ["me@app.example"],
        "redirect_uris": ["https://app.example/callback"],
        "grant_types": ["authorization_code"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "client_secret_basic",
        "registration_client_uri": f"{PUBLIC_URL}/oauth2/register/{client_id}",
    } == body


def test_what_was_registered_works(app, world, browser, register):
    """A whole code flow with the secret of the answer; consent is asked for."""
    body = register({"client_name": "My App", "scope": "openid profile"}).json
    client = Client(app, body["client_id"], body["client_secret"], redirect_uri=body["redirect_uris"][0])
    world.user("ada")

    tokens = client.tokens(browser, user="ada", scope="openid email")

    assert "openid" == tokens["scope"]
    assert "no secret" not in str(world.execute("SELECT secret_hashes FROM client"))
    assert "client.registered" in world.events()


def test_a_client_with_its_own_key_has_no_secret(app, register):
    """What the conformance suite registers: private_key_jwt, a key without kid."""
    key = new_key("RS256", kid=None)
    body = register({
        "redirect_uris": [],
        "grant_types": ["client_credentials"],
        "response_types": [],
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks": key_set(key),
    }).json  # fmt: skip
    signer = SigningClient(app, body["client_id"])
    signer.key, signer.alg = key, "RS256"

    assert not {"client_secret", "client_secret_expires_at"} & body.keys()
    assert key_set(key) == body["jwks"]
    assert 200 == signer.prove().status_code


def test_nobody_registers_without_a_token(post, world):
    """RFC 7591 §3: closed by default; every refusal is a bearer challenge (RFC 6750 §3)."""
    missing, unknown = post(GOOD), post(GOOD, "iat_" + "x" * 43)

    assert (401, "Bearer") == (missing.status_code, missing.headers["WWW-Authenticate"])
    assert (401, "invalid_token") == (unknown.status_code, unknown.json["error"])
    assert 401 == post(GOOD, headers={"Authorization": "Basic eDp5"}).status_code
    assert 0 == world.count("client")


def test_an_initial_access_token_admits_so_many_times(post, admission):
    """And a mistake costs none."""
    token = admission(uses=2)

    assert 400 == post({"redirect_uris": ["x"]}, token).status_code
    assert [201, 201, 401] == [post(GOOD, token).status_code for _ in range(3)]


def test_of_many_at_once_no_more_are_admitted(post, admission, at_once, app):
    """The update decides."""
    token = admission(uses=3)

    def one():
        headers = {"Authorization": f"Bearer {token}"}
        return app.test_client().post("/oauth2/register", json=GOOD, headers=headers).status_code

    assert [201] * 3 + [401] * 5 == sorted(at_once(8, one))


def test_an_initial_access_token_ends(post, admission, clock, app):
    """And the sweep takes its row away."""
    token = admission(days=1)
    clock.advance(days=1)

    assert 401 == post(GOOD, token).status_code
    with app.app_context():
        clock.advance(1)
        assert {"initial_access_token": 1} == sweep.work()


def test_the_client_belongs_to_the_company_of_the_token(world, post, admission):
    """Its own tokens say so; a disabled company admits nobody."""
    company = world.company("north")
    token = admission(company, uses=2)
    body = post(
        {"grant_types": ["client_credentials"], "response_types": [], "redirect_uris": [], "scope": "jobs"}, token
    ).json
    found = Client(world.app, body["client_id"], body["client_secret"]).token(grant_type="client_credentials")
    world.execute("UPDATE company SET disabled_at = now()")

    assert 200 == found.status_code
    assert [(company.id,)] == world.execute("SELECT company_id FROM client")
    assert 401 == post(GOOD, token).status_code


def test_open_registration_is_limited_by_address(reopened, clock):
    """20 an hour; a setting for certification runs."""
    http = reopened(open=True)
    answers = [http.post("/oauth2/register", json=GOOD) for _ in range(21)]

    assert [201] * 20 + [429] == [answer.status_code for answer in answers]
    assert 0 < int(answers[-1].headers["Retry-After"]) <= 3600
    assert 201 == reopened(open=True, hourly=30).post("/oauth2/register", json=GOOD).status_code


EVERY_MEMBER = {
    "application_type": "web",
    "client_uri": "https://app.example/",
    "logo_uri": "https://app.example/logo.png",
    "policy_uri": "https://app.example/policy",
    "policy_uri#de": "https://app.example/datenschutz",
    "tos_uri": "https://app.example/terms",
    "jwks_uri": "https://app.example/jwks",
    "subject_type": "public",
    "id_token_signed_response_alg": "ES256",
    "token_endpoint_auth_method": "private_key_jwt",
    "token_endpoint_auth_signing_alg": "PS256",
    "default_max_age": 600,
    "require_auth_time": True,
    "default_acr_values": ["urn:idp:1fa"],
    "initiate_login_uri": "https://app.example/login",
    "request_uris": ["https://app.example/request#hash"],
    "post_logout_redirect_uris": ["https://app.example/bye"],
    "software_id": "4NRB1-0XZABZI9E6-5SM3R",
    "software_version": "2.1",
    "scope": "email openid",
}


def test_every_member_is_echoed_now_and_later(register, post):
    """OpenID Connect Registration §2; the third-party initiated login plan looks in both answers."""
    body = register(EVERY_MEMBER).json
    later = post(b"", body["registration_access_token"], f"/oauth2/register/{body['client_id']}", "GET").json

    assert EVERY_MEMBER == {name: body.get(name) for name in EVERY_MEMBER}
    assert body == later


def test_unknown_members_are_ignored(register):
    """RFC 7591 §2, and not echoed; null means absent."""
    body = register({"x_color": "red", "scope#de": "x", "tos_uri": None, "mtls_endpoint_aliases": {}}).json

    assert not {"x_color", "scope#de", "tos_uri", "mtls_endpoint_aliases"} & body.keys()


NAMES = ("client_name", "client_name#nb", "software_id", "software_version")
PAGES = ("client_uri", "logo_uri", "policy_uri", "tos_uri", "policy_uri#nb", "jwks_uri", "sector_identifier_uri",
         "initiate_login_uri", "backchannel_logout_uri")  # fmt: skip
CHOICES = ("application_type", "subject_type", "token_endpoint_auth_method", "token_endpoint_auth_signing_alg",
           "id_token_signed_response_alg", "id_token_encrypted_response_alg", "id_token_encrypted_response_enc",
           "userinfo_signed_response_alg", "userinfo_encrypted_response_alg", "userinfo_encrypted_response_enc",
           "request_object_signing_alg", "request_object_encryption_alg", "request_object_encryption_enc")  # fmt: skip
LISTS = ("contacts", "default_acr_values", "request_uris", "post_logout_redirect_uris", "redirect_uris", "grant_types",
         "response_types")  # fmt: skip
WRONG = {
    **dict.fromkeys(NAMES, (5, [], {}, True, "", "x" * 201, "a\nb", "a\x00b", "a\u202eb", " a", "a\ud800")),
    **dict.fromkeys(
        PAGES,
        (
            5, [], {}, True, "", "/x", "http://app.example/", "ftp://app.example/", "javascript:alert(1)", "data:,x",
            "https://", "https:///x", "https://u@app.example/", "https://app.example/#f", "https://app.example/\x00",
            "https://app.example/\r\nX:y", "https://app.example/ x", "https://app.example\\x", "https://APP.example/",
            "https://app.example/" + "x" * 2000, "https://app.example/\u00e9",
        ),
    ),
    **dict.fromkeys(CHOICES, (5, [], {}, True, "", "none", "x" * 300, "HS256", "RS256\n", "rs256", "\x00")),
    **dict.fromkeys(LISTS, (5, {}, True, "https://app.example/", [5], [[]], [None], ["a\x00"], ["a", "a"], ["x"] * 51)),
    "default_max_age": (-1, True, "600", 1.5, 10**12, [], {}, 1e300),
    "require_auth_time": (0, 1, "true", [], {}),
    "scope": (5, [], "", " ", "a  b", 'a"b', "a\\b", "a\x00", "\u00e9", "a a", " ".join(f"s{n}" for n in range(101))),
    "jwks": (
        5, [], "x", {}, {"keys": 5}, {"keys": []}, {"keys": ["x"]}, {"keys": [{"kty": "oct", "k": "AA"}]},
        {"keys": [{"kty": "RSA", "n": "AQAB", "e": "AQAB"}]}, {"keys": [{"kty": "EC", "crv": "P-256"}]},
        {"keys": [{"kty": "EC", "crv": "P-256", "x": 5, "y": []}]}, {"keys": [{"kty": "none"}]},
        {"keys": [new_key().as_dict(private=True)]}, {"keys": [new_key(kid=None).as_dict(private=False) | {"kid": 5}]},
    ),
    "software_statement": ("x", 5, {}, "a.b.c"),
}  # fmt: skip
FINE = ("token_endpoint_auth_method", "none")


@pytest.mark.parametrize("member", sorted(WRONG))
def test_what_a_member_may_not_say(world, post, admission, member):
    """Another type, too long, another scheme, control characters, alg none: the specified error, nothing is stored."""
    token = admission()
    good = GOOD | ({"id_token_encrypted_response_alg": "RSA-OAEP-256"} if member.endswith("_enc") else {})
    for value in WRONG[member]:
        if (member, value) == FINE:
            continue
        response = post({**good, member: value}, token)
        assert 400 == response.status_code, (value, response.text)
        assert response.json["error"] in {
            "invalid_redirect_uri" if member == "redirect_uris" else "invalid_client_metadata",
            "unapproved_software_statement" if member == "software_statement" else "invalid_client_metadata",
        }
        assert set(response.json) == {"error", "error_description"}

    assert 0 == world.count("client")


@pytest.mark.parametrize(
    "uri",
    [
        "https://app.example/callback#fragment", "http://app.example/callback", "https://*.app.example/", "app:/x",
        "https://app.example/../x", "https://u:p@app.example/", "https://app.example/\r\n", "https://app.example/%00",
    ],
)  # fmt: skip
def test_redirect_uris_have_an_error_of_their_own(register, uri):
    """RFC 7591 §3.2.2; the dynamic plan registers a fragment."""
    response = register({"redirect_uris": ["https://app.example/callback", uri]})

    assert (400, "invalid_redirect_uri") == (response.status_code, response.json["error"])
    assert uri not in response.text


def test_native_applications_use_loopback_and_are_public(register):
    """RFC 8252 §7.3; a public client has no secret."""
    body = register({
        "application_type": "native",
        "token_endpoint_auth_method": "none",
        "redirect_uris": ["http://127.0.0.1/callback", "com.example.app:/callback"],
    }).json  # fmt: skip

    assert "client_secret" not in body
    assert 400 == register({"redirect_uris": ["http://127.0.0.1/callback"]}).status_code


def test_language_tags_are_tags(register):
    """RFC 7591 §2.2; whatever stands behind the sign comes back in no answer."""
    for tag in ("", "e n", '"x', "\n", "\\", "\u00e9", "x" * 9):
        response = register({f"client_name#{tag}": "x"})
        assert (400, "invalid_client_metadata") == (response.status_code, response.json["error"])


TOGETHER = (
    {"jwks": {"keys": [new_key().as_dict(private=False)]}, "jwks_uri": "https://app.example/jwks"},
    {"token_endpoint_auth_method": "private_key_jwt"},
    {"grant_types": ["client_credentials"], "response_types": [], "token_endpoint_auth_method": "none"},
    {"grant_types": ["client_credentials"], "response_types": ["code"]},
    {"grant_types": ["refresh_token"], "response_types": []},
    {"response_types": []},
    {"grant_types": ["authorization_code", "password"]},
    {"response_types": ["code", "code"]},
)


def test_members_must_agree(register):
    """RFC 7591 §2 and §2.1."""
    for members in TOGETHER:
        response = register(members)
        assert (400, "invalid_client_metadata") == (response.status_code, response.json["error"]), members


NO_OBJECTS = (
    b"", b"null", b"[]", b'"x"', b"5", b"{", b'{"x": "a", "x": "b"}', b'{"x": NaN}', b'{"x": 1e999}',
    b'{"x": "\\u0000"}', b'{"\\u0000": 1}', b'{"x": "\\ud800"}', b"\xff", b'{"x": ' * 5000, b"\x00", b"client_name=x",
)  # fmt: skip


def test_the_body_is_one_json_object(world, post, admission):
    """With one reading, and nothing that a database cannot keep."""
    token = admission()
    for body in NO_OBJECTS:
        response = post(body, token)
        assert (400, "invalid_client_metadata") == (response.status_code, response.json["error"]), body
    assert 415 == post(GOOD, token, content_type="application/x-www-form-urlencoded").status_code
    assert 415 == post(GOOD, token, content_type="text/plain").status_code
    assert 0 == world.count("client")


def test_128_kibibytes_and_no_more(post, admission):
    """Twice what other endpoints take, since keys come along."""
    token, empty = admission(), len(json.dumps({**GOOD, "x": ""}))

    assert 413 == post({**GOOD, "x": "y" * (128 * 1024 - empty + 1)}, token).status_code
    assert 201 == post({**GOOD, "x": "y" * (128 * 1024 - empty)}, token).status_code


def test_a_sector_document_lists_every_redirect_uri(app, register, elsewhere):
    """OpenID Connect Registration §5; it is fetched at once, without holding a connection."""
    held, body = [], json.dumps(["https://other.example/x", *GOOD["redirect_uris"]]).encode()

    def answer(_handler):
        with app.app_context():
            held.append(db.engine.pool.checkedout())
        return 200, {}, body

    elsewhere.answers["/sector"] = answer
    response = register({"sector_identifier_uri": elsewhere.url("/sector")})

    assert (201, [0]) == (response.status_code, held)
    assert elsewhere.url("/sector") == response.json["sector_identifier_uri"]


NO_SECTORS = (
    b"[]", b"{}", b"null", b"", b"x", b'["https://app.example/callback/"]', b'"https://app.example/callback"', b"\xff",
    (302, {"Location": "/good"}, b""), (404, {}, b""), b"[" * 70_000, b"[" * 60_000,
)  # fmt: skip


def test_a_sector_document_that_says_otherwise_refuses(world, register, elsewhere):
    """Missing addresses, another type, redirects, too much."""
    elsewhere.answers["/good"] = json.dumps(GOOD["redirect_uris"]).encode()
    for answer in NO_SECTORS:
        elsewhere.answers["/sector"] = answer
        response = register({"sector_identifier_uri": elsewhere.url("/sector")})
        assert (400, "invalid_client_metadata") == (response.status_code, response.json["error"]), answer
    assert {"/sector"} == {path for _, path, _, _ in elsewhere.asked}
    assert 0 == world.count("client")


def test_a_sector_document_on_this_machine_is_not_asked_for(app, register, elsewhere):
    """Promise P16."""
    app.extensions["idp.fetch"] = Fetcher(ca_file=elsewhere.certificate)

    assert 400 == register({"sector_identifier_uri": elsewhere.url("/sector")}).status_code
    assert [] == elsewhere.asked


def test_software_statements_are_refused_while_nobody_is_trusted(register):
    """RFC 7591 §3.2.2."""
    response = register({"software_statement": "a.b.c"})

    assert (400, "unapproved_software_statement") == (response.status_code, response.json["error"])


def test_a_software_statement_of_a_trusted_issuer_goes_first(reopened, tmp_path, app, world):
    """RFC 7591 §2.3: what it says counts, and it is echoed as it was; anything else about it is a refusal."""
    issuer = SigningClient(app, "issuer")
    issuer.key, issuer.alg = new_key(), "ES256"
    (tmp_path / "jwks.json").write_text(json.dumps(key_set(issuer.key)))
    http = reopened(open=True, trusted_issuers={"https://trust.example": tmp_path / "jwks.json"})
    said = {"iss": "https://trust.example", "client_name": "Approved", "software_id": "7", "exp": None}
    statement = issuer.assertion(**said)
    wrong = {
        "invalid_software_statement": [
            issuer.assertion(key=new_key(), **said), issuer.assertion(**{**said, "exp": 5}), "a.b.c", "x",
            *(issuer.assertion(**{**said, "exp": value}) for value in NO_TIMES),
        ],
        "unapproved_software_statement": [issuer.assertion(**{**said, "iss": "https://other.example"})],
    }  # fmt: skip

    good = http.post("/oauth2/register", json={**GOOD, "client_name": "Mine", "software_statement": statement})

    assert 201 == good.status_code, good.text
    names = ("client_name", "software_id", "software_statement")
    assert ("Approved", "7", statement) == tuple(good.json[name] for name in names)
    for error, statements in wrong.items():
        for each in statements:
            response = http.post("/oauth2/register", json={**GOOD, "software_statement": each})
            assert (400, error) == (response.status_code, response.json["error"])


def test_pages_speak_the_persons_language(app, browser, register):
    """RFC 7591 §2.2: names and pages with a language tag, by ui_locales, else by what the browser says."""
    body = register({
        "client_name": "My App",
        "client_name#nb": "Min app",
        "policy_uri": "https://app.example/policy",
        "policy_uri#nb": "https://app.example/personvern",
    }).json  # fmt: skip
    client = Client(app, body["client_id"], body["client_secret"], redirect_uri=body["redirect_uris"][0])

    browser.open(client, ui_locales="fr nb-NO")
    norwegian = browser.follow().text
    browser.open(client)
    plain = browser.follow().text

    assert "Min app" in norwegian
    assert "https://app.example/personvern" in norwegian
    assert "My App" in plain
    assert "Min app" not in plain


def test_a_registered_client_survives_export_and_apply(app, world, register):
    """What a client registered is a declaration like any other; applying the export changes nothing."""
    register(EVERY_MEMBER)
    register({"client_name#nb": "Min app"})
    with app.app_context():
        applied = state.apply("".join(state.export()), {}, plan=True)

    assert [] == applied.changes


def test_default_max_age_counts_where_the_request_says_nothing(app, world, browser, register, clock):
    """OpenID Connect Registration §2: sign in again once the time is over; the request's own max_age goes first."""
    body = register({"default_max_age": 100, "require_auth_time": True}).json
    client = Client(app, body["client_id"], body["client_secret"], redirect_uri=body["redirect_uris"][0])
    world.user("ada")
    browser.authorize(client, user="ada")

    clock.advance(100)
    assert "code" in browser.authorize(client, prompt="none")
    clock.advance(1)
    assert "login_required" == browser.authorize(client, prompt="none")["error"]
    assert "code" in browser.authorize(client, prompt="none", max_age="200")


def test_discovery_announces_it(app):
    """RFC 8414 §2."""
    document = app.test_client().get("/.well-known/openid-configuration").json

    assert f"{PUBLIC_URL}/oauth2/register" == document["registration_endpoint"]


def test_what_only_an_operator_gives(world, register):
    """The grant type of token exchange is refused, the right to impersonate is a member that does not exist here."""
    exchange = "urn:ietf:params:oauth:grant-type:token-exchange"
    refused = register({"grant_types": ["client_credentials", exchange], "redirect_uris": []})
    ignored = register({"may_impersonate": True, "may_act": "other"})

    assert (400, "invalid_client_metadata") == (refused.status_code, refused.json["error"])
    assert 201 == ignored.status_code
    assert not {"may_impersonate", "may_act"} & ignored.json.keys()
    assert [({},)] == world.execute("SELECT metadata FROM client")


def test_types_of_authorization_details(register):
    """RFC 9396 §10: a list, kept and told."""
    kept, wrong = (register({"authorization_details_types": value}) for value in (["dataset"], "dataset"))

    assert (201, ["dataset"]) == (kept.status_code, kept.json["authorization_details_types"])
    assert (400, "invalid_client_metadata") == (wrong.status_code, wrong.json["error"])
