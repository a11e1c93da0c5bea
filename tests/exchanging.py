"""Services that call each other on somebody's behalf, and what they send (RFC 8693)."""

from actors import Client

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
TYPE = "urn:ietf:params:oauth:token-type:"
DATA, ARCHIVE, VAULT = "https://data.example", "https://archive.example", "https://vault.example"
SCOPES = ["openid", "profile", "offline_access", "companies", "datasets:read", "datasets:modify"]


class Service(Client):
    """A client that acts as a resource server and calls others."""

    def exchange(self, token, headers=(), **changes):
        form = {"grant_type": EXCHANGE, "subject_token": token, "subject_token_type": f"{TYPE}access_token", **changes}
        return self.post("/oauth2/token", form, headers=headers)

    def own_token(self):
        return self.token(grant_type="client_credentials").json["access_token"]


def service(world, client_id, **fields):
    defaults = {"grant_types": ["client_credentials", EXCHANGE], "scopes": ["datasets:read", "jobs:run"]}
    return Service.registered(world, client_id, **{**defaults, **fields})


def with_actor(token, kind="access_token"):
    """What names the actor in an exchange."""
    return {"actor_token": token, "actor_token_type": f"{TYPE}{kind}"}


def error(response):
    """The code of a refusal."""
    assert 400 == response.status_code, response.text
    return response.json["error"]
