"""Tokens that only the holder of a key can use: demonstrating proof of possession, RFC 9449.

With a proof the token endpoint binds the access token to its key, and the core a public client's refresh token (§5). A
code is bound when its request names the key, by `dpop_jkt` or by a proof where it is pushed (§10). A proof works once.
"""

import re
from datetime import UTC, datetime
from typing import Any

import flask

from idp import context, limits
from idp.clients import client as clients
from idp.clients import keys, profile
from idp.clients.metadata import boolean
from idp.clients.models import Client
from idp.errors import InvalidGrant, InvalidRequest, InvalidToken, OAuthError
from idp.limits import Limit, Window
from idp.oauth import replay
from idp.oauth.extension import Confirmation, Extension, Phase
from idp.oauth.extensions.dpop import proof as proofs
from idp.oauth.extensions.dpop.proof import Proof, WantsNonce
from idp.oauth.request import OAuthRequest
from idp.settings import Settings
from keys import BadToken

_BOUND = "dpop_bound_access_tokens"  # RFC 9449 §5.2
_EVENTS = Limit("dpop.replayed", (Window(10, 60),))  # rows that the replays of one client may cost
_THUMBPRINT = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)


class InvalidProof(OAuthError):
    """The proof is missing, malformed, for another request, too old, or was used before (RFC 9449 §5, §7.1)."""

    error = "invalid_dpop_proof"


class UseNonce(InvalidProof):
    """The proof needs the nonce that the answer brings (RFC 9449 §8, §9)."""

    error = "use_dpop_nonce"


def name_key(request: OAuthRequest) -> None:
    """At the authorization endpoint: the code is for the key that the request names (RFC 9449 §10).

    Where the request is pushed, a proof names it as well; the two must not differ (§10.1).
    """
    named = request.payload.get("dpop_jkt")
    if named is not None and not _THUMBPRINT.fullmatch(named):
        raise InvalidRequest("dpop_jkt must be 43 characters of base64url (RFC 7638)")
    if request.client.client_metadata.get(_BOUND) and "token" in request.hands_out:
        raise InvalidRequest("this client's tokens are bound to a key, so the token endpoint alone hands them out")
    if not request.learnt.pushed or request.learnt.waiting is not None:
        return
    if (proof := _presented(request.client)) is None:
        return
    if named not in (None, proof.thumbprint):
        raise InvalidRequest("dpop_jkt is not the key of the DPoP proof")
    request.payload.put("dpop_jkt", proof.thumbprint)


def check_proof(request: OAuthRequest) -> None:
    """At the token endpoint, before the grant is looked at: a bad proof must not cost the client its code.

    What is issued is for the holder of the key.
    """
    proof = _presented(request.client)
    if proof is None and request.client.client_metadata.get(_BOUND):
        raise InvalidProof("a DPoP proof is missing: this client's tokens are bound to a key")
    if proof is not None:
        request.confirmation = {**(request.confirmation or {}), "jkt": proof.thumbprint}


def bind(request: OAuthRequest) -> None:
    """A code that was for a key works with that one only."""
    key, expected = (request.confirmation or {}).get("jkt"), request.authorization.dpop_jkt
    if expected is not None and key is None:
        raise InvalidProof("a DPoP proof is missing: the code is bound to a key")
    if expected not in (None, key):
        raise InvalidGrant("the code is bound to another key than that of the DPoP proof")


def confirm(token: str, expected: str) -> None:
    """At a resource: who presents the token holds its key, and the proof is about this token (RFC 9449 §7.1)."""
    client = clients.find(keys.unverified(token)["client_id"])
    if client is None:
        raise InvalidToken
    try:
        _confirm(client, token, expected)
    except InvalidProof as error:
        error.status_code = 401
        challenge = f'DPoP error="{error.error}", error_description="{error.description}", {_algs()}'
        error.headers["WWW-Authenticate"] = challenge
        raise


def _confirm(client: Client, token: str, expected: str) -> None:
    proof = _checked(client)
    if proof is None:
        raise InvalidProof("a DPoP proof is missing")
    if proof.ath != proofs.hash_of(token):
        raise InvalidProof("the DPoP proof is not accepted: ath is not the hash of the access token")
    if proof.thumbprint != expected:
        raise InvalidToken(private="the token is bound to another key than that of the DPoP proof")
    _use_up(proof, client)


def _presented(client: Client) -> Proof | None:
    """The proof of this HTTP request, which it was good for; None if there is none."""
    if proof := _checked(client):
        _use_up(proof, client)
    return proof


def _checked(client: Client) -> Proof | None:
    http, required = flask.request, context.settings().dpop.nonce == "required"
    sent = http.headers.get("DPoP")
    if sent is None:
        return None
    try:
        if "," in sent:
            raise BadToken("there is more than one")  # WSGI joins them (PEP 3333)
        proof = proofs.read(
            sent,
            method=http.method,
            path=http.path,
            algorithms=profile.algorithms(client),
            nonce_required=required,
        )
    except WantsNonce as error:
        flask.g.dpop_nonce = proofs.nonce()
        raise UseNonce(f"the DPoP proof is not accepted: {error}") from None
    except BadToken as error:
        raise InvalidProof(f"the DPoP proof is not accepted: {error}") from None
    if required or proof.aged:
        flask.g.dpop_nonce = proofs.nonce()
    return proof


def _use_up(proof: Proof, client: Client) -> None:
    """Remember the proof for as long as it would be accepted (RFC 9449 §11.1)."""
    if replay.burn("dpop", proof.thumbprint, proof.jti, datetime.fromtimestamp(proof.until, UTC)):
        return
    # A public client's name is known to everybody: nobody may flood the table.
    limits.record(_EVENTS, client.client_id, client_id=client.client_id, company_id=client.company_id)
    raise InvalidProof("the DPoP proof is not accepted: it was used before")


def answered(response: flask.Response) -> None:
    """The nonce for the client's next proof, and the scheme by which a resource may be asked (RFC 9449 §7.1, §8.2)."""
    if nonce := flask.g.get("dpop_nonce"):
        response.headers["DPoP-Nonce"] = nonce
    presented, challenge = flask.g.get("presented"), response.headers.get("WWW-Authenticate", "")
    if presented is None or not challenge.startswith("Bearer"):
        return
    if presented.scheme == "dpop":
        response.headers["WWW-Authenticate"] = f"DPoP{challenge.removeprefix('Bearer')}, {_algs()}"
    elif response.status_code == 401:
        response.headers.add("WWW-Authenticate", f"DPoP {_algs()}")


def _algs() -> str:
    return f'algs="{" ".join(profile.offered(context.settings()))}"'


def metadata(settings: Settings) -> dict[str, Any]:
    """RFC 9449 §5.1."""
    return {"dpop_signing_alg_values_supported": list(profile.offered(settings))}


extension = Extension(
    name="dpop",
    spec="RFC 9449",
    metadata=metadata,
    parameters=frozenset({"dpop_jkt"}),
    client_metadata={_BOUND: boolean},
    authorize={Phase.VALIDATE: name_key},
    token={Phase.VALIDATE: check_proof, Phase.BIND: bind},
    confirms={"jkt": Confirmation(confirm, scheme="DPoP")},
    answered=answered,
    reads=frozenset({"DPoP"}),
    shows=frozenset({"DPoP-Nonce"}),
)
