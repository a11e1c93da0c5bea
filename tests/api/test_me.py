"""What a token says about its own user."""

from actors import header, unverified

JSON = "application/json"


def listed(answer):
    return [item["slug"] for item in answer.json["items"]]


def test_me(world, askers, place):
    """The user and the active company, in the words that the scopes show."""
    world.user("eve", {place.north: ["viewer", "data_owner"]}, claims={"name": "Eve S", "given_name": "Eve"})

    answer = askers.person("eve").get("/me")

    assert 200 == answer.status_code
    found = answer.json
    assert found["company"].pop("member_ver") > 0
    assert {
        "sub": "sub-eve",
        "username": "eve",
        "name": "Eve S",
        "given_name": "Eve",
        "email": "eve@example.com",
        "email_verified": True,
        "company": {"id": str(place.north.id), "slug": "north", "name": "North", "roles": ["viewer", "data_owner"]},
    } == found
    assert "no-store" == answer.headers["Cache-Control"]


def test_me_shows_no_more_than_the_scopes(askers, place):
    """A client that was allowed to know who signed in does not learn a name, an address or a company's name here."""
    found = askers.person("ada", scope="openid").get("/me").json

    assert {"sub", "company"} == found.keys()
    assert {"id", "roles", "member_ver"} == found["company"].keys()


def test_me_without_company(world, askers):
    world.user("eve")

    assert askers.person("eve").get("/me").json["company"] is None


def test_me_in_all_companies_has_no_active_one(askers, place):
    assert askers.person("dee", company="*").get("/me").json["company"] is None


def test_my_companies_as_a_signed_statement(app, askers, place):
    """By default a JWT by the issuer with iss, sub and the whole map (OpenID Connect Core §5.6.2)."""
    dee = askers.person("dee", company="north")

    answer = dee.get("/me/companies")

    assert 200 == answer.status_code
    assert "application/jwt" == answer.content_type
    claims = app.extensions["idp"].keys.verify(answer.text, algorithms=["RS256"], typ=["JWT"])
    assert "https://id.example.com" == claims["iss"]
    assert "sub-dee" == claims["sub"]
    assert {str(place.north.id): ["viewer"], str(place.south.id): ["admin"]} == claims["companies"]
    assert {"iss", "sub", "iat", "exp", "companies"} == claims.keys()
    assert "no-store" == answer.headers["Cache-Control"]
    assert "Accept" in answer.headers["Vary"]


def test_the_statement_is_signed_as_the_clients_id_tokens_are(world, askers, place):
    world.execute("""UPDATE client SET metadata = '{"id_token_signed_response_alg": "ES256"}'""")
    world.forget_cache()

    assert "ES256" == header(askers.person("dee", company="north").get("/me/companies").text)["alg"]


def test_the_statement_is_no_token(askers, place):
    """It opens neither this API nor userinfo, and is no hint at sign-out."""
    statement = askers.person("ada").get("/me/companies").text

    assert 401 == askers.bearer(statement).get("/me").status_code
    assert 401 == askers.portal.userinfo(statement).status_code


def test_my_companies_as_pages(askers, place):
    answer = askers.person("dee", company="south").get("/me/companies", accept=JSON)

    assert 200 == answer.status_code
    assert JSON == answer.content_type
    assert {
        "items": [
            {"id": str(place.north.id), "slug": "north", "name": "North", "roles": ["viewer"]},
            {"id": str(place.south.id), "slug": "south", "name": "South", "roles": ["admin"]},
        ],
        "next": None,
    } == answer.json


def test_pages_and_statement_are_the_same(world, askers):
    """Pages of any size are the whole list; the statement is never paged."""
    companies = [world.company(f"company-{number}") for number in range(35)]
    world.user("eve", companies)
    eve = askers.person("eve", company="company-3")

    whole = {str(company.id): ["member"] for company in companies}
    assert whole == unverified(eve.get("/me/companies", limit=2).text)["companies"]
    for limit in (1, 17, 34, 35, 100):
        pages = eve.pages("/me/companies", accept=JSON, limit=limit)
        assert whole == {item["id"]: item["roles"] for items in pages for item in items}
        assert -(-35 // limit) == len(pages)


NEGOTIATED = [
    (None, "application/jwt"),
    ("*/*", "application/jwt"),
    ("application/*", "application/jwt"),
    ("application/jwt", "application/jwt"),
    ("application/jwt, application/json", "application/jwt"),
    ("application/json;q=0.5, application/jwt", "application/jwt"),
    ("application/json;q=0, */*", "application/jwt"),
    ("text/html, image/gif, *; q=.2, */*; q=.2", "application/jwt"),
    ("text/html", "application/jwt"),
    ("", "application/jwt"),
    (";;q=,", "application/jwt"),
    ("application/json;q=x", "application/jwt"),
    ("application/json", "application/json"),
    ("APPLICATION/JSON", "application/json"),
    ("application/json; charset=utf-8", "application/json"),
    ("application/json, application/jwt;q=0.9", "application/json"),
    ("application/json, */*;q=0.1", "application/json"),
    ("application/json, text/plain, */*", "application/json"),
]


def test_the_form_is_negotiated(askers, place):
    """JSON for who prefers it (RFC 9110 §12.5.1), the statement for everybody else."""
    ada = askers.person("ada")

    for accept, mimetype in NEGOTIATED:
        answer = ada.get("/me/companies", accept=accept)
        assert 200 == answer.status_code
        assert mimetype == answer.mimetype, accept


def test_walled_companies_are_not_listed(world, askers, place):
    west = world.company("west", walled=True)
    world.join(place.ada, west, "member")
    ada = askers.person("ada", company="north")

    assert ["north"] == listed(ada.get("/me/companies", accept=JSON))
    assert [str(place.north.id)] == list(unverified(ada.get("/me/companies").text)["companies"])


def test_no_other_company_is_named_while_a_walled_one_is_active(world, askers, place):
    west = world.company("west", walled=True)
    world.join(place.ada, west, "member")
    ada = askers.person("ada", company="west")

    assert [] == listed(ada.get("/me/companies", accept=JSON))
    assert {} == unverified(ada.get("/me/companies").text)["companies"]
    assert "west" == ada.get("/me").json["company"]["slug"]


def test_only_where_the_user_may_act_now(world, askers, place):
    """A suspended membership and a disabled company are no company of the user's."""
    west = world.company("west")
    world.join(place.dee, west, "member")
    dee = askers.person("dee", company="*")

    world.execute("UPDATE member SET suspended_at = now() WHERE company_id = %(north)s", north=place.north.id)
    world.execute("UPDATE company SET disabled_at = now() WHERE slug = 'south'")

    assert ["west"] == listed(dee.get("/me/companies", accept=JSON))
    assert [str(west.id)] == list(unverified(dee.get("/me/companies").text)["companies"])


def test_bad_pages_are_refused_only_where_there_are_pages(askers, place):
    ada = askers.person("ada")

    assert 400 == ada.get("/me/companies", accept=JSON, limit="x").status_code
    assert 400 == ada.get("/me/companies", accept=JSON, cursor="x").status_code
