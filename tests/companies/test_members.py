"""Members come, change and go; the version says so."""

import pytest

from idp.companies import company as companies
from idp.companies import policy
from idp.companies.models import Member
from idp.db import db


@pytest.fixture
def acme(world):
    return world.company("acme")


@pytest.fixture
def member(app, acme):
    """Read, act on and commit one membership."""

    def act(user, act, *args, **kwargs):
        with app.app_context(), db.transaction():
            found = db.session.get_one(Member, (acme.id, user.id))
            act(found, *args, **kwargs)

    return act


def test_a_change_raises_the_version_and_no_change_does_not(world, acme, member):
    ada = world.user("ada", {acme: ["member"]})
    first = _version(world)
    member(ada, companies.change, roles=["member"], suspended=False)
    assert first == _version(world)

    member(ada, companies.change, roles=["viewer"], suspended=False)
    assert first < _version(world)


def test_suspending_and_resuming_raise_the_version(world, acme, member):
    ada = world.user("ada", {acme: ["member"]})
    versions = [_version(world)]
    for suspended in (True, False):
        member(ada, companies.change, roles=["member"], suspended=suspended)
        versions.append(_version(world))

    assert sorted(set(versions)) == versions


def test_the_operator_may_remove_the_last_admin(world, acme, member):
    ada = world.user("ada", {acme: ["admin"]})
    member(ada, companies.remove)

    assert 0 == world.count("member")
    assert ["member.left"] == world.events()


def test_memberships_are_the_active_ones_by_name(app, world, acme):
    user = world.user("ada", {acme: ["admin", "member"], world.company("b", name="Aardvark", walled=True): ["viewer"]})
    off = world.company("off")
    world.join(user, off)
    world.execute("UPDATE company SET disabled_at = now() WHERE slug = 'off'")
    world.join(user, world.company("gone"))
    world.execute("UPDATE member SET suspended_at = now() FROM company WHERE id = company_id AND slug = 'gone'")
    with app.app_context():
        found = companies.memberships(user.id)

    assert [("b", ("viewer",), True), ("acme", ("admin", "member"), False)] == [
        (each.slug, each.roles, each.walled) for each in found
    ]


def test_a_company_is_found_by_slug_and_by_the_one_spelling_of_its_id(app, acme):
    with app.app_context():
        assert acme.id == companies.find("acme").id
        assert acme.id == companies.find(str(acme.id)).id
        assert companies.find(str(acme.id).upper()) is None
        assert companies.find(acme.id.hex) is None
        assert companies.find("none") is None


@pytest.mark.parametrize(
    ("roles", "allowed"), [(["admin"], True), (["member", "admin"], True), (["data_owner"], False), ([], False)]
)
def test_only_an_admin_reads_the_members(roles, allowed):
    assert allowed is policy.may(roles, "members.read")


def _version(world):
    [(version,)] = world.execute("SELECT max(version) FROM member")
    return version
