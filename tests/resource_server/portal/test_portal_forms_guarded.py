"""A change is made by a form of the portal, sent from the portal, in the session that it was shown to."""

from collections.abc import Mapping

import pytest
from dataset_world import AUDIENCE, ISSUER

from tests.resource_server.portal.portal_world import PortalWorld

FORMS = (
    "/portal/new",
    "/portal/company",
    "/portal/sign-out",
    "/portal/datasets/{}/edit",
    "/portal/datasets/{}/mode",
    "/portal/datasets/{}/delete",
    "/portal/datasets/{}/shares",
    "/portal/datasets/{}/shares/stop",
    "/portal/datasets/{}/content",
)


def test_every_form_is_among_them(world: PortalWorld) -> None:
    rules = {
        rule.rule.replace("<dataset_id>", "{}") for rule in world.app.url_map.iter_rules() if "POST" in rule.methods
    }

    assert set(FORMS) == {rule for rule in rules if rule.startswith("/portal")}


@pytest.mark.parametrize("path", FORMS)
def test_without_the_token_of_the_session_nothing_is_done(world: PortalWorld, path: str) -> None:
    dataset_id = world.person("ada").create("Wind")
    browser, other = world.browser("ada"), world.browser("ada")
    fields = {"name": "Changed", "mode": "restricted", "user": "ines", "company": "x"}
    forged = [{}, {"csrf_token": ""}, {"csrf_token": "x"}, {"csrf_token": other.token}, {"csrf_token": "é"}]
    forged.append({"csrf_token": [browser.token, browser.token]})
    answers = [browser.post(path.format(dataset_id), **fields, **token) for token in forged]

    assert [403] * len(forged) == [answer.status_code for answer in answers]
    dataset = world.person("ada").get(f"/datasets/{dataset_id}").json
    assert ("Wind", "company") == (dataset["name"], dataset["mode"])
    assert 200 == browser.get("/portal/").status_code


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": f"{AUDIENCE}.evil.example"},
        {"Origin": ISSUER},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": AUDIENCE, "Sec-Fetch-Site": "cross-site"},
    ],
    ids=str,
)
@pytest.mark.parametrize("path", FORMS)
def test_a_form_from_elsewhere_is_refused_even_with_the_token(
    world: PortalWorld, path: str, headers: Mapping[str, str]
) -> None:
    dataset_id = world.person("ada").create("Wind")
    browser = world.browser("ada")
    answer = browser.post(path.format(dataset_id), headers=headers, csrf_token=browser.token, name="Changed")

    assert 403 == answer.status_code
    assert "Wind" == world.person("ada").get(f"/datasets/{dataset_id}").json["name"]


def test_whoever_is_not_signed_in_changes_nothing(world: PortalWorld) -> None:
    dataset_id = world.person("ada").create("Wind")
    answer = world.browser().post(f"/portal/datasets/{dataset_id}/delete", csrf_token="x")

    assert 403 == answer.status_code
    assert 200 == world.person("ada").get(f"/datasets/{dataset_id}").status_code


@pytest.mark.parametrize("path", FORMS)
def test_a_form_that_is_too_large_or_has_too_many_parts_is_refused(world: PortalWorld, path: str) -> None:
    browser = world.browser("ada")
    token = browser.token
    large = browser.post(path.format("x"), csrf_token=token, name="a" * 70_000)
    parts = {f"f{number}": "x" for number in range(20)}
    many = browser.client.post(
        path.format("x"),
        data={"csrf_token": token, **parts},
        base_url=AUDIENCE,
        content_type="multipart/form-data",
        headers={"Origin": AUDIENCE},
    )

    assert [413, 413] == [large.status_code, many.status_code]


@pytest.mark.parametrize(
    "path", ["/portal/", "/portal/new", "/portal/company", "/portal/none", "/portal/signed-out", "/portal/callback"]
)
def test_every_page_is_protected(world: PortalWorld, path: str) -> None:
    """No script, nothing from elsewhere, in no frame, kept nowhere; forms go to us, and to the IdP to sign out."""
    headers = world.browser("ines").get(path).headers

    assert (
        "default-src 'none'; style-src 'self'; img-src 'self'; frame-ancestors 'none'; base-uri 'none'; "
        f"form-action 'self' {ISSUER}"
    ) == headers["Content-Security-Policy"]
    assert "no-store" == headers["Cache-Control"]
    assert "nosniff" == headers["X-Content-Type-Options"]
    assert "same-origin" == headers["Referrer-Policy"]


def test_static_files_are_kept_and_change_address_with_their_content(world: PortalWorld) -> None:
    browser = world.browser("ines")
    (sheet,) = browser.page("/portal/").all("link", rel="stylesheet")
    answer = browser.get(str(sheet["href"]), buffered=True)

    assert "?v=" in str(sheet["href"])
    assert "text/css" == answer.mimetype
    assert "public, max-age=86400" == answer.headers["Cache-Control"]
