"""The API's description, OpenAPI 3.1: public, made once; tests hold every route and every answer to it."""

import json
from typing import Any

import flask
from flask import current_app

from idp.api.paging import DEFAULT_LIMIT, MAX_LIMIT, MAX_SEARCH
from idp.context import settings

Schema = dict[str, Any]

MAX_AGE = 3600  # seconds

_TEXT: Schema = {"type": "string"}
_TEXT_OR_NULL: Schema = {"type": ["string", "null"]}
_ID: Schema = {"type": "string", "format": "uuid"}
_ROLES: Schema = {"type": "array", "items": {"type": "string", "pattern": "^[a-z][a-z0-9_]*$"}, "minItems": 1}
_VERSION: Schema = {"type": "integer", "minimum": 0, "description": "Raised whenever the membership changes."}
_SLUG: Schema = {"type": "string", "pattern": "^[a-z0-9][a-z0-9-]{0,62}$"}
_NEXT: Schema = {
    "type": ["string", "null"],
    "description": "The cursor of the next page, for the same person and path, for a day; null after the last page.",
}


def _object(properties: Schema, *, optional: tuple[str, ...] = (), description: str = "") -> Schema:
    """An object with these members and no others."""
    required = [name for name in properties if name not in optional]
    found = {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
    return found | ({"description": description} if description else {})


def _page(item: str, **more: Schema) -> Schema:
    items = {"type": "array", "items": _ref("schemas", item), "maxItems": MAX_LIMIT}
    return _object({**more, "items": items, "next": _NEXT})


def _ref(kind: str, name: str) -> Schema:
    return {"$ref": f"#/components/{kind}/{name}"}


_SCHEMAS: Schema = {
    "Me": _object(
        {
            "sub": _TEXT,
            "username": _TEXT,
            "name": _TEXT,
            "given_name": _TEXT,
            "family_name": _TEXT,
            "locale": _TEXT,
            "email": _TEXT,
            "email_verified": {"type": "boolean"},
            "company": {"anyOf": [_ref("schemas", "ActiveCompany"), {"type": "null"}]},
        },
        optional=("username", "name", "given_name", "family_name", "locale", "email", "email_verified"),
        description="The scope profile shows username, names and locale, the scope email the address.",
    ),
    "ActiveCompany": _object(
        {"id": _ID, "roles": _ROLES, "member_ver": _VERSION, "slug": _SLUG, "name": _TEXT},
        optional=("slug", "name"),
        description="The company of the token, with the roles that hold now; the scope companies shows slug and name.",
    ),
    "Company": _object({"id": _ID, "slug": _SLUG, "name": _TEXT, "roles": _ROLES}),
    "Companies": _page("Company"),
    "Member": _object(
        {
            "sub": {"type": "string", "description": "The subject of a person, or the client_id of a client."},
            "username": {"type": "string", "description": "Of a client: its client_id."},
            "name": _TEXT_OR_NULL,
            "email": {"type": ["string", "null"], "description": "Only an address that was verified."},
            "roles": _ROLES,
            "member_ver": _VERSION | {"description": "Raised whenever the membership changes; 0 for a client."},
            "suspended": {
                "type": "boolean",
                "description": "Whether they may not act here now: suspended in the company, or disabled altogether.",
            },
        },
        description="A person who belongs to the company, or one of its own clients.",
    ),
    "Members": _page("Member", company_id=_ID),
    "Problem": _object(
        {
            "type": {"const": "about:blank"},
            "title": {"type": "string", "description": "The phrase of the HTTP status."},
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "detail": _TEXT,
            "error": {"type": "string", "description": "The OAuth error code, where it says more than the status."},
        },
        optional=("error",),
        description="RFC 9457",
    ),
}


def _query(name: str, schema: Schema, description: str) -> Schema:
    return {"name": name, "in": "query", "schema": schema, "description": description}


def _in_path(name: str, description: str) -> Schema:
    return {"name": name, "in": "path", "required": True, "schema": _TEXT, "description": description}


_PARAMETERS: Schema = {
    "limit": _query(
        "limit",
        {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
        "How many items a page has at most.",
    ),
    "cursor": _query("cursor", _TEXT, "`next` of the page before."),
    "q": _query(
        "q",
        {"type": "string", "maxLength": MAX_SEARCH},
        "A part of user name, name or e-mail address, in any case.",
    ),
    "company": _in_path("company", "The id or slug of a company."),
    "sub": _in_path("sub", "The subject of a person, or the client_id of one of the company's clients."),
}


def _problem(description: str, *, header: str | None = None) -> Schema:
    found: Schema = {
        "description": description,
        "content": {"application/problem+json": {"schema": _ref("schemas", "Problem")}},
    }
    return found | ({"headers": {header: {"schema": _TEXT}}} if header else {})


_RESPONSES: Schema = {
    "BadRequest": _problem("A parameter is not what it can be, or comes twice."),
    "Unauthorized": _problem(
        "No access token, or one that does not count here (RFC 6750 §3.1).", header="WWW-Authenticate"
    ),
    "Forbidden": _problem("The token lacks the scope, or its subject the role.", header="WWW-Authenticate"),
    "NotFound": _problem("The company or member does not exist, or is not the token's to see: one same answer."),
    "Unavailable": _problem("The database is away; nothing was decided.", header="Retry-After"),
}
_FAILURES = {400: "BadRequest", 401: "Unauthorized", 403: "Forbidden", 404: "NotFound", 503: "Unavailable"}


def _get(
    operation_id: str,
    summary: str,
    *,
    scope: str,
    content: Schema,
    parameters: tuple[str, ...] = (),
    failures: tuple[int, ...] = (401, 403, 503),
) -> Schema:
    return {
        "get": {
            "operationId": operation_id,
            "summary": summary,
            "security": [{"access_token": [scope]}],
            "parameters": [_ref("parameters", name) for name in parameters],
            "responses": {
                "200": {"description": "OK", "content": content},
                **{str(status): _ref("responses", _FAILURES[status]) for status in failures},
            },
        }
    }


def _json(schema: str) -> Schema:
    return {"application/json": {"schema": _ref("schemas", schema)}}


_PATHS: Schema = {
    "/me": _get("me", "The user of the token, and the active company", scope="openid", content=_json("Me")),
    "/me/companies": _get(
        "companies",
        "The user's companies but walled ones; none while a walled company is active. By default a JWT with iss, sub "
        "and the whole map `companies` from id to roles (OpenID Connect Core §5.6.2)",
        scope="companies",
        content={"application/jwt": {"schema": _TEXT}, **_json("Companies")},
        parameters=("limit", "cursor"),
        failures=(400, 401, 403, 503),
    ),
    "/companies/{company}/members": _get(
        "members",
        "The members of a company, for its admins and for the clients of resource servers",
        scope="members:read",
        content=_json("Members"),
        parameters=("company", "q", "limit", "cursor"),
        failures=(400, 401, 403, 404, 503),
    ),
    "/companies/{company}/members/{sub}": _get(
        "member",
        "One member of a company",
        scope="members:read",
        content=_json("Member"),
        parameters=("company", "sub"),
        failures=(401, 403, 404, 503),
    ),
    "/openapi.json": {
        "get": {
            "operationId": "document",
            "summary": "This description",
            "security": [],
            "responses": {
                "200": {"description": "OK", "content": {"application/json": {"schema": {"type": "object"}}}}
            },
        }
    },
}


def description(issuer: str, name: str) -> Schema:
    """The whole description for the provider at `issuer`."""
    discovery = f"{issuer}/.well-known/openid-configuration"
    return {
        "openapi": "3.1.0",
        "info": {
            "title": name,
            "version": "1",
            "description": f"Access tokens are for the resource {issuer}/api (RFC 8707).",
        },
        "servers": [{"url": f"{issuer}/api/v1"}],
        "paths": _PATHS,
        "components": {
            "schemas": _SCHEMAS,
            "parameters": _PARAMETERS,
            "responses": _RESPONSES,
            "securitySchemes": {"access_token": {"type": "openIdConnect", "openIdConnectUrl": discovery}},
        },
    }


def document() -> flask.Response:
    """GET /openapi.json: for everybody, without a token."""
    made = current_app.extensions.get("idp.openapi")
    if made is None:
        found = description(settings().public_url, settings().ui.name)
        made = current_app.extensions["idp.openapi"] = json.dumps(found, separators=(",", ":")).encode()
    response = flask.Response(made, mimetype="application/json")
    response.headers["Cache-Control"] = f"public, max-age={MAX_AGE}"
    return response
