"""Whatever is typed or sent, sign-in answers 2xx or 4xx."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from idp import passwords

KINDS = {"max_examples": 60, "deadline": None, "suppress_health_check": [HealthCheck.function_scoped_fixture]}


@pytest.fixture(autouse=True)
def _no_hashing(monkeypatch):
    monkeypatch.setattr(passwords, "_derive", lambda secret, salt, length, cost: bytes(length))


@settings(**KINDS)
@given(name=st.text(max_size=300), password=st.text(max_size=1100))
def test_any_name_and_password(world, name, password):
    """Any Unicode at all; NUL too, although the application refuses it before."""
    assert world.browser().login(name, password).status_code in {400, 401, 429}


@settings(**KINDS)
@given(value=st.text(st.characters(codec="latin-1", exclude_characters=";,\r\n"), max_size=200))
def test_any_cookie(world, value):
    """Every cookie that we did not seal is none."""
    browser = world.browser()
    for name in ("__Host-idp", "__Host-idp-tx", "__Host-idp-dev"):
        browser.set_cookie(name, value)

    assert {} == browser.whoami()
    assert browser.login("nobody", "x").status_code in {401, 429}
    assert not browser.post("/form/login", token=value).json["valid"]
