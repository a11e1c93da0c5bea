"""`idp apply` and `idp export`: the declared state."""

import json
import os
import sys
from pathlib import Path

import click

from idp.cli import database
from idp.declared import state
from idp.declared.errors import Invalid
from idp.declared.state import Applied


@click.command()
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@click.option("--plan", is_flag=True, help="Change nothing; exit 0 for no change, 2 for changes, 1 for an error.")
@click.option("--prune", is_flag=True, help="Remove what was declared before and is not any more.")
@click.option("--set", "pairs", multiple=True, metavar="NAME=VALUE", help="A value for ${NAME}; then the environment.")
@click.option("--json", "as_json", is_flag=True, help="Print a list of {op, kind, key, fields}.")
@click.pass_context
def apply(ctx: click.Context, file: Path, plan: bool, prune: bool, pairs: tuple[str, ...], as_json: bool) -> None:
    """Make companies, users, resources and clients what FILE says (TOML; - is standard input)."""
    text, values = _text(file), dict(os.environ) | dict(map(_pair, pairs))
    with database.application():
        directory = Path() if str(file) == "-" else file.parent
        applied = state.apply(text, values, directory=directory, prune=prune, plan=plan)
    _print(applied, as_json=as_json)
    ctx.exit(2 if plan and applied.changes else 0)


@click.command()
def export() -> None:
    """Print the whole state as a declaration, with hashes instead of secrets."""
    with database.application():
        for table in state.export():
            click.echo(table, nl=False)


def _text(file: Path) -> str:
    try:
        return sys.stdin.buffer.read().decode() if str(file) == "-" else file.read_text(encoding="utf-8")
    except OSError as error:
        raise Invalid(f"{file} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise Invalid("this is not UTF-8") from None


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise click.UsageError("give --set as NAME=VALUE")
    return name, value


def _print(applied: Applied, *, as_json: bool) -> None:
    for warning in applied.warnings:
        click.echo(f"idp: warning: {warning}", err=True)
    if as_json:
        facts = [change.facts() for change in applied.changes]
        for each in facts:
            if each["kind"] == "client" and each["key"] in applied.secrets:
                each["client_secret"] = applied.secrets[each["key"]]
        click.echo(json.dumps(facts, indent=2))
        return
    if not applied.changes:
        click.echo("no change", err=True)
    for change in applied.changes:
        click.echo(str(change))
    for client_id, secret in applied.secrets.items():
        click.echo(f"client_secret of {client_id}, shown this once: {secret}", err=True)
