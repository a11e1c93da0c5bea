"""Accounts: made, given passwords that are hard to guess, switched off and on."""

import re

import pytest
from sign_in import PASSWORD

from idp.accounts import account, password_rules
from idp.accounts.account import InvalidAccount
from idp.accounts.password_rules import Reason, WeakPassword
from idp.context import settings
from idp.db import db
from idp.passwords import UnknownHash, UnusablePassword


@pytest.mark.parametrize("name", ["", "a@b", " a", "a ", "a\tb", "x" * 65, "a\0b", "a\u202eb", "a\ud800"])
def test_impossible_user_names(world, name):
    """An address, invisible characters or surrounding space make no user name."""
    with pytest.raises(InvalidAccount):
        world.person(name)


@pytest.mark.parametrize("fields", [{"email": "x"}, {"email": "a b@c"}, {"sub": ""}, {"sub": "é"}, {"sub": "x" * 256}])
def test_impossible_fields(world, fields):
    """An address has a domain; a subject is ASCII (OpenID Connect Core §2)."""
    with pytest.raises(InvalidAccount):
        world.person("anna", **fields)


def test_unreadable_hash_is_refused_at_creation(world):
    """Not at the first sign-in, when nobody is there who could mend it."""
    with pytest.raises(UnknownHash):
        world.person("anna", password=None, password_hash="$2b$12$abc")


def test_subjects_are_random_and_kept(world):
    """A subject tells nothing, never changes, and is kept when it came from another system."""
    world.person("anna")
    world.person("bert", sub="kept")
    subjects = dict(world.query("SELECT username, sub FROM user_account"))

    assert re.fullmatch(r"[\w-]{27}", subjects["anna"])
    assert "kept" == subjects["bert"]


def test_disable_and_enable(world, app):
    """A disabled person is refused and back again unchanged; repeating an act records nothing."""
    world.person("anna")
    world.disable("anna")
    world.disable("anna")
    assert 401 == world.browser().login("anna").status_code
    with app.app_context(), db.transaction():
        account.enable(account.find("ANNA"))

    assert 200 == world.browser().login("anna").status_code
    assert ["user.created", "user.disabled", "login.failure", "user.enabled"] == world.events()[:4]


def test_new_password_replaces_the_old(world, app):
    """From the moment it is set only the new one signs in."""
    anna = world.person("anna")
    with app.app_context():
        stored = account.hashed_by_the_rules(anna, "a heron on the roof")
        with db.transaction():
            account.set_password(anna, stored)

    assert 401 == world.browser().login("anna", PASSWORD).status_code
    assert 200 == world.browser().login("anna", "a heron on the roof").status_code
    assert "password.changed" in world.events()


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("14 characters!", Reason.SHORT),
        ("Manchesterunited", Reason.COMMON),
        ("1234567890987654321", Reason.COMMON),
        ("heron!heron!heron!", Reason.REPEATED),
        ("x" * 15, Reason.REPEATED),
        ("anna.lindqvist-2030", Reason.PERSONAL),
        ("Anna.Lindqvist12345", Reason.PERSONAL),
        ("mail.name.of.anna", Reason.PERSONAL),
        ("Havn-Havn-Havn2030", Reason.PRODUCT),
    ],
)
def test_weak_passwords_are_refused_with_the_reason(app, password, reason):
    """Short, common, repeated, or about the person or the product (NIST SP 800-63B-4 §3.1.1.2)."""
    with app.app_context(), pytest.raises(WeakPassword) as refusal:
        password_rules.check(password, settings(), username="anna.lindqvist", email="mail.name.of.anna@example.com")

    assert reason == refusal.value.reason


@pytest.mark.parametrize(
    "password",
    ["a heron on the roof", "zwölf Möwen im März", "anna sees a heron on the roof", "鷺が屋根の上に立っている朝の景色"],
)
def test_good_passwords_are_taken(app, password):
    """Any characters, no rules of composition."""
    with app.app_context():
        password_rules.check(password, settings(), username="anna", email="anna@example.com")


def test_impossible_password_is_no_weak_one(app):
    """NUL is refused as such."""
    with app.app_context(), pytest.raises(UnusablePassword):
        password_rules.check("a heron on the\0roof", settings(), username="anna")


def test_list_of_common_passwords():
    """NIST: passwords of known breaches; here those that are long enough to be tried at all."""
    assert 3000 <= len(password_rules.common())
    assert all(len(each) >= 15 and each == each.casefold() for each in password_rules.common())
