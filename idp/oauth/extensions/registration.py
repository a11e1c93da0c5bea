"""Clients register and manage themselves: RFC 7591, RFC 7592, OpenID Connect Dynamic Client Registration 1.0.

Registration needs an initial access token unless the settings open it. Members that are not known are ignored (RFC 7591
§2); one that is known and wrong refuses everything, and nothing is stored.
"""

import json
from typing import Any

import flask
from flask import current_app
from werkzeug.exceptions import UnsupportedMediaType

from idp import answers, context, fetch, limits
from idp.clients import keys, metadata, registration
from idp.clients.metadata import InvalidMetadata, Metadata
from idp.clients.models import Client
from idp.clients.registration import NotAdmitted, Registered
from idp.db import db
from idp.errors import InvalidToken, NoToken, OAuthError, TooManyRequests
from idp.fetch import Unreachable
from idp.limits import Counter, Limit, Window
from idp.oauth import assertion, server
from idp.oauth.extension import Endpoint, Extension, Phase
from idp.oauth.request import OAuthRequest
from idp.oauth.supported import supported_by
from keys import BadToken, compact

MAX_BODY = 128 * 1024  # bytes
_PATH = "/oauth2/register"
_HOUR = 3600
# What we made and say, so it is not for a client to send (RFC 7592 §2.2).
_OURS = ("registration_access_token", "registration_client_uri", "client_secret_expires_at", "client_id_issued_at")


class RegistrationRefused(OAuthError):
    """The metadata cannot be registered; the code says why (RFC 7591 §3.2.2)."""

    def __init__(self, error: str, description: str, *, private: str = "") -> None:
        # RFC 6749 §5.2 allows neither quotes nor anything beyond ASCII.
        super().__init__(description.replace('"', "'").replace("§", "section "), private=private)
        self.error = error


def register() -> flask.Response:
    """POST /oauth2/register (RFC 7591 §3)."""
    token = _admission()
    client_id = registration.new_client_id()
    valid = _validated(_document(), client_id)
    try:
        registered, own = registration.register(valid, client_id, token)
    except NotAdmitted:
        raise InvalidToken(private="the initial access token is used up") from None
    return answers.as_json(_information(registered, own), 201)


def manage(client_id: str) -> flask.Response:
    """GET, PUT or DELETE /oauth2/register/<client_id> (RFC 7592 §2)."""
    token = _bearer()
    if token is None:
        raise NoToken
    row = _own(client_id, token)
    if flask.request.method == "DELETE":
        registration.remove(row)
        return flask.Response(status=204, headers={"Cache-Control": "no-store"})
    if flask.request.method == "PUT":
        return _replace(client_id, token, list(row.secret_hashes))
    return answers.as_json(_information(Registered(row), token))


def _own(client_id: str, token: str) -> Client:
    """The client of this token; a deleted or foreign client and an unknown one are one answer (RFC 7592 §2)."""
    if (row := registration.own(client_id, token)) is None:
        raise InvalidToken
    return row


def _replace(client_id: str, token: str, hashes: list[str]) -> flask.Response:
    # Whose client it is was judged: no connection is held while a secret is hashed, or a sector document fetched.
    db.session.rollback()
    document = _document()
    if document.pop("client_id", None) != client_id:
        raise RegistrationRefused("invalid_client_metadata", "client_id must be that of the client")
    if ours := [name for name in _OURS if name in document]:
        raise RegistrationRefused("invalid_client_metadata", f"{ours[0]} is not for a client to set")
    secret = document.pop("client_secret", None)
    valid = _validated(document, client_id)
    if secret is not None and not registration.has_secret(hashes, secret):
        raise RegistrationRefused("invalid_client_metadata", "client_secret is not the client's")
    if (changed := registration.change(client_id, token, valid)) is None:
        raise InvalidToken
    return answers.as_json(_information(changed, token))


def _admission() -> str | None:
    """The initial access token, or None where nobody needs one.

    Raises:
        NoToken, InvalidToken: it is missing, or does not count.
        TooManyRequests: registration is open, and somebody makes much of it.
    """
    token, settings = _bearer(), context.settings().registration
    if token is not None:
        if not registration.admits(token):
            raise InvalidToken
        return token
    if not settings.open:
        raise NoToken
    limit = Limit("registration", (Window(settings.hourly, _HOUR),))
    taken = limits.take(Counter(limit, limits.network(flask.request.remote_addr or "")))
    if taken.refused:
        raise TooManyRequests(taken.retry_after)
    return None


def _bearer() -> str | None:
    scheme, _, token = flask.request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def _document() -> dict[str, Any]:
    """The body: one JSON object that has one reading, and that the database can keep."""
    http = flask.request
    http.max_content_length = MAX_BODY
    if http.mimetype != "application/json":
        raise UnsupportedMediaType("send the metadata as application/json")
    try:
        document = compact.load(http.get_data())
        # PostgreSQL keeps neither a NUL nor half a character, and no infinity.
        if "\\u0000" in json.dumps(document, allow_nan=False, ensure_ascii=False).encode().decode():
            raise ValueError
    except (BadToken, ValueError, RecursionError):
        raise RegistrationRefused("invalid_client_metadata", "the body must be one JSON object") from None
    return document


def _validated(document: dict[str, Any], client_id: str) -> Metadata:
    """What the document says, as far as there are such members; its sector document, if it names one, agrees."""
    supported = supported_by(server.current().extensions, context.settings(), registering=True)
    if (statement := document.get("software_statement")) is not None:
        document = document | _stated(statement)
    known = {name: value for name, value in document.items() if metadata.known(name, supported)}
    try:
        valid = metadata.validate(known, supported, client_id=client_id)
    except InvalidMetadata as error:
        # Without the language tag, which may be anything.
        sentence = f"{error.member.partition('#')[0]}: {error.sentence}"
        raise RegistrationRefused(error.error, sentence) from None
    _check_sector(valid)
    return valid


def _stated(statement: object) -> dict[str, Any]:
    """What an issuer that we trust says of the software; it goes before what the client says (RFC 7591 §2.3)."""
    trusted = context.settings().registration.trusted_issuers
    if not trusted:
        raise RegistrationRefused("unapproved_software_statement", "software statements are not accepted here")
    try:
        if not isinstance(statement, str):
            raise BadToken("not a string")
        issuer = keys.unverified(statement).get("iss")
        if not isinstance(issuer, str) or issuer not in trusted:
            raise RegistrationRefused(
                "unapproved_software_statement", "the issuer of the statement is not trusted here"
            )
        issuers_keys = keys.usable(compact.load(trusted[issuer].read_bytes()))
        claims = keys.verify_with(issuers_keys, statement, keys.SIGNING, typ=())
        assertion.times(claims)
    except BadToken as error:
        raise RegistrationRefused(
            "invalid_software_statement", "the software statement is not valid", private=str(error)
        ) from None
    return {name: value for name, value in claims.items() if name != "software_statement"}


def _check_sector(valid: Metadata) -> None:
    """The document at sector_identifier_uri lists every redirect URI (OpenID Connect Registration §5).

    Nothing of the database is held here: whoever answers may be slow.
    """
    uri = valid.other.get("sector_identifier_uri")
    if uri is None:
        return
    try:
        listed = json.loads(fetch.current().get(uri, accept="application/json"))
    except (Unreachable, ValueError, RecursionError) as error:
        current_app.logger.info("a sector document was not fetched", extra={"uri": uri, "error": str(error)})
        listed = None
    if not isinstance(listed, list) or not all(each in listed for each in valid.redirect_uris):
        raise RegistrationRefused(
            "invalid_client_metadata", "sector_identifier_uri: must be a JSON array that has every redirect URI"
        )


def _information(registered: Registered, token: str) -> dict[str, Any]:
    """The client information response (RFC 7591 §3.2.1, RFC 7592 §3): everything that holds now."""
    row = registered.client
    members = registration.metadata_of(row).members()
    information: dict[str, Any] = {
        "client_id": row.client_id,
        "client_id_issued_at": int(row.created_at.timestamp()),
        **{name: value for name, value in members.items() if value is not None},
        "registration_client_uri": f"{context.settings().public_url}{_PATH}/{row.client_id}",
        "registration_access_token": token,
    }
    if registered.secret:
        # Never again: only its hash is kept. It does not expire.
        information |= {"client_secret": registered.secret, "client_secret_expires_at": 0}
    return information


def apply_defaults(request: OAuthRequest) -> None:
    """What the client registered counts where the request is silent (OpenID Connect Registration §2).

    `require_auth_time` needs nothing: every ID token has auth_time. Nor does `default_acr_values`,
    a wish that changes nothing (`idp.oauth.request.PARAMETERS`).
    """
    max_age, asked = request.client.client_metadata.get("default_max_age"), request.payload
    if max_age is not None and asked.get("max_age") is None:
        asked.put("max_age", str(max_age))


extension = Extension(
    name="registration",
    spec="RFC 7591, RFC 7592",
    authorize={Phase.VALIDATE: apply_defaults},
    endpoints=(
        Endpoint(name="register", path=_PATH, methods=("POST",), view=register, announced="registration_endpoint"),
        Endpoint(
            name="manage_registration", path=f"{_PATH}/<client_id>", methods=("GET", "PUT", "DELETE"), view=manage
        ),
    ),
)
