"""Rotate the keys when it is time; the first run makes them. The plan and its lock are those of `keys`."""

from typing import Any, cast

import psycopg

from idp.context import now, settings
from idp.db import db
from idp.settings import Misconfigured, Settings
from keys import Policy, parse_kek, store


def work() -> dict[str, Any]:
    """Make the changes that are due; returns how many of each kind."""
    pooled = db.engine.raw_connection()
    try:
        connection = cast("psycopg.Connection", pooled.driver_connection)
        made = store.apply(connection, keks(settings()), policy(settings()), now().timestamp())
    finally:
        pooled.close()
    actions = [change.action for change in made]
    return {action: actions.count(action) for action in sorted(set(actions))}


def policy(settings: Settings) -> Policy:
    """Which keys the settings ask for: what they sign and seal lives as long as tokens and sessions do."""
    return Policy(
        publish_before=settings.keys.publish_before,
        lifetime=settings.keys.rotate_every,
        longest_token=max(settings.tokens.id_token_ttl, settings.tokens.access_token_ttl),
        longest_sealed=max(settings.tokens.refresh_token_ttl, settings.session.lifetime),
    )


def keks(settings: Settings) -> list[bytes]:
    """The key-encryption keys of the settings, the one that seals first."""
    if settings.keys.kek is None:
        raise Misconfigured("keys.kek is missing: set IDP_KEYS__KEK or IDP_KEYS__KEK_FILE")
    try:
        return [parse_kek(kek.get_secret_value()) for kek in (settings.keys.kek, *settings.keys.previous_keks)]
    except ValueError as error:
        raise Misconfigured(f"IDP_KEYS__KEK or IDP_KEYS__PREVIOUS_KEKS: {error}") from None
