"""The portal's pages: what people see and do there is what the policy decides, in words."""

import io
from typing import Any
from urllib.parse import quote

import pytest
from dataset_world import AUDIENCE, HYDRO, WIND
from werkzeug.datastructures import FileStorage
from werkzeug.test import TestResponse, encode_multipart

from consent_ui import words as provider
from resource_server.datasets.portal import words
from tests.resource_server.portal.portal_world import Browser, PortalWorld
from tests.ui.page import Page


def test_the_list_shows_what_the_person_may_read_and_each_name_is_the_link(world: PortalWorld) -> None:
    ines, mette = world.person("ines"), world.person("mette")
    mine, theirs = ines.create("Wind", description="Of Utsira"), mette.create("Cables")
    mette.create("Board papers", mode="restricted")
    world.person("kari", HYDRO).create("Dams")
    page = world.browser("ines").page("/portal/")

    assert ["Cables", "Wind"] == [link.text for link in page.all("a", class_="strong")]
    assert page.one("a", href=f"/portal/datasets/{mine}")
    assert page.one("a", href=f"/portal/datasets/{theirs}")
    assert "Of Utsira" in page.text
    assert "Mette" in page.text


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("q=wind", ["Wind east", "Wind west"]),
        ("q=WEST", ["Wind west"]),
        ("show=mine", ["Wind east"]),
        ("show=restricted", ["Wind east"]),
        ("show=company", ["Cables", "Wind west"]),
        ("sort=-name", ["Wind west", "Wind east", "Cables"]),
        ("q=wind&show=company&sort=-created_at", ["Wind west"]),
        ("q=piet", []),
    ],
)
def test_the_list_is_searched_filtered_and_sorted(world: PortalWorld, query: str, names: list[str]) -> None:
    world.person("ines").create("Wind east", mode="restricted")
    for name in ("Wind west", "Cables"):
        world.person("mette").create(name)
    page = world.browser("ines").page(f"/portal/?{query}")

    assert names == [link.text for link in page.all("a", class_="strong")]
    assert bool(names) != ("Nothing matches" in page.text)


def test_the_list_goes_on_on_the_next_page(world: PortalWorld) -> None:
    ines, browser = world.person("ines"), world.browser("ines")
    for number in range(27):
        ines.create(f"Wind {number:02}")
    first = browser.page("/portal/?q=wind")
    (following,) = [link["href"] for link in first.all("a") if link.text == "Next page"]
    second = browser.page(str(following))

    assert 25 == len(first.all("a", class_="strong"))
    assert ["Wind 25", "Wind 26"] == [link.text for link in second.all("a", class_="strong")]
    assert "Next page" not in second.text
    assert 400 == world.browser("mette").get(str(following)).status_code, "a cursor is its person's"


@pytest.mark.parametrize("query", ["sort=size", "show=all", "q=a&q=b", f"q={'a' * 201}", "cursor=x", "q=%00", "q=%ff"])
def test_a_list_query_that_no_page_makes_is_refused(world: PortalWorld, query: str) -> None:
    assert 400 == world.browser("ines").get(f"/portal/?{query}").status_code


def test_an_empty_company_says_how_to_begin(world: PortalWorld) -> None:
    assert "Begin with one of your own" in world.browser("ines").page("/portal/").text
    assert "Begin" not in world.browser("jonas").page("/portal/").text, "a viewer cannot"


def test_a_new_dataset_is_made_and_its_file_added(world: PortalWorld) -> None:
    browser = world.browser("ines")
    page = browser.after(browser.send("/portal/new", name="Wind", description="Of Utsira", mode="restricted"))
    (dataset,) = world.person("ines").get("/datasets").json["items"]
    upload = {"file": (b"a,b\n1,2\n", "wind.csv", "text/csv")}

    assert "Wind" == page.heading
    assert "Wind is ready." in page.one("div", role="status").text
    assert ("Of Utsira", "restricted", "sub-ines") == (dataset["description"], dataset["mode"], dataset["owner"])

    page = browser.after(put(browser, dataset["id"], **upload))
    got = browser.get(f"/portal/datasets/{dataset['id']}/content", buffered=True)

    assert "The file is in place: 8 bytes." in page.one("div", role="status").text
    assert b"a,b\n1,2\n" == got.data
    assert "text/csv" == got.mimetype
    assert "attachment; filename*=UTF-8''Wind.csv" == got.headers["Content-Disposition"]
    assert "nosniff" == got.headers["X-Content-Type-Options"]
    assert "default-src 'none'; sandbox" == got.headers["Content-Security-Policy"]
    assert "no-store" == got.headers["Cache-Control"]


def put(browser: Browser, dataset_id: str, *, file: tuple[Any, ...] | None = None) -> TestResponse:
    """Send the form with a file, or without one."""
    data: dict[str, Any] = {"csrf_token": browser.token}
    if file:
        data["file"] = FileStorage(io.BytesIO(file[0]), *file[1:2], content_type=file[2] if file[2:] else None)
    boundary, body = encode_multipart(data)
    return browser.client.post(
        f"/portal/datasets/{dataset_id}/content",
        data=body,
        base_url=AUDIENCE,
        headers={"Origin": AUDIENCE},
        content_type=f"multipart/form-data; boundary={boundary}",
    )


@pytest.mark.parametrize(
    ("fields", "mistakes"),
    [
        ({"name": ""}, ["Enter a name"]),
        ({"name": "   "}, ["Enter a name"]),
        ({"name": "\u200b\u200f"}, ["Enter a name"]),
        ({"name": "a" * 201}, ["at most 200 letters"]),
        ({"name": "a\u202eb"}, ["at most 200 letters"]),
        ({"name": "a\x00b"}, ["at most 200 letters"]),
        ({"name": "a", "description": "b" * 2001}, ["at most 2,000 letters"]),
        ({"name": "", "description": "\x07"}, ["Enter a name", "at most 2,000 letters", "The dataset was not made"]),
    ],
)
def test_a_mistake_stands_beside_its_field_and_what_was_typed_stays(
    world: PortalWorld, fields: dict[str, str], mistakes: list[str]
) -> None:
    answer = world.browser("ines").send("/portal/new", mode="restricted", **fields)
    page = Page(answer.text)

    assert 400 == answer.status_code
    assert all(mistake in page.text for mistake in mistakes)
    assert page.one("title").text.startswith("Error: ")
    assert "true" == page.one("input", id="name").attributes.get("aria-invalid", "true")
    assert "checked" in page.one("input", id="mode-restricted")


@pytest.mark.parametrize("fields", [{"mode": "open"}, {"mode": ["company", "restricted"]}, {"name": ["a", "b"]}])
def test_a_form_that_no_page_makes_is_refused(world: PortalWorld, fields: dict[str, object]) -> None:
    assert 400 == world.browser("ines").send("/portal/new", **{"name": "a", **fields}).status_code


def test_sharing_as_the_story_goes(world: PortalWorld) -> None:
    """The owner restricts, shares for reading; the colleague reads, cannot change; the share ends, and all is over."""
    dataset_id = world.person("ada").create("Utsira wind")
    where = f"/portal/datasets/{dataset_id}"
    ada, ines, mette, tom = (
        world.browser(name, company)
        for name, company in (("ada", WIND), ("ines", WIND), ("mette", WIND), ("kari", HYDRO))
    )
    restricted = ada.after(ada.send(f"{where}/mode", mode="restricted"))
    shared = ada.after(ada.send(f"{where}/shares", user="ines", access="read"))

    assert "It is shared person by person now." in restricted.text
    assert "Ines can read it until 15 April 2027." in shared.one("div", role="status").text
    assert ["Utsira wind"] == [link.text for link in ines.page("/portal/").all("a", class_="strong")]
    assert 200 == ines.get(where).status_code
    assert 403 == put(ines, dataset_id, file=(b"x", "x.txt")).status_code
    assert "who this dataset is shared with dataset" in Page(ines.send(f"{where}/mode", mode="company").text).text
    assert "You do not have access yet" == mette.page(where, 403).heading
    assert "There is nothing here for you" == tom.page(where, 404).heading

    stopped = ada.after(ada.send(f"{where}/shares/stop", sub="sub-ines"))

    assert "The share with Ines has ended." in stopped.text
    assert 403 == ines.get(where).status_code


@pytest.mark.parametrize("user", ["ines", "INES", "ines@example.org", "Ines@Example.org ", " ines"])
def test_a_colleague_is_found_by_user_name_or_e_mail(world: PortalWorld, user: str) -> None:
    dataset_id = world.person("ada").create("Wind", mode="restricted")
    browser = world.browser("ada")
    answer = browser.send(f"/portal/datasets/{dataset_id}/shares", user=user, access="modify", end="2027-03-01")
    (share,) = world.person("ada").get(f"/datasets/{dataset_id}/shares").json["items"]

    assert 303 == answer.status_code
    assert ("sub-ines", "modify", "2027-03-02T00:00:00Z") == (share["sub"], share["access"], share["expires_at"])
    assert "until 1 March 2027" in browser.page(answer.location).text


def test_a_colleague_with_a_very_long_e_mail_is_found(world: PortalWorld) -> None:
    """The member API searches for at most 200 characters."""
    address = "i" * 64 + "@" + "a" * 180 + ".example"
    world.idp.members[WIND]["sub-ines"]["email"] = address
    dataset_id = world.person("ada").create("Wind", mode="restricted")
    answer = world.browser("ada").send(f"/portal/datasets/{dataset_id}/shares", user=address, access="read")

    assert 303 == answer.status_code


@pytest.mark.parametrize(
    ("fields", "mistake"),
    [
        ({"user": ""}, "Enter the user name or e-mail"),
        ({"user": "nobody"}, "No member of North Sea Energy has this user name or e-mail"),
        ({"user": "kari"}, "No member of North Sea Energy has this user name or e-mail"),
        ({"user": "gone"}, "No member of North Sea Energy has this user name or e-mail"),
        ({"user": "a\x00b"}, "No member of North Sea Energy has this user name or e-mail"),
        ({"user": "a" * 201}, "No member of North Sea Energy has this user name or e-mail"),
        ({"user": "a" * 255}, "No member of North Sea Energy has this user name or e-mail"),
        ({"user": "a" * 300}, "No member of North Sea Energy has this user name or e-mail"),
        ({"user": "ada"}, "Ada owns this dataset"),
        ({"user": "ines", "end": "2027-01-14"}, "The end cannot be before today, 15 January 2027"),
        ({"user": "ines", "end": "tomorrow"}, "Enter a date such as"),
        ({"user": "ines", "end": "9999-12-31"}, "Enter a date such as"),
        ({"user": "ines", "end": "2027-02-30"}, "Enter a date such as"),
    ],
)
def test_a_share_that_cannot_be_made_says_why(world: PortalWorld, fields: dict[str, str], mistake: str) -> None:
    dataset_id = world.person("ada").create("Wind", mode="restricted")
    answer = world.browser("ada").send(f"/portal/datasets/{dataset_id}/shares", access="modify", **fields)
    page = Page(answer.text)

    assert 400 == answer.status_code
    assert mistake in page.text
    assert "checked" in page.one("input", name="access", value="modify")
    assert [] == world.person("ada").get(f"/datasets/{dataset_id}/shares").json["items"]


def test_a_share_may_end_today(world: PortalWorld) -> None:
    dataset_id = world.person("ada").create("Wind", mode="restricted")
    answer = world.browser("ada").send(f"/portal/datasets/{dataset_id}/shares", user="ines", end="2027-01-15")

    assert 303 == answer.status_code


def test_whoever_may_not_share_learns_nothing_about_members(world: PortalWorld) -> None:
    """A dataset that they do not own: refused before anybody is looked up; and no names are suggested."""
    dataset_id = world.person("ada").create("Wind")
    browser = world.browser("ines")
    world.idp.asked.clear()
    answers = [browser.send(f"/portal/datasets/{dataset_id}/shares", user=user) for user in ("mette", "nobody")]

    assert [403, 403] == [answer.status_code for answer in answers]
    assert answers[0].text == answers[1].text
    assert not [path for path in world.idp.asked if path.endswith("/members")]
    assert not browser.page(f"/portal/datasets/{dataset_id}").all("datalist")


def test_to_change_a_viewer_is_told_no_more_than_reading(world: PortalWorld) -> None:
    dataset_id = world.person("ada").create("Wind", mode="restricted")
    browser = world.browser("ada")
    page = browser.after(browser.send(f"/portal/datasets/{dataset_id}/shares", user="jonas", access="modify"))

    assert "Not change it: the role in this company is Viewer." in page.one("div", role="status").text


def test_a_notice_is_said_once(world: PortalWorld) -> None:
    dataset_id = world.person("ada").create("Wind")
    browser = world.browser("ada")
    browser.after(browser.send(f"/portal/datasets/{dataset_id}/mode", mode="restricted"))

    assert not browser.page(f"/portal/datasets/{dataset_id}").all("div", role="status")


def test_the_page_says_who_has_access_and_why(world: PortalWorld) -> None:
    ada = world.person("ada")
    dataset_id = ada.create("Wind", mode="restricted")
    ada.share(dataset_id, "ines", "modify", expires_at="2027-01-18T00:00:00Z")
    ada.share(dataset_id, "mette", expires_at=None)
    world.idp.members[WIND].pop("sub-mette")
    world.now += 20
    browser = world.browser("ada")
    rows = [row.text for row in browser.page(f"/portal/datasets/{dataset_id}").all("tr")][1:]

    assert "Ada (you) Owner of the dataset Everything Never" in rows[0]
    assert "Ines Member · shared by you Read, change 17 January 2027 Soon" in rows[1]
    assert "Left the company" in rows[2]

    why = browser.page(f"/portal/datasets/{dataset_id}/why?sub=sub-ines")
    assert "Ines can read and change it" == why.heading
    assert "Ines belongs to the company." in why.text
    assert "It is shared to read and change, until 17 January 2027." in why.text
    own = world.browser("ines").page(f"/portal/datasets/{dataset_id}/why")
    assert "You can read and change it" == own.heading
    assert "You belong to the company." in own.text
    assert "You own the dataset." in browser.page(f"/portal/datasets/{dataset_id}/why").text
    assert 403 == world.browser("ines").get(f"/portal/datasets/{dataset_id}/why?sub=sub-ada").status_code


def test_a_token_is_no_word_of_the_pages(world: PortalWorld) -> None:
    """What the portal was allowed is said to people in theirs, the scope small beside it."""
    dataset_id = world.person("ines").create("Wind")
    page = world.browser("ines").page(f"/portal/datasets/{dataset_id}/why")

    assert "You have allowed the portal to do this. datasets:read" in page.text
    assert ["datasets:read", "datasets:modify"] == [
        code.text for code in page.all("code", class_="small") if code.text.startswith("datasets:")
    ]
    assert "token" not in page.text


def test_a_dataset_is_said_to_be_in_no_other_list_and_not_to_be_unknown(world: PortalWorld) -> None:
    """Whoever has its address is told that they have no access."""
    dataset_id = world.person("ines").create("Wind", mode="restricted")
    page = world.browser("ines").page(f"/portal/datasets/{dataset_id}")

    assert "It is not in the list of other members." in page.text
    assert "exists" not in page.text
    assert 403 == world.browser("mette").get(f"/portal/datasets/{dataset_id}").status_code


@pytest.mark.parametrize("name", ["North Sea Energy", "Ada Larsen", "ada", "ada@example.org", "  a  b c", "", "Ås ß"])
def test_a_tile_is_the_same_as_on_the_pages_of_the_provider(name: str) -> None:
    """Letters and tint."""
    assert (provider.initials(name), provider.tint(name)) == (words.initials(name), words.tint(name))


def test_the_root_leads_to_the_portal(world: PortalWorld) -> None:
    answer = world.browser().get("/")

    assert (302, "/portal/") == (answer.status_code, answer.location)


def test_a_reader_sees_their_own_share_and_nobody_elses(world: PortalWorld) -> None:
    ada = world.person("ada")
    dataset_id = ada.create("Wind", mode="restricted")
    for name in ("ines", "mette"):
        ada.share(dataset_id, name)
    page = world.browser("ines").page(f"/portal/datasets/{dataset_id}")

    assert "Ines Larsen (you) Shared by Ada Read" in page.text
    assert "Mette" not in page.text
    assert not page.all("form", action=f"/portal/datasets/{dataset_id}/shares")


def test_renaming(world: PortalWorld) -> None:
    dataset_id = world.person("ines").create("Wind", description="Old")
    browser = world.browser("ines")
    where = f"/portal/datasets/{dataset_id}"
    kept = browser.page(f"{where}/edit")
    page = browser.after(browser.send(f"{where}/edit", name="Wind <b>2027</b>", description="Two\r\nlines"))

    assert "Wind" == kept.one("input", id="name")["value"]
    assert "Wind <b>2027</b>" == page.heading
    assert "Two\nlines" == world.person("ines").get(f"/datasets/{dataset_id}").json["description"]
    assert 400 == browser.send(f"{where}/edit", name="").status_code


def test_deleting_asks_first(world: PortalWorld) -> None:
    ada = world.person("ada")
    dataset_id = ada.create("Wind", mode="restricted")
    ada.share(dataset_id, "ines")
    browser = world.browser("ada")
    asked = browser.page(f"/portal/datasets/{dataset_id}/delete")
    page = browser.after(browser.send(f"/portal/datasets/{dataset_id}/delete"))

    assert "Access for 1 person it is shared with" in asked.text
    assert "Wind is deleted." in page.text
    assert 404 == ada.get(f"/datasets/{dataset_id}").status_code


def test_a_file_that_is_missing_or_too_large_is_refused_and_the_old_one_stays(world: PortalWorld) -> None:
    ines, browser = world.person("ines"), world.browser("ines")
    dataset_id = ines.create("Wind")
    ines.upload(dataset_id, b"old")
    too_large = b"x" * (16 * 1024 * 1024 + 1)

    assert 400 == put(browser, dataset_id).status_code
    assert "larger than 16 MiB" in put(browser, dataset_id, file=(too_large, "x.bin")).text
    assert 413 == put(browser, dataset_id, file=(too_large + b"x" * 70_000, "x.bin")).status_code
    assert b"old" == ines.get(f"/datasets/{dataset_id}/content", buffered=True).data
    assert 303 == put(browser, dataset_id, file=(too_large[1:], "x.bin")).status_code


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("image/svg+xml", "image/svg+xml"),
        ("text/html; charset=x", "text/html"),
        ("nonsense", "application/octet-stream"),
    ],
)
def test_a_media_type_is_taken_without_parameters(world: PortalWorld, given: str, kept: str) -> None:
    dataset_id = world.person("ines").create("Wind")
    browser = world.browser("ines")
    put(browser, dataset_id, file=(b"<svg onload=alert(1)>", "x.svg", given))
    got = browser.get(f"/portal/datasets/{dataset_id}/content", buffered=True)

    assert kept == got.mimetype
    assert got.headers["Content-Disposition"].startswith("attachment")


def test_a_look_inside_shows_text_as_text(world: PortalWorld) -> None:
    ines = world.person("ines")
    dataset_id = ines.create("Wind")
    ines.upload(dataset_id, b"\xef\xbb\xbfhour,<b>MWh</b>\n1,<script>\n" + b"2,3\n" * 10)
    answer = world.browser("ines").get(f"/portal/datasets/{dataset_id}")
    page = Page(answer.text)

    assert "First 5 of 11 rows" in page.text
    assert ["hour", "<b>MWh</b>"] == [head.text for head in page.all("th", scope="col")][-2:]
    assert "<script>" not in answer.text


@pytest.mark.parametrize("data", [b"", b"a,b\n", b"\xff,\xfe\n1,2\n", b"one\ntwo\n", b'a,b\n"' + b"x" * 140_000])
def test_what_does_not_read_as_a_table_has_no_look_inside(world: PortalWorld, data: bytes) -> None:
    ines = world.person("ines")
    dataset_id = ines.create("Wind")
    ines.upload(dataset_id, data)

    assert "A look inside" not in world.browser("ines").page(f"/portal/datasets/{dataset_id}").text


@pytest.mark.parametrize("path", ["", "/edit", "/delete", "/why", "/content"])
def test_a_foreign_dataset_is_one_that_does_not_exist(world: PortalWorld, path: str) -> None:
    foreign = world.person("kari", HYDRO).create("Dams")
    browser = world.browser("ines")
    answers = [
        browser.get(f"/portal/datasets/{dataset_id}{path}")
        for dataset_id in (foreign, foreign[:-1] + ("0" if foreign[-1] != "0" else "1"), foreign.upper(), "x")
    ]

    assert [404] * 4 == [answer.status_code for answer in answers]
    assert 1 == len({answer.text for answer in answers})


def test_a_page_that_does_not_exist(world: PortalWorld) -> None:
    assert "There is nothing here for you" == world.browser("ines").page("/portal/nowhere", 404).heading


def test_the_other_companies_are_counted_where_something_is_missing(world: PortalWorld) -> None:
    page = world.browser("ada").page("/portal/datasets/x", 404)

    assert "You work in 1 other company: it may be there." in page.text
    assert page.one("a", href="/portal/company")


def test_switching_company_needs_no_sign_in(world: PortalWorld) -> None:
    """A consultant in two companies sees the data of one, then of the other; the refresh stays in the new one."""
    world.person("ada").create("Wind")
    world.person("kari", HYDRO).create("Dams")
    browser = world.browser("ada")
    choices = browser.page("/portal/company").all("button", name="company")
    assert [(WIND, "true"), (HYDRO, None)] == [
        (choice["value"], choice.attributes.get("aria-current")) for choice in choices
    ]
    page = browser.after(browser.send("/portal/company", company=HYDRO))

    assert "You work in Kvitberg Hydro now." in page.text
    assert ["Dams"] == [link.text for link in page.all("a", class_="strong")]
    world.now += 300
    assert ["Dams"] == [link.text for link in browser.page("/portal/").all("a", class_="strong")]


@pytest.mark.parametrize("error", ["interaction_required", "invalid_request"])
def test_where_the_company_asks_for_the_person_the_idp_asks_them(world: PortalWorld, error: str) -> None:
    browser = world.browser("ada")
    world.idp.refused[HYDRO] = error
    answer = browser.send("/portal/company", company=HYDRO)

    assert 303 == answer.status_code
    assert answer.location.startswith("http://localhost:8000/oauth2/authorize?")
    assert f"company={HYDRO}" in answer.location


def test_a_company_that_is_theirs_no_more_leads_to_the_idp(world: PortalWorld) -> None:
    browser = world.browser("ada")
    world.idp.members[WIND].pop("sub-ada")
    world.now += 300
    answer = browser.get("/portal/new")

    assert 303 == answer.status_code
    assert f"company={WIND}" in answer.location


@pytest.mark.parametrize("company", ["", "x", "*", "\x00", "a" * 5000, quote("<b>")])
def test_a_company_of_somebody_else_is_never_a_failure_of_ours(world: PortalWorld, company: str) -> None:
    assert world.browser("ada").send("/portal/company", company=company).status_code in (303, 400)


def test_a_data_owner_may_give_themselves_access_and_the_owner_sees_it(world: PortalWorld) -> None:
    """Otherwise nobody could open what somebody left behind."""
    dataset_id = world.person("ines").create("Board papers", mode="restricted")
    where, ada, mette = f"/portal/datasets/{dataset_id}", world.browser("ada"), world.browser("mette")
    denied = ada.page(where, 403)

    assert "Board papers" not in denied.text
    assert "ada" == denied.one("button", name="user")["value"]
    assert not mette.page(where, 403).all("button", name="user")

    page = ada.after(ada.post(f"{where}/shares", csrf_token=denied.tokens[f"{where}/shares"], user="ada"))

    assert "Board papers" == page.heading
    assert "Ada Admin, Data owner · shared by Ada" in world.browser("ines").page(where).text


def test_many_shares_come_in_pages(world: PortalWorld) -> None:
    ada = world.person("ada")
    dataset_id = ada.create("Wind", mode="restricted")
    for number in range(52):
        name = f"m{number:02}"
        mette = world.idp.members[WIND]["sub-mette"]
        world.idp.members[WIND][f"sub-{name}"] = {**mette, "sub": f"sub-{name}", "name": name}
        ada.share(dataset_id, name)
    browser = world.browser("ada")
    first = browser.page(f"/portal/datasets/{dataset_id}")
    (more,) = [link["href"] for link in first.all("a") if link.text == "More colleagues"]
    second = browser.page(str(more))

    assert (50, 2) == tuple(len(page.all("button", name="sub")) for page in (first, second))
    assert "Back to the first page" in second.text


def test_a_page_is_shown_while_nobody_can_be_named(world: PortalWorld) -> None:
    """Names are for display; the first failure ends the asking, so that a page waits for one timeout at most."""
    ada = world.person("ada")
    dataset_id = ada.create("Wind", mode="restricted")
    for name in ("ines", "mette", "noor"):
        ada.share(dataset_id, name)
    browser = world.browser("ada")
    browser.page("/portal/")
    world.now += 20
    world.idp.away = True
    page = browser.page(f"/portal/datasets/{dataset_id}")

    assert "sub-ines" in page.text
    assert "Left the company" not in page.text
