"""Guessing is limited, and the owner is never locked out."""

import pytest

from idp import passwords


def _fail(browser, name, times):
    return [browser.login(name, f"wrong {n}").status_code for n in range(times)]


def _addresses(world):
    """A botnet: a browser at another address each time."""
    return (world.browser(f"198.51.{n // 200}.{n % 200}") for n in range(10_000))


def test_account_is_slow_for_strangers_and_free_for_the_owner(world):
    """After ten failures the right password is wrong from unknown browsers; the owner's own knows no difference."""
    world.person("anna")
    owner, strangers = world.browser(), _addresses(world)
    owner.login("anna")
    for _ in range(10):
        assert [401] == _fail(next(strangers), "anna", 1)

    assert 401 == next(strangers).login("anna").status_code
    assert "login.throttled" in world.events()
    assert 200 == owner.login("anna").status_code
    assert owner.whoami()


def test_throttled_account_answers_as_ever(world, monkeypatch):
    """Same status, body, headers and work as a wrong password, without touching the real hash."""
    world.person("anna")
    strangers = _addresses(world)
    ordinary = next(strangers).login("anna", "wrong")
    for _ in range(9):
        next(strangers).login("anna", "wrong")
    wasted = []
    monkeypatch.setattr(passwords, "waste", lambda work, cost: wasted.append(work))
    monkeypatch.setattr(passwords, "verify", lambda *_: pytest.fail("the real hash was used"))
    response = next(strangers).login("anna", "wrong")

    assert (ordinary.status_code, ordinary.data) == (response.status_code, response.data)
    assert sorted(ordinary.headers) == sorted(response.headers)
    assert [1 << 14] == wasted


def test_slow_mode_lets_one_through_in_thirty_seconds(world, clock):
    """The owner with a new browser gets in by waiting, without any help."""
    world.person("anna")
    strangers = _addresses(world)
    for _ in range(11):
        next(strangers).login("anna", "wrong")
    clock.advance(seconds=31)

    assert 200 == next(strangers).login("anna").status_code


def test_hundred_failures_a_day_are_all(world, clock):
    """NIST SP 800-63B-4 §3.2.2: after a hundred failures strangers must wait, and then it ends by itself."""
    world.person("anna")
    owner, strangers = world.browser(), _addresses(world)
    owner.login("anna")
    for _ in range(100):
        next(strangers).login("anna", "wrong")
        clock.advance(seconds=31)

    assert 401 == next(strangers).login("anna").status_code
    clock.advance(minutes=15)
    assert 401 == next(strangers).login("anna").status_code
    assert 200 == owner.login("anna").status_code
    clock.advance(days=1)
    assert 200 == next(strangers).login("anna").status_code


def test_known_device_slows_itself_only(world, clock):
    """Ten failures in the owner's browser make that browser wait; a success clears its count."""
    world.person("anna")
    known, other = world.browser(), world.browser("192.0.2.9")
    known.login("anna")
    for _ in range(2):
        _fail(known, "anna", 9)
        assert 200 == known.login("anna").status_code
    _fail(known, "anna", 10)

    assert 401 == known.login("anna").status_code
    assert 200 == other.login("anna").status_code
    clock.advance(minutes=15, seconds=1)
    assert 200 == known.login("anna").status_code


def test_known_device_has_a_hundred_failures_a_day(world, clock):
    """NIST SP 800-63B-4 §3.2.2 holds for a stolen laptop too: ten each quarter of an hour end at a hundred."""
    world.person("anna")
    known, other = world.browser(), world.browser("192.0.2.9")
    known.login("anna")
    for _ in range(10):
        assert [401] * 10 == _fail(known, "anna", 10)
        clock.advance(minutes=15, seconds=1)

    assert 401 == known.login("anna").status_code
    assert 200 == other.login("anna").status_code
    clock.advance(days=1)
    assert 200 == known.login("anna").status_code


def test_device_is_known_for_its_people_only(world):
    """Somebody else's device cookie, and a forged one, are those of a stranger."""
    world.person("anna")
    world.person("mallory")
    mallory = world.browser()
    mallory.login("mallory")
    strangers = _addresses(world)
    for _ in range(10):
        next(strangers).login("anna", "wrong")

    assert 401 == mallory.login("anna").status_code
    mallory.set_cookie("__Host-idp-dev", "forged")
    assert 401 == mallory.login("anna").status_code


def test_names_of_one_account_share_its_count(world):
    """User name, address and any case of them are one account."""
    world.person("anna", email="anna@example.com", email_verified=True)
    strangers = _addresses(world)
    for name in ["anna", "ANNA", "anna@example.com", "Anna@Example.com", " anna"] * 2:
        next(strangers).login(name, "wrong")

    assert 401 == next(strangers).login("anna").status_code


def test_unknown_names_are_counted_alike(world):
    """A name that nobody has is throttled as one that somebody has."""
    strangers = _addresses(world)
    for _ in range(11):
        next(strangers).login("Nobody", "wrong")

    assert ["login.failure"] * 10 + ["login.throttled"] == world.events()


def test_address_is_told_to_wait(world):
    """Thirty failures in five minutes: 429 with Retry-After, also for other names, before anything is hashed."""
    world.person("anna")
    browser = world.browser()
    for n in range(30):
        assert 401 == browser.login(f"n{n % 15}", "wrong").status_code
    response = browser.login("anna")

    assert (429, "300") == (response.status_code, response.headers["Retry-After"])
    assert 200 == world.browser("192.0.2.77").login("anna").status_code


def test_throttled_address_harms_no_account(world, clock, monkeypatch):
    """What a paused address tries moves no counter, costs no hash, and writes one event."""
    world.person("anna")
    browser = world.browser()
    for n in range(30):
        browser.login(f"n{n % 15}", "wrong")
    monkeypatch.setattr(passwords, "_derive", lambda *_: pytest.fail("hashed"))
    before = world.query("SELECT sum(count) FROM attempt")
    assert {429} == set(_fail(browser, "anna", 50))

    assert 1 == world.events().count("login.throttled")
    assert int(before[0][0]) + 1 == world.query("SELECT sum(count)::int FROM attempt")[0][0]
    clock.advance(minutes=5)
    monkeypatch.undo()
    assert 200 == browser.login("anna").status_code


def test_spraying_many_names_is_stopped(world):
    """Twenty names from one address: the twenty-first waits, though each was tried once."""
    browser = world.browser()
    answers = [browser.login(f"person{n}", "Summer2030!").status_code for n in range(21)]

    assert [401] * 20 + [429] == answers


@pytest.mark.parametrize("email", ["anna@example.com", None])
def test_spellings_of_one_account_are_two_names(world, email):
    """Whether a name and an address are one person shows by no limit: they count like those of two, or of nobody."""
    world.person("anna", email=email, email_verified=bool(email))
    browser = world.browser()
    names = [*(f"person{n}" for n in range(18)), "anna", "anna@example.com", "person0"]

    assert [401] * 20 + [429] == [browser.login(name, "Summer2030!").status_code for name in names]


def test_addresses_of_one_network_are_one(world):
    """An IPv6 household has a /64; a mapped IPv4 address is that address."""
    for n in range(30):
        world.browser(f"2001:db8:0:1::{n:x}").login(f"n{n % 15}", "wrong")
        world.browser(["::ffff:203.0.113.5", "203.0.113.5"][n % 2]).login(f"n{n % 15}", "wrong")

    assert 429 == world.browser("2001:db8:0:1:ffff::1").login("x").status_code
    assert 429 == world.browser("203.0.113.5").login("x").status_code
    assert 401 == world.browser("2001:db8:0:2::1").login("x").status_code


def test_many_people_behind_one_address_sign_in(world):
    """Successes count nothing: an office signs in on Monday morning."""
    for n in range(35):
        world.person(f"p{n}")

    assert {200} == {world.browser().login(f"p{n}").status_code for n in range(35)}
