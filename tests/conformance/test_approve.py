"""The person of a conformance run presses the buttons that everybody has, on a provider that listens."""

import socket
import threading
import urllib.error
import urllib.request

import pytest
from actors import PASSWORD, Client
from ciba import GRANT, PATH
from conformance import approve
from werkzeug.serving import make_server


@pytest.fixture
def port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def settings(settings, port):
    return settings.model_copy(update={"extensions": ("+ciba",), "public_url": f"http://localhost:{port}"})


@pytest.fixture
def approval(app, settings, port):
    """Where the suite asks for a decision."""
    server = make_server("127.0.0.1", port, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    with approve.serving(approve.Person(settings.public_url, "camille", PASSWORD)) as url:
        yield url
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def ask(world):
    """A client asks; how its poll ends."""
    world.user("camille")
    metadata = {"backchannel_token_delivery_mode": "poll"}
    client = Client.registered(world, "desk", grant_types=[GRANT], consent="ask", client_metadata=metadata)

    def start():
        told = client.post(PATH, {"scope": "openid", "login_hint": "camille"}).json
        return lambda: client.token(grant_type=GRANT, auth_req_id=told["auth_req_id"]).json

    return start


def decide(url):
    with urllib.request.urlopen(url, b"") as answer:
        return answer.status


def test_it_allows_and_denies(approval, ask):
    """With one sign-in for all."""
    allowed = ask()
    assert 200 == decide(f"{approval}?auth_req_id=x&action=allow")
    assert "access_token" in allowed()
    denied = ask()
    assert 200 == decide(f"{approval}?auth_req_id=x&action=deny")
    assert "access_denied" == denied()["error"]


@pytest.mark.parametrize(("query", "status"), [("action=allow", 404), ("action=perhaps", 400), ("", 400)])
def test_it_says_when_there_is_nothing_to_do(approval, ask, query, status):
    with pytest.raises(urllib.error.HTTPError) as refused:
        decide(f"{approval}?{query}")

    assert status == refused.value.code
    refused.value.close()
