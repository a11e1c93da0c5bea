"""Applications learn that a session ended, server to server: OpenID Connect Back-Channel Logout 1.0."""

from urllib.parse import parse_qs

import elsewhere as servers
import pytest
from actors import Browser, Client, Forms, header, unverified

from idp import outbox
from idp.db import db
from idp.declared import state
from idp.declared.errors import Invalid
from idp.jobs import deliver, sweep
from idp.sso import session


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with servers.running(tmp_path_factory.mktemp("receiver")) as server:
        yield server


@pytest.fixture
def receiver(running):
    """Where the clients listen."""
    running.asked.clear()
    running.answers.clear()
    running.answers |= {"/shop": (200, {}, b""), "/board": (204, {}, b"")}
    return running


@pytest.fixture
def settings(settings, receiver):
    rules = {"fetch_allow": ("localhost",), "fetch_ca_file": receiver.certificate}
    return settings.model_copy(update={"deploy": settings.deploy.model_copy(update=rules)})


@pytest.fixture
def shop(world, receiver):
    return listening(world, "shop", receiver.url("/shop"))


def listening(world, client_id, uri, **metadata):
    return Client.registered(world, client_id, client_metadata={"backchannel_logout_uri": uri, **metadata})


@pytest.fixture
def deliver_due(app):
    """What the job process does in one turn."""

    def turn():
        with app.app_context():
            claimed = outbox.claim(20)
        for message in claimed:
            deliver.send(app, message)
        return len(claimed)

    return turn


@pytest.fixture
def tokens_at(receiver):
    """The claims of the logout tokens that arrived at a path, in order."""

    def arrived(path="/shop"):
        bodies = [body for _method, asked, _headers, body in receiver.asked if asked == path]
        return [unverified(parse_qs(body.decode())["logout_token"][0]) for body in bodies]

    return arrived


def sign_out(browser, tokens):
    assert 200 == browser.get("/oauth2/logout", id_token_hint=tokens["id_token"]).status_code


def test_the_logout_token_is_what_the_specification_asks_for(
    app, world, browser, shop, receiver, clock, deliver_due, fetched_key
):
    """§2.4, §2.5: one form parameter; every claim, no nonce, no other; signed by a published key."""
    world.user("ada")
    tokens = shop.tokens(browser, user="ada")
    clock.advance(seconds=60)
    sign_out(browser, tokens)
    sent_at = int(clock().timestamp())

    assert 1 == deliver_due()

    [(method, _path, headers, body)] = receiver.asked
    assert ("POST", "application/x-www-form-urlencoded") == (method, headers["Content-Type"])
    form = parse_qs(body.decode())
    assert {"logout_token"} == form.keys()
    token = form["logout_token"][0]
    claims = unverified(token)
    jti = claims.pop("jti")
    assert {
        "iss": "https://id.example.com",
        "sub": "sub-ada",
        "aud": "shop",
        "iat": sent_at,
        "exp": sent_at + 120,
        "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
        "sid": unverified(tokens["id_token"])["sid"],
    } == claims
    assert 36 == len(jti)
    assert {"alg": "RS256", "typ": "logout+jwt", "kid": fetched_key("RS256")} == header(token)
    assert 0 == world.count("outbox")


@pytest.fixture
def fetched_key(app):
    """The kid of the key that signs now, as a client finds it in the key set."""

    def kid(alg):
        keys = app.test_client().get("/oauth2/jwks", base_url="https://id.example.com").json["keys"]
        with app.app_context():
            signed = app.extensions["idp"].keys.sign({}, alg=alg)
        assert header(signed)["kid"] in {key["kid"] for key in keys}
        return header(signed)["kid"]

    return kid


def test_it_is_signed_as_the_clients_id_tokens_are(world, browser, receiver, deliver_due):
    world.user("ada")
    shop = listening(world, "shop", receiver.url("/shop"), id_token_signed_response_alg="ES256")
    sign_out(browser, shop.tokens(browser, user="ada"))
    deliver_due()

    [(_, _, _, body)] = receiver.asked
    assert "ES256" == header(parse_qs(body.decode())["logout_token"][0])["alg"]


def test_a_logout_token_is_no_token_for_anything_else(app, world, browser, shop, receiver, deliver_due):
    """§4: its type keeps it from being taken for an ID token or an access token."""
    world.user("ada")
    sign_out(browser, shop.tokens(browser, user="ada"))
    deliver_due()
    token = parse_qs(receiver.asked[0][3].decode())["logout_token"][0]

    assert 400 == browser.get("/oauth2/logout", id_token_hint=token).status_code
    assert 401 == shop.userinfo(token).status_code
    assert {"active": False} == shop.introspect(token).json


def test_every_client_that_took_part_is_told_and_no_other(app, world, browser, shop, receiver, deliver_due, tokens_at):
    """Also when another one signs the person out; each gets its own token."""
    world.user("ada")
    board = listening(world, "board", receiver.url("/board"))
    listening(world, "absent", receiver.url("/absent"))
    silent = Client.registered(world, "silent")
    shop.tokens(browser, user="ada")
    board.tokens(browser)
    other = Browser(app)
    shop.tokens(other, user="ada")
    sign_out(browser, silent.tokens(browser))

    assert 2 == deliver_due()

    [to_shop], [to_board] = tokens_at("/shop"), tokens_at("/board")
    assert ("shop", "board") == (to_shop["aud"], to_board["aud"])
    assert to_shop["sid"] == to_board["sid"]
    assert to_shop["jti"] != to_board["jti"]
    assert [] == tokens_at("/absent")
    assert "code" in other.authorize(shop, prompt="none")


def test_several_grants_of_one_client_are_one_message(world, browser, shop, deliver_due):
    world.user("ada")
    shop.tokens(browser, user="ada")
    sign_out(browser, shop.tokens(browser))

    assert 1 == deliver_due()


def test_a_session_whose_time_is_over_is_told_of(app, world, browser, shop, clock, deliver_due, tokens_at):
    """Nobody clicks anything: the sweeper finds it, and only once."""
    world.user("ada")
    sid = unverified(shop.tokens(browser, user="ada")["id_token"])["sid"]
    with app.app_context():
        sweep.work()
        assert 0 == world.count("outbox")
        clock.advance(hours=12)
        assert {"ended sessions": 1} == {k: v for k, v in sweep.work().items() if k == "ended sessions"}
        assert "ended sessions" not in sweep.work()

    assert 1 == deliver_due()
    assert [sid] == [claims["sid"] for claims in tokens_at()]
    assert "session.ended" in world.events()


def test_another_person_who_signs_in_here_ends_it(world, browser, shop, deliver_due, tokens_at):
    world.user("ada")
    world.user("bob")
    shop.tokens(browser, user="ada")
    browser.open(shop, prompt="consent")
    browser.follow()
    posts = [form["action"] or "" for form in Forms.of(browser.page.text) if form["method"] == "post"]
    browser.submit(index=next(number for number, action in enumerate(posts) if action.endswith("/other-account")))
    browser.follow()
    browser.sign_in("bob")

    assert 1 == deliver_due()
    assert ["sub-ada"] == [claims["sub"] for claims in tokens_at()]


def test_the_same_person_who_signs_in_again_does_not(world, browser, shop, deliver_due):
    world.user("ada")
    shop.tokens(browser, user="ada")
    shop.tokens(browser, user="ada", prompt="login")

    assert 0 == deliver_due()


ADA = '[[user]]\nusername = "ada"\nsub = "sub-ada"\npassword = "correct horse battery staple"\n'


@pytest.mark.parametrize("after", [f"{ADA}disabled = true", ""])
def test_who_is_disabled_or_removed_is_signed_out_everywhere(app, shop, deliver_due, tokens_at, declare, after):
    """The administrator's way: `idp apply`."""
    declare(ADA)
    browsers = [Browser(app), Browser(app)]
    sids = {unverified(shop.tokens(browser, user="ada")["id_token"])["sid"] for browser in browsers}

    declare(after, prune=True)

    assert 2 == deliver_due()
    assert sids == {claims["sid"] for claims in tokens_at()}
    assert {"sub-ada"} == {claims["sub"] for claims in tokens_at()}
    assert {"error": "login_required"}.items() <= browsers[0].authorize(shop, prompt="none").items()


@pytest.fixture
def declare(app):
    def applied(text, *, prune=False):
        with app.app_context():
            state.apply(text, {}, prune=prune)
            db.session.remove()

    return applied


def test_the_name_is_the_one_that_the_client_knows(world, app, receiver, browser, deliver_due, tokens_at):
    """A pairwise one, and also of a person who is gone when the message is sent."""
    ada = world.user("ada")
    shop = listening(world, "shop", receiver.url("/shop"), subject_type="pairwise")
    known = unverified(shop.tokens(browser, user="ada")["id_token"])["sub"]
    with app.app_context(), db.transaction():
        session.end_all(ada.id, session.Reason.USER_DISABLED)
    world.execute("DELETE FROM user_account")

    assert 1 == deliver_due()
    assert [known] == [claims["sub"] for claims in tokens_at()]
    assert "sub-ada" != known


def test_an_administrator_ends_all_sessions_of_a_person(app, world, browser, shop, deliver_due, tokens_at):
    ada = world.user("ada")
    tokens = shop.tokens(browser, user="ada")
    with app.app_context(), db.transaction():
        assert 1 == session.end_all(ada.id, session.Reason.USER_DISABLED)
        assert 0 == session.end_all(ada.id, session.Reason.USER_DISABLED)

    assert 1 == deliver_due()
    assert "invalid_grant" == shop.refresh(tokens["refresh_token"]).json["error"]


def test_no_session_ends_without_its_messages(world, browser, shop, deliver_due, monkeypatch):
    """Both are one transaction: when the outbox refuses, nothing happened."""
    world.user("ada")
    tokens = shop.tokens(browser, user="ada")

    def refuse(*_):
        raise RuntimeError("no room")

    with monkeypatch.context() as patched:
        patched.setattr(outbox, "put", refuse)
        assert 500 == browser.get("/oauth2/logout", id_token_hint=tokens["id_token"]).status_code

    assert "code" in browser.authorize(shop, prompt="none")
    assert 0 == deliver_due()


def test_offline_access_survives(world, browser, shop, deliver_due):
    """§2.7: refresh tokens without offline_access are dead, those with it are not."""
    world.user("ada")
    online = shop.tokens(browser, user="ada")
    offline = shop.tokens(browser, scope="openid offline_access")
    sign_out(browser, online)
    deliver_due()

    assert [400, 200] == [shop.refresh(tokens["refresh_token"]).status_code for tokens in (online, offline)]


@pytest.mark.parametrize("answer", [(400, {}, b"{}"), (500, {}, b""), (302, {"Location": "/elsewhere"}, b"")])
def test_a_receiver_that_refuses_is_told_again_with_the_same_jti(
    world, browser, shop, receiver, clock, deliver_due, tokens_at, answer
):
    """§2.8; redirects are not followed (promise P16)."""
    world.user("ada")
    sign_out(browser, shop.tokens(browser, user="ada"))
    receiver.answers["/shop"] = answer
    deliver_due()
    [(error,)] = world.execute("SELECT last_error FROM outbox")
    clock.advance(20)
    receiver.answers["/shop"] = (200, {}, b"")
    deliver_due()

    first, second = tokens_at()
    assert f"Unreachable: the answer was {answer[0]}" == error
    assert [first["jti"], first["iat"] + 20] == [second["jti"], second["iat"]]
    assert 0 == world.count("outbox")
    assert "/elsewhere" not in [path for _, path, _, _ in receiver.asked]


def test_a_client_that_is_gone_needs_no_message(world, browser, shop, deliver_due, receiver):
    world.user("ada")
    sign_out(browser, shop.tokens(browser, user="ada"))
    world.execute("DELETE FROM client")
    world.forget_cache()

    assert 1 == deliver_due()
    assert [] == receiver.asked
    assert 0 == world.count("outbox")


def test_discovery_announces_it(browser):
    """§2.1."""
    document = browser.get("/.well-known/openid-configuration").json

    assert document["backchannel_logout_supported"]
    assert document["backchannel_logout_session_supported"]


@pytest.mark.parametrize(
    "uri",
    [
        '"http://shop.example/out"',
        '"https://shop.example/out#x"',
        '"https://*.example/out"',
        '"ftp://shop.example"',
        "7",
    ],
)
def test_the_address_is_checked_when_it_is_registered(declare, uri):
    """§2.2: an https: URI without a fragment."""
    client = '[[client]]\nclient_id = "shop"\nredirect_uris = ["https://shop.example/"]\n'
    with pytest.raises(Invalid, match="backchannel_logout_uri"):
        declare(f"{client}backchannel_logout_uri = {uri}")
    declare(f'{client}backchannel_logout_uri = "https://shop.example/out"\nbackchannel_logout_session_required = true')


def test_a_pairwise_client_is_told_its_own_name(world, browser, receiver, deliver_due, tokens_at):
    """§2.4: the `sub` of the ID token, which is the client's own for the user (Core §8)."""
    shop = listening(world, "shop", receiver.url("/shop"), subject_type="pairwise")
    world.user("ada")
    tokens = shop.tokens(browser, user="ada")

    sign_out(browser, tokens)
    deliver_due()

    assert [unverified(tokens["id_token"])["sub"]] == [token["sub"] for token in tokens_at()]
