"""The members of a company: who may ask, and what they learn."""

import pytest

from idp.companies import policy

ROLES = ["viewer", "member", "data_owner", "admin", "auditor"]


def test_admin_sees_the_members(world, askers, place):
    """People and the company's own clients, each in one shape."""
    world.client("robot", company_id=place.north.id, roles=["viewer"], client_name="Robot")

    answer = askers.person("ada").get("/companies/north/members")

    assert 200 == answer.status_code
    assert {"company_id", "items", "next"} == answer.json.keys()
    assert str(place.north.id) == answer.json["company_id"]
    assert ["sub-ada", "sub-bo", "sub-dee", "robot"] == [item["sub"] for item in answer.json["items"]]
    ada, robot = answer.json["items"][0], answer.json["items"][3]
    assert ada.pop("member_ver") > 0
    assert {
        "sub": "sub-ada",
        "username": "ada",
        "name": "Ada",
        "email": "ada@example.com",
        "roles": ["admin", "data_owner"],
        "suspended": False,
    } == ada
    assert {
        "sub": "robot",
        "username": "robot",
        "name": "Robot",
        "email": None,
        "roles": ["viewer"],
        "member_ver": 0,
        "suspended": False,
    } == robot
    assert "no-store" == answer.headers["Cache-Control"]


def test_id_and_slug_name_the_same_company(askers, place):
    """A company answers by id in the one spelling that we print, and by slug."""
    ada = askers.person("ada")

    by_id = ada.get(f"/companies/{place.north.id}/members")

    assert by_id.json == ada.get("/companies/north/members").json
    for other in (str(place.north.id).upper(), place.north.id.hex, f"{{{place.north.id}}}", "NORTH"):
        assert 404 == ada.get(f"/companies/{other}/members").status_code


def test_one_member(world, askers, place):
    """A member by subject is the same item as in the list; a client by its client_id."""
    world.client("robot", company_id=place.north.id)
    ada = askers.person("ada")
    listed = {item["sub"]: item for item in ada.get("/companies/north/members").json["items"]}

    for sub in ("sub-bo", "robot"):
        answer = ada.get(f"/companies/north/members/{sub}")
        assert 200 == answer.status_code
        assert listed[sub] == answer.json


def test_an_imported_subject_may_hold_a_slash(world, askers, place):
    world.user("eve", [place.north], sub="saml/eve@x|1")

    assert "eve" == askers.person("ada").get("/companies/north/members/saml%2Feve@x%7C1").json["username"]


@pytest.mark.parametrize("role", ROLES)
def test_the_role_decides(world, askers, place, role):
    """Who may is what the company policy says of the role, in a token for one company and in one for all."""
    world.user("eve", {place.north: [role], place.south: ["viewer"]})
    expected = 200 if policy.may([role], "members.read") else 403

    for company in ("north", "*"):
        eve = askers.person("eve", company=company)
        assert expected == eve.get("/companies/north/members").status_code
        assert expected == eve.get("/companies/north/members/sub-bo").status_code


def test_another_company_is_no_company(askers, place):
    """An admin of one company gets for another one's pages what a company that does not exist gives."""
    cy = askers.person("cy")

    for path in ("/members", "/members/sub-bo", "/members/sub-cy"):
        foreign = cy.get(f"/companies/north{path}")
        missing = cy.get(f"/companies/nowhere{path}")
        assert 404 == foreign.status_code
        assert missing.data == foreign.data
        assert missing.headers.to_wsgi_list() == foreign.headers.to_wsgi_list()


def test_the_active_company_alone(askers, place):
    """Dee is admin in the south, but her token works for the north."""
    dee = askers.person("dee", company="north")

    assert 403 == dee.get("/companies/north/members").status_code
    assert 404 == dee.get("/companies/south/members").status_code


def test_a_token_for_all_companies(askers, place):
    """The role in the company that is asked about counts, not the one in another."""
    dee = askers.person("dee", company="*")

    assert 403 == dee.get("/companies/north/members").status_code
    assert 200 == dee.get("/companies/south/members").status_code
    assert 404 == dee.get("/companies/nowhere/members").status_code


def test_a_token_for_all_companies_reaches_no_walled_one(world, askers, place):
    """It does not name a walled company, so it does not act there."""
    west = world.company("west", walled=True)
    world.join(place.ada, west, "admin")

    assert 404 == askers.person("ada", company="*").get("/companies/west/members").status_code
    assert 200 == askers.person("ada", company="west").get("/companies/west/members").status_code


def test_a_user_without_company_sees_none(world, askers, place):
    world.user("eve")

    assert 404 == askers.person("eve").get("/companies/north/members").status_code


def test_a_client_in_its_company(askers, place):
    """A company's own client asks with its own roles."""
    admin = askers.machine("backoffice", company_id=place.north.id, roles=["admin"])
    member = askers.machine("robot", company_id=place.north.id, roles=["member"])

    assert 200 == admin.get("/companies/north/members").status_code
    assert 404 == admin.get("/companies/south/members").status_code
    assert 403 == member.get("/companies/north/members").status_code


def test_a_clients_roles_are_read_now(world, askers, place):
    """A client that is no admin any more is refused, whatever its token says."""
    admin = askers.machine("backoffice", company_id=place.north.id, roles=["admin"])

    world.execute("UPDATE client SET roles = '{member}' WHERE client_id = 'backoffice'")
    world.forget_cache()

    assert 403 == admin.get("/companies/north/members").status_code


def test_a_resource_server_sees_every_company(world, askers, place):
    """A client that acts as a resource server needs other people's roles; it need not register the scope."""
    world.resource("https://data.example", "data-service")
    service = askers.machine("data-service", scopes=[])

    for company, sub in ((place.north, "sub-bo"), (place.south, "sub-cy")):
        assert 200 == service.get(f"/companies/{company.id}/members").status_code
        assert sub == service.get(f"/companies/{company.id}/members/{sub}").json["sub"]
    assert 404 == service.get("/companies/north/members/sub-cy").status_code
    assert 404 == service.get("/companies/nowhere/members").status_code

    world.execute("UPDATE resource SET clients = '{}'")
    world.forget_cache()
    assert 404 == service.get("/companies/north/members").status_code


def test_a_resource_servers_client_is_nobody_special_for_a_person(world, askers, place):
    """With a person's token the client acts for that person, even if it is a resource server elsewhere."""
    world.resource("https://data.example", "portal")

    assert 404 == askers.person("cy").get("/companies/north/members").status_code
    assert 403 == askers.person("bo").get("/companies/north/members").status_code


def test_who_may_not_act_is_suspended(world, askers, place):
    """Suspended in the company, disabled altogether, a disabled client: all read as suspended, with their roles."""
    world.client("robot", company_id=place.north.id, disabled_at=world.app.extensions["idp"].now())
    world.execute("UPDATE member SET suspended_at = now() WHERE user_id = %(bo)s", bo=place.bo.id)
    world.execute("UPDATE user_account SET disabled_at = now() WHERE id = %(dee)s", dee=place.dee.id)

    items = askers.person("ada").get("/companies/north/members").json["items"]

    assert [False, True, True, True] == [item["suspended"] for item in items]
    assert ["member"] == items[1]["roles"]


def test_suspension_of_the_admin_counts_at_once(world, askers, place):
    """A suspended admin's token is worth nothing from then on."""
    one, all_ = askers.person("ada", company="north"), askers.person("ada", company="*")

    world.execute("UPDATE member SET suspended_at = now() WHERE user_id = %(ada)s", ada=place.ada.id)

    assert 401 == one.get("/companies/north/members").status_code
    assert 404 == all_.get("/companies/north/members").status_code


def test_a_disabled_company_is_gone(world, askers, place):
    world.resource("https://data.example", "data-service")
    service = askers.machine("data-service")

    world.execute("UPDATE company SET disabled_at = now() WHERE slug = 'north'")

    assert 404 == service.get("/companies/north/members").status_code
    assert 404 == service.get("/companies/north/members/sub-bo").status_code


def test_an_address_that_was_not_proved_is_not_shown(world, askers, place):
    """Whoever shares with an address must not reach somebody who merely claims it."""
    world.execute("UPDATE user_account SET email_verified_at = NULL WHERE id = %(bo)s", bo=place.bo.id)
    ada = askers.person("ada")

    assert ada.get("/companies/north/members/sub-bo").json["email"] is None
    assert [] == ada.get("/companies/north/members", q="bo@example.com").json["items"]


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("ADA", ["sub-ada"]),
        ("@example", ["sub-ada", "sub-bo", "sub-dee", "sub-eve"]),
        ("ström", ["sub-eve"]),
        ("STRÖM", ["sub-eve"]),
        ("robo", ["robot"]),
        ("Machine", ["robot"]),
        ("%", []),
        ("_", []),
        ("\\", []),
        ("sub-", []),
        ("", ["sub-ada", "sub-bo", "sub-dee", "sub-eve", "robot"]),
    ],
)
def test_search(world, askers, place, q, found):
    """A part of user name, name or address, in any case; nothing in it is a wildcard."""
    world.user("eve", [place.north], claims={"name": "Eve Ström"})
    world.client("robot", company_id=place.north.id, client_name="The machine")

    items = askers.person("ada").get("/companies/north/members", q=q).json["items"]

    assert found == [item["sub"] for item in items]


def test_pages_hold_everyone_once(world, askers, place):
    """Keyset pages over people and clients, of any size, are the whole list; the last one has no next."""
    for number in range(4):
        world.user(f"p{number}", [place.north])
        world.client(f"c{number}", company_id=place.north.id)
    ada = askers.person("ada")
    for q, expected in (("", 11), ("1", 2), ("EXAMPLE", 7)):
        (whole,) = ada.pages("/companies/north/members", q=q)
        assert expected == len(whole)
        for limit in (1, 2, 3, 10, 11):
            pages = ada.pages("/companies/north/members", q=q, limit=limit)
            assert whole == [item for items in pages for item in items]
            assert {limit} >= {len(items) for items in pages[:-1]}
            assert 1 <= len(pages[-1]) <= limit


def test_a_member_who_leaves_between_pages_moves_nobody(world, askers, place):
    """The next page begins behind the last item, also when that one is gone."""
    ada = askers.person("ada")
    first = ada.get("/companies/north/members", limit=2).json

    world.execute("DELETE FROM member WHERE user_id = %(bo)s", bo=place.bo.id)

    second = ada.get("/companies/north/members", limit=2, cursor=first["next"]).json
    assert ["sub-dee"] == [item["sub"] for item in second["items"]]


def test_a_cursor_is_for_one_person_and_one_list(world, askers, place, clock):
    """Another person's, another list's, an altered, an invented one and one from yesterday are refused."""
    world.join(place.bo, place.south, "admin")
    world.execute("UPDATE member SET roles = '{admin}'")
    ada, dee = askers.person("ada"), askers.person("dee", company="*")
    cursor = ada.get("/companies/north/members", limit=1).json["next"]
    listed = dee.get("/me/companies", accept="application/json", limit=1).json["next"]

    assert 200 == ada.get("/companies/north/members", cursor=cursor).status_code
    assert 400 == dee.get("/companies/north/members", cursor=cursor).status_code
    assert 400 == dee.get("/companies/south/members", cursor=cursor).status_code
    assert 400 == dee.get("/companies/north/members", cursor=listed).status_code
    for wrong in (cursor[:-2], cursor + "A", cursor.upper(), "null", "0", "ø", "x" * 5000):
        assert 400 == ada.get("/companies/north/members", cursor=wrong).status_code
    clock.advance(days=1, seconds=1)
    assert 400 == askers.person("ada").get("/companies/north/members", cursor=cursor).status_code


@pytest.mark.parametrize("limit", ["0", "101", "-1", "+1", "1.0", "1e1", " 1", "1_0", "٣", "0x1", "9" * 400, "x"])
def test_a_bad_limit_is_refused(askers, place, limit):
    answer = askers.person("ada").get("/companies/north/members", limit=limit)

    assert 400 == answer.status_code
    assert "limit is a number from 1 to 100" == answer.json["detail"]


def test_a_parameter_comes_once(askers, place):
    ada = askers.person("ada")

    for query in ({"limit": [1, 2]}, {"q": ["a", "a"]}, {"cursor": ["a", "b"]}):
        assert 400 == ada.get("/companies/north/members", **query).status_code


def test_a_page_takes_one_statement_beside_the_tokens_own(app, askers, place):
    """However many members: the token is judged by one statement, the page read by another."""
    from idp.db import db

    ada = askers.person("ada")
    ada.get("/companies/north/members")
    counted = []
    original = type(db).hot
    try:
        type(db).hot = lambda self: counted.append(1) or original(self)
        ada.get("/companies/north/members")
    finally:
        type(db).hot = original

    assert 2 == len(counted)
