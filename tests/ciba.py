"""A client that asks users elsewhere (CIBA), and a user who answers."""

import json

from signing_client import SigningClient

from keys import compact
from keys.algorithms import ALGORITHMS

GRANT = "urn:openid:params:grant-type:ciba"
PATH = "/oauth2/bc-authorize"
ALG = "backchannel_authentication_request_signing_alg"


class Counter(SigningClient):
    """Authenticates by its key, asks, and polls as it was told."""

    @classmethod
    def at(cls, world, client_id="counter", *, alg="ES256", signs=True, **metadata):
        members = {"backchannel_token_delivery_mode": "poll", **({ALG: alg} if signs else {}), **metadata}
        return cls.made(
            world,
            client_id,
            alg=alg,
            client_name="Meter Desk",
            consent="ask",
            grant_types=[GRANT, "refresh_token"],
            redirect_uris=[],
            client_metadata=members,
        )

    def request_claims(self, **changes):
        """A good signed request; None removes a claim."""
        now = int(self.app.extensions["idp"].now().timestamp())
        good = {"scope": "openid", "login_hint": "ada", "binding_message": "PX-7", "nbf": now, "exp": now + 300}
        return {**self.claims(sub=None), **good, **changes}

    def signed(self, *, key=None, alg=None, **changes):
        """The request as a JWT; `alg="none"` leaves the signature out."""
        claims = {name: value for name, value in self.request_claims(**changes).items() if value is not None}
        key, alg = key or self.key, alg or self.alg
        head = {"alg": alg, "kid": key.get("kid"), "typ": "oauth-authz-req+jwt"}
        text = b".".join(compact.b64encode(json.dumps(part).encode()) for part in (head, claims))
        signature = b"" if alg == "none" else ALGORITHMS[alg].sign(key.private_key, text)
        return f"{text.decode()}.{compact.b64encode(signature).decode()}"

    def ask(self, **changes):
        return self.post(PATH, {"request": self.signed(**changes)})

    def started(self, **changes):
        """Ask, and keep what came back; the response's JSON."""
        response = self.ask(**changes)
        assert 200 == response.status_code, response.text
        self.told = response.json
        return self.told

    def poll(self, wait=5, **changes):
        self.app.extensions["idp"].now.advance(wait)
        return self.token(**{"grant_type": GRANT, "auth_req_id": self.told["auth_req_id"], **changes})


def answer(browser, user="ada", decision="allow"):
    """Sign in where that is asked, look at the newest request, decide; the page that comes then."""
    browser.get("/account/approvals")
    if "/signin/" in browser.page.headers.get("Location", ""):
        browser.follow()
        browser.sign_in(user)
    browser.submit(button=("decision", "review"))
    browser.follow()
    browser.submit(button=("decision", decision))
    return browser.follow()


def deny(browser):
    """Say no on the list."""
    browser.get("/account/approvals")
    browser.submit(button=("decision", "deny"))
    return browser.follow()
