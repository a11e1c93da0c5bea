"""An app that is nothing but the pages, in front of a provider that is a fake."""

from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask, redirect, request
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

import consent_ui
from idp.sso import browser
from tests.ui.fakes import NOW, ORIGIN, Provider
from tests.ui.page import Page

PATCHED = {
    "idp.oauth.interaction": (
        "load",
        "companies",
        "consent",
        "login",
        "choose_company",
        "finish",
        "other_account",
        "start_page",
        "signed_in",
    ),
    "idp.oauth.decoupled.user_codes": ("accepted", "enter"),
    "idp.oauth.decoupled.approvals": ("accepted", "waiting_for", "review", "deny"),
    "idp.sso.csrf": ("token", "valid", "refused"),
    "idp.sso.session": ("current",),
    "idp.grants.consent": ("connected", "withdraw"),
    "consent_ui.signin.login": ("authenticate",),
    "consent_ui.account.password": ("authenticate",),
}


def make_app(provider: Provider, origin: str = ORIGIN) -> Flask:
    app = Flask("pages", static_folder=None)
    app.config.update(UI_NAME="Havn", PUBLIC_HOST=origin.partition("://")[2])
    settings = SimpleNamespace(public_url=origin, passwords=SimpleNamespace(min_length=15))
    app.extensions["idp"] = SimpleNamespace(settings=settings, now=lambda: NOW)
    for blueprint in consent_ui.blueprints:
        app.register_blueprint(blueprint)

    @app.get("/client")
    def elsewhere() -> Any:
        """A client that sends people on at once, as many do: to its own start page."""
        return "Welcome back" if "home" in request.args else redirect("/client?home=1")

    # What the provider renders itself.
    @app.get("/rendered/<path:page>")
    def rendered(page: str) -> Any:
        return consent_ui.render(page, **provider.rendered)

    return app


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Provider:
    fake = Provider()
    for module, names in PATCHED.items():
        for name in names:
            monkeypatch.setattr(import_module(module), name, getattr(fake, name))
    overview = import_module("consent_ui.account.overview")
    monkeypatch.setattr(overview.company, "memberships", fake.member_in)
    monkeypatch.setattr(browser, "device", lambda: "sealed-device")
    return fake


@pytest.fixture
def pages(provider: Provider) -> Flask:
    return make_app(provider)


@pytest.fixture
def visitor(pages: Flask) -> FlaskClient:
    return pages.test_client()


@pytest.fixture
def rendered(provider: Provider, visitor: FlaskClient):
    """A page that the provider renders itself, with its facts."""

    def answer(page: str, **facts: Any) -> TestResponse:
        provider.rendered = facts
        return visitor.get(f"/rendered/{page}")

    return answer


@pytest.fixture
def fill(visitor: FlaskClient):
    """Fills in a form as a browser would: with its token, and with the headers of a post from our own page."""

    def submit(path, page=None, headers=None, **fields) -> TestResponse:
        tokens = Page(visitor.get(page or path).text).tokens
        sent = {"csrf_token": tokens.get(path) or tokens[None], **fields}
        return visitor.post(
            path, data=sent, headers={"Origin": ORIGIN, "Sec-Fetch-Site": "same-origin", **(headers or {})}
        )

    return submit
