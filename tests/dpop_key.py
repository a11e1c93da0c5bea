"""A key that a client proves to hold, and the proofs that it makes (RFC 9449 §4)."""

import base64
import hashlib
import json
import secrets

from actors import PUBLIC_URL
from joserfc.jwk import thumbprint
from signing_client import new_key

from keys import compact
from keys.algorithms import ALGORITHMS

TOKEN = f"{PUBLIC_URL}/oauth2/token"
USERINFO = f"{PUBLIC_URL}/oauth2/userinfo"


class Key:
    """A private key; its proofs are good ones unless they are told otherwise."""

    def __init__(self, app, alg="ES256"):
        self.app, self.alg = app, alg
        self.key = new_key(alg, kid=None)
        self.jwk = self.key.as_dict(private=False)

    @property
    def thumbprint(self):
        return thumbprint(self.jwk)

    def claims(self, method="POST", uri=TOKEN, *, token=None, **changes):
        """Good claims for a request; `token` is the access token that it presents, None removes a member."""
        good = {
            "jti": secrets.token_urlsafe(16),
            "htm": method,
            "htu": uri,
            "iat": int(self.app.extensions["idp"].now().timestamp()),
            "ath": ath(token) if token else None,
            **changes,
        }
        return {name: value for name, value in good.items() if value is not None}

    def proof(self, method="POST", uri=TOKEN, *, token=None, header=None, payload=None, **changes):
        """A signed proof; `header` changes members, None removes one; `payload` is JSON text for all the claims."""
        head = {"typ": "dpop+jwt", "alg": self.alg, "jwk": self.jwk, **(header or {})}
        head = {name: value for name, value in head.items() if value is not None}
        body = payload if payload is not None else json.dumps(self.claims(method, uri, token=token, **changes))
        signed = b".".join(compact.b64encode(part.encode()) for part in (json.dumps(head), body))
        signature = ALGORITHMS[self.alg].sign(self.key.private_key, signed)
        return f"{signed.decode()}.{compact.b64encode(signature).decode()}"

    def headers(self, method="POST", uri=TOKEN, **changes):
        """The header that brings a proof."""
        return {"DPoP": self.proof(method, uri, **changes)}

    def get(self, path, token, *, scheme="DPoP", proof=None, **changes):
        """GET a resource with a token that is bound to this key."""
        proof = proof or self.proof("GET", PUBLIC_URL + path, token=token, **changes)
        headers = {"Authorization": f"{scheme} {token}", "DPoP": proof}
        return self.app.test_client(use_cookies=False).get(path, headers=headers, base_url=PUBLIC_URL)


def ath(token):
    """The hash of an access token (RFC 9449 §4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).rstrip(b"=").decode()
