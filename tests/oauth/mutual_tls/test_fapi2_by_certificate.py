"""The FAPI 2.0 Security Profile with certificates: they authenticate a client, and bind its tokens."""

from dpop_key import Key
from tls_client import BOUND, TlsClient

GRANTS = ["authorization_code", "client_credentials"]


def under_the_profile(world, certificate, client_id="bank", **metadata):
    return TlsClient.self_signed(
        world, certificate, client_id=client_id, grant_types=GRANTS, profile="fapi2", client_metadata=metadata
    )


def test_the_whole_way(world, browser, made):
    """§5.3.2.1 5, 6: pushed and redeemed with the certificate, used with it and with no other."""
    world.user("ada")
    bank = under_the_profile(world, made(), **{BOUND: True})
    code = browser.authorize_pushed(bank, user="ada")["code"]
    token = bank.redeem(code).json["access_token"]

    assert 200 == bank.bearing(token).status_code
    assert [401, 401] == [bank.bearing(token, other).status_code for other in (made(), None)]


def test_a_certificate_that_binds_nothing_is_not_enough(app, world, made):
    """4: the client registers bound tokens, or sends a DPoP proof."""
    bank = under_the_profile(world, made())
    refused = bank.ask()

    assert (400, "invalid_request") == (refused.status_code, refused.json["error"])
    assert 200 == bank.ask(headers=Key(app).headers()).status_code
