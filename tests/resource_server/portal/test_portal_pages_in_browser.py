"""The portal in a real browser: axe finds nothing, nothing scrolls sideways, everything works by keyboard."""

import pytest
from dataset_world import AUDIENCE
from playwright.sync_api import Browser, Page, expect

from tests.resource_server.portal.portal_world import PortalWorld

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
