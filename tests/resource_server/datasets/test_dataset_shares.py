"""Shares: who gives them, to whom, and what is written down."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from dataset_world import HYDRO, WIND, World, member

from local_postgres import Database


def test_a_share_is_shown_whole(world: World) -> None:
    ines = world.person("ines")
    identifier = ines.create(mode="restricted")
    given = ines.share(identifier, "mette", "modify", expires_at="2030-01-01T00:00:00Z")

    expected = {
        "sub": "sub-mette",
        "access": "modify",
        "expires_at": "2030-01-01T00:00:00Z",
        "given_by": "sub-ines",
        "created_at": "2027-01-15T08:00:00Z",
    }
    assert (200, expected) == (given.status_code, given.json)
    assert {"items": [expected], "next": None} == ines.get(f"/datasets/{identifier}/shares").json


def test_a_share_replaces_the_one_before(world: World) -> None:
    ines = world.person("ines")
    identifier = ines.create(mode="restricted")
    ines.share(identifier, "mette", "modify", expires_at=None)
    world.now += 5
    ines.share(identifier, "mette", "read", expires_at="2030-01-01T00:00:00Z")

    (found,) = (ines.get(f"/datasets/{identifier}/shares").json or {})["items"]
    assert ("read", "2030-01-01T00:00:00Z", "2027-01-15T08:00:05Z") == (
        found["access"],
        found["expires_at"],
        found["created_at"],
    )


def test_a_share_is_for_people_of_the_company(world: World) -> None:
    """An unknown name, a suspended member and somebody of another company are one same 404; a client may have one."""
    ines = world.person("ines")
    identifier = ines.create()
    path = f"/datasets/{identifier}/shares"
    strangers = [
        ines.put(f"{path}/{sub}", {"access": "read"})
        for sub in ("sub-nobody", "sub-gone", "sub-kari", "%00", "%FF", "a" * 5000, "..", "%2E%2E%2Fx", "sub-mette%20")
    ]

    assert {404} == {answer.status_code for answer in strangers}
    assert 1 == len({answer.data for answer in strangers})
    assert 200 == ines.put(f"{path}/wind-robot", {"access": "read"}).status_code


def test_a_steward_may_share_with_themselves_and_it_is_written_down(world: World, dataset_database: Database) -> None:
    ada = world.person("ada")
    identifier = world.person("ines").create(mode="restricted")

    assert 403 == ada.get(f"/datasets/{identifier}").status_code
    assert 200 == ada.share(identifier, "ada").status_code
    assert 200 == ada.get(f"/datasets/{identifier}").status_code
    with psycopg.connect(dataset_database.owner) as owner:
        rows = owner.execute("SELECT actor, client_id, kind, facts FROM datasets.event ORDER BY id").fetchall()
    facts = {"sub": "sub-ada", "access": "read", "expires_at": "2027-04-15T08:00:00+00:00"}
    assert [
        ("sub-ines", "portal", "dataset.created", {"mode": "restricted"}),
        ("sub-ada", "portal", "share.given", facts),
    ] == rows


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"access": "write"},
        {"access": None},
        {"access": ["read"]},
        {"access": "read", "sub": "sub-x"},
        {"access": "read", "expires_at": "2027-01-15T08:00:00Z"},  # now
        {"access": "read", "expires_at": "2020-01-01T00:00:00Z"},
        {"access": "read", "expires_at": "2030-01-01T00:00:00"},  # no zone
        {"access": "read", "expires_at": "2030-01-01"},
        {"access": "read", "expires_at": "2030-13-01T00:00:00Z"},
        {"access": "read", "expires_at": "2030-W01-1T00:00:00Z"},
        {"access": "read", "expires_at": "9999-12-31T23:59:59-23:59"},
        {"access": "read", "expires_at": "0001-01-01T00:00:00+23:59"},
        {"access": "read", "expires_at": "２０３０-01-01T00:00:00Z"},
        {"access": "read", "expires_at": "2030-01-01T00:00:00Z\n"},
        {"access": "read", "expires_at": 1_900_000_000},
        {"access": "read", "expires_at": ""},
    ],
)
def test_bad_shares_are_refused(world: World, body: object) -> None:
    ines = world.person("ines")
    identifier = ines.create()

    assert 400 == ines.put(f"/datasets/{identifier}/shares/sub-mette", body).status_code
    assert [] == (ines.get(f"/datasets/{identifier}/shares").json or {})["items"]


def test_the_list_of_shares_has_pages(world: World) -> None:
    """Each share once; a cursor leads into no other dataset."""
    ines = world.person("ines")
    identifier, other = ines.create(), ines.create()
    for name in ("mette", "jonas", "noor"):
        ines.share(identifier, name)
    path = f"/datasets/{identifier}/shares?limit=2"
    first = ines.get(path).json or {}
    second = ines.get(f"{path}&cursor={first['next']}").json or {}

    assert ["sub-jonas", "sub-mette"] == [item["sub"] for item in first["items"]]
    assert (["sub-noor"], None) == ([item["sub"] for item in second["items"]], second["next"])
    assert 400 == ines.get(f"/datasets/{other}/shares?cursor={first['next']}").status_code
    assert 400 == ines.get(f"{path[:-1]}0").status_code


def test_a_share_that_ends_while_an_upload_waits_counts_no_more(world: World, dataset_database: Database) -> None:
    """Who takes it away holds the dataset's row; the upload that waits for it sees what was committed."""
    ines, mette = world.person("ines"), world.person("mette")
    identifier = ines.create(mode="restricted")
    ines.share(identifier, "mette", "modify")
    with psycopg.connect(dataset_database.owner) as owner, ThreadPoolExecutor(1) as pool:
        owner.execute("SELECT FROM datasets.dataset FOR UPDATE")
        owner.execute("DELETE FROM datasets.share")
        upload = pool.submit(mette.upload, identifier, b"late")
        until_somebody_waits(dataset_database)
        owner.commit()

    assert 403 == upload.result(10).status_code
    assert 0 == (ines.get(f"/datasets/{identifier}").json or {})["size"]


def until_somebody_waits(database: Database) -> None:
    """Returns once a statement waits for a lock."""
    with psycopg.connect(database.owner, autocommit=True) as watcher:
        for _ in range(500):
            waiting = watcher.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchone()
            if waiting != (0,):
                return
            watcher.execute("SELECT pg_sleep(0.01)")
    pytest.fail("nobody waits")


def test_the_directory_is_asked_once_in_ten_seconds(world: World) -> None:
    """And a refused token is replaced once, without a word to the caller."""
    ines = world.person("ines")
    identifier = ines.create()
    path = "/api/v1/companies/00000001-0000-7000-8000-000000000000/members/sub-mette"
    world.idp.service_token = "members-2"
    for _ in range(3):
        ines.share(identifier, "mette")
    assert 1 == world.idp.asked.count(path)
    world.now += 10
    world.idp.service_token = "members-3"  # what the service holds is refused
    assert 200 == ines.share(identifier, "mette").status_code
    assert 3 == world.idp.asked.count(path)


def test_nothing_is_guessed_while_the_directory_is_away(world: World) -> None:
    """503 with Retry-After; what needs nobody else goes on."""
    ines = world.person("ines")
    identifier = ines.create()
    world.idp.away = True
    away = ines.share(identifier, "mette")

    assert (503, "5") == (away.status_code, away.headers["Retry-After"])
    assert 503 == ines.put(f"/datasets/{identifier}", {"owner": "sub-mette"}).status_code
    assert 200 == ines.get(f"/datasets/{identifier}").status_code
    assert [] == (ines.get(f"/datasets/{identifier}/shares").json or {})["items"]
    world.idp.away = False
    world.now += 1
    assert 200 == ines.share(identifier, "mette").status_code


def test_a_name_is_found_behind_all_that_contain_it(world: World) -> None:
    """By user name or e-mail, in any case; never by a part of it, and nobody who is suspended."""
    crowd = {f"sub-z{number}": {**member(f"z-ines-{number}", "member")} for number in range(150)}
    world.idp.members[WIND] = crowd | world.idp.members[WIND]
    directory = world.service.directory

    for known in ("ines", "INES", " ines@example.org "):
        found = directory.named(WIND, known)
        assert found is not None
        assert "sub-ines" == found.sub
    assert [None] * 4 == [directory.named(WIND, unknown) for unknown in ("ine", "", "gone", "kari")]
    assert 100 == len(directory.search(WIND, "ines"))


def test_who_may_not_share_learns_nothing_about_members(world: World) -> None:
    """The refusal comes first: the same for somebody and for nobody, and the IdP is not asked."""
    identifier = world.person("ines").create()
    mette = world.person("mette")
    for name in ("ada", "nobody"):
        assert 403 == mette.share(identifier, name).status_code
        assert 403 == mette.put(f"/datasets/{identifier}", {"owner": f"sub-{name}"}).status_code
    assert [] == [path for path in world.idp.asked if path.startswith("/api/")]


def test_leaving_the_company_ends_the_reach_of_a_share(world: World) -> None:
    """A share stays written, but a token for another company does not reach it."""
    kari = world.person("kari", HYDRO)
    identifier = kari.create(mode="restricted")
    kari.share(identifier, "noor", "modify")

    assert 200 == world.person("noor", HYDRO).get(f"/datasets/{identifier}").status_code
    assert 404 == world.person("noor").get(f"/datasets/{identifier}").status_code
