"""The portal in a real browser: axe finds nothing, nothing scrolls sideways, everything works by keyboard."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from dataset_world import AUDIENCE, WIND
from playwright.sync_api import Browser, Page, expect

from tests.resource_server.portal.portal_world import PortalWorld
from tests.resource_server.portal.served import served

pytestmark = pytest.mark.browser

CSV = b"hour,turbine,MWh,wind,quality\n" + b"".join(
    b"2026-11-24 %02d:00,UT-%02d,%d.84,11.2,measured\n" % (hour, turbine, turbine)
    for hour in range(24)
    for turbine in range(1, 9)
)
LONG = "A name without any place to break: " + "utsira-nord-" * 12


def furnished(world: PortalWorld) -> dict[str, str]:
    """Datasets in every state; pages by name, as Ada, a data owner, sees them."""
    ada, ines = world.person("ada"), world.person("ines")
    described = "Metered production of the 31 turbines at Utsira Nord, one row an hour, corrected every night."
    shared = ada.create("Utsira wind, hourly production", mode="restricted", description=described)
    ada.upload(shared, CSV)
    ada.share(shared, "ines")
    ada.share(shared, "jonas", "modify", expires_at="2027-01-18T00:00:00Z")
    ada.share(shared, "mette", expires_at=None)
    shared_by_ines = ines.create("Balancing costs", mode="restricted")
    ines.share(shared_by_ines, "ada", "modify")
    theirs = ines.create("Cable temperatures", description="Every ten minutes since 2019.")
    ines.upload(theirs, b"{}", "application/json")
    closed = ines.create("Board papers", mode="restricted")
    empty = ada.create(LONG)
    return {
        "list": "/portal/",
        "found": "/portal/?q=wind&show=restricted&sort=-name",
        "nothing found": "/portal/?q=Piet",
        "new": "/portal/new",
        "shared": f"/portal/datasets/{shared}",
        "shared with me": f"/portal/datasets/{shared_by_ines}",
        "open": f"/portal/datasets/{theirs}",
        "empty": f"/portal/datasets/{empty}",
        "rename": f"/portal/datasets/{shared}/edit",
        "delete": f"/portal/datasets/{shared}/delete",
        "why": f"/portal/datasets/{shared}/why?sub=sub-jonas",
        "why me": f"/portal/datasets/{shared_by_ines}/why",
        "companies": "/portal/company",
        "denied": f"/portal/datasets/{closed}",
        "missing": "/portal/datasets/none",
        "bad": "/portal/?sort=size",
        "refused": "/portal/callback",
        "signed out": "/portal/signed-out",
    }


def signed_in(chromium: Browser, **settings: object) -> Page:
    context = chromium.new_context(reduced_motion="reduce", **settings)
    page = context.new_page()
    page.goto(f"{AUDIENCE}/portal/")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Datasets")).to_be_visible()
    return page


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_every_page_is_accessible_and_fits(world: PortalWorld, width: int, scheme: str) -> None:
    """axe finds nothing, nothing scrolls sideways, nothing is blocked by the policy, nothing comes from elsewhere."""
    paths = furnished(world)
    found, complaints, requested = {}, [], []
    with served(world, "sub-ada", WIND) as chromium:
        page = signed_in(chromium, color_scheme=scheme, viewport={"width": width, "height": 800})
        page.on("console", lambda message: complaints.append(message.text))
        page.on("request", lambda request: requested.append(request.url))
        for name, path in paths.items():
            page.goto(f"{AUDIENCE}{path}")
            violations = [violation["id"] for violation in Axe().run(page).response["violations"]]
            found[name] = (violations, page.evaluate("document.documentElement.scrollWidth - innerWidth"))

    assert {name: ([], 0) for name in paths} == found
    assert [] == [complaint for complaint in complaints if "Content Security Policy" in complaint]
    assert [] == [url for url in requested if not url.startswith(f"{AUDIENCE}/portal/")]


def test_everything_is_reached_by_keyboard_and_seen_when_it_is(world: PortalWorld) -> None:
    path = furnished(world)["shared"]
    with served(world, "sub-ada", WIND) as chromium:
        page = signed_in(chromium, viewport={"width": 1280, "height": 800})
        page.goto(f"{AUDIENCE}{path}")
        page.evaluate("window.reached = new Set()")
        stops = page.locator("a, button, select, textarea, input:not([type=hidden]), [tabindex='0']").count()
        hidden = []
        for _ in range(stops + 5):
            page.keyboard.press("Tab")
            hidden += page.evaluate(
                """() => { const it = document.activeElement, box = it.getBoundingClientRect();
                   reached.add(it); const bar = document.querySelector(".topbar");
                   return it !== document.body && !bar.contains(it) && !it.matches(".skip")
                       && box.top < bar.getBoundingClientRect().bottom ? [it.outerHTML] : [] }"""
            )
        missed = page.evaluate(
            """() => [...document.querySelectorAll("a, button, select, textarea, input:not([type=hidden])")]
               .filter(it => it.checkVisibility() && !reached.has(it))
               .filter(it => !(it.type === "radio" && [...reached].some(other => other.name === it.name)))
               .map(it => it.outerHTML)"""
        )

    assert [] == missed
    assert [] == hidden


def test_a_mistake_takes_the_focus(world: PortalWorld) -> None:
    """One mistake: its field; more: their list, which leads to the fields. It takes no script of ours."""
    path = furnished(world)["shared"]
    with served(world, "sub-ada", WIND) as chromium:
        page = signed_in(chromium)
        page.goto(f"{AUDIENCE}{path}")
        page.get_by_label("Colleague").fill("Pieter")
        page.get_by_role("button", name="Share", exact=True).click()
        expect(page.get_by_label("Colleague")).to_be_focused()
        expect(page.get_by_label("Colleague")).to_have_value("Pieter")
        expect(page.get_by_label("Colleague")).to_have_accessible_description(
            "User name or e-mail, in North Sea Energy "
            "Error: No member of North Sea Energy has this user name or e-mail."
        )
        page.locator("#end").evaluate("it => it.removeAttribute('min')")
        page.get_by_label("Ends on").fill("2020-01-01")
        page.get_by_role("button", name="Share", exact=True).click()
        expect(page.get_by_role("alert")).to_be_focused()
        expect(page).to_have_title("Error: Utsira wind, hourly production · Data portal")
        violations = [violation["id"] for violation in Axe().run(page).response["violations"]]
        page.get_by_role("link", name="The end cannot be before today").click()
        expect(page.get_by_label("Ends on")).to_be_focused()

    assert [] == violations


def test_without_script_and_with_the_keyboard_alone_somebody_shares_and_signs_out(world: PortalWorld) -> None:
    dataset_id = world.person("ada").create("Wind", mode="restricted")
    with served(world, "sub-ada", WIND) as chromium:
        page = signed_in(chromium, java_script_enabled=False)
        page.get_by_role("link", name="Wind").press("Enter")
        page.get_by_label("Colleague").focus()
        page.keyboard.type("ines@example.org")
        page.keyboard.press("Enter")
        expect(page.get_by_role("status")).to_contain_text("Ines can read it until 15 April 2027.")
        shares = world.person("ada").get(f"/datasets/{dataset_id}/shares").json
        page.get_by_role("button", name="Sign out").press("Enter")
        expect(page.get_by_role("heading", name="You are signed out")).to_be_visible()
        page.get_by_role("link", name="Sign in again").press("Enter")
        expect(page.get_by_role("button", name="Sign in")).to_be_visible()

    assert ["sub-ines"] == [share["sub"] for share in shares["items"]]
