"""What tests of the protocol share: tokens that others forge, and requests that race."""

import base64
import hashlib
import hmac
import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from actors import Client, header, unverified

import consent_ui
from idp.app import create_app
from idp.db import db


@pytest.fixture
def public_client(app, world):
    """A client without a secret: PKCE, and refresh tokens that rotate."""
    return Client.registered(world, "spa", public=True)


@pytest.fixture
def machine(app, world):
    """A client that acts for itself."""
    return Client.registered(world, "machine", grant_types=["client_credentials"], scopes=["jobs:run", "jobs:read"])


@pytest.fixture
def sign(app):
    """Sign claims with the provider's own keys: what only a confusion of token types could make valid."""

    def signed(claims, *, alg="ES256", typ="at+jwt"):
        with app.app_context():
            return app.extensions["idp"].keys.sign(claims, alg=alg, typ=typ)

    return signed


@pytest.fixture
def forgeries(app):
    """Everything that a token turns into without the private key, by what was done to it."""

    def of(token):
        head, body, signature = token.split(".")
        public = app.extensions["idp"].keys.public()["keys"]
        own = next(key for key in public if key["kid"] == header(token)["kid"])
        later = encoded({**unverified(token), "exp": unverified(token)["exp"] + 60})
        other_kid = next(key["kid"] for key in public if key["kid"] != own["kid"])
        found = {
            "alg none": f"{encoded({**header(token), 'alg': 'none'})}.{body}.",
            "no signature": f"{head}.{body}.",
            "another body": f"{head}.{later}.{signature}",
            "another key": f"{encoded({**header(token), 'kid': other_kid})}.{body}.{signature}",
            "no kid": f"{encoded({k: v for k, v in header(token).items() if k != 'kid'})}.{body}.{signature}",
            "key of its own": f"{encoded({**header(token), 'jwk': own})}.{body}.{signature}",
            "unknown crit": f"{encoded({**header(token), 'crit': ['x'], 'x': 1})}.{body}.{signature}",
            "four parts": f"{token}.{signature}",
            "cut": token[:-1],
            "longer": f"{token}A",
            "another spelling": f"{token}=",
            "too long": token + "A" * 9000,
            "nothing of ours": "x",
        }
        for secret in (json.dumps(own), own.get("n") or own.get("x"), ""):
            signed = f"{encoded({**header(token), 'alg': 'HS256'})}.{body}"
            mac = hmac.digest(secret.encode(), signed.encode(), hashlib.sha256)
            found[f"HS256 with {len(secret)} public characters"] = f"{signed}.{base64url(mac)}"
        return found

    return of


def encoded(value):
    return base64url(json.dumps(value).encode())


def base64url(value):
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


@pytest.fixture
def at_once():
    """Call something in N threads at the same time; what they returned."""

    def run(times, act):
        with ThreadPoolExecutor(times) as pool:
            return [future.result() for future in [pool.submit(act) for _ in range(times)]]

    return run


@pytest.fixture
def another(app, settings, clock):
    """The application with other settings."""
    made = []

    def build(**changes):
        changed = settings.model_copy(update=changes)
        made.append(create_app(changed, consent_ui, keys=app.extensions["idp"].keys, now=clock))
        return made[-1]

    yield build
    for application in made:
        with application.app_context():
            db.session.remove()
            db.engine.dispose()
