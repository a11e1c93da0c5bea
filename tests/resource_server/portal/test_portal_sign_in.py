"""The portal as a relying party: sign in, come back, refresh, switch company, sign out."""

import pytest
from dataset_world import AUDIENCE, GAS, HYDRO, ISSUER, WIND

from tests.resource_server.portal.portal_world import PortalWorld, parameters
from tests.ui.page import Page


def test_a_page_sends_whoever_is_not_signed_in_to_the_idp_and_back(world: PortalWorld) -> None:
    """Code flow with PKCE (S256), state, nonce, both resources and the scopes of the portal; then the page itself."""
    dataset_id = world.person("ines").create("Utsira wind")
    browser = world.browser()
    away = browser.get(f"/portal/datasets/{dataset_id}")
    asked = parameters(away.location)

    assert 303 == away.status_code
    assert [AUDIENCE, f"{ISSUER}/api"] == [value for name, value in asked if name == "resource"]
    assert "openid profile email companies datasets:read datasets:modify datasets:share" == dict(asked)["scope"]

    back = browser.come_back(world.idp.authorize(away.location, "sub-ines", WIND))

    assert 303 == back.status_code
    assert f"/portal/datasets/{dataset_id}" == back.location
    assert "Utsira wind" == browser.page(back.location).heading
    assert "Ines Larsen" in browser.page(back.location).text
