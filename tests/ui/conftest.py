"""An app that is nothing but the pages, in front of a provider that is a fake."""

from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

import consent_ui
from consent_ui import forms
from idp.oauth import interaction
from idp.sso import browser
from tests.ui.fakes import NOW, ORIGIN, Provider
from tests.ui.page import Page


def make_app(origin: str = ORIGIN) -> Flask:
    app = Flask("pages", static_folder=None)
    app.config.update(UI_NAME="Havn", PUBLIC_HOST=origin.partition("://")[2])
    app.extensions["idp"] = SimpleNamespace(settings=SimpleNamespace(public_url=origin), now=lambda: NOW)
    for blueprint in consent_ui.blueprints:
        app.register_blueprint(blueprint)

    # What the provider renders itself.
    @app.get("/rendered/<page>")
    def rendered(page: str) -> Any:
        return consent_ui.render(page, **app.config["RENDERED"])

    return app


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Provider:
    fake = Provider()
    for name in ("load", "companies", "consent", "login", "choose_company", "finish", "other_account"):
        monkeypatch.setattr(interaction, name, getattr(fake, name))
    monkeypatch.setattr(import_module("consent_ui.signin.login"), "authenticate", fake.authenticate)
    monkeypatch.setattr(browser, "device", lambda: "sealed-device")
    for name in ("token", "valid"):
        monkeypatch.setattr(forms.csrf, name, getattr(fake, name))
    return fake


@pytest.fixture
def app(provider: Provider) -> Flask:
    return make_app()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def rendered(app: Flask, client: FlaskClient):
    """A page that the provider renders itself, with its facts."""

    def answer(page: str, **facts: Any) -> TestResponse:
        app.config["RENDERED"] = facts
        return client.get(f"/rendered/{page}")

    return answer


@pytest.fixture
def fill(client: FlaskClient):
    """Fills in a form as a browser would: with its token, and with the headers of a post from our own page."""

    def submit(path, page=None, headers=None, **fields) -> TestResponse:
        tokens = Page(client.get(page or path).text).tokens
        sent = {"csrf_token": tokens.get(path) or tokens[None], **fields}
        return client.post(
            path, data=sent, headers={"Origin": ORIGIN, "Sec-Fetch-Site": "same-origin", **(headers or {})}
        )

    return submit
