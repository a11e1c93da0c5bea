"""Settings: a TOML file (`IDP_CONFIG`), over it `IDP_*` variables with `__` between levels; secrets also as `…_FILE`.

Nothing is guessed: an unknown key, an unknown variable, half a pair or an issuer without TLS stops the start with one
line that says what to do. Policy of single clients (PKCE, audiences, lifetimes) is data, not settings.
"""

import os
import re
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_SECRETS = {"IDP_DATABASE_URL", "IDP_MIGRATIONS_DATABASE_URL", "IDP_KEYS__KEK", "IDP_KEYS__PREVIOUS_KEKS"}
_OURS = {"IDP_CONFIG"}  # read before the settings are
UNIX = "unix"  # among addresses of proxies: whoever can reach the Unix socket


class Misconfigured(Exception):
    """The settings cannot be used; the message is one line that says what to do."""


class Group(BaseModel):
    """A group of settings: frozen, and nothing in it that we do not know."""

    model_config = {"frozen": True, "extra": "forbid"}


class TokenSettings(Group):
    """Lifetimes in seconds."""

    access_token_ttl: int = Field(default=300, ge=30, le=900)
    id_token_ttl: int = Field(default=3600, ge=60, le=3600)
    refresh_token_ttl: int = Field(default=30 * 86_400, ge=3600, le=366 * 86_400)  # from the sign-in; no sliding
    code_ttl: int = Field(default=60, ge=10, le=60)
    refresh_grace: int = Field(default=30, ge=0, le=120)  # a public client's last token gets the same successor again


class SessionSettings(Group):
    """The SSO session, in seconds; a company's policy may shorten it."""

    lifetime: int = Field(default=12 * 3600, ge=300, le=30 * 86_400)
    idle: int = Field(default=4 * 3600, ge=300, le=86_400)


class PasswordSettings(Group):
    """scrypt's cost and how many hashes run at once in one process (each takes 32 MiB at ln=15)."""

    ln: int = Field(default=15, ge=14, le=17)
    p: int = Field(default=3, ge=1, le=8)
    slots: int = Field(default=1, ge=1, le=64)
    queue: int = Field(default=20, ge=1, le=1000)  # who may wait
    wait: int = Field(default=5, ge=1, le=30)  # seconds; then 503
    min_length: int = Field(default=15, ge=8, le=64)  # NIST SP 800-63B-4: 15 where the password is the only factor


class KeySettings(Group):
    """The key-encryption key that seals the signing keys at rest: 32 bytes as base64url or hex."""

    kek: SecretStr | None = None
    previous_keks: tuple[SecretStr, ...] = ()
    publish_before: int = Field(default=86_400, ge=0)  # seconds that a new key is public before it signs
    rotate_every: int = Field(default=90 * 86_400, ge=3600)  # seconds that a key signs
    # What clients may choose for their tokens; the first two are the defaults of ID tokens and access tokens.
    signing: tuple[Literal["RS256", "ES256", "PS256", "EdDSA"], ...] = ("RS256", "ES256", "PS256", "EdDSA")

    @field_validator("signing")
    @classmethod
    def _with_defaults(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not {"RS256", "ES256"} <= set(value):
            raise ValueError("must have RS256 and ES256, with which tokens are signed unless a client chooses")
        return value


class UiSettings(Group):
    """What the pages are called."""

    name: str = Field(default="Havn", min_length=1, max_length=40)


def _pem_file(value: Path | None) -> Path | None:
    if value and not value.is_file():
        raise ValueError("is not a file: give a PEM file with certificates")
    return value


def _is_origin(value: str) -> bool:
    """Whether it is a URL of scheme, host and port alone, without a final slash."""
    parts = urlsplit(value)
    return bool(parts.hostname) and not (parts.path or parts.query or parts.fragment or "@" in parts.netloc)


class DeploySettings(Group):
    """Where the server stands."""

    proxies: int = Field(default=0, ge=0, le=5)  # how many reverse proxies' X-Forwarded-For to believe
    # For URLs that clients name: hosts, addresses and networks that may be private, and a CA besides the system's.
    fetch_allow: tuple[str, ...] = ()
    fetch_ca_file: Path | None = None

    @field_validator("fetch_ca_file")
    @classmethod
    def _readable(cls, value: Path | None) -> Path | None:
        return _pem_file(value)


class MutualTlsSettings(Group):
    """Client certificates (RFC 8705): a proxy in front, where TLS ends, hands them on."""

    header: str | None = None  # in which it does, as `:base64:` (RFC 9440) or percent-encoded PEM (nginx)
    proxies: tuple[str, ...] = ()  # who is believed: addresses, networks, or "unix" for a Unix socket
    ca_file: Path | None = None  # PEM: authorities that vouch for clients; none: no `tls_client_auth`
    url: str | None = None  # where clients reach the proxy that asks for certificates, if not at the public URL

    @field_validator("header")
    @classmethod
    def _plain(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]{0,99}", value):
            raise ValueError("must be the name of a header, such as Client-Cert")
        return value

    @field_validator("proxies")
    @classmethod
    def _addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for each in value:
            if each != UNIX:
                ip_network(each)
        return value

    @field_validator("ca_file")
    @classmethod
    def _readable(cls, value: Path | None) -> Path | None:
        return _pem_file(value)

    @field_validator("url")
    @classmethod
    def _https(cls, value: str | None) -> str | None:
        if value is not None and (not value.startswith("https://") or not _is_origin(value)):
            raise ValueError("must be https, host and port alone, such as https://mtls.id.example.com")
        return value

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if bool(self.header) != bool(self.proxies):
            raise ValueError("header and proxies belong together: a header that anybody may send proves nothing")
        if (self.ca_file or self.url) and not self.header:
            raise ValueError("ca_file and url need header and proxies beside them")
        return self


class DpopSettings(Group):
    """Proofs of possession (RFC 9449)."""

    # required: each proof has a nonce of ours, so one that was made beforehand is worth nothing; clients ask twice.
    nonce: Literal["optional", "required"] = "optional"


class RegistrationSettings(Group):
    """Dynamic registration (RFC 7591)."""

    open: bool = False  # true: without an initial access token, for certification runs
    hourly: int = Field(default=20, ge=1, le=100_000)  # registrations from one address while it is open
    trusted_issuers: dict[str, Path] = {}  # of software statements: issuer -> file with its JWK set


class TrustedIssuer(Group):
    """Whose assertions about users give tokens (RFC 7523 §2.1), and to which clients."""

    jwks: Path | None = None  # file with its JWK set
    jwks_uri: str | None = None  # or where it publishes that
    algorithms: tuple[Literal["ES256", "PS256", "EdDSA", "RS256"], ...] = ("ES256", "PS256", "EdDSA", "RS256")
    clients: tuple[str, ...] = Field(min_length=1)  # client ids
    # Whom it names: our `sub`, or an `email` that it says is verified, and that is verified here.
    subject: Literal["sub", "email"] = "sub"

    @model_validator(mode="after")
    def _with_keys(self) -> Self:
        if (self.jwks is None) == (self.jwks_uri is None):
            raise ValueError("give either jwks, a file with the issuer's JWK set, or jwks_uri")
        if self.jwks and not self.jwks.is_file():
            raise ValueError("jwks is not a file: give one with the issuer's JWK set")
        return self


class JwtBearerSettings(Group):
    """The JWT bearer grant."""

    trusted_issuers: dict[str, TrustedIssuer] = {}  # the `iss` of their assertions -> what is believed


class Settings(BaseSettings):
    """All settings; read them with `load()`."""

    model_config = SettingsConfigDict(
        env_prefix="IDP_", env_nested_delimiter="__", extra="forbid", frozen=True, hide_input_in_errors=True
    )

    public_url: str  # the issuer, byte for byte: scheme, host, port, no path
    database_url: SecretStr | None = None  # none: the embedded PostgreSQL in data_dir
    migrations_database_url: SecretStr | None = None
    pool_size: int = Field(default=8, ge=1, le=200)  # connections of one process
    data_dir: Path = Path(".idp")
    # None: those that are on by default; `+name` adds to them, `-name` takes away; plain names are exactly those.
    extensions: tuple[str, ...] | None = None
    unsigned_request_objects: bool = False  # true only for certification runs: `alg: none` in the `request` parameter
    profile: Literal["fapi2"] | None = None  # holds every client to the FAPI 2.0 Security Profile
    require_pushed_requests: bool = False  # of every client, RFC 9126 §5
    require_pkce: bool = True  # false only for certification runs: confidential clients may then leave PKCE out
    tokens: TokenSettings = TokenSettings()
    session: SessionSettings = SessionSettings()
    passwords: PasswordSettings = PasswordSettings()
    keys: KeySettings = KeySettings()
    ui: UiSettings = UiSettings()
    deploy: DeploySettings = DeploySettings()
    mutual_tls: MutualTlsSettings = MutualTlsSettings()
    registration: RegistrationSettings = RegistrationSettings()
    dpop: DpopSettings = DpopSettings()
    jwt_bearer: JwtBearerSettings = JwtBearerSettings()

    @field_validator("public_url")
    @classmethod
    def _issuer(cls, value: str) -> str:
        parts = urlsplit(value)
        if not _is_origin(value):
            raise ValueError(
                "must be scheme, host and port alone, such as https://id.example.com, without a final slash"
            )
        if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
            raise ValueError("http: is for loopback only; give an https: URL")
        if parts.scheme not in {"http", "https"}:
            raise ValueError("must begin with https://")
        return value

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.migrations_database_url and not self.database_url:
            raise ValueError("migrations_database_url without database_url is half a pair: set IDP_DATABASE_URL too")
        if self.database_url and not self.keys.kek:
            raise ValueError(
                "keys.kek is missing: set IDP_KEYS__KEK or IDP_KEYS__KEK_FILE (`openssl rand -hex 32` makes one)"
            )
        return self

    @property
    def development(self) -> bool:
        """True on an http: loopback URL, the one place where http: loopback URLs are accepted instead of https."""
        return self.public_url.startswith("http:")

    @property
    def origins(self) -> tuple[str, ...]:
        """Where requests are sent to: the public URL, and the one for clients with certificates."""
        return (self.public_url, *([self.mutual_tls.url] if self.mutual_tls.url else []))

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then the environment, then the file."""
        file = os.environ.get("IDP_CONFIG")
        toml = (TomlConfigSettingsSource(settings_cls, Path(file)),) if file else ()
        return init_settings, _Environment(settings_cls), *toml


class _Environment(EnvSettingsSource):
    """The environment, with `…_FILE` read for secrets."""

    def _load_env_vars(self) -> Mapping[str, str | None]:
        found = dict(super()._load_env_vars())
        for name in _SECRETS:
            file = found.pop(f"{name}_FILE".lower(), None)
            if file and found.get(name.lower()):
                raise Misconfigured(f"{name} and {name}_FILE are both set: keep one of them")
            if file:
                try:
                    found[name.lower()] = Path(file).read_text().strip()
                except OSError as error:
                    raise Misconfigured(f"{name}_FILE cannot be read: {error.strerror}") from None
        return found


def load(**overrides: Any) -> Settings:  # noqa: ANN401 - any setting
    """Read the settings, or raise Misconfigured with one line."""
    file = os.environ.get("IDP_CONFIG")
    if file and not Path(file).is_file():
        raise Misconfigured(f"IDP_CONFIG names {file}, which is not a file")
    _refuse_unknown_variables()
    try:
        return Settings(**overrides)
    except ValidationError as error:
        first = error.errors()[0]
        where = "__".join(str(part) for part in first["loc"]).upper()
        if first["type"] == "missing":
            raise Misconfigured(f"IDP_{where} is missing: set it (idp.toml: {where.lower()})") from None
        said = _SENTENCES.get(first["type"]) or first["msg"].removeprefix("Value error, ")
        raise Misconfigured(f"IDP_{where}: {said}" if where else said) from None
    except SettingsError as error:
        field = re.search(r'field "(\w+)"', str(error))
        where = f"IDP_{field[1].upper()}…" if field else "a variable"
        raise Misconfigured(f'{where}: a list or a table in a variable is JSON, such as ["a", "b"]') from None
    except ValueError as error:
        raise Misconfigured(str(error).splitlines()[0]) from None


# Of Pydantic's errors, those that say nothing to whoever wrote the value.
_SENTENCES = {
    "tuple_type": 'must be a list: in a variable as JSON, such as ["a", "b"]',
    "dict_type": "must be a table: in a variable as a JSON object",
    "model_type": "is a group: give its settings, such as IDP_UI__NAME",
    "extra_forbidden": "is no setting of this version: remove or correct it",
}


def _refuse_unknown_variables() -> None:
    """A misspelt variable would otherwise be ignored, and its default used."""
    tops = {f"IDP_{name.upper()}" for name in Settings.model_fields}
    for name in os.environ:
        if not name.startswith("IDP_") or name in _OURS:
            continue
        plain = name.removesuffix("_FILE") if name.removesuffix("_FILE") in _SECRETS else name
        if plain.split("__")[0] not in tops:
            raise Misconfigured(f"{name} is no setting of this version: remove or correct it")
