"""`idp keys`: the signing and sealing keys, by hand."""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import click
import psycopg

from idp import keyring
from idp.cli import database
from idp.settings import Settings
from keys import Policy, store
from keys.rotation import Change, Key

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group()
def keys() -> None:
    """The keys that sign tokens and seal cookies: next -> active -> retired -> dropped."""


@keys.command("list")
@as_json
def list_keys(as_json: bool) -> None:
    """List every key, oldest first."""
    listed = _work(lambda connection, _settings: store.listed(connection))
    if as_json:
        click.echo(json.dumps([_facts(key) for key in listed], indent=2))
        return
    for key in listed:
        facts = _facts(key)
        click.echo(f"{key.kid}  {key.use}  {key.alg:8} {key.state:8} {_until(facts)}")


@keys.command()
@as_json
def rotate(as_json: bool) -> None:
    """Let the next keys sign now; one that is published for too short a time still waits."""
    _print(_work(lambda connection, settings: store.rotate(connection, *_ring(settings), _now())), as_json=as_json)


@keys.command()
@click.argument("kid")
@as_json
def revoke(kid: str, as_json: bool) -> None:
    """Drop a compromised key at once and replace it without the waits; what it signed fails from now on."""
    _print(_work(lambda connection, settings: store.revoke(connection, *_ring(settings), _now(), kid)), as_json=as_json)


def _work(act: Callable[[psycopg.Connection, Settings], Any]) -> Any:  # noqa: ANN401 - what the act returns
    with database.configured() as settings:
        database.require_head(settings)
        url = settings.database_url.get_secret_value() if settings.database_url else ""
        with psycopg.connect(url, connect_timeout=3) as connection:
            return act(connection, settings)


def _ring(settings: Settings) -> tuple[list[bytes], Policy]:
    return keyring.keks(settings), keyring.policy(settings)


def _print(changes: Sequence[Change], *, as_json: bool) -> None:
    if as_json:
        facts = [{"action": each.action, "kid": each.kid, "use": each.use, "alg": each.alg} for each in changes]
        click.echo(json.dumps(facts, indent=2))
        return
    for change in changes:
        click.echo(f"{change.action} {change.kid} {change.use} {change.alg}")
    if not changes:
        click.echo("nothing to do", err=True)


def _facts(key: Key) -> dict[str, Any]:
    times = {"created_at": key.created_at, "activated_at": key.activated_at, "drop_after": key.drop_after}
    named = {"kid": key.kid, "use": key.use, "alg": key.alg, "state": key.state}
    return named | {name: _time(value) for name, value in times.items()}


def _until(facts: dict[str, Any]) -> str:
    if facts["drop_after"]:
        return f"until {facts['drop_after']}"
    return f"since {facts['activated_at'] or facts['created_at']}"


def _time(value: float | None) -> str | None:
    return None if value is None else datetime.fromtimestamp(value, UTC).isoformat(timespec="seconds")


def _now() -> float:
    return datetime.now(UTC).timestamp()
