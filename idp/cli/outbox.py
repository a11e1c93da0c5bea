"""`idp outbox`: what has not reached other servers, and why."""

import json
from typing import Any

import click

from idp import outbox as messages
from idp.cli import database
from idp.outbox import Outgoing


@click.group()
def outbox() -> None:
    """Look at messages to applications' servers, such as logout tokens, that have not arrived."""


@outbox.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_(as_json: bool) -> None:
    """List the messages that wait for their next try, or were given up in the last 30 days; at most 1,000."""
    with database.application():
        found = [_facts(row) for row in messages.undelivered(1_000)]
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    for each in found:
        words = (each["created_at"], each["state"], each["kind"], each["client_id"] or "-", f"{each['attempts']} tries")
        click.echo("  ".join((*words, each["last_error"] or "")).rstrip())


def _facts(row: Outgoing) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "kind": row.kind,
        "client_id": row.payload.get("client_id"),
        "state": "failed" if row.failed_at else "waiting",
        "created_at": row.created_at.isoformat(timespec="seconds"),
        "next_try_at": None if row.failed_at else row.due_at.isoformat(timespec="seconds"),
        "attempts": row.attempts,
        "last_error": row.last_error,
    }
