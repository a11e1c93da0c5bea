"""The identifier by which client and server find one call in their logs: FAPI 1.0 Baseline §6.2.1, items 11 and 12."""

import logging
from uuid import UUID

import pytest
from actors import PUBLIC_URL

HEADER = "X-Fapi-Interaction-Id"
SENT = "c770aef3-6784-41f7-8e0e-ff5f97bddb3a"


@pytest.fixture
def settings(settings):
    return settings.model_copy(update={"extensions": ("+fapi_interaction_id",)})


@pytest.fixture
def ask(app, caplog):
    """Ask a resource; the answer, and what the log says of the call."""

    def asked(sent=None, token=None, path="/oauth2/userinfo"):
        headers = {HEADER: sent} if sent is not None else {}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        caplog.clear()
        with caplog.at_level(logging.INFO, "idp"):
            answer = app.test_client().get(path, headers=headers, base_url=PUBLIC_URL)
        return answer, [record for record in caplog.records if hasattr(record, "interaction_id")]

    return asked


def test_the_client_s_identifier_comes_back_and_is_logged(ask, client, world, browser):
    world.user("ada")
    answer, [line] = ask(SENT, client.tokens(browser, user="ada")["access_token"])

    assert (200, SENT) == (answer.status_code, answer.headers[HEADER])
    assert (SENT, "oauth.userinfo", 200) == (line.interaction_id, line.endpoint, line.status)


@pytest.mark.parametrize("path", ["/oauth2/userinfo", "/api/v1/me/companies"])
def test_a_refusal_has_it_too(ask, path):
    """That is what one looks for in a log."""
    answer, [line] = ask(SENT, "wrong", path)

    assert (401, SENT) == (answer.status_code, answer.headers[HEADER])
    assert 401 == line.status


@pytest.mark.parametrize("sent", [None, "", "seven", f"{SENT}\tforged", "x" * 5000, "é"])
def test_what_is_no_uuid_is_replaced(ask, sent):
    """It would come into the log as the client likes."""
    answer, [line] = ask(sent)

    assert answer.headers[HEADER] == line.interaction_id == str(UUID(line.interaction_id))
    assert sent != line.interaction_id


def test_two_calls_have_two_identifiers(ask):
    assert ask()[0].headers[HEADER] != ask()[0].headers[HEADER]


def test_it_is_for_resources_alone(ask):
    answer, lines = ask(SENT, path="/.well-known/openid-configuration")

    assert HEADER not in answer.headers
    assert [] == lines


class TestOff:
    @pytest.fixture
    def settings(self, settings):
        return settings.model_copy(update={"extensions": None})

    def test_by_default_there_is_none(self, ask):
        answer, lines = ask(SENT)

        assert HEADER not in answer.headers
        assert [] == lines
