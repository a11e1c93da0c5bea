"""What the server says about itself: OpenID Connect Discovery 1.0 §3, RFC 8414, RFC 7517."""

import pytest
from actors import PUBLIC_URL

ISSUER = "https://id.example.com"
SECRETS = ["client_secret_basic", "client_secret_post"]
WELL_KNOWN = ("/.well-known/openid-configuration", "/.well-known/oauth-authorization-server")


def get(app, path, **changes):
    return app.test_client(use_cookies=False).get(path, **{"base_url": PUBLIC_URL, **changes})


def test_document_is_exactly_this(app):
    """Every member, compared whole: a client configures itself by it."""
    document = get(app, WELL_KNOWN[0]).json

    assert {
        "issuer": ISSUER,
        "authorization_endpoint": f"{ISSUER}/oauth2/authorize",
        "token_endpoint": f"{ISSUER}/oauth2/token",
        "userinfo_endpoint": f"{ISSUER}/oauth2/userinfo",
        "introspection_endpoint": f"{ISSUER}/oauth2/introspect",
        "device_authorization_endpoint": f"{ISSUER}/oauth2/device_authorization",
        "revocation_endpoint": f"{ISSUER}/oauth2/revoke",
        "registration_endpoint": f"{ISSUER}/oauth2/register",
        "end_session_endpoint": f"{ISSUER}/oauth2/logout",
        "jwks_uri": f"{ISSUER}/oauth2/jwks",
        "response_types_supported": ["code"],
        "response_modes_supported": [
            "query",
            "fragment",
            "form_post",
            "jwt",
            "query.jwt",
            "fragment.jwt",
            "form_post.jwt",
        ],
        "grant_types_supported": [
            "authorization_code",
            "client_credentials",
            "refresh_token",
            "urn:ietf:params:oauth:grant-type:device_code",
            "urn:ietf:params:oauth:grant-type:token-exchange",
        ],
        "subject_types_supported": ["public", "pairwise"],
        "id_token_signing_alg_values_supported": ["RS256", "ES256", "PS256", "EdDSA"],
        "id_token_encryption_alg_values_supported": ["RSA-OAEP-256", "ECDH-ES"],
        "id_token_encryption_enc_values_supported": ["A128GCM", "A256GCM"],
        "introspection_signing_alg_values_supported": ["RS256", "ES256", "PS256", "EdDSA"],
        "introspection_encryption_alg_values_supported": ["RSA-OAEP-256", "ECDH-ES"],
        "introspection_encryption_enc_values_supported": ["A128GCM", "A256GCM"],
        "userinfo_signing_alg_values_supported": ["RS256", "ES256", "PS256", "EdDSA"],
        "userinfo_encryption_alg_values_supported": ["RSA-OAEP-256", "ECDH-ES"],
        "userinfo_encryption_enc_values_supported": ["A128GCM", "A256GCM"],
        "token_endpoint_auth_methods_supported": [*SECRETS, "private_key_jwt", "none"],
        "token_endpoint_auth_signing_alg_values_supported": ["ES256", "EdDSA", "PS256", "RS256"],
        "introspection_endpoint_auth_methods_supported": [*SECRETS, "private_key_jwt"],
        "introspection_endpoint_auth_signing_alg_values_supported": ["ES256", "EdDSA", "PS256", "RS256"],
        "revocation_endpoint_auth_methods_supported": [*SECRETS, "private_key_jwt", "none"],
        "revocation_endpoint_auth_signing_alg_values_supported": ["ES256", "EdDSA", "PS256", "RS256"],
        "code_challenge_methods_supported": ["S256"],
        "dpop_signing_alg_values_supported": ["ES256", "EdDSA", "PS256", "RS256"],
        "authorization_response_iss_parameter_supported": True,
        "scopes_supported": ["companies", "openid", "profile", "email", "address", "phone", "offline_access"],
        "acr_values_supported": ["urn:idp:1fa"],
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "ui_locales_supported": ["en", "nb", "ar"],
        "claim_types_supported": ["normal", "distributed"],
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
        "claims_parameter_supported": True,
        "request_parameter_supported": True,
        "request_uri_parameter_supported": True,
        "pushed_authorization_request_endpoint": f"{PUBLIC_URL}/oauth2/par",
        "require_pushed_authorization_requests": False,
        "authorization_signing_alg_values_supported": ["RS256", "ES256", "PS256", "EdDSA"],
        "authorization_encryption_alg_values_supported": ["RSA-OAEP-256", "ECDH-ES"],
        "authorization_encryption_enc_values_supported": ["A128GCM", "A256GCM"],
        "require_request_uri_registration": True,
        "request_object_signing_alg_values_supported": ["ES256", "EdDSA", "PS256", "RS256"],
    } == {name: value for name, value in document.items() if name != "claims_supported"}


def test_claims_supported_names_what_we_can_tell(app):
    """OpenID Connect Discovery §3: recommended; standard claims and the companies'."""
    claims = get(app, WELL_KNOWN[0]).json["claims_supported"]

    assert len(claims) == len(set(claims))
    assert {"sub", "iss", "auth_time", "acr", "name", "email", "address", "phone_number", "company_id"} <= set(claims)


def test_both_well_known_addresses_say_the_same(app):
    """RFC 8414 §5: for clients of both specifications."""
    assert get(app, WELL_KNOWN[0]).data == get(app, WELL_KNOWN[1]).data


@pytest.mark.parametrize("path", [*WELL_KNOWN, "/oauth2/jwks"])
def test_it_may_be_cached(app, path):
    """An hour at most: a new key is public for a day before it signs."""
    response = get(app, path)

    assert "public, max-age=3600" == response.headers["Cache-Control"]
    assert "Vary" not in response.headers
    assert "Set-Cookie" not in response.headers


def test_key_set_has_public_keys_only(app):
    """RFC 7517: each with kid, use and alg; nothing private or symmetric (RFC 7518 §6)."""
    response = get(app, "/oauth2/jwks")
    keys = response.json["keys"]

    assert "application/jwk-set+json" == response.content_type
    assert {"RS256", "ES256", "PS256", "EdDSA"} == {key["alg"] for key in keys}
    assert {"sig"} == {key["use"] for key in keys}
    assert len(keys) == len({key["kid"] for key in keys})
    assert {"RSA", "EC", "OKP"} == {key["kty"] for key in keys}
    assert not {"d", "p", "q", "dp", "dq", "qi", "oth", "k"} & {name for key in keys for name in key}


def test_urls_come_from_the_settings_alone(app):
    """Neither Host nor X-Forwarded-* builds a URL (promise P28)."""
    evil = {
        "Host": "evil.example",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "http",
        "X-Forwarded-Prefix": "/evil",
        "Forwarded": "host=evil.example;proto=http",
    }

    document = get(app, WELL_KNOWN[0], headers=evil, base_url="http://evil.example")

    assert "evil" not in document.text
    assert ISSUER == document.json["issuer"]
