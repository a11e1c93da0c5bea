"""Settings of the dataset service: `DATASETS_*` variables, any secret also as the same name with `_FILE`."""

import json
import os
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, Field, SecretStr, ValidationError, model_validator

from resource_server.policy import ROLES

PREFIX = "DATASETS_"
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class Refused(Exception):
    """The settings do not make a service; the message is one line that says what to do."""


def _base_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        raise ValueError("must be an absolute http(s) URL")
    if parts.query or parts.fragment or value.endswith("/"):
        raise ValueError("must have no query, no fragment and no slash at its end")
    parts.port  # noqa: B018  (raises ValueError for one that is none)
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise ValueError("must be https; http is for loopback hosts only")
    return value


def _origin(value: str) -> str:
    if urlsplit(value).path:
        raise ValueError("must have no path")
    return value


def _postgresql(value: SecretStr) -> SecretStr:
    if not value.get_secret_value().startswith("postgresql://"):
        raise ValueError("must begin with postgresql://")
    return value


def _networks(values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        if value != "unix":
            ip_network(value)
    return values


DatabaseUrl = Annotated[SecretStr, AfterValidator(_postgresql)]
BaseUrl = Annotated[str, AfterValidator(_base_url)]
SECRETS = frozenset(
    {"client_secret", "portal_client_secret", "session_key", "database_url", "migrations_database_url"},
)


# What is missing is easier to set after a pattern.
_EXAMPLES = {
    "public_url": "DATASETS_PUBLIC_URL=https://data.example.org",
    "issuer": "DATASETS_ISSUER=https://id.example.org",
    "client_id": "DATASETS_CLIENT_ID=dataset-service",
    "client_secret": "DATASETS_CLIENT_SECRET_FILE=/run/secrets/dataset-service",
}


class Settings(BaseModel, frozen=True, extra="forbid"):
    """What an operator says about this service; read once, at the start."""

    public_url: Annotated[BaseUrl, AfterValidator(_origin)]
    issuer: BaseUrl
    client_id: str = Field(min_length=1)  # the service's own client: reads members, introspects
    client_secret: SecretStr
    audience: str = ""  # the `aud` it accepts and its RFC 9728 `resource`; default: the public URL
    token_check: Literal["offline", "introspect"] = "offline"
    bound_tokens_only: bool = False  # refuse access tokens that are not bound to their sender (DPoP, certificate)
    certificate_header: str = ""  # in which the proxy tells the client's certificate, such as "Client-Cert"
    proxies: Annotated[
        tuple[str, ...], AfterValidator(_networks)
    ] = ()  # who may write that header: addresses, networks, or "unix"; separated by commas
    roles: Mapping[str, str] = {}  # {"analyst": "viewer"}: what a role that the operator added counts as
    database_url: DatabaseUrl | None = None  # the application role; without it the embedded database
    migrations_database_url: DatabaseUrl | None = None  # the owner; default: the same
    portal_client_id: str = ""
    portal_client_secret: SecretStr | None = None
    session_key: SecretStr | None = None  # seals the portal's cookie, at least 32 characters

    @model_validator(mode="after")
    def _whole(self) -> Self:
        portal = (self.portal_client_id, self.portal_client_secret, self.session_key)
        if any(portal) and not all(portal):
            raise ValueError(
                "set DATASETS_PORTAL_CLIENT_ID, DATASETS_PORTAL_CLIENT_SECRET and DATASETS_SESSION_KEY, or none"
            )
        if self.session_key and len(self.session_key.get_secret_value()) < 32:
            raise ValueError("DATASETS_SESSION_KEY must have at least 32 characters")
        if bool(self.certificate_header) != bool(self.proxies):
            raise ValueError("set DATASETS_CERTIFICATE_HEADER and DATASETS_PROXIES, or neither")
        if self.migrations_database_url and not self.database_url:
            raise ValueError("DATASETS_MIGRATIONS_DATABASE_URL needs DATASETS_DATABASE_URL beside it")
        if self.issuer.startswith("http:") and not self.development:
            raise ValueError("DATASETS_ISSUER must be https when DATASETS_PUBLIC_URL is")
        if unknown := set(self.roles.values()) - set(ROLES):
            raise ValueError(f"DATASETS_ROLES maps to {sorted(unknown)}, which is none of {sorted(ROLES)}")
        return self

    @property
    def development(self) -> bool:
        """The public URL is http on a loopback host: cookies lose `Secure` and their `__Host-` prefix."""
        return self.public_url.startswith("http:")

    @property
    def resource(self) -> str:
        """The audience of this service, RFC 8707."""
        return self.audience or self.public_url

    @property
    def portal(self) -> bool:
        """Whether the portal's client is set, so that there are pages."""
        return bool(self.portal_client_id)


def load(environ: Mapping[str, str] = os.environ) -> Settings:
    """Read the variables.

    Raises:
        Refused: a name is unknown, half of a pair is missing, a value is wrong.
    """
    values: dict[str, object] = {}
    for variable in sorted(name for name in environ if name.startswith(PREFIX)):
        name, value = _read(variable, environ[variable])
        if name in values:
            raise Refused(f"{PREFIX}{name.upper()} and {PREFIX}{name.upper()}_FILE are both set: remove one")
        values[name] = value
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        raise Refused(_first(error)) from None


def _read(variable: str, value: str) -> tuple[str, object]:
    name = variable.removeprefix(PREFIX).lower()
    if name.removesuffix("_file") in SECRETS and name.endswith("_file"):
        try:
            return name.removesuffix("_file"), Path(value).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            raise Refused(f"{variable}: the file cannot be read") from None
    if name not in Settings.model_fields:
        raise Refused(f"{variable} is no setting: remove it, or correct its name")
    if name == "proxies":
        return name, tuple(entry.strip() for entry in value.split(","))
    if name == "roles":
        try:
            return name, json.loads(value)
        except ValueError:
            raise Refused(f'{variable} must be a JSON object such as {{"analyst": "viewer"}}') from None
    return name, value


def _first(error: ValidationError) -> str:
    """The first complaint in one line, without the value: it may be a secret."""
    first = error.errors(include_input=False, include_url=False)[0]
    reason = first["msg"].removeprefix("Value error, ")
    if not first["loc"]:
        return reason
    name = str(first["loc"][0])
    variable = f"{PREFIX}{name}".upper()
    return (
        f"{variable} is missing: set it, as in {_EXAMPLES[name]}"
        if first["type"] == "missing"
        else f"{variable}: {reason}"
    )
