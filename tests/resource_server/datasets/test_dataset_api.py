"""The API of datasets: what goes in and what comes out."""

import pytest
from dataset_world import AUDIENCE, GAS, HYDRO, ISSUER, WIND, World

from local_postgres import Database


def test_a_new_dataset_is_shown_whole(world: World) -> None:
    """The active company has it, the caller owns it, and it is empty."""
    made = world.person("ines").post("/datasets", {"name": "Wind 2026", "description": "Ten turbines"})

    assert 201 == made.status_code
    assert made.json is not None
    identifier = made.json["id"]
    assert f"{AUDIENCE}/datasets/{identifier}" == made.headers["Location"]
    assert {
        "id": identifier,
        "company_id": WIND,
        "name": "Wind 2026",
        "description": "Ten turbines",
        "mode": "company",
        "owner": "sub-ines",
        "media_type": "application/octet-stream",
        "size": 0,
        "created_at": "2027-01-15T08:00:00Z",
        "updated_at": "2027-01-15T08:00:00Z",
    } == made.json
    assert made.json == world.person("jonas").get(f"/datasets/{identifier}").json


def test_put_changes_what_it_names(world: World) -> None:
    """PUT is partial; only `updated_at` moves besides."""
    ines = world.person("ines")
    identifier = ines.create("Wind", description="old")
    before = ines.get(f"/datasets/{identifier}").json
    world.now += 60
    after = ines.put(f"/datasets/{identifier}", {"name": "Wind 2", "mode": "restricted"}).json

    assert before is not None
    assert {**before, "name": "Wind 2", "mode": "restricted", "updated_at": "2027-01-15T08:01:00Z"} == after


def test_a_new_owner_is_an_active_member(world: World) -> None:
    """Others, the suspended and people of other companies are one same 404, and nothing changes."""
    ines = world.person("ines")
    identifier = ines.create()
    for owner in ("sub-gone", "sub-kari", "sub-nobody"):
        assert 404 == ines.put(f"/datasets/{identifier}", {"owner": owner, "name": "X"}).status_code
    given = ines.put(f"/datasets/{identifier}", {"owner": "sub-mette"})

    assert given.json is not None
    assert ("sub-mette", "Wind") == (given.json["owner"], given.json["name"])
    assert 403 == ines.delete(f"/datasets/{identifier}").status_code
    assert 204 == world.person("mette").delete(f"/datasets/{identifier}").status_code


def test_delete_takes_everything_along(world: World) -> None:
    """Afterwards the id is nobody's, on every route."""
    ada = world.person("ada")
    identifier = ada.create()
    ada.upload(identifier, b"a,b")
    ada.share(identifier, "jonas")

    assert 204 == ada.delete(f"/datasets/{identifier}").status_code
    for path in ("", "/content", "/shares", "/explain?action=read"):
        assert 404 == ada.get(f"/datasets/{identifier}{path}").status_code


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": ""},
        {"name": "x" * 201},
        {"name": "a\x00b"},
        {"name": "a\nb"},
        {"name": "a\u202eb"},
        {"name": "a\u2028b"},
        *({"name": blank * 3} for blank in " \u00a0\u200b\u200f\u061c\u2028\u2029\u0301\u2800\u3164"),
        {"name": "\u200b \u200f"},
        {"name": 7},
        {"name": None},
        {"name": "x", "mode": "public"},
        {"name": "x", "owner": "sub-ines"},
        {"name": "x", "company_id": HYDRO},
        [],
    ],
)
def test_a_bad_body_is_refused(world: World, body: object) -> None:
    answer = world.person("ines").post("/datasets", body)

    assert 400 == answer.status_code
    assert "application/problem+json" == answer.content_type
    assert [] == world.person("ines").names()


@pytest.mark.parametrize(
    ("data", "content_type", "status"),
    [
        (b'{"name": "a", "name": "b"}', "application/json", 400),
        (b'{"name": "\\ud800"}', "application/json", 400),
        (b'{"name": "a\xff"}', "application/json", 400),
        (b'{"name": NaN}', "application/json", 400),
        (b"[" * 60_000, "application/json", 400),
        (b'{"name": ' + b"9" * 60_000 + b"}", "application/json", 400),
        (b"", "application/json", 400),
        (b'{"name": "a"}', "text/plain", 415),
        (b'{"name": "' + b"a" * 65_536 + b'"}', "application/json", 413),
    ],
)
def test_what_is_no_json_is_refused(world: World, data: bytes, content_type: str, status: int) -> None:
    answer = world.person("ines").post("/datasets", data=data, content_type=content_type)

    assert status == answer.status_code


def test_only_the_token_says_who_and_where(world: World) -> None:
    """Headers and query are not believed about the company or the person."""
    ines = world.person("ines")
    headers = {"X-Company-Id": HYDRO, "X-User": "sub-kari", "X-Forwarded-User": "sub-kari"}
    made = ines.post(f"/datasets?company={HYDRO}&sub=sub-kari", {"name": "a"}, headers=headers)

    assert made.json is not None
    assert (WIND, "sub-ines") == (made.json["company_id"], made.json["owner"])


def test_a_list_has_pages(world: World) -> None:
    """Each item once, in order, however the pages are cut; the last page has no next."""
    ines = world.person("ines")
    for name in ("d", "b", "a", "c", "b"):
        world.now += 1
        ines.create(name)
    for sort, expected in {"name": "abbcd", "-name": "dcbba", "created_at": "dbacb", "-created_at": "bcabd"}.items():
        seen, cursor = "", ""
        while True:
            page = ines.get(f"/datasets?limit=2&sort={sort}{cursor}").json
            assert page is not None
            assert {"items", "next"} == page.keys()
            seen += "".join(item["name"] for item in page["items"])
            if page["next"] is None:
                break
            cursor = f"&cursor={page['next']}"
        assert expected == seen


def test_a_cursor_is_bound_to_its_person_and_order(world: World) -> None:
    ines = world.person("ines")
    for name in "abc":
        ines.create(name)
    page = ines.get("/datasets?limit=1").json
    assert page is not None
    cursor = page["next"]

    assert 200 == ines.get(f"/datasets?limit=1&cursor={cursor}").status_code
    assert 400 == world.person("mette").get(f"/datasets?limit=1&cursor={cursor}").status_code
    assert 400 == ines.get(f"/datasets?limit=1&sort=-name&cursor={cursor}").status_code
    assert 400 == ines.get(f"/datasets?limit=1&cursor={cursor[:-2]}AA").status_code


def test_a_cursor_has_one_spelling(world: World) -> None:
    """Base64 leaves bits over at its end, and padding can be added: neither makes the same cursor."""
    ines = world.person("ines")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for name in ("a", "ab", "abc", "abcd"):
        ines.create(name)
    cursors = [(ines.get(f"/datasets?limit={many}").json or {})["next"] for many in (1, 2, 3)]
    (cursor, *_rest) = [one for one in cursors if len(one) % 4]
    last = alphabet.index(cursor[-1])

    assert 200 == ines.get(f"/datasets?cursor={cursor}").status_code
    for other in (cursor[:-1] + alphabet[last + 1], cursor + "=" * (-len(cursor) % 4), cursor + "="):
        assert 400 == ines.get(f"/datasets?cursor={other}").status_code


def test_a_list_is_filtered(world: World) -> None:
    ines, mette = world.person("ines"), world.person("mette")
    ines.create("Wind 100%", description="Turbine")
    ines.create("Gas_flow", mode="restricted")
    mette.create("Gasometer")

    assert ["Gas_flow", "Gasometer"] == ines.names("?q=gas")
    assert ["Wind 100%"] == ines.names("?q=turb")
    assert ["Wind 100%"] == ines.names("?q=100%25")
    assert [] == ines.names("?q=G_s")
    assert ["Gasometer"] == ines.names("?owner=sub-mette")
    assert ["Gas_flow"] == ines.names("?mode=restricted")
    assert ["Gasometer", "Wind 100%"] == mette.names()


@pytest.mark.parametrize(
    "query",
    [
        "limit=0", "limit=101", "limit=-1", "limit=a", "limit=", "limit=1&limit=2", "limit=%EF%BC%91",
        "cursor=", "cursor=x", "cursor=%C3%A4", "sort=size", "sort=", "mode=public", "mode=", "owner=", "owner=%0A",
        "q=%00", "q=%FF", "q=a&q=b", "q=" + "x" * 201,
    ],
)  # fmt: skip
def test_bad_list_parameters_are_refused(world: World, query: str) -> None:
    assert 400 == world.person("ines").get(f"/datasets?{query}").status_code


def test_a_token_without_a_company_sees_nothing(world: World) -> None:
    """The list is empty, creating is forbidden, the rest does not exist."""
    identifier = world.person("ines").create()
    lonely = world.person("ines", None)

    assert [] == lonely.names()
    refused = lonely.post("/datasets", {"name": "x"})
    assert (403, "company") == (refused.status_code, (refused.json or {})["reason"])
    assert 404 == lonely.get(f"/datasets/{identifier}").status_code


def test_a_token_for_all_companies_does_everything_but_create(world: World) -> None:
    wind, hydro = world.person("ines").create("wind"), world.person("kari", HYDRO).create("hydro")
    gas = world.person("tom", GAS).create("gas")
    noor = world.everywhere("noor")

    assert ["hydro", "wind"] == noor.names()
    assert 200 == noor.put(f"/datasets/{wind}", {"name": "wind 2"}).status_code
    assert 200 == noor.get(f"/datasets/{hydro}").status_code
    assert 404 == noor.get(f"/datasets/{gas}").status_code
    refused = noor.post("/datasets", {"name": "x"})
    assert (403, "company") == (refused.status_code, (refused.json or {})["reason"])


@pytest.mark.parametrize(
    ("scope", "method", "path", "body"),
    [
        ("datasets:read", "GET", "/datasets", None),
        ("datasets:read", "GET", "/datasets/{}", None),
        ("datasets:read", "GET", "/datasets/{}/content", None),
        ("datasets:modify", "POST", "/datasets", {"name": "x"}),
        ("datasets:modify", "PUT", "/datasets/{}", {"name": "x"}),
        ("datasets:share", "PUT", "/datasets/{}", {"mode": "company"}),
        ("datasets:modify", "DELETE", "/datasets/{}", None),
        ("datasets:share", "GET", "/datasets/{}/shares", None),
        ("datasets:share", "PUT", "/datasets/{}/shares/sub-jonas", {"access": "read"}),
        ("datasets:share", "DELETE", "/datasets/{}/shares/sub-jonas", None),
        ("datasets:read", "GET", "/datasets/{}/explain?action=read", None),
        ("datasets:share", "GET", "/datasets/{}/explain?action=read&sub=sub-jonas", None),
    ],
)
def test_each_scope_is_exact(world: World, scope: str, method: str, path: str, body: object) -> None:
    """No other scope stands for the one that is missing, and the challenge names it (RFC 6750 §3.1)."""
    identifier = world.person("ada").create()
    others = " ".join({"datasets:read", "datasets:modify", "datasets:share"} - {scope})
    arguments = {} if body is None else {"json": body}
    refused = world.person("ada", scope=others).request(method, path.format(identifier), **arguments)

    assert 403 == refused.status_code
    assert "scope" == (refused.json or {})["reason"]
    assert 'error="insufficient_scope"' in refused.headers["WWW-Authenticate"]
    assert f'scope="{scope}"' in refused.headers["WWW-Authenticate"]


def test_a_change_shows_the_dataset_to_whoever_may_read_it(world: World) -> None:
    """Neither the scope to modify nor the one to share contains the one to read: the change is made, unseen."""
    ada = world.person("ada")
    identifier = ada.create(description="secret")
    changes = {"datasets:modify": {"name": "x"}, "datasets:share": {"mode": "restricted"}}
    for scope, change in changes.items():
        blind = world.person("ada", scope=scope).put(f"/datasets/{identifier}", change)
        assert (204, b"") == (blind.status_code, blind.data)
    found = ada.get(f"/datasets/{identifier}").json or {}
    assert ("x", "restricted") == (found["name"], found["mode"])
    both = world.person("ada", scope="datasets:modify datasets:read").put(f"/datasets/{identifier}", {"name": "y"})
    assert (200, "secret") == (both.status_code, (both.json or {})["description"])


def test_a_change_shows_what_could_be_read_before_or_can_be_now(world: World) -> None:
    """A data owner changes a restricted dataset unseen, and sees it once it is open; who gives one away saw it."""
    ines, ada = world.person("ines"), world.person("ada")
    identifier = ines.create(mode="restricted")
    path = f"/datasets/{identifier}"

    assert 204 == ada.put(path, {"mode": "restricted"}).status_code
    assert 200 == ada.put(path, {"mode": "company"}).status_code
    assert 200 == ines.put(path, {"mode": "restricted"}).status_code
    assert "sub-mette" == (ines.put(path, {"owner": "sub-mette"}).json or {})["owner"]
    assert 403 == ines.get(path).status_code


def test_a_change_of_nothing_is_refused(world: World) -> None:
    ines = world.person("ines")
    identifier = ines.create()
    refused = ines.put(f"/datasets/{identifier}", {})

    assert (400, "body: names nothing to change") == (refused.status_code, (refused.json or {})["detail"])


def test_authorization_details_narrow_everything(world: World) -> None:
    """RFC 9396: reading one dataset here, and nothing else."""
    ada = world.person("ada")
    one, other = ada.create("one"), ada.create("other")
    detail = {"type": "dataset", "actions": ["read"], "identifiers": [one], "locations": [AUDIENCE]}
    narrow = world.person("ada", authorization_details=[detail])

    assert ["one"] == narrow.names()
    assert 200 == narrow.get(f"/datasets/{one}").status_code
    for refused in (narrow.get(f"/datasets/{other}"), narrow.put(f"/datasets/{one}", {"name": "x"})):
        assert (403, "authorization_details") == (refused.status_code, (refused.json or {})["reason"])
    elsewhere = world.person("ada", authorization_details=[{**detail, "locations": ["https://other.example"]}])
    assert [] == elsewhere.names()


def test_answers_are_for_their_bearer_alone(world: World) -> None:
    ines = world.person("ines")
    identifier = ines.create()
    ines.upload(identifier, b"x")
    for path in ("/datasets", f"/datasets/{identifier}", f"/datasets/{identifier}/content"):
        answer = ines.get(path)
        assert "private, no-cache" == answer.headers["Cache-Control"]
        assert {"authorization", "cookie"} == {name.lower() for name in answer.vary}
        assert "nosniff" == answer.headers["X-Content-Type-Options"]
        answer.close()


def test_tokens_are_demanded_in_the_words_of_the_specifications(world: World) -> None:
    """RFC 6750 §3 and the way to the metadata, RFC 9728 §5.1."""
    client = world.app.test_client()
    nothing = client.get("/datasets")
    bad = client.get("/datasets", headers={"Authorization": "Bearer x.y.z"})
    two = client.get("/datasets", headers=[("Authorization", "Bearer a"), ("Authorization", "Bearer b")])
    in_query = client.get(f"/datasets?access_token={world.person('ines').token}")

    assert (401, 401, 400, 401) == (nothing.status_code, bad.status_code, two.status_code, in_query.status_code)
    assert "error=" not in nothing.headers["WWW-Authenticate"]
    assert 'error="invalid_token"' in bad.headers["WWW-Authenticate"]
    metadata = client.get("/.well-known/oauth-protected-resource")
    assert {
        "resource": AUDIENCE,
        "authorization_servers": [ISSUER],
        "scopes_supported": ["datasets:read", "datasets:modify", "datasets:share"],
        "bearer_methods_supported": ["header"],
        "dpop_signing_alg_values_supported": ["ES256", "EdDSA", "PS256", "RS256"],
        "authorization_details_types_supported": ["dataset"],
    } == metadata.json


def test_tokens_may_be_checked_by_introspection(dataset_database: Database, world: World) -> None:
    """`DATASETS_TOKEN_CHECK=introspect`: a revoked token counts at once, where it would last for minutes offline."""
    asking = World(dataset_database.application, token_check="introspect")
    ines, offline = asking.person("ines"), world.person("ines")
    assert [] == ines.names()
    asking.idp.revoked.add(ines.token)
    world.idp.revoked.add(offline.token)

    assert 401 == ines.get("/datasets").status_code
    assert 200 == offline.get("/datasets").status_code
    asking.idp.away = True
    assert 503 == asking.person("mette").get("/datasets").status_code
    asking.service.database.engine.dispose()


@pytest.mark.parametrize("path", ["//datasets", "///datasets", "//health/live"])
def test_a_path_has_one_spelling(world: World, path: str) -> None:
    """Werkzeug alone takes the slashes away, so that a proxy's rule for the path would not hold."""
    plain = world.person("ines").get("/datasets", environ_overrides={"PATH_INFO": "/" + path.lstrip("/")})
    other = world.person("ines").get("/datasets", environ_overrides={"PATH_INFO": path})

    assert (200, 404) == (plain.status_code, other.status_code)


def test_every_method_is_explicit(world: World) -> None:
    ines = world.person("ines")

    refused = ines.post("/datasets/x/content")
    assert 405 == refused.status_code
    assert {"GET", "HEAD", "OPTIONS", "PUT"} == set(refused.headers["Allow"].split(", "))
    assert "application/problem+json" == refused.content_type
