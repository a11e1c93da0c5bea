"""`idp apply`: what is declared becomes what is, in place, and nothing else changes."""

import base64
import hashlib
import re

from actors import PASSWORD, Client, unverified

from tests.declared.sample import TABLES, WORLD

ADA = '[[user]]\nusername = "ada"\n'
SERVICE = "client_name, grant_types, response_types, may_act, may_impersonate, company, roles, client_secret"
SHOP = "client_name, redirect_uris, grant_types, scope, client_name#nb, resources, consent, require_pkce, client_secret"
ACME = '[[company]]\nslug = "acme"\n'

SHOPPING = """
[[client]]
client_id = "shop"
redirect_uris = ["https://shop.example/cb"]
client_secret = "chosen by a person"
consent = "implied"
"""


def shop(app):
    return Client(app, "shop", "chosen by a person", redirect_uri="https://shop.example/cb")


def test_everything_is_made_and_each_thing_is_one_line(declare):
    assert [
        "+ company acme: name, policy",
        "+ company umbrella: name",
        "+ user ada: email, email_verified, name, phone_number_verified, address, companies, password",
        "+ user root: operator",
        "+ resource https://data.example.com: name, scopes, clients, authorization_details",
        f"+ client shop: {SHOP}",
        f"+ client service: {SERVICE}",
    ] == declare(WORLD).lines


def test_applied_again_it_changes_nothing_not_even_a_version(declare, rows):
    declare(WORLD)
    before = {table: rows(table) for table in TABLES}
    again = declare(WORLD)

    assert [] == again.lines
    assert {} == again.secrets
    assert before == {table: rows(table) for table in TABLES}


def test_a_change_is_made_in_place(declare, world):
    declare(WORLD)
    ids = world.execute("SELECT id, sub FROM user_account WHERE username = 'ada'")
    changed = declare(WORLD.replace("Ada Lovelace", "Ada King").replace('name = "Acme"', 'name = "Acme Ltd"'))

    assert ["~ company acme: name", "~ user ada: name"] == changed.lines
    assert ids == world.execute("SELECT id, sub FROM user_account WHERE claims->>'name' = 'Ada King'")


def test_a_line_that_is_taken_out_has_its_default_again(declare, world):
    declare(ACME + "disabled = true\npolicy = { walled = true }\n")

    assert ["~ company acme: policy, disabled"] == declare(ACME).lines
    assert [({}, None)] == world.execute("SELECT policy, disabled_at FROM company")


def test_a_password_counts_only_when_the_user_is_made(declare, world):
    declare(WORLD)
    before = world.execute("SELECT password FROM user_account WHERE username = 'ada'")

    assert [] == declare(WORLD, PASSWORD="something else").lines
    assert before == world.execute("SELECT password FROM user_account WHERE username = 'ada'")


def test_a_declared_person_signs_in_at_a_declared_client(declare, browser, app):
    declare(SHOPPING + ADA + 'password = "${PASSWORD}"', PASSWORD=PASSWORD)

    assert "code" in browser.authorize(shop(app), user="ada")


def test_a_declared_secret_authenticates_and_another_one_replaces_it(declare, app):
    declare(WORLD.replace('company = "acme"', 'client_secret = "first secret"'))
    assert 200 == _token(app, "service", "first secret").status_code

    changed = declare(WORLD.replace('company = "acme"', 'client_secret = "second secret"'))
    assert ["~ client service: client_secret"] == changed.lines
    assert 200 == _token(app, "service", "second secret").status_code
    assert 401 == _token(app, "service", "first secret").status_code


def test_a_secret_that_nobody_chose_is_made_and_told_once(declare, app):
    made = declare(WORLD).secrets

    assert ["service"] == list(made)
    assert 200 == _token(app, "service", made["service"]).status_code
    assert {} == declare(WORLD).secrets


def test_the_companies_of_a_listed_user_are_complete(declare, world):
    declare(WORLD)
    changed = declare(WORLD.replace("companies = { acme", "companies = { umbrella = ['viewer'] } # "))

    assert ["~ user ada: companies"] == changed.lines
    assert [("umbrella", ["viewer"], None)] == world.execute(
        "SELECT slug, roles, suspended_at FROM member JOIN company ON company.id = company_id"
    )


def test_the_version_of_a_membership_moves_only_when_that_membership_changes(declare, world):
    declare(WORLD)
    before = _versions(world)
    declare(WORLD.replace('"data_owner", "admin"', '"admin"'))
    after = _versions(world)

    assert after["umbrella"] == before["umbrella"]
    assert after["acme"] > max(before.values())


def test_the_version_grows_over_leaving_and_rejoining(declare, world):
    declare(WORLD)
    before = max(_versions(world).values())
    declare(WORLD.replace("companies = { acme", "companies = {} # "))
    declare(WORLD)

    assert min(_versions(world).values()) > before


def test_what_is_not_listed_is_left_alone(declare, world):
    world.user("visitor", [world.company("other")])
    declare(WORLD)

    assert [] == declare(ACME + 'name = "Acme"\npolicy = { second_factor = true, max_session = "12h" }').lines
    assert 3 == world.count("user_account")


def test_prune_removes_what_was_declared_before_and_nothing_else(declare, world):
    world.user("visitor", [world.company("other")])
    declare(WORLD)
    pruned = declare(ACME, prune=True)

    assert [
        "~ company acme: name, policy",
        f"- client service: {SERVICE}",
        f"- client shop: {SHOP}",
        "- resource https://data.example.com: name, scopes, clients, authorization_details",
        "- user ada: email, email_verified, name, phone_number_verified, address, companies, sub, password_hash",
        "- user root: operator, sub",
        "- company umbrella: name",
    ] == pruned.lines
    assert [("visitor",)] == world.execute("SELECT username FROM user_account")
    assert [("acme",), ("other",)] == world.execute("SELECT slug FROM company ORDER BY slug")
    assert [] == declare(ACME, prune=True).lines


def test_a_plan_says_the_same_and_changes_nothing(declare, rows):
    before = {table: rows(table) for table in TABLES}
    planned = declare(WORLD, plan=True)

    assert {} == planned.secrets
    assert before == {table: rows(table) for table in TABLES}
    assert planned.lines == declare(WORLD).lines


def test_the_password_and_subject_of_another_system_are_kept(declare, browser, app):
    value = hashlib.scrypt(PASSWORD.encode(), salt=b"saltsaltsalt", n=2**14, r=8, p=1, dklen=64).hex()
    declare(SHOPPING + ADA + f'password_hash = "scrypt:16384:8:1$saltsaltsalt${value}"\nsub = "legacy-1"\n')
    tokens = shop(app).tokens(browser, user="ada")

    assert "legacy-1" == unverified(tokens["id_token"])["sub"]


def test_a_disabled_thing_is_enabled_again_by_the_default(declare, world):
    declare(ADA + "disabled = true")
    disabled = world.execute("SELECT disabled_at IS NOT NULL FROM user_account")

    assert [(True,)] == disabled
    assert ["~ user ada: disabled"] == declare(ADA).lines
    assert [(False,)] == world.execute("SELECT disabled_at IS NOT NULL FROM user_account")


def test_administration_leaves_security_events(declare, world):
    declare(WORLD)

    assert {"company.created", "user.created", "member.joined", "member.changed", "client.created"} <= set(
        world.events()
    )


def _versions(world):
    return dict(world.execute("SELECT slug, version FROM member JOIN company ON company.id = company_id"))


def _token(app, client_id, secret):
    basic = base64.b64encode(f"{client_id}:{secret.replace(' ', '+')}".encode()).decode()
    return app.test_client().post(
        "/oauth2/token", data={"grant_type": "client_credentials"}, headers={"Authorization": f"Basic {basic}"}
    )


def test_a_client_that_registered_itself_is_given_an_audience(declare, exported, world):
    """Its exported table with `resources`: the secret and the token with which it manages itself stay."""
    declare(
        '[[resource]]\nuri = "https://data.example.com"\n'
        '[[client]]\nclient_id = "own"\ngrant_types = ["client_credentials"]\n'
    )
    world.execute("UPDATE client SET registration_token = 'x'")
    before = world.execute("SELECT secret_hashes FROM client")
    table = re.sub(r"(?m)^(client_id = .*)$", r'\1\nresources = ["https://data.example.com"]', exported())

    assert ["~ client own: resources"] == declare(table).lines
    assert before == world.execute("SELECT secret_hashes FROM client")
    assert [(b"x",)] == world.execute("SELECT registration_token FROM client")
