"""The table of decisions, through HTTP."""

import pytest
from dataset_world import GAS, HYDRO, WIND, Person, World

from resource_server.datasets.share import DEFAULT_LIFE

# Who holds which roles; `ines` owns the dataset. "-" is allowed, a word is the reason of the refusal.
PEOPLE = {
    "viewer": ("viewer",),
    "member": ("member",),
    "data_owner": ("data_owner",),
    "admin": ("admin",),
    "janitor": ("janitor",),
}
NO_SHARE = {
    "read company": dict.fromkeys(PEOPLE, "-") | {"janitor": "role"},
    "modify company": {"viewer": "role", "member": "-", "data_owner": "-", "admin": "-", "janitor": "role"},
    "read restricted": dict.fromkeys(PEOPLE, "dataset") | {"janitor": "role"},
    "modify restricted": dict.fromkeys(PEOPLE, "dataset") | {"viewer": "role", "janitor": "role"},
    "share": {"viewer": "role", "member": "dataset", "data_owner": "-", "admin": "-", "janitor": "role"},
    "mode": {"viewer": "role", "member": "dataset", "data_owner": "-", "admin": "-", "janitor": "role"},
    "owner": {"viewer": "role", "member": "dataset", "data_owner": "-", "admin": "-", "janitor": "role"},
    "delete": {"viewer": "role", "member": "dataset", "data_owner": "-", "admin": "-", "janitor": "role"},
}
READ_SHARE = NO_SHARE | {"read restricted": dict.fromkeys(PEOPLE, "-") | {"janitor": "role"}}
MODIFY_SHARE = READ_SHARE | {
    "modify restricted": dict.fromkeys(PEOPLE, "-") | {"viewer": "role", "janitor": "role"},
}
OWNER = {
    act: {role: "role" if role == "janitor" or (role == "viewer" and "read" not in act) else "-" for role in PEOPLE}
    for act in NO_SHARE
}


def attempt(who: Person, act: str, identifier: str) -> str:
    path = f"/datasets/{identifier}"
    answer = {
        "read": lambda: who.get(path),
        "modify": lambda: who.put(path, {"description": "changed"}),
        "share": lambda: who.put(f"{path}/shares/sub-mette", {"access": "read"}),
        "mode": lambda: who.put(path, {"mode": "restricted"}),
        "owner": lambda: who.put(path, {"owner": "sub-mette"}),
        "delete": lambda: who.delete(path),
    }[act.split(maxsplit=1)[0]]()
    assert answer.status_code in (200, 204, 403), answer.text
    return "-" if answer.status_code < 400 else str((answer.json or {})["reason"])


@pytest.mark.parametrize(
    ("table", "access"), [(NO_SHARE, None), (READ_SHARE, "read"), (MODIFY_SHARE, "modify"), (OWNER, "owner")]
)
@pytest.mark.parametrize("act", list(NO_SHARE))
def test_the_table(world: World, table: dict[str, dict[str, str]], access: str | None, act: str) -> None:
    """Each role, with and without a share, and as the owner."""
    found = {}
    for role, roles in PEOPLE.items():
        world.idp.members[WIND]["sub-x"]["roles"] = list(roles)
        identifier = a_dataset(world, mode="company" if act.endswith("company") else "restricted", access=access)
        found[role] = attempt(world.person("x"), act, identifier)

    assert table[act] == found


@pytest.fixture(autouse=True)
def _somebody(world: World) -> None:
    world.idp.members[WIND]["sub-x"] = {**world.idp.members[WIND]["sub-ines"], "sub": "sub-x", "username": "x"}


def a_dataset(world: World, *, mode: str, access: str | None) -> str:
    ada = world.person("ada")
    identifier = world.person("ines").create(mode=mode)
    if access == "owner":
        # A data owner does not read what is restricted, so is not shown it either.
        shown = 200 if mode == "company" else 204
        assert shown == ada.put(f"/datasets/{identifier}", {"owner": "sub-x"}).status_code
    elif access:
        assert 200 == ada.share(identifier, "x", access).status_code
    # The IdP's answer about x is remembered for 10 s, while the test changes the roles.
    world.now += 11
    return identifier


@pytest.mark.parametrize(("role", "status"), [("viewer", 403), ("member", 201), ("data_owner", 201), ("admin", 201)])
def test_who_may_create(world: World, role: str, status: int) -> None:
    assert status == world.person("ines", roles=[role]).post("/datasets", {"name": "a"}).status_code


def test_roles_of_the_operator_count_as_the_settings_say(dataset_database, world: World) -> None:
    """What no setting maps gives nothing, and is no way in beside a mapped one."""
    identifier = world.person("ines").create()
    mapping = World(dataset_database.application, roles={"analyst": "viewer"})
    analyst = mapping.person("ines", roles=["analyst"])

    assert 200 == analyst.get(f"/datasets/{identifier}").status_code
    assert ["Wind"] == analyst.names()
    assert "role" == attempt(analyst, "modify", identifier)
    assert "role" == attempt(world.person("ines", roles=["analyst"]), "read", identifier)
    assert [] == world.person("ines", roles=["analyst"]).names()
    mapping.service.database.engine.dispose()


def test_a_share_ends_at_its_second(world: World) -> None:
    ines, mette = world.person("ines"), world.person("mette")
    identifier = ines.create(mode="restricted")
    given = ines.share(identifier, "mette", expires_at="2027-01-15T09:00:30+01:00")

    assert given.json is not None
    assert "2027-01-15T08:00:30Z" == given.json["expires_at"]
    world.now += 29.999
    assert 200 == mette.get(f"/datasets/{identifier}").status_code
    assert ["Wind"] == mette.names()
    world.now += 0.001
    assert "dataset" == attempt(mette, "read", identifier)
    assert [] == mette.names()


def test_a_share_holds_for_90_days_where_no_end_is_named(world: World) -> None:
    ines = world.person("ines")
    identifier = ines.create(mode="restricted")
    ines.share(identifier, "mette")
    ines.share(identifier, "jonas", expires_at=None)
    world.now += DEFAULT_LIFE.total_seconds()

    assert "dataset" == attempt(world.person("mette"), "read", identifier)
    assert "-" == attempt(world.person("jonas"), "read", identifier)


def test_a_removed_share_counts_at_once(world: World) -> None:
    """Also for a token that was issued while it was there, and DELETE may be repeated."""
    ines, mette = world.person("ines"), world.person("mette")
    identifier = ines.create(mode="restricted")
    ines.share(identifier, "mette")
    assert 200 == mette.get(f"/datasets/{identifier}").status_code
    removed = [ines.delete(f"/datasets/{identifier}/shares/sub-mette").status_code for _ in range(2)]

    assert [204, 204] == removed
    assert "dataset" == attempt(mette, "read", identifier)
    assert [] == mette.names()


def test_a_colleague_in_another_company_is_another_person_there(world: World) -> None:
    """A consultant's roles hold in the company of the token alone."""
    hydro = world.person("kari", HYDRO).create("hydro")
    wind = world.person("ines").create("wind")

    assert ["wind"] == world.person("noor").names()
    assert ["hydro"] == world.person("noor", HYDRO).names()
    assert 404 == world.person("noor").get(f"/datasets/{hydro}").status_code
    assert 404 == world.person("noor", HYDRO).get(f"/datasets/{wind}").status_code
    assert [] == world.person("tom", GAS).names()
