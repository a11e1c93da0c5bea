"""The single sign-on session: started, found, renewed, ended."""

import pytest

NAME = "__Host-idp"


@pytest.fixture
def anna(world):
    world.person("anna", sub="anna")
    return world.browser()


def test_cookie_is_closed_to_everybody(anna):
    """`__Host-`, Secure, HttpOnly, Lax, Path=/, no Domain, ends with the browser; encrypted, and small."""
    session, device = (
        next(line for line in anna.login("anna").headers.getlist("Set-Cookie") if line.startswith(f"{name}="))
        for name in (NAME, "__Host-idp-dev")
    )
    value, *flags = session.split("; ")

    assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} == set(flags)
    assert 5 == len(value.split("."))
    assert len(value) < 1500
    assert "Max-Age=31536000" in device.split("; ")


def test_session_is_found(anna):
    """The cookie leads to the session until it ends."""
    sid = anna.login("anna").json["sid"]

    assert {"sid": sid, "sub": "anna", "amr": ["pwd"], "acr": "urn:idp:1fa"} == anna.whoami()


@pytest.mark.parametrize(
    "change", [lambda v: "", lambda v: "x", lambda v: v[:-1], lambda v: v + "A", lambda v: f"a{v}"]
)
def test_broken_cookie_is_no_cookie(anna, change):
    """Nothing that does not open says more than no cookie at all."""
    anna.login("anna")
    anna.set_cookie(NAME, change(anna.cookie(NAME)))

    assert {} == anna.whoami()


def test_other_cookies_are_no_session(anna):
    """What was sealed for one purpose is nothing for another."""
    anna.login("anna")
    anna.set_cookie(NAME, anna.cookie("__Host-idp-dev"))

    assert {} == anna.whoami()


def test_same_person_again_keeps_the_session(anna, clock, world):
    """`sid` stays, the secret is new: the cookie from before is dead."""
    first = anna.login("anna").json
    old = anna.cookie(NAME)
    clock.advance(seconds=1)
    second = anna.login("anna").json
    assert first["sid"] == second["sid"]
    assert first["auth_time"] + 1 == second["auth_time"]

    anna.set_cookie(NAME, old)
    assert {} == anna.whoami()
    assert [(1,)] == world.query("SELECT count(*)::int FROM sso_session")


def test_other_person_ends_the_session(anna, world):
    """Two people never share a session, nor does the first one's cookie live on."""
    world.person("bert", sub="bert")
    first = anna.login("anna").json["sid"]
    old = anna.cookie(NAME)
    second = anna.login("bert").json["sid"]
    assert first != second
    assert "bert" == anna.whoami()["sub"]

    anna.set_cookie(NAME, old)
    assert {} == anna.whoami()
    assert [({"session": first, "reason": "other account"},)] == world.query(
        "SELECT facts FROM security_event WHERE kind = 'session.ended'"
    )


def test_signing_out_kills_every_copy(anna, world):
    """The row ends, so a copy of the cookie is dead, and the browser's own is deleted."""
    anna.login("anna")
    copy = anna.cookie(NAME)
    anna.post("/logout")
    assert not anna.cookie(NAME)

    anna.set_cookie(NAME, copy)
    assert {} == anna.whoami()
    assert "session.ended" in world.events()


def test_idle_session_is_over(anna, clock):
    """Four hours without a request end it; a request in between keeps it."""
    anna.login("anna")
    clock.advance(hours=3)
    assert anna.whoami()
    clock.advance(hours=3)
    assert anna.whoami()
    clock.advance(hours=4)

    assert {} == anna.whoami()


def test_absolute_limit(anna, clock):
    """Twelve hours after the sign-in it is over, however busy; signing in again renews it."""
    anna.login("anna")
    for _ in range(11):
        clock.advance(hours=1)
        assert anna.whoami()
    clock.advance(hours=1)
    assert {} == anna.whoami()

    anna.login("anna")
    assert anna.whoami()


def test_row_ends_before_its_cookie(anna, world):
    """Where a policy shortened the session, the row decides."""
    anna.login("anna")
    world.query("UPDATE sso_session SET ends_at = auth_time RETURNING id")

    assert {} == anna.whoami()


def test_seen_is_written_once_a_minute(anna, clock, world):
    """A busy session costs a write a minute, not one a request."""
    anna.login("anna")
    seen = world.query("SELECT seen_at FROM sso_session")
    clock.advance(seconds=60)
    anna.whoami()
    assert seen == world.query("SELECT seen_at FROM sso_session")
    clock.advance(seconds=1)
    anna.whoami()

    assert seen != world.query("SELECT seen_at FROM sso_session")


def test_disabled_person_has_no_session(anna, world):
    """Disabling counts at once."""
    anna.login("anna")
    world.disable("anna")

    assert {} == anna.whoami()


def test_failed_request_sets_no_cookie(anna):
    """What was rolled back must not be pointed to."""
    assert [] == anna.post("/fail").headers.getlist("Set-Cookie")


def test_rows_hold_no_secret(anna, world):
    """Neither the cookie nor what it holds can be made from the table."""
    anna.login("anna")
    ((row,),) = world.query("SELECT to_jsonb(s)::text FROM sso_session s")

    assert anna.cookie(NAME) not in row
    assert [(32,)] == world.query("SELECT length(hash) FROM sso_session")


def test_device_remembers_five_people(world):
    """The sixth person pushes out the one who was here longest ago; the cookie stays small."""
    browser = world.browser()
    for n in range(6):
        world.person(f"p{n}")
        browser.login(f"p{n}")
    known = world.query("SELECT facts ->> 'known_device' FROM security_event WHERE kind = 'login.success'")
    assert [("false",)] * 6 == known

    assert len(browser.cookie("__Host-idp-dev")) < 600
    browser.login("p5")
    browser.login("p1")
    browser.login("p0")
    known = world.query("SELECT facts ->> 'known_device' FROM security_event WHERE kind = 'login.success' ORDER BY id")
    assert [("true",), ("true",), ("false",)] == known[6:]


class TestInDevelopment:
    """On http: loopback cookies have no prefix and no `Secure`."""

    @pytest.fixture
    def settings(self, settings):
        return settings.model_copy(update={"public_url": "http://localhost:8000"})

    def test_cookies_are_plain(self, anna):
        """No client library would send others over plain HTTP."""
        cookies = anna.login("anna").headers.getlist("Set-Cookie")

        assert {"idp", "idp-dev"} == {line.partition("=")[0] for line in cookies}
        assert not any("Secure" in line for line in cookies)
        assert all("HttpOnly" in line for line in cookies)
        assert anna.whoami()
