"""A client's metadata: RFC 7591 §2, and redirect URIs that leave no doubt."""

import pytest

from idp.clients.metadata import InvalidMetadata, Supported, validate

WEB = {"redirect_uris": ["https://shop.example/cb"]}
NATIVE = {"application_type": "native", "token_endpoint_auth_method": "none"}


def check(metadata, *, development=False, **supported):
    return validate(metadata, Supported(development=development, **supported), client_id="shop")


def test_the_defaults_are_those_of_the_specification():
    found = check(WEB)

    assert "shop" == found.client_name
    assert ["authorization_code"] == found.grant_types
    assert ["code"] == found.response_types
    assert "client_secret_basic" == found.token_endpoint_auth_method
    assert [] == found.scopes
    assert {} == found.other


@pytest.mark.parametrize(
    "uri",
    [
        "https://shop.example",
        "https://shop.example/",
        "https://shop.example/cb?tenant=1",
        "https://shop.example:8443/a.b/..c/cb",
        "https://[2001:db8::1]/cb",
        "https://xn--bcher-kva.example/cb",
    ],
)
def test_plain_https_uris_are_redirect_uris(uri):
    assert [uri] == check({"redirect_uris": [uri]}).redirect_uris


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "/cb",
        "shop.example/cb",
        "https:",
        "https://",
        "https:///cb",
        "http://shop.example/cb",
        "http://localhost/cb",
        "https://user@shop.example/cb",
        "https://user:password@shop.example/cb",
        "https://shop.example/cb#",
        "https://shop.example/cb#fragment",
        "https://*.shop.example/cb",
        "https://shop.example/*",
        "https://shop.example/a/../cb",
        "https://shop.example/./cb",
        "https://shop.example/..",
        "https://shop.example/%2e%2E/cb",
        "https://shop.example/a%2f..%2fcb",
        "https://shop.example\\cb",
        "https://shop.example/%5ccb",
        "https://shop.example/%00",
        "https://shop.example/%0d%0aSet-Cookie:a=b",
        "https://shop.example/%zz",
        "https://shop.example/a b",
        "https://shop.example/cb\n",
        "https://sh\top.example/cb",
        "https://shop.example/\x00",
        "https://shöp.example/cb",
        "https://shop..example/cb",
        "https://shop.example:0/cb",
        "https://shop.example:65536/cb",
        "https://shop.example:/cb",
        "HTTPS://shop.example/cb",
        "https://Shop.example/cb",
        "javascript:alert(1)",
        "data:text/html,x",
        "com.example.app:/cb",
        "https://shop.example/" + "a" * 2000,
    ],
)
def test_doubtful_redirect_uris_are_refused(uri):
    with pytest.raises(InvalidMetadata) as refused:
        check({"redirect_uris": ["https://shop.example/cb", uri]})

    assert "invalid_redirect_uri" == refused.value.error
    assert not uri or uri not in str(refused.value)


@pytest.mark.parametrize(
    "uri",
    [
        "https://app.example/cb",
        "http://127.0.0.1/cb",
        "http://[::1]/cb",
        "http://localhost:8080/cb",
        "com.example.app:/cb",
        "com.example.app://cb",
    ],
)
def test_native_applications_may_use_loopback_and_their_own_scheme(uri):
    assert [uri] == check(NATIVE | {"redirect_uris": [uri]}).redirect_uris


@pytest.mark.parametrize(
    "uri", ["http://192.168.0.1/cb", "app:/cb", "javascript:/x", "com.example.app:cb", "com.example.app://a@b/cb"]
)
def test_native_applications_may_use_nothing_else(uri):
    with pytest.raises(InvalidMetadata):
        check(NATIVE | {"redirect_uris": [uri]})


def test_in_development_http_is_accepted_on_loopback_only():
    found = check({"redirect_uris": ["http://localhost:8001/cb"], "jwks_uri": "http://[::1]/jwks"}, development=True)

    assert ["http://localhost:8001/cb"] == found.redirect_uris
    with pytest.raises(InvalidMetadata):
        check({"redirect_uris": ["http://localhost.example/cb"]}, development=True)


@pytest.mark.parametrize(
    ("members", "member"),
    [
        ({"redirect_uris": "https://shop.example/cb"}, "redirect_uris"),
        ({"redirect_uris": [1]}, "redirect_uris"),
        ({"redirect_uris": []}, "redirect_uris"),
        ({"redirect_uris": ["https://a.example/", "https://a.example/"]}, "redirect_uris"),
        ({"redirect_uris": [f"https://a.example/{n}" for n in range(51)]}, "redirect_uris"),
        ({}, "redirect_uris"),
        ({"post_logout_redirect_uris": ["http://a.example"]}, "post_logout_redirect_uris"),
        ({"grant_types": []}, "grant_types"),
        ({"grant_types": ["password"]}, "grant_types"),
        ({"grant_types": ["implicit"]}, "grant_types"),
        ({"grant_types": "authorization_code"}, "grant_types"),
        ({"grant_types": ["refresh_token"]}, "grant_types"),
        ({"grant_types": ["client_credentials", "refresh_token"]}, "grant_types"),
        ({"grant_types": ["client_credentials"], "token_endpoint_auth_method": "none"}, "grant_types"),
        ({"response_types": []}, "response_types"),
        ({"response_types": ["token"]}, "response_types"),
        ({"grant_types": ["client_credentials"], "response_types": ["code"]}, "response_types"),
        ({"token_endpoint_auth_method": "private_key_jwt"}, "token_endpoint_auth_method"),
        ({"token_endpoint_auth_method": None, "scope": 1}, "scope"),
        ({"scope": "a  b"}, "scope"),
        ({"scope": 'a"b'}, "scope"),
        ({"scope": "a a"}, "scope"),
        ({"client_name": ""}, "client_name"),
        ({"client_name": "a\u202eb"}, "client_name"),
        ({"client_name": "a" * 201}, "client_name"),
        ({"client_name": 1}, "client_name"),
        ({"client_name#": "x"}, "client_name#"),
        ({"client_name#e n": "x"}, "client_name#e n"),
        ({"scope#de": "x"}, "scope#de"),
        ({"client_uri": "http://a.example"}, "client_uri"),
        ({"client_uri": 1}, "client_uri"),
        ({"logo_uri": "data:image/png;base64,"}, "logo_uri"),
        ({"jwks": {}}, "jwks"),
        ({"jwks": {"keys": {}}}, "jwks"),
        ({"jwks": {"keys": []}}, "jwks"),
        ({"jwks": {"keys": ["x"]}}, "jwks"),
        ({"jwks": {"keys": [{"kty": "oct", "k": "x"}]}}, "jwks"),
        ({"jwks": {"keys": [{"kty": {}}]}}, "jwks"),
        ({"jwks": {"keys": [{"kty": "EC", "d": "x"}]}}, "jwks"),
        ({"jwks": {"keys": [{"kty": "EC"}]}, "jwks_uri": "https://a.example/jwks"}, "jwks"),
        ({"subject_type": "pairwise"}, "subject_type"),
        ({"id_token_signed_response_alg": "none"}, "id_token_signed_response_alg"),
        ({"application_type": "desktop"}, "application_type"),
        ({"default_max_age": True}, "default_max_age"),
        ({"default_max_age": -1}, "default_max_age"),
        ({"require_auth_time": 1}, "require_auth_time"),
        ({"contacts": ["a\x00"]}, "contacts"),
        ({"color": "red"}, "color"),
    ],
)
def test_the_member_that_is_wrong_is_named(members, member):
    with pytest.raises(InvalidMetadata) as refused:
        check(members if "redirect_uris" in members or not members else WEB | members)

    assert member == refused.value.member


def test_null_means_absent():
    assert check(WEB) == check(WEB | {"client_name": None, "jwks": None, "unknown": None})


def test_names_for_people_may_be_translated():
    assert {"client_name#nb": "Butikk"} == check(WEB | {"client_name#nb": "Butikk"}).other


def test_an_extension_brings_a_member_a_method_and_a_grant():
    found = check(
        WEB | {"grant_types": ["authorization_code", "device"], "token_endpoint_auth_method": "m", "x": 1},
        grant_types=frozenset({"authorization_code", "device"}),
        auth_methods=frozenset({"m"}),
        members={"x": lambda _supported, value: value + 1},
    )

    assert {"x": 2} == found.other
