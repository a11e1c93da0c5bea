"""A client acts for itself: RFC 6749 §4.4."""

import pytest
from actors import Client, header, unverified

API = "https://id.example.com/api"


def test_token_names_the_client_and_no_user(world, machine):
    """RFC 9068 §2.2: `sub` is the client; what is about a user is absent."""
    response = machine.token(grant_type="client_credentials")

    claims = unverified(response.json["access_token"])
    assert {"access_token", "token_type", "expires_in", "scope"} == response.json.keys()
    assert {"iss", "sub", "aud", "client_id", "iat", "exp", "jti", "scope"} == claims.keys()
    assert ("machine", "machine") == (claims["sub"], claims["client_id"])
    assert "https://id.example.com" == claims["aud"]
    assert 300 == claims["exp"] - claims["iat"] == response.json["expires_in"]
    assert "jobs:read jobs:run" == claims["scope"] == response.json["scope"]
    assert ("at+jwt", "ES256") == (
        header(response.json["access_token"])["typ"],
        header(response.json["access_token"])["alg"],
    )


def test_token_carries_the_company_that_owns_the_client(world):
    """Its company and its roles there; an operator's client has none."""
    company = world.company("north")
    client = Client.registered(
        world, "robot", company_id=company.id, roles=["viewer"], grant_types=["client_credentials"]
    )

    claims = unverified(client.token(grant_type="client_credentials").json["access_token"])

    assert (str(company.id), ["viewer"]) == (claims["company_id"], claims["roles"])
    assert not {"member_ver", "companies", "grant_id", "sid", "auth_time"} & claims.keys()


def test_scope_narrows_and_never_widens(machine):
    """§3.3: fewer on request; one that was not registered, or is about a user, is invalid_scope."""
    narrow = machine.token(grant_type="client_credentials", scope="jobs:read")

    assert "jobs:read" == narrow.json["scope"] == unverified(narrow.json["access_token"])["scope"]
    for scope in ("jobs:read other", "openid", "offline_access", "members:read", "jobs:read  jobs:run", "é", "\t"):
        refused = machine.token(grant_type="client_credentials", scope=scope)
        assert (400, "invalid_scope") == (refused.status_code, refused.json["error"])


def test_scopes_about_a_user_are_left_out(world):
    """A client that registered them for its people has none of them for itself."""
    client = Client.registered(
        world, "both", grant_types=["client_credentials"], scopes=["openid", "email", "companies", "jobs:run"]
    )

    assert "jobs:run" == client.token(grant_type="client_credentials").json["scope"]


def test_resource_server_reads_members_without_registering_the_scope(world):
    """Who is named in a resource's `clients`, for the provider's API alone."""
    named = Client.registered(world, "datasets", grant_types=["client_credentials"], scopes=["jobs:run"])
    world.resource("https://data.example", "datasets")

    api = named.token(grant_type="client_credentials", scope="members:read", resource=API)
    own = named.token(grant_type="client_credentials", scope="members:read")

    claims = unverified(api.json["access_token"])
    assert (API, "members:read") == (claims["aud"], claims["scope"])
    assert "invalid_scope" == own.json["error"]


def test_other_clients_must_register_members_read(world, machine):
    """Not named, not registered: invalid_scope; registered: granted."""
    registered = Client.registered(world, "hr", grant_types=["client_credentials"], scopes=["members:read"])

    refused = machine.token(grant_type="client_credentials", scope="members:read", resource=API)
    granted = registered.token(grant_type="client_credentials", scope="members:read", resource=API)

    assert "invalid_scope" == refused.json["error"]
    assert "members:read" == granted.json["scope"]


def test_public_and_unregistered_clients_may_not(world, public_client, client):
    """§4.4: confidential clients only, and only those that registered the grant."""
    world.execute("UPDATE client SET grant_types = '{client_credentials}' WHERE client_id = 'spa'")
    world.forget_cache()

    for asking in (public_client, client):
        response = asking.token(grant_type="client_credentials")
        assert (400, "unauthorized_client") == (response.status_code, response.json["error"])


@pytest.mark.parametrize("company", ["north", "*", "-"])
def test_company_is_refused(world, machine, company):
    """A client's own token is for the company that owns it."""
    world.company("north")

    assert "invalid_request" == machine.token(grant_type="client_credentials", company=company).json["error"]


def test_its_token_counts_until_it_is_revoked(machine):
    """Introspection and revocation of a client's own token; userinfo has nobody to tell about."""
    token = machine.token(grant_type="client_credentials").json["access_token"]

    before, userinfo = machine.introspect(token).json, machine.userinfo(token)
    machine.revoke(token)

    assert ("machine", "machine") == (before["sub"], before["client_id"])
    assert 403 == userinfo.status_code
    assert {"active": False} == machine.introspect(token).json


def test_its_token_ends_with_its_company(world):
    """The owning company is disabled: the token stops at once."""
    company = world.company("north")
    client = Client.registered(world, "robot", company_id=company.id, grant_types=["client_credentials"])
    caller = Client.registered(world, "caller", grant_types=["client_credentials"])
    world.resource("https://id.example.com", "caller")
    token = client.token(grant_type="client_credentials").json["access_token"]
    assert caller.introspect(token).json["active"]

    world.execute("UPDATE company SET disabled_at = now()")

    assert {"active": False} == caller.introspect(token).json
