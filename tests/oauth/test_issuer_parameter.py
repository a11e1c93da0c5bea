"""Who answered: RFC 9207."""

from actors import Browser


def test_every_authorization_response_names_the_issuer(world, app, client):
    """§2: successes and errors; byte-equal to the issuer of discovery."""
    world.user("ada")
    browser = Browser(app)
    issuer = client.http.get("/.well-known/openid-configuration").json["issuer"]

    answers = [
        browser.authorize(client, prompt="none"),
        browser.authorize(client, code_challenge=None),
        browser.authorize(client, user="ada"),
        browser.authorize(client, prompt="consent", allow=False),
    ]

    assert ["login_required", "invalid_request", None, "access_denied"] == [found.get("error") for found in answers]
    assert {issuer} == {found["iss"] for found in answers}


def test_client_cannot_set_it(world, app, client):
    """A parameter of this name in the request, or in the registered address, changes nothing of ours."""
    answer = Browser(app).authorize(client, prompt="none", iss="https://evil.example")

    assert "https://id.example.com" == answer["iss"]
