"""Access tokens checked offline: each refusal here is the only thing between a bad token and a view."""

import json
from collections.abc import Callable

import pytest
from fake_idp import AUDIENCE, ISSUER, NOW, FakeIdP, compact, new_key
from joserfc.jwk import OctKey
from joserfc.util import urlsafe_b64encode

from resource_server import InvalidToken, Presented, Principal, Refused, ResourceServer


@pytest.fixture
def idp() -> FakeIdP:
    return FakeIdP()


@pytest.fixture
def server(idp: FakeIdP) -> ResourceServer:
    return idp.server()


def refused(server: ResourceServer, token: str) -> str:
    with pytest.raises(InvalidToken) as caught:
        server.authenticate(Presented([f"Bearer {token}"]))
    assert (401, "invalid_token") == (caught.value.status, caught.value.error)
    return caught.value.description


def test_principal_is_what_the_token_says(idp: FakeIdP, server: ResourceServer) -> None:
    token = idp.token(acr="urn:idp:2fa", amr=["pwd", "otp"], authorization_details=[{"type": "dataset"}])
    principal = server.authenticate(Presented([f"Bearer {token}"]))

    assert (
        Principal(
            sub="ada",
            client_id="portal",
            scopes=frozenset({"datasets:read", "datasets:modify"}),
            expires_at=NOW + 300,
            company_id="acme",
            roles=frozenset({"member"}),
            companies=None,
            member_ver=3,
            authorization_details=({"type": "dataset"},),
            acr="urn:idp:2fa",
            amr=("pwd", "otp"),
            claims=principal.claims,
        )
        == principal
    )
    assert "t1" == principal.claims["jti"]
    assert not principal.is_client


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_scheme_in_any_case(idp: FakeIdP, server: ResourceServer, scheme: str) -> None:
    """RFC 9110 §11.1."""
    assert "ada" == server.authenticate(Presented([f"{scheme}  {idp.token()}"])).sub


@pytest.mark.parametrize("headers", [[], [""], ["Basic YTpi"], ["MAC abc"], ["Token abc"]])
def test_no_bearer_token_is_401_without_a_code(server: ResourceServer, headers: list[str]) -> None:
    """RFC 6750 §3.1: a request that tried nothing gets no error code."""
    with pytest.raises(Refused) as caught:
        server.authenticate(Presented(headers))
    assert (401, None) == (caught.value.status, caught.value.error)


def test_two_authorization_headers_are_400(idp: FakeIdP, server: ResourceServer) -> None:
    """Also when the HTTP server joined them, as Granian and gunicorn do."""
    header = f"Bearer {idp.token()}"
    for headers in ([header, header], [header, "Basic YTpi"], [f"{header},{header}"], [f"Basic YTpi, {header}"]):
        with pytest.raises(Refused) as caught:
            server.authenticate(Presented(headers))
        assert (400, "invalid_request") == (caught.value.status, caught.value.error)


# Claims


CLAIMS: dict[str, dict[str, object]] = {
    "another issuer": {"iss": "https://idp.example.evil"},
    "the issuer with a slash": {"iss": ISSUER + "/"},
    "no issuer": {"iss": ...},
    "an issuer in a list": {"iss": [ISSUER]},
    "another audience": {"aud": "https://other.example"},
    "a longer audience": {"aud": AUDIENCE + "/x"},
    "audiences without ours": {"aud": ["https://other.example", AUDIENCE + "/"]},
    "no audience": {"aud": ...},
    "an empty list of audiences": {"aud": []},
    "an audience that is no string": {"aud": [AUDIENCE, 1]},
    "an audience as an object": {"aud": {AUDIENCE: True}},
    "expired": {"exp": NOW - 30},
    "exp as text": {"exp": str(NOW + 300)},
    "exp as a fraction": {"exp": NOW + 300.5},
    "exp true": {"exp": True},
    "exp null": {"exp": None},
    "exp infinite": {"exp": float("inf")},
    "no exp": {"exp": ...},
    "issued in the future": {"iat": NOW + 31},
    "iat true": {"iat": True},
    "no iat": {"iat": ...},
    "not valid yet": {"nbf": NOW + 31},
    "nbf as text": {"nbf": "0"},
    "nbf false": {"nbf": False},
    "no sub": {"sub": ...},
    "an empty sub": {"sub": ""},
    "a sub in a list": {"sub": ["ada"]},
    "a sub that is a number": {"sub": 7},
    "no client_id": {"client_id": ...},
    "a client_id that is an object": {"client_id": {"id": "portal"}},
    "scope as a list": {"scope": ["datasets:read"]},
    "scope null": {"scope": None},
    "a company_id that is a number": {"company_id": 1},
    "an empty company_id": {"company_id": ""},
    "company_id null": {"company_id": None},
    "roles as text": {"roles": "member"},
    "roles as an object": {"roles": {"member": True}},
    "a role that is no string": {"roles": ["member", 1]},
    "member_ver as text": {"member_ver": "3"},
    "member_ver true": {"member_ver": True},
    "companies as a list": {"companies": ["acme"]},
    "companies with text for roles": {"companies": {"acme": "member"}},
    "companies with an object for roles": {"companies": {"acme": {"member": True}}},
    "act is text": {"act": "archive"},
    "act names nobody": {"act": {}},
    "act without a text": {"act": {"sub": 7}},
    "malformed companies without an active one": {"company_id": ..., "roles": ..., "companies": {"acme": [None]}},
    "details as an object": {"authorization_details": {"type": "dataset"}},
    "details null": {"authorization_details": None},
    "details with text": {"authorization_details": ["dataset"]},
    "details without a type": {"authorization_details": [{"actions": ["read"]}]},
    "acr as a list": {"acr": ["urn:idp:1fa"]},
    "amr as text": {"amr": "pwd"},
    "bound to a DPoP key, as a bearer token": {"cnf": {"jkt": "x"}},
    "bound to a certificate, without one": {"cnf": {"x5t#S256": "x"}},
    "bound in an unknown way": {"cnf": {"jwk": "x"}},
    "bound in an unknown way too": {"cnf": {"x5t#S256": "x", "jwk": "y"}},
    "bound to something strange": {"cnf": {"jkt": ["x"]}},
    "a binding that is none": {"cnf": "x"},
    "an empty binding": {"cnf": {}},
}


@pytest.mark.parametrize("changes", CLAIMS.values(), ids=CLAIMS.keys())
def test_claims_that_are_not_right_are_refused(
    idp: FakeIdP, server: ResourceServer, changes: dict[str, object]
) -> None:
    assert "" != refused(server, idp.token(**changes))


def test_clocks_may_differ_by_30_seconds(idp: FakeIdP, server: ResourceServer) -> None:
    for changes in ({"exp": NOW - 29}, {"iat": NOW + 30}, {"nbf": NOW + 30}):
        assert "ada" == server.verify(idp.token(**changes)).sub


def test_audience_may_be_one_of_many(idp: FakeIdP, server: ResourceServer) -> None:
    assert "ada" == server.verify(idp.token(aud=["https://other.example", AUDIENCE])).sub


def test_id_token_is_refused(idp: FakeIdP, server: ResourceServer) -> None:
    """The IdP signs ID tokens with the same keys; `typ` keeps them apart (RFC 9068 §4)."""
    assert "the token is not an access token" == refused(server, idp.token(header={"typ": "JWT"}, nonce="n"))


def test_resource_may_be_set_to_take_jwt_instead(idp: FakeIdP) -> None:
    server = idp.server(typ="JWT")

    assert "ada" == server.verify(idp.token(header={"typ": "JWT"})).sub
    refused(server, idp.token())


# Companies


def test_roles_hold_in_the_active_company_alone(idp: FakeIdP, server: ResourceServer) -> None:
    principal = server.verify(idp.token())

    assert frozenset({"member"}) == principal.roles_in("acme")
    assert frozenset() == principal.roles_in("globex") == principal.roles_in(None)


def test_token_for_all_companies(idp: FakeIdP, server: ResourceServer) -> None:
    companies = {"acme": ["viewer"], "globex": ["admin"]}
    principal = server.verify(idp.token(company_id=..., roles=..., member_ver=..., companies=companies))

    assert frozenset({"admin"}) == principal.roles_in("globex")
    assert frozenset() == principal.roles_in("initech") == principal.roles_in(None)
    assert principal.company_id is None


def test_companies_beside_an_active_one_give_no_rights(idp: FakeIdP, server: ResourceServer) -> None:
    """An introspection answer lists them all for information."""
    principal = server.verify(idp.token(companies={"acme": ["admin"], "globex": ["admin"]}))

    assert frozenset({"member"}) == principal.roles_in("acme")
    assert frozenset() == principal.roles_in("globex")


def test_roles_without_a_company_mean_nothing(idp: FakeIdP, server: ResourceServer) -> None:
    principal = server.verify(idp.token(company_id=...))

    assert frozenset() == principal.roles == principal.roles_in("acme") == principal.roles_in(None)


def test_who_acts_for_somebody(idp: FakeIdP, server: ResourceServer) -> None:
    """RFC 8693 §4.1: the outermost; without the claim nobody but the person and the application."""
    principal = server.verify(idp.token(act={"sub": "archive", "act": {"sub": "datasets"}}))

    assert ("ada", "archive") == (principal.sub, principal.actor)
    assert server.verify(idp.token()).actor is None


def test_client_for_itself(idp: FakeIdP, server: ResourceServer) -> None:
    principal = server.verify(idp.token(sub="machine", client_id="machine", scope=...))

    assert principal.is_client
    assert frozenset() == principal.scopes


# Header and signature


HEADERS: dict[str, dict[str, object]] = {
    "no typ": {"typ": ...},
    "typ as a list": {"typ": ["at+jwt"]},
    "a logout token": {"typ": "logout+jwt"},
    "no kid": {"kid": ...},
    "kid null": {"kid": None},
    "kid as a list": {"kid": ["k1"]},
    "an unknown kid": {"kid": "k2"},
    "critical b64": {"crit": ["b64"], "b64": True},
    "critical nothing": {"crit": []},
    "critical unknown": {"crit": ["exp"], "exp": 1},
    "unencoded": {"b64": False},
    "a key of its own": {"jwk": new_key("ES256", "k1").as_dict(private=False)},
    "a key set of its own": {"jku": "https://evil.example/jwks"},
    "a certificate": {"x5c": ["MIIB"]},
    "a certificate elsewhere": {"x5u": "https://evil.example/cert"},
    "a long header": {"pad": "x" * 1024},
}


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS.keys())
def test_headers_that_are_not_right_are_refused(
    idp: FakeIdP, server: ResourceServer, header: dict[str, object]
) -> None:
    refused(server, idp.token(header=header))


def test_typ_is_a_media_type(idp: FakeIdP, server: ResourceServer) -> None:
    for typ in ("application/at+jwt", "AT+JWT"):
        assert "ada" == server.verify(idp.token(header={"typ": typ})).sub


@pytest.mark.parametrize("alg", ["ES256", "RS256", "PS256", "EdDSA"])
def test_asymmetric_algorithms(idp: FakeIdP, server: ResourceServer, alg: str) -> None:
    idp.keys["k1"] = new_key(alg, "k1")
    assert "ada" == server.verify(idp.token(header={"alg": alg})).sub


def test_unsigned_token_is_refused(idp: FakeIdP, server: ResourceServer) -> None:
    for alg in ("none", "None", "NONE", ""):
        parts = [{"typ": "at+jwt", "alg": alg, "kid": "k1"}, idp.claims()]
        unsigned = ".".join(urlsafe_b64encode(json.dumps(part).encode()).decode() for part in parts)
        for signature in ("", "AA"):
            refused(server, f"{unsigned}.{signature}")


def test_public_key_is_no_secret(idp: FakeIdP, server: ResourceServer) -> None:
    idp.keys["k1"] = new_key("RS256", "k1")
    public = idp.keys["k1"].as_pem(private=False)
    refused(server, compact({"typ": "at+jwt", "alg": "HS256", "kid": "k1"}, idp.claims(), public))


def test_published_secret_is_no_key(idp: FakeIdP, server: ResourceServer) -> None:
    idp.keys["s1"] = OctKey.generate_key(256, {"kid": "s1"})
    refused(server, compact({"typ": "at+jwt", "alg": "HS256", "kid": "s1"}, idp.claims(), idp.keys["s1"]))


def test_foreign_key_under_our_kid_is_refused(idp: FakeIdP, server: ResourceServer) -> None:
    head = {"typ": "at+jwt", "alg": "ES256", "kid": "k1"}
    assert "the token's signature is wrong" == refused(server, compact(head, idp.claims(), new_key("ES256", "k1")))


def test_key_serves_only_its_own_algorithm(idp: FakeIdP, server: ResourceServer) -> None:
    idp.keys["k1"] = new_key("RS256", "k1", alg="RS256")
    refused(server, idp.token(header={"alg": "PS256"}))


def test_key_of_another_type_is_refused(idp: FakeIdP, server: ResourceServer) -> None:
    rsa = new_key("RS256", "k1")
    refused(server, compact({"typ": "at+jwt", "alg": "RS256", "kid": "k1"}, idp.claims(), rsa))


def test_encryption_key_verifies_nothing(idp: FakeIdP, server: ResourceServer) -> None:
    idp.keys["k1"] = new_key("ES256", "k1", use="enc")
    refused(server, idp.token())


def test_no_character_may_change(idp: FakeIdP, server: ResourceServer) -> None:
    """Every part is covered, and the unused bits of a last character are too: a token has one spelling."""
    token = idp.token()
    for part in token.split("."):
        for end in (0, len(part) - 1):
            at = token.index(part) + end
            for other in "ABCDEFGHIJKLMNOP":
                if token[at] != other:
                    refused(server, token[:at] + other + token[at + 1 :])


SPELLINGS: dict[str, Callable[[str], str]] = {
    "empty": lambda token: "",
    "padded": lambda token: token + "=",
    "a newline at the end": lambda token: token + "\n",
    "a space inside": lambda token: token[:9] + " " + token[9:],
    "a tab before": lambda token: "\t" + token,
    "the other alphabet": lambda token: "+/" + token,
    "two parts": lambda token: token.rpartition(".")[0],
    "four parts": lambda token: token + ".AA",
    "five parts": lambda token: token + ".AA.AA",
    "an empty signature": lambda token: token.rpartition(".")[0] + ".",
    "letters of another script": lambda token: "Ж" + token,
    "NUL": lambda token: token + "\x00",
    "JSON": lambda token: json.dumps({"payload": token}).replace(" ", "").replace(",", ""),
    "no JSON inside": lambda token: "AAAA.AAAA.AAAA",
    "a list as header": lambda token: "W10.e30.AAAA",
    "a deeply nested header": lambda token: urlsafe_b64encode(b"[" * 760).decode() + ".e30.AAAA",
    "too long": lambda token: token + "A" * 8192,
    "very long": lambda token: "A" * 10_000_000,
}


@pytest.mark.parametrize("spell", SPELLINGS.values(), ids=SPELLINGS.keys())
def test_what_is_no_jwt_is_refused(idp: FakeIdP, server: ResourceServer, spell: Callable[[str], str]) -> None:
    refused(server, spell(idp.token()))


def test_size_is_looked_at_before_anything_is_decoded_or_asked(idp: FakeIdP, server: ResourceServer) -> None:
    refused(server, idp.token(pad="x" * 8192))
    refused(server, idp.token(header={"pad": "x" * 1024}))
    assert [] == idp.asked


@pytest.mark.parametrize("payload", [[], "text", 7, None, True])
def test_signed_payload_that_is_no_object_is_refused(idp: FakeIdP, server: ResourceServer, payload: object) -> None:
    refused(server, compact({"typ": "at+jwt", "alg": "ES256", "kid": "k1"}, payload, idp.keys["k1"]))


def test_refusals_repeat_nothing_that_was_sent(idp: FakeIdP, server: ResourceServer) -> None:
    assert "canary" not in refused(server, idp.token(iss="canary", aud="canary", sub="canary", scope="canary"))
    assert "canary" not in refused(server, idp.token(header={"kid": "canary", "typ": "canary", "alg": "ES256"}))
