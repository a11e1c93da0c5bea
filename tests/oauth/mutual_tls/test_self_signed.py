"""Clients that registered their certificate: `self_signed_tls_client_auth`, RFC 8705 §2.2; one method at a time."""

import json

import elsewhere as servers
from actors import Client, unverified
from tls_client import HEADER, PKI, SELF_SIGNED, TlsClient, refused

from idp.fetch import Fetcher


def test_registered_certificate_authenticates(world, made):
    """§2.2: at every endpoint where clients authenticate."""
    client = TlsClient.self_signed(world, made())
    token = client.ask().json["access_token"]

    assert client.post("/oauth2/introspect", {"token": token}).json["active"]
    assert 200 == client.post("/oauth2/revoke", {"token": token}).status_code
    assert {"active": False} == client.post("/oauth2/introspect", {"token": token}).json


def test_certificate_counts_whole(world, made):
    """§2.2.2: another certificate of the same key is another certificate."""
    own = made()
    client = TlsClient.self_signed(world, own)

    assert refused(client.ask(certificate=made(key=own.key)))
    assert refused(client.ask(certificate=made()))
    assert refused(client.ask(certificate=None))


def test_key_without_its_certificate_is_none(world, made):
    """§2.2.2: a certificate is the `x5c` of a key; the key's other members do not count."""
    own = made()
    keys = [{name: value for name, value in key.items() if name != "x5c"} for key in own.jwks["keys"]]

    for number, x5c in enumerate(([], ["%"], [1], "x", [""], None, {})):
        client = TlsClient.self_signed(world, own, client_id=f"tls{number}", jwks={"keys": [{**keys[0], "x5c": x5c}]})
        assert refused(client.ask())


def test_time_of_a_self_signed_certificate_does_not_count(world, made, clock):
    """§2.2: what was registered is the certificate itself; nothing in it is validated."""
    client = TlsClient.self_signed(world, made(days=2))
    clock.advance(days=30)

    assert 200 == client.ask().status_code


def test_published_certificates_rotate(world, app, made, tmp_path, clock):
    """`jwks_uri`: a certificate that is not known is looked for again, at most every ten seconds."""
    with servers.running(tmp_path) as published:
        app.extensions["idp.fetch"] = Fetcher(allow=["localhost"], ca_file=published.certificate)
        first, second = made(), made()
        published.answers["/jwks"] = json.dumps(first.jwks).encode()
        metadata = {"jwks_uri": published.url("/jwks")}
        client = TlsClient.self_signed(world, first, jwks=None, client_metadata=metadata)

        assert 200 == client.ask().status_code
        published.answers["/jwks"] = json.dumps(second.jwks).encode()
        clock.advance(11)
        assert 200 == client.ask(certificate=second).status_code
        assert refused(client.ask(certificate=first))


def test_another_method_does_not_stand_in(world, made, ca):
    """RFC 7591 §2: neither method for the other, nor the bare name, nor a secret."""
    certificate = made("CN=client", by=ca)
    registered = {"tls_client_auth_subject_dn": "CN=client"}
    pki = TlsClient.of(world, PKI, made("CN=client"), "pki", client_metadata=registered, jwks=made("CN=client").jwks)
    own = TlsClient.of(world, SELF_SIGNED, certificate, "own", client_metadata=registered)
    secret = Client.registered(world, "secret", grant_types=["client_credentials"])
    public = Client.registered(world, "spa", public=True, grant_types=["client_credentials"])

    assert refused(pki.ask())
    assert refused(own.ask())
    for client in (secret, public):
        form = {"grant_type": "client_credentials", "client_id": client.client_id}
        headers = {HEADER: certificate.escaped}
        assert 200 != client.post("/oauth2/token", form, auth=None, headers=headers).status_code
    assert refused(pki.post("/oauth2/token", {"grant_type": "client_credentials", "client_secret": "x"}))


def test_client_says_who_it_is(world, made):
    """RFC 8705 §2: `client_id` is required, whatever the certificate says."""
    client = TlsClient.self_signed(world, made())

    assert refused(client.ask(auth=None))
    assert refused(client.post("/oauth2/token", {"grant_type": "client_credentials", "client_id": "x"}, auth=None))


def test_certificate_beside_another_method_is_no_second_one(world, made):
    """It may be there to bind the token (§4): RFC 6749 §2.3 speaks of credentials."""
    client = Client.registered(world, "shop", grant_types=["client_credentials"])
    headers = {HEADER: made().escaped}

    answer = client.post("/oauth2/token", {"grant_type": "client_credentials"}, headers=headers)

    assert 200 == answer.status_code
    assert "cnf" not in unverified(answer.json["access_token"])


def test_failures_are_told_and_limited_by_address(world, made, clock):
    """Ten rows for one client in a minute, sixty failures of one address; the right certificate always passes."""
    client, other = TlsClient.self_signed(world, made()), made()
    for _ in range(60):
        assert refused(client.ask(certificate=other))

    assert 429 == client.ask(certificate=other).status_code
    assert ["client.auth_failed"] * 10 == world.events()
    assert 200 == client.ask().status_code
    clock.advance(seconds=61)
    assert refused(client.ask(certificate=other))
