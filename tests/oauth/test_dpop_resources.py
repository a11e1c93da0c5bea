"""Proof of possession where tokens are presented, RFC 9449 §7: userinfo and the API."""

import base64

import pytest
from actors import PUBLIC_URL, Client
from dpop_key import Key

ALGS = 'algs="ES256 EdDSA PS256 RS256"'
PATHS = ("/oauth2/userinfo", "/api/v1/me")


@pytest.fixture
def key(app):
    """The key that the client holds."""
    return Key(app)


@pytest.fixture
def token(app, world, browser, key):
    """For each resource a person's token that is bound to the key."""
    world.user("ada", [world.company("acme")])
    api = f"{PUBLIC_URL}/api"
    client = Client.registered(world, "shop", resources=[PUBLIC_URL, api], scopes=["openid", "profile:read"])

    def of(path, key=key):
        resource = PUBLIC_URL if path == "/oauth2/userinfo" else api
        code = browser.authorize(client, user="ada", scope="openid profile:read", resource=resource)["code"]
        form = {"code": code, "redirect_uri": client.redirect_uri, "code_verifier": client.verifier}
        headers = key.headers() if key else {}
        answer = client.post("/oauth2/token", {"grant_type": "authorization_code", **form}, headers=headers)
        return answer.json["access_token"]

    return of


@pytest.fixture(params=PATHS)
def path(request):
    """Every resource of the provider."""
    return request.param


def test_with_a_proof_a_bound_token_counts(path, key, token):
    """RFC 9449 §7.1; the word for the scheme in any case (RFC 9110 §11.1)."""
    held = token(path)

    for scheme in ("DPoP", "dPoP", "DPOP"):
        answer = key.get(path, held, scheme=scheme)
        assert 200 == answer.status_code, answer.text
        assert "DPoP-Nonce" not in answer.headers


def refused(answer, error="invalid_dpop_proof"):
    """Whether the challenge is DPoP's, with this error."""
    challenge = answer.headers["WWW-Authenticate"]
    return 401 == answer.status_code and challenge.startswith(f'DPoP error="{error}"') and challenge.endswith(ALGS)


WRONG = {
    "no ath": {"ath": None},
    "ath of another token": {"ath": "x" * 43},
    "ath is a list": {"ath": ["x"]},
    "another method": {"htm": "POST"},
    "another address": {"htu": f"{PUBLIC_URL}/oauth2/token"},
    "no typ": {"header": {"typ": None}},
    "no jti": {"jti": None},
    "no iat": {"iat": None},
    "an hour old": {"iat": 1_893_489_000 - 3_600},
    "alg none": {"header": {"alg": "none"}},
}


@pytest.mark.parametrize("changes", WRONG.values(), ids=WRONG)
def test_proof_is_about_this_request_and_token(path, key, token, changes):
    """RFC 9449 §4.3, §7.1: what the FAPI suite tries."""
    held = token(path)

    assert refused(key.get(path, held, **changes))
    assert 200 == key.get(path, held).status_code


def test_without_a_proof_it_does_not_count(app, path, token):
    """The challenge says what is missing."""
    http = app.test_client(use_cookies=False)
    answer = http.get(path, headers={"Authorization": f"DPoP {token(path)}"}, base_url=PUBLIC_URL)

    assert refused(answer)
    assert "a DPoP proof is missing" in answer.headers["WWW-Authenticate"]


def test_bound_token_is_no_bearer_token(app, path, key, token):
    """RFC 9449 §7.2: a thief who drops the proof gains nothing; with the proof it is the wrong word all the same."""
    held, http = token(path), app.test_client(use_cookies=False)

    answers = [
        http.get(path, headers={"Authorization": f"Bearer {held}"}, base_url=PUBLIC_URL),
        key.get(path, held, scheme="Bearer"),
    ]

    for answer in answers:
        assert 401 == answer.status_code
        bearer, dpop = answer.headers.getlist("WWW-Authenticate")
        assert bearer.startswith('Bearer error="invalid_token"')
        assert f"DPoP {ALGS}" == dpop


def test_bound_token_does_not_come_in_a_form(app, key, token):
    """RFC 9449 §7.1 knows the header alone."""
    held, uri = token("/oauth2/userinfo"), f"{PUBLIC_URL}/oauth2/userinfo"
    answer = app.test_client(use_cookies=False).post(
        uri, data={"access_token": held}, headers=key.headers("POST", uri, token=held), base_url=PUBLIC_URL
    )

    assert 401 == answer.status_code


def test_other_key_does_not_count(app, path, token):
    """RFC 9449 §7.1: the token is not for this one."""
    assert refused(Key(app).get(path, token(path)), "invalid_token")


def test_unbound_token_does_not_come_under_dpop(path, key, token):
    """Nobody would have bound it."""
    assert refused(key.get(path, token(path, key=None)), "invalid_token")


def test_two_proofs_are_refused(app, path, key, token):
    """RFC 9449 §4.3, check 1."""
    held = token(path)
    proofs = [("DPoP", key.proof("GET", PUBLIC_URL + path, token=held)) for _ in range(2)]
    headers = [("Authorization", f"DPoP {held}"), *proofs]

    assert refused(app.test_client(use_cookies=False).get(path, headers=headers, base_url=PUBLIC_URL))


def test_proof_works_once(path, key, token, world):
    """RFC 9449 §11.1; and what happened is in the audit."""
    held = token(path)
    proof = key.proof("GET", PUBLIC_URL + path, token=held)

    assert 200 == key.get(path, held, proof=proof).status_code
    assert refused(key.get(path, held, proof=proof))
    assert 1 == world.events().count("dpop.replayed")


def test_of_proofs_at_once_one_works(path, key, token, at_once):
    """Twenty with one jti: the insert decides."""
    held = token(path)
    proof = key.proof("GET", PUBLIC_URL + path, token=held)

    answers = at_once(20, lambda: key.get(path, held, proof=proof).status_code)

    assert [200] + [401] * 19 == sorted(answers)


def test_stranger_burns_nothing(app, path, token, world):
    """A proof is remembered only when its key is the token's: whoever has no token cannot fill the table."""
    held, stranger = token(path), Key(app)
    before = world.count("replay")

    stranger.get(path, held)
    stranger.get(path, "x")

    assert before == world.count("replay")


def test_challenge_says_how_to_ask(app, path):
    """Without a token both schemes, and no error (RFC 6750 §3.1, RFC 9449 §7.1); a bad one under DPoP is DPoP's."""
    http = app.test_client(use_cookies=False)

    without = http.get(path, base_url=PUBLIC_URL)
    bad = http.get(path, headers={"Authorization": "DPoP x"}, base_url=PUBLIC_URL)

    assert (401, ["Bearer", f"DPoP {ALGS}"]) == (without.status_code, without.headers.getlist("WWW-Authenticate"))
    assert refused(bad, "invalid_token")


def test_missing_scope_is_told_under_the_same_scheme(app, key, token):
    """RFC 6750 §3.1, in DPoP's words."""
    answer = key.get("/api/v1/me/companies", token("/api/v1/me"))
    plain = app.test_client(use_cookies=False).get(
        "/api/v1/me/companies",
        headers={"Authorization": f"Bearer {token('/api/v1/me', key=None)}"},
        base_url=PUBLIC_URL,
    )

    assert (403, 403) == (answer.status_code, plain.status_code)
    assert answer.headers["WWW-Authenticate"].startswith('DPoP error="insufficient_scope"')
    assert 1 == len(plain.headers.getlist("WWW-Authenticate"))


def test_registration_knows_no_proofs(app):
    """Its tokens are not bound, so its challenge is Bearer's alone."""
    answer = app.test_client().post("/oauth2/register", json={}, base_url=PUBLIC_URL)

    assert (401, 1) == (answer.status_code, len(answer.headers.getlist("WWW-Authenticate")))


def test_fapi_clients_use_fewer_algorithms(app, world):
    """FAPI 2.0 Security Profile §5.4.1: RS256 is refused at resources too."""
    key = Key(app, "PS256")
    scopes = ["members:read"]
    client = Client.registered(
        world, "bank", grant_types=["client_credentials"], scopes=scopes, resources=[f"{PUBLIC_URL}/api"]
    )
    pair = base64.b64encode(f"bank:{client.secret}".encode()).decode()
    answer = client.http.post(
        "/oauth2/token",
        data={"grant_type": "client_credentials"},
        headers={"Authorization": f"Basic {pair}", **key.headers()},
        base_url=PUBLIC_URL,
    )
    world.execute("UPDATE client SET profile = 'fapi2'")
    world.forget_cache()
    path, held = "/api/v1/companies/x/members", answer.json["access_token"]
    other = Key(app, "RS256")
    other.key, other.jwk = key.key, key.jwk

    assert refused(other.get(path, held))
    assert 401 != key.get(path, held).status_code


@pytest.mark.parametrize("asked", ["/api/v1/me", "/oauth2/userinfo"])
def test_pages_of_other_origins_may_send_proofs(app, asked):
    """CORS: the header is allowed, what the answer says about nonces and schemes is readable."""
    http = app.test_client(use_cookies=False)
    preflight = {"Origin": "https://spa.example", "Access-Control-Request-Method": "GET"}

    allowed = http.options(asked, headers=preflight, base_url=PUBLIC_URL).headers["Access-Control-Allow-Headers"]
    shown = http.get(asked, headers=preflight, base_url=PUBLIC_URL).headers["Access-Control-Expose-Headers"]

    assert {"Authorization", "DPoP"} <= set(allowed.split(", "))
    assert {"WWW-Authenticate", "DPoP-Nonce"} == set(shown.split(", "))
