"""`idp registration-token`: who may register clients."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from idp import opaque


def test_it_is_printed_once_and_kept_as_a_digest(app, world, idp):
    """For one client and a week, unless it says otherwise."""
    result = idp("registration-token", "create")

    token = result.stdout.strip()
    assert (0, "") == (result.returncode, result.stderr)
    assert token.startswith("iat_")
    columns = "SELECT hash, company_id, uses_left, expires_at FROM initial_access_token"
    [(kept, company, uses, expires_at)] = world.execute(columns)
    assert (opaque.digest(token), None, 1) == (bytes(kept), company, uses)
    assert abs(expires_at - datetime.now(UTC) - timedelta(days=7)) < timedelta(minutes=1)
    assert ["registration_token.created"] == world.events()


def test_for_a_company_and_for_programs(app, world, idp):
    company = world.company("north")

    result = idp("registration-token", "create", "--company", "north", "--uses", "50", "--expires", "90m", "--json")

    facts = json.loads(result.stdout)
    assert ("north", 50) == (facts["company"], facts["uses"])
    assert abs(datetime.fromisoformat(facts["expires_at"]) - datetime.now(UTC)) < timedelta(minutes=91)
    [(owner, uses)] = world.execute("SELECT company_id, uses_left FROM initial_access_token")
    assert (company.id, 50) == (owner, uses)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--company", "nobody"], "there is no company nobody"),
        (["--uses", "0"], "0 is not in the range"),
        (["--expires", "soon"], "write a number and m, h or d"),
        (["--expires", "0d"], "write a number and m, h or d"),
        (["--expires", "367d"], "at most a year"),
    ],
)
def test_mistakes_are_one_line(app, world, idp, arguments, sentence):
    result = idp("registration-token", "create", *arguments)

    assert 1 == result.returncode
    assert sentence in result.stderr
    assert 1 == result.stderr.count("\n")
    assert 0 == world.count("initial_access_token")
