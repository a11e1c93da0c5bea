"""`idp registration-token`: who may register clients without being an operator (RFC 7591 §3)."""

import json
import re
from datetime import timedelta

import click
from sqlalchemy import select

from idp.cli import database
from idp.clients import registration
from idp.companies.models import Company
from idp.context import now
from idp.db import db

_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_LONGEST = timedelta(days=366)


def _lifetime(_ctx: click.Context, _param: click.Parameter, value: str) -> timedelta:
    """A time such as 90m, 12h or 7d, at most a year."""
    if not (found := re.fullmatch(r"([1-9][0-9]{0,5})([mhd])", value)):
        raise click.BadParameter("write a number and m, h or d, such as 7d")
    if (lifetime := int(found[1]) * _UNITS[found[2]]) > _LONGEST:
        raise click.BadParameter("give at most a year")
    return lifetime


@click.group("registration-token")
def registration_token() -> None:
    """Initial access tokens for dynamic client registration."""


@registration_token.command()
@click.option("--company", metavar="SLUG", help="Whose the registered clients are; none: the operator's own.")
@click.option("--uses", type=click.IntRange(1, 100_000), default=1, show_default=True, help="How many clients.")
@click.option(
    "--expires", metavar="TIME", callback=_lifetime, default="7d", show_default=True, help="For how long: 90m, 12h, 7d."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def create(company: str | None, uses: int, expires: timedelta, as_json: bool) -> None:
    """Make an initial access token and print it, this once."""
    with database.application(), db.transaction():
        owner = None
        if company is not None:
            statement = select(Company.id).where(Company.slug == company, Company.disabled_at.is_(None))
            if (owner := db.session.scalar(statement)) is None:
                raise click.ClickException(f"there is no company {company}: see `idp export`")
        until = now() + expires
        token = registration.new_initial_access_token(owner, uses=uses, expires_at=until)
    if not as_json:
        click.echo(token)
        return
    facts = {"token": token, "company": company, "uses": uses, "expires_at": until.isoformat(timespec="seconds")}
    click.echo(json.dumps(facts, indent=2))
