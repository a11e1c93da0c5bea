"""`idp export`: the state as a declaration that changes nothing."""

import tomllib

import pytest

from idp.declared import users
from tests.declared.sample import WORLD


def test_applying_the_export_changes_nothing(declare, exported):
    declare(WORLD)

    assert [] == declare(exported()).lines


def test_it_makes_an_empty_provider_the_same(declare, exported, world):
    declare(WORLD)
    first = exported()
    world.execute("DELETE FROM client")
    world.execute("DELETE FROM resource")
    world.execute("DELETE FROM user_account")
    world.execute("DELETE FROM company")
    declare(first)

    assert first == exported()


def test_it_has_hashes_and_no_secret(declare, exported):
    made = declare(WORLD).secrets
    text = exported()
    parsed = tomllib.loads(text)

    assert not any(secret in text for secret in ("correct horse", "chosen by a person", made["service"]))
    assert all(user["password_hash"].startswith("$scrypt$") for user in parsed["user"] if user["username"] == "ada")
    assert all(client["client_secret_hash"].startswith("$scrypt$") for client in parsed["client"])


def test_users_are_read_some_at_a_time(declare, exported, monkeypatch):
    """All of them, each with the companies that are theirs."""
    monkeypatch.setattr(users, "_AT_ONCE", 2)
    people = "".join(f'[[user]]\nusername = "p{n}"\ncompanies = {{ c{n} = ["member"] }}\n' for n in range(5))
    declare("".join(f'[[company]]\nslug = "c{n}"\n' for n in range(5)) + people)

    found = tomllib.loads(exported())["user"]
    assert [(f"p{n}", {f"c{n}": ["member"]}) for n in range(5)] == [(u["username"], u["companies"]) for u in found]


@pytest.mark.parametrize("name", ['say "hi"', "back\\slash", "${PASSWORD}", "$${x}", "høy 🏔", "a = 1 # b", "'''"])
def test_any_name_survives(declare, exported, world, name):
    world.company("odd", name=name)

    assert [{"slug": "odd", "name": name.replace("${", "$${")}] == tomllib.loads(exported())["company"]
    assert [] == declare(exported()).lines


def test_two_living_secrets_survive(declare, exported, world):
    declare(WORLD)
    world.execute("UPDATE client SET secret_hashes = secret_hashes || secret_hashes WHERE client_id = 'shop'")

    assert [] == declare(exported()).lines
