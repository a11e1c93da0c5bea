"""`idp check-config` and `idp doctor`: what the settings say, and the instance as a client sees it."""

import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import click
import psycopg
from flask import Flask

from idp import keyring
from idp.app import extend
from idp.cli import database
from idp.settings import Misconfigured, Settings, load
from keys import KeysError, store

_TIMEOUT = 5  # seconds

# What is sent at once when all is well: after ten minutes something is wrong, here or at a receiver.
_LATE = """
    SELECT count(*) FROM outbox
     WHERE created_at < now() - interval '10 minutes' AND (failed_at IS NULL OR failed_at > now() - interval '1 day')
"""


@click.command("check-config")
def check_config() -> None:
    """Print the effective settings as JSON, without secrets; exit 1 when they would not start."""
    settings = load()
    if settings.keys.kek is not None:
        keyring.keks(settings)
    extend(Flask("idp"), settings)  # as `idp serve` does: extensions that there are not, or that do not go together
    click.echo(json.dumps(settings.model_dump(mode="json"), indent=2))


@dataclass(frozen=True)
class Finding:
    """The result of one check; `advice` says what to do about a bad one."""

    check: str
    ok: bool
    advice: str = ""


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def doctor(ctx: click.Context, as_json: bool) -> None:
    """Check the database, its schema, the keys, and whether discovery answers under the public URL."""
    with database.configured() as settings:
        findings = [_checked(name, check, settings) for name, check in _CHECKS.items()]
    if as_json:
        click.echo(json.dumps([vars(finding) for finding in findings], indent=2))
    else:
        for finding in findings:
            click.echo(f"{'ok ' if finding.ok else 'BAD'}  {finding.check}  {finding.advice}".rstrip())
    ctx.exit(0 if all(finding.ok for finding in findings) else 1)


def _checked(name: str, check: Callable[[Settings], str | None], settings: Settings) -> Finding:
    advice = check(settings)
    return Finding(name, advice is None, advice or "")


def _database(settings: Settings) -> str | None:
    try:
        with _connected(settings) as connection:
            connection.execute("SELECT 1")
    except psycopg.Error as error:
        return f"does not answer: {str(error).partition(chr(10))[0]}"
    return None


def _schema(settings: Settings) -> str | None:
    try:
        database.require_head(settings)
    except Misconfigured as error:
        return str(error)
    except Exception as error:  # whatever the database said, the doctor goes on
        return f"cannot be read: {type(error).__name__}"
    return None


def _keys(settings: Settings) -> str | None:
    try:
        with _connected(settings) as connection:
            found = store.load(connection, keyring.keks(settings))
    except (psycopg.Error, KeysError, Misconfigured) as error:
        return str(error).partition("\n")[0]
    active = {each.key.alg for each in found if each.key.state == "active"}
    wanted = {alg for _use, alg in keyring.policy(settings).kept()}
    if missing := sorted(wanted - active):
        return f"no active key for {', '.join(missing)}: run `idp jobs`, or `idp serve --with-jobs`"
    return None


def _outbox(settings: Settings) -> str | None:
    try:
        with _connected(settings) as connection:
            late = connection.execute(_LATE).fetchone()
    except psycopg.Error as error:
        return str(error).partition("\n")[0]
    if late and late[0]:
        return f"{late[0]} messages have not arrived: is `idp jobs` running? `idp outbox list` shows what and why"
    return None


def _discovery(settings: Settings) -> str | None:
    url = f"{settings.public_url}/.well-known/openid-configuration"
    try:
        # The scheme is checked by the settings: http or https.
        with urllib.request.urlopen(url, timeout=_TIMEOUT, context=_tls(settings)) as answer:  # noqa: S310
            found: Any = json.loads(answer.read(65_536))
    except (OSError, ValueError) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else type(error).__name__
        if isinstance(reason, ssl.SSLCertVerificationError):
            return (
                f"the certificate of {settings.public_url} is not believed ({reason.verify_message}): correct it, or,"
                " where an authority of your own made it, name that in SSL_CERT_FILE"
            )
        return f"{url} does not answer ({reason}): is `idp serve` running, and does the proxy pass it on?"
    issuer = found.get("issuer") if isinstance(found, dict) else None
    if issuer != settings.public_url:
        return f"the issuer there is not {settings.public_url}: clients stop at that; correct IDP_PUBLIC_URL"
    return None


def _tls(settings: Settings) -> ssl.SSLContext | None:
    return None if settings.development else ssl.create_default_context()


def _connected(settings: Settings) -> psycopg.Connection:
    url = settings.database_url.get_secret_value() if settings.database_url else ""
    return psycopg.connect(url, connect_timeout=_TIMEOUT)


_CHECKS: dict[str, Callable[[Settings], str | None]] = {
    "database": _database,
    "schema": _schema,
    "keys": _keys,
    "outbox": _outbox,
    "discovery": _discovery,
}
