"""Rotate the keys when it is time; the first run makes them. The plan and its lock are those of `keys`."""

from typing import Any, cast

import psycopg

from idp import keyring
from idp.context import now, settings
from idp.db import db
from keys import store


def work() -> dict[str, Any]:
    """Make the changes that are due; returns how many of each kind."""
    pooled = db.engine.raw_connection()
    try:
        connection = cast("psycopg.Connection", pooled.driver_connection)
        keks = keyring.keks(settings())
        made = store.apply(connection, keks, keyring.policy(settings()), now().timestamp())
        # A new KEK takes over the keys that the previous one wrapped; then the previous one may go.
        rewrapped = store.rewrap(connection, keks)
    finally:
        pooled.close()
    actions = [change.action for change in made]
    counts = {action: actions.count(action) for action in sorted(set(actions))}
    return counts | ({"rewrap": rewrapped} if rewrapped else {})
