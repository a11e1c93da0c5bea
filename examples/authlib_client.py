"""A whole relying party with Authlib: code + PKCE, refresh, switch of company, introspection, revocation, sign-out.

    make demo                                       # in another terminal
    set -a; . .idp/demo.env; set +a
    .venv/bin/python -m examples.authlib_client ada north-sea-energy kvitberg-hydro     # needs: pip install requests

The person's part (sign in, allow) is done by `Person`, who fills the pages' forms; a real client opens a browser.
"""

import os
import re
import sys
from urllib.parse import parse_qs, urljoin, urlsplit

import requests
from authlib.common.security import generate_token
from authlib.integrations.requests_client import OAuth2Session
from joserfc import jwt
from joserfc.jwk import KeySet

REDIRECT_URI = "http://127.0.0.1:9/callback"
SCOPE = "openid companies offline_access datasets:read"


class Person:
    """Somebody at a browser: follows redirects within the provider and answers what its pages ask."""

    def __init__(self, username: str, password: str) -> None:
        self._answers = {"identifier": username, "password": password, "decision": "allow"}
        self.http = requests.Session()

    def visit(self, url: str, **answers: str) -> str:
        """Open an address and answer until the provider leads elsewhere, or asks no more; the address of that."""
        known, home = self._answers | answers, _origin(url)
        answer = self.http.get(url, allow_redirects=False, timeout=10)
        for _step in range(8):
            if answer.is_redirect:
                url = urljoin(url, answer.headers["Location"])
                if _origin(url) != home:
                    return url
                answer = self.http.get(url, allow_redirects=False, timeout=10)
            elif tokens := re.findall(r'name="csrf_token" value="([^"]+)"', answer.text):
                asked = {name: value for name, value in known.items() if f'name="{name}"' in answer.text}
                form = {"csrf_token": tokens[-1], **asked}
                answer = self.http.post(url, form, headers={"Origin": home}, allow_redirects=False, timeout=10)
            else:
                return url
        raise SystemExit(f"the sign-in does not end: {answer.status_code}")


def _origin(url: str) -> str:
    return "{0.scheme}://{0.netloc}".format(urlsplit(url))


def main(username: str, company: str, other: str | None = None) -> None:
    """Tell each step of the client's life; who is in one company switches to the same again."""
    other = other or company
    issuer = os.environ["IDP_PUBLIC_URL"]
    found = requests.get(f"{issuer}/.well-known/openid-configuration", timeout=10).json()
    if found["issuer"] != issuer:
        raise SystemExit("the discovery document is another issuer's")
    person = Person(username, os.environ[f"DEMO_PASSWORD_{username.upper()}"])
    client = OAuth2Session(
        "cli", redirect_uri=REDIRECT_URI, scope=SCOPE, code_challenge_method="S256",
        token_endpoint_auth_method="none", revocation_endpoint_auth_method="none",
    )  # fmt: skip

    sign_in(client, person, found, other)  # consent is asked once for each company
    tokens = sign_in(client, person, found, company)
    say("access token", claims(found, tokens["access_token"]))
    say("ID token", claims(found, tokens["id_token"]))
    tokens = client.refresh_token(found["token_endpoint"], refresh_token=tokens["refresh_token"])
    say("refreshed", tokens["scope"])
    tokens = client.refresh_token(found["token_endpoint"], refresh_token=tokens["refresh_token"], company=other)
    say("switched", claims(found, tokens["access_token"]))
    say("userinfo", client.get(found["userinfo_endpoint"]).json())

    service = OAuth2Session("dataset-service", os.environ["DATASET_SERVICE_SECRET"])
    say("introspection", service.introspect_token(found["introspection_endpoint"], tokens["access_token"]).json())
    client.revoke_token(found["revocation_endpoint"], tokens["refresh_token"])
    say("revoked", service.introspect_token(found["introspection_endpoint"], tokens["access_token"]).json())

    machine = OAuth2Session("machine", os.environ["MACHINE_SECRET"])
    granted = machine.fetch_token(found["token_endpoint"], grant_type="client_credentials", scope="datasets:read")
    say("machine", claims(found, granted["access_token"]))

    ended = person.http.get(found["end_session_endpoint"], params={"id_token_hint": tokens["id_token"]}, timeout=10)
    say("signed out", ended.status_code)


def sign_in(client: OAuth2Session, person: Person, found: dict, company: str) -> dict:
    """Authorization code with PKCE, state, nonce; the answer's `iss` must be the issuer (RFC 9207)."""
    verifier = generate_token(48)
    url, state = client.create_authorization_url(
        found["authorization_endpoint"], code_verifier=verifier, company=company, nonce=generate_token()
    )
    answer = person.visit(url)
    query = parse_qs(urlsplit(answer).query)
    if query.get("iss") != [found["issuer"]]:
        raise SystemExit(f"the answer is not the issuer's: {query.get('error')}")
    return client.fetch_token(
        found["token_endpoint"], authorization_response=answer, state=state, code_verifier=verifier
    )


def claims(found: dict, token: str) -> dict:
    """The claims of a token, its signature checked with the provider's keys."""
    keys = KeySet.import_key_set(requests.get(found["jwks_uri"], timeout=10).json())
    return jwt.decode(token, keys, algorithms=["ES256", "RS256"]).claims


def say(what: str, result: object) -> None:
    """One line."""
    print(f"{what:<15} {result}")


if __name__ == "__main__":
    main(*(sys.argv[1:] or ("ada", "north-sea-energy", "kvitberg-hydro")))
