"""An issuer that we trust speaks for a user: RFC 7521 §4.1, RFC 7523 §2.1, §3."""

import json
import secrets

import elsewhere as servers
import pytest
from actors import PUBLIC_URL, Client, unverified
from signing_client import NO_TIMES, SigningClient, key_set, new_key, signed

from idp.db import db
from idp.fetch import Fetcher
from idp.oauth.extensions import jwt_bearer
from idp.oauth.supported import supported_by
from idp.settings import JwtBearerSettings, Misconfigured, load

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
PARTNER, DATA = "https://partner.example", "https://data.example"


class Partner:
    """The issuer, and what it says of people."""

    def __init__(self, clock):
        self.clock, self.key = clock, new_key()

    def claims(self, **changes):
        now = int(self.clock().timestamp())
        good = {
            "iss": PARTNER,
            "sub": "sub-ada",
            "aud": PUBLIC_URL,
            "iat": now,
            "exp": now + 300,
            "jti": secrets.token_urlsafe(16),
            **changes,
        }
        return {name: value for name, value in good.items() if value is not None}

    def says(self, *, key=None, alg="ES256", header=None, **changes):
        return signed(json.dumps(self.claims(**changes)), key or self.key, alg, header)


@pytest.fixture
def partner(clock):
    return Partner(clock)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with servers.running(tmp_path_factory.mktemp("elsewhere")) as running:
        yield running


@pytest.fixture
def believed():
    """What the settings say of the issuer besides its keys; tests change it."""
    return {"clients": ("importer",)}


@pytest.fixture
def settings(settings, partner, believed, tmp_path):
    """The extension is on, and one issuer trusted."""
    partner.file = tmp_path / "partner.json"
    partner.file.write_text(json.dumps(key_set(partner.key)))
    keys = {} if "jwks_uri" in believed else {"jwks": partner.file}
    issuers = JwtBearerSettings(trusted_issuers={PARTNER: {**keys, **believed}})
    return settings.model_copy(update={"extensions": ("+jwt_bearer",), "jwt_bearer": issuers})


def importing(world, client_id="importer", **fields):
    defaults = {"grant_types": [JWT_BEARER], "scopes": ["openid", "offline_access", "datasets:read", "datasets:modify"]}
    return Client.registered(world, client_id, **{**defaults, "resources": [DATA], **fields})


@pytest.fixture
def importer(app, world):
    world.resource(DATA, "importer")
    return importing(world)


@pytest.fixture
def north(world):
    return world.company("north")


@pytest.fixture
def ada(world, north):
    return world.user("ada", {north: ["data_owner"]})


def ask(client, assertion, **form):
    return client.token(grant_type=JWT_BEARER, assertion=assertion, **form)


def error(response):
    assert 400 == response.status_code, response.text
    return response.json["error"]


# -- what comes out


def test_answer_and_token_are_exactly_this(importer, partner, ada, north, clock):
    """No refresh token, no ID token; `acr` 0, since nobody signed in here (OpenID Connect Core §2)."""
    response = ask(importer, partner.says())

    claims, now = unverified(response.json["access_token"]), int(clock().timestamp())
    assert {
        "access_token": response.json["access_token"],
        "token_type": "Bearer",
        "expires_in": 300,
        "scope": "datasets:modify datasets:read openid",
    } == response.json
    assert {
        "iss": PUBLIC_URL,
        "sub": "sub-ada",
        "aud": DATA,
        "client_id": "importer",
        "iat": now,
        "exp": now + 300,
        "jti": claims["jti"],
        "scope": "datasets:modify datasets:read openid",
        "auth_time": now,
        "acr": "0",
        "amr": [],
        "grant_id": claims["grant_id"],
        "company_id": str(north.id),
        "roles": ["data_owner"],
        "member_ver": claims["member_ver"],
    } == claims
    assert {**claims, "active": True, "token_type": "Bearer"} == importer.introspect(response.json["access_token"]).json


def test_scope_and_resource_narrow(world, importer, partner, ada):
    """RFC 7521 §4.1; nothing is left behind by what is refused."""
    found = ask(importer, partner.says(), scope="datasets:read", resource=f"{PUBLIC_URL}/api")

    claims = unverified(found.json["access_token"])
    assert ("datasets:read", f"{PUBLIC_URL}/api") == (claims["scope"], claims["aud"])
    assert [(["datasets:read"], [f"{PUBLIC_URL}/api"])] == world.execute("SELECT scopes, resources FROM oauth_grant")
    assert "invalid_scope" == error(ask(importer, partner.says(), scope="jobs:run"))
    assert "invalid_scope" == error(ask(importer, partner.says(), scope="offline_access"))
    assert "invalid_target" == error(ask(importer, partner.says(), resource="https://other.example"))
    assert 1 == world.count("oauth_grant")


def test_when_the_user_signed_in_there(importer, partner, ada, clock):
    """As far as the issuer says so, and never in the future."""
    now = int(clock().timestamp())
    for said, kept in (({"auth_time": now - 900}, now - 900), ({"auth_time": now + 900}, now), ({"iat": None}, now)):
        assert kept == unverified(ask(importer, partner.says(**said)).json["access_token"])["auth_time"]
    for wrong in ("x", True, -5, 1e300, [1]):
        assert 200 == ask(importer, partner.says(auth_time=wrong)).status_code


def test_it_is_an_event_in_the_records(world, importer, partner, ada, north):
    ask(importer, partner.says())

    [row] = world.execute(
        "SELECT user_id, company_id, client_id, facts FROM security_event WHERE kind = 'assertion.accepted'"
    )
    assert (ada.id, north.id, "importer", {"issuer": PARTNER}) == row


def test_it_ends_like_every_token(world, importer, partner, ada):
    """Revoked, consent withdrawn, membership or user gone."""
    for end in (
        "UPDATE oauth_grant SET revoked_at = now()",
        "UPDATE member SET suspended_at = now()",
        "UPDATE user_account SET disabled_at = now()",
    ):
        world.execute("UPDATE member SET suspended_at = NULL")
        token = ask(importer, partner.says()).json["access_token"]
        assert importer.introspect(token).json["active"]
        world.execute(end)
        assert {"active": False} == importer.introspect(token).json, end


def test_its_own_client_revokes_it(importer, partner, ada):
    """RFC 7009 §2.1."""
    token = ask(importer, partner.says()).json["access_token"]

    importer.revoke(token)

    assert {"active": False} == importer.introspect(token).json


# -- whom it names


def test_a_user_who_is_not_there(world, importer, partner, ada):
    """Unknown, disabled, or no name at all."""
    for sub in ("sub-nobody", "ada", "ada@example.com", "", None, 5, ["sub-ada"], "\0", "\ud800", "x" * 5000):
        assert "invalid_grant" == error(ask(importer, partner.says(sub=sub))), sub
    world.execute("UPDATE user_account SET disabled_at = now()")

    assert "invalid_grant" == error(ask(importer, partner.says()))


class TestByEmail:
    """subject = "email": an address that the issuer and we both know to be proved."""

    @pytest.fixture
    def believed(self):
        return {"clients": ("importer",), "subject": "email"}

    def test_verified_on_both_sides(self, world, importer, partner, ada):
        """In whatever case it is written; their `sub` is not ours."""
        good = {"sub": "their-7", "email": "Ada@Example.com", "email_verified": True}
        assert "sub-ada" == unverified(ask(importer, partner.says(**good)).json["access_token"])["sub"]
        for wrong in (
            {"email_verified": False}, {"email_verified": None}, {"email_verified": "true"}, {"email_verified": 1},
            {"email": None}, {"email": 5}, {"email": "eve@example.com"}, {"email": "a\0da@example.com"}, {"sub": None},
        ):  # fmt: skip
            assert "invalid_grant" == error(ask(importer, partner.says(**{**good, **wrong}))), wrong
        world.execute("UPDATE user_account SET email_verified_at = NULL")
        assert "invalid_grant" == error(ask(importer, partner.says(**good)))

    def test_sub_alone_names_nobody(self, importer, partner, ada):
        assert "invalid_grant" == error(ask(importer, partner.says()))


def test_an_address_names_nobody_unless_the_setting_says_so(importer, partner, ada):
    """E-mail is no identity by itself."""
    said = {"sub": "their-7", "email": "ada@example.com", "email_verified": True}

    assert "invalid_grant" == error(ask(importer, partner.says(**said)))


# -- the company


def test_company_is_named_where_there_are_several(world, importer, partner, ada, north):
    """Nobody is here to choose."""
    south = world.company("south")
    assert str(north.id) == unverified(ask(importer, partner.says()).json["access_token"])["company_id"]
    world.join(ada, south)

    assert "invalid_request" == error(ask(importer, partner.says()))
    for name in ("south", str(south.id)):
        assert (
            str(south.id) == unverified(ask(importer, partner.says(), company=name).json["access_token"])["company_id"]
        )


def test_a_foreign_company_and_none_are_one_answer(world, importer, partner, ada):
    """As at a refresh."""
    world.company("south")
    for name in ("south", "nowhere", "*", "SOUTH", "-", "x" * 100):
        assert "invalid_request" == error(ask(importer, partner.says(), company=name))


def test_what_cannot_be_a_company_costs_no_assertion(importer, partner, ada):
    """It is refused before anything is looked at."""
    assertion = partner.says()

    assert "invalid_request" == error(ask(importer, assertion, company="-"))
    assert 200 == ask(importer, assertion).status_code


def test_without_a_company_there_is_no_claim(world, importer, partner):
    world.user("ada")

    assert "company_id" not in unverified(ask(importer, partner.says()).json["access_token"])


class TestOwnedClient:
    """A client that belongs to a company."""

    @pytest.fixture
    def believed(self):
        return {"clients": ("hers", "theirs")}

    def test_gets_no_other_companys_tokens(self, world, partner, ada, north):
        """So whoever speaks for one company's people cannot reach another's."""
        south = world.company("south")
        hers, theirs = importing(world, "hers", company_id=north.id), importing(world, "theirs", company_id=south.id)

        assert "invalid_request" == error(ask(theirs, partner.says()))
        assert "invalid_request" == error(ask(theirs, partner.says(), company="north"))
        world.join(ada, south)
        assert str(north.id) == unverified(ask(hers, partner.says()).json["access_token"])["company_id"]
        assert "invalid_request" == error(ask(hers, partner.says(), company="south"))


def test_what_the_company_asks_of_a_sign_in(world, importer, partner, clock):
    """A second factor, or a newer sign-in: nobody can give either here."""
    strict = world.company("strict", second_factor=True)
    short = world.company("short", max_session=600)
    world.user("ada", [strict, short])
    now = int(clock().timestamp())

    assert "invalid_grant" == error(ask(importer, partner.says(), company="strict"))
    assert "invalid_grant" == error(ask(importer, partner.says(auth_time=now - 601), company="short"))
    assert 200 == ask(importer, partner.says(auth_time=now - 600), company="short").status_code


# -- consent


def test_a_client_that_must_ask_gets_what_was_allowed(world, browser, partner, ada, importer):
    """By the user, in this company, before; nothing otherwise."""
    world.execute("UPDATE client SET consent = 'ask', grant_types = grant_types || '{authorization_code}'")
    world.forget_cache()
    assert "invalid_grant" == error(ask(importer, partner.says()))
    browser.authorize(importer, user="ada", scope="openid datasets:read")

    assert "datasets:read openid" == ask(importer, partner.says()).json["scope"]
    assert "invalid_scope" == error(ask(importer, partner.says(), scope="datasets:modify"))
    world.execute("UPDATE consent SET withdrawn_at = now()")
    assert "invalid_grant" == error(ask(importer, partner.says()))


# -- who may bring it


def test_only_the_clients_that_the_setting_names(world, importer, partner, ada):
    """And of those only who registered the grant and authenticate."""
    other = importing(world, "other")
    assert "invalid_grant" == error(ask(other, partner.says()))
    world.execute("UPDATE client SET token_endpoint_auth_method = 'none' WHERE client_id = 'importer'")
    world.forget_cache()
    public = Client(world.app, "importer", method="none")
    assert "unauthorized_client" == error(ask(public, partner.says()))
    world.execute("UPDATE client SET grant_types = '{client_credentials}' WHERE client_id = 'other'")
    world.forget_cache()
    assert "unauthorized_client" == error(ask(other, partner.says()))


def test_another_issuer_is_not_believed(importer, partner, ada):
    """Not even with the trusted one's key; nor are we ourselves."""
    for iss in ("https://evil.example", f"{PARTNER}/", PUBLIC_URL, "importer", "", None, 5, [PARTNER]):
        assert "invalid_grant" == error(ask(importer, partner.says(iss=iss))), iss


def test_nobody_registers_it_for_itself(app):
    """An operator gives it."""
    provider = app.extensions["oauth"]
    assert JWT_BEARER in supported_by(provider.extensions, provider.settings).grant_types
    assert JWT_BEARER not in supported_by(provider.extensions, provider.settings, registering=True).grant_types


# -- the assertion itself


@pytest.mark.parametrize("audience", [PUBLIC_URL, f"{PUBLIC_URL}/oauth2/token"])
def test_audiences(importer, partner, ada, audience):
    """§3: us, or the token endpoint, as one string."""
    assert 200 == ask(importer, partner.says(aud=audience)).status_code


WRONG = (
    {"aud": None}, {"aud": [PUBLIC_URL]}, {"aud": f"{PUBLIC_URL}/"}, {"aud": "importer"}, {"aud": {"x": 1}},
    {"aud": f"{PUBLIC_URL}/oauth2/par"}, {"aud": f"{PUBLIC_URL}/oauth2/introspect"},
    {"exp": None}, {"exp": "1894700000"}, {"exp": 0},
    *({name: value} for name in ("exp", "iat", "nbf") for value in NO_TIMES),
    {"jti": None}, {"jti": ""}, {"jti": 5}, {"jti": ["a"]}, {"jti": "x" * 257},
)  # fmt: skip


def test_what_the_claims_may_not_say(importer, partner, ada):
    """Missing, of another type, for another party."""
    assert [] == [changes for changes in WRONG if "invalid_grant" != error(ask(importer, partner.says(**changes)))]


def test_times(importer, partner, ada, clock):
    """Five minutes at most, and a minute that clocks may differ."""
    now = int(clock().timestamp())
    for name, seconds, good in (
        ("exp", -59, True), ("exp", -60, False), ("exp", 360, True), ("exp", 361, False), ("iat", 61, False),
        ("nbf", 60, True), ("nbf", 61, False),
    ):  # fmt: skip
        assert good == (200 == ask(importer, partner.says(**{name: now + seconds})).status_code), (name, seconds)


def test_an_assertion_works_once(world, importer, partner, ada, clock, at_once):
    """§3 item 7; of many at once one goes on, and a replay is a security event."""
    assertion = partner.says()

    assert [200] + [400] * 9 == sorted(at_once(10, lambda: ask(importer, assertion).status_code))
    clock.advance(359)
    assert "invalid_grant" == error(ask(importer, assertion))
    assert 10 == world.events().count("assertion.replayed")
    assert 1 == world.count("oauth_grant")


def test_signatures_and_headers(importer, partner, ada):
    """The issuer's key and nothing that the token brings along; no algorithm that proves nothing."""
    stranger = new_key()
    good = partner.says()
    head, body, signature = good.split(".")
    bad = [
        partner.says(key=stranger),
        partner.says(key=stranger, header={"jwk": stranger.as_dict(private=False)}),
        *(partner.says(header=header) for header in (
            {"kid": "k9"}, {"typ": "at+jwt"}, {"typ": "client-authentication+jwt"}, {"typ": 5}, {"crit": ["exp"]},
            {"jku": "https://evil.example"}, {"zip": "DEF"}, {"x": "y" * 1000},
        )),
        partner.says(more="x" * 9000),
        f"{head}.{body}.", f"{head}.{body}", f"{good}A", f"{good}.{signature}", "x", "..", "e30.e30.e30", "\u00e9",
        "x" * 50_000,
    ]  # fmt: skip
    assert [] == [assertion[:60] for assertion in bad if "invalid_grant" != error(ask(importer, assertion))]
    for typ in ("JWT", "authorization-grant+jwt", "application/authorization-grant+jwt"):
        assert 200 == ask(importer, partner.says(header={"typ": typ})).status_code


def test_our_own_tokens_are_no_assertions(world, browser, importer, ada, client):
    """RFC 8725 §3.12: nor is what another grant takes."""
    tokens = client.tokens(browser, user="ada", scope="openid")

    for token in (tokens["id_token"], tokens["access_token"], tokens["refresh_token"]):
        assert "invalid_grant" == error(ask(importer, token))


def test_missing_and_repeated(importer, partner, ada):
    """RFC 6749 §3.2."""
    for assertion in (None, "", [partner.says(), partner.says()]):
        assert "invalid_request" == error(ask(importer, assertion))


def test_each_parameter_spoilt(world, importer, partner, ada):
    """The specified error, never a failure; and no grant begins."""
    for name in ("assertion", "scope", "resource", "company"):
        for value in ("x" * 7000, "\x01\x7f", "ünïcödé", '{"a": [1]}', " ", "\0", b"\xff", ["x"] * 90):
            form = {"assertion": partner.says(), name: value}
            found = error(importer.token(grant_type=JWT_BEARER, **form))
            assert found in ("invalid_request", "invalid_grant", "invalid_scope", "invalid_target"), (name, value)
    assert 0 == world.count("oauth_grant")


class TestAlgorithms:
    """What the setting lists."""

    @pytest.fixture
    def believed(self):
        return {"clients": ("importer",), "algorithms": ("PS256",)}

    def test_only_those(self, importer, partner, ada):
        assert "invalid_grant" == error(ask(importer, partner.says()))


def test_in_the_fapi_profile(world, partner, ada):
    """The issuer alone is the audience, and RS256 no algorithm (FAPI 2.0 Security Profile §5.3.2.1, §5.4.1)."""
    signer = SigningClient.made(
        world, "importer", profile="fapi2", grant_types=[JWT_BEARER], scopes=["datasets:read"], resources=[DATA]
    )

    def answer(assertion):
        form = {**signer.proof(), "grant_type": JWT_BEARER, "assertion": assertion}
        return error(signer.post("/oauth2/token", form, auth=None))

    older = new_key("RS256", kid="k2")
    partner.file.write_text(json.dumps(key_set(partner.key, older)))
    assert "invalid_grant" == answer(partner.says(aud=f"{PUBLIC_URL}/oauth2/token"))
    assert "invalid_grant" == answer(partner.says(key=older, alg="RS256"))
    # A good one lacks nothing but the sender constraint that the profile demands of everybody.
    assert "invalid_request" == answer(partner.says())


class TestPublishedKeys:
    """jwks_uri: fetched by the same rules as a client's."""

    @pytest.fixture
    def believed(self, server):
        return {"clients": ("importer",), "jwks_uri": server.url("/jwks")}

    @pytest.fixture
    def published(self, app, server, partner):
        server.asked.clear()
        server.answers["/jwks"] = json.dumps(key_set(partner.key)).encode()
        app.extensions["idp.fetch"] = Fetcher(allow=["localhost"], ca_file=server.certificate)
        return server

    def test_fetched_once_and_again_for_a_new_key(self, published, importer, partner, ada, clock):
        """An unknown kid is worth another look, every ten seconds at most."""
        assert [200, 200] == [ask(importer, partner.says()).status_code for _ in range(2)]
        partner.key = new_key(kid="k2")
        published.answers["/jwks"] = json.dumps(key_set(partner.key)).encode()
        assert "invalid_grant" == error(ask(importer, partner.says()))
        clock.advance(10)

        assert 200 == ask(importer, partner.says()).status_code
        assert 2 == len(published.asked)

    def test_no_connection_is_held_meanwhile(self, app, published, importer, partner, ada):
        """A slow issuer must not empty the pool."""
        held, body = [], published.answers["/jwks"]

        def answer(_handler):
            with app.app_context():
                held.append(db.engine.pool.checkedout())
            return 200, {}, body

        published.answers["/jwks"] = answer

        assert 200 == ask(importer, partner.says()).status_code
        assert [0] == held

    def test_a_server_that_is_away(self, published, importer, partner, ada):
        published.answers["/jwks"] = (500, {}, b"")

        assert "invalid_grant" == error(ask(importer, partner.says()))


# -- settings


def test_half_an_issuer_stops_the_start(tmp_path, monkeypatch):
    """With the line to fix."""
    monkeypatch.delenv("IDP_CONFIG", raising=False)
    for said, sentence in (
        ({"clients": ["a"]}, "give either jwks"),
        ({"clients": ["a"], "jwks": str(tmp_path), "jwks_uri": "https://x.example"}, "give either jwks"),
        ({"clients": ["a"], "jwks": str(tmp_path / "none")}, "jwks is not a file"),
        ({"jwks_uri": "https://x.example"}, "is missing"),
        ({"clients": [], "jwks_uri": "https://x.example"}, "at least 1 item"),
        ({"clients": ["a"], "jwks_uri": "https://x.example", "algorithms": ["HS256"]}, "ES256"),
        ({"clients": ["a"], "jwks_uri": "https://x.example", "subject": "username"}, "'sub' or 'email'"),
    ):
        with pytest.raises(Misconfigured, match=sentence):
            load(public_url=PUBLIC_URL, jwt_bearer={"trusted_issuers": {PARTNER: said}})


def test_off_by_default():
    """Trusting an issuer is one decision, taking assertions at all another."""
    assert not jwt_bearer.extension.default
