"""What is registered and announced about certificates: RFC 8705 §2.1.2, §2.2.2, §3.3, §3.4, §5; and the settings."""

import json
from datetime import timedelta

import pytest
from actors import PUBLIC_URL
from certificates import COMPANY_DN
from tls_client import BOUND, HEADER, MTLS_URL, PKI, SELF_SIGNED, TlsClient, refused

from idp.db import db
from idp.oauth import extensions
from idp.oauth.extension import enabled
from idp.settings import Misconfigured, MutualTlsSettings

MEMBERS = ("subject_dn", "san_dns", "san_uri", "san_ip", "san_email")
GOOD = {
    "subject_dn": COMPANY_DN,
    "san_dns": "app.example",
    "san_uri": "urn:app:1",
    "san_ip": "192.0.2.1",
    "san_email": "app@example.com",
}


@pytest.fixture
def register(app, clock):
    """Register dynamically; the answer's JSON."""
    from idp.clients import registration

    def post(**members):
        with app.app_context(), db.transaction():
            token = registration.new_initial_access_token(None, uses=1, expires_at=clock() + timedelta(days=1))
        http = app.test_client(use_cookies=False)
        body = {"grant_types": ["client_credentials"], "response_types": [], **members}
        return http.post(
            "/oauth2/register", json=body, headers={"Authorization": f"Bearer {token}"}, base_url=PUBLIC_URL
        )

    return post


@pytest.mark.parametrize("member", MEMBERS)
def test_subject_is_registered_by_one_member(register, member):
    """§2.1.2: exactly one of five, and a value that such a name can have."""
    name, method = f"tls_client_auth_{member}", {"token_endpoint_auth_method": PKI}
    other = next(each for each in MEMBERS if each != member)

    done = register(**method, **{name: GOOD[member]})
    assert 201 == done.status_code
    assert GOOD[member] == done.json[name]
    assert "client_secret" not in done.json
    for wrong in (
        {**method, name: GOOD[member], f"tls_client_auth_{other}": GOOD[other]},
        method,
        {name: GOOD[member]},
        {**method, name: ""},
        {**method, name: 1},
        {**method, name: "x" * 1001},
    ):
        refusal = register(**wrong)
        assert (400, "invalid_client_metadata") == (refusal.status_code, refusal.json["error"])


@pytest.mark.parametrize(
    ("member", "value"),
    [("subject_dn", "CN/x"), ("subject_dn", "/CN=x"), ("san_ip", "192.0.2"), ("san_ip", "::/9")],
)
def test_value_that_no_certificate_can_have_is_refused(register, member, value):
    """With a sentence, and without repeating it."""
    refusal = register(token_endpoint_auth_method=PKI, **{f"tls_client_auth_{member}": value})

    assert 400 == refusal.status_code
    assert value not in refusal.json["error_description"]


def test_self_signed_certificate_is_registered_with_its_key(register, made):
    """§2.2.2: `x5c` in the key set, or an address where one is."""
    method, certificate = {"token_endpoint_auth_method": SELF_SIGNED}, made()
    [key] = certificate.jwks["keys"]
    bare = {name: value for name, value in key.items() if name != "x5c"}

    assert 201 == register(**method, jwks=certificate.jwks).status_code
    assert 201 == register(**method, jwks_uri="https://app.example/jwks").status_code
    assert 400 == register(**method).status_code
    assert 400 == register(**method, jwks={"keys": [bare]}).status_code


def test_bound_tokens_are_registered(register):
    """§3.4: a boolean."""
    assert register(**{BOUND: True}).json[BOUND]
    assert 400 == register(**{BOUND: "yes"}).status_code


def test_clients_are_declared_too(app):
    """`idp apply` has the same rules."""
    from idp.declared import state

    text = f"""
        [[client]]
        client_id = "tls"
        grant_types = ["client_credentials"]
        token_endpoint_auth_method = "{PKI}"
        tls_client_auth_san_dns = "app.example"
        {BOUND} = true
    """
    with app.app_context():
        applied = state.apply(text, {})
        again = state.apply(text, {}, plan=True)
        db.session.remove()

    assert 1 == len(applied.changes)
    assert [] == again.changes


def discovery(app):
    return app.test_client().get("/.well-known/openid-configuration", base_url=PUBLIC_URL).json


def test_discovery_says_it_all(app):
    """§3.3, §5: methods wherever clients authenticate, bound tokens, and where certificates are asked for."""
    document = discovery(app)

    for endpoint in ("token", "introspection", "revocation"):
        assert {PKI, SELF_SIGNED} <= set(document[f"{endpoint}_endpoint_auth_methods_supported"])
    assert document[BOUND]
    aliases = document["mtls_endpoint_aliases"]
    assert {"token_endpoint", "introspection_endpoint", "revocation_endpoint", "userinfo_endpoint"} <= aliases.keys()
    assert not {"authorization_endpoint", "end_session_endpoint"} & aliases.keys()
    assert f"{MTLS_URL}/oauth2/token" == aliases["token_endpoint"]
    assert {f"{MTLS_URL}{document[name].removeprefix(PUBLIC_URL)}" == url for name, url in aliases.items()} == {True}


def test_without_authorities_there_is_no_pki(reopened):
    """The other method needs none; without an address of its own nothing has an alias."""
    document = discovery(reopened(header=HEADER, proxies=("127.0.0.1",)))

    assert SELF_SIGNED in document["token_endpoint_auth_methods_supported"]
    assert PKI not in document["token_endpoint_auth_methods_supported"]
    assert "mtls_endpoint_aliases" not in document


def test_without_a_proxy_nothing_is_offered(reopened, world, made):
    """Neither announced nor accepted, whatever header comes."""
    other = reopened()
    document = discovery(other)
    client = TlsClient.self_signed(world, made())
    client.http = other.test_client(use_cookies=False)

    assert not [value for value in document.items() if "tls" in json.dumps(value)]
    assert refused(client.ask())


@pytest.mark.parametrize(
    "half",
    [
        {"header": HEADER},
        {"proxies": ("127.0.0.1",)},
        {"url": MTLS_URL},
        {"ca_file": __file__},
        {"header": "x y", "proxies": ("127.0.0.1",)},
        {"header": HEADER, "proxies": ("proxy.example",)},
        {"header": HEADER, "proxies": ("127.0.0.1",), "url": "http://mtls.example"},
        {"header": HEADER, "proxies": ("127.0.0.1",), "url": f"{MTLS_URL}/"},
        {"header": HEADER, "proxies": ("127.0.0.1",), "ca_file": "nowhere"},
    ],
)
def test_half_a_configuration_stops_the_start(half):
    """A header that anybody may send proves nothing."""
    with pytest.raises(ValueError, match=r"belong together|need|must be|not appear|not a file"):
        MutualTlsSettings(**half)


def test_file_without_authorities_stops_the_start(settings, tmp_path):
    """With a line that names the setting."""
    (tmp_path / "empty.pem").write_text("nothing")
    group = MutualTlsSettings(header=HEADER, proxies=("127.0.0.1",), ca_file=tmp_path / "empty.pem")

    with pytest.raises(Misconfigured, match=r"mutual_tls\.ca_file"):
        enabled(extensions, settings.model_copy(update={"mutual_tls": group}))
