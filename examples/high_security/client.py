"""Five clients of high security with requests_oauth2client; each token is refused without its proof.

    python -m examples.high_security.instance                       # in another terminal
    set -a; . .idp/high_security/env; set +a
    .venv/bin/python -m examples.high_security.client               # needs: pip install requests_oauth2client

`Person` is Ada at her browser, where she signs in and allows what is asked.
"""

import json
import os
from pathlib import Path

import requests
from requests_oauth2client import (
    BearerToken,
    ClientSecretBasic,
    DeviceAuthorizationPollingJob,
    OAuth2Client,
    OAuth2Error,
    PrivateKeyJwt,
    PublicApp,
)

from examples.authlib_client import Person, say

ISSUER = os.environ["IDP_PUBLIC_URL"]
DATASETS = os.environ["DATASET_SERVICE_URL"] + "/datasets"
REPORTS = os.environ["REPORTS_URL"] + "/reports"
KEYS = Path(os.environ["CLIENT_KEYS"])
SCOPE = "openid companies datasets:read"


def main() -> None:
    """One story after the other; the third goes on where the first ended."""
    try:
        ada = Person("ada", os.environ["ADA_PASSWORD"])
        token = web_application(ada)
        device(ada)
        dataset_service(token)
        machine()
        machine_with_certificate()
    except (OAuth2Error, requests.RequestException) as error:
        raise SystemExit(f"this should not have happened: {error!r}") from None


def web_application(person: Person) -> BearerToken:
    """A pushed authorization request, a code, and tokens that are bound to a key made for this sign-in (FAPI 2.0)."""
    desk = client(
        private_key_jwt("trading-desk"),
        redirect_uri="https://trading-desk.example/callback",
        dpop_bound_access_tokens=True,
        id_token_signed_response_alg="ES256",  # as it is registered; FAPI 2.0 has no RS256, which is OpenID's default
    )
    request = desk.authorization_request(scope=SCOPE)
    pushed = desk.pushed_authorization_request(request)
    say("pushed", pushed.request_uri)
    answer = request.validate_callback(person.visit(pushed.uri))  # state, and iss (RFC 9207)
    token = desk.authorization_code(answer, validate=False)  # with the verifier and the key of the request
    # Apart, since requests_oauth2client 1.8.0 loses the key of a DPoP token while it checks the ID token.
    BearerToken(token.access_token, id_token=token.id_token).validate_id_token(desk, answer)
    say("signed in", token.id_token.sub)
    say("userinfo", desk.userinfo(token)["sub"])
    use(token, DATASETS)
    return token


def device(person: Person) -> None:
    """Ada types the code that the display shows into her browser, and the display polls (RFC 8628)."""
    display = client(PublicApp("wall-display"), dpop_bound_access_tokens=True)
    shown = display.authorize_device(scope=SCOPE)
    say("display shows", f"{shown.verification_uri} {shown.user_code}")
    person.visit(shown.verification_uri, user_code=shown.user_code)
    poll, token = DeviceAuthorizationPollingJob(display, shown, dpop=True), None
    while token is None:
        token = poll()
    use(token, DATASETS)


def dataset_service(token: BearerToken) -> None:
    """It was called with Ada's token, and calls the reports on her behalf: with a token of its own key (RFC 8693)."""
    service = client(ClientSecretBasic("dataset-service", os.environ["DATASET_SERVICE_SECRET"]))
    exchanged = service.token_exchange(
        subject_token=token.access_token,
        subject_token_type="urn:ietf:params:oauth:token-type:access_token",
        resource=os.environ["REPORTS_URL"],
        dpop=True,
    )
    say("report", use(exchanged, REPORTS))


def machine() -> None:
    """It signs with its key instead of sending a secret (RFC 7523), and binds its token to another one."""
    forecast = client(private_key_jwt("forecast"), dpop_bound_access_tokens=True)
    use(forecast.client_credentials(scope="datasets:read"), DATASETS)


def machine_with_certificate() -> None:
    """Its certificate is its name at the provider, and binds the token (RFC 8705)."""
    session = requests.Session()
    session.cert = (str(KEYS / "meter.pem"), str(KEYS / "meter.key"))
    meter = client(PublicApp("meter"), session, aliases="mtls_endpoint_aliases")  # says client_id, as §2 wants it
    use(meter.client_credentials(scope="datasets:read"), DATASETS, session)


def client(
    auth: requests.auth.AuthBase, session: requests.Session | None = None, aliases: str = "", **more: object
) -> OAuth2Client:
    """A client by discovery; `aliases` is where it lists endpoints that are elsewhere for this client (RFC 8705 §5)."""
    found = requests.get(f"{ISSUER}/.well-known/openid-configuration", timeout=10).json()
    keys = requests.get(found["jwks_uri"], timeout=10).json()
    found |= found.get(aliases, {})
    return OAuth2Client.from_discovery_document(
        found,
        issuer=ISSUER,
        auth=auth,
        session=session,
        authorization_server_jwks=keys,
        device_authorization_endpoint=found["device_authorization_endpoint"],
        **more,
    )


def private_key_jwt(client_id: str) -> PrivateKeyJwt:
    """Assertions for the issuer and nobody else, as FAPI 2.0 wants them (§5.3.2.1)."""
    return PrivateKeyJwt(client_id, json.loads((KEYS / f"{client_id}.json").read_text()), aud=ISSUER)


def use(token: BearerToken, url: str, session: requests.Session | None = None) -> object:
    """What the resource answers; who has the token alone, without key or certificate, must be refused."""
    answer = (session or requests).get(url, auth=token, timeout=10)
    if answer.status_code != 200:
        raise SystemExit(f"GET {url}: {answer.status_code} {answer.headers.get('WWW-Authenticate')}")
    say("used", f"{url} {token.token_type}")
    stolen = requests.get(url, headers={"Authorization": f"{token.token_type} {token.access_token}"}, timeout=10)
    refused(stolen, "the token without its proof")
    return answer.json()


def refused(answer: requests.Response, what: str) -> None:
    """It must be 401."""
    if answer.status_code != 401:
        raise SystemExit(f"{what} should be refused: {answer.status_code} {answer.text}")
    say("refused", what)


if __name__ == "__main__":
    main()
