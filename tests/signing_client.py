"""A client with a key of its own, and the assertions that it makes (RFC 7523)."""

import json
import secrets

from actors import PUBLIC_URL, Client
from joserfc import jwk as joserfc_jwk

from keys import compact
from keys.algorithms import ALGORITHMS

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
# What JSON can say where a time must stand.
NO_TIMES = (True, False, "soon", [1], {}, 1e300, -1e300, float("nan"), float("inf"), 10**400, -(10**400))
KINDS = {"ES256": ("EC", "P-256"), "RS256": ("RSA", 2048), "PS256": ("RSA", 2048), "EdDSA": ("OKP", "Ed25519")}


def new_key(alg="ES256", kid="k1", **members):
    """A private key for `alg`; without a kid for None."""
    kind, size = KINDS[alg]
    parameters = {**({"kid": kid} if kid else {}), **members}
    return joserfc_jwk.JWKRegistry.generate_key(kind, size, parameters=parameters, auto_kid=False)


def key_set(*keys):
    """Their public halves."""
    return {"keys": [key.as_dict(private=False) for key in keys]}


def signed(body, key, alg="ES256", header=None):
    """A JWT with this payload; `header` adds members, None removes one."""
    found = {"alg": alg, "kid": key.get("kid"), **(header or {})}
    found = {name: value for name, value in found.items() if value is not None}
    text = b".".join(compact.b64encode(part.encode()) for part in (json.dumps(found), body))
    signature = ALGORITHMS[alg].sign(key.private_key, text)
    return f"{text.decode()}.{compact.b64encode(signature).decode()}"


class SigningClient(Client):
    """Authenticates by private_key_jwt."""

    @classmethod
    def made(cls, world, client_id="signer", *, key=None, alg="ES256", **fields):
        key = key or new_key(alg)
        fields = {"grant_types": ["client_credentials"], "jwks": key_set(key), **fields}
        found = cls.registered(world, client_id, public=True, token_endpoint_auth_method="private_key_jwt", **fields)
        found.key, found.alg, found.secret = key, alg, None
        return found

    def claims(self, **changes):
        """Good claims; None removes one."""
        now = int(self.app.extensions["idp"].now().timestamp())
        good = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": PUBLIC_URL,
            "iat": now,
            "exp": now + 60,
            "jti": secrets.token_urlsafe(16),
            **changes,
        }
        return {name: value for name, value in good.items() if value is not None}

    def assertion(self, *, key=None, alg=None, header=None, payload=None, **changes):
        """A signed assertion; `header` adds members, None removes one."""
        body = payload if payload is not None else json.dumps(self.claims(**changes))
        return signed(body, key or self.key, alg or self.alg, header)

    def post(self, path, form, **changes):
        """POST with a fresh assertion; `auth=None` leaves it out."""
        proof = self.proof() if changes.get("auth", True) else {}
        return super().post(path, {**proof, **form}, **changes)

    def proof(self, assertion=None):
        """What authenticates a request."""
        return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion or self.assertion()}

    def request_object(self, *, key=None, alg=None, header=None, **changes):
        """Its authorization request as FAPI 2.0 Message Signing wants it; None removes a claim."""
        now = int(self.app.extensions["idp"].now().timestamp())
        says = {"aud": PUBLIC_URL, "iss": self.client_id, "nbf": now, "exp": now + 300, **changes}
        return self.assertion(key=key, alg=alg, header=header, payload=json.dumps(self.parameters(**says)))

    def push_object(self, token=None, **beside):
        """Push a request object, a good one unless it is given."""
        form = {"client_id": self.client_id, "request": token or self.request_object(), **beside}
        return self.post("/oauth2/par", form)

    def prove(self, assertion=None, path="/oauth2/token", **form):
        """Present an assertion; a fresh one unless it is given."""
        proof = self.proof(assertion)
        if path == "/oauth2/token":
            form = {"grant_type": "client_credentials", **form}
        return self.post(path, proof | form, auth=None)
