"""What the rest of the provider does with a key set."""

import pytest
from joserfc import jws
from joserfc.jwk import KeySet as PublicKeys

from keys import Policy

HOUR = 3_600


@pytest.fixture
def policy():
    return Policy(signing=("ES256", "RS256", "PS256", "EdDSA"))


# RFC 9864 renames EdDSA to Ed25519; OpenID Connect clients still register the old name.
@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
@pytest.mark.parametrize("alg", ["ES256", "RS256", "PS256", "EdDSA"])
def test_another_library_verifies_what_we_sign(started, alg):
    """A token verifies with joserfc and nothing but our JWKS."""
    token = started.sign({"sub": "søren"}, alg=alg, typ="at+jwt")

    verified = jws.deserialize_compact(token, PublicKeys.import_key_set(started.public()), algorithms=[alg])

    assert b'{"sub":"s\\u00f8ren"}' == verified.payload
    assert {"alg": alg, "typ": "at+jwt"} == {k: v for k, v in verified.headers().items() if k != "kid"}


@pytest.mark.parametrize("alg", ["ES256", "RS256", "PS256", "EdDSA"])
def test_we_verify_what_we_sign(started, alg):
    token = started.sign({"sub": "søren"}, alg=alg)

    assert {"sub": "søren"} == started.verify(token, algorithms=[alg], typ=[None])
